#include "base/text.h"
#include "twin/forms/anthropic.h"
#include "twin/media.h"

namespace cardea::twin {
namespace {

using json::Type;

// ---- Sources ---------------------------------------------------------------------------------------------------------------

template <std::size_t N>
Status check_type(const At& at, const std::string_view (&types)[N], Part& part) {
  part.medium.media_type = at.text();
  return one_of(at, types);
}

Status take_data(const At& at, Part& part) {
  const std::string said = part.medium.media_type;
  part.medium.media_type.clear();
  if (!take_base64(at.text(), part.medium)) return at.refuse("Input should be a valid base64-encoded string");
  const std::string found = part.medium.media_type;
  part.medium.media_type = said.empty() ? found : said;
  return {};
}

Status take_medium_url(const At& at, Part& part) {
  part.medium.url = at.text();
  if (at.text().starts_with("https://") || at.text().starts_with("http://")) return {};
  return at.refuse("Only HTTP(S) URLs are supported.");
}
Status take_medium_id(const At& at, Part& part) {
  part.medium.id = at.text();
  return {};
}

Status read_image_base64(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"media_type", is_text,
                                 [](const At& type, Part& into) {
                                   constexpr std::string_view types[] = {"image/jpeg", "image/png", "image/gif", "image/webp"};
                                   return check_type(type, types, into);
                                 },
                                 true},
                                {"data", is_text, take_data, true}};
  Status status = read_members(at, rows, part);
  if (!status) return status;
  part.medium.media_type = text_member(at.value(), "media_type");
  Medium other;
  static_cast<void>(take_base64(text_member(at.value(), "data"), other));
  if (other.media_type.empty() || other.media_type == part.medium.media_type) return {};
  return at.refuse(cat("The image was specified using the ", part.medium.media_type,
                       " media type, but the image appears to be a ", other.media_type, " image"));
}
Status read_pdf_base64(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"media_type", is_text,
                                 [](const At& type, Part& into) {
                                   constexpr std::string_view types[] = {"application/pdf"};
                                   return check_type(type, types, into);
                                 },
                                 true},
                                {"data", is_text, take_data, true}};
  Status status = read_members(at, rows, part);
  part.medium.media_type = "application/pdf";
  return status;
}
Status read_plain_text(const At& at, Part& part) {
  part.medium.media_type = "text/plain";
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"media_type", is_text,
                                 [](const At& type, Part& into) {
                                   constexpr std::string_view types[] = {"text/plain"};
                                   return check_type(type, types, into);
                                 },
                                 true},
                                {"data", is_text,
                                 [](const At& data, Part& into) {
                                   take_bytes(data.text(), into.medium);
                                   return Status{};
                                 },
                                 true}};
  return read_members(at, rows, part);
}
Status read_url(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"type", is_text}, {"url", is_text, take_medium_url, true}};
  return read_members(at, rows, part);
}
Status read_file(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"type", is_text}, {"file_id", is_text, take_medium_id, true}};
  return read_members(at, rows, part);
}
Status read_content_source(const At& at, Part& part) {
  part.medium.media_type = "text/plain";
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"content", is_text | is_list,
                                 [](const At& content, Part& into) {
                                   take_bytes(content.value().is(Type::string) ? content.text() : content.value().dump(),
                                              into.medium);
                                   return Status{};
                                 },
                                 true}};
  return read_members(at, rows, part);
}

Status read_image_source(const At& at, Part& part) {
  constexpr Variant<Part> kinds[] = {{"base64", read_image_base64}, {"url", read_url}, {"file", read_file}};
  return read_variant(at, "type", kinds, part);
}
Status read_document_source(const At& at, Part& part) {
  constexpr Variant<Part> kinds[] = {{"base64", read_pdf_base64},
                                     {"content", read_content_source},
                                     {"file", read_file},
                                     {"text", read_plain_text},
                                     {"url", read_url}};
  return read_variant(at, "type", kinds, part);
}

// ---- Blocks ----------------------------------------------------------------------------------------------------------------

Status read_image(const At& at, Part& part) {
  part.kind = Part::Kind::medium;
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"source", is_object, read_image_source, true},
                                {"transformations", is_object},
                                {"cache_control", is_object, take_cache<Part>}};
  return read_members(at, rows, part);
}

Status read_document(const At& at, Part& part) {
  part.kind = Part::Kind::medium;
  part.medium.kind = Medium::Kind::file;
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"source", is_object, read_document_source, true},
                                {"title", is_text,
                                 [](const At& title, Part& into) {
                                   into.medium.name = title.text();
                                   return Status{};
                                 }},
                                {"context", is_text},
                                {"citations", is_object},
                                {"cache_control", is_object, take_cache<Part>}};
  return read_members(at, rows, part);
}

Status take_call_id(const At& at, Part& part) {
  part.id = at.text();
  return is_plain_name(part.id, 256) ? Status{} : at.refuse("String should match pattern '^[a-zA-Z0-9_-]+$'");
}
Status take_call_name(const At& at, Part& part) {
  part.name = at.text();
  return is_plain_name(part.name, 200) ? Status{} : at.refuse("String should match pattern '^[a-zA-Z0-9_-]{1,200}$'");
}
Status take_input(const At& at, Part& part) {
  part.text = at.value().dump();
  return {};
}

Status read_tool_use(const At& at, Part& part) {
  part.kind = Part::Kind::call;
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"id", is_text, take_call_id, true},
                                {"name", is_text, take_call_name, true},
                                {"input", is_object, take_input, true},
                                {"caller", is_object},
                                {"cache_control", is_object, take_cache<Part>}};
  return read_members(at, rows, part);
}

Status read_search_result(const At& at, Part& part) {
  part.kind = Part::Kind::other;
  part.text = "search_result";
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"source", is_text, nullptr, true},
                                {"title", is_text, nullptr, true},
                                {"content", is_list, nullptr, true},
                                {"citations", is_object},
                                {"cache_control", is_object, take_cache<Part>}};
  return read_members(at, rows, part);
}

Status take_result_content(const At& at, Part& part) {
  if (at.value().is(Type::string)) {
    part.parts.push_back({.text = at.text()});
    return {};
  }
  return at.each(is_object, [&](const At& one) {
    constexpr Variant<Part> kinds[] = {
        {"text", read_anthropic_text}, {"image", read_image}, {"search_result", read_search_result}, {"document", read_document}};
    return read_variant(one, "type", kinds, part.parts.emplace_back());
  });
}

Status read_tool_result(const At& at, Part& part) {
  part.kind = Part::Kind::result;
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"tool_use_id", is_text, take_call_id, true},
                                {"content", is_text | is_list, take_result_content},
                                {"is_error", is_bool, take_bool<&Part::error>},
                                {"cache_control", is_object, take_cache<Part>}};
  Status status = read_members(at, rows, part);
  const auto says = [](const Part& one) { return one.kind != Part::Kind::text || !one.text.empty(); };
  if (!status || !part.error || std::ranges::any_of(part.parts, says)) return status;
  return at.refuse("content cannot be empty if `is_error` is true");
}

/// The model that repeats what it got takes any signature.
bool verifies(const At& at) { return !at.request().model.ends_with("inspect"); }

Status read_thinking(const At& at, Part& part) {
  part.kind = Part::Kind::thought;
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"thinking", is_text, take_text<&Part::text>, true},
                                {"signature", is_text, take_text<&Part::signature>, true}};
  Status status = read_members(at, rows, part);
  if (!status || !verifies(at) || is_signed(at.reading().issuer, part.text, part.signature)) return status;
  return at.refuse("Invalid `signature` in `thinking` block");
}

Status read_redacted(const At& at, Part& part) {
  part.kind = Part::Kind::thought;
  part.redacted = true;
  constexpr Row<Part> rows[] = {{"type", is_text}, {"data", is_text, take_text<&Part::signature>, true}};
  Status status = read_members(at, rows, part);
  if (!status || !verifies(at) || is_sealed(at.reading().issuer, part.signature)) return status;
  return at.refuse("Invalid `data` in `redacted_thinking` block");
}

/// A block of a tool that the vendor ran itself.
Status read_server_block(const At& at, Part& part) {
  part.kind = Part::Kind::other;
  part.text = text_member(at.value(), "type");
  return {};
}

constexpr Variant<Part> block_kinds[] = {{"bash_code_execution_tool_result", read_server_block},
                                         {"code_execution_tool_result", read_server_block},
                                         {"container_upload", read_server_block},
                                         {"document", read_document},
                                         {"image", read_image},
                                         {"mcp_tool_result", read_server_block},
                                         {"mcp_tool_use", read_server_block},
                                         {"redacted_thinking", read_redacted},
                                         {"search_result", read_search_result},
                                         {"server_tool_use", read_server_block},
                                         {"text", read_anthropic_text},
                                         {"text_editor_code_execution_tool_result", read_server_block},
                                         {"thinking", read_thinking},
                                         {"tool_result", read_tool_result},
                                         {"tool_search_tool_result", read_server_block},
                                         {"tool_use", read_tool_use},
                                         {"web_fetch_tool_result", read_server_block},
                                         {"web_search_tool_result", read_server_block}};

}  // namespace

Status take_cache_control(const At& at, std::string& cache) {
  struct Control {
    std::string ttl = "default";
  } control;
  constexpr Row<Control> rows[] = {{"type", is_text,
                                    [](const At& type, Control&) {
                                      constexpr std::string_view types[] = {"ephemeral"};
                                      return one_of(type, types);
                                    },
                                    true},
                                   {"ttl", is_text, [](const At& ttl, Control& into) {
                                      into.ttl = ttl.text();
                                      constexpr std::string_view ttls[] = {"5m", "1h"};
                                      return one_of(ttl, ttls);
                                    }}};
  Status status = read_members(at, rows, control);
  cache = control.ttl;
  return status;
}

Status read_anthropic_text(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"text", is_text, take_text<&Part::text>, true},
                                {"citations", is_list},
                                {"cache_control", is_object, take_cache<Part>}};
  Status status = read_members(at, rows, part);
  if (!status) return status;
  const auto list = at.path().substr(0, at.path().find('.'));
  if (part.text.empty()) return at.words().refuse(list, "text content blocks must be non-empty");
  if (part.text.find_first_not_of(" \t\r\n") != std::string::npos) return {};
  return at.words().refuse(list, "text content blocks must contain non-whitespace text");
}

Status read_anthropic_block(const At& at, Part& part) { return read_variant(at, "type", block_kinds, part); }

}  // namespace cardea::twin

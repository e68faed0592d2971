// Content blocks become parts.

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "dialect/anthropic/anthropic.h"
#include "dialect/plain.h"

namespace cardea::dialect::claude {

using json::Type;
using json::Value;
using model::Part;

namespace {

using Names = std::span<const std::string_view>;

bool is_type(const Value& value, std::string_view type) {
  const auto* text = text_at(value, "type");
  return text != nullptr && *text == type;
}
std::optional<std::string> optional_text(const Value& object, std::string_view key) {
  const auto* text = text_at(object, key);
  return text != nullptr ? std::optional{*text} : std::nullopt;
}

Status decode_text(const Value& value, std::string_view path, Part& out) {
  auto text = required_string(value, "text", path);
  if (!text) return fail_with(text);
  model::Text part{.text = std::move(*text)};
  if (const auto* citations = given(value, "citations")) {
    if (!citations->is(Type::array)) return wrong_type(cat(path, ".citations"), "an array", citations->type());
    const auto length = characters(part.text);
    for (const auto& citation : citations->elements()) part.citations.push_back(decode_citation(citation, length));
  }
  out.value = std::move(part);
  return {};
}

/// What a `source` says that a Media can hold; the rest of it becomes the extra "source". Nothing for a form not known here.
Result<std::optional<model::Media>> decode_source(const Value& source, std::string_view path, model::Extras& extras) {
  constexpr std::array<std::string_view, 5> known{"type", "media_type", "data", "url", "file_id"};
  model::Media media;
  auto status = read_member(source, "media_type", path, media.media_type);
  if (!status) return fail_with(status);
  Result<std::string> said = std::string{};
  if (is_type(source, "base64")) {
    said = required_string(source, "data", path);
    if (said) media.base64 = std::move(*said);
  } else if (is_type(source, "url")) {
    said = required_string(source, "url", path);
    if (said) media.url = std::move(*said);
  } else if (is_type(source, "file")) {
    said = required_string(source, "file_id", path);
    if (said) media.id = std::move(*said);
  } else if (is_type(source, "text")) {
    said = required_string(source, "data", path);
    if (said) media.base64 = to_base64(*said);
    if (!media.media_type) media.media_type = "text/plain";
  } else {
    return std::nullopt;
  }
  if (!said) return fail_with(said);
  collect_inner(source, "source", known, extras);
  return media;
}

void keep_raw(const Value& value, Part& out) {
  out = Part{.value = model::Opaque{.dialect = std::string{dialect_name}, .value = {value.dump()}}};
}

Status decode_image(const Value& value, std::string_view path, Part& out) {
  auto source = required_object(value, "source", path);
  if (!source) return fail_with(source);
  auto media = decode_source(**source, cat(path, ".source"), out.extras);
  if (!media) return fail_with(media);
  if (!*media) {
    keep_raw(value, out);
  } else {
    out.value = model::Image{.media = std::move(**media)};
  }
  return {};
}

/// The texts of a list of text blocks, a paragraph each; nothing when it holds anything else.
std::optional<std::string> joined_texts(const Value& content) {
  if (const auto* text = content.as_string()) return *text;
  if (!content.is(Type::array)) return std::nullopt;
  std::string out;
  for (const auto& block : content.elements()) {
    const auto* text = text_at(block, "text");
    if (!is_type(block, "text") || text == nullptr) return std::nullopt;
    out += cat(out.empty() ? "" : "\n\n", *text);
  }
  return out;
}

Status decode_document(const Value& value, std::string_view path, Part& out) {
  auto source = required_object(value, "source", path);
  if (!source) return fail_with(source);
  model::File file{.media = {}, .name = {}};
  auto status = read_member(value, "title", path, file.name);
  if (!status) return status;
  // A document in blocks is a text to all others; its own form stays beside it.
  const auto* content = is_type(**source, "content") ? given(**source, "content") : nullptr;
  const auto text = content != nullptr ? joined_texts(*content) : std::nullopt;
  if (text) {
    file.media = {.base64 = to_base64(*text), .media_type = "text/plain"};
    out.value = std::move(file);
    out.extras.push_back({"source", {(*source)->dump()}});
    return {};
  }
  auto media = decode_source(**source, cat(path, ".source"), out.extras);
  if (!media) return fail_with(media);
  if (!*media) {
    keep_raw(value, out);
    return {};
  }
  file.media = std::move(**media);
  out.value = std::move(file);
  return {};
}

/// A search result is a text to all others; its own form stays beside it.
Status decode_search_result(const Value& value, std::string_view path, Part& out) {
  auto title = required_string(value, "title", path);
  if (!title) return fail_with(title);
  auto source = required_string(value, "source", path);
  if (!source) return fail_with(source);
  const auto* content = given(value, "content");
  const auto text = content != nullptr ? joined_texts(*content) : std::nullopt;
  if (!text) {
    keep_raw(value, out);
    return {};
  }
  out.value = model::Text{.text = cat(*title, "\n", *source, "\n\n", *text), .citations = {}};
  out.extras.push_back({"search_result", {value.dump()}});
  return {};
}

Status decode_thinking(const Value& value, std::string_view path, Part& out) {
  auto text = required_string(value, "thinking", path);
  if (!text) return fail_with(text);
  model::Thinking thinking{.text = std::move(*text)};
  auto status = read_member(value, "signature", path, thinking.signature);
  // Of a block that began a stream, or of vendors that do not sign.
  if (thinking.signature && thinking.signature->empty()) thinking.signature.reset();
  out.value = std::move(thinking);
  return status;
}

Status decode_redacted(const Value& value, std::string_view path, Part& out) {
  auto data = required_string(value, "data", path);
  if (!data) return fail_with(data);
  model::Thinking thinking{.text = {}};
  thinking.redacted = std::move(*data);
  out.value = std::move(thinking);
  return {};
}

Status decode_tool_use(const Value& value, std::string_view path, Part& out) {
  auto id = required_string(value, "id", path);
  if (!id) return fail_with(id);
  auto name = required_string(value, "name", path);
  if (!name) return fail_with(name);
  model::ToolCall call{.id = std::move(*id), .name = std::move(*name), .arguments = "{}"};
  const auto* input = given(value, "input");
  if (input != nullptr) call.arguments = input->dump();
  out.value = std::move(call);
  // Called by the model itself, which goes without saying.
  const auto* caller = given(value, "caller");
  if (caller != nullptr && !is_type(*caller, "direct")) out.extras.push_back({"caller", {caller->dump()}});
  return {};
}

Status decode_tool_result(const Value& value, std::string_view path, Part& out) {
  auto id = required_string(value, "tool_use_id", path);
  if (!id) return fail_with(id);
  model::ToolResult result{.call_id = std::move(*id), .name = {}, .is_error = {}, .parts = {}};
  auto status = read_member(value, "is_error", path, result.is_error);
  if (const auto* content = given(value, "content"); status && content != nullptr) {
    status = decode_content(*content, cat(path, ".content"), result.parts);
  }
  out.value = std::move(result);
  return status;
}

struct BlockForm {
  std::string_view type;
  Status (*decode)(const Value& value, std::string_view path, Part& out);
  std::array<std::string_view, 5> known;  ///< beside `type`
};
constexpr std::array<BlockForm, 8> forms{{
    {"text", decode_text, {"text", "citations", "cache_control"}},
    {"image", decode_image, {"source", "cache_control"}},
    {"document", decode_document, {"source", "title", "cache_control"}},
    {"tool_use", decode_tool_use, {"id", "name", "input", "caller", "cache_control"}},
    {"tool_result", decode_tool_result, {"tool_use_id", "content", "is_error", "cache_control"}},
    {"thinking", decode_thinking, {"thinking", "signature"}},
    {"redacted_thinking", decode_redacted, {"data"}},
    {"search_result", decode_search_result, {}},
}};

}  // namespace

std::uint64_t characters(std::string_view text) noexcept {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

Status decode_cache(const Value& block, std::string_view path, std::optional<model::CacheHint>& out) {
  const auto* cache = given(block, "cache_control");
  if (cache == nullptr) return {};
  const auto inner = cat(path, ".cache_control");
  if (!cache->is(Type::object)) return wrong_type(inner, "an object", cache->type());
  std::optional<std::string> type;
  auto status = read_member(*cache, "type", inner, type);
  if (status) status = read_member(*cache, "ttl", inner, out.emplace().ttl);
  if (status && type) out->type = std::move(*type);
  return status;
}

Status decode_block(const Value& value, std::string_view path, Part& out) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  const auto* form = std::ranges::find(forms, std::string_view{*type}, &BlockForm::type);
  if (form == forms.end()) {
    keep_raw(value, out);
    return {};
  }
  auto status = form->decode(value, path, out);
  const bool whole = std::holds_alternative<model::Opaque>(out.value) || *type == "search_result";
  if (!status || whole) return status;
  std::vector<std::string_view> known{"type"};
  std::ranges::copy_if(form->known, std::back_inserter(known), [](std::string_view key) { return !key.empty(); });
  collect_extras(value, known, out.extras);
  return decode_cache(value, path, out.cache);
}

Status decode_content(const Value& content, std::string_view path, std::vector<Part>& out) {
  if (const auto* text = content.as_string()) {
    if (!text->empty()) out.push_back({.value = model::Text{.text = *text, .citations = {}}, .cache = {}, .extras = {}});
    return {};
  }
  if (!content.is(Type::array)) return wrong_type(path, "a string or an array of blocks", content.type());
  out.reserve(out.size() + content.elements().size());
  for (std::size_t i = 0; i < content.elements().size(); ++i) {
    auto status = decode_block(content.elements()[i], cat(path, '[', i, ']'), out.emplace_back());
    if (!status) return status;
  }
  return {};
}

/// char_location, page_location, content_block_location, web_search_result_location, search_result_location: each says more of
/// the place in the source than the model holds, so its own form is kept.
model::Citation decode_citation(const Value& citation, std::optional<std::uint64_t> length) {
  model::Citation out;
  out.raw = model::Json{citation.dump()};
  out.url = optional_text(citation, "url");
  const auto* source = text_at(citation, "source");
  if (!out.url && source != nullptr && source->find("://") != std::string::npos) out.url = *source;
  out.title = optional_text(citation, "document_title");
  if (!out.title) out.title = optional_text(citation, "title");
  out.cited_text = optional_text(citation, "cited_text");
  if (const auto* index = citation.find("document_index")) out.document = index->as_u64();
  if (length && *length != 0) {
    out.start = 0;
    out.end = *length;
  }
  return out;
}

}  // namespace cardea::dialect::claude

// Parts become content blocks.

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "dialect/anthropic/anthropic.h"
#include "dialect/plain.h"

namespace cardea::dialect::claude {

using json::Type;
using json::Writer;
using model::Part;
using model::Role;

namespace {

constexpr std::string_view white = " \t\r\n\v\f";
constexpr std::string_view pdf = "application/pdf";

const model::Extra* extra_of(const Part& part, std::string_view key) {
  const auto* found = std::ranges::find(part.extras, key, &model::Extra::key).base();
  return found != part.extras.data() + part.extras.size() ? found : nullptr;
}

/// By its first bytes, as vendors need not say it.
std::string_view sniffed(std::string_view base64) noexcept {
  struct Magic {
    std::string_view start;
    std::string_view type;
  };
  constexpr std::array<Magic, 5> magics{
      {{"iVBORw0KGgo", "image/png"}, {"/9j/", "image/jpeg"}, {"R0lGOD", "image/gif"}, {"UklGR", "image/webp"}, {"JVBERi0", pdf}}};
  for (const auto& magic : magics) {
    if (base64.starts_with(magic.start)) return magic.type;
  }
  return {};
}

std::string_view type_of(const model::Media& media) noexcept {
  const std::string_view told = media.media_type ? std::string_view{*media.media_type} : std::string_view{};
  const auto type = trim(told.substr(0, told.find(';')));
  if (iequals(type, "image/jpg")) return "image/jpeg";
  const bool unknown = type.empty() || iequals(type, "application/octet-stream");
  const auto seen = unknown && media.base64 ? sniffed(*media.base64) : std::string_view{};
  return seen.empty() ? type : seen;
}

/// Types whose bytes are a text that can be read as it is.
bool is_text_type(std::string_view type) noexcept {
  constexpr std::array<std::string_view, 6> others{"application/json",   "application/xml",        "application/yaml",
                                                   "application/x-yaml", "application/javascript", "application/csv"};
  return type.starts_with("text/") || std::ranges::find(others, type) != others.end();
}

enum class Shape : std::uint8_t { none, image, pdf, text };
/// What a file can be to Anthropic.
Shape shape_of(const model::File& file) {
  const auto type = type_of(file.media);
  if (type.starts_with("image/")) return Shape::image;
  if (file.media.base64 && is_text_type(type)) return from_base64(*file.media.base64) ? Shape::text : Shape::none;
  const bool named_pdf = type.empty() && (!file.media.base64 || (file.name && file.name->ends_with(".pdf")));
  return type == pdf || named_pdf ? Shape::pdf : Shape::none;
}

bool has_bytes(const model::Media& media, bool own) { return media.base64 || media.url || (own && media.id); }
std::string_view why_not(const model::Media& media) {
  return media.id && !media.base64 && !media.url ? "an id of another vendor" : "anthropic takes PDF and text and images";
}

/// Decides whether a part can be said, and names what is lost of it.
struct Judge {
  const Block& block;
  Role role;
  const Encoding& encoding;

  [[nodiscard]] std::string field(std::string_view what) const { return cat(block.path(), '.', what); }
  bool refuse(std::string_view what, std::string_view why) const {
    encoding.meaning(field(what), why);
    return false;
  }
  bool leave(std::string_view what, std::string_view why) const {
    encoding.detail(field(what), why);
    return false;
  }
  [[nodiscard]] bool speaks() const { return role == Role::user || encoding.own; }

  bool operator()(const model::Text& text) const {
    if (is_blank(text.text)) return false;
    if (text.citations.empty() || role == Role::user || encoding.own) return true;
    encoding.detail(field("citations"), "only anthropic's own can be sent back");
    return true;
  }
  bool operator()(const model::Refusal& refusal) const { return !is_blank(refusal.text); }
  bool operator()(const model::Image& image) const {
    if (!speaks()) return refuse("image", "anthropic takes images from the user alone");
    if (!has_bytes(image.media, encoding.own)) return refuse("image", why_not(image.media));
    if (image.detail) encoding.detail(field("image.detail"), "anthropic chooses the resolution");
    return true;
  }
  bool operator()(const model::File& file) const {
    if (!speaks()) return refuse("file", "anthropic takes files from the user alone");
    const bool said = has_bytes(file.media, encoding.own) && (file.media.id || shape_of(file) != Shape::none);
    return said || refuse("file", why_not(file.media));
  }
  bool operator()(const model::Audio& audio) const {
    if (!audio.transcript || is_blank(*audio.transcript)) return refuse("audio", "anthropic takes no audio");
    encoding.detail(field("audio"), "its transcript is said");
    return true;
  }
  bool operator()(const model::Thinking& thinking) const {
    // Vendors that only speak Anthropic's format need not sign; Claude refuses what it did not sign itself.
    const bool unsigned_too = encoding.own && !encoding.rules.claude;
    if (unsigned_too || thinking.redacted || thinking.signature) return true;
    return leave("thinking", "anthropic takes back only thinking that it signed");
  }
  bool operator()(const model::ToolCall&) const {
    return role == Role::assistant || refuse("tool_call", "only the assistant calls tools");
  }
  bool operator()(const model::ToolResult&) const {
    return role == Role::user || refuse("tool_result", "results stand in a turn of the user");
  }
  bool operator()(const model::Opaque& opaque) const {
    if (encoding.own && opaque.dialect == dialect_name) return true;
    // What the assistant's own tools did is history; what the user sent was to be read.
    return role == Role::assistant ? leave("opaque", "another vendor's item") : refuse("opaque", "another vendor's item");
  }
};

void encode_text(Writer& w, std::string_view text) { w.key("type").string("text").key("text").string(text); }

void encode_source(Writer& w, const model::Media& media, std::string_view type) {
  if (media.base64) {
    w.key("type").string("base64").key("media_type").string(type).key("data").string(*media.base64);
  } else if (media.url) {
    w.key("type").string("url").key("url").string(*media.url);
  } else if (media.id) {
    w.key("type").string("file").key("file_id").string(*media.id);
  }
}

/// Writes the members of one block into its open object.
struct BlockWriter {
  Writer& w;
  const Block& block;
  const Encoding& encoding;

  void open_source() const { w.key("source").begin_object(); }
  void close_source() const {
    if (encoding.own) write_inner(w, block.part->extras, "source");
    w.end_object();
  }
  void operator()(const model::Text& text) const {
    const std::string_view whole = text.text;
    encode_text(w, block.trim_end ? whole.substr(0, whole.find_last_not_of(white) + 1) : whole);
    if (!encoding.own || text.citations.empty()) return;
    w.key("citations").begin_array();
    for (const auto& citation : text.citations) encode_citation(w, citation);
    w.end_array();
  }
  void operator()(const model::Refusal& refusal) const { encode_text(w, refusal.text); }
  void operator()(const model::Audio& audio) const { encode_text(w, audio.transcript.value_or("")); }
  void operator()(const model::Image& image) const {
    w.key("type").string("image");
    open_source();
    encode_source(w, image.media, type_of(image.media));
    close_source();
  }
  void operator()(const model::File& file) const {
    const auto shape = shape_of(file);
    w.key("type").string(shape == Shape::image ? "image" : "document");
    const auto* raw = encoding.own ? extra_of(*block.part, "source") : nullptr;
    const auto value = raw != nullptr ? json::parse(raw->value.text) : json::Value{};
    if (value && text_at(*value, "type") != nullptr) {
      w.key("source").raw(raw->value.text);  // in blocks, see decode_document()
    } else {
      open_source();
      if (shape == Shape::text) {
        w.key("type").string("text").key("media_type").string("text/plain");
        w.key("data").string(from_base64(*file.media.base64).value_or(""));
      } else {
        encode_source(w, file.media, shape == Shape::image ? type_of(file.media) : pdf);
      }
      close_source();
    }
    if (shape != Shape::image) write(w, "title", file.name);
  }
  void operator()(const model::Thinking& thinking) const {
    if (thinking.redacted) {
      w.key("type").string("redacted_thinking").key("data").string(*thinking.redacted);
      return;
    }
    w.key("type").string("thinking").key("thinking").string(thinking.text);
    write(w, "signature", thinking.signature);
  }
  void operator()(const model::ToolCall& call) const {
    w.key("type").string("tool_use").key("id").string(tool_id(call.id.value_or(""), encoding));
    w.key("name").string(call.name).key("input");
    if (!encode_input(w, call.arguments, call.kind)) {
      encoding.detail(cat(block.path(), ".tool_call.arguments"), "wrapped as they are no JSON object");
    }
  }
  void operator()(const model::ToolResult& result) const {
    w.key("type").string("tool_result").key("tool_use_id").string(tool_id(result.call_id.value_or(""), encoding));
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < result.parts.size(); ++i) {
      const Block inner{.part = &result.parts[i], .message = block.message, .index = block.index, .inner = i};
      if (sayable(inner, Role::user, encoding)) blocks.push_back(inner);
    }
    if (!blocks.empty()) {
      w.key("content");
      encode_content(w, blocks, encoding);
    }
    write(w, "is_error", result.is_error);
  }
  void operator()(const model::Opaque&) const {}
};

void encode_block(Writer& w, const Block& block, const Encoding& encoding) {
  const Part& part = *block.part;
  const auto* opaque = std::get_if<model::Opaque>(&part.value);
  const auto* whole = encoding.own ? extra_of(part, "search_result") : nullptr;
  if (opaque != nullptr || whole != nullptr) {
    w.raw(opaque != nullptr ? opaque->value.text : whole->value.text);
    return;
  }
  w.begin_object();
  std::visit(BlockWriter{w, block, encoding}, part.value);
  if (std::holds_alternative<model::Thinking>(part.value)) {
    if (part.cache) encoding.detail(cat(block.path(), ".cache_control"), "thinking takes no cache mark");
  } else {
    encode_cache(w, part.cache);
  }
  if (encoding.own) {
    write_extras(w, part.extras, std::array<std::string_view, 1>{"source"});
  } else {
    encoding.lose_extras(part.extras, block.path());
  }
  w.end_object();
}

bool is_plain_text(const Part& part) {
  const auto* text = std::get_if<model::Text>(&part.value);
  const bool texts = (text != nullptr && text->citations.empty()) || std::holds_alternative<model::Refusal>(part.value);
  return texts && !part.cache && part.extras.empty();
}

}  // namespace

bool is_blank(std::string_view text) noexcept { return text.find_first_not_of(white) == std::string_view::npos; }

void Encoding::lose_extras(const model::Extras& extras, std::string_view path) const {
  for (const auto& extra : extras) detail(path.empty() ? extra.key : cat(path, '.', extra.key), "another vendor's field");
}

bool sayable(const Block& block, Role role, const Encoding& encoding) {
  const bool said = std::visit(Judge{block, role, encoding}, block.part->value);
  const bool text = std::holds_alternative<model::Text>(block.part->value);
  if (!said && text && block.part->cache) encoding.detail(cat(block.path(), ".cache_control"), "its text is blank");
  return said;
}

void encode_content(Writer& w, std::span<const Block> blocks, const Encoding& encoding) {
  const bool short_form = blocks.size() == 1 && is_plain_text(*blocks[0].part) && !blocks[0].trim_end;
  if (short_form) {
    const auto* text = std::get_if<model::Text>(&blocks[0].part->value);
    w.string(text != nullptr ? text->text : std::get<model::Refusal>(blocks[0].part->value).text);
    return;
  }
  w.begin_array();
  for (const auto& block : blocks) encode_block(w, block, encoding);
  w.end_array();
}

void encode_cache(Writer& w, const std::optional<model::CacheHint>& cache) {
  if (!cache) return;
  w.key("cache_control").begin_object().key("type").string(cache->type);
  write(w, "ttl", cache->ttl);
  w.end_object();
}

/// A citation of another vendor's takes the form that holds most of it; offsets that were not said are 0, as they must be there.
void encode_citation(Writer& w, const model::Citation& citation) {
  const auto text_or_null = [&](std::string_view key, const std::optional<std::string>& text) {
    w.key(key);
    if (text) {
      w.string(*text);
    } else {
      w.null();
    }
  };
  if (citation.raw) {
    const auto value = json::parse(citation.raw->text, upstream_scan());
    const auto* type = value ? text_at(*value, "type") : nullptr;
    if (type != nullptr && type->ends_with("_location")) {
      w.raw(citation.raw->text);
      return;
    }
  }
  w.begin_object();
  if (citation.url) {
    w.key("type").string("web_search_result_location").key("cited_text").string(citation.cited_text.value_or(""));
    w.key("encrypted_index").string("");
    text_or_null("title", citation.title);
    w.key("url").string(*citation.url);
  } else {
    w.key("type").string("char_location").key("cited_text").string(citation.cited_text.value_or(""));
    w.key("document_index").number(citation.document.value_or(0));
    text_or_null("document_title", citation.title);
    w.key("start_char_index").number(0).key("end_char_index").number(0);
  }
  w.end_object();
}

bool encode_input(Writer& w, std::string_view arguments, model::ToolKind kind) {
  const bool custom = kind == model::ToolKind::custom;
  if (!custom && is_blank(arguments)) {
    w.begin_object().end_object();
    return true;
  }
  const auto type = json::validate(arguments, upstream_scan());
  if (!custom && type && *type == Type::object) {
    const auto first = arguments.find_first_not_of(white);
    w.raw(arguments.substr(first, arguments.find_last_not_of(white) + 1 - first));
    return true;
  }
  w.begin_object().key("input");
  if (!custom && type) {
    w.raw(arguments);
  } else {
    w.string(arguments);
  }
  w.end_object();
  return custom;
}

std::string tool_id(const std::string& id, const Encoding& encoding) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (encoding.own || (!id.empty() && std::ranges::all_of(id, allowed))) return id;
  const auto known = encoding.ids.find(id);
  if (known != encoding.ids.end()) return known->second;
  std::string changed = id;
  std::ranges::replace_if(changed, std::not_fn(allowed), '_');
  // Two ids that became the same stay apart.
  changed += cat(changed.empty() ? "call_" : "_", encoding.ids.size());
  encoding.ids.emplace(id, changed);
  return changed;
}

}  // namespace cardea::dialect::claude

// Citations: OpenAI's annotations of a message to and from the model's.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"
#include "dialect/plain.h"

namespace cardea::dialect::openai {

using json::Value;

std::uint64_t characters(std::string_view text) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

model::Citation decode_citation(const Value& annotation) {
  constexpr std::array<std::string_view, 6> known{"url", "title", "start_index", "end_index", "cited_text", "document_index"};
  model::Citation out;
  const auto* inner = annotation.find("url_citation");
  model::Extras rest;
  if (inner != nullptr) collect_extras(*inner, known, rest);
  if (inner == nullptr || !rest.empty()) {
    out.raw = model::Json{annotation.dump()};
    if (inner == nullptr) return out;
  }
  const auto text = [&](std::string_view key) -> std::optional<std::string> {
    const auto* value = text_at(*inner, key);
    return value != nullptr && !value->empty() ? std::optional{*value} : std::nullopt;
  };
  const auto number = [&](std::string_view key) {
    const auto* value = inner->find(key);
    return value != nullptr ? value->as_u64() : std::nullopt;
  };
  out.url = text("url");
  out.title = text("title");
  out.start = number("start_index");
  out.end = number("end_index");
  out.cited_text = text("cited_text");
  out.document = number("document_index");
  return out;
}

/// The reference demands address, title and place; a citation that names no place covers its whole text, and one of a document
/// has an empty address. `cited_text` and `document_index` are beyond the reference.
void encode_citation(json::Writer& w, const model::Citation& citation, Stretch text, Origin origin) {
  const bool own = origin == Origin::own;
  if (own && citation.raw && text.offset == 0) {
    w.raw(citation.raw->text);
    return;
  }
  const auto placed = [&](std::optional<std::uint64_t> at, std::uint64_t otherwise) {
    if (at) return std::optional{*at + text.offset};
    return own ? std::nullopt : std::optional{otherwise};
  };
  const auto demanded = [&](std::string_view key, const std::optional<std::string>& value) {
    if (value || !own) w.key(key).string(value.value_or(""));
  };
  w.begin_object().key("type").string("url_citation").key("url_citation").begin_object();
  demanded("url", citation.url);
  demanded("title", citation.title);
  write(w, "start_index", placed(citation.start, text.offset));
  write(w, "end_index", placed(citation.end, text.offset + text.length));
  write(w, "cited_text", citation.cited_text);
  write(w, "document_index", citation.document);
  w.end_object().end_object();
}

}  // namespace cardea::dialect::openai

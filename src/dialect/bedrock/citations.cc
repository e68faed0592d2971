// Citations, of whole answers and of streams: {"title","source","sourceContent":[{"text"}],"location":{…}}.

#include <algorithm>
#include <array>

#include "dialect/bedrock/bedrock.h"

namespace cardea::dialect::converse {

using json::Type;
using json::Value;
using model::Citation;

namespace {

/// What the model's own fields say of a citation, in Bedrock's form.
void write_plain(json::Writer& w, const Citation& citation) {
  w.begin_object();
  write(w, "title", citation.title);
  if (citation.cited_text) {
    w.key("sourceContent").begin_array().begin_object().key("text").string(*citation.cited_text).end_object().end_array();
  }
  if (citation.url) {
    w.key("location").begin_object().key("web").begin_object().key("url").string(*citation.url).end_object().end_object();
  } else if (citation.document) {
    w.key("location").begin_object().key("documentChar").begin_object();
    w.key("documentIndex").number(*citation.document).end_object().end_object();
  }
  w.end_object();
}

/// Places in documents as Anthropic's citations name them ("Citations", docs.anthropic.com): the same places, spelled otherwise.
struct Place {
  std::string_view type;
  std::string_view from_index;
  std::string_view from_start;
  std::string_view from_end;
  std::string_view key;
  std::string_view index;
};
constexpr std::array<Place, 4> places{{
    {"char_location", "document_index", "start_char_index", "end_char_index", "documentChar", "documentIndex"},
    {"page_location", "document_index", "start_page_number", "end_page_number", "documentPage", "documentIndex"},
    {"content_block_location", "document_index", "start_block_index", "end_block_index", "documentChunk", "documentIndex"},
    {"search_result_location", "search_result_index", "start_block_index", "end_block_index", "searchResultLocation",
     "searchResultIndex"},
}};

/// Writes a place in a document; false when the raw form names none.
bool write_place(json::Writer& w, const Value& raw) {
  const auto* type = raw.find("type");
  const auto* word = type != nullptr ? type->as_string() : nullptr;
  const auto* place = word != nullptr ? std::ranges::find(places, std::string_view{*word}, &Place::type) : places.end();
  if (place == places.end()) return false;
  const auto number = [&](std::string_view from, std::string_view to) {
    const auto* value = raw.find(from);
    if (value != nullptr && value->as_u64()) w.key(to).number(*value->as_u64());
  };
  w.key("location").begin_object().key(place->key).begin_object();
  number(place->from_index, place->index);
  number(place->from_start, "start");
  number(place->from_end, "end");
  w.end_object().end_object();
  return true;
}

std::optional<std::string> text_in(const Value& object, std::string_view key) {
  const auto* value = object.find(key);
  return value != nullptr && value->as_string() != nullptr ? std::optional{*value->as_string()} : std::nullopt;
}

}  // namespace

Citation decode_citation(const Value& citation) {
  Citation out;
  out.title = text_in(citation, "title");
  if (const auto* contents = given(citation, "sourceContent")) {
    for (const auto& content : contents->elements()) {
      if (const auto text = text_in(content, "text")) out.cited_text = out.cited_text.value_or("") + *text;
    }
  }
  if (const auto* location = given(citation, "location")) {
    if (const auto* web = given(*location, "web")) out.url = text_in(*web, "url");
    for (const auto key : {"documentChar", "documentPage", "documentChunk"}) {
      const auto* place = given(*location, key);
      const auto* index = place != nullptr ? place->find("documentIndex") : nullptr;
      if (index != nullptr) out.document = index->as_u64();
    }
  }
  std::string plain;
  json::Writer w{plain};
  write_plain(w, out);
  const auto all = citation.dump();
  if (plain != all) out.raw = model::Json{all};
  return out;
}

void encode_citation(json::Writer& w, const Citation& citation, std::string_view path, const Encoding& encoding) {
  if (encoding.own && citation.raw) {
    w.raw(citation.raw->text);
    return;
  }
  // Bedrock's places are in the source, these are in the answer.
  if (citation.start || citation.end) encoding.lose(cat(path, ".citations.offsets"), "no place in the answer's own text");
  const auto raw = json::parse(citation.raw ? std::string_view{citation.raw->text} : std::string_view{});
  if (!raw) return write_plain(w, citation);
  auto rest = citation;
  rest.document.reset();
  std::string plain;
  json::Writer inner{plain};
  write_plain(inner, rest);
  const auto value = json::parse(plain);
  w.begin_object();
  if (value) {
    for (const auto& [key, member] : value->members()) w.key(key).raw(member.dump());
  }
  if (!citation.url && !write_place(w, *raw) && citation.document) {
    w.key("location").begin_object().key("documentChar").begin_object();
    w.key("documentIndex").number(*citation.document).end_object().end_object();
  }
  w.end_object();
}

}  // namespace cardea::dialect::converse

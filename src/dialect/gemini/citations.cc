// Where an answer's words come from: groundingMetadata (of search, of documents) and citationMetadata (of the training data).
// Gemini counts in bytes of UTF-8, the model in characters.

#include <algorithm>

#include "dialect/gemini/gemini.h"

namespace cardea::dialect::google {

using json::Value;
using json::Writer;
using model::Citation;

namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

std::optional<std::string> text_of(const Value& object, std::string_view name) {
  const auto found = field(object, name);
  return found && found.value->as_string() != nullptr ? std::optional{*found.value->as_string()} : std::nullopt;
}
std::optional<std::uint64_t> number_of(const Value& object, std::string_view name) {
  const auto found = field(object, name);
  return found ? count_of(*found.value) : std::nullopt;
}

/// A groundingChunk's source: a page, a document, a place, an image.
Citation source_of(const Value& chunk) {
  Citation out;
  for (const auto& [key, source] : chunk.members()) {
    out.url = text_of(source, "uri");
    if (!out.url) out.url = text_of(source, "sourceUri");
    out.title = text_of(source, "title");
    out.cited_text = text_of(source, "text");
    if (out.url || out.title || out.cited_text) return out;
  }
  return out;
}

void add_supports(const Value& metadata, const std::vector<Value>& chunks, std::vector<bool>& used, std::vector<Cited>& out) {
  const auto supports = field(metadata, "groundingSupports");
  if (!supports) return;
  for (const auto& support : supports.value->elements()) {
    const auto segment = field(support, "segment");
    const auto indices = field(support, "groundingChunkIndices");
    if (!indices) continue;
    for (const auto& index : indices.value->elements()) {
      const auto at = count_of(index);
      if (!at || *at >= chunks.size()) continue;
      used[*at] = true;
      Cited cited{.citation = source_of(chunks[*at])};
      const auto end = segment ? number_of(*segment.value, "endIndex") : std::nullopt;
      if (segment) cited.part = number_of(*segment.value, "partIndex").value_or(0);
      cited.part_known = segment && field(*segment.value, "partIndex");
      cited.placed = end.has_value();
      cited.start_byte = segment ? number_of(*segment.value, "startIndex").value_or(0) : 0;
      cited.end_byte = end.value_or(0);
      out.push_back(std::move(cited));
    }
  }
}

void add_grounding(const Value& metadata, std::vector<Cited>& out) {
  const auto list = field(metadata, "groundingChunks");
  if (!list) return;
  const auto& chunks = list.value->elements();
  std::vector<bool> used(chunks.size());
  add_supports(metadata, chunks, used, out);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    if (used[i]) continue;
    Cited cited{.citation = source_of(chunks[i])};
    if (cited.citation != Citation{}) out.push_back(std::move(cited));
  }
}

void add_recitations(const Value& metadata, std::vector<Cited>& out) {
  for (const auto name : {"citationSources", "citations"}) {
    const auto list = field(metadata, name);
    if (!list) continue;
    for (const auto& source : list.value->elements()) {
      Cited cited;
      const auto end = number_of(source, "endIndex");
      cited.placed = end.has_value();
      cited.start_byte = number_of(source, "startIndex").value_or(0);
      cited.end_byte = end.value_or(0);
      cited.citation.url = text_of(source, "uri");
      cited.citation.title = text_of(source, "title");
      if (cited.citation.url || cited.citation.title) out.push_back(std::move(cited));
    }
  }
}

}  // namespace

std::vector<Cited> citations_of(const Value& candidate) {
  std::vector<Cited> out;
  if (const auto grounding = field(candidate, "groundingMetadata")) add_grounding(*grounding.value, out);
  if (const auto citations = field(candidate, "citationMetadata")) add_recitations(*citations.value, out);
  return out;
}

std::uint64_t characters_before(std::string_view text, std::uint64_t bytes) noexcept {
  return static_cast<std::uint64_t>(std::ranges::count_if(text.substr(0, bytes), begins_character));
}

std::uint64_t bytes_before(std::string_view text, std::uint64_t characters) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (begins_character(text[i]) && characters-- == 0) return i;
  }
  return text.size();
}

void GroundingWriter::add(const CitedText& text, const Citation& citation, Count count) {
  const bool whole = count == Count::whole;
  std::string chunk;
  Writer w{chunk};
  // A document of the request has no address: it is context that was retrieved.
  const bool document = !citation.url;
  w.begin_object().key(document ? "retrievedContext" : "web").begin_object();
  dialect::write(w, "uri", citation.url);
  dialect::write(w, "title", citation.title);
  if (document) dialect::write(w, "text", citation.cited_text);
  w.end_object().end_object();
  const auto found = std::ranges::find(chunks_, chunk);
  const auto index = static_cast<std::uint64_t>(found - chunks_.begin());
  if (found == chunks_.end()) chunks_.push_back(std::move(chunk));
  if (!citation.end) return;
  const auto from = bytes_before(text.text, citation.start.value_or(0));
  const auto to = std::max(from, bytes_before(text.text, *citation.end));
  const auto base = whole ? text.offset : 0;
  Writer s{supports_.emplace_back()};
  s.begin_object().key("segment").begin_object();
  if (!whole && text.part != 0) s.key("partIndex").number(text.part);
  s.key("startIndex").number(base + from).key("endIndex").number(base + to);
  s.key("text").string(text.text.substr(from, to - from)).end_object();
  s.key("groundingChunkIndices").begin_array().number(index).end_array().end_object();
}

void GroundingWriter::write(Writer& w) const {
  w.begin_object().key("groundingChunks").begin_array();
  for (const auto& chunk : chunks_) w.raw(chunk);
  w.end_array();
  if (!supports_.empty()) {
    w.key("groundingSupports").begin_array();
    for (const auto& support : supports_) w.raw(support);
    w.end_array();
  }
  w.end_object();
}

}  // namespace cardea::dialect::google

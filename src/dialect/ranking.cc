#include "dialect/ranking.h"

#include <algorithm>
#include <charconv>

namespace cardea::dialect {
namespace {

using json::Type;

double value_of(const model::Number& number) {
  double value = 0;
  std::from_chars(number.text.data(), number.text.data() + number.text.size(), value);
  return value;
}

}  // namespace

Result<model::Document> read_document(const Raw& value, const std::string& path) {
  if (value.is(Type::string)) return model::Document{value.string(), {}};
  if (!value.is(Type::object)) return wrong_type(path, "a string or an object", value.type());
  model::Document out;
  std::optional<std::string> text;
  // Cohere's older API takes a text under any name.
  if (const auto there = value.find("text"); there && there->is(Type::string)) text = there->string();
  std::size_t members = 0;
  value.each_member([&](const Raw&, const Raw&) { ++members; });
  if (!text || members != 1) out.object = value.compact();
  out.text = std::move(text).value_or("");
  return out;
}

Status read_documents(const Raw& list, std::string_view path, std::vector<model::Document>& out) {
  if (!list.is(Type::array)) return wrong_type(path, "an array", list.type());
  Status status;
  list.each_element([&](const Raw& element) {
    auto document = read_document(element, cat(path, '[', out.size(), ']'));
    if (!document) status = fail_with(document);
    if (document) out.push_back(std::move(*document));
    return status.has_value();
  });
  if (status && out.empty()) status = bad_field(path, "is empty; give at least one element");
  return status;
}

Result<std::vector<std::string>> document_texts(const model::Rerank& request, Losses& losses) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < request.documents.size(); ++i) {
    const auto& document = request.documents[i];
    const auto field = cat("documents[", i, ']');
    if (document.object && document.text.empty()) return bad_field(field, "has no text, which is all that this model takes");
    if (document.object) losses.detail(field, "its text alone is ranked");
    out.push_back(document.text);
  }
  return out;
}

Status read_results(const Raw& list, std::string_view path, std::string_view score, std::vector<model::Ranked>& out) {
  if (!list.is(Type::array)) return wrong_type(path, "an array", list.type());
  Status status;
  list.each_element([&](const Raw& element) {
    const auto where = cat(path, '[', out.size(), ']');
    std::optional<std::uint64_t> index;
    std::optional<model::Number> number;
    status = read_member(element, "index", where, index);
    if (status) status = read_member(element, score, where, number);
    if (status && !index) status = bad_field(cat(where, ".index"), "is missing");
    if (status && !number) status = bad_field(cat(where, '.', score), "is missing");
    if (!status) return false;
    model::Ranked ranked{.index = *index, .score = std::move(*number), .document = {}};
    auto document = element.find("document");
    if (!document) document = element.find("text");
    if (document) {
      auto read = read_document(*document, cat(where, ".document"));
      if (!read) status = fail_with(read);
      if (read) ranked.document = std::move(*read);
    }
    out.push_back(std::move(ranked));
    return status.has_value();
  });
  return status;
}

Status read_question(const Raw& root, model::Rerank& out) {
  auto query = required_text(root, "query", "");
  if (!query) return fail_with(query);
  out.query = std::move(*query);
  const auto documents = root.find("documents");
  Status status = documents ? read_documents(*documents, "documents", out.documents) : bad_field("documents", "is missing");
  if (status) status = read_member(root, "top_n", "", out.top_n);
  return status;
}

Status read_ranking(const Raw& root, model::Reranked& out) {
  const auto results = root.find("results");
  if (!results) return bad_field("results", "is missing");
  Status status = read_member(root, "id", "", out.id);
  if (status) status = read_results(*results, "results", "relevance_score", out.results);
  const auto meta = root.find("meta");
  const auto billed = meta ? meta->find("billed_units") : std::nullopt;
  if (status && billed) status = read_member(*billed, "search_units", "meta.billed_units", out.search_units);
  return status;
}

Status fit_results(const model::Rerank& asked, model::Reranked& answer) {
  std::vector<bool> seen(asked.documents.size());
  if (answer.results.empty() && asked.top_n != 0) return fail(Kind::upstream_protocol, "it ranked nothing");
  for (auto& result : answer.results) {
    if (result.index >= seen.size() || seen[result.index])
      return fail(Kind::upstream_protocol, cat("it answered with a document that is not there, or twice: ", result.index));
    seen[result.index] = true;
    if (asked.return_documents.value_or(false)) {
      result.document = asked.documents[result.index];
    } else {
      result.document.reset();
    }
  }
  std::ranges::sort(answer.results, {}, [](const auto& result) { return std::pair{-value_of(result.score), result.index}; });
  if (asked.top_n && *asked.top_n < answer.results.size()) answer.results.resize(*asked.top_n);
  return {};
}

}  // namespace cardea::dialect

// Text Embeddings Inference's POST /rerank (huggingface.github.io/text-embeddings-inference): `texts` in, a bare list out.

#include "dialect/ranking.h"
#include "dialect/tasks.h"
#include "dialect/tei/truncation.h"

namespace cardea::dialect::tasks {
namespace {

constexpr std::string_view name = "tei";
constexpr std::pair<std::string_view, std::string_view> words[] = {{"documents", "texts"}, {"return_documents", "return_text"}};
constexpr std::string_view known[] = {"model", "query", "texts", "return_text", "raw_scores", "truncate", "truncation_direction"};

Result<TaskRequest> read_request(const Raw& root) {
  model::Rerank out;
  out.dialect = name;
  Status status;
  auto query = required_text(root, "query", "");
  if (status && !query) status = fail_with(query);
  std::optional<std::vector<std::string>> texts;
  if (status) status = read_member(root, "texts", "", texts);
  if (status && (!texts || texts->empty())) status = bad_field("texts", "is missing; give at least one text");
  if (status) status = read_member(root, "return_text", "", out.return_documents);
  if (status) status = read_member(root, "raw_scores", "", out.raw_scores);
  if (status) status = read_truncation(root, out.truncate);
  if (!status) return fail_with(status);
  for (auto& text : *texts) out.documents.push_back({std::move(text), {}});
  out.query = std::move(*query);
  collect_extras(root, known, out.extras);
  return out;
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& rerank = std::get<model::Rerank>(request);
  const auto whose = dialect::whose(rerank.dialect, name);
  const auto texts = document_texts(rerank, losses);
  if (!texts) return fail(texts.error().clone());
  std::string out;
  json::Writer w{out};
  w.begin_object();
  if (whose == Whose::own && !rerank.model.empty()) w.key("model").string(rerank.model);
  w.key("query").string(rerank.query);
  write(w, "texts", std::optional{*texts});
  // How many, and their texts, is a matter of the gateway's; see fit_results().
  if (whose == Whose::own) write(w, "return_text", rerank.return_documents);
  write(w, "raw_scores", rerank.raw_scores);
  write_truncation(w, rerank.truncate);
  if (rerank.max_tokens_per_doc) losses.meaning("max_tokens_per_doc");
  if (rerank.user) losses.detail("user");
  write_or_lose(w, rerank.extras, whose, losses);
  w.end_object();
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  model::Reranked out;
  out.dialect = name;
  if (auto status = read_results(root, "$", "score", out.results); !status) return fail_with(status);
  return out;
}

std::string encode_answer(const TaskAnswer& answer, const TaskContext& /*context*/, Losses& losses) {
  const auto& reranked = std::get<model::Reranked>(answer);
  if (reranked.usage) losses.detail("usage");
  if (reranked.search_units) losses.detail("search_units");
  for (const auto& extra : reranked.extras) losses.detail(extra.key);
  std::string out;
  json::Writer w{out};
  w.begin_array();
  for (const auto& result : reranked.results) {
    w.begin_object();
    w.key("index").number(result.index);
    w.key("score").raw(result.score.text);
    if (result.document) w.key("text").string(result.document->text);
    w.end_object();
  }
  w.end_array();
  return out;
}

}  // namespace

const TaskFormat tei_rerank{.task = Task::rerank,
                            .name = name,
                            .dialects = {},
                            .target = "/rerank",
                            .base = TaskFormat::Base::root,
                            .subject = "texts",
                            .answers = {},
                            .sends_model = false,
                            .words = words,
                            .read_request = read_request,
                            .encode_request = encode_request,
                            .read_answer = read_answer,
                            .encode_answer = encode_answer};

}  // namespace cardea::dialect::tasks

// POST /v2/rerank (docs.cohere.com/reference/rerank): texts in, indices and scores out, never the documents.

#include "dialect/ranking.h"
#include "dialect/tasks.h"

namespace cardea::dialect::tasks {
namespace {

using json::Type;

constexpr std::string_view name = "cohere";
constexpr std::string_view known[] = {"model", "query", "documents", "top_n", "max_tokens_per_doc"};

Result<TaskRequest> read_request(const Raw& root) {
  model::Rerank out;
  out.dialect = name;
  Status status = read_question(root, out);
  if (status) status = read_member(root, "max_tokens_per_doc", "", out.max_tokens_per_doc);
  if (!status) return fail_with(status);
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
  w.key("model").string(rerank.model);
  w.key("query").string(rerank.query);
  write(w, "documents", std::optional{*texts});
  write(w, "top_n", rerank.top_n);
  write(w, "max_tokens_per_doc", rerank.max_tokens_per_doc);
  if (rerank.truncate) losses.detail("truncate");
  if (rerank.raw_scores.value_or(false)) losses.meaning("raw_scores", "its scores are between 0 and 1");
  if (rerank.user) losses.detail("user");
  write_or_lose(w, rerank.extras, whose, losses);
  w.end_object();
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  model::Reranked out;
  out.dialect = name;
  Status status = read_ranking(root, out);
  const auto meta = root.find("meta");
  const auto billed = meta ? meta->find("billed_units") : std::nullopt;
  std::optional<std::uint64_t> tokens;
  if (status && billed) status = read_member(*billed, "input_tokens", "meta.billed_units", tokens);
  if (!status) return fail_with(status);
  out.usage = usage_of_input(tokens);
  constexpr std::string_view known_answer[] = {"id", "results", "meta"};
  collect_extras(root, known_answer, out.extras);
  return out;
}

std::string encode_answer(const TaskAnswer& answer, const TaskContext& context, Losses& losses) {
  const auto& reranked = std::get<model::Reranked>(answer);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("id").string(reranked.id.value_or(context.id));
  w.key("results").begin_array();
  for (const auto& result : reranked.results) {
    w.begin_object();
    w.key("index").number(result.index);
    w.key("relevance_score").raw(result.score.text);
    w.end_object();
  }
  w.end_array();
  w.key("meta").begin_object();
  w.key("api_version").begin_object().key("version").string("2").end_object();
  if (reranked.search_units || reranked.usage) {
    w.key("billed_units").begin_object();
    write(w, "search_units", reranked.search_units);
    if (reranked.usage) w.key("input_tokens").number(reranked.usage->input_total());
    w.end_object();
  }
  w.end_object();
  write_or_lose(w, reranked.extras, whose(reranked.dialect, name), losses);
  w.end_object();
  return out;
}

}  // namespace

const TaskFormat cohere_rerank{.task = Task::rerank,
                               .name = name,
                               .dialects = cohere_like,
                               .target = "/rerank",
                               .subject = "documents",
                               .answers = "results",
                               .read_request = read_request,
                               .encode_request = encode_request,
                               .read_answer = read_answer,
                               .encode_answer = encode_answer};

}  // namespace cardea::dialect::tasks

// POST /v1/rerank as Jina (api.jina.ai/redoc), vLLM (docs.vllm.ai, "Re-rank API") and Cohere's older API have it, and with them
// all who are asked at OpenAI-like addresses. An answer has what each of their clients looks for.

#include "dialect/ranking.h"
#include "dialect/tasks.h"

namespace cardea::dialect::tasks {
namespace {

constexpr std::string_view name = "jina";
constexpr std::string_view known[] = {"model", "query", "documents", "top_n", "return_documents", "user"};

Result<TaskRequest> read_request(const Raw& root) {
  model::Rerank out;
  out.dialect = name;
  Status status = read_question(root, out);
  if (status) status = read_member(root, "return_documents", "", out.return_documents);
  if (status) status = read_member(root, "user", "", out.user);
  if (!status) return fail_with(status);
  // Jina and vLLM give the documents back unless told not to.
  if (!out.return_documents) out.return_documents = true;
  collect_extras(root, known, out.extras);
  return out;
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& rerank = std::get<model::Rerank>(request);
  const auto whose = dialect::whose(rerank.dialect, name);
  const auto texts = whose == Whose::foreign ? document_texts(rerank, losses) : Result<std::vector<std::string>>{};
  if (!texts) return fail(texts.error().clone());
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("model").string(rerank.model);
  w.key("query").string(rerank.query);
  w.key("documents").begin_array();
  for (const auto& document : rerank.documents) {
    if (whose == Whose::own && document.object) {
      w.raw(document.object->text);
    } else {
      w.string(document.text);
    }
  }
  w.end_array();
  write(w, "top_n", rerank.top_n);
  // The gateway has them itself.
  w.key("return_documents").boolean(whose == Whose::own && rerank.return_documents.value_or(true));
  if (rerank.max_tokens_per_doc) losses.meaning("max_tokens_per_doc");
  if (rerank.truncate) losses.detail("truncate");
  if (rerank.raw_scores.value_or(false)) losses.meaning("raw_scores", "its scores are between 0 and 1");
  write(w, "user", rerank.user);
  write_or_lose(w, rerank.extras, whose, losses);
  w.end_object();
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  model::Reranked out;
  out.dialect = name;
  Status status = read_ranking(root, out);
  if (status) status = read_member(root, "model", "", out.model);
  if (!status) return fail_with(status);
  out.usage = read_input_usage(root);
  constexpr std::string_view known_answer[] = {"id", "model", "results", "usage", "meta", "object"};
  collect_extras(root, known_answer, out.extras);
  return out;
}

void write_document(json::Writer& w, const model::Document& document) {
  w.key("document");
  if (document.object) {
    w.raw(document.object->text);
  } else {
    w.begin_object().key("text").string(document.text).end_object();
  }
}

std::string encode_answer(const TaskAnswer& answer, const TaskContext& context, Losses& losses) {
  const auto& reranked = std::get<model::Reranked>(answer);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("id").string(reranked.id.value_or(context.id));
  w.key("model").string(reranked.model.value_or(context.model));
  w.key("results").begin_array();
  for (const auto& result : reranked.results) {
    w.begin_object();
    w.key("index").number(result.index);
    if (result.document) write_document(w, *result.document);
    w.key("relevance_score").raw(result.score.text);
    w.end_object();
  }
  w.end_array();
  write_input_usage(w, reranked.usage);
  if (reranked.search_units) {
    w.key("meta").begin_object().key("billed_units").begin_object();
    write(w, "search_units", reranked.search_units);
    w.end_object().end_object();
  }
  write_or_lose(w, reranked.extras, whose(reranked.dialect, name), losses);
  w.end_object();
  return out;
}

}  // namespace

const TaskFormat jina_rerank{.task = Task::rerank,
                             .name = name,
                             .dialects = openai_like,
                             .target = "/rerank",
                             .subject = "documents",
                             .answers = "results",
                             .read_request = read_request,
                             .encode_request = encode_request,
                             .read_answer = read_answer,
                             .encode_answer = encode_answer};

}  // namespace cardea::dialect::tasks

// Ranks of documents for a query. Cohere (docs.cohere.com/reference/rerank) has a path of its own; Jina (api.jina.ai), vLLM
// (docs.vllm.ai, "Rerank API") and Text Embeddings Inference share one: `texts` instead of `documents` means the last.

#include <limits>

#include "twin/answer.h"
#include "twin/forms/cohere.h"
#include "twin/forms/jina.h"
#include "twin/forms/tei.h"
#include "twin/task.h"
#include "twin/tokens.h"
#include "twin/vectors.h"

namespace cardea::twin {
namespace {

using json::Type;
using json::Writer;

struct Request {
  std::string query;
  std::vector<std::string> documents;
  std::uint64_t top = std::numeric_limits<std::uint64_t>::max();
  bool return_documents = true;
  bool return_text = false;
  bool raw_scores = false;

  [[nodiscard]] std::uint64_t tokens() const {
    std::uint64_t sum = count_tokens(query) * documents.size();
    for (const auto& document : documents) sum += count_tokens(document);
    return sum;
  }
  [[nodiscard]] std::uint64_t seed() const {
    std::uint64_t value = fingerprint(query);
    for (const auto& document : documents) value = fingerprint(document, value);
    return value;
  }
};

Status add_document(const At& at, Request& request) {
  request.documents.push_back(at.text());
  return {};
}
Status take_texts(const At& at, Request& request) {
  return at.each(is_text, [&](const At& one) { return add_document(one, request); });
}

// ---- Cohere ----------------------------------------------------------------------------------------------------------------

constexpr std::size_t cohere_documents_max = 1000;

Status refuse_cohere(std::string_view why) { return fail(Kind::bad_request, cat("invalid request: ", why)); }

constexpr Row<Request> cohere_rows[] = {
    {"model", is_text, nullptr, true},        {"query", is_text, take_text<&Request::query>, true},
    {"documents", is_list, take_texts, true}, {"top_n", is_whole, take_whole<&Request::top, 1>},
    {"max_tokens_per_doc", is_whole},         {"priority", is_whole},
};

void write_cohere_meta(Writer& writer, const Request& request, std::string_view version) {
  constexpr std::size_t documents_per_unit = 100;
  writer.key("meta").begin_object().key("api_version").begin_object().key("version").string(version).end_object();
  writer.key("billed_units").begin_object().key("search_units");
  writer.number((request.documents.size() + documents_per_unit - 1) / documents_per_unit).end_object().end_object();
}

TaskReply cohere_answer(const Request& request) {
  return reply_json([&](Writer& writer) {
    writer.begin_object().key("id").string(hex_id("", request.seed())).key("results").begin_array();
    for (const auto& one : rank(request.query, request.documents, request.top)) {
      writer.begin_object().key("index").number(one.index).key("relevance_score").number(one.score).end_object();
    }
    writer.end_array();
    write_cohere_meta(writer, request, "2");
    writer.end_object();
  });
}

Status read_cohere_rerank(const TaskAsk& ask, TaskPlan& plan) {
  Request request;
  Status status = read_task(ask, {cohere_words, true, refuse_cohere}, cohere_rows, plan, request);
  if (!status) return status;
  if (request.query.empty()) return refuse_cohere("query must not be empty");
  if (request.documents.empty()) return refuse_cohere("list of documents must not be empty");
  if (request.documents.size() > cohere_documents_max) {
    return refuse_cohere(cat("list of documents must not be longer than ", cohere_documents_max));
  }
  plan.reply = [request = std::move(request)](const TaskScene&) -> Result<TaskReply> { return cohere_answer(request); };
  return {};
}

// ---- Jina and vLLM ---------------------------------------------------------------------------------------------------------

struct Document {
  std::string text;
};
/// A string, or an object with a text in it.
Status take_documents(const At& at, Request& request) {
  return at.each(is_text | is_object, [&](const At& one) -> Status {
    if (one.value().is(Type::string)) return add_document(one, request);
    constexpr Row<Document> rows[] = {{"text", is_text, take_text<&Document::text>, true}};
    Document document;
    Status status = read_members(one, rows, document);
    if (status) request.documents.push_back(std::move(document.text));
    return status;
  });
}

constexpr Row<Request> jina_rows[] = {
    {"model", is_text, nullptr, true},
    {"query", is_text, take_text<&Request::query>, true},
    {"documents", is_list, take_documents, true},
    {"top_n", is_whole, take_whole<&Request::top>},
    {"return_documents", is_bool, take_bool<&Request::return_documents>},
    {"max_chunks_per_doc", is_whole},
    {"max_doc_length", is_whole},
    {"rank_fields", is_list},
    {"truncation", is_bool},
    {"truncate_prompt_tokens", is_whole},
    {"priority", is_whole},
    {"return_embeddings", is_bool},
};

/// What Jina and vLLM answer, with the members that Cohere's version 1 has on the same path.
TaskReply jina_answer(const Request& request, const TaskScene& scene) {
  return reply_json([&](Writer& writer) {
    writer.begin_object().key("id").string(hex_id("rerank-", request.seed())).key("object").string("list");
    writer.key("model").string(scene.model).key("usage").begin_object();
    writer.key("prompt_tokens").number(request.tokens()).key("total_tokens").number(request.tokens()).end_object();
    writer.key("results").begin_array();
    for (const auto& one : rank(request.query, request.documents, request.top)) {
      writer.begin_object().key("index").number(one.index).key("relevance_score").number(one.score);
      if (request.return_documents) {
        writer.key("document").begin_object().key("text").string(request.documents[one.index]).end_object();
      }
      writer.end_object();
    }
    writer.end_array();
    write_cohere_meta(writer, request, "1");
    writer.end_object();
  });
}

Status read_jina(const TaskAsk& ask, TaskPlan& plan) {
  Request request;
  Status status = read_task(ask, jina_reading, jina_rows, plan, request);
  if (!status) return status;
  if (request.documents.empty()) return refuse_jina("documents", "List should have at least 1 item");
  // vLLM's default is 0, which means all.
  if (request.top == 0) request.top = request.documents.size();
  plan.reply = [request = std::move(request)](const TaskScene& scene) -> Result<TaskReply> {
    return jina_answer(request, scene);
  };
  return {};
}

// ---- Text Embeddings Inference ---------------------------------------------------------------------------------------------

constexpr Row<Request> tei_rows[] = {
    {"query", is_text, take_text<&Request::query>, true},
    {"texts", is_list, take_texts, true},
    {"raw_scores", is_bool, take_bool<&Request::raw_scores>},
    {"return_text", is_bool, take_bool<&Request::return_text>},
    {"truncate", is_bool},
    {"truncation_direction", is_text},
    {"model", is_text},
};

Status read_tei(const TaskAsk& ask, TaskPlan& plan) {
  plan.form = &tei_form;
  Request request;
  Status status = read_task(ask, tei_reading, tei_rows, plan, request);
  if (status) status = check_tei_batch(request.documents, "texts");
  if (!status) return status;
  plan.reply = [request = std::move(request)](const TaskScene&) -> Result<TaskReply> {
    return reply_json([&](Writer& writer) {
      writer.begin_array();
      for (const auto& one : rank(request.query, request.documents, request.top)) {
        writer.begin_object().key("index").number(one.index).key("score").number(request.raw_scores ? one.score * 10 - 5
                                                                                                    : one.score);
        if (request.return_text) writer.key("text").string(request.documents[one.index]);
        writer.end_object();
      }
      writer.end_array();
    });
  };
  return {};
}

Status read_shared(const TaskAsk& ask, TaskPlan& plan) {
  const auto body = json::parse(ask.body);
  const bool tei = body && body->find("texts") != nullptr && body->find("documents") == nullptr;
  return tei ? read_tei(ask, plan) : read_jina(ask, plan);
}

}  // namespace

const TaskForm cohere_rerank{&cohere_form, read_cohere_rerank};
const TaskForm rerank{&jina_form, read_shared};

}  // namespace cardea::twin

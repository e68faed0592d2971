// Embeddings of those who have a form of their own: Gemini (ai.google.dev/api/embeddings), Cohere
// (docs.cohere.com/reference/embed), Ollama (docs/api.md) and Hugging Face's Text Embeddings Inference.

#include <algorithm>

#include "base/base64.h"
#include "twin/answer.h"
#include "twin/forms/cohere.h"
#include "twin/forms/gemini.h"
#include "twin/forms/ollama.h"
#include "twin/forms/tei.h"
#include "twin/media.h"
#include "twin/task.h"
#include "twin/tokens.h"
#include "twin/vectors.h"

namespace cardea::twin {
namespace {

using json::Type;
using json::Writer;

struct Request {
  std::vector<std::string> texts;
  std::uint64_t dimensions = vector_size;
  bool many = true;  ///< the answer is a list, as the input was

  [[nodiscard]] std::uint64_t tokens() const {
    std::uint64_t sum = 0;
    for (const auto& text : texts) sum += count_tokens(text);
    return sum;
  }
  void write_vectors(Writer& writer) const {
    writer.begin_array();
    for (const auto& text : texts) write_vector(writer, embed(text, dimensions));
    writer.end_array();
  }
};

template <class R>
Status add_text(const At& at, R& request) {
  request.texts.push_back(at.text());
  return {};
}
template <class R>
Status take_texts(const At& at, R& request) {
  return at.each(is_text, [&](const At& one) { return add_text(one, request); });
}

// ---- Gemini ----------------------------------------------------------------------------------------------------------------

constexpr std::size_t gemini_batch_max = 100;

Status refuse_gemini(std::string_view why) { return fail(Kind::bad_request, cat("Invalid JSON payload received. ", why)); }
constexpr TaskReading gemini_reading{gemini_words, true, refuse_gemini};

struct GeminiOne {
  std::string text;
  std::string model;
  std::string task;
  bool titled = false;
  std::uint64_t dimensions = vector_size;
};

Status add_part_text(const At& at, GeminiOne& one) {
  one.text += at.text();
  return {};
}
constexpr Row<GeminiOne> gemini_part_rows[] = {{"text", is_text, add_part_text, true}};
Status take_parts(const At& at, GeminiOne& one) {
  return at.each(is_object, [&](const At& part) { return read_members(part, gemini_part_rows, one); });
}
Status take_gemini_content(const At& at, GeminiOne& one) {
  constexpr Row<GeminiOne> rows[] = {{"role", is_text}, {"parts", is_list, take_parts, true}};
  return read_members(at, rows, one);
}
Status take_gemini_task(const At& at, GeminiOne& one) {
  one.task = at.text();
  constexpr std::string_view types[] = {"TASK_TYPE_UNSPECIFIED", "RETRIEVAL_QUERY",   "RETRIEVAL_DOCUMENT",
                                        "SEMANTIC_SIMILARITY",   "CLASSIFICATION",    "CLUSTERING",
                                        "QUESTION_ANSWERING",    "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY"};
  return one_of(at, types);
}
Status take_title(const At&, GeminiOne& one) {
  one.titled = true;
  return {};
}

constexpr Row<GeminiOne> gemini_rows[] = {
    {"model", is_text, take_text<&GeminiOne::model>},
    {"content", is_object, take_gemini_content},
    {"taskType", is_text, take_gemini_task},
    {"title", is_text, take_title},
    {"outputDimensionality", is_whole, take_whole<&GeminiOne::dimensions, 1, vector_size_max>},
};

Status check_gemini(const GeminiOne& one, std::string_view path, std::string_view model) {
  const auto refuse = [&](std::string_view name, std::string_view what) {
    return fail(Kind::bad_request, cat("* ", path, ".", name, ": ", what, "\n"));
  };
  if (!one.model.empty() && one.model != cat("models/", model) && one.model != model) {
    return refuse("model", "must match the model of the request's path");
  }
  if (one.text.empty()) return refuse("content", "contents is not specified");
  if (one.titled && one.task != "RETRIEVAL_DOCUMENT") {
    return refuse("title", "title is only applicable when task_type is RETRIEVAL_DOCUMENT");
  }
  return {};
}

void write_gemini_usage(Writer& writer, std::uint64_t tokens) {
  writer.key("usageMetadata").begin_object().key("promptTokenCount").number(tokens).end_object();
}

Status read_gemini_one(const TaskAsk& ask, TaskPlan& plan) {
  GeminiOne one;
  Status status = read_task(ask, gemini_reading, gemini_rows, plan, one);
  plan.model = ask.name;
  if (status) status = check_gemini(one, "EmbedContentRequest", ask.name);
  if (!status) return status;
  plan.reply = [one](const TaskScene&) -> Result<TaskReply> {
    return reply_json([&](Writer& writer) {
      writer.begin_object().key("embedding").begin_object().key("values");
      write_vector(writer, embed(one.text, one.dimensions));
      writer.end_object();
      write_gemini_usage(writer, count_tokens(one.text));
      writer.end_object();
    });
  };
  return {};
}

Status take_gemini_batch(const At& at, std::vector<GeminiOne>& all) {
  return at.each(is_object, [&](const At& one) { return read_members(one, gemini_rows, all.emplace_back()); });
}

Status read_gemini_batch(const TaskAsk& ask, TaskPlan& plan) {
  std::vector<GeminiOne> all;
  constexpr Row<std::vector<GeminiOne>> rows[] = {{"requests", is_list, take_gemini_batch}};
  Status status = read_task(ask, gemini_reading, rows, plan, all);
  plan.model = ask.name;
  if (!status) return status;
  if (all.empty()) return fail(Kind::bad_request, "* BatchEmbedContentsRequest.requests: requests is not specified\n");
  if (all.size() > gemini_batch_max) {
    return fail(Kind::bad_request,
                cat("* BatchEmbedContentsRequest.requests: at most ", gemini_batch_max, " requests can be in one batch\n"));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto path = cat("BatchEmbedContentsRequest.requests[", i, "]");
    if (all[i].model.empty()) return fail(Kind::bad_request, cat("* ", path, ".model: unexpected model name format\n"));
    if (Status checked = check_gemini(all[i], path, ask.name); !checked) return checked;
  }
  plan.reply = [all = std::move(all)](const TaskScene&) -> Result<TaskReply> {
    return reply_json([&](Writer& writer) {
      std::uint64_t tokens = 0;
      writer.begin_object().key("embeddings").begin_array();
      for (const auto& one : all) {
        tokens += count_tokens(one.text);
        writer.begin_object().key("values");
        write_vector(writer, embed(one.text, one.dimensions));
        writer.end_object();
      }
      writer.end_array();
      write_gemini_usage(writer, tokens);
      writer.end_object();
    });
  };
  return {};
}

// ---- Cohere ----------------------------------------------------------------------------------------------------------------

constexpr std::size_t cohere_texts_max = 96;

Status refuse_cohere(std::string_view why) { return fail(Kind::bad_request, cat("invalid request: ", why)); }

struct CohereRequest : Request {
  std::vector<std::string> images;
  std::vector<std::string> types;
  bool inputs = false;
  std::string input_type;
};

Status take_input_type(const At& at, CohereRequest& request) {
  request.input_type = at.text();
  constexpr std::string_view types[] = {"search_document", "search_query", "classification", "clustering", "image"};
  return one_of(at, types);
}
Status take_types(const At& at, CohereRequest& request) {
  return at.each(is_text, [&](const At& one) {
    request.types.push_back(one.text());
    constexpr std::string_view types[] = {"float", "int8", "uint8", "binary", "ubinary", "base64"};
    return one_of(one, types);
  });
}
Status take_truncate(const At& at, CohereRequest&) {
  constexpr std::string_view sides[] = {"NONE", "START", "END"};
  return one_of(at, sides);
}
Status take_dimension(const At& at, CohereRequest& request) {
  const auto size = at.value().as_u64().value_or(0);
  if (size != 256 && size != 512 && size != 1024 && size != 1536) return at.wrong_value("'256', '512', '1024', and '1536'");
  request.dimensions = size;
  return {};
}
/// A picture's vector is that of its bytes' hash.
Status add_image(const At& at, CohereRequest& request) {
  Medium medium;
  if (!take_url(at.text(), medium) || medium.sha256.empty()) return at.refuse("images must be data URLs with base64");
  request.images.push_back(medium.media_type);
  request.texts.push_back(medium.sha256);
  return {};
}
Status take_images(const At& at, CohereRequest& request) {
  return at.each(is_text, [&](const At& one) { return add_image(one, request); });
}

Status append_text(CohereRequest& request, std::string_view text) {
  auto& last = request.texts.back();
  append(last, cat(last.empty() ? "" : " ", text));
  return {};
}
Status take_text_content(const At& at, CohereRequest& request) {
  constexpr Row<CohereRequest> rows[] = {
      {"type", is_text},
      {"text", is_text, [](const At& text, CohereRequest& into) { return append_text(into, text.text()); }, true}};
  return read_members(at, rows, request);
}
Status take_content_url(const At& at, CohereRequest& request) {
  CohereRequest image;
  Status status = add_image(at, image);
  return status ? append_text(request, image.texts.back()) : std::move(status);
}
Status take_content_image(const At& at, CohereRequest& request) {
  constexpr Row<CohereRequest> rows[] = {{"url", is_text, take_content_url, true}, {"detail", is_text}};
  return read_members(at, rows, request);
}
Status take_image_content(const At& at, CohereRequest& request) {
  constexpr Row<CohereRequest> rows[] = {{"type", is_text}, {"image_url", is_object, take_content_image, true}};
  return read_members(at, rows, request);
}
constexpr Variant<CohereRequest> cohere_contents[] = {{"text", take_text_content}, {"image_url", take_image_content}};
Status take_contents(const At& at, CohereRequest& request) {
  return at.each(is_object, [&](const At& one) { return read_variant(one, "type", cohere_contents, request); });
}
Status take_inputs(const At& at, CohereRequest& request) {
  request.inputs = true;
  return at.each(is_object, [&](const At& one) {
    request.texts.emplace_back();
    constexpr Row<CohereRequest> rows[] = {{"content", is_list, take_contents, true}};
    return read_members(one, rows, request);
  });
}

constexpr Row<CohereRequest> cohere_rows[] = {
    {"model", is_text, nullptr, true},
    {"input_type", is_text, take_input_type, true},
    {"texts", is_list, take_texts<CohereRequest>},
    {"images", is_list, take_images},
    {"inputs", is_list, take_inputs},
    {"max_tokens", is_whole},
    {"output_dimension", is_whole, take_dimension},
    {"embedding_types", is_list, take_types},
    {"truncate", is_text, take_truncate},
    {"priority", is_whole},
};
/// Version 1 (docs.cohere.com/v1/reference/embed).
constexpr Row<CohereRequest> cohere_v1_rows[] = {
    {"model", is_text},
    {"input_type", is_text, take_input_type},
    {"texts", is_list, take_texts<CohereRequest>},
    {"images", is_list, take_images},
    {"embedding_types", is_list, take_types},
    {"truncate", is_text, take_truncate},
};

void write_cohere_type(Writer& writer, const CohereRequest& request, std::string_view type) {
  writer.begin_array();
  for (const auto& text : request.texts) {
    const auto vector = embed(text, request.dimensions);
    if (type == "float") {
      write_vector(writer, vector);
    } else if (type == "base64") {
      writer.string(base64_of(vector));
    } else {
      write_small(writer, vector, type);
    }
  }
  writer.end_array();
}

TaskReply cohere_answer(const CohereRequest& request, std::string_view version) {
  return reply_json([&](Writer& writer) {
    const bool by_type = version == "2" || !request.types.empty();
    const auto seed = fingerprint(request.texts.front(), request.texts.size());
    writer.begin_object().key("id").string(hex_id("", seed)).key("texts").begin_array();
    if (request.images.empty() && !request.inputs) {
      for (const auto& text : request.texts) writer.string(text);
    }
    writer.end_array();
    if (!request.images.empty()) {
      writer.key("images").begin_array();
      for (const auto& type : request.images) {
        writer.begin_object().key("width").number(1).key("height").number(1).key("format").string(
            type.substr(type.find('/') + 1));
        writer.key("bit_depth").number(24).end_object();
      }
      writer.end_array();
    }
    writer.key("embeddings");
    if (by_type) {
      writer.begin_object();
      for (const auto& type : request.types) {
        writer.key(type);
        write_cohere_type(writer, request, type);
      }
      if (request.types.empty()) {
        writer.key("float");
        write_cohere_type(writer, request, "float");
      }
      writer.end_object();
    } else {
      write_cohere_type(writer, request, "float");
    }
    writer.key("meta").begin_object().key("api_version").begin_object().key("version").string(version).end_object();
    writer.key("billed_units").begin_object();
    if (request.images.empty()) {
      writer.key("input_tokens").number(request.tokens());
    } else {
      writer.key("images").number(request.images.size());
    }
    writer.end_object()
        .end_object()
        .key("response_type")
        .string(by_type ? "embeddings_by_type" : "embeddings_floats")
        .end_object();
  });
}

Status check_cohere(const CohereRequest& request) {
  const int given = (request.images.empty() ? 0 : 1) + (request.inputs ? 1 : 0) +
                    (request.texts.empty() || request.inputs || !request.images.empty() ? 0 : 1);
  if (given != 1) return refuse_cohere("exactly one of texts, images or inputs must be provided");
  if (request.texts.size() > cohere_texts_max) {
    return refuse_cohere(cat("total number of texts must be at most ", cohere_texts_max, " - received ", request.texts.size()));
  }
  if (!request.images.empty() && (request.texts.size() != request.images.size() || request.images.size() != 1)) {
    return refuse_cohere("exactly one image, and no texts, can be embedded in a request");
  }
  if (request.images.empty() && request.input_type == "image")
    return refuse_cohere("images must be provided with input_type image");
  if (std::ranges::any_of(request.texts, &std::string::empty)) return refuse_cohere("texts must not be empty strings");
  return {};
}

template <bool V1>
Status read_cohere_embed(const TaskAsk& ask, TaskPlan& plan) {
  CohereRequest request;
  constexpr TaskReading how{cohere_words, true, refuse_cohere};
  Status status = V1 ? read_task(ask, how, cohere_v1_rows, plan, request) : read_task(ask, how, cohere_rows, plan, request);
  if (status) status = check_cohere(request);
  if (!status) return status;
  plan.reply = [request = std::move(request)](const TaskScene&) -> Result<TaskReply> {
    return cohere_answer(request, V1 ? "1" : "2");
  };
  return {};
}

// ---- Ollama ----------------------------------------------------------------------------------------------------------------

Status refuse_ollama(std::string_view why) { return fail(Kind::bad_request, std::string{why}); }
constexpr TaskReading ollama_reading{ollama_words, false, refuse_ollama};

Status take_ollama_input(const At& at, Request& request) {
  if (at.value().is(Type::string)) return at.text().empty() ? Status{} : add_text(at, request);
  for (const auto& one : at.value().elements()) {
    if (!one.is(Type::string)) return at.refuse("invalid input type");
  }
  return take_texts(at, request);
}

constexpr Row<Request> ollama_rows[] = {
    {"model", is_text, nullptr, true},
    {"input", is_text | is_list, take_ollama_input},
    {"truncate", is_bool},
    {"options", is_object},
    {"keep_alive", is_text | is_number},
    {"dimensions", is_whole, take_whole<&Request::dimensions, 0, vector_size_max>},
};
constexpr Row<Request> ollama_old_rows[] = {
    {"model", is_text, nullptr, true},
    {"prompt", is_text, add_text<Request>},
    {"options", is_object},
    {"keep_alive", is_text | is_number},
};

Status read_ollama_embed(const TaskAsk& ask, TaskPlan& plan) {
  Request request;
  Status status = read_task(ask, ollama_reading, ollama_rows, plan, request);
  if (!status) return status;
  if (request.dimensions == 0) request.dimensions = vector_size;
  plan.reply = [request = std::move(request)](const TaskScene& scene) -> Result<TaskReply> {
    return reply_json([&](Writer& writer) {
      writer.begin_object().key("model").string(scene.model).key("embeddings");
      request.write_vectors(writer);
      writer.key("total_duration").number(1'000'000).key("load_duration").number(100'000);
      writer.key("prompt_eval_count").number(request.tokens()).end_object();
    });
  };
  return {};
}

/// The older form: one prompt, one vector; an empty one has none.
Status read_ollama_embeddings(const TaskAsk& ask, TaskPlan& plan) {
  Request request;
  Status status = read_task(ask, ollama_reading, ollama_old_rows, plan, request);
  if (!status) return status;
  plan.reply = [request = std::move(request)](const TaskScene&) -> Result<TaskReply> {
    return reply_json([&](Writer& writer) {
      writer.begin_object().key("embedding");
      if (request.texts.empty() || request.texts.front().empty()) {
        writer.begin_array().end_array();
      } else {
        write_vector(writer, embed(request.texts.front()));
      }
      writer.end_object();
    });
  };
  return {};
}

// ---- Text Embeddings Inference ---------------------------------------------------------------------------------------------

Status take_tei_inputs(const At& at, Request& request) {
  request.many = at.value().is(Type::array);
  if (!request.many) return add_text(at, request);
  return take_texts(at, request);
}
constexpr Row<Request> tei_rows[] = {
    {"inputs", is_text | is_list, take_tei_inputs, true},
    {"truncate", is_bool},
    {"truncation_direction", is_text,
     [](const At& at, Request&) {
       constexpr std::string_view sides[] = {"left", "right", "Left", "Right"};
       return one_of(at, sides);
     }},
    {"prompt_name", is_text},
    {"normalize", is_bool},
    {"dimensions", is_whole, take_whole<&Request::dimensions, 1, vector_size_max>},
};

Status read_tei_embed(const TaskAsk& ask, TaskPlan& plan) {
  Request request;
  Status status = read_task(ask, tei_reading, tei_rows, plan, request);
  if (status) status = check_tei_batch(request.texts, "inputs");
  if (!status) return status;
  plan.reply = [request = std::move(request)](const TaskScene&) -> Result<TaskReply> {
    return reply_json([&](Writer& writer) { request.write_vectors(writer); });
  };
  return {};
}

}  // namespace

const TaskForm gemini_embed{&gemini_form, read_gemini_one};
const TaskForm gemini_batch_embed{&gemini_form, read_gemini_batch};
const TaskForm cohere_embed{&cohere_form, read_cohere_embed<false>};
const TaskForm cohere_embed_v1{&cohere_form, read_cohere_embed<true>};
const TaskForm ollama_embed{&ollama_form, read_ollama_embed};
const TaskForm ollama_embeddings{&ollama_form, read_ollama_embeddings};
const TaskForm tei_embed{&tei_form, read_tei_embed};

}  // namespace cardea::twin

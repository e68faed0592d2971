// OpenAI's embeddings (platform.openai.com/docs/api-reference/embeddings), which many servers speak, and Jina's (api.jina.ai),
// which share the path: members that only Jina has, or inputs that are objects, mean the latter.

#include "twin/forms/jina.h"
#include "twin/forms/openai.h"
#include "twin/media.h"
#include "twin/task.h"
#include "twin/tokens.h"
#include "twin/vectors.h"

namespace cardea::twin {
namespace {

using json::Type;

constexpr std::size_t inputs_max = 2048;
constexpr std::uint64_t tokens_max = 8192;
constexpr std::uint64_t tokens_of_all_max = 300'000;

struct Request {
  std::vector<std::string> inputs;
  std::uint64_t tokens = 0;
  std::uint64_t dimensions = vector_size;
  std::string encoding = "float";
};

Status wrong_input() {
  return refuse_request("'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
                        "", "");
}

Status add_input(std::string text, std::uint64_t tokens, Request& request) {
  if (tokens > tokens_max) {
    return refuse_request(
        cat("This model's maximum context length is ", tokens_max, " tokens, however you requested ", tokens, " tokens (", tokens,
            " in your prompt; 0 for the completion). Please reduce your prompt; or completion length."),
        "", "");
  }
  request.inputs.push_back(std::move(text));
  request.tokens += tokens;
  if (request.tokens <= tokens_of_all_max) return {};
  return refuse_request(cat("Invalid 'input': maximum request size is ", tokens_of_all_max, " tokens per request."), "input",
                        "max_tokens_per_request");
}

Status add_text(const json::Value& value, Request& request) {
  const auto* text = value.as_string();
  if (text == nullptr || text->empty()) return wrong_input();
  return add_input(*text, count_tokens(*text), request);
}

/// Tokens of a tokenizer that the twin does not have: each is a word.
Status add_tokens(const json::Value& list, Request& request) {
  std::string text;
  if (list.elements().empty()) return wrong_input();
  for (const auto& token : list.elements()) {
    if (!token.as_u64()) return wrong_input();
    append(text, cat(text.empty() ? "" : " ", *token.as_number()));
  }
  return add_input(std::move(text), list.elements().size(), request);
}

Status take_input(const At& at, Request& request) {
  const auto& value = at.value();
  if (value.is(Type::string)) return add_text(value, request);
  if (value.elements().empty()) return wrong_input();
  const auto kind = value.elements().front().type();
  if (kind == Type::number) return add_tokens(value, request);
  if (value.elements().size() > inputs_max) {
    return refuse_request(cat("Invalid 'input': array too long. Expected an array with maximum length ", inputs_max,
                              ", but got an array with length ", value.elements().size(), " instead."),
                          "input", "array_above_max_length");
  }
  for (const auto& one : value.elements()) {
    if (one.type() != kind) return wrong_input();
    Status added = kind == Type::string ? add_text(one, request) : add_tokens(one, request);
    if (!added) return added;
  }
  return {};
}

Status take_encoding(const At& at, Request& request) {
  request.encoding = at.text();
  constexpr std::string_view encodings[] = {"float", "base64"};
  return one_of(at, encodings);
}

constexpr Row<Request> rows[] = {
    {"model", is_text, nullptr, true},
    {"input", is_text | is_list, take_input, true},
    {"encoding_format", is_text, take_encoding},
    {"dimensions", is_whole, take_whole<&Request::dimensions, 1, vector_size_max>},
    {"user", is_text},
};

Status refuse_body(std::string_view why) {
  return refuse_request(cat("We could not parse the JSON body of your request. (", why, ")"), "", "");
}

TaskReply answer(const Request& request, const TaskScene& scene) {
  return reply_json([&](json::Writer& writer) {
    writer.begin_object().key("object").string("list").key("data").begin_array();
    for (std::size_t i = 0; i < request.inputs.size(); ++i) {
      const auto vector = embed(request.inputs[i], request.dimensions);
      writer.begin_object().key("object").string("embedding").key("index").number(i).key("embedding");
      if (request.encoding == "base64") {
        writer.string(base64_of(vector));
      } else {
        write_vector(writer, vector);
      }
      writer.end_object();
    }
    writer.end_array().key("model").string(scene.model).key("usage").begin_object();
    writer.key("prompt_tokens").number(request.tokens).key("total_tokens").number(request.tokens).end_object().end_object();
  });
}

Status read(const TaskAsk& ask, TaskPlan& plan) {
  Request request;
  Status status = read_task(ask, {openai_words, false, refuse_body}, rows, plan, request);
  if (!status) return status;
  plan.reply = [request = std::move(request)](const TaskScene& scene) -> Result<TaskReply> { return answer(request, scene); };
  return {};
}

// ---- Jina ------------------------------------------------------------------------------------------------------------------

struct JinaRequest : Request {
  std::vector<std::string> types;
  bool list = false;  ///< of types: each vector is an object of them
};

Status add_jina_text(const At& at, JinaRequest& request) {
  request.inputs.push_back(at.text());
  request.tokens += count_tokens(at.text());
  return {};
}
Status add_jina_image(const At& at, JinaRequest& request) {
  Medium medium;
  const bool address = at.text().starts_with("http");
  const bool good = address || (at.text().starts_with("data:") ? take_url(at.text(), medium) : take_base64(at.text(), medium));
  if (!good) return at.refuse("Input should be a URL or base64");
  request.inputs.push_back(address ? at.text() : medium.sha256);
  request.tokens += tokens_per_medium;
  return {};
}
Status add_jina_input(const At& at, JinaRequest& request) {
  if (at.value().is(Type::string)) return add_jina_text(at, request);
  const auto before = request.inputs.size();
  constexpr Row<JinaRequest> object_rows[] = {{"text", is_text, add_jina_text}, {"image", is_text, add_jina_image}};
  Status status = read_members(at, object_rows, request);
  if (!status || request.inputs.size() == before + 1) return status;
  return at.refuse("Input should have either text or image");
}
Status take_jina_input(const At& at, JinaRequest& request) {
  if (at.value().is(Type::string)) return add_jina_text(at, request);
  if (at.value().elements().empty()) return at.refuse("List should have at least 1 item");
  return at.each(is_text | is_object, [&](const At& one) { return add_jina_input(one, request); });
}
Status take_jina_type(const At& at, JinaRequest& request) {
  request.types.push_back(at.text());
  constexpr std::string_view types[] = {"float", "base64", "binary", "ubinary"};
  return one_of(at, types);
}
Status take_jina_types(const At& at, JinaRequest& request) {
  request.list = at.value().is(Type::array);
  if (!request.list) return take_jina_type(at, request);
  return at.each(is_text, [&](const At& one) { return take_jina_type(one, request); });
}
Status take_jina_task(const At& at, JinaRequest&) {
  constexpr std::string_view tasks[] = {"retrieval.query", "retrieval.passage", "text-matching", "classification",  "separation",
                                        "code.query",      "code.passage",      "nl2code.query", "nl2code.passage", "none"};
  return one_of(at, tasks);
}
constexpr Row<JinaRequest> jina_rows[] = {
    {"model", is_text, nullptr, true},
    {"input", is_text | is_list, take_jina_input, true},
    {"embedding_type", is_text | is_list, take_jina_types},
    {"task", is_text, take_jina_task},
    {"dimensions", is_whole,
     [](const At& at, JinaRequest& request) { return check_whole(at, 1, vector_size_max, request.dimensions); }},
    {"normalized", is_bool},
    {"late_chunking", is_bool},
    {"truncate", is_bool},
    {"return_multivector", is_bool},
    {"user", is_text},
};

void write_jina_vector(json::Writer& writer, std::span<const float> vector, std::string_view type) {
  if (type == "base64") {
    writer.string(base64_of(vector));
  } else if (type == "float") {
    write_vector(writer, vector);
  } else {
    write_small(writer, vector, type);
  }
}

TaskReply jina_answer(const JinaRequest& request, const TaskScene& scene) {
  return reply_json([&](json::Writer& writer) {
    writer.begin_object().key("model").string(scene.model).key("object").string("list").key("usage").begin_object();
    writer.key("total_tokens").number(request.tokens).key("prompt_tokens").number(request.tokens).end_object();
    writer.key("data").begin_array();
    for (std::size_t i = 0; i < request.inputs.size(); ++i) {
      const auto vector = embed(request.inputs[i], request.dimensions);
      writer.begin_object().key("object").string("embedding").key("index").number(i).key("embedding");
      if (!request.list) {
        write_jina_vector(writer, vector, request.types.empty() ? std::string_view{"float"} : request.types.front());
      } else {
        writer.begin_object();
        for (const auto& type : request.types) {
          writer.key(type);
          write_jina_vector(writer, vector, type);
        }
        writer.end_object();
      }
      writer.end_object();
    }
    writer.end_array().end_object();
  });
}

Status read_jina(const TaskAsk& ask, TaskPlan& plan) {
  plan.form = &jina_form;
  JinaRequest request;
  Status status = read_task(ask, jina_reading, jina_rows, plan, request);
  if (!status) return status;
  plan.reply = [request = std::move(request)](const TaskScene& scene) -> Result<TaskReply> {
    return jina_answer(request, scene);
  };
  return {};
}

bool is_jina(const json::Value& body) {
  for (const auto name : {"embedding_type", "task", "late_chunking", "normalized"}) {
    if (body.find(name) != nullptr) return true;
  }
  const auto* input = body.find("input");
  return input != nullptr && !input->elements().empty() && input->elements().front().is(Type::object);
}

Status read_either(const TaskAsk& ask, TaskPlan& plan) {
  const auto body = json::parse(ask.body);
  return body && is_jina(*body) ? read_jina(ask, plan) : read(ask, plan);
}

}  // namespace

const TaskForm openai_embeddings{&openai_task_form, read_either};

}  // namespace cardea::twin

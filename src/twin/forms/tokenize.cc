// vLLM's tokenizer (docs.vllm.ai, "Tokenizer API"): the twin's tokens (tokens.h), numbered by what they say.

#include "twin/forms/openai.h"
#include "twin/task.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

using json::Type;
using json::Writer;

constexpr std::uint64_t context_tokens = 1'000'000;
constexpr std::uint64_t vocabulary = 100'000;
constexpr std::string_view begin_token = "<s>";

struct Request {
  std::optional<std::string> prompt;
  std::optional<std::string> messages;  ///< as a template makes them one text
  std::optional<bool> special;
  bool strings = false;
};

struct Message {
  std::string role;
  std::string text;
};
Status take_content(const At& at, Message& message) {
  if (at.value().is(Type::string)) {
    message.text = at.text();
    return {};
  }
  return at.each(is_object, [&](const At& one) -> Status {
    message.text += text_member(one.value(), "text");
    return {};
  });
}
Status take_messages(const At& at, Request& request) {
  auto& text = request.messages.emplace();
  return at.each(is_object, [&](const At& one) -> Status {
    constexpr Row<Message> rows[] = {{"role", is_text, take_text<&Message::role>, true},
                                     {"content", is_text | is_list, take_content},
                                     {"name", is_text},
                                     {"tool_calls", is_list},
                                     {"tool_call_id", is_text}};
    Message message;
    Status status = read_members(one, rows, message);
    append(text, cat(text.empty() ? "" : "\n", message.role, ": ", message.text));
    return status;
  });
}
Status take_prompt(const At& at, Request& request) {
  request.prompt = at.text();
  return {};
}
Status take_special(const At& at, Request& request) {
  request.special = at.value().as_bool();
  return {};
}

constexpr Row<Request> rows[] = {
    {"model", is_text},
    {"prompt", is_text, take_prompt},
    {"messages", is_list, take_messages},
    {"add_special_tokens", is_bool, take_special},
    {"return_token_strs", is_bool, take_bool<&Request::strings>},
    {"add_generation_prompt", is_bool},
    {"continue_final_message", is_bool},
    {"chat_template", is_text},
    {"chat_template_kwargs", is_object},
    {"mm_processor_kwargs", is_object},
    {"tools", is_list},
};

Status refuse_body(std::string_view why) { return refuse_request(cat("JSON decode error: ", why), "", ""); }

/// vLLM adds special tokens to a prompt unless told otherwise; a chat template has them already.
std::vector<std::string_view> tokens_of(const Request& request) {
  const std::string_view text = request.prompt ? *request.prompt : *request.messages;
  std::vector<std::string_view> tokens;
  if (request.special.value_or(request.prompt.has_value())) tokens.push_back(begin_token);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = token_end(text, at);
    tokens.push_back(text.substr(at, end - at));
    at = end;
  }
  return tokens;
}

Status read(const TaskAsk& ask, TaskPlan& plan) {
  Request request;
  Status status = read_task(ask, {openai_words, false, refuse_body}, rows, plan, request);
  if (!status) return status;
  if (request.prompt.has_value() == request.messages.has_value())
    return refuse_request("Give either `prompt` or `messages`.", "", "");
  plan.reply = [request = std::move(request)](const TaskScene&) -> Result<TaskReply> {
    return reply_json([&](Writer& writer) {
      const auto tokens = tokens_of(request);
      writer.begin_object().key("count").number(tokens.size()).key("max_model_len").number(context_tokens);
      writer.key("tokens").begin_array();
      for (const auto token : tokens) writer.number(token == begin_token ? 1 : 2 + fingerprint(token) % vocabulary);
      writer.end_array().key("token_strs");
      if (request.strings) {
        writer.begin_array();
        for (const auto token : tokens) writer.string(token);
        writer.end_array();
      } else {
        writer.null();
      }
      writer.end_object();
    });
  };
  return {};
}

}  // namespace

const TaskForm vllm_tokenize{&openai_task_form, read};

}  // namespace cardea::twin

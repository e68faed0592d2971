// The tokenizers of vLLM (docs.vllm.ai, "Tokenizer API") and llama.cpp (tools/server/README.md), which share their paths:
// `content` instead of a prompt, or tokens without a model, mean the latter. The twin's tokens (tokens.h), in pieces of six bytes
// at most, so that a number says what it stands for.

#include <algorithm>

#include "twin/forms/openai.h"
#include "twin/task.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

using json::Type;
using json::Writer;

constexpr std::uint64_t context_tokens = 1'000'000;
constexpr std::string_view begin_token = "<s>";
constexpr std::uint64_t begin_id = 1;

// ---- Numbers ---------------------------------------------------------------------------------------------------------------

constexpr std::size_t piece_bytes_max = 6;  ///< so that numbers stay below 2^53, which JavaScript can count to

std::uint64_t id_of(std::string_view piece) noexcept {
  std::uint64_t id = piece.size();
  for (std::size_t i = piece_bytes_max; i > 0; --i)
    id = id << 8 | (i <= piece.size() ? static_cast<unsigned char>(piece[i - 1]) : 0U);
  return id;
}
/// False: no such token.
bool append_piece(std::string& out, std::uint64_t id) {
  if (id == begin_id) {
    out += begin_token;
    return true;
  }
  const auto size = static_cast<std::size_t>(id >> (8 * piece_bytes_max));
  if (size == 0 || size > piece_bytes_max) return false;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(id >> (8 * i) & 0xff);
  return true;
}

std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = token_end(text, at);
    while (at < end) {
      auto next = std::min(end, at + piece_bytes_max);
      while (next < end && next > at + 1 && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) --next;
      pieces.push_back(text.substr(at, next - at));
      at = next;
    }
  }
  return pieces;
}

// ---- Requests --------------------------------------------------------------------------------------------------------------

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
  auto tokens = pieces_of(request.prompt ? *request.prompt : *request.messages);
  if (request.special.value_or(request.prompt.has_value())) tokens.insert(tokens.begin(), begin_token);
  return tokens;
}
/// The token that begins a text, not a text that spells it.
std::uint64_t number_of(const std::vector<std::string_view>& tokens, std::size_t index) {
  const bool begin = index == 0 && tokens[0].data() == begin_token.data();
  return begin ? begin_id : id_of(tokens[index]);
}

Status read_vllm(const TaskAsk& ask, TaskPlan& plan) {
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
      for (std::size_t i = 0; i < tokens.size(); ++i) writer.number(number_of(tokens, i));
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

// ---- llama.cpp -------------------------------------------------------------------------------------------------------------

constexpr Row<Request> llamacpp_rows[] = {
    {"model", is_text},
    {"content", is_text, take_prompt, true},
    {"add_special", is_bool, take_special},
    {"parse_special", is_bool},
    {"with_pieces", is_bool, take_bool<&Request::strings>},
};

std::string llamacpp_failure(const Failure& failure) {
  std::string out;
  Writer writer{out};
  writer.begin_object().key("error").begin_object().key("code").number(failure.status).key("message").string(failure.message);
  writer.key("type").string(failure.status >= 500 ? "server_error" : "invalid_request_error").end_object().end_object();
  return out;
}
constexpr Form llamacpp_form{
    .name = "llamacpp",
    .ids = {"", ""},
    .read = nullptr,
    .document = nullptr,
    .events = nullptr,
    .count = nullptr,
    .failure = llamacpp_failure,
    .failure_event = [](const Failure& failure, std::uint64_t, Event& out) { out.data = llamacpp_failure(failure); },
    .framing = Framing::sse,
    .done = {},
    .id_line = {}};

Status read_llamacpp(const TaskAsk& ask, TaskPlan& plan) {
  plan.form = &llamacpp_form;
  Request request;
  Status status = read_task(ask, {openai_words, false, refuse_body}, llamacpp_rows, plan, request);
  if (!status) return status;
  request.special = request.special.value_or(false);
  plan.reply = [request = std::move(request)](const TaskScene&) -> Result<TaskReply> {
    return reply_json([&](Writer& writer) {
      const auto tokens = tokens_of(request);
      writer.begin_object().key("tokens").begin_array();
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (request.strings) {
          writer.begin_object().key("id").number(number_of(tokens, i)).key("piece").string(tokens[i]).end_object();
        } else {
          writer.number(number_of(tokens, i));
        }
      }
      writer.end_array().end_object();
    });
  };
  return {};
}

Status read_tokenize(const TaskAsk& ask, TaskPlan& plan) {
  const auto body = json::parse(ask.body);
  return body && body->find("content") != nullptr ? read_llamacpp(ask, plan) : read_vllm(ask, plan);
}

// ---- The way back ----------------------------------------------------------------------------------------------------------

struct Numbers {
  std::string text;
};
Status take_numbers(const At& at, Numbers& numbers) {
  return at.each(is_number, [&](const At& one) -> Status {
    const auto id = one.value().as_u64();
    return id && append_piece(numbers.text, *id) ? Status{} : one.refuse("token is out of the vocabulary");
  });
}
constexpr Row<Numbers> detokenize_rows[] = {{"model", is_text}, {"tokens", is_list, take_numbers, true}};

Status read_detokenize(const TaskAsk& ask, TaskPlan& plan) {
  const auto body = json::parse(ask.body);
  const bool llamacpp = body && body->find("model") == nullptr;
  if (llamacpp) plan.form = &llamacpp_form;
  Numbers numbers;
  Status status = read_task(ask, {openai_words, false, refuse_body}, detokenize_rows, plan, numbers);
  if (!status) return status;
  plan.reply = [text = std::move(numbers.text), llamacpp](const TaskScene&) -> Result<TaskReply> {
    return reply_json(
        [&](Writer& writer) { writer.begin_object().key(llamacpp ? "content" : "prompt").string(text).end_object(); });
  };
  return {};
}

}  // namespace

const TaskForm tokenize{&openai_task_form, read_tokenize};
const TaskForm detokenize{&openai_task_form, read_detokenize};

}  // namespace cardea::twin

// Errors in OpenAI's shape: {"error":{"message","type","param","code"}}.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"
#include "dialect/plain.h"
#include "wire/sse.h"

namespace cardea::dialect::openai {

namespace {

/// OpenAI's words for what went wrong, where HTTP's status is no longer to be seen (in a stream).
struct ErrorWord {
  std::string_view word;
  int status;
};
constexpr std::array<ErrorWord, 13> error_words{{{"invalid_request_error", 400},
                                                 {"context_length_exceeded", 400},
                                                 {"authentication_error", 401},
                                                 {"invalid_api_key", 401},
                                                 {"permission_error", 403},
                                                 {"not_found_error", 404},
                                                 {"model_not_found", 404},
                                                 {"rate_limit_error", 429},
                                                 {"rate_limit_exceeded", 429},
                                                 {"insufficient_quota", 429},
                                                 {"overloaded_error", 529},
                                                 {"server_error", 500},
                                                 {"api_error", 500}}};

int status_of(std::string_view word) {
  const auto row = std::ranges::find(error_words, word, &ErrorWord::word);
  return row != error_words.end() ? row->status : 0;
}

}  // namespace

Told tell(const json::Value& error) {
  Told told;
  if (const auto* text = error.as_string()) told.message = *text;
  if (const auto* message = text_at(error, "message")) told.message = *message;
  if (const auto* code = text_at(error, "code")) told.code = *code;
  if (const auto* code = error.find("code")) {  // a number (OpenRouter)
    const auto number = code->as_u64();
    if (number && *number >= 400 && *number < 600) told.status = static_cast<int>(*number);
  }
  if (told.status == 0) told.status = status_of(told.code);
  const auto* type = text_at(error, "type");
  if (told.status == 0 && type != nullptr) told.status = status_of(*type);
  told.own_shape = text_at(error, "message") != nullptr;
  return told;
}

void write_error(json::Writer& w, std::string_view message, std::string_view type, std::string_view param,
                 std::string_view code) {
  const auto text_or_null = [&](std::string_view key, std::string_view text) {
    w.key(key);
    if (text.empty()) {
      w.null();
    } else {
      w.string(text);
    }
  };
  w.begin_object().key("message").string(message).key("type").string(type);
  text_or_null("param", param);
  text_or_null("code", code);
  w.end_object();
}

std::string OpenAiChat::error_body(const Error& error, std::string_view /*request_id: travels in x-request-id*/) const {
  const auto& detail = error.detail();
  if (!detail.body.empty()) return detail.body;
  const auto& standing = info(error.kind());
  std::string out;
  json::Writer w{out};
  w.begin_object().key("error");
  write_error(w, error.message(), standing.openai_type, detail.param, detail.code.empty() ? standing.openai_code : detail.code);
  w.end_object();
  return out;
}

std::string OpenAiChat::stream_error(const Error& error, std::string_view request_id, Framing /*framing: SSE alone*/) const {
  std::string out;
  wire::append_event(out, {}, error_body(error, request_id));
  return out;
}

Error reported_error(const json::Members& members, const json::Member& error, const Secret& secret) {
  auto value = json::parse(members.raw(error), upstream_scan());
  return reported_error_of(value ? tell(*value) : Told{}, secret);
}

Error OpenAiChat::upstream_error(const UpstreamFailure& failure, const Secret& secret) const {
  auto value = json::parse(failure.body, upstream_scan());
  const auto* error = value ? value->find("error") : nullptr;
  return upstream_error_of(failure, secret, error != nullptr ? tell(*error) : Told{});
}

}  // namespace cardea::dialect::openai

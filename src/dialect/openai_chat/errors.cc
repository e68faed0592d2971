// Errors in OpenAI's shape: {"error":{"message","type","param","code"}}.

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"
#include "dialect/plain.h"
#include "wire/sse.h"

namespace cardea::dialect::openai {

namespace {

/// `error`: the value of an error member, whatever shape the vendor gave it.
Told tell(const json::Value& error) {
  Told told;
  if (const auto* text = error.as_string()) told.message = *text;
  if (const auto* message = text_at(error, "message")) told.message = *message;
  if (const auto* code = text_at(error, "code")) told.code = *code;
  if (const auto* code = error.find("code")) {  // a number (OpenRouter)
    const auto number = code->as_u64();
    if (number && *number >= 400 && *number < 600) told.status = static_cast<int>(*number);
  }
  told.own_shape = text_at(error, "message") != nullptr;
  return told;
}

}  // namespace

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

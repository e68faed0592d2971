// Errors in OpenAI's shape: {"error":{"message","type","param","code"}}.

#include <algorithm>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"
#include "wire/sse.h"

namespace cardea::dialect::openai {

using json::Type;

namespace {

constexpr std::size_t kept_body_bytes = 64 * 1024;
constexpr std::size_t quoted_text_bytes = 500;
constexpr std::size_t message_bytes = 4096;

/// What an upstream's error says, as far as it can be told.
struct Told {
  std::string message;
  std::string code;
  int status = 0;  ///< a numeric code (OpenRouter)
};

const std::string* text_at(const json::Value& object, std::string_view key) {
  const auto* value = object.find(key);
  return value != nullptr ? value->as_string() : nullptr;
}

/// `error`: the value of an error member, whatever shape the vendor gave it.
Told tell(const json::Value& error) {
  Told told;
  if (const auto* text = error.as_string()) told.message = *text;
  if (const auto* message = text_at(error, "message")) told.message = *message;
  if (const auto* code = text_at(error, "code")) told.code = *code;
  if (const auto* code = error.find("code")) {
    const auto number = code->as_u64();
    if (number && *number >= 400 && *number < 600) told.status = static_cast<int>(*number);
  }
  return told;
}

/// The kind of an upstream's status, and the status the client sees (0: the kind's own).
struct Standing {
  Kind kind;
  std::uint16_t status = 0;
};
Standing standing_of(int status) {
  switch (status) {
    case 401:
    case 403: return {Kind::upstream_auth};
    case 408: return {Kind::upstream_timeout};
    case 429: return {Kind::rate_limited};
    case 503:
    case 529: return {Kind::upstream_failed, 503};
    case 504: return {Kind::upstream_failed, 504};
    default: break;
  }
  if (status >= 400 && status < 500) return {Kind::upstream_rejected, static_cast<std::uint16_t>(status)};
  return {status >= 500 ? Kind::upstream_failed : Kind::upstream_protocol};
}

std::string scrubbed(std::string_view text, const Secret& secret) { return scrub(text, secret.reveal()); }

/// The text of a body that is no OpenAI error: {"message":…}, {"detail":…} or plain text; markup says nothing to a client.
std::string other_text(std::string_view body, const Result<json::Value>& value, const Secret& secret) {
  if (value) {
    for (const auto key : {"message", "detail", "error_msg", "msg"}) {
      if (const auto* text = text_at(*value, key)) return *text;
    }
    return {};
  }
  // Scrubbed before it is cut: half a key would pass.
  const auto text = scrubbed(body.substr(0, kept_body_bytes), secret);
  constexpr std::string_view space = " \t\r\n";
  const auto first = text.find_first_not_of(space);
  if (first == std::string::npos || text[first] == '<') return {};
  return text.substr(first, std::min(quoted_text_bytes, text.find_last_not_of(space) + 1 - first));
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

std::string OpenAiChat::stream_error(const Error& error, std::string_view request_id) const {
  std::string out;
  wire::append_event(out, {}, error_body(error, request_id));
  return out;
}

Error reported_error(const json::Members& members, const json::Member& error, const Secret& secret) {
  auto value = json::parse(members.raw(error), upstream_scan({}));
  auto told = value ? tell(*value) : Told{};
  const auto standing = told.status != 0 ? standing_of(told.status) : Standing{Kind::upstream_failed};
  if (standing.kind == Kind::upstream_auth || told.message.empty()) {
    return {standing.kind, "the upstream reported an error in place of an answer"};
  }
  return {standing.kind, Error::Detail{.message = scrubbed(cat("upstream error: ", told.message), secret),
                                       .code = scrubbed(told.code, secret),
                                       .status = standing.status}};
}

Error OpenAiChat::upstream_error(const UpstreamFailure& failure, const Secret& secret) const {
  const auto standing = standing_of(failure.status);
  Error::Detail detail{.status = standing.status, .retry_after = std::string{failure.retry_after}};
  if (standing.kind == Kind::upstream_auth) {
    // Its text may quote a part of the key, which no scrubbing finds.
    detail.message = cat("the upstream refused the gateway's credentials (HTTP ", failure.status, "); check this provider's key");
    return {standing.kind, std::move(detail)};
  }
  if (standing.kind == Kind::upstream_protocol) {
    detail.message = cat("the upstream answered with the unexpected status ", failure.status);
    return {standing.kind, std::move(detail)};
  }
  auto value = json::parse(failure.body, upstream_scan({}));
  const auto* error = value ? value->find("error") : nullptr;
  auto told = error != nullptr ? tell(*error) : Told{};
  if (told.message.empty()) told.message = other_text(failure.body, value, secret);
  const bool own_shape = error != nullptr && error->is(Type::object) && text_at(*error, "message") != nullptr;
  if (own_shape && failure.body.size() <= kept_body_bytes) {
    // A key written with escapes would slip through a search of the raw bytes; dumping undoes them.
    const bool escapes = failure.body.find("\\") != std::string_view::npos;
    detail.body = scrubbed(escapes ? value->dump() : std::string{failure.body}, secret);
    detail.content_type = "application/json";
  }
  detail.code = scrubbed(told.code, secret);
  detail.message = cat("upstream error (HTTP ", failure.status, ")");
  if (!told.message.empty()) detail.message += cat(": ", scrubbed(told.message, secret).substr(0, message_bytes));
  return {standing.kind, std::move(detail)};
}

}  // namespace cardea::dialect::openai

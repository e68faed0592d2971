// Upstreams' errors: what a status means, and what of a text a client may see.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/fields.h"
#include "dialect/plain.h"

namespace cardea::dialect {
namespace {

constexpr std::size_t kept_body_bytes = 64 * 1024;
constexpr std::size_t quoted_text_bytes = 500;
constexpr std::size_t message_bytes = 4096;

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

/// The text of a body that is no error of the dialect: {"message":…}, {"detail":…} or plain text; markup says nothing to a
/// client.
std::string other_text(std::string_view body, const Result<json::Value>& value, const Secret& secret) {
  if (value) {
    for (const auto key : {"message", "Message", "detail", "error_msg", "msg"}) {
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

const std::string* text_at(const json::Value& object, std::string_view key) noexcept {
  const auto* value = object.find(key);
  return value != nullptr ? value->as_string() : nullptr;
}

Error reported_error_of(const Told& told, const Secret& secret) {
  const auto standing = told.status != 0 ? standing_of(told.status) : Standing{Kind::upstream_failed};
  if (standing.kind == Kind::upstream_auth || told.message.empty()) {
    return {standing.kind, "the upstream reported an error in place of an answer"};
  }
  return {standing.kind, Error::Detail{.message = scrubbed(cat("upstream error: ", told.message), secret),
                                       .code = scrubbed(told.code, secret),
                                       .status = standing.status}};
}

namespace {

constexpr std::string_view http_mark = "HTTP ";

bool contains(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return ascii_lower(a) == b; };
  return std::ranges::search(text, word, same).begin() != text.end();
}

}  // namespace

std::string words_with_class(const Error& error) {
  const int status = error.http_status();
  const bool usual = status == 500 || status == 502;
  if (usual || class_in(error.message()) == status) return std::string{error.message()};
  return cat(http_mark, status, ": ", error.message());
}

std::uint16_t class_in(std::string_view words) noexcept {
  if (words.starts_with(http_mark)) {
    const auto status = parse_number<std::uint16_t>(words.substr(http_mark.size(), 3)).value_or(0);
    if (status >= 400 && status < 600) return status;
  }
  struct Row {
    std::string_view words;  ///< in lower case
    std::uint16_t status;
  };
  static constexpr std::array<Row, 6> rows{{{"rate limit", 429},
                                            {"too many requests", 429},
                                            {"overloaded", 503},
                                            {"over capacity", 503},
                                            {"server busy", 503},
                                            {"service unavailable", 503}}};
  const auto row = std::ranges::find_if(rows, [&](const Row& each) { return contains(words, each.words); });
  return row != rows.end() ? row->status : std::uint16_t{0};
}

Error failure_error(const model::event::Failure& failure, const Secret& secret) {
  return reported_error_of({.message = failure.message, .code = failure.code, .status = failure.status}, secret);
}

Error upstream_error_of(const UpstreamFailure& failure, const Secret& secret, const Told& told) {
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
  auto value = json::parse(failure.body, upstream_scan());
  const std::string message = told.message.empty() ? other_text(failure.body, value, secret) : told.message;
  if (told.own_shape && value && failure.body.size() <= kept_body_bytes) {
    // A key written with escapes would slip through a search of the raw bytes; dumping undoes them.
    const bool escapes = failure.body.find('\\') != std::string_view::npos;
    detail.body = scrubbed(escapes ? value->dump() : std::string{failure.body}, secret);
    detail.content_type = "application/json";
  }
  detail.code = scrubbed(told.code, secret);
  detail.message = cat("upstream error (HTTP ", failure.status, ")");
  if (!message.empty()) detail.message += cat(": ", scrubbed(message, secret).substr(0, message_bytes));
  return {standing.kind, std::move(detail)};
}

}  // namespace cardea::dialect

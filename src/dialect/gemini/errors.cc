// Errors in Google's shape (cloud.google.com/apis/design/errors): {"error":{"code","message","status","details"}}.

#include <algorithm>
#include <array>

#include "dialect/gemini/gemini.h"
#include "dialect/plain.h"

namespace cardea::dialect::google {

using json::Type;
using json::Value;

namespace {

/// google.rpc.Code by HTTP status. The first row of a word says what status it implies.
struct StatusRow {
  int http;
  std::string_view word;
};
constexpr std::array<StatusRow, 20> status_rows{{
    {400, "INVALID_ARGUMENT"},
    {401, "UNAUTHENTICATED"},
    {403, "PERMISSION_DENIED"},
    {404, "NOT_FOUND"},
    {409, "ABORTED"},
    {409, "ALREADY_EXISTS"},
    {429, "RESOURCE_EXHAUSTED"},
    {499, "CANCELLED"},
    {500, "INTERNAL"},
    {500, "UNKNOWN"},
    {500, "DATA_LOSS"},
    {501, "UNIMPLEMENTED"},
    {503, "UNAVAILABLE"},
    {504, "DEADLINE_EXCEEDED"},
    {400, "FAILED_PRECONDITION"},
    {400, "OUT_OF_RANGE"},
    {402, "FAILED_PRECONDITION"},
    {408, "DEADLINE_EXCEEDED"},
    {502, "UNAVAILABLE"},
    {529, "UNAVAILABLE"},
}};

std::string_view word_of_status(int http) {
  const auto* row = std::ranges::find(status_rows, http, &StatusRow::http);
  if (row != status_rows.end()) return row->word;
  return http >= 500 ? "INTERNAL" : "INVALID_ARGUMENT";
}

/// Of `details`, the member of the element that has it.
const std::string* detail_of(const Value& error, std::string_view member) {
  const auto* details = given(error, "details");
  if (details == nullptr) return nullptr;
  for (const auto& detail : details->elements()) {
    if (const auto* text = text_at(detail, member)) return text;
  }
  return nullptr;
}

Told tell(const Value& error) {
  Told told;
  if (const auto* text = error.as_string()) told.message = *text;
  if (const auto* message = text_at(error, "message")) told.message = *message;
  if (const auto* status = text_at(error, "status")) told.code = *status;
  const auto* code = error.find("code");
  const auto number = code != nullptr ? code->as_u64() : std::nullopt;
  told.status = number && *number >= 400 && *number < 600 ? static_cast<int>(*number) : http_status_of(told.code);
  told.own_shape = text_at(error, "message") != nullptr && code != nullptr;
  return told;
}

/// A wrong key is a 400 here, but still the gateway's trouble.
bool is_key_trouble(const Value& error) {
  const auto* reason = detail_of(error, "reason");
  return reason != nullptr && reason->starts_with("API_KEY_");
}

}  // namespace

const Value* error_in(const Value& body) {
  const Value* object = body.is(Type::array) && !body.elements().empty() ? &body.elements().front() : &body;
  return given(*object, "error");
}

int http_status_of(std::string_view status) noexcept {
  const auto* row = std::ranges::find(status_rows, status, &StatusRow::word);
  return row != status_rows.end() ? row->http : 0;
}

std::string Gemini::error_body(const Error& error, std::string_view /*request_id: travels in x-request-id*/) const {
  const auto& detail = error.detail();
  if (!detail.body.empty()) return detail.body;
  const int status = error.http_status();
  std::string out;
  json::Writer w{out};
  w.begin_object().key("error").begin_object().key("code").number(status).key("message").string(error.message());
  w.key("status").string(word_of_status(status));
  const auto seconds = parse_number<std::uint32_t>(detail.retry_after);
  if (!detail.param.empty() || seconds) {
    w.key("details").begin_array();
    if (!detail.param.empty()) {
      w.begin_object().key("@type").string("type.googleapis.com/google.rpc.BadRequest").key("fieldViolations").begin_array();
      w.begin_object().key("field").string(detail.param).key("description").string(error.message()).end_object();
      w.end_array().end_object();
    }
    if (seconds) {
      w.begin_object().key("@type").string("type.googleapis.com/google.rpc.RetryInfo");
      w.key("retryDelay").string(cat(*seconds, 's')).end_object();
    }
    w.end_array();
  }
  w.end_object().end_object();
  return out;
}

std::string Gemini::stream_error(const Error& error, std::string_view request_id, Framing framing) const {
  std::string out;
  append_frame(out, framing, {}, error_body(error, request_id), Place::later);
  out += stream_end(framing, Place::later);
  return out;
}

Error reported_error(const Value& error, const Secret& secret) {
  Told told = tell(error);
  if (is_key_trouble(error)) told.status = 401;
  return reported_error_of(told, secret);
}

Error Gemini::upstream_error(const UpstreamFailure& failure, const Secret& secret) const {
  auto value = json::parse(failure.body, upstream_scan());
  const auto* error = value ? error_in(*value) : nullptr;
  if (error == nullptr) return upstream_error_of(failure, secret, {});
  UpstreamFailure seen = failure;
  std::string body;
  if (value->is(Type::array)) {
    body = value->elements().front().dump();
    seen.body = body;
  }
  if (failure.status == 400 && is_key_trouble(*error)) seen.status = 401;
  std::string delay;
  if (const auto* told = detail_of(*error, "retryDelay"); told != nullptr && failure.retry_after.empty()) {
    // "34.074824224s": whole seconds, rounded up.
    delay = told->substr(0, told->find_first_not_of("0123456789"));
    const bool fraction = told->find('.') != std::string::npos;
    const auto seconds = parse_number<std::uint32_t>(delay);
    delay = seconds ? cat(*seconds + (fraction ? 1U : 0U)) : std::string{};
    seen.retry_after = delay;
  }
  return upstream_error_of(seen, secret, tell(*error));
}

}  // namespace cardea::dialect::google

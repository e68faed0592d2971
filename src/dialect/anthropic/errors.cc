// Errors in Anthropic's shape: {"type":"error","error":{"type","message"},"request_id"} ("Errors" of its documentation).

#include "dialect/anthropic/anthropic.h"
#include "dialect/plain.h"
#include "wire/sse.h"

namespace cardea::dialect::claude {
namespace {

/// A body that may be an error of Anthropic's, or of a server that only nearly speaks it.
Told tell(const json::Value& body) {
  Told told;
  const auto* error = body.find("error");
  if (error == nullptr) return told;
  if (const auto* text = error->as_string()) told.message = *text;
  if (const auto* message = text_at(*error, "message")) told.message = *message;
  const auto* kind = text_at(body, "type");
  const auto* type = text_at(*error, "type");
  told.own_shape = kind != nullptr && *kind == "error" && type != nullptr && text_at(*error, "message") != nullptr;
  return told;
}

}  // namespace

std::string Anthropic::error_body(const Error& error, std::string_view request_id) const {
  const auto& detail = error.detail();
  if (!detail.body.empty()) return detail.body;
  std::string out;
  json::Writer w{out};
  w.begin_object().key("type").string("error").key("error").begin_object();
  w.key("type").string(error_type_of(error.http_status())).key("message").string(error.message()).end_object();
  if (!request_id.empty()) w.key("request_id").string(request_id);
  w.end_object();
  return out;
}

std::string Anthropic::stream_error(const Error& error, std::string_view request_id, Framing /*framing: SSE alone*/) const {
  std::string out;
  wire::append_event(out, "error", error_body(error, request_id));
  return out;
}

Error Anthropic::upstream_error(const UpstreamFailure& failure, const Secret& secret) const {
  auto value = json::parse(failure.body, upstream_scan());
  return upstream_error_of(failure, secret, value ? tell(*value) : Told{});
}

Result<ResponseView> Anthropic::inspect_response(std::string_view body, const Secret& secret) const {
  auto view = inspect_answer(*this, body, "model");
  if (view || !view.error().is(Kind::upstream_failed)) return view;
  // It says more than that it failed.
  auto value = json::parse(body, upstream_scan());
  const auto* error = value ? value->find("error") : nullptr;
  if (error == nullptr) return view;
  auto told = tell(*value);
  if (const auto* type = text_at(*error, "type")) told.status = status_of(*type);
  return std::unexpected{reported_error_of(told, secret)};
}

}  // namespace cardea::dialect::claude

// Errors in AWS's shape: {"message"}, and their class beside it: a header, or the type of an event.

#include <algorithm>
#include <array>

#include "dialect/bedrock/bedrock.h"
#include "dialect/plain.h"
#include "wire/aws_events.h"

namespace cardea::dialect::converse {

namespace {

/// The exceptions of Converse, and as which of ConverseStream's five they go into a stream.
struct Exception {
  std::string_view name;
  std::uint16_t status;
  std::string_view event;
};
// The first row of a status names it.
constexpr std::array<Exception, 10> exceptions{{
    {"ValidationException", 400, "validationException"},
    {"AccessDeniedException", 403, "validationException"},
    {"ResourceNotFoundException", 404, "validationException"},
    {"ModelTimeoutException", 408, "modelStreamErrorException"},
    {"ModelErrorException", 424, "modelStreamErrorException"},
    {"ThrottlingException", 429, "throttlingException"},
    {"ModelNotReadyException", 429, "throttlingException"},
    {"InternalServerException", 500, "internalServerException"},
    {"ServiceUnavailableException", 503, "serviceUnavailableException"},
    {"ServiceQuotaExceededException", 400, "validationException"},
}};

const Exception& exception_of(const Error& error) noexcept {
  const auto named = [](std::string_view name) { return std::ranges::find(exceptions, name, &Exception::name); };
  // An upstream of the same dialect said it itself.
  if (const auto row = named(error.detail().code); row != exceptions.end()) return *row;
  const auto status = error.http_status();
  const auto same = std::ranges::find(exceptions, status, &Exception::status);
  if (same != exceptions.end()) return *same;
  if (status == 401) return *named("AccessDeniedException");
  if (status == 502) return *named("ModelErrorException");
  if (status == 504) return *named("ModelTimeoutException");
  return *named(status < 500 ? "ValidationException" : "InternalServerException");
}

/// The class at the end of "com.amazon.coral.service#ThrottlingException:http://…".
std::string class_of(std::string_view type) {
  type = type.substr(0, type.find(':'));
  const auto hash = type.rfind('#');
  return std::string{hash == std::string_view::npos ? type : type.substr(hash + 1)};
}

}  // namespace

std::string_view error_type(const Error& error) noexcept { return exception_of(error).name; }

std::string Bedrock::error_headers(const Error& error) const { return cat("x-amzn-errortype: ", error_type(error), "\r\n"); }

std::string Bedrock::error_body(const Error& error, std::string_view /*request_id: travels in x-amzn-requestid*/) const {
  const auto& detail = error.detail();
  if (!detail.body.empty()) return detail.body;
  std::string out;
  json::Writer w{out};
  w.begin_object().key("message").string(error.message()).end_object();
  return out;
}

std::string Bedrock::stream_error(const Error& error, std::string_view request_id, Framing /*framing: AWS events alone*/) const {
  const auto& exception = exception_of(error);
  std::string out;
  if (exception.event != "modelStreamErrorException" || !error.detail().body.empty()) {
    wire::append_aws_exception(out, exception.event, error_body(error, request_id));
    return out;
  }
  std::string payload;
  json::Writer w{payload};
  w.begin_object().key("message").string(error.message());
  w.key("originalStatusCode").number(error.http_status()).key("originalMessage").string(error.message()).end_object();
  wire::append_aws_exception(out, exception.event, payload);
  return out;
}

Error Bedrock::upstream_error(const UpstreamFailure& failure, const Secret& secret) const {
  Told told;
  const auto value = json::parse(failure.body, upstream_scan());
  if (value) {
    // Some of AWS's services and gateways write it with a capital.
    for (const auto key : {"message", "Message"}) {
      const auto* message = text_at(*value, key);
      if (message == nullptr || !told.message.empty()) continue;
      told.message = *message;
      told.own_shape = std::string_view{key} == "message";
    }
    if (const auto* type = text_at(*value, "__type")) told.code = class_of(*type);
  }
  return upstream_error_of(failure, secret, told);
}

}  // namespace cardea::dialect::converse

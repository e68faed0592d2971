// Requests and answers that pass as they are: uploads, sound, pictures, and what the gateway does not know.

#include <array>

#include "base/text.h"
#include "execute/executor.h"
#include "execute/passed_on.h"

namespace cardea::execute {
namespace {

/// A signature covers the body, so it is held.
constexpr std::uint64_t signed_body_bytes_max = std::uint64_t{32} << 20;

/// What describes the bytes of an answer (RFC 9110 §8, RFC 6266): without it they could not be read, or would lose their name.
constexpr std::array<std::string_view, 8> of_content{
    "content-encoding", "content-disposition", "content-language", "content-range", "accept-ranges", "etag", "last-modified",
    "expires"};

std::string content_lines(const wire::ResponseHead& head) {
  std::string out;
  for (const std::string_view name : of_content) {
    const auto value = head.find(name);
    if (value) out += cat(name, ": ", *value, "\r\n");
  }
  return out;
}

Result<std::string> read_all(const http::Body& body) {
  if (body.size() > signed_body_bytes_max) {
    return fail(Kind::too_large,
                cat("the request must be signed for this provider, which is done up to ", signed_body_bytes_max, " bytes"));
  }
  std::string out(static_cast<std::size_t>(body.size()), '\0');
  http::Body::Reader reader{body};
  for (std::size_t at = 0; !reader.at_end();) {
    const Result<std::size_t> got = reader.read(std::span{out}.subspan(at));
    if (!got) return fail(got.error().clone());
    at += *got;
  }
  return out;
}

}  // namespace

RawAnswer::RawAnswer(Executor& executor, const Upstream& upstream, http::Call call)
    : executor_{&executor},
      upstream_{&upstream},
      call_{std::move(call)},
      status_{static_cast<std::uint16_t>(call_.head().status())},
      content_type_{call_.head().find(wire::Field::content_type).value_or("application/octet-stream")},
      lines_{content_lines(call_.head())} {}

net::Task<Result<std::size_t>> RawAnswer::read_into(Buffer& into) {
  Result<std::size_t> got = co_await call_.read_into(into);
  if (!got) co_return fail(executor_->explain(*upstream_, std::move(got.error())));
  co_return got;
}

net::Task<Result<RawAnswer>> Executor::forward(const RawCall& request) {
  const Upstream& upstream = request.upstream;
  const catalog::Provider& provider = *upstream.provider;
  const bool proves = Signing::needed(provider);
  const bool has_body = request.body != nullptr && request.body->size() != 0;
  Message message;
  message.line = upstream.line_to(wire::text(request.method), request.target);
  const Secret lines{
      cat("host: ", provider.authority, "\r\n", provider.head.reveal(), "accept-encoding: identity\r\nuser-agent: cardea\r\n")};
  const bool sized = has_body || request.method == wire::Method::post || request.method == wire::Method::put ||
                     request.method == wire::Method::patch;
  if (sized) message.length = cat("content-length: ", has_body ? request.body->size() : 0, "\r\n");
  if (!proves) message.length += "\r\n";
  message.pieces.assign({message.line, lines.reveal(), request.header_lines, message.length});
  http::CallRequest sending;
  Result<std::string> held;
  if (proves) {
    if (has_body) held = read_all(*request.body);
    if (!held) co_return fail_with(held);
    message.pieces.push_back(*held);
    Status proven = co_await prove(upstream, message, request.limits);
    if (!proven) co_return fail(explain(upstream, std::move(proven.error())));
  } else {
    sending.body = request.body;
  }
  sending.method = request.method;
  sending.pieces = message.pieces;
  sending.timeouts = request.limits.timeouts;
  sending.egress = net::Egress::anywhere;  // as in chat()
  Result<http::Call> call = co_await client_.call(upstream.origin, sending);
  if (!call) co_return fail(explain(upstream, std::move(call.error())));
  const wire::ResponseHead& head = call->head();
  if (request.passed_on != nullptr) *request.passed_on = passed_on(head);
  if (head.status() / 100 != 2) {
    Error error = co_await rejected(std::move(*call), upstream);
    co_return fail(std::move(error));
  }
  co_return RawAnswer{*this, upstream, std::move(*call)};
}

}  // namespace cardea::execute

// The way back of what passes as it is: documents, events, bytes.

#include <array>

#include "base/text.h"
#include "json/scan.h"
#include "pipeline/pages.h"
#include "pipeline/pipeline.h"
#include "wire/sse.h"

namespace cardea::pipeline {
namespace {

/// What an answer's document counts (OpenAI's images and transcriptions), and whether it is an error in place of an answer.
Status read_document(std::string_view body, const Secret& secret, model::Usage& usage) {
  constexpr std::array<std::string_view, 2> outline{"usage", "error"};
  json::ScanOptions options;
  options.outline = outline;
  options.error_kind = Kind::upstream_protocol;
  options.what = "the upstream's answer";
  json::Members members;
  Status scanned = json::scan(body, options, members);
  if (!scanned) return scanned;
  const json::Member* const error = members.find("error");
  if (error != nullptr && error->type != json::Type::null) {
    const json::Member* const message = error->type == json::Type::object ? members.find(*error, "message") : nullptr;
    const bool said = message != nullptr && message->type == json::Type::string;
    return fail(Kind::upstream_failed, cat("the upstream reported an error in place of an answer",
                                           said ? cat(": ", scrub(members.string(*message), secret.reveal())) : std::string{}));
  }
  const json::Member* const counts = members.find("usage");
  if (counts == nullptr || counts->type != json::Type::object) return {};
  const auto count = [&](std::string_view one, std::string_view other) -> std::optional<std::uint64_t> {
    const json::Member* found = members.find(*counts, one);
    if (found == nullptr) found = members.find(*counts, other);
    return found != nullptr && found->type == json::Type::number ? json::to_u64(members.raw(*found)) : std::nullopt;
  };
  usage.input = count("input_tokens", "prompt_tokens");
  usage.output = count("output_tokens", "completion_tokens");
  return {};
}

/// How much of `pending` is whole events; what they count is noted.
Result<std::size_t> whole_events(std::string_view pending, wire::EventCutter& cutter, model::Usage& usage) {
  std::size_t whole = 0;
  std::string scratch;
  for (;;) {
    Result<std::size_t> size = cutter.next(pending.substr(whole));
    if (!size) return fail_with(size);
    if (*size == 0) return whole;
    const std::string_view data = wire::parse_event(pending.substr(whole, *size), scratch).data;
    whole += *size;
    constexpr std::string_view counts = R"("usage")";
    // What is no document, or an error, is the client's to read.
    if (data.find(counts) != std::string_view::npos) static_cast<void>(read_document(data, {}, usage));
  }
}

}  // namespace

net::Task<Status> Pipeline::ask_raw(Visit& visit, const execute::RawCall& call) {
  visit.upstream_begins();
  Result<execute::RawAnswer> answer = co_await executor_.forward(call);
  visit.upstream_ends();
  if (!answer) co_return fail_with(answer);
  if (is_media_type(answer->content_type(), "text/event-stream")) co_return co_await deliver_events(visit, call, *answer);
  const bool document = is_media_type(answer->content_type(), "application/json") && visit.head().method() != wire::Method::head;
  if (document) co_return co_await deliver_document(visit, call, *answer);
  co_return co_await deliver_bytes(visit, *answer);
}

/// JSON is read whole: an error in its place is found before a byte of it has gone out, what it counts is recorded, and the key
/// that was shown to the upstream does not come back in it.
net::Task<Status> Pipeline::take_document(Visit& visit, const execute::RawCall& call, execute::RawAnswer& answer, Buffer& body) {
  while (!answer.complete() && body.size() <= call.limits.response_bytes) {
    Result<std::size_t> got = co_await answer.read_into(body);
    if (!got) co_return fail_with(got);
    if (*got == 0) break;
  }
  if (body.size() > call.limits.response_bytes) {
    co_return fail(Kind::upstream_protocol, cat("the upstream's answer is larger than ", call.limits.response_bytes, " bytes"));
  }
  visit.upstream_ends();
  static_cast<void>(body.prepare(0));
  scrub_in_place({body.data(), body.size()}, call.upstream.provider->key.reveal());
  co_return Status{};
}

net::Task<Result<std::string>> Pipeline::ask_document(Visit& visit, const execute::RawCall& call) {
  visit.upstream_begins();
  Result<execute::RawAnswer> answer = co_await executor_.forward(call);
  visit.upstream_ends();
  if (!answer) co_return fail_with(answer);
  Buffer body;
  Status taken = co_await take_document(visit, call, *answer, body);
  if (taken) taken = read_document(body.view(), call.upstream.provider->key, visit.entry().usage);
  if (!taken) co_return fail_with(taken);
  co_return std::string{body.view()};
}

net::Task<Status> Pipeline::deliver_document(Visit& visit, const execute::RawCall& call, execute::RawAnswer& answer) {
  Buffer body;
  Status taken = co_await take_document(visit, call, answer, body);
  const bool models_work = !visit.entry().operation.empty();  // else the bytes are the provider's and the client's business
  if (taken && models_work) taken = read_document(body.view(), call.upstream.provider->key, visit.entry().usage);
  if (!taken) co_return taken;
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, answer.content_type());
  headers.add_raw(answer.lines());
  visit.entry().status = answer.status();
  Status sent = co_await visit.exchange().respond(answer.status(), headers, body.view());
  if (!sent) co_return fail(Kind::client_closed);
  co_return Status{};
}

/// Whole events as they come, so that an error can stand behind them.
net::Task<Status> Pipeline::deliver_events(Visit& visit, const execute::RawCall& call, execute::RawAnswer& answer) {
  http::Exchange& exchange = visit.exchange();
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, answer.content_type());
  headers.add_raw("cache-control: no-cache\r\nx-accel-buffering: no\r\n");
  visit.entry().status = answer.status();
  visit.entry().stream = true;
  exchange.begin(answer.status(), headers);
  exchange.release_body();
  Buffer pending;
  wire::EventCutter cutter{call.limits.event_bytes};
  for (;;) {
    Result<std::size_t> got = std::size_t{0};
    if (!answer.complete()) got = co_await answer.read_into(pending);
    visit.upstream_ends();
    if (!got) co_return fail_with(got);
    Result<std::size_t> whole = whole_events(pending.view(), cutter, visit.entry().usage);
    if (!whole) co_return fail_with(whole);
    const bool last = answer.complete() || *got == 0;
    scrub_in_place({pending.data(), last ? pending.size() : *whole}, call.upstream.provider->key.reveal());
    const std::array<std::string_view, 1> pieces{last ? pending.view() : pending.view().substr(0, *whole)};
    Status sent;
    if (last) {
      sent = co_await exchange.finish(pieces);
    } else {
      sent = co_await exchange.write(pieces);
    }
    if (!sent) co_return fail(Kind::client_closed);
    visit.first_token_sent();
    if (last) co_return Status{};
    pending.consume(*whole);
  }
}

/// As they come: a slow client slows its upstream.
net::Task<Status> Pipeline::deliver_bytes(Visit& visit, execute::RawAnswer& answer) {
  http::Exchange& exchange = visit.exchange();
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, answer.content_type());
  headers.add_raw(answer.lines());
  visit.entry().status = answer.status();
  exchange.begin(answer.status(), headers);
  exchange.release_body();
  Buffer piece;
  for (;;) {
    Result<std::size_t> got = std::size_t{0};
    if (!answer.complete()) got = co_await answer.read_into(piece);
    if (!got) {
      visit.upstream_ends();
      // Bytes have no form in which an error could be told: what was sent must not look whole.
      visit.entry().error = got.error().kind();
      exchange.abort();
      co_return Status{};
    }
    const std::array<std::string_view, 1> pieces{piece.view()};
    Status sent;
    if (answer.complete() || *got == 0) {
      visit.upstream_ends();
      sent = co_await exchange.finish(pieces);
      visit.first_token_sent();
      if (!sent) co_return fail(Kind::client_closed);
      co_return Status{};
    }
    sent = co_await exchange.write(pieces);
    if (!sent) co_return fail(Kind::client_closed);
    visit.first_token_sent();
    piece.clear();
  }
}

}  // namespace cardea::pipeline

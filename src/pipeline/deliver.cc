// The last step of the way: an answer, a stream or an error goes to the client.

#include <array>

#include "base/text.h"
#include "dialect/openai_responses/stored.h"
#include "pipeline/pipeline.h"

namespace cardea::pipeline {
namespace {

void note_answer(Visit& visit, const execute::ChatAnswer& answer) {
  if (answer.usage() != nullptr) visit.entry().usage = *answer.usage();
  visit.entry().model_answered = answer.model();
}

bool wants_keeping(const Keeping* keeping) { return keeping != nullptr && keeping->what == Keeping::What::whole; }

/// The client is gone or takes nothing: there is nobody to tell.
Error lost_client() { return Error{Kind::client_closed}; }

}  // namespace

net::Task<Status> Pipeline::deliver(Visit& visit, execute::ChatAnswer& answer, Keeping* keeping) {
  if (keeping != nullptr) keep_link(visit, *keeping, answer.id());
  if (answer.streamed()) {
    Status streamed = co_await stream(visit, answer, keeping);
    visit.upstream_ends();
    note_answer(visit, answer);
    co_return streamed;
  }
  note_answer(visit, answer);
  visit.note_losses(answer.losses());
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, answer.content_type());
  visit.entry().status = 200;
  std::string_view body = answer.body();
  std::string denied;
  if (wants_keeping(keeping)) {
    Status kept = co_await keep(visit, *keeping, dialect::responses::final_response(body));
    if (!kept) body = denied = dialect::responses::with_store_denied(body);
  }
  Status sent = co_await visit.exchange().respond(200, headers, body);
  if (!sent) co_return fail(lost_client());
  co_return Status{};
}

net::Task<Status> Pipeline::finish(Visit& visit, execute::ChatAnswer& answer, Keeping* keeping) {
  std::vector<std::string_view> pieces{answer.pieces().begin(), answer.pieces().end()};
  std::string denied;
  const bool keeps = wants_keeping(keeping) && !pieces.empty();
  if (keeps) {
    Status kept = co_await keep(visit, *keeping, dialect::responses::final_response(pieces.back()));
    if (!kept) pieces.back() = denied = dialect::responses::with_store_denied(pieces.back());
  }
  Status finished = co_await visit.exchange().finish(pieces);
  co_return finished;
}

net::Task<Status> Pipeline::stream(Visit& visit, execute::ChatAnswer& answer, Keeping* keeping) {
  http::Exchange& exchange = visit.exchange();
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, answer.content_type());
  // Proxies on the way must pass events on as they come (nginx reads the second line).
  headers.add_raw("cache-control: no-cache\r\nx-accel-buffering: no\r\n");
  visit.entry().status = 200;
  exchange.begin(200, headers);
  // From here on no other upstream can be asked, so a long stream need not hold its prompt.
  exchange.release_body();
  for (;;) {
    if (answer.ended()) {
      Status finished = co_await finish(visit, answer, keeping);
      visit.first_token_sent();
      if (!finished) co_return fail(lost_client());
      co_return Status{};
    }
    Status sent = co_await exchange.write(answer.pieces());
    if (!sent) co_return fail(lost_client());
    if (answer.content_seen()) visit.first_token_sent();
    Status more = co_await answer.advance();
    if (keeping != nullptr) keep_link(visit, *keeping, answer.id());
    if (more) continue;
    // What came before the failure is delivered; the error event follows it.
    Status last = co_await exchange.write(answer.pieces());
    if (!last) co_return fail(lost_client());
    co_return fail_with(more);
  }
}

net::Task<Status> Pipeline::say(Visit& visit, std::string_view body) {
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, visit.dialect().traits().content_type);
  visit.entry().status = 200;
  Status sent = co_await visit.exchange().respond(200, headers, body);
  if (!sent) co_return fail(lost_client());
  co_return Status{};
}

net::Task<void> Pipeline::say_error(Visit& visit, Error error) {
  http::Exchange& exchange = visit.exchange();
  visit.entry().error = error.kind();
  const bool nobody_listens = error.is(Kind::client_closed) || error.is(Kind::cancelled);
  if (nobody_listens) {
    exchange.abort();
    co_return;
  }
  // Cancelled at the end of a drain: another process, or this one in a moment, will do it.
  if (error.is(Kind::unavailable) && error.detail().message.empty()) {
    error = Error{Kind::unavailable, Error::Detail{.message = "the gateway is going down; try again", .retry_after = "1"}};
  }
  visit.stand_in_dialect();
  const dialect::Dialect& dialect = visit.dialect();
  if (exchange.begun()) {
    // The status is gone with the head: one event in the dialect's own form, then the end of the body, never a `[DONE]`.
    const std::string event = dialect.stream_error(error, visit.request_id(), visit.framing());
    const std::array<std::string_view, 1> pieces{event};
    [[maybe_unused]] Status told = co_await exchange.finish(pieces);
    co_return;
  }
  const bool problem = visit.says_problems();
  const std::string body = problem ? problem_details(error, visit.request_id()) : dialect.error_body(error, visit.request_id());
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, problem ? problem_type : dialect.traits().content_type);
  headers.add_raw(problem ? std::string{no_store} : dialect.error_headers(error));
  if (!error.detail().retry_after.empty()) {
    [[maybe_unused]] Status added = headers.add("retry-after", error.detail().retry_after);
  }
  if (error.is(Kind::unauthenticated)) headers.add_raw("www-authenticate: Bearer\r\n");
  if (error.is(Kind::method_not_allowed)) headers.add_raw(cat("allow: ", allowed_methods(visit.head().path()), "\r\n"));
  visit.entry().status = error.http_status();
  [[maybe_unused]] Status told = co_await exchange.respond(error.http_status(), headers, body);
}

std::string Pipeline::refuse(const Error& error) {
  record::Entry entry;
  entry.route = record::malformed_route;
  entry.status = error.http_status();
  entry.error = error.kind();
  entry.started = std::chrono::system_clock::now();
  recorder_.commit(entry);
  return dialect::openai_chat().error_body(error, {});
}

}  // namespace cardea::pipeline

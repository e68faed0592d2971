// How people log in, and programs get a short-lived token: OpenID Connect's two pages, and RFC 6749's token endpoint.

#include "access/machine_token.h"
#include "access/vouching.h"
#include "pipeline/pages.h"
#include "pipeline/pipeline.h"

namespace cardea::pipeline {
namespace {

using Step = access::Login::Step;

constexpr std::size_t form_bytes_max = 16 << 10;
constexpr std::string_view not_kept = "cache-control: no-store\r\n";

Error nobody_logs_in() { return {Kind::not_found, "Nobody logs in here: the configuration has no oidc."}; }

}  // namespace

net::Task<Status> Pipeline::entrance(Visit& visit, const Match& match) {
  if (vouching_ == nullptr) co_return std::unexpected{nobody_logs_in()};
  if (match.route->operation == Operation::get_token) co_return co_await give_token(visit);
  access::Login& login = vouching_->login();
  if (!login.on()) co_return std::unexpected{nobody_logs_in()};
  const wire::RequestHead& head = visit.head();
  const std::string_view cookies = head.find("cookie").value_or("");
  Result<Step> step = fail(Kind::internal);
  if (match.route->operation == Operation::log_in) {
    const std::string return_to = query_parameter(head.query(), "return_to");
    step = co_await login.begin(return_to);
  } else if (match.route->operation == Operation::log_in_ends) {
    step = co_await login.finish(head.query(), cookies);
  } else {
    if (Status own = login.check_origin(head); !own) co_return fail_with(own);
    step = login.end(cookies);
  }
  if (!step) co_return fail_with(step);
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, "text/plain");
  headers.add_raw(not_kept);
  Status placed = headers.add("location", step->location);
  for (const std::string& cookie : step->cookies) {
    if (placed) placed = headers.add("set-cookie", cookie);
  }
  if (!placed) co_return fail(Kind::internal);
  constexpr unsigned see_other = 303;
  visit.entry().status = see_other;
  Status sent = co_await visit.exchange().respond(see_other, headers, "");
  if (!sent) co_return fail(Kind::client_closed);
  co_return Status{};
}

net::Task<Status> Pipeline::give_token(Visit& visit) {
  Result<std::string_view> form = co_await visit.exchange().read_body(form_bytes_max);
  if (!form) co_return fail_with(form);
  const std::string_view authorization = visit.head().find(wire::Field::authorization).value_or("");
  const Result<std::string> token = vouching_->exchange(authorization, *form, *directory_);
  const unsigned status = token ? 200U : token.error().http_status();
  const std::string body = token ? *token : access::token_error(token.error());
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, "application/json");
  headers.add_raw(not_kept);
  if (!token) visit.entry().error = token.error().kind();
  if (!token && token.error().is(Kind::unauthenticated)) headers.add_raw("www-authenticate: Basic realm=\"cardea\"\r\n");
  visit.entry().status = static_cast<std::uint16_t>(status);
  Status sent = co_await visit.exchange().respond(status, headers, body);
  if (!sent) co_return fail(Kind::client_closed);
  co_return Status{};
}

}  // namespace cardea::pipeline

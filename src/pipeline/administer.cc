// Administration: what is asked is handed on as it is, what comes back becomes an answer.

#include <vector>

#include "base/text.h"
#include "json/writer.h"
#include "pipeline/pages.h"
#include "pipeline/pipeline.h"

namespace cardea::pipeline {
namespace {

/// One thing that is wrong, as config::read_thing() and the registry say it: "field: what – what to do".
struct Wrong {
  std::string_view field, message, fix;
};

bool is_field(std::string_view text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789_.[]-";
  return !text.empty() && text.find_first_not_of(letters) == std::string_view::npos;
}

/// Where the next one begins: behind "; " and with a field's name. npos: it is the last.
std::size_t next_wrong(std::string_view text) {
  for (std::size_t at = text.find("; "); at != std::string_view::npos; at = text.find("; ", at + 2)) {
    const std::string_view rest = text.substr(at + 2);
    const auto colon = rest.find(": ");
    if (colon != std::string_view::npos && is_field(rest.substr(0, colon))) return at;
  }
  return std::string_view::npos;
}

std::vector<Wrong> wrongs_of(const Error& error) {
  std::vector<Wrong> out;
  const std::string_view param = error.detail().param;
  if (param.empty()) return out;
  for (std::string_view text = error.message(); !text.empty();) {
    const auto end = next_wrong(text);
    std::string_view one = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 2);
    Wrong wrong{.field = param, .message = {}, .fix = {}};
    const auto colon = one.find(": ");
    if (colon != std::string_view::npos && is_field(one.substr(0, colon))) {
      wrong.field = one.substr(0, colon);
      one.remove_prefix(colon + 2);
    }
    constexpr std::string_view dash = " – ";
    const auto fix = one.find(dash);
    wrong.message = one.substr(0, fix);
    if (fix != std::string_view::npos) wrong.fix = one.substr(fix + dash.size());
    out.push_back(wrong);
  }
  return out;
}

}  // namespace

std::string problem_details(const Error& error, std::string_view request_id) {
  std::string text;
  json::Writer out{text};
  out.begin_object();
  // No document of its own: the type is the status, and `code` says the rest (RFC 9457 §4.2.1).
  out.key("type").string("about:blank");
  out.key("title").string(info(error.kind()).label);
  out.key("status").number(error.http_status());
  out.key("detail").string(error.message());
  const std::string_view code = error.detail().code;
  if (!code.empty()) out.key("code").string(code);
  if (!request_id.empty()) out.key("request_id").string(request_id);
  const std::vector<Wrong> wrongs = wrongs_of(error);
  if (!wrongs.empty()) {
    out.key("errors").begin_array();
    for (const Wrong& wrong : wrongs) {
      out.begin_object();
      out.key("field").string(wrong.field);
      out.key("message").string(wrong.message);
      if (!wrong.fix.empty()) out.key("fix").string(wrong.fix);
      out.end_object();
    }
    out.end_array();
  }
  out.end_object();
  return text;
}

net::Task<void> Pipeline::serve_owner(http::Exchange& exchange) {
  Visit visit{visits_, snapshot_, recorder_, random_, exchange};
  Status done = co_await answer_owner(visit);
  if (!done) co_await explain(visit, std::move(done.error()));
}

net::Task<Status> Pipeline::answer_owner(Visit& visit) {
  Result<Match> match = pipeline::match(visit.head());
  if (!match) co_return fail_with(match);
  visit.enter(*match->route);
  if (match->route->policy == Policy::everyone) co_return co_await page(visit, *match);
  if (match->route->operation != Operation::administer) {
    co_return fail(Kind::not_found, "This socket is for the administration only; models are asked where the gateway listens.");
  }
  Status admitted = visit.admit(access::Principal::operator_of_this_machine(), *match->route, *directory_);
  if (!admitted) co_return admitted;
  visit.carry_through();
  co_return co_await administer(visit, *match);
}

net::Task<Status> Pipeline::administer(Visit& visit, const Match& match) {
  if (stores_.administration == nullptr) co_return fail(Kind::not_found, "this gateway has no administration");
  const std::string parameter{match.parameter};  // the head may move when the body is read
  Result<std::string_view> body = co_await visit.exchange().read_body(admin_bytes_max);
  if (!body) co_return fail_with(body);
  visit.carry_through();
  const AdminCall call{.route = *match.route,
                       .parameter = parameter,
                       .head = visit.head(),
                       .body = *body,
                       .principal = visit.principal(),
                       .address = visit.entry().client_address,
                       .request_id = visit.request_id(),
                       .now = visit.now(),
                       .catalog = *visit.snapshot().catalog,
                       .loop = visit.exchange().loop()};
  Result<AdminAnswer> answer = co_await stores_.administration->answer(call);
  if (!answer) co_return fail_with(answer);
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, answer->content_type);
  headers.add_raw(no_store);
  if (!answer->etag.empty()) headers.add_raw(cat("etag: ", answer->etag, "\r\n"));
  if (!answer->location.empty()) {
    if (Status added = headers.add("location", answer->location); !added) co_return fail_with(added);
  }
  visit.entry().status = static_cast<std::uint16_t>(answer->status);
  Status sent = co_await visit.exchange().respond(answer->status, headers, answer->body);
  if (!sent) co_return fail(Kind::client_closed);
  co_return Status{};
}

}  // namespace cardea::pipeline

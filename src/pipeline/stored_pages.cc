// Stored responses as clients ask for them: GET, DELETE, the items of the input, cancel.

#include "base/text.h"
#include "dialect/openai_responses/stored.h"
#include "net/handover.h"
#include "pipeline/keeping.h"
#include "pipeline/pages.h"
#include "pipeline/pipeline.h"

namespace cardea::pipeline {

namespace responses = dialect::responses;
using Standing = store::FoundResponse::Standing;

namespace {

std::unexpected<Error> unknown(std::string_view id) {
  return fail(Kind::not_found, cat("Response with id '", id.substr(0, 200), "' not found."));
}

Result<responses::PageAsked> page_asked(std::string_view query) {
  responses::PageAsked out;
  out.after = query_parameter(query, "after");
  if (const std::string limit = query_parameter(query, "limit"); !limit.empty()) {
    const auto number = parse_number<std::size_t>(limit);
    if (!number || *number == 0 || *number > responses::page_limit_max) {
      return fail(Kind::bad_request, cat("'limit' must be a number from 1 to ", responses::page_limit_max), "limit");
    }
    out.limit = *number;
  }
  if (const std::string order = query_parameter(query, "order"); !order.empty()) {
    if (order != "asc" && order != "desc") return fail(Kind::bad_request, "'order' must be asc or desc", "order");
    out.order = order == "asc" ? responses::Order::ascending : responses::Order::descending;
  }
  return out;
}

/// OpenAI streams an answer again only when it was made in the background.
Status refuse_stream(std::string_view query) {
  if (query_parameter(query, "stream") != "true") return {};
  return fail(Kind::bad_request, "A stored response cannot be streamed again here; ask for it without 'stream'.", "stream");
}

/// What a page of an answer that is kept here says.
Result<std::string> page_of(Operation operation, const store::StoredResponse& stored, std::string_view query) {
  switch (operation) {
    case Operation::delete_response: return responses::deleted_body(stored.id);
    case Operation::list_input_items: {
      Result<responses::PageAsked> asked = page_asked(query);
      if (!asked) return fail_with(asked);
      return responses::item_page(stored.input, *asked);
    }
    case Operation::cancel_response: return fail(Kind::bad_request, "Cannot cancel a synchronous response.");  // OpenAI's words
    default: return stored.response;
  }
}

/// The provider that keeps an answer itself; null when it is not configured any more.
const execute::Upstream* keeper_of(const Snapshot& snapshot, const store::StoredResponse& stored) {
  for (const catalog::Provider* provider : snapshot.catalog->upstreams()) {
    const execute::Upstream& upstream = snapshot.upstreams.of(*provider);
    if (upstream.dialect == &dialect::openai_responses() && upstream.deployment() == stored.provider) return &upstream;
  }
  return nullptr;
}

execute::PlainCall call_of(const Match& match, const execute::Upstream& upstream, const Visit& visit) {
  execute::PlainCall call{.upstream = upstream,
                          .method = match.route->method,
                          .target = cat("/responses/", match.parameter),
                          .body = {},
                          .header_lines = forwarded_headers(visit, *upstream.provider),
                          .limits = visit.snapshot().attempt};
  if (match.route->operation == Operation::list_input_items) call.target += "/input_items";
  if (match.route->operation == Operation::cancel_response) call.target += "/cancel";
  call.target += forwarded_query(visit.head().query());
  return call;
}

}  // namespace

net::Task<Status> Pipeline::stored_response(Visit& visit, const Match& match) {
  const std::string id = percent_decoded(match.parameter).value_or(std::string{match.parameter});
  Result<store::FoundResponse> found = co_await look_up(visit, id);
  if (!found) co_return fail_with(found);
  if (found->standing != Standing::own) co_return unknown(id);
  const store::StoredResponse& stored = found->response;
  const Operation operation = match.route->operation;
  const bool shows = operation == Operation::show_response;
  if (Status whole = shows ? refuse_stream(visit.head().query()) : Status{}; !whole) co_return fail_with(whole);

  Result<std::string> body{std::string{}};
  if (stored.is_link()) {
    body = co_await ask_keeper(visit, match, stored);
  } else {
    body = page_of(operation, stored, visit.head().query());
  }
  if (!body) co_return fail_with(body);
  if (operation == Operation::delete_response) {
    Status removed = co_await forget(visit, id);
    if (!removed) co_return fail_with(removed);
  }
  co_return co_await say(visit, *body);
}

net::Task<Result<std::string>> Pipeline::ask_keeper(Visit& visit, const Match& match, const store::StoredResponse& stored) {
  const execute::Upstream* upstream = keeper_of(visit.snapshot(), stored);
  if (upstream == nullptr) co_return unknown(stored.id);
  Status may = visit.use(*upstream->provider);
  if (!may) co_return fail_with(may);
  const execute::PlainCall call = call_of(match, *upstream, visit);
  visit.upstream_begins();
  Result<std::string> answer = co_await executor_.fetch(call);
  visit.upstream_ends();
  co_return answer;
}

net::Task<Status> Pipeline::forget(Visit& visit, std::string id) {
  net::Handover<Result<bool>> removed{visit.exchange().loop()};
  stores_.responses.remove(std::move(id), std::string{visit.owner()}, removed.sender());
  Result<bool> done = co_await removed.receive(store_patience);
  if (!done) co_return fail_with(done);
  co_return Status{};
}

}  // namespace cardea::pipeline

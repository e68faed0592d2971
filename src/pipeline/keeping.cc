// Stored responses, before and after the answer. (The pages where they are asked for are in stored_pages.cc.)

#include "pipeline/keeping.h"

#include <algorithm>

#include "base/text.h"
#include "dialect/openai_responses/stored.h"
#include "net/handover.h"
#include "pipeline/pipeline.h"
#include "pipeline/words.h"

namespace cardea::pipeline {

namespace responses = dialect::responses;
using Standing = store::FoundResponse::Standing;

namespace {

constexpr std::size_t id_length = 32;
constexpr std::size_t link_bytes_max = 256;

std::unexpected<Error> unknown_previous(std::string_view id, std::string_view why) {
  // OpenAI's own words.
  return fail(Kind::bad_request, Error::Detail{.message = cat("Previous response with id '", id, "' not found.", why),
                                               .param = "previous_response_id",
                                               .code = "previous_response_not_found"});
}

/// An id that goes into a path one day must be plain.
bool is_plain(std::string_view id) {
  return !id.empty() && id.size() <= link_bytes_max && std::ranges::all_of(id, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
  });
}

store::StoredResponse row_of(const Visit& visit, std::string_view provider, std::string_view id) {
  const auto created = static_cast<std::int64_t>(unix_seconds(visit.entry().started));
  return {.id = std::string{id},
          .owner = std::string{visit.owner()},
          .provider = std::string{provider},
          .created = created,
          .expires = created + visit.snapshot().responses.retention.count(),
          .input = {},
          .response = {}};
}

/// May the earlier answer be left to the upstream to find? Only its own may, and what nobody here has heard of.
Status judge_link(const store::FoundResponse& found, std::string_view id, const dialect::Dialect& client,
                  const execute::Upstream& upstream) {
  const bool same_dialect = upstream.dialect == &client;
  switch (found.standing) {
    case Standing::foreign: return unknown_previous(id, "");
    case Standing::unknown: return same_dialect ? Status{} : unknown_previous(id, "");
    case Standing::own: break;
  }
  if (same_dialect && found.response.provider == upstream.deployment()) return {};
  return unknown_previous(id, " It is kept by the provider that gave it, which alone can go on from it.");
}

/// Where an item that is named and not kept here may be.
enum class Items : std::uint8_t { only_here, maybe_there };
Status judge_items(const dialect::RequestView& request, Items where) {
  const std::string id = where == Items::only_here ? responses::unresolved_item(request) : std::string{};
  if (id.empty()) return {};
  return fail(Kind::not_found, cat("Item with id '", id, "' not found."), "input");
}

/// The request with all that went before, for any upstream.
Status go_on(Keeping& keeping, const dialect::RequestView& request, const dialect::Asked& asked, const dialect::Dialect& client,
             const store::StoredResponse& earlier) {
  // What is wrong with the request itself is said in its own words, before its items are numbered anew.
  Result<model::Chat> alone = client.decode_request(request.members.text(), asked);
  if (!alone) return fail_with(alone);
  const responses::Kept kept{.input = earlier.input, .response = earlier.response};
  Result<std::string> input = responses::whole_input(request, &kept, keeping.id);
  if (!input) return fail_with(input);
  Result<std::string> body = responses::with_input(request, *input);
  if (!body) return fail_with(body);
  keeping.previous = earlier.id;
  keeping.input = std::move(*input);
  keeping.body = std::move(*body);
  return {};
}

}  // namespace

net::Task<Result<store::FoundResponse>> Pipeline::look_up(Visit& visit, std::string id) {
  net::Handover<Result<store::FoundResponse>> found{visit.exchange().loop()};
  stores_.responses.get(std::move(id), std::string{visit.owner()}, found.sender());
  Result<store::FoundResponse> answer = co_await found.receive(store_patience);
  if (answer || !answer.error().is(Kind::timed_out)) co_return answer;
  co_return fail(Kind::internal,
                 Error::Detail{.message = "the store does not answer; try again", .status = 503, .retry_after = "1"});
}

net::Task<Result<std::string>> Pipeline::resolve_items(Visit& visit, const dialect::RequestView& request) {
  constexpr std::size_t answers_max = 64;  // each is a question to the store
  std::vector<std::string> answers = responses::answers_referred_to(request);
  if (answers.size() > answers_max) answers.resize(answers_max);
  std::vector<store::StoredResponse> rows;
  for (std::string& id : answers) {
    Result<store::FoundResponse> found = co_await look_up(visit, std::move(id));
    if (!found) co_return fail_with(found);
    if (found->standing == Standing::own) rows.push_back(std::move(found->response));
  }
  if (rows.empty()) co_return std::string{};
  std::vector<responses::Kept> kept;
  for (const store::StoredResponse& row : rows) {
    if (!row.is_link()) kept.push_back({row.input, row.response});
  }
  co_return responses::with_items(request, kept);
}

net::Task<Result<std::unique_ptr<Keeping>>> Pipeline::recall(Visit& visit, const Asking& asking,
                                                             const dialect::RequestView& request,
                                                             const execute::Upstream& upstream) {
  const dialect::Dialect& client = asking.dialect;
  if (&client != &dialect::openai_responses()) co_return nullptr;
  Result<responses::Wishes> wishes = responses::wishes_of(request);
  if (!wishes) co_return fail_with(wishes);
  auto keeping = std::make_unique<Keeping>();
  const bool same_dialect = upstream.dialect == &client;
  const bool kept = wishes->store && visit.snapshot().responses.stored;
  if (kept) keeping->what = same_dialect ? Keeping::What::link : Keeping::What::whole;
  keeping->id = client.traits().id_prefix;
  random_.append_id(keeping->id, id_length);

  // Items that are only named, put in where they are kept here. (What is passed through is searched, not parsed.)
  const bool may_name = !same_dialect || request.members.text().find("item_reference") != std::string_view::npos;
  Result<std::string> resolved{std::string{}};
  if (may_name) resolved = co_await resolve_items(visit, request);
  if (!resolved) co_return fail_with(resolved);
  keeping->body = *resolved;
  Result<dialect::RequestView> again{std::in_place};
  if (!resolved->empty()) again = client.inspect(*resolved, asking.asked());
  if (!again) co_return fail_with(again);
  const dialect::RequestView& asked = resolved->empty() ? request : *again;
  if (Status whole = judge_items(asked, same_dialect ? Items::maybe_there : Items::only_here); !whole) co_return fail_with(whole);

  // The answer that it goes on from.
  if (!wishes->previous.empty()) {
    Result<store::FoundResponse> found = co_await look_up(visit, wishes->previous);
    if (!found) co_return fail_with(found);
    const bool here = found->standing == Standing::own && !found->response.is_link();
    Status done = here ? go_on(*keeping, asked, asking.asked(), client, found->response)
                       : judge_link(*found, wishes->previous, client, upstream);
    if (!done) co_return fail_with(done);
  }
  if (keeping->what == Keeping::What::whole && keeping->input.empty()) {
    Result<std::string> input = responses::whole_input(asked, nullptr, keeping->id);
    if (!input) co_return fail_with(input);
    keeping->input = std::move(*input);
  }
  co_return keeping;
}

net::Task<Status> Pipeline::keep(Visit& visit, Keeping& keeping, std::string_view response) {
  if (response.empty()) co_return Status{};  // it ended in an error, which nobody asks for again
  store::StoredResponse row = row_of(visit, visit.entry().provider, keeping.id);
  row.input = std::move(keeping.input);
  row.response = response;
  net::Handover<Status> kept{visit.exchange().loop()};
  stores_.responses.put(std::move(row), store::Pace::now, kept.sender());
  Status done = co_await kept.receive(store_patience);
  const bool failed = !done && !visit.exchange().scope().cancelled();
  if (failed) stores_.on_failure(done.error());
  co_return done;
}

void Pipeline::keep_link(const Visit& visit, Keeping& keeping, std::string_view id) {
  if (keeping.what != Keeping::What::link || id.empty()) return;
  keeping.what = Keeping::What::nothing;
  if (!is_plain(id)) return;
  // Not waited for: what follows finds it, and only kill -9 within a moment loses it, while the upstream still has the answer.
  stores_.responses.put(row_of(visit, visit.entry().provider, id), store::Pace::soon,
                        [on_failure = stores_.on_failure](Status kept) {
                          if (!kept) on_failure(kept.error());
                        });
}

}  // namespace cardea::pipeline

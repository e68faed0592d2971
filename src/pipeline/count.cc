// Counting a request's tokens: by the upstream where it speaks the client's dialect and has a page for it, else here: exactly
// for models of a public tokenizer, else by an estimate.

#include "pipeline/pipeline.h"
#include "pipeline/words.h"
#include "tokens/chat.h"

namespace cardea::pipeline {

net::Task<Status> Pipeline::count_tokens(Visit& visit, const Match& match) {
  const Snapshot& snapshot = visit.snapshot();
  const dialect::Dialect& client = visit.dialect();
  Result<Asking> asking = asking_of(client, visit.head(), match, visit.entry().started);
  if (!asking) co_return fail_with(asking);
  Result<std::string_view> body = co_await visit.exchange().read_body(snapshot.body_bytes_max);
  if (!body) co_return fail_with(body);
  body = asking->read(*body);
  if (!body) co_return fail_with(body);
  Result<dialect::RequestView> view = client.inspect(*body, asking->asked());
  if (!view) co_return fail_with(view);
  Result<catalog::Target> target = visit.resolve(view->model, view->members, *directory_);
  if (!target) co_return fail_with(target);
  const execute::Upstream& upstream = snapshot.upstreams.of(*target->provider);

  // As a chat of the same words would: with what went before.
  Result<std::unique_ptr<Keeping>> keeping = co_await recall(visit, *asking, *view, upstream);
  if (!keeping) co_return fail_with(keeping);
  const bool rewritten = *keeping && !(*keeping)->body.empty();
  const std::string page = upstream.dialect == &client && !rewritten ? client.count_target(target->model) : std::string{};
  if (page.empty()) {
    Result<model::Chat> chat = client.decode_request(rewritten ? std::string_view{(*keeping)->body} : *body, asking->asked());
    if (!chat) co_return fail_with(chat);
    tokens::Counter counter;  // its own for every question: they are rare, and an idle worker keeps nothing
    const std::string counted = client.count_body(tokens::count_chat(counter, *chat, target->model));
    co_return co_await say(visit, counted);
  }
  const dialect::ForwardOptions renamed{.model = target->model};
  Result<json::Edits> edits = client.forward_edits(*view, renamed);
  if (!edits) co_return fail_with(edits);
  const std::string question = edits->apply(*body);
  const execute::PlainCall call{.upstream = upstream,
                                .method = wire::Method::post,
                                .target = page,
                                .body = question,
                                .header_lines = forwarded_headers(visit, *target->provider),
                                .limits = snapshot.attempt};
  visit.upstream_begins();
  Result<std::string> answer = co_await executor_.fetch(call);
  visit.upstream_ends();
  if (!answer) co_return fail_with(answer);
  co_return co_await say(visit, *answer);
}

}  // namespace cardea::pipeline

#include "pipeline/pipeline.h"

#include "access/vouching.h"
#include "pipeline/pages.h"
#include "pipeline/routes.h"
#include "pipeline/words.h"

namespace cardea::pipeline {

// THE request. Read it from top to bottom: this is the order in which everything happens, and why.

net::Task<void> Pipeline::handle(http::Exchange& exchange) {
  // From here to the end one configuration holds, however often it is reloaded meanwhile; when the scope ends, whichever way, the
  // record is written.
  Visit visit{visits_, snapshot_, recorder_, random_, exchange};
  Status done = co_await answer(visit);
  // One place turns what went wrong into the caller's own dialect.
  if (done) co_return;
  co_await explain(visit, std::move(done.error()));
}

net::Task<void> Pipeline::explain(Visit& visit, Error error) {
  Error why = visit.why(std::move(error));
  co_await say_error(visit, std::move(why));
}

void Pipeline::use(std::shared_ptr<const access::Directory> directory) {
  directory_ = std::move(directory);
  look_over();
}

void Pipeline::look_over() {
  const auto now = now_().time_since_epoch();
  visits_.each(
      [&](Visit& visit) { visit.check_again(*directory_, std::chrono::duration_cast<std::chrono::seconds>(now).count()); });
}

net::Task<Status> Pipeline::answer(Visit& visit) {
  const wire::RequestHead& head = visit.head();

  // What is asked, by method and path alone: policy and router read the same head.
  if (is_preflight(head)) co_return co_await preflight(visit);
  Result<Match> match = pipeline::match(head);
  if (!match) co_return fail_with(match);
  visit.enter(*match->route);

  // Who asks, and may it at all: on the head, so that strangers cost nothing and their bodies are never read.
  if (needs_principal(match->route->policy, visit.snapshot(), *directory_)) {
    Status welcome = visit.check_address();
    if (!welcome) co_return welcome;
    access::BodyProof proof;
    Result<access::Principal> principal = directory_->authenticate(head, visit.snapshot().reach, visit.now(), proof);
    // Not one of ours: a program's short-lived token, somebody that others vouch for, or a person who is logged in.
    if (!principal && vouching_ != nullptr) {
      Error refusal = std::move(principal.error());
      principal = co_await vouching_->vouch(head, visit.exchange().certificate(), directory_, std::move(refusal));
    }
    if (!principal) co_return fail_with(principal);
    if (proof.judge) {
      Status proven = co_await prove(visit, std::move(proof), match->route->operation);
      if (!proven) co_return proven;
      match = pipeline::match(head);  // its views died with the reading
    }
    Status admitted = visit.admit(std::move(*principal), *match->route, *directory_);
    if (!admitted) co_return admitted;
  }

  // Pages about the gateway itself end here; a model's answer goes the long way.
  switch (match->route->operation) {
    case Operation::chat: co_return co_await chat(visit, *match);
    case Operation::count_tokens: co_return co_await count_tokens(visit, *match);
    case Operation::embed:
    case Operation::rerank:
    case Operation::moderate:
    case Operation::tokenize:
    case Operation::detokenize: co_return co_await task(visit, *match);
    case Operation::show_response:
    case Operation::delete_response:
    case Operation::list_input_items:
    case Operation::cancel_response: co_return co_await stored_response(visit, *match);
    case Operation::forward_document: co_return co_await forward_document(visit, *match);
    case Operation::forward_upload: co_return co_await forward_upload(visit, *match);
    case Operation::create_file: co_return co_await create_file(visit, *match);
    case Operation::create_batch: co_return co_await create_batch(visit, *match);
    case Operation::list_objects: co_return co_await list_objects(visit, *match);
    case Operation::use_object: co_return co_await use_object(visit, *match);
    case Operation::log_in:
    case Operation::log_in_ends:
    case Operation::log_out:
    case Operation::get_token: co_return co_await entrance(visit, *match);
    case Operation::pass_through: co_return co_await pass_through(visit, *match);
    case Operation::administer: co_return co_await administer(visit, *match);
    default: co_return co_await page(visit, *match);
  }
}

/// A signature covers the body too, and some are not even verified before it is there. So it is read before anything is done;
/// those who take it piece by piece do nothing before they have all of it.
net::Task<Status> Pipeline::prove(Visit& visit, access::BodyProof proof, Operation operation) {
  http::Exchange& exchange = visit.exchange();
  const bool in_pieces =
      operation == Operation::forward_upload || operation == Operation::create_file || operation == Operation::pass_through;
  if (in_pieces && exchange.request().has_body() && proof.open == access::BodyProof::Open::the_signer) {
    co_return fail(Kind::unauthenticated,
                   "A signed upload says the hash of its body beforehand: send and sign x-amz-content-sha256.");
  }
  Status proven = exchange.judge_body(std::move(proof.judge));
  if (!proven || in_pieces || !exchange.awaits_judgement()) co_return proven;
  Result<std::string_view> body = co_await exchange.read_body(visit.snapshot().body_bytes_max);
  if (!body) co_return fail_with(body);
  co_return Status{};
}

net::Task<Status> Pipeline::chat(Visit& visit, const Match& match) {
  const Snapshot& snapshot = visit.snapshot();

  // Some dialects say in the path which model, and whether a stream.
  Result<Asking> asking = asking_of(visit.dialect(), visit.head(), match, visit.entry().started);
  if (!asking) co_return fail_with(asking);
  visit.stream_as(asking->framing);

  // From its head on; each wait below answers for itself whose fault the end was.
  visit.bound();

  // The whole prompt, bounded: what follows judges all of it or nothing.
  Result<std::string_view> body = co_await visit.exchange().read_body(snapshot.body_bytes_max);
  if (!body) co_return fail_with(body);

  // In the form that dialects read: XML becomes JSON here, and nothing behind this line knows of it.
  body = asking->read(*body);
  if (!body) co_return fail_with(body);

  // Some requests of a dialect ask no model anything (Ollama's clients warm one up).
  const std::optional<std::string> at_once = asking->dialect.answer_at_once(*body, asking->now);
  if (at_once) co_return co_await say(visit, *at_once);

  // Is it well-formed, and which model does it want? One pass over the bytes, no tree.
  Result<dialect::RequestView> request = asking->dialect.inspect(*body, asking->asked());
  if (!request) co_return fail_with(request);
  visit.entry().stream = request->stream;

  // To whom: names, aliases and wildcards end in one provider and its own name of the model, if the caller may use them, and the
  // one for whom it asks.
  Result<catalog::Target> target = visit.resolve(request->model, request->members, *directory_);
  if (!target) co_return fail_with(target);
  Status tools = check_tools(visit.principal(), *asking, *body);
  if (!tools) co_return tools;

  // What went before: a request may go on from an answer that is kept here, and its own may have to be kept (OpenAI Responses).
  const execute::Upstream& upstream = snapshot.upstreams.of(*target->provider);
  Result<std::unique_ptr<Keeping>> keeping = co_await recall(visit, *asking, *request, upstream);
  if (!keeping) co_return fail_with(keeping);

  // In whose words: the client's own bytes, or, when the upstream speaks another dialect, the request encoded anew. What that
  // loses is said; what it would change is refused, and so is what the model is known not to take.
  const Question asked{*body, *request, keeping->get()};
  std::unique_ptr<Words> words;
  if (!passes_as_it_is(*asking, asked, upstream, executor_.issuers())) {
    Status worded = co_await translate(visit, *asking, asked, *target, words);
    if (!worded) co_return worded;
  }

  // The only step that leaves the house. It comes back with a good answer, or the first events of one, or an error.
  const execute::ChatCall call{.upstream = upstream,
                               .model = target->model,
                               .body = *body,
                               .view = *request,
                               .header_lines = forwarded_headers(visit, *target->provider),
                               .limits = snapshot.attempt,
                               .client = asking->dialect,
                               .framing = asking->framing,
                               .translated = words ? &words->request : nullptr,
                               .context = words ? &words->context : nullptr,
                               .passed_on = &visit.upstream_lines()};
  visit.upstream_begins();
  Result<execute::ChatAnswer> answer = co_await executor_.chat(call);
  visit.upstream_ends();
  if (!answer) co_return fail_with(answer);

  // Back to the client as it comes; a slow client slows its own upstream. What is to be kept is safe before the client has it
  // all.
  co_return co_await deliver(visit, *answer, keeping->get());
}

}  // namespace cardea::pipeline

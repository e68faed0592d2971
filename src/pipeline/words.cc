#include "pipeline/words.h"

#include <algorithm>

#include "base/text.h"
#include "dialect/native/forms.h"
#include "json/writer.h"
#include "pipeline/pages.h"
#include "pipeline/snapshot.h"

namespace cardea::pipeline {
namespace {

/// Does the query hold `name=value`?
bool query_says(std::string_view query, std::string_view wanted) {
  while (!query.empty()) {
    const auto end = query.find('&');
    if (query.substr(0, end) == wanted) return true;
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
  }
  return false;
}

}  // namespace

dialect::Allow allowed_loss(const wire::RequestHead& head) {
  const auto given = head.find("x-cardea-allow-loss").value_or("");
  return iequals(given, "true") || given == "1" ? dialect::Allow::any_loss : dialect::Allow::no_change_of_meaning;
}

std::uint64_t unix_seconds(std::chrono::system_clock::time_point time) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

Result<Asking> asking_of(const dialect::Dialect& client, const wire::RequestHead& head, const Match& match,
                         std::chrono::system_clock::time_point now) {
  if (client.name() != match.route->dialect)
    return fail(Kind::not_implemented, cat("this build does not speak ", match.route->dialect));
  Asking asking{.dialect = client, .model = {}, .stream = {}, .framing = client.traits().framing, .now = unix_seconds(now)};
  if (client.name() == dialect::native().name()) {
    const Result<Form> form = form_of_request(head);
    if (!form) return fail(form.error().clone());
    asking.form = *form;
  }
  if (!match.parameter.empty()) {
    auto model = percent_decoded(match.parameter);
    if (!model) return fail(Kind::bad_request, "the model's name in the path is not percent-encoded as it should be", "model");
    asking.model = std::move(*model);
  }
  switch (match.route->streams) {
    case Streams::as_the_body_says: break;
    case Streams::never: asking.stream = false; break;
    case Streams::always: asking.stream = true; break;
  }
  // Gemini's clients say which of its two framings they read.
  const bool array = asking.stream.value_or(false) && client.name() == "gemini" && !query_says(head.query(), "alt=sse");
  if (array) asking.framing = dialect::Framing::json_array;
  return asking;
}

Result<std::string_view> Asking::read(std::string_view body, std::optional<dialect::Task> task) {
  if (form == Form::json) return body;
  Result<std::string> read = dialect::native_request(body, task);
  if (!read) return fail_with(read);
  json = std::move(*read);
  return std::string_view{json};
}

namespace {

/// The gateway keeps the answer, or does not: no upstream of another dialect need know, and the answer says which.
void take_over(const Keeping& keeping, const dialect::Pair& pair, model::Chat& chat) {
  if (&pair.client != &pair.upstream) chat.store.reset();
  const auto previous = std::ranges::find(chat.extras, std::string_view{"previous_response_id"}, &model::Extra::key);
  const bool went_before = !keeping.previous.empty() && previous != chat.extras.end();
  if (went_before) chat.extras.erase(previous);
}

/// What the answer repeats of the request.
void repeat(const Keeping& keeping, const dialect::Pair& pair, Words& words) {
  if (&pair.client != &pair.upstream) words.request.chat.store = keeping.what == Keeping::What::whole;
  if (!keeping.previous.empty()) {
    words.request.chat.extras.push_back({"previous_response_id", {json::quote(keeping.previous)}});
  }
  if (keeping.what != Keeping::What::whole) return;
  words.context.id = keeping.id;
  words.context.keep_id = true;
}

}  // namespace

bool passes_as_it_is(const Asking& asking, const Question& question, const execute::Upstream& upstream,
                     const dialect::Issuers& issuers) {
  const dialect::Dialect& client = asking.dialect;
  const bool rewritten = question.keeping != nullptr && !question.keeping->body.empty();
  const bool same =
      &client == upstream.dialect && !client.traits().gateway && !rewritten && !dialect::holds_envelope(question.view);
  return same && !issuers.any_foreign(client, question.view, upstream.deployment());
}

Result<std::unique_ptr<Words>> words_for(const Asking& asking, const wire::RequestHead& head, const Question& question,
                                         model::Chat chat, const execute::Upstream& upstream, const catalog::Target& target,
                                         const dialect::Issuers& issuers, Random& random) {
  const dialect::Dialect& client = asking.dialect;
  const Keeping* keeping = question.keeping;
  const dialect::Pair pair{
      client,  *upstream.dialect, target.model, upstream.deployment(), abilities_of(target.info, upstream.dialect->name()),
      &issuers};
  if (keeping != nullptr) take_over(*keeping, pair, chat);
  auto request = dialect::translate_chat(pair, question.whole(), std::move(chat), allowed_loss(head));
  if (!request) return fail_with(request);
  auto words = std::make_unique<Words>(std::move(*request));
  words->context.id = client.traits().id_prefix;
  random.append_id(words->context.id, 24);
  words->context.model = question.view.model;
  words->context.created = asking.now;
  words->context.framing = asking.framing;
  if (keeping != nullptr) repeat(*keeping, pair, *words);
  return words;
}

Status check_tools(const access::Principal& caller, const Asking& asking, std::string_view body) {
  if (!caller.restricted(&config::Grant::tools)) return {};
  Result<model::Chat> chat = asking.dialect.decode_request(body, asking.asked());
  if (!chat) return fail_with(chat);
  if (!chat->tools) return {};
  for (const model::Tool& tool : *chat->tools) {
    Status may = caller.check_tool(tool.name);
    if (!may) return may;
  }
  return {};
}

}  // namespace cardea::pipeline

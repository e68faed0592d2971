#include "pipeline/words.h"

#include <chrono>

#include "base/text.h"
#include "pipeline/pages.h"

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

std::uint64_t unix_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

}  // namespace

Result<Asking> asking_of(const wire::RequestHead& head, const Match& match) {
  const dialect::Dialect* const spoken = dialect::find(match.route->dialect);
  if (spoken == nullptr) return fail(Kind::not_implemented, cat("this build does not speak ", match.route->dialect));
  Asking asking{.dialect = *spoken,
                .model = {},
                .stream = {},
                .framing = spoken->traits().framing,
                .allow = dialect::Allow::no_change_of_meaning};
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
  const bool array = spoken->name() == "gemini" && !query_says(head.query(), "alt=sse");
  if (array) asking.framing = dialect::Framing::json_array;
  const auto allow = head.find("x-cardea-allow-loss");
  if (allow && (iequals(*allow, "true") || *allow == "1")) asking.allow = dialect::Allow::any_loss;
  return asking;
}

Result<std::unique_ptr<Words>> words_for(const Asking& asking, std::string_view body, const dialect::RequestView& view,
                                         const execute::Upstream& upstream, std::string_view model, Random& random) {
  const dialect::Dialect& client = asking.dialect;
  if (&client == upstream.dialect && !dialect::holds_envelope(view)) return nullptr;
  const dialect::Pair pair{client, *upstream.dialect, model, upstream.deployment()};
  auto request = dialect::translate_request(pair, body, asking.asked(), asking.allow);
  if (!request) return fail_with(request);
  std::string id{client.traits().id_prefix};
  random.append_id(id, 24);
  auto words = std::make_unique<Words>(std::move(*request));
  words->context.id = std::move(id);
  words->context.model = view.model;
  words->context.created = unix_seconds();
  words->context.framing = asking.framing;
  return words;
}

}  // namespace cardea::pipeline

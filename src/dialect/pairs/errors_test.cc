// Errors through a pair: their class and their words, as bodies and within streams.

#include <algorithm>

#include "base/random.h"
#include "base/text.h"
#include "dialect/pairs/flow_util.h"

namespace cardea::dialect::pairs {

using model::Answer;
using model::ChatEvent;
namespace event = model::event;

namespace {

constexpr std::string_view words = "the words of the upstream";

Error error_of(int status) {
  const auto shown = static_cast<std::uint16_t>(status);
  const auto kind = status == 429 ? Kind::rate_limited : status < 500 ? Kind::upstream_rejected : Kind::upstream_failed;
  return {kind, Error::Detail{.message = std::string{words}, .status = shown}};
}

/// 4xx keeps its status; a vendor's 5xx is one too. (AWS counts a model's trouble within a stream as 424.)
bool same_class(int status, int shown) { return status < 500 ? status == shown : shown >= 500 || shown == 424; }

bool said(std::string_view text) { return text.find(words) != std::string_view::npos; }

Answer some_answer() {
  return {
      .id = "answer-1",
      .model = "up-model-1",
      .choices = {{.parts = {{.value = model::Text{.text = "Hello there, my friend!"}},
                             {.value = model::ToolCall{.id = "call_1", .name = "get_time", .arguments = R"({"zone":"Bern"})"}}},
                   .finish = model::Finish::tool_calls}},
      .usage = model::Usage{.input = 3, .output = 4}};
}

std::string read_failure(const Dialect& client, std::string_view bytes, const Error& error) {
  const auto back = read_stream(client, bytes);
  const auto failed =
      std::ranges::find_if(back.events, [](const ChatEvent& e) { return std::holds_alternative<event::Failure>(e); });
  const bool ended = std::ranges::any_of(back.events, [](const ChatEvent& e) { return std::holds_alternative<event::End>(e); });
  if (ended) return "the client sees a proper end";
  if (failed == back.events.end()) return cat("the client sees no error: ", back.status ? "" : back.status.error().message());
  const auto& failure = std::get<event::Failure>(*failed);
  if (failure.message.find(error.message()) == std::string::npos) return cat("the words are ", failure.message);
  if (failure.status != 0 && !same_class(error.http_status(), failure.status)) return cat("the status is ", failure.status);
  return {};
}

}  // namespace

Outcome error_outcome(const Dialect& client, const Dialect& upstream, int status) {
  Outcome out;
  const auto body = upstream.error_body(error_of(status), "req-1");
  const UpstreamFailure failure{.status = status, .body = body, .content_type = "application/json", .retry_after = "7"};
  auto error = upstream.upstream_error(failure, Secret{"sk-secret"});
  if (!same_class(status, error.http_status())) out.bugs.push_back(cat("read as ", error.http_status(), ": ", body));
  if (!said(error.message())) out.bugs.push_back(cat("the words are lost: ", error.message(), ": ", body));
  if (error.detail().retry_after != "7") out.bugs.emplace_back("retry-after is lost");
  if (&client != &upstream) error.edit().body.clear();  // it is of another dialect
  const auto shown = client.error_body(error, "req-1");
  const UpstreamFailure seen{.status = error.http_status(),
                             .body = shown,
                             .content_type = "application/json",
                             .retry_after = error.detail().retry_after};
  const auto got = client.upstream_error(seen, {});
  if (!same_class(status, got.http_status())) out.bugs.push_back(cat("the client sees ", got.http_status(), ": ", shown));
  if (!said(got.message())) out.bugs.push_back(cat("the client does not see the words: ", shown));
  return out;
}

Outcome broken_stream_outcome(const Dialect& client, const Dialect& upstream, int status) {
  Outcome out;
  const auto request = translated_question(client, upstream, streamed_question(), out);
  if (!request) return out;
  auto events = fragments_of(some_answer());
  events.resize(events.size() / 2);
  Losses losses;
  auto stream = write_stream(upstream, events, context_of(upstream, request->chat), losses);
  stream += upstream.stream_error(error_of(status), "req-1", upstream.traits().framing);
  const auto relayed = relay_whole(pair_of(client, upstream), *request, stream);
  if (relayed.status) {
    out.bugs.push_back(cat("the error is not seen\n", stream));
    return out;
  }
  const auto& error = relayed.status.error();
  if (!said(error.message())) out.bugs.push_back(cat("the words are lost: ", error.message(), "\n", stream));
  if (!same_class(status, error.http_status())) out.bugs.push_back(cat("it becomes ", error.http_status(), "\n", stream));
  const auto shown = client.stream_error(error, "req-1", client.traits().framing);
  const auto problem = read_failure(client, relayed.bytes + shown, error);
  if (!problem.empty()) out.bugs.push_back(cat(problem, "\n", relayed.bytes, shown));
  return out;
}

Outcome cut_stream_outcome(const Dialect& client, const Dialect& upstream) {
  Outcome out;
  const auto request = translated_question(client, upstream, streamed_question(), out);
  if (!request) return out;
  Losses losses;
  const auto stream = write_stream(upstream, fragments_of(some_answer()), context_of(upstream, request->chat), losses);
  const auto pair = pair_of(client, upstream);
  const auto whole = relay_whole(pair, *request, stream);
  Random random{7};
  for (std::size_t n = 0; n < 24; ++n) {
    const auto size = n * stream.size() / 24 + random.below(stream.size() / 24);
    const auto cut = relay_whole(pair, *request, std::string_view{stream}.substr(0, size));
    if (cut.status) {
      // What was missing said nothing.
      const auto all = assemble(read_stream(client, whole.bytes).events);
      const auto got = assemble(read_stream(client, cut.bytes).events);
      if (!got.ended || got.answer.choices != all.answer.choices) {
        out.bugs.push_back(cat("cut at ", size, " of ", stream.size(), " it ends well:\n", cut.bytes));
        return out;
      }
      continue;
    }
    const auto& error = cut.status.error();
    const auto problem = read_failure(client, cut.bytes + client.stream_error(error, "req-1", client.traits().framing), error);
    if (!problem.empty()) {
      out.bugs.push_back(cat("cut at ", size, ": ", problem, "\n", cut.bytes));
      return out;
    }
  }
  return out;
}

}  // namespace cardea::dialect::pairs

#include <algorithm>

#include "base/text.h"
#include "dialect/pairs/flow_util.h"

namespace cardea::dialect::pairs {

using model::Answer;
using model::Chat;

namespace {

/// The opaque items of a model's turn, by what they belong to.
std::vector<std::string> opaque_items(const std::vector<model::Part>& parts) {
  std::vector<std::string> out;
  for (const auto& part : parts) {
    if (const auto* thinking = std::get_if<model::Thinking>(&part.value)) {
      const auto add = [&](std::string_view kind, const std::optional<std::string>& data) {
        if (data) out.push_back(cat(kind, " of \"", thinking->text, "\": ", *data));
      };
      add("signature", thinking->signature);
      add("redacted", thinking->redacted);
      // A stream has its text in a part before it.
      if (thinking->encrypted) out.push_back(cat("encrypted: ", *thinking->encrypted));
    }
    const auto* call = std::get_if<model::ToolCall>(&part.value);
    if (call != nullptr && call->signature) out.push_back(cat("signature of call ", call->name, ": ", *call->signature));
  }
  std::ranges::sort(out);
  return out;
}
std::string list(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& item : items) out += cat("\n    ", item);
  return out;
}

/// The client's answer, as its dialect reads it.
std::optional<Answer> answer_for_client(const Pair& pair, const Translated& request, const Answer& answer, Told told,
                                        Outcome& out, Losses& losses) {
  const auto context = context_of(pair.client, request.chat);
  Losses aside;
  if (told == Told::whole) {
    const auto body = pair.upstream.encode_response(answer, context_of(pair.upstream, request.chat), aside);
    auto translated = translate_response(pair, &request, std::array{std::string_view{body}}, context, {});
    if (!translated) {
      out.bugs.push_back(cat("not translated: ", translated.error().message()));
      return std::nullopt;
    }
    losses = translated->losses;
    auto got = pair.client.decode_response(translated->body);
    if (got) return std::move(*got);
    out.bugs.push_back(cat("the client cannot read it: ", got.error().message(), "\n", translated->body));
    return std::nullopt;
  }
  const auto stream = write_stream(pair.upstream, fragments_of(answer), context_of(pair.upstream, request.chat), aside);
  const auto whole = relay_whole(pair, request, stream);
  const auto back = read_stream(pair.client, whole.bytes);
  auto got = assemble(back.events);
  if (!whole.status || !back.status || !got.error.empty()) {
    out.bugs.push_back(cat("not relayed: ", got.error, "\n", stream.substr(0, 1500), "\n→\n", whole.bytes.substr(0, 1500)));
    return std::nullopt;
  }
  losses = stream_losses(pair, request, read_stream(pair.upstream, stream).events);
  return std::move(got.answer);
}

/// The next request: the question, the model's turn as the client had it, results of its calls.
Chat next_question(const Answer& answer) {
  Chat chat = question();
  chat.messages.push_back({.role = model::Role::assistant, .parts = answer.choices.at(0).parts});
  for (const auto& part : answer.choices.at(0).parts) {
    const auto* call = std::get_if<model::ToolCall>(&part.value);
    if (call == nullptr) continue;
    model::ToolResult result{.call_id = call->id, .name = call->name, .parts = {{.value = model::Text{.text = "12:00"}}}};
    chat.messages.push_back({.role = model::Role::tool, .parts = {{.value = std::move(result)}}});
  }
  return chat;
}

/// What the upstream of a deployment gets to see of the second request.
std::optional<std::vector<std::string>> seen_by(const Dialect& client, const Dialect& upstream, std::string_view deployment,
                                                const std::string& body, const Chat& chat, Outcome& out, Losses& losses) {
  auto translated = translate_request(pair_of(client, upstream, deployment), body, asked_of(client, chat), Allow::any_loss);
  if (!translated) {
    out.bugs.push_back(cat("the second request is not translated: ", translated.error().message()));
    return std::nullopt;
  }
  losses = translated->losses;
  Chat renamed = chat;
  renamed.model = upstream_model;
  auto read = upstream.decode_request(translated->body, asked_of(upstream, renamed));
  if (!read) {
    out.bugs.push_back(cat("the second request cannot be read: ", read.error().message(), "\n", translated->body));
    return std::nullopt;
  }
  std::vector<model::Part> parts;
  for (const auto& message : read->messages) parts.insert(parts.end(), message.parts.begin(), message.parts.end());
  return opaque_items(parts);
}

}  // namespace

Outcome two_turn_outcome(const Dialect& client, const Dialect& upstream, const AnswerCase& one, Told told) {
  Outcome out;
  if (is_prompt_form(client) || is_prompt_form(upstream)) {
    out.unsayable.push_back({.field = "history", .reason = "one prompt alone"});
    return out;
  }
  const auto request = translated_question(client, upstream, told == Told::whole ? question() : streamed_question(), out);
  if (!request) return out;
  Answer answer = one.answer;
  answer.dialect = upstream.name();
  Losses unsayable;
  const auto body = upstream.encode_response(answer, context_of(upstream, request->chat), unsayable);
  const auto said = upstream.decode_response(body);
  const auto issued = said ? opaque_items(said->choices.at(0).parts) : std::vector<std::string>{};
  if (issued.empty()) {
    out.unsayable.push_back({.field = "opaque items", .reason = "has none"});
    return out;
  }
  const auto pair = pair_of(client, upstream);
  Losses lost;
  const auto got = answer_for_client(pair, *request, answer, told, out, lost);
  if (!got) return out;
  Outcome aside;
  const auto asking = ask(client, next_question(*got), aside);
  if (!asking) {
    out.bugs = aside.bugs;
    return out;
  }
  Losses losses;
  const auto back = seen_by(client, upstream, "prod/main", asking->body, asking->chat, out, losses);
  if (back && *back != issued) {
    // A client that cannot hold them is told so.
    const bool named = std::ranges::any_of(lost.all(), [](const Loss& loss) { return covers(loss, "thinking signature"); });
    if (!named) {
      out.bugs.push_back(cat("issued:", list(issued), "\n  came back:", list(*back), "\n", body.substr(0, 900),
                             "\n→ the client says\n", asking->body.substr(0, 1500)));
    }
    out.lost.assign(lost.all().begin(), lost.all().end());
  }
  const auto elsewhere = seen_by(client, upstream, "other/key", asking->body, asking->chat, out, losses);
  if (elsewhere && !elsewhere->empty() && &client != &upstream) {
    out.bugs.push_back(cat("another deployment sees:", list(*elsewhere)));
  }
  return out;
}

}  // namespace cardea::dialect::pairs

#include "dialect/pairs/flows.h"

#include <algorithm>

#include "base/random.h"
#include "base/text.h"
#include "dialect/pairs/flow_util.h"
#include "dialect/passes.h"

namespace cardea::dialect::pairs {

using model::Answer;
using model::Chat;
using model::ChatEvent;

Pair pair_of(const Dialect& client, const Dialect& upstream, std::string_view deployment) {
  return {.client = client, .upstream = upstream, .model = upstream_model, .deployment = deployment};
}

Asked asked_of(const Dialect& dialect, const Chat& chat) {
  if (!dialect.traits().model_in_path) return {};
  return {.model = chat.model, .stream = chat.stream.value_or(false)};
}

AnswerContext context_of(const Dialect& dialect, const Chat& request) {
  constexpr std::uint64_t created = 1'700'000'001;
  return {.request = request,
          .id = cat(dialect.traits().id_prefix, "abcdefgh"),
          .model = std::string{client_model},
          .created = created,
          .framing = dialect.traits().framing};
}

bool is_prompt_form(const Dialect& dialect) { return &dialect == &openai_completions() || &dialect == &ollama_generate(); }

namespace {

/// What the side that speaks first said of its case: what its form cannot hold must be named, unless it holds one prompt alone.
void add_unsayable(Outcome& out, const Dialect& dialect, const Losses& losses, const Verdict& verdict) {
  out.unsayable.assign(losses.all().begin(), losses.all().end());
  if (!is_prompt_form(dialect)) return;
  for (const auto& difference : verdict.silent) {
    const auto field = difference.aspect.substr(0, difference.aspect.find_first_of(".["));
    out.unsayable.push_back({.field = field, .reason = "one prompt alone"});
  }
}

void add_bugs(Outcome& out, std::string_view where, const Verdict& verdict) {
  for (const auto& difference : verdict.silent) {
    out.bugs.push_back(cat(where, ": '", difference.aspect, "' was ", difference.from, ", is ", difference.to));
  }
  for (const auto& loss : verdict.idle) {
    out.bugs.push_back(cat(where, ": '", loss.field, "' (", loss.reason, ") is named as lost, but nothing differs"));
  }
}

/// The tool that stands for the answer's schema is the schema again.
void unforce(Chat& chat, std::string_view tool, const Chat& asked) {
  if (tool.empty() || !chat.tools) return;
  const auto found = std::ranges::find(*chat.tools, tool, &model::Tool::name);
  if (found == chat.tools->end()) return;
  chat.response_format = model::ResponseFormat{
      .kind = model::ResponseFormat::Kind::json_schema, .schema = found->parameters, .strict = found->strict};
  chat.tools->erase(found);
  if (chat.tools->empty()) chat.tools.reset();
  chat.tool_choice = asked.tool_choice;
}

/// Names that were made to fit are the client's again.
void take_names_back(Chat& chat, const ToolForms& forms) {
  const auto take_back = [&](std::string& name) {
    const auto found = forms.renamed.find(name);
    if (found != forms.renamed.end()) name = found->second;
  };
  if (chat.tools) {
    for (auto& tool : *chat.tools) take_back(tool.name);
  }
  for (auto& message : chat.messages) {
    for (auto& part : message.parts) {
      if (auto* call = std::get_if<model::ToolCall>(&part.value)) take_back(call->name);
    }
  }
}

/// An answer that broke off is an error in some forms.
bool is_error(const Answer& answer) {
  const auto finish = answer.choices.at(0).finish.value_or(model::Finish::unknown);
  return finish == model::Finish::failed || finish == model::Finish::malformed_call;
}

/// What a vendor's reference demands and nobody said.
void forgive_demanded(const Dialect& dialect, const Chat& asked, Chat& chat) {
  const bool limited = asked.limits.max_tokens || asked.limits.max_output_tokens;
  if (dialect.name() == "anthropic" && !limited) chat.limits = {};
  for (auto& message : chat.messages) {
    for (auto& part : message.parts) {
      auto* file = std::get_if<model::File>(&part.value);
      const bool invented = file != nullptr && file->name && file->name->starts_with("file");
      if (invented) file->name.reset();
    }
  }
}

}  // namespace

namespace {

/// A client's own words for it, or those of one to whom it is foreign: own words are what its form can hold, foreign ones name
/// what it cannot.
std::optional<Asking> ask_as(std::string_view dialect, const Dialect& client, Chat chat, Outcome& out) {
  chat.dialect = dialect;
  chat.model = client_model;
  Losses losses;
  static_cast<void>(fit_tools(chat, client, losses));  // its own clients know no others
  static_cast<void>(force_tool(chat, client));
  Asking asking;
  asking.body = client.encode_request(chat, losses);
  auto read = client.decode_request(asking.body, asked_of(client, chat));
  if (!read) {
    out.bugs.push_back(
        cat("the client's own request cannot be read: ", read.error().message(), "\n", asking.body.substr(0, 600)));
    return std::nullopt;
  }
  asking.chat = std::move(*read);
  auto heard = asking.chat;
  forgive_demanded(client, chat, heard);
  const auto verdict = judge(chat, heard, losses, client.name());
  if (!is_prompt_form(client)) add_bugs(out, cat(client.name(), " said and read"), verdict);
  add_unsayable(out, client, losses, verdict);
  return asking;
}

}  // namespace

std::optional<Asking> ask(const Dialect& client, Chat chat, Outcome& out) {
  auto own = ask_as(client.name(), client, chat, out);
  if (out.bugs.empty()) return own;
  Outcome aside;
  auto foreign = ask_as("", client, chat, aside);
  if (!aside.bugs.empty()) return own;
  out = std::move(aside);
  return foreign;
}

Outcome request_outcome(const Dialect& client, const Dialect& upstream, const RequestCase& one) {
  Outcome out;
  const auto asking = ask(client, one.chat, out);
  if (!asking) return out;
  const auto pair = pair_of(client, upstream);
  const auto path = asked_of(client, asking->chat);
  auto translated = translate_request(pair, asking->body, path, Allow::any_loss);
  if (!translated) {
    out.bugs.push_back(cat("not translated: ", translated.error().message()));
    return out;
  }
  Chat expected = asking->chat;
  expected.model = upstream_model;
  auto read = upstream.decode_request(translated->body, asked_of(upstream, expected));
  if (!read) {
    out.bugs.push_back(cat("the upstream cannot read it: ", read.error().message(), "\n", translated->body.substr(0, 600)));
    return out;
  }
  unforce(*read, translated->forced_tool, asking->chat);
  take_names_back(*read, translated->tools);
  forgive_demanded(upstream, asking->chat, *read);
  if (translated->copies > 1) read->n = translated->copies;  // asked one by one
  const auto verdict = judge(expected, *read, translated->losses, upstream.name());
  const auto known = out.bugs.size();
  add_bugs(out, "translated", verdict);
  if (out.bugs.size() != known)
    out.bugs.back() += cat("\n", asking->body.substr(0, 1200), "\n→\n", translated->body.substr(0, 1200));
  out.lost.assign(translated->losses.all().begin(), translated->losses.all().end());
  // Whoever does not allow a loss of meaning is refused exactly then.
  const auto strict = translate_request(pair, asking->body, path, Allow::no_change_of_meaning);
  if (strict.has_value() == (translated->losses.gravest() != nullptr))
    out.bugs.emplace_back("refused without need, or not at all");
  return out;
}

// --- answers ----------------------------------------------------------------------------------------------------------------

Chat question() {
  Chat chat;
  chat.messages.push_back({.role = model::Role::user, .parts = {{.value = model::Text{.text = "Hello"}}}});
  chat.limits.max_output_tokens = 4000;
  chat.logprobs = true;
  chat.top_logprobs = 1;
  chat.tools = {{.name = "get_weather"}, {.name = "get_time"}};
  return chat;
}
Chat streamed_question() {
  Chat chat = question();
  chat.stream = true;
  chat.include_usage = true;
  return chat;
}

namespace {

/// Ids that a form has, models that were named.
void check_names(const Answer& said, const Answer& got, std::string_view where, Outcome& out) {
  const bool model_known = !got.model || got.model == said.model || got.model == client_model;
  if (!model_known) out.bugs.push_back(cat(where, ": a model that was never asked: ", *got.model));
  // With the form's own prefix before it.
  const bool id_known = !got.id || got.id->ends_with(said.id.value_or("abcdefgh")) || got.id->ends_with("abcdefgh");
  if (!id_known) out.bugs.push_back(cat(where, ": an id out of nowhere: ", *got.id));
}

/// Ids of calls: kept where both have them, else the gateway's to make.
void drop_made_ids(const Dialect& client, const Dialect& upstream, Answer& said, Answer& got) {
  if (client.traits().call_ids && upstream.traits().call_ids) return;
  for (auto* answer : {&said, &got}) {
    for (auto& choice : answer->choices) {
      std::size_t number = 0;
      for (auto& part : choice.parts) {
        if (auto* call = std::get_if<model::ToolCall>(&part.value)) call->id = cat("call-", number++);
      }
    }
  }
}

}  // namespace

std::optional<Translated> translated_question(const Dialect& client, const Dialect& upstream, const Chat& chat, Outcome& out) {
  Outcome aside;
  const auto asking = ask(client, chat, aside);
  if (!asking) {
    out.bugs = aside.bugs;
    return std::nullopt;
  }
  auto translated = translate_request(pair_of(client, upstream), asking->body, asked_of(client, asking->chat), Allow::any_loss);
  if (translated) return std::move(*translated);
  out.bugs.push_back(cat("the question is not translated: ", translated.error().message()));
  return std::nullopt;
}

namespace {

bool calls(const Answer& answer) {
  const auto is_call = [](const model::Part& part) { return std::holds_alternative<model::ToolCall>(part.value); };
  return std::ranges::any_of(answer.choices, [&](const auto& choice) { return std::ranges::any_of(choice.parts, is_call); });
}

/// An upstream's answer, and how its dialect reads it.
struct Answered {
  std::string body;
  Answer answer;
};
std::optional<Answered> answer_as(std::string_view dialect, const Dialect& upstream, Answer answer, const Chat& request,
                                  Outcome& out) {
  answer.dialect = dialect;
  Losses unsayable;
  Answered answered;
  answered.body = upstream.encode_response(answer, context_of(upstream, request), unsayable);
  auto said = upstream.decode_response(answered.body);
  if (!said) {
    // An answer of nothing is an error in some forms.
    const bool error = answer.choices[0].parts.empty() || is_error(answer);
    if (!error) out.bugs.push_back(cat("the upstream's own answer: ", said.error().message(), "\n", answered.body));
    out.unsayable.push_back({.field = is_error(answer) ? "broken answer" : "empty answer", .reason = "an error there"});
    return std::nullopt;
  }
  const auto verdict = judge(answer, *said, unsayable, upstream.name());
  add_unsayable(out, upstream, unsayable, verdict);
  if (is_prompt_form(upstream) && calls(answer)) return std::nullopt;  // it does not fit
  if (!is_prompt_form(upstream)) add_bugs(out, cat(upstream.name(), " said and read"), verdict);
  answered.answer = std::move(*said);
  return answered;
}

/// In its own words, or in those for what is foreign to it.
std::optional<Answered> answer_in(const Dialect& upstream, const Answer& answer, const Chat& request, Outcome& out) {
  auto own = answer_as(upstream.name(), upstream, answer, request, out);
  if (out.bugs.empty()) return own;
  Outcome aside;
  auto foreign = answer_as("", upstream, answer, request, aside);
  if (!aside.bugs.empty()) return own;
  out = std::move(aside);
  return foreign;
}

}  // namespace

Outcome answer_outcome(const Dialect& client, const Dialect& upstream, const AnswerCase& one) {
  Outcome out;
  const auto request = translated_question(client, upstream, question(), out);
  if (!request) return out;
  const auto answered = answer_in(upstream, one.answer, question(), out);
  if (!answered) return out;
  const auto& body = answered->body;
  const Answer* said = &answered->answer;
  const auto context = context_of(client, request->chat);
  auto translated = translate_response(pair_of(client, upstream), &*request, std::array{std::string_view{body}}, context, {});
  if (!translated) {
    out.bugs.push_back(cat("not translated: ", translated.error().message()));
    return out;
  }
  auto got = client.decode_response(translated->body);
  if (!got && is_error(*said)) return out;  // told as an error
  if (!got) {
    out.bugs.push_back(cat("the client cannot read it: ", got.error().message(), "\n", translated->body.substr(0, 600)));
    return out;
  }
  check_names(*said, *got, "translated", out);
  Answer expected = *said;
  drop_made_ids(client, upstream, expected, *got);
  const auto known = out.bugs.size();
  add_bugs(out, "translated", judge(expected, *got, translated->losses, client.name()));
  if (out.bugs.size() != known) out.bugs.back() += cat("\n", body.substr(0, 1200), "\n→\n", translated->body.substr(0, 1200));
  out.lost.assign(translated->losses.all().begin(), translated->losses.all().end());
  return out;
}

// --- streams ----------------------------------------------------------------------------------------------------------------

namespace {

std::string stream_of(const Dialect& dialect, const std::vector<ChatEvent>& events, const Chat& request, Losses& losses) {
  return write_stream(dialect, events, context_of(dialect, request), losses);
}

template <class NextSize>
Relayed relay(const Pair& pair, const Translated& request, std::string_view stream, NextSize next_size) {
  const auto relay =
      translating_relay(pair, request, context_of(pair.client, request.chat), {.framing = pair.client.traits().framing});
  return relay_stream(*relay, stream, next_size);
}
}  // namespace

Relayed relay_whole(const Pair& pair, const Translated& request, std::string_view stream) {
  return relay(pair, request, stream, [&] { return stream.size(); });
}

namespace {

/// The bytes are the same however they come in.
void check_splits(const Pair& pair, const Translated& request, std::string_view stream, const Relayed& whole, Outcome& out) {
  constexpr std::size_t byte_by_byte_max = 16 * 1024;
  // What is cut is the upstream's stream: two clients see as much as nine.
  const bool every_byte = stream.size() < byte_by_byte_max && (&pair.client == &openai_chat() || &pair.client == &anthropic());
  if (every_byte && relay(pair, request, stream, [] { return 1; }).bytes != whole.bytes) {
    out.bugs.emplace_back("byte by byte it becomes another stream");
  }
  for (std::uint64_t seed = 0; seed < 1; ++seed) {
    Random random{seed};
    const auto got = relay(pair, request, stream, [&] { return 1 + random.below(stream.size() < byte_by_byte_max ? 97 : 9973); });
    if (got.bytes != whole.bytes) out.bugs.push_back(cat("split at random (", seed, ") it becomes another stream"));
  }
}

}  // namespace

Losses stream_losses(const Pair& pair, const Translated& request, std::vector<ChatEvent> events) {
  const auto context = context_of(pair.client, request.chat);
  AnswerPasses passes{pair, request, context.id};
  passes.apply(events);
  Losses losses;
  static_cast<void>(stream_of(pair.client, events, request.chat, losses));
  return losses;
}

Outcome stream_outcome(const Dialect& client, const Dialect& upstream, const AnswerCase& one) {
  Outcome out;
  const auto request = translated_question(client, upstream, streamed_question(), out);
  if (!request) return out;
  Answer answer = one.answer;
  answer.dialect = upstream.name();
  answer.extras.clear();  // events have none
  for (auto& choice : answer.choices) {
    choice.extras.clear();
    choice.message_extras.clear();
  }
  Losses unsayable;
  const Chat upstream_request = streamed_question();
  const auto stream = stream_of(upstream, fragments_of(answer), upstream_request, unsayable);
  const auto read = read_stream(upstream, stream);
  auto said = assemble(read.events);
  if (!read.status || !said.ended || !said.error.empty()) {
    const bool error = answer.choices[0].parts.empty() || is_error(answer);
    if (!error)
      out.bugs.push_back(cat("the upstream's own stream: ", said.error, read.status ? "" : read.status.error().message(), "\n",
                             stream.substr(0, 1500)));
    out.unsayable.push_back({.field = is_error(answer) ? "broken answer" : "empty answer", .reason = "an error there"});
    return out;
  }
  const auto verdict = judge(answer, said.answer, unsayable, upstream.name());
  add_unsayable(out, upstream, unsayable, verdict);
  if (is_prompt_form(upstream) && calls(answer)) return out;  // it does not fit
  if (!is_prompt_form(upstream)) add_bugs(out, cat(upstream.name(), " streamed and read"), verdict);
  const auto pair = pair_of(client, upstream);
  const auto whole = relay_whole(pair, *request, stream);
  if (!whole.status) {
    out.bugs.push_back(cat("not relayed: ", whole.status.error().message(), "\n", stream.substr(0, 1500)));
    return out;
  }
  check_splits(pair, *request, stream, whole, out);
  const auto back = read_stream(client, whole.bytes);
  auto got = assemble(back.events);
  if (got.failed && is_error(said.answer)) return out;  // told as an error
  if (!back.status || !got.ended || !got.error.empty()) {
    out.bugs.push_back(cat("the client cannot read it: ", got.error, back.status ? "" : back.status.error().message(), "\n",
                           whole.bytes.substr(0, 2500)));
    return out;
  }
  const auto losses = stream_losses(pair, *request, read.events);
  check_names(said.answer, got.answer, "streamed", out);
  drop_made_ids(client, upstream, said.answer, got.answer);
  const auto known = out.bugs.size();
  add_bugs(out, "streamed", judge(said.answer, got.answer, losses, client.name()));
  if (out.bugs.size() != known) out.bugs.back() += cat("\n", stream.substr(0, 1500), "\n→\n", whole.bytes.substr(0, 2500));
  out.lost.assign(losses.all().begin(), losses.all().end());
  return out;
}

}  // namespace cardea::dialect::pairs

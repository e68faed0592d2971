#include "twin/answer.h"

#include <algorithm>

#include "base/text.h"
#include "json/writer.h"
#include "twin/inspect.h"
#include "twin/instance.h"
#include "twin/media.h"
#include "twin/orders.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

constexpr std::size_t quoted_bytes_max = 200;

/// The first `bytes` bytes of `text`, without half a character at the end.
std::string_view shorten(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

// ---- Tool calls ------------------------------------------------------------------------------------------------------------

ToolCall call_of(const Tool& tool, const ChatRequest& request, std::uint64_t seed) {
  ToolCall call{.name = tool.name, .custom = tool.custom};
  call.id = hex_id({}, fingerprint(tool.name, seed));
  if (tool.custom) {
    call.arguments = request.last_user;
  } else if (tool.parameters) {
    call.arguments = instance(*tool.parameters).dump();
  } else {
    call.arguments = "{}";
  }
  return call;
}

/// The prompt speaks of the tool: by its name, or with blanks for the name's `_` and `-`.
bool mentions(std::string_view prompt, std::string_view tool) {
  const auto text = to_lower(prompt);
  auto name = to_lower(tool);
  if (name.empty()) return false;
  if (text.find(name) != std::string::npos) return true;
  std::ranges::replace_if(name, [](char c) { return c == '_' || c == '-'; }, ' ');
  return text.find(name) != std::string::npos;
}

/// nullptr: all that there are the vendor runs itself.
const Tool* first_callable(const ChatRequest& request) {
  const auto found = std::ranges::find(request.tools, std::string{}, &Tool::built_in);
  return found != request.tools.end() ? &*found : nullptr;
}

/// Calls what the request demands or its prompt speaks of. False: nothing to call.
bool call_tools(const ChatRequest& request, std::uint64_t seed, Choice& choice) {
  if (request.tools.empty() || request.tool_choice == ToolChoice::none) return false;
  for (const auto& tool : request.tools) {
    if (!tool.built_in.empty()) continue;
    const bool wanted =
        request.tool_choice == ToolChoice::named ? tool.name == request.tool_named : mentions(request.last_user, tool.name);
    if (wanted) choice.calls.push_back(call_of(tool, request, seed + choice.calls.size()));
    if (!choice.calls.empty() && (!request.parallel_tool_calls || request.tool_choice == ToolChoice::named)) break;
  }
  const Tool* first = first_callable(request);
  if (choice.calls.empty() && request.tool_choice == ToolChoice::required && first != nullptr) {
    choice.calls.push_back(call_of(*first, request, seed));
  }
  return !choice.calls.empty();
}

// ---- The models ------------------------------------------------------------------------------------------------------------

std::string about_results(const auto& results) {
  std::string text = results.size() == 1 ? "The tool answered: " : "The tools answered: ";
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (i != 0) text += "; ";
    text += shorten(results[i], quoted_bytes_max);
  }
  return text;
}

/// Schema, tools and tool results come first, whatever the model's own way of talking.
bool answer_form(const ChatRequest& request, std::uint64_t seed, Choice& choice) {
  if (request.tool_results.empty() && call_tools(request, seed, choice)) return true;
  if (request.format == Format::json_schema) {
    choice.text = instance(request.schema).dump();
  } else if (request.format == Format::json_object) {
    json::Writer writer{choice.text};
    writer.begin_object().key("answer").string(shorten(request.last_user, quoted_bytes_max)).end_object();
  } else if (!request.tool_results.empty()) {
    choice.text = about_results(request.tool_results);
  }
  return !choice.text.empty();
}

/// "I see 2 images (…; …)." for each kind of medium that came, so that a test can tell that the bytes arrived.
std::string about_media(const ChatRequest& request) {
  const auto media = media_of(request);
  std::string text;
  if (media.empty()) return text;
  for (const auto kind : {Medium::Kind::image, Medium::Kind::audio, Medium::Kind::video, Medium::Kind::file}) {
    std::string list;
    std::size_t count = 0;
    for (const auto* medium : media) {
      if (medium->kind != kind) continue;
      append(list, cat(count++ == 0 ? "" : "; ", describe(*medium)));
    }
    if (count != 0) append(text, cat(" I see ", count, " ", name(kind), count == 1 ? "" : "s", " (", list, ")."));
  }
  return text;
}

/// The system prompt, when the user asks for it.
std::string about_system(const ChatRequest& request) {
  if (!asks_for_system(request)) return {};
  std::string text;
  for (const auto& turn : request.turns) {
    if (turn.role == Role::system) append(text, cat(text.empty() ? " My system prompt: " : "; ", joined_text(turn.parts)));
  }
  return text.empty() ? " I have no system prompt." : text;
}

Choice answer_sensibly(const ChatRequest& request, std::uint64_t seed) {
  Choice choice;
  if (answer_form(request, seed, choice)) {
    if (choice.calls.empty() && request.format == Format::text) choice.text += about_media(request);
    return choice;
  }
  if (request.last_user.empty()) {
    choice.text = "Hello! I am the twin, a simulated model inside Cardea. Say something, and I will repeat it.";
  } else {
    choice.text =
        cat("Hello! I am the twin, a simulated model inside Cardea. You said: ", shorten(request.last_user, quoted_bytes_max));
  }
  choice.text += about_system(request);
  choice.text += about_media(request);
  return choice;
}

Choice answer_echo(const ChatRequest& request, std::uint64_t seed) {
  Choice choice;
  if (!answer_form(request, seed, choice)) choice.text = request.last_user;
  return choice;
}

Choice answer_lorem(const ChatRequest& request, std::uint64_t seed) {
  Choice choice;
  if (!answer_form(request, seed, choice)) choice.text = lorem(20 + seed % 100, seed);
  return choice;
}

Choice answer_tools(const ChatRequest& request, std::uint64_t seed) {
  Choice choice;
  if (request.tool_results.empty() && !request.tools.empty() && request.tool_choice == ToolChoice::automatic) {
    if (const Tool* first = first_callable(request)) choice.calls.push_back(call_of(*first, request, seed));
    if (!choice.calls.empty()) return choice;
  }
  return answer_sensibly(request, seed);
}

Choice answer_narrating(const ChatRequest& request, std::uint64_t seed) {
  Choice choice = answer_tools(request, seed);
  if (!choice.calls.empty()) choice.text = cat("I will call ", choice.calls.front().name, ".");
  return choice;
}

/// For tests of agents, whose side errands (titles, summaries) have no tools: they get a sentence.
Choice answer_obediently(const ChatRequest& request, std::uint64_t seed) {
  const Agenda agenda = agenda_of(request);
  Choice choice;
  if (!agenda.next) {
    if (agenda.results.empty()) return answer_sensibly(request, seed);
    choice.text = about_results(agenda.results);
    return choice;
  }
  if (agenda.next->tool.empty()) {
    choice.text = agenda.next->text;
    return choice;
  }
  const auto tool =
      std::ranges::find_if(request.tools, [&](const Tool& one) { return one.name == agenda.next->tool && one.built_in.empty(); });
  if (tool == request.tools.end()) return answer_sensibly(request, seed);
  choice.calls.push_back(call_of(*tool, request, seed));
  choice.calls.back().arguments = agenda.next->text;
  return choice;
}

/// A tool with which vendors search the web.
bool searches(const Tool& tool) { return tool.built_in.starts_with("web_search") || tool.built_in.starts_with("google_search"); }

Choice answer_citing(const ChatRequest& request, std::uint64_t seed) {
  constexpr std::string_view first = "The twin simulates providers of models.";
  constexpr std::string_view second = " It speaks every chat dialect.";
  Choice choice;
  if (answer_form(request, seed, choice)) return choice;
  choice.text = cat(first, second);
  choice.citations = {
      {0, first.size(), "https://example.com/twin", "About the twin", "A twin is a simulated provider."},
      {first.size() + 1, choice.text.size(), "https://example.com/dialects", "Dialects", "All of them are spoken."}};
  choice.searched = std::ranges::any_of(request.tools, searches);
  return choice;
}

Choice answer_filtered(const ChatRequest&, std::uint64_t) {
  Choice choice;
  choice.text = "This answer is about to be";
  choice.finish = Finish::filter;
  return choice;
}

Choice answer_inspecting(const ChatRequest& request, std::uint64_t) {
  Choice choice;
  choice.text = summary(request);
  return choice;
}

Choice answer_refusal(const ChatRequest&, std::uint64_t) {
  Choice choice;
  choice.refusal = "I am sorry, but I cannot help with that.";
  choice.finish = Finish::refusal;
  return choice;
}

constexpr ModelRow rows[] = {
    {"twin-1", "answers in a friendly sentence, calls tools, fills in schemas", answer_sensibly},
    {"echo", "repeats the last user message", answer_echo},
    {"lorem", "20 to 119 words of Latin, chosen by the prompt", answer_lorem},
    {"tools", "calls the first tool it is offered", answer_tools},
    {"narrates", "says what it is about to do, and calls the first tool", answer_narrating},
    {"obeys", "does what the user orders: @call TOOL {ARGUMENTS}, @say \"TEXT\", one after the other", answer_obediently},
    {"reasoner", "like twin-1, and shows signed reasoning first", answer_sensibly, true},
    {"cites", "names web pages as its sources", answer_citing},
    {"inspect", "tells as JSON what it understood of the request", answer_inspecting, false, true},
    {"refuse", "always declines, in the dialect's own way", answer_refusal},
    {"filter", "is cut off by a content filter", answer_filtered},
    {"error", "always fails with 500; error-STATUS with that status", answer_sensibly},
};

// ---- Cutting ---------------------------------------------------------------------------------------------------------------

void stop_at(const std::vector<std::string>& stops, Choice& choice) {
  std::size_t first = choice.text.size();
  for (const auto& stop : stops) {
    const std::size_t found = stop.empty() ? std::string::npos : choice.text.find(stop);
    if (found >= first) continue;
    first = found;
    choice.stopped_by = stop;
    choice.finish = Finish::stop_sequence;
  }
  choice.text.resize(first);
}

/// Keeps what fits into `left` tokens. False: something was cut.
bool fit(std::string& text, std::uint64_t& left) {
  const std::uint64_t tokens = count_tokens(text);
  const bool whole = tokens <= left;
  // Counting is much quicker than finding the place.
  if (!whole) text.resize(first_tokens(text, left).size());
  left -= std::min(left, tokens);
  return whole;
}

void cut_to(std::uint64_t left, Choice& choice) {
  bool whole = fit(choice.reasoning, left);
  whole = fit(choice.text, left) && whole;
  whole = fit(choice.refusal, left) && whole;
  for (auto& call : choice.calls) whole = fit(call.arguments, left) && whole;
  if (!whole) choice.finish = Finish::length;
}

std::uint64_t tokens_of(const Choice& choice) {
  std::uint64_t tokens = count_tokens(choice.reasoning) + count_tokens(choice.text) + count_tokens(choice.refusal);
  for (const auto& call : choice.calls) tokens += count_tokens(call.name) + count_tokens(call.arguments);
  return tokens;
}

/// A user who names Anthropic's magic word gets thoughts that must not be shown.
void think(const ChatRequest& request, Choice& choice) {
  constexpr std::string_view magic = "TRIGGER_REDACTED_THINKING";
  choice.reasoning = "The user wants an answer. I am a simulation, so I will say what I was told.";
  choice.redacted = request.last_user.find(magic) != std::string_view::npos;
}

Choice one_choice(const ChatRequest& request, const ModelRow& model, const Behaviour& behaviour, std::uint64_t seed) {
  Choice choice;
  if (behaviour.huge_event_bytes != 0) {
    choice.text.assign(behaviour.huge_event_bytes, 'x');
  } else if (behaviour.tokens) {
    choice.text = lorem(*behaviour.tokens, seed);
  } else {
    choice = model.answer(request, seed);
    if (request.thoughts.value_or(model.thinks)) think(request, choice);
  }
  if (!choice.calls.empty()) choice.finish = Finish::tool_calls;
  if (!model.whole) {
    stop_at(request.stop, choice);
    if (request.max_tokens) cut_to(*request.max_tokens - std::min(*request.max_tokens, request.reasoning_tokens), choice);
    std::erase_if(choice.citations, [&](const Citation& citation) { return citation.end > choice.text.size(); });
  }
  choice.tokens = tokens_of(choice);
  return choice;
}

}  // namespace

std::string hex_id(std::string_view prefix, std::uint64_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id{prefix};
  for (int shift = 60; shift >= 0; shift -= 4) id += digits[(value >> shift) & 15];
  return id;
}

std::span<const ModelRow> model_rows() { return rows; }

const ModelRow* find_model(std::string_view name) {
  const auto* row = std::ranges::find(rows, name, &ModelRow::name);
  return row != std::end(rows) ? row : nullptr;
}

Answer compose(ChatRequest& request, const ModelRow& model, const Behaviour& behaviour, const IdStyle& ids) {
  Answer answer;
  const auto seed = fingerprint(request.messages, fingerprint(request.model));
  answer.seed = seed;
  answer.id = hex_id(ids.answer, seed);
  answer.prompt_tokens = request.prompt_tokens;
  answer.cached_tokens = std::min(behaviour.cached_tokens, answer.prompt_tokens);
  answer.cache_write_tokens = std::min(behaviour.cache_write_tokens, answer.prompt_tokens - answer.cached_tokens);
  answer.reasoning_tokens = request.reasoning_tokens;
  if (request.max_tokens) answer.reasoning_tokens = std::min(answer.reasoning_tokens, *request.max_tokens);
  answer.completion_tokens = answer.reasoning_tokens;
  const auto prompts = std::max<std::uint64_t>(1, request.prompts.size());
  answer.choices.reserve(prompts * request.n);
  for (std::uint64_t i = 0; i < prompts * request.n; ++i) {
    if (!request.prompts.empty()) request.last_user = request.prompts[i / request.n];
    auto& choice = answer.choices.emplace_back(one_choice(request, model, behaviour, seed + i));
    for (auto& call : choice.calls) call.id.insert(0, ids.call);
    answer.completion_tokens += choice.tokens;
    if (i == 0 && !choice.reasoning.empty()) answer.reasoning_tokens += count_tokens(choice.reasoning);
  }
  return answer;
}

}  // namespace cardea::twin

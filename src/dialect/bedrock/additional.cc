// What only some models take: `additionalModelRequestFields`, spelled as each vendor's own API spells it, and
// `outputConfig.effort`. Reasoning is the greater part of it.
//   Claude   thinking {type, budget_tokens}, since 4.6 type "adaptive" beside an effort; top_k; tool_choice
//   Nova     reasoningConfig {type, maxReasoningEffort} (Nova 2); inferenceConfig {topK}
//   gpt-oss  reasoning_effort;   Cohere k, seed, penalties;   AI21 penalties

#include <algorithm>
#include <array>

#include "dialect/bedrock/bedrock.h"
#include "dialect/translate.h"

namespace cardea::dialect::converse {

using json::Type;
using json::Value;
using model::Chat;
using model::Reasoning;
using Mode = model::ToolChoice::Mode;

namespace {

constexpr std::string_view container = "additionalModelRequestFields";

// --- decoding ---------------------------------------------------------------------------------------------------------------

/// An object with no other members than these.
bool only(const Value& value, std::span<const std::string_view> names) {
  return value.is(Type::object) && std::ranges::all_of(value.members(), [&](const auto& member) {
           return std::ranges::find(names, member.first) != names.end();
         });
}

bool take_thinking(const Value& value, Chat& chat) {
  constexpr std::array<std::string_view, 3> names{"type", "budget_tokens", "display"};
  if (!only(value, names) || chat.reasoning) return false;
  Reasoning out;
  if (!read_member(value, "type", "", out.mode) || !read_member(value, "budget_tokens", "", out.budget_tokens)) return false;
  std::optional<std::string> display;
  if (!read_member(value, "display", "", display)) return false;
  if (display) out.include = *display != "omitted";
  if (!out.mode) return false;
  chat.reasoning = std::move(out);
  return true;
}

bool take_reasoning_config(const Value& value, Chat& chat) {
  constexpr std::array<std::string_view, 2> names{"type", "maxReasoningEffort"};
  if (!only(value, names) || chat.reasoning) return false;
  Reasoning out;
  if (!read_member(value, "type", "", out.mode) || !read_member(value, "maxReasoningEffort", "", out.effort)) return false;
  if (!out.mode) return false;
  chat.reasoning = std::move(out);
  return true;
}

bool take_effort(const Value& value, Chat& chat) {
  if (value.as_string() == nullptr || (chat.reasoning && chat.reasoning->effort)) return false;
  if (!chat.reasoning) chat.reasoning.emplace();
  chat.reasoning->effort = *value.as_string();
  return true;
}

bool take_output_config(const Value& value, Chat& chat) {
  constexpr std::array<std::string_view, 1> names{"effort"};
  const auto* effort = only(value, names) ? value.find("effort") : nullptr;
  return effort != nullptr && take_effort(*effort, chat);
}

bool take_top_k(const Value& value, Chat& chat) { return bool{read(value, "", chat.sampling.top_k)}; }

bool take_nova_sampling(const Value& value, Chat& chat) {
  constexpr std::array<std::string_view, 1> names{"topK"};
  const auto* top_k = only(value, names) ? given(value, "topK") : nullptr;
  return top_k != nullptr && take_top_k(*top_k, chat);
}

/// Claude's own tool choice says more than Converse's: `none`, and whether calls may be parallel.
bool take_tool_choice(const Value& value, Chat& chat) {
  constexpr std::array<std::string_view, 3> names{"type", "name", "disable_parallel_tool_use"};
  if (!only(value, names)) return false;
  std::optional<std::string> type;
  std::optional<std::string> name;
  std::optional<bool> alone;
  if (!read_member(value, "type", "", type) || !read_member(value, "name", "", name)) return false;
  if (!read_member(value, "disable_parallel_tool_use", "", alone)) return false;
  if (type == "none") {
    chat.tool_choice = model::ToolChoice{.mode = Mode::none, .name = {}};
  } else if (!chat.tool_choice && type == "any") {
    chat.tool_choice = model::ToolChoice{.mode = Mode::required, .name = {}};
  } else if (!chat.tool_choice && type == "tool" && name) {
    chat.tool_choice = model::ToolChoice{.mode = Mode::named, .name = *name};
  }
  if (alone) chat.parallel_tool_calls = !*alone;
  return true;
}

struct Taker {
  std::string_view key;
  bool (*take)(const Value& value, Chat& chat);
};
constexpr std::array<Taker, 8> takers{{{"thinking", take_thinking},
                                       {"reasoning_config", take_thinking},
                                       {"reasoningConfig", take_reasoning_config},
                                       {"reasoning_effort", take_effort},
                                       {"output_config", take_output_config},
                                       {"top_k", take_top_k},
                                       {"inferenceConfig", take_nova_sampling},
                                       {"tool_choice", take_tool_choice}}};

// --- encoding ---------------------------------------------------------------------------------------------------------------

std::string quoted(std::string_view text) { return json::quote(text); }

std::optional<std::uint64_t> output_limit(const Chat& chat) {
  return chat.limits.max_output_tokens ? chat.limits.max_output_tokens : chat.limits.max_tokens;
}

bool forces_tool(const Chat& chat) {
  return chat.tool_choice && (chat.tool_choice->mode == Mode::required || chat.tool_choice->mode == Mode::named);
}

bool is_off(const Reasoning& wish) { return wish.mode == "disabled" || wish.effort == "none" || wish.budget_tokens == 0U; }

bool prefills(const Chat& chat) { return !chat.messages.empty() && chat.messages.back().role == model::Role::assistant; }

/// The calls that wait for an answer were made without thinking that could be shown to Claude again: it refuses to think then.
bool calls_without_thinking(const Chat& chat) {
  const auto last =
      std::ranges::find(chat.messages.rbegin(), chat.messages.rend(), model::Role::assistant, &model::Message::role);
  if (last == chat.messages.rend() || last == chat.messages.rbegin()) return false;
  bool calls = false;
  for (const auto& part : last->parts) {
    calls = calls || std::holds_alternative<model::ToolCall>(part.value);
    const auto* thinking = std::get_if<model::Thinking>(&part.value);
    if (thinking != nullptr && (thinking->signature || thinking->redacted)) return false;
  }
  return calls;
}

class Encoder {
 public:
  Encoder(const Chat& chat, const Encoding& encoding) : chat_{chat}, encoding_{encoding} {}

  Additional encode() {
    if (chat_.reasoning) reasoning(*chat_.reasoning);
    sampling();
    parallel();
    return std::move(out_);
  }

 private:
  [[nodiscard]] Vendor vendor() const { return encoding_.model.vendor; }
  void put(std::string key, std::string raw) { out_.fields.emplace_back(std::move(key), std::move(raw)); }
  void lose_given(const Reasoning& wish, std::string_view reason) {
    if (wish.effort) encoding_.lose("reasoning.effort", reason);
    if (wish.budget_tokens) encoding_.lose("reasoning.budget_tokens", reason);
    if (wish.mode) encoding_.lose("reasoning.mode", reason);
    if (wish.summary) encoding_.lose("reasoning.summary", reason);
    if (wish.include) encoding_.lose("reasoning.include", reason);
  }

  void reasoning(const Reasoning& wish) {
    if (encoding_.own) return own_reasoning(wish);
    const bool asks = wish.effort || wish.budget_tokens || wish.mode;
    switch (vendor()) {
      case Vendor::claude: return asks ? claude(wish) : lose_given(wish, "thinking was not asked for");
      case Vendor::nova: return nova(wish);
      case Vendor::gpt_oss: return gpt_oss(wish);
      case Vendor::unknown: return unknown(wish);
      case Vendor::cohere:
      case Vendor::ai21:
      case Vendor::other: return is_off(wish) ? void() : lose_given(wish, Losses::unsupported);
    }
  }

  /// A Bedrock client's own words, where decode_additional() found them.
  void own_reasoning(const Reasoning& wish) {
    // What another deployment signed was taken out of the conversation before.
    const bool unsound = vendor() == Vendor::claude && wish.mode == "enabled" && calls_without_thinking(chat_);
    if (unsound) return lose_given(wish, "the calls before came without signed thinking");
    if (vendor() == Vendor::nova && wish.mode) {
      std::string raw;
      json::Writer w{raw};
      w.begin_object().key("type").string(*wish.mode);
      write(w, "maxReasoningEffort", wish.effort);
      w.end_object();
      return put("reasoningConfig", raw);
    }
    if (wish.mode) thinking(*wish.mode, wish.budget_tokens, wish.include);
    if (wish.effort && vendor() == Vendor::gpt_oss) {
      put("reasoning_effort", quoted(*wish.effort));
    } else {
      out_.effort = wish.effort;
    }
  }

  void thinking(std::string_view type, std::optional<std::uint64_t> budget, std::optional<bool> include) {
    std::string raw;
    json::Writer w{raw};
    w.begin_object().key("type").string(type);
    write(w, "budget_tokens", budget);
    if (include) w.key("display").string(*include ? "summarized" : "omitted");
    w.end_object();
    put("thinking", raw);
  }

  void claude(const Reasoning& wish) {
    constexpr std::uint32_t first_that_thinks = 37;
    constexpr std::uint32_t first_adaptive = 46;
    constexpr std::uint32_t first_without_budget = 47;
    const std::uint32_t version = encoding_.model.version;
    if (is_off(wish)) {
      if (version >= first_that_thinks) thinking("disabled", {}, {});
      return;
    }
    if (version < first_that_thinks) return lose_given(wish, "this model does not think");
    // Anthropic's clients say an effort without thinking, too; for the others an effort asks for it.
    const bool effort_alone = encoding_.dialect == "anthropic" && !wish.mode && !wish.budget_tokens;
    if (effort_alone) {
      claude_effort(wish);
      return;
    }
    if (forces_tool(chat_)) return lose_given(wish, "this model cannot think and be forced to call a tool");
    if (prefills(chat_)) return lose_given(wish, "this model cannot think and go on with a begun answer");
    if (version >= first_without_budget || (version >= first_adaptive && !wish.budget_tokens)) return adaptive(wish);
    budget(wish);
  }

  void claude_effort(const Reasoning& wish) {
    const std::string_view effort = *wish.effort;
    const bool smaller = effort == "minimal";
    // Without "xhigh" before 4.7.
    const bool greater = effort == "xhigh" && vendor() == Vendor::claude && encoding_.model.version < 47;
    if (smaller || greater) encoding_.lose("reasoning.effort", smaller ? "low is the least" : "high is the most");
    out_.effort = smaller ? "low" : greater ? "high" : std::string{effort};
  }

  void adaptive(const Reasoning& wish) {
    if (wish.budget_tokens) encoding_.lose("reasoning.budget_tokens", "said as an effort");
    auto as_effort = wish;
    if (!wish.effort && wish.budget_tokens) as_effort.effort = std::string{effort_of(*wish.budget_tokens)};
    if (as_effort.effort) claude_effort(as_effort);
    const bool show = wish.include.value_or(false) || wish.summary;
    thinking("adaptive", {}, show ? std::optional{true} : wish.include);
    out_.thinks = true;
  }

  /// The budget is part of the output's limit and at least 1,024.
  void budget(const Reasoning& wish) {
    constexpr std::uint64_t least = 1024;
    const auto limit = output_limit(chat_);
    if (limit && *limit <= least) return lose_given(wish, "the limit of the output leaves no room");
    if (calls_without_thinking(chat_)) return lose_given(wish, "the calls before came without signed thinking");
    auto tokens = std::max(least, wish.budget_tokens ? *wish.budget_tokens : budget_of(wish.effort.value_or("medium")));
    // Of a limit that was asked, a quarter stays for the answer; a budget that was asked is only kept below it.
    if (limit) tokens = std::min(tokens, wish.budget_tokens ? *limit - 1 : std::max(least, *limit - *limit / 4));
    if (wish.budget_tokens && tokens != *wish.budget_tokens)
      encoding_.lose("reasoning.budget_tokens", "fitted into the model's range");
    if (wish.include == false) encoding_.lose("reasoning.include");
    thinking("enabled", tokens, {});
    out_.thinks = true;
  }

  void nova(const Reasoning& wish) {
    constexpr std::uint32_t first_that_thinks = 20;
    if (encoding_.model.version < first_that_thinks) return lose_given(wish, "this model does not think");
    if (is_off(wish)) return put("reasoningConfig", R"({"type":"disabled"})");
    if (!wish.effort && !wish.budget_tokens && !wish.mode) return lose_given(wish, Losses::unsupported);
    std::string effort = wish.effort ? *wish.effort : std::string{wish.budget_tokens ? effort_of(*wish.budget_tokens) : "medium"};
    const bool known = effort == "low" || effort == "medium" || effort == "high";
    if (!known) effort = effort == "minimal" ? "low" : "high";
    // At its highest effort Nova refuses these.
    const bool limited = output_limit(chat_) || chat_.sampling.temperature || chat_.sampling.top_p;
    if (effort == "high" && limited) {
      effort = "medium";
      encoding_.lose("reasoning.effort", "high excludes limits and sampling");
    } else if (!known) {
      encoding_.lose("reasoning.effort", "low to high only");
    }
    if (wish.budget_tokens) encoding_.lose("reasoning.budget_tokens", "said as an effort");
    if (wish.include == false) encoding_.lose("reasoning.include");
    put("reasoningConfig", cat(R"({"type":"enabled","maxReasoningEffort":)", quoted(effort), '}'));
  }

  void gpt_oss(const Reasoning& wish) {
    if (is_off(wish)) return lose_given(wish, "this model always reasons");
    if (!wish.effort && !wish.budget_tokens) return lose_given(wish, Losses::unsupported);
    std::string effort = wish.effort ? *wish.effort : std::string{effort_of(*wish.budget_tokens)};
    if (wish.budget_tokens) encoding_.lose("reasoning.budget_tokens", "said as an effort");
    if (effort != "low" && effort != "medium" && effort != "high") {
      effort = effort == "minimal" ? "low" : "high";
      encoding_.lose("reasoning.effort", "low to high only");
    }
    if (wish.include == false) encoding_.lose("reasoning.include");
    put("reasoning_effort", quoted(effort));
  }

  /// Converse's own word, since the id does not tell whose model it is.
  void unknown(const Reasoning& wish) {
    if (is_off(wish)) return;
    if (!wish.effort && !wish.budget_tokens) return lose_given(wish, Losses::unsupported);
    auto as_effort = wish;
    if (!wish.effort) as_effort.effort = std::string{effort_of(*wish.budget_tokens)};
    if (wish.budget_tokens) encoding_.lose("reasoning.budget_tokens", "said as an effort");
    claude_effort(as_effort);
  }

  void sampling() {
    const auto& wish = chat_.sampling;
    const auto say = [&](const std::optional<model::Number>& value, std::string_view key, std::string_view name, bool sayable) {
      if (!value) return;
      if (sayable) {
        put(std::string{key}, value->text);
      } else {
        encoding_.lose(std::string{name});
      }
    };
    const bool cohere = vendor() == Vendor::cohere;
    const bool penalties = cohere || vendor() == Vendor::ai21;
    const bool fixed = !encoding_.own && (out_.thinks || fixes_sampling(encoding_.model));
    if (wish.top_k && fixed) {
      encoding_.lose("top_k", out_.thinks ? "excluded by thinking" : "this model takes none");
    } else if (wish.top_k && vendor() == Vendor::nova) {
      put("inferenceConfig", cat(R"({"topK":)", wish.top_k->text, '}'));
    } else {
      say(wish.top_k, cohere && !encoding_.own ? "k" : "top_k", "top_k", encoding_.own || vendor() == Vendor::claude || cohere);
    }
    say(wish.seed, "seed", "seed", cohere);
    say(wish.frequency_penalty, "frequency_penalty", "frequency_penalty", penalties);
    say(wish.presence_penalty, "presence_penalty", "presence_penalty", penalties);
    say(wish.min_p, {}, "min_p", false);
    say(wish.repetition_penalty, {}, "repetition_penalty", false);
    if (wish.logit_bias) encoding_.lose("logit_bias");
  }

  void parallel() {
    constexpr std::uint32_t first_that_can = 45;
    const bool alone = chat_.parallel_tool_calls == false;
    const bool claude = encoding_.own || (vendor() == Vendor::claude && encoding_.model.version >= first_that_can);
    if (encoding_.own ? !chat_.parallel_tool_calls.has_value() : !alone) return;
    if (!encoding_.own && (!chat_.tools || chat_.tools->empty())) return;  // nothing to call
    if (!claude) return encoding_.lose("parallel_tool_calls");
    if (chat_.tool_choice && chat_.tool_choice->mode == Mode::none && !encoding_.own) return;
    std::string raw;
    json::Writer w{raw};
    w.begin_object().key("type");
    const Mode mode = chat_.tool_choice ? chat_.tool_choice->mode : Mode::automatic;
    w.string(mode == Mode::required ? "any" : mode == Mode::named ? "tool" : mode == Mode::none ? "none" : "auto");
    if (mode == Mode::named) w.key("name").string(chat_.tool_choice->name);
    w.key("disable_parallel_tool_use").boolean(alone).end_object();
    put("tool_choice", raw);
  }

  const Chat& chat_;
  const Encoding& encoding_;
  Additional out_;
};

}  // namespace

Status decode_additional(const Value& fields, std::string_view path, Chat& chat) {
  if (!fields.is(Type::object)) return wrong_type(path, "an object", fields.type());
  std::vector<std::string_view> taken;
  for (const auto& taker : takers) {
    const auto* value = given(fields, taker.key);
    if (value != nullptr && taker.take(*value, chat)) taken.push_back(taker.key);
  }
  collect_inner(fields, container, taken, chat.extras);
  return {};
}

bool fixes_sampling(const ModelTraits& model) noexcept { return model.vendor == Vendor::claude && model.version >= 47; }

Additional encode_additional(const Chat& chat, const Encoding& encoding) { return Encoder{chat, encoding}.encode(); }

}  // namespace cardea::dialect::converse

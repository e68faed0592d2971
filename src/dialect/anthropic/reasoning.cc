// How much to think: effort and budget, as the model takes them, and within what else was asked. The rules are those of
// Anthropic's "Extended thinking", "Adaptive thinking" and "Effort".

#include <algorithm>

#include "dialect/anthropic/anthropic.h"
#include "dialect/translate.h"

namespace cardea::dialect::claude {

using model::Chat;
using model::Role;

namespace {

constexpr std::uint64_t least_budget = 1024;
constexpr std::uint64_t room_for_answer = 4096;  ///< beside the thoughts, when the client set no limit

/// Words of the neutral scale that Anthropic lacks, or lacked: "xhigh" came when budgets went.
std::string_view effort_word(std::string_view effort, const Rules& rules) {
  if (effort == "minimal") return "low";
  return effort == "xhigh" && rules.thinking != Rules::Thinking::adaptive ? "high" : effort;
}

bool forces_tool(const Chat& chat) {
  using Mode = model::ToolChoice::Mode;
  const auto choice = choice_of(chat);
  return choice && (choice->mode == Mode::required || choice->mode == Mode::named);
}

bool is_thought(const Block& block) { return std::holds_alternative<model::Thinking>(block.part->value); }
bool is_call(const Block& block) { return std::holds_alternative<model::ToolCall>(block.part->value); }

/// With a budget, an assistant's turn whose calls are answered last must begin with its (signed) thoughts.
bool lacks_thoughts(const Conversation& conversation) {
  const auto& turns = conversation.turns;
  const auto last = std::ranges::find(turns.rbegin(), turns.rend(), Role::assistant, &Turn::role);
  if (last == turns.rend() || last - turns.rbegin() > 1) return false;
  return std::ranges::any_of(last->blocks, is_call) && !is_thought(last->blocks.front());
}

bool prefills(const Conversation& conversation) {
  return !conversation.turns.empty() && conversation.turns.back().role == Role::assistant;
}

class Thinker {
 public:
  Thinker(const Chat& chat, const Conversation& conversation, const Encoding& encoding)
      : chat_{chat}, conversation_{conversation}, encoding_{encoding}, rules_{encoding.rules} {
    asked_ = chat.limits.max_output_tokens ? chat.limits.max_output_tokens : chat.limits.max_tokens;
  }

  Thought think() {
    if (chat_.reasoning) {
      if (encoding_.own) {
        repeat(*chat_.reasoning);
      } else {
        convert(*chat_.reasoning);
      }
    }
    limit();
    return out_;
  }

 private:
  void repeat(const model::Reasoning& reasoning) {
    // Thoughts that another deployment signed have been taken out (see open_opaque()).
    const bool unsound = reasoning.mode == "enabled" && rules_.claude && lacks_thoughts(conversation_);
    if (unsound) return give_up("the last calls came without signed thinking");
    out_.type = reasoning.mode.value_or("");
    out_.budget = reasoning.budget_tokens;
    out_.effort = reasoning.effort.value_or("");
    out_.show = reasoning.include;
  }

  void convert(const model::Reasoning& reasoning) {
    const bool off = reasoning.effort == "none" || reasoning.mode == "disabled" || reasoning.budget_tokens == 0u;
    if (off) {
      out_.type = "disabled";
      return;
    }
    summary(reasoning);
    const bool wanted = reasoning.effort || reasoning.budget_tokens || reasoning.mode || out_.show.value_or(false);
    if (!wanted) return lose_show();
    if (forces_tool(chat_)) return give_up("a forced tool forbids thinking");
    if (prefills(conversation_)) return give_up("a begun answer forbids thinking");
    using enum Rules::Thinking;
    const bool by_budget = rules_.thinking == budget || (rules_.thinking == either && reasoning.budget_tokens);
    if (by_budget) {
      with_budget(reasoning);
    } else {
      with_effort(reasoning);
    }
  }
  void summary(const model::Reasoning& reasoning) {
    out_.show = reasoning.include;
    if (!reasoning.summary) return;
    if (!out_.show) out_.show = true;
    if (*reasoning.summary != "auto") encoding_.detail("reasoning.summary", "anthropic chooses its length");
  }
  void lose_show() { out_.show.reset(); }
  void give_up(std::string_view why) {
    out_ = {};
    encoding_.detail("reasoning", why);
  }

  void with_budget(const model::Reasoning& reasoning) {
    if (lacks_thoughts(conversation_)) return give_up("the last calls came without signed thinking");
    if (asked_ && *asked_ <= least_budget) return give_up("the output limit leaves no room for thinking");
    out_.type = "enabled";
    if (reasoning.budget_tokens) {
      out_.budget = std::max(*reasoning.budget_tokens, least_budget);
      if (asked_) out_.budget = std::min(*out_.budget, *asked_ - 1);
      if (out_.budget != reasoning.budget_tokens) encoding_.detail("reasoning.budget_tokens", "fitted into anthropic's range");
      return;
    }
    const std::string_view effort = reasoning.effort ? std::string_view{*reasoning.effort} : std::string_view{"medium"};
    const auto table = budget_of(effort);
    out_.budget = std::max(table, least_budget);
    if (table < least_budget) encoding_.detail("reasoning.effort", "anthropic thinks with 1024 tokens or more");
    // Of a limit that was asked, a quarter stays for the answer.
    const auto limit = asked_ ? asked_ : rules_.claude ? std::optional{rules_.max_tokens} : std::nullopt;
    if (limit) out_.budget = std::min(*out_.budget, std::max(least_budget, *limit - *limit / 4));
  }
  void with_effort(const model::Reasoning& reasoning) {
    out_.type = "adaptive";
    if (reasoning.effort) {
      out_.effort = effort_word(*reasoning.effort, rules_);
      if (out_.effort != *reasoning.effort) encoding_.detail("reasoning.effort", cat("said as ", out_.effort));
    } else if (reasoning.budget_tokens) {
      out_.effort = effort_word(effort_of(*reasoning.budget_tokens), rules_);
      encoding_.detail("reasoning.budget_tokens", "said as an effort");
    }
  }

  void limit() {
    const auto& limits = chat_.limits;
    if (limits.max_output_tokens && limits.max_tokens && limits.max_output_tokens != limits.max_tokens) {
      encoding_.detail("max_tokens", "max_completion_tokens counts");
    }
    out_.max_tokens = asked_.value_or(std::max(rules_.max_tokens, out_.budget ? *out_.budget + room_for_answer : 0));
  }

  const Chat& chat_;
  const Conversation& conversation_;
  const Encoding& encoding_;
  const Rules& rules_;
  std::optional<std::uint64_t> asked_;
  Thought out_;
};

}  // namespace

Thought think(const Chat& chat, const Conversation& conversation, const Encoding& encoding) {
  return Thinker{chat, conversation, encoding}.think();
}

}  // namespace cardea::dialect::claude

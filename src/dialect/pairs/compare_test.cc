#include "dialect/pairs/compare.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace cardea::dialect::pairs {

using namespace model;  // NOLINT: the whole vocabulary is read here

namespace {

std::string cut(std::string_view text) { return std::string{text.substr(0, 160)}; }

std::vector<Item> of_kind(const std::vector<Item>& flow, std::string_view kind) {
  std::vector<Item> out;
  std::ranges::copy_if(flow, std::back_inserter(out), [&](const Item& item) { return item.kind == kind; });
  return out;
}
std::string list(const std::vector<Item>& items) {
  std::string out;
  for (const auto& item : items) out += cat('[', cut(item.value), ']');
  return out;
}

}  // namespace

std::vector<Difference> differences(const Said& from, const Said& to) {
  std::vector<Difference> out;
  auto keys = from.fields;
  keys.insert(to.fields.begin(), to.fields.end());
  for (const auto& [key, value] : keys) {
    const auto a = from.fields.find(key);
    const auto b = to.fields.find(key);
    const bool same = a != from.fields.end() && b != to.fields.end() && a->second == b->second;
    if (same) continue;
    out.push_back({key, a != from.fields.end() ? cut(a->second) : "-", b != to.fields.end() ? cut(b->second) : "-"});
  }
  std::vector<std::string> differing;
  for (const auto* flow : {&from.flow, &to.flow}) {
    for (const auto& item : *flow) {
      if (std::ranges::find(differing, item.kind) != differing.end()) continue;
      const auto a = of_kind(from.flow, item.kind);
      const auto b = of_kind(to.flow, item.kind);
      if (a == b) continue;
      differing.push_back(item.kind);
      out.push_back({item.kind, list(a), list(b)});
    }
  }
  const auto rest = [&](const Said& said) {
    std::vector<Item> kept;
    std::ranges::copy_if(said.flow, std::back_inserter(kept),
                         [&](const Item& item) { return std::ranges::find(differing, item.kind) == differing.end(); });
    return kept;
  };
  const auto a = rest(from);
  const auto b = rest(to);
  if (a != b) out.push_back({"order", list(a), list(b)});
  return out;
}

namespace {

/// Lower case, without underscores, blanks and numbers in brackets.
std::string plain(std::string_view text) {
  std::string out;
  bool within = false;
  for (const char c : text) {
    if (c == '[') within = true;
    if (!within && c != '_' && c != ' ' && c != '-') out.push_back(ascii_lower(c));
    if (c == ']') within = false;
  }
  return out;
}

/// How losses name an aspect; in plain(). An aspect without a row is named by its last word.
struct Naming {
  std::string_view aspect;
  std::vector<std::string_view> words;
};
const std::vector<Naming>& namings() {
  static const std::vector<Naming> rows{
      {"cache", {"cachecontrol", "cache"}},
      {"usertext", {"text", "content"}},
      {"assistanttext", {"text", "refusal", "content", "messages"}},
      {"assistantthinking", {"thinking", "reasoning"}},
      {"thinkingsignature", {"signature", "thinking", "redacted", "encrypted"}},
      {"callsignature", {"signature", "thought"}},
      {"resultiserror", {"iserror", "status", "toolresult"}},
      {"extravendorcall", {"vendorcall", "toolcall"}},
      {"result", {"toolresult", "iserror"}},
      {"responseformat", {"schema", "additionalproperties"}},
      {"instructions", {"system", "responseformat"}},
      {"responseformat.strict", {"strict", "responseformat", "schema"}},
      {"reasoning", {"reasoning", "thinking", "effort", "budget"}},
      {"maxtokens", {"maxtokens", "maxoutputtokens", "limits"}},
      {"parameters", {"parameters", "schema"}},
      {"finish", {"finish", "stopreason"}},
      {"order", {"order", "thinking", "system"}},
      {"kind", {"tools", "kind", "custom"}},
      {"n", {"n", "candidatecount", "choices"}},
      {"filename", {"file", "displayname"}},
      {"callid", {"toolcall"}},
      {"imagedetail", {"image"}},
  };
  return rows;
}

}  // namespace

bool covers(const Loss& loss, std::string_view aspect) {
  // A whole choice.
  const auto space = aspect.find(' ');
  if (loss.field == cat("choices[", aspect.substr(0, space), ']')) return true;
  const auto field = plain(loss.field);
  auto key = plain(aspect);
  // A whole message, and a whole field with all that is in it.
  const bool message = field == "messages" || field == "input" || field == "contents";
  constexpr std::array<std::string_view, 6> said{"user", "assistant", "result", "citation", "cache", "extra"};
  const auto begins = [&](std::string_view front) { return key.starts_with(front); };
  if (message && loss.reason == "one prompt only" && std::ranges::any_of(said, begins)) return true;
  if (field == "tools" && (begins("tools.") || key == "toolchoice")) return true;
  // Of a choice or a message: the name behind it.
  while (!key.empty() && key.front() >= '0' && key.front() <= '9') key.erase(0, 1);
  if (key == "system") return field.find("system") != std::string::npos || loss.reason.find("system") != std::string::npos;
  if (key == field) return true;
  const auto mentions = [&](std::string_view word) {
    return word.size() > 2 ? field.find(word) != std::string::npos : field == word || field.ends_with(cat('.', word));
  };
  for (const auto& [name, words] : namings()) {
    if (key == name || key.ends_with(cat('.', name))) return std::ranges::any_of(words, mentions);
  }
  for (const std::string_view lead : {"extra", "safety", "user", "assistant", "result", "citation", "tools.", "metadata"}) {
    if (key.size() == lead.size() || !key.starts_with(lead)) continue;
    if (mentions(key.substr(lead.size())) || (lead != "user" && lead != "extra" && lead != "tools." && mentions(lead)))
      return true;
  }
  return mentions(key.substr(key.rfind('.') + 1)) || mentions(key.substr(0, key.find('.')));
}

namespace {

/// What may be said in other words without a loss, and may be named as one all the same.
std::vector<std::string> soft_aspects(const Chat& from) {
  std::vector<std::string> out;
  bool began = false;
  for (const auto& message : from.messages) {
    const bool instructs = message.role == Role::system || message.role == Role::developer;
    if (instructs && began) out.emplace_back("system");
    began = began || !instructs;
    for (const auto& part : message.parts) {
      const auto* text = std::get_if<Text>(&part.value);
      if (text != nullptr && !text->citations.empty()) out.emplace_back("citations");
      if (text != nullptr && text->text.empty()) out.emplace_back("text");
      if (std::holds_alternative<Refusal>(part.value)) out.emplace_back("refusal");
      const auto* result = std::get_if<ToolResult>(&part.value);
      if (result != nullptr && result->parts.size() > 1) out.emplace_back("result");
    }
  }
  if (from.reasoning) out.emplace_back("reasoning");
  if (from.store) out.emplace_back("store");
  if (from.tool_choice && from.tool_choice->mode == ToolChoice::Mode::none) out.emplace_back("tool_choice");
  if (from.service_tier) out.emplace_back("service_tier");
  if (from.response_format && from.response_format->name) out.emplace_back("response_format.name");
  return out;
}
std::vector<std::string> soft_aspects(const Answer& from) {
  std::vector<std::string> out;
  for (const auto& choice : from.choices) {
    for (const auto& part : choice.parts) {
      const auto* text = std::get_if<Text>(&part.value);
      if (text != nullptr && !text->citations.empty()) out.emplace_back("citations");
      if (text != nullptr && text->text.empty()) out.emplace_back("text");
      if (std::holds_alternative<Refusal>(part.value)) out.emplace_back("refusal");
      if (std::holds_alternative<Image>(part.value)) out.emplace_back("0 extra image_generation_call");
    }
    if (choice.stop_sequence || choice.finish == Finish::context_limit) out.emplace_back("finish");
  }
  if (from.service_tier) out.emplace_back("service_tier");
  return out;
}

/// A difference that is none, by what the target's reference says.
struct Rule {
  std::string_view aspect, from, to;      ///< an empty text fits any; "-" is nothing
  std::vector<std::string_view> targets;  ///< empty: all
};
const std::vector<Rule>& rules() {
  static const std::vector<Rule> all{
      // A schema for the answer is always enforced where there is no flag for it.
      {"response_format.strict", "true", "-", {"anthropic", "bedrock", "gemini", "cohere", "ollama"}},
      // Nothing is stored there.
      {"store", "false", "-", {"anthropic", "bedrock", "gemini", "cohere", "ollama", "ollama_generate", "openai_completions"}},
      // No thinking unless it is asked for.
      {"reasoning", "off", "-", {"anthropic", "bedrock"}},
      // The usual tier.
      {"service_tier", "auto", "-", {}},
      {"service_tier", "default", "-", {}},
      {"service_tier", "default", "standard", {}},
      // Told to those who ask for it by a field of their own.
      {"0 stop_sequence", "", "-", {"bedrock"}},
      {"extra additionalModelResponseFieldPaths", "-", R"(["/stop_sequence"])", {"bedrock"}},
      // A tool that takes free text is said as a function of one text; its calls come home as free text (tool_forms_test.cc).
      {"tools[0].kind", "custom", "-", {}},
      {"tools[0].parameters", "-", R"({"properties":{"input":{"type":"string"}},"required":["input"],"type":"object"})", {}},
      // Who asks for thinking wants to see it.
      {"reasoning.summary", "-", "auto", {"openai_responses"}},
      {"reasoning.summary", "auto", "-", {"anthropic", "bedrock", "gemini"}},
      // Said for all media of the request.
      {"image detail", "[low]", "", {"gemini"}},
      {"extra generationConfig", "-", "", {"gemini"}},
      // The one tool that several vendors have alike, by another name.
      {"tools[0].name", "web_search", "", {"gemini"}},
      {"tools[0].name", "", "web_search", {"openai_responses"}},
      // As much as the model likes.
      {"reasoning", "enabled", "-", {"openai_responses", "openai_chat"}},
      {"reasoning", "enabled", "8192", {"anthropic"}},
      {"reasoning", "-", "8192", {"anthropic"}},  // a summary was asked for
      // Demanded by the reference.
      {"extra metrics", "-", "", {"bedrock"}},
      {"0 citation document", "", "[0]", {"anthropic"}},
      // One id of a user's, the one that is meant for it.
      {"safety_identifier", "safe-1", "-", {"anthropic"}},
      // Its citations and refusals stand there; they are read, and kept as they are too.
      {"0 extra groundingMetadata", "-", "", {"gemini"}},
      {"0 extra finishMessage", "-", "", {"gemini"}},
      {"0 extra image_generation_call", "", "", {}},
  };
  return all;
}
bool equal_by_rule(const Difference& difference, std::string_view target) {
  return std::ranges::any_of(rules(), [&](const Rule& rule) {
    const auto fits = [](std::string_view wanted, std::string_view text) { return wanted.empty() || wanted == text; };
    return rule.aspect == difference.aspect && fits(rule.from, difference.from) && fits(rule.to, difference.to) &&
           (rule.targets.empty() || std::ranges::find(rule.targets, target) != rule.targets.end());
  });
}

/// A closed object: some vendors' schemas are never open.
void close_schema(std::string& text) {
  for (const std::string_view closed : {R"(,"additionalProperties":false)", R"("additionalProperties":false,)"}) {
    for (auto at = text.find(closed); at != std::string::npos; at = text.find(closed)) text.erase(at, closed.size());
  }
}
void close_schema(Chat& chat) {
  if (chat.response_format && chat.response_format->schema) close_schema(chat.response_format->schema->text);
  if (!chat.tools) return;
  for (auto& tool : *chat.tools) {
    if (tool.parameters) close_schema(tool.parameters->text);
  }
}

/// A tool that must be called is also said by leaving the others out; the choice itself is named then.
void drop_unchosen_tools(Chat& from, const Chat& to) {
  const bool named = from.tool_choice && from.tool_choice->mode == ToolChoice::Mode::named && from.tools;
  const bool alone = to.tools && to.tools->size() == 1 && named && to.tools->front().name == from.tool_choice->name;
  if (alone) std::erase_if(*from.tools, [&](const Tool& tool) { return tool.name != from.tool_choice->name; });
}

std::string squeezed_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '\n' && c != '\t') out.push_back(c);
  }
  return out;
}

/// A prompt is all that was said, by whomever; words before it may say who that was. What is no text stands behind it.
void join_prompt(Chat& chat) {
  std::string prompt;
  Message out{.role = Role::user, .parts = {{.value = Text{}}}};
  for (auto& message : chat.messages) {
    for (auto& part : message.parts) {
      if (auto* text = std::get_if<Text>(&part.value)) {
        prompt += text->text;
        text->text = text->citations.empty() && !part.cache && part.extras.empty() ? "" : " ";
      }
      const auto* refusal = std::get_if<Refusal>(&part.value);
      if (refusal != nullptr) {
        prompt += refusal->text;
      } else {
        out.parts.push_back(std::move(part));
      }
    }
    out.extras.insert(out.extras.end(), message.extras.begin(), message.extras.end());
    if (message.name) out.name = message.name;
  }
  for (const std::string_view label : {"User: ", "Assistant: ", "Assistant:"}) {
    for (auto at = prompt.find(label); at != std::string::npos; at = prompt.find(label)) prompt.erase(at, label.size());
  }
  std::get<Text>(out.parts.front().value).text = squeezed_text(prompt);
  out.parts.push_back({.value = Text{.text = " "}});  // joined on both sides
  chat.messages = {std::move(out)};
}

/// "No tool" is also said by leaving the tools out.
void drop_unused_tools(Chat& from, const Chat& to) {
  const bool none = from.tool_choice && from.tool_choice->mode == ToolChoice::Mode::none;
  if (!none || to.tools || to.tool_choice) return;
  from.tools.reset();
  from.tool_choice.reset();
}

Verdict verdict_on(std::vector<Difference> found, const Losses& losses, const std::vector<std::string>& soft,
                   std::string_view target) {
  Verdict out;
  std::erase_if(found, [&](const Difference& difference) { return equal_by_rule(difference, target); });
  for (const auto& difference : found) {
    const bool named = std::ranges::any_of(losses.all(), [&](const Loss& loss) { return covers(loss, difference.aspect); });
    if (!named) out.silent.push_back(difference);
  }
  for (const auto& loss : losses.all()) {
    const bool speaks = std::ranges::any_of(found, [&](const Difference& d) { return covers(loss, d.aspect); }) ||
                        std::ranges::any_of(soft, [&](const std::string& aspect) { return covers(loss, aspect); });
    (speaks ? out.named : out.idle).push_back(loss);
  }
  return out;
}

}  // namespace

Verdict judge(const Chat& asked, const Chat& heard, const Losses& losses, std::string_view target) {
  Chat from = asked;
  Chat to = heard;
  drop_unused_tools(from, to);
  drop_unchosen_tools(from, to);
  if (target == "openai_completions") {
    join_prompt(from);
    join_prompt(to);
  }
  // What Anthropic demands and Gemini has no word for: no other properties.
  if (target == "gemini" || target == "anthropic") {
    close_schema(from);
    close_schema(to);
  }
  const auto soft = soft_aspects(asked);
  auto verdict = verdict_on(differences(said_by(from, {}), said_by(to, {})), losses, soft, target);
  const auto named = [&](std::string_view what) {
    return std::ranges::any_of(losses.all(), [&](const Loss& loss) { return plain(loss.field).find(what) != std::string::npos; });
  };
  // What the result held must be there all the same, behind it; that a result was an error must be named.
  const Leniency leniency{.images_behind_results = true, .errors_as_text = named("iserror")};
  const auto lenient = verdict_on(differences(said_by(from, leniency), said_by(to, leniency)), losses, soft, target);
  if (lenient.silent.size() < verdict.silent.size()) verdict.silent = lenient.silent;
  return verdict;
}
Verdict judge(const Answer& from, const Answer& to, const Losses& losses, std::string_view target) {
  return verdict_on(differences(said_by(from), said_by(to)), losses, soft_aspects(from), target);
}

// --- the comparison itself --------------------------------------------------------------------------------------------------

namespace {

Chat one(std::vector<Part> parts) { return {.messages = {{.role = Role::user, .parts = std::move(parts)}}}; }

TEST(Compare, CanSayNo) {
  const auto text = one({{.value = Text{.text = "a b"}}});
  Losses none;
  EXPECT_TRUE(judge(text, text, none, "openai_chat").silent.empty());
  EXPECT_FALSE(judge(text, one({{.value = Text{.text = "ab"}}}), none, "openai_chat").silent.empty());
  EXPECT_FALSE(judge(text, one({}), none, "openai_chat").silent.empty());
  auto stopped = text;
  stopped.stop = {{"x"}};
  EXPECT_EQ(judge(stopped, text, none, "openai_chat").silent.size(), 1u);
  Losses stop;
  stop.meaning("stop");
  EXPECT_TRUE(judge(stopped, text, stop, "openai_chat").silent.empty());
  EXPECT_EQ(judge(text, text, stop, "openai_chat").idle.size(), 1u);
  Losses other;
  other.detail("top_k");
  EXPECT_EQ(judge(stopped, text, other, "openai_chat").silent.size(), 1u);
}

TEST(Compare, JoinedTextsAreEqualAndOrderCounts) {
  const Part a{.value = Text{.text = "a"}};
  const Part b{.value = Text{.text = "b"}};
  const Part image{.value = Image{.media = {.base64 = "aGk="}}};
  Losses none;
  EXPECT_TRUE(judge(one({a, b}), one({{.value = Text{.text = "a\n\nb"}}}), none, "openai_chat").silent.empty());
  EXPECT_FALSE(judge(one({a, image}), one({image, a}), none, "openai_chat").silent.empty());
  Losses lost;
  lost.meaning("messages[0].content[1].image");
  EXPECT_TRUE(judge(one({a, image}), one({a}), lost, "openai_chat").silent.empty());
}

}  // namespace
}  // namespace cardea::dialect::pairs

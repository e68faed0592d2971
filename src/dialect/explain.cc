#include "dialect/explain.h"

#include <algorithm>

#include "base/text.h"
#include "dialect/passes.h"
#include "json/writer.h"

namespace cardea::dialect {

using model::Chat;
using model::Part;

namespace {

constexpr std::size_t shown_bytes = 60;

std::string shown(std::string_view text) {
  if (text.size() <= shown_bytes) return json::quote(text);
  return cat(json::quote(text.substr(0, shown_bytes)), "… (", text.size(), " bytes)");
}

class Facts {
 public:
  void say(std::string field, std::string value) { all_.push_back({std::move(field), std::move(value)}); }
  void say(std::string field, const std::optional<std::string>& value) {
    if (value) say(std::move(field), shown(*value));
  }
  void say(std::string field, const std::optional<std::uint64_t>& value) {
    if (value) say(std::move(field), cat(*value));
  }
  void say(std::string field, const std::optional<bool>& value) {
    if (value) say(std::move(field), std::string{*value ? "true" : "false"});
  }
  void say(std::string field, const std::optional<model::Number>& value) {
    if (value) say(std::move(field), value->text);
  }
  void say(std::string field, const std::optional<model::Json>& value) {
    if (value) say(std::move(field), value->text.substr(0, shown_bytes));
  }
  [[nodiscard]] std::vector<Fact> take() { return std::move(all_); }

 private:
  std::vector<Fact> all_;
};

std::string media(const model::Media& media) {
  const std::string type = media.media_type.value_or("media");
  if (media.base64) return cat(type, ", ", media.base64->size(), " bytes of base64");
  if (media.url) return cat(type, " at ", *media.url);
  return cat(type, " of id ", media.id.value_or(""));
}

/// Says one part.
struct PartTeller {
  Facts& facts;
  std::string path;

  void operator()(const model::Text& text) const {
    facts.say(cat(path, ".text"), shown(text.text));
    if (!text.citations.empty()) facts.say(cat(path, ".citations"), cat(text.citations.size()));
  }
  void operator()(const model::Image& image) const { facts.say(cat(path, ".image"), media(image.media)); }
  void operator()(const model::Audio& audio) const { facts.say(cat(path, ".audio"), media(audio.media)); }
  void operator()(const model::File& file) const { facts.say(cat(path, ".file"), media(file.media)); }
  void operator()(const model::Refusal& refusal) const { facts.say(cat(path, ".refusal"), shown(refusal.text)); }
  void operator()(const model::Thinking& thinking) const {
    facts.say(cat(path, ".thinking"), shown(thinking.text));
    if (thinking.signature || thinking.redacted || thinking.encrypted)
      facts.say(cat(path, ".thinking.signature"), std::string{"there"});
  }
  void operator()(const model::ToolCall& call) const {
    facts.say(cat(path, ".tool_call"), cat(call.name, " ", shown(call.arguments)));
  }
  void operator()(const model::ToolResult& result) const {
    facts.say(cat(path, ".tool_result"), cat(result.name.value_or("result"), " of ", result.parts.size(), " parts"));
    facts.say(cat(path, ".tool_result.is_error"), result.is_error);
    for (std::size_t i = 0; i < result.parts.size(); ++i) {
      std::visit(PartTeller{facts, cat(path, ".tool_result.content[", i, ']')}, result.parts[i].value);
    }
  }
  void operator()(const model::Opaque& opaque) const { facts.say(cat(path, ".opaque"), cat("of ", opaque.dialect)); }
};

void tell_messages(Facts& facts, const Chat& chat) {
  for (std::size_t m = 0; m < chat.messages.size(); ++m) {
    const auto& message = chat.messages[m];
    const auto path = cat("messages[", m, ']');
    facts.say(cat(path, ".role"), std::string{name(message.role)});
    facts.say(cat(path, ".name"), message.name);
    for (std::size_t p = 0; p < message.parts.size(); ++p) {
      const auto part_path = cat(path, ".content[", p, ']');
      std::visit(PartTeller{facts, part_path}, message.parts[p].value);
      if (message.parts[p].cache) facts.say(cat(part_path, ".cache"), message.parts[p].cache->type);
    }
  }
}

void tell_tools(Facts& facts, const Chat& chat) {
  if (chat.tools) {
    for (std::size_t t = 0; t < chat.tools->size(); ++t) {
      const auto& tool = (*chat.tools)[t];
      facts.say(cat("tools[", t, ']'), tool.name);
      facts.say(cat("tools[", t, "].strict"), tool.strict);
    }
  }
  constexpr std::string_view modes[] = {"none", "auto", "required", "named", "of the vendor's own"};
  if (chat.tool_choice) {
    facts.say("tool_choice", cat(modes[static_cast<std::size_t>(chat.tool_choice->mode)],
                                 chat.tool_choice->name.empty() ? "" : " ", chat.tool_choice->name));
  }
  facts.say("parallel_tool_calls", chat.parallel_tool_calls);
}

void tell_rest(Facts& facts, const Chat& chat) {
  if (chat.response_format) {
    constexpr std::string_view kinds[] = {"text", "json_object", "json_schema", "of the vendor's own"};
    facts.say("response_format", std::string{kinds[static_cast<std::size_t>(chat.response_format->kind)]});
    facts.say("response_format.schema", chat.response_format->schema);
  }
  const auto& sampling = chat.sampling;
  facts.say("temperature", sampling.temperature);
  facts.say("top_p", sampling.top_p);
  facts.say("top_k", sampling.top_k);
  facts.say("min_p", sampling.min_p);
  facts.say("frequency_penalty", sampling.frequency_penalty);
  facts.say("presence_penalty", sampling.presence_penalty);
  facts.say("repetition_penalty", sampling.repetition_penalty);
  facts.say("seed", sampling.seed);
  facts.say("logit_bias", sampling.logit_bias);
  facts.say("max_tokens", chat.limits.max_output_tokens ? chat.limits.max_output_tokens : chat.limits.max_tokens);
  if (chat.stop) {
    for (const auto& stop : *chat.stop) facts.say("stop", shown(stop));
  }
  facts.say("n", chat.n);
  facts.say("logprobs", chat.logprobs);
  facts.say("top_logprobs", chat.top_logprobs);
  if (chat.reasoning) {
    facts.say("reasoning.effort", chat.reasoning->effort);
    facts.say("reasoning.budget_tokens", chat.reasoning->budget_tokens);
    facts.say("reasoning.mode", chat.reasoning->mode);
  }
  facts.say("verbosity", chat.verbosity);
  facts.say("service_tier", chat.service_tier);
  facts.say("user", chat.user);
  if (chat.metadata) {
    for (const auto& entry : *chat.metadata) facts.say(cat("metadata.", entry.key), shown(entry.value));
  }
  if (chat.safety) facts.say("safety", cat(chat.safety->size(), " settings"));
  facts.say("stream", chat.stream);
  for (const auto& extra : chat.extras) facts.say(extra.key, extra.value.text.substr(0, shown_bytes));
}

}  // namespace

std::vector<Fact> facts_of(const Chat& chat) {
  Facts facts;
  tell_messages(facts, chat);
  tell_tools(facts, chat);
  tell_rest(facts, chat);
  return facts.take();
}

Result<Explanation> explain(const Pair& pair, std::string_view body, const Asked& asked) {
  Result<Translated> translated = translate_request(pair, body, asked, Allow::any_loss);
  if (!translated) return fail_with(translated);
  Explanation out{
      .body = std::move(translated->body), .kept = {}, .changed = {}, .moved = {}, .losses = std::move(translated->losses)};
  const Asked as_upstream{.model = pair.model, .stream = translated->chat.stream};
  Result<Chat> read = pair.upstream.decode_request(out.body, as_upstream);
  if (!read) return fail(Kind::internal, cat("the translation is not readable: ", read.error().message()));
  auto there = facts_of(*read);
  for (auto& fact : facts_of(translated->chat)) {
    const auto same = std::ranges::find(there, fact);
    const auto named = same != there.end() ? same : std::ranges::find(there, fact.field, &Fact::field);
    const auto& losses = out.losses.all();
    count_as_client(translated->chat, fact.field);
    const bool lost = std::ranges::any_of(
        losses, [&](const Loss& loss) { return fact.field == loss.field || fact.field.starts_with(loss.field + '.'); });
    if (same != there.end()) {
      out.kept.push_back(fact);
    } else if (named != there.end()) {
      out.changed.push_back({fact.field, fact.value, named->value});
    } else if (!lost) {
      out.moved.push_back(fact);
    }
    if (named != there.end()) there.erase(named);
  }
  return out;
}

}  // namespace cardea::dialect

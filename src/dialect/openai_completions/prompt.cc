// A chat as one prompt.

#include <algorithm>

#include "dialect/openai_completions/openai_completions.h"

namespace cardea::dialect::completions {

using model::Chat;
using model::Message;
using model::Part;
using model::Role;

namespace {

/// The text of a part that is one; nothing of others.
const std::string* text_of(const Part& part) {
  if (const auto* text = std::get_if<model::Text>(&part.value)) return &text->text;
  if (const auto* refusal = std::get_if<model::Refusal>(&part.value)) return &refusal->text;
  return nullptr;
}

constexpr std::string_view text_alone = "a prompt is text alone";

void lose_part(const Part& part, const std::string& path, const Encoding& encoding) {
  const auto field = cat(path, '.', openai::kind_name(part));
  if (std::holds_alternative<model::Thinking>(part.value)) {
    encoding.lose(field, text_alone);
  } else {
    encoding.lose_meaning(field, text_alone);
  }
}

std::string text_of(const Message& message, std::size_t index, const Encoding& encoding) {
  std::string out;
  for (std::size_t i = 0; i < message.parts.size(); ++i) {
    const auto& part = message.parts[i];
    const auto path = cat("messages[", index, "].content[", i, ']');
    const auto* text = text_of(part);
    if (text == nullptr) {
      lose_part(part, path, encoding);
      continue;
    }
    const auto* said = std::get_if<model::Text>(&part.value);
    if (said != nullptr && !said->citations.empty()) encoding.lose(cat(path, ".citations"), text_alone);
    if (part.cache) encoding.lose(cat(path, ".cache_control"), "OpenAI caches by itself");
    encoding.lose_extras(part.extras, path);
    if (!out.empty() && !text->empty()) out += '\n';
    out += *text;
  }
  if (message.name) encoding.lose(cat("messages[", index, "].name"), "a prompt has no names");
  encoding.lose_extras(message.extras, cat("messages[", index, ']'));
  return out;
}

std::string_view speaker(Role role) {
  switch (role) {
    case Role::system:
    case Role::developer: return {};
    case Role::assistant: return "Assistant: ";
    default: return "User: ";
  }
}

}  // namespace

std::optional<std::string> suffix_of(const Part& part) {
  const auto* opaque = std::get_if<model::Opaque>(&part.value);
  if (opaque == nullptr || opaque->dialect != dialect_name) return std::nullopt;
  const auto value = json::parse(opaque->value.text);
  const auto* suffix = value ? text_at(*value, "suffix") : nullptr;
  return suffix != nullptr ? std::optional{*suffix} : std::nullopt;
}

Part suffix_part(const std::string& suffix) {
  return {.value =
              model::Opaque{.dialect = std::string{dialect_name}, .value = {cat(R"({"suffix":)", json::quote(suffix), '}')}}};
}

std::string prompt_of(const Chat& chat) {
  std::string out;
  for (const auto& message : chat.messages) {
    for (const auto& part : message.parts) {
      if (const auto* text = text_of(part)) out += *text;
    }
  }
  return out;
}

std::string render_prompt(const Chat& chat, const Encoding& encoding) {
  if (encoding.own()) return prompt_of(chat);
  const bool alone = chat.messages.size() == 1 && chat.messages.front().role == Role::user;
  if (alone) return text_of(chat.messages.front(), 0, encoding);
  constexpr std::string_view gap = "\n\n";
  std::string out;
  bool answered = false;
  for (std::size_t i = 0; i < chat.messages.size(); ++i) {
    const auto& message = chat.messages[i];
    const auto text = text_of(message, i, encoding);
    if (text.empty()) continue;
    if (!out.empty()) out += gap;
    out += cat(speaker(message.role), text);
    answered = message.role == Role::assistant;
  }
  // A last turn of the model's is to be continued.
  if (!answered) out += cat(out.empty() ? std::string_view{} : gap, "Assistant:");
  return out;
}

std::string echo_of(const Chat& request) {
  const auto echo = std::ranges::find(request.extras, "echo", &model::Extra::key);
  return echo != request.extras.end() && echo->value.text == "true" ? prompt_of(request) : std::string{};
}

}  // namespace cardea::dialect::completions

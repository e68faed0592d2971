#include "twin/request.h"

#include "twin/tokens.h"

namespace cardea::twin {
namespace {

std::uint64_t tokens_of(const std::vector<Part>& parts) {
  std::uint64_t tokens = 0;
  for (const auto& part : parts) {
    switch (part.kind) {
      case Part::Kind::text:
      case Part::Kind::refusal: tokens += count_tokens(part.text); break;
      case Part::Kind::medium: tokens += tokens_per_medium; break;
      case Part::Kind::result: tokens += tokens_of(part.parts); break;
      case Part::Kind::call:
      case Part::Kind::thought:
      case Part::Kind::other: break;
    }
  }
  return tokens;
}

void collect(const std::vector<Part>& parts, std::vector<const Medium*>& out) {
  for (const auto& part : parts) {
    if (part.kind == Part::Kind::medium) out.push_back(&part.medium);
    if (part.kind == Part::Kind::result) collect(part.parts, out);
  }
}

}  // namespace

std::string_view keep(ChatRequest& request, std::string text) { return request.texts.emplace_front(std::move(text)); }

std::string joined_text(const std::vector<Part>& parts) {
  std::string whole;
  for (const auto& part : parts) {
    if (part.kind != Part::Kind::text) continue;
    if (!whole.empty()) whole += '\n';
    whole += part.text;
  }
  return whole;
}

void settle(ChatRequest& request) {
  request.prompt_tokens = tokens_of_answer_start;
  request.tool_results.clear();
  for (const auto& turn : request.turns) {
    request.prompt_tokens += tokens_of(turn.parts) + tokens_per_message;
    if (turn.role == Role::user) request.last_user = keep(request, joined_text(turn.parts));
    if (turn.role != Role::tool) {
      request.tool_results.clear();
      continue;
    }
    for (const auto& part : turn.parts) {
      if (part.kind == Part::Kind::result) request.tool_results.push_back(keep(request, joined_text(part.parts)));
    }
  }
}

bool asks_for_system(const ChatRequest& request) noexcept {
  constexpr std::size_t looked_at_bytes = 200;
  // Either spelling of the first letter, without a copy in lower case: this is asked of every request.
  return request.last_user.substr(0, looked_at_bytes).find("ystem prompt") != std::string_view::npos;
}

std::vector<const Medium*> media_of(const ChatRequest& request) {
  std::vector<const Medium*> all;
  for (const auto& turn : request.turns) collect(turn.parts, all);
  return all;
}

}  // namespace cardea::twin

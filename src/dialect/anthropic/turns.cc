// The order that Anthropic demands: instructions apart, user and assistant in turn, the results of calls first in the turn behind
// them. Nothing empty remains.

#include <algorithm>

#include "dialect/anthropic/anthropic.h"

namespace cardea::dialect::claude {

using model::Chat;
using model::Message;
using model::Part;
using model::Role;

namespace {

/// A user's turn that says nothing, for a conversation that the assistant begins.
const Part& opening_part() {
  static const Part part{.value = model::Text{.text = ".", .citations = {}}, .cache = {}, .extras = {}};
  return part;
}

bool is_result(const Block& block) { return std::holds_alternative<model::ToolResult>(block.part->value); }

void put_results_first(std::vector<Block>& blocks) {
  if (std::ranges::is_partitioned(blocks, is_result)) return;
  std::vector<Block> ordered;
  std::ranges::copy_if(blocks, std::back_inserter(ordered), is_result);
  std::ranges::copy_if(blocks, std::back_inserter(ordered), std::not_fn(is_result));
  blocks = std::move(ordered);
}

bool ends_in_space(const Part& part) {
  const auto* text = std::get_if<model::Text>(&part.value);
  return text != nullptr && !text->text.empty() && is_blank(std::string_view{text->text}.substr(text->text.size() - 1));
}

class Arranging {
 public:
  Arranging(const Chat& chat, const Encoding& encoding) : chat_{chat}, encoding_{encoding} {}

  Conversation arrange() {
    for (std::size_t i = 0; i < chat_.messages.size(); ++i) message(chat_.messages[i], i);
    if (!encoding_.own) suit();
    for (auto& turn : out_.turns) put_results_first(turn.blocks);
    return std::move(out_);
  }

 private:
  void message(const Message& message, std::size_t index) {
    const bool instructs = message.role == Role::system || message.role == Role::developer;
    const bool leads = out_.turns.empty();
    Role role = message.role == Role::tool ? Role::user : message.role;
    if (instructs) role = Role::system;
    std::vector<Block> blocks;
    for (std::size_t p = 0; p < message.parts.size(); ++p) {
      const Block block{.part = &message.parts[p], .message = index, .index = p};
      if (sayable(block, role, encoding_)) blocks.push_back(block);
    }
    if (message.name) encoding_.detail(cat("messages[", index, "].name"), "anthropic names no speakers");
    if (!encoding_.own) encoding_.lose_extras(message.extras, cat("messages[", index, ']'));
    if (blocks.empty()) return;
    if (instructs && (leads || !encoding_.own)) {
      if (!leads) encoding_.detail(cat("messages[", index, "].role"), "moved to the system prompt");
      std::ranges::move(blocks, std::back_inserter(out_.system));
      return;
    }
    if (leads || out_.turns.back().role != role) out_.turns.push_back({.role = role, .blocks = {}, .extras = {}});
    auto& turn = out_.turns.back();
    std::ranges::move(blocks, std::back_inserter(turn.blocks));
    if (!message.extras.empty()) turn.extras.push_back(&message.extras);
  }

  /// What other dialects allow and Anthropic refuses.
  void suit() {
    auto& turns = out_.turns;
    if (turns.empty() && !out_.system.empty()) {
      encoding_.detail(cat("messages[", out_.system.front().message, "].role"), "anthropic needs a turn of the user");
      turns.push_back({.role = Role::user, .blocks = std::move(out_.system), .extras = {}});
      out_.system.clear();
    }
    if (turns.empty()) return;
    if (turns.front().role == Role::assistant) {
      const auto first = turns.front().blocks.front().message;
      encoding_.detail(cat("messages[", first, "]"), "anthropic needs a turn of the user before it");
      turns.insert(turns.begin(), Turn{.role = Role::user, .blocks = {{.part = &opening_part()}}, .extras = {}});
    }
    if (auto& last = turns.back().blocks.back(); turns.back().role == Role::assistant && ends_in_space(*last.part)) {
      last.trim_end = true;
      encoding_.detail(last.path(), "anthropic takes no white space at the end");
    }
  }

  const Chat& chat_;
  const Encoding& encoding_;
  Conversation out_;
};

}  // namespace

Conversation arrange(const Chat& chat, const Encoding& encoding) { return Arranging{chat, encoding}.arrange(); }

}  // namespace cardea::dialect::claude

#pragma once
// What the model `obeys` is told to do: orders in the user's words.

#include <optional>
#include <string>
#include <vector>

#include "twin/request.h"

namespace cardea::twin {

/// `@call NAME JSON` (a call of that tool, JSON being its arguments, or the text for a tool that takes text) or `@say "TEXT"`
/// (TEXT as a JSON string), anywhere in a text; what is no whole order is not one.
struct Order {
  std::string tool;  ///< empty: say
  std::string text;  ///< what to say, or the arguments
};
[[nodiscard]] std::vector<Order> orders_in(std::string_view text);

/// The order whose turn it is: each result of a tool that came after the last user message with orders ticks one off. `results`:
/// their texts. std::nullopt: none is left, or there never was one.
struct Agenda {
  std::optional<Order> next;
  std::vector<std::string> results;
};
[[nodiscard]] Agenda agenda_of(const ChatRequest& request);

}  // namespace cardea::twin

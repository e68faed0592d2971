#include "twin/orders.h"

#include <algorithm>

#include "json/value.h"

namespace cardea::twin {
namespace {

constexpr std::string_view call_word = "@call ";
constexpr std::string_view say_word = "@say ";
constexpr std::string_view name_end = " \t\r\n";

/// The JSON object or string that `text` begins with; empty: there is none.
std::string_view json_at_front(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
        continue;
      }
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth-- == 0) return {};
    } else if (depth == 0) {
      return {};
    }
    if (!in_string && depth == 0) return text.substr(0, i + 1);
  }
  return {};
}

std::optional<Order> order_at_front(std::string_view text) {
  Order order;
  if (text.starts_with(call_word)) {
    text.remove_prefix(call_word.size());
    const auto end = std::min(text.find_first_of(name_end), text.size());
    order.tool = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (order.tool.empty()) return std::nullopt;
  } else {
    text.remove_prefix(say_word.size());
  }
  const auto raw = json_at_front(text);
  Result<json::Value> value = json::parse(raw);
  if (!value) return std::nullopt;
  if (const auto* string = value->as_string()) {
    order.text = *string;
  } else if (value->is(json::Type::object) && !order.tool.empty()) {
    order.text = raw;
  } else {
    return std::nullopt;
  }
  return order;
}

}  // namespace

std::vector<Order> orders_in(std::string_view text) {
  std::vector<Order> orders;
  for (auto at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    const auto rest = text.substr(at);
    if (!rest.starts_with(call_word) && !rest.starts_with(say_word)) continue;
    if (auto order = order_at_front(rest)) orders.push_back(std::move(*order));
  }
  return orders;
}

Agenda agenda_of(const ChatRequest& request) {
  Agenda agenda;
  std::vector<Order> orders;
  for (const auto& turn : request.turns) {
    if (turn.role == Role::user) {
      auto fresh = orders_in(joined_text(turn.parts));
      if (!fresh.empty()) {
        orders = std::move(fresh);
        agenda.results.clear();
      }
    }
    for (const auto& part : turn.parts) {
      if (part.kind == Part::Kind::result) agenda.results.push_back(joined_text(part.parts));
    }
  }
  if (agenda.results.size() < orders.size()) agenda.next = orders[agenda.results.size()];
  return agenda;
}

}  // namespace cardea::twin

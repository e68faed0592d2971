#include "dialect/pairs/report.h"

#include <algorithm>

namespace cardea::dialect::pairs {
namespace {

std::string padded(std::string_view text, std::size_t width) {
  std::string out{text};
  if (out.size() < width) out.append(width - out.size(), ' ');
  return out;
}

/// "messages[0].content[1].image" → "messages.content.image"
std::string without_numbers(std::string_view field) {
  std::string out;
  bool within = false;
  for (const char c : field) {
    if (c == '[') within = true;
    if (!within) out.push_back(c);
    if (c == ']') within = false;
  }
  return out;
}

std::string text_of(const Outcome& outcome) {
  if (!outcome.bugs.empty()) return "BUG";
  std::string out;
  for (const auto& loss : outcome.lost) {
    if (!out.empty()) out += ", ";
    out += cat(loss.weight == Loss::Weight::meaning ? "!" : "", without_numbers(loss.field));
  }
  if (!out.empty()) return out;
  return outcome.unsayable.empty() ? "ok" : "–";
}

}  // namespace

std::string matrix(const Table& table) {
  std::string out = cat("\n== ", table.title, " (client → upstream)\n");
  for (const auto& row : table.rows) {
    out += cat(row.name, '\n');
    for (const auto& cell : row.cells) {
      out += cat("  ", padded(cell.client, 18), "→ ", padded(cell.upstream, 18), text_of(cell.outcome), '\n');
    }
  }
  return out;
}

}  // namespace cardea::dialect::pairs

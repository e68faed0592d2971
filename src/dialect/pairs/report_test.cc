#include "dialect/pairs/report.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "dialect/translate.h"

namespace cardea::dialect::pairs {
namespace {

/// What became of a case, in one sign; worse ones are greater.
enum class Mark : std::uint8_t { unsaid, carried, detail, meaning, bug };
constexpr std::array<std::string_view, 5> signs{"–", "✓", "d", "M", "BUG"};

Mark mark_of(const Outcome& outcome) {
  if (!outcome.bugs.empty()) return Mark::bug;
  const auto means = [](const Loss& loss) { return loss.weight == Loss::Weight::meaning; };
  if (std::ranges::any_of(outcome.lost, means)) return Mark::meaning;
  if (!outcome.lost.empty()) return Mark::detail;
  return outcome.unsayable.empty() ? Mark::carried : Mark::unsaid;
}
std::string_view sign_of(Mark mark) { return signs[static_cast<std::size_t>(mark)]; }

/// "messages[0].content[1].image" → "messages.content.image", whatever the client calls its list.
std::string without_numbers(std::string_view field) {
  std::string out;
  bool within = false;
  for (const char c : field) {
    if (c == '[') within = true;
    if (!within) out.push_back(c);
    if (c == ']') within = false;
  }
  for (const std::string_view list : {"contents", "input"}) {
    const bool named = out.starts_with(list) && (out.size() == list.size() || out[list.size()] == '.');
    if (named) return cat("messages", std::string_view{out}.substr(list.size()));
  }
  return out;
}

std::string padded(std::string_view text, std::size_t width) {
  const auto letters = static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  std::string out{text};
  if (letters < width) out.append(width - letters, ' ');
  return out;
}

std::string joined(const std::set<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += cat(out.empty() ? "" : ", ", word);
  return out;
}

std::vector<std::string_view> names() {
  std::vector<std::string_view> out;
  for (const auto* dialect : all()) out.push_back(dialect->name());
  return out;
}

Aspect aspect_of_parts(const std::vector<model::Part>& parts) {
  Aspect out = Aspect::plain;
  for (const auto& part : parts) {
    const bool calls =
        std::holds_alternative<model::ToolCall>(part.value) || std::holds_alternative<model::ToolResult>(part.value);
    const bool media = std::holds_alternative<model::Image>(part.value) || std::holds_alternative<model::Audio>(part.value) ||
                       std::holds_alternative<model::File>(part.value);
    if (calls) out = Aspect::tools;
    if (media) out = Aspect::image;
    if (std::holds_alternative<model::Thinking>(part.value)) return Aspect::thinking;
  }
  return out;
}

/// The side that hears decides what is lost: the upstream of a request, the client of an answer.
std::string_view hearer(const Table& table, const Cell& cell) {
  return table.direction == Direction::to_upstream ? cell.upstream : cell.client;
}
std::string_view speaker(const Table& table, const Cell& cell) {
  return table.direction == Direction::to_upstream ? cell.client : cell.upstream;
}

}  // namespace

Aspect aspect_of(const RequestCase& one) {
  const auto& chat = one.chat;
  if (chat.response_format) return Aspect::structured;
  if (chat.reasoning) return Aspect::thinking;
  if (chat.stream.value_or(false)) return Aspect::stream;
  Aspect out = chat.tools ? Aspect::tools : Aspect::plain;
  for (const auto& message : chat.messages) {
    const auto of_parts = aspect_of_parts(message.parts);
    if (of_parts != Aspect::plain) out = of_parts;
  }
  return out;
}
Aspect aspect_of(const AnswerCase& one) { return aspect_of_parts(one.answer.choices.at(0).parts); }

namespace {

/// "12✓ 2d 1M", or one sign when all cases fared alike.
class Tally {
 public:
  void count(Mark mark) { ++counts_[static_cast<std::size_t>(mark)]; }
  [[nodiscard]] std::string text() const {
    constexpr std::array order{Mark::carried, Mark::detail, Mark::meaning, Mark::unsaid, Mark::bug};
    std::string out;
    for (const auto mark : order) {
      const auto count = counts_[static_cast<std::size_t>(mark)];
      if (count == 0) continue;
      const bool alone = std::ranges::count(counts_, 0U) == static_cast<std::ptrdiff_t>(counts_.size()) - 1;
      if (alone) return std::string{sign_of(mark)};
      out += cat(out.empty() ? "" : " ", count, sign_of(mark));
    }
    return out;
  }

 private:
  std::array<std::size_t, signs.size()> counts_{};
};

/// One aspect of the matrix: how the cells fared, and what each hearer cannot be told.
struct Sheet {
  std::map<std::pair<std::string_view, std::string_view>, Tally> cells;
  std::map<std::string_view, std::set<std::string>> lost;
  std::map<std::string_view, std::set<std::string>> unsayable;
};

Sheet sheet_of(const std::vector<Table>& tables, Aspect aspect) {
  Sheet out;
  for (const auto& table : tables) {
    for (const auto& row : table.rows) {
      if (row.aspect != aspect) continue;
      for (const auto& cell : row.cells) {
        out.cells[{cell.client, cell.upstream}].count(mark_of(cell.outcome));
        for (const auto& loss : cell.outcome.unsayable) {
          out.unsayable[speaker(table, cell)].insert(without_numbers(loss.field));
        }
        for (const auto& loss : cell.outcome.lost) {
          const auto mark = loss.weight == Loss::Weight::meaning ? Mark::meaning : Mark::detail;
          out.lost[hearer(table, cell)].insert(cat(without_numbers(loss.field), ' ', sign_of(mark)));
        }
      }
    }
  }
  return out;
}

}  // namespace

std::string matrix(const std::vector<Table>& tables) {
  constexpr std::array<std::string_view, 8> titles{"plain",      "stream",   "tools", "image",
                                                   "structured", "thinking", "error", "error within a stream"};
  constexpr std::size_t width = 20;
  std::string out =
      cat(matrix_mark,
          "Client (line) × upstream (column): ✓ carried, d lost or said in other words and named, M a meaning lost and "
          "named: refused unless allowed, – not sayable by the side that speaks first, BUG neither\n");
  for (std::size_t i = 0; i < titles.size(); ++i) {
    const auto sheet = sheet_of(tables, static_cast<Aspect>(i));
    out += cat(matrix_mark, '\n', matrix_mark, padded(titles[i], width));
    for (const auto name : names()) out += padded(name, width);
    out += '\n';
    for (const auto client : names()) {
      out += cat(matrix_mark, padded(client, width));
      for (const auto upstream : names()) out += padded(sheet.cells.at({client, upstream}).text(), width);
      out += '\n';
    }
    for (const auto& [name, lost] : sheet.lost) out += cat(matrix_mark, "  named to ", name, ": ", joined(lost), '\n');
    for (const auto& [name, unsayable] : sheet.unsayable) {
      out += cat(matrix_mark, "  ", name, " cannot say: ", joined(unsayable), '\n');
    }
  }
  return out;
}

// --- docs/losses.md ---------------------------------------------------------------------------------------------------------

namespace {

/// Over all speakers that can say it; those that differ stand side by side.
std::string sign_for(const Table& table, const Row& row, std::string_view dialect) {
  std::set<Mark> marks;
  for (const auto& cell : row.cells) {
    if (hearer(table, cell) == dialect && cell.client != cell.upstream) marks.insert(mark_of(cell.outcome));
  }
  if (marks.size() > 1) marks.erase(Mark::unsaid);
  std::string out;
  for (const auto mark : marks) out += cat(out.empty() ? "" : " ", sign_of(mark));
  return out;
}

std::string grid(const Table& table) {
  std::string out = "| |";
  std::string rule = "\n|---|";
  for (const auto name : names()) {
    out += cat(' ', name, " |");
    rule += "---|";
  }
  out += rule;
  for (const auto& row : table.rows) {
    out += cat("\n| ", row.name, " |");
    for (const auto name : names()) out += cat(' ', sign_for(table, row, name), " |");
  }
  return out + "\n";
}

/// One loss of one hearer: in which cases, and from whom when not from all.
struct Entry {
  Loss::Weight weight = Loss::Weight::detail;
  std::set<std::string> cases;
  std::set<std::string> speakers;
};

std::string list(const Table& table) {
  std::string out;
  for (const auto name : names()) {
    std::map<std::pair<std::string, std::string>, Entry> told;
    for (const auto& row : table.rows) {
      for (const auto& cell : row.cells) {
        if (hearer(table, cell) != name || cell.client == cell.upstream) continue;
        for (const auto& loss : cell.outcome.lost) {
          auto& entry = told[{without_numbers(loss.field), loss.reason}];
          entry.weight = std::max(entry.weight, loss.weight);
          entry.cases.insert(row.name);
          entry.speakers.insert(std::string{speaker(table, cell)});
        }
      }
    }
    if (told.empty()) continue;
    out += cat("\n**", name, "**\n");
    for (const auto& [what, entry] : told) {
      out += cat("- ", sign_of(entry.weight == Loss::Weight::meaning ? Mark::meaning : Mark::detail), " `", what.first,
                 "`: ", what.second, " (", joined(entry.cases));
      if (entry.speakers.size() + 1 < names().size()) out += cat("; from ", joined(entry.speakers));
      out += ")\n";
    }
  }
  return out;
}

std::string efforts() {
  std::string words = "| effort |";
  std::string rule = "\n|---|";
  std::string budgets = "\n| budget |";
  for (const std::string_view effort : {"none", "minimal", "low", "medium", "high", "xhigh"}) {
    words += cat(' ', effort, " |");
    rule += "---|";
    budgets += cat(' ', budget_of(effort), " |");
  }
  return words + rule + budgets + "\n";
}

}  // namespace

std::string document(const std::vector<Table>& tables) {
  std::string out = R"(# What a translation cannot carry

Generated by the tests in `src/dialect/pairs` (`./dev docs` rewrites it): every case goes from every dialect to every other, and
what arrives differs from what was said exactly as listed here. The losses of a request are in its `x-cardea-loss` header and in its record.

Signs: ✓ carried · d lost or said in other words, and named · M changes the meaning: refused unless the caller sends `x-cardea-allow-loss: true` · – no other
dialect can say it. Two signs: it depends on who says it. Between two sides of the same dialect nothing is lost: their bytes pass as they are.

Equal by rule, and no loss: where system messages stand; turns and texts that are joined; ids that the gateway makes; what is the default
and not said; a schema's or a file's mere label; a schema said as a tool that must be called; a refusal in a history said as text.

## Effort and thinking budget

)";
  out += efforts();
  out += "\nA budget between two is said as the lower one's effort.\n";
  for (const auto& table : tables) {
    out += cat("\n## ", table.title, "\n\n",
               table.direction == Direction::to_upstream ? "Columns: the upstream." : "Columns: the client.", "\n\n", grid(table),
               list(table));
  }
  return out;
}

}  // namespace cardea::dialect::pairs

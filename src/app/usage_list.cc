#include "app/usage_list.h"

#include <algorithm>

#include "app/output.h"
#include "base/text.h"
#include "json/writer.h"

namespace cardea::app {
namespace {

using store::Axis;
using store::Tokens;
using store::UsageRow;

constexpr std::string_view axis_names[] = {"organization", "team",     "project", "key", "end_user",
                                           "model",        "provider", "tag",     "day"};
static_assert(std::size(axis_names) == static_cast<std::size_t>(Axis::last_) + 1);
constexpr std::string_view name_of(Axis axis) { return axis_names[static_cast<std::size_t>(axis)]; }

struct Count {
  std::string_view name;
  std::int64_t Tokens::* of;
};
constexpr Count counts[] = {{"input_tokens", &Tokens::input},
                            {"output_tokens", &Tokens::output},
                            {"cache_read_tokens", &Tokens::cache_read},
                            {"cache_write_tokens", &Tokens::cache_write},
                            {"reasoning_tokens", &Tokens::reasoning}};

std::vector<std::string> heading(const std::vector<Axis>& by) {
  std::vector<std::string> out;
  for (const Axis axis : by) out.emplace_back(name_of(axis));
  out.emplace_back("requests");
  for (const Count& count : counts) out.emplace_back(count.name);
  out.emplace_back("usd");
  return out;
}
std::vector<std::string> cells(const UsageRow& row) {
  std::vector<std::string> out = row.names;
  out.push_back(cat(row.requests));
  for (const Count& count : counts) out.push_back(cat(row.tokens.*count.of));
  out.push_back(dollars(row.amount));
  return out;
}

std::string csv_cell(std::string_view text) {
  std::string out;
  if (!text.empty() && std::string_view{"=+-@\t\r"}.find(text.front()) != std::string_view::npos) out.push_back('\'');
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  return out.find_first_of(",\"\r\n") == std::string::npos ? out : cat('"', out, '"');
}

}  // namespace

Result<std::vector<Axis>> parse_axes(std::string_view list) {
  std::vector<Axis> out;
  std::string unknown;
  for_each_in_list(list, [&](std::string_view name) {
    const auto found = std::ranges::find(axis_names, name);
    if (found == std::end(axis_names)) {
      unknown = name;
    } else if (const auto axis = static_cast<Axis>(found - axis_names); std::ranges::find(out, axis) == out.end()) {
      out.push_back(axis);
    }
  });
  if (unknown.empty()) return out;
  std::string names;
  for (const std::string_view name : axis_names) names += cat(names.empty() ? "" : ", ", name);
  return fail(Kind::config, cat("'--by' knows no '", unknown, "'; there are ", names));
}

std::string dollars(Money money) {
  const bool negative = money.nano_usd < 0;
  const auto nano = negative ? 0 - static_cast<std::uint64_t>(money.nano_usd) : static_cast<std::uint64_t>(money.nano_usd);
  constexpr std::uint64_t nano_per_dollar = 1'000'000'000;
  std::string fraction = cat(nano_per_dollar + nano % nano_per_dollar).substr(1);
  while (fraction.size() > 2 && fraction.back() == '0') fraction.pop_back();
  return cat(negative ? "-" : "", nano / nano_per_dollar, ".", fraction);
}

std::string usage_table(const std::vector<Axis>& by, const std::vector<UsageRow>& rows) {
  std::vector<std::vector<std::string>> lines{heading(by)};
  for (std::string& name : lines.front()) std::ranges::transform(name, name.begin(), [](char c) { return c == '_' ? ' ' : c; });
  for (const UsageRow& row : rows) {
    lines.push_back(cells(row));
    for (std::string& cell : lines.back()) cell = harmless(cell.empty() ? "-" : cell);
  }
  std::vector<std::size_t> right;
  for (std::size_t column = by.size(); column < lines.front().size(); ++column) right.push_back(column);
  return table(lines, right);
}

std::string usage_csv(const std::vector<Axis>& by, const std::vector<UsageRow>& rows) {
  std::string out;
  const auto line = [&](const std::vector<std::string>& all, std::size_t names) {
    for (std::size_t i = 0; i < all.size(); ++i) out += cat(i == 0 ? "" : ",", i < names ? csv_cell(all[i]) : all[i]);
    out += "\r\n";
  };
  line(heading(by), 0);
  for (const UsageRow& row : rows) line(cells(row), by.size());
  return out;
}

std::string usage_json(const std::vector<Axis>& by, const std::vector<UsageRow>& rows) {
  std::string out;
  for (const UsageRow& row : rows) {
    json::Writer w{out};
    w.begin_object();
    for (std::size_t i = 0; i < by.size(); ++i) w.key(name_of(by[i])).string(row.names[i]);
    w.key("requests").number(row.requests);
    for (const Count& count : counts) w.key(count.name).number(row.tokens.*count.of);
    w.key("nano_usd").number(row.amount.nano_usd);
    w.key("usd").string(dollars(row.amount));
    w.end_object();
    out.push_back('\n');
  }
  return out;
}

std::string ledger_text(const store::LedgerVerdict& verdict) {
  if (!verdict.sound()) return cat("the ledger does not hold: ", verdict.problem, "\n");
  return cat("the ledger holds: ", verdict.lines, verdict.lines == 1 ? " line" : " lines", ", each balance is their sum; ",
             verdict.open, verdict.open == 1 ? " reservation" : " reservations", " under way\n");
}

}  // namespace cardea::app

#include "store/ledger/books.h"

#include <charconv>

#include "base/text.h"
#include "base/time.h"

namespace cardea::store::ledger {
namespace {

constexpr std::string Labels::* columns[] = {&Labels::organization, &Labels::team,  &Labels::project, &Labels::key,
                                             &Labels::end_user,     &Labels::model, &Labels::provider};

std::string day_of(std::int64_t time_ms) { return show_time(time_ms / 1000).substr(0, 10); }

std::string name_of(Axis axis, const Labels& labels, const Settlement& settled) {
  if (axis == Axis::day) return day_of(settled.time_ms);
  return labels.*columns[static_cast<std::size_t>(axis)];
}

std::vector<std::string> parts_of(std::string_view list) {
  std::vector<std::string> out;
  for_each_in_list(list, [&](std::string_view part) { out.emplace_back(part); });
  if (out.empty()) out.emplace_back();
  return out;
}

std::string show(const Hold& hold) { return cat("budget '", hold.budget, "', window ", hold.window); }

}  // namespace

void Sheet::add(const std::vector<Hold>& holds, Money spent, Money reserved) {
  for (const Hold& hold : holds) {
    Sums& sums = sums_[hold];
    sums.spent += spent;
    sums.reserved += reserved;
  }
}

std::string Sheet::differs(std::span<const Balance> kept) const {
  std::map<Hold, Sums> left = sums_;
  for (const Balance& balance : kept) {
    const Sums sums = left[balance.hold];
    left.erase(balance.hold);
    if (sums.spent == balance.spent && sums.reserved == balance.reserved) continue;
    return cat(show(balance.hold), ": ", balance.spent.nano_usd, " spent and ", balance.reserved.nano_usd,
               " reserved are kept, but the lines add up to ", sums.spent.nano_usd, " and ", sums.reserved.nano_usd);
  }
  for (const auto& [hold, sums] : left) {
    if (sums.spent != Money{} || sums.reserved != Money{}) return cat(show(hold), ": lines, but no balance");
  }
  return {};
}

void UsageSums::add(const Labels& labels, const Settlement& settled) {
  if (settled.time_ms < question_.from_ms || settled.time_ms >= question_.to_ms) return;
  if (!question_.key.empty() && question_.key != labels.key) return;
  std::vector<std::vector<std::string>> rows{{}};
  for (const Axis axis : question_.by) {
    const auto names = axis == Axis::tag ? parts_of(labels.tags) : std::vector{name_of(axis, labels, settled)};
    std::vector<std::vector<std::string>> longer;
    for (const auto& row : rows) {
      for (const std::string& name : names) {
        longer.push_back(row);
        longer.back().push_back(name);
      }
    }
    rows = std::move(longer);
  }
  for (auto& names : rows) add_row(std::move(names), settled);
}

void UsageSums::add_row(std::vector<std::string> names, const Settlement& settled) {
  UsageRow& row = rows_[std::move(names)];
  ++row.requests;
  row.amount += settled.amount;
  constexpr std::int64_t Tokens::* counts[] = {&Tokens::input, &Tokens::output, &Tokens::cache_read, &Tokens::cache_write,
                                               &Tokens::reasoning};
  for (const auto count : counts) row.tokens.*count += settled.tokens.*count;
}

std::vector<UsageRow> UsageSums::rows() && {
  std::vector<UsageRow> out;
  out.reserve(rows_.size());
  for (auto& [names, row] : rows_) {
    out.push_back(std::move(row));
    out.back().names = names;
  }
  return out;
}

std::string holds_to_text(const std::vector<Hold>& holds) {
  std::string out;
  for (const Hold& hold : holds) out += cat(hold.window, ' ', hold.budget, '\n');
  return out;
}

std::vector<Hold> holds_from_text(std::string_view text) {
  std::vector<Hold> out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    Hold hold{.budget = std::string{line.substr(space + 1)}};
    std::from_chars(line.data(), line.data() + space, hold.window);
    out.push_back(std::move(hold));
  }
  return out;
}

}  // namespace cardea::store::ledger

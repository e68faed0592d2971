#include "store/sqlite/ledger_rows.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "store/ledger/books.h"

namespace cardea::store::sqlite {
namespace {

constexpr const char* reserve_sql =
    "INSERT INTO reservations(id, time_ms, amount, organization, team, project, key, end_user, model, provider, tags, holds) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING";
constexpr const char* settle_sql =
    "INSERT INTO settlements(id, time_ms, amount, outcome, attempts, input, output, cache_read, cache_write, reasoning, price) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING";
constexpr const char* adjust_sql =
    "INSERT INTO adjustments(id, time_ms, budget, window, amount, actor, reason) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) "
    "ON CONFLICT DO NOTHING";
constexpr const char* held_sql = "SELECT amount, holds FROM reservations WHERE id=?1";
constexpr const char* open_sql = "INSERT INTO open(id) VALUES(?1)";
constexpr const char* close_sql = "DELETE FROM open WHERE id=?1";
constexpr const char* balance_sql =
    "INSERT INTO balances(budget, window, spent, reserved) VALUES(?1, ?2, ?3, ?4) "
    "ON CONFLICT DO UPDATE SET spent=spent+excluded.spent, reserved=reserved+excluded.reserved";

constexpr const char* run_sql = "INSERT INTO runs DEFAULT VALUES";
constexpr const char* last_run_sql = "SELECT max(run) FROM runs";
/// SQLite takes the other columns of max()'s own row.
constexpr const char* newest_sql = "SELECT budget, max(window), spent, reserved FROM balances GROUP BY budget ORDER BY budget";
constexpr const char* open_ones_sql =
    "SELECT r.id, time_ms, amount, organization, team, project, key, end_user, model, provider, tags, holds "
    "FROM open JOIN reservations r USING(id) ORDER BY r.id";
constexpr const char* usage_sql =
    "SELECT s.time_ms, s.amount, input, output, cache_read, cache_write, reasoning, "
    "organization, team, project, key, end_user, model, provider, tags "
    "FROM settlements s JOIN reservations r USING(id) WHERE s.time_ms>=?1 AND s.time_ms<?2";
constexpr const char* charges_sql =
    "SELECT r.amount, holds, s.amount, s.id IS NOT NULL, o.id IS NOT NULL "
    "FROM reservations r LEFT JOIN settlements s USING(id) LEFT JOIN open o USING(id)";
constexpr const char* adjustments_sql = "SELECT budget, window, amount FROM adjustments";
constexpr const char* balances_sql = "SELECT budget, window, spent, reserved FROM balances";
constexpr const char* strays_sql =
    "SELECT (SELECT count(*) FROM settlements WHERE id NOT IN (SELECT id FROM reservations)) "
    "+ (SELECT count(*) FROM open WHERE id NOT IN (SELECT id FROM reservations))";

constexpr std::string Labels::* label_columns[] = {&Labels::organization, &Labels::team,  &Labels::project,  &Labels::key,
                                                   &Labels::end_user,     &Labels::model, &Labels::provider, &Labels::tags};
constexpr std::int64_t Tokens::* token_columns[] = {&Tokens::input, &Tokens::output, &Tokens::cache_read, &Tokens::cache_write,
                                                    &Tokens::reasoning};

Labels read_labels(const Query& query, int column) {
  Labels out;
  for (const auto label : label_columns) out.*label = query.text(column++);
  return out;
}

/// Calls `visit(row)` for each row. Kind::internal.
template <class Visit>
Status each_row(Query& query, Visit visit) {
  for (;;) {
    Result<bool> row = query.next();
    if (!row) return fail_with(row);
    if (!*row) return {};
    visit(query);
  }
}

Result<std::vector<Balance>> read_balances(Connection& connection, const char* sql) {
  std::vector<Balance> out;
  Query query{connection, sql};
  Status read = each_row(query, [&](const Query& row) {
    out.push_back({{std::string{row.text(0)}, row.integer(1)}, {row.integer(2)}, {row.integer(3)}});
  });
  if (!read) return fail_with(read);
  return out;
}

Reservation read_reservation(const Query& row) {
  return {.id = row.integer(0),
          .time_ms = row.integer(1),
          .amount = {row.integer(2)},
          .labels = read_labels(row, 3),
          .holds = ledger::holds_from_text(row.text(11))};
}

Settlement read_charge(const Query& row) {
  Settlement out{.time_ms = row.integer(0), .amount = {row.integer(1)}};
  int column = 2;
  for (const auto count : token_columns) out.tokens.*count = row.integer(column++);
  return out;
}

}  // namespace

void LedgerWrite::change(const std::vector<Hold>& holds, Money spent, Money reserved) {
  for (const Hold& hold : holds) {
    Delta& delta = deltas_[hold];
    delta.spent += spent;
    delta.reserved += reserved;
  }
}

bool LedgerWrite::is_new() {
  const bool added = connection_.changes() != 0;
  ++(added ? done_.added : done_.repeated);
  return added;
}

Status LedgerWrite::add(const Reservation& made) {
  const std::string holds = ledger::holds_to_text(made.holds);
  Query query{connection_, reserve_sql};
  query.bind(made.id).bind(made.time_ms).bind(made.amount.nano_usd);
  for (const auto label : label_columns) query.bind(made.labels.*label);
  if (Status done = query.bind(holds).run(); !done) return done;
  if (!is_new()) return {};
  change(made.holds, {}, made.amount);
  made_.emplace(made.id, Held{made.amount, made.holds});
  open_.insert(made.id);
  return {};
}

Result<const LedgerWrite::Held*> LedgerWrite::held(std::int64_t id) {
  if (const auto found = made_.find(id); found != made_.end()) return &found->second;
  Query query{connection_, held_sql};
  Result<bool> row = query.bind(id).next();
  if (!row) return fail_with(row);
  if (!*row) return nullptr;
  kept_ = {{query.integer(0)}, ledger::holds_from_text(query.text(1))};
  return &kept_;
}

Status LedgerWrite::add(const Settlement& settled) {
  Result<const Held*> reserved = held(settled.id);
  if (!reserved) return fail_with(reserved);
  if (*reserved == nullptr) {
    ++done_.orphans;
    return {};
  }
  Query query{connection_, settle_sql};
  query.bind(settled.id).bind(settled.time_ms).bind(settled.amount.nano_usd);
  query.bind(static_cast<std::int64_t>(settled.outcome)).bind(settled.attempts);
  for (const auto count : token_columns) query.bind(settled.tokens.*count);
  if (Status done = query.bind(settled.price).run(); !done) return done;
  if (!is_new()) return {};
  change((*reserved)->holds, settled.amount, Money{} - (*reserved)->amount);
  if (open_.erase(settled.id) != 0) return {};
  return Query{connection_, close_sql}.bind(settled.id).run();
}

Status LedgerWrite::add(const Adjustment& made) {
  Query query{connection_, adjust_sql};
  query.bind(made.id).bind(made.time_ms).bind(made.hold.budget).bind(made.hold.window).bind(made.amount.nano_usd);
  if (Status done = query.bind(made.actor).bind(made.reason).run(); !done) return done;
  if (is_new()) change({made.hold}, made.amount, {});
  return {};
}

Status LedgerWrite::finish() {
  for (const std::int64_t id : open_) {
    if (Status done = Query{connection_, open_sql}.bind(id).run(); !done) return done;
  }
  for (const auto& [hold, delta] : deltas_) {
    Query query{connection_, balance_sql};
    query.bind(hold.budget).bind(hold.window).bind(delta.spent.nano_usd).bind(delta.reserved.nano_usd);
    if (Status done = query.run(); !done) return done;
  }
  return {};
}

Result<Appended> LedgerWrite::append(const std::vector<LedgerEntry>& entries) {
  for (const LedgerEntry& entry : entries) {
    Status added = std::visit([this](const auto& line) { return add(line); }, entry);
    if (!added) return fail_with(added);
  }
  if (Status done = finish(); !done) return fail_with(done);
  return done_;
}

Result<LedgerKept> begin_run(Connection& connection) {
  if (Status begun = connection.repeat(run_sql); !begun) return fail_with(begun);
  Result<std::int64_t> run = connection.number(last_run_sql);
  if (!run) return fail_with(run);
  Result<std::vector<Balance>> balances = read_balances(connection, newest_sql);
  if (!balances) return fail_with(balances);
  LedgerKept out{.first_id = *run << 40, .balances = std::move(*balances)};
  Query query{connection, open_ones_sql};
  Status read = each_row(query, [&](const Query& row) { out.open.push_back(read_reservation(row)); });
  if (!read) return fail_with(read);
  return out;
}

Result<std::vector<UsageRow>> read_usage(Connection& connection, UsageQuestion question) {
  ledger::UsageSums sums{std::move(question)};
  Query query{connection, usage_sql};
  query.bind(sums.question().from_ms).bind(sums.question().to_ms);
  Status read = each_row(query, [&](const Query& row) { sums.add(read_labels(row, 7), read_charge(row)); });
  if (!read) return fail_with(read);
  return std::move(sums).rows();
}

Result<LedgerVerdict> re_add(Connection& connection) {
  LedgerVerdict out;
  ledger::Sheet sheet;
  std::int64_t misplaced = 0;
  Query charges{connection, charges_sql};
  Status read = each_row(charges, [&](const Query& row) {
    const Reservation made{.amount = {row.integer(0)}, .holds = ledger::holds_from_text(row.text(1))};
    const bool settled = row.integer(3) != 0;
    sheet.reserve(made);
    if (settled) sheet.settle(made, {row.integer(2)});
    out.lines += settled ? 2 : 1;
    out.open += settled ? 0 : 1;
    if (settled == (row.integer(4) != 0)) ++misplaced;
  });
  if (!read) return fail_with(read);
  Query adjustments{connection, adjustments_sql};
  read = each_row(adjustments, [&](const Query& row) {
    sheet.adjust({.hold = {std::string{row.text(0)}, row.integer(1)}, .amount = {row.integer(2)}});
    ++out.lines;
  });
  if (!read) return fail_with(read);
  Result<std::vector<Balance>> balances = read_balances(connection, balances_sql);
  if (!balances) return fail_with(balances);
  Result<std::int64_t> strays = connection.number(strays_sql);
  if (!strays) return fail_with(strays);
  out.problem = sheet.differs(*balances);
  if (misplaced + *strays != 0)
    out.problem = cat(misplaced + *strays, " settlements or open reservations do not belong to a reservation");
  return out;
}

}  // namespace cardea::store::sqlite

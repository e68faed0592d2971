#include "app/audit_list.h"

#include <chrono>

#include "app/output.h"
#include "base/text.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::app {
namespace {

std::string padded(std::int64_t number, std::size_t digits) {
  std::string text = cat(number);
  if (text.size() < digits) text.insert(0, digits - text.size(), '0');
  return text;
}

/// JSON as it is; a text that is none, as one.
void put_json(json::Writer& w, std::string_view text) {
  if (text.empty()) {
    w.null();
  } else if (json::parse(text)) {
    w.raw(text);
  } else {
    w.string(text);
  }
}

}  // namespace

std::string time_text(std::int64_t unix_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds{unix_ms}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  return cat(padded(static_cast<int>(date.year()), 4), "-", padded(static_cast<unsigned>(date.month()), 2), "-",
             padded(static_cast<unsigned>(date.day()), 2), "T", padded(clock.hours().count(), 2), ":",
             padded(clock.minutes().count(), 2), ":", padded(clock.seconds().count(), 2), ".",
             padded(clock.subseconds().count(), 3), "Z");
}

std::string audit_table(const std::vector<store::AuditLine>& lines) {
  std::vector<std::vector<std::string>> rows{{"LINE", "TIME", "WHO", "FROM", "DID", "TO"}};
  for (const store::AuditLine& line : lines) {
    rows.push_back({cat(line.seq), time_text(line.entry.time_ms), harmless(line.entry.actor), harmless(line.entry.address),
                    harmless(line.entry.action), harmless(line.entry.target)});
  }
  return table(rows, {0});
}

std::string audit_json(const std::vector<store::AuditLine>& lines) {
  std::string out;
  for (const store::AuditLine& line : lines) {
    json::Writer w{out};
    w.begin_object();
    w.key("line").number(line.seq);
    w.key("time").string(time_text(line.entry.time_ms));
    w.key("actor").string(line.entry.actor);
    w.key("address").string(line.entry.address);
    w.key("action").string(line.entry.action);
    w.key("target").string(line.entry.target);
    put_json(w.key("before"), line.entry.before);
    put_json(w.key("after"), line.entry.after);
    w.key("hash").string(line.hash).end_object();
    out.push_back('\n');
  }
  return out;
}

std::string verdict_text(const store::AuditVerdict& verdict) {
  const std::string_view lines = verdict.lines == 1 ? " line" : " lines";
  if (verdict.lines == 0 && verdict.sound()) return "the audit log is empty\n";
  if (verdict.sound()) {
    return cat("the audit log holds: ", verdict.lines, lines, "\nhead ", verdict.head,
               "\nKeep the head somewhere else; 'cardea audit verify --head HEAD' then shows that no end was cut off since.\n");
  }
  return cat("the audit log does not hold: ", verdict.problem, "\n", verdict.lines, lines, " before that ",
             verdict.lines == 1 ? "does" : "do", verdict.lines == 0 ? "\n" : cat("; head ", verdict.head, "\n"));
}

}  // namespace cardea::app

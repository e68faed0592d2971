// `cardea usage`: read from the ledger's file, beside a running gateway or without one.

#include "app/actions.h"
#include "app/output.h"
#include "app/sources.h"
#include "app/usage_list.h"
#include "base/text.h"
#include "base/time.h"
#include "server/load.h"
#include "store/sqlite/ledger.h"

namespace cardea::app {
namespace {

using store::sqlite::LedgerFile;

Result<LedgerFile> open_ledger(const Arguments& arguments) {
  Result<server::Sources> sources = sources_of(arguments);
  if (!sources) return fail_with(sources);
  if (!sources->env) sources->env = server::process_environment();
  const server::Configuration configuration = server::load(*sources);
  return LedgerFile::open(config::data_directory(configuration.settings, sources->env) + "/ledger.db");
}

int refuse(const Error& error) {
  complain(error.message());
  return exit_usage;
}

Status take_time(const Arguments& arguments, std::string_view flag, std::int64_t& to_ms) {
  if (!arguments.has(flag)) return {};
  const auto time = parse_time(arguments.get(flag));
  if (!time) return fail(Kind::config, cat("'", flag, "' wants a day (2027-01-31) or a time (2027-01-31T12:00:00Z)"));
  to_ms = *time * 1000;
  return {};
}

Result<store::UsageQuestion> question_of(const Arguments& arguments) {
  Result<std::vector<store::Axis>> by = parse_axes(arguments.has("--by") ? arguments.get("--by") : "key");
  if (!by) return fail_with(by);
  store::UsageQuestion out{.by = std::move(*by), .key = std::string{arguments.get("--key")}};
  if (Status from = take_time(arguments, "--from", out.from_ms); !from) return fail_with(from);
  if (Status to = take_time(arguments, "--to", out.to_ms); !to) return fail_with(to);
  return out;
}

}  // namespace

int usage_show(const Arguments& arguments) {
  const Result<store::UsageQuestion> question = question_of(arguments);
  if (!question) return refuse(question.error());
  Result<LedgerFile> ledger = open_ledger(arguments);
  if (!ledger) return refuse(ledger.error());
  const auto rows = ledger->usage(*question);
  if (!rows) return refuse(rows.error());
  const auto show = arguments.has("--json") ? &usage_json : arguments.has("--csv") ? &usage_csv : &usage_table;
  print(show(question->by, *rows));
  return exit_ok;
}

int usage_verify(const Arguments& arguments) {
  Result<LedgerFile> ledger = open_ledger(arguments);
  if (!ledger) return refuse(ledger.error());
  const Result<store::LedgerVerdict> verdict = ledger->verify();
  if (!verdict) return refuse(verdict.error());
  print(ledger_text(*verdict));
  return verdict->sound() ? exit_ok : exit_failed;
}

}  // namespace cardea::app

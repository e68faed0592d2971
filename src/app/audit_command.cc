// `cardea audit`: read from the file, beside a running gateway or without one.

#include "app/actions.h"
#include "app/audit_list.h"
#include "app/output.h"
#include "app/sources.h"
#include "base/text.h"
#include "server/load.h"
#include "store/sqlite/audit_file.h"

namespace cardea::app {
namespace {

constexpr std::size_t lines_usual = 50;
constexpr std::size_t lines_max = 10'000;
constexpr std::size_t hash_digits = 64;

using store::sqlite::AuditFile;

Result<AuditFile> open_log(const Arguments& arguments) {
  Result<server::Sources> sources = sources_of(arguments);
  if (!sources) return fail_with(sources);
  if (!sources->env) sources->env = server::process_environment();
  const server::Configuration configuration = server::load(*sources);
  return AuditFile::open(config::data_directory(configuration.settings, sources->env) + "/cardea.db");
}

int refuse(const Error& error) {
  complain(error.message());
  return exit_usage;
}

template <class T>
Result<T> number_of(const Arguments& arguments, std::string_view flag, T otherwise) {
  if (!arguments.has(flag)) return otherwise;
  const auto number = parse_number<T>(arguments.get(flag));
  if (!number || *number == 0) return fail(Kind::config, cat("'", flag, "' wants a number from 1"));
  return *number;
}

bool is_hash(std::string_view text) {
  return text.size() == hash_digits && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

}  // namespace

int audit_verify(const Arguments& arguments) {
  const std::string head{arguments.get("--head")};
  if (arguments.has("--head") && !is_hash(head)) return refuse({Kind::config, "'--head' wants the 64 digits that 'head' showed"});
  Result<AuditFile> log = open_log(arguments);
  if (!log) return refuse(log.error());
  const Result<store::AuditVerdict> verdict = log->verify(head);
  if (!verdict) return refuse(verdict.error());
  print(verdict_text(*verdict));
  return verdict->sound() ? exit_ok : exit_failed;
}

int audit_list(const Arguments& arguments) {
  const Result<std::uint64_t> before = number_of<std::uint64_t>(arguments, "--before", 0);
  if (!before) return refuse(before.error());
  const Result<std::size_t> limit = number_of<std::size_t>(arguments, "--limit", lines_usual);
  if (!limit) return refuse(limit.error());
  Result<AuditFile> log = open_log(arguments);
  if (!log) return refuse(log.error());
  const auto lines = log->lines(static_cast<std::int64_t>(*before), std::min(*limit, lines_max));
  if (!lines) return refuse(lines.error());
  print(arguments.has("--json") ? audit_json(*lines) : audit_table(*lines));
  return exit_ok;
}

}  // namespace cardea::app

// `cardea explain-translation`.

#include <unistd.h>

#include <fstream>
#include <sstream>

#include "app/actions.h"
#include "app/output.h"
#include "app/terminal.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "dialect/explain.h"
#include "dialect/native/forms.h"
#include "pipeline/snapshot.h"

namespace cardea::app {
namespace {

Result<const dialect::Dialect*> dialect_of(const Arguments& arguments, std::string_view flag) {
  const auto name = arguments.get(flag);
  if (const auto* found = dialect::find(name)) return found;
  std::string names;
  for (const auto* dialect : dialect::all()) names += cat(names.empty() ? "" : ", ", dialect->name());
  return fail(Kind::config, cat(flag, name.empty() ? " is missing" : cat(" ", name, " is not known"), "; it is one of ", names));
}

Result<std::string> read_body(const std::string& file) {
  if (file == "-") return read_input(nullptr);
  std::ifstream stream{file, std::ios::binary};
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) return fail(Kind::config, cat("cannot read '", file, "'"));
  return std::move(text).str();
}

void list(std::string_view title, const std::vector<std::string>& lines, Style style) {
  if (lines.empty()) return;
  print(cat(styled(cat(title, " (", lines.size(), ")"), style, STDOUT_FILENO), "\n"));
  for (const auto& line : lines) print(cat("  ", line, "\n"));
}

int report(const dialect::Explanation& told) {
  std::vector<std::string> kept, changed, moved, lost;
  for (const auto& fact : told.kept) kept.push_back(cat(fact.field, " = ", fact.value));
  for (const auto& change : told.changed) changed.push_back(cat(change.field, ": ", change.from, " → ", change.to));
  for (const auto& fact : told.moved) moved.push_back(cat(fact.field, " = ", fact.value));
  for (const auto& loss : told.losses.all()) {
    const bool grave = loss.weight == dialect::Loss::Weight::meaning;
    lost.push_back(
        cat(loss.field, ": ", loss.reason, grave ? " – changes the meaning, refused without x-cardea-allow-loss: true" : ""));
  }
  print(cat(told.body, "\n\n"));
  list("kept", kept, Style::bold);
  list("changed", changed, Style::bold);
  list("said elsewhere in the request", moved, Style::bold);
  list("lost", lost, Style::bold);
  return told.losses.gravest() != nullptr ? exit_failed : exit_ok;
}

}  // namespace

int explain_translation(const Arguments& arguments) {
  Result<const dialect::Dialect*> from = dialect_of(arguments, "--from");
  Result<const dialect::Dialect*> to = dialect_of(arguments, "--to");
  if (!from || !to) {
    complain(!from ? from.error().message() : to.error().message());
    return exit_usage;
  }
  if (arguments.words().size() != 1) {
    complain("name one file with a request body, or - for standard input");
    return exit_usage;
  }
  Result<std::string> body = read_body(arguments.words().front());
  if (!body) {
    complain(body.error().message());
    return exit_usage;
  }
  const auto first = body->find_first_not_of(" \t\r\n");
  const bool is_xml = *from == &dialect::native() && first != std::string::npos && (*body)[first] == '<';
  if (is_xml) body = dialect::native_request(*body);
  if (!body) {
    complain(body.error().message());
    return exit_failed;
  }
  const std::string model{arguments.get("--model")};
  const dialect::Asked asked{.model = (*from)->traits().model_in_path ? std::string_view{model} : std::string_view{}};
  Result<dialect::RequestView> view = (*from)->inspect(*body, asked);
  if (!view) {
    complain(view.error().message());
    return exit_failed;
  }
  const std::string name = model.empty() ? std::string{view->model} : model;
  const std::optional<catalog::ModelInfo> known = catalog::builtin_model(name);
  const dialect::Abilities abilities = pipeline::abilities_of(known ? &*known : nullptr, (*to)->name());
  const dialect::Pair pair{**from, **to, known ? known->id : name, "explained", abilities};
  Result<dialect::Explanation> told = dialect::explain(pair, *body, asked);
  if (told) return report(*told);
  complain(told.error().message());
  return exit_failed;
}

}  // namespace cardea::app

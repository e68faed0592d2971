// Configuration: any text gives settings or problems, never a crash; every problem names a fix; no problem shows a variable's
// value; what was loaded without an error builds a catalog or says why not.
#include <string>

#include "catalog/catalog.h"
#include "config/loader.h"
#include "fuzz/check.h"

using namespace cardea;
using fuzz::check;

namespace {

constexpr std::string_view value_of_every_variable = "S3CR3T-0123456789";

std::string judge(const std::vector<config::Problem>& problems, bool value_is_in_text) {
  std::string all;
  for (const auto& problem : problems) {
    const auto text = config::to_text(problem);
    check(!problem.message.empty() && !problem.fix.empty(), "a problem without message or fix");
    check(value_is_in_text || text.find(value_of_every_variable) == std::string::npos, "a problem shows a variable's value");
    all += text + "\n";
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  const bool known = text.find(value_of_every_variable) != std::string_view::npos;
  // Variables that name listen addresses, numbers and the like would make every input a problem: only those a text asks for are
  // set.
  const config::Env env = [](std::string_view name) -> std::optional<std::string> {
    if (name.starts_with("V")) return std::string{value_of_every_variable};
    return std::nullopt;
  };
  const auto loaded = config::load(text, "fuzz", env);
  const auto problems = judge(loaded.problems, known);
  check(judge(config::load(text, "fuzz", env).problems, known) == problems, "two loads of one text differ");
  (void)config::load_provider(text, "fuzz", env);
  if (!loaded.ok()) {
    // What could be read is judged too, so that all is said at once.
    const catalog::BuildOptions partial{.settings = catalog::BuildOptions::Settings::partial};
    judge(catalog::build(loaded.settings, env, partial).problems, known);
    return 0;
  }
  const auto built = catalog::build(loaded.settings, env);
  judge(built.problems, known);
  if (!built.catalog) {
    check(!built.problems.empty(), "no catalog and no problem");
    return 0;
  }
  for (const auto& entry : built.catalog->list()) {
    check(built.catalog->resolve(entry.id).has_value(), "a listed model does not resolve");
  }
  for (const auto& model : loaded.settings.models) (void)built.catalog->resolve(model.name);
  return 0;
}

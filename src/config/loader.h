#pragma once
// From text to Settings: parse → put environment variables in → read by the field tables → validate across fields. Every problem
// is reported, not only the first. Pure: files and the environment come in as values. Never throws.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "config/settings.h"

namespace cardea::config {

/// Looks an environment variable up; std::nullopt = not set.
using Env = std::function<std::optional<std::string>(std::string_view name)>;

enum class Severity : std::uint8_t { error, warning };

/// One thing wrong with the configuration. No text of it ever holds a secret, or the value of an environment variable that is
/// long enough to be one (Variables::hide).
struct Problem {
  Severity severity = Severity::error;
  Where where;
  std::string path;     ///< of the field, e.g. "models[0].auth.type"
  std::string message;  ///< what is wrong
  std::string fix;      ///< what to do
};
/// "cardea.yaml:3:7: models[0].auth.type: … – fix". One line.
[[nodiscard]] std::string to_text(const Problem& problem);

/// Where every field was written, by its path in its own file: "models[0].endpoint", "listen[1]".
class Places {
 public:
  void set(const std::string& path, Where where);
  /// The place of a field, or of the nearest one around it that has a place. Of several files that have the path: the one in
  /// `file`, or the last when no file is named. Null: nothing of it was written there.
  [[nodiscard]] const Where* find(std::string_view file, std::string_view path) const;
  /// The same of exactly this path.
  [[nodiscard]] const Where* at(std::string_view file, std::string_view path) const;

 private:
  std::unordered_map<std::string, Where> places_;
};

/// The paths of a list's elements, each in the file it stands in, as lists of mappings grow from file to file. Asked in order.
class ElementPaths {
 public:
  explicit ElementPaths(std::string_view list) : list_{list} {}
  [[nodiscard]] std::string next(const Where& where);  ///< "models[2]"

 private:
  std::string_view list_;
  std::unordered_map<std::string, std::size_t> counts_;
};

/// Does one of the two paths lie in the other? "models[0]" and "models[0].auth": yes; "models[1]" and "models[10]": no.
[[nodiscard]] bool same_branch(std::string_view a, std::string_view b) noexcept;

/// Ready to be read by people: by file, line and column, otherwise in the order found; no value of a variable is left in them.
void finish(std::vector<Problem>& problems, const Variables& variables);

struct File {
  std::string_view name;
  std::string_view text;
};

/// What the command line said: path of a field and its value ("log.level", "debug"; lists comma-separated). Stands above the
/// environment, which stands above the files.
using Overrides = std::vector<std::pair<std::string, std::string>>;

struct Loaded {
  Settings settings;  ///< use only when ok()
  std::vector<Problem> problems;
  Places places;
  [[nodiscard]] bool ok() const;  ///< no problem of severity error
};

/// Reads files in order (the main one, then --models): a later file's scalars replace, its lists and maps add. No file at all is
/// fine: defaults and the environment. Limits: 4 MiB a file, depth 32, 200,000 nodes after aliases. Thread: any.
[[nodiscard]] Loaded load(const std::vector<File>& files, const Env& env, const Overrides& overrides = {});
/// The same for one file.
[[nodiscard]] Loaded load(std::string_view text, std::string_view name, const Env& env);

/// One provider file (catalog/providers/NAME.yaml). Used by the build-time tool and by tests.
struct LoadedProvider {
  Provider provider;
  std::vector<Problem> problems;
};
[[nodiscard]] LoadedProvider load_provider(std::string_view yaml, std::string_view file, const Env& env);
/// The same from the compact JSON that compact_provider() made of the file; a missing ${VARIABLE} empties its value.
[[nodiscard]] Result<Provider> read_provider(std::string_view json, const Env& env);
/// A checked provider file as compact JSON, its ${VARIABLES} untouched.
[[nodiscard]] Result<std::string> compact_provider(std::string_view yaml, std::string_view file);

/// One thing of the tenancy from a JSON object, as the administration sends it, by the very tables that read it from a file. `T`:
/// Organization, Team, Project, EndUser, Member, GatewayKey. Error: bad_request with every problem, `param` the first field.
template <class T>
[[nodiscard]] Result<T> read_thing(std::string_view json);
/// What read_thing() reads: the fields that are not as they are by default, without any secret.
template <class T>
[[nodiscard]] std::string write_thing(const T& thing);

/// `user`'s written fields over a copy of `base`; its models come first, one of the same id replaces.
[[nodiscard]] Provider overlay(const Provider& base, const Provider& user);

/// Paths of fields that differ and take effect only after a restart ("listen", "limits.connections"): what a reload must say.
[[nodiscard]] std::vector<std::string> restart_needed(const Settings& running, const Settings& wanted);

/// Settings::data, or the place where it is when not said: $XDG_STATE_HOME/cardea, ~/.local/state/cardea, ./cardea-data.
[[nodiscard]] std::string data_directory(const Settings& settings, const Env& env);

}  // namespace cardea::config

#pragma once
// The command line as data: what a command is called, what it takes, what it does.

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace cardea::app {

/// Exit codes: done; it went wrong; the command line or the configuration is wrong.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_by_signal = 128;  ///< plus its number, as shells have it
inline constexpr int exit_usage = 2;

/// One `--name VALUE` (`value` empty: `--name` alone).
struct Flag {
  std::string_view name;   ///< "--config"
  std::string_view value;  ///< "FILE"
  std::string_view help;
};

struct Example {
  std::string_view line;
  std::string_view says;
};

/// What the user typed, checked against a command's flags.
class Arguments {
 public:
  /// The last value of a flag; empty when it was not given.
  [[nodiscard]] std::string_view get(std::string_view flag) const;
  [[nodiscard]] std::vector<std::string_view> all(std::string_view flag) const;
  [[nodiscard]] bool has(std::string_view flag) const;
  /// What is no flag, in order.
  [[nodiscard]] std::span<const std::string> words() const noexcept { return words_; }

 private:
  friend Result<Arguments> parse_arguments(std::span<const std::string_view>, std::span<const Flag>, std::string_view);
  std::vector<std::pair<std::string, std::string>> flags_;
  std::vector<std::string> words_;
};

/// `rest`: what follows the command's name. `words`: what words it takes, for messages; empty: none. Knows `--flag VALUE`,
/// `--flag=VALUE`, and `--`, behind which everything is a word. Error: config, a sentence that says what was meant.
[[nodiscard]] Result<Arguments> parse_arguments(std::span<const std::string_view> rest, std::span<const Flag> flags,
                                                std::string_view words);

struct Command {
  std::string_view name;     ///< "serve", "twin serve"
  std::string_view words;    ///< "[PROMPT…]"; empty: it takes none
  std::string_view summary;  ///< one line
  std::string_view about;    ///< a paragraph or more
  std::span<const Flag> flags;
  std::span<const Example> examples;
  int (*run)(const Arguments& arguments);
  std::string_view more = {};           ///< further help behind the flags
  std::string (*appendix)() = nullptr;  ///< the same, made from tables
  enum class Shown : std::uint8_t { yes, hidden } shown = Shown::yes;
};
[[nodiscard]] std::span<const Command> commands();

/// Help for everything, and for one command.
[[nodiscard]] std::string help();
[[nodiscard]] std::string help(const Command& command);

/// Runs the command line without the program's name; returns the exit code.
[[nodiscard]] int run(std::span<const std::string_view> arguments);

}  // namespace cardea::app

#pragma once
// Putting settings into a text that its owner keeps: all that is not named stays as it is, comments too. Pure.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cardea::app {

/// One value and where it belongs.
struct Setting {
  std::vector<std::string> path;  ///< keys from the outermost in; in YAML "[NAME]" is the list's element whose `name` is NAME
  std::string value;
  enum class Kind : std::uint8_t {
    text,
    raw,      ///< as the format has it: a number, a list in JSON's form
    initial,  ///< text for a file that lacks it; what stands there is kept
    absent,   ///< taken out, if it is there: what was said of another model
  } kind = Kind::text;
};

enum class Format : std::uint8_t { json, env, yaml, toml };

/// `text` (empty: a new file) with `settings` in it. Error: config, with the file's line where that is known, when it cannot be
/// read or is written in a way that only its owner should change. Putting the same in twice changes nothing the second time.
///   json  comments and commas too many are kept where they are
///   env   NAME=VALUE lines
///   yaml  keys at the top level, and of elements of lists at the top level
///   toml  top-level keys, in a section of our own between two comments
[[nodiscard]] Result<std::string> merge(Format format, std::string_view text, std::span<const Setting> settings);

/// As `diff -u` shows it; empty when nothing differs. `name` heads it.
[[nodiscard]] std::string unified_diff(std::string_view before, std::string_view after, std::string_view name);
/// Lines as they may be shown: the value of what is called a key, token, secret or password is hidden.
[[nodiscard]] std::string without_secrets(std::string_view text);

// The formats, one each; merge() chooses.
[[nodiscard]] Result<std::string> merge_json(std::string_view text, std::span<const Setting> settings);
[[nodiscard]] Result<std::string> merge_env(std::string_view text, std::span<const Setting> settings);
[[nodiscard]] Result<std::string> merge_yaml(std::string_view text, std::span<const Setting> settings);
[[nodiscard]] Result<std::string> merge_toml(std::string_view text, std::span<const Setting> settings);

/// Lines without their ends; a last line without one counts.
[[nodiscard]] std::vector<std::string> split_lines(std::string_view text);
/// The reverse; every line ends.
[[nodiscard]] std::string join_lines(std::span<const std::string> lines);

}  // namespace cardea::app

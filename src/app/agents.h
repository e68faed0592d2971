#pragma once
// Coding agents that talk to Cardea: what each must be told, as data. docs/agents.md says with which versions it was tried.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings_text.h"

namespace cardea::app {

/// What goes into an agent's settings.
struct AgentValues {
  std::string url;             ///< of the gateway, without a path: "http://127.0.0.1:8080"
  std::string key;             ///< empty: the gateway asks for none, or it is not known
  std::string model;           ///< for the work
  std::string small;           ///< for titles and summaries
  std::string context_tokens;  ///< of the model; empty: unknown
  std::string output_tokens;   ///< the most of one answer; empty: unknown
};

/// A setting whose value is made of {url}, {key}, {model}, {small}, {context} and {output}. It is left out, and taken out of a
/// file, when one of them is empty; {any_key} never is, for agents that do not start without one.
struct SettingRow {
  std::string_view path;  ///< keys with dots between them; "{model}" may be one
  std::string_view value;
  Setting::Kind kind = Setting::Kind::text;
};

/// A file of the agent, and what belongs into it.
struct AgentFile {
  std::string_view variable;  ///< of the environment, which names the folder
  std::string_view folder;    ///< when it does not: below the home directory
  std::string_view name;
  std::string_view other_name;  ///< taken when only this one is there; empty: no other
  Format format;
  std::span<const SettingRow> settings;
};

struct Agent {
  std::string_view name;   ///< "claude-code"
  std::string_view title;  ///< "Claude Code"
  std::span<const AgentFile> files;
  std::span<const SettingRow> variables;  ///< the environment of one shell; empty: the agent does not take it from there
  std::string_view start;                 ///< command line with the files
  std::string_view start_once;            ///< command line with the variables, or with flags only; empty: `start`
  std::string_view note;                  ///< what may be in the way; empty: nothing
  std::string_view source;                ///< where its makers describe the settings
};
[[nodiscard]] std::span<const Agent> agents();
/// nullptr: unknown.
[[nodiscard]] const Agent* find_agent(std::string_view name);

/// `rows` with `values` in them; those that lack one are Setting::Kind::absent.
[[nodiscard]] std::vector<Setting> settings_of(std::span<const SettingRow> rows, const AgentValues& values);
/// A command line with `values` in it, quoted for a shell.
[[nodiscard]] std::string command_of(std::string_view text, const AgentValues& values);
/// Looks an environment variable up; empty: not set.
using Variable = std::function<std::string(const char* name)>;
/// Where the file is, by the agent's own rules; empty: there is no home. `exists` decides between the two names.
[[nodiscard]] std::string path_of(const AgentFile& file, const Variable& variable,
                                  const std::function<bool(const std::string&)>& exists);
/// The same for people: "~/.claude/settings.json".
[[nodiscard]] std::string shown_path(const AgentFile& file);

/// Everything to do by hand: files, variables, how to start. Error: internal.
[[nodiscard]] Result<std::string> instructions(const Agent& agent, const AgentValues& values);
/// The list of agents, for help.
[[nodiscard]] std::string agents_appendix();
/// docs/agents.md's part that is made of the table.
[[nodiscard]] std::string agents_markdown();

}  // namespace cardea::app

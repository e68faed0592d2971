#include "app/agents.h"

#include <algorithm>
#include <array>

#include "app/output.h"
#include "base/text.h"

namespace cardea::app {
namespace {

constexpr auto raw = Setting::Kind::raw;
constexpr auto initial = Setting::Kind::initial;

// ---- The table -------------------------------------------------------------------------------------------------------------

constexpr SettingRow claude_code_variables[] = {
    {"ANTHROPIC_BASE_URL", "{url}"},
    {"ANTHROPIC_AUTH_TOKEN", "{any_key}"},
    {"ANTHROPIC_MODEL", "{model}"},
    // What its parts ask for by class must not leave for a model that this gateway may not have.
    {"ANTHROPIC_DEFAULT_OPUS_MODEL", "{model}"},
    {"ANTHROPIC_DEFAULT_SONNET_MODEL", "{model}"},
    {"ANTHROPIC_DEFAULT_HAIKU_MODEL", "{small}"},
    {"CLAUDE_CODE_MAX_CONTEXT_TOKENS", "{context}"},
};
constexpr SettingRow claude_code_settings[] = {
    {"env.ANTHROPIC_BASE_URL", "{url}"},
    {"env.ANTHROPIC_AUTH_TOKEN", "{any_key}"},
    {"env.ANTHROPIC_MODEL", "{model}"},
    {"env.ANTHROPIC_DEFAULT_OPUS_MODEL", "{model}"},
    {"env.ANTHROPIC_DEFAULT_SONNET_MODEL", "{model}"},
    {"env.ANTHROPIC_DEFAULT_HAIKU_MODEL", "{small}"},
    {"env.CLAUDE_CODE_MAX_CONTEXT_TOKENS", "{context}"},
};
constexpr AgentFile claude_code_files[] = {
    {"CLAUDE_CONFIG_DIR", ".claude", "settings.json", "", Format::json, claude_code_settings},
};

constexpr SettingRow codex_settings[] = {
    {"model", "{model}"},
    {"model_provider", "cardea"},
    {"model_context_window", "{context}", raw},
    {"model_providers.cardea.name", "Cardea"},
    {"model_providers.cardea.base_url", "{url}/v1"},
    {"model_providers.cardea.wire_api", "responses"},
    {"model_providers.cardea.experimental_bearer_token", "{key}"},
    // Its web search is OpenAI's own: other models do without instead of being refused.
    {"model_providers.cardea.http_headers.x-cardea-allow-loss", "true"},
};
constexpr AgentFile codex_files[] = {
    {"CODEX_HOME", ".codex", "cardea.config.toml", "", Format::toml, codex_settings},
};

constexpr SettingRow gemini_cli_env[] = {
    {"GOOGLE_GEMINI_BASE_URL", "{url}"},
    {"GEMINI_API_KEY", "{any_key}"},
    {"GEMINI_MODEL", "{model}"},
};
constexpr SettingRow gemini_cli_settings[] = {
    {"security.auth.selectedType", "gemini-api-key"},
    // Its helpers have models of Google's by name, whatever --model says, and ask again and again for one that is missing.
    {"modelConfigs.customAliases.classifier.modelConfig.model", "{small}"},
    {"modelConfigs.customAliases.prompt-completion.modelConfig.model", "{small}"},
    {"modelConfigs.customAliases.fast-ack-helper.modelConfig.model", "{small}"},
    {"modelConfigs.customAliases.edit-corrector.modelConfig.model", "{small}"},
    {"modelConfigs.customAliases.summarizer-default.modelConfig.model", "{small}"},
    {"modelConfigs.customAliases.summarizer-shell.modelConfig.model", "{small}"},
    {"modelConfigs.customAliases.gemini-3-flash-base.modelConfig.model", "{small}"},
    {"modelConfigs.customAliases.agent-history-provider-summarizer.modelConfig.model", "{small}"},
    {"modelConfigs.customAliases.loop-detection-double-check.modelConfig.model", "{model}"},
    {"modelConfigs.customAliases.chat-compression-default.modelConfig.model", "{model}"},
};
constexpr AgentFile gemini_cli_files[] = {
    {"GEMINI_CLI_HOME", "", ".gemini/.env", "", Format::env, gemini_cli_env},
    {"GEMINI_CLI_HOME", "", ".gemini/settings.json", "", Format::json, gemini_cli_settings},
};

constexpr SettingRow opencode_settings[] = {
    {"$schema", "https://opencode.ai/config.json", initial},
    {"provider.cardea.npm", "@ai-sdk/openai-compatible"},
    {"provider.cardea.name", "Cardea"},
    {"provider.cardea.options.baseURL", "{url}/v1"},
    {"provider.cardea.options.apiKey", "{any_key}"},
    {"provider.cardea.models.{model}.name", "{model}"},
    {"provider.cardea.models.{model}.limit", R"({"context": {context}, "output": {output}})", raw},
    {"provider.cardea.models.{small}.name", "{small}"},
    {"model", "cardea/{model}"},
    {"small_model", "cardea/{small}"},
};
constexpr AgentFile opencode_files[] = {
    {"XDG_CONFIG_HOME", ".config", "opencode/opencode.json", "opencode/opencode.jsonc", Format::json, opencode_settings},
};

constexpr SettingRow aider_settings[] = {
    {"model", "openai/{model}"},
    {"weak-model", "openai/{small}"},
    {"openai-api-base", "{url}/v1"},
    {"openai-api-key", "{any_key}"},
};
constexpr SettingRow aider_variables[] = {
    {"OPENAI_API_BASE", "{url}/v1"},
    {"OPENAI_API_KEY", "{any_key}"},
};
constexpr AgentFile aider_files[] = {
    {"", "", ".aider.conf.yml", "", Format::yaml, aider_settings},
};

constexpr SettingRow continue_settings[] = {
    {"name", "Local Config", initial},
    {"version", "1.0.0", initial},
    {"schema", "v1", initial},
    {"models.[Cardea].provider", "openai"},
    {"models.[Cardea].model", "{model}"},
    {"models.[Cardea].apiBase", "{url}/v1"},
    {"models.[Cardea].apiKey", "{any_key}"},
    {"models.[Cardea].capabilities", R"(["tool_use"])", raw},
    {"models.[Cardea].defaultCompletionOptions", "{contextLength: {context}}", raw},
};
constexpr AgentFile continue_files[] = {
    {"CONTINUE_GLOBAL_DIR", ".continue", "config.yaml", "", Format::yaml, continue_settings},
};

constexpr Agent agent_rows[] = {
    {.name = "claude-code",
     .title = "Claude Code",
     .files = claude_code_files,
     .variables = claude_code_variables,
     .start = "claude",
     .start_once = "",
     .note = "Unset ANTHROPIC_API_KEY: it would be sent besides.",
     .source = "https://code.claude.com/docs/en/llm-gateway-connect"},
    {.name = "codex",
     .title = "Codex",
     .files = codex_files,
     .variables = {},
     .start = "codex --profile cardea",
     .start_once = "",
     .note = "A profile of its own (Codex 0.134 and later): without --profile, Codex is as before. What a model of another "
             "vendor cannot be "
             "told, such as Codex's web search, is left out.",
     .source = "https://developers.openai.com/codex/config-advanced"},
    {.name = "gemini-cli",
     .title = "Gemini CLI",
     .files = gemini_cli_files,
     .variables = {},  // alone they do not do: without the settings it knows no way to log in
     .start = "gemini",
     .start_once = "",
     .note = "It reads these files in folders that it trusts (it asks; without a terminal: --skip-trust); a .env of the project "
             "comes "
             "before them.",
     .source = "https://github.com/google-gemini/gemini-cli/blob/main/docs/reference/configuration.md"},
    {.name = "opencode",
     .title = "opencode",
     .files = opencode_files,
     .variables = {},
     .start = "opencode",
     .start_once = "",
     .note = "",
     .source = "https://opencode.ai/docs/providers"},
    {.name = "aider",
     .title = "aider",
     .files = aider_files,
     .variables = aider_variables,
     .start = "aider",
     .start_once = "aider --model openai/{model} --weak-model openai/{small}",
     .note = "A .aider.conf.yml of the project comes before the one in the home directory.",
     .source = "https://aider.chat/docs/llms/openai-compat.html"},
    {.name = "continue",
     .title = "Continue",
     .files = continue_files,
     .variables = {},
     .start = "cn --config ~/.continue/config.yaml",
     .start_once = "",
     .note = "The extensions of VS Code and JetBrains read the same file.",
     .source = "https://docs.continue.dev/reference"},
};

// ---- Values ----------------------------------------------------------------------------------------------------------------

/// Any will do where none is asked for.
constexpr std::string_view no_key = "cardea";

struct Placeholder {
  std::string_view name;
  std::string AgentValues::* value;
};
constexpr Placeholder placeholders[] = {
    {"{url}", &AgentValues::url},
    {"{key}", &AgentValues::key},
    {"{any_key}", &AgentValues::key},
    {"{model}", &AgentValues::model},
    {"{small}", &AgentValues::small},
    {"{context}", &AgentValues::context_tokens},
    {"{output}", &AgentValues::output_tokens},
};

/// std::nullopt: a value that is needed is not there.
std::optional<std::string> fill(std::string_view text, const AgentValues& values) {
  std::string out;
  while (!text.empty()) {
    const auto* found = std::ranges::find_if(placeholders, [&](const auto& one) { return text.starts_with(one.name); });
    if (found == std::end(placeholders)) {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const auto& value = values.*(found->value);
    if (value.empty() && found->name != "{any_key}") return std::nullopt;
    append(out, value.empty() ? no_key : std::string_view{value});
    text.remove_prefix(found->name.size());
  }
  return out;
}

std::string shell_word(std::string_view text) {
  constexpr std::string_view safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,=~";
  if (!text.empty() && text.find_first_not_of(safe) == std::string_view::npos) return std::string{text};
  std::string out = "'";
  for (const char c : text) append(out, c == '\'' ? std::string_view{"'\\''"} : std::string_view{&c, 1});
  return out + "'";
}

std::string indented(std::string_view text) {
  std::string out;
  for (const auto& line : split_lines(text)) append(out, cat(line.empty() ? "" : "    ", line, "\n"));
  return out;
}

}  // namespace

std::span<const Agent> agents() { return agent_rows; }

const Agent* find_agent(std::string_view name) {
  const auto* found = std::ranges::find(agent_rows, name, &Agent::name);
  return found != std::end(agent_rows) ? found : nullptr;
}

std::vector<Setting> settings_of(std::span<const SettingRow> rows, const AgentValues& values) {
  std::vector<Setting> settings;
  for (const auto& row : rows) {
    const auto value = fill(row.value, values);
    Setting setting{.path = {}, .value = value.value_or(""), .kind = value ? row.kind : Setting::Kind::absent};
    for (auto rest = row.path; !rest.empty();) {
      const auto end = std::min(rest.find('.'), rest.size());
      setting.path.push_back(fill(rest.substr(0, end), values).value_or(""));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    settings.push_back(std::move(setting));
  }
  return settings;
}

std::string command_of(std::string_view text, const AgentValues& values) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    append(out, cat(out.empty() ? "" : " ", shell_word(fill(text.substr(0, end), values).value_or(""))));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string path_of(const AgentFile& file, const Variable& variable, const std::function<bool(const std::string&)>& exists) {
  std::string folder = file.variable.empty() ? "" : variable(std::string{file.variable}.c_str());
  if (folder.empty()) {
    const auto home = variable("HOME");
    if (home.empty()) return {};
    folder = cat(home, file.folder.empty() ? "" : "/", file.folder);
  }
  const auto path = cat(folder, "/", file.name);
  if (file.other_name.empty() || exists(path)) return path;
  auto other = cat(folder, "/", file.other_name);
  return exists(other) ? other : path;
}

std::string shown_path(const AgentFile& file) { return cat("~/", file.folder, file.folder.empty() ? "" : "/", file.name); }

Result<std::string> instructions(const Agent& agent, const AgentValues& values) {
  std::string text = cat(agent.title, " with the model ", values.model, " through ", values.url, "\n");
  for (const auto& file : agent.files) {
    Result<std::string> content = merge(file.format, "", settings_of(file.settings, values));
    if (!content) return fail_with(content);
    append(text, cat("\n", shown_path(file), "\n\n", indented(*content)));
  }
  append(text, cat("\nThen start it with\n\n    ", command_of(agent.start, values), "\n"));
  if (!agent.variables.empty()) {
    append(text, "\nOr, for one shell and without a file\n\n");
    for (const auto& setting : settings_of(agent.variables, values))
      if (setting.kind != Setting::Kind::absent)
        append(text, cat("    export ", setting.path.back(), "=", shell_word(setting.value), "\n"));
    append(text, cat("    ", command_of(agent.start_once.empty() ? agent.start : agent.start_once, values), "\n"));
  }
  if (!agent.note.empty()) append(text, cat("\n", agent.note, "\n"));
  return text;
}

std::string agents_appendix() {
  std::vector<std::vector<std::string>> rows{{"  AGENT", "NAME", "ITS FILES"}};
  for (const auto& agent : agent_rows) {
    std::string files;
    for (const auto& file : agent.files) append(files, cat(files.empty() ? "" : ", ", shown_path(file)));
    rows.push_back({cat("  ", agent.title), std::string{agent.name}, files});
  }
  return cat("Agents\n", table(rows));
}

std::string agents_markdown() {
  std::string text = "| agent | command | its files | for one shell | start |\n|---|---|---|---|---|\n";
  for (const auto& agent : agent_rows) {
    std::string files;
    for (const auto& file : agent.files) append(files, cat(files.empty() ? "" : ", ", "`", shown_path(file), "`"));
    std::string variables;
    for (const auto& row : agent.variables) append(variables, cat(variables.empty() ? "" : ", ", "`", row.path, "`"));
    append(text, cat("| [", agent.title, "](", agent.source, ") | `cardea agent ", agent.name, "` | ", files, " | ", variables,
                     " | `", agent.start, "` |\n"));
  }
  return text;
}

}  // namespace cardea::app

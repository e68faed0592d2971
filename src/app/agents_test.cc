#include "app/agents.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "app/command.h"
#include "base/text.h"
#include "json/value.h"
#include "server/load.h"

namespace cardea::app {
namespace {

const AgentValues values{.url = "http://127.0.0.1:8080",
                         .key = "sk-1",
                         .model = "openai/gpt-5",
                         .small = "openai/gpt-5-mini",
                         .context_tokens = "400000",
                         .output_tokens = "128000"};

std::string text_of(const AgentFile& file, const AgentValues& with) {
  const Result<std::string> text = merge(file.format, "", settings_of(file.settings, with));
  return text ? *text : std::string{text.error().message()};
}

TEST(Agents, EveryOneIsComplete) {
  for (const auto& agent : agents()) {
    EXPECT_EQ(find_agent(agent.name), &agent);
    EXPECT_FALSE(agent.files.empty()) << agent.name;
    EXPECT_TRUE(agent.source.starts_with("https://")) << agent.name;
    std::string all;
    for (const auto& file : agent.files) append(all, text_of(file, values));
    for (const std::string_view needed : {"http://127.0.0.1:8080", "sk-1", "openai/gpt-5"})
      EXPECT_NE(all.find(needed), std::string::npos) << agent.name << " lacks " << needed << "\n" << all;
    EXPECT_EQ(all.find('{' + std::string{"model}"}), std::string::npos) << all;
    const Result<std::string> text = instructions(agent, values);
    ASSERT_TRUE(text);
    EXPECT_NE(text->find(agent.start), std::string::npos) << *text;
  }
  EXPECT_EQ(find_agent("codx"), nullptr);
}

TEST(Agents, LeaveOutWhatIsNotKnown) {
  AgentValues bare = values;
  bare.key.clear();
  bare.context_tokens.clear();
  const std::string codex = text_of(find_agent("codex")->files[0], bare);
  EXPECT_EQ(codex.find("bearer"), std::string::npos) << codex;
  EXPECT_EQ(codex.find("window"), std::string::npos) << codex;
  EXPECT_NE(text_of(find_agent("codex")->files[0], values).find("model_context_window = 400000\n"), std::string::npos);
  // These do not start without a key.
  EXPECT_NE(text_of(find_agent("claude-code")->files[0], bare).find(R"("ANTHROPIC_AUTH_TOKEN": "cardea")"), std::string::npos);
}

TEST(Agents, OpencodeKnowsTheModelsLimits) {
  const Result<json::Value> config = json::parse(text_of(find_agent("opencode")->files[0], values));
  ASSERT_TRUE(config);
  const auto* models = config->find("provider")->find("cardea")->find("models");
  EXPECT_EQ(models->find("openai/gpt-5")->dump(), R"({"name":"openai/gpt-5","limit":{"context":400000,"output":128000}})");
  EXPECT_NE(models->find("openai/gpt-5-mini"), nullptr);
  EXPECT_EQ(*config->find("model")->as_string(), "cardea/openai/gpt-5");
}

TEST(Agents, FilesAreWhereTheAgentLooks) {
  std::string set;
  const Variable variable = [&](const char* name) -> std::string {
    return std::string_view{name} == set ? "/x" : std::string_view{name} == "HOME" ? "/h/me" : "";
  };
  const auto path = [&](std::string_view agent, std::string_view there = "") {
    return path_of(find_agent(agent)->files[0], variable, [&](const std::string& name) { return name == there; });
  };
  EXPECT_EQ(path("claude-code"), "/h/me/.claude/settings.json");
  EXPECT_EQ(path("aider"), "/h/me/.aider.conf.yml");
  EXPECT_EQ(path("gemini-cli"), "/h/me/.gemini/.env");
  EXPECT_EQ(path("opencode"), "/h/me/.config/opencode/opencode.json");
  EXPECT_EQ(path("opencode", "/h/me/.config/opencode/opencode.jsonc"), "/h/me/.config/opencode/opencode.jsonc");
  set = "CODEX_HOME";
  EXPECT_EQ(path("codex"), "/x/cardea.config.toml");
  set = "GEMINI_CLI_HOME";
  EXPECT_EQ(path("gemini-cli"), "/x/.gemini/.env");
}

TEST(Agents, CommandsAreQuoted) {
  AgentValues odd = values;
  odd.model = "it's a $model";
  EXPECT_EQ(command_of("aider --model openai/{model}", odd), R"(aider --model 'openai/it'\''s a $model')");
}

TEST(Agents, AreDocumented) {
  const auto page = server::read_file(cat(CARDEA_SOURCE_DIR, "/docs/agents.md"));
  ASSERT_TRUE(page);
  EXPECT_NE(page->find(agents_markdown()), std::string::npos) << "docs/agents.md should hold\n" << agents_markdown();
}

// ---- The command ---------------------------------------------------------------------------------------------------------

struct Said {
  int code = 0;
  std::string out;
  std::string err;
};

class AgentCommand : public ::testing::Test {
 protected:
  AgentCommand() {
    std::string name = (std::filesystem::temp_directory_path() / "cardea-agents-XXXXXX").string();
    home_ = mkdtemp(name.data());
    setenv("HOME", home_.c_str(), 1);
    for (const char* other :
         {"CARDEA_URL", "CARDEA_API_KEY", "API_KEY", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "XDG_CONFIG_HOME"})
      unsetenv(other);
    std::ofstream{config_}
        << "listen: [\"unix:/nowhere/socket\", \"0.0.0.0:18999\"]\nkeys: [{name: a, key: sk-of-the-configuration-0123456789}]\n"
           "aliases: {mine: twin/echo}\n";
  }
  ~AgentCommand() override { std::filesystem::remove_all(home_); }

  Said run_agent(std::vector<std::string_view> words) {
    words.insert(words.begin(), "agent");
    words.insert(words.end(), {"--config", config_});
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    Said said{.code = run(words)};
    said.out = ::testing::internal::GetCapturedStdout();
    said.err = ::testing::internal::GetCapturedStderr();
    return said;
  }
  [[nodiscard]] std::string file(std::string_view name) const {
    return server::read_file(cat(home_, "/", name)).value_or("(none)");
  }

  std::string home_;
  std::string config_ = home_ + "/cardea.yaml";
};

TEST_F(AgentCommand, PrintsWhereTheConfigurationListensButNotItsKey) {
  const Said said = run_agent({"claude-code"});
  EXPECT_EQ(said.code, exit_ok);
  EXPECT_NE(said.out.find(R"("ANTHROPIC_BASE_URL": "http://127.0.0.1:18999")"), std::string::npos) << said.out;
  EXPECT_NE(said.out.find(R"("ANTHROPIC_MODEL": "mine")"), std::string::npos) << said.out;
  EXPECT_EQ(said.out.find("sk-of-the-configuration"), std::string::npos);
  EXPECT_NE(said.err.find("asks for a key"), std::string::npos);
  EXPECT_NE(run_agent({"claude-code", "--config-key"}).out.find("sk-of-the-configuration-0123456789"), std::string::npos);
  EXPECT_EQ(run_agent({"claude-code", "--write"}).code, exit_usage) << "no key to write";
}

TEST_F(AgentCommand, WritesWhatItShowed) {
  std::filesystem::create_directory(home_ + "/.claude");
  std::ofstream{home_ + "/.claude/settings.json"} << "{\n  \"theme\": \"dark\"\n}\n";
  const std::vector<std::string_view> words{
      "claude-code", "--key", "sk-given", "--model", "twin/lorem", "--url", "https://ai.example.com/v1/"};
  auto dry = words;
  dry.emplace_back("--dry-run");
  const Said shown = run_agent(dry);
  EXPECT_NE(shown.out.find("\n+    \"ANTHROPIC_BASE_URL\": \"https://ai.example.com\",\n"), std::string::npos) << shown.out;
  EXPECT_EQ(shown.out.find("sk-given"), std::string::npos) << "a diff shows no key";
  EXPECT_EQ(file(".claude/settings.json.bak"), "(none)");
  auto wet = words;
  wet.emplace_back("--write");
  const Said written = run_agent(wet);
  EXPECT_EQ(written.code, exit_ok) << written.err;
  EXPECT_TRUE(written.out.starts_with(shown.out));
  const Result<json::Value> settings = json::parse(file(".claude/settings.json"));
  ASSERT_TRUE(settings);
  EXPECT_EQ(*settings->find("theme")->as_string(), "dark");
  EXPECT_EQ(*settings->find("env")->find("ANTHROPIC_AUTH_TOKEN")->as_string(), "sk-given");
  EXPECT_EQ(*settings->find("env")->find("ANTHROPIC_DEFAULT_HAIKU_MODEL")->as_string(), "twin/lorem");
  EXPECT_NE(file(".claude/settings.json.bak").find("dark"), std::string::npos);
  struct stat about{};
  ASSERT_EQ(stat((home_ + "/.claude/settings.json").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  EXPECT_NE(run_agent(wet).out.find("is as it should be"), std::string::npos);
}

TEST_F(AgentCommand, WhatWasKnownOfAnotherModelIsTakenOut) {
  std::ofstream{config_, std::ios::app} << "models:\n  - {name: big, endpoint: \"http://127.0.0.1:9\", context: 64000}\n";
  const auto write_for = [&](std::string_view agent, std::string_view model) {
    const Said said = run_agent({agent, "--key", "sk-given", "--model", model, "--write"});
    EXPECT_EQ(said.code, exit_ok) << said.err;
  };
  for (const auto& [agent, name, words] :
       {std::array{"claude-code", ".claude/settings.json", "\"CLAUDE_CODE_MAX_CONTEXT_TOKENS\": \"64000\""},
        std::array{"codex", ".codex/cardea.config.toml", "model_context_window = 64000"},
        std::array{"continue", ".continue/config.yaml", "{contextLength: 64000}"}}) {
    write_for(agent, "big");
    EXPECT_NE(file(name).find(words), std::string::npos) << file(name);
    write_for(agent, "mine");
    EXPECT_EQ(file(name).find("64000"), std::string::npos) << file(name);
  }
}

TEST_F(AgentCommand, WritesEveryAgentsFiles) {
  for (const auto& agent : agents()) {
    const Said said = run_agent({agent.name, "--key", "sk-given", "--write"});
    EXPECT_EQ(said.code, exit_ok) << agent.name << said.err;
    for (const auto& one : agent.files) {
      EXPECT_EQ(file(shown_path(one).substr(2)), text_of(one, {.url = "http://127.0.0.1:18999",
                                                               .key = "sk-given",
                                                               .model = "mine",
                                                               .small = "mine",
                                                               .context_tokens = {},
                                                               .output_tokens = {}}));
    }
  }
}

TEST_F(AgentCommand, RefusesWithReasons) {
  EXPECT_EQ(run_agent({}).code, exit_usage);
  EXPECT_NE(run_agent({"codx"}).err.find("did you mean 'codex'?"), std::string::npos);
  const Said unknown = run_agent({"codex", "--model", "twin/ecko"});
  EXPECT_EQ(unknown.code, exit_usage);
  EXPECT_NE(unknown.err.find("did you mean 'twin/echo'?"), std::string::npos) << unknown.err;
  EXPECT_NE(unknown.err.find("\n  twin/lorem"), std::string::npos) << unknown.err;
  EXPECT_EQ(run_agent({"codex", "--url", "ftp://x"}).code, exit_usage);
  EXPECT_EQ(run_agent({"codex", "--url", "unix:/x"}).code, exit_usage);
  std::filesystem::create_directory(home_ + "/.gemini");
  std::ofstream{home_ + "/.gemini/settings.json"} << "{\"security\": 5}";
  const Said spoilt = run_agent({"gemini-cli", "--key", "k", "--write"});
  EXPECT_EQ(spoilt.code, exit_failed);
  EXPECT_EQ(file(".gemini/.env"), "(none)") << "all files or none";
  unsetenv("HOME");
  EXPECT_NE(run_agent({"codex", "--key", "k", "--write"}).err.find("HOME is not set"), std::string::npos);
}

}  // namespace
}  // namespace cardea::app

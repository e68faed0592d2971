#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "app/settings_file.h"
#include "app/settings_text.h"
#include "base/text.h"
#include "server/load.h"

namespace cardea::app {
namespace {

const std::vector<Setting> simple{{{"a"}, "1"}, {{"b", "c d"}, "x\"y"}, {{"b", "n"}, "5", Setting::Kind::raw}};

/// What merging gives; merging again must give the same.
std::string merged(Format format, std::string_view text, std::span<const Setting> settings = simple) {
  const Result<std::string> once = merge(format, text, settings);
  if (!once) return std::string{once.error().message()};
  const Result<std::string> twice = merge(format, *once, settings);
  EXPECT_TRUE(twice) << *once;
  if (twice) EXPECT_EQ(*twice, *once);
  return *once;
}

TEST(SettingsJson, MakesAFile) {
  constexpr std::string_view whole = "{\n  \"a\": \"1\",\n  \"b\": {\n    \"c d\": \"x\\\"y\",\n    \"n\": 5\n  }\n}\n";
  EXPECT_EQ(merged(Format::json, ""), whole);
  EXPECT_EQ(merged(Format::json, "\n"), cat("\n", whole));
  EXPECT_EQ(merged(Format::json, "{}\n"), whole);
}

TEST(SettingsJson, KeepsWhatIsThere) {
  EXPECT_EQ(merged(Format::json, R"({
    // mine
    "z": [1, 2], /* "b": {} */
    "b": {"n": 7} // why
})"),
            R"({
    // mine
    "z": [1, 2], /* "b": {} */
    "b": {"n": 5, "c d": "x\"y"}, // why
    "a": "1"
})");
  EXPECT_EQ(
      merged(Format::json, "{\n\t\"z\": \"a // b\",\n\t\"b\": {\n\t\t\"y\": 1,\n\t},\n}\n"),
      "{\n\t\"z\": \"a // b\",\n\t\"b\": {\n\t\t\"y\": 1,\n\t\t\"c d\": \"x\\\"y\",\n\t\t\"n\": 5,\n\t},\n\t\"a\": \"1\",\n}\n");
  EXPECT_EQ(merged(Format::json, R"({"z":1})"), R"({"z":1, "a": "1", "b": {"c d": "x\"y", "n": 5}})");
  EXPECT_EQ(merged(Format::json, "{ // none\n}\n", std::vector<Setting>{{{"a"}, "1"}}), "{\n  \"a\": \"1\" // none\n}\n");
}

TEST(SettingsJson, Refuses) {
  EXPECT_EQ(merged(Format::json, R"({"b": "text"})"), "'b' is a string there, not an object");
  EXPECT_NE(merged(Format::json, "{\n\"b\": nope}").find("line 2"), std::string::npos);
  EXPECT_FALSE(merge(Format::json, "[]", simple));
  EXPECT_FALSE(merge(Format::json, "{\"a\": \"open", simple));
}

TEST(SettingsJson, InitialIsForNewFiles) {
  const std::vector<Setting> one{{{"a"}, "new", Setting::Kind::initial}};
  EXPECT_EQ(merged(Format::json, "{\"a\": \"old\"}", one), "{\"a\": \"old\"}");
  EXPECT_EQ(merged(Format::json, "", one), "{\n  \"a\": \"new\"\n}\n");
}

const std::vector<Setting> gone{{{"b", "x"}, "", Setting::Kind::absent}, {{"q"}, "", Setting::Kind::absent}};

TEST(SettingsJson, TakesOut) {
  EXPECT_EQ(merged(Format::json, "{\n  \"b\": {\n    \"a\": 1,\n    \"x\": [1, 2],\n    \"y\": 3\n  }\n}\n", gone),
            "{\n  \"b\": {\n    \"a\": 1,\n    \"y\": 3\n  }\n}\n");
  EXPECT_EQ(merged(Format::json, "{\n  \"b\": {\n    \"a\": 1, // one\n    \"x\": 2\n  },\n  \"q\": 1\n}\n", gone),
            "{\n  \"b\": {\n    \"a\": 1\n  }\n}\n");
  EXPECT_EQ(merged(Format::json, R"({"q": 1, "b": {"x": 1}})", gone), R"({"b": {}})");
  EXPECT_EQ(merged(Format::json, R"({"b": {}})", gone), R"({"b": {}})");
}

TEST(SettingsEnv, ReplacesAndAppends) {
  const std::vector<Setting> two{{{"A"}, "http://h:1/x"}, {{"B"}, "two words"}};
  EXPECT_EQ(merged(Format::env, "", two), "A=http://h:1/x\nB=\"two words\"\n");
  EXPECT_EQ(merged(Format::env, "# A=no\nexport A='old' # x\nC=1", two), "# A=no\nA=http://h:1/x\nC=1\nB=\"two words\"\n");
}

TEST(SettingsToml, ASectionOfItsOwn) {
  const std::string section = merged(Format::toml, "");
  EXPECT_NE(section.find("\na = \"1\"\nb.\"c d\" = \"x\\\"y\"\nb.n = 5\n"), std::string::npos) << section;
  EXPECT_EQ(merged(Format::toml, "z = 1\n[t]\na = 2\n"), cat(section, "\nz = 1\n[t]\na = 2\n"));
  EXPECT_EQ(merged(Format::toml, cat("# x\n", section, "z = 1\n"), std::vector<Setting>{{{"q"}, "2"}}),
            cat("# x\n", merged(Format::toml, "", std::vector<Setting>{{{"q"}, "2"}}), "z = 1\n"));
  EXPECT_EQ(merged(Format::toml, "z = 1\n a = 2\n"), "line 2 sets 'a' already; take it out first");
  EXPECT_EQ(merged(Format::toml, "[b]\nx = 1\n"), "line 1 sets 'b' already; take it out first");
  EXPECT_EQ(merged(Format::toml, section.substr(0, section.find('\n') + 1)), "Cardea's section has a begin but no end");
}

const std::vector<Setting> model{{{"name"}, "Mine", Setting::Kind::initial},
                                 {{"models", "[Cardea]", "model"}, "m"},
                                 {{"models", "[Cardea]", "apiBase"}, "http://h"},
                                 {{"models", "[Cardea]", "can"}, R"(["x"])", Setting::Kind::raw}};

TEST(SettingsYaml, MakesAFile) {
  EXPECT_EQ(merged(Format::yaml, "", std::vector<Setting>{{{"a"}, "1"}, {{"b-c"}, "x: y"}}), "a: \"1\"\nb-c: \"x: y\"\n");
  EXPECT_EQ(merged(Format::yaml, "", model),
            "name: \"Mine\"\nmodels:\n  - name: \"Cardea\"\n    model: \"m\"\n    apiBase: \"http://h\"\n    can: [\"x\"]\n");
}

TEST(SettingsYaml, KeepsWhatIsThere) {
  EXPECT_EQ(merged(Format::yaml, "# top\na: old # why\n\nz:\n  a: 1\n'b': 'it''s #1'\nc: |\n  a: no\n",
                   std::vector<Setting>{{{"a"}, "1"}, {{"b"}, "2"}, {{"d"}, "3"}}),
            "# top\na: \"1\" # why\n\nz:\n  a: 1\n'b': \"2\"\nc: |\n  a: no\nd: \"3\"\n");
  EXPECT_EQ(merged(Format::yaml, "name: Old\nmodels: # all\n- name: Other\n  # a word\n  model: o\nrules: []\n", model),
            "name: Old\nmodels: # all\n- name: \"Cardea\"\n  model: \"m\"\n  apiBase: \"http://h\"\n  can: [\"x\"]\n"
            "- name: Other\n  # a word\n  model: o\nrules: []\n");
  EXPECT_EQ(
      merged(
          Format::yaml,
          "name: Old\nmodels:\n  - name: Other\n    model: o\n  - name: Cardea\n    model: old # x\n    roles:\n      - chat\n",
          model),
      "name: Old\nmodels:\n  - name: Other\n    model: o\n  - name: Cardea\n    model: \"m\" # x\n    apiBase: \"http://h\"\n"
      "    can: [\"x\"]\n    roles:\n      - chat\n");
  EXPECT_EQ(merged(Format::yaml, "name: Old\nmodels: []  # none\n", model),
            "name: Old\nmodels: # none\n  - name: \"Cardea\"\n    model: \"m\"\n    apiBase: \"http://h\"\n    can: [\"x\"]\n");
}

TEST(SettingsYaml, TakesOutAndReplacesLists) {
  std::vector<Setting> settings = model;
  settings.push_back({{"models", "[Cardea]", "options"}, "", Setting::Kind::absent});
  settings.push_back({{"q"}, "", Setting::Kind::absent});
  EXPECT_EQ(
      merged(Format::yaml,
             "name: Old\nq: 1\nmodels:\n  - name: Cardea\n    options: {length: 5}\n    can: [\"old\", \"older\"]\n    z: 1\n",
             settings),
      "name: Old\nmodels:\n  - name: Cardea\n    can: [\"x\"]\n    z: 1\n    model: \"m\"\n    apiBase: \"http://h\"\n");
  EXPECT_EQ(merged(Format::yaml, "", settings), merged(Format::yaml, "", model));
}

TEST(SettingsYaml, RefusesWhatItWouldSpoil) {
  const std::vector<Setting> one{{{"a"}, "1"}};
  EXPECT_FALSE(merge(Format::yaml, "{a: 2}\n", one));
  EXPECT_FALSE(merge(Format::yaml, "a: |\n  long\n", one));
  EXPECT_FALSE(merge(Format::yaml, "a: {b: 1}\n", one));
  EXPECT_FALSE(merge(Format::yaml, "a: two\n  lines\n", one));
  EXPECT_FALSE(merge(Format::yaml, "a: [\n", one));
  EXPECT_FALSE(merge(Format::yaml, "b: 1\n---\nc: 1\n", one));
  EXPECT_FALSE(merge(Format::yaml, "models: [{name: x}]\n", model));
  EXPECT_FALSE(merge(Format::yaml, "models: text\n", model));
  EXPECT_FALSE(merge(Format::yaml, "models:\n  - {name: Cardea, model: o}\n", model));
  EXPECT_FALSE(merge(Format::yaml, "- a\n", one));
}

TEST(Diff, AsDiffShowsIt) {
  EXPECT_EQ(unified_diff("a\n", "a\n", "f"), "");
  EXPECT_EQ(unified_diff("", "a\nb\n", "f"), "--- /dev/null\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
  EXPECT_EQ(unified_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n", "f"),
            "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
  std::string before, after;
  for (int i = 0; i < 30; ++i) {
    append(before, cat(i, "\n"));
    if (i != 3) append(after, cat(i, "\n"));
    if (i == 20) append(after, "new\n");
  }
  EXPECT_EQ(unified_diff(before, after, "f"),
            "--- f\n+++ f\n@@ -1,7 +1,6 @@\n 0\n 1\n 2\n-3\n 4\n 5\n 6\n@@ -19,6 +18,7 @@\n 18\n 19\n 20\n+new\n 21\n 22\n 23\n");
}

TEST(Diff, HidesSecrets) {
  EXPECT_EQ(without_secrets("+  \"apiKey\": \"sk-1\",\n-API_KEY=abc\n openai-api-key: x # y\n a: b\n"),
            "+  \"apiKey\": (hidden),\n-API_KEY=(hidden)\n openai-api-key: (hidden) # y\n a: b\n");
  EXPECT_EQ(without_secrets(R"({"env": {"MY_TOKEN": "s\"1", "url": "http://h"}, "keys": ["a"]})"),
            R"({"env": {"MY_TOKEN": (hidden), "url": "http://h"}, "keys": ["a"]})");
}

class SettingsFile : public ::testing::Test {
 protected:
  SettingsFile() {
    std::string name = (std::filesystem::temp_directory_path() / "cardea-settings-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~SettingsFile() override { std::filesystem::remove_all(folder_); }
  static std::string text_of(const std::string& path) { return server::read_file(path).value_or("(none)"); }
  static unsigned mode_of(const std::string& path) {
    struct stat about{};
    return stat(path.c_str(), &about) == 0 ? about.st_mode & 07777U : 0U;
  }
  std::string folder_;
};

TEST_F(SettingsFile, MakesFoldersAndKeepsABackup) {
  const auto path = cat(folder_, "/a/b/settings.json");
  Result<FileChange> change = look_at(path);
  ASSERT_TRUE(change);
  EXPECT_FALSE(change->exists);
  change->after = "one\n";
  ASSERT_TRUE(write(*change));
  EXPECT_EQ(text_of(path), "one\n");
  EXPECT_EQ(mode_of(path), 0644U);
  EXPECT_FALSE(std::filesystem::exists(path + ".bak"));

  change = look_at(path);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->before, "one\n");
  ASSERT_TRUE(write(*change));
  EXPECT_FALSE(std::filesystem::exists(path + ".bak")) << "nothing changed";
  change->after = "two\n";
  change->secret = true;
  ASSERT_TRUE(write(*change));
  EXPECT_EQ(text_of(path), "two\n");
  EXPECT_EQ(text_of(path + ".bak"), "one\n");
  EXPECT_EQ(mode_of(path), 0600U);
  EXPECT_EQ(mode_of(path + ".bak"), 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{cat(folder_, "/a/b")}, {}), 2) << "nothing else is left behind";
}

TEST_F(SettingsFile, WritesWhereALinkLeadsWithItsMode) {
  const auto real = cat(folder_, "/real"), link = cat(folder_, "/link");
  std::ofstream{real} << "old\n";
  ASSERT_EQ(chmod(real.c_str(), 0640), 0);
  std::filesystem::create_symlink(real, link);
  Result<FileChange> change = look_at(link);
  ASSERT_TRUE(change);
  change->after = "new\n";
  ASSERT_TRUE(write(*change));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(text_of(real), "new\n");
  EXPECT_EQ(mode_of(real), 0640U);
}

TEST_F(SettingsFile, SaysWhatIsWrong) {
  std::filesystem::create_directory(cat(folder_, "/settings"));
  const Result<FileChange> folder = look_at(cat(folder_, "/settings"));
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().message().find("cannot be read"), std::string_view::npos);
  std::ofstream{cat(folder_, "/file")} << "x";
  FileChange below{.path = cat(folder_, "/file/settings"), .before = {}, .after = "x"};
  EXPECT_FALSE(write(below));
}

}  // namespace
}  // namespace cardea::app

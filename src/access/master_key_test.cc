#include "access/master_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "access/vault.h"
#include "base/base64.h"
#include "base/text.h"
#include "config/settings.h"

namespace cardea::access {
namespace {

class MasterKeyFiles : public ::testing::Test {
 protected:
  MasterKeyFiles() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cardea-key-XXXXXX").string();
    data_ = mkdtemp(pattern.data());
  }
  ~MasterKeyFiles() override { std::filesystem::remove_all(data_); }

  std::string put(std::string_view name, std::string_view text, mode_t mode = 0600) const {
    auto path = cat(data_, '/', name);
    std::ofstream{path, std::ios::binary} << text;
    chmod(path.c_str(), mode);
    return path;
  }
  static std::string get(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  /// The keys, one letter each ("?" for others), or the problem.
  [[nodiscard]] std::string found(const config::MasterKey& configured, std::string_view credentials = {}) const {
    const auto keys = find_master_keys(configured, credentials, data_);
    if (!keys) return std::string{keys.error().message()};
    std::string out;
    for (const auto& key : keys->keys) {
      const auto text = key.reveal();
      out += text == std::string(master_key_bytes, text[0]) ? text[0] : '?';
    }
    return out;
  }

  std::string data_;
};

std::string key(char c) { return to_base64(std::string(master_key_bytes, c)); }

TEST_F(MasterKeyFiles, OneIsMadeAndFoundAgain) {
  const auto made = find_master_keys({}, {}, data_);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->source, master_key_path(data_));
  struct stat state{};
  ASSERT_EQ(stat(made->source.c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777u, 0600u);
  const auto again = find_master_keys({}, {}, data_);
  ASSERT_EQ(again->keys.size(), 1u);
  EXPECT_EQ(again->keys[0].reveal(), made->keys[0].reveal());
  EXPECT_TRUE(Vault::make(again->keys, {}));
}

TEST_F(MasterKeyFiles, TheStrongestSealsAndTheOthersOpen) {
  put("master.key", cat("# made by cardea\n", key('d'), "\n\n", key('e'), "\r\n"));
  std::filesystem::create_directory(data_ + "/credentials");
  put("credentials/cardea-master-key", key('c'), 0400);
  const auto file = put("of-configuration", to_hex(std::string(master_key_bytes, 'b')), 0440);
  config::MasterKey configured{Secret{key('a')}, file, {Secret{key('f')}}};
  EXPECT_EQ(found(configured, data_ + "/credentials"), "abcdef");
  configured.value = {};
  EXPECT_EQ(found(configured, data_ + "/credentials"), "bcdef");
  configured = {};
  EXPECT_EQ(found(configured, data_ + "/credentials"), "cde");
  EXPECT_EQ(found(configured, data_ + "/nothing"), "de");
}

TEST_F(MasterKeyFiles, WhatIsNoKeyIsSaid) {
  const auto says = [&](const std::string& text, std::string_view part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  };
  says(found({Secret{"hunter2"}, {}, {}}), "too short");
  says(found({{}, data_ + "/none", {}}), "does not exist");
  says(found({{}, {}, {Secret{key('f')}}}), "no new master key");
  says(found({{}, put("open", key('x'), 0644), {}}), "others may read");
  says(found({{}, put("writable", key('x'), 0620), {}}), "others may read or change");
  says(found({{}, data_, {}}), "no plain file");
  says(found({{}, put("short", "hunter2\n"), {}}), "too short");
  put("master.key", "\n");
  says(found({}), "is empty");
  put("master.key", std::string(100'000, 'x'));
  says(found({}), "too large");
}

TEST_F(MasterKeyFiles, FormsOfAKey) {
  std::string raw(master_key_bytes, '\x80');
  EXPECT_EQ(found({{}, put("raw", raw), {}}), "\x80");
  EXPECT_EQ(read_master_key(to_hex(raw), "it")->reveal(), raw);
  EXPECT_EQ(read_master_key(to_base64url(raw), "it")->reveal(), raw);
  const auto phrase = read_master_key("a pass phrase of words", "it");
  EXPECT_EQ(phrase->reveal().size(), master_key_bytes);
  EXPECT_EQ(read_master_key("a pass phrase of words", "it")->reveal(), phrase->reveal());
}

TEST_F(MasterKeyFiles, RotationPutsANewKeyBeforeTheOld) {
  const auto path = master_key_path(data_);
  const auto first = find_master_keys({}, {}, data_);
  ASSERT_TRUE(add_master_key(path));
  const auto both = find_master_keys({}, {}, data_);
  ASSERT_EQ(both->keys.size(), 2u);
  EXPECT_EQ(both->keys[1].reveal(), first->keys[0].reveal());
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

}  // namespace
}  // namespace cardea::access

#include "access/vault.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace cardea::access {
namespace {

Secret master(char c) { return Secret{std::string(master_key_bytes, c)}; }

Vault vault_of(std::vector<Secret> keys, std::string_view kept = {}) {
  auto vault = Vault::make(keys, kept);
  EXPECT_TRUE(vault) << vault.error().message();
  return std::move(*vault);
}

TEST(Vault, OpensWhatItSealed) {
  const auto vault = vault_of({master('a')});
  for (const auto& text : {std::string{}, std::string{"sk-secret"}, std::string(100'000, 'x'), std::string("\0\xff", 2)}) {
    const auto sealed = vault.seal("key/1/secret", text);
    EXPECT_EQ(vault.open("key/1/secret", sealed)->reveal(), text);
    if (text.size() > 4) EXPECT_EQ(sealed.find(text.substr(0, 5)), std::string::npos);
  }
  std::set<std::string> different;
  for (int i = 0; i < 100; ++i) different.insert(vault.seal("c", "same"));
  EXPECT_EQ(different.size(), 100u);
}

TEST(Vault, OpensNothingElsewhereAndNothingChanged) {
  const auto vault = vault_of({master('a')});
  const auto sealed = vault.seal("key/1/secret", "plain text");
  EXPECT_FALSE(vault.open("key/2/secret", sealed));
  EXPECT_FALSE(vault.open("", sealed));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    EXPECT_FALSE(vault.open("key/1/secret", sealed.substr(0, i))) << i;
    auto changed = sealed;
    changed[i] = changed[i] == 'A' ? 'Q' : 'A';
    // The last digit of base64 may have bits that say nothing.
    if (i + 1 < sealed.size()) EXPECT_FALSE(vault.open("key/1/secret", changed)) << i;
  }
}

TEST(Vault, AnotherMasterKeyIsNamed) {
  const auto first = vault_of({master('a')});
  const auto second = vault_of({master('b')});
  const auto opened = second.open("c", first.seal("c", "x"));
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message().find(first.key_id()), std::string::npos) << opened.error().message();
  const std::vector<Secret> keys{master('b')};
  const auto made = Vault::make(keys, first.kept());
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().is(Kind::config));
  EXPECT_NE(made.error().message().find("not the one that the data was sealed with"), std::string::npos);
  EXPECT_FALSE(Vault::make({}, {}));
  const std::vector<Secret> too_short{Secret{"short"}};
  EXPECT_FALSE(Vault::make(too_short, {}));
}

TEST(Vault, RotationKeepsHashesAndOpensTheOld) {
  const auto before = vault_of({master('a')});
  const auto sealed = before.seal("c", "old secret");
  const auto between = vault_of({master('b'), master('a')}, before.kept());
  EXPECT_EQ(between.hash("credential"), before.hash("credential"));
  EXPECT_EQ(between.derive("tokens").reveal(), before.derive("tokens").reveal());
  EXPECT_TRUE(between.needs_reseal(sealed));
  EXPECT_TRUE(between.needs_reseal(before.kept()));
  EXPECT_FALSE(between.needs_reseal(between.kept()));
  const auto again = between.seal("c", between.open("c", sealed)->reveal());
  EXPECT_FALSE(between.needs_reseal(again));
  const auto after = vault_of({master('b')}, between.kept());
  EXPECT_EQ(after.open("c", again)->reveal(), "old secret");
  EXPECT_FALSE(after.open("c", sealed));
  EXPECT_EQ(after.kept(), between.kept());  // nothing to write when nothing changed
  EXPECT_EQ(after.hash("credential"), before.hash("credential"));
}

TEST(Vault, HashesDifferByVaultAndPurpose) {
  const auto one = vault_of({master('a')});
  const auto other = vault_of({master('a')});  // a first start each
  EXPECT_EQ(one.hash("x"), one.hash("x"));
  EXPECT_NE(one.hash("x"), other.hash("x"));
  EXPECT_NE(one.hash("x"), one.hash("y"));
  EXPECT_NE(one.derive("a").reveal(), one.derive("b").reveal());
  EXPECT_EQ(one.derive("a").reveal().size(), 32u);
}

}  // namespace
}  // namespace cardea::access

#include "dialect/issuers.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/text.h"

namespace cardea::dialect {
namespace {

using Origin = Issuers::Origin;

void note(Issuers& issuers, std::string_view item, std::string_view deployment) {
  const std::array<std::uint64_t, 1> print{fingerprint(item)};
  issuers.note(print, deployment);
}

bool foreign(const Issuers& issuers, const Dialect& dialect, const std::string& body) {
  const auto view = dialect.inspect(body, {.model = "m", .stream = false});
  if (!view) throw std::runtime_error{std::string{view.error().message()}};
  return issuers.any_foreign(dialect, *view, "here");
}

TEST(Issuers, KnowWhoIssuedWhat) {
  Issuers issuers;
  EXPECT_EQ(issuers.of("item", "here"), Origin::unknown);
  note(issuers, "item", "here");
  EXPECT_EQ(issuers.of("item", "here"), Origin::own);
  EXPECT_EQ(issuers.of("item", "there"), Origin::foreign);
  EXPECT_EQ(issuers.of("other", "here"), Origin::unknown);
  note(issuers, "item", "there");  // two accounts that give the same: the last one counts
  EXPECT_EQ(issuers.of("item", "there"), Origin::own);
}

TEST(Issuers, ForgetTheOldestWhenFull) {
  Issuers issuers;
  for (int i = 0; i < 300'000; ++i) note(issuers, cat("item ", i), "here");
  EXPECT_EQ(issuers.of("item 299999", "there"), Origin::foreign);
  int known = 0;
  for (int i = 0; i < 300'000; ++i) {
    const auto origin = issuers.of(cat("item ", i), "here");
    EXPECT_NE(origin, Origin::foreign);
    known += origin == Origin::own ? 1 : 0;
  }
  EXPECT_GT(known, 50'000);
  EXPECT_LE(known, 65'536);
}

TEST(Issuers, FindForeignItemsInEveryDialectsRequests) {
  Issuers issuers;
  const std::string anthropic_body =
      R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature" : "c2ln"}]}]})";
  EXPECT_FALSE(foreign(issuers, anthropic(), anthropic_body));
  note(issuers, "c2ln", "there");
  EXPECT_TRUE(foreign(issuers, anthropic(), anthropic_body));
  note(issuers, "c2ln", "here");
  EXPECT_FALSE(foreign(issuers, anthropic(), anthropic_body));
  note(issuers, "c2ln", "there");
  EXPECT_TRUE(foreign(
      issuers, anthropic(),
      R"({"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"redacted_thinking","data":"c2ln"}]}]})"));
  EXPECT_TRUE(
      foreign(issuers, openai_responses(),
              R"({"model":"m","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"\u00632ln"}]})"));
  EXPECT_TRUE(foreign(issuers, gemini(), R"({"contents":[{"role":"model","parts":[{"text":"t","thoughtSignature":"c2ln"}]}]})"));
  EXPECT_TRUE(foreign(
      issuers, bedrock(),
      R"({"messages":[{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t","signature":"c2ln"}}}]}]})"));
  // What a user quotes is text.
  EXPECT_FALSE(foreign(issuers, anthropic(),
                       R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"{\"signature\":\"c2ln\"}"}]})"));
  EXPECT_FALSE(foreign(issuers, anthropic(),
                       R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"signature"}],"signature":1})"));
}

TEST(Issuers, ManyThreadsAtOnce) {
  Issuers issuers;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&issuers, t] {
      for (int i = 0; i < 20'000; ++i) {
        note(issuers, cat("item ", i % 1000), "here");
        if (issuers.of(cat("item ", (i + t) % 1000), "here") == Origin::foreign) ADD_FAILURE();
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace cardea::dialect

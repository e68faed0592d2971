// What is done to a log by somebody who can write to its file, and what is seen of it.

#include "store/audit/chain.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/text.h"

namespace cardea::store::audit {
namespace {

std::vector<AuditLine> log_of(std::int64_t lines, std::string_view actor = "ann") {
  std::vector<AuditLine> out;
  net::Digest last = nothing;
  for (std::int64_t seq = 1; seq <= lines; ++seq) {
    AuditEntry entry{.time_ms = 1000 + seq,
                     .actor = std::string{actor},
                     .address = "::1",
                     .action = "key.create",
                     .target = cat("key/", seq),
                     .before = "",
                     .after = "{}"};
    last = hash(last, seq, entry);
    out.push_back({.seq = seq, .entry = std::move(entry), .hash = to_text(last)});
  }
  return out;
}
AuditVerdict check(const std::vector<AuditLine>& log, std::string head = {}) {
  Check check{std::move(head)};
  for (const AuditLine& line : log) check.add(line);
  return check.verdict();
}

TEST(AuditChain, IsWhatItsDescriptionSays) {
  // python3 -c 'import hashlib; n = lambda i: i.to_bytes(8, "big"); t = lambda s: n(len(s)) + s
  //   print(hashlib.sha256(bytes(32) + n(1) + n(1001) + t(b"ann") + t(b"::1") + t(b"key.create") + t(b"key/1") + t(b"") +
  //   t(b"{}")).hexdigest())'
  EXPECT_EQ(log_of(1).front().hash, "e6474d5b4efaf61305c9d4bd25d2f20a5d5b8c7784a8d1f75659a32e109dab9f");
}

TEST(AuditChain, HoldsAsItWasWritten) {
  const auto log = log_of(5);
  for (const std::string& head : {std::string{}, log.back().hash, log.front().hash}) {
    const AuditVerdict verdict = check(log, head);
    EXPECT_TRUE(verdict.sound()) << verdict.problem;
    EXPECT_EQ(verdict.lines, 5);
    EXPECT_EQ(verdict.head, log.back().hash);
  }
  EXPECT_TRUE(check({}).sound());
}

TEST(AuditChain, EveryFieldCounts) {
  constexpr void (*edits[])(AuditLine&) = {
      [](AuditLine& line) { ++line.seq; },
      [](AuditLine& line) { ++line.entry.time_ms; },
      [](AuditLine& line) { line.entry.actor = "bob"; },
      [](AuditLine& line) { line.entry.address += "1"; },
      [](AuditLine& line) { line.entry.action.clear(); },
      [](AuditLine& line) { line.entry.target.pop_back(); },
      [](AuditLine& line) { line.entry.before = " "; },
      [](AuditLine& line) { line.entry.after = "{} "; },
      [](AuditLine& line) { std::swap(line.entry.before, line.entry.after); },
      [](AuditLine& line) { line.entry.actor += line.entry.address.substr(0, 1), line.entry.address.erase(0, 1); },
      [](AuditLine& line) { line.hash.front() = line.hash.front() == '0' ? '1' : '0'; },
      [](AuditLine& line) { line.hash.clear(); },
  };
  for (const auto edit : edits) {
    auto log = log_of(5);
    edit(log[2]);
    const AuditVerdict verdict = check(log);
    EXPECT_EQ(verdict.broken_at, 3) << verdict.problem;
    EXPECT_EQ(verdict.lines, 2);
    EXPECT_FALSE(verdict.sound());
  }
}

TEST(AuditChain, SeesWhatIsTakenOutPutInAndSwapped) {
  const auto log = log_of(5);
  auto without = log;
  without.erase(without.begin() + 1);
  EXPECT_EQ(check(without).broken_at, 2);
  EXPECT_NE(check(without).problem.find("line 2 is missing"), std::string::npos);
  auto beheaded = log;
  beheaded.erase(beheaded.begin());
  EXPECT_EQ(check(beheaded).broken_at, 1);
  auto swapped = log;
  std::swap(swapped[1], swapped[2]);
  EXPECT_EQ(check(swapped).broken_at, 2);
  auto renumbered = swapped;
  std::swap(renumbered[1].seq, renumbered[2].seq);
  EXPECT_EQ(check(renumbered).broken_at, 2);
  auto twice = log;
  twice.insert(twice.begin() + 2, twice[1]);
  EXPECT_EQ(check(twice).broken_at, 3);
  // One who reckons the hash of the edited line leaves the next one without its own.
  auto reckoned = log;
  reckoned[1].entry.actor = "eve";
  reckoned[1].hash = to_text(hash(hash(nothing, 1, log[0].entry), 2, reckoned[1].entry));
  EXPECT_EQ(check(reckoned).broken_at, 3);
}

TEST(AuditChain, ACutEndIsSeenByOneWhoKnowsTheHead) {
  const auto log = log_of(5);
  auto cut = log;
  cut.pop_back();
  EXPECT_TRUE(check(cut).sound()) << "nobody can know";
  const AuditVerdict verdict = check(cut, log.back().hash);
  EXPECT_FALSE(verdict.sound());
  EXPECT_EQ(verdict.broken_at, 5);
  EXPECT_EQ(verdict.lines, 4);
  EXPECT_FALSE(check({}, log.back().hash).sound());
  EXPECT_FALSE(check(log_of(5, "eve"), log.back().hash).sound()) << "written anew";
}

}  // namespace
}  // namespace cardea::store::audit

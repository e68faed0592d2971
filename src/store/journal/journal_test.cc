#include "store/journal/journal.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/text.h"
#include "store/journal/test_folder.h"
#include "store/test_ledger.h"

namespace cardea::store {
// Their values are used here, they run with the stores.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LedgerStoreSuite);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ResponseStoreSuite);
}  // namespace cardea::store

namespace cardea::store::journal {
namespace {

Journal open(const TestFolder& folder, std::size_t bytes = 8192) {
  auto opened = Journal::open({.file = folder.path("j"), .bytes = bytes});
  EXPECT_TRUE(opened) << (opened ? "" : opened.error().message());
  return std::move(*opened);
}
const Adjustment adjusted{.id = 9, .time_ms = -5, .hold = {"b", 7}, .amount = {-10}, .actor = "ann", .reason = "gift"};

TEST(Journal, LinesComeBackAsTheyWere) {
  const TestFolder folder;
  const std::vector<LedgerEntry> all{reservation_of(1), settlement_of(1), adjusted};
  {
    Journal journal = open(folder);
    for (const LedgerEntry& entry : all) ASSERT_TRUE(journal.append(entry));
  }
  Journal journal = open(folder);
  EXPECT_EQ(journal.read(2).entries.size(), 2U);
  const Journal::Lines lines = journal.read(100);
  EXPECT_EQ(lines.entries, all);
  EXPECT_FALSE(lines.damaged);
  journal.drop(lines.end);
  EXPECT_TRUE(journal.read(100).entries.empty());
}

TEST(Journal, ASettlementAlwaysHasRoom) {
  const TestFolder folder;
  Journal journal = open(folder);
  for (int round = 0; round < 20; ++round) {  // many times round the ring
    std::int64_t made = 0;
    while (journal.append(reservation_of(made + 1))) ++made;
    EXPECT_GT(made, 10);
    Settlement longest = settlement_of(1);
    longest.price.assign(1000, 'p');
    for (longest.id = 1; longest.id <= made; ++longest.id) ASSERT_TRUE(journal.append(longest));
    const Journal::Lines lines = journal.read(1000);
    ASSERT_EQ(lines.entries.size(), static_cast<std::size_t>(2 * made));
    ASSERT_FALSE(lines.damaged);
    journal.drop(lines.end);
  }
}

TEST(Journal, OneWritesWhileAnotherReads) {
  const TestFolder folder;
  Journal journal = open(folder);
  constexpr std::int64_t all = 5'000;
  std::jthread writer{[&] {
    for (std::int64_t id = 1; id <= all; ++id) {
      while (!journal.append(reservation_of(id))) std::this_thread::yield();
      while (!journal.append(settlement_of(id))) std::this_thread::yield();
    }
  }};
  std::int64_t next = 2;
  while (next < 2 * all + 2) {
    const Journal::Lines lines = journal.read(50);
    ASSERT_FALSE(lines.damaged);
    for (const LedgerEntry& entry : lines.entries) {
      const std::int64_t id = std::visit([](const auto& line) { return line.id; }, entry);
      ASSERT_EQ(2 * id + (entry.index() == 1 ? 1 : 0), next++);
    }
    journal.drop(lines.end);
  }
}

/// Pages of different ages, as a power cut leaves them: no line is made up, none before the place is lost.
TEST(Journal, ALineThatDoesNotHoldEndsIt) {
  for (std::size_t offset = 4096; offset < 4096 + 600; offset += 29) {
    const TestFolder folder;
    {
      Journal journal = open(folder);
      for (std::int64_t id = 1; id <= 3; ++id) ASSERT_TRUE(journal.append(settlement_of(id)));
    }
    std::fstream file{folder.path("j"), std::ios::in | std::ios::out | std::ios::binary};
    file.seekg(static_cast<std::streamoff>(offset));
    const int was = file.get();
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(was ^ 0x55));
    file.close();
    Journal journal = open(folder);
    const Journal::Lines lines = journal.read(100);
    for (std::size_t i = 0; i < lines.entries.size(); ++i) {
      EXPECT_EQ(lines.entries[i], LedgerEntry{settlement_of(static_cast<std::int64_t>(i + 1))});
    }
    EXPECT_EQ(lines.damaged, lines.entries.size() < 3) << offset;
    journal.drop(lines.end);
    EXPECT_TRUE(journal.append(adjusted)) << "it goes on behind";
    EXPECT_EQ(journal.read(1).entries, std::vector<LedgerEntry>{adjusted});
  }
}

TEST(Journal, AnotherFileIsRefused) {
  const TestFolder folder;
  std::ofstream{folder.path("j")} << std::string(12288, 'x');
  const auto opened = Journal::open({.file = folder.path("j")});
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().message().starts_with(folder.path("j"))) << opened.error().message();
}

TEST(Journal, WhatWasWrittenOutlivesAKill) {
  const TestFolder folder;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    Journal journal = open(folder, 1 << 20);
    for (std::int64_t id = 1;; ++id) {
      if (!journal.append(reservation_of(id))) ::pause();
      if (::write(ends[1], &id, sizeof id) != sizeof id) _exit(1);
    }
  }
  ::close(ends[1]);
  std::int64_t heard = 0;
  while (heard < 500) ASSERT_EQ(::read(ends[0], &heard, sizeof heard), static_cast<ssize_t>(sizeof heard));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  while (::read(ends[0], &heard, sizeof heard) == sizeof heard) {
  }
  ::close(ends[0]);
  const Journal::Lines lines = open(folder).read(100'000);
  EXPECT_FALSE(lines.damaged);
  EXPECT_GE(lines.entries.size(), static_cast<std::size_t>(heard));
}

}  // namespace
}  // namespace cardea::store::journal

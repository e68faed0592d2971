// kill -9 in the middle of a write or a sync: what was acknowledged is there, whole, and the log holds. A child writes and says
// through a pipe what it has heard of; the parent looks when it is dead.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "base/text.h"
#include "store/sqlite/registry.h"
#include "store/sqlite/test_faults.h"
#include "store/sqlite/test_file.h"
#include "store/test_registry.h"

namespace cardea::store::sqlite {
namespace {

/// Of a change that was heard of.
struct Acknowledged {
  std::int32_t key;
  std::int32_t version;
};

constexpr int keys = 20;
/// The first dozens of them are those of a start.
constexpr std::uint64_t operations_max = 500;
/// The log is gone through after each of them: it must not become long.
constexpr unsigned kills_per_file = 10;

/// Goes on from what is kept until it is killed by the n-th operation on the disk. Never returns.
[[noreturn]] void write_until(std::int64_t nth, const std::string& path, int tell) {
  faults().arm(Faults::Mode::kill, nth);
  auto opened = Database::open({.file = path});
  if (!opened) _exit(3);
  Registry registry{**opened};
  std::map<std::string, std::int64_t> versions;
  for (const Record& record : load(registry).records) versions[record.id] = record.version;
  for (std::int32_t key = 0;; key = (key + 1) % keys) {
    const std::string id = cat("k", key);
    const std::int64_t version = ++versions[id];
    Change both = put_of(record_of("key", id, version));
    both.puts.push_back(record_of("team", id, version));
    // Not waited for: many share a commit.
    registry.change(std::move(both), [=](Status done) {
      if (!done) _exit(4);
      const Acknowledged heard{key, static_cast<std::int32_t>(version)};
      if (::write(tell, &heard, sizeof heard) != sizeof heard) _exit(5);
    });
    if (key == keys - 1) {
      Heard<Result<Kept>> all;  // the queue stays short
      registry.load(all.then());
      if (!all.wait()) _exit(6);
    }
  }
}

class Killed {
 public:
  /// Lets a writer live until the n-th operation, and notes what it had heard of.
  void round(std::int64_t nth) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      write_until(nth, file_.path(), ends[1]);
    }
    ::close(ends[1]);
    Acknowledged heard{};
    while (::read(ends[0], &heard, sizeof heard) == sizeof heard) note(heard);
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << WEXITSTATUS(status);
  }
  void expect_kept() {
    auto opened = Database::open({.file = file_.path()});
    ASSERT_TRUE(opened) << opened.error().message();
    Registry registry{**opened};
    std::map<std::string, std::int64_t> kept, teams;
    std::int64_t lines = 0;
    for (const Record& record : load(registry).records) {
      EXPECT_EQ(record, record_of(record.kind, record.id, record.version));
      (record.kind == "key" ? kept : teams)[record.id] = record.version;
      if (record.kind == "key") lines += record.version;
    }
    EXPECT_EQ(kept, teams) << "a change holds together";
    for (const auto& [id, version] : versions_) EXPECT_GE(kept[id], version) << id;
    const AuditVerdict verdict = verify(registry, head_);
    EXPECT_TRUE(verdict.sound()) << verdict.problem;
    EXPECT_EQ(verdict.lines, lines);
    head_ = verdict.head;
    versions_ = kept;
  }
  [[nodiscard]] std::int64_t heard() const noexcept { return heard_; }

 private:
  void note(const Acknowledged& heard) {
    std::int64_t& version = versions_[cat("k", heard.key)];
    version = std::max<std::int64_t>(version, heard.version);
    ++heard_;
  }
  TestFile file_;
  std::map<std::string, std::int64_t> versions_;  ///< acknowledged
  std::string head_;
  std::int64_t heard_ = 0;
};

TEST(StoreKills, NothingAcknowledgedIsLost) {
  const char* const asked = std::getenv("CARDEA_KILLS");  // ./dev kills asks for 200
  const unsigned kills = asked != nullptr ? parse_number<unsigned>(asked).value_or(0) : 20;
  faults().disarm();
  Random random{1};
  std::int64_t heard = 0;
  for (unsigned done = 0; done < kills; done += kills_per_file) {
    Killed killed;
    for (unsigned i = 0; i < kills_per_file; ++i) {
      ASSERT_NO_FATAL_FAILURE(killed.round(1 + static_cast<std::int64_t>(random.below(operations_max))));
      ASSERT_NO_FATAL_FAILURE(killed.expect_kept());
      if (HasFailure()) return;
    }
    heard += killed.heard();
  }
  EXPECT_GT(heard, std::int64_t{kills}) << "the writers came to something";
}

}  // namespace
}  // namespace cardea::store::sqlite

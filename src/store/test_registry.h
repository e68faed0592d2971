#pragma once
// What every backend of RegistryStore must do. A backend's test makes a Fixture and instantiates the suite:
//   struct Backend { store::RegistryStore& store(); void set_time(std::int64_t); };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, RegistryStoreSuite, Backend);

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "store/registry.h"
#include "store/test_responses.h"

namespace cardea::store {

inline Record record_of(std::string kind, std::string id, std::int64_t version = 1) {
  return {.kind = std::move(kind),
          .id = id,
          .version = version,
          .created = 1000,
          .changed = 1000 + version,
          .body = cat(R"({"name":")", id, "\"}"),
          .sealed = cat("sealed ", id)};
}
inline AuditEntry entry_of(std::string target, std::string action = "key.create") {
  return {.time_ms = 1'000'500,
          .actor = "ann",
          .address = "127.0.0.1",
          .action = std::move(action),
          .target = std::move(target),
          .before = "",
          .after = R"({"name":"x"})"};
}
/// The usual change: one record put, one line written.
inline Change put_of(Record record) {
  const std::string target = cat(record.kind, "/", record.id);
  Change out;
  out.puts.push_back(std::move(record));
  out.audit.push_back(entry_of(target));
  return out;
}
inline Change remove_of(RecordName name) {
  const std::string target = cat(name.kind, "/", name.id);
  Change out;
  out.removes.push_back(std::move(name));
  out.audit.push_back(entry_of(target, "key.remove"));
  return out;
}
inline Remembered remembered_of(std::string key, std::int64_t expires = 2000) {
  return {.key = std::move(key), .digest = "digest", .answer = "answer", .expires = expires};
}

inline Status change(RegistryStore& store, Change change) {
  Heard<Status> heard;
  store.change(std::move(change), heard.then());
  return std::move(heard.wait());
}
inline Kept load(RegistryStore& store) {
  Heard<Result<Kept>> heard;
  store.load(heard.then());
  Result<Kept>& kept = heard.wait();
  EXPECT_TRUE(kept) << (kept ? "" : kept.error().message());
  return kept ? std::move(*kept) : Kept{};
}
inline Status used(RegistryStore& store, std::vector<LastUsed> uses) {
  Heard<Status> heard;
  store.used(std::move(uses), heard.then());
  return std::move(heard.wait());
}
inline std::optional<Remembered> recall(RegistryStore& store, std::string key) {
  Heard<Result<std::optional<Remembered>>> heard;
  store.recall(std::move(key), heard.then());
  auto& found = heard.wait();
  EXPECT_TRUE(found);
  return found ? std::move(*found) : std::nullopt;
}
inline std::vector<AuditLine> audit_of(RegistryStore& store, std::int64_t before = 0, std::size_t limit = 1000) {
  Heard<Result<std::vector<AuditLine>>> heard;
  store.audit(before, limit, heard.then());
  Result<std::vector<AuditLine>>& found = heard.wait();
  EXPECT_TRUE(found) << (found ? "" : found.error().message());
  return found ? std::move(*found) : std::vector<AuditLine>{};
}
inline AuditVerdict verify(RegistryStore& store, std::string head = {}) {
  Heard<Result<AuditVerdict>> heard;
  store.verify(std::move(head), heard.then());
  Result<AuditVerdict>& found = heard.wait();
  EXPECT_TRUE(found) << (found ? "" : found.error().message());
  return found ? std::move(*found) : AuditVerdict{.problem = "not verified"};
}

/// It is refused as a conflict about `param`.
inline void expect_conflict(const Status& status, std::string_view param) {
  ASSERT_FALSE(status);
  EXPECT_TRUE(status.error().is(Kind::conflict)) << status.error().message();
  EXPECT_EQ(status.error().detail().param, param);
}

template <class Backend>
class RegistryStoreSuite : public testing::Test {
 protected:
  RegistryStoreSuite() { backend.set_time(1000); }
  RegistryStore& store() { return backend.store(); }
  Backend backend;
};
TYPED_TEST_SUITE_P(RegistryStoreSuite);

TYPED_TEST_P(RegistryStoreSuite, LoadsWhatWasPut) {
  EXPECT_TRUE(load(this->store()).records.empty());
  Record odd = record_of("vault", "ü \"'; DROP TABLE records; --");
  odd.sealed = std::string{"\0\xff\x80'\n", 5};
  ASSERT_TRUE(change(this->store(), put_of(record_of("team", "b"))));
  ASSERT_TRUE(change(this->store(), put_of(record_of("key", "b"))));
  ASSERT_TRUE(change(this->store(), put_of(odd)));
  ASSERT_TRUE(change(this->store(), put_of(record_of("key", "a"))));
  const Kept kept = load(this->store());
  EXPECT_EQ(kept.records, (std::vector{record_of("key", "a"), record_of("key", "b"), record_of("team", "b"), odd}));
  EXPECT_TRUE(kept.last_used.empty());
}

TYPED_TEST_P(RegistryStoreSuite, ReplacesTheVersionBeforeAlone) {
  expect_conflict(change(this->store(), put_of(record_of("key", "a", 2))), "version");
  ASSERT_TRUE(change(this->store(), put_of(record_of("key", "a"))));
  expect_conflict(change(this->store(), put_of(record_of("key", "a"))), "version");
  ASSERT_TRUE(change(this->store(), put_of(record_of("key", "a", 2))));
  expect_conflict(change(this->store(), put_of(record_of("key", "a", 2))), "version");
  expect_conflict(change(this->store(), put_of(record_of("key", "a", 4))), "version");
  EXPECT_EQ(load(this->store()).records, std::vector{record_of("key", "a", 2)});
  EXPECT_EQ(audit_of(this->store()).size(), 2U) << "what did not happen is not in the log";
}

TYPED_TEST_P(RegistryStoreSuite, RemovesWhatIsThere) {
  expect_conflict(change(this->store(), remove_of({"key", "a"})), "version");
  ASSERT_TRUE(change(this->store(), put_of(record_of("key", "a"))));
  ASSERT_TRUE(change(this->store(), put_of(record_of("team", "a"))));
  expect_conflict(change(this->store(), remove_of({"key", "a", 2})), "version");
  ASSERT_TRUE(change(this->store(), remove_of({"key", "a", 1})));
  expect_conflict(change(this->store(), remove_of({"key", "a"})), "version");
  EXPECT_EQ(load(this->store()).records, std::vector{record_of("team", "a")});
  ASSERT_TRUE(change(this->store(), put_of(record_of("key", "a"))));
  ASSERT_TRUE(change(this->store(), remove_of({"key", "a"})));
}

TYPED_TEST_P(RegistryStoreSuite, AChangeHappensWholeOrNotAtAll) {
  ASSERT_TRUE(change(this->store(), put_of(record_of("key", "kept"))));
  Change bad = put_of(record_of("key", "a"));
  bad.removes.push_back({"key", "kept"});
  bad.remember = remembered_of("again");
  bad.puts.push_back(record_of("key", "kept", 3));  // of a version that is not there
  expect_conflict(change(this->store(), std::move(bad)), "version");
  EXPECT_EQ(load(this->store()).records, std::vector{record_of("key", "kept")});
  EXPECT_EQ(audit_of(this->store()).size(), 1U);
  EXPECT_EQ(recall(this->store(), "again"), std::nullopt);
  Change good = put_of(record_of("key", "a"));
  good.puts.push_back(record_of("key", "b"));
  good.removes.push_back({"key", "kept"});
  good.audit.push_back(entry_of("key/b"));
  good.remember = remembered_of("again");
  ASSERT_TRUE(change(this->store(), std::move(good)));
  EXPECT_EQ(load(this->store()).records, (std::vector{record_of("key", "a"), record_of("key", "b")}));
  EXPECT_EQ(audit_of(this->store()).size(), 3U);
  EXPECT_EQ(recall(this->store(), "again"), remembered_of("again"));
}

TYPED_TEST_P(RegistryStoreSuite, RemembersAnAnswerOnceAndForATime) {
  const std::string key{"\0key", 4};
  Change first = put_of(record_of("key", "a"));
  first.remember = remembered_of(key);
  ASSERT_TRUE(change(this->store(), std::move(first)));
  Change second = put_of(record_of("key", "b"));
  second.remember = remembered_of(key, 5000);
  expect_conflict(change(this->store(), second), "idempotency_key");
  EXPECT_EQ(load(this->store()).records.size(), 1U);
  this->backend.set_time(1999);
  EXPECT_EQ(recall(this->store(), key), remembered_of(key));
  EXPECT_EQ(recall(this->store(), "another"), std::nullopt);
  this->backend.set_time(2000);
  EXPECT_EQ(recall(this->store(), key), std::nullopt);
  ASSERT_TRUE(change(this->store(), second));
  EXPECT_EQ(recall(this->store(), key), remembered_of(key, 5000));
}

TYPED_TEST_P(RegistryStoreSuite, NotesTheLastUse) {
  ASSERT_TRUE(change(this->store(), put_of(record_of("key", "a"))));
  ASSERT_TRUE(used(this->store(), {{"b", 20}, {"a", 10}}));
  ASSERT_TRUE(used(this->store(), {{"a", 30}, {"b", 15}}));
  const Kept kept = load(this->store());
  EXPECT_EQ(kept.last_used, (std::vector<LastUsed>{{"a", 30}, {"b", 20}}));
  EXPECT_EQ(kept.records, std::vector{record_of("key", "a")}) << "the version stays";
  ASSERT_TRUE(change(this->store(), remove_of({"key", "a"})));
  EXPECT_EQ(load(this->store()).last_used, (std::vector<LastUsed>{{"b", 20}}));
  EXPECT_EQ(audit_of(this->store()).size(), 2U);
}

TYPED_TEST_P(RegistryStoreSuite, WritesALogThatHolds) {
  const AuditVerdict empty = verify(this->store());
  EXPECT_TRUE(empty.sound()) << empty.problem;
  EXPECT_EQ(empty.lines, 0);
  EXPECT_EQ(empty.head, "");
  AuditEntry odd = entry_of("key/ü", "key.update");
  odd.before = std::string{"\0\xff'", 3};
  ASSERT_TRUE(change(this->store(), Change{.audit = {odd}}));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(change(this->store(), put_of(record_of("key", cat("k", i)))));
  const std::vector<AuditLine> all = audit_of(this->store());
  ASSERT_EQ(all.size(), 21U);
  EXPECT_EQ(all.front().seq, 21);
  EXPECT_EQ(all.front().entry, entry_of("key/k19"));
  EXPECT_EQ(all.back().seq, 1);
  EXPECT_EQ(all.back().entry, odd);
  const AuditVerdict verdict = verify(this->store(), all[10].hash);
  EXPECT_TRUE(verdict.sound()) << verdict.problem;
  EXPECT_EQ(verdict.lines, 21);
  EXPECT_EQ(verdict.head, all.front().hash);
  EXPECT_FALSE(verify(this->store(), std::string(64, '0')).sound());
}

TYPED_TEST_P(RegistryStoreSuite, ShowsTheLogPageByPage) {
  for (int i = 1; i <= 10; ++i) ASSERT_TRUE(change(this->store(), put_of(record_of("key", cat("k", i)))));
  std::vector<std::int64_t> seen;
  for (std::int64_t before = 0;;) {
    const std::vector<AuditLine> page = audit_of(this->store(), before, 4);
    for (const AuditLine& line : page) seen.push_back(line.seq);
    if (page.size() < 4) break;
    before = page.back().seq;
  }
  EXPECT_EQ(seen, (std::vector<std::int64_t>{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}));
  EXPECT_TRUE(audit_of(this->store(), 1).empty());
}

REGISTER_TYPED_TEST_SUITE_P(RegistryStoreSuite, LoadsWhatWasPut, ReplacesTheVersionBeforeAlone, RemovesWhatIsThere,
                            AChangeHappensWholeOrNotAtAll, RemembersAnAnswerOnceAndForATime, NotesTheLastUse, WritesALogThatHolds,
                            ShowsTheLogPageByPage);

}  // namespace cardea::store

#pragma once
// What the administration keeps (tenants, keys, members, sealed secrets), and the log of who changed it.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace cardea::store {

/// One thing. A value.
struct Record {
  std::string kind;          ///< "organization", "team", "key", "vault" …; the store does not look at it
  std::string id;            ///< one of its kind
  std::int64_t version = 1;  ///< 1 when it is made, one more with every change
  std::int64_t created = 0;  ///< Unix seconds
  std::int64_t changed = 0;  ///< Unix seconds
  std::string body;          ///< JSON, without secrets
  std::string sealed;        ///< any bytes: what only the vault reads
  bool operator==(const Record&) const = default;
};

/// Which record, and optionally as of when.
struct RecordName {
  std::string kind;
  std::string id;
  std::int64_t version = 0;  ///< the one that is kept must be this; 0: whichever it is
  bool operator==(const RecordName&) const = default;
};

/// One line for the audit log: who did what from where to which thing. Any bytes; no secrets.
struct AuditEntry {
  std::int64_t time_ms = 0;  ///< Unix milliseconds
  std::string actor;         ///< who
  std::string address;       ///< from where
  std::string action;        ///< "key.create"
  std::string target;        ///< "key/key_123"
  std::string before;        ///< JSON; empty: there was nothing
  std::string after;         ///< JSON; empty: there is nothing any more
  bool operator==(const AuditEntry&) const = default;
};

/// One line of the log. Lines are numbered from 1 without a gap; each one's hash covers the line and the hash before it
/// (store/audit/chain.h says how).
struct AuditLine {
  std::int64_t seq = 0;
  AuditEntry entry;
  std::string hash;  ///< 64 hexadecimal digits
  bool operator==(const AuditLine&) const = default;
};

/// What a look at the whole log found.
struct AuditVerdict {
  std::int64_t lines = 0;      ///< that hold, from the first
  std::string head;            ///< the hash of the last of them; empty: there is none
  std::int64_t broken_at = 0;  ///< the number of the first line that does not hold; 0: there is none
  std::string problem;         ///< a sentence; empty: all is well
  [[nodiscard]] bool sound() const noexcept { return problem.empty(); }
  bool operator==(const AuditVerdict&) const = default;
};

/// The answer to a request that may come again under the same idempotency key.
struct Remembered {
  std::string key;           ///< a hash of the caller and the key; any bytes
  std::string digest;        ///< a hash of the request; any bytes
  std::string answer;        ///< sealed; any bytes
  std::int64_t expires = 0;  ///< Unix seconds; from then on it is not there any more
  bool operator==(const Remembered&) const = default;
};

/// When a credential was last used.
struct LastUsed {
  std::string id;
  std::int64_t time = 0;  ///< Unix seconds
  bool operator==(const LastUsed&) const = default;
};

/// What happens at once or not at all, puts before removes.
struct Change {
  /// `version` is the one that the record becomes: the one kept must be of the version before (none for 1).
  std::vector<Record> puts;
  /// Must be there.
  std::vector<RecordName> removes;
  std::vector<AuditEntry> audit;
  /// Must not be there yet.
  std::optional<Remembered> remember;
};

/// The errors of a change that does not fit, the same in every backend.
[[nodiscard]] inline Error stale(std::string_view kind, std::string_view id) {
  return Error{Kind::conflict, cat("the ", kind, " '", id, "' was changed, made or removed meanwhile; read it again"), "version"};
}
[[nodiscard]] inline Error repeated() {
  return Error{Kind::conflict, "a request with this idempotency key was answered meanwhile", "idempotency_key"};
}

/// Everything that is needed at the start.
struct Kept {
  std::vector<Record> records;      ///< by kind, then id
  std::vector<LastUsed> last_used;  ///< by id
};

/// Keeps all of it. Any thread may call; nothing here waits. `then` is called exactly once, on a thread of the store's or before
/// the call returns; it must not wait either. A change whose `then` has heard of success is there after a crash and after a power
/// cut (security.md, Durability), and every call made later sees it. Failures are Kind::internal, 503 when the queue is full.
class RegistryStore {
 public:
  template <class T>
  using Then = std::move_only_function<void(T)>;

  virtual ~RegistryStore() = default;
  virtual void load(Then<Result<Kept>> then) = 0;
  /// Kind::conflict: a record is not of the version that the change goes out from (detail().param "version"), or the answer to
  /// remember is there already (detail().param "idempotency_key"). Nothing has happened then.
  virtual void change(Change change, Then<Status> then) = 0;
  /// Notes times, the later one wins; they are forgotten with a removed record of that id, whatever its kind. May be lost with
  /// the process: they come by and by.
  virtual void used(std::vector<LastUsed> uses, Then<Status> then) = 0;
  virtual void recall(std::string key, Then<Result<std::optional<Remembered>>> then) = 0;
  /// The newest first: up to `limit` lines with numbers below `before` (0: from the end).
  virtual void audit(std::int64_t before, std::size_t limit, Then<Result<std::vector<AuditLine>>> then) = 0;
  /// Goes through the whole log. `head`: a hash that was the log's last one at some time, or empty; that it is still in the log
  /// shows that no end was cut off. A log that does not hold is no failure: the verdict says so.
  virtual void verify(std::string head, Then<Result<AuditVerdict>> then) = 0;
};

}  // namespace cardea::store

#pragma once
// Things that providers keep for callers (files, batches): whose they are, and where.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"

namespace cardea::store {

/// One thing. A value.
struct StoredObject {
  std::string id;            ///< the provider's
  std::string owner;         ///< the principal who made it; for nobody else it is there
  std::string provider;      ///< who keeps it
  std::int64_t created = 0;  ///< Unix seconds
  bool operator==(const StoredObject&) const = default;
};

/// Keeps their owners, until they are removed. Any thread may call; nothing here waits. `then` is called exactly once, on a
/// thread of the store's or before the call returns; it must not wait either. What was put is found by every later call, and is
/// there after a crash once `then` has heard of success. Failures are Kind::internal.
class ObjectStore {
 public:
  template <class T>
  using Then = std::move_only_function<void(T)>;

  virtual ~ObjectStore() = default;
  /// Replaces a row of the same id and owner.
  virtual void put(StoredObject object, Then<Status> then) = 0;
  /// Those of `ids` that are the owner's.
  virtual void find(std::vector<std::string> ids, std::string owner, Then<Result<std::vector<StoredObject>>> then) = 0;
  /// Forgets it, whether it is there or not.
  virtual void remove(std::string id, std::string owner, Then<Status> then) = 0;
};

}  // namespace cardea::store

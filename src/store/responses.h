#pragma once
// Answers that can be asked for again by their id (OpenAI's stored responses), as the pipeline needs them kept.

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"

namespace cardea::store {

/// One answer, or only where it is kept. A value.
struct StoredResponse {
  std::string id;
  std::string owner;         ///< the principal who asked; nobody else ever sees it
  std::string provider;      ///< the deployment that answered: its opaque items go back to it alone
  std::int64_t created = 0;  ///< Unix seconds
  std::int64_t expires = 0;  ///< Unix seconds; from then on it is not there any more
  std::string input;         ///< what was asked, earlier turns included: a JSON array of items
  std::string response;      ///< what was answered: a JSON object. Empty: the provider itself keeps both
  [[nodiscard]] bool is_link() const noexcept { return response.empty(); }
  bool operator==(const StoredResponse&) const = default;
};

/// What an id is to one who asks for it.
struct FoundResponse {
  enum class Standing : std::uint8_t { unknown, foreign, own } standing = Standing::unknown;
  StoredResponse response = {};  ///< of an own one
};

/// How soon a row must be safe.
enum class Pace : std::uint8_t {
  now,   ///< with the next commit; `then` is heard at once afterwards
  soon,  ///< within a moment, together with others: for what can be lost with the process
};

/// Keeps answers. Any thread may call; nothing here waits. `then` is called exactly once, on a thread of the store's or before
/// the call returns, in the order of the calls; it must not wait either (net::Handover carries it to a loop). What was put is
/// found by every later get(). Failures are Kind::internal: a message for clients, and the status 503 when the queue is full.
class ResponseStore {
 public:
  template <class T>
  using Then = std::move_only_function<void(T)>;

  virtual ~ResponseStore() = default;
  /// Replaces a row of the same id and owner. Kind::too_large: larger than all that may be kept. Others make room, oldest first.
  virtual void put(StoredResponse response, Pace pace, Then<Status> then) = 0;
  virtual void get(std::string id, std::string owner, Then<Result<FoundResponse>> then) = 0;
  /// False: there is none of that owner.
  virtual void remove(std::string id, std::string owner, Then<Result<bool>> then) = 0;
};

}  // namespace cardea::store

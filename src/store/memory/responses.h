#pragma once
// Stored responses in memory, for tests.

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "store/responses.h"

namespace cardea::store::memory {

/// A ResponseStore that answers before the call returns. One thread.
class Responses final : public ResponseStore {
 public:
  explicit Responses(std::uint64_t bytes_max, std::int64_t now = 0) : bytes_max_{bytes_max}, now_{now} {}

  void put(StoredResponse response, Pace pace, Then<Status> then) override;
  void get(std::string id, std::string owner, Then<Result<FoundResponse>> then) override;
  void remove(std::string id, std::string owner, Then<Result<bool>> then) override;

  // What a test may do to it.

  /// Unix seconds.
  void set_time(std::int64_t now) noexcept { now_ = now; }
  /// Answers wait from now on …
  void hold() noexcept { held_ = true; }
  /// … until they are let go, in order.
  void let_go();
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
  /// Every call fails with that message from now on; with an empty one, none does.
  void fail_with_message(std::string message) { failure_ = std::move(message); }
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }

 private:
  using Key = std::pair<std::string, std::string>;  ///< id, owner
  struct Row {
    std::uint64_t number = 0;  ///< rises
    StoredResponse response;
  };
  [[nodiscard]] Status insert(StoredResponse response);
  [[nodiscard]] FoundResponse look_up(const std::string& id, const std::string& owner) const;
  [[nodiscard]] static std::uint64_t size_of(const StoredResponse& response);
  void drop_oldest();
  void say(std::move_only_function<void()> answer);

  std::uint64_t bytes_max_;
  std::int64_t now_;
  std::map<Key, Row> rows_;
  std::uint64_t bytes_ = 0;
  std::uint64_t numbers_ = 0;
  bool held_ = false;
  std::deque<std::move_only_function<void()>> waiting_;
  std::string failure_;
};

}  // namespace cardea::store::memory

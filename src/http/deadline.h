#pragma once
// A point in time that may be "never". Private to the room.

#include "net/loop.h"

namespace cardea::http {

/// `timeout` from now on; net::forever and whatever lies beyond the clock's range never come.
class Deadline {
 public:
  Deadline(const net::Loop& loop, net::Duration timeout) noexcept
      : loop_{loop}, at_{timeout < net::TimePoint::max() - loop.now() ? loop.now() + timeout : net::TimePoint::max()} {}

  [[nodiscard]] bool passed() const noexcept { return at_ <= loop_.now(); }
  /// What an await may still take; only when not passed().
  [[nodiscard]] net::Duration left() const noexcept { return at_ == net::TimePoint::max() ? net::forever : at_ - loop_.now(); }

 private:
  const net::Loop& loop_;
  net::TimePoint at_;
};

}  // namespace cardea::http

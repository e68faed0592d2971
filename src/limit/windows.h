#pragma once
// Which hour, day, week or month it is where a budget lives.

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "config/settings.h"

namespace cardea::limit {

/// Rules of a place's clocks, by its name in the IANA database, as the system has it (package tzdata). A value; any thread.
class Zone {
 public:
  static Zone utc();
  /// "Europe/Berlin". Error: config, with the name.
  [[nodiscard]] static Result<Zone> load(const std::string& name);

 private:
  friend struct ZoneAccess;
  struct Rules;
  explicit Zone(std::shared_ptr<const Rules> rules) noexcept : rules_{std::move(rules)} {}
  std::shared_ptr<const Rules> rules_;
};

/// Unix seconds; the end is not included.
struct WindowSpan {
  std::int64_t from = 0;
  std::int64_t to = 0;
  bool operator==(const WindowSpan&) const = default;
};

/// The window in which `now` (Unix seconds) is. Days begin at midnight of the place and are 23 or 25 hours long when its clocks
/// change; weeks begin on Monday (ISO 8601); an hour is always 3600 s, so that one which the clocks show twice is two. Of a total
/// `from` is 0.
[[nodiscard]] WindowSpan window_at(const Zone& zone, config::Period period, std::int64_t now);

}  // namespace cardea::limit

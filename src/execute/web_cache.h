#pragma once
// Private to the room: what was fetched, for as long as its server says.

#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "execute/web.h"
#include "net/timer.h"

namespace cardea::execute {

/// Files by URL; equal contents are held once. Bounded in bytes and in number, the least recently used go first. One thread.
class WebCache {
 public:
  struct Entry {
    WebFile file;
    net::TimePoint fresh_until;
    std::string etag;
    std::string modified;  ///< Last-Modified
    /// Without one a file that is no longer fresh cannot be asked for again on condition.
    [[nodiscard]] bool has_validator() const noexcept { return !etag.empty() || !modified.empty(); }
  };

  /// nullptr: not there. Dies with the next store() or clear().
  [[nodiscard]] Entry* find(const std::string& url);
  /// `bytes_max`: of all contents together; what does not fit is not kept.
  void store(const std::string& url, Entry entry, std::size_t bytes_max);
  void erase(const std::string& url);
  void clear();
  /// The same bytes, if they are here under whichever URL; else those given.
  [[nodiscard]] std::shared_ptr<const std::string> shared(const net::Digest& sha256,
                                                          std::shared_ptr<const std::string> bytes) const;

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  static constexpr std::size_t entries_max = 4096;
  struct Content {
    std::shared_ptr<const std::string> bytes;
    std::size_t uses = 0;
  };
  using Order = std::list<std::pair<std::string, Entry>>;
  void drop(Order::iterator entry);

  Order order_;  ///< the most recently used first
  std::unordered_map<std::string_view, Order::iterator> entries_;
  std::map<net::Digest, Content> contents_;
  std::size_t bytes_ = 0;
};

}  // namespace cardea::execute

#pragma once
// What clients leave with the twin: files, batches, and pictures to be drawn.

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cardea::twin {

struct StoredFile {
  std::string id;
  std::string filename;
  std::string purpose;
  std::string content_type;
  std::uint64_t created = 0;
  std::uint64_t bytes = 0;
  std::string content;  ///< all of it, or its beginning: more is not kept
};

struct StoredBatch {
  std::string id;
  std::string endpoint;
  std::string input_file;
  std::string output_file;
  std::string window;
  std::string metadata = "null";  ///< JSON
  std::uint64_t created = 0;
  std::uint64_t requests = 0;
  enum class State : std::uint8_t { fresh, done, cancelled } state = State::fresh;
};

/// Work that is done when it is asked for the second time: the first time it is found under way.
struct StoredJob {
  std::string id;
  std::string result;  ///< JSON: what is said of it in the end
  bool seen = false;
};

/// In memory, the newest 1,000 of each and 32 MiB of content. One for all workers: every function locks, none waits.
class Shelf {
 public:
  static constexpr std::size_t things_max = 1000;
  static constexpr std::size_t content_bytes_max = 32U << 20;

  /// Gives it an id. The oldest go when there is no room.
  StoredFile add(StoredFile file);
  [[nodiscard]] std::optional<StoredFile> file(std::string_view id) const;
  /// Without their contents, the newest first.
  [[nodiscard]] std::vector<StoredFile> files() const;
  /// False: it is not there.
  bool remove(std::string_view id);

  StoredBatch add(StoredBatch batch);
  /// A fresh one becomes `next`: whoever looks finds it done.
  [[nodiscard]] std::optional<StoredBatch> batch(std::string_view id, StoredBatch::State next);
  [[nodiscard]] std::vector<StoredBatch> batches() const;

  /// Its id has the form of a UUID.
  StoredJob add(StoredJob job);
  /// As it was before this look at it.
  [[nodiscard]] std::optional<StoredJob> job(std::string_view id);

 private:
  mutable std::mutex mutex_;
  std::uint64_t count_ = 0;
  std::size_t content_bytes_ = 0;
  std::list<StoredFile> files_;  ///< the newest first
  std::list<StoredBatch> batches_;
  std::list<StoredJob> jobs_;
};

}  // namespace cardea::twin

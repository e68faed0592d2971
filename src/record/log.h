#pragma once
// The log: workers put whole lines into rings of their own, one thread writes them out.

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "base/error.h"

namespace cardea::record {

enum class Level : std::uint8_t { debug, info, warn, error };
enum class Format : std::uint8_t {
  json,     ///< one object a line, field names in README.md
  console,  ///< for eyes
  console_colour,
};
/// "debug", "info", "warn", "error".
[[nodiscard]] std::string_view name_of(Level level) noexcept;

/// One name and value of a server event.
struct Field {
  enum class Type : std::uint8_t { text, number };
  std::string_view name;
  Type type;
  std::string_view text;
  std::int64_t number = 0;

  Field(std::string_view n, std::string_view value) : name{n}, type{Type::text}, text{value} {}
  Field(std::string_view n, const char* value) : Field{n, std::string_view{value}} {}
  Field(std::string_view n, std::integral auto value) : name{n}, type{Type::number}, number{static_cast<std::int64_t>(value)} {}
};

/// A bounded byte queue of whole lines: one thread pushes, another takes. No lock, no wait, no system call.
class LogRing {
 public:
  /// `capacity` in bytes, rounded up to a power of two; its memory is touched only as it is used.
  explicit LogRing(std::size_t capacity);

  // Producer.
  /// All of `line` or nothing; nothing is counted as one lost line.
  bool push(std::string_view line) noexcept;

  // Consumer.
  /// The bytes that may be taken now, in up to two spans; ends at the end of a line.
  [[nodiscard]] std::array<std::span<const char>, 2> readable() const noexcept;
  void take(std::size_t bytes) noexcept;

  // Anybody.
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  std::size_t capacity_;
  std::unique_ptr<char[]> bytes_;
  alignas(64) std::atomic<std::uint64_t> head_{0};  ///< written by the producer
  std::uint64_t tail_seen_ = 0;                     ///< the producer's last look at tail_
  std::atomic<std::uint64_t> lost_{0};
  alignas(64) std::atomic<std::uint64_t> tail_{0};  ///< written by the consumer
};

/// The writer thread and its rings. A target that is stuck blocks nobody but this thread: rings fill, lines are lost and counted,
/// and one warning line says how many as soon as the target takes bytes again. Destroy it after all who push.
class LogSink {
 public:
  struct Options {
    int fd = 1;        ///< borrowed; used when `path` is empty
    std::string path;  ///< appended to, created with mode 0640
    Format format = Format::json;
    Level level = Level::info;                      ///< lines below it are not written
    std::size_t ring_bytes = std::size_t{1} << 19;  ///< per worker
    std::chrono::milliseconds interval{100};        ///< a line waits no longer than this
    std::chrono::milliseconds farewell{2000};       ///< how long flush() and the destructor wait for a stuck target
    std::chrono::system_clock::time_point (*now)() = &std::chrono::system_clock::now;  ///< stamps server events
  };
  /// Fails (kind config) when the file cannot be opened.
  [[nodiscard]] static Result<std::unique_ptr<LogSink>> make(Options options);
  /// Writes what is there (bounded by `farewell`) and joins the thread.
  ~LogSink();
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  /// A server event (start, reload, drain, error …). Any thread; takes a lock: not for the hot path.
  void log(Level level, std::string_view event, std::initializer_list<Field> fields = {});
  /// A new ring for one producing thread. Any thread. Lives as long as the sink.
  [[nodiscard]] LogRing& ring();
  /// Wakes the writer before its interval is over: one system call. Any thread.
  void nudge() noexcept;
  /// Returns when everything pushed before is written, or `farewell` is over. Any thread.
  void flush();

  [[nodiscard]] const Options& options() const noexcept;
  [[nodiscard]] std::uint64_t lost() const;

 private:
  struct Impl;
  explicit LogSink(std::shared_ptr<Impl> impl) noexcept;
  std::shared_ptr<Impl> impl_;
  std::thread thread_;
};

}  // namespace cardea::record

#pragma once
// Counters, histograms and the request line: one Recorder per worker, merged when somebody asks.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "record/entry.h"
#include "record/log.h"

namespace cardea::record {

/// What goes up and down. One row each in the table of expose.cc.
enum class Gauge : std::uint8_t {
  in_flight_requests,
  client_connections,
  upstream_connections_active,
  upstream_connections_idle,
  last_ = upstream_connections_idle,
};
/// What only goes up, beside the requests themselves.
enum class Counter : std::uint8_t {
  client_connections,
  upstream_connects,
  upstream_reuses,
  upstream_connect_failures,
  config_reloads,
  config_reload_failures,
  last_ = config_reload_failures,
};

/// One worker's figures. Written by its own thread only (plain relaxed stores, no contended line); any thread may read them
/// through expose(). Memory: about 1 KiB per label combination, at most Options::series_max of them.
class Recorder {
 public:
  struct Options {
    LogSink* sink = nullptr;       ///< null = no request lines; must outlive the recorder
    std::size_t series_max = 512;  ///< label combinations; past it the model, then everything, becomes "other"
  };
  explicit Recorder(Options options);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// Counts the entry and puts its line into the ring. No system call (but one nudge per 64 KiB of lines), no allocation once
  /// its label combination is known.
  void commit(const Entry& entry);

  void add(Counter counter, std::uint64_t n = 1) noexcept;
  void change(Gauge gauge, std::int64_t by) noexcept;
  void set(Gauge gauge, std::int64_t value) noexcept;
  [[nodiscard]] std::int64_t value(Gauge gauge) const noexcept;

  /// Holds a gauge up by one while it lives. Same thread as the recorder, which outlives it.
  class Tracked {
   public:
    Tracked(Recorder& recorder, Gauge gauge) noexcept : recorder_{&recorder}, gauge_{gauge} { recorder.change(gauge, 1); }
    Tracked(Tracked&& other) noexcept : recorder_{std::exchange(other.recorder_, nullptr)}, gauge_{other.gauge_} {}
    Tracked& operator=(Tracked&&) = delete;
    ~Tracked() {
      if (recorder_ != nullptr) recorder_->change(gauge_, -1);
    }

   private:
    Recorder* recorder_;
    Gauge gauge_;
  };
  [[nodiscard]] Tracked track(Gauge gauge) noexcept { return {*this, gauge}; }

  struct State;
  [[nodiscard]] const State& state() const noexcept { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// What /metrics says of the process, read by sample_process().
struct Process {
  std::string version, commit, compiler;  ///< build info: the caller's
  std::uint64_t log_lines_lost = 0;       ///< the caller's: LogSink::lost()
  double start_time_seconds = 0;          ///< since the epoch
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;
};
/// Fills the measured fields from /proc and getrusage. Some 50 µs.
void sample_process(Process& process);

/// The Prometheus text exposition, format 0.0.4, of all recorders merged. Any thread.
[[nodiscard]] std::string expose(std::span<const Recorder* const> recorders, const Process& process);
inline constexpr std::string_view exposition_type = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace cardea::record

#pragma once
// From the journals to the store, and what a dead run left.

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "store/journal/journal.h"

namespace cardea::store::journal {

/// What became of lines since the start.
struct DrainCounts {
  std::atomic<std::int64_t> lines = 0;     ///< brought to the store
  std::atomic<std::int64_t> failures = 0;  ///< times the store said no; its lines wait
  std::atomic<std::int64_t> damaged = 0;   ///< places in a journal that did not hold (a power cut); what stood behind is left out
};

/// Owns the journals of all workers, and a thread that brings their lines to the store, which must outlive it. Its end brings
/// what is left.
class Drain {
 public:
  struct Options {
    std::string folder;
    std::size_t journals = 1;  ///< one for each worker
    std::size_t journal_bytes = std::size_t{2} << 20;
    std::chrono::milliseconds every{50};
    std::size_t lines_max = 8192;  ///< in one transaction
    std::chrono::system_clock::time_point (*now)() = &std::chrono::system_clock::now;
  };
  struct Started;

  /// Waits for the store: brings in what a dead run left, of however many workers, settles its open reservations as lost, and
  /// begins a run. Error: config, naming a file; internal, the store's.
  [[nodiscard]] static Result<Started> start(LedgerStore& store, Options options);
  ~Drain();
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  /// `worker` < Options::journals; for its thread alone.
  [[nodiscard]] Journal& journal(std::size_t worker) noexcept { return journals_[worker]; }
  [[nodiscard]] const DrainCounts& counts() const noexcept { return counts_; }

 private:
  struct Signal;
  Drain(LedgerStore& store, Options options);
  [[nodiscard]] Status open_all();
  [[nodiscard]] Status bring_all();
  [[nodiscard]] Status bring(Journal& journal);
  [[nodiscard]] Result<LedgerKept> begin_run();
  void work();

  LedgerStore& store_;
  Options options_;
  std::vector<Journal> journals_;
  DrainCounts counts_;
  std::unique_ptr<Signal> signal_;
  std::thread thread_;
};

struct Drain::Started {
  std::unique_ptr<Drain> drain;
  LedgerKept kept;        ///< without open reservations
  std::int64_t lost = 0;  ///< reservations of dead runs that were settled
};

}  // namespace cardea::store::journal

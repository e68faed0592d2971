#include "store/journal/drain.h"

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <semaphore>
#include <utility>

#include "base/text.h"

namespace cardea::store::journal {
namespace {

/// Waits for what the store says: on the thread that has nothing else to do, or before there are requests.
template <class T, class Ask>
T answer_of(Ask ask) {
  std::optional<T> answer;
  std::binary_semaphore there{0};
  ask([&](T value) {
    answer.emplace(std::move(value));
    there.release();
  });
  there.acquire();
  return std::move(*answer);
}

Result<Appended> append(LedgerStore& store, std::vector<LedgerEntry> entries) {
  return answer_of<Result<Appended>>([&](auto then) { store.append(std::move(entries), std::move(then)); });
}

std::string file_of(const std::string& folder, std::size_t worker) { return cat(folder, "/ledger-", worker, ".journal"); }

}  // namespace

struct Drain::Signal {
  std::mutex mutex;
  std::condition_variable wake;
  bool stopped = false;
};

Drain::Drain(LedgerStore& store, Options options)
    : store_{store}, options_{std::move(options)}, signal_{std::make_unique<Signal>()} {}

Status Drain::open_all() {
  // A run of more workers may have left more of them.
  for (std::size_t worker = 0;; ++worker) {
    const std::string file = file_of(options_.folder, worker);
    std::error_code failed;
    if (worker >= options_.journals && !std::filesystem::exists(file, failed)) return {};
    Result<Journal> opened = Journal::open({.file = file, .bytes = options_.journal_bytes});
    if (!opened) return fail_with(opened);
    journals_.push_back(std::move(*opened));
  }
}

Status Drain::bring(Journal& journal) {
  for (;;) {
    Journal::Lines lines = journal.read(options_.lines_max);
    if (lines.entries.empty() && !lines.damaged) return {};
    const auto count = static_cast<std::int64_t>(lines.entries.size());
    Result<Appended> done = append(store_, std::move(lines.entries));
    if (!done) {
      ++counts_.failures;
      return fail_with(done);
    }
    counts_.lines += count;
    if (lines.damaged) ++counts_.damaged;
    journal.drop(lines.end);
  }
}

Status Drain::bring_all() {
  for (Journal& journal : journals_) {
    if (Status done = bring(journal); !done) return done;
  }
  return {};
}

Result<LedgerKept> Drain::begin_run() {
  return answer_of<Result<LedgerKept>>([&](auto then) { store_.begin(std::move(then)); });
}

Result<Drain::Started> Drain::start(LedgerStore& store, Options options) {
  std::unique_ptr<Drain> drain{new Drain{store, std::move(options)}};
  if (Status opened = drain->open_all(); !opened) return fail_with(opened);
  if (Status brought = drain->bring_all(); !brought) return fail_with(brought);
  Result<LedgerKept> kept = drain->begin_run();
  if (!kept) return fail_with(kept);
  Started out;
  out.lost = static_cast<std::int64_t>(kept->open.size());
  if (out.lost != 0) {
    const std::int64_t now =
        std::chrono::duration_cast<std::chrono::milliseconds>(drain->options_.now().time_since_epoch()).count();
    std::vector<LedgerEntry> settled;
    for (const Reservation& made : kept->open) {
      settled.emplace_back(Settlement{.id = made.id, .time_ms = now, .amount = made.amount, .outcome = Outcome::lost});
    }
    if (Result<Appended> done = append(store, std::move(settled)); !done) return fail_with(done);
    kept = drain->begin_run();  // the balances have changed
    if (!kept) return fail_with(kept);
  }
  drain->thread_ = std::thread{[self = drain.get()] { self->work(); }};
  out.kept = std::move(*kept);
  out.drain = std::move(drain);
  return out;
}

Drain::~Drain() {
  {
    const std::lock_guard lock{signal_->mutex};
    signal_->stopped = true;
  }
  signal_->wake.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Drain::work() {
  std::unique_lock lock{signal_->mutex};
  for (bool stopped = false; !stopped;) {
    stopped = signal_->wake.wait_for(lock, options_.every, [&] { return signal_->stopped; });
    lock.unlock();
    // What fails is still in the journal: it comes with the next.
    static_cast<void>(bring_all());
    lock.lock();
  }
}

}  // namespace cardea::store::journal

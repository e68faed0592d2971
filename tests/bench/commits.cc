// How many durable changes of keys the embedded store takes a second, each with its line in the audit log, and how long one
// waits. On the disk of DIR: the figure is that disk's as much as the store's.
//   bench_commits DIR [SUBMITTERS [SECONDS]]

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <semaphore>
#include <thread>

#include "base/text.h"
#include "store/journal/drain.h"
#include "store/sqlite/ledger.h"
#include "store/sqlite/registry.h"

namespace {

using namespace cardea;
using Clock = std::chrono::steady_clock;

store::Change change_of(std::string id) {
  store::Change out;
  out.audit.push_back({.time_ms = 1'764'000'000'000,
                       .actor = "member/ann",
                       .address = "127.0.0.1",
                       .action = "key.create",
                       .target = cat("key/", id),
                       .before = "",
                       .after = std::string(200, 'x')});
  out.puts.push_back({.kind = "key",
                      .id = std::move(id),
                      .created = 1'764'000'000,
                      .changed = 1'764'000'000,
                      .body = std::string(300, 'x'),
                      .sealed = std::string(90, 'x')});
  return out;
}

/// Each waits for its change before it submits the next, as requests do.
void submit_until(store::sqlite::Registry& registry, int submitter, Clock::time_point end, std::vector<double>& waits) {
  for (int i = 0; Clock::now() < end; ++i) {
    std::binary_semaphore there{0};
    bool done = false;
    const Clock::time_point begin = Clock::now();
    registry.change(change_of(cat("k", submitter, "-", i)), [&](Status status) {
      done = status.has_value();
      there.release();
    });
    there.acquire();
    if (!done) std::abort();
    waits.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
}

void measure(store::sqlite::Registry& registry, int submitters, int first, int seconds) {
  std::vector<std::vector<double>> waits(static_cast<std::size_t>(submitters));
  const Clock::time_point begin = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < submitters; ++i) {
      threads.emplace_back([&, i] {
        submit_until(registry, first + i, begin + std::chrono::seconds{seconds}, waits[static_cast<std::size_t>(i)]);
      });
    }
  }
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  std::vector<double> all;
  for (const auto& some : waits) all.insert(all.end(), some.begin(), some.end());
  std::ranges::sort(all);
  std::printf("%4d submitters: %7.0f durable changes/s, p50 %.2f ms, p99 %.2f ms\n", submitters,
              static_cast<double>(all.size()) / took, all[all.size() / 2], all[all.size() * 99 / 100]);
}

store::Reservation reservation_of(std::int64_t id) {
  return {
      .id = id,
      .time_ms = 1'764'000'000'000,
      .amount = {25'000'000},
      .labels =
          {.organization = "acme", .team = "research", .key = "key_0123456789ab", .model = "gpt-4.1-mini", .provider = "openai"},
      .holds = {
          {"key/key_0123456789ab/day", 1'764'000'000}, {"team/research/month", 1'764'000'000}, {"organization/acme/total", 0}}};
}
store::Settlement settlement_of(std::int64_t id) {
  return {.id = id,
          .time_ms = 1'764'000'001'000,
          .amount = {21'000'000},
          .tokens = {.input = 1000, .output = 200},
          .price = "openai/gpt-4.1-mini@2026-01-01"};
}

/// A worker's part, and how many settlements (each with its reservation) come to the disk a second.
void measure_settlements(store::sqlite::Ledger& ledger, const std::string& folder, std::size_t lines_max, int seconds) {
  auto started = store::journal::Drain::start(
      ledger, {.folder = folder, .journals = 1, .every = std::chrono::milliseconds{1}, .lines_max = lines_max});
  if (!started) std::abort();
  store::journal::Drain& drain = *started->drain;
  store::journal::Journal& journal = drain.journal(0);
  std::int64_t id = started->kept.first_id;
  store::Reservation made = reservation_of(id);
  store::Settlement settled = settlement_of(id);
  std::chrono::nanoseconds appending{};
  std::int64_t count = 0;
  const Clock::time_point begin = Clock::now();
  while (Clock::now() < begin + std::chrono::seconds{seconds}) {
    const Clock::time_point before = Clock::now();
    made.id = settled.id = id;
    if (!journal.append(made)) {  // the disk is behind
      std::this_thread::yield();
      continue;
    }
    if (!journal.append(settled)) std::abort();
    appending += Clock::now() - before;
    ++id, ++count;
  }
  started->drain.reset();  // brings what is left
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf("up to %5zu lines a commit: %7.0f durable settlements/s; a request's two lines cost %.0f ns\n", lines_max,
              static_cast<double>(count) / took, static_cast<double>(appending.count()) / static_cast<double>(count));
}

int measure_ledger(const std::string& folder, int seconds) {
  auto database =
      store::sqlite::Database::open({.file = cat(folder, "/bench-ledger.db"), .contents = store::sqlite::Contents::ledger});
  if (!database) {
    std::fprintf(stderr, "%s\n", std::string{database.error().message()}.c_str());
    return 1;
  }
  store::sqlite::Ledger ledger{**database};
  for (const std::size_t lines : {std::size_t{2}, std::size_t{64}, std::size_t{8192}}) {
    measure_settlements(ledger, folder, lines, seconds);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_commits DIR [SUBMITTERS [SECONDS]]\n");
    return 2;
  }
  const int submitters = argc > 2 ? parse_number<std::uint16_t>(argv[2]).value_or(0) : 0;
  const int seconds = argc > 3 ? parse_number<std::uint16_t>(argv[3]).value_or(0) : 3;
  auto database = store::sqlite::Database::open({.file = cat(std::string_view{argv[1]}, "/bench-commits.db")});
  if (!database) {
    std::fprintf(stderr, "%s\n", std::string{database.error().message()}.c_str());
    return 1;
  }
  store::sqlite::Registry registry{**database};
  int first = static_cast<int>(Clock::now().time_since_epoch().count() % 1'000'000) * 1000;
  for (const int some : {1, 16, 64, 256}) {
    if (submitters != 0 && some != 1) continue;
    measure(registry, submitters != 0 ? submitters : some, first, seconds);
    first += some;
  }
  return measure_ledger(argv[1], seconds);
}

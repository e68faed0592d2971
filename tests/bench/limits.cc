// What limits cost a request: admission by rates at several levels, settling, and a place behind each cap; alone, and with all
// threads at the same buckets. (./dev limits)
//   bench_limits [THREADS]

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <thread>
#include <vector>

#include "base/text.h"
#include "limit/gates.h"
#include "limit/limiter.h"
#include "net/poller.h"

namespace {

using namespace cardea;
using Clock = std::chrono::steady_clock;

constexpr int rounds = 500'000;
constexpr std::uint32_t plenty = 200'000'000;

/// The thread's own, so that others on the machine do not count.
double cpu_nanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

struct House {
  Random random{1};
  limit::Limiter limiter{random};
  limit::Gates gates{random};
};

/// What a busy installation has: a key with two rates, a team, a model, all of them with a cap.
std::array<limit::Level, 3> levels(std::string_view key) {
  using limit::Scope;
  return {
      {{.scope = Scope::key, .id = key, .rates = {.requests_per_minute = plenty, .tokens_per_minute = plenty}, .concurrency = 64},
       {.scope = Scope::team, .id = "research", .rates = {.requests_per_minute = plenty}, .concurrency = 256},
       {.scope = Scope::model, .id = "gpt-5", .rates = {.requests_per_second = plenty}, .concurrency = 256}}};
}

template <class Work>
double nanoseconds_each(int threads, const Work& work) {
  std::vector<std::jthread> all;
  std::vector<double> took(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([&, i] {
      net::Loop loop{std::make_unique<net::Poller>()};
      const std::string own = cat("key-", i);
      const Clock::time_point start{std::chrono::hours{1}};
      const double begin = cpu_nanoseconds();
      for (int n = 0; n < rounds; ++n) work(loop, own, start + std::chrono::microseconds{n});
      took[static_cast<std::size_t>(i)] = (cpu_nanoseconds() - begin) / rounds;
    });
  }
  all.clear();
  return *std::ranges::max_element(took);
}

void show(const char* what, int threads, double time) { std::printf("%-58s %2d threads %7.0f ns of CPU\n", what, threads, time); }

void admit(House& house, std::string_view key, limit::TimePoint now, bool& refused) {
  limit::Verdict verdict = house.limiter.admit(levels(key), {.tokens = 50, .now = now});
  if (!verdict.admission) {
    refused = true;
    return;
  }
  verdict.admission->settle(70);
}

}  // namespace

int main(int argc, char** argv) {
  const int most = argc > 1 ? parse_number<std::uint8_t>(argv[1]).value_or(0) : 2;
  bool refused = false;
  for (int threads = 1; threads <= most; ++threads) {
    House house;
    show("4 rates at 3 levels, admitted and settled", threads,
         nanoseconds_each(threads,
                          [&](net::Loop&, const std::string&, limit::TimePoint now) { admit(house, "shared", now, refused); }));
    show("the same, each thread with a key of its own", threads,
         nanoseconds_each(threads,
                          [&](net::Loop&, const std::string& own, limit::TimePoint now) { admit(house, own, now, refused); }));
    show("a place behind each of 3 caps, taken and left", threads,
         nanoseconds_each(threads, [&](net::Loop& loop, const std::string&, limit::TimePoint) {
           refused |= !house.gates.try_enter(loop, levels("shared"));
         }));
  }
  if (refused) std::printf("something was refused: these figures mean nothing\n");
  return refused ? 1 : 0;
}

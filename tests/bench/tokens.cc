// What counting tokens costs, in megabytes a second, and what a price does, in nanoseconds (./dev tokens).
//   bench_tokens                  the table
//   bench_tokens encode ENCODING  reads texts (4 bytes of length, then so many), writes for each how many tokens and a hash of
//   them

#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>

#include "base/text.h"
#include "catalog/catalog.h"
#include "tokens/counter.h"
#include "tokens/estimate.h"

namespace {

using namespace cardea;
using tokens::Encoding;
/// The thread's own, so that others on the machine do not count.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}
double seconds_since(double begin) { return cpu_seconds() - begin; }

struct Kind {
  const char* name;
  std::string_view unit;
};
constexpr Kind kinds[] = {
    {"prose", "The gateway counts what is said before it is sent, and once more when it has been answered. "},
    {"code", "  for (std::size_t i = 0; i < parts_.size(); ++i) out.push_back(parts_[i].rank);\n"},
    {"json", R"({"id":"call_4f2","arguments":{"x":12.5,"y":[1,2,3]}},)"},
    {"chinese", "\u8bf7\u786e\u4fdd\u60a8\u7684\u5bc6\u7801\u81f3\u5c11\u5305\u542b\u516b\u4e2a\u5b57\u7b26\u3002"},
    {"one letter", "a"},
    {"spaces", " "},
};

void measure_texts() {
  tokens::Counter counter;
  std::printf("%-12s %12s %12s %12s\n", "1 MB of", "cl100k MB/s", "o200k MB/s", "estimate");
  for (const Kind& kind : kinds) {
    std::string text;
    while (text.size() < 1'000'000) text += kind.unit;
    const double megabytes = static_cast<double>(text.size()) / 1e6;
    double speed[3] = {};
    for (int round = 0; round < 3; ++round) {
      for (const auto encoding : {Encoding::cl100k_base, Encoding::o200k_base}) {
        const auto begin = cpu_seconds();
        if (counter.count(encoding, text) == 0) return;
        double& best = speed[static_cast<std::size_t>(encoding)];
        best = std::max(best, megabytes / seconds_since(begin));
      }
      const auto begin = cpu_seconds();
      if (tokens::estimate(text) == 0) return;
      speed[2] = std::max(speed[2], megabytes / seconds_since(begin));
    }
    std::printf("%-12s %12.1f %12.1f %12.0f\n", kind.name, speed[0], speed[1], speed[2]);
  }
}

void measure_prices() {
  const auto model = catalog::builtin_model("openai/gpt-5.4");
  if (!model) return;
  constexpr std::uint64_t rounds = 1'000'000;
  std::int64_t sum = 0;
  const auto begin = cpu_seconds();
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const catalog::Terms terms{.provider = "openai", .model = model->id, .input_tokens = i, .day = std::chrono::sys_days{}};
    sum += catalog::cost(catalog::price_under(model->price, terms), {.usage = {.input = i, .output = 100}}).nano_usd;
  }
  std::printf("a price under its terms, and the cost: %.0f ns (%lld)\n", seconds_since(begin) * 1e9 / static_cast<double>(rounds),
              static_cast<long long>(sum));
}

int encode(std::string_view name) {
  const auto encoding = name == "cl100k_base" ? Encoding::cl100k_base : Encoding::o200k_base;
  tokens::Counter counter;
  std::string text;
  for (std::uint32_t size = 0; std::fread(&size, sizeof size, 1, stdin) == 1;) {
    text.resize(size);
    if (std::fread(text.data(), 1, size, stdin) != size) return 1;
    const auto found = counter.encode(encoding, text);
    std::uint64_t hash = 1469598103934665603U;  // FNV-1a over whole tokens
    for (const std::uint32_t token : found) hash = (hash ^ token) * 1099511628211U;
    std::printf("%zu %s\n", found.size(), cat(hash).c_str());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view{argv[1]} == "encode") return encode(argv[2]);
  measure_texts();
  measure_prices();
  return 0;
}

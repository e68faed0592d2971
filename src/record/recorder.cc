#include <bit>
#include <functional>

#include "base/text.h"
#include "record/state.h"

namespace cardea::record {
namespace {

constexpr std::uint64_t us = 1'000;
constexpr std::uint64_t ms = 1'000'000;
constexpr double ns_per_second = 1e9;

// semantic-conventions-genai, metrics: gen_ai.client.operation.duration, gen_ai.server.time_to_first_token,
// gen_ai.client.token.usage (docs/gen-ai/gen-ai-metrics.md).
constexpr std::array operation_bounds{10 * ms,   20 * ms,   40 * ms,   80 * ms,    160 * ms,   320 * ms,   640 * ms,
                                      1280 * ms, 2560 * ms, 5120 * ms, 10240 * ms, 20480 * ms, 40960 * ms, 81920 * ms};
constexpr std::array first_token_bounds{1 * ms,   5 * ms,   10 * ms,  20 * ms,   40 * ms,   60 * ms,   80 * ms,   100 * ms,
                                        250 * ms, 500 * ms, 750 * ms, 1000 * ms, 2500 * ms, 5000 * ms, 7500 * ms, 10000 * ms};
constexpr std::array<std::uint64_t, 14> token_bounds{1,     4,     16,     64,      256,     1024,     4096,
                                                     16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};
constexpr std::array overhead_bounds{5 * us, 10 * us, 20 * us, 50 * us, 100 * us, 200 * us, 500 * us,
                                     1 * ms, 2 * ms,  5 * ms,  10 * ms, 50 * ms,  100 * ms};
static_assert(first_token_bounds.size() <= bounds_max);

constexpr std::string_view other = "other";
constexpr std::string_view unknown = "unknown";
// What is kept free for combinations whose model is "other" when the table fills up.
constexpr std::size_t reserve = 64;
constexpr std::size_t nudge_bytes = 64 * 1024;

std::uint64_t clamp(Entry::Nanos time) { return static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0)); }

std::size_t hash_of(const Labels& labels) {
  std::size_t seed = 0;
  for (const auto text : {labels.route, labels.dialect, labels.operation, labels.provider, labels.model}) {
    seed = std::rotl(seed, 13) ^ std::hash<std::string_view>{}(text);
  }
  return seed;
}

/// A stranger's spelling of a model never becomes a label; what the catalogue resolved it to does.
std::string_view model_label(const Entry& entry) {
  if (!entry.upstream_model.empty()) return entry.upstream_model.substr(0, text_max);
  return entry.model_asked.empty() ? std::string_view{} : unknown;
}

std::uint32_t status_label(const Entry& entry) {
  return entry.status == 0 && entry.error ? info(*entry.error).http_status : entry.status;
}

/// Lines a second and worker about requests that nobody of ours made: whoever guesses keys shall not fill the disk as well. All
/// of them are counted.
constexpr std::uint64_t stranger_lines_max = 100;

bool is_stranger(const Entry& entry) { return entry.error == Kind::unauthenticated && entry.principal.empty(); }

}  // namespace

const Scale operation_seconds{operation_bounds, ns_per_second};
const Scale first_token_seconds{first_token_bounds, ns_per_second};
const Scale token_counts{token_bounds, 1};
const Scale overhead_seconds{overhead_bounds, ns_per_second};

Series::Series(const Labels& from) : text{cat(from.route, from.dialect, from.operation, from.provider, from.model)} {
  std::string_view rest = text;
  const auto next = [&rest](std::string_view part) {
    const auto own = rest.substr(0, part.size());
    rest.remove_prefix(part.size());
    return own;
  };
  labels = {next(from.route), next(from.dialect), next(from.operation), next(from.provider), next(from.model)};
}

void Series::count(std::uint32_t status) noexcept {
  for (auto& entry : statuses) {
    const auto seen = entry.status.get();
    if (seen != status && seen != 0) continue;
    if (seen == 0) entry.status.set(status);
    entry.count.add(1);
    return;
  }
  other_statuses.add(1);
}

SeriesTable::SeriesTable(std::size_t series_max)
    : mask_{std::bit_ceil((series_max + reserve + 1) * 2) - 1},
      limit_{series_max},
      slots_{std::make_unique<std::atomic<Series*>[]>(mask_ + 1)} {}

SeriesTable::~SeriesTable() {
  for (std::size_t i = 0; i <= mask_; ++i) delete slots_[i].load(std::memory_order_relaxed);
}

Series* SeriesTable::find_or_make(const Labels& labels, std::size_t limit) {
  for (std::size_t at = hash_of(labels);; ++at) {
    auto& slot = slots_[at & mask_];
    Series* series = slot.load(std::memory_order_relaxed);
    if (series == nullptr) {
      if (size_ >= limit) return nullptr;
      series = new Series{labels};
      ++size_;
      slot.store(series, std::memory_order_release);
      return series;
    }
    if (series->labels == labels) return series;
  }
}

Series& SeriesTable::at(const Labels& labels) {
  if (Series* series = find_or_make(labels, limit_)) return *series;
  Labels coarse = labels;
  coarse.model = other;
  if (Series* series = find_or_make(coarse, limit_ + reserve)) return *series;
  return *find_or_make({other, other, other, other, other}, limit_ + reserve + 1);
}

Recorder::State::State(const Options& options)
    : series{options.series_max}, sink{options.sink}, ring{sink != nullptr ? &sink->ring() : nullptr} {}

Recorder::Recorder(Options options) : state_{std::make_unique<State>(options)} {}
Recorder::~Recorder() {
  if (state_->ring != nullptr) state_->end_strangers_second({});
}

void Recorder::commit(const Entry& e) {
  State& s = *state_;
  Series& series = s.series.at({e.route, e.dialect, e.operation, e.provider, model_label(e)});
  series.count(status_label(e));
  if (e.error) s.errors[static_cast<std::size_t>(*e.error)].add(1);
  if (!e.operation.empty()) series.duration.observe(clamp(e.duration));
  if (e.upstream) series.upstream.observe(clamp(*e.upstream));
  if (e.first_token) series.first_token.observe(clamp(*e.first_token));
  if (e.overhead) s.overhead.observe(clamp(*e.overhead));
  if (e.usage.input) series.input_tokens.observe(e.usage.input_total());
  if (e.usage.output) series.output_tokens.observe(*e.usage.output);

  if (s.ring == nullptr || level_of(e) < s.sink->options().level) return;
  s.end_strangers_second(e.started);
  if (is_stranger(e) && !s.logs_stranger(e.started)) return;
  write_request(s.line, s.sink->options().format, e);
  s.push_line();
}

void Recorder::State::push_line() {
  ring->push(line.view());
  pushed_since_nudge += line.view().size();
  if (pushed_since_nudge < nudge_bytes) return;
  pushed_since_nudge = 0;
  sink->nudge();
}

bool Recorder::State::logs_stranger(std::chrono::system_clock::time_point at) {
  if (strangers.logged < stranger_lines_max) {
    ++strangers.logged;
    return true;
  }
  ++strangers.unlogged;
  strangers.last = at;
  return false;
}

void Recorder::State::end_strangers_second(std::chrono::system_clock::time_point at) {
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  if (second == strangers.second) return;
  if (strangers.unlogged != 0) {
    const Field fields[] = {{"count", strangers.unlogged}};
    write_event(line, sink->options().format, strangers.last, Level::warn, "refusals_not_logged", fields);
    push_line();
  }
  strangers = {.second = second};
}

void Recorder::add(Counter counter, std::uint64_t n) noexcept {
  state_->counter_values[static_cast<std::size_t>(counter)].add(n);
}
void Recorder::change(Gauge gauge, std::int64_t by) noexcept { state_->gauge_values[static_cast<std::size_t>(gauge)].add(by); }
void Recorder::set(Gauge gauge, std::int64_t value) noexcept { state_->gauge_values[static_cast<std::size_t>(gauge)].set(value); }
std::int64_t Recorder::value(Gauge gauge) const noexcept { return state_->gauge_values[static_cast<std::size_t>(gauge)].get(); }

}  // namespace cardea::record

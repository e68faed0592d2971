#include "record/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.h"
#include "record/line.h"

namespace cardea::record {
namespace {

using Clock = std::chrono::steady_clock;

// A pipe or terminal that polls writable takes this much without blocking (PIPE_BUF, pipe(7)).
constexpr std::size_t careful_bytes = 4096;
constexpr std::size_t eager_bytes = std::size_t{1} << 20;
constexpr std::size_t event_ring_bytes = std::size_t{1} << 17;
constexpr std::size_t spans_max = 64;

/// May a write to it wait for somebody? Files and /dev/null never make one wait.
bool may_block(int fd) {
  struct stat status{};
  return fstat(fd, &status) != 0 || !(S_ISREG(status.st_mode) || (S_ISCHR(status.st_mode) && isatty(fd) == 0));
}

}  // namespace

LogRing::LogRing(std::size_t capacity)
    : capacity_{std::bit_ceil(capacity)}, bytes_{std::make_unique_for_overwrite<char[]>(capacity_)} {}

bool LogRing::push(std::string_view line) noexcept {
  const auto head = head_.load(std::memory_order_relaxed);
  if (capacity_ - (head - tail_seen_) < line.size()) {
    tail_seen_ = tail_.load(std::memory_order_acquire);
    if (capacity_ - (head - tail_seen_) < line.size()) {
      lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return false;
    }
  }
  const std::size_t at = head & (capacity_ - 1);
  const std::size_t first = std::min(line.size(), capacity_ - at);
  std::memcpy(bytes_.get() + at, line.data(), first);
  if (first < line.size()) std::memcpy(bytes_.get(), line.data() + first, line.size() - first);
  head_.store(head + line.size(), std::memory_order_release);
  return true;
}

std::array<std::span<const char>, 2> LogRing::readable() const noexcept {
  const auto tail = tail_.load(std::memory_order_relaxed);
  const std::size_t size = head_.load(std::memory_order_acquire) - tail;
  const std::size_t at = tail & (capacity_ - 1);
  const std::size_t first = std::min(size, capacity_ - at);
  return {std::span{bytes_.get() + at, first}, std::span{bytes_.get(), size - first}};
}

void LogRing::take(std::size_t bytes) noexcept {
  tail_.store(tail_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
}

std::size_t LogRing::size() const noexcept {
  // The tail first: it never passes a head that is read later.
  const auto tail = tail_.load(std::memory_order_acquire);
  return head_.load(std::memory_order_acquire) - tail;
}

/// Shared by the sink and its thread, so that a thread stuck in a write for ever may be left behind at exit.
struct LogSink::Impl {
  explicit Impl(Options o) : options{std::move(o)} {}
  ~Impl() {
    if (wake >= 0) close(wake);
    if (!options.path.empty() && fd >= 0) close(fd);
  }

  Options options;
  int fd = -1;
  int wake = -1;  ///< eventfd
  bool careful = false;

  std::mutex mutex;  ///< guards this group
  std::condition_variable changed;
  std::vector<std::unique_ptr<LogRing>> rings;  ///< [0] takes server events, pushed under the mutex
  std::uint64_t flushes_wanted = 0;
  std::uint64_t flushes_done = 0;
  std::optional<Clock::time_point> stop_by;
  bool stopped = false;
  Line line;

  /// The thread's own: what the rings held when the round began. Written in this order to the end before the next round begins,
  /// so that a line cut in two by a short write is continued and nothing comes between.
  struct Share {
    LogRing* ring;
    std::size_t left;
  };
  std::vector<Share> round;
  std::uint64_t round_flushes = 0;  ///< flushes_wanted when the round began
  std::uint64_t lost_told = 0;

  enum class Target : std::uint8_t { ready, full, broken };

  void run();
  void begin_round();
  /// Writes the round's rest; ready = all of it.
  [[nodiscard]] Target write_round();
  [[nodiscard]] Target write_some();
  /// The round is over; true when there is nothing to wait for any more.
  [[nodiscard]] bool end_round();
  void wait(Target target) const;
  void nudge() const noexcept;
  void push_event(Level level, std::string_view event, std::span<const Field> fields);
  [[nodiscard]] std::uint64_t lost() const;
};

void LogSink::Impl::begin_round() {
  const std::lock_guard lock{mutex};
  round_flushes = flushes_wanted;
  round.clear();
  for (const auto& ring : rings) round.push_back({ring.get(), ring->size()});
}

LogSink::Impl::Target LogSink::Impl::write_some() {
  if (careful) {
    pollfd target{fd, POLLOUT, 0};
    if (poll(&target, 1, 0) != 1) return Target::full;
  }
  iovec spans[spans_max];
  std::size_t count = 0;
  std::size_t room = careful ? careful_bytes : eager_bytes;
  for (const auto& share : round) {
    std::size_t left = share.left;
    for (const auto span : share.ring->readable()) {
      const std::size_t size = std::min({span.size(), left, room});
      if (size == 0) continue;
      if (count == spans_max) break;
      spans[count++] = {const_cast<char*>(span.data()), size};  // NOLINT: writev only reads
      left -= size;
      room -= size;
    }
  }
  auto written = writev(fd, spans, static_cast<int>(count));
  if (written < 0) return errno == EINTR ? Target::ready : errno == EAGAIN ? Target::full : Target::broken;
  for (auto& share : round) {
    const auto taken = std::min(share.left, static_cast<std::size_t>(written));
    share.ring->take(taken);
    share.left -= taken;
    written -= static_cast<ssize_t>(taken);
  }
  return Target::ready;
}

LogSink::Impl::Target LogSink::Impl::write_round() {
  while (std::ranges::any_of(round, [](const Share& share) { return share.left != 0; })) {
    if (const auto target = write_some(); target != Target::ready) return target;
  }
  return Target::ready;
}

bool LogSink::Impl::end_round() {
  const std::lock_guard lock{mutex};
  if (const auto all = lost(); all != lost_told) {
    const Field fields[] = {{"lines", all - lost_told}};
    push_event(Level::warn, "log_lines_lost", fields);
    lost_told = all;
  }
  flushes_done = round_flushes;
  changed.notify_all();
  const bool empty = std::ranges::all_of(rings, [](const auto& ring) { return ring->size() == 0; });
  return stop_by && empty;
}

void LogSink::Impl::wait(Target target) const {
  // A target that is full wakes us as it gets room; a broken one would say "ready" without end.
  pollfd fds[] = {{wake, POLLIN, 0}, {fd, POLLOUT, 0}};
  poll(fds, target == Target::full ? 2 : 1, static_cast<int>(options.interval.count()));
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = read(wake, &count, sizeof count);
}

void LogSink::Impl::run() {
  sigset_t every;
  sigfillset(&every);
  pthread_sigmask(SIG_BLOCK, &every, nullptr);  // signals are the server's; SIGPIPE is nobody's
  while (true) {
    if (write_round() == Target::ready) begin_round();
    const auto target = write_round();
    if (target == Target::ready && end_round()) break;
    {
      const std::lock_guard lock{mutex};
      if (stop_by && Clock::now() >= *stop_by) break;
      if (target == Target::ready && (stop_by || flushes_wanted != flushes_done)) continue;
    }
    wait(target);
  }
  const std::lock_guard lock{mutex};
  stopped = true;
  changed.notify_all();
}

void LogSink::Impl::nudge() const noexcept {
  constexpr std::uint64_t one = 1;
  [[maybe_unused]] const auto put = write(wake, &one, sizeof one);
}

void LogSink::Impl::push_event(Level level, std::string_view event, std::span<const Field> fields) {
  write_event(line, options.format, options.now(), level, event, fields);
  rings[0]->push(line.view());
}

std::uint64_t LogSink::Impl::lost() const {
  std::uint64_t all = 0;
  for (const auto& ring : rings) all += ring->lost();
  return all;
}

LogSink::LogSink(std::shared_ptr<Impl> impl) noexcept : impl_{std::move(impl)} {}

Result<std::unique_ptr<LogSink>> LogSink::make(Options options) {
  auto impl = std::make_shared<Impl>(std::move(options));
  const auto& path = impl->options.path;
  impl->fd = path.empty() ? impl->options.fd : open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (impl->fd < 0) {
    return fail(Kind::config, cat("cannot open log file ", path, ": ", std::strerror(errno), "; name one that can be written"));
  }
  impl->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (impl->wake < 0) return fail(Kind::internal, cat("eventfd: ", std::strerror(errno)));
  impl->careful = may_block(impl->fd);
  impl->rings.push_back(std::make_unique<LogRing>(event_ring_bytes));
  auto sink = std::unique_ptr<LogSink>{new LogSink{impl}};
  sink->thread_ = std::thread{[impl] { impl->run(); }};
  return sink;
}

LogSink::~LogSink() {
  if (!thread_.joinable()) return;
  constexpr std::chrono::milliseconds grace{500};
  bool stopped = false;
  {
    std::unique_lock lock{impl_->mutex};
    impl_->stop_by = Clock::now() + impl_->options.farewell;
    impl_->nudge();
    stopped = impl_->changed.wait_for(lock, impl_->options.farewell + grace, [&] { return impl_->stopped; });
  }
  if (stopped) {
    thread_.join();
  } else {
    thread_.detach();  // inside a write that never ends; it holds its own share of impl_
  }
}

void LogSink::log(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (level < impl_->options.level) return;
  const std::lock_guard lock{impl_->mutex};
  impl_->push_event(level, event, {fields.begin(), fields.size()});
}

LogRing& LogSink::ring() {
  const std::lock_guard lock{impl_->mutex};
  return *impl_->rings.emplace_back(std::make_unique<LogRing>(impl_->options.ring_bytes));
}

void LogSink::nudge() noexcept { impl_->nudge(); }

void LogSink::flush() {
  std::unique_lock lock{impl_->mutex};
  const auto mine = ++impl_->flushes_wanted;
  impl_->nudge();
  impl_->changed.wait_for(lock, impl_->options.farewell, [&] { return impl_->flushes_done >= mine; });
}

const LogSink::Options& LogSink::options() const noexcept { return impl_->options; }

std::uint64_t LogSink::lost() const {
  const std::lock_guard lock{impl_->mutex};
  return impl_->lost();
}

}  // namespace cardea::record

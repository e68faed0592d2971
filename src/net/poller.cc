#include "net/poller.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "net/syscall.h"

namespace cardea::net {
namespace {
constexpr std::uint64_t wake_mark = ~std::uint64_t{0};
constexpr std::uint32_t edges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
}  // namespace

Poller::Poller() : epoll_{epoll_create1(EPOLL_CLOEXEC)}, wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = wake_mark}};
  if (epoll_ < 0 || wake_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
    throw std::system_error{errno, std::generic_category(), "epoll"};
  }
}

Poller::~Poller() {
  end_turn();
  close(wake_);
  close(epoll_);
}

bool Poller::add(int fd, PollTarget& target, std::uint32_t& slot) {
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back({});
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  slots_[slot].target = &target;
  epoll_event event{.events = edges, .data = {.u64 = std::uint64_t{slots_[slot].generation} << 32 | slot}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) return true;
  forget(slot);
  return false;
}

void Poller::forget(std::uint32_t slot) {
  slots_[slot].target = nullptr;
  ++slots_[slot].generation;
  free_slots_.push_back(slot);
}

void Poller::remove_and_close(std::uint32_t slot, int fd) {
  forget(slot);
  closing_.push_back(fd);
}

void Poller::remove(std::uint32_t slot, int fd) {
  forget(slot);
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

TimePoint Poller::now() { return std::chrono::steady_clock::now(); }

void Poller::wait(std::optional<TimePoint> deadline) {
  int timeout_ms = -1;
  if (deadline) {
    const auto left = *deadline - now();
    // Rounded up: waking before the deadline would spin.
    timeout_ms = left <= Duration::zero() ? 0 : static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
  }
  std::array<epoll_event, 128> events;
  const long count =
      uncancellable(SYS_epoll_pwait, epoll_, events.data(), static_cast<int>(events.size()), timeout_ms, nullptr, 0);
  for (long i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == wake_mark) {
      std::uint64_t ignored = 0;
      [[maybe_unused]] const auto drained = read(wake_, &ignored, sizeof ignored);
      continue;
    }
    const auto& slot = slots_[static_cast<std::uint32_t>(event.data.u64)];
    if (slot.target != nullptr && slot.generation == event.data.u64 >> 32) slot.target->on_events(event.events);
  }
}

void Poller::end_turn() {
  for (const int fd : closing_) close(fd);
  closing_.clear();
}

void Poller::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_, &one, sizeof one);
}

}  // namespace cardea::net

#include "testing/network.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "net/scope.h"
#include "testing/sim_driver.h"

namespace cardea::testing {

using net::Duration;
using net::IoOutcome;
using net::StreamWatcher;
using State = IoOutcome::State;

namespace {

/// One direction of a connection. Outlives its ends while something is under way.
struct Lane {
  SimStream* writer = nullptr;
  SimStream* reader = nullptr;
  std::size_t bytes = 0;  ///< under way or waiting to be read
  net::TimePoint last_arrival;
  bool swallow = false;  ///< what is written vanishes: black hole, or after a cut
};

}  // namespace

class SimStream final : public net::Stream {
 public:
  SimStream(net::Loop& loop, SimNetwork& network, std::uint64_t id, std::string name, std::shared_ptr<Lane> out,
            std::shared_ptr<Lane> in)
      : Stream{loop}, network_{network}, id_{id}, name_{std::move(name)}, out_{std::move(out)}, in_{std::move(in)} {
    out_->writer = this;
    in_->reader = this;
    network_.open_.emplace(id_, this);
  }

  ~SimStream() override {
    network_.open_.erase(id_);
    // A kernel resets the connection when it is closed with data unread, or on request.
    const bool reset = reset_on_close_ || in_->bytes != 0;
    note(reset ? "close with reset" : "close");
    if (!reset_ && reset) {
      send([](SimStream& peer) { peer.be_reset(); });
    } else if (!reset_ && !shut_) {
      send_end();
    }
    out_->writer = nullptr;
    in_->reader = nullptr;
  }

  [[nodiscard]] IoOutcome try_read(std::span<char> into) override {
    if (inbox_.empty()) {
      if (reset_) return {State::failed, 0};
      if (ended_) return {State::end, 0};
      readable_ = false;
      return {State::would_block, 0};
    }
    if (breaks()) return {State::failed, 0};
    const auto count = split(std::min(into.size(), inbox_.size()));
    std::memcpy(into.data(), inbox_.data(), count);
    inbox_.erase(0, count);
    in_->bytes -= count;
    readable_ = !inbox_.empty() || ended_ || reset_;
    note(cat("read ", count));
    // The window opens for the writer in the next events.
    network_.driver_.at(loop().now(), [lane = in_] {
      if (lane->writer != nullptr) lane->writer->notify(Edge::writable);
    });
    return {State::moved, count};
  }

  [[nodiscard]] IoOutcome try_write(std::span<const iovec> pieces) override {
    if (reset_ || shut_) return {State::failed, 0};
    const auto capacity = network_.faults_.capacity;
    const auto room = capacity - std::min(capacity, out_->bytes);
    std::string bytes;
    for (const auto& part : pieces)
      bytes.append(static_cast<const char*>(part.iov_base), std::min(part.iov_len, room - bytes.size()));
    if (bytes.empty()) {
      writable_ = false;
      return {State::would_block, 0};
    }
    if (breaks()) return {State::failed, 0};
    bytes.resize(split(bytes.size()));
    const auto count = bytes.size();
    note(cat("write ", count));
    if (!out_->swallow && network_.chance(network_.faults_.cut)) {
      note("cut");
      send_end();
      out_->swallow = true;
    }
    if (black_hole_) out_->bytes += count;  // the window fills up and never opens
    if (!out_->swallow) {
      out_->bytes += count;
      send([data = std::move(bytes)](SimStream& peer) { peer.arrive(data); });
    }
    return {State::moved, count};
  }

  void shutdown_write() override {
    if (std::exchange(shut_, true) || reset_) return;
    note("shutdown");
    send_end();
  }
  void reset_on_close() override { reset_on_close_ = true; }
  void vanish() noexcept { black_hole_ = out_->swallow = true; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  void note(std::string_view what) {
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(loop().now().time_since_epoch() - std::chrono::hours{1}).count();
    network_.trace_.note(cat(micros, " us  ", name_, ' ', what));
  }
  [[nodiscard]] std::size_t split(std::size_t most) {
    const auto limit = network_.faults_.split_max;
    return limit == 0 ? most : std::min<std::size_t>(most, 1 + network_.random_.below(limit));
  }

  /// `event` happens to the peer after the delay, behind what was sent before.
  template <class Event>
  void send(Event event) {
    if (out_->swallow) return;
    out_->last_arrival = std::max(out_->last_arrival, loop().now() + network_.delay());
    network_.driver_.at(out_->last_arrival, [lane = out_, happen = std::move(event)] {
      if (lane->reader != nullptr) {
        happen(*lane->reader);
      } else if (lane->writer != nullptr) {
        lane->writer->be_reset();  // nobody is there any more
      }
    });
  }
  void send_end() {
    send([](SimStream& peer) { peer.be_ended(); });
  }

  void arrive(const std::string& data) {
    inbox_ += data;
    notify(Edge::readable);
  }
  void be_ended() {
    if (reset_) return;
    note("end arrives");
    ended_ = peer_closed_ = true;
    notify(Edge::readable);
    notify_sign(StreamWatcher::Sign::half_closed);
  }
  void be_reset() {
    if (std::exchange(reset_, true)) return;
    note("reset arrives");
    peer_closed_ = true;
    notify(Edge::both);
    notify_sign(StreamWatcher::Sign::reset);
  }
  /// Counts an operation and draws whether it breaks the connection.
  [[nodiscard]] bool breaks() {
    const bool chosen = network_.operation_fails();
    if (!network_.chance(network_.faults_.reset) && !chosen) return false;
    note("breaks");
    send([](SimStream& peer) { peer.be_reset(); });
    reset_ = peer_closed_ = true;
    in_->bytes -= inbox_.size();
    inbox_.clear();
    readable_ = true;
    return true;
  }

  SimNetwork& network_;
  std::uint64_t id_;
  std::string name_;
  std::shared_ptr<Lane> out_;
  std::shared_ptr<Lane> in_;
  std::string inbox_;
  bool ended_ = false;
  bool reset_ = false;
  bool shut_ = false;
  bool reset_on_close_ = false;
  bool black_hole_ = false;
};

class SimNetwork::SimDialer final : public net::Dialer {
 public:
  explicit SimDialer(SimNetwork& network) noexcept : network_{network} {}

  net::Task<Result<std::unique_ptr<net::Stream>>> dial(net::Origin origin, net::DialOptions options) override {
    const std::string name = origin.text();
    net::Loop& loop = network_.loop_;
    const bool refused = network_.operation_fails() || network_.chance(network_.faults_.refuse);
    network_.trace_.note(cat("dial ", name, refused ? " refused" : ""));
    const bool hole = network_.is_black_hole(name);
    const Duration needed = hole ? net::forever : network_.delay();
    Status waited = co_await net::sleep_for(loop, std::min(needed, options.connect_timeout));
    if (!waited) co_return fail_with(waited);
    if (needed >= options.connect_timeout) {
      co_return fail(Kind::upstream_connect_timeout, cat("no connection to ", name, " in time"));
    }
    const auto listener = network_.listeners_.find(name);
    if (refused || listener == network_.listeners_.end()) {
      co_return fail(Kind::upstream_unreachable, cat("cannot connect to ", name, ": Connection refused"));
    }
    co_return network_.connect(name, listener->second);
  }

 private:
  SimNetwork& network_;
};

SimNetwork::SimNetwork(net::Loop& loop, SimDriver& driver, Random& random, Trace& trace, const Faults& faults)
    : loop_{loop},
      driver_{driver},
      random_{random},
      trace_{trace},
      faults_{faults},
      dialer_{std::make_unique<SimDialer>(*this)} {}

SimNetwork::~SimNetwork() = default;

std::unique_ptr<net::Stream> SimNetwork::connect(const std::string& name, const Accept& accept) {
  const auto number = ++connections_;
  auto there = std::make_shared<Lane>();
  auto back = std::make_shared<Lane>();
  auto client = std::make_unique<SimStream>(loop_, *this, number * 2, cat('c', number, " client of ", name), there, back);
  auto server = std::make_unique<SimStream>(loop_, *this, number * 2 + 1, cat('c', number, " server ", name), back, there);
  if (chance(faults_.black_hole)) {
    trace_.note(cat('c', number, " is a black hole"));
    client->vanish();
    server->vanish();
  }
  // A copy: accepting may stop the listener.
  const Accept take = accept;
  take(std::move(server));
  return client;
}

void SimNetwork::listen(const std::string& name, Accept accept) { listeners_.insert_or_assign(name, std::move(accept)); }

bool SimNetwork::is_black_hole(const std::string& name) const {
  const auto listener = listeners_.find(name);
  return listener != listeners_.end() && listener->second == nullptr;
}

Duration SimNetwork::delay() {
  if (faults_.delay_max <= Duration::zero()) return Duration::zero();
  return Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(faults_.delay_max.count()) + 1))};
}

std::string SimNetwork::open_streams() const {
  std::string names;
  for (const auto& [id, stream] : open_) names += cat(names.empty() ? "" : ", ", stream->name());
  return names;
}

}  // namespace cardea::testing

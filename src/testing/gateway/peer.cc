#include "testing/gateway/peer.h"

#include <array>
#include <utility>

namespace cardea::testing {

struct Peer::Line {
  explicit Line(net::Loop& owner) : loop{owner}, may_read{owner}, to_say{owner} { may_read.set(); }
  net::Loop& loop;
  std::unique_ptr<net::Stream> stream;
  net::Scope* scope = nullptr;  ///< of the connection, while it lives
  net::Event may_read;
  net::Event to_say;
  std::function<void()> hear;
  std::string in;
  std::string out;
  bool last_words = false;  ///< shut down behind `out`
  Ending ending = Ending::open;
  net::TimePoint ended_at;
  bool gone = false;
};

Peer::Peer(net::Scope& scope, net::Task<std::unique_ptr<net::Stream>> opening) : line_{std::make_shared<Line>(scope.loop())} {
  scope.spawn(live(line_, std::move(opening)));
}

net::Task<void> Peer::live(std::shared_ptr<Line> line, net::Task<std::unique_ptr<net::Stream>> opening) {
  net::Scope& outer = co_await net::current_scope();
  {
    net::Scope own{outer};
    line->scope = &own;
    line->stream = co_await opening.in(own);
    if (line->stream == nullptr) {
      end(*line, Ending::refused);
    } else {
      own.spawn(listen(*line));
      own.spawn(speak(*line));
    }
    co_await own.join();
    line->scope = nullptr;
  }
  if (line->ending == Ending::open) end(*line, Ending::own);
  line->stream.reset();
  line->gone = true;
}

net::Task<void> Peer::listen(Line& line) {
  std::array<char, 16 * 1024> space;
  for (;;) {
    Status may = co_await line.may_read.wait();
    if (!may) co_return;
    Status ready = co_await line.stream->readable(net::forever);
    if (!line.may_read.is_set() && ready) continue;
    Result<std::size_t> got = co_await line.stream->read_some(space, net::forever);
    if (!got && got.error().is(Kind::io)) end(line, Ending::reset);
    if (!got) co_return;
    if (*got == 0) {
      end(line, Ending::orderly);
      co_return;
    }
    line.in.append(space.data(), *got);
    if (line.hear) line.hear();
  }
}

net::Task<void> Peer::speak(Line& line) {
  for (;;) {
    Status wake = co_await line.to_say.wait();
    if (!wake) co_return;
    line.to_say.reset();
    while (!line.out.empty()) {
      iovec pieces[1] = {net::piece(line.out)};
      const net::IoOutcome written = line.stream->try_write(pieces);
      if (written.state == net::IoOutcome::State::moved) {
        line.out.erase(0, written.bytes);
        continue;
      }
      // What the other side said before it went is still to be read.
      if (written.state == net::IoOutcome::State::failed) co_return;
      Status room = co_await line.stream->writable(net::forever);
      if (!room) co_return;
    }
    if (line.last_words) {
      line.stream->shutdown_write();
      co_return;
    }
  }
}

void Peer::end(Line& line, Ending ending) {
  if (line.ending == Ending::open) {
    line.ending = ending;
    line.ended_at = line.loop.now();
  }
  if (line.scope != nullptr) line.scope->cancel();
}

void Peer::send(std::string_view bytes) {
  line_->out += bytes;
  line_->to_say.set();
}

void Peer::shut_down() {
  line_->last_words = true;
  line_->to_say.set();
}

void Peer::close() { end(*line_, Ending::own); }

void Peer::reset() {
  if (line_->stream != nullptr) line_->stream->reset_on_close();
  close();
}

void Peer::stop_reading() { line_->may_read.reset(); }
void Peer::go_on() { line_->may_read.set(); }

void Peer::on_bytes(std::function<void()> hear) { line_->hear = std::move(hear); }

std::string& Peer::inbox() const noexcept { return line_->in; }
std::size_t Peer::unsent() const noexcept { return line_->out.size(); }
Peer::Ending Peer::ending() const noexcept { return line_->ending; }
net::TimePoint Peer::ended_at() const noexcept { return line_->ended_at; }
bool Peer::gone() const noexcept { return line_->gone; }

}  // namespace cardea::testing

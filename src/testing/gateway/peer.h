#pragma once
// One end of a simulated connection in a test's hands: what the test says goes out while the world runs, what comes in is kept.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/scope.h"
#include "net/stream.h"

namespace cardea::testing {

/// A handle; copies are the same peer. The connection lives in the scope it was made in, until either side ends it.
class Peer {
 public:
  enum class Ending : std::uint8_t {
    open,     ///< not yet
    orderly,  ///< the other side closed
    reset,    ///< the connection broke
    own,      ///< this side closed
    refused,  ///< it never came to be
  };

  /// `opening` makes the connection (null: refused).
  Peer(net::Scope& scope, net::Task<std::unique_ptr<net::Stream>> opening);

  void send(std::string_view bytes);
  /// After what was sent: no more will come from here.
  void shut_down();
  void close();
  void reset();
  /// Until go_on(), nothing is taken off the wire.
  void stop_reading();
  void go_on();

  /// Called after each arrival of bytes; must not hold a Peer.
  void on_bytes(std::function<void()> hear);

  /// Came in and was not taken yet; take from the front.
  [[nodiscard]] std::string& inbox() const noexcept;
  /// Bytes said that the wire has not taken yet.
  [[nodiscard]] std::size_t unsent() const noexcept;
  [[nodiscard]] Ending ending() const noexcept;
  [[nodiscard]] bool ended() const noexcept { return ending() != Ending::open; }
  /// When; only when ended().
  [[nodiscard]] net::TimePoint ended_at() const noexcept;
  /// The stream itself is gone too.
  [[nodiscard]] bool gone() const noexcept;

 private:
  struct Line;
  static net::Task<void> live(std::shared_ptr<Line> line, net::Task<std::unique_ptr<net::Stream>> opening);
  static net::Task<void> listen(Line& line);
  static net::Task<void> speak(Line& line);
  static void end(Line& line, Ending ending);
  std::shared_ptr<Line> line_;
};

}  // namespace cardea::testing

#pragma once
// The simulated network: listeners and dialled streams whose timing, splits and faults come from the world's seed.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "net/dial.h"
#include "net/stream.h"
#include "testing/trace.h"

namespace cardea::testing {

class SimDriver;
class SimStream;

/// What goes wrong, and how often. Chances are in thousandths, drawn from the world's seed.
struct Faults {
  std::size_t split_max = 0;         ///< each read and each write moves 1..n bytes; 0: all that fits
  std::size_t capacity = 64 * 1024;  ///< bytes under way per direction; a fuller one makes its writer wait
  net::Duration delay_max{};         ///< connecting and each piece of data take 0..n of virtual time; order is kept
  unsigned refuse = 0;               ///< per dial: refused
  unsigned black_hole = 0;           ///< per connection: nothing ever arrives at the other side, without any sign
  unsigned reset = 0;                ///< per read or write: the connection is reset for both
  unsigned cut = 0;                  ///< per write: this direction ends in order (half-close) before these bytes
  std::uint64_t fail_operation = 0;  ///< the n-th dial, read or write of the world fails (reads and writes: by a reset); 0: none
};

/// Owned by a World. Streams may outlive their listener, not the network.
class SimNetwork {
 public:
  SimNetwork(net::Loop& loop, SimDriver& driver, Random& random, Trace& trace, const Faults& faults);
  ~SimNetwork();
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;

  /// Takes an accepted stream over: spawn a task that serves it.
  using Accept = std::function<void(std::unique_ptr<net::Stream>)>;
  /// Answers dials to `name` ("host:port"; "memory:name" and "unix:/path" as Origin::text() writes them) until stop().
  void listen(const std::string& name, Accept accept);
  void stop(const std::string& name) { listeners_.erase(name); }
  /// Dials to `name` neither succeed nor fail.
  void black_hole(const std::string& name) { listeners_[name] = nullptr; }
  /// TLS origins are reached like plain ones.
  [[nodiscard]] net::Dialer& dialer() noexcept { return *dialer_; }

  [[nodiscard]] Faults& faults() noexcept { return faults_; }
  /// Dials, reads and writes so far: an n-th-operation-fails loop ends when a run has fewer than n.
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }
  /// Empty when every stream has been destroyed, else their names.
  [[nodiscard]] std::string open_streams() const;

 private:
  friend class SimStream;
  class SimDialer;
  /// Counts an operation; true: this is the one that fails.
  [[nodiscard]] bool operation_fails() noexcept { return ++operations_ == faults_.fail_operation; }
  [[nodiscard]] bool chance(unsigned thousandths) { return thousandths != 0 && random_.below(1000) < thousandths; }
  [[nodiscard]] net::Duration delay();
  [[nodiscard]] bool is_black_hole(const std::string& name) const;
  [[nodiscard]] std::unique_ptr<net::Stream> connect(const std::string& name, const Accept& accept);

  net::Loop& loop_;
  SimDriver& driver_;
  Random& random_;
  Trace& trace_;
  Faults faults_;
  std::map<std::string, Accept, std::less<>> listeners_;
  std::map<std::uint64_t, SimStream*> open_;
  std::uint64_t operations_ = 0;
  std::uint64_t connections_ = 0;
  std::unique_ptr<net::Dialer> dialer_;
};

}  // namespace cardea::testing

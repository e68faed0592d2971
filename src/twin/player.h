#pragma once
// Brings an answer to the client at the pace, and with the faults, that were asked for.

#include <string>
#include <string_view>

#include "http/server.h"
#include "twin/behaviour.h"
#include "twin/forms/form.h"

namespace cardea::twin {

/// One answer of one exchange. Made by the handler's coroutine and outlived by its arguments. A Status that fails means that the
/// client has gone or was left: there is nothing more to say.
class Player {
 public:
  Player(http::Exchange& exchange, const Behaviour& behaviour, const Form& form)
      : exchange_{exchange}, behaviour_{behaviour}, form_{form} {}

  /// A whole body, after `thinking` (beyond the latency asked for).
  [[nodiscard]] net::Task<Status> document(unsigned status, wire::HeaderBlock headers, std::string body, net::Duration thinking);
  /// A 200 with an event stream.
  [[nodiscard]] net::Task<Status> stream(const wire::HeaderBlock& headers, EventSource& source);

 private:
  /// What happens instead of the next event.
  enum class Turn : std::uint8_t { go_on, cut, close, end, error, hang };
  [[nodiscard]] Turn turn_at(std::uint64_t events) const noexcept;
  [[nodiscard]] net::Task<Status> take(Turn turn);
  [[nodiscard]] bool malformed_framing() const noexcept;
  [[nodiscard]] net::Task<Status> broken_document(unsigned status, const wire::HeaderBlock& headers, std::string_view body);
  [[nodiscard]] net::Task<Status> half_document(unsigned status, const wire::HeaderBlock& headers, std::string_view body);

  [[nodiscard]] net::Task<Status> wait_first();
  [[nodiscard]] net::Task<Status> events(EventSource& source);
  void append_event(const Event& event);
  void append_sse(const Event& event);
  /// What a stream ends with, when it ends in order.
  void append_end();
  [[nodiscard]] net::Task<Status> flush();

  [[nodiscard]] net::Task<Status> hang();
  [[nodiscard]] net::Task<Status> raw(std::string_view bytes);
  [[nodiscard]] net::Task<Status> trail();
  [[nodiscard]] net::Task<Status> pieces(std::string_view bytes);

  http::Exchange& exchange_;
  const Behaviour& behaviour_;
  const Form& form_;
  std::string out_;         ///< formatted events that are not written yet
  std::uint64_t said_ = 0;  ///< events so far
};

}  // namespace cardea::twin

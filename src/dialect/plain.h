#pragma once
// Private to the room: the way through for dialects whose requests are a flat object with a list in it. (OpenAI Chat has a way of
// its own, tuned for the hot path.)

#include <memory>

#include "dialect/dialect.h"
#include "json/value.h"

namespace cardea::dialect {

/// Checks all of the body's JSON; finds `model` and `stream` in it unless the path said them. `list`: the member that must be
/// there and hold at least one element (a string counts as one); empty: the caller looks for itself.
[[nodiscard]] Result<RequestView> inspect_plain(std::string_view body, const Asked& asked, std::string_view list);
/// The model's name, unless the path names it, and the vendor's field rules.
[[nodiscard]] Result<json::Edits> forward_plain(const RequestView& view, const ForwardOptions& options);
/// True when the vendor's rules remove the field.
[[nodiscard]] bool dropped(std::span<const FieldRule> rules, std::string_view key);
/// Drops, renames and sets top-level fields as the vendor's rules say.
void apply_rules(const json::Members& members, std::span<const FieldRule> rules, json::ObjectEdit& object);
/// By decode_response(). `model_key`: the top-level member that names the model, may be empty.
[[nodiscard]] Result<ResponseView> inspect_answer(const Dialect& dialect, std::string_view body, std::string_view model_key);
/// Forwards a stream as the bytes it came in, watched by a decoder. When the client wants another framing (Gemini's array), the
/// events' data are framed anew, unchanged.
[[nodiscard]] std::unique_ptr<Relay> framed_relay(std::unique_ptr<StreamDecoder> decoder, Framing upstream, RelayOptions options);

/// The client's error for what a decoder saw in a stream.
[[nodiscard]] Error failure_error(const model::event::Failure& failure, const Secret& secret);

/// What an upstream's error body says.
struct Told {
  std::string message;
  std::string code;
  int status = 0;          ///< in the body, when it differs from HTTP's
  bool own_shape = false;  ///< the body is a whole error of this dialect, so that its own clients may see it as it is
};
/// The one place that turns an upstream's status into a kind: 4xx keeps its class, 401/403 is the gateway's trouble, the secret
/// is scrubbed. With an empty message the body's text is quoted when it is plain.
[[nodiscard]] Error upstream_error_of(const UpstreamFailure& failure, const Secret& secret, const Told& told);
/// The same for an error in place of a 2xx answer; `told.status` 0: the vendor's fault.
[[nodiscard]] Error reported_error_of(const Told& told, const Secret& secret);
/// For streams whose errors are words alone (Cohere's, Ollama's): the words, which tell the class too when it is not the usual
/// one.
[[nodiscard]] std::string words_with_class(const Error& error);
/// The status that such words tell: "HTTP 429: …", or what vendors say of limits and overload; 0: none.
[[nodiscard]] std::uint16_t class_in(std::string_view words) noexcept;
/// `object[key]` when it is a string.
[[nodiscard]] const std::string* text_at(const json::Value& object, std::string_view key) noexcept;

/// Adds the fingerprints of a part's opaque items (see issuers.h).
void add_fingerprints(const model::Part& part, std::vector<std::uint64_t>& out);

/// An error when an answer says nothing at all: not even why it ended.
[[nodiscard]] Status expect_answer(const model::Answer& answer);

/// Follows what a decoder says, for Relay::Seen.
class Watch {
 public:
  /// Takes note of events; an error for event::Failure, and for an end behind nothing.
  Status note(std::span<const model::ChatEvent> events, const Secret& secret);
  [[nodiscard]] const Relay::Seen& seen() const noexcept { return seen_; }
  [[nodiscard]] Relay::Seen& seen() noexcept { return seen_; }

 private:
  void note_opaque(const model::ChatEvent& said);
  Relay::Seen seen_;
  std::string signature_;  ///< of the open part, as it comes
  bool answered_ = false;  ///< there was a part, or a reason to have none
};

}  // namespace cardea::dialect

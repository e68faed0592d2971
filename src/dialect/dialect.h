#pragma once
// A dialect is a codec for both directions of one wire format: what its clients send, what its upstreams answer.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "json/edit.h"
#include "json/scan.h"
#include "model/chat.h"

namespace cardea::dialect {

/// A request as far as the gateway must know it to forward it: views into the body it was inspected from, which must outlive it.
struct RequestView {
  RequestView() noexcept {}  // NOLINT: says that the inline storage inside is not to be zeroed, which costs 2 KB per request
  json::Members members;     ///< top level, with the messages and stream options outlined
  std::string_view model;
  json::Span model_span;  ///< the raw value, quotes included
  bool stream = false;
  bool asked_usage = false;  ///< the client itself asked for the usage chunk
};

/// A vendor's deviation: a top-level field it does not know. With `to`, it is renamed (dropped when `to` is there already).
struct FieldRule {
  std::string from;
  std::string to;  ///< empty: the field is dropped
};

struct ForwardOptions {
  std::string_view model;     ///< the upstream's name for it; empty: as the client said
  bool inject_usage = false;  ///< ask a stream for its usage chunk when the client did not
  std::span<const FieldRule> rules = {};
};

/// An upstream's whole answer as far as the gateway must know it. Views into the body.
struct ResponseView {
  ResponseView() noexcept {}  // NOLINT: as RequestView
  json::Members members;
  std::string_view id;
  std::string_view model;
  std::optional<model::Usage> usage;
  std::uint32_t choices = 0;
  json::InlineVector<model::Finish, 4> finishes;  ///< one per choice, in order
};

/// What a translation could not carry over: names of fields, e.g. "messages[2].content[0].audio".
using Losses = std::vector<std::string>;

/// One event of a stream, reassembled from its `data:` lines, becomes model events. One per stream.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;
  /// Appends what the event says to `out`. `type` is the SSE event name, empty when there was none. An unreadable event is
  /// Kind::upstream_protocol; an error event is appended as event::Failure.
  virtual Status event(std::string_view type, std::string_view data, std::vector<model::ChatEvent>& out) = 0;
  /// The upstream closed. An error unless the stream had ended properly.
  virtual Status end(std::vector<model::ChatEvent>& out) = 0;
};

/// Model events become the bytes of a client's stream. One per stream.
class StreamEncoder {
 public:
  virtual ~StreamEncoder() = default;
  /// Appends the bytes (none, one or several SSE events) to `out`.
  virtual void encode(const model::ChatEvent& event, std::string& out) = 0;
  /// What could not be said so far.
  [[nodiscard]] virtual const Losses& losses() const noexcept = 0;
};

struct EncodeStreamOptions {
  bool include_usage = false;  ///< the client asked for usage
  std::string id;              ///< used when the upstream names none
  std::string model;
  std::uint64_t created = 0;  ///< Unix seconds, when the upstream names none
};

struct RelayOptions {
  bool withhold_usage = false;              ///< the usage chunk was asked for by the gateway, not by the client
  std::size_t event_bytes_max = 16u << 20;  ///< a longer event is Kind::upstream_protocol
  Secret secret;                            ///< the upstream's key: scrubbed from errors
};

/// A stream between two sides of the same dialect: cut into whole events, forwarded as the bytes it came in, and watched for what
/// the gateway must know. The caller owns the bytes: it appends what it reads to one buffer, feeds the whole unconsumed view each
/// time, writes the pieces, then consumes `Step::consumed`.
class Relay {
 public:
  struct Step {
    std::size_t consumed = 0;  ///< bytes of complete events at the front (forwarded or withheld)
  };
  /// What was seen so far.
  struct Seen {
    std::optional<model::Usage> usage;
    std::string model;
    model::Finish finish = model::Finish::unknown;  ///< of the last choice that finished
    std::uint64_t events = 0;                       ///< events that carried data
    bool content = false;                           ///< a content-bearing event was among them: failover ends here
    bool done = false;                              ///< the proper end was seen
  };

  virtual ~Relay() = default;
  /// Appends the spans of `pending` to forward now, neighbours merged, to `pieces`. The views die when the caller's buffer
  /// changes. An error (an error event, an unreadable one, one too long) ends the relay; what was appended before it is still to
  /// be forwarded, and the error event itself is not among it. After the proper end further bytes are consumed and dropped.
  virtual Result<Step> feed(std::string_view pending, std::vector<std::string_view>& pieces) = 0;
  /// The upstream closed with `pending` unconsumed: appends what of it is to be forwarded still (pieces as in feed()). An error
  /// of Kind::upstream_reset unless the stream ended properly.
  virtual Status end(std::string_view pending, std::vector<std::string_view>& pieces) = 0;
  [[nodiscard]] virtual const Seen& seen() const noexcept = 0;
};

/// An upstream's answer that is not a success.
struct UpstreamFailure {
  int status = 0;
  std::string_view body;
  std::string_view content_type;
  std::string_view retry_after;  ///< value of the header, empty when absent
};

/// Stateless and constant; found by name or by its function; lives for ever. Thread: any.
class Dialect {
 public:
  virtual ~Dialect() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;

  // The way through when client and upstream speak the same dialect: bytes plus edits.

  /// Checks the body completely and finds what routing needs. Errors are Kind::bad_request with the field in `param`.
  [[nodiscard]] virtual Result<RequestView> inspect(std::string_view body) const = 0;
  /// What must change on the way to the upstream.
  [[nodiscard]] virtual Result<json::Edits> forward_edits(const RequestView& view, const ForwardOptions& options) const = 0;
  /// Checks a 2xx answer. An error object or no choices is Kind::upstream_failed, not JSON is Kind::upstream_protocol.
  [[nodiscard]] virtual Result<ResponseView> inspect_response(std::string_view body, const Secret& secret) const = 0;
  [[nodiscard]] virtual std::unique_ptr<Relay> relay(RelayOptions options) const = 0;

  // The way between dialects, over the model.

  [[nodiscard]] virtual Result<model::Chat> decode_request(std::string_view body) const = 0;
  [[nodiscard]] virtual std::string encode_request(const model::Chat& chat, Losses& losses) const = 0;
  [[nodiscard]] virtual Result<model::Answer> decode_response(std::string_view body) const = 0;
  [[nodiscard]] virtual std::string encode_response(const model::Answer& answer, Losses& losses) const = 0;
  [[nodiscard]] virtual std::unique_ptr<StreamDecoder> stream_decoder() const = 0;
  [[nodiscard]] virtual std::unique_ptr<StreamEncoder> stream_encoder(EncodeStreamOptions options) const = 0;

  // Errors in the dialect's own shape.

  /// A whole JSON body. An error that brings its upstream's body in this dialect keeps it.
  [[nodiscard]] virtual std::string error_body(const Error& error, std::string_view request_id) const = 0;
  /// One well-formed SSE event; no proper end follows it.
  [[nodiscard]] virtual std::string stream_error(const Error& error, std::string_view request_id) const = 0;
  /// What an upstream's non-2xx means to the client: 4xx keeps its class, 401/403 is the gateway's trouble, `secret` is scrubbed.
  [[nodiscard]] virtual Error upstream_error(const UpstreamFailure& failure, const Secret& secret) const = 0;
};

/// The OpenAI Chat Completions dialect.
[[nodiscard]] const Dialect& openai_chat();
/// All dialects.
[[nodiscard]] std::span<const Dialect* const> all();
/// By name ("openai_chat"; "openai" is accepted too); nullptr when unknown.
[[nodiscard]] const Dialect* find(std::string_view name) noexcept;

}  // namespace cardea::dialect

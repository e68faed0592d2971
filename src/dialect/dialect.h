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
#include "dialect/framing.h"
#include "dialect/losses.h"
#include "json/edit.h"
#include "json/scan.h"
#include "model/chat.h"

namespace cardea::dialect {

/// What the path of a request says of it: some dialects name the model there, and whether a stream is wanted.
struct Asked {
  std::string_view model;      ///< decoded; empty: the body names it
  std::optional<bool> stream;  ///< absent: the body says it
};

/// A request as far as the gateway must know it to forward it: views into the body it was inspected from, which must outlive it.
struct RequestView {
  RequestView() noexcept {}  // NOLINT: says that the inline storage inside is not to be zeroed, which costs 2 KB per request
  json::Members members;     ///< top level, with the messages and stream options outlined
  std::string_view model;
  json::Span model_span;  ///< the raw value, quotes included; empty when the path named the model
  bool stream = false;
  bool asked_usage = false;  ///< the client itself asked for the usage chunk
};

/// A vendor's deviation: a top-level field it does not know, or knows under another name, or wants with a value of its own.
struct FieldRule {
  std::string from;
  std::string to = {};     ///< the field is renamed (dropped when `to` is there already); empty: dropped
  std::string value = {};  ///< not empty: the field is set to this JSON instead
};
/// What a vendor's rules change in a body that was made for it, and not forwarded.
[[nodiscard]] Result<json::Edits> rule_edits(std::string_view body, std::span<const FieldRule> rules);

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
  std::vector<std::uint64_t> opaque;              ///< fingerprints of its opaque items
};

/// The events of an upstream's stream become model events. One per stream.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;
  /// Appends what the event says to `out`. `type` and `data` as in Frame. An unreadable event is Kind::upstream_protocol; an
  /// error event is appended as event::Failure. After event::End or a failure, further events say nothing.
  virtual Status event(std::string_view type, std::string_view data, std::vector<model::ChatEvent>& out) = 0;
  /// The upstream closed. An error unless the stream had ended properly.
  virtual Status end(std::vector<model::ChatEvent>& out) = 0;
};

/// Model events become the bytes of a client's stream. One per stream.
class StreamEncoder {
 public:
  virtual ~StreamEncoder() = default;
  /// Appends the bytes (none, one or several whole frames) to `out`. event::Failure says nothing here: errors are
  /// Dialect::stream_error()'s.
  virtual void encode(const model::ChatEvent& event, std::string& out) = 0;
  /// What could not be said so far.
  [[nodiscard]] virtual const Losses& losses() const noexcept = 0;
};

/// What an answer must repeat of its request, and what stands in for what the upstream does not say.
struct AnswerContext {
  const model::Chat& request;  ///< as the client asked; outlives every encoder made with it
  std::string id;              ///< with the dialect's own prefix; used when the upstream names none
  std::string model;           ///< the name asked for; used when the upstream names none
  std::uint64_t created = 0;   ///< Unix seconds, used when the upstream names none
  Framing framing = Framing::sse;
  bool keep_id = false;  ///< `id` it is, whatever the upstream says: the answer will be asked for by it (OpenAI Responses)
};

struct RelayOptions {
  bool withhold_usage = false;              ///< the usage chunk was asked for by the gateway, not by the client
  std::size_t event_bytes_max = 16u << 20;  ///< a longer event is Kind::upstream_protocol
  Secret secret;                            ///< the upstream's key: scrubbed from errors
  Framing framing = Framing::sse;           ///< of the stream to the client
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
    std::string id;  ///< of the answer, where the relay looks for it (not OpenAI Chat's)
    std::string model;
    std::vector<std::uint64_t> opaque;              ///< fingerprints of opaque items that went through as they are
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
  /// The upstream's stream has ended properly but the client's has not: the same question is to be asked once more. True: it is
  /// ready for the bytes of that answer.
  [[nodiscard]] virtual bool again() { return false; }
};

/// An upstream's answer that is not a success.
struct UpstreamFailure {
  int status = 0;
  std::string_view body;
  std::string_view content_type;
  std::string_view retry_after;  ///< value of the header, empty when absent
};

/// A member of a request that no other dialect has and that is more than a wish.
struct OwnMember {
  std::string_view name;
  std::string_view harmless = {};  ///< the value that asks for nothing: no loss at all
  Loss::Weight weight = Loss::Weight::meaning;
  std::string_view reason = {};
};

/// What a format can and cannot do, as far as translations must know.
struct Traits {
  std::string_view name;                           ///< "anthropic"
  std::span<const std::string_view> aliases = {};  ///< other names that configurations use
  Framing framing = Framing::sse;                  ///< of its streams, unless a client asks otherwise
  std::string_view id_prefix;                      ///< of answers: "chatcmpl-"
  bool model_in_path = false;
  /// Which ends of the model's call/result pairing it spells out. Where it has no ids, calls and results pair by name and order.
  bool call_ids = true;
  /// Where an opaque signature survives a turn: with a thinking part, with a tool call.
  bool thinking_signatures = false;
  bool call_signatures = false;
  /// Members, quoted, whose strings are opaque items: where its requests repeat what only their issuer can read.
  std::span<const std::string_view> opaque_keys = {};
  /// How a JSON schema for the answer is said.
  enum class Schema : std::uint8_t { native, forced_tool } schema = Schema::native;
  bool several_choices = false;  ///< `n`
  bool custom_tools = false;     ///< tools that take free text, besides functions
  bool tool_groups = false;      ///< functions in groups with a name (`namespace`)
  /// What its references take as a tool's name: ASCII letters and digits, these marks, so many bytes (0: any name).
  struct ToolNames {
    std::string_view marks = "_-";
    std::size_t bytes_max = 0;
    bool digit_first = true;
  } tool_names = {};
  /// Fields of a request that its own encoders of answers fulfil, so that no upstream need know them (Completions' `echo`).
  std::span<const std::string_view> fulfilled = {};
  std::span<const OwnMember> own_members = {};
  /// The header in which its clients look for a request's id, beside `x-request-id`; may be empty.
  std::string_view request_id_header = {};
  /// Of whole answers and errors.
  std::string_view content_type = "application/json";
  /// Its upstreams are gateways: what they seal is sealed again, even for a client of the same dialect, and a request may hold
  /// the extras of another dialect.
  bool gateway = false;
};

/// How a chat is answered.
enum class Delivery : std::uint8_t { whole, stream };

/// Stateless and constant; found by name or by its function; lives for ever. Thread: any.
class Dialect {
 public:
  virtual ~Dialect() = default;
  [[nodiscard]] virtual const Traits& traits() const noexcept = 0;
  [[nodiscard]] std::string_view name() const noexcept { return traits().name; }
  /// The request target of a chat below an upstream's base URL, with query: "/models/gemini-x:streamGenerateContent?alt=sse".
  [[nodiscard]] virtual std::string chat_target(std::string_view model, Delivery delivery) const = 0;

  // The way through when client and upstream speak the same dialect: bytes plus edits.

  /// Checks the body completely and finds what routing needs. Errors are Kind::bad_request with the field in `param`.
  [[nodiscard]] virtual Result<RequestView> inspect(std::string_view body, const Asked& asked) const = 0;
  /// What must change on the way to the upstream.
  [[nodiscard]] virtual Result<json::Edits> forward_edits(const RequestView& view, const ForwardOptions& options) const = 0;
  /// Checks a 2xx answer. An error object or no choices is Kind::upstream_failed, not JSON is Kind::upstream_protocol.
  [[nodiscard]] virtual Result<ResponseView> inspect_response(std::string_view body, const Secret& secret) const = 0;
  [[nodiscard]] virtual std::unique_ptr<Relay> relay(RelayOptions options) const = 0;

  /// The answer to a request that asks no model anything; nothing for every other one. `now`: Unix seconds.
  [[nodiscard]] virtual std::optional<std::string> answer_at_once(std::string_view /*body*/, std::uint64_t /*now*/) const {
    return std::nullopt;
  }

  // The way between dialects, over the model.

  [[nodiscard]] virtual Result<model::Chat> decode_request(std::string_view body, const Asked& asked) const = 0;
  [[nodiscard]] virtual std::string encode_request(const model::Chat& chat, Losses& losses) const = 0;
  /// How the chat's schema for the answer is said to the model that it names, when not all models take it as the traits say.
  [[nodiscard]] virtual Traits::Schema schema_of(const model::Chat& /*chat*/) const { return traits().schema; }
  [[nodiscard]] virtual Result<model::Answer> decode_response(std::string_view body) const = 0;
  [[nodiscard]] virtual std::string encode_response(const model::Answer& answer, const AnswerContext& context,
                                                    Losses& losses) const = 0;
  [[nodiscard]] virtual std::unique_ptr<StreamDecoder> stream_decoder() const = 0;
  [[nodiscard]] virtual std::unique_ptr<StreamEncoder> stream_encoder(AnswerContext context) const = 0;

  // Counting a request's tokens without answering it, where the dialect has a page for that.

  /// The request target below an upstream's base URL; empty: there is none.
  [[nodiscard]] virtual std::string count_target(std::string_view /*model*/) const { return {}; }
  /// The page's answer.
  [[nodiscard]] virtual std::string count_body(std::uint64_t /*tokens*/) const { return {}; }

  // Errors in the dialect's own shape.

  /// A whole JSON body. An error that brings its upstream's body in this dialect keeps it.
  [[nodiscard]] virtual std::string error_body(const Error& error, std::string_view request_id) const = 0;
  /// Header lines that tell an error beside its body (Bedrock's `x-amzn-errortype`), each ending in CRLF; mostly none.
  [[nodiscard]] virtual std::string error_headers(const Error& /*error*/) const { return {}; }
  /// One well-formed event of a stream that has begun, and nothing behind it that would be a proper end.
  [[nodiscard]] virtual std::string stream_error(const Error& error, std::string_view request_id, Framing framing) const = 0;
  /// What an upstream's non-2xx means to the client: 4xx keeps its class, 401/403 is the gateway's trouble, `secret` is scrubbed.
  [[nodiscard]] virtual Error upstream_error(const UpstreamFailure& failure, const Secret& secret) const = 0;
};

/// OpenAI's Chat Completions, Responses and the older Completions; Anthropic's Messages; Gemini's generateContent; Bedrock's
/// Converse; Cohere's v2 chat; Ollama's own API, and its older /api/generate, which clients speak; Cardea's own format.
[[nodiscard]] const Dialect& openai_chat();
[[nodiscard]] const Dialect& openai_responses();
[[nodiscard]] const Dialect& openai_completions();
[[nodiscard]] const Dialect& anthropic();
[[nodiscard]] const Dialect& gemini();
[[nodiscard]] const Dialect& bedrock();
[[nodiscard]] const Dialect& cohere();
[[nodiscard]] const Dialect& ollama();
[[nodiscard]] const Dialect& ollama_generate();
[[nodiscard]] const Dialect& native();
/// All dialects.
[[nodiscard]] std::span<const Dialect* const> all();
/// By name or alias ("openai_chat", "openai"); nullptr when unknown.
[[nodiscard]] const Dialect* find(std::string_view name) noexcept;

}  // namespace cardea::dialect

#pragma once
// Private to the folder: the dialect object and what its files share.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/fields.h"
#include "dialect/openai_chat/media.h"
#include "dialect/plain.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::dialect::openai {

inline constexpr std::string_view dialect_name = "openai_chat";

class OpenAiChat final : public Dialect {
 public:
  [[nodiscard]] const Traits& traits() const noexcept override;
  [[nodiscard]] std::string chat_target(std::string_view model, Delivery delivery) const override;
  [[nodiscard]] Result<RequestView> inspect(std::string_view body, const Asked& asked) const override;
  [[nodiscard]] Result<json::Edits> forward_edits(const RequestView& view, const ForwardOptions& options) const override;
  [[nodiscard]] Result<ResponseView> inspect_response(std::string_view body, const Secret& secret) const override;
  [[nodiscard]] std::unique_ptr<Relay> relay(RelayOptions options) const override;
  [[nodiscard]] Result<model::Chat> decode_request(std::string_view body, const Asked& asked) const override;
  [[nodiscard]] std::string encode_request(const model::Chat& chat, Losses& losses) const override;
  [[nodiscard]] Result<model::Answer> decode_response(std::string_view body) const override;
  [[nodiscard]] std::string encode_response(const model::Answer& answer, const AnswerContext& context,
                                            Losses& losses) const override;
  [[nodiscard]] std::unique_ptr<StreamDecoder> stream_decoder() const override;
  [[nodiscard]] std::unique_ptr<StreamEncoder> stream_encoder(AnswerContext context) const override;
  [[nodiscard]] std::string error_body(const Error& error, std::string_view request_id) const override;
  [[nodiscard]] std::string stream_error(const Error& error, std::string_view request_id, Framing framing) const override;
  [[nodiscard]] Error upstream_error(const UpstreamFailure& failure, const Secret& secret) const override;
};

// --- words ------------------------------------------------------------------------------------------------------------------

/// Known words only; `function`, the legacy of `tool`, is Role::tool.
[[nodiscard]] std::optional<model::Role> role_of(std::string_view word) noexcept;
/// Finish::unknown for a word that is not OpenAI's.
[[nodiscard]] model::Finish finish_of(std::string_view word) noexcept;
/// The `refusal` of an answer. Without a text of its own a refusal is a content filter's word with an empty text beside it, so
/// that it stays distinguishable from a filter; OpenAI's models refuse with a text and the word "stop".
enum class Refused : std::uint8_t { no, empty, text };
/// What of the answer decides the word of its end.
struct Ending {
  model::Finish finish = model::Finish::unknown;
  bool refused = false;  ///< it holds a refusal's text
  bool called = false;   ///< it holds calls
};
/// The nearest word of OpenAI's; see loses_finish().
[[nodiscard]] std::string_view word_of(const Ending& ending) noexcept;
/// The word does not say all of it.
[[nodiscard]] bool loses_finish(model::Finish finish) noexcept;
/// What a word means beside a refusal.
[[nodiscard]] model::Finish finish_of(std::string_view word, Refused refused) noexcept;

// --- scanned text (hot path) ------------------------------------------------------------------------------------------------

/// `usage`: a member whose inside was noted. Counts that are not numbers stay absent.
[[nodiscard]] model::Usage read_usage(const json::Members& members, const json::Member& usage);
/// Model and stream of a request; `stream_options` must be among the members outlined.
Status inspect_head(std::string_view body, std::span<const std::string_view> outline, RequestView& view);
/// The error for a top-level `error` member of a 200 or of a stream.
[[nodiscard]] Error reported_error(const json::Members& members, const json::Member& error, const Secret& secret);

// --- decoding and encoding --------------------------------------------------------------------------------------------------

/// What the encoders pass along.
struct Encoding {
  Losses& losses;
  Origin origin = Origin::own;  ///< of extras and opaque parts
  [[nodiscard]] bool own() const noexcept { return origin == Origin::own; }
  void lose(std::string field, std::string_view reason) const { losses.detail(std::move(field), reason); }
  void lose_meaning(std::string field, std::string_view reason) const { losses.meaning(std::move(field), reason); }
  /// Another dialect's own fields.
  void lose_extras(const model::Extras& extras, std::string_view path) const;
};
inline constexpr std::string_view no_such_field = "OpenAI has no such field";

/// "text", "image", … as it stands in the path of a loss.
[[nodiscard]] std::string_view kind_name(const model::Part& part) noexcept;

/// The parts of a `content` value: a string, an array of parts, or null.
Status decode_content(const json::Value& content, std::string_view path, std::vector<model::Part>& out);
/// Why the part cannot stand in the content of a message of that role; empty when it can.
[[nodiscard]] std::string_view obstacle(const model::Part& part, model::Role role, Origin origin);
/// Names a part that cannot be said: what a client showed or asked changes the meaning, the traces of a vendor's own tools in a
/// model's turn do not.
void lose_part(const model::Part& part, model::Role role, std::string_view path, std::string_view reason,
               const Encoding& encoding);
/// Writes a content value of parts without an obstacle: a string when it is one plain text. `path`: of the content.
void encode_content(json::Writer& w, std::span<const model::Part* const> parts, std::string_view path, const Encoding& encoding);
/// {"type":"image_url",…}, {"type":"text",…}, …
void encode_part(json::Writer& w, const model::Part& part, std::string_view path, const Encoding& encoding);

Status decode_tool_call(const json::Value& value, std::string_view path, model::Part& out);
void encode_tool_call(json::Writer& w, const model::Part& part, std::string_view path, const Encoding& encoding);
/// Google's form of a call's signature: `extra_content.google.thought_signature`.
[[nodiscard]] const std::string* call_signature(const json::Value& call) noexcept;
void encode_call_signature(json::Writer& w, std::string_view signature);

/// An assistant's own fields: content, refusal, reasoning, audio, calls; `known` are the caller's further fields.
Status decode_assistant(const json::Value& message, std::string_view path, std::vector<model::Part>& parts);
/// The fields decode_assistant() reads.
[[nodiscard]] std::span<const std::string_view> assistant_fields() noexcept;

/// `cache_control`, or OpenAI's own `prompt_cache_breakpoint`.
Status decode_cache(const json::Value& object, std::string_view path, std::optional<model::CacheHint>& out);
void encode_cache(json::Writer& w, const std::optional<model::CacheHint>& cache, std::string_view path, const Encoding& encoding);

// --- reasoning (reasoning.cc) -----------------------------------------------------------------------------------------------

/// The reasoning text: DeepSeek's and most others' `reasoning_content`, OpenRouter's `reasoning`.
[[nodiscard]] const std::string* reasoning_text(const json::Value& message) noexcept;
/// OpenRouter's `reasoning_details`, LiteLLM's `thinking_blocks`, or the plain text.
Status decode_thinking(const json::Value& message, std::string_view path, std::vector<model::Part>& parts);
/// One element of `reasoning_details` or of `thinking_blocks`.
[[nodiscard]] model::Thinking decode_detail(const json::Value& detail);
/// Something besides the text must survive the turn.
[[nodiscard]] bool has_details(const model::Thinking& thinking) noexcept;
/// The elements of `reasoning_details` for one thinking part; `index` is the next one's number.
void encode_details(json::Writer& w, const model::Thinking& thinking, std::uint64_t& index);
/// Both members, as far as there is anything to say.
void encode_thinking(json::Writer& w, std::span<const model::Thinking* const> thinking);

// --- citations (citations.cc) -----------------------------------------------------------------------------------------------

/// Where a text stands in the whole content, in characters (code points), in which OpenAI counts.
struct Stretch {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
[[nodiscard]] std::uint64_t characters(std::string_view text);
[[nodiscard]] model::Citation decode_citation(const json::Value& annotation);
void encode_citation(json::Writer& w, const model::Citation& citation, Stretch text, Origin origin);

[[nodiscard]] model::Usage decode_usage(const json::Value& usage);
/// Own: what was not said stays unsaid; else the three sums that the reference demands are there.
void encode_usage(json::Writer& w, const model::Usage& usage, Origin origin);

/// OpenAI's probabilities, complete as the reference demands; nothing when they are in another form.
[[nodiscard]] std::optional<std::string> complete_logprobs(const model::Json& logprobs);
/// OpenAI's word for a service tier; empty when it has none.
[[nodiscard]] std::string_view tier_word(std::string_view tier) noexcept;

/// What an `error` member says, whatever shape the vendor gave it.
[[nodiscard]] Told tell(const json::Value& error);
/// {"message":…,"type":…,"param":…,"code":…}
void write_error(json::Writer& w, std::string_view message, std::string_view type, std::string_view param, std::string_view code);

/// The conversation: the elements of `messages`.
void encode_messages(json::Writer& w, const model::Chat& chat, const Encoding& encoding);

[[nodiscard]] std::unique_ptr<Relay> make_relay(RelayOptions options);
[[nodiscard]] std::unique_ptr<StreamDecoder> make_stream_decoder();
[[nodiscard]] std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context);

}  // namespace cardea::dialect::openai

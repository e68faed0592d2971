#pragma once
// Private to the folder: the dialect object and what its files share.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/fields.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::dialect::openai {

inline constexpr std::string_view dialect_name = "openai_chat";

class OpenAiChat final : public Dialect {
 public:
  [[nodiscard]] const Traits& traits() const noexcept override;
  [[nodiscard]] std::string chat_target(std::string_view model, bool stream) const override;
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
/// The nearest word of OpenAI's; see loses_finish().
[[nodiscard]] std::string_view word_of(model::Finish finish) noexcept;
/// The word does not say all of it.
[[nodiscard]] bool loses_finish(model::Finish finish) noexcept;

// --- scanned text (hot path) ------------------------------------------------------------------------------------------------

/// `usage`: a member whose inside was noted. Counts that are not numbers stay absent.
[[nodiscard]] model::Usage read_usage(const json::Members& members, const json::Member& usage);
/// The error for a top-level `error` member of a 200 or of a stream.
[[nodiscard]] Error reported_error(const json::Members& members, const json::Member& error, const Secret& secret);

// --- decoding and encoding --------------------------------------------------------------------------------------------------

/// What the encoders pass along.
struct Encoding {
  Losses& losses;
  bool own = true;  ///< extras and opaque parts come from this dialect
  void lose(std::string field) const { losses.detail(std::move(field)); }
  void lose_meaning(std::string field) const { losses.meaning(std::move(field)); }
};

/// The parts of a `content` value: a string, an array of parts, or null.
Status decode_content(const json::Value& content, std::string_view path, std::vector<model::Part>& out);
/// Can the part stand in a content array? If not, it is a loss.
[[nodiscard]] bool sayable(const model::Part& part, std::string_view path, const Encoding& encoding);
/// Writes a content value of sayable parts: a string when it is one plain text.
void encode_content(json::Writer& w, std::span<const model::Part* const> parts, std::string_view path, const Encoding& encoding);
Status decode_tool_call(const json::Value& value, std::string_view path, model::Part& out);
void encode_tool_call(json::Writer& w, const model::Part& part, const Encoding& encoding);
/// An assistant's own fields: content, refusal, reasoning, audio, calls; `known` are the caller's further fields.
Status decode_assistant(const json::Value& message, std::string_view path, std::vector<model::Part>& parts);
/// The fields decode_assistant() reads.
[[nodiscard]] std::span<const std::string_view> assistant_fields() noexcept;
/// The reasoning text: DeepSeek's and most others' `reasoning_content`, OpenRouter's `reasoning`.
[[nodiscard]] const std::string* reasoning_text(const json::Value& message) noexcept;
[[nodiscard]] model::Citation decode_citation(const json::Value& annotation);
/// `shift`: added to the offsets, where several texts became one.
void encode_citation(json::Writer& w, const model::Citation& citation, std::uint64_t shift);

[[nodiscard]] model::Usage decode_usage(const json::Value& usage);
void encode_usage(json::Writer& w, const model::Usage& usage);

/// {"message":…,"type":…,"param":…,"code":…}
void write_error(json::Writer& w, std::string_view message, std::string_view type, std::string_view param, std::string_view code);

[[nodiscard]] std::unique_ptr<Relay> make_relay(RelayOptions options);
[[nodiscard]] std::unique_ptr<StreamDecoder> make_stream_decoder();
[[nodiscard]] std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context);

}  // namespace cardea::dialect::openai

#pragma once
// Private to the folder: the two dialect objects and what their files share. Source of every form: Ollama's docs/api.md and the
// types of its server (api/types.go).

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/fields.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::dialect::ollama_native {

/// /api/chat and /api/generate: the same words but for where the messages stand.
enum class Form : std::uint8_t { chat, generate };

class Ollama final : public Dialect {
 public:
  explicit Ollama(Form form) : form_{form} {}
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

 private:
  Form form_;
};

/// The two forms share their vendor's fields.
[[nodiscard]] bool is_own(std::string_view dialect) noexcept;
[[nodiscard]] std::string_view name_of(Form form) noexcept;

// --- words ------------------------------------------------------------------------------------------------------------------

/// Finish::unknown for a word that is not Ollama's.
[[nodiscard]] model::Finish finish_of(std::string_view word) noexcept;
[[nodiscard]] std::string_view word_of(model::Finish finish) noexcept;
/// The word does not say all of it.
[[nodiscard]] bool loses_finish(model::Finish finish) noexcept;
/// `created_at`: RFC 3339 in UTC with nanoseconds, and back (seconds; nothing for what is no such time).
[[nodiscard]] std::string time_text(std::uint64_t unix_seconds);
[[nodiscard]] std::optional<std::uint64_t> time_of(std::string_view text) noexcept;

// --- messages and answers ---------------------------------------------------------------------------------------------------

/// Base64, with a media type by its first bytes; a data: URL is taken apart.
Status decode_images(const json::Value& images, std::string_view path, std::vector<model::Part>& out);
Status decode_calls(const json::Value& calls, std::string_view path, std::vector<model::Part>& out);
/// {"id","function":{"index","name","arguments"}}
void encode_call(json::Writer& w, const model::ToolCall& call, std::uint64_t index, const model::Extras& extras, Whose whose);
/// What an assistant says: text, thinking (with its signature, if a gateway put one there), images, calls.
struct Said {
  std::string text;
  std::string thinking;
  std::optional<std::string> signature;
  std::vector<const model::Part*> images;
  std::vector<const model::Part*> calls;
};
/// Everything of it but the text, into the open object.
void encode_beside_text(json::Writer& w, const Said& said, Whose whose);
/// `errors`: where to name what cannot be said.
[[nodiscard]] Said gather_answer(const model::Choice& choice, Losses& losses);

[[nodiscard]] std::optional<model::Usage> decode_usage(const json::Value& answer);
void encode_usage(json::Writer& w, const model::Usage& usage, Losses& losses);
/// [{"token","logprob","bytes","top_logprobs"}] as the model has it, and back.
[[nodiscard]] model::Json decode_logprobs(const json::Value& tokens);
void encode_logprobs(json::Writer& w, const model::Json& logprobs);

[[nodiscard]] std::unique_ptr<StreamDecoder> make_stream_decoder();
[[nodiscard]] std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context, Form form);

}  // namespace cardea::dialect::ollama_native

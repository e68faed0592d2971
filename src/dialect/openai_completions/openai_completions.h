#pragma once
// Private to the folder: OpenAI's older Completions, a prompt in and a text out. What it shares with Chat Completions (errors,
// counts, words, the way through) is Chat's. Reference: OpenAI's OpenAPI description, CreateCompletionRequest and -Response.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/dialect.h"
#include "dialect/openai_chat/openai_chat.h"

namespace cardea::dialect::completions {

using openai::Encoding;
using openai::Origin;

inline constexpr std::string_view dialect_name = "openai_completions";
[[nodiscard]] inline Origin origin_of(std::string_view dialect) noexcept {
  return dialect == dialect_name ? Origin::own : Origin::other;
}

class OpenAiCompletions final : public Dialect {
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

// --- the prompt (prompt.cc) -------------------------------------------------------------------------------------------------

/// The prompt that a chat of this dialect holds.
[[nodiscard]] std::string prompt_of(const model::Chat& chat);
/// Any other chat as one prompt. One user's text alone is the prompt; else every message is a paragraph, "User: …",
/// "Assistant: …", a system message bare, and "Assistant:" at the end asks for the answer.
[[nodiscard]] std::string render_prompt(const model::Chat& chat, const Encoding& encoding);
/// What an answer must begin with: the prompt, when the client asked for its echo.
[[nodiscard]] std::string echo_of(const model::Chat& request);
/// What comes behind the text to be found; kept in a part of its own, which no other dialect can say.
[[nodiscard]] std::optional<std::string> suffix_of(const model::Part& part);
[[nodiscard]] model::Part suffix_part(const std::string& suffix);

/// Chat's words, but for calls, which nobody can see, and refusals, which are told in Chat by a part of their own.
[[nodiscard]] std::string_view word_of(model::Finish finish) noexcept;
[[nodiscard]] bool loses_finish(model::Finish finish) noexcept;

// --- probabilities (logprobs.cc) --------------------------------------------------------------------------------------------

/// {"tokens","token_logprobs","top_logprobs","text_offset"} becomes Chat Completions' form; nothing when it is none.
[[nodiscard]] std::optional<model::Json> decode_logprobs(const json::Value& logprobs);
/// And back. `offset`: characters before the first token; it is moved behind the last.
[[nodiscard]] std::optional<std::string> encode_logprobs(const model::Json& logprobs, std::uint64_t& offset);

[[nodiscard]] std::unique_ptr<StreamDecoder> make_stream_decoder();
[[nodiscard]] std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context);

}  // namespace cardea::dialect::completions

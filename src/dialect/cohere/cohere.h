#pragma once
// Private to the folder: the dialect object and what its files share. Source of every form: Cohere's API reference, "Chat" and
// "Chat with Streaming" (v2), and the types of its SDKs.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/fields.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::dialect::cohere_v2 {

inline constexpr std::string_view dialect_name = "cohere";

class Cohere final : public Dialect {
 public:
  [[nodiscard]] const Traits& traits() const noexcept override;
  [[nodiscard]] std::string chat_target(std::string_view model, Delivery delivery) const override;
  [[nodiscard]] Traits::Schema schema_of(const model::Chat& chat) const override;
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

/// Finish::unknown for a word that is not Cohere's.
[[nodiscard]] model::Finish finish_of(std::string_view word) noexcept;
/// Does decoding the word lose it? Then it is kept beside the finish.
[[nodiscard]] bool keeps_word(std::string_view word) noexcept;
/// The nearest word of Cohere's; see loses_finish().
[[nodiscard]] std::string_view word_of(model::Finish finish) noexcept;
/// The word does not say all of it.
[[nodiscard]] bool loses_finish(model::Finish finish) noexcept;

// --- parts ------------------------------------------------------------------------------------------------------------------

/// Where a `content` stands: a document in a tool's result is its data, elsewhere a <document> among other texts.
enum class Place : std::uint8_t { message, result };
/// The parts of a `content` value: a string, an array of parts, or null.
Status decode_content(const json::Value& content, std::string_view path, Place place, std::vector<model::Part>& out);
/// A top-level document: a string, or {"data","id"}. It becomes a text part that keeps the original as its extra "documents".
Status decode_document(const json::Value& document, std::string_view path, std::vector<model::Part>& out);
/// The extra that makes a text part a document: "documents" (top-level), "document" (a part of content); nullptr: none.
[[nodiscard]] const model::Extra* document_in(const model::Part& part, std::string_view key) noexcept;

/// An assistant's own fields: content, tool_plan, tool_calls, citations. Citations that belong to no text go to `extras`.
Status decode_assistant(const json::Value& message, std::string_view path, std::vector<model::Part>& parts,
                        model::Extras& extras);
[[nodiscard]] std::span<const std::string_view> assistant_fields() noexcept;
/// One citation for each of its sources, or one without.
void decode_citation(const json::Value& citation, std::vector<model::Citation>& out);
/// What a citation stands on.
struct CitedPlace {
  std::string_view type;  ///< "TEXT_CONTENT", "PLAN"
  std::optional<std::uint64_t> content_index;
  std::string_view text;  ///< of the part that it is in
};
void encode_citation(json::Writer& w, const model::Citation& citation, const CitedPlace& place);
/// {"id","type":"function","function":{"name","arguments"}}
void encode_call(json::Writer& w, const model::Part& part, Whose whose);

// --- answers ----------------------------------------------------------------------------------------------------------------

[[nodiscard]] model::Usage decode_usage(const json::Value& usage);
void encode_usage(json::Writer& w, const model::Usage& usage, Losses& losses);
/// Cohere's items {"text","token_ids","logprobs"} as the model's JSON.
[[nodiscard]] model::Json decode_logprobs(std::span<const json::Value> items);
/// Writes an array of them, or one of all the tokens.
void encode_logprobs(json::Writer& w, const model::Json& logprobs, Losses& losses);
void encode_logprobs_item(json::Writer& w, const model::Json& logprobs, Losses& losses);

[[nodiscard]] std::unique_ptr<StreamDecoder> make_stream_decoder();
[[nodiscard]] std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context);

}  // namespace cardea::dialect::cohere_v2

#pragma once
// Private to the folder: the dialect object and what its files share.
// Reference: OpenAI's OpenAPI description, schemas CreateResponse, Response, InputItem, OutputItem, ResponseStreamEvent.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/fields.h"
#include "dialect/openai_chat/media.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::dialect::responses {

using openai::Origin;

inline constexpr std::string_view dialect_name = "openai_responses";

class OpenAiResponses final : public Dialect {
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
  [[nodiscard]] std::string count_target(std::string_view model) const override;
  [[nodiscard]] std::string count_body(std::uint64_t tokens) const override;
  [[nodiscard]] std::string error_body(const Error& error, std::string_view request_id) const override;
  [[nodiscard]] std::string stream_error(const Error& error, std::string_view request_id, Framing framing) const override;
  [[nodiscard]] Error upstream_error(const UpstreamFailure& failure, const Secret& secret) const override;
};

// --- words and errors (openai_responses.cc) ---------------------------------------------------------------------------------

/// How a finished answer says why it ended.
struct Standing {
  std::string_view status;  ///< "completed", "incomplete", "failed"
  std::string_view reason;  ///< with "incomplete"
  bool exact = true;        ///< it says all of it
};
[[nodiscard]] Standing standing_of(model::Finish finish) noexcept;
/// Of `incomplete_details.reason`; Finish::unknown for a word that is not OpenAI's.
[[nodiscard]] model::Finish finish_of_reason(std::string_view reason) noexcept;
/// What an `error` member of an answer or of an event says (of an `error` event that is flat: the event itself).
[[nodiscard]] model::event::Failure failure_of(const json::Value& error);
/// The `error` of a whole answer: an error object, or a status that says that there is none to come.
[[nodiscard]] const json::Value* error_in(const json::Value& response) noexcept;

[[nodiscard]] model::Usage decode_usage(const json::Value& usage);
void encode_usage(json::Writer& w, const model::Usage& usage);

// --- parts and items (content.cc, items.cc) ---------------------------------------------------------------------------------

/// What the encoders pass along.
struct Encoding {
  Losses& losses;
  Origin origin = Origin::own;  ///< of extras and opaque parts
  bool same_vendor = true;      ///< file ids are OpenAI's
  [[nodiscard]] bool own() const noexcept { return origin == Origin::own; }
};
[[nodiscard]] inline Origin origin_of(std::string_view dialect) noexcept {
  return dialect == dialect_name ? Origin::own : Origin::other;
}

/// A `content` or `output` value: a string or an array of parts.
Status decode_content(const json::Value& content, std::string_view path, std::vector<model::Part>& out);
/// What keeps a part from standing among a user's or a tool's content, by name; empty when nothing does.
[[nodiscard]] std::string_view unsayable(const model::Part& part, const Encoding& encoding);
/// Names a part that is left out.
void lose_part(const model::Part& part, std::string_view path, const Encoding& encoding);
/// One part of a user's or a tool's content.
void encode_input_part(json::Writer& w, const model::Part& part, std::string_view path, const Encoding& encoding);
/// A text that may stand as a bare string: nothing beside it, or only what is lost.
[[nodiscard]] bool is_plain_text(const model::Part& part, Origin origin) noexcept;
/// Names what stands beside a part of another dialect.
void lose_beside(const model::Part& part, std::string_view path, const Encoding& encoding);

[[nodiscard]] model::Citation decode_citation(const json::Value& annotation);
/// `text`: what is cited for. A source that is no URL becomes a file citation.
void encode_citation(json::Writer& w, const model::Citation& citation, std::string_view text, Origin origin);
/// {"type":"output_text",…}; `logprobs`: elements of the array, may be empty.
void encode_output_text(json::Writer& w, std::string_view text, std::span<const model::Citation> citations,
                        std::string_view logprobs, Origin origin);
void encode_refusal(json::Writer& w, std::string_view text);

/// Items that stand in requests and answers alike. False: the item is of another type.
Result<bool> decode_output_item(const json::Value& item, std::string_view type, std::string_view path,
                                std::vector<model::Part>& out);
/// A `message` item's content with what else the item says (its phase) at its first part.
Status decode_message_item(const json::Value& item, std::string_view path, std::vector<model::Part>& out);
/// The part is the first of a message item that says more: its extras.
[[nodiscard]] bool begins_item(const model::Part& part) noexcept;
void encode_item_extras(json::Writer& w, const model::Extras& extras);
[[nodiscard]] model::Part opaque_item(const json::Value& item);
/// The text and summary of a reasoning item that is open.
void encode_reasoning_text(json::Writer& w, std::span<const std::string> summary, std::string_view content);
/// The summary's parts as a reader sees them.
[[nodiscard]] std::string joined(std::span<const std::string> summary);
inline constexpr std::string_view summary_gap = "\n\n";
/// Put before ids of one's own making.
struct Prefix {
  static constexpr std::string_view response = "resp_", message = "msg_", function_call = "fc_", custom_call = "ctc_",
                                    reasoning = "rs_", image = "ig_";
};

// --- settings (tools.cc, settings.cc)
// -------------------------------------------------------------------------------------------------

Status decode_tools(const json::Value& value, std::string_view path, model::Chat& chat);
/// False: nothing was written, since there are none that can be said.
bool encode_tools(json::Writer& w, const model::Chat& chat, const Encoding& encoding);
Status decode_tool_choice(const json::Value& value, std::string_view path, model::Chat& chat);
void encode_tool_choice(json::Writer& w, const model::ToolChoice& choice, const Encoding& encoding);

/// All that stands beside model and input.
Status decode_settings(const json::Value& request, model::Chat& chat);
/// A request that gives reasoning back asks for it again.
enum class Returns : std::uint8_t { nothing, reasoning };
void encode_settings(json::Writer& w, const model::Chat& chat, const Encoding& encoding, Returns returns);
/// What an answer repeats of its request; the reference demands most of it.
void encode_echo(json::Writer& w, const model::Chat& request);
/// The first message can be said as `instructions`.
[[nodiscard]] const std::string* instructions_of(const model::Chat& chat) noexcept;

[[nodiscard]] std::unique_ptr<StreamDecoder> make_stream_decoder();
[[nodiscard]] std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context);

}  // namespace cardea::dialect::responses

#pragma once
// Private to the folder: the dialect object and what its files share. The reference is Amazon Bedrock's API reference of Converse
// and ConverseStream (docs.aws.amazon.com/bedrock/latest/APIReference) and the service model of the AWS SDKs.

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/fields.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::dialect::converse {  // the folder's name is a function's already

inline constexpr std::string_view dialect_name = "bedrock";

class Bedrock final : public Dialect {
 public:
  [[nodiscard]] const Traits& traits() const noexcept override;
  [[nodiscard]] std::string chat_target(std::string_view model, Delivery delivery) const override;
  [[nodiscard]] Result<RequestView> inspect(std::string_view body, const Asked& asked) const override;
  [[nodiscard]] Result<json::Edits> forward_edits(const RequestView& view, const ForwardOptions& options) const override;
  [[nodiscard]] Result<ResponseView> inspect_response(std::string_view body, const Secret& secret) const override;
  [[nodiscard]] std::unique_ptr<Relay> relay(RelayOptions options) const override;
  [[nodiscard]] Result<model::Chat> decode_request(std::string_view body, const Asked& asked) const override;
  [[nodiscard]] std::string encode_request(const model::Chat& chat, Losses& losses) const override;
  [[nodiscard]] Traits::Schema schema_of(const model::Chat& chat) const override;
  [[nodiscard]] Result<model::Answer> decode_response(std::string_view body) const override;
  [[nodiscard]] std::string encode_response(const model::Answer& answer, const AnswerContext& context,
                                            Losses& losses) const override;
  [[nodiscard]] std::unique_ptr<StreamDecoder> stream_decoder() const override;
  [[nodiscard]] std::unique_ptr<StreamEncoder> stream_encoder(AnswerContext context) const override;
  [[nodiscard]] std::string error_body(const Error& error, std::string_view request_id) const override;
  [[nodiscard]] std::string error_headers(const Error& error) const override;
  [[nodiscard]] std::string stream_error(const Error& error, std::string_view request_id, Framing framing) const override;
  [[nodiscard]] Error upstream_error(const UpstreamFailure& failure, const Secret& secret) const override;
};

// --- words ------------------------------------------------------------------------------------------------------------------

/// Finish::unknown for a word that is not Bedrock's.
[[nodiscard]] model::Finish finish_of(std::string_view word) noexcept;
/// The nearest word of Bedrock's; see loses_finish().
[[nodiscard]] std::string_view word_of(model::Finish finish) noexcept;
/// The word does not say all of it.
[[nodiscard]] bool loses_finish(model::Finish finish) noexcept;
/// Two words mean a content filter; the word is kept beside the reason where the reason alone would not bring it back.
[[nodiscard]] std::optional<std::string> raw_finish(std::string_view word);
/// The exception class of the reference ("Errors" of Converse): "ThrottlingException". AWS SDKs read it from the response header
/// `x-amzn-errortype`, not from the body; an answer without it is an unknown error to them.
[[nodiscard]] std::string_view error_type(const Error& error) noexcept;
/// A service tier in Bedrock's words, from any dialect's; empty when it has none.
[[nodiscard]] std::string_view tier_of(std::string_view word) noexcept;

// --- models -----------------------------------------------------------------------------------------------------------------

/// Whose model it is, as far as requests must differ (vendors.cc).
enum class Vendor : std::uint8_t { unknown, claude, nova, cohere, ai21, gpt_oss, other };
struct ModelTraits {
  Vendor vendor = Vendor::unknown;
  std::uint32_t version = 0;  ///< of Claude and Nova: 37 is 3.7; 0: not said
  bool schemas = true;        ///< it takes `outputConfig.textFormat` and strict tools
};
/// From a model id, an inference profile or an ARN; an ARN that only has a number says nothing.
[[nodiscard]] ModelTraits model_traits(std::string_view id) noexcept;

// --- decoding and encoding --------------------------------------------------------------------------------------------------

/// What the encoders pass along.
struct Encoding {
  Losses& losses;
  bool own = true;                                      ///< extras and opaque parts come from this dialect
  std::string_view dialect;                             ///< that the parts come from
  ModelTraits model;                                    ///< requests: who will read it
  bool answer = false;                                  ///< an answer for a client: no rules of a model apply
  std::set<std::string, std::less<>>* names = nullptr;  ///< of documents; each may stand once in a request

  void lose(std::string field, std::string_view reason = Losses::unsupported) const { losses.detail(std::move(field), reason); }
  void lose_meaning(std::string field, std::string_view reason = Losses::unsupported) const {
    losses.meaning(std::move(field), reason);
  }
};

/// Appends the parts of a `content` array. A cachePoint becomes the CacheHint of the part before it.
Status decode_content(const json::Value& content, std::string_view path, std::vector<model::Part>& out);
/// The parts of a `system` array.
Status decode_system(const json::Value& system, std::string_view path, std::vector<model::Part>& out);
/// A part of a chat as blocks, in order: itself and its cache point. `moved`: what a tool result cannot hold, to stand behind all
/// results of the turn. Empty texts give nothing, what cannot be said is a loss.
void encode_blocks(const model::Part& part, std::string_view path, model::Role role, const Encoding& encoding,
                   std::vector<std::string>& blocks, std::vector<std::string>& moved);
/// {"cachePoint":…}
[[nodiscard]] std::string cache_point(const model::CacheHint& hint);
/// {"type":"default"}, with or without ttl; nothing when it is something else.
[[nodiscard]] std::optional<model::CacheHint> decode_cache_point(const json::Value& point);

// Media (media.cc): images, documents, videos and audio have a format and a source each.

/// Is it one of their keys?
[[nodiscard]] bool is_media(std::string_view key) noexcept;
/// Decodes {"format","source",…}; false when it is of a form the model cannot hold (the caller keeps it opaque).
Result<bool> decode_media(std::string_view key, const json::Value& inner, std::string_view path, model::Part& out);
/// {"image":{…}}; empty when it cannot be said: `problem` says why.
[[nodiscard]] std::string encode_media(const model::Part& part, std::string_view path, const Encoding& encoding,
                                       std::string_view& problem);
/// The key that a part would have, empty when it is no media.
[[nodiscard]] std::string_view media_key(const model::Part& part) noexcept;
/// "png" of an image; empty when Bedrock has no such format.
[[nodiscard]] std::string image_format(const model::Image& image);

// Citations (citations.cc).

[[nodiscard]] model::Citation decode_citation(const json::Value& citation);
void encode_citation(json::Writer& w, const model::Citation& citation, std::string_view path, const Encoding& encoding);

// Requests.

/// Reasoning, top_k and what else only some models take: `additionalModelRequestFields` and `outputConfig.effort`
/// (additional.cc).
struct Additional {
  std::vector<std::pair<std::string, std::string>> fields;  ///< key, raw JSON
  std::optional<std::string> effort;
  bool thinks = false;  ///< Claude thinks: no temperature, top_k or forced tool beside it
};
Status decode_additional(const json::Value& fields, std::string_view path, model::Chat& chat);
/// Claude, since 4.7, refuses temperature, top_p and top_k.
[[nodiscard]] bool fixes_sampling(const ModelTraits& model) noexcept;
[[nodiscard]] Additional encode_additional(const model::Chat& chat, const Encoding& encoding);

// Tools (tools.cc).

/// The elements of `tools`, cache points among them. What cannot be said is a loss.
[[nodiscard]] std::vector<std::string> encode_tools(std::span<const model::Tool> tools, const Encoding& encoding);
/// The tools that the conversation speaks of: Bedrock wants them declared, by declared_tool() when nothing else does.
[[nodiscard]] std::vector<std::string> names_called(const model::Chat& chat);
[[nodiscard]] std::string declared_tool(const std::string& name);
/// A schema as the model takes it; nothing when it does not, for the reason in `problem`. Changes are losses below `path`.
[[nodiscard]] std::optional<std::string> sayable_schema(const std::string& schema, std::string_view path,
                                                        const Encoding& encoding, std::string& problem);

[[nodiscard]] model::Usage decode_usage(const json::Value& usage);
/// `path`: of the usage, for what Bedrock does not count.
void encode_usage(json::Writer& w, const model::Usage& usage, Losses& losses);
/// `input` of a toolUse: the arguments when they are JSON, else an object that holds their text.
void write_input(json::Writer& w, const model::ToolCall& call, std::string_view path, const Encoding& encoding);
/// Bedrock's ids match [a-zA-Z0-9_.:-]{1,64}; others become such ones, the same each time.
[[nodiscard]] std::string sent_id(const std::string& id);
/// Nothing but white space, which Bedrock refuses as a text.
[[nodiscard]] bool is_blank(std::string_view text) noexcept;

[[nodiscard]] std::unique_ptr<StreamDecoder> make_stream_decoder();
[[nodiscard]] std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context);

}  // namespace cardea::dialect::converse

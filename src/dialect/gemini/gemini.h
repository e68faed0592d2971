#pragma once
// Private to the folder: the dialect object and what its files share. Fields are those of the public reference of
// generateContent (ai.google.dev/api/generate-content, v1beta) and of Vertex AI's Schema and GenerateContentResponse pages.

#include <cstdint>
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

namespace cardea::dialect::google {

inline constexpr std::string_view dialect_name = "gemini";

class Gemini final : public Dialect {
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

// --- names: protobuf's JSON takes "topP" and "top_p" alike --------------------------------------------------------------------

/// Is `key` that field, in either spelling? `camel` is the reference's.
[[nodiscard]] bool same_name(std::string_view key, std::string_view camel) noexcept;
/// A field as it was found: its value (nullptr: absent or null) and the spelling used.
struct Field {
  const json::Value* value = nullptr;
  std::string_view key;
  explicit operator bool() const noexcept { return value != nullptr; }
};
[[nodiscard]] Field field(const json::Value& object, std::string_view camel) noexcept;
/// "path.key", or the key alone at the top.
[[nodiscard]] std::string below(std::string_view path, std::string_view key);
/// The field must be an object (array) when it is there.
Status expect(const Field& field, json::Type type, std::string_view path);
template <class T>
Status read_field(const json::Value& object, std::string_view camel, std::string_view path, std::optional<T>& out) {
  const auto found = field(object, camel);
  return found ? read(*found.value, below(path, found.key), out) : Status{};
}
/// A count may also be a decimal string or a number without a fraction (protobuf's JSON of integers).
Status read_count(const json::Value& object, std::string_view camel, std::string_view path, std::optional<std::uint64_t>& out);
[[nodiscard]] std::optional<std::uint64_t> count_of(const json::Value& value) noexcept;
/// Members other than the known ones, as collect_extras() and collect_inner(), whatever their spelling.
void collect_rest(const json::Value& object, std::span<const std::string_view> known, model::Extras& out);
void collect_inner_rest(const json::Value& object, std::string_view name, std::span<const std::string_view> known,
                        model::Extras& out);

// --- words ------------------------------------------------------------------------------------------------------------------

/// The word is kept as `raw` unless encoding would choose it again.
enum class Calls : std::uint8_t { none, some };
[[nodiscard]] model::Finish finish_of(std::string_view word, Calls calls, std::optional<std::string>& raw);
struct FinishWord {
  std::string_view word;
  std::string_view message;  ///< for finishMessage, where the word alone does not say it
  bool exact = true;
};
[[nodiscard]] FinishWord word_of(model::Finish finish) noexcept;

/// What a model's name says of it: Gemini 3 and later take levels of thinking, and media in results of functions.
[[nodiscard]] bool is_gemini_3(std::string_view model) noexcept;

// --- encoding ---------------------------------------------------------------------------------------------------------------

/// What the encoders pass along.
struct Encoding {
  Losses& losses;
  bool own = true;           ///< extras and opaque parts come from this dialect
  bool answer = false;       ///< towards a client
  bool gemini_3 = false;     ///< of the upstream's model
  bool detail_said = false;  ///< all images' `detail` is said at once, in generationConfig
  static constexpr std::string_view no_such_field = "gemini has no such field";

  void lose(std::string field, std::string_view reason = no_such_field) const { losses.detail(std::move(field), reason); }
  /// Of a request it changes the result; of an answer it cannot be helped.
  void lose_meaning(std::string field, std::string_view reason = no_such_field) const {
    losses.add(std::move(field), reason, answer ? Loss::Weight::detail : Loss::Weight::meaning);
  }
};

// --- parts (parts.cc, media.cc, results.cc) -----------------------------------------------------------------------------------

/// Appends what one element of `parts` says. Thoughts that came in pieces become one; a signature on a part that cannot hold it
/// becomes a thinking part without text before it.
Status decode_part(const json::Value& value, std::string_view path, std::vector<model::Part>& out);

/// Writes parts one by one; `out` receives the JSON of each.
class PartsWriter {
 public:
  PartsWriter(std::vector<std::string>& out, const Encoding& encoding) : out_{out}, encoding_{encoding} {}
  /// `path`: of the part, for losses.
  void write(const model::Part& part, std::string_view path);
  /// Behind the last part.
  void finish() { flush_signature(); }
  /// The signature of the next call, when it has none.
  void sign_next_call(std::string_view signature) { call_signature_ = signature; }

 private:
  void text(std::string_view text, const model::Part& part);
  void thinking(const model::Part& part, std::string_view path);
  void media(const model::Part& part, std::string_view path);
  void call(const model::Part& part, std::string_view path);
  void flush_signature();
  void end_part(json::Writer& w, const model::Part& part);
  void lose_marks(const model::Part& part, std::string_view path);
  std::string& open() { return out_.emplace_back(); }

  std::vector<std::string>& out_;
  const Encoding& encoding_;
  std::optional<std::string> signature_;  ///< waits for the part it is of
  std::string_view call_signature_;
  bool thought_open_ = false;  ///< the last part is a thought that a signature behind it would complete
};

/// `inlineData` or `fileData` as an image, audio or a file, by its type.
Status decode_media(const json::Value& part, std::string_view path, model::Part& out);
[[nodiscard]] bool is_media(const model::Part& part) noexcept;
[[nodiscard]] const model::Media& media_of(const model::Part& part) noexcept;
/// What the writer would say of it, guessed from name, URL and first bytes when the client does not say.
[[nodiscard]] std::string media_type_of(const model::Part& part);
/// Can Gemini be given it? (An id of another vendor's it cannot.)
[[nodiscard]] bool is_given(const model::Media& media) noexcept;
/// "inlineData":{…} or "fileData":{…} into the open object.
void write_media(json::Writer& w, const model::Part& part, const Encoding& encoding);

/// The convention of results (results.cc).
Status decode_result(const json::Value& part, std::string_view path, model::Part& out);
/// `moved`: media that the result cannot hold, to be said behind the turn's results.
struct Moved {
  const model::Part* part;
  std::string path;
};
void write_result(json::Writer& w, const model::Part& part, std::string_view name, std::string_view path,
                  const Encoding& encoding, std::vector<Moved>& moved);
/// A call's arguments as the object that `args` must be.
void write_arguments(json::Writer& w, const model::ToolCall& call, std::string_view path, const Encoding& encoding);

// --- requests ---------------------------------------------------------------------------------------------------------------

/// One Content of a conversation; consecutive turns of the model are one.
Status decode_contents(const json::Value& request, model::Chat& chat);
void write_contents(json::Writer& w, const model::Chat& chat, const Encoding& encoding);

Status decode_tools(const json::Value& request, model::Chat& chat);
void write_tools(json::Writer& w, const model::Chat& chat, const Encoding& encoding);

Status decode_config(const json::Value& request, model::Chat& chat);
void write_config(json::Writer& w, const model::Chat& chat, const Encoding& encoding);
/// Do all images ask for the same `detail`, so that the request as a whole can say it?
[[nodiscard]] bool says_detail_at_once(const model::Chat& chat);

// --- answers ----------------------------------------------------------------------------------------------------------------

/// "/models/NAME", escaped; a name that is a resource already ("tunedModels/x") keeps its kind.
[[nodiscard]] std::string model_path(std::string_view model);
[[nodiscard]] model::Usage decode_usage(const json::Value& usage);
void write_usage(json::Writer& w, const model::Usage& usage);

/// logprobsResult to and from the model's form, which is OpenAI's {"content":[…],"refusal":null}.
[[nodiscard]] model::Json decode_logprobs(const json::Value& result);
/// Both forms of several pieces, one behind the other.
void write_logprobs(json::Writer& w, std::span<const model::Json> pieces);

/// "2025-01-02T03:04:05Z" to and from Unix seconds; fractions are dropped.
[[nodiscard]] std::optional<std::uint64_t> time_of(std::string_view text) noexcept;
[[nodiscard]] std::string time_text(std::uint64_t seconds);

/// A citation, and the text part (in the candidate's own numbering) it is of.
struct Cited {
  std::uint64_t part = 0;
  bool part_known = false;  ///< else the offsets are in the candidate's whole text
  std::uint64_t start_byte = 0;
  std::uint64_t end_byte = 0;
  bool placed = false;  ///< the offsets above are there
  model::Citation citation;
};
/// groundingMetadata and citationMetadata of a candidate.
[[nodiscard]] std::vector<Cited> citations_of(const json::Value& candidate);
/// A text of an answer, and where it stands.
struct CitedText {
  std::uint64_t part = 0;    ///< index among the candidate's parts
  std::uint64_t offset = 0;  ///< bytes of the candidate's text before it
  std::string_view text;
};
/// groundingMetadata for citations that are not this dialect's own.
class GroundingWriter {
 public:
  /// Where offsets begin: at the part, or at the candidate's whole text, as in a stream whose parts are joined.
  enum class Count : std::uint8_t { part, whole };
  void add(const CitedText& text, const model::Citation& citation, Count count);
  [[nodiscard]] bool empty() const noexcept { return chunks_.empty(); }
  void write(json::Writer& w) const;

 private:
  std::vector<std::string> chunks_;
  std::vector<std::string> supports_;
};
/// Offsets in characters and in bytes.
[[nodiscard]] std::uint64_t characters_before(std::string_view text, std::uint64_t bytes) noexcept;
[[nodiscard]] std::uint64_t bytes_before(std::string_view text, std::uint64_t characters) noexcept;

[[nodiscard]] std::unique_ptr<StreamDecoder> make_stream_decoder();
[[nodiscard]] std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context);

// --- errors -----------------------------------------------------------------------------------------------------------------

/// HTTP's word for a google.rpc status name; 0 when it is none.
[[nodiscard]] int http_status_of(std::string_view status) noexcept;
/// An error's object: of {"error":{…}}, or of the array that streams without alt=sse answer with; nullptr when it is none.
[[nodiscard]] const json::Value* error_in(const json::Value& body);
[[nodiscard]] Error reported_error(const json::Value& error, const Secret& secret);

}  // namespace cardea::dialect::google

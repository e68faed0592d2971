#pragma once
// Private to the folder: the dialect object and what its files share. The reference is "Messages" of Anthropic's API
// documentation (POST /v1/messages, anthropic-version 2023-06-01).

#include <map>
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

namespace cardea::dialect::claude {

inline constexpr std::string_view dialect_name = "anthropic";

class Anthropic final : public Dialect {
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
  [[nodiscard]] std::string count_target(std::string_view model) const override;
  [[nodiscard]] std::string count_body(std::uint64_t tokens) const override;
  [[nodiscard]] std::string error_body(const Error& error, std::string_view request_id) const override;
  [[nodiscard]] std::string stream_error(const Error& error, std::string_view request_id, Framing framing) const override;
  [[nodiscard]] Error upstream_error(const UpstreamFailure& failure, const Secret& secret) const override;
};

// --- words ------------------------------------------------------------------------------------------------------------------

/// Finish::unknown for a word that is not Anthropic's.
[[nodiscard]] model::Finish finish_of(std::string_view stop_reason) noexcept;
/// The nearest word of Anthropic's; see loses_finish().
[[nodiscard]] std::string_view word_of(model::Finish finish) noexcept;
[[nodiscard]] bool loses_finish(model::Finish finish) noexcept;
/// What an answer that holds calls or a refusal stopped for, when its upstream says less.
struct Held {
  bool calls = false;
  bool refusal = false;
};
[[nodiscard]] model::Finish told_finish(std::optional<model::Finish> finish, Held held) noexcept;
/// The tier of an answer's usage; other dialects' words are OpenAI's: "default", "priority", "flex".
[[nodiscard]] std::string tier_of(std::string_view word);
[[nodiscard]] std::string_view tier_word_of(std::string_view tier) noexcept;
/// HTTP's word for an error type and back.
[[nodiscard]] int status_of(std::string_view error_type) noexcept;
[[nodiscard]] std::string_view error_type_of(int status) noexcept;

// --- what the models take ---------------------------------------------------------------------------------------------------

/// What depends on the model that is asked. Of names that are no Claude's nothing is known: they get the older forms.
struct Rules {
  enum class Thinking : std::uint8_t {
    budget,    ///< thinking.budget_tokens alone
    either,    ///< both; an effort is said as one
    adaptive,  ///< output_config.effort alone, a budget is refused
  } thinking = Thinking::budget;
  /// What stands in for `max_tokens`, which must be there: the most that all models of that age can say.
  std::uint64_t max_tokens = 8192;
  bool claude = false;
  bool schemas = false;               ///< output_config.format and strict tools
  bool fixed_sampling = false;        ///< temperature, top_p and top_k are refused
  bool one_of_two_samplings = false;  ///< temperature and top_p are refused together
};
[[nodiscard]] Rules rules_of(std::string_view model) noexcept;

// --- decoding ---------------------------------------------------------------------------------------------------------------

/// The blocks of a `content` value: a string or an array. Unknown blocks become Opaque.
Status decode_content(const json::Value& content, std::string_view path, std::vector<model::Part>& out);
Status decode_block(const json::Value& value, std::string_view path, model::Part& out);
Status decode_cache(const json::Value& block, std::string_view path, std::optional<model::CacheHint>& out);
/// `characters`: of the text that it stands with, when it is known: a citation is of its whole block.
[[nodiscard]] model::Citation decode_citation(const json::Value& citation, std::optional<std::uint64_t> characters);
[[nodiscard]] std::uint64_t characters(std::string_view text) noexcept;
/// Takes over the counts that are there.
void decode_usage(const json::Value& usage, model::Usage& out);

// --- encoding ---------------------------------------------------------------------------------------------------------------

/// What the encoders of a request pass along.
struct Encoding {
  Losses& losses;
  bool own = true;  ///< extras and opaque parts come from this dialect
  Rules rules;
  std::map<std::string, std::string, std::less<>>& ids;  ///< calls' ids that had to change, see tool_id()

  void detail(std::string field, std::string_view reason = Losses::unsupported) const { losses.detail(std::move(field), reason); }
  void meaning(std::string field, std::string_view reason = Losses::unsupported) const {
    losses.meaning(std::move(field), reason);
  }
  void lose_extras(const model::Extras& extras, std::string_view path) const;
};

/// A part of the request and where it stood.
struct Block {
  const model::Part* part = nullptr;
  std::size_t message = 0;
  std::size_t index = 0;
  bool trim_end = false;             ///< trailing white space must go (see turns.cc)
  std::optional<std::size_t> inner;  ///< of a tool result's parts, which
  [[nodiscard]] std::string path() const {
    const auto outer = cat("messages[", message, "].content[", index, ']');
    return inner ? cat(outer, ".content[", *inner, ']') : outer;
  }
};
/// One message as it will be written; never empty.
struct Turn {
  model::Role role = model::Role::user;  ///< user, assistant, or system (own requests, in the middle)
  std::vector<Block> blocks;             ///< tool results first
  std::vector<const model::Extras*> extras;
};
struct Conversation {
  std::vector<Block> system;
  std::vector<Turn> turns;
};
/// The messages of a chat as turns: what cannot be said is lost, same roles are merged, results stand first.
[[nodiscard]] Conversation arrange(const model::Chat& chat, const Encoding& encoding);

/// Can the part stand in a turn of that role? If not, it is a loss (blank texts are none).
[[nodiscard]] bool sayable(const Block& block, model::Role role, const Encoding& encoding);
/// Writes a `content` value of sayable parts: a string when it is one plain text.
void encode_content(json::Writer& w, std::span<const Block> blocks, const Encoding& encoding);
void encode_cache(json::Writer& w, const std::optional<model::CacheHint>& cache);
void encode_citation(json::Writer& w, const model::Citation& citation);
/// A call's arguments as the object that `input` must be; false when they were none and had to be wrapped.
bool encode_input(json::Writer& w, std::string_view arguments, model::ToolKind kind);
/// Anthropic's ids match ^[a-zA-Z0-9_-]+$; others' are changed, calls and results alike.
[[nodiscard]] std::string tool_id(const std::string& id, const Encoding& encoding);
/// Nothing but white space, which Anthropic refuses as a text.
[[nodiscard]] bool is_blank(std::string_view text) noexcept;

/// What may be called, as Anthropic can be told.
struct ToolsChoice {
  model::ToolChoice::Mode mode = model::ToolChoice::Mode::automatic;
  std::string name;
  std::vector<std::string> only;  ///< the tools to choose from; empty: all
  [[nodiscard]] bool allows(const model::Tool& tool) const;
};
/// Nothing: none was said, or one that Anthropic lacks.
[[nodiscard]] std::optional<ToolsChoice> choice_of(const model::Chat& chat);

/// Another vendor's search of the web as Anthropic's own tool: OpenAI's web_search tools and options, Gemini's google_search.
/// Nothing when it is no such tool. What Anthropic's has no place for is lost, below `path`.
[[nodiscard]] std::optional<std::string> web_search_of(const json::Value& tool, std::string_view path, const Encoding& encoding);

/// `thinking`, `output_config` (with the answer's format) and `max_tokens` together, since each limits the others.
struct Thought {
  std::string type;  ///< "enabled", "adaptive", "disabled"; empty: not said
  std::optional<std::uint64_t> budget;
  std::string effort;        ///< of output_config; empty: not said
  std::optional<bool> show;  ///< `display`
  std::uint64_t max_tokens = 0;
  [[nodiscard]] bool thinks() const noexcept { return type == "enabled" || type == "adaptive"; }
};
[[nodiscard]] Thought think(const model::Chat& chat, const Conversation& conversation, const Encoding& encoding);

void encode_usage(json::Writer& w, const model::Usage& usage, std::string_view tier, const model::Extras* own);

[[nodiscard]] std::unique_ptr<StreamDecoder> make_stream_decoder();
[[nodiscard]] std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context);

}  // namespace cardea::dialect::claude

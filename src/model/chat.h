#pragma once
// The neutral vocabulary of a chat: what every dialect is decoded to and encoded from. Values only; absent stays absent, so an
// optional without a value means that the client did not say it. JSON kept as text is compact and valid.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/usage.h"

namespace cardea::model {

/// A number as the client spelled it ("0.70", 18446744073709551616).
struct Number {
  std::string text;
  bool operator==(const Number&) const = default;
};

/// A JSON value as text.
struct Json {
  std::string text;
  bool operator==(const Json&) const = default;
};

/// A vendor's own field, kept in order. Passed on to upstreams of the dialect it came from; a loss elsewhere.
struct Extra {
  std::string key;
  Json value;
  bool operator==(const Extra&) const = default;
};
/// A field inside an object that the model knows is kept as an extra with that object's name: {"function", {"x":1}}.
using Extras = std::vector<Extra>;

/// A prompt-cache marker: "the prefix up to and including this part may be cached".
struct CacheHint {
  std::string type = "ephemeral";
  std::optional<std::string> ttl;  ///< "5m", "1h"
  bool operator==(const CacheHint&) const = default;
};

// --- parts of messages ------------------------------------------------------------------------------------------------------

/// Bytes said inline, by URL, or by an id at the vendor (exactly one is set).
struct Media {
  std::optional<std::string> url;         ///< not a data: URL
  std::optional<std::string> base64;      ///< without the data: prefix
  std::optional<std::string> id;          ///< a file id or a generated audio's id
  std::optional<std::string> media_type;  ///< "image/png"
  bool operator==(const Media&) const = default;
};

/// Where in a text a source was used.
struct Citation {
  std::optional<std::string> url;
  std::optional<std::string> title;
  std::optional<std::uint64_t> start;  ///< character offsets in the text
  std::optional<std::uint64_t> end;
  std::optional<std::string> cited_text;  ///< what the source says there
  std::optional<std::uint64_t> document;  ///< index of a document of the request, when it was the source
  std::optional<Json> raw;                ///< the dialect's own form when the fields above do not hold it all
  bool operator==(const Citation&) const = default;
};

struct Text {
  std::string text;
  std::vector<Citation> citations;
  bool operator==(const Text&) const = default;
};
struct Image {
  Media media;
  std::optional<std::string> detail;  ///< "auto", "low", "high"
  bool operator==(const Image&) const = default;
};
struct Audio {
  Media media;
  std::optional<std::string> format;  ///< "wav", "mp3"
  std::optional<std::string> transcript;
  std::optional<std::uint64_t> expires_at;  ///< Unix seconds
  bool operator==(const Audio&) const = default;
};
struct File {
  Media media;
  std::optional<std::string> name;
  bool operator==(const File&) const = default;
};
struct Refusal {
  std::string text;
  bool operator==(const Refusal&) const = default;
};
/// A reasoning item. `signature`, `redacted`, `encrypted` and `id` are opaque: they go back unchanged, and only to the deployment
/// that issued them. A codec decodes and encodes them raw; between dialects translate.h packs them into one `signature`.
struct Thinking {
  std::string text;                      ///< what may be shown; of OpenAI Responses the summary's parts, joined by blank lines
  std::optional<std::string> id;         ///< OpenAI Responses' item id
  std::optional<std::string> signature;  ///< Anthropic's, Bedrock's; Gemini's thoughtSignature of a text part
  std::optional<std::string> redacted;   ///< Anthropic's and Bedrock's redacted data
  std::optional<std::string> encrypted;  ///< OpenAI Responses' encrypted_content
  std::vector<std::string> summary;
  std::optional<std::string> issuer;  ///< deployment that issued the opaque data
  bool operator==(const Thinking&) const = default;
};
enum class ToolKind : std::uint8_t { function, custom };
struct ToolCall {
  std::optional<std::string> id;  ///< absent: the dialect has none (Gemini, OpenAI's legacy function_call)
  std::string name;
  std::string arguments;  ///< as written by the model: should be JSON for a function, free text for a custom tool
  ToolKind kind = ToolKind::function;
  std::optional<std::string> signature;  ///< Gemini's thought signature
  bool operator==(const ToolCall&) const = default;
};
struct Part;
struct ToolResult {
  std::optional<std::string> call_id;
  std::optional<std::string> name;
  std::optional<bool> is_error;
  std::vector<Part> parts;
  bool operator==(const ToolResult&) const;
};
/// A part no other alternative can hold (a server tool's block, say): the dialect's own JSON.
struct Opaque {
  std::string dialect;
  Json value;
  bool operator==(const Opaque&) const = default;
};

struct Part {
  std::variant<Text, Image, Audio, File, Refusal, Thinking, ToolCall, ToolResult, Opaque> value;
  std::optional<CacheHint> cache;
  Extras extras;
  bool operator==(const Part&) const;
};

enum class Role : std::uint8_t { system, developer, user, assistant, tool };

/// Where its client said a message, when that is not where it stands here: for what is told to the client about it. No part of
/// what was said, so that all places are equal.
struct Place {
  std::string path;              ///< "system", "contents[2]"; empty: "messages[i]", i its index
  std::uint64_t first_part = 0;  ///< the client's index of the first part
  bool operator==(const Place&) const noexcept { return true; }
};

struct Message {
  Role role = Role::user;
  std::optional<std::string> name;
  std::vector<Part> parts;
  Extras extras;
  Place place = {};
  bool operator==(const Message&) const = default;
};

// --- request ----------------------------------------------------------------------------------------------------------------

/// A function the model may call (`parameters`: JSON Schema), a custom tool (free text, optional grammar), or a built-in of the
/// vendor.
struct Tool {
  enum class Kind : std::uint8_t { function, custom, built_in } kind = Kind::function;
  std::string name;
  std::optional<std::string> description;
  std::optional<Json> parameters;
  std::optional<bool> strict;
  std::optional<Json> format;   ///< of a custom tool
  std::optional<Json> builtin;  ///< the whole tool as the dialect wrote it
  std::optional<CacheHint> cache;
  Extras extras;
  bool operator==(const Tool&) const = default;
};

struct ToolChoice {
  enum class Mode : std::uint8_t { none, automatic, required, named, raw } mode = Mode::automatic;
  std::string name;  ///< with `named`
  ToolKind kind = ToolKind::function;
  std::optional<Json> raw;  ///< with `raw`: allowed_tools and such
  bool operator==(const ToolChoice&) const = default;
};

struct ResponseFormat {
  enum class Kind : std::uint8_t { text, json_object, json_schema, raw } kind = Kind::text;
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<Json> schema;
  std::optional<bool> strict;
  std::optional<Json> raw;  ///< with `raw`: a grammar and such
  bool operator==(const ResponseFormat&) const = default;
};

/// How much to think. Effort and budget are two spellings; dialects convert by a table when they must.
struct Reasoning {
  std::optional<std::string> effort;           ///< "none", "minimal", "low", "medium", "high", "xhigh"
  std::optional<std::uint64_t> budget_tokens;  ///< Anthropic, Gemini
  std::optional<std::string> mode;             ///< "enabled", "disabled", "adaptive"
  std::optional<std::string> summary;          ///< "auto", "concise", "detailed"
  std::optional<bool> include;                 ///< show the thoughts
  bool operator==(const Reasoning&) const = default;
};

/// Which spelling of the output limit the client used; both arrive as asked.
struct Limits {
  std::optional<std::uint64_t> max_output_tokens;  ///< max_completion_tokens, max_output_tokens
  std::optional<std::uint64_t> max_tokens;         ///< the older spelling
  bool operator==(const Limits&) const = default;
};

struct Sampling {
  std::optional<Number> temperature;
  std::optional<Number> top_p;
  std::optional<Number> top_k;
  std::optional<Number> min_p;
  std::optional<Number> frequency_penalty;
  std::optional<Number> presence_penalty;
  std::optional<Number> repetition_penalty;
  std::optional<Number> seed;
  std::optional<Json> logit_bias;
  bool operator==(const Sampling&) const = default;
};

struct AudioOutput {
  std::optional<Json> voice;  ///< a name or an object
  std::optional<std::string> format;
  bool operator==(const AudioOutput&) const = default;
};

struct SafetySetting {
  std::string category;
  std::string threshold;
  bool operator==(const SafetySetting&) const = default;
};

struct Metadata {
  std::string key;
  std::string value;
  bool operator==(const Metadata&) const = default;
};

/// A chat request.
struct Chat {
  std::string dialect;  ///< that decoded it: extras and opaque parts are its own
  std::string model;
  std::vector<Message> messages;
  std::optional<std::vector<Tool>> tools;
  std::optional<ToolChoice> tool_choice;
  std::optional<bool> parallel_tool_calls;
  std::optional<ResponseFormat> response_format;
  Sampling sampling;
  Limits limits;
  std::optional<std::vector<std::string>> stop;
  std::optional<std::uint64_t> n;
  std::optional<bool> logprobs;
  std::optional<std::uint64_t> top_logprobs;
  std::optional<Reasoning> reasoning;
  std::optional<std::string> verbosity;
  std::optional<std::string> service_tier;
  std::optional<std::string> user;
  std::optional<std::string> safety_identifier;
  std::optional<std::string> prompt_cache_key;
  std::optional<std::string> prompt_cache_retention;
  std::optional<std::vector<Metadata>> metadata;
  std::optional<bool> store;
  std::optional<std::vector<std::string>> modalities;
  std::optional<AudioOutput> audio;
  std::optional<Json> prediction;
  std::optional<Json> web_search;
  std::optional<std::vector<SafetySetting>> safety;
  std::optional<bool> stream;
  std::optional<bool> include_usage;
  Extras extras;
  bool operator==(const Chat&) const = default;
};

// --- answer -----------------------------------------------------------------------------------------------------------------

/// Why the model stopped. A filter, a refusal and a length stop stay distinguishable.
enum class Finish : std::uint8_t {
  unknown,  ///< not said, or a word of the vendor's own (see Choice::finish_raw)
  stop,
  length,
  tool_calls,
  function_call,  ///< OpenAI's legacy form of tool_calls
  content_filter,
  refusal,
  stop_sequence,
  paused,         ///< to be continued by the client (Anthropic's pause_turn)
  context_limit,  ///< the context window is full
  malformed_call,
  failed,  ///< the vendor says that generation broke off
};

struct Choice {
  std::uint64_t index = 0;
  std::vector<Part> parts;
  std::optional<Finish> finish;
  std::optional<std::string> finish_raw;     ///< the vendor's own word, with Finish::unknown
  std::optional<std::string> stop_sequence;  ///< the one that matched
  std::optional<Json> logprobs;
  Extras extras;          ///< of the choice
  Extras message_extras;  ///< of its message
  bool operator==(const Choice&) const = default;
};

/// A whole answer.
struct Answer {
  std::string dialect;  ///< that decoded it: extras and opaque parts are its own
  std::optional<std::string> id;
  std::optional<std::string> model;
  std::optional<std::uint64_t> created;  ///< Unix seconds
  std::vector<Choice> choices;
  std::optional<Usage> usage;
  std::optional<std::string> service_tier;
  std::optional<std::string> system_fingerprint;
  Extras extras;
  bool operator==(const Answer&) const = default;
};

// --- stream -----------------------------------------------------------------------------------------------------------------

/// Events of a streamed answer, in order: start, then per choice its parts (start, deltas, stop) and its finish, then usage, end.
namespace event {
/// Once, before anything else.
struct Start {
  std::optional<std::string> id;
  std::optional<std::string> model;
  std::optional<std::uint64_t> created;
  std::optional<std::string> service_tier;
  std::optional<std::string> system_fingerprint;
  bool operator==(const Start&) const = default;
};
/// A part begins. `part` carries what is known at once (a tool call's id and name, empty texts).
struct PartStart {
  std::uint64_t choice = 0;
  std::uint64_t part = 0;  ///< rises within the choice
  Part value;
  bool operator==(const PartStart&) const = default;
};
/// More of a part's text: text, thinking, refusal or a tool call's arguments, as the part's kind says.
struct Delta {
  std::uint64_t choice = 0;
  std::uint64_t part = 0;
  std::string text;
  bool operator==(const Delta&) const = default;
};
/// A citation for a text part.
struct CitationDelta {
  std::uint64_t choice = 0;
  std::uint64_t part = 0;
  Citation citation;
  bool operator==(const CitationDelta&) const = default;
};
/// Opaque data that completes a thinking part.
struct SignatureDelta {
  std::uint64_t choice = 0;
  std::uint64_t part = 0;
  std::string signature;
  bool operator==(const SignatureDelta&) const = default;
};
/// A piece of generated audio (base64), of its transcript, or its id.
struct AudioDelta {
  std::uint64_t choice = 0;
  std::uint64_t part = 0;
  Audio audio;
  bool operator==(const AudioDelta&) const = default;
};
struct Logprobs {
  std::uint64_t choice = 0;
  Json value;
  bool operator==(const Logprobs&) const = default;
};
struct PartStop {
  std::uint64_t choice = 0;
  std::uint64_t part = 0;
  bool operator==(const PartStop&) const = default;
};
struct ChoiceFinish {
  std::uint64_t choice = 0;
  Finish finish = Finish::stop;
  std::optional<std::string> raw;
  std::optional<std::string> stop_sequence;
  bool operator==(const ChoiceFinish&) const = default;
};
struct UsageReport {
  Usage usage;
  bool operator==(const UsageReport&) const = default;
};
struct Ping {
  bool operator==(const Ping&) const = default;
};
/// The stream broke; nothing follows. The message may be shown to the client.
struct Failure {
  std::string message;
  std::string type;
  std::string code;
  std::uint16_t status = 0;  ///< HTTP's word for it, when the dialect says or implies one (overloaded_error: 529)
  bool operator==(const Failure&) const = default;
};
/// The proper end.
struct End {
  bool operator==(const End&) const = default;
};
}  // namespace event

using ChatEvent = std::variant<event::Start, event::PartStart, event::Delta, event::CitationDelta, event::SignatureDelta,
                               event::AudioDelta, event::Logprobs, event::PartStop, event::ChoiceFinish, event::UsageReport,
                               event::Ping, event::Failure, event::End>;

/// "user", "tool", …
[[nodiscard]] std::string_view name(Role role) noexcept;
[[nodiscard]] std::string_view name(Finish finish) noexcept;

}  // namespace cardea::model

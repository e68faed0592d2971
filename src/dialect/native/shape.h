#pragma once
// Private to the folder: THE table of Cardea's native format. Each struct of the model is listed once, member by member; the JSON
// codec (codec.h), the XML form and its XML Schema (schema.cc) are made from these lists.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "dialect/native/forms.h"
#include "model/chat.h"

namespace cardea::dialect::native_format {

enum class Need : std::uint8_t {
  required,  ///< always written, must be there
  optional,  ///< left out when it has no value, or is empty
  foreign,   ///< left out when it names this dialect
};

inline constexpr std::string_view dialect_name = "native";

/// A member: its name, and where it is. `item`: of a list, its items' element in XML.
template <class Owner, class T>
struct Field {
  std::string_view name;
  T Owner::* at;
  Need need;
  std::string_view item;
  std::string_view about;
};
template <class Owner, class T>
constexpr Field<Owner, T> must(std::string_view name, T Owner::* at, std::string_view about = {}) {
  return {name, at, Need::required, {}, about};
}
template <class Owner, class T>
constexpr Field<Owner, T> may(std::string_view name, T Owner::* at, std::string_view about = {}) {
  return {name, at, Need::optional, {}, about};
}
template <class Owner, class T>
constexpr Field<Owner, T> list(std::string_view name, T Owner::* at, std::string_view item, Need need = Need::optional,
                               std::string_view about = {}) {
  return {name, at, need, item, about};
}
template <class Owner>
constexpr Field<Owner, std::string> unless_native(std::string_view name, std::string Owner::* at, std::string_view about) {
  return {name, at, Need::foreign, {}, about};
}
/// A struct whose members stand among its owner's.
template <class Owner, class T>
struct Inline {
  T Owner::* at;
};
template <class Owner, class T>
constexpr Inline<Owner, T> among(T Owner::* at) {
  return {at};
}

/// What is known of an error, whole and in streams.
struct Trouble {
  std::string kind;
  std::string message;
  std::optional<std::string> param;
  std::optional<std::string> code;
  std::optional<std::uint64_t> status;
  std::optional<std::uint64_t> retry_after_seconds;
  std::optional<std::string> request_id;
  bool operator==(const Trouble&) const = default;
};
struct Failure {
  Trouble error;
  bool operator==(const Failure&) const = default;
};
/// A stream's events as they are said: the model's, with the error in its whole form.
using Said = std::variant<model::event::Start, model::event::PartStart, model::event::Delta, model::event::CitationDelta,
                          model::event::SignatureDelta, model::event::AudioDelta, model::event::Logprobs, model::event::PartStop,
                          model::event::ChoiceFinish, model::event::UsageReport, model::event::Ping, Failure, model::event::End>;

struct ListedModels {
  std::vector<NativeModel> models;
};
struct Tokens {
  std::uint64_t input_tokens = 0;
};

/// The words of an enum, in its order.
template <class Enum>
struct Words;
template <>
struct Words<model::Role> {
  static constexpr std::array<std::string_view, 5> all{"system", "developer", "user", "assistant", "tool"};
};
template <>
struct Words<model::ToolKind> {
  static constexpr std::array<std::string_view, 2> all{"function", "custom"};
};
template <>
struct Words<model::Tool::Kind> {
  static constexpr std::array<std::string_view, 3> all{"function", "custom", "built_in"};
};
template <>
struct Words<model::ToolChoice::Mode> {
  static constexpr std::array<std::string_view, 5> all{"none", "auto", "required", "named", "raw"};
};
template <>
struct Words<model::ResponseFormat::Kind> {
  static constexpr std::array<std::string_view, 4> all{"text", "json_object", "json_schema", "raw"};
};
template <>
struct Words<model::Finish> {
  static constexpr std::array<std::string_view, 12> all{"unknown",       "stop",           "length",         "tool_calls",
                                                        "function_call", "content_filter", "refusal",        "stop_sequence",
                                                        "paused",        "context_limit",  "malformed_call", "failed"};
};

/// A struct's members. `name`: of its type in the schema. `tag`: its word where it is one alternative of several.
/// `fault(value)`, where there is one: what is wrong with it as a whole, or nothing.
template <class T>
struct Shape;

// --- parts ------------------------------------------------------------------------------------------------------------------

template <>
struct Shape<model::CacheHint> {
  using T = model::CacheHint;
  static constexpr std::string_view name = "cache";
  static constexpr std::string_view about = "A prompt-cache marker: what stands before, and this, may be cached.";
  static constexpr auto fields =
      std::tuple{must("type", &T::type, "\"ephemeral\""), may("ttl", &T::ttl, "how long: \"5m\", \"1h\"")};
};
template <>
struct Shape<model::Media> {
  using T = model::Media;
  static constexpr auto fields =
      std::tuple{may("url", &T::url), may("base64", &T::base64, "the bytes themselves"),
                 may("id", &T::id, "a file's id at the vendor"), may("media_type", &T::media_type, "\"image/png\"")};
  static std::string_view one_source(const T& media) {
    const int sources = (media.url ? 1 : 0) + (media.base64 ? 1 : 0) + (media.id ? 1 : 0);
    return sources == 1 ? "" : "must have exactly one of url, base64 and id";
  }
};
template <>
struct Shape<model::Citation> {
  using T = model::Citation;
  static constexpr std::string_view name = "citation";
  static constexpr std::string_view about = "Where in a text a source was used: characters start to end.";
  static constexpr auto fields = std::tuple{may("url", &T::url),
                                            may("title", &T::title),
                                            may("start", &T::start),
                                            may("end", &T::end),
                                            may("cited_text", &T::cited_text, "what the source says there"),
                                            may("document", &T::document, "index of a document of the request"),
                                            may("raw", &T::raw, "the vendor's own form, when the others do not hold it all")};
};
template <>
struct Shape<model::Text> {
  using T = model::Text;
  static constexpr std::string_view name = "text", tag = "text", about = {};
  static constexpr auto fields = std::tuple{must("text", &T::text), list("citations", &T::citations, "citation")};
};
template <>
struct Shape<model::Image> {
  using T = model::Image;
  static constexpr std::string_view name = "image", tag = "image", about = {};
  static constexpr auto fields = std::tuple{among(&T::media), may("detail", &T::detail, "\"auto\", \"low\", \"high\"")};
  static std::string_view fault(const T& image) { return Shape<model::Media>::one_source(image.media); }
};
template <>
struct Shape<model::Audio> {
  using T = model::Audio;
  static constexpr std::string_view name = "audio", tag = "audio", about = {};
  static constexpr auto fields = std::tuple{among(&T::media), may("format", &T::format, "\"wav\", \"mp3\""),
                                            may("transcript", &T::transcript), may("expires_at", &T::expires_at, "Unix seconds")};
};
template <>
struct Shape<model::File> {
  using T = model::File;
  static constexpr std::string_view name = "file", tag = "file", about = {};
  static constexpr auto fields = std::tuple{among(&T::media), may("name", &T::name)};
  static std::string_view fault(const T& file) { return Shape<model::Media>::one_source(file.media); }
};
template <>
struct Shape<model::Refusal> {
  using T = model::Refusal;
  static constexpr std::string_view name = "refusal", tag = "refusal", about = {};
  static constexpr auto fields = std::tuple{must("text", &T::text)};
};
template <>
struct Shape<model::Thinking> {
  using T = model::Thinking;
  static constexpr std::string_view name = "thinking", tag = "thinking";
  static constexpr std::string_view about =
      "What the model thought. Signature, redacted, encrypted and id are opaque: send them back unchanged with the next turn.";
  static constexpr auto fields = std::tuple{may("text", &T::text),           may("id", &T::id),
                                            may("signature", &T::signature), may("redacted", &T::redacted),
                                            may("encrypted", &T::encrypted), list("summary", &T::summary, "part"),
                                            may("issuer", &T::issuer)};
};
template <>
struct Shape<model::ToolCall> {
  using T = model::ToolCall;
  static constexpr std::string_view name = "tool_call", tag = "tool_call", about = {};
  static constexpr auto fields =
      std::tuple{may("id", &T::id), must("name", &T::name),
                 must("arguments", &T::arguments, "as the model wrote them: JSON of a function, free text of a custom tool"),
                 may("kind", &T::kind), may("signature", &T::signature, "opaque: send it back unchanged")};
};
template <>
struct Shape<model::ToolResult> {
  using T = model::ToolResult;
  static constexpr std::string_view name = "tool_result", tag = "tool_result", about = {};
  static constexpr auto fields = std::tuple{may("call_id", &T::call_id), may("name", &T::name), may("is_error", &T::is_error),
                                            list("content", &T::parts, "part")};
  static std::string_view fault(const T& result) {
    for (const auto& part : result.parts) {
      if (std::holds_alternative<T>(part.value)) return "must not hold another result";
    }
    return {};
  }
};
template <>
struct Shape<model::Opaque> {
  using T = model::Opaque;
  static constexpr std::string_view name = "opaque", tag = "opaque";
  static constexpr std::string_view about = "A part that only one dialect has, in its own JSON.";
  static constexpr auto fields = std::tuple{must("dialect", &T::dialect), must("value", &T::value)};
};
/// One of several kinds, and what each kind may have.
template <>
struct Shape<model::Part> {
  using T = model::Part;
  static constexpr std::string_view name = "part", about = {};
  static constexpr auto choice = &T::value;
  static constexpr auto fields = std::tuple{may("cache", &T::cache), may("extras", &T::extras)};
};

// --- requests ---------------------------------------------------------------------------------------------------------------

template <>
struct Shape<model::Message> {
  using T = model::Message;
  static constexpr std::string_view name = "message", about = {};
  static constexpr auto fields =
      std::tuple{must("role", &T::role), may("name", &T::name), list("content", &T::parts, "part"), may("extras", &T::extras)};
};
template <>
struct Shape<model::Tool> {
  using T = model::Tool;
  static constexpr std::string_view name = "tool", about = {};
  static constexpr auto fields =
      std::tuple{may("kind", &T::kind, "absent: function"),
                 may("name", &T::name),
                 may("description", &T::description),
                 may("parameters", &T::parameters, "JSON Schema of a function's arguments"),
                 may("strict", &T::strict),
                 may("format", &T::format, "of a custom tool's text"),
                 may("builtin", &T::builtin, "a tool of the vendor's own, whole, as its dialect writes it"),
                 may("cache", &T::cache),
                 may("extras", &T::extras)};
  static std::string_view fault(const T& tool) {
    const bool built_in = tool.kind == T::Kind::built_in;
    if (built_in) return tool.builtin ? "" : "must have 'builtin'";
    return tool.name.empty() ? "must have a name" : "";
  }
};
template <>
struct Shape<model::ToolChoice> {
  using T = model::ToolChoice;
  static constexpr std::string_view name = "tool_choice", about = {};
  static constexpr auto fields = std::tuple{must("mode", &T::mode), may("name", &T::name, "of the tool, with \"named\""),
                                            may("kind", &T::kind), may("raw", &T::raw, "with \"raw\": the dialect's own form")};
  static std::string_view fault(const T& choice) {
    if (choice.mode == T::Mode::named && choice.name.empty()) return "must have a name";
    return choice.mode == T::Mode::raw && !choice.raw ? "must have 'raw'" : "";
  }
};
template <>
struct Shape<model::ResponseFormat> {
  using T = model::ResponseFormat;
  static constexpr std::string_view name = "response_format", about = {};
  static constexpr auto fields = std::tuple{
      must("kind", &T::kind),    may("name", &T::name),     may("description", &T::description),
      may("schema", &T::schema), may("strict", &T::strict), may("raw", &T::raw, "with \"raw\": the dialect's own form")};
  static std::string_view fault(const T& format) {
    if (format.kind == T::Kind::json_schema && !format.schema) return "must have a schema";
    return format.kind == T::Kind::raw && !format.raw ? "must have 'raw'" : "";
  }
};
template <>
struct Shape<model::Reasoning> {
  using T = model::Reasoning;
  static constexpr std::string_view name = "reasoning", about = "How much to think: by effort or by budget.";
  static constexpr auto fields = std::tuple{
      may("effort", &T::effort, "\"none\", \"minimal\", \"low\", \"medium\", \"high\", \"xhigh\""),
      may("budget_tokens", &T::budget_tokens), may("mode", &T::mode, "\"enabled\", \"disabled\", \"adaptive\""),
      may("summary", &T::summary, "\"auto\", \"concise\", \"detailed\""), may("include", &T::include, "show the thoughts")};
};
template <>
struct Shape<model::Limits> {
  using T = model::Limits;
  static constexpr auto fields = std::tuple{may("max_output_tokens", &T::max_output_tokens),
                                            may("max_tokens", &T::max_tokens, "the same in OpenAI's older spelling")};
};
template <>
struct Shape<model::Sampling> {
  using T = model::Sampling;
  static constexpr auto fields = std::tuple{may("temperature", &T::temperature),
                                            may("top_p", &T::top_p),
                                            may("top_k", &T::top_k),
                                            may("min_p", &T::min_p),
                                            may("frequency_penalty", &T::frequency_penalty),
                                            may("presence_penalty", &T::presence_penalty),
                                            may("repetition_penalty", &T::repetition_penalty),
                                            may("seed", &T::seed),
                                            may("logit_bias", &T::logit_bias)};
};
template <>
struct Shape<model::AudioOutput> {
  using T = model::AudioOutput;
  static constexpr std::string_view name = "audio_output", about = {};
  static constexpr auto fields = std::tuple{may("voice", &T::voice, "a name in quotes, or an object"), may("format", &T::format)};
};
template <>
struct Shape<model::SafetySetting> {
  using T = model::SafetySetting;
  static constexpr std::string_view name = "safety_setting", about = {};
  static constexpr auto fields = std::tuple{must("category", &T::category), must("threshold", &T::threshold)};
};
template <>
struct Shape<model::Chat> {
  using T = model::Chat;
  static constexpr std::string_view name = "chat", about = "A request: POST /cardea/v1/chat.";
  static constexpr auto fields =
      std::tuple{must("model", &T::model),
                 list("messages", &T::messages, "message", Need::required),
                 list("tools", &T::tools, "tool"),
                 may("tool_choice", &T::tool_choice),
                 may("parallel_tool_calls", &T::parallel_tool_calls),
                 may("response_format", &T::response_format),
                 among(&T::sampling),
                 among(&T::limits),
                 list("stop", &T::stop, "sequence"),
                 may("n", &T::n),
                 may("logprobs", &T::logprobs),
                 may("top_logprobs", &T::top_logprobs),
                 may("reasoning", &T::reasoning),
                 may("verbosity", &T::verbosity),
                 may("service_tier", &T::service_tier),
                 may("user", &T::user),
                 may("safety_identifier", &T::safety_identifier),
                 may("prompt_cache_key", &T::prompt_cache_key),
                 may("prompt_cache_retention", &T::prompt_cache_retention),
                 may("metadata", &T::metadata),
                 may("store", &T::store),
                 list("modalities", &T::modalities, "modality"),
                 may("audio", &T::audio),
                 may("prediction", &T::prediction),
                 may("web_search", &T::web_search),
                 list("safety", &T::safety, "setting"),
                 may("stream", &T::stream),
                 may("include_usage", &T::include_usage, "false: a stream without its usage event"),
                 unless_native("dialect", &T::dialect,
                               "whose extras and raw forms these are, when they are not this format's: \"anthropic\""),
                 may("extras", &T::extras, "members that only that dialect knows: an object")};
};

// --- answers ----------------------------------------------------------------------------------------------------------------

template <>
struct Shape<model::Usage> {
  using T = model::Usage;
  static constexpr std::string_view name = "usage", about = "Tokens. The three counts of the input do not overlap.";
  static constexpr auto fields = std::tuple{may("input", &T::input, "neither read from nor written to a prompt cache"),
                                            may("cache_read", &T::cache_read),
                                            may("cache_write", &T::cache_write),
                                            may("output", &T::output, "everything generated, reasoning included"),
                                            may("reasoning", &T::reasoning, "of the output"),
                                            may("input_audio", &T::input_audio, "of the input"),
                                            may("output_audio", &T::output_audio, "of the output"),
                                            may("accepted_prediction", &T::accepted_prediction, "of the output"),
                                            may("rejected_prediction", &T::rejected_prediction, "of the output")};
};
template <>
struct Shape<model::Choice> {
  using T = model::Choice;
  static constexpr std::string_view name = "choice", about = {};
  static constexpr auto fields =
      std::tuple{must("index", &T::index),
                 list("content", &T::parts, "part"),
                 may("finish", &T::finish, "why it ended"),
                 may("finish_raw", &T::finish_raw, "the vendor's own word, when none of these says it"),
                 may("stop_sequence", &T::stop_sequence, "the one that matched"),
                 may("logprobs", &T::logprobs),
                 may("extras", &T::extras),
                 may("message_extras", &T::message_extras)};
};
template <>
struct Shape<model::Answer> {
  using T = model::Answer;
  static constexpr std::string_view name = "answer", about = "A whole answer.";
  static constexpr auto fields =
      std::tuple{may("id", &T::id),
                 may("model", &T::model),
                 may("created", &T::created, "Unix seconds"),
                 list("choices", &T::choices, "choice", Need::required),
                 may("usage", &T::usage),
                 may("service_tier", &T::service_tier),
                 may("system_fingerprint", &T::system_fingerprint),
                 unless_native("dialect", &T::dialect, "whose extras these are, when they are not this format's"),
                 may("extras", &T::extras)};
};
template <>
struct Shape<Trouble> {
  using T = Trouble;
  static constexpr std::string_view name = "error", about = {};
  static constexpr auto fields =
      std::tuple{must("kind", &T::kind, "\"bad_request\", \"unauthenticated\", \"rate_limited\", \"upstream_failed\", …"),
                 must("message", &T::message),
                 may("param", &T::param, "the member at fault: \"messages[0].role\""),
                 may("code", &T::code, "the vendor's own word"),
                 may("status", &T::status, "HTTP's"),
                 may("retry_after_seconds", &T::retry_after_seconds),
                 may("request_id", &T::request_id)};
};
template <>
struct Shape<NativeModel> {
  using T = NativeModel;
  static constexpr std::string_view name = "model", about = {};
  static constexpr auto fields =
      std::tuple{must("id", &T::id), may("owned_by", &T::owned_by), may("created", &T::created, "Unix seconds"),
                 may("context_tokens", &T::context_tokens), may("max_output_tokens", &T::max_output_tokens)};
};
template <>
struct Shape<ListedModels> {
  using T = ListedModels;
  static constexpr std::string_view name = "models", about = "GET /cardea/v1/models.";
  static constexpr auto fields = std::tuple{list("models", &T::models, "model", Need::required)};
};
template <>
struct Shape<Tokens> {
  using T = Tokens;
  static constexpr std::string_view name = "token_count", about = "POST /cardea/v1/count_tokens, asked with a chat.";
  static constexpr auto fields = std::tuple{must("input_tokens", &T::input_tokens)};
};

// --- streams ----------------------------------------------------------------------------------------------------------------

template <>
struct Shape<model::event::Start> {
  using T = model::event::Start;
  static constexpr std::string_view name = "start", tag = "start", about = "Once, before anything else.";
  static constexpr auto fields =
      std::tuple{may("id", &T::id), may("model", &T::model), may("created", &T::created, "Unix seconds"),
                 may("service_tier", &T::service_tier), may("system_fingerprint", &T::system_fingerprint)};
};
template <>
struct Shape<model::event::PartStart> {
  using T = model::event::PartStart;
  static constexpr std::string_view name = "part_start", tag = "part_start";
  static constexpr std::string_view about = "A part begins, with what is known of it at once.";
  static constexpr auto fields = std::tuple{must("choice", &T::choice), must("part", &T::part), must("value", &T::value)};
};
template <>
struct Shape<model::event::Delta> {
  using T = model::event::Delta;
  static constexpr std::string_view name = "delta", tag = "delta";
  static constexpr std::string_view about = "More of a part's text: text, thinking, refusal, or a call's arguments.";
  static constexpr auto fields = std::tuple{must("choice", &T::choice), must("part", &T::part), must("text", &T::text)};
};
template <>
struct Shape<model::event::CitationDelta> {
  using T = model::event::CitationDelta;
  static constexpr std::string_view name = "citation_delta", tag = "citation", about = {};
  static constexpr auto fields = std::tuple{must("choice", &T::choice), must("part", &T::part), must("citation", &T::citation)};
};
template <>
struct Shape<model::event::SignatureDelta> {
  using T = model::event::SignatureDelta;
  static constexpr std::string_view name = "signature_delta", tag = "signature";
  static constexpr std::string_view about = "Opaque data that completes a thinking part.";
  static constexpr auto fields = std::tuple{must("choice", &T::choice), must("part", &T::part), must("signature", &T::signature)};
};
template <>
struct Shape<model::event::AudioDelta> {
  using T = model::event::AudioDelta;
  static constexpr std::string_view name = "audio_delta", tag = "audio";
  static constexpr std::string_view about = "More of an audio part: its bytes, its transcript, or its id.";
  static constexpr auto fields = std::tuple{must("choice", &T::choice), must("part", &T::part), must("audio", &T::audio)};
};
template <>
struct Shape<model::event::Logprobs> {
  using T = model::event::Logprobs;
  static constexpr std::string_view name = "logprobs", tag = "logprobs", about = {};
  static constexpr auto fields = std::tuple{must("choice", &T::choice), must("value", &T::value)};
};
template <>
struct Shape<model::event::PartStop> {
  using T = model::event::PartStop;
  static constexpr std::string_view name = "part_stop", tag = "part_stop", about = {};
  static constexpr auto fields = std::tuple{must("choice", &T::choice), must("part", &T::part)};
};
template <>
struct Shape<model::event::ChoiceFinish> {
  using T = model::event::ChoiceFinish;
  static constexpr std::string_view name = "choice_finish", tag = "choice_finish", about = {};
  static constexpr auto fields = std::tuple{must("choice", &T::choice), must("finish", &T::finish), may("finish_raw", &T::raw),
                                            may("stop_sequence", &T::stop_sequence)};
};
template <>
struct Shape<model::event::UsageReport> {
  using T = model::event::UsageReport;
  static constexpr std::string_view name = "usage_report", tag = "usage", about = {};
  static constexpr auto fields = std::tuple{must("usage", &T::usage)};
};
template <>
struct Shape<model::event::Ping> {
  static constexpr std::string_view name = "ping", tag = "ping", about = "Says that the stream is alive.";
  static constexpr auto fields = std::tuple{};
};
template <>
struct Shape<Failure> {
  using T = Failure;
  static constexpr std::string_view name = "failure", tag = "failure";
  static constexpr std::string_view about = "An error: a whole answer, or the last event of a stream that broke.";
  static constexpr auto fields = std::tuple{must("error", &T::error)};
};
template <>
struct Shape<model::event::End> {
  static constexpr std::string_view name = "end", tag = "end", about = "The proper end of a stream.";
  static constexpr auto fields = std::tuple{};
};
template <>
struct Shape<Said> {
  static constexpr std::string_view name = "event", about = "One event of a stream.";
};

// --- walking ----------------------------------------------------------------------------------------------------------------

/// Calls `visit(field, member)` for each member of `object`, in order.
template <class T, class Object, class Visit>
void each_field(Object& object, const Visit& visit) {
  const auto one = [&]<class Row>(const Row& row) {
    if constexpr (requires { row.name; }) {
      visit(row, object.*row.at);
    } else {
      using Inner = std::remove_cvref_t<decltype(object.*row.at)>;
      each_field<Inner>(object.*row.at, visit);
    }
  };
  std::apply([&](const auto&... rows) { (one(rows), ...); }, Shape<T>::fields);
}

template <class T>
inline constexpr bool is_variant = false;
template <class... Ts>
inline constexpr bool is_variant<std::variant<Ts...>> = true;
/// A variant, or a struct that has one among its members: an object with a tag.
template <class T>
concept Tagged = is_variant<T> || requires { Shape<T>::choice; };
template <Tagged T>
auto& choice_in(T& value) {
  if constexpr (is_variant<T>) {
    return value;
  } else {
    return value.*Shape<T>::choice;
  }
}
template <Tagged T>
const auto& choice_in(const T& value) {
  if constexpr (is_variant<T>) {
    return value;
  } else {
    return value.*Shape<T>::choice;
  }
}
/// A value that is written as another.
template <class T>
concept Mirrored = requires { typename Shape<T>::Written; };
/// Calls `visit.template operator()<Alternative>()` for each alternative.
template <class Variant, class Visit>
void each_alternative(const Visit& visit) {
  [&]<class... Ts>(const std::variant<Ts...>*) { (visit.template operator()<Ts>(), ...); }(static_cast<const Variant*>(nullptr));
}

}  // namespace cardea::dialect::native_format

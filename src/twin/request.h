#pragma once
// A chat request as the twin understands it, whatever dialect it came in.

#include <cstdint>
#include <forward_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "json/scan.h"
#include "json/value.h"

namespace cardea::twin {

struct Tool {
  std::string name;
  std::optional<json::Value> parameters;  ///< JSON Schema
  bool custom = false;                    ///< takes free text
  std::string description;
  std::optional<bool> strict;
  std::string built_in;  ///< type of a tool that the vendor runs itself; else empty
  std::string cache;     ///< as Part::cache
};

enum class ToolChoice : std::uint8_t { automatic, none, required, named };
enum class Format : std::uint8_t { text, json_object, json_schema };
enum class Role : std::uint8_t { system, user, assistant, tool };

/// An image, a sound, a video or a file: bytes that came along, or where they are.
struct Medium {
  enum class Kind : std::uint8_t { image, audio, video, file } kind = Kind::image;
  std::string media_type;
  std::uint64_t size = 0;
  std::string sha256;  ///< of bytes that came along, in hexadecimal; else empty
  std::string url;
  std::string id;  ///< at the vendor
  std::string name;
  std::string detail;
};

/// A piece of a message. Which members mean something depends on the kind.
struct Part {
  enum class Kind : std::uint8_t { text, refusal, medium, call, result, thought, other } kind = Kind::text;
  std::string text;           ///< of text, refusal and thought; a call's arguments; the vendor's own name of another part
  Medium medium;              ///< of a medium
  std::string id;             ///< of a call, or of the call that a result belongs to; of an OpenAI reasoning item
  std::string name;           ///< of a call or result
  std::string signature;      ///< of a thought or call
  bool custom = false;        ///< a call of a custom tool
  bool error = false;         ///< a result
  bool redacted = false;      ///< a thought
  std::string cache;          ///< prompt-cache mark: its time to live, or "default"; empty: none
  std::string wire_path;      ///< where it stood, for refusals
  std::vector<Part> parts{};  ///< of a result
};

/// What an answer may be made of.
struct Outputs {
  bool text = true;
  bool image = false;
  bool audio = false;
  std::uint32_t width = 1024;  ///< of an image
  std::uint32_t height = 1024;
};

struct Turn {
  Role role = Role::user;
  std::vector<Part> parts;
};

/// Views into the body and into itself: stays where it is while it is used, and dies before the body.
struct ChatRequest {
  json::Members members;  ///< of a body that was read without a tree
  json::Value document;   ///< of any other
  std::string_view model;
  std::string_view messages;                   ///< raw
  std::string_view last_user;                  ///< text of the last user message
  std::vector<std::string_view> tool_results;  ///< texts of the results at the end
  std::uint64_t prompt_tokens = 0;
  /// Every message, part by part. Of OpenAI's chat only when somebody will look: see read_openai_chat().
  std::vector<Turn> turns;

  bool stream = false;
  bool include_usage = false;
  bool logprobs = false;
  std::uint64_t top_logprobs = 0;
  std::uint64_t n = 1;
  std::optional<std::uint64_t> max_tokens;
  std::uint64_t reasoning_tokens = 0;
  std::vector<std::string> stop;
  Outputs outputs;
  std::vector<Tool> tools;
  ToolChoice tool_choice = ToolChoice::automatic;
  std::string tool_named;
  bool parallel_tool_calls = true;
  Format format = Format::text;
  std::string format_name;
  std::optional<bool> format_strict;
  json::Value schema;

  std::string effort;                   ///< how much to think, as a word; empty: not said
  std::optional<std::uint64_t> budget;  ///< how much to think, in tokens
  std::optional<bool> thoughts;         ///< shall thoughts be shown? Not said: as the model has it
  /// Numbers that change nothing in the answer, by OpenAI's names: temperature, top_p, top_k, seed, …
  std::vector<std::pair<std::string_view, std::string>> sampling;
  /// Anything else worth telling who inspects: user, service_tier, …; the second is JSON.
  std::vector<std::pair<std::string, std::string>> notes;

  std::vector<std::string_view> prompts;  ///< of legacy completions: each is answered by itself

  std::forward_list<std::string> texts;  ///< put together from several parts
};

/// `text`, kept as long as `request`.
[[nodiscard]] std::string_view keep(ChatRequest& request, std::string text);

/// Fills in what follows from `turns`: last_user, tool_results, prompt_tokens.
void settle(ChatRequest& request);
/// The user speaks of the "system prompt".
[[nodiscard]] bool asks_for_system(const ChatRequest& request) noexcept;
/// The text parts, joined by line ends.
[[nodiscard]] std::string joined_text(const std::vector<Part>& parts);
/// Every medium of the request, in order, those in tool results too.
[[nodiscard]] std::vector<const Medium*> media_of(const ChatRequest& request);

inline constexpr std::uint64_t tokens_per_message = 3;
inline constexpr std::uint64_t tokens_of_answer_start = 3;
inline constexpr std::uint64_t tokens_per_medium = 85;

}  // namespace cardea::twin

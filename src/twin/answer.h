#pragma once
// What the twin says: a function of the request.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twin/behaviour.h"
#include "twin/request.h"

namespace cardea::twin {

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  ///< JSON; the input of a custom tool is free text
  bool custom = false;
};

/// A source of a piece of the text.
struct Citation {
  std::size_t start = 0;  ///< bytes of the text
  std::size_t end = 0;
  std::string_view url;
  std::string_view title;
  std::string_view quote;  ///< what the source says
};

/// Why an answer ended.
enum class Finish : std::uint8_t {
  stop,
  stop_sequence,
  length,
  tool_calls,
  refusal,  ///< the model would not
  filter,   ///< something cut the model off
};

struct Choice {
  std::string reasoning;
  bool redacted = false;  ///< the reasoning is there, but must not be shown
  std::string text;
  std::string refusal;
  std::vector<ToolCall> calls;
  std::vector<Citation> citations;  ///< of the text, in order
  bool searched = false;            ///< they were found by a tool that the vendor ran
  Finish finish = Finish::stop;
  std::string stopped_by;    ///< with Finish::stop_sequence
  std::uint64_t tokens = 0;  ///< of everything above
};

struct Answer {
  std::string id;
  std::uint64_t seed = 0;  ///< what the ids are made of
  std::vector<Choice> choices;
  std::uint64_t prompt_tokens = 0;       ///< with those below
  std::uint64_t cached_tokens = 0;       ///< read from a cache
  std::uint64_t cache_write_tokens = 0;  ///< written to a cache
  std::uint64_t completion_tokens = 0;   ///< with reasoning
  std::uint64_t reasoning_tokens = 0;
};

/// How a dialect begins its ids.
struct IdStyle {
  std::string_view answer;
  std::string_view call;
};
/// `prefix` and 16 hexadecimal digits.
[[nodiscard]] std::string hex_id(std::string_view prefix, std::uint64_t value);

/// A model of the twin.
struct ModelRow {
  std::string_view name;
  std::string_view does;
  Choice (*answer)(const ChatRequest& request, std::uint64_t seed);
  bool thinks = false;  ///< shows its reasoning, and signs it
  bool whole = false;   ///< says all it has to say, whatever limits were asked for
};
[[nodiscard]] std::span<const ModelRow> model_rows();
/// nullptr: no such model.
[[nodiscard]] const ModelRow* find_model(std::string_view name);

/// The whole answer. The same request gives the same answer, streamed or not. `last_user` is each of several prompts in turn.
[[nodiscard]] Answer compose(ChatRequest& request, const ModelRow& model, const Behaviour& behaviour, const IdStyle& ids);

}  // namespace cardea::twin

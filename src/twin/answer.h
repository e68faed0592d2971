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

struct Choice {
  std::string reasoning;  ///< as `reasoning_content`, only of the model that shows it
  std::string text;
  std::string refusal;
  std::vector<ToolCall> calls;
  std::string_view finish = "stop";
  std::uint64_t tokens = 0;  ///< of everything above
};

struct Answer {
  std::string id;
  std::vector<Choice> choices;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;  ///< with reasoning
  std::uint64_t reasoning_tokens = 0;
};

/// A model of the twin.
struct ModelRow {
  std::string_view name;
  std::string_view does;
  Choice (*answer)(const ChatRequest& request, std::uint64_t seed);
};
[[nodiscard]] std::span<const ModelRow> model_rows();
/// nullptr: no such model.
[[nodiscard]] const ModelRow* find_model(std::string_view name);

/// The whole answer. The same request gives the same answer, streamed or not.
[[nodiscard]] Answer compose(const ChatRequest& request, const ModelRow& model, const Behaviour& behaviour);

}  // namespace cardea::twin

#pragma once
// A chat request as the twin understands it, checked as strictly as OpenAI checks it.

#include <cstdint>
#include <forward_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "json/scan.h"
#include "json/value.h"

namespace cardea::twin {

struct Tool {
  std::string name;
  std::optional<json::Value> parameters;  ///< JSON Schema
  bool custom = false;                    ///< takes free text
};

enum class ToolChoice : std::uint8_t { automatic, none, required, named };
enum class Format : std::uint8_t { text, json_object, json_schema };

/// Views into the body and into itself: stays where it is while it is used, and dies before the body.
struct ChatRequest {
  json::Members members;
  std::string_view model;
  std::string_view messages;                   ///< raw
  std::string_view last_user;                  ///< text of the last user message
  std::vector<std::string_view> tool_results;  ///< texts of the tool messages at the end
  std::uint64_t prompt_tokens = 0;

  bool stream = false;
  bool include_usage = false;
  bool logprobs = false;
  std::uint64_t top_logprobs = 0;
  std::uint64_t n = 1;
  std::optional<std::uint64_t> max_tokens;
  std::uint64_t reasoning_tokens = 0;
  std::vector<std::string> stop;
  std::vector<Tool> tools;
  ToolChoice tool_choice = ToolChoice::automatic;
  std::string tool_named;
  bool parallel_tool_calls = true;
  Format format = Format::text;
  json::Value schema;

  std::forward_list<std::string> texts;  ///< put together from several parts
};

/// Reads `body` into a fresh `out`. Kind::bad_request in OpenAI's words, with `param` and `code`.
[[nodiscard]] Status read_request(std::string_view body, ChatRequest& out);

}  // namespace cardea::twin

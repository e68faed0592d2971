#pragma once
// Chat bodies in OpenAI's dialect, short to write in tests.

#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "testing/gateway/message.h"

namespace cardea::testing {

/// `more`: further members, each with a comma before it.
[[nodiscard]] inline std::string ask(std::string_view model = "vendor/small", std::string_view text = "hi",
                                     std::string_view more = "") {
  return cat(R"({"model":")", model, R"(","messages":[{"role":"user","content":")", text, R"("}])", more, "}");
}
inline constexpr std::string_view streamed = R"(,"stream":true)";
inline constexpr std::string_view streamed_with_usage = R"(,"stream":true,"stream_options":{"include_usage":true})";

[[nodiscard]] inline std::string completion(std::string_view text = "ok") {
  return cat(
      R"({"id":"c1","object":"chat.completion","created":1,"model":"small-2026","choices":[{"index":0,"message":{"role":"assistant",)",
      R"("content":")", text,
      R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})");
}

// Events of a stream, whole.
inline constexpr std::string_view role_event =
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"small-2026","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]})"
    "\n\n";
[[nodiscard]] inline std::string token_event(std::string_view text) {
  return cat(
      R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"small-2026","choices":[{"index":0,"delta":{"content":")",
      text, R"("},"finish_reason":null}]})", "\n\n");
}
inline constexpr std::string_view finish_event =
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"small-2026","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
    "\n\n";
inline constexpr std::string_view usage_event =
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"small-2026","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})"
    "\n\n";
inline constexpr std::string_view done_event = "data: [DONE]\n\n";

/// A healthy stream's events: role, two tokens, finish, usage, [DONE].
[[nodiscard]] inline std::vector<std::string> healthy_events() {
  return {std::string{role_event},   token_event("Hel"),       token_event("lo"),
          std::string{finish_event}, std::string{usage_event}, std::string{done_event}};
}
/// Events as a whole chunked answer, one chunk each.
[[nodiscard]] inline std::string stream_of(const std::vector<std::string>& events) {
  std::string text = stream_head();
  for (const auto& event : events) text += chunk(event);
  return text + chunk("");
}
[[nodiscard]] inline std::string joined(const std::vector<std::string>& events) {
  std::string text;
  for (const auto& event : events) text += event;
  return text;
}

}  // namespace cardea::testing

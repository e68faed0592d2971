#pragma once
// What OpenAI's three dialects share: how they refuse, count and describe.

#include <string>
#include <string_view>

#include "twin/forms/form.h"
#include "twin/forms/reading.h"

namespace cardea::twin {

/// Kind::bad_request as OpenAI words it; an empty `param` or `code` is null.
[[nodiscard]] Status refuse_request(std::string message, std::string_view param, std::string_view code);
[[nodiscard]] Status missing(std::string_view param);
[[nodiscard]] Status wrong_type(std::string_view param, std::string_view expected, std::string_view got);
[[nodiscard]] Status wrong_value(std::string_view param, std::string_view value, std::string_view supported);
[[nodiscard]] Status unknown_parameter(std::string_view param);

extern const Words openai_words;

/// OpenAI's error object. An empty `param` or `code` is null.
[[nodiscard]] std::string error_object(std::string_view message, std::string_view type, std::string_view param,
                                       std::string_view code);
[[nodiscard]] std::string openai_failure(const Failure& failure);
/// The same as an event, as OpenAI's chat streams have it.
void openai_failure_event(const Failure& failure, std::uint64_t said, Event& out);

/// Tokens of hidden reasoning that an effort stands for; nothing: no such word.
[[nodiscard]] std::optional<std::uint64_t> tokens_of_effort(std::string_view effort) noexcept;
inline constexpr std::string_view effort_words = "'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'";

/// "A schema with `strict` must …" (platform.openai.com/docs/guides/structured-outputs, "Supported schemas"); empty: it does.
[[nodiscard]] std::string against_strict_schema(const json::Value& schema);

/// CompletionUsage of chat and legacy completions.
void append_openai_usage(std::string& out, const Answer& answer);
/// The token log-probabilities of `text`: `{…},{…}`.
void append_openai_logprobs(std::string& out, std::string_view text, std::uint64_t top);

/// An image, sound or file of a chat part; `at` is the object inside the part.
[[nodiscard]] Status take_openai_image(const At& at, Part& part);
/// Inline bytes from a `data:` URL or an address.
[[nodiscard]] Status take_openai_url(const At& at, Medium& medium);
/// `file_data`: a data URL, whose media type wins over that of `filename`.
[[nodiscard]] Status take_openai_file_data(const At& at, Medium& medium);

}  // namespace cardea::twin

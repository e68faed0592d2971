#pragma once
// Private to the room: what dialects with plain turns share (Cohere, Ollama). A message is a text or a list of parts, a tool's
// result is a message of its own that holds text, tools are functions.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/fields.h"

namespace cardea::dialect {

// --- media ------------------------------------------------------------------------------------------------------------------

/// "data:image/png;base64,…" becomes bytes with a media type; anything else is a URL.
[[nodiscard]] model::Media media_of_url(std::string_view url);
/// By the first bytes of a base64 text ("image/jpeg"); empty when it is none of the usual four.
[[nodiscard]] std::string_view image_type_of(std::string_view base64) noexcept;
/// The bytes as a data: URL. An image without a media type gets one by its first bytes.
[[nodiscard]] std::string data_url_of(const model::Media& media);

// --- parts ------------------------------------------------------------------------------------------------------------------

/// What a part says as plain text: a text, a refusal, a file that is text (in a <document> tag that names it). Nothing for the
/// others.
[[nodiscard]] std::optional<std::string> text_of(const model::Part& part);
/// Names a part that the target has no form for. Content of any kind changes the meaning.
void lose_part(const model::Part& part, std::string_view path, Losses& losses);
/// Names what a part leaves behind that is said as plain text: a cache mark, a file's form, citations, another dialect's fields.
void lose_around_text(const model::Part& part, std::string_view path, Whose whose, Losses& losses);
/// The arguments of a call as a JSON object, whatever the model or the client wrote: {} for nothing, {"input":…} for what is no
/// object (a custom tool's free text).
[[nodiscard]] std::string arguments_object(std::string_view arguments);
/// They are one already.
[[nodiscard]] bool is_object(std::string_view arguments);

// --- turns ------------------------------------------------------------------------------------------------------------------

/// One message as these dialects have them. Points into the chat.
struct Turn {
  struct Item {
    const model::Part* part = nullptr;
    std::string path;  ///< "messages[2].content[0]"
  };
  model::Role role = model::Role::user;
  const model::Message* message = nullptr;    ///< nullptr: made for what a tool's result could not hold
  const model::ToolResult* result = nullptr;  ///< of a turn of role tool
  std::string path;                           ///< "messages[2]"
  std::vector<Item> items;                    ///< of a result its parts
};
/// Results become turns of their own before the rest of their message. Images and the like in results stand in the user turn that
/// follows the last of them.
[[nodiscard]] std::vector<Turn> turns_of(const model::Chat& chat);
/// The text of a failed result says so: "Error: …".
[[nodiscard]] std::string result_text(const Turn& turn, std::string text, Losses& losses);
/// Names what stands in the message around its parts: its name, another dialect's fields.
void lose_around_message(const Turn& turn, Whose whose, Losses& losses);

// --- requests ---------------------------------------------------------------------------------------------------------------

/// Tools in OpenAI's form; those that are no functions are built-in ones.
Status decode_function_tools(const json::Value& value, std::string_view path, std::optional<std::vector<model::Tool>>& out);
struct ToolsForm {
  bool own = true;
  bool strict = true;     ///< it is said elsewhere; false: it is lost
  std::string_view only;  ///< the one tool to say; empty: all
};
/// Writes the member `tools` unless there is nothing to say; false then.
bool encode_function_tools(json::Writer& w, const model::Chat& chat, const ToolsForm& form, Losses& losses);
/// Names what neither of these dialects can say: n, logit_bias, metadata, audio output and so on, and another dialect's fields.
void lose_common(const model::Chat& chat, Whose whose, Losses& losses);
/// A number brought into the vendor's range, as spelled when it is in it.
[[nodiscard]] std::optional<model::Number> clamped(const std::optional<model::Number>& number, std::string_view low,
                                                   std::string_view high, std::string_view path, Losses& losses);

// --- answers ----------------------------------------------------------------------------------------------------------------

/// The one choice that these dialects can say; the others are named as lost. nullptr: none.
[[nodiscard]] const model::Choice* only_choice(const model::Answer& answer, Losses& losses);
/// Names a part of an answer that the client's dialect has no form for.
void lose_answer_part(const model::Part& part, Losses& losses);
/// Names what of another dialect's answer has no field.
void lose_around_answer(const model::Answer& answer, const model::Choice& choice, Losses& losses);

/// Names the counts that neither form has: of what was written to a cache, and of reasoning.
void lose_counts(const model::Usage& usage, Losses& losses);

/// One generated token. The model keeps logprobs in OpenAI's form: {"content":[{"token","logprob","bytes","top_logprobs"}]}.
struct TokenLogprob {
  std::string token;
  std::string logprob;  ///< as spelled
  std::vector<TokenLogprob> top;
};
[[nodiscard]] model::Json logprobs_of(std::span<const TokenLogprob> tokens);
[[nodiscard]] std::vector<TokenLogprob> tokens_of(const model::Json& logprobs);

}  // namespace cardea::dialect

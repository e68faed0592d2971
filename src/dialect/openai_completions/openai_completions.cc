#include "dialect/openai_completions/openai_completions.h"

#include <array>

namespace cardea::dialect {

const Dialect& openai_completions() {
  static const completions::OpenAiCompletions instance;
  return instance;
}

namespace completions {

using json::Type;

const Traits& OpenAiCompletions::traits() const noexcept {
  static constexpr std::array<std::string_view, 2> aliases{"completions", "text_completions"};
  static constexpr std::array<std::string_view, 1> fulfilled{"echo"};
  static constexpr Traits traits{
      .name = dialect_name, .aliases = aliases, .id_prefix = "cmpl-", .several_choices = true, .fulfilled = fulfilled};
  return traits;
}
std::string OpenAiCompletions::chat_target(std::string_view /*model: in the body*/, Delivery /*delivery*/) const {
  return "/completions";
}

std::unique_ptr<StreamDecoder> OpenAiCompletions::stream_decoder() const { return make_stream_decoder(); }
std::unique_ptr<StreamEncoder> OpenAiCompletions::stream_encoder(AnswerContext context) const {
  return make_stream_encoder(std::move(context));
}

// --- the way through: a chunk of a text is framed as one of a chat ----------------------------------------------------------

Result<RequestView> OpenAiCompletions::inspect(std::string_view body, const Asked& /*asked: all of it is in the body*/) const {
  constexpr std::array<std::string_view, 1> outline{"stream_options"};
  Result<RequestView> result{std::in_place};
  auto status = openai::inspect_head(body, outline, *result);
  if (!status) return fail_with(status);
  auto prompt = result->members.unique("prompt");
  if (!prompt) return fail_with(prompt);
  if (*prompt == nullptr) return bad_field("prompt", "is missing");
  const auto type = (*prompt)->type;
  if (type != Type::string && type != Type::array && type != Type::null) {
    return wrong_type("prompt", "a string or an array", type);
  }
  return result;
}
Result<json::Edits> OpenAiCompletions::forward_edits(const RequestView& view, const ForwardOptions& options) const {
  return openai_chat().forward_edits(view, options);
}
Result<ResponseView> OpenAiCompletions::inspect_response(std::string_view body, const Secret& secret) const {
  return openai_chat().inspect_response(body, secret);
}
std::unique_ptr<Relay> OpenAiCompletions::relay(RelayOptions options) const { return openai::make_relay(std::move(options)); }

// --- errors are OpenAI's ----------------------------------------------------------------------------------------------------

std::string OpenAiCompletions::error_body(const Error& error, std::string_view request_id) const {
  return openai_chat().error_body(error, request_id);
}
std::string OpenAiCompletions::stream_error(const Error& error, std::string_view request_id, Framing framing) const {
  return openai_chat().stream_error(error, request_id, framing);
}
Error OpenAiCompletions::upstream_error(const UpstreamFailure& failure, const Secret& secret) const {
  return openai_chat().upstream_error(failure, secret);
}

}  // namespace completions
}  // namespace cardea::dialect

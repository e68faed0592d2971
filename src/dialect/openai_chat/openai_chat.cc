#include "dialect/openai_chat/openai_chat.h"

#include <array>

namespace cardea::dialect {

const Dialect& openai_chat() {
  static const openai::OpenAiChat instance;
  return instance;
}

namespace openai {

using model::Finish;

std::unique_ptr<Relay> OpenAiChat::relay(RelayOptions options) const { return make_relay(std::move(options)); }
std::unique_ptr<StreamDecoder> OpenAiChat::stream_decoder() const { return make_stream_decoder(); }
std::unique_ptr<StreamEncoder> OpenAiChat::stream_encoder(AnswerContext context) const {
  return make_stream_encoder(std::move(context));
}

const Traits& OpenAiChat::traits() const noexcept {
  static constexpr std::array<std::string_view, 3> aliases{"openai", "chat_completions", "openai_compatible"};
  static constexpr Traits traits{.name = dialect_name,
                                 .aliases = aliases,
                                 .id_prefix = "chatcmpl-",
                                 .thinking_signatures = true,
                                 .call_signatures = true,
                                 .several_choices = true,
                                 .custom_tools = true,
                                 .tool_names = {.bytes_max = 64}};
  return traits;
}
std::string OpenAiChat::chat_target(std::string_view /*model: in the body*/, Delivery /*delivery*/) const {
  return "/chat/completions";
}

std::optional<model::Role> role_of(std::string_view word) noexcept {
  struct Row {
    std::string_view word;
    model::Role role;
  };
  static constexpr std::array<Row, 6> rows{{{"user", model::Role::user},
                                            {"assistant", model::Role::assistant},
                                            {"tool", model::Role::tool},
                                            {"system", model::Role::system},
                                            {"developer", model::Role::developer},
                                            {"function", model::Role::tool}}};
  for (const auto& row : rows) {
    if (row.word == word) return row.role;
  }
  return std::nullopt;
}

namespace {

/// The one place where finish reasons map. The first row of a word decodes it; the row of a finish encodes it. A turn that was
/// cut or paused is never "stop".
struct FinishRow {
  Finish finish;
  std::string_view word;
  bool exact;
};
constexpr std::array<FinishRow, 12> finish_rows{{
    {Finish::stop, "stop", true},
    {Finish::length, "length", true},
    {Finish::tool_calls, "tool_calls", true},
    {Finish::function_call, "function_call", true},
    {Finish::content_filter, "content_filter", true},
    {Finish::failed, "error", true},  // not in OpenAI's list; OpenRouter's word. A cut must not read as "stop".
    {Finish::stop_sequence, "stop", true},
    {Finish::context_limit, "length", true},
    {Finish::refusal, "content_filter", true},  // see Refused
    {Finish::paused, "length", false},
    {Finish::malformed_call, "error", false},
    {Finish::unknown, "stop", false},
}};

const FinishRow& row_of(Finish finish) noexcept {
  for (const auto& row : finish_rows) {
    if (row.finish == finish) return row;
  }
  return finish_rows.back();
}

}  // namespace

Finish finish_of(std::string_view word) noexcept {
  for (const auto& row : finish_rows) {
    if (row.word == word) return row.finish;
  }
  return Finish::unknown;
}
Finish finish_of(std::string_view word, Refused refused) noexcept {
  const Finish finish = finish_of(word);
  const bool told = finish == Finish::stop && refused == Refused::text;
  const bool untold = finish == Finish::content_filter && refused == Refused::empty;
  return told || untold ? Finish::refusal : finish;
}
std::string_view word_of(const Ending& ending) noexcept {
  if (ending.finish == Finish::refusal && ending.refused) return "stop";
  if (ending.finish == Finish::stop && ending.called) return "tool_calls";
  return row_of(ending.finish).word;
}
bool loses_finish(Finish finish) noexcept { return !row_of(finish).exact; }

std::string_view tier_word(std::string_view tier) noexcept {
  struct Row {
    std::string_view tier;
    std::string_view word;
  };
  // OpenAI's own, then Anthropic's and Groq's words for the usual tier.
  static constexpr std::array<Row, 9> rows{{{"auto", "auto"},
                                            {"default", "default"},
                                            {"flex", "flex"},
                                            {"scale", "scale"},
                                            {"priority", "priority"},
                                            {"fast", "fast"},
                                            {"standard", "default"},
                                            {"standard_only", "default"},
                                            {"on_demand", "default"}}};
  for (const auto& row : rows) {
    if (row.tier == tier) return row.word;
  }
  return {};
}

void Encoding::lose_extras(const model::Extras& extras, std::string_view path) const {
  for (const auto& extra : extras) lose(path.empty() ? extra.key : cat(path, '.', extra.key), no_such_field);
}

}  // namespace openai
}  // namespace cardea::dialect

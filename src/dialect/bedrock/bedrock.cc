#include "dialect/bedrock/bedrock.h"

#include <algorithm>
#include <array>

#include "dialect/plain.h"

namespace cardea::dialect {

const Dialect& bedrock() {
  static const converse::Bedrock instance;
  return instance;
}

namespace converse {

using model::Finish;

std::unique_ptr<Relay> Bedrock::relay(RelayOptions options) const {
  return framed_relay(make_stream_decoder(), Framing::aws_events, std::move(options));
}
std::unique_ptr<StreamDecoder> Bedrock::stream_decoder() const { return make_stream_decoder(); }
std::unique_ptr<StreamEncoder> Bedrock::stream_encoder(AnswerContext context) const {
  return make_stream_encoder(std::move(context));
}

const Traits& Bedrock::traits() const noexcept {
  static constexpr std::array<std::string_view, 3> aliases{"bedrock_converse", "converse", "aws_bedrock"};
  static constexpr std::array<std::string_view, 2> opaque_keys{R"("signature")", R"("redactedContent")"};
  static constexpr Traits traits{.name = dialect_name,
                                 .aliases = aliases,
                                 .framing = Framing::aws_events,
                                 .id_prefix = "msg_",
                                 .model_in_path = true,
                                 .thinking_signatures = true,
                                 .opaque_keys = opaque_keys,
                                 .tool_names = {.bytes_max = 64},
                                 .request_id_header = "x-amzn-requestid"};
  return traits;
}

std::string Bedrock::chat_target(std::string_view model, Delivery delivery) const {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out = "/model/";
  for (const char c : model) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                       c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out += delivery == Delivery::stream ? "/converse-stream" : "/converse";
}

Result<RequestView> Bedrock::inspect(std::string_view body, const Asked& asked) const {
  // A prompt of Prompt management brings its own messages.
  const bool prompt = asked.model.starts_with("arn:") && asked.model.find(":prompt/") != std::string_view::npos;
  if (!prompt) return inspect_plain(body, asked, "messages");
  Result<RequestView> result{std::in_place};
  Status status = json::scan(body, {}, result->members);
  result->model = asked.model;
  result->stream = asked.stream.value_or(false);
  if (!status) result = fail_with(status);
  return result;
}

Result<json::Edits> Bedrock::forward_edits(const RequestView& view, const ForwardOptions& options) const {
  return forward_plain(view, options);
}

Result<ResponseView> Bedrock::inspect_response(std::string_view body, const Secret& /*secret: nothing is quoted*/) const {
  return inspect_answer(*this, body, {});
}

namespace {

/// The one place where stop reasons map. The first row of a word decodes it; the first row of a finish encodes it.
struct FinishRow {
  Finish finish;
  std::string_view word;
  bool exact;
};
constexpr std::array<FinishRow, 13> finish_rows{{
    {Finish::stop, "end_turn", true},
    {Finish::tool_calls, "tool_use", true},
    {Finish::length, "max_tokens", true},
    {Finish::stop_sequence, "stop_sequence", true},
    {Finish::content_filter, "content_filtered", true},
    {Finish::content_filter, "guardrail_intervened", true},
    {Finish::failed, "malformed_model_output", true},
    {Finish::malformed_call, "malformed_tool_use", true},
    {Finish::context_limit, "model_context_window_exceeded", true},
    {Finish::function_call, "tool_use", true},
    {Finish::refusal, "content_filtered", false},
    {Finish::paused, "end_turn", false},
    {Finish::unknown, "end_turn", false},
}};

const FinishRow& row_of(Finish finish) noexcept { return *std::ranges::find(finish_rows, finish, &FinishRow::finish); }

/// Bedrock's tiers are priority, default, flex and reserved; the others are OpenAI's and Anthropic's words for them.
struct TierRow {
  std::string_view word;
  std::string_view tier;
};
constexpr std::array<TierRow, 8> tier_rows{{{"default", "default"},
                                            {"priority", "priority"},
                                            {"flex", "flex"},
                                            {"reserved", "reserved"},
                                            {"standard", "default"},
                                            {"standard_only", "default"},
                                            {"scale", "reserved"},
                                            {"auto", "auto"}}};

}  // namespace

Finish finish_of(std::string_view word) noexcept {
  const auto row = std::ranges::find(finish_rows, word, &FinishRow::word);
  return row != finish_rows.end() ? row->finish : Finish::unknown;
}
std::string_view word_of(Finish finish) noexcept { return row_of(finish).word; }
bool loses_finish(Finish finish) noexcept { return !row_of(finish).exact; }

std::optional<std::string> raw_finish(std::string_view word) {
  const Finish finish = finish_of(word);
  if (finish != Finish::unknown && word_of(finish) == word) return std::nullopt;
  return std::string{word};
}

std::string_view tier_of(std::string_view word) noexcept {
  const auto row = std::ranges::find(tier_rows, word, &TierRow::word);
  return row != tier_rows.end() ? row->tier : std::string_view{};
}

}  // namespace converse
}  // namespace cardea::dialect

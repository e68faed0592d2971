#include "dialect/anthropic/anthropic.h"

#include <algorithm>
#include <array>

#include "dialect/plain.h"

namespace cardea::dialect {

const Dialect& anthropic() {
  static const claude::Anthropic instance;
  return instance;
}

namespace claude {

using model::Finish;

const Traits& Anthropic::traits() const noexcept {
  static constexpr std::array<std::string_view, 3> aliases{"anthropic_messages", "claude", "messages"};
  static constexpr std::array<std::string_view, 2> opaque_keys{R"("signature")", R"("data")"};
  static constexpr Traits traits{.name = dialect_name,
                                 .aliases = aliases,
                                 .id_prefix = "msg_",
                                 .thinking_signatures = true,
                                 .opaque_keys = opaque_keys,
                                 .schema = Traits::Schema::native,
                                 .tool_names = {.bytes_max = 128},
                                 .request_id_header = "request-id"};
  return traits;
}
std::string Anthropic::chat_target(std::string_view /*model: in the body*/, Delivery /*delivery*/) const { return "/messages"; }

std::string Anthropic::count_target(std::string_view /*model: in the body*/) const { return "/messages/count_tokens"; }
std::string Anthropic::count_body(std::uint64_t tokens) const { return cat(R"({"input_tokens":)", tokens, '}'); }

Result<RequestView> Anthropic::inspect(std::string_view body, const Asked& asked) const {
  return inspect_plain(body, asked, "messages");
}
Result<json::Edits> Anthropic::forward_edits(const RequestView& view, const ForwardOptions& options) const {
  return forward_plain(view, options);
}
std::unique_ptr<Relay> Anthropic::relay(RelayOptions options) const {
  return framed_relay(stream_decoder(), Framing::sse, std::move(options));
}
std::unique_ptr<StreamDecoder> Anthropic::stream_decoder() const { return make_stream_decoder(); }
std::unique_ptr<StreamEncoder> Anthropic::stream_encoder(AnswerContext context) const {
  return make_stream_encoder(std::move(context));
}

// --- words ------------------------------------------------------------------------------------------------------------------

namespace {

/// The one place where stop reasons map. The first row of a word decodes it; the row of a finish encodes it.
struct FinishRow {
  Finish finish;
  std::string_view word;
  bool exact;
};
constexpr std::array<FinishRow, 12> finish_rows{{
    {Finish::stop, "end_turn", true},
    {Finish::length, "max_tokens", true},
    {Finish::stop_sequence, "stop_sequence", true},
    {Finish::tool_calls, "tool_use", true},
    {Finish::paused, "pause_turn", true},
    {Finish::refusal, "refusal", true},
    {Finish::context_limit, "model_context_window_exceeded", true},
    {Finish::function_call, "tool_use", true},
    {Finish::content_filter, "refusal", false},
    // A cut must not read as a proper end: of the words there are, this one says "there would have been more".
    {Finish::failed, "max_tokens", false},
    {Finish::malformed_call, "max_tokens", false},
    {Finish::unknown, "end_turn", false},
}};

const FinishRow& row_of(Finish finish) noexcept {
  const auto* found = std::ranges::find(finish_rows, finish, &FinishRow::finish);
  return found != finish_rows.end() ? *found : finish_rows.back();
}

struct TierRow {
  std::string_view tier;
  std::string_view word;
};
/// Answers: Anthropic's usage.service_tier. The first row of a word decodes it.
constexpr std::array<TierRow, 5> tier_rows{
    {{"default", "standard"}, {"priority", "priority"}, {"batch", "batch"}, {"scale", "priority"}, {"flex", "standard"}}};

struct ErrorRow {
  std::string_view type;
  int status;
};
/// "Errors" of Anthropic's documentation. The first row of a type, or of a status, counts.
constexpr std::array<ErrorRow, 12> error_rows{{
    {"invalid_request_error", 400},
    {"authentication_error", 401},
    {"billing_error", 402},
    {"permission_error", 403},
    {"not_found_error", 404},
    {"request_too_large", 413},
    {"rate_limit_error", 429},
    {"api_error", 500},
    {"timeout_error", 504},
    {"timeout_error", 408},
    {"overloaded_error", 529},
    {"overloaded_error", 503},  // what Anthropic's 529 is to a client here
}};

}  // namespace

Finish finish_of(std::string_view stop_reason) noexcept {
  const auto* found = std::ranges::find(finish_rows, stop_reason, &FinishRow::word);
  return found != finish_rows.end() ? found->finish : Finish::unknown;
}
std::string_view word_of(Finish finish) noexcept { return row_of(finish).word; }
bool loses_finish(Finish finish) noexcept { return !row_of(finish).exact; }

Finish told_finish(std::optional<Finish> finish, Held held) noexcept {
  const bool plain = !finish || *finish == Finish::stop || *finish == Finish::unknown;
  if (plain && held.calls) return Finish::tool_calls;
  if (held.refusal && (plain || *finish == Finish::content_filter)) return Finish::refusal;
  return finish.value_or(Finish::stop);
}

std::string tier_of(std::string_view word) {
  const auto* found = std::ranges::find(tier_rows, word, &TierRow::word);
  return std::string{found != tier_rows.end() ? found->tier : word};
}
std::string_view tier_word_of(std::string_view tier) noexcept {
  const auto* found = std::ranges::find(tier_rows, tier, &TierRow::tier);
  return found != tier_rows.end() ? found->word : std::string_view{};
}

int status_of(std::string_view error_type) noexcept {
  const auto* found = std::ranges::find(error_rows, error_type, &ErrorRow::type);
  return found != error_rows.end() ? found->status : 500;
}
std::string_view error_type_of(int status) noexcept {
  const auto* found = std::ranges::find(error_rows, status, &ErrorRow::status);
  if (found != error_rows.end()) return found->type;
  return status >= 400 && status < 500 ? "invalid_request_error" : "api_error";
}

}  // namespace claude
}  // namespace cardea::dialect

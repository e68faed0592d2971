// The dialect object: traits, words, the way through, errors ({"id","message"}).

#include "dialect/cohere/cohere.h"

#include <algorithm>
#include <array>

#include "dialect/plain.h"
#include "wire/sse.h"

namespace cardea::dialect {

const Dialect& cohere() {
  static const cohere_v2::Cohere instance;
  return instance;
}

namespace cohere_v2 {

using model::Finish;

const Traits& Cohere::traits() const noexcept {
  static constexpr std::array<std::string_view, 1> aliases{"cohere_v2"};
  // Signatures have no place of Cohere's own; its SDKs keep fields they do not know, so they stand beside the thinking and the
  // call that they sign.
  static constexpr Traits traits{
      .name = dialect_name, .aliases = aliases, .id_prefix = {}, .thinking_signatures = true, .call_signatures = true};
  return traits;
}

/// "The parameter is not supported when used in combinations with the documents or tools parameters" (response_format).
Traits::Schema Cohere::schema_of(const model::Chat& chat) const {
  return chat.tools && !chat.tools->empty() ? Traits::Schema::forced_tool : Traits::Schema::native;
}

std::string Cohere::chat_target(std::string_view /*model: in the body*/, Delivery /*delivery*/) const { return "/chat"; }

namespace {

Told tell(std::string_view body) {
  Told told;
  const auto value = json::parse(body, upstream_scan());
  const auto* message = value ? text_at(*value, "message") : nullptr;
  if (message != nullptr) told.message = *message;
  told.own_shape = message != nullptr;
  return told;
}

}  // namespace

Result<RequestView> Cohere::inspect(std::string_view body, const Asked& asked) const {
  return inspect_plain(body, asked, "messages");
}
Result<json::Edits> Cohere::forward_edits(const RequestView& view, const ForwardOptions& options) const {
  return forward_plain(view, options);
}
Result<ResponseView> Cohere::inspect_response(std::string_view body, const Secret& secret) const {
  auto view = inspect_answer(*this, body, {});
  if (view || !view.error().is(Kind::upstream_failed)) return view;
  const auto told = tell(body);
  if (!told.message.empty()) return std::unexpected{reported_error_of(told, secret)};
  return view;
}
std::unique_ptr<Relay> Cohere::relay(RelayOptions options) const {
  return framed_relay(make_stream_decoder(), Framing::sse, std::move(options));
}
std::unique_ptr<StreamDecoder> Cohere::stream_decoder() const { return make_stream_decoder(); }
std::unique_ptr<StreamEncoder> Cohere::stream_encoder(AnswerContext context) const {
  return make_stream_encoder(std::move(context));
}

namespace {

/// The one place where finish reasons map. The first row of a word decodes it; the first row of a finish encodes it.
struct FinishRow {
  Finish finish;
  std::string_view word;
  bool exact;
};
constexpr std::array<FinishRow, 15> finish_rows{{
    {Finish::stop, "COMPLETE", true},
    {Finish::stop_sequence, "STOP_SEQUENCE", true},
    {Finish::length, "MAX_TOKENS", true},
    {Finish::tool_calls, "TOOL_CALL", true},
    {Finish::failed, "ERROR", true},
    {Finish::function_call, "TOOL_CALL", true},
    {Finish::context_limit, "MAX_TOKENS", true},  // so the reference
    // v1's word, which is neither an error nor a proper end to those who know v2's alone.
    {Finish::content_filter, "ERROR_TOXIC", true},
    // No words for these; a cut must not read as COMPLETE.
    {Finish::refusal, "ERROR_TOXIC", false},
    {Finish::malformed_call, "ERROR", false},
    {Finish::paused, "COMPLETE", false},
    {Finish::unknown, "COMPLETE", false},
    // Read only: v2's, and v1's that some deployments still say.
    {Finish::failed, "TIMEOUT", false},
    {Finish::context_limit, "ERROR_LIMIT", false},
    {Finish::failed, "USER_CANCEL", false},
}};

const FinishRow* row_of(std::string_view word) noexcept {
  const auto* row = std::ranges::find(finish_rows, word, &FinishRow::word);
  return row != finish_rows.end() ? row : nullptr;
}

}  // namespace

Finish finish_of(std::string_view word) noexcept {
  const auto* row = row_of(word);
  return row != nullptr ? row->finish : Finish::unknown;
}
bool keeps_word(std::string_view word) noexcept {
  const auto* row = row_of(word);
  return row == nullptr || !row->exact;
}
std::string_view word_of(Finish finish) noexcept { return std::ranges::find(finish_rows, finish, &FinishRow::finish)->word; }
bool loses_finish(Finish finish) noexcept { return !std::ranges::find(finish_rows, finish, &FinishRow::finish)->exact; }

std::string Cohere::error_body(const Error& error, std::string_view request_id) const {
  if (!error.detail().body.empty()) return error.detail().body;
  std::string out;
  json::Writer w{out};
  w.begin_object();
  if (!request_id.empty()) w.key("id").string(request_id);
  w.key("message").string(error.message()).end_object();
  return out;
}

std::string Cohere::stream_error(const Error& error, std::string_view /*request_id*/, Framing /*framing: SSE alone*/) const {
  // The reference has no error event: a message-end that says ERROR and why.
  std::string json;
  json::Writer w{json};
  w.begin_object().key("type").string("message-end").key("delta").begin_object();
  w.key("error").string(words_with_class(error)).key("finish_reason").string("ERROR").end_object().end_object();
  std::string out;
  wire::append_event(out, "message-end", json);
  return out;
}

Error Cohere::upstream_error(const UpstreamFailure& failure, const Secret& secret) const {
  return upstream_error_of(failure, secret, tell(failure.body));
}

}  // namespace cohere_v2
}  // namespace cardea::dialect

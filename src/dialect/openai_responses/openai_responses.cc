#include "dialect/openai_responses/openai_responses.h"

#include <array>

#include "dialect/plain.h"
#include "wire/sse.h"

namespace cardea::dialect {

const Dialect& openai_responses() {
  static const responses::OpenAiResponses instance;
  return instance;
}

namespace responses {

using json::Type;
using json::Value;
using model::Finish;

const Traits& OpenAiResponses::traits() const noexcept {
  static constexpr std::array<std::string_view, 1> aliases{"responses"};
  static constexpr std::array<std::string_view, 1> opaque_keys{R"("encrypted_content")"};
  static constexpr std::string_view elsewhere = "kept by OpenAI and known to nobody else";
  static constexpr std::array<OwnMember, 5> own_members{
      {{.name = "previous_response_id", .reason = elsewhere},
       {.name = "conversation", .reason = elsewhere},
       {.name = "prompt", .reason = elsewhere},
       {.name = "background", .harmless = "false", .reason = "answers in the background are not supported here yet"},
       {.name = "truncation", .harmless = R"("disabled")", .weight = Loss::Weight::detail, .reason = Losses::unsupported}}};
  static constexpr Traits traits{.name = dialect_name,
                                 .aliases = aliases,
                                 .id_prefix = Prefix::response,
                                 .thinking_signatures = true,
                                 .opaque_keys = opaque_keys,
                                 .custom_tools = true,
                                 .tool_groups = true,
                                 .tool_names = {.bytes_max = 64},
                                 .own_members = own_members};
  return traits;
}
std::string OpenAiResponses::chat_target(std::string_view /*model: in the body*/, Delivery /*delivery*/) const {
  return "/responses";
}

std::string OpenAiResponses::count_target(std::string_view /*model: in the body*/) const { return "/responses/input_tokens"; }
std::string OpenAiResponses::count_body(std::uint64_t tokens) const {
  return cat(R"({"object":"response.input_tokens","input_tokens":)", tokens, '}');
}

std::unique_ptr<StreamDecoder> OpenAiResponses::stream_decoder() const { return make_stream_decoder(); }
std::unique_ptr<StreamEncoder> OpenAiResponses::stream_encoder(AnswerContext context) const {
  return make_stream_encoder(std::move(context));
}

// --- the way through --------------------------------------------------------------------------------------------------------

Result<RequestView> OpenAiResponses::inspect(std::string_view body, const Asked& asked) const {
  auto view = inspect_plain(body, asked, {});
  if (!view) return view;
  auto input = view->members.unique("input");
  if (!input) return fail_with(input);
  const auto* found = *input;
  const bool given = found != nullptr && found->type != Type::null;
  if (given && found->type != Type::string && found->type != Type::array) {
    return wrong_type("input", "a string or an array of items", found->type);
  }
  // What went before may be all there is to say.
  for (const auto key : {"previous_response_id", "conversation", "prompt"}) {
    const auto* other = view->members.find(key);
    if (other != nullptr && other->type != Type::null) return view;
  }
  if (!given) return bad_field("input", "is missing; give a text or at least one item");
  if (found->type == Type::array && trim(view->members.raw(*found).substr(1, found->value.length - 2)).empty()) {
    return bad_field("input", "is empty; give at least one item");
  }
  return view;
}

Result<json::Edits> OpenAiResponses::forward_edits(const RequestView& view, const ForwardOptions& options) const {
  return forward_plain(view, options);
}

Result<ResponseView> OpenAiResponses::inspect_response(std::string_view body, const Secret& secret) const {
  auto value = json::parse(body, upstream_scan());
  if (value) {
    const auto* error = error_in(*value);
    if (error != nullptr) return std::unexpected{failure_error(failure_of(*error), secret)};
  }
  return inspect_answer(*this, body, "model");
}

std::unique_ptr<Relay> OpenAiResponses::relay(RelayOptions options) const {
  return framed_relay(stream_decoder(), Framing::sse, std::move(options));
}

// --- words ------------------------------------------------------------------------------------------------------------------

namespace {

/// The one place where finish reasons map. The first row of a reason decodes it; the row of a finish encodes it.
struct FinishRow {
  Finish finish;
  Standing standing;
};
constexpr std::string_view length_word = "max_output_tokens";
constexpr std::string_view filter_word = "content_filter";
constexpr std::array<FinishRow, 12> finish_rows{{
    {Finish::stop, {"completed", {}}},
    {Finish::tool_calls, {"completed", {}}},
    {Finish::function_call, {"completed", {}}},
    {Finish::stop_sequence, {"completed", {}}},
    {Finish::length, {"incomplete", length_word}},
    {Finish::context_limit, {"incomplete", length_word}},
    {Finish::content_filter, {"incomplete", filter_word}},
    {Finish::refusal, {"incomplete", filter_word}},  // with an empty refusal beside it; one in words says it alone
    {Finish::failed, {"failed", {}}},
    {Finish::malformed_call, {"failed", {}, false}},
    {Finish::paused, {"incomplete", length_word, false}},  // a turn that is to go on is never complete
    {Finish::unknown, {"completed", {}, false}},
}};

/// What a code means in HTTP's words. https://platform.openai.com/docs/guides/error-codes and the reference's ResponseErrorCode.
struct CodeRow {
  std::string_view code;
  std::uint16_t status;
};
constexpr std::array code_rows{
    CodeRow{"server_error", 500},
    CodeRow{"vector_store_timeout", 500},
    CodeRow{"rate_limit_exceeded", 429},
    CodeRow{"rate_limit_error", 429},
    CodeRow{"insufficient_quota", 429},
    CodeRow{"too_many_requests", 429},
    CodeRow{"invalid_request_error", 400},
    CodeRow{"context_length_exceeded", 400},
    CodeRow{"invalid_prompt", 400},
    CodeRow{"data_residency_mismatch", 400},
    CodeRow{"bio_policy", 400},
    CodeRow{"invalid_image", 400},
    CodeRow{"invalid_image_format", 400},
    CodeRow{"invalid_base64_image", 400},
    CodeRow{"invalid_image_url", 400},
    CodeRow{"image_too_large", 400},
    CodeRow{"image_too_small", 400},
    CodeRow{"image_parse_error", 400},
    CodeRow{"image_content_policy_violation", 400},
    CodeRow{"invalid_image_mode", 400},
    CodeRow{"image_file_too_large", 400},
    CodeRow{"unsupported_image_media_type", 400},
    CodeRow{"empty_image_file", 400},
    CodeRow{"failed_to_download_image", 400},
    CodeRow{"image_file_not_found", 400},
};

std::uint16_t status_of(std::string_view code) {
  for (const auto& row : code_rows) {
    if (row.code == code) return row.status;
  }
  return 0;
}

}  // namespace

Standing standing_of(Finish finish) noexcept {
  for (const auto& row : finish_rows) {
    if (row.finish == finish) return row.standing;
  }
  return finish_rows.back().standing;
}

Finish finish_of_reason(std::string_view reason) noexcept {
  for (const auto& row : finish_rows) {
    if (row.standing.reason == reason) return row.finish;
  }
  return Finish::unknown;
}

// --- errors -----------------------------------------------------------------------------------------------------------------

model::event::Failure failure_of(const Value& error) {
  const auto text = [&](std::string_view key) {
    const auto* found = text_at(error, key);
    return found != nullptr ? *found : std::string{};
  };
  model::event::Failure out{.message = text("message"), .type = text("type"), .code = text("code")};
  if (const auto* bare = error.as_string()) out.message = *bare;
  if (out.type == "error") out.type.clear();  // an event's own type
  out.status = status_of(out.code);
  if (out.status == 0) out.status = status_of(out.type);
  if (const auto* code = error.find("code"); code != nullptr && code->is(Type::number)) {  // as some compatible servers say it
    const auto number = code->as_u64();
    if (number && *number >= 400 && *number < 600) out.status = static_cast<std::uint16_t>(*number);
  }
  if (out.message.empty()) out.message = "the upstream reported an error in place of an answer";
  return out;
}

const Value* error_in(const Value& response) noexcept {
  if (const auto* error = given(response, "error")) return error;
  static const Value silent = Value::object();
  const auto* status = text_at(response, "status");
  return status != nullptr && (*status == "failed" || *status == "cancelled") ? &silent : nullptr;
}

std::string OpenAiResponses::error_body(const Error& error, std::string_view request_id) const {
  return openai_chat().error_body(error, request_id);
}

Error OpenAiResponses::upstream_error(const UpstreamFailure& failure, const Secret& secret) const {
  return openai_chat().upstream_error(failure, secret);
}

/// The reference's ResponseErrorEvent is flat; OpenAI's service sends the error as an object, and SDKs look for either. The
/// number must be higher than all before it, which are not known here.
std::string OpenAiResponses::stream_error(const Error& error, std::string_view /*request_id*/, Framing /*SSE alone*/) const {
  constexpr std::uint64_t beyond_all = 1'000'000'000;
  const auto& standing = info(error.kind());
  const auto& detail = error.detail();
  const std::string_view own_code = detail.code.empty() ? standing.openai_code : std::string_view{detail.code};
  const std::string_view code = own_code.empty() ? standing.openai_type : own_code;
  std::string body;
  json::Writer w{body};
  const auto members = [&] {
    w.key("code").string(code).key("message").string(error.message()).key("param");
    if (detail.param.empty()) {
      w.null();
    } else {
      w.string(detail.param);
    }
  };
  w.begin_object().key("type").string("error");
  members();
  w.key("error").begin_object().key("type").string(standing.openai_type);
  members();
  w.end_object().key("sequence_number").number(beyond_all).end_object();
  std::string out;
  wire::append_event(out, "error", body);
  return out;
}

// --- counts -----------------------------------------------------------------------------------------------------------------

model::Usage decode_usage(const Value& usage) {
  const auto count = [](const Value* object, std::string_view key) {
    const auto* value = object != nullptr ? object->find(key) : nullptr;
    return value != nullptr ? value->as_u64() : std::nullopt;
  };
  const auto* input = usage.find("input_tokens_details");
  const auto* output = usage.find("output_tokens_details");
  model::Usage out;
  out.cache_read = count(input, "cached_tokens");
  out.cache_write = count(input, "cache_write_tokens");
  if (const auto total = count(&usage, "input_tokens")) {
    const auto from_cache = out.cache_read.value_or(0) + out.cache_write.value_or(0);
    out.input = *total > from_cache ? *total - from_cache : 0;
  }
  out.output = count(&usage, "output_tokens");
  out.reasoning = count(output, "reasoning_tokens");
  return out;
}

/// All of it is there, as the reference demands.
void encode_usage(json::Writer& w, const model::Usage& usage) {
  w.begin_object().key("input_tokens").number(usage.input_total());
  w.key("input_tokens_details").begin_object().key("cached_tokens").number(usage.cache_read.value_or(0));
  w.key("cache_write_tokens").number(usage.cache_write.value_or(0)).end_object();
  w.key("output_tokens").number(usage.output.value_or(0));
  w.key("output_tokens_details").begin_object().key("reasoning_tokens").number(usage.reasoning.value_or(0)).end_object();
  w.key("total_tokens").number(usage.total()).end_object();
}

}  // namespace responses
}  // namespace cardea::dialect

// The dialect object: traits, the way through, errors, pages about models.

#include "dialect/native/native.h"

#include "dialect/native/codec.h"
#include "dialect/plain.h"

namespace cardea::dialect {

const Dialect& native() {
  static const native_format::Native instance{native_format::Form::json};
  return instance;
}
const Dialect& native_xml() {
  static const native_format::Native instance{native_format::Form::xml};
  return instance;
}

namespace native_format {

const Traits& Native::traits() const noexcept {
  static constexpr std::array<std::string_view, 1> aliases{"cardea"};
  static constexpr Traits json{.name = dialect_name,
                               .aliases = aliases,
                               .id_prefix = "chat_",
                               .thinking_signatures = true,
                               .call_signatures = true,
                               .several_choices = true,
                               .custom_tools = true,
                               .gateway = true};
  static constexpr Traits xml = [] {
    Traits out = json;
    out.content_type = "application/xml";
    return out;
  }();
  return form_ == Form::json ? json : xml;
}

std::string Native::chat_target(std::string_view /*model: in the body*/, Delivery /*delivery*/) const { return "/chat"; }
std::string Native::count_target(std::string_view /*model*/) const { return "/count_tokens"; }
std::string Native::count_body(std::uint64_t tokens) const {
  return in_form(json_of(Tokens{.input_tokens = tokens}), Root::token_count, form_);
}

Result<RequestView> Native::inspect(std::string_view body, const Asked& asked) const {
  return inspect_plain(body, asked, "messages");
}
Result<json::Edits> Native::forward_edits(const RequestView& view, const ForwardOptions& options) const {
  return forward_plain(view, options);
}
std::unique_ptr<Relay> Native::relay(RelayOptions options) const {
  return framed_relay(make_stream_decoder(), Framing::sse, std::move(options));
}
std::unique_ptr<StreamDecoder> Native::stream_decoder() const { return make_stream_decoder(); }
std::unique_ptr<StreamEncoder> Native::stream_encoder(AnswerContext context) const { return make_stream_encoder(context, form_); }

namespace {

Trouble trouble_of(const Error& error, std::string_view request_id) {
  const auto optional = [](std::string_view text) {
    return text.empty() ? std::nullopt : std::optional<std::string>{std::string{text}};
  };
  const Error::Detail& detail = error.detail();
  return {.kind = std::string{info(error.kind()).label},
          .message = std::string{error.message()},
          .param = optional(detail.param),
          .code = optional(detail.code),
          .status = error.http_status(),
          .retry_after_seconds = parse_number<std::uint64_t>(detail.retry_after),
          .request_id = optional(request_id)};
}

/// An error in this format, wherever it stands; nothing when it is none.
std::optional<Trouble> trouble_in(std::string_view body) {
  const auto value = json::parse(body, upstream_scan());
  const auto* error = value ? given(*value, "error") : nullptr;
  if (error == nullptr) return std::nullopt;
  Trouble out;
  if (!read_value(*error, "error", out)) return std::nullopt;
  return out;
}

Told told_of(std::string_view body) {
  auto trouble = trouble_in(body);
  if (!trouble) return {};
  return {.message = std::move(trouble->message),
          .code = trouble->code.value_or(""),
          .status = static_cast<int>(std::min<std::uint64_t>(trouble->status.value_or(0), 599)),
          .own_shape = true};
}

}  // namespace

model::event::Failure failure_of(const Trouble& trouble) {
  return {.message = trouble.message,
          .type = trouble.kind,
          .code = trouble.code.value_or(""),
          .status = static_cast<std::uint16_t>(std::min<std::uint64_t>(trouble.status.value_or(0), 599))};
}

std::string Native::error_body(const Error& error, std::string_view request_id) const {
  // What another gateway said of itself is not said again under this one's name; its message is in the error's own.
  return in_form(json_of(Failure{trouble_of(error, request_id)}), Root::failure, form_);
}

std::string Native::stream_error(const Error& error, std::string_view request_id, Framing /*framing: SSE alone*/) const {
  std::string out;
  append_event(out, Said{Failure{trouble_of(error, request_id)}}, form_);
  return out;
}

Error Native::upstream_error(const UpstreamFailure& failure, const Secret& secret) const {
  return upstream_error_of(failure, secret, told_of(failure.body));
}

Result<ResponseView> Native::inspect_response(std::string_view body, const Secret& secret) const {
  const auto told = told_of(body);
  if (told.own_shape) return std::unexpected{reported_error_of(told, secret)};
  return inspect_answer(*this, body, "model");
}

}  // namespace native_format

namespace {

native_format::Form form_of(const Dialect& dialect) {
  return &dialect == &native_xml() ? native_format::Form::xml : native_format::Form::json;
}

}  // namespace

std::string native_models_body(const Dialect& dialect, std::span<const NativeModel> models) {
  const native_format::ListedModels all{.models = {models.begin(), models.end()}};
  return in_form(native_format::json_of(all), native_format::Root::models, form_of(dialect));
}
std::string native_model_body(const Dialect& dialect, const NativeModel& model) {
  return in_form(native_format::json_of(model), native_format::Root::model, form_of(dialect));
}

}  // namespace cardea::dialect

// Requests and whole answers, both directions.

#include "dialect/native/codec.h"

#include "dialect/native/native.h"

namespace cardea::dialect::native_format {

namespace {

/// A sound must be somewhere; of images and files the table says it.
Status check_media(const model::Message& message, const std::string& path) {
  for (std::size_t i = 0; i < message.parts.size(); ++i) {
    const auto* audio = std::get_if<model::Audio>(&message.parts[i].value);
    if (audio == nullptr || audio->media.url || audio->media.base64 || audio->media.id) continue;
    return bad_field(cat(path, ".content[", i, ']'), "must have one of url, base64 and id");
  }
  return {};
}

Status check_request(const model::Chat& chat) {
  if (chat.model.empty()) return bad_field("model", "is empty; name the model to use");
  if (chat.dialect.empty()) return bad_field("dialect", "is empty");
  if (chat.messages.empty()) return bad_field("messages", "is empty; give at least one message");
  if (chat.n == 0U) return bad_field("n", "must be at least 1");
  for (std::size_t i = 0; i < chat.messages.size(); ++i) {
    Status status = check_media(chat.messages[i], cat("messages[", i, ']'));
    if (!status) return status;
  }
  return {};
}

/// The readers know a client's faults only; here the upstream is at fault.
std::unexpected<Error> upstream_fault(const Error& error) {
  return fail(Kind::upstream_protocol, cat("the upstream's answer: ", error.message()));
}

}  // namespace

Result<model::Chat> Native::decode_request(std::string_view body, const Asked& /*asked: all is in the body*/) const {
  auto value = json::parse(body);
  if (!value) return fail_with(value);
  if (!value->is(json::Type::object)) return fail(Kind::bad_request, "the request body must be a JSON object");
  model::Chat chat{.dialect = std::string{dialect_name}};
  Status status = read_value(*value, {}, chat);
  if (status) status = check_request(chat);
  if (!status) return fail_with(status);
  return chat;
}

std::string Native::encode_request(const model::Chat& chat, Losses& /*losses: there are none*/) const { return json_of(chat); }

Result<model::Answer> Native::decode_response(std::string_view body) const {
  auto value = json::parse(body, upstream_scan());
  if (!value) return fail_with(value);
  if (!value->is(json::Type::object)) return fail(Kind::upstream_protocol, "the upstream's answer must be a JSON object");
  model::Answer answer{.dialect = std::string{dialect_name}};
  const Status status = read_value(*value, {}, answer);
  if (!status) return upstream_fault(status.error());
  if (answer.choices.empty()) return fail(Kind::upstream_failed, "the upstream answered without choices");
  if (answer.dialect.empty()) return fail(Kind::upstream_protocol, "the upstream's answer: 'dialect' is empty");
  return answer;
}

std::string Native::encode_response(const model::Answer& answer, const AnswerContext& context, Losses& /*losses*/) const {
  const bool whole = answer.id && answer.model && answer.created;
  if (whole) return in_form(json_of(answer), Root::answer, form_);
  model::Answer named = answer;
  if (!named.id && !context.id.empty()) named.id = context.id;
  if (!named.model && !context.model.empty()) named.model = context.model;
  if (!named.created && context.created != 0) named.created = context.created;
  return in_form(json_of(named), Root::answer, form_);
}

}  // namespace cardea::dialect::native_format

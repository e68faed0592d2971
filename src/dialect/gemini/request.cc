// A whole request, both directions.

#include "dialect/gemini/gemini.h"

namespace cardea::dialect::google {

using json::Type;
using model::Chat;

Result<Chat> Gemini::decode_request(std::string_view body, const Asked& asked) const {
  auto request = json::parse(body);
  if (!request) return fail_with(request);
  if (!request->is(Type::object))
    return fail(Kind::bad_request, cat("the request body must be a JSON object, not ", json::describe(request->type())));
  // :countTokens may hold a whole request in a field of its own.
  if (const auto whole = field(*request, "generateContentRequest"); whole && whole.value->is(Type::object)) {
    json::Value inner = *whole.value;
    request = std::move(inner);
  }
  Chat chat;
  chat.dialect = dialect_name;
  chat.model = asked.model;
  chat.stream = asked.stream;
  if (chat.model.empty()) {
    std::optional<std::string> model;
    auto status = read_field(*request, "model", {}, model);
    if (!status) return fail_with(status);
    if (!model) return bad_field("model", "is missing; name the model to use in the path");
    chat.model = model->starts_with("models/") ? model->substr(7) : *model;
  }
  auto status = decode_contents(*request, chat);
  if (status) status = decode_tools(*request, chat);
  if (status) status = decode_config(*request, chat);
  if (!status) return fail_with(status);
  return chat;
}

std::string Gemini::encode_request(const Chat& chat, Losses& losses) const {
  const bool own = chat.dialect == dialect_name;
  const Encoding encoding{.losses = losses,
                          .own = own,
                          .answer = false,
                          .gemini_3 = is_gemini_3(chat.model),
                          .detail_said = !own && says_detail_at_once(chat)};
  std::string out;
  json::Writer w{out};
  w.begin_object();
  write_contents(w, chat, encoding);
  write_tools(w, chat, encoding);
  write_config(w, chat, encoding);
  w.end_object();
  return out;
}

}  // namespace cardea::dialect::google

// Calls' arguments and functions' results, which are objects here and texts elsewhere. The convention for results, both ways
// (ai.google.dev/api/caching#FunctionResponse: "output" and "error" are the keys that have a meaning):
//   a text that is a JSON object   ↔ that object
//   any other text                 ↔ {"output": text}; {"result": text}, which Google's SDKs write, is read alike
//   a text with an error mark      ↔ {"error": text}
//   images and files               ↔ functionResponse.parts, where the model takes them; else behind the turn's results

#include <array>

#include "dialect/gemini/gemini.h"

namespace cardea::dialect::google {

using json::Type;
using json::Value;
using json::Writer;
using model::Part;

namespace {

/// The only member, when it has one of these names; nullptr otherwise.
const Value* only_member(const Value& object, std::initializer_list<std::string_view> names) {
  if (object.members().size() != 1) return nullptr;
  const auto& [key, value] = object.members().front();
  for (const auto name : names) {
    if (key == name) return &value;
  }
  return nullptr;
}

void take_response(const Value& response, model::ToolResult& out) {
  if (response.members().empty()) return;
  std::string text;
  if (const auto* error = only_member(response, {"error"})) {
    out.is_error = true;
    text = error->as_string() != nullptr ? *error->as_string() : error->dump();
  } else if (const auto* output = only_member(response, {"output", "result"}); output != nullptr && output->is(Type::string)) {
    text = *output->as_string();
  } else {
    text = response.dump();
  }
  out.parts.push_back({.value = model::Text{.text = std::move(text)}});
}

/// The text of an object, when decoding would read the text back from it.
bool stands_for_itself(const Value& value) {
  const auto* output = only_member(value, {"output", "result"});
  return only_member(value, {"error"}) == nullptr && (output == nullptr || !output->is(Type::string)) && !value.members().empty();
}

void write_response(Writer& w, const std::optional<std::string>& text, bool error, bool own) {
  w.key("response");
  if (!text) {
    w.begin_object();
    if (error) w.key("error").string("");
    w.end_object();
    return;
  }
  if (error) {
    w.begin_object().key("error").string(*text).end_object();
    return;
  }
  const auto value = json::parse(*text);
  if (value && value->is(Type::object) && (!own || stands_for_itself(*value))) {
    w.raw(value->dump());
    return;
  }
  w.begin_object().key("output").string(*text).end_object();
}

}  // namespace

Status decode_result(const Value& value, std::string_view path, Part& out) {
  constexpr std::array<std::string_view, 4> known_inner{"id", "name", "response", "parts"};
  constexpr std::array<std::string_view, 1> known{"functionResponse"};
  const auto found = field(value, "functionResponse");
  const auto inner = below(path, found.key);
  if (!found.value->is(Type::object)) return wrong_type(inner, "an object", found.value->type());
  model::ToolResult result;
  const auto response = field(*found.value, "response");
  const auto parts = field(*found.value, "parts");
  auto status = read_field(*found.value, "name", inner, result.name);
  if (status) status = read_field(*found.value, "id", inner, result.call_id);
  if (status) status = expect(response, Type::object, inner);
  if (status) status = expect(parts, Type::array, inner);
  if (!status) return status;
  if (result.call_id && result.call_id->empty()) result.call_id.reset();
  if (response) take_response(*response.value, result);
  const std::size_t count = parts ? parts.value->elements().size() : 0;
  for (std::size_t i = 0; i < count; ++i) {
    status = decode_part(parts.value->elements()[i], cat(inner, '.', parts.key, '[', i, ']'), result.parts);
    if (!status) return status;
  }
  out.value = std::move(result);
  collect_rest(value, known, out.extras);
  collect_inner_rest(*found.value, "functionResponse", known_inner, out.extras);
  return {};
}

void write_result(Writer& w, const Part& part, std::string_view name, std::string_view path, const Encoding& encoding,
                  std::vector<Moved>& moved) {
  const auto& result = std::get<model::ToolResult>(part.value);
  std::optional<std::string> text;
  std::vector<std::string> inside;
  PartsWriter media{inside, encoding};
  for (std::size_t i = 0; i < result.parts.size(); ++i) {
    const auto& piece = result.parts[i];
    const auto piece_path = cat(path, ".tool_result.content[", i, ']');
    const auto* said = std::get_if<model::Text>(&piece.value);
    const auto* refusal = std::get_if<model::Refusal>(&piece.value);
    if (said != nullptr || refusal != nullptr) {
      const auto& more = said != nullptr ? said->text : refusal->text;
      text = text ? cat(*text, '\n', more) : more;
      if (piece.cache) encoding.lose(cat(piece_path, ".cache"));
    } else if (is_media(piece) && !encoding.own && !(encoding.gemini_3 && media_of(piece).base64)) {
      moved.push_back({&piece, piece_path});
    } else {
      media.write(piece, piece_path);
    }
  }
  media.finish();
  w.begin_object().key("functionResponse").begin_object();
  dialect::write(w, "id", result.call_id);
  w.key("name").string(name);
  write_response(w, text, result.is_error.value_or(false), encoding.own);
  if (!inside.empty()) {
    w.key("parts").begin_array();
    for (const auto& piece : inside) w.raw(piece);
    w.end_array();
  }
  if (encoding.own) write_inner(w, part.extras, "functionResponse");
  w.end_object();
  if (encoding.own) write_extras(w, part.extras, std::array<std::string_view, 1>{"functionResponse"});
  w.end_object();
}

void write_arguments(Writer& w, const model::ToolCall& call, std::string_view path, const Encoding& encoding) {
  w.key("args");
  if (trim(call.arguments).empty() && call.kind == model::ToolKind::function) {
    w.begin_object().end_object();
    return;
  }
  const auto value = call.kind == model::ToolKind::function ? json::parse(call.arguments) : Result<Value>{Value{}};
  if (value && value->is(Type::object)) {
    w.raw(value->dump());
    return;
  }
  // Free text of a custom tool, which is declared as a function of one text; or what a model wrote amiss.
  w.begin_object().key("input").string(call.arguments).end_object();
  if (call.kind == model::ToolKind::function) encoding.lose(cat(path, ".arguments"), "no JSON object");
}

}  // namespace cardea::dialect::google

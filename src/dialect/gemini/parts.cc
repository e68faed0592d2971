// Parts of contents: Gemini's forms to and from the model's.

#include <array>

#include "dialect/gemini/gemini.h"

namespace cardea::dialect::google {

using json::Type;
using json::Value;
using json::Writer;
using model::Part;
using model::Thinking;

namespace {

Status decode_call(const Value& part, const Field& found, std::string_view path, Part& out) {
  constexpr std::array<std::string_view, 3> known_inner{"name", "args", "id"};
  constexpr std::array<std::string_view, 2> known{"functionCall", "thoughtSignature"};
  const auto inner = below(path, found.key);
  if (!found.value->is(Type::object)) return wrong_type(inner, "an object", found.value->type());
  model::ToolCall call;
  auto name = required_string(*found.value, "name", inner);
  if (!name) return fail_with(name);
  call.name = std::move(*name);
  const auto args = field(*found.value, "args");
  auto status = expect(args, Type::object, inner);
  if (status) status = read_field(*found.value, "id", inner, call.id);
  if (status) status = read_field(part, "thoughtSignature", path, call.signature);
  if (!status) return status;
  if (call.id && call.id->empty()) call.id.reset();
  call.arguments = args ? args.value->dump() : "{}";
  out.value = std::move(call);
  collect_rest(part, known, out.extras);
  collect_inner_rest(*found.value, "functionCall", known_inner, out.extras);
  return {};
}

/// A thought may come in pieces (a streaming client's history has one part per event); its signature is in the last.
void take_thought(Part part, std::vector<Part>& out) {
  auto& thinking = std::get<Thinking>(part.value);
  auto* last = out.empty() ? nullptr : std::get_if<Thinking>(&out.back().value);
  if (last == nullptr || last->signature || !out.back().extras.empty() || !part.extras.empty()) {
    out.push_back(std::move(part));
    return;
  }
  last->text += thinking.text;
  last->signature = std::move(thinking.signature);
}

Status decode_text(const Value& part, const Field& found, bool thought, std::optional<std::string> signature,
                   std::string_view path, std::vector<Part>& out) {
  constexpr std::array<std::string_view, 3> known{"text", "thought", "thoughtSignature"};
  const auto* text = found.value->as_string();
  if (text == nullptr) return wrong_type(below(path, found.key), "a string", found.value->type());
  Part said;
  collect_rest(part, known, said.extras);
  if (thought) {
    said.value = Thinking{.text = *text, .signature = std::move(signature)};
    take_thought(std::move(said), out);
    return {};
  }
  const bool carrier = signature.has_value();
  if (carrier) out.push_back({.value = Thinking{.text = {}, .signature = std::move(signature)}});
  if (carrier && text->empty() && said.extras.empty()) return {};
  said.value = model::Text{.text = *text};
  out.push_back(std::move(said));
  return {};
}

}  // namespace

Status decode_part(const Value& value, std::string_view path, std::vector<Part>& out) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  std::optional<bool> thought;
  std::optional<std::string> signature;
  auto status = read_field(value, "thought", path, thought);
  if (status) status = read_field(value, "thoughtSignature", path, signature);
  if (!status) return status;
  const bool thinks = thought.value_or(false);
  if (const auto text = field(value, "text")) return decode_text(value, text, thinks, std::move(signature), path, out);
  Part part;
  if (const auto call = field(value, "functionCall")) {
    status = decode_call(value, call, path, part);
  } else if (field(value, "functionResponse")) {
    status = decode_result(value, path, part);
  } else if (!thinks && (field(value, "inlineData") || field(value, "fileData"))) {
    if (signature) out.push_back({.value = Thinking{.text = {}, .signature = std::move(signature)}});
    status = decode_media(value, path, part);
  } else {
    part.value = model::Opaque{.dialect = std::string{dialect_name}, .value = {value.dump()}};
  }
  if (status) out.push_back(std::move(part));
  return status;
}

// --- writing ------------------------------------------------------------------------------------------------------------------

namespace {

constexpr std::array<std::string_view, 4> inner_names{"inlineData", "fileData", "functionCall", "functionResponse"};

std::string_view kind_name(const Part& part) {
  constexpr std::array<std::string_view, 9> names{"text",     "image",     "audio",       "file",  "refusal",
                                                  "thinking", "tool_call", "tool_result", "opaque"};
  return names[part.value.index()];
}

}  // namespace

void PartsWriter::flush_signature() {
  if (!signature_) return;
  Writer w{open()};
  w.begin_object().key("text").string("");
  if (encoding_.answer && !thought_open_) w.key("thought").boolean(true);
  w.key("thoughtSignature").string(*signature_).end_object();
  signature_.reset();
  thought_open_ = false;
}

void PartsWriter::end_part(Writer& w, const Part& part) {
  if (signature_) w.key("thoughtSignature").string(*signature_);
  signature_.reset();
  thought_open_ = false;
  if (encoding_.own) write_extras(w, part.extras, inner_names);
  w.end_object();
}

void PartsWriter::lose_marks(const Part& part, std::string_view path) {
  if (part.cache) encoding_.lose(cat(path, ".cache"));
  if (encoding_.own) return;
  for (const auto& extra : part.extras) encoding_.lose(cat(path, '.', extra.key));
}

void PartsWriter::text(std::string_view text, const Part& part) {
  // An empty text is refused by the API.
  if (text.empty() && !encoding_.own && !signature_) return;
  Writer w{open()};
  w.begin_object().key("text").string(text);
  end_part(w, part);
}

void PartsWriter::thinking(const Part& part, std::string_view path) {
  const auto& thinking = std::get<Thinking>(part.value);
  flush_signature();
  if (thinking.redacted || thinking.encrypted) encoding_.lose(cat(path, ".thinking"), "sealed by another vendor");
  const bool plain = !encoding_.own || part.extras.empty();
  if (thinking.text.empty() && plain && (thinking.signature || !encoding_.own)) {
    signature_ = thinking.signature;
    return;
  }
  Writer w{open()};
  w.begin_object().key("text").string(thinking.text).key("thought").boolean(true);
  dialect::write(w, "thoughtSignature", thinking.signature);
  end_part(w, part);
  thought_open_ = !thinking.signature;
}

void PartsWriter::media(const Part& part, std::string_view path) {
  const auto* audio = std::get_if<model::Audio>(&part.value);
  const bool given = encoding_.own ? media_of(part).base64 || media_of(part).url : is_given(media_of(part));
  if (audio != nullptr && audio->transcript && !audio->transcript->empty()) {
    Writer w{open()};
    w.begin_object().key("text").string(*audio->transcript).end_object();
  }
  if (!given) {
    encoding_.lose_meaning(cat(path, '.', kind_name(part)), "named in a way that only another vendor can follow");
    return;
  }
  Writer w{open()};
  w.begin_object();
  write_media(w, part, encoding_);
  end_part(w, part);
  if (encoding_.own) return;
  const auto* image = std::get_if<model::Image>(&part.value);
  const auto* file = std::get_if<model::File>(&part.value);
  if (image != nullptr && image->detail && *image->detail != "auto" && !encoding_.detail_said) {
    encoding_.lose(cat(path, ".image.detail"), "one for all images or none");
  }
  if (file != nullptr && file->name) encoding_.lose(cat(path, ".file.name"));
}

void PartsWriter::call(const Part& part, std::string_view path) {
  const auto& call = std::get<model::ToolCall>(part.value);
  flush_signature();
  Writer w{open()};
  w.begin_object().key("functionCall").begin_object();
  dialect::write(w, "id", call.id);
  w.key("name").string(call.name);
  write_arguments(w, call, path, encoding_);
  if (encoding_.own) write_inner(w, part.extras, "functionCall");
  w.end_object();
  const auto stand_in = std::exchange(call_signature_, {});
  const std::string_view signature = call.signature ? std::string_view{*call.signature} : stand_in;
  if (!signature.empty()) w.key("thoughtSignature").string(signature);
  end_part(w, part);
}

void PartsWriter::write(const Part& part, std::string_view path) {
  lose_marks(part, path);
  if (const auto* said = std::get_if<model::Text>(&part.value)) {
    text(said->text, part);
    if (!encoding_.answer && !said->citations.empty()) encoding_.lose(cat(path, ".citations"));
  } else if (const auto* refusal = std::get_if<model::Refusal>(&part.value)) {
    text(refusal->text, part);
    if (encoding_.answer) encoding_.lose(cat(path, ".refusal"), "said as text");
  } else if (std::holds_alternative<Thinking>(part.value)) {
    thinking(part, path);
  } else if (is_media(part)) {
    media(part, path);
  } else if (std::holds_alternative<model::ToolCall>(part.value)) {
    call(part, path);
  } else if (const auto* opaque = std::get_if<model::Opaque>(&part.value); opaque != nullptr && encoding_.own) {
    flush_signature();
    open() = opaque->value.text;
  } else {
    encoding_.lose(cat(path, '.', kind_name(part)));
  }
}

}  // namespace cardea::dialect::google

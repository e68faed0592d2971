// Content parts, tool calls and citations: OpenAI's forms to and from the model's.

#include <array>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"

namespace cardea::dialect::openai {

using json::Type;
using json::Value;
using model::Part;

namespace {

using Names = std::span<const std::string_view>;
constexpr std::string_view base64_mark = ";base64,";

/// "data:image/png;base64,…" becomes bytes with a media type; anything else is a URL.
model::Media media_of(const std::string& url) {
  model::Media media;
  const auto mark = url.starts_with("data:") ? url.find(base64_mark) : std::string::npos;
  if (mark == std::string::npos) {
    media.url = url;
    return media;
  }
  if (mark > 5) media.media_type = url.substr(5, mark - 5);
  media.base64 = url.substr(mark + base64_mark.size());
  return media;
}

std::string data_url(const model::Media& media) {
  return cat("data:", media.media_type.value_or(""), base64_mark, *media.base64);
}

Status decode_text(const Value& value, std::string_view path, Part& out) {
  auto text = required_string(value, "text", path);
  if (!text) return fail_with(text);
  out.value = model::Text{.text = std::move(*text)};
  return {};
}

Status decode_refusal(const Value& value, std::string_view path, Part& out) {
  auto text = required_string(value, "refusal", path);
  if (!text) return fail_with(text);
  out.value = model::Refusal{std::move(*text)};
  return {};
}

Status decode_image(const Value& value, std::string_view path, Part& out) {
  constexpr std::array<std::string_view, 2> known{"url", "detail"};
  auto inner = required_object(value, "image_url", path);
  if (!inner) return fail_with(inner);
  const auto inner_path = cat(path, ".image_url");
  auto url = required_string(**inner, "url", inner_path);
  if (!url) return fail_with(url);
  model::Image image{.media = media_of(*url)};
  auto status = read_member(**inner, "detail", inner_path, image.detail);
  if (!status) return status;
  out.value = std::move(image);
  collect_inner(**inner, "image_url", known, out.extras);
  return {};
}

Status decode_audio(const Value& value, std::string_view path, Part& out) {
  constexpr std::array<std::string_view, 2> known{"data", "format"};
  auto inner = required_object(value, "input_audio", path);
  if (!inner) return fail_with(inner);
  const auto inner_path = cat(path, ".input_audio");
  auto data = required_string(**inner, "data", inner_path);
  if (!data) return fail_with(data);
  model::Audio audio;
  audio.media.base64 = std::move(*data);
  auto status = read_member(**inner, "format", inner_path, audio.format);
  if (!status) return status;
  out.value = std::move(audio);
  collect_inner(**inner, "input_audio", known, out.extras);
  return {};
}

Status decode_file(const Value& value, std::string_view path, Part& out) {
  constexpr std::array<std::string_view, 3> known{"file_id", "file_data", "filename"};
  auto inner = required_object(value, "file", path);
  if (!inner) return fail_with(inner);
  const auto inner_path = cat(path, ".file");
  model::File file;
  std::optional<std::string> data;
  auto status = read_member(**inner, "file_data", inner_path, data);
  if (!status) return status;
  if (data) file.media = media_of(*data);
  status = read_member(**inner, "file_id", inner_path, file.media.id);
  if (status) status = read_member(**inner, "filename", inner_path, file.name);
  if (!status) return status;
  out.value = std::move(file);
  collect_inner(**inner, "file", known, out.extras);
  return {};
}

struct PartForm {
  std::string_view type;  ///< also the key that holds it
  std::string_view key;
  Status (*decode)(const Value& value, std::string_view path, Part& out);
};
constexpr std::array<PartForm, 5> part_forms{{
    {"text", "text", decode_text},
    {"image_url", "image_url", decode_image},
    {"input_audio", "input_audio", decode_audio},
    {"file", "file", decode_file},
    {"refusal", "refusal", decode_refusal},
}};

Status decode_part(const Value& value, std::string_view path, std::vector<Part>& out) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  auto& part = out.emplace_back();
  for (const auto& form : part_forms) {
    if (form.type != *type) continue;
    auto status = form.decode(value, path, part);
    if (!status) return status;
    collect_extras(value, std::array<std::string_view, 3>{"type", form.key, "cache_control"}, part.extras);
    const auto* cache = given(value, "cache_control");
    if (cache == nullptr) return {};
    part.cache.emplace();
    std::optional<std::string> kind;
    status = read_member(*cache, "type", cat(path, ".cache_control"), kind);
    part.cache->type = kind.value_or("ephemeral");
    if (status) status = read_member(*cache, "ttl", cat(path, ".cache_control"), part.cache->ttl);
    return status;
  }
  part.value = model::Opaque{.dialect = std::string{dialect_name}, .value = {value.dump()}};
  return {};
}

/// Writes one part's own members into its open object; false when OpenAI has no form for it.
struct PartWriter {
  json::Writer& w;
  const Part& part;
  bool own;

  void inner(std::string_view name) const {
    if (own) write_inner(w, part.extras, name);
    w.end_object();
  }
  bool operator()(const model::Text& text) const {
    w.key("type").string("text").key("text").string(text.text);
    return true;
  }
  bool operator()(const model::Refusal& refusal) const {
    w.key("type").string("refusal").key("refusal").string(refusal.text);
    return true;
  }
  bool operator()(const model::Image& image) const {
    w.key("type").string("image_url").key("image_url").begin_object();
    w.key("url").string(image.media.base64 ? data_url(image.media) : *image.media.url);
    write(w, "detail", image.detail);
    inner("image_url");
    return true;
  }
  bool operator()(const model::Audio& audio) const {
    w.key("type").string("input_audio").key("input_audio").begin_object().key("data").string(*audio.media.base64);
    write(w, "format", audio.format);
    inner("input_audio");
    return true;
  }
  bool operator()(const model::File& file) const {
    w.key("type").string("file").key("file").begin_object();
    write(w, "file_id", file.media.id);
    if (file.media.base64) w.key("file_data").string(data_url(file.media));
    write(w, "filename", file.name);
    inner("file");
    return true;
  }
  template <class Other>
  bool operator()(const Other&) const {
    return false;
  }
};

/// What keeps a part from being said, by name; empty when nothing does.
std::string_view unsayable(const Part& part, bool own) {
  if (const auto* image = std::get_if<model::Image>(&part.value)) {
    return image->media.base64 || image->media.url ? std::string_view{} : std::string_view{"image"};
  }
  if (const auto* audio = std::get_if<model::Audio>(&part.value))
    return audio->media.base64 ? std::string_view{} : std::string_view{"audio"};
  if (const auto* file = std::get_if<model::File>(&part.value)) {
    return file->media.base64 || file->media.id ? std::string_view{} : std::string_view{"file"};
  }
  if (const auto* opaque = std::get_if<model::Opaque>(&part.value)) {
    return own && opaque->dialect == dialect_name ? std::string_view{} : std::string_view{"opaque"};
  }
  if (std::holds_alternative<model::Thinking>(part.value)) return "thinking";
  if (std::holds_alternative<model::ToolCall>(part.value)) return "tool_call";
  if (std::holds_alternative<model::ToolResult>(part.value)) return "tool_result";
  return {};
}

void encode_part(json::Writer& w, const Part& part, std::string_view path, const Encoding& encoding) {
  if (const auto* opaque = std::get_if<model::Opaque>(&part.value)) {
    w.raw(opaque->value.text);
    return;
  }
  w.begin_object();
  std::visit(PartWriter{w, part, encoding.own}, part.value);
  if (part.cache) {
    w.key("cache_control").begin_object().key("type").string(part.cache->type);
    write(w, "ttl", part.cache->ttl);
    w.end_object();
  }
  constexpr std::array<std::string_view, 3> inner{"image_url", "input_audio", "file"};
  if (encoding.own) {
    write_extras(w, part.extras, inner);
  } else {
    for (const auto& extra : part.extras) encoding.lose(cat(path, '.', extra.key));
  }
  w.end_object();
  if (const auto* text = std::get_if<model::Text>(&part.value); text != nullptr && !text->citations.empty()) {
    encoding.lose(cat(path, ".citations"));
  }
}

}  // namespace

Status decode_content(const Value& content, std::string_view path, std::vector<Part>& out) {
  if (content.is(Type::null)) return {};
  if (const auto* text = content.as_string()) {
    out.push_back({.value = model::Text{.text = *text}});
    return {};
  }
  if (!content.is(Type::array)) return wrong_type(path, "a string or an array of parts", content.type());
  for (std::size_t i = 0; i < content.elements().size(); ++i) {
    auto status = decode_part(content.elements()[i], cat(path, '[', i, ']'), out);
    if (!status) return status;
  }
  return {};
}

bool sayable(const Part& part, std::string_view path, const Encoding& encoding) {
  const auto what = unsayable(part, encoding.own);
  if (!what.empty()) encoding.lose(cat(path, '.', what));
  return what.empty();
}

void encode_content(json::Writer& w, std::span<const Part* const> parts, std::string_view path, const Encoding& encoding) {
  if (parts.size() == 1 && !parts[0]->cache && parts[0]->extras.empty()) {
    const auto* text = std::get_if<model::Text>(&parts[0]->value);
    if (text != nullptr && text->citations.empty()) {
      w.string(text->text);
      return;
    }
  }
  w.begin_array();
  for (std::size_t i = 0; i < parts.size(); ++i) encode_part(w, *parts[i], cat(path, '[', i, ']'), encoding);
  w.end_array();
}

Status decode_tool_call(const Value& value, std::string_view path, Part& out) {
  constexpr std::array<std::string_view, 5> known{"id", "type", "function", "custom", "index"};
  constexpr std::array<std::string_view, 3> known_inner{"name", "arguments", "input"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  model::ToolCall call;
  auto status = read_member(value, "id", path, call.id);
  if (!status) return status;
  const auto* type = given(value, "type");
  const bool custom = type != nullptr && type->as_string() != nullptr && *type->as_string() == "custom";
  const std::string_view form = custom ? "custom" : "function";
  auto inner = required_object(value, form, path);
  if (!inner) return fail_with(inner);
  const auto inner_path = cat(path, '.', form);
  auto name = required_string(**inner, "name", inner_path);
  if (!name) return fail_with(name);
  call.name = std::move(*name);
  call.kind = custom ? model::ToolKind::custom : model::ToolKind::function;
  // Some vendors send the arguments as an object where the reference has a string.
  if (const auto* arguments = given(**inner, custom ? "input" : "arguments")) {
    call.arguments = arguments->as_string() != nullptr ? *arguments->as_string() : arguments->dump();
  }
  out.value = std::move(call);
  collect_extras(value, known, out.extras);
  collect_inner(**inner, form, known_inner, out.extras);
  return {};
}

void encode_tool_call(json::Writer& w, const Part& part, const Encoding& encoding) {
  constexpr std::array<std::string_view, 2> inner{"function", "custom"};
  const auto& call = std::get<model::ToolCall>(part.value);
  const bool custom = call.kind == model::ToolKind::custom;
  const std::string_view form = custom ? "custom" : "function";
  w.begin_object();
  write(w, "id", call.id);
  w.key("type").string(form).key(form).begin_object();
  w.key("name").string(call.name).key(custom ? "input" : "arguments").string(call.arguments);
  if (encoding.own) write_inner(w, part.extras, form);
  w.end_object();
  if (encoding.own) write_extras(w, part.extras, inner);
  w.end_object();
}

std::span<const std::string_view> assistant_fields() noexcept {
  static constexpr std::array<std::string_view, 8> names{"content", "refusal",    "reasoning_content", "reasoning",
                                                         "audio",   "tool_calls", "function_call",     "annotations"};
  return names;
}

const std::string* reasoning_text(const Value& message) noexcept {
  for (const auto key : {"reasoning_content", "reasoning"}) {
    const auto* value = message.find(key);
    const auto* text = value != nullptr ? value->as_string() : nullptr;
    if (text != nullptr && !text->empty()) return text;
  }
  return nullptr;
}

namespace {

Status decode_generated_audio(const Value& audio, std::string_view path, std::vector<Part>& parts) {
  constexpr std::array<std::string_view, 4> known{"id", "data", "transcript", "expires_at"};
  if (!audio.is(Type::object)) return wrong_type(path, "an object", audio.type());
  model::Audio out;
  auto status = read_member(audio, "id", path, out.media.id);
  if (status) status = read_member(audio, "data", path, out.media.base64);
  if (status) status = read_member(audio, "transcript", path, out.transcript);
  if (status) status = read_member(audio, "expires_at", path, out.expires_at);
  if (!status) return status;
  auto& part = parts.emplace_back(Part{.value = std::move(out)});
  collect_inner(audio, "audio", known, part.extras);
  return {};
}

Status decode_calls(const Value& message, std::string_view path, std::vector<Part>& parts) {
  if (const auto* calls = given(message, "tool_calls")) {
    const auto calls_path = cat(path, ".tool_calls");
    if (!calls->is(Type::array)) return wrong_type(calls_path, "an array", calls->type());
    for (std::size_t i = 0; i < calls->elements().size(); ++i) {
      auto status = decode_tool_call(calls->elements()[i], cat(calls_path, '[', i, ']'), parts.emplace_back());
      if (!status) return status;
    }
  }
  if (const auto* call = given(message, "function_call")) {
    // The legacy form is a tool call without an id.
    const auto wrapped = Value::object({{"function", *call}});
    return decode_tool_call(wrapped, path, parts.emplace_back());
  }
  return {};
}

}  // namespace

Status decode_assistant(const Value& message, std::string_view path, std::vector<Part>& parts) {
  if (const auto* text = reasoning_text(message)) parts.push_back({.value = model::Thinking{.text = *text}});
  const auto* content = message.find("content");
  Status status;
  if (content != nullptr) status = decode_content(*content, cat(path, ".content"), parts);
  if (!status) return status;
  if (const auto* annotations = given(message, "annotations")) {
    for (auto& part : parts) {
      auto* text = std::get_if<model::Text>(&part.value);
      if (text == nullptr) continue;
      for (const auto& annotation : annotations->elements()) text->citations.push_back(decode_citation(annotation));
      break;
    }
  }
  std::optional<std::string> refusal;
  status = read_member(message, "refusal", path, refusal);
  if (!status) return status;
  if (refusal) parts.push_back({.value = model::Refusal{std::move(*refusal)}});
  if (const auto* audio = given(message, "audio")) {
    status = decode_generated_audio(*audio, cat(path, ".audio"), parts);
    if (!status) return status;
  }
  return decode_calls(message, path, parts);
}

model::Citation decode_citation(const Value& annotation) {
  constexpr std::array<std::string_view, 4> known{"url", "title", "start_index", "end_index"};
  model::Citation out;
  const auto* inner = annotation.find("url_citation");
  model::Extras rest;
  if (inner != nullptr) collect_extras(*inner, known, rest);
  if (inner == nullptr || !rest.empty()) {
    out.raw = model::Json{annotation.dump()};
    if (inner == nullptr) return out;
  }
  const auto text = [&](std::string_view key) -> std::optional<std::string> {
    const auto* value = inner->find(key);
    return value != nullptr && value->as_string() != nullptr ? std::optional{*value->as_string()} : std::nullopt;
  };
  const auto number = [&](std::string_view key) {
    const auto* value = inner->find(key);
    return value != nullptr ? value->as_u64() : std::nullopt;
  };
  out.url = text("url");
  out.title = text("title");
  out.start = number("start_index");
  out.end = number("end_index");
  return out;
}

void encode_citation(json::Writer& w, const model::Citation& citation, std::uint64_t shift) {
  if (citation.raw && shift == 0) {
    w.raw(citation.raw->text);
    return;
  }
  const auto shifted = [&](std::optional<std::uint64_t> at) { return at ? std::optional{*at + shift} : at; };
  w.begin_object().key("type").string("url_citation").key("url_citation").begin_object();
  write(w, "url", citation.url);
  write(w, "title", citation.title);
  write(w, "start_index", shifted(citation.start));
  write(w, "end_index", shifted(citation.end));
  w.end_object().end_object();
}

}  // namespace cardea::dialect::openai

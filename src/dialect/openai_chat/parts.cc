// Content parts and tool calls: OpenAI's forms to and from the model's.

#include <array>

#include "base/text.h"
#include "dialect/openai_chat/media.h"
#include "dialect/openai_chat/openai_chat.h"

namespace cardea::dialect::openai {

using json::Type;
using json::Value;
using model::Part;

namespace {

using Names = std::span<const std::string_view>;
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
  model::Image image{.media = media_of_url(*url)};
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
  status = read_member(**inner, "file_id", inner_path, file.media.id);
  if (status) status = read_member(**inner, "filename", inner_path, file.name);
  if (!status) return status;
  if (data) read_file_data(*data, file);
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
    collect_extras(value, std::array<std::string_view, 4>{"type", form.key, "cache_control", "prompt_cache_breakpoint"},
                   part.extras);
    return decode_cache(value, path, part.cache);
  }
  part.value = model::Opaque{.dialect = std::string{dialect_name}, .value = {value.dump()}};
  return {};
}

/// Writes one part's own members into its open object.
struct PartWriter {
  json::Writer& w;
  const Part& part;
  Origin origin;
  [[nodiscard]] bool own() const { return origin == Origin::own; }

  void inner(std::string_view name) const {
    if (own()) write_inner(w, part.extras, name);
    w.end_object();
  }
  void operator()(const model::Text& text) const { w.key("type").string("text").key("text").string(text.text); }
  void operator()(const model::Refusal& refusal) const { w.key("type").string("refusal").key("refusal").string(refusal.text); }
  void operator()(const model::Image& image) const {
    w.key("type").string("image_url").key("image_url").begin_object();
    w.key("url").string(image.media.base64 ? data_url(image.media, origin) : *image.media.url);
    write(w, "detail", image.detail);
    inner("image_url");
  }
  void operator()(const model::Audio& audio) const {
    w.key("type").string("input_audio").key("input_audio").begin_object().key("data").string(*audio.media.base64);
    if (own()) {
      write(w, "format", audio.format);
    } else {
      w.key("format").string(audio_format(audio));
    }
    inner("input_audio");
  }
  void operator()(const model::File& file) const {
    w.key("type").string("file").key("file").begin_object();
    write(w, "file_id", file.media.id);
    if (file.media.base64) w.key("file_data").string(file_data(file, origin));
    if (file.name) {
      w.key("filename").string(*file.name);
    } else if (!own()) {
      w.key("filename").string(cat("file.", file_ending(file)));  // demanded beside data
    }
    inner("file");
  }
  template <class Other>
  void operator()(const Other&) const {}
};

constexpr std::string_view in_assistant = "an assistant message of OpenAI's holds text only";
constexpr std::string_view in_system = "a system message of OpenAI's holds text only";
constexpr std::string_view other_vendors_id = "the id is known to another vendor only";

std::string_view image_obstacle(const model::Image& image, bool own) {
  if (image.media.base64) return {};
  if (!image.media.url) return own ? no_such_field : other_vendors_id;
  return own || is_web_address(*image.media.url) ? std::string_view{} : "OpenAI fetches from the web only";
}
std::string_view audio_obstacle(const model::Audio& audio, bool own) {
  if (!audio.media.base64) return "OpenAI takes audio inline only";
  return own || !audio_format(audio).empty() ? std::string_view{} : "OpenAI takes wav and mp3 only";
}
std::string_view file_obstacle(const model::File& file, bool own) {
  if (file.media.base64) return {};
  if (file.media.id && own) return {};
  return file.media.id ? other_vendors_id : "OpenAI takes files inline or by id only";
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

std::string_view kind_name(const Part& part) noexcept {
  constexpr std::array<std::string_view, 9> names{"text",     "image",     "audio",       "file",  "refusal",
                                                  "thinking", "tool_call", "tool_result", "opaque"};
  return names[part.value.index()];
}

std::string_view obstacle(const Part& part, model::Role role, Origin origin) {
  const bool own = origin == Origin::own;
  const auto& value = part.value;
  if (std::holds_alternative<model::Text>(value) || std::holds_alternative<model::Refusal>(value)) return {};
  if (const auto* opaque = std::get_if<model::Opaque>(&value)) {
    return own && opaque->dialect == dialect_name ? std::string_view{} : no_such_field;
  }
  if (!own && role == model::Role::assistant) return in_assistant;
  if (!own && role != model::Role::user && role != model::Role::tool) return in_system;
  if (const auto* image = std::get_if<model::Image>(&value)) return image_obstacle(*image, own);
  if (const auto* audio = std::get_if<model::Audio>(&value)) return audio_obstacle(*audio, own);
  if (const auto* file = std::get_if<model::File>(&value)) return file_obstacle(*file, own);
  return no_such_field;
}

void lose_part(const Part& part, model::Role role, std::string_view path, std::string_view reason, const Encoding& encoding) {
  auto field = cat(path, '.', kind_name(part));
  const bool trace = std::holds_alternative<model::Opaque>(part.value) && role == model::Role::assistant;
  if (trace || std::holds_alternative<model::Thinking>(part.value)) {
    encoding.lose(std::move(field), reason);
  } else {
    encoding.lose_meaning(std::move(field), reason);
  }
}

void encode_part(json::Writer& w, const Part& part, std::string_view path, const Encoding& encoding) {
  if (const auto* opaque = std::get_if<model::Opaque>(&part.value)) {
    w.raw(opaque->value.text);
    return;
  }
  w.begin_object();
  std::visit(PartWriter{w, part, encoding.origin}, part.value);
  encode_cache(w, part.cache, path, encoding);
  constexpr std::array<std::string_view, 3> inner{"image_url", "input_audio", "file"};
  if (encoding.own()) {
    write_extras(w, part.extras, inner);
  } else {
    encoding.lose_extras(part.extras, path);
  }
  w.end_object();
}

void encode_content(json::Writer& w, std::span<const Part* const> parts, std::string_view path, const Encoding& encoding) {
  const auto* text = parts.size() == 1 ? std::get_if<model::Text>(&parts[0]->value) : nullptr;
  const bool bare = text != nullptr && (!encoding.own() || (!parts[0]->cache && parts[0]->extras.empty()));
  if (bare) {
    encode_cache(w, parts[0]->cache, cat(path, "[0]"), encoding);
    encoding.lose_extras(parts[0]->extras, cat(path, "[0]"));
    w.string(text->text);
    return;
  }
  w.begin_array();
  for (std::size_t i = 0; i < parts.size(); ++i) encode_part(w, *parts[i], cat(path, '[', i, ']'), encoding);
  w.end_array();
}

Status decode_cache(const Value& object, std::string_view path, std::optional<model::CacheHint>& out) {
  if (given(object, "prompt_cache_breakpoint") != nullptr) out.emplace();
  const auto* cache = given(object, "cache_control");
  if (cache == nullptr) return {};
  out.emplace();
  std::optional<std::string> kind;
  auto status = read_member(*cache, "type", cat(path, ".cache_control"), kind);
  out->type = kind.value_or("ephemeral");
  if (status) status = read_member(*cache, "ttl", cat(path, ".cache_control"), out->ttl);
  return status;
}

/// Servers that cache at marks (OpenRouter, LiteLLM) have them from clients that speak their form; OpenAI refuses the field and
/// caches by itself.
void encode_cache(json::Writer& w, const std::optional<model::CacheHint>& cache, std::string_view path,
                  const Encoding& encoding) {
  if (!cache) return;
  if (!encoding.own()) {
    encoding.lose(cat(path, ".cache_control"), "OpenAI caches by itself");
    return;
  }
  w.key("cache_control").begin_object().key("type").string(cache->type);
  write(w, "ttl", cache->ttl);
  w.end_object();
}

Status decode_tool_call(const Value& value, std::string_view path, Part& out) {
  constexpr std::array<std::string_view, 6> known{"id", "type", "function", "custom", "index", "extra_content"};
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
  if (const auto* signature = call_signature(value)) {
    call.signature = *signature;
  } else if (const auto* content = given(value, "extra_content")) {
    out.extras.push_back({"extra_content", {content->dump()}});
  }
  out.value = std::move(call);
  collect_extras(value, known, out.extras);
  collect_inner(**inner, form, known_inner, out.extras);
  return {};
}

void encode_tool_call(json::Writer& w, const Part& part, std::string_view path, const Encoding& encoding) {
  constexpr std::array<std::string_view, 2> inner{"function", "custom"};
  const auto& call = std::get<model::ToolCall>(part.value);
  const bool custom = call.kind == model::ToolKind::custom;
  const std::string_view form = custom ? "custom" : "function";
  // The reference demands a JSON text; a call without arguments has an empty object.
  const std::string_view arguments =
      encoding.own() || custom || !call.arguments.empty() ? std::string_view{call.arguments} : "{}";
  w.begin_object();
  write(w, "id", call.id);
  w.key("type").string(form).key(form).begin_object();
  w.key("name").string(call.name).key(custom ? "input" : "arguments").string(arguments);
  if (encoding.own()) write_inner(w, part.extras, form);
  w.end_object();
  if (call.signature) encode_call_signature(w, *call.signature);
  if (encoding.own()) {
    write_extras(w, part.extras, inner);
  } else {
    encoding.lose_extras(part.extras, path);
  }
  w.end_object();
}

std::span<const std::string_view> assistant_fields() noexcept {
  static constexpr std::array<std::string_view, 11> names{
      "content",       "refusal",     "reasoning_content", "reasoning",       "audio", "tool_calls",
      "function_call", "annotations", "reasoning_details", "thinking_blocks", "images"};
  return names;
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
  Status status = decode_thinking(message, path, parts);
  const auto* content = message.find("content");
  if (status && content != nullptr) status = decode_content(*content, cat(path, ".content"), parts);
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
  // An empty one says how the answer ended (see Refused), nothing else.
  if (refusal && !refusal->empty()) parts.push_back({.value = model::Refusal{std::move(*refusal)}});
  if (const auto* images = given(message, "images")) {
    status = decode_content(*images, cat(path, ".images"), parts);  // OpenRouter's place for generated images
    if (!status) return status;
  }
  if (const auto* audio = given(message, "audio")) {
    status = decode_generated_audio(*audio, cat(path, ".audio"), parts);
    if (!status) return status;
  }
  return decode_calls(message, path, parts);
}

}  // namespace cardea::dialect::openai

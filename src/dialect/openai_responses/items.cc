// Items that stand in requests and answers alike: messages, calls, reasoning.

#include <algorithm>
#include <array>

#include "dialect/openai_responses/openai_responses.h"
#include "dialect/translate.h"

namespace cardea::dialect::responses {

using json::Type;
using json::Value;
using json::Writer;
using model::Part;

// Ids and states of items are the bookkeeping of a stored answer: they say nothing to a model, and those of one deployment say
// nothing to another. A reasoning item keeps its id, which its encrypted content is bound to.
namespace {

/// Of a message item, at the first of its parts: what OpenAI asks to be given back, and whatever else it says.
constexpr std::string_view phase = "phase";
constexpr std::string_view item_extras = "message";

Status decode_call(const Value& item, std::string_view type, std::string_view path, std::vector<Part>& out) {
  const bool custom = type == "custom_tool_call";
  constexpr std::array<std::string_view, 8> known{"type", "id", "status", "created_by", "call_id", "name", "arguments", "input"};
  auto id = required_string(item, "call_id", path);
  if (!id) return fail_with(id);
  auto name = required_string(item, "name", path);
  if (!name) return fail_with(name);
  model::ToolCall call{.id = std::move(*id), .name = std::move(*name)};
  call.kind = custom ? model::ToolKind::custom : model::ToolKind::function;
  // Some vendors send the arguments as an object where the reference has a string.
  if (const auto* arguments = given(item, custom ? "input" : "arguments")) {
    call.arguments = arguments->as_string() != nullptr ? *arguments->as_string() : arguments->dump();
  }
  auto& part = out.emplace_back(Part{.value = std::move(call)});
  collect_extras(item, known, part.extras);
  return {};
}

Result<std::vector<std::string>> decode_texts(const Value& item, std::string_view key, std::string_view path) {
  std::vector<std::string> out;
  const auto* list = given(item, key);
  if (list == nullptr) return out;
  const auto field = cat(path, '.', key);
  if (!list->is(Type::array)) return wrong_type(field, "an array", list->type());
  for (std::size_t i = 0; i < list->elements().size(); ++i) {
    auto text = required_string(list->elements()[i], "text", cat(field, '[', i, ']'));
    if (!text) return fail_with(text);
    out.push_back(std::move(*text));
  }
  return out;
}

Status decode_reasoning(const Value& item, std::string_view path, std::vector<Part>& out) {
  constexpr std::array<std::string_view, 6> known{"type", "id", "status", "summary", "content", "encrypted_content"};
  model::Thinking thinking;
  auto status = read_member(item, "id", path, thinking.id);
  if (status) status = read_member(item, "encrypted_content", path, thinking.encrypted);
  if (!status) return status;
  auto summary = decode_texts(item, "summary", path);
  if (!summary) return fail_with(summary);
  auto content = decode_texts(item, "content", path);
  if (!content) return fail_with(content);
  thinking.summary = std::move(*summary);
  thinking.text = joined(thinking.summary.empty() ? *content : thinking.summary);
  // What the gateway packed stands where this dialect keeps its own.
  if (thinking.encrypted && is_envelope(*thinking.encrypted)) {
    thinking.signature = std::exchange(thinking.encrypted, std::nullopt);
  }
  const bool both = !thinking.summary.empty() && !content->empty();
  auto& part = out.emplace_back(Part{.value = std::move(thinking)});
  if (both) part.extras.push_back({"content", {given(item, "content")->dump()}});
  collect_extras(item, known, part.extras);
  return {};
}

/// The image that the built-in tool made; what else the item says is kept beside it.
Status decode_generated_image(const Value& item, std::vector<Part>& out) {
  constexpr std::array<std::string_view, 2> known{"type", "result"};
  model::Image image;
  image.media.base64 = *item.find("result")->as_string();
  const auto* format = item.find("output_format");
  image.media.media_type = cat("image/", format != nullptr && format->as_string() != nullptr ? *format->as_string() : "png");
  auto& part = out.emplace_back(Part{.value = std::move(image)});
  collect_inner(item, "image_generation_call", known, part.extras);
  return {};
}

}  // namespace

std::string joined(std::span<const std::string> summary) {
  std::string out;
  for (const auto& text : summary) {
    if (&text != summary.data()) out += summary_gap;
    out += text;
  }
  return out;
}

Part opaque_item(const Value& item) {
  return {.value = model::Opaque{.dialect = std::string{dialect_name}, .value = {item.dump()}}};
}

Result<bool> decode_output_item(const Value& item, std::string_view type, std::string_view path, std::vector<Part>& out) {
  Status status;
  const auto* image = item.find("result");
  if (type == "function_call" || type == "custom_tool_call") {
    status = decode_call(item, type, path, out);
  } else if (type == "reasoning") {
    status = decode_reasoning(item, path, out);
  } else if (type == "image_generation_call" && image != nullptr && image->as_string() != nullptr) {
    status = decode_generated_image(item, out);
  } else {
    return false;
  }
  if (!status) return fail_with(status);
  return true;
}

Status decode_message_item(const Value& item, std::string_view path, std::vector<Part>& out) {
  constexpr std::array<std::string_view, 6> known{"type", "id", "status", "role", "content", phase};
  const auto first = out.size();
  const auto* content = given(item, "content");
  if (content == nullptr) return bad_field(cat(path, ".content"), "is missing");
  auto status = decode_content(*content, cat(path, ".content"), out);
  if (!status || out.size() == first) return status;
  auto& extras = out[first].extras;
  if (const auto* said = given(item, phase)) extras.insert(extras.begin(), {std::string{phase}, {said->dump()}});
  collect_inner(item, item_extras, known, extras);
  return {};
}

bool begins_item(const Part& part) noexcept {
  return std::ranges::any_of(part.extras, [](const auto& extra) { return extra.key == phase || extra.key == item_extras; });
}

void encode_item_extras(Writer& w, const model::Extras& extras) {
  for (const auto& extra : extras) {
    if (extra.key == phase) w.key(phase).raw(extra.value.text);
  }
  write_inner(w, extras, item_extras);
}

void encode_reasoning_text(Writer& w, std::span<const std::string> summary, std::string_view content) {
  w.key("summary").begin_array();
  for (const auto& text : summary) w.begin_object().key("type").string("summary_text").key("text").string(text).end_object();
  w.end_array();
  if (content.empty()) return;
  w.key("content").begin_array().begin_object().key("type").string("reasoning_text").key("text").string(content);
  w.end_object().end_array();
}

}  // namespace cardea::dialect::responses

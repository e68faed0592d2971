// Reading and writing single fields on the way between dialects.

#include <algorithm>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"

namespace cardea::dialect::openai {

using json::Type;
using json::Value;

const Value* given(const Value& object, std::string_view key) noexcept {
  const auto* value = object.find(key);
  return value != nullptr && !value->is(Type::null) ? value : nullptr;
}

Status read(const Value& value, std::string_view path, std::optional<std::string>& out) {
  if (!value.is(Type::string)) return wrong_type(path, "a string", value.type());
  out = *value.as_string();
  return {};
}
Status read(const Value& value, std::string_view path, std::optional<bool>& out) {
  if (!value.is(Type::boolean)) return wrong_type(path, "a boolean", value.type());
  out = value.as_bool();
  return {};
}
Status read(const Value& value, std::string_view path, std::optional<std::uint64_t>& out) {
  if (!value.is(Type::number)) return wrong_type(path, "an integer", value.type());
  out = value.as_u64();
  return out ? Status{} : bad_field(path, cat("must be an integer of 0 or more, not ", *value.as_number()));
}
Status read(const Value& value, std::string_view path, std::optional<model::Number>& out) {
  if (!value.is(Type::number)) return wrong_type(path, "a number", value.type());
  out = model::Number{*value.as_number()};
  return {};
}
Status read(const Value& value, std::string_view /*path*/, std::optional<model::Json>& out) {
  out = model::Json{value.dump()};
  return {};
}
Status read(const Value& value, std::string_view path, std::optional<std::vector<std::string>>& out) {
  if (!value.is(Type::array)) return wrong_type(path, "an array of strings", value.type());
  out.emplace();
  for (std::size_t i = 0; i < value.elements().size(); ++i) {
    const auto* text = value.elements()[i].as_string();
    if (text == nullptr) return wrong_type(cat(path, '[', i, ']'), "a string", value.elements()[i].type());
    out->push_back(*text);
  }
  return {};
}

Result<std::string> required_string(const Value& object, std::string_view key, std::string_view path) {
  const auto* value = given(object, key);
  const auto field = cat(path, '.', key);
  if (value == nullptr) return bad_field(field, "is missing");
  if (!value->is(Type::string)) return wrong_type(field, "a string", value->type());
  return *value->as_string();
}

Result<const Value*> required_object(const Value& object, std::string_view key, std::string_view path) {
  const auto* value = given(object, key);
  const auto field = cat(path, '.', key);
  if (value == nullptr) return bad_field(field, "is missing");
  if (!value->is(Type::object)) return wrong_type(field, "an object", value->type());
  return value;
}

void collect_extras(const Value& object, std::span<const std::string_view> known, model::Extras& out) {
  for (const auto& [key, value] : object.members()) {
    if (value.is(Type::null) || std::ranges::find(known, key) != known.end()) continue;
    out.push_back({key, {value.dump()}});
  }
}

void collect_inner(const Value& object, std::string_view name, std::span<const std::string_view> known, model::Extras& out) {
  auto rest = Value::object();
  for (const auto& [key, value] : object.members()) {
    if (value.is(Type::null) || std::ranges::find(known, key) != known.end()) continue;
    rest.members().emplace_back(key, value);
  }
  if (!rest.members().empty()) out.push_back({std::string{name}, {rest.dump()}});
}

void write(json::Writer& w, std::string_view key, const std::optional<std::string>& value) {
  if (value) w.key(key).string(*value);
}
void write(json::Writer& w, std::string_view key, const std::optional<bool>& value) {
  if (value) w.key(key).boolean(*value);
}
void write(json::Writer& w, std::string_view key, const std::optional<std::uint64_t>& value) {
  if (value) w.key(key).number(*value);
}
void write(json::Writer& w, std::string_view key, const std::optional<model::Number>& value) {
  if (value) w.key(key).raw(value->text);
}
void write(json::Writer& w, std::string_view key, const std::optional<model::Json>& value) {
  if (value) w.key(key).raw(value->text);
}
void write(json::Writer& w, std::string_view key, const std::optional<std::vector<std::string>>& value) {
  if (!value) return;
  w.key(key).begin_array();
  for (const auto& text : *value) w.string(text);
  w.end_array();
}

void write_extras(json::Writer& w, const model::Extras& extras, std::span<const std::string_view> inner) {
  for (const auto& extra : extras) {
    if (std::ranges::find(inner, extra.key) == inner.end()) w.key(extra.key).raw(extra.value.text);
  }
}

void write_inner(json::Writer& w, const model::Extras& extras, std::string_view inner) {
  for (const auto& extra : extras) {
    if (extra.key != inner) continue;
    auto value = json::parse(extra.value.text);
    if (!value) continue;
    for (const auto& [key, member] : value->members()) w.key(key).raw(member.dump());
  }
}

model::Usage decode_usage(const Value& usage) {
  const std::string whole = cat(R"({"usage":)", usage.dump(), '}');
  constexpr std::string_view outline[] = {"usage"};
  auto members = json::scan(whole, upstream_scan(outline));
  const auto* member = members ? members->find("usage") : nullptr;
  return member != nullptr && member->type == Type::object ? read_usage(*members, *member) : model::Usage{};
}

void encode_usage(json::Writer& w, const model::Usage& usage) {
  w.begin_object();
  if (usage.input || usage.cache_read || usage.cache_write) w.key("prompt_tokens").number(usage.input_total());
  write(w, "completion_tokens", usage.output);
  w.key("total_tokens").number(usage.total());
  if (usage.cache_read || usage.cache_write || usage.input_audio) {
    w.key("prompt_tokens_details").begin_object();
    write(w, "cached_tokens", usage.cache_read);
    write(w, "cache_write_tokens", usage.cache_write);
    write(w, "audio_tokens", usage.input_audio);
    w.end_object();
  }
  if (usage.reasoning || usage.output_audio || usage.accepted_prediction || usage.rejected_prediction) {
    w.key("completion_tokens_details").begin_object();
    write(w, "reasoning_tokens", usage.reasoning);
    write(w, "audio_tokens", usage.output_audio);
    write(w, "accepted_prediction_tokens", usage.accepted_prediction);
    write(w, "rejected_prediction_tokens", usage.rejected_prediction);
    w.end_object();
  }
  w.end_object();
}

}  // namespace cardea::dialect::openai

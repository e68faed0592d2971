#include "dialect/fields.h"

#include <algorithm>

#include "base/text.h"

namespace cardea::dialect {

using json::Type;
using json::Value;

std::unexpected<Error> bad_field(std::string_view path, std::string_view problem) {
  return fail(Kind::bad_request, cat("'", path, "' ", problem), std::string{path});
}

std::unexpected<Error> wrong_type(std::string_view path, std::string_view expected, Type got) {
  return bad_field(path, cat("must be ", expected, ", not ", describe(got)));
}

json::ScanOptions upstream_scan(std::span<const std::string_view> outline) {
  return {.outline = outline,
          .lone_surrogate = json::ScanOptions::LoneSurrogate::allowed,
          .error_kind = Kind::upstream_protocol,
          .what = "the upstream's answer"};
}

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
    rest.edit_members().emplace_back(key, value);
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

}  // namespace cardea::dialect

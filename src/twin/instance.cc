#include "twin/instance.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace cardea::twin {
namespace {

using json::Type;
using json::Value;

constexpr int depth_max = 32;
constexpr int values_max = 10'000;
constexpr std::uint64_t length_max = 1000;  ///< of strings and arrays that a schema asks for

struct Example {
  std::string_view name;
  std::string_view text;
};
// Strings with a format (JSON Schema 2020-12 §7.3).
constexpr Example formats[] = {{"date-time", "2025-01-01T12:00:00Z"},
                               {"date", "2025-01-01"},
                               {"time", "12:00:00Z"},
                               {"duration", "PT1H"},
                               {"email", "twin@example.com"},
                               {"hostname", "example.com"},
                               {"ipv4", "192.0.2.1"},
                               {"ipv6", "2001:db8::1"},
                               {"uri", "https://example.com/"},
                               {"uri-reference", "/example"},
                               {"uuid", "00000000-0000-4000-8000-000000000000"},
                               {"regex", ".*"},
                               {"json-pointer", "/example"}};
// What tools usually ask for.
constexpr Example names[] = {{"city", "Paris"},
                             {"location", "Paris, France"},
                             {"country", "France"},
                             {"name", "Ada"},
                             {"query", "example query"},
                             {"question", "What is the time?"},
                             {"url", "https://example.com/"},
                             {"path", "/tmp/example.txt"},
                             {"language", "en"},
                             {"currency", "EUR"},
                             {"date", "2025-01-01"},
                             {"timezone", "Europe/Paris"},
                             {"command", "ls"},
                             {"expression", "1 + 1"},
                             {"unit", "celsius"}};

/// Makes one example; remembers how much it has made.
class Maker {
 public:
  explicit Maker(const Value& root) : root_{root} {}
  Value make(const Value& schema, std::string_view name, int depth);

 private:
  [[nodiscard]] const Value* resolve(std::string_view reference) const;
  [[nodiscard]] static const Value* literal(const Value& schema);
  [[nodiscard]] static std::string_view type_of(const Value& schema);
  [[nodiscard]] static std::uint64_t bound(const Value& schema, std::string_view key, std::uint64_t otherwise);
  Value merged(const Value& schema, int depth) const;
  Value object(const Value& schema, int depth);
  Value array(const Value& schema, std::string_view name, int depth);
  static Value text(const Value& schema, std::string_view name);
  static Value number(const Value& schema, std::string_view type);

  const Value& root_;
  int made_ = 0;
};

const Value* Maker::resolve(std::string_view reference) const {
  if (!reference.starts_with('#')) return nullptr;
  reference.remove_prefix(1);
  const Value* at = &root_;
  while (at != nullptr && !reference.empty()) {
    reference.remove_prefix(1);  // the slash
    const auto end = std::min(reference.find('/'), reference.size());
    at = at->find(reference.substr(0, end));
    reference.remove_prefix(end);
  }
  return at;
}

const Value* Maker::literal(const Value& schema) {
  for (const std::string_view key : {"const", "default"}) {
    if (const auto* value = schema.find(key)) return value;
  }
  for (const std::string_view key : {"examples", "enum"}) {
    const auto* list = schema.find(key);
    if (list != nullptr && !list->elements().empty()) return &list->elements().front();
  }
  return nullptr;
}

std::string_view Maker::type_of(const Value& schema) {
  const auto* type = schema.find("type");
  if (type != nullptr && type->as_string() != nullptr) return *type->as_string();
  if (type != nullptr) {
    for (const auto& one : type->elements()) {
      if (one.as_string() != nullptr && *one.as_string() != "null") return *one.as_string();
    }
    if (!type->elements().empty()) return "null";
  }
  struct Hint {
    std::string_view keyword;
    std::string_view type;
  };
  for (const Hint hint : {Hint{"properties", "object"}, Hint{"required", "object"}, Hint{"items", "array"},
                          Hint{"prefixItems", "array"}, Hint{"minimum", "number"}, Hint{"maximum", "number"}}) {
    if (schema.find(hint.keyword) != nullptr) return hint.type;
  }
  return "string";
}

std::uint64_t Maker::bound(const Value& schema, std::string_view key, std::uint64_t otherwise) {
  const auto* value = schema.find(key);
  return value != nullptr ? value->as_u64().value_or(otherwise) : otherwise;
}

/// `schema` and everything in its allOf as one: properties and required are joined, other keywords of the later win.
Value Maker::merged(const Value& schema, int depth) const {
  Value whole = schema;
  whole.erase("allOf");
  for (const auto& listed : schema.find("allOf")->elements()) {
    const Value* part = &listed;
    const auto* reference = part->find("$ref");
    if (reference != nullptr && reference->as_string() != nullptr) part = resolve(*reference->as_string());
    if (part == nullptr) continue;
    const Value flat = part->find("allOf") != nullptr && depth < depth_max ? merged(*part, depth + 1) : *part;
    for (const auto& [key, value] : flat.members()) {
      Value* there = whole.find(key);
      if (there != nullptr && key == "properties") {
        for (const auto& [property, inner] : value.members()) there->set(property, inner);
      } else if (there != nullptr && key == "required") {
        for (const auto& one : value.elements()) there->edit_elements().push_back(one);
      } else if (whole.is(Type::object)) {
        whole.set(key, value);
      }
    }
  }
  return whole;
}

Value Maker::object(const Value& schema, int depth) {
  Value out = Value::object();
  const auto* properties = schema.find("properties");
  if (properties == nullptr) return out;
  const auto* required = schema.find("required");
  const bool all = required == nullptr || required->elements().empty();
  for (const auto& [name, inner] : properties->members()) {
    const auto is_name = [&wanted = name](const Value& v) { return v.as_string() != nullptr && *v.as_string() == wanted; };
    if (all || std::ranges::any_of(required->elements(), is_name)) out.set(name, make(inner, name, depth + 1));
  }
  return out;
}

Value Maker::array(const Value& schema, std::string_view name, int depth) {
  Value out = Value::array();
  const auto* tuple = schema.find("prefixItems");
  if (tuple != nullptr) {
    for (const auto& inner : tuple->elements()) out.edit_elements().push_back(make(inner, name, depth + 1));
  }
  const auto* items = schema.find("items");
  if (items == nullptr || !items->is(Type::object)) return out;
  // One element says more than none, where one is allowed.
  const auto most = std::min(length_max, bound(schema, "maxItems", length_max));
  const auto wanted = std::min(std::max<std::uint64_t>(bound(schema, "minItems", 0), 1), most);
  while (out.elements().size() < wanted && made_ < values_max) out.edit_elements().push_back(make(*items, name, depth + 1));
  return out;
}

Value Maker::text(const Value& schema, std::string_view name) {
  const auto* format = schema.find("format");
  std::string made = cat("example ", name);
  if (format != nullptr && format->as_string() != nullptr) {
    const auto* found = std::ranges::find(formats, *format->as_string(), &Example::name);
    if (found != std::end(formats)) return Value::string(std::string{found->text});
  }
  const auto lower = to_lower(name);
  const auto* found = std::ranges::find(names, std::string_view{lower}, &Example::name);
  if (found != std::end(names)) made = found->text;
  const auto least = std::min(length_max, bound(schema, "minLength", 0));
  if (made.size() < least) made.resize(least, '.');
  const auto most = bound(schema, "maxLength", length_max);
  if (made.size() > most) made.resize(most);
  return Value::string(std::move(made));
}

Value Maker::number(const Value& schema, std::string_view type) {
  const auto limit = [&](std::string_view key) {
    const auto* value = schema.find(key);
    return value != nullptr ? value->as_double() : std::nullopt;
  };
  const bool whole = type == "integer";
  const auto step = limit("multipleOf").value_or(whole ? 1 : 0);
  double made = 1;
  if (const auto most = limit("maximum"); most && made > *most) made = whole ? std::floor(*most) : *most;
  if (const auto under = limit("exclusiveMaximum"); under && made >= *under) made = whole ? std::ceil(*under) - 1 : *under - 0.5;
  if (const auto least = limit("minimum"); least && made < *least) made = whole ? std::ceil(*least) : *least;
  if (const auto over = limit("exclusiveMinimum"); over && made <= *over) made = whole ? std::floor(*over) + 1 : *over + 0.5;
  if (step > 0 && std::abs(made) < 1e15) made = std::ceil(made / step) * step;
  if (made == std::floor(made) && std::abs(made) < 1e15) return Value::integer(static_cast<std::int64_t>(made));
  char digits[32];
  return Value::number(std::string{digits, std::to_chars(digits, digits + sizeof digits, made).ptr});
}

Value Maker::make(const Value& schema, std::string_view name, int depth) {
  if (depth > depth_max || ++made_ > values_max) return {};
  if (const auto* given = literal(schema)) return *given;
  const auto* reference = schema.find("$ref");
  if (reference != nullptr && reference->as_string() != nullptr) {
    const auto* target = resolve(*reference->as_string());
    return target != nullptr ? make(*target, name, depth + 1) : Value{};
  }
  if (const auto* all = schema.find("allOf"); all != nullptr && all->is(Type::array)) {
    return make(merged(schema, 0), name, depth + 1);
  }
  for (const std::string_view key : {"anyOf", "oneOf"}) {
    const auto* list = schema.find(key);
    if (list != nullptr && !list->elements().empty()) return make(list->elements().front(), name, depth + 1);
  }
  const auto type = type_of(schema);
  if (type == "object") return object(schema, depth);
  if (type == "array") return array(schema, name, depth);
  if (type == "string") return text(schema, name);
  if (type == "boolean") return Value::boolean(true);
  if (type == "null") return {};
  return number(schema, type);
}

}  // namespace

json::Value instance(const json::Value& schema, std::string_view name) { return Maker{schema}.make(schema, name, 0); }

}  // namespace cardea::twin

#include "dialect/gemini/schema.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/gemini/gemini.h"

namespace cardea::dialect::google {

using json::Type;
using json::Value;

namespace {

struct TypeRow {
  std::string_view json;
  std::string_view gemini;
};
constexpr std::array<TypeRow, 7> type_rows{{{"string", "STRING"},
                                            {"number", "NUMBER"},
                                            {"integer", "INTEGER"},
                                            {"boolean", "BOOLEAN"},
                                            {"array", "ARRAY"},
                                            {"object", "OBJECT"},
                                            {"null", "NULL"}}};

std::string upper(std::string_view word) {
  for (const auto& row : type_rows) {
    if (row.json == word) return std::string{row.gemini};
  }
  return {};
}

enum class Keyword : std::uint8_t {
  unknown,  ///< outside of the subset
  type,
  nullable,
  annotation,  ///< copied
  examples,
  number,  ///< a bound
  pattern,
  format,
  enumeration,
  constant,
  any_of,
  items,
  properties,
  required,
  additional,
  ordering,
  reference,
  all_of,
  ignored,
};
struct KeywordRow {
  std::string_view name;
  Keyword keyword;
};
constexpr std::array<KeywordRow, 34> keyword_rows{{
    {"type", Keyword::type},
    {"nullable", Keyword::nullable},
    {"title", Keyword::annotation},
    {"description", Keyword::annotation},
    {"default", Keyword::annotation},
    {"example", Keyword::annotation},
    {"examples", Keyword::examples},
    {"minimum", Keyword::number},
    {"maximum", Keyword::number},
    {"minLength", Keyword::number},
    {"maxLength", Keyword::number},
    {"minItems", Keyword::number},
    {"maxItems", Keyword::number},
    {"minProperties", Keyword::number},
    {"maxProperties", Keyword::number},
    {"pattern", Keyword::pattern},
    {"format", Keyword::format},
    {"enum", Keyword::enumeration},
    {"const", Keyword::constant},
    {"anyOf", Keyword::any_of},
    {"oneOf", Keyword::any_of},
    {"items", Keyword::items},
    {"properties", Keyword::properties},
    {"required", Keyword::required},
    {"additionalProperties", Keyword::additional},
    {"propertyOrdering", Keyword::ordering},
    {"$ref", Keyword::reference},
    {"allOf", Keyword::all_of},
    {"$schema", Keyword::ignored},
    {"$id", Keyword::ignored},
    {"$comment", Keyword::ignored},
    {"$defs", Keyword::ignored},
    {"definitions", Keyword::ignored},
    {"deprecated", Keyword::ignored},
}};

Keyword keyword_of(std::string_view name) {
  const auto* row = std::ranges::find(keyword_rows, name, &KeywordRow::name);
  return row != keyword_rows.end() ? row->keyword : Keyword::unknown;
}

bool is_null_type(const Value& schema) {
  const auto* type = schema.find("type");
  return type != nullptr && type->as_string() != nullptr && *type->as_string() == "null" && schema.members().size() == 1;
}

/// One conversion. `budget`: references that repeat themselves would make a small schema huge.
class Converter {
 public:
  Converter(const Value& root, SchemaUse use) : root_{root}, use_{use} {}
  std::optional<Value> convert(const Value& schema, bool root = false);

 private:
  /// What is known of one schema before it is written.
  struct Shape {
    std::string type;               ///< Gemini's word
    std::vector<std::string> more;  ///< further types
    bool nullable = false;
    const Value* branches = nullptr;  ///< of anyOf or oneOf
    const Value* same = nullptr;      ///< it is another schema: of $ref, or the only one of allOf
    std::string reference;
    bool plain = true;  ///< nothing else but annotations
  };
  [[nodiscard]] bool read(const Value& schema, Shape& shape) const;
  [[nodiscard]] bool read_type(const Value& type, Shape& shape) const;
  [[nodiscard]] bool infer_type(const Value& schema, Shape& shape) const;
  [[nodiscard]] const Value* resolve(std::string_view reference) const;
  std::optional<Value> inlined(const Value& schema, const Shape& shape);
  std::optional<Value> any_of(const Value& schema, const Shape& shape);
  std::optional<Value> typed(const Value& schema, const Shape& shape, bool root);
  [[nodiscard]] bool keyword(std::string_view name, const Value& value, const Shape& shape, Value& out);
  [[nodiscard]] bool properties(const Value& value, Value& out);
  [[nodiscard]] static bool enumeration(const Value& value, const Shape& shape, Value& out);
  [[nodiscard]] static bool format(const Value& value, const Shape& shape);

  const Value& root_;
  SchemaUse use_;
  std::vector<std::string> open_;  ///< references being resolved
  std::size_t nodes_ = 0;
  std::size_t depth_ = 0;
};

bool Converter::read_type(const Value& type, Shape& shape) const {
  std::vector<std::string> words;
  if (const auto* word = type.as_string()) words.push_back(*word);
  for (const auto& element : type.elements()) {
    if (element.as_string() == nullptr) return false;
    words.push_back(*element.as_string());
  }
  if (type.is(Type::array)) shape.nullable = shape.nullable || std::erase(words, "null") != 0;
  if (words.empty() && shape.nullable) words.emplace_back("null");
  for (const auto& word : words) {
    auto name = upper(word);
    if (name.empty()) return false;
    if (shape.type.empty()) {
      shape.type = std::move(name);
    } else {
      shape.more.push_back(std::move(name));
    }
  }
  return !shape.type.empty();
}

bool Converter::infer_type(const Value& schema, Shape& shape) const {
  const auto has = [&](std::string_view key) { return schema.find(key) != nullptr; };
  if (has("properties")) {
    shape.type = "OBJECT";
  } else if (has("items")) {
    shape.type = "ARRAY";
  } else if (has("enum") || has("const")) {
    shape.type = "STRING";  // all others are outside of the subset
  }
  return !shape.type.empty();
}

bool Converter::read(const Value& schema, Shape& shape) const {
  for (const auto& [name, value] : schema.members()) {
    const auto keyword = keyword_of(name);
    switch (keyword) {
      case Keyword::unknown: return false;
      case Keyword::type:
        if (!read_type(value, shape)) return false;
        break;
      case Keyword::nullable: shape.nullable = shape.nullable || value.as_bool().value_or(false); break;
      case Keyword::any_of:
        if (shape.branches != nullptr || value.elements().empty()) return false;
        shape.branches = &value;
        break;
      case Keyword::reference:
        if (shape.same != nullptr || value.as_string() == nullptr) return false;
        shape.reference = *value.as_string();
        shape.same = resolve(shape.reference);
        if (shape.same == nullptr) return false;
        break;
      case Keyword::all_of:
        if (shape.same != nullptr || value.elements().size() != 1) return false;
        shape.same = &value.elements().front();
        break;
      case Keyword::annotation:
      case Keyword::examples:
      case Keyword::ignored: break;
      default: shape.plain = false;
    }
  }
  return true;
}

/// "#/$defs/name", as JSON Pointer (RFC 6901).
const Value* Converter::resolve(std::string_view reference) const {
  if (!reference.starts_with("#/")) return nullptr;
  reference.remove_prefix(1);
  const Value* at = &root_;
  while (at != nullptr && !reference.empty()) {
    reference.remove_prefix(1);
    const auto slash = reference.find('/');
    std::string token{reference.substr(0, slash)};
    for (const auto& [escape, plain] : {std::pair{"~1", "/"}, std::pair{"~0", "~"}}) {
      for (auto i = token.find(escape); i != std::string::npos; i = token.find(escape, i + 1)) token.replace(i, 2, plain);
    }
    at = at->find(token);
    reference = slash == std::string_view::npos ? std::string_view{} : reference.substr(slash);
  }
  return at;
}

std::optional<Value> Converter::convert(const Value& schema, bool root) {
  constexpr std::size_t nodes_max = 4000;
  constexpr std::size_t depth_max = 48;
  if (!schema.is(Type::object) || ++nodes_ > nodes_max || depth_ >= depth_max) return std::nullopt;
  ++depth_;
  Shape shape;
  std::optional<Value> out;
  if (read(schema, shape)) {
    const bool other = shape.same != nullptr || shape.branches != nullptr;
    if (other && (!shape.plain || !shape.type.empty() || (shape.same != nullptr && shape.branches != nullptr))) {
      // A schema and a condition on top: not in the subset.
    } else if (shape.same != nullptr) {
      out = inlined(schema, shape);
    } else if (shape.branches != nullptr || !shape.more.empty()) {
      out = any_of(schema, shape);
    } else if (!shape.type.empty() || infer_type(schema, shape)) {
      out = typed(schema, shape, root);
    }
  }
  --depth_;
  return out;
}

/// The annotations of the schema that refers stand before those of the one it refers to.
std::optional<Value> with_annotations(std::optional<Value> out, const Value& schema) {
  if (!out) return out;
  for (const auto& [name, value] : schema.members()) {
    if (keyword_of(name) == Keyword::annotation) out->set(name, value);
  }
  return out;
}

std::optional<Value> Converter::inlined(const Value& schema, const Shape& shape) {
  if (!shape.reference.empty()) {
    if (std::ranges::find(open_, shape.reference) != open_.end()) return std::nullopt;  // recursive
    open_.push_back(shape.reference);
  }
  auto out = convert(*shape.same);
  if (!shape.reference.empty()) open_.pop_back();
  if (out && shape.nullable) out->set("nullable", Value::boolean(true));
  return with_annotations(std::move(out), schema);
}

/// Nothing may stand beside anyOf (Vertex refuses it), so that null becomes a property of a branch, and a single branch the
/// schema itself.
std::optional<Value> Converter::any_of(const Value& schema, const Shape& shape) {
  bool nullable = shape.nullable;
  auto branches = Value::array();
  if (shape.branches == nullptr) {
    branches.edit_elements().push_back(Value::object({{"type", Value::string(shape.type)}}));
    for (const auto& type : shape.more) branches.edit_elements().push_back(Value::object({{"type", Value::string(type)}}));
    // Types that need more than their name, or keywords that are of one type alone.
    const bool more = std::ranges::any_of(branches.elements(), [](const Value& branch) {
      return *branch.find("type")->as_string() == "OBJECT" || *branch.find("type")->as_string() == "ARRAY";
    });
    if (more || !shape.plain) return std::nullopt;
  } else {
    for (const auto& branch : shape.branches->elements()) {
      if (is_null_type(branch)) {
        nullable = true;
        continue;
      }
      auto converted = convert(branch);
      if (!converted) return std::nullopt;
      branches.edit_elements().push_back(std::move(*converted));
    }
  }
  if (branches.elements().empty()) return std::nullopt;
  if (nullable) {
    auto& first = branches.edit_elements().front();
    if (first.find("anyOf") != nullptr) return std::nullopt;
    first.set("nullable", Value::boolean(true));
  }
  if (branches.elements().size() == 1) return with_annotations(std::move(branches.edit_elements().front()), schema);
  const bool annotated = std::ranges::any_of(schema.members(), [](const auto& member) {
    const auto keyword = keyword_of(member.first);
    return keyword == Keyword::annotation || keyword == Keyword::examples;
  });
  if (annotated) return std::nullopt;
  return Value::object({{"anyOf", std::move(branches)}});
}

bool Converter::enumeration(const Value& value, const Shape& shape, Value& out) {
  auto words = Value::array();
  bool null = false;
  for (const auto& element : value.elements()) {
    if (element.is(Type::null)) {
      null = true;
    } else if (element.is(Type::string) && !element.as_string()->empty()) {  // an empty word is refused
      words.edit_elements().push_back(element);
    } else {
      return false;
    }
  }
  // Null is allowed by `nullable`, which must then be there.
  if (shape.type != "STRING" || words.elements().empty() || null != shape.nullable) return false;
  out.set("enum", std::move(words));
  return true;
}

/// The formats that every version of the API takes.
bool Converter::format(const Value& value, const Shape& shape) {
  struct Row {
    std::string_view type;
    std::string_view format;
  };
  constexpr std::array<Row, 6> rows{{{"STRING", "date-time"},
                                     {"STRING", "enum"},
                                     {"NUMBER", "float"},
                                     {"NUMBER", "double"},
                                     {"INTEGER", "int32"},
                                     {"INTEGER", "int64"}}};
  const auto* word = value.as_string();
  return word != nullptr &&
         std::ranges::any_of(rows, [&](const Row& row) { return row.type == shape.type && row.format == *word; });
}

bool Converter::properties(const Value& value, Value& out) {
  if (!value.is(Type::object)) return false;
  auto converted = Value::object();
  for (const auto& [name, schema] : value.members()) {
    auto property = convert(schema);
    if (!property) return false;
    converted.edit_members().emplace_back(name, std::move(*property));
  }
  out.set("properties", std::move(converted));
  return true;
}

/// Writes one keyword of a schema of one type.
bool Converter::keyword(std::string_view name, const Value& value, const Shape& shape, Value& out) {
  switch (keyword_of(name)) {
    case Keyword::annotation: out.set(name, value); return true;
    case Keyword::examples:
      if (value.elements().size() != 1) return false;
      out.set("example", value.elements().front());
      return true;
    case Keyword::number:
      if (!value.is(Type::number)) return false;
      out.set(name, value);
      return true;
    case Keyword::pattern: out.set(name, value); return value.is(Type::string);
    case Keyword::format: out.set(name, value); return format(value, shape);
    case Keyword::enumeration: return enumeration(value, shape, out);
    case Keyword::constant: return enumeration(Value::array({value}), shape, out);
    case Keyword::items: {
      auto items = convert(value);
      if (items) out.set(name, std::move(*items));
      return items.has_value();
    }
    case Keyword::properties: return properties(value, out);
    case Keyword::required: {
      const bool words = std::ranges::all_of(value.elements(), [](const Value& word) { return word.is(Type::string); });
      if (!value.elements().empty()) out.set(name, value);
      return value.is(Type::array) && words;
    }
    // Gemini gives only what is listed, so that both `false` and `true` go without saying.
    case Keyword::additional: return value.is(Type::boolean) || (value.is(Type::object) && value.members().empty());
    case Keyword::ordering: out.set(name, value); return value.is(Type::array);
    default: return true;
  }
}

std::optional<Value> Converter::typed(const Value& schema, const Shape& shape, bool root) {
  auto out = Value::object();
  const auto type = [&] {
    out.set("type", Value::string(shape.type));
    if (shape.nullable) out.set("nullable", Value::boolean(true));
  };
  if (schema.find("type") == nullptr) type();
  for (const auto& [name, value] : schema.members()) {
    if (name == "type") {
      type();
    } else if (!keyword(name, value, shape, out)) {
      return std::nullopt;
    }
  }
  const auto* properties = out.find("properties");
  const bool empty = properties == nullptr || properties->members().empty();
  // The API wants at least one property of an object, an array's items, and to know what is required.
  if (shape.type == "OBJECT" && empty && !(root && use_.function)) return std::nullopt;
  if (shape.type == "ARRAY" && out.find("items") == nullptr) return std::nullopt;
  if (const auto* required = out.find("required")) {
    for (const auto& name : required->elements()) {
      if (properties == nullptr || properties->find(*name.as_string()) == nullptr) return std::nullopt;
    }
  }
  if (use_.ordering && properties != nullptr && properties->members().size() > 1 && out.find("propertyOrdering") == nullptr) {
    auto names = Value::array();
    for (const auto& member : properties->members()) names.edit_elements().push_back(Value::string(member.first));
    out.set("propertyOrdering", std::move(names));
  }
  return out;
}

// --- from Gemini --------------------------------------------------------------------------------------------------------------

/// In propertyOrdering's order, those that it does not name behind.
Value ordered(const Value& properties, const Value* ordering) {
  auto out = Value::object();
  if (ordering != nullptr) {
    for (const auto& name : ordering->elements()) {
      const auto* property = name.as_string() != nullptr ? properties.find(*name.as_string()) : nullptr;
      if (property != nullptr && out.find(*name.as_string()) == nullptr) {
        out.edit_members().emplace_back(*name.as_string(), from_gemini_schema(*property));
      }
    }
  }
  for (const auto& [name, property] : properties.members()) {
    if (out.find(name) == nullptr) out.edit_members().emplace_back(name, from_gemini_schema(property));
  }
  return out;
}

/// Protobuf's JSON writes 64-bit integers as strings.
Value number_of(const Value& value) {
  const auto* text = value.as_string();
  return text != nullptr && parse_number<std::uint64_t>(*text) ? Value::number(*text) : value;
}

Value enumeration_of(const Value& value, std::string_view type, bool nullable) {
  auto out = Value::array();
  for (const auto& element : value.elements()) {
    out.edit_elements().push_back(type == "integer" || type == "number" ? number_of(element) : element);
  }
  if (nullable) out.edit_elements().emplace_back();
  return out;
}

constexpr std::array<std::string_view, 10> camel_names{
    "anyOf",         "minItems",      "maxItems",         "minLength", "maxLength",
    "minProperties", "maxProperties", "propertyOrdering", "nullable",  "additionalProperties"};

std::string_view canonical(std::string_view key) {
  for (const auto name : camel_names) {
    if (same_name(key, name)) return name;
  }
  return key;
}

}  // namespace

std::optional<Value> to_gemini_schema(const Value& schema, SchemaUse use) { return Converter{schema, use}.convert(schema, true); }

Value from_gemini_schema(const Value& schema) {
  if (!schema.is(Type::object)) return schema;
  const auto* word = schema.find("type");
  const std::string type = word != nullptr && word->as_string() != nullptr ? to_lower(*word->as_string()) : std::string{};
  const auto nullable_field = field(schema, "nullable");
  const bool nullable = nullable_field && nullable_field.value->as_bool().value_or(false);
  const auto ordering = field(schema, "propertyOrdering");
  auto out = Value::object();
  for (const auto& [spelled, value] : schema.members()) {
    const auto name = canonical(spelled);
    if (name == "type" && !type.empty()) {
      if (type == "type_unspecified") continue;
      const auto alone = Value::string(type);
      out.set(name, nullable && type != "null" ? Value::array({alone, Value::string("null")}) : alone);
    } else if (name == "nullable" || name == "propertyOrdering") {
      continue;
    } else if (name == "properties" && value.is(Type::object)) {
      out.set(name, ordered(value, ordering.value));
    } else if (name == "items") {
      out.set(name, from_gemini_schema(value));
    } else if (name == "anyOf") {
      auto branches = Value::array();
      for (const auto& branch : value.elements()) branches.edit_elements().push_back(from_gemini_schema(branch));
      if (nullable) branches.edit_elements().push_back(Value::object({{"type", Value::string("null")}}));
      out.set(name, std::move(branches));
    } else if (name == "enum" && value.is(Type::array)) {
      out.set(name, enumeration_of(value, type, nullable));
    } else if (name == "format" && value.as_string() != nullptr && *value.as_string() == "enum") {
      continue;  // says no more than `enum` itself
    } else if (name == "example") {
      out.set("examples", Value::array({value}));
    } else {
      out.set(name, name.starts_with("min") || name.starts_with("max") ? number_of(value) : value);
    }
  }
  return out;
}

}  // namespace cardea::dialect::google

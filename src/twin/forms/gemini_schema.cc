#include "base/text.h"
#include "twin/forms/gemini.h"

namespace cardea::twin {
namespace {

using json::Type;
using json::Value;

constexpr int depth_max = 32;

struct Draft {
  Value out = Value::object();
  std::string type;
  bool nullable = false;
  int depth = 0;
};

Status read_schema(const At& at, int depth, Value& out);

/// A member that JSON Schema has too.
Status take_same(const At& at, Draft& draft) {
  draft.out.set(at.path().substr(at.path().rfind('.') + 1), at.value());
  return {};
}
template <char Which>
Status take_count(const At& at, Draft& draft) {
  constexpr std::string_view name = Which == 'I'   ? "maxItems"
                                    : Which == 'i' ? "minItems"
                                    : Which == 'L' ? "maxLength"
                                    : Which == 'l' ? "minLength"
                                    : Which == 'P' ? "maxProperties"
                                                   : "minProperties";
  // An int64 is a string in JSON; a number does as well.
  const auto text = at.value().is(Type::string) ? at.text() : *at.value().as_number();
  if (!parse_number<std::uint64_t>(text)) return at.wrong_type(is_whole);
  draft.out.set(name, Value::number(text));
  return {};
}

Status take_type(const At& at, Draft& draft) {
  draft.type = to_lower(at.text());
  constexpr std::string_view types[] = {"type_unspecified", "string", "number", "integer", "boolean", "array", "object", "null"};
  if (std::ranges::find(types, draft.type) != std::end(types)) return {};
  return at.wrong_value("'STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT', 'NULL'");
}
Status take_nullable(const At& at, Draft& draft) {
  draft.nullable = *at.value().as_bool();
  return {};
}
Status take_texts(const At& at, Draft& draft) {
  Status status = at.each(is_text, [](const At&) { return Status{}; });
  return status ? take_same(at, draft) : std::move(status);
}

Status take_items(const At& at, Draft& draft) {
  Value items;
  Status status = read_schema(at, draft.depth + 1, items);
  draft.out.set("items", std::move(items));
  return status;
}
Status take_any(const At& at, Draft& draft) {
  Value list = Value::array();
  Status status =
      at.each(is_object, [&](const At& one) { return read_schema(one, draft.depth + 1, list.edit_elements().emplace_back()); });
  draft.out.set("anyOf", std::move(list));
  return status;
}
Status take_properties(const At& at, Draft& draft) {
  Value properties = Value::object();
  for (const auto& [name, value] : at.value().members()) {
    const At inner{at.reading(), value, cat(at.path(), "[", name, "]")};
    if (!value.is(Type::object)) return inner.wrong_type(is_object);
    Value one;
    Status status = read_schema(inner, draft.depth + 1, one);
    if (!status) return status;
    properties.edit_members().emplace_back(name, std::move(one));
  }
  draft.out.set("properties", std::move(properties));
  return {};
}

constexpr Row<Draft> rows[] = {
    {"type", is_text, take_type},
    {"nullable", is_bool, take_nullable},
    {"format", is_text, take_same},
    {"title", is_text, take_same},
    {"description", is_text, take_same},
    {"enum", is_list, take_texts},
    {"required", is_list, take_texts},
    {"properties", is_object, take_properties},
    {"propertyOrdering", is_list},
    {"items", is_object, take_items},
    {"anyOf", is_list, take_any},
    {"maxItems", is_text | is_number, take_count<'I'>},
    {"minItems", is_text | is_number, take_count<'i'>},
    {"maxLength", is_text | is_number, take_count<'L'>},
    {"minLength", is_text | is_number, take_count<'l'>},
    {"maxProperties", is_text | is_number, take_count<'P'>},
    {"minProperties", is_text | is_number, take_count<'p'>},
    {"minimum", is_number, take_same},
    {"maximum", is_number, take_same},
    {"pattern", is_text, take_same},
    {"default", is_any, take_same},
    {"example", is_any, take_same},
};

/// What Google says of schemas that contradict themselves.
Status check(const At& at, const Draft& draft) {
  const auto& out = draft.out;
  const auto refuse = [&](std::string_view member, std::string_view message) {
    return at.words().refuse(at.words().member(at.path(), member), message);
  };
  if (draft.type == "array" && out.find("items") == nullptr) return refuse("items", "missing field.");
  if (out.find("enum") != nullptr && draft.type != "string") return refuse("enum", "only allowed for STRING type");
  if (const auto* format = out.find("format"); format != nullptr && draft.type == "string") {
    const auto& text = *format->as_string();
    if (text != "enum" && text != "date-time")
      return refuse("format", "only 'enum' and 'date-time' are supported for STRING type");
  }
  if (const auto* required = out.find("required"); required != nullptr && draft.type == "object") {
    const auto* properties = out.find("properties");
    for (std::size_t i = 0; i < required->elements().size(); ++i) {
      const auto& name = *required->elements()[i].as_string();
      if (properties == nullptr || properties->find(name) == nullptr)
        return refuse(cat("required[", i, "]"), "property is not defined");
    }
  }
  return {};
}

Status read_schema(const At& at, int depth, Value& out) {
  if (depth > depth_max) return at.refuse("the schema is nested too deeply");
  Draft draft{.depth = depth};
  Status status = read_members(at, rows, draft);
  if (status) status = check(at, draft);
  if (!draft.type.empty() && draft.type != "type_unspecified") {
    Value type = Value::string(draft.type);
    if (draft.nullable) {
      Value both = Value::array();
      both.edit_elements().push_back(std::move(type));
      both.edit_elements().push_back(Value::string("null"));
      type = std::move(both);
    }
    draft.out.set("type", std::move(type));
  }
  out = std::move(draft.out);
  return status;
}

}  // namespace

Status read_gemini_schema(const At& at, Value& out) { return read_schema(at, 0, out); }

}  // namespace cardea::twin

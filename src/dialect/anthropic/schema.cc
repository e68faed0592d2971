#include "dialect/anthropic/schema.h"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "base/text.h"

namespace cardea::dialect::claude {

using json::Type;
using json::Value;

namespace {

using Names = std::span<const std::string_view>;

bool holds(Names names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

/// Said as they are.
constexpr std::array<std::string_view, 7> kept{"type", "enum", "const", "title", "description", "default", "required"};
/// Names of the schema itself, which mean nothing to a model.
constexpr std::array<std::string_view, 4> dropped{"$schema", "$id", "$comment", "strict"};
constexpr std::array<std::string_view, 10> formats{"date-time", "time", "date", "duration", "email",
                                                   "hostname",  "uri",  "ipv4", "ipv6",     "uuid"};
constexpr std::array<std::string_view, 2> definitions{"$defs", "definitions"};

/// Regular expressions without look-around, back-references and word boundaries are taken.
bool is_plain_pattern(std::string_view pattern) {
  if (pattern.find("(?") != std::string_view::npos) return false;
  for (std::size_t i = 0; i + 1 < pattern.size(); ++i) {
    if (pattern[i] != '\\') continue;
    const char next = pattern[++i];
    if ((next >= '1' && next <= '9') || next == 'b' || next == 'B' || next == 'k') return false;
  }
  return true;
}

bool is_scalar(const Value& value) { return !value.is(Type::object) && !value.is(Type::array); }

/// A property's name may be anything; only plain ones are repeated.
std::string named(std::string_view path, std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '$';
  };
  const bool sayable = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, plain);
  return cat(path, '.', sayable ? name : std::string_view{"*"});
}

/// Looks for schemas that contain themselves. Its work is bounded: references may be written so that following all takes for
/// ever.
class Cycles {
 public:
  explicit Cycles(const Value& root) : root_{root} {}
  /// Why the schema is refused; empty when it is not.
  std::string_view find() {
    visit(root_);
    return why_;
  }

 private:
  static constexpr std::size_t most_values = 100'000;
  static constexpr std::size_t most_depth = 100;

  void visit(const Value& value) {
    if (!why_.empty()) return;
    if (++values_ > most_values || open_.size() > most_depth) {
      why_ = "too many references";
      return;
    }
    const auto* pointer = value.find("$ref");
    if (pointer != nullptr && pointer->as_string() != nullptr) follow(*pointer->as_string());
    for (const auto& element : value.elements()) visit(element);
    for (const auto& [key, member] : value.members()) visit(member);
  }
  void follow(const std::string& pointer) {
    if (done_.contains(pointer)) return;
    const auto place = open_.insert(pointer);
    if (!place.second || pointer == "#") {
      why_ = "a schema that contains itself";
      return;
    }
    if (const auto* target = resolve(pointer)) visit(*target);
    open_.erase(pointer);
    done_.insert(pointer);
  }
  /// "#/$defs/x"; nullptr when it leads nowhere.
  [[nodiscard]] const Value* resolve(std::string_view pointer) const {
    if (!pointer.starts_with("#/")) return nullptr;
    const Value* at = &root_;
    pointer.remove_prefix(1);
    while (at != nullptr && !pointer.empty()) {
      pointer.remove_prefix(1);
      const auto slash = std::min(pointer.find('/'), pointer.size());
      at = at->find(pointer.substr(0, slash));
      pointer.remove_prefix(slash);
    }
    return at;
  }

  const Value& root_;
  std::set<std::string, std::less<>> open_;
  std::set<std::string, std::less<>> done_;
  std::size_t values_ = 0;
  std::string_view why_;
};

class Subset {
 public:
  explicit Subset(Losses& losses) : losses_{losses} {}

  [[nodiscard]] Value convert(const Value& schema, const std::string& path);
  std::string problem;

 private:
  void fail(const std::string& path, std::string_view why) {
    if (problem.empty()) problem = cat(path, ": ", why);
  }
  void detail(const std::string& path, std::string_view key, std::string_view why) { losses_.detail(named(path, key), why); }
  [[nodiscard]] Value convert_all(const Value& map, const std::string& path);
  [[nodiscard]] Value convert_list(const Value& list, const std::string& path);
  [[nodiscard]] Value reference(const Value& schema, const std::string& path);
  /// True when the keyword was taken over (or dropped on purpose); else it is said in the description.
  bool keyword(const std::string& key, const Value& value, const std::string& path, Value& out);
  void close_object(const Value& schema, const std::string& path, Value& out);

  Losses& losses_;
};

Value Subset::convert_all(const Value& map, const std::string& path) {
  auto out = Value::object();
  for (const auto& [key, schema] : map.members()) out.edit_members().emplace_back(key, convert(schema, named(path, key)));
  return out;
}

Value Subset::convert_list(const Value& list, const std::string& path) {
  auto out = Value::array();
  for (std::size_t i = 0; i < list.elements().size(); ++i) {
    out.edit_elements().push_back(convert(list.elements()[i], cat(path, '[', i, ']')));
  }
  return out;
}

Value Subset::reference(const Value& schema, const std::string& path) {
  const auto& pointer = *schema.find("$ref")->as_string();
  if (!pointer.starts_with("#")) {
    fail(path, "a reference to another document");
    return schema;
  }
  auto out = Value::object({{"$ref", Value::string(pointer)}});
  for (const auto& [key, value] : schema.members()) {
    if (holds(definitions, key)) {
      out.edit_members().emplace_back(key, convert_all(value, named(path, key)));
    } else if (key != "$ref" && !holds(dropped, key)) {
      detail(path, key, "anthropic takes nothing beside a reference");
    }
  }
  return out;
}

bool Subset::keyword(const std::string& key, const Value& value, const std::string& path, Value& out) {
  const auto put = [&](std::string_view name, Value converted) {
    out.edit_members().emplace_back(std::string{name}, std::move(converted));
    return true;
  };
  if (holds(dropped, key) || key == "additionalProperties") return true;
  if (key == "enum") return std::ranges::all_of(value.elements(), is_scalar) && put(key, value);
  if (holds(kept, key)) return put(key, value);
  if (key == "properties" || holds(definitions, key)) return put(key, convert_all(value, named(path, key)));
  if (key == "anyOf" || key == "allOf") return put(key, convert_list(value, named(path, key)));
  if (key == "oneOf" && out.find("anyOf") == nullptr) {
    detail(path, key, "said as anyOf");
    return put("anyOf", convert_list(value, named(path, key)));
  }
  if (key == "items" && value.is(Type::object)) return put(key, convert(value, named(path, key)));
  if (key == "format") return value.as_string() != nullptr && holds(formats, *value.as_string()) && put(key, value);
  if (key == "minItems") return value.as_u64().value_or(2) <= 1 && put(key, value);
  if (key == "pattern") return value.as_string() != nullptr && is_plain_pattern(*value.as_string()) && put(key, value);
  return false;
}

void Subset::close_object(const Value& schema, const std::string& path, Value& out) {
  const auto* type = schema.find("type");
  const bool object = type != nullptr && type->as_string() != nullptr && *type->as_string() == "object";
  const auto* properties = schema.find("properties");
  if (!object && properties == nullptr) return;
  const auto* additional = schema.find("additionalProperties");
  const bool closed = additional != nullptr && additional->as_bool() == false;
  if (!closed && (properties == nullptr || properties->members().empty())) {
    fail(path, "an object of any keys");
    return;
  }
  if (!closed && additional != nullptr) detail(path, "additionalProperties", "anthropic closes all objects");
  out.edit_members().emplace_back("additionalProperties", Value::boolean(false));
}

Value Subset::convert(const Value& schema, const std::string& path) {
  if (!schema.is(Type::object) || !problem.empty()) return schema;
  const auto* pointer = schema.find("$ref");
  if (pointer != nullptr && pointer->as_string() != nullptr) return reference(schema, path);
  auto out = Value::object();
  std::string rest;
  for (const auto& [key, value] : schema.members()) {
    if (keyword(key, value, path, out)) continue;
    detail(path, key, "said in the description");
    rest += cat(rest.empty() ? "" : ", ", key, ": ", value.dump());
  }
  close_object(schema, path, out);
  if (rest.empty()) return out;
  const auto* told = out.find("description");
  const auto* text = told != nullptr ? told->as_string() : nullptr;
  out.set("description", Value::string(cat(text != nullptr ? *text : "", text != nullptr ? "\n\n{" : "{", rest, '}')));
  return out;
}

}  // namespace

std::optional<Value> to_subset(const Value& schema, std::string_view path, Losses& losses, std::string& problem) {
  Losses changes;
  Subset subset{changes};
  if (const auto cycle = Cycles{schema}.find(); !cycle.empty()) {
    problem = cat(path, ": ", cycle);
    return std::nullopt;
  }
  auto out = subset.convert(schema, std::string{path});
  problem = std::move(subset.problem);
  if (!problem.empty()) return std::nullopt;
  losses.add(changes);
  return out;
}

}  // namespace cardea::dialect::claude

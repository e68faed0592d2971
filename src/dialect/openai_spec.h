#pragma once
// For tests: checks JSON against OpenAI's public OpenAPI description, which is no part of the project. It is looked for where
// CARDEA_OPENAI_SPEC says, else in shared/specs beside the source tree.

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

#include "base/text.h"
#include "json/value.h"

namespace cardea::dialect::testing {

/// As much of JSON Schema as the description uses to say what must be there. `oneOf` is taken as `anyOf`: several of its own
/// alternatives match the same message.
class OpenAiSpec {
 public:
  OpenAiSpec(const OpenAiSpec&) = delete;
  OpenAiSpec& operator=(const OpenAiSpec&) = delete;
  OpenAiSpec() {
    const char* named = std::getenv("CARDEA_OPENAI_SPEC");
    std::ifstream file{named != nullptr ? std::string{named}
                                        : std::string{CARDEA_SOURCE_DIR "/../shared/specs/openai-openapi.json"}};
    std::stringstream text;
    text << file.rdbuf();
    auto value = json::parse(text.str());
    if (!value) return;
    if (auto* components = value->find("components")) {
      if (auto* schemas = components->find("schemas")) schemas_ = std::move(*schemas);
    }
    for (const auto& [name, schema] : schemas_.members()) {
      by_name_.emplace(name, &schema);
      if (!name.starts_with("Response") || !name.ends_with("Event")) continue;
      const auto* properties = schema.find("properties");
      const auto* own = properties != nullptr ? properties->find("type") : nullptr;
      const auto* words = own != nullptr ? own->find("enum") : nullptr;
      if (words != nullptr && words->elements().size() == 1) events_.emplace(*words->elements()[0].as_string(), &schema);
    }
  }
  /// Read once: it is long.
  [[nodiscard]] static const OpenAiSpec& shared() {
    static const OpenAiSpec spec;
    return spec;
  }
  [[nodiscard]] bool there() const { return !schemas_.members().empty(); }
  /// What is wrong with it, empty when nothing is.
  [[nodiscard]] std::string problem(std::string_view schema, std::string_view text) const {
    const auto value = json::parse(text);
    if (!value) return "not JSON";
    const auto found = by_name_.find(schema);
    return found != by_name_.end() ? check(*found->second, *value, std::string{schema}, 0) : "no such schema";
  }
  /// Of one event of the Responses stream, by its own schema.
  [[nodiscard]] std::string event_problem(const json::Value& event) const {
    const auto* type = event.find("type");
    const auto found = events_.find(type != nullptr && type->as_string() != nullptr ? *type->as_string() : std::string{});
    return found != events_.end() ? check(*found->second, event, found->first, 0) : "no event of the reference";
  }

 private:
  using Value = json::Value;
  using Type = json::Type;

  [[nodiscard]] std::string any_of(const Value& list, const Value& value, const std::string& path, int depth) const {
    std::string first;
    for (const auto& one : list.elements()) {
      auto problem = check(one, value, path, depth + 1);
      if (problem.empty()) return {};
      // The alternative that means this type tells more than the others.
      const bool same = problem.find(".type: not one of") == std::string::npos;
      if (first.empty() || same) first = std::move(problem);
    }
    return first;
  }
  [[nodiscard]] static bool is_of(const Value& value, std::string_view type) {
    const auto number = value.as_double();
    if (type == "integer")
      return value.is(Type::number) && number && *number == static_cast<double>(static_cast<long long>(*number));
    if (type == "number") return value.is(Type::number);
    if (type == "string") return value.is(Type::string);
    if (type == "boolean") return value.is(Type::boolean);
    if (type == "array") return value.is(Type::array);
    if (type == "object") return value.is(Type::object);
    return type != "null" || value.is(Type::null);
  }
  [[nodiscard]] static std::string check_bounds(const Value& schema, const Value& value, const std::string& path) {
    const auto bound = [&](std::string_view key) {
      const auto* found = schema.find(key);
      return found != nullptr ? found->as_double() : std::nullopt;
    };
    const auto number = value.as_double();
    if (number && bound("minimum") && *number < *bound("minimum")) return path + ": too small";
    if (number && bound("maximum") && *number > *bound("maximum")) return path + ": too big";
    const auto* text = value.as_string();
    if (text != nullptr && bound("minLength") && static_cast<double>(text->size()) < *bound("minLength"))
      return path + ": too short";
    if (text != nullptr && bound("maxLength") && static_cast<double>(text->size()) > *bound("maxLength"))
      return path + ": too long";
    return {};
  }
  [[nodiscard]] std::string check(const Value& schema, const Value& value, const std::string& path, int depth) const {
    if (depth > 60) return {};
    if (const auto* ref = schema.find("$ref")) {
      const auto name = ref->as_string()->substr(ref->as_string()->rfind('/') + 1);
      const auto target = by_name_.find(name);
      return target != by_name_.end() ? check(*target->second, value, path, depth + 1) : cat(path, ": no schema ", name);
    }
    const auto* nullable = schema.find("nullable");
    if (nullable != nullptr && nullable->as_bool() == true && value.is(Type::null)) return {};
    for (const auto key : {"anyOf", "oneOf"}) {
      const auto* list = schema.find(key);
      auto problem = list != nullptr ? any_of(*list, value, path, depth) : std::string{};
      if (!problem.empty()) return problem;
    }
    if (const auto* all = schema.find("allOf")) {
      for (const auto& one : all->elements()) {
        auto problem = check(one, value, path, depth + 1);
        if (!problem.empty()) return problem;
      }
    }
    if (const auto* type = schema.find("type"); type != nullptr && type->as_string() != nullptr) {
      if (!is_of(value, *type->as_string())) return cat(path, ": must be ", *type->as_string(), ", is ", value.dump());
    }
    if (const auto* words = schema.find("enum")) {
      bool found = false;
      for (const auto& word : words->elements()) found = found || word == value;
      if (!found) return cat(path, ": not one of the words: ", value.dump());
    }
    auto problem = check_bounds(schema, value, path);
    return problem.empty() ? check_inside(schema, value, path, depth) : problem;
  }
  [[nodiscard]] std::string check_inside(const Value& schema, const Value& value, const std::string& path, int depth) const {
    const auto* required = schema.find("required");
    if (required != nullptr && value.is(Type::object)) {
      for (const auto& key : required->elements()) {
        if (value.find(*key.as_string()) == nullptr) return cat(path, '.', *key.as_string(), ": missing");
      }
    }
    const auto* properties = schema.find("properties");
    if (properties != nullptr && value.is(Type::object)) {
      for (const auto& [key, inner] : properties->members()) {
        const auto* member = value.find(key);
        auto problem = member != nullptr ? check(inner, *member, cat(path, '.', key), depth + 1) : std::string{};
        if (!problem.empty()) return problem;
      }
    }
    const auto* items = schema.find("items");
    if (items != nullptr) {
      for (std::size_t i = 0; i < value.elements().size(); ++i) {
        auto problem = check(*items, value.elements()[i], cat(path, '[', i, ']'), depth + 1);
        if (!problem.empty()) return problem;
      }
    }
    return {};
  }

  Value schemas_;
  std::map<std::string, const Value*, std::less<>> by_name_;
  std::map<std::string, const Value*> events_;  ///< by their type
};

}  // namespace cardea::dialect::testing

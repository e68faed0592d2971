#include "twin/inspect.h"

#include <algorithm>

#include "base/text.h"
#include "json/writer.h"
#include "twin/media.h"

namespace cardea::twin {
namespace {

using json::Type;
using json::Value;

constexpr int depth_max = 64;

Value text_of(std::string_view text) { return Value::string(std::string{text}); }
Value number_of(std::uint64_t number) { return Value::number(cat(number)); }

Value object_of(std::string_view key, Value value) {
  Value object = Value::object();
  object.set(key, std::move(value));
  return object;
}

/// One spelling of a number that has several; integers stay what they are, 2^64 too.
Value normal_number(const std::string& text) {
  if (text.find_first_of(".eE") == std::string::npos) return Value::number(text);
  std::string spelled;
  json::Writer{spelled}.number(Value::number(text).as_double().value_or(0));
  return Value::number(std::move(spelled));
}

// ---- Schemas ---------------------------------------------------------------------------------------------------------------

/// `names`: the members are names that somebody chose, so their order is theirs too.
Value normal(const Value& schema, bool names, int depth) {
  if (depth > depth_max) return schema;
  if (const auto* number = schema.as_number()) return normal_number(*number);
  if (schema.is(Type::array)) {
    Value list = Value::array();
    for (const auto& one : schema.elements()) list.edit_elements().push_back(normal(one, false, depth + 1));
    return list;
  }
  if (!schema.is(Type::object)) return schema;
  constexpr std::string_view named[] = {"properties", "$defs", "definitions", "patternProperties"};
  Value out = Value::object();
  for (const auto& [key, value] : schema.members()) {
    if (!names && key == "$schema") continue;
    const bool inner = !names && std::ranges::find(named, key) != std::end(named);
    out.edit_members().emplace_back(key, normal(value, inner, depth + 1));
  }
  if (!names) std::ranges::sort(out.edit_members(), {}, &Value::Member::first);
  return out;
}

// ---- Parts -----------------------------------------------------------------------------------------------------------------

/// Calls in order, so that ids need not be compared.
class Calls {
 public:
  explicit Calls(const ChatRequest& request) {
    for (const auto& turn : request.turns) {
      for (const auto& part : turn.parts) {
        if (part.kind == Part::Kind::call) all_.push_back(&part);
      }
    }
  }
  /// Of the last call of that id; 0: there is none.
  [[nodiscard]] std::size_t number(const Part& part) const {
    if (part.kind == Part::Kind::call) return static_cast<std::size_t>(std::ranges::find(all_, &part) - all_.begin()) + 1;
    for (std::size_t i = all_.size(); i > 0; --i) {
      if (all_[i - 1]->id == part.id) return i;
    }
    return 0;
  }
  [[nodiscard]] std::string_view name(std::size_t number) const {
    return number != 0 ? std::string_view{all_[number - 1]->name} : std::string_view{};
  }
  [[nodiscard]] Value ids() const {
    Value list = Value::array();
    for (const auto* call : all_) list.edit_elements().push_back(text_of(call->id));
    return list;
  }
  [[nodiscard]] bool empty() const { return all_.empty(); }

 private:
  std::vector<const Part*> all_;
};

Value medium_of(const Medium& medium) {
  Value out = Value::object();
  const auto say = [&](std::string_view key, std::string_view text) {
    if (!text.empty()) out.set(key, text_of(text));
  };
  say("type", medium.media_type);
  if (!medium.sha256.empty()) out.set("bytes", number_of(medium.size));
  say("sha256", medium.sha256);
  say("url", medium.url);
  say("id", medium.id);
  say("name", medium.name);
  say("detail", medium.detail);
  return object_of(name(medium.kind), std::move(out));
}

Value call_of(const Part& part, const Calls& calls) {
  Value out = object_of("nr", number_of(calls.number(part)));
  out.set("name", text_of(part.name));
  auto arguments = json::parse(part.text);
  if (part.custom || !arguments) {
    out.set("input", text_of(part.text));
  } else {
    out.set("arguments", std::move(*arguments));
  }
  if (!part.signature.empty()) out.set("signed", Value::boolean(true));
  return object_of("call", std::move(out));
}

Value parts_of(const std::vector<Part>& parts, const Calls& calls, bool result);

Value result_of(const Part& part, const Calls& calls) {
  const auto number = calls.number(part);
  Value out = object_of("nr", number_of(number));
  const auto called = calls.name(number);
  out.set("name", text_of(called.empty() ? std::string_view{part.name} : called));
  if (part.error) out.set("error", Value::boolean(true));
  out.set("content", parts_of(part.parts, calls, true));
  return object_of("result", std::move(out));
}

Value thought_of(const Part& part) {
  Value out = object_of("thought", text_of(part.text));
  if (!part.signature.empty()) out.set("signed", Value::boolean(true));
  if (part.redacted) out.set("redacted", Value::boolean(true));
  return out;
}

Value plain_text_of(const Part& part, bool result) {
  if (result) {
    auto parsed = json::parse(part.text);
    if (parsed && (parsed->is(Type::object) || parsed->is(Type::array))) return object_of("json", std::move(*parsed));
  }
  return text_of(part.text);
}

Value part_of(const Part& part, const Calls& calls, bool result) {
  switch (part.kind) {
    case Part::Kind::text: return plain_text_of(part, result);
    case Part::Kind::refusal: return object_of("refusal", text_of(part.text));
    case Part::Kind::medium: return medium_of(part.medium);
    case Part::Kind::call: return call_of(part, calls);
    case Part::Kind::result: return result_of(part, calls);
    case Part::Kind::thought: return thought_of(part);
    case Part::Kind::other: return object_of("other", text_of(part.text));
  }
  return {};
}

Value parts_of(const std::vector<Part>& parts, const Calls& calls, bool result) {
  Value list = Value::array();
  for (const auto& part : parts) {
    Value one = part_of(part, calls, result);
    if (!part.cache.empty()) {
      if (!one.is(Type::object)) one = object_of("text", std::move(one));
      one.set("cache", text_of(part.cache));
    }
    list.edit_elements().push_back(std::move(one));
  }
  return list;
}

// ---- The request -----------------------------------------------------------------------------------------------------------

std::string_view name(Role role) {
  constexpr std::string_view names[] = {"system", "user", "assistant", "tool"};
  return names[static_cast<std::size_t>(role)];
}

void append_all(Value& list, Value more) {
  for (auto& one : more.edit_elements()) list.edit_elements().push_back(std::move(one));
}

void set_turns(Value& out, const ChatRequest& request, const Calls& calls) {
  Value system = Value::array();
  Value turns = Value::array();
  for (const auto& turn : request.turns) {
    if (turn.role == Role::system && turns.elements().empty()) {
      append_all(system, parts_of(turn.parts, calls, false));
      continue;
    }
    const auto role = name(turn.role);
    auto& list = turns.edit_elements();
    if (list.empty() || list.back().find(role) == nullptr) list.push_back(object_of(role, Value::array()));
    append_all(*list.back().find(role), parts_of(turn.parts, calls, false));
  }
  if (!system.elements().empty()) out.set("system", std::move(system));
  out.set("turns", std::move(turns));
}

Value tool_of(const Tool& tool) {
  if (!tool.built_in.empty()) return object_of("built_in", text_of(tool.built_in));
  Value out = object_of("name", text_of(tool.name));
  if (!tool.description.empty()) out.set("description", text_of(tool.description));
  if (tool.parameters) out.set("parameters", normal_schema(*tool.parameters));
  if (tool.strict) out.set("strict", Value::boolean(*tool.strict));
  if (tool.custom) out.set("custom", Value::boolean(true));
  if (!tool.cache.empty()) out.set("cache", text_of(tool.cache));
  return out;
}

void set_tools(Value& out, const ChatRequest& request) {
  if (!request.tools.empty()) {
    Value list = Value::array();
    for (const auto& tool : request.tools) list.edit_elements().push_back(tool_of(tool));
    out.set("tools", std::move(list));
  }
  switch (request.tool_choice) {
    case ToolChoice::automatic: break;
    case ToolChoice::none: out.set("tool_choice", text_of("none")); break;
    case ToolChoice::required: out.set("tool_choice", text_of("required")); break;
    case ToolChoice::named: out.set("tool_choice", object_of("name", text_of(request.tool_named))); break;
  }
  if (!request.parallel_tool_calls) out.set("parallel", Value::boolean(false));
}

void set_format(Value& out, const ChatRequest& request) {
  if (request.format == Format::json_object) out.set("format", text_of("json"));
  if (request.format != Format::json_schema) return;
  out.set("schema", normal_schema(request.schema));
  if (!request.format_name.empty()) out.set("schema_name", text_of(request.format_name));
  if (request.format_strict) out.set("schema_strict", Value::boolean(*request.format_strict));
}

void set_numbers(Value& out, const ChatRequest& request) {
  if (request.max_tokens) out.set("max_tokens", number_of(*request.max_tokens));
  if (request.n != 1) out.set("n", number_of(request.n));
  if (!request.stop.empty()) {
    Value list = Value::array();
    for (const auto& stop : request.stop) list.edit_elements().push_back(text_of(stop));
    out.set("stop", std::move(list));
  }
  if (!request.sampling.empty()) {
    Value numbers = Value::object();
    for (const auto& [key, text] : request.sampling) numbers.set(key, normal_number(text));
    std::ranges::sort(numbers.edit_members(), {}, &Value::Member::first);
    out.set("sampling", std::move(numbers));
  }
  if (request.logprobs) out.set("logprobs", number_of(request.top_logprobs));
}

void set_reasoning(Value& out, const ChatRequest& request) {
  Value reasoning = Value::object();
  if (!request.effort.empty()) reasoning.set("effort", text_of(request.effort));
  if (request.budget) reasoning.set("budget", number_of(*request.budget));
  if (request.thoughts) reasoning.set("show", Value::boolean(*request.thoughts));
  if (!reasoning.members().empty()) out.set("reasoning", std::move(reasoning));
}

}  // namespace

Value normal_schema(const Value& schema) { return normal(schema, false, 0); }

std::string summary(const ChatRequest& request) {
  const Calls calls{request};
  Value out = Value::object();
  set_turns(out, request, calls);
  set_tools(out, request);
  set_numbers(out, request);
  set_format(out, request);
  set_reasoning(out, request);
  if (!calls.empty()) out.set("call_ids", calls.ids());
  if (!request.notes.empty()) {
    Value notes = Value::object();
    for (const auto& [key, text] : request.notes) {
      auto value = json::parse(text);
      notes.set(key, value ? std::move(*value) : text_of(text));
    }
    out.set("notes", std::move(notes));
  }
  return out.dump();
}

}  // namespace cardea::twin

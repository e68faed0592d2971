// Tools: what the model may call, and the schemas that it takes.

#include <algorithm>

#include "dialect/anthropic/schema.h"
#include "dialect/bedrock/bedrock.h"

namespace cardea::dialect::converse {

using json::Type;
using json::Writer;
using model::Tool;

namespace {

/// The parameters of a free text: at least the call arrives.
constexpr std::string_view one_text = R"({"type":"object","properties":{"input":{"type":"string"}},"required":["input"]})";
constexpr std::string_view no_parameters = R"({"type":"object","properties":{}})";

class ToolWriter {
 public:
  ToolWriter(const Tool& tool, std::string path, const Encoding& encoding)
      : tool_{tool}, path_{std::move(path)}, encoding_{encoding} {}

  /// {"toolSpec":{…}}
  std::string write_spec() {
    std::string out;
    Writer w{out};
    auto strict = tool_.strict;
    const std::string schema = parameters(strict);
    w.begin_object().key("toolSpec").begin_object().key("name").string(tool_.name);
    // An empty one is refused.
    if (tool_.description && (encoding_.own || !tool_.description->empty())) w.key("description").string(*tool_.description);
    w.key("inputSchema").begin_object();
    if (!schema.empty()) w.key("json").raw(schema);
    w.end_object();
    write(w, "strict", strict);
    if (encoding_.own) write_extras(w, tool_.extras, {});
    w.end_object().end_object();
    return out;
  }
  void lose_extras() const {
    if (encoding_.own) return;
    for (const auto& extra : tool_.extras) encoding_.lose(cat(path_, '.', extra.key));
  }

 private:
  /// Strict ones must be of the kind that the model can check: else they are not strict.
  std::string parameters(std::optional<bool>& strict) const {
    if (tool_.kind == Tool::Kind::custom) return std::string{one_text};
    if (encoding_.own) return tool_.parameters ? tool_.parameters->text : "";
    const std::string schema = tool_.parameters ? tool_.parameters->text : std::string{no_parameters};
    if (!encoding_.model.schemas && strict) {
      if (*strict) encoding_.lose(cat(path_, ".strict"), "this model has none");
      strict.reset();
    }
    if (!strict.value_or(false)) return schema;
    std::string problem;
    auto checked = sayable_schema(schema, cat(path_, ".parameters"), encoding_, problem);
    if (checked) return *checked;
    encoding_.lose(cat(path_, ".strict"), "the schema has what the model cannot check");
    strict.reset();
    return schema;
  }

  const Tool& tool_;
  std::string path_;
  const Encoding& encoding_;
};

/// A vendor's own tool; empty when it cannot be said.
std::string built_in(const Tool& tool, const std::string& path, const Encoding& encoding) {
  if (encoding.own && tool.builtin) return tool.builtin->text;
  constexpr std::uint32_t first_that_searches = 20;
  const bool searches = tool.name.starts_with("web_search") || tool.name.starts_with("google_search");
  if (searches && encoding.model.vendor == Vendor::nova && encoding.model.version >= first_that_searches) {
    // "Web Grounding", Amazon Nova's user guide.
    encoding.lose(cat(path, '.', tool.name), "said as nova's own search");
    return R"({"systemTool":{"name":"nova_grounding"}})";
  }
  encoding.lose_meaning(cat(path, '.', tool.name), "a tool of another vendor");
  return {};
}

void encode_tool(const Tool& tool, const std::string& path, const Encoding& encoding, std::vector<std::string>& out) {
  if (tool.kind == Tool::Kind::built_in) {
    auto said = built_in(tool, path, encoding);
    if (said.empty()) return;
    out.push_back(std::move(said));
  } else {
    if (tool.kind == Tool::Kind::custom) encoding.lose_meaning(cat(path, ".custom"), "bedrock calls tools with JSON alone");
    ToolWriter writer{tool, path, encoding};
    out.push_back(writer.write_spec());
    writer.lose_extras();
  }
  if (!tool.cache) return;
  const Vendor vendor = encoding.model.vendor;
  if (encoding.own || vendor == Vendor::claude || vendor == Vendor::unknown) {
    out.push_back(cache_point(*tool.cache));
  } else {
    encoding.lose(cat(path, ".cache"), "this model does not cache tools");
  }
}

}  // namespace

std::vector<std::string> encode_tools(std::span<const Tool> tools, const Encoding& encoding) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < tools.size(); ++i) encode_tool(tools[i], cat("tools[", i, ']'), encoding, out);
  return out;
}

std::string declared_tool(const std::string& name) {
  std::string out;
  Writer w{out};
  w.begin_object().key("toolSpec").begin_object().key("name").string(name);
  w.key("inputSchema").begin_object().key("json").raw(no_parameters).end_object().end_object().end_object();
  return out;
}

std::vector<std::string> names_called(const model::Chat& chat) {
  std::vector<std::string> names;
  for (const auto& message : chat.messages) {
    for (const auto& part : message.parts) {
      const auto* call = std::get_if<model::ToolCall>(&part.value);
      const auto* result = std::get_if<model::ToolResult>(&part.value);
      const std::string name = call != nullptr ? call->name : result != nullptr ? result->name.value_or("tool") : "";
      if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

std::optional<std::string> sayable_schema(const std::string& schema, std::string_view path, const Encoding& encoding,
                                          std::string& problem) {
  // Claude's subset is the same here as at Anthropic's own ("Structured outputs" of both).
  if (encoding.model.vendor != Vendor::claude) return schema;
  const auto value = json::parse(schema);
  const auto subset = value ? claude::to_subset(*value, path, encoding.losses, problem) : std::nullopt;
  return subset ? std::optional{subset->dump()} : std::nullopt;
}

}  // namespace cardea::dialect::converse

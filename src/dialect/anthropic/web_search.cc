// The one built-in tool that several vendors have alike. Sources: Anthropic's "Web search tool", OpenAI's "Web search" (Responses
// and Chat), Gemini's "Grounding with Google Search".

#include <algorithm>
#include <array>

#include "dialect/anthropic/anthropic.h"
#include "dialect/plain.h"

namespace cardea::dialect::claude {

using json::Type;
using json::Value;
using json::Writer;

namespace {

/// The tool's options, wherever its vendor keeps them; nullptr when it is another tool.
const Value* options_of(const Value& tool) {
  if (!tool.is(Type::object)) return nullptr;
  for (const auto key : {"google_search", "googleSearch"}) {
    if (const auto* options = tool.find(key)) return options;
  }
  const auto* type = text_at(tool, "type");
  const bool search = type == nullptr || type->starts_with("web_search") || *type == "google_search";
  // Chat's options have no type; of the other tools without one all members are objects of another name.
  constexpr std::array<std::string_view, 3> known{"search_context_size", "user_location", "filters"};
  const bool options = std::ranges::all_of(
      tool.members(), [&](const auto& member) { return std::ranges::find(known, member.first) != known.end(); });
  return search && (type != nullptr || options) ? &tool : nullptr;
}

void write_location(Writer& w, const Value& location) {
  const auto* inner = given(location, "approximate");
  const auto& place = inner != nullptr ? *inner : location;
  w.key("user_location").begin_object().key("type").string("approximate");
  for (const std::string_view key : {"city", "region", "country", "timezone"}) {
    if (const auto* text = text_at(place, key)) w.key(key).string(*text);
  }
  w.end_object();
}

}  // namespace

std::optional<std::string> web_search_of(const Value& tool, std::string_view path, const Encoding& encoding) {
  const auto* options = encoding.rules.claude ? options_of(tool) : nullptr;
  if (options == nullptr) return std::nullopt;
  std::string out;
  Writer w{out};
  w.begin_object().key("type").string("web_search_20250305").key("name").string("web_search");
  for (const auto& [key, value] : options->members()) {
    const auto* domains = key == "filters" ? given(value, "allowed_domains") : nullptr;
    if (domains != nullptr && domains->is(Type::array)) {
      w.key("allowed_domains").raw(domains->dump());
    } else if (key == "user_location" && value.is(Type::object)) {
      write_location(w, value);
    } else if (key != "type" && !value.is(Type::null)) {
      encoding.detail(cat(path, '.', key), "anthropic's search has none");
    }
  }
  w.end_object();
  return out;
}

}  // namespace cardea::dialect::claude

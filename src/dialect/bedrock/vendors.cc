// Whose model an id names. Converse is one API, yet some fields mean something to some models only, and are refused by others.

#include <algorithm>
#include <array>

#include "dialect/bedrock/bedrock.h"

namespace cardea::dialect::converse {
namespace {

struct Mark {
  std::string_view mark;  ///< anywhere in the id
  Vendor vendor;
  bool schemas = false;  ///< "Get validated JSON results from models", Bedrock's user guide; of Claude by version
};
// In this order: "amazon." is of many, "nova" of one.
constexpr std::array marks{
    Mark{"claude", Vendor::claude},
    Mark{"anthropic.", Vendor::claude},
    Mark{"amazon.nova", Vendor::nova},
    Mark{"nova-", Vendor::nova},
    Mark{"cohere.", Vendor::cohere},
    Mark{"ai21.", Vendor::ai21},
    Mark{"gpt-oss", Vendor::gpt_oss, true},
    Mark{"openai.", Vendor::gpt_oss, true},
    Mark{"mistral.", Vendor::other, true},
    Mark{"deepseek.", Vendor::other, true},
    Mark{"qwen.", Vendor::other, true},
    Mark{"moonshot.", Vendor::other, true},
    Mark{"moonshotai.", Vendor::other, true},
    Mark{"minimax.", Vendor::other, true},
    Mark{"zai.", Vendor::other, true},
    Mark{"google.", Vendor::other, true},
    Mark{"nvidia.", Vendor::other, true},
    Mark{"amazon.", Vendor::other},
    Mark{"meta.", Vendor::other},
    Mark{"writer.", Vendor::other},
    Mark{"twelvelabs.", Vendor::other},
    Mark{"stability.", Vendor::other},
};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// The number at the front of `text` when it is one of one or two digits (eight are a date); it is taken off.
std::optional<std::uint32_t> take_number(std::string_view& text) noexcept {
  const auto end = std::ranges::find_if_not(text, is_digit);
  const auto length = static_cast<std::size_t>(end - text.begin());
  if (length == 0 || length > 2) return std::nullopt;
  const auto number = parse_number<std::uint32_t>(text.substr(0, length));
  text.remove_prefix(length);
  return number;
}

/// "3-7-sonnet-2025…" and "opus-4-1-2025…": the version, as 37 and 41.
std::uint32_t version_in(std::string_view rest) noexcept {
  while (!rest.empty() && !is_digit(rest.front())) {
    const auto dash = rest.find_first_of("-.");
    if (dash == std::string_view::npos) return 0;
    if (rest.front() == 'v' && rest.size() > 1 && is_digit(rest[1])) return 0;  // "v2", "v1:0": of the id, or very old
    rest.remove_prefix(dash + 1);
  }
  const auto major = take_number(rest);
  if (!major) return 0;
  std::uint32_t minor = 0;
  if (!rest.empty() && (rest.front() == '-' || rest.front() == '.')) {
    rest.remove_prefix(1);
    minor = take_number(rest).value_or(0);
  }
  return *major * 10 + std::min(minor, 9U);
}

}  // namespace

ModelTraits model_traits(std::string_view id) noexcept {
  const auto found = std::ranges::find_if(marks, [&](const Mark& mark) { return id.find(mark.mark) != std::string_view::npos; });
  if (found == marks.end()) return {};
  ModelTraits out{.vendor = found->vendor, .version = 0, .schemas = found->schemas};
  const std::string_view family = out.vendor == Vendor::claude ? "claude-" : "nova-";
  const auto at = id.find(family);
  if (at != std::string_view::npos) out.version = version_in(id.substr(at + family.size()));
  if (out.vendor != Vendor::claude) return out;
  constexpr std::uint32_t unsaid = 45;  // the oldest of those in use that thinks by a budget and takes schemas
  const auto named = [&](std::string_view name) { return id.find(name) != std::string_view::npos; };
  if (out.version == 0)
    out.version = named("mythos") || named("fable") ? 50 : named("claude-v") || named("instant") ? 20 : unsaid;
  out.schemas = out.version >= 45;
  return out;
}

}  // namespace cardea::dialect::converse

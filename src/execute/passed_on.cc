#include "execute/passed_on.h"

#include <algorithm>

#include "base/text.h"

namespace cardea::execute {
namespace {

constexpr std::size_t bytes_max = 2048;
constexpr std::size_t id_bytes_max = 128;

bool has_prefix(std::string_view name, std::string_view prefix) {
  return name.size() > prefix.size() && iequals(name.substr(0, prefix.size()), prefix);
}

/// OpenAI's and Anthropic's limits, and what both SDK families obey when they retry (conventions.md §4).
bool is_passed_on(std::string_view name) {
  switch (ascii_lower(name.front())) {
    case 'x': return has_prefix(name, "x-ratelimit-") || iequals(name, "x-should-retry");
    case 'a': return has_prefix(name, "anthropic-ratelimit-");
    case 'r': return iequals(name, "retry-after-ms");
    default: return false;
  }
}

/// The vendor's id of the request, which its support asks for. Ours has the name `x-request-id`.
bool is_id(std::string_view name) {
  switch (ascii_lower(name.front())) {
    case 'x': return iequals(name, "x-request-id") || iequals(name, "x-amzn-requestid");
    case 'r': return iequals(name, "request-id");
    default: return false;
  }
}

bool is_plain(std::string_view value) {
  return std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

std::string passed_on(const wire::ResponseHead& head) {
  std::string lines;
  bool named = false;
  const wire::HeaderTable& headers = head.headers();
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const wire::Header header = headers[i];
    const bool id = !named && is_id(header.name) && !header.value.empty() && header.value.size() <= id_bytes_max;
    if ((!id && !is_passed_on(header.name)) || !is_plain(header.value)) continue;
    const std::string_view name = id ? "x-cardea-upstream-request-id" : header.name;
    if (lines.size() + name.size() + header.value.size() + 4 > bytes_max) break;
    named = named || id;
    lines.reserve(128);  // mostly all there is
    lines.append(name).append(": ").append(header.value).append("\r\n");
  }
  return lines;
}

}  // namespace cardea::execute

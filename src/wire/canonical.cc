#include "wire/canonical.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "base/text.h"

namespace cardea::wire {
namespace {

/// Every byte but the unreserved characters of RFC 3986.
std::string encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                       c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool triple = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
    out.push_back(triple ? static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i]);
    if (triple) i += 2;
  }
  return out;
}

template <class Visit>
void for_each_piece(std::string_view text, char separator, const Visit& visit) {
  while (true) {
    const auto end = text.find(separator);
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> segments;
  for_each_piece(path, '/', [&](std::string_view segment) {
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
  });
  std::string out;
  for (const auto segment : segments) out += cat('/', encoded(segment));
  const bool folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  if (out.empty() || folder) out += '/';
  return out;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  for_each_piece(query, '&', [&](std::string_view parameter) {
    if (parameter.empty()) return;
    const auto equals = std::min(parameter.find('='), parameter.size());
    const auto value = parameter.substr(std::min(parameter.size(), equals + 1));
    // Whether or not it was encoded when it was sent, it is encoded once here.
    parameters.emplace_back(encoded(decoded(parameter.substr(0, equals))), encoded(decoded(value)));
  });
  std::ranges::sort(parameters);
  std::string out;
  for (const auto& [name, value] : parameters) out += cat(out.empty() ? "" : "&", name, '=', value);
  return out;
}

/// As sent; sorted by name.
std::string literal_query(std::string_view query) {
  std::multimap<std::string_view, std::string_view> parameters;
  for_each_piece(query, '&',
                 [&](std::string_view parameter) { parameters.emplace(parameter.substr(0, parameter.find('=')), parameter); });
  std::string out;
  for (const auto& [name, parameter] : parameters) {
    if (!out.empty()) out += '&';
    out += parameter;
  }
  return out;
}

/// Without spaces around it, and single ones inside.
std::string folded(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    const bool space = c == ' ' || c == '\t';
    if (!space || out.back() != ' ') out.push_back(space ? ' ' : c);
  }
  return out;
}

/// Sorted by name; those of one name in the order sent.
std::map<std::string, std::string> canonical_headers(std::span<const HeaderToSign> headers) {
  std::map<std::string, std::string> out;
  for (const auto& header : headers) {
    auto& value = out[to_lower(header.name)];
    value += cat(value.empty() ? "" : ",", folded(header.value));
  }
  return out;
}

std::string names_of(const std::map<std::string, std::string>& headers) {
  std::string out;
  for (const auto& [name, value] : headers) out += cat(out.empty() ? "" : ";", name);
  return out;
}

}  // namespace

std::string aws_time(std::uint64_t unix_seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds{unix_seconds}};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::string out;
  const auto two = [&](auto number) {
    if (number < 10) out.push_back('0');
    append(out, number);
  };
  append(out, static_cast<int>(date.year()));
  two(static_cast<unsigned>(date.month()));
  two(static_cast<unsigned>(date.day()));
  out.push_back('T');
  two(clock.hours().count());
  two(clock.minutes().count());
  two(clock.seconds().count());
  out.push_back('Z');
  return out;
}

std::string signed_names(std::span<const HeaderToSign> headers) { return names_of(canonical_headers(headers)); }

std::string canonical_request(const RequestToSign& request, Canonical form) {
  const auto question = std::min(request.target.find('?'), request.target.size());
  const auto path = request.target.substr(0, question);
  const auto query = request.target.substr(std::min(request.target.size(), question + 1));
  const auto headers = canonical_headers(request.headers);
  std::string out = cat(request.method, '\n');
  out += form == Canonical::aws ? cat(canonical_path(path), '\n', canonical_query(query), '\n')
                                : cat(path, '\n', literal_query(query), '\n');
  for (const auto& [name, value] : headers) out += cat(name, ':', value, '\n');
  out += cat('\n', names_of(headers), '\n', request.body_hash);
  return out;
}

std::optional<std::int64_t> parse_aws_time(std::string_view text) noexcept {
  constexpr std::string_view form =
      "dddddddd"
      "T"
      "dddddd"
      "Z";
  if (text.size() != form.size()) return std::nullopt;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool fits = form[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i];
    if (!fits) return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t digits) {
    int out = 0;
    for (const char c : text.substr(at, digits)) out = out * 10 + (c - '0');
    return out;
  };
  const std::chrono::year_month_day date{std::chrono::year{number(0, 4)}, std::chrono::month{static_cast<unsigned>(number(4, 2))},
                                         std::chrono::day{static_cast<unsigned>(number(6, 2))}};
  const int hour = number(9, 2);
  const int minute = number(11, 2);
  const int second = number(13, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const std::chrono::sys_seconds time =
      std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute} + std::chrono::seconds{second};
  return time.time_since_epoch().count();
}

}  // namespace cardea::wire

#include "execute/sigv4.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "base/text.h"

namespace cardea::execute {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view terminator = "aws4_request";

std::string_view bytes_of(const net::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};  // NOLINT
}

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

std::string canonical_request(const RequestToSign& request) {
  const auto question = std::min(request.target.find('?'), request.target.size());
  const auto query = request.target.substr(std::min(request.target.size(), question + 1));
  const auto headers = canonical_headers(request.headers);
  std::string out =
      cat(request.method, '\n', canonical_path(request.target.substr(0, question)), '\n', canonical_query(query), '\n');
  for (const auto& [name, value] : headers) out += cat(name, ':', value, '\n');
  out += cat('\n', names_of(headers), '\n', to_hex(bytes_of(request.body)));
  return out;
}

std::string aws_authorization(const catalog::SigV4& keys, const RequestToSign& request, std::string_view time) {
  const auto date = time.substr(0, 8);
  const std::string scope = cat(date, '/', keys.region, '/', keys.service, '/', terminator);
  const auto hashed = net::sha256(canonical_request(request));
  const std::string to_sign = cat(algorithm, '\n', time, '\n', scope, '\n', to_hex(bytes_of(hashed)));
  const Secret start{cat("AWS4", keys.secret_key.reveal())};
  auto key = net::hmac_sha256(start.reveal(), date);
  for (const std::string_view step : {std::string_view{keys.region}, std::string_view{keys.service}, terminator}) {
    key = net::hmac_sha256(bytes_of(key), step);
  }
  const auto signature = net::hmac_sha256(bytes_of(key), to_sign);
  return cat(algorithm, " Credential=", keys.access_key, '/', scope,
             ", SignedHeaders=", names_of(canonical_headers(request.headers)), ", Signature=", to_hex(bytes_of(signature)));
}

std::string sigv4_lines(const catalog::SigV4& keys, const RequestToSign& request, std::uint64_t now) {
  const std::string time = aws_time(now);
  const std::string hash = to_hex(bytes_of(request.body));
  std::vector<HeaderToSign> headers{request.headers.begin(), request.headers.end()};
  const auto own = headers.size();
  headers.push_back({"x-amz-date", time});
  headers.push_back({"x-amz-content-sha256", hash});
  if (!keys.session_token.empty()) headers.push_back({"x-amz-security-token", keys.session_token.reveal()});
  auto all = request;
  all.headers = headers;
  std::string out;
  for (std::size_t i = own; i < headers.size(); ++i) out += cat(headers[i].name, ": ", headers[i].value, "\r\n");
  out += cat("authorization: ", aws_authorization(keys, all, time), "\r\n");
  return out;
}

}  // namespace cardea::execute

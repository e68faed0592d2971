#include <algorithm>

#include "wire/http1.h"
#include "wire/http1_scan.h"

namespace cardea::wire {
namespace {

struct Phrase {
  std::uint16_t status;
  std::string_view text;
};
// Sorted; RFC 9110 §15 and the IANA registry.
constexpr Phrase phrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
    {529, "Overloaded"},
};
static_assert(std::ranges::is_sorted(phrases, {}, &Phrase::status));

}  // namespace

std::string_view reason_phrase(unsigned status) noexcept {
  const auto found = std::ranges::lower_bound(phrases, status, {}, &Phrase::status);
  return found != std::end(phrases) && found->status == status ? found->text : "Unknown";
}

void append_status_line(std::string& out, unsigned status) {
  if (status == 200) {
    out.append("HTTP/1.1 200 OK\r\n");
    return;
  }
  out.append("HTTP/1.1 ");
  append(out, status);
  out.append(" ").append(reason_phrase(status)).append("\r\n");
}

void append_request_line(std::string& out, std::string_view method, std::string_view target) {
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
}

Status HeaderBlock::add(std::string_view name, std::string_view value) {
  const bool token = !name.empty() && std::ranges::all_of(name, [](char c) { return has_class(c, any_token_char); });
  if (!token) return fail(Kind::bad_request, "a header name must be a token");
  const char* const stop = value.data() + value.size();
  if (const char* const wrong = find_control(value.data(), stop); wrong != stop) {
    return fail(Kind::bad_request, cat("header ", name, ": ", show_byte(*wrong), " in the value"));
  }
  text_.append(name).append(": ").append(trim(value)).append("\r\n");
  return {};
}

std::string_view chunk_prefix(std::uint64_t size, std::span<char, chunk_prefix_bytes> buffer) noexcept {
  auto* end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return {buffer.data(), end};
}

}  // namespace cardea::wire

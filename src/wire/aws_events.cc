#include "wire/aws_events.h"

#include <zlib.h>

#include <cstdint>

#include "base/text.h"

namespace cardea::wire {
namespace {

constexpr std::size_t prelude_bytes = 12;  // total length, headers length, CRC of these two
constexpr std::size_t crc_bytes = 4;

std::uint32_t crc_of(std::string_view bytes) noexcept {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));  // NOLINT
}

/// Big-endian, as every number of the format.
std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t size) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

void append_number(std::string& out, std::uint32_t value, std::size_t size) {
  for (std::size_t i = size; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

std::unexpected<Error> broken(std::string_view what) {
  return fail(Kind::upstream_protocol, cat("the upstream's event stream is broken: ", what));
}

/// Bytes of a header's value by its type; strings and byte arrays say theirs themselves.
constexpr std::uint8_t byte_array = 6;
constexpr std::uint8_t string = 7;
constexpr std::size_t fixed_bytes[] = {0, 0, 1, 2, 4, 8, 0, 0, 8, 16};

struct Header {
  std::string_view name;
  std::string_view value;
  std::uint8_t type = 0;
};

/// Takes the header at the front of `bytes`; false when it does not fit.
bool take_header(std::string_view& bytes, Header& out) {
  if (bytes.empty()) return false;
  const std::size_t name_size = static_cast<unsigned char>(bytes[0]);
  if (bytes.size() < 1 + name_size + 1) return false;
  out.name = bytes.substr(1, name_size);
  out.type = static_cast<std::uint8_t>(bytes[1 + name_size]);
  bytes.remove_prefix(1 + name_size + 1);
  if (out.type >= std::size(fixed_bytes)) return false;
  std::size_t size = fixed_bytes[out.type];
  if (out.type == byte_array || out.type == string) {
    if (bytes.size() < 2) return false;
    size = number_at(bytes, 0, 2);
    bytes.remove_prefix(2);
  }
  if (bytes.size() < size) return false;
  out.value = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

void note(const Header& header, AwsMessage& message) {
  struct Row {
    std::string_view name;
    std::string_view AwsMessage::* field;
  };
  static constexpr Row rows[] = {{":message-type", &AwsMessage::message_type},     {":event-type", &AwsMessage::event_type},
                                 {":exception-type", &AwsMessage::exception_type}, {":error-code", &AwsMessage::exception_type},
                                 {":error-message", &AwsMessage::error_message},   {":content-type", &AwsMessage::content_type}};
  if (header.type != string) return;
  for (const auto& row : rows) {
    if (row.name == header.name) message.*row.field = header.value;
  }
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  append_number(out, static_cast<std::uint32_t>(name.size()), 1);
  out += name;
  append_number(out, string, 1);
  append_number(out, static_cast<std::uint32_t>(value.size()), 2);
  out += value;
}

void append_message(std::string& out, std::string_view message_type, std::string_view kind, std::string_view name,
                    std::string_view payload) {
  std::string headers;
  append_header(headers, kind, name);
  append_header(headers, ":content-type", "application/json");
  append_header(headers, ":message-type", message_type);
  const std::size_t begin = out.size();
  append_number(out, static_cast<std::uint32_t>(prelude_bytes + headers.size() + payload.size() + crc_bytes), 4);
  append_number(out, static_cast<std::uint32_t>(headers.size()), 4);
  append_number(out, crc_of(std::string_view{out}.substr(begin)), 4);
  out += headers;
  out += payload;
  append_number(out, crc_of(std::string_view{out}.substr(begin)), 4);
}

}  // namespace

Result<std::optional<AwsMessage>> parse_aws_message(std::string_view bytes, std::size_t bytes_max) {
  if (bytes.size() < prelude_bytes) return std::nullopt;
  // Before its own checksum fits, the length means nothing.
  if (crc_of(bytes.substr(0, 8)) != number_at(bytes, 8, 4)) return broken("a wrong checksum before a message");
  const std::size_t total = number_at(bytes, 0, 4);
  const std::size_t headers_size = number_at(bytes, 4, 4);
  if (total > bytes_max) return broken(cat("a message of more than ", bytes_max, " bytes"));
  if (total < prelude_bytes + crc_bytes || headers_size > total - prelude_bytes - crc_bytes) return broken("a wrong length");
  if (bytes.size() < total) return std::nullopt;
  if (crc_of(bytes.substr(0, total - crc_bytes)) != number_at(bytes, total - crc_bytes, 4)) return broken("a wrong checksum");
  AwsMessage message;
  message.bytes = total;
  std::string_view headers = bytes.substr(prelude_bytes, headers_size);
  while (!headers.empty()) {
    Header header;
    if (!take_header(headers, header)) return broken("a header that does not fit");
    note(header, message);
  }
  message.payload = bytes.substr(prelude_bytes + headers_size, total - prelude_bytes - headers_size - crc_bytes);
  return message;
}

void append_aws_event(std::string& out, std::string_view event_type, std::string_view payload) {
  append_message(out, "event", ":event-type", event_type, payload);
}

void append_aws_exception(std::string& out, std::string_view exception_type, std::string_view payload) {
  append_message(out, "exception", ":exception-type", exception_type, payload);
}

}  // namespace cardea::wire

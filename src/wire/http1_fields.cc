#include <cstring>

#include "wire/http1.h"
#include "wire/http1_scan.h"

namespace cardea::wire {
namespace {

enum Flag : std::uint8_t {
  plain = 0,
  hop = 1,         ///< hop-by-hop
  no_trailer = 2,  ///< framing, routing, request control, credentials, content format: RFC 9110 §6.5.1
  pinned = 4,      ///< stays end-to-end even when Connection names it
};

struct Row {
  Field field;
  std::string_view name;
  unsigned flags;
};

constexpr Row rows[] = {
    {Field::accept, "accept", plain},
    {Field::accept_encoding, "accept-encoding", plain},
    {Field::anthropic_beta, "anthropic-beta", plain},
    {Field::anthropic_version, "anthropic-version", plain},
    {Field::api_key, "api-key", no_trailer | pinned},
    {Field::authorization, "authorization", no_trailer | pinned},
    {Field::cache_control, "cache-control", no_trailer},
    {Field::connection, "connection", hop | no_trailer},
    {Field::content_encoding, "content-encoding", no_trailer | pinned},
    {Field::content_length, "content-length", no_trailer | pinned},
    {Field::content_range, "content-range", no_trailer},
    {Field::content_type, "content-type", no_trailer | pinned},
    {Field::cookie, "cookie", no_trailer | pinned},
    {Field::date, "date", no_trailer},
    {Field::expect, "expect", no_trailer},
    {Field::forwarded, "forwarded", no_trailer | pinned},
    {Field::host, "host", no_trailer | pinned},
    {Field::http2_settings, "http2-settings", hop | no_trailer},
    {Field::keep_alive, "keep-alive", hop | no_trailer},
    {Field::location, "location", no_trailer},
    {Field::max_forwards, "max-forwards", no_trailer},
    {Field::openai_organization, "openai-organization", plain},
    {Field::openai_project, "openai-project", plain},
    {Field::origin, "origin", no_trailer | pinned},
    {Field::pragma, "pragma", no_trailer},
    {Field::proxy_authenticate, "proxy-authenticate", hop | no_trailer},
    {Field::proxy_authorization, "proxy-authorization", hop | no_trailer},
    {Field::proxy_connection, "proxy-connection", hop | no_trailer},
    {Field::range, "range", no_trailer},
    {Field::retry_after, "retry-after", no_trailer},
    {Field::server, "server", plain},
    {Field::set_cookie, "set-cookie", no_trailer},
    {Field::te, "te", hop | no_trailer},
    {Field::traceparent, "traceparent", plain},
    {Field::tracestate, "tracestate", plain},
    {Field::trailer, "trailer", hop | no_trailer},
    {Field::transfer_encoding, "transfer-encoding", hop | no_trailer},
    {Field::upgrade, "upgrade", hop | no_trailer},
    {Field::user_agent, "user-agent", plain},
    {Field::www_authenticate, "www-authenticate", no_trailer},
    {Field::x_api_key, "x-api-key", no_trailer | pinned},
    {Field::x_forwarded_for, "x-forwarded-for", no_trailer | pinned},
    {Field::x_forwarded_host, "x-forwarded-host", no_trailer | pinned},
    {Field::x_forwarded_proto, "x-forwarded-proto", no_trailer | pinned},
    {Field::x_goog_api_key, "x-goog-api-key", no_trailer | pinned},
    {Field::x_request_id, "x-request-id", plain},
};
constexpr std::size_t row_count = sizeof rows / sizeof rows[0];

constexpr bool rows_match_enum() {
  for (std::size_t i = 0; i < row_count; ++i) {
    if (static_cast<std::size_t>(rows[i].field) != i + 1) return false;
  }
  return row_count == static_cast<std::size_t>(Field::last_);
}
static_assert(rows_match_enum(), "one row per Field, in the order of the enum");

// A perfect hash over length, first, middle and last letter; the multiplier is searched at compile time.
constexpr std::size_t table_size = 256;
constexpr std::uint32_t hash(std::string_view name, std::uint32_t multiplier) {
  const auto letter = [name](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(name[i]) | 0x20U); };
  const std::uint32_t key = letter(0) | letter(name.size() / 2) << 8 | letter(name.size() - 1) << 16 |
                            static_cast<std::uint32_t>(name.size() & 0xff) << 24;
  return (key * multiplier) >> 24;
}
struct Table {
  std::uint32_t multiplier = 0;
  std::array<std::uint8_t, table_size> row{};  ///< Field, 0 = none
};
consteval Table build() {
  for (std::uint32_t multiplier = 0x9e3779b1U;; multiplier += 0x61c88646U) {
    Table table{.multiplier = multiplier};
    bool fits = true;
    for (std::size_t i = 0; i < row_count && fits; ++i) {
      auto& slot = table.row[hash(rows[i].name, multiplier)];
      fits = slot == 0;
      slot = static_cast<std::uint8_t>(i + 1);
    }
    if (fits) return table;
  }
}
constexpr Table table = build();

unsigned flags_of(Field field) noexcept {
  return field == Field::other ? plain : rows[static_cast<std::size_t>(field) - 1].flags;
}

/// `a` against a lower-case row. `c | 0x20` folds case exactly here: rows hold only a-z, 0-9 and '-', and no other token
/// character folds onto one of those.
bool token_equals(const char* a, const char* row, std::size_t size) noexcept {
  constexpr std::uint64_t fold = 0x2020202020202020U;
  if (size >= 8) {
    const auto differs = [](const char* x, const char* y) {
      std::uint64_t u = 0;
      std::uint64_t v = 0;
      std::memcpy(&u, x, 8);
      std::memcpy(&v, y, 8);
      return (u | fold) != v;
    };
    for (std::size_t i = 0; i + 8 < size; i += 8) {
      if (differs(a + i, row + i)) return false;
    }
    return !differs(a + size - 8, row + size - 8);
  }
  for (std::size_t i = 0; i < size; ++i) {
    if ((a[i] | 0x20) != row[i]) return false;
  }
  return true;
}

}  // namespace

Field field_of_token(std::string_view name) noexcept {
  const auto candidate = table.row[hash(name, table.multiplier)];
  if (candidate == 0) return Field::other;
  const auto& row = rows[candidate - 1U];
  return row.name.size() == name.size() && token_equals(name.data(), row.name.data(), name.size()) ? row.field : Field::other;
}

Field field_of(std::string_view name) noexcept {
  if (name.empty()) return Field::other;
  const auto candidate = table.row[hash(name, table.multiplier)];
  return candidate != 0 && iequals(rows[candidate - 1U].name, name) ? rows[candidate - 1U].field : Field::other;
}

std::string_view name_of(Field field) noexcept {
  return field == Field::other ? std::string_view{} : rows[static_cast<std::size_t>(field) - 1].name;
}

bool is_hop_by_hop(std::string_view name) noexcept { return (flags_of(field_of(name)) & hop) != 0; }

bool forbidden_in_trailers(Field field) noexcept { return (flags_of(field) & no_trailer) != 0; }

std::optional<std::string_view> HeaderTable::find(std::string_view name) const noexcept {
  if (const auto field = field_of(name); field != Field::other) return find(field);
  for (std::size_t i = 0; i < count_; ++i) {
    if (slots_[i].name_size != name.size() || slots_[i].field != Field::other) continue;
    if (const auto header = (*this)[i]; iequals(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::size_t HeaderTable::count(std::string_view name) const noexcept {
  std::size_t n = 0;
  for (const auto header : *this) n += iequals(header.name, name) ? 1 : 0;
  return n;
}

bool HeaderTable::connection_has(std::string_view token) const noexcept {
  if (!find(Field::connection)) return false;
  bool found = false;
  for (std::size_t i = 0; i < count_; ++i) {
    if (slots_[i].field != Field::connection) continue;
    for_each_in_list((*this)[i].value, [&](std::string_view part) { found = found || iequals(part, token); });
  }
  return found;
}

bool HeaderTable::is_hop_by_hop(std::size_t i) const noexcept {
  const auto flags = flags_of(slots_[i].field);
  if ((flags & hop) != 0) return true;
  return (flags & pinned) == 0 && connection_has((*this)[i].name);
}

}  // namespace cardea::wire

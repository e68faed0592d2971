#include "access/credential.h"

#include <algorithm>
#include <span>

#include "access/token.h"
#include "base/text.h"
#include "wire/http1.h"

namespace cardea::access {
namespace {

using wire::Field;

struct Carrier {
  Field field;
  std::string_view spelling;
};
// Authorization has a grammar of its own; these carry the bare key.
constexpr Carrier plain_carriers[] = {
    {Field::x_api_key, "x-api-key"},
    {Field::api_key, "api-key"},
    {Field::x_goog_api_key, "x-goog-api-key"},
};
constexpr std::string_view query_carrier = "?key=";
constexpr std::string_view asks_about_a_key = "/key/info";

/// RFC 3986 §2.1 into `out`; std::nullopt for a bad escape or when it does not fit. `+` stays `+`: this is a URI, not a form.
std::optional<std::string_view> percent_decode(std::string_view text, std::span<char> out) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i, ++size) {
    if (size == out.size()) return std::nullopt;
    if (text[i] != '%') {
      out[size] = text[i];
      continue;
    }
    const int byte = percent_escape(text.substr(i));
    if (byte < 0) return std::nullopt;
    out[size] = static_cast<char>(byte);
    i += 2;
  }
  return std::string_view{out.data(), size};
}

constexpr std::string_view malformed =
    "The Authorization header is malformed. Send 'Authorization: Bearer YOUR_KEY', or sign (docs/request-signing.md).";

/// The key's id in "KeyId=ID, …", or "Credential=ID/DAY/REGION/SERVICE/aws4_request, …": the id itself may hold slashes. Nothing
/// when it is not of that form; the rest is read by who verifies.
std::optional<std::string_view> key_id(SigningScheme scheme, std::string_view parameters) {
  const bool aws = scheme == SigningScheme::aws;
  const std::string_view name = aws ? "Credential=" : "KeyId=";
  while (!parameters.empty()) {
    const auto end = parameters.find(',');
    auto value = trim(parameters.substr(0, end));
    parameters.remove_prefix(end == std::string_view::npos ? parameters.size() : end + 1);
    if (!value.starts_with(name)) continue;
    value.remove_prefix(name.size());
    if (!aws) return value;
    if (!value.ends_with("/aws4_request")) return std::nullopt;
    for (int scope = 0; scope < 4; ++scope) {  // aws4_request, service, region, day
      const auto slash = value.rfind('/');
      if (slash == std::string_view::npos) return std::nullopt;
      value = value.substr(0, slash);
    }
    return value;
  }
  return std::nullopt;
}

std::optional<SigningScheme> scheme_of(std::string_view text) {
  if (iequals(text, "aws4-hmac-sha256")) return SigningScheme::aws;
  if (iequals(text, "cardea-hmac-sha256")) return SigningScheme::cardea;
  return std::nullopt;
}

}  // namespace

Status Credential::extract(const wire::RequestHead& head) {
  const auto& headers = head.headers();
  // Every line, not the first of each name: a second, different Authorization is as ambiguous as two carriers.
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const Field field = headers.field(i);
    if (field == Field::other) continue;
    if (field == Field::authorization) {
      if (auto taken = take_authorization(headers[i].value); !taken) return taken;
      continue;
    }
    for (const auto& carrier : plain_carriers) {
      if (field != carrier.field) continue;
      if (auto taken = take(headers[i].value, carrier.spelling); !taken) return taken;
    }
  }
  // LiteLLM's scripts name the key that they ask about in this one's query: `/key/info?key=sk-…`, and send their own in a header.
  if (head.path() == asks_about_a_key) return {};
  return head.query().empty() ? Status{} : take_query(head.query());
}

Status Credential::take(std::string_view credential, std::string_view carrier) {
  if (credential.empty()) {
    return fail(Kind::unauthenticated, cat("The API key in ", carrier, " is empty. Send a key, or leave ", carrier, " out."));
  }
  const std::size_t most = carrier == "Authorization" ? token_bytes_max : key_bytes_max;
  if (credential.size() > most) {
    return fail(Kind::unauthenticated, cat("The API key in ", carrier, " is longer than ", most, " bytes."));
  }
  if (value_ && *value_ != credential) {
    const auto where = carrier_ == carrier ? cat("twice in ", carrier) : cat("in ", carrier_, " and ", carrier);
    return fail(Kind::unauthenticated, cat("Two different API keys were sent, ", where, ". Send one."));
  }
  if (!value_) {
    value_ = credential;
    carrier_ = carrier;
  }
  return {};
}

Status Credential::take_authorization(std::string_view value) {
  const auto end = value.find_first_of(" \t");
  const auto scheme = value.substr(0, end);
  const auto token = end == std::string_view::npos ? std::string_view{} : trim(value.substr(end));
  if (const auto signing = scheme_of(scheme)) {
    if (scheme_) return fail(Kind::unauthenticated, "Two Authorization headers of signed requests were sent. Send one.");
    const auto id = key_id(*signing, token);
    if (!id) return fail(Kind::unauthenticated, std::string{malformed});
    scheme_ = signing;
    parameters_ = token;
    return take(*id, "Authorization");
  }
  if (!iequals(scheme, "bearer")) {
    return fail(Kind::unauthenticated,
                "This gateway knows 'Authorization: Bearer YOUR_KEY', CARDEA-HMAC-SHA256 and AWS4-HMAC-SHA256.");
  }
  if (token.find_first_of(" \t") != std::string_view::npos) return fail(Kind::unauthenticated, std::string{malformed});
  return take(token, "Authorization");
}

Status Credential::take_query(std::string_view query) {
  while (true) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) == credential_parameter) {
      const auto raw = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
      // A value without escapes needs no copy; so decoded_ holds at most one live value: the first with escapes.
      if (raw.find('%') == std::string_view::npos) {
        if (auto taken = take(raw, query_carrier); !taken) return taken;
      } else {
        std::array<char, key_bytes_max> second;  // NOLINT
        const bool first = !value_;
        const auto decoded = percent_decode(raw, first ? std::span{decoded_} : std::span{second});
        if (!decoded) return fail(Kind::unauthenticated, "The API key in ?key= is not valid percent-encoding or too long.");
        if (auto taken = take(*decoded, query_carrier); !taken) return taken;
      }
    }
    if (end == std::string_view::npos) return {};
    query.remove_prefix(end + 1);
  }
}

bool is_credential_header(std::string_view name) noexcept {
  const Field field = wire::field_of(name);
  if (field == Field::authorization) return true;
  return std::ranges::any_of(plain_carriers, [field](const Carrier& carrier) { return carrier.field == field; });
}

}  // namespace cardea::access

#include "access/machine_token.h"

#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/text.h"
#include "json/writer.h"

namespace cardea::access {
namespace {

constexpr char version = 1;
constexpr std::size_t number_bytes = 8;
constexpr std::size_t head_bytes = 1 + 2 * number_bytes;

std::string_view bytes_of(const net::Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

void append_number(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}
std::uint64_t number_at(std::string_view bytes) {
  std::uint64_t out = 0;
  for (const char c : bytes.substr(0, number_bytes)) out = out << 8 | static_cast<unsigned char>(c);
  return out;
}

std::unexpected<Error> no_token(std::string_view why) {
  return fail(Kind::unauthenticated, cat("The access token ", why, ". Get a new one from POST /oauth/token."));
}

std::unexpected<Error> refuse(Kind kind, std::string_view code, std::string_view message) {
  return std::unexpected{Error{kind, Error::Detail{.message = std::string{message}, .code = std::string{code}}}};
}

/// application/x-www-form-urlencoded: here '+' is a space.
std::optional<std::string> form_decoded(std::string_view text) {
  std::string spaced{text};
  for (char& c : spaced) {
    if (c == '+') c = ' ';
  }
  auto out = percent_decoded(spaced);
  wipe(spaced);
  return out;
}

struct Form {
  std::string grant_type;
  ClientCredentials client;
};

/// Each parameter at most once (RFC 6749 §3.2).
std::optional<Form> read_form(std::string_view text) {
  Form out;
  bool seen[3] = {};
  while (!text.empty()) {
    const auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const auto name = form_decoded(pair.substr(0, pair.find('=')));
    auto value = pair.find('=') == std::string_view::npos ? std::string{} : form_decoded(pair.substr(pair.find('=') + 1));
    if (!name || !value) return std::nullopt;
    const int at = *name == "grant_type" ? 0 : *name == "client_id" ? 1 : *name == "client_secret" ? 2 : -1;
    if (at < 0) continue;
    if (std::exchange(seen[at], true)) return std::nullopt;
    if (at == 0) out.grant_type = std::move(*value);
    if (at == 1) out.client.id = std::move(*value);
    if (at == 2) out.client.secret = Secret{std::move(*value)};
  }
  return out;
}

std::optional<ClientCredentials> read_basic(std::string_view authorization) {
  constexpr std::string_view scheme = "basic ";
  if (!iequals(authorization.substr(0, scheme.size()), scheme)) return std::nullopt;
  const auto decoded = from_base64(trim(authorization.substr(scheme.size())));
  if (!decoded) return std::nullopt;
  const Secret both{*decoded};
  const auto colon = both.reveal().find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto id = form_decoded(both.reveal().substr(0, colon));
  auto secret = form_decoded(both.reveal().substr(colon + 1));
  if (!id || !secret) return std::nullopt;
  return ClientCredentials{std::move(*id), Secret{std::move(*secret)}};
}

}  // namespace

std::uint64_t tag_of(const net::Digest& hash) noexcept { return number_at(bytes_of(hash)); }

std::string write_machine_token(const net::KeyedHash& key, const MachineToken& token) {
  std::string body{version};
  append_number(body, static_cast<std::uint64_t>(token.expires));
  append_number(body, token.value_tag);
  body += token.key_id;
  return cat(machine_token_prefix, to_base64url(body), '.', to_base64url(bytes_of(key(body))));
}

Result<MachineToken> read_machine_token(const net::KeyedHash& key, std::string_view text, std::int64_t now) {
  constexpr std::size_t bytes_max = 1024;
  const auto dot = text.find('.');
  if (!text.starts_with(machine_token_prefix) || text.size() > bytes_max || dot == std::string_view::npos) {
    return no_token("is not one of this gateway's");
  }
  const auto body = from_base64(text.substr(machine_token_prefix.size(), dot - machine_token_prefix.size()));
  const auto proof = from_base64(text.substr(dot + 1));
  if (!body || !proof || !constant_time_equal(*proof, bytes_of(key(*body))) || body->size() < head_bytes ||
      (*body)[0] != version) {
    return no_token("is not one of this gateway's");
  }
  const std::string_view read = *body;
  MachineToken out;
  out.expires = static_cast<std::int64_t>(number_at(read.substr(1)));
  out.value_tag = number_at(read.substr(1 + number_bytes));
  out.key_id = read.substr(head_bytes);
  if (now >= out.expires) return no_token("has expired");
  return out;
}

Result<ClientCredentials> read_token_request(std::string_view authorization, std::string_view form) {
  auto read = read_form(form);
  if (!read) return refuse(Kind::bad_request, "invalid_request", "The body is no form, or has a parameter twice.");
  if (read->grant_type.empty()) return refuse(Kind::bad_request, "invalid_request", "grant_type is missing.");
  if (read->grant_type != "client_credentials") {
    return refuse(Kind::bad_request, "unsupported_grant_type", "Only grant_type=client_credentials is supported.");
  }
  if (!authorization.empty()) {
    // RFC 6749 §2.3: one way of proof, not two.
    if (!read->client.secret.empty()) return refuse(Kind::bad_request, "invalid_request", "The client proves itself twice.");
    auto basic = read_basic(authorization);
    if (!basic)
      return refuse(Kind::unauthenticated, "invalid_client", "Send 'Authorization: Basic …' of the key's id and value.");
    if (!read->client.id.empty() && read->client.id != basic->id) {
      return refuse(Kind::bad_request, "invalid_request", "Two different clients are named.");
    }
    read->client = std::move(*basic);
  }
  if (read->client.id.empty() || read->client.secret.empty()) {
    return refuse(Kind::unauthenticated, "invalid_client",
                  "Send the key's id as client_id and its value as client_secret, in the form or as 'Authorization: Basic …'.");
  }
  return std::move(read->client);
}

std::string token_answer(std::string_view token) {
  std::string out;
  json::Writer w{out};
  w.begin_object().key("access_token").string(token).key("token_type").string("Bearer");
  w.key("expires_in").number(machine_token_seconds).end_object();
  return out;
}

std::string token_error(const Error& error) {
  const auto& code = error.detail().code;
  std::string out;
  json::Writer w{out};
  w.begin_object().key("error").string(code.empty() ? std::string_view{"invalid_request"} : std::string_view{code});
  w.key("error_description").string(error.message()).end_object();
  return out;
}

}  // namespace cardea::access

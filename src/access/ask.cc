#include "access/ask.h"

#include <array>
#include <chrono>
#include <utility>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/text.h"
#include "net/scope.h"
#include "net/tcp.h"
#include "wire/http1.h"

namespace cardea::access {
namespace {

constexpr std::size_t reply_bytes_max = 512 << 10;
constexpr net::Duration patience = std::chrono::seconds{10};

bool on_this_machine(std::string_view host) {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && net::Address::ip(host, 0).has_value());
}

}  // namespace

Result<http::WebAddress> trusted_address(std::string_view url) {
  auto address = http::parse_web_address(url);
  if (!address) return fail(Kind::config, cat("'", url, "' is no address of a server: ", address.error().message()));
  if (address->origin.scheme != net::Origin::Scheme::tls && !on_this_machine(address->origin.host)) {
    return fail(Kind::config, cat("'", url, "' is not https: only a server on this machine may be asked without TLS"));
  }
  return address;
}

namespace {

net::Task<Result<Reply>> ask_now(http::Client& client, const Question& question) {
  Result<http::WebAddress> address = trusted_address(question.url);
  if (!address) co_return fail_with(address);
  std::string head;
  wire::append_request_line(head, question.form.empty() ? "GET" : "POST", address->target);
  head += cat("host: ", address->authority(),
              "\r\naccept: application/json\r\naccept-encoding: identity\r\nuser-agent: cardea\r\n", question.headers);
  if (!question.form.empty()) {
    head += cat("content-type: application/x-www-form-urlencoded\r\ncontent-length: ", question.form.size(), "\r\n");
  }
  head += "\r\n";
  const std::array<std::string_view, 2> pieces{head, question.form};
  http::CallRequest sending;
  sending.method = question.form.empty() ? wire::Method::get : wire::Method::post;
  sending.pieces = pieces;
  sending.timeouts = {.connect = patience, .send = patience, .first_byte = patience, .inter_chunk = patience};
  sending.egress = net::Egress::anywhere;  // the operator's choice, as every provider is
  Result<http::Call> call = co_await client.call(address->origin, sending);
  if (!call) co_return fail_with(call);
  Reply reply{.status = call->head().status(), .body = {}};
  Buffer body;
  Status received = co_await call->read_all(body, reply_bytes_max);
  if (!received) co_return fail_with(received);
  reply.body = body.view();
  co_return reply;
}

}  // namespace

net::Task<Result<Reply>> ask(http::Client& client, Question question) {
  net::Scope& outer = co_await net::current_scope();
  net::Scope limited{outer};
  limited.set_deadline(outer.loop().now() + patience, Kind::upstream_timeout);
  const auto work = ask_now(client, question);
  Result<Reply> reply = co_await work.in(limited);
  co_return reply;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                       c == '_' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    if (plain) {
      out += c;
    } else {
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

void append_form(std::string& form, std::string_view name, std::string_view value) {
  if (!form.empty()) form += '&';
  form += cat(percent_encoded(name), '=', percent_encoded(value));
}

std::string basic_line(std::string_view client_id, std::string_view client_secret) {
  return cat("authorization: Basic ", to_base64(cat(percent_encoded(client_id), ':', percent_encoded(client_secret))), "\r\n");
}

}  // namespace cardea::access

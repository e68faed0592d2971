#pragma once
// For tests: an issuer on loopback, its keys, and what asks it.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64.h"
#include "base/text.h"
#include "http/client.h"
#include "json/value.h"
#include "net/crypto.h"
#include "net/dial.h"
#include "net/poller.h"
#include "net/tcp.h"

namespace cardea::access::test {

inline const json::Value& material() {
  static const json::Value value = [] {
    std::ifstream file{CARDEA_SOURCE_DIR "/src/access/testdata/jose.json"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    return *json::parse(text);
  }();
  return value;
}

/// RS256 by one of the two RSA keys there.
inline std::string sign_claims(std::string_view key, std::string_view id, std::string_view claims) {
  const auto text = cat(to_base64url(cat(R"({"alg":"RS256","kid":")", id, R"("})")), '.', to_base64url(claims));
  return cat(text, '.', to_base64url(*net::rsa_sha256(*material().find(cat(key, "_pem"))->as_string(), text)));
}
inline std::string keys_of(std::string_view key, std::string_view id) {
  const auto& jwk = *material().find(key);
  return cat(R"({"keys":[{"kty":"RSA","kid":")", id, R"(","n":")", *jwk.find("n")->as_string(), R"(","e":"AQAB"}]})");
}

/// A server on 127.0.0.1 that answers by target, and what asks it.
struct Site {
  net::Loop loop{std::make_unique<net::Poller>()};
  net::Scope servers{loop};
  net::Scope clients{loop};
  net::Scope background{loop};
  net::SystemDialer dialer{loop, {}};
  http::Client client{loop, dialer, {}};
  std::int64_t now = 2'000'000'000;
  std::vector<std::string> failures;
  std::map<std::string, std::function<std::string(const std::string& request)>> pages;  ///< "200 body"
  std::vector<std::string> requests;
  std::unique_ptr<net::Listener> listener = *net::Listener::bind(
      loop, *net::Address::parse("127.0.0.1:0"), {},
      [this](int fd, const net::Address& peer) { servers.spawn(serve(*this, net::SocketStream::adopt(loop, fd, peer))); });
  ~Site() {
    servers.cancel();
    background.cancel();
    loop.run_until([this] { return servers.children() == 0 && clients.children() == 0 && background.children() == 0; });
  }
  [[nodiscard]] std::string at(std::string_view target) const {
    return cat("http://127.0.0.1:", listener->address().port(), target);
  }

  [[nodiscard]] std::function<void(std::string_view, const Error&)> note_failure() {
    return [this](std::string_view what, const Error& error) { failures.push_back(cat(what, ": ", error.message())); };
  }

  static net::Task<void> serve(Site& site, std::unique_ptr<net::Stream> stream) {
    std::string in;
    std::array<char, 4096> space;
    while (true) {
      const auto end = in.find("\r\n\r\n");
      const auto length = in.find("content-length: ");
      std::size_t whole = std::string::npos;
      if (end != std::string::npos) whole = end + 4 + (length < end ? std::strtoul(in.c_str() + length + 16, nullptr, 10) : 0);
      if (in.size() >= whole) {
        site.requests.push_back(in.substr(0, whole));
        in.erase(0, whole);
        const auto& request = site.requests.back();
        const auto from = request.find(' ') + 1;
        const auto page = site.pages.find(request.substr(from, request.find(' ', from) - from));
        const std::string answer = page != site.pages.end() ? page->second(request) : "404 no";
        const std::string out =
            cat("HTTP/1.1 ", answer.substr(0, 3), " X\r\ncontent-length: ", answer.size() - 4, "\r\n\r\n", answer.substr(4));
        std::array<iovec, 1> pieces{net::piece(out)};
        Status sent = co_await stream->write_all(pieces, net::forever);
        if (!sent) co_return;
        continue;
      }
      Result<std::size_t> got = co_await stream->read_some(space, net::forever);
      if (!got || *got == 0) co_return;
      in.append(space.data(), *got);
    }
  }
};

}  // namespace cardea::access::test

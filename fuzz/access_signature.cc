// An Authorization header of a signed request: taken apart or refused, and nobody is let in by it.
#include <cstddef>
#include <cstdint>

#include "access/signature.h"
#include "base/text.h"
#include "fuzz/check.h"
#include "wire/http1.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cardea;
  constexpr std::int64_t now = 1'440'938'160;
  static const Secret master{std::string(access::master_key_bytes, 'm')};
  static const auto vault = access::Vault::make(std::span{&master, 1}, "");
  static const access::Signatures signatures{*vault, now - 1000};
  const auto text = fuzz::text(data, size);
  for (const auto scheme : {access::SigningScheme::cardea, access::SigningScheme::aws}) {
    const auto sent = access::parse_signature(scheme, text);
    if (!sent) {
      fuzz::check(sent.error().is(Kind::unauthenticated), "a bad header is the client's fault");
      continue;
    }
    fuzz::check(!sent->key_id.empty() && sent->signature.size() == 64, "what is taken is whole");
    const auto request =
        cat("POST /a?b=1 HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\nx-amz-date: 20150830T123600Z\r\nx-cardea-date: "
            "20150830T123600Z\r\n"
            "x-cardea-nonce: 0123456789abcdef\r\nx-cardea-content-sha256: "
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n\r\n");
    wire::RequestHead head;
    if (!wire::parse_request_head(request, {}, head)) __builtin_trap();
    auto proof = signatures.verify(head, *sent, nullptr, now);
    fuzz::check(!proof || !proof->judge(net::sha256("")), "nobody signs");
  }
  return 0;
}

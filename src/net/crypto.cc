// The one-shot SHA256() and EVP of OpenSSL 3 look the algorithm up on every call (0.53 µs against 0.07 µs for a short key); the
// direct functions are deprecated for their lack of providers, which nothing here wants.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "net/crypto.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace cardea::net {
namespace {

static_assert(sizeof(Digest) == SHA256_DIGEST_LENGTH);

std::string_view as_text(const Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

}  // namespace

Digest sha256(std::string_view bytes) noexcept { return sha256(std::span{&bytes, 1}); }

Digest sha256(std::span<const std::string_view> parts) noexcept {
  Digest out;
  SHA256_CTX state;
  SHA256_Init(&state);
  for (const auto part : parts) SHA256_Update(&state, part.data(), part.size());
  SHA256_Final(out.data(), &state);
  OPENSSL_cleanse(&state, sizeof state);  // it holds the last block of the input, often a key
  return out;
}

Digest hmac_sha256(std::string_view key, std::string_view bytes) noexcept {
  std::array<char, SHA256_CBLOCK> pad{};
  if (key.size() > pad.size()) {
    const Digest hashed = sha256(key);
    std::memcpy(pad.data(), hashed.data(), hashed.size());
  } else if (!key.empty()) {
    std::memcpy(pad.data(), key.data(), key.size());
  }
  constexpr char inner_mask = 0x36;
  constexpr char outer_mask = 0x5c;
  for (char& c : pad) c = static_cast<char>(c ^ inner_mask);
  const std::string_view pad_text{pad.data(), pad.size()};
  const std::string_view inner_parts[] = {pad_text, bytes};
  const Digest inner = sha256(inner_parts);
  for (char& c : pad) c = static_cast<char>(c ^ inner_mask ^ outer_mask);
  const std::string_view outer_parts[] = {pad_text, as_text(inner)};
  const Digest out = sha256(outer_parts);
  OPENSSL_cleanse(pad.data(), pad.size());
  return out;
}

namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key read_key(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free};
  // Without a callback OpenSSL would ask the terminal for a pass phrase.
  const auto no_pass_phrase = [](char*, int, int, void*) { return -1; };
  return {text != nullptr ? PEM_read_bio_PrivateKey(text.get(), nullptr, no_pass_phrase, nullptr) : nullptr, EVP_PKEY_free};
}

}  // namespace

Result<std::string> rsa_sha256(std::string_view private_key_pem, std::string_view bytes) {
  ERR_clear_error();
  const Key key = read_key(private_key_pem);
  const bool rsa = key != nullptr && EVP_PKEY_is_a(key.get(), "RSA") == 1;
  std::string out;
  if (rsa) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> state{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key.get()));
    out.resize(size);
    const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());  // NOLINT
    auto* to = reinterpret_cast<unsigned char*>(out.data());                  // NOLINT
    const bool made = EVP_DigestSignInit(state.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
                      EVP_DigestSign(state.get(), to, &size, from, bytes.size()) == 1;
    out.resize(made ? size : 0);
  }
  ERR_clear_error();
  if (out.empty()) return fail(Kind::config, "the private key is not an RSA key in PEM");
  return out;
}

void random_bytes(std::span<std::uint8_t> out) noexcept {
  while (!out.empty()) {
    const auto got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) std::abort();
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace cardea::net

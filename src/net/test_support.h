#pragma once
// For the tests of this room only: certificates made on the spot, an echo server, and running until something is done.

#include <gtest/gtest.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "net/tls.h"

namespace cardea::net::test {

inline constexpr Duration patience = std::chrono::seconds{5};

/// A certificate authority in a temporary folder.
class Authority {
 public:
  Authority() {
    std::string pattern = "/tmp/cardea-pki-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    key_ = EVP_EC_gen("P-256");
    certificate_ = X509_new();
    sign(certificate_, key_, "Test authority", "", 0, 3600);
    write("ca", certificate_, key_);
  }
  ~Authority() {
    std::filesystem::remove_all(folder_);
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  [[nodiscard]] std::string path(std::string_view file) const { return cat(folder_, '/', file); }
  [[nodiscard]] std::string ca_file() const { return path("ca.pem"); }

  /// Writes NAME.pem and NAME.key. `names` as in X509v3 subjectAltName: "DNS:a.test,IP:127.0.0.1"; validity in seconds from now.
  TlsServerContext::Options issue(std::string_view name, const std::string& names, long from = 0, long until = 3600) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* leaf = X509_new();
    sign(leaf, key, "leaf", names, from, until);
    write(name, leaf, key);
    X509_free(leaf);
    EVP_PKEY_free(key);
    return {.certificate_file = path(cat(name, ".pem")), .key_file = path(cat(name, ".key"))};
  }

 private:
  void sign(X509* made, EVP_PKEY* key, const char* subject, const std::string& names, long from, long until) {
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(made), from);
    X509_gmtime_adj(X509_getm_notAfter(made), until);
    X509_set_pubkey(made, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(subject),
                               -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(certificate_));
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate_, made, nullptr, nullptr, 0);
    extend(made, context, NID_basic_constraints, names.empty() ? "critical,CA:TRUE" : "CA:FALSE");
    extend(made, context, NID_subject_key_identifier, "hash");
    if (!names.empty()) extend(made, context, NID_subject_alt_name, names.c_str());
    X509_sign(made, key_, EVP_sha256());
  }
  static void extend(X509* made, X509V3_CTX& context, int id, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value);
    X509_add_ext(made, extension, -1);
    X509_EXTENSION_free(extension);
  }
  void write(std::string_view name, X509* certificate, EVP_PKEY* key) {
    FILE* file = std::fopen(path(cat(name, ".pem")).c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(path(cat(name, ".key")).c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }

  std::string folder_;
  EVP_PKEY* key_ = nullptr;
  X509* certificate_ = nullptr;
  long serial_ = 0;
};

/// A loop on real sockets with servers and clients in scopes of their own.
struct Bench {
  Loop loop{std::make_unique<Poller>()};
  Scope servers{loop};
  Scope clients{loop};
  ~Bench() { settle(); }
  /// Ends all tasks. A derived bench calls it in its own destructor, while the members its servers use still live.
  void settle() {
    servers.cancel();
    loop.run_until([this] { return servers.children() == 0 && clients.children() == 0; });
  }
  void run_clients() {
    loop.run_until([this] { return clients.children() == 0; });
  }
  [[nodiscard]] std::unique_ptr<Listener> listen(Listener::Accept accept, std::string_view address = "127.0.0.1:0") {
    auto bound = Listener::bind(loop, *Address::parse(address), {}, std::move(accept));
    EXPECT_TRUE(bound) << (bound ? "" : bound.error().message());
    return std::move(*bound);
  }
};

inline Task<void> echo(std::unique_ptr<Stream> stream) {
  std::array<char, 10'000> space;
  for (;;) {
    Result<std::size_t> got = co_await stream->read_some(space, forever);
    if (!got || *got == 0) break;
    iovec pieces[2] = {piece({space.data(), *got / 3}), piece({space.data() + *got / 3, *got - *got / 3})};
    Status sent = co_await stream->write_all(pieces, forever);
    if (!sent) break;
  }
  stream->shutdown_write();
}

/// Accepts TLS and echoes; what went wrong is noted.
inline Task<void> echo_tls(Loop& loop, int fd, Address peer, const TlsServerContext& context, std::string& failure) {
  Result<std::unique_ptr<Stream>> accepted = co_await tls_accept(loop, fd, peer, context, patience);
  if (!accepted) {
    failure = accepted.error().message();
    co_return;
  }
  co_await echo(std::move(*accepted));
}

inline Task<void> send_all(Stream& stream, const std::string& bytes, Status& outcome) {
  const std::string_view view{bytes};
  iovec pieces[3] = {piece(view.substr(0, bytes.size() / 3)), piece(view.substr(bytes.size() / 3, 5)), {}};
  if (bytes.size() / 3 + 5 < bytes.size()) pieces[2] = piece(view.substr(bytes.size() / 3 + 5));
  outcome = co_await stream.write_all(pieces, forever);
  stream.shutdown_write();
}

inline Task<Status> receive_all(Stream& stream, std::string& into) {
  std::array<char, 7000> space;
  for (;;) {
    Result<std::size_t> got = co_await stream.read_some(space, patience);
    if (!got) co_return fail_with(got);
    if (*got == 0) co_return Status{};
    into.append(space.data(), *got);
  }
}

/// Sends `message` and reads to the end, both at once.
inline Task<Status> exchange(Stream& stream, const std::string& message, std::string& answer) {
  Scope& scope = co_await current_scope();
  Scope both{scope};
  Status sent;
  both.spawn(send_all(stream, message, sent));
  Status received = co_await receive_all(stream, answer);
  co_await both.join();
  if (!sent) co_return sent;
  co_return received;
}

}  // namespace cardea::net::test

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/text.h"
#include "net/tls.h"

namespace cardea::net {
namespace {

constexpr unsigned char alpn_http1[] = "\x08http/1.1";
constexpr unsigned alpn_http1_size = sizeof alpn_http1 - 1;
// TLS 1.2 only with forward secrecy and AEAD; 1.3 has nothing else.
constexpr const char* ciphers_tls12 = "ECDHE+AESGCM:ECDHE+CHACHA20";
using Context = std::shared_ptr<ssl_ctx_st>;

std::string last_reason() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text != nullptr ? text : "unknown reason";
}

int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return 0; }

int choose_alpn(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                unsigned offered_size, void* /*data*/) {
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, alpn_http1, alpn_http1_size, offered, offered_size);
  *out = chosen;
  // RFC 7301 §3.2: nothing in common is an error, not a guess.
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Context make_context(const SSL_METHOD* method, TlsVersion min_version) {
  Context context{SSL_CTX_new(method), SSL_CTX_free};
  SSL_CTX* raw = context.get();
  if (raw == nullptr) return context;
  SSL_CTX_set_min_proto_version(raw, min_version == TlsVersion::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(raw, ciphers_tls12);
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // One read() fetches header and content of a record, and what else is there.
  SSL_CTX_set_read_ahead(raw, 1);
  return context;
}

/// The tickets of a context are its own: after a reload every client shows its certificate again.
Status ask_for_certificates(SSL_CTX* raw, const TlsServerContext::Options& options) {
  const char* file = options.client_ca_file.c_str();
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(file);
  if (names == nullptr || SSL_CTX_load_verify_file(raw, file) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return fail(Kind::config,
                cat("client CA file '", options.client_ca_file, "': ", last_reason(), "; it must be a readable PEM file"));
  }
  SSL_CTX_set_client_CA_list(raw, names);
  const bool required = options.client == TlsServerContext::Options::Client::required;
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  // Without one OpenSSL resumes no session that holds a certificate.
  constexpr unsigned char id[] = "cardea";
  SSL_CTX_set_session_id_context(raw, id, sizeof id - 1);
  return {};
}

Result<Context> make_server_context(const TlsServerContext::Options& options) {
  const Context context = make_context(TLS_server_method(), options.min_version);
  SSL_CTX* raw = context.get();
  if (raw == nullptr) return fail(Kind::config, cat("TLS cannot be set up: ", last_reason()));
  SSL_CTX_set_default_passwd_cb(raw, no_password);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(raw, options.certificate_file.c_str()) != 1) {
    return fail(Kind::config,
                cat("certificate '", options.certificate_file, "': ", last_reason(), "; it must be a readable PEM file"));
  }
  if (SSL_CTX_use_PrivateKey_file(raw, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fail(Kind::config,
                cat("key '", options.key_file, "': ", last_reason(),
                    "; it must be a readable, unencrypted PEM file that belongs to '", options.certificate_file, "'"));
  }
  if (SSL_CTX_check_private_key(raw) != 1) {
    return fail(Kind::config,
                cat("key '", options.key_file, "' does not belong to certificate '", options.certificate_file, "'"));
  }
  SSL_CTX_set_alpn_select_cb(raw, choose_alpn, nullptr);
  if (!options.client_ca_file.empty()) {
    Status asked = ask_for_certificates(raw, options);
    if (!asked) return fail_with(asked);
  }
  // Resumption by tickets (the client keeps the state), so no cache to fill. Two tickets a handshake are one too many for HTTP.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 1);
  return context;
}

}  // namespace

Result<std::unique_ptr<TlsServerContext>> TlsServerContext::load(const Options& options) {
  std::unique_ptr<TlsServerContext> made{new TlsServerContext};
  Status loaded = made->reload(options);
  if (!loaded) return fail_with(loaded);
  return made;
}

Status TlsServerContext::reload(const Options& options) {
  Result<Context> fresh = make_server_context(options);
  if (!fresh) return fail_with(fresh);
  const std::lock_guard lock{mutex_};
  context_ = std::move(*fresh);
  return {};
}

std::shared_ptr<ssl_ctx_st> TlsServerContext::current() const {
  const std::lock_guard lock{mutex_};
  return context_;
}

Result<std::shared_ptr<TlsClientContext>> TlsClientContext::make(const Options& options) {
  std::shared_ptr<TlsClientContext> made{new TlsClientContext};
  made->options_ = options;
  // A file of the operator's is checked when it is configured, not at the first request.
  if (!options.ca_file.empty()) {
    Status built = made->build();
    if (!built) return fail_with(built);
  }
  return made;
}

Status TlsClientContext::build() {
  ERR_clear_error();
  Context context = make_context(TLS_client_method(), TlsVersion::tls12);
  SSL_CTX* raw = context.get();
  if (raw == nullptr) return fail(Kind::config, cat("TLS cannot be set up: ", last_reason()));
  SSL_CTX_set_default_verify_paths(raw);
  if (!options_.ca_file.empty() && SSL_CTX_load_verify_file(raw, options_.ca_file.c_str()) != 1) {
    return fail(Kind::config, cat("CA file '", options_.ca_file, "': ", last_reason(), "; it must be a readable PEM file"));
  }
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(raw, alpn_http1, alpn_http1_size);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(raw, [](SSL* ssl, SSL_SESSION* session) {
    // Until the handshake's end the chain may still be refused; TLS 1.3 tickets come after it, 1.2 sessions at its end.
    if (SSL_get_verify_result(ssl) != X509_V_OK) return 0;
    auto& stream = *static_cast<TlsStream*>(SSL_get_app_data(ssl));
    stream.client_->remember(stream.origin_, Session{session, SSL_SESSION_free});
    return 1;
  });
  context_ = std::move(context);
  return {};
}

Result<std::shared_ptr<ssl_ctx_st>> TlsClientContext::current() {
  const std::lock_guard lock{mutex_};
  if (context_ == nullptr) {
    Status built = build();
    if (!built) return fail_with(built);
  }
  return context_;
}

void TlsClientContext::remember(const std::string& origin, Session session) {
  const std::lock_guard lock{mutex_};
  if (sessions_.size() >= sessions_max && !sessions_.contains(origin)) sessions_.erase(sessions_.begin());
  sessions_.insert_or_assign(origin, std::move(session));
}

void TlsClientContext::offer_session(const std::string& origin, ssl_st* ssl) {
  const std::lock_guard lock{mutex_};
  const auto known = sessions_.find(origin);
  if (known != sessions_.end()) SSL_set_session(ssl, known->second.get());
}

}  // namespace cardea::net

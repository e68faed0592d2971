#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <ctime>

#include "base/text.h"

namespace cardea::net {
namespace {

constexpr std::size_t record_max = 16 * 1024;  // RFC 8446 §5.1

// Appended to a connection that spoke HTTP where TLS belongs, as other servers do.
constexpr std::string_view plain_http_answer =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 52\r\nConnection: close\r\n\r\n"
    "This port speaks TLS: use https:// instead of http.\n";

}  // namespace

/// OpenSSL's reads and writes go through SocketStream's, which know of readiness and never raise SIGPIPE.
struct TlsBio {
  static int read(BIO* bio, char* into, std::size_t size, std::size_t* got) {
    auto& stream = *static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    IoOutcome outcome;
    // Known to be drained: no need to hear EAGAIN from the kernel.
    if (stream.readable_) outcome = stream.SocketStream::try_read({into, size});
    return finish(bio, outcome, BIO_FLAGS_READ, got);
  }
  static int write(BIO* bio, const char* from, std::size_t size, std::size_t* sent) {
    auto& stream = *static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const iovec pieces[1] = {piece({from, size})};
    return finish(bio, stream.SocketStream::try_write(pieces), BIO_FLAGS_WRITE, sent);
  }
  static int finish(BIO* bio, IoOutcome outcome, int direction, std::size_t* moved) {
    *moved = outcome.bytes;
    if (outcome.state == IoOutcome::State::moved) return 1;
    if (outcome.state == IoOutcome::State::would_block) BIO_set_flags(bio, direction | BIO_FLAGS_SHOULD_RETRY);
    if (outcome.state == IoOutcome::State::end) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return 0;
  }
  static long control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }
  static const BIO_METHOD* method() {
    static const auto made = [] {
      BIO_METHOD* methods = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "cardea socket");
      BIO_meth_set_read_ex(methods, read);
      BIO_meth_set_write_ex(methods, write);
      BIO_meth_set_ctrl(methods, control);
      return methods;
    }();
    return made;
  }
};

TlsStream::TlsStream(Loop& loop, int fd, std::string peer) noexcept : SocketStream{loop, fd, std::move(peer)} {}

TlsStream::~TlsStream() {
  if (ssl_ == nullptr) return;
  // An orderly end, unless the message was cut or the connection broke: OpenSSL forbids further use then.
  const bool orderly = SSL_is_init_finished(ssl_) == 1 && SSL_get_quiet_shutdown(ssl_) == 0;
  if (ending_ == Ending::open && orderly) send_close_notify();
  SSL_free(ssl_);
}

Status TlsStream::begin(ssl_ctx_st* context) {
  ssl_ = SSL_new(context);
  BIO* bio = BIO_new(TlsBio::method());
  if (ssl_ == nullptr || bio == nullptr || !start()) {
    BIO_free(bio);
    return fail(Kind::io, "a TLS connection could not be set up: out of memory or descriptors");
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
  // Whatever arrived before the registration.
  readable_ = true;
  return {};
}

Task<Status> TlsStream::handshake(Duration timeout) {
  const TimePoint deadline = loop_.now() + std::min<Duration>(timeout, std::chrono::hours{24});
  for (;;) {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_);
    if (done == 1) break;
    const int error = SSL_get_error(ssl_, done);
    const Duration left = deadline - loop_.now();
    if (left <= Duration::zero()) co_return fail(Kind::timed_out);
    Status ready;
    if (error == SSL_ERROR_WANT_READ) {
      ready = co_await readable(left);
    } else if (error == SSL_ERROR_WANT_WRITE) {
      ready = co_await writable(left);
    } else {
      ending_ = Ending::failed;
      co_return fail(Kind::io, describe_failure(error));
    }
    if (!ready) co_return ready;
  }
  // Application data may have come with the last flight.
  readable_ = true;
  co_return Status{};
}

IoOutcome TlsStream::failed(int ssl_error) {
  if (ssl_error == SSL_ERROR_ZERO_RETURN) {
    peer_closed_ = true;
    return {IoOutcome::State::end, 0};
  }
  ending_ = Ending::failed;
  return {IoOutcome::State::failed, 0};
}

IoOutcome TlsStream::try_read(std::span<char> into) {
  if (ending_ == Ending::failed) return {IoOutcome::State::failed, 0};
  ERR_clear_error();
  std::size_t got = 0;
  const int done = SSL_read_ex(ssl_, into.data(), into.size(), &got);
  if (done == 1) {
    // What OpenSSL holds already makes no edge.
    if (SSL_has_pending(ssl_) == 1) readable_ = true;
    return {IoOutcome::State::moved, got};
  }
  const int error = SSL_get_error(ssl_, done);
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return failed(error);
  // An answer of the protocol itself (a key update) must leave before more can be read.
  read_wants_write_ = error == SSL_ERROR_WANT_WRITE;
  readable_ = false;
  return {IoOutcome::State::would_block, 0};
}

IoOutcome TlsStream::try_write(std::span<const iovec> pieces) {
  if (ending_ != Ending::open) return {IoOutcome::State::failed, 0};
  while (!pieces.empty() && pieces.front().iov_len == 0) pieces = pieces.subspan(1);
  if (pieces.empty()) return {IoOutcome::State::moved, 0};
  // One record for many small pieces (a head and a short body); a large piece goes without a copy.
  std::array<char, record_max> scratch;
  const void* from = pieces.front().iov_base;
  std::size_t size = pieces.front().iov_len;
  if (size < record_max && pieces.size() > 1) {
    size = 0;
    for (const auto& part : pieces) {
      const auto bytes = std::min(part.iov_len, record_max - size);
      if (bytes == 0) continue;  // its address may be null
      std::memcpy(scratch.data() + size, part.iov_base, bytes);
      size += bytes;
    }
    from = scratch.data();
  }
  ERR_clear_error();
  std::size_t sent = 0;
  const int done = SSL_write_ex(ssl_, from, size, &sent);
  if (done == 1) return {IoOutcome::State::moved, sent};
  const int error = SSL_get_error(ssl_, done);
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return failed(error);
  writable_ = false;  // WANT_READ is met in a renegotiation only, and those are refused
  return {IoOutcome::State::would_block, 0};
}

void TlsStream::on_events(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    if (std::exchange(read_wants_write_, false)) readable_ = true;
    if (ending_ == Ending::wanted) send_close_notify();
  }
  SocketStream::on_events(events);
}

void TlsStream::send_close_notify() {
  ERR_clear_error();
  const int done = SSL_shutdown(ssl_);
  const bool blocked = done < 0 && SSL_get_error(ssl_, done) == SSL_ERROR_WANT_WRITE;
  ending_ = blocked ? Ending::wanted : Ending::sent;
  if (!blocked) SocketStream::shutdown_write();
}

void TlsStream::shutdown_write() {
  if (ending_ == Ending::open) send_close_notify();
}

void TlsStream::reset_on_close() {
  SSL_set_quiet_shutdown(ssl_, 1);
  SocketStream::reset_on_close();
}

std::string_view TlsStream::alpn() const noexcept {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_, &name, &length);
  return {reinterpret_cast<const char*>(name), length};  // NOLINT: OpenSSL's bytes are unsigned
}

bool TlsStream::resumed() const noexcept { return SSL_session_reused(ssl_) == 1; }

namespace {

std::string text_of(const ASN1_STRING* text) {
  const unsigned char* data = ASN1_STRING_get0_data(text);
  return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(ASN1_STRING_length(text))};  // NOLINT: as above
}

/// A name goes into logs and is compared with configured text: one with control characters names nobody.
bool is_plain(std::string_view name) {
  return !name.empty() && std::ranges::none_of(name, [](char c) { return (c >= 0 && c < ' ') || c == 127; });
}

std::string name_of(X509* certificate) {
  std::string best;
  int best_rank = 3;
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    int rank = 3;
    if (name->type == GEN_URI) rank = 0;
    if (name->type == GEN_DNS) rank = 1;
    if (name->type == GEN_EMAIL) rank = 2;
    if (rank >= best_rank) continue;
    best_rank = rank;
    best = text_of(name->d.ia5);
  }
  GENERAL_NAMES_free(names);
  if (best_rank != 3) return best;
  BIO* out = BIO_new(BIO_s_mem());
  X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  best.assign(text, static_cast<std::size_t>(std::max(size, 0L)));
  BIO_free(out);
  return best;
}

}  // namespace

Status TlsStream::know_client() {
  X509* shown = SSL_get0_peer_certificate(ssl_);
  if (shown == nullptr) return {};
  auto known = std::make_unique<PeerCertificate>();
  known->name = name_of(shown);
  tm until{};
  const bool dated = ASN1_TIME_to_tm(X509_get0_notAfter(shown), &until) == 1;
  known->until = dated ? timegm(&until) : 0;
  // A ticket may outlive the certificate that it was got with.
  const bool over = X509_cmp_current_time(X509_get0_notAfter(shown)) <= 0;
  if (!is_plain(known->name) || !dated || over || SSL_get_verify_result(ssl_) != X509_V_OK) {
    ending_ = Ending::failed;
    return fail(Kind::io, "the client's certificate is over, or names nobody");
  }
  certificate_ = std::move(known);
  return {};
}

void TlsStream::expect_host(const std::string& host) {
  // An IP literal is compared with the certificate's addresses and never sent as SNI (RFC 6066 §3).
  if (Address::ip(host, 0)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), host.c_str());
  } else {
    SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl_, host.c_str());
    SSL_set_tlsext_host_name(ssl_, host.c_str());
  }
}

namespace {

std::string explain_certificate(long verdict) {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return "its certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID: return "its certificate is not valid yet (is the clock right?)";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return "its certificate is for another host";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "its certificate is signed by an unknown authority (trust that with a CA file)";
    default: return cat("its certificate is refused: ", std::string_view{X509_verify_cert_error_string(verdict)});
  }
}

std::string explain_protocol(unsigned long code) {
  switch (ERR_GET_REASON(code)) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG: return "the other side does not speak TLS (plain http on an https port?)";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION: return "no TLS version in common";
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE: return "no cipher in common";
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: return "the other side closed the connection during the TLS handshake";
    default: {
      const char* text = ERR_reason_error_string(code);
      return cat("TLS handshake failed: ", text != nullptr ? std::string_view{text} : std::string_view{"connection lost"});
    }
  }
}

bool is_plain_http(unsigned long code) {
  const int reason = ERR_GET_REASON(code);
  return ERR_GET_LIB(code) == ERR_LIB_SSL && (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST);
}

}  // namespace

std::string TlsStream::describe_failure(int ssl_error) const {
  const unsigned long code = ERR_peek_error();
  const long verdict = SSL_get_verify_result(ssl_);
  if (client_ != nullptr && verdict != X509_V_OK) return explain_certificate(verdict);
  if (ssl_error == SSL_ERROR_SYSCALL || code == 0) return "the other side closed the connection during the TLS handshake";
  return explain_protocol(code);
}

Task<Result<std::unique_ptr<Stream>>> tls_accept(Loop& loop, int fd, Address peer, const TlsServerContext& context,
                                                 Duration timeout) {
  std::unique_ptr<TlsStream> stream{new TlsStream{loop, fd, peer.host()}};
  const auto settings = context.current();
  Status begun = stream->begin(settings.get());
  if (!begun) co_return fail_with(begun);
  SSL_set_accept_state(stream->ssl_);
  Status shaken = co_await stream->handshake(timeout);
  if (shaken) shaken = stream->know_client();
  if (shaken) co_return std::unique_ptr<Stream>{std::move(stream)};
  if (is_plain_http(ERR_peek_error())) {
    const iovec answer[1] = {piece(plain_http_answer)};
    [[maybe_unused]] const auto sent = stream->SocketStream::try_write(answer);
    stream->SocketStream::shutdown_write();
  }
  co_return fail_with(shaken);
}

Task<Result<std::unique_ptr<Stream>>> tls_connect(std::unique_ptr<Stream> connected, std::string host, std::uint16_t port,
                                                  std::shared_ptr<TlsClientContext> context, Duration timeout) {
  auto* socket = dynamic_cast<SocketStream*>(connected.get());
  if (socket == nullptr) co_return fail(Kind::internal, "TLS needs a socket below it");
  auto settings = context->current();
  if (!settings) co_return fail_with(settings);
  Loop& loop = connected->loop();
  std::string peer{connected->peer()};
  const int fd = socket->release();
  connected.reset();
  std::unique_ptr<TlsStream> stream{new TlsStream{loop, fd, std::move(peer)}};
  stream->client_ = context;
  stream->origin_ = cat(host, ':', port);
  Status begun = stream->begin(settings->get());
  if (!begun) co_return fail_with(begun);
  SSL_set_connect_state(stream->ssl_);
  stream->expect_host(host);
  context->offer_session(stream->origin_, stream->ssl_);
  Status shaken = co_await stream->handshake(timeout);
  if (shaken) co_return std::unique_ptr<Stream>{std::move(stream)};
  if (!shaken.error().is(Kind::io)) co_return fail_with(shaken);
  co_return fail(Kind::upstream_tls, cat("TLS with ", stream->origin_, ": ", shaken.error().message()));
}

}  // namespace cardea::net

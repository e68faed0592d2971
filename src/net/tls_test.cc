#include "net/tls.h"

#include <openssl/ssl.h>
#include <sys/ioctl.h>

#include <fstream>
#include <thread>

#include "base/random.h"
#include "net/test_support.h"

namespace cardea::net {
namespace {

using namespace std::chrono_literals;
using test::Authority;
using test::Bench;

/// A TLS echo server and a client context that trusts its authority.
struct TlsBench : Bench {
  explicit TlsBench(const std::string& names = "DNS:good.test,IP:127.0.0.1", long from = 0, long until = 3600)
      : server{std::move(*TlsServerContext::load(authority.issue("leaf", names, from, until)))},
        trusting{std::move(*TlsClientContext::make({.ca_file = authority.ca_file()}))},
        listener{
            listen([this](int fd, const Address& peer) { servers.spawn(test::echo_tls(loop, fd, peer, *server, failure)); })} {}
  ~TlsBench() { settle(); }
  Authority authority;
  std::unique_ptr<TlsServerContext> server;
  std::shared_ptr<TlsClientContext> trusting;
  std::unique_ptr<Listener> listener;
  std::string failure;

  struct Outcome {
    std::string answer;
    std::string error;
    Kind kind = Kind::last_;
    std::string alpn;
    bool resumed = false;
  };
  static Task<void> talk(TlsBench& bench, std::shared_ptr<TlsClientContext> context, std::string host, std::string message,
                         Outcome& outcome) {
    const auto note = [&outcome](const Error& error) {
      outcome.error = error.message();
      outcome.kind = error.kind();
    };
    Result<std::unique_ptr<Stream>> socket = co_await connect(bench.loop, bench.listener->address(), 1s);
    if (!socket) {
      note(socket.error());
      co_return;
    }
    auto connecting = tls_connect(std::move(*socket), host, bench.listener->address().port(), std::move(context), 5s);
    Result<std::unique_ptr<Stream>> stream = co_await connecting;
    if (!stream) {
      note(stream.error());
      co_return;
    }
    outcome.alpn = (*stream)->alpn();
    outcome.resumed = static_cast<TlsStream&>(**stream).resumed();
    Status done = co_await test::exchange(**stream, message, outcome.answer);
    if (!done) note(done.error());
  }
  Outcome talk(std::string_view host, std::string message = "hello") { return talk(trusting, host, std::move(message)); }
  Outcome talk(std::shared_ptr<TlsClientContext> context, std::string_view host, std::string message = "hello") {
    Outcome outcome;
    clients.spawn(talk(*this, std::move(context), std::string{host}, std::move(message), outcome));
    run_clients();
    return outcome;
  }
};

TEST(Tls, EchoesMegabytesBothWays) {
  TlsBench bench;
  std::string message;
  Random random{7};
  random.append_id(message, 3'000'000);
  const auto outcome = bench.talk("good.test", message);
  EXPECT_EQ(outcome.error, "");
  EXPECT_TRUE(outcome.answer == message);
  EXPECT_EQ(outcome.alpn, "http/1.1");
}

TEST(Tls, VerifiesAddressesAndOneByteMessages) {
  TlsBench bench;
  const auto outcome = bench.talk("127.0.0.1", "x");
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.answer, "x");
}

TEST(Tls, RefusesWrongHostExpiredAndUnknownAuthorities) {
  {
    TlsBench bench;
    const auto outcome = bench.talk("evil.test");
    EXPECT_EQ(outcome.kind, Kind::upstream_tls);
    EXPECT_EQ(outcome.error,
              cat("TLS with evil.test:", bench.listener->address().port(), ": its certificate is for another host"));
    EXPECT_EQ(outcome.answer, "");
    const auto by_address = bench.talk("127.0.0.2");
    EXPECT_NE(by_address.error.find("another host"), std::string::npos);
    const auto strange = bench.talk(std::move(*TlsClientContext::make({})), "good.test");
    EXPECT_EQ(strange.kind, Kind::upstream_tls);
    EXPECT_NE(strange.error.find("unknown authority"), std::string::npos) << strange.error;
    EXPECT_NE(bench.failure, "");  // the server has heard of it and never got a byte
  }
  TlsBench expired{"DNS:good.test", -7200, -3600};
  EXPECT_NE(expired.talk("good.test").error.find("has expired"), std::string::npos);
  TlsBench early{"DNS:good.test", 3600, 7200};
  EXPECT_NE(early.talk("good.test").error.find("not valid yet"), std::string::npos);
}

TEST(Tls, ResumesSessionsPerOrigin) {
  TlsBench bench;
  EXPECT_FALSE(bench.talk("good.test").resumed);
  const auto again = bench.talk("good.test");
  EXPECT_TRUE(again.resumed);
  EXPECT_EQ(again.answer, "hello");
  EXPECT_FALSE(bench.talk("127.0.0.1").resumed);
}

TEST(Tls, ReloadSwapsForNewConnectionsAndBadFilesChangeNothing) {
  TlsBench bench{"DNS:old.test"};
  EXPECT_EQ(bench.talk("old.test").error, "");
  const auto fresh = bench.authority.issue("fresh", "DNS:new.test");
  const auto other = bench.authority.issue("other", "DNS:other.test");
  const auto refuse = [&](const TlsServerContext::Options& options, std::string_view part) {
    const Status status = bench.server->reload(options);
    ASSERT_FALSE(status);
    EXPECT_TRUE(status.error().is(Kind::config));
    EXPECT_NE(status.error().message().find(part), std::string_view::npos) << status.error().message();
  };
  refuse({.certificate_file = bench.authority.path("absent.pem"), .key_file = fresh.key_file}, "absent.pem");
  refuse({.certificate_file = fresh.certificate_file, .key_file = other.key_file}, "other.key");
  std::ofstream{bench.authority.path("broken.pem")} << "-----BEGIN CERTIFICATE-----\nAAAA\n";
  refuse({.certificate_file = bench.authority.path("broken.pem"), .key_file = fresh.key_file}, "broken.pem");
  EXPECT_EQ(bench.talk("old.test").error, "");
  ASSERT_TRUE(bench.server->reload(fresh));
  EXPECT_NE(bench.talk(std::move(*TlsClientContext::make({.ca_file = bench.authority.ca_file()})), "old.test").error, "");
  EXPECT_EQ(bench.talk("new.test").error, "");
}

Task<void> speak_plainly(Loop& loop, Address address, std::string& answer) {
  Result<std::unique_ptr<Stream>> socket = co_await connect(loop, address, 1s);
  EXPECT_TRUE(socket);
  std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  iovec pieces[1] = {piece(request)};
  Status sent = co_await (*socket)->write_all(pieces, 1s);
  EXPECT_TRUE(sent);
  Status received = co_await test::receive_all(**socket, answer);
  EXPECT_TRUE(received);
}

TEST(Tls, PlainHttpOnATlsPortIsToldSo) {
  TlsBench bench;
  std::string answer;
  bench.clients.spawn(speak_plainly(bench.loop, bench.listener->address(), answer));
  bench.run_clients();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  const auto body = answer.find("\r\n\r\n") + 4;
  EXPECT_EQ(answer.size() - body, 52U);
  EXPECT_NE(bench.failure.find("does not speak TLS"), std::string::npos) << bench.failure;
}

TEST(Tls, TlsToAPlainPortFailsClearly) {
  TlsBench bench;
  bench.listener = bench.listen([&bench](int fd, const Address& peer) {
    auto stream = SocketStream::adopt(bench.loop, fd, peer);
    const std::string_view greeting = "HTTP/1.1 400 Bad Request\r\n\r\n";
    const iovec pieces[1] = {piece(greeting)};
    EXPECT_EQ(stream->try_write(pieces).bytes, greeting.size());
    stream->shutdown_write();
    bench.servers.spawn(test::echo(std::move(stream)));
  });
  const auto outcome = bench.talk("good.test");
  EXPECT_EQ(outcome.kind, Kind::upstream_tls);
  EXPECT_NE(outcome.error.find("does not speak TLS"), std::string::npos) << outcome.error;
}

Task<void> accept_and_note(Loop& loop, int fd, Address peer, const TlsServerContext& context, Duration timeout, Kind& kind) {
  Result<std::unique_ptr<Stream>> accepted = co_await tls_accept(loop, fd, peer, context, timeout);
  kind = accepted ? Kind::last_ : accepted.error().kind();
}

Task<void> connect_only(Loop& loop, Address address, std::unique_ptr<Stream>& stream) {
  Result<std::unique_ptr<Stream>> socket = co_await connect(loop, address, 1s);
  EXPECT_TRUE(socket);
  stream = std::move(*socket);
}

TEST(Tls, SilentClientsTimeOut) {
  TlsBench bench;
  Kind kind = Kind::last_;
  bench.listener = bench.listen([&](int fd, const Address& peer) {
    bench.clients.spawn(accept_and_note(bench.loop, fd, peer, *bench.server, 30ms, kind));
  });
  std::unique_ptr<Stream> silent;
  bench.clients.spawn(connect_only(bench.loop, bench.listener->address(), silent));
  bench.loop.run_until([&] { return kind != Kind::last_; });
  EXPECT_EQ(kind, Kind::timed_out);
}

Task<void> accept_into(Loop& loop, int fd, Address peer, const TlsServerContext& context, std::unique_ptr<Stream>& into) {
  Result<std::unique_ptr<Stream>> accepted = co_await tls_accept(loop, fd, peer, context, 5s);
  EXPECT_TRUE(accepted);
  into = std::move(*accepted);
}

Task<void> connect_into(Loop& loop, Address address, std::shared_ptr<TlsClientContext> context, std::unique_ptr<Stream>& into) {
  Result<std::unique_ptr<Stream>> socket = co_await connect(loop, address, 1s);
  EXPECT_TRUE(socket);
  auto connecting = tls_connect(std::move(*socket), "good.test", address.port(), context, 5s);
  Result<std::unique_ptr<Stream>> stream = co_await connecting;
  EXPECT_TRUE(stream);
  into = std::move(*stream);
}

struct Signs final : StreamWatcher {
  void on_sign(Sign sign) override { seen.push_back(sign); }
  std::vector<Sign> seen;
};

/// Both ends of one connection in hand.
struct Pair {
  TlsBench bench;
  std::unique_ptr<Stream> server;
  std::unique_ptr<Stream> client;
  Pair() {
    bench.listener = bench.listen(
        [this](int fd, const Address& peer) { bench.clients.spawn(accept_into(bench.loop, fd, peer, *bench.server, server)); });
    bench.clients.spawn(connect_into(bench.loop, bench.listener->address(), bench.trusting, client));
    bench.loop.run_until([this] { return server != nullptr && client != nullptr; });
  }
};

TEST(Tls, TicketsOnAnIdleConnectionAreNotData) {
  Pair pair;
  Signs signs;
  pair.client->watch(&signs);
  // The server's handshake has ended, so its ticket is in the kernel by now.
  char byte = 0;
  EXPECT_EQ(pair.client->try_read({&byte, 1}).state, IoOutcome::State::would_block);
  EXPECT_FALSE(pair.client->maybe_readable());
  // Real data is, and so is the end.
  const iovec pieces[1] = {piece("ab")};
  EXPECT_EQ(pair.server->try_write(pieces).bytes, 2U);
  pair.bench.loop.run_until([&] { return !signs.seen.empty(); });
  EXPECT_EQ(signs.seen.front(), StreamWatcher::Sign::readable);
  EXPECT_EQ(pair.client->try_read({&byte, 1}).state, IoOutcome::State::moved);
  EXPECT_TRUE(pair.client->maybe_readable());  // the second byte is in OpenSSL's hands and makes no edge
  EXPECT_EQ(pair.client->try_read({&byte, 1}).state, IoOutcome::State::moved);
  EXPECT_EQ(pair.client->try_read({&byte, 1}).state, IoOutcome::State::would_block);
  signs.seen.clear();
  pair.server.reset();
  pair.bench.loop.run_until([&] { return !signs.seen.empty(); });
  EXPECT_EQ(pair.client->try_read({&byte, 1}).state, IoOutcome::State::end);
  EXPECT_TRUE(pair.client->peer_closed());
}

TEST(Tls, FullSocketsBlockAndTheEndWaitsForThem) {
  Pair pair;
  // Fill the kernel's buffers until a record is stuck half-way.
  const std::string block(100'000, 'x');
  const iovec pieces[1] = {piece(block)};
  std::size_t sent = 0;
  for (;;) {
    const auto outcome = pair.server->try_write(pieces);
    if (outcome.state != IoOutcome::State::moved) break;
    sent += outcome.bytes;
  }
  // The retry begins with the same bytes, as the contract says, and is counted once.
  std::array<char, 5000> space;
  std::size_t received = 0;
  for (;;) {
    const auto outcome = pair.client->try_read(space);
    received += outcome.bytes;
    if (outcome.state == IoOutcome::State::end) break;
    ASSERT_NE(outcome.state, IoOutcome::State::failed);
    if (outcome.state == IoOutcome::State::moved) continue;
    const auto more = pair.server->try_write(pieces);
    sent += more.bytes;
    if (more.state == IoOutcome::State::moved && sent > 6'000'000) pair.server->shutdown_write();
    int turns = 0;
    pair.bench.loop.run_until([&] { return ++turns == 2; });
  }
  EXPECT_EQ(received, sent);
}

TEST(Tls, CloseNotifyWaitsForAFullSocket) {
  Pair pair;
  // Below TLS, so that no record is stuck half-way: the kernel is full of bytes that the client takes out below TLS, too.
  const std::string block(100'000, 'x');
  const iovec pieces[1] = {piece(block)};
  auto& server = static_cast<TlsStream&>(*pair.server);
  auto& client = static_cast<TlsStream&>(*pair.client);
  char byte = 0;
  EXPECT_EQ(client.try_read({&byte, 1}).state, IoOutcome::State::would_block);
  std::size_t filled = 0;
  for (IoOutcome outcome; (outcome = server.SocketStream::try_write(pieces)).state == IoOutcome::State::moved;)
    filled += outcome.bytes;
  server.shutdown_write();
  std::string space(filled, ' ');
  while (filled != 0) {
    filled -= client.SocketStream::try_read({space.data(), filled}).bytes;
    int turns = 0;
    if (filled != 0) pair.bench.loop.run_until([&] { return ++turns == 2; });
  }
  pair.bench.loop.run_until([&] { return client.peer_closed(); });
  EXPECT_EQ(client.try_read({&byte, 1}).state, IoOutcome::State::end);
}

/// Talks to a server that uses OpenSSL by itself, in a blocking thread.
TlsBench::Outcome talk_to_raw(const std::function<void(SSL*, int)>& serve) {
  TlsBench bench;
  std::thread server;
  bench.listener = bench.listen([&](int fd, const Address&) {
    server = std::thread{[fd, &serve, context = bench.server->current()] {
      int blocking = 0;
      ASSERT_EQ(ioctl(fd, FIONBIO, &blocking), 0);
      SSL* ssl = SSL_new(context.get());
      SSL_set_fd(ssl, fd);
      if (SSL_accept(ssl) == 1) serve(ssl, fd);
      SSL_free(ssl);
      close(fd);
    }};
  });
  auto outcome = bench.talk("good.test");
  server.join();
  return outcome;
}

TEST(Tls, ResetsAndTruncationsAreNotEnds) {
  {
    Pair pair;
    pair.server->reset_on_close();
    pair.server.reset();
    pair.bench.loop.run_until([&] { return pair.client->peer_closed(); });
    char byte = 0;
    EXPECT_EQ(pair.client->try_read({&byte, 1}).state, IoOutcome::State::failed);
  }
  // A server that closes its socket in the middle, without close_notify.
  const auto outcome = talk_to_raw([](SSL* ssl, int fd) {
    char byte = 0;
    SSL_read(ssl, &byte, 1);
    SSL_write(ssl, "part", 4);
    shutdown(fd, SHUT_WR);
    while (SSL_read(ssl, &byte, 1) > 0) {
    }
  });
  EXPECT_EQ(outcome.answer, "part");
  EXPECT_EQ(outcome.kind, Kind::io);
}

TEST(Tls, KeyUpdatesPassUnseen) {
  const auto outcome = talk_to_raw([](SSL* ssl, int) {
    std::string heard;
    char byte = 0;
    EXPECT_EQ(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    SSL_write(ssl, "first ", 6);
    while (SSL_read(ssl, &byte, 1) > 0) heard += byte;
    SSL_write(ssl, heard.data(), static_cast<int>(heard.size()));
    SSL_shutdown(ssl);
  });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.answer, "first hello");
}

TEST(Tls, Tls12IsOptInAndRestricted) {
  TlsBench bench;
  const auto handshake = [&](int version, const char* ciphers) {
    bool agreed = false;
    std::atomic<bool> over = false;
    std::thread client{[&, address = bench.listener->address()] {
      const int fd = socket(AF_INET, SOCK_STREAM, 0);
      EXPECT_EQ(connect(fd, address.data(), address.length()), 0);
      SSL_CTX* context = SSL_CTX_new(TLS_client_method());
      SSL_CTX_set_max_proto_version(context, version);
      SSL_CTX_set_cipher_list(context, ciphers);
      SSL* ssl = SSL_new(context);
      SSL_set_fd(ssl, fd);
      agreed = SSL_connect(ssl) == 1;
      if (agreed) SSL_shutdown(ssl);
      SSL_free(ssl);
      SSL_CTX_free(context);
      close(fd);
      over = true;
      bench.loop.post([] {});
    }};
    bench.loop.run_until([&] { return over.load(); });
    client.join();
    return agreed;
  };
  EXPECT_FALSE(handshake(TLS1_2_VERSION, "ECDHE+AESGCM"));
  auto options = bench.authority.issue("leaf12", "DNS:good.test");
  options.min_version = TlsVersion::tls12;
  ASSERT_TRUE(bench.server->reload(options));
  EXPECT_TRUE(handshake(TLS1_2_VERSION, "ECDHE+AESGCM"));
  EXPECT_FALSE(handshake(TLS1_2_VERSION, "ECDHE+AES+SHA1:ECDHE+AES+SHA256:!AESGCM"));
}

}  // namespace
}  // namespace cardea::net

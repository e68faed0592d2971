#include "testing/gateway/talk.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "testing/gateway/test_server.h"

namespace cardea::testing {
namespace {

void fail_at(const std::source_location& where, const std::string& message) {
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << message;
}

/// Long enough for every time-out, in virtual time.
constexpr net::Duration day = std::chrono::hours{24};

net::Task<std::unique_ptr<net::Stream>> there_already(std::unique_ptr<net::Stream> stream) { co_return stream; }

}  // namespace

// ---- Client ----------------------------------------------------------------------------------------------------------------

Client& Client::send(std::string_view bytes) {
  peer_.send(bytes);
  return *this;
}

Answer Client::answer(wire::Method method, Where where) {
  std::optional<Answer> taken;
  const auto look = [&] {
    const bool ended = peer_.ended();
    taken = Answer::take(peer_.inbox(), method, ended ? Answer::Source::ended : Answer::Source::open);
    return taken || ended;
  };
  server_->expect_until(look, day, "an answer", where);
  return taken.value_or(Answer{});
}

void Client::expect_heard(std::string_view text, Where where) {
  const auto heard = [&] { return peer_.inbox().contains(text); };
  server_->expect_until(heard, day, cat("'", text, "' at the client"), where);
}

void Client::expect_closed(Where where) {
  server_->expect_until([&] { return peer_.ended(); }, day, "the end of the connection", where);
  if (peer_.ending() != Peer::Ending::orderly) fail_at(where, "the connection did not end in order");
}

// ---- Asked -----------------------------------------------------------------------------------------------------------------

Asked& Asked::answer(std::string_view bytes) {
  peer.send(bytes);
  return *this;
}

std::optional<std::string> Asked::header(std::string_view name) const {
  wire::RequestHead parsed;
  if (!wire::parse_request_head(head, {}, parsed)) return std::nullopt;
  const auto value = parsed.find(name);
  if (!value) return std::nullopt;
  return std::string{*value};
}

Asked& Asked::expect_body(std::string_view wanted, Where where) {
  if (body != wanted) fail_at(where, cat("the upstream got\n", body, "\nnot\n", wanted));
  return *this;
}

Asked& Asked::expect_header(std::string_view name, std::string_view value, Where where) {
  const auto found = header(name);
  if (!found || *found != value) {
    fail_at(where, cat("the upstream got ", name, " '", found.value_or("(none)"), "', not '", value, "'\n", head));
  }
  return *this;
}

Asked& Asked::expect_no_header(std::string_view name, Where where) {
  if (header(name)) fail_at(where, cat("the upstream got ", name, "\n", head));
  return *this;
}

// ---- Upstream --------------------------------------------------------------------------------------------------------------

Upstream::Upstream(TestServer& server, std::string name) : server_{server}, name_{std::move(name)} {
  server_.world().network().listen(name_, [this](std::unique_ptr<net::Stream> stream) { accept(std::move(stream)); });
}

void Upstream::accept(std::unique_ptr<net::Stream> stream) {
  const std::size_t number = connections_.size();
  Peer& peer = connections_.emplace_back(server_.others(), there_already(std::move(stream)));
  peer.on_bytes([this, number] { hear(number); });
}

void Upstream::hear(std::size_t connection) {
  std::string& inbox = connections_[connection].inbox();
  for (;;) {
    wire::RequestHead head;
    const Result<std::size_t> size = wire::parse_request_head(inbox, {}, head);
    if (!size || *size == 0 || inbox.size() < *size + head.content_length()) return;
    const auto length = static_cast<std::size_t>(head.content_length());
    Asked asked{inbox.substr(0, *size), inbox.substr(*size, length), connections_[connection], connection};
    inbox.erase(0, *size + length);
    ++requests_;
    if (automatic_) {
      asked.answer(automatic_(asked));
    } else {
      waiting_.push_back(std::move(asked));
    }
  }
}

Asked Upstream::expect_request(Where where) {
  server_.expect_until([&] { return !waiting_.empty(); }, day, cat("a request at ", name_), where);
  if (waiting_.empty()) throw std::runtime_error{cat("no request reached ", name_)};
  Asked asked = std::move(waiting_.front());
  waiting_.pop_front();
  return asked;
}

void Upstream::answer_all(std::string answer) {
  automatic_ = [answer = std::move(answer)](Asked&) { return answer; };
}

void Upstream::refuse() { server_.world().network().stop(name_); }
void Upstream::vanish() { server_.world().network().black_hole(name_); }

std::size_t Upstream::open() const {
  return static_cast<std::size_t>(std::ranges::count_if(connections_, [](const Peer& peer) { return !peer.ended(); }));
}

}  // namespace cardea::testing

#pragma once
// A tiny DNS server for tests (RFC 1035): answers A and AAAA from a table, over UDP on a loopback port, and TCP on request.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "base/text.h"
#include "net/poller.h"
#include "net/tcp.h"

namespace cardea::net::test {

class DnsServer final : private PollTarget {
 public:
  struct Record {
    std::vector<std::string> v4;
    std::vector<std::string> v6;
    std::uint32_t ttl = 60;
  };
  explicit DnsServer(Loop& loop) : loop_{loop}, fd_{socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)} {
    const Address any = *Address::parse("127.0.0.1:0");
    if (bind(fd_, any.data(), any.length()) != 0 || !Poller::of(loop_).add(fd_, *this, slot_)) std::abort();
  }
  ~DnsServer() { Poller::of(loop_).remove_and_close(slot_, fd_); }
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  [[nodiscard]] Address address() const {
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &length);
    return Address::from(reinterpret_cast<sockaddr*>(&bound), length);
  }

  std::map<std::string, Record> records;
  bool silent = false;    ///< questions are counted, never answered
  bool truncate = false;  ///< UDP answers are empty with TC set
  bool hold = false;      ///< answers wait for release()
  int asked = 0;

  void release() {
    hold = false;
    for (const auto& [question, from] : held_) send(question, from);
    held_.clear();
  }

  Task<void> serve_tcp(std::unique_ptr<Stream> stream) {
    std::string in;
    std::array<char, 512> space;
    for (;;) {
      Result<std::size_t> got = co_await stream->read_some(space, forever);
      if (!got || *got == 0) co_return;
      in.append(space.data(), *got);
      while (in.size() >= 2 && in.size() >= 2 + number(in, 0)) {
        const std::size_t length = number(in, 0);
        std::string answer = reply(in.substr(2, length), Answer::whole);
        std::string out;
        put(out, answer.size());
        out += answer;
        in.erase(0, 2 + length);
        iovec pieces[1] = {piece(out)};
        Status sent = co_await stream->write_all(pieces, forever);
        if (!sent) co_return;
      }
    }
  }

 private:
  static std::size_t number(std::string_view bytes, std::size_t at) {
    return static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[at])) << 8 | static_cast<std::uint8_t>(bytes[at + 1]);
  }
  static void put(std::string& out, std::size_t value) {
    out.push_back(static_cast<char>(value >> 8));
    out.push_back(static_cast<char>(value & 0xff));
  }

  enum class Answer : std::uint8_t { whole, truncated };
  [[nodiscard]] std::string reply(std::string_view question, Answer kind) const {
    std::string name;
    std::size_t at = 12;
    while (question[at] != 0) {
      const auto length = static_cast<std::size_t>(question[at]);
      if (!name.empty()) name += '.';
      name += question.substr(at + 1, length);
      at += length + 1;
    }
    const std::size_t type = number(question, at + 1);
    const auto found = records.find(to_lower(name));
    const bool v6 = type == 28;
    const bool truncated = kind == Answer::truncated;
    static const std::vector<std::string> none;
    const auto& addresses = found == records.end() || truncated ? none : v6 ? found->second.v6 : found->second.v4;
    std::string out{question.substr(0, 2)};
    put(out, 0x8180U | (truncated ? 0x0200U : 0U) | (found == records.end() ? 3U : 0U));
    put(out, 1);
    put(out, addresses.size());
    put(out, 0);
    put(out, 0);
    out += question.substr(12, at + 5 - 12);
    for (const auto& text : addresses) {
      const Address address = *Address::ip(text, 0);
      put(out, 0xc00c);  // the question's name
      put(out, type);
      put(out, 1);
      put(out, found->second.ttl >> 16);
      put(out, found->second.ttl & 0xffff);
      put(out, address.ip_bytes().size());
      for (const auto byte : address.ip_bytes()) out.push_back(static_cast<char>(byte));
    }
    return out;
  }

  void send(const std::string& question, const Address& to) {
    const std::string answer = reply(question, truncate ? Answer::truncated : Answer::whole);
    sendto(fd_, answer.data(), answer.size(), 0, to.data(), to.length());
  }

  void on_events(std::uint32_t /*events*/) override {
    for (;;) {
      std::array<char, 512> space;
      sockaddr_storage peer{};
      socklen_t length = sizeof peer;
      const auto got = recvfrom(fd_, space.data(), space.size(), 0, reinterpret_cast<sockaddr*>(&peer), &length);
      if (got <= 0) return;
      ++asked;
      const std::string question{space.data(), static_cast<std::size_t>(got)};
      const Address from = Address::from(reinterpret_cast<sockaddr*>(&peer), length);
      if (hold) {
        held_.emplace_back(question, from);
      } else if (!silent) {
        send(question, from);
      }
    }
  }

  Loop& loop_;
  int fd_;
  std::uint32_t slot_ = 0;
  std::vector<std::pair<std::string, Address>> held_;
};

}  // namespace cardea::net::test

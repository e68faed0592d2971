#pragma once
// Conversations with a twin over an in-memory connection, in virtual time.

#include <gtest/gtest.h>

#include <array>

#include "base/text.h"
#include "http/server.h"
#include "json/value.h"
#include "net/memory.h"
#include "testing/world.h"
#include "twin/twin.h"
#include "wire/multipart.h"
#include "wire/sse.h"

namespace cardea::twin {

/// What came back on one connection.
struct Heard {
  enum class End : std::uint8_t { closed, reset, silence } end = End::closed;
  std::string bytes;
  std::vector<std::pair<net::Duration, std::size_t>> arrivals;  ///< virtual time, bytes so far
};

struct Reply {
  unsigned status = 0;
  std::string headers;
  std::string body;
  bool whole = false;  ///< the framing says that the body is complete
};

inline net::Task<void> converse(testing::World& world, std::unique_ptr<net::Stream>& stream, std::string_view message,
                                Heard& heard) {
  constexpr net::Duration write_timeout = std::chrono::seconds{10};
  constexpr net::Duration read_timeout = std::chrono::seconds{20};
  iovec pieces[1] = {net::piece(message)};
  Status sent = co_await stream->write_all(pieces, write_timeout);
  std::array<char, 4096> space;
  while (sent) {
    Result<std::size_t> got = co_await stream->read_some(space, read_timeout);
    if (!got) {
      heard.end = got.error().is(Kind::timed_out) ? Heard::End::silence : Heard::End::reset;
      break;
    }
    if (*got == 0) break;
    heard.bytes.append(space.data(), *got);
    heard.arrivals.emplace_back(world.elapsed(), heard.bytes.size());
  }
  stream.reset();
}

/// One twin and as many connections to it as asked for.
class TwinTest : public ::testing::Test {
 protected:
  explicit TwinTest(TwinOptions options = {}) : twin_{std::move(options)} {}

  static TwinOptions fixed() {
    TwinOptions options;
    options.unix_seconds = [] { return std::uint64_t{1'700'000'000}; };
    return options;
  }

  Heard talk(std::string_view message) {
    Heard heard;
    auto [client, server] = net::memory_pair(world_.loop());
    net::Scope serving{world_.loop()};
    http::Server http{serving, twin_, {}};
    http.serve(std::move(server));
    world_.scope().spawn(converse(world_, client, message, heard));
    EXPECT_EQ(world_.run_until([&] { return world_.scope().children() == 0; }), "");
    serving.cancel();
    EXPECT_EQ(world_.run_until([&] { return serving.children() == 0; }), "");
    return heard;
  }

  /// `headers`: lines that end in CRLF.
  static std::string message(std::string_view body, std::string_view headers = "",
                             std::string_view target = "/v1/chat/completions") {
    return cat("POST ", target, " HTTP/1.1\r\nHost: twin\r\nConnection: close\r\nContent-Length: ", body.size(), "\r\n", headers,
               "\r\n", body);
  }

  static Reply read(const Heard& heard, wire::Method method = wire::Method::post) {
    Reply reply;
    wire::ResponseHead head;
    Result<std::size_t> size = wire::parse_response_head(heard.bytes, {}, method, head);
    if (!size || *size == 0) return reply;
    reply.status = head.status();
    reply.headers = heard.bytes.substr(0, *size);
    const auto rest = std::string_view{heard.bytes}.substr(*size);
    if (head.framing() == wire::Framing::chunked) {
      wire::ChunkedDecoder decoder{Kind::upstream_protocol};
      for (std::size_t at = 0; at < rest.size() && !decoder.done();) {
        auto step = decoder.feed(rest.substr(at));
        if (!step) return reply;
        reply.body += step->data;
        at += step->consumed;
      }
      reply.whole = decoder.done();
    } else {
      reply.body = rest.substr(0, head.content_length());
      reply.whole = rest.size() >= head.content_length();
    }
    return reply;
  }

  Reply ask(std::string_view body, std::string_view headers = "") { return read(talk(message(body, headers))); }
  json::Value ask_json(std::string_view body, std::string_view headers = "") {
    const Reply reply = ask(body, headers);
    auto value = json::parse(reply.body);
    EXPECT_TRUE(value) << reply.body;
    return value ? std::move(*value) : json::Value{};
  }

  Reply post(std::string_view target, std::string_view body, std::string_view headers = "") {
    return read(talk(message(body, headers, target)));
  }
  json::Value post_json(std::string_view target, std::string_view body, std::string_view headers = "") {
    const Reply reply = post(target, body, headers);
    auto value = json::parse(reply.body);
    EXPECT_TRUE(value) << reply.body;
    return value ? std::move(*value) : json::Value{};
  }
  Reply get(std::string_view target, std::string_view headers = "") {
    return read(talk(cat("GET ", target, " HTTP/1.1\r\nHost: twin\r\nConnection: close\r\n", headers, "\r\n")),
                wire::Method::get);
  }

  /// The name and the data of every event.
  struct Named {
    std::string type;
    json::Value data;
  };
  static std::vector<Named> named_events(std::string_view body) {
    std::vector<Named> all;
    wire::EventCutter cutter;
    std::string scratch;
    while (!body.empty()) {
      auto size = cutter.next(body);
      const std::size_t cut = size && *size != 0 ? *size : cutter.finish(body);
      if (cut == 0) break;
      const auto event = wire::parse_event(body.substr(0, cut), scratch);
      if (event.has_data) {
        auto data = json::parse(event.data);
        EXPECT_TRUE(data) << event.data;
        all.emplace_back(std::string{event.name}, data ? std::move(*data) : json::Value{});
      }
      body.remove_prefix(cut);
    }
    return all;
  }
  /// "message_start content_block_start …", neighbours of one name once.
  static std::string outline(const std::vector<Named>& events) {
    std::string text;
    std::string_view last;
    for (const auto& event : events) {
      if (event.type != last) append(text, cat(text.empty() ? "" : " ", event.type));
      last = event.type;
    }
    return text;
  }

  /// The data of every event.
  static std::vector<std::string> events(std::string_view body) {
    std::vector<std::string> all;
    wire::EventCutter cutter;
    std::string scratch;
    while (!body.empty()) {
      auto size = cutter.next(body);
      const std::size_t cut = size && *size != 0 ? *size : cutter.finish(body);
      if (cut == 0) break;
      const auto event = wire::parse_event(body.substr(0, cut), scratch);
      if (event.has_data) all.emplace_back(event.data);
      body.remove_prefix(cut);
    }
    return all;
  }

  testing::World world_{1};
  Twin twin_;
};

/// A form under construction.
class FormBody {
 public:
  FormBody& field(std::string_view name, std::string_view value) {
    wire::append_multipart_field(body_, boundary, name, value);
    return *this;
  }
  FormBody& file(std::string_view name, std::string_view filename, std::string_view bytes) {
    wire::append_multipart_head(body_, boundary, name, filename, "application/octet-stream");
    append(body_, bytes);
    append(body_, wire::multipart_part_end);
    return *this;
  }
  [[nodiscard]] std::string text() const {
    std::string whole = body_;
    wire::append_multipart_end(whole, boundary);
    return whole;
  }
  static constexpr std::string_view header = "content-type: multipart/form-data; boundary=twin-boundary\r\n";

 private:
  static constexpr std::string_view boundary = "twin-boundary";
  std::string body_;
};

/// The value at a path such as "choices.0.message.content".
inline const json::Value& at(const json::Value& value, std::string_view path) {
  static const json::Value none;
  const json::Value* here = &value;
  while (!path.empty() && here != nullptr) {
    const auto dot = std::min(path.find('.'), path.size());
    const auto step = path.substr(0, dot);
    path.remove_prefix(std::min(path.size(), dot + 1));
    const auto index = parse_number<std::size_t>(step);
    if (index && here->is(json::Type::array)) {
      here = *index < here->elements().size() ? &here->elements()[*index] : nullptr;
    } else {
      here = here->find(step);
    }
  }
  return here != nullptr ? *here : none;
}
inline std::string text_at(const json::Value& value, std::string_view path) {
  const auto& found = at(value, path);
  return found.as_string() != nullptr ? *found.as_string() : found.dump();
}

}  // namespace cardea::twin

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "wire/http1.h"

namespace cardea::wire {
namespace {

struct Case {
  std::string_view bytes;
  Method method;
  std::string_view meaning;
};

std::string meaning(const ResponseHead& h) {
  return cat(h.status(), '|', h.reason(), '|', h.minor_version(), '|', static_cast<int>(h.framing()), '|', h.content_length(),
             '|', h.keep_alive() ? "keep" : "close");
}

const Case good[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method::get, "200|OK|1|1|5|keep"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method::head, "200|OK|1|0|0|keep"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::post, "200|OK|1|2|0|keep"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::head, "200|OK|1|0|0|keep"},
    {"HTTP/1.1 200 OK\r\n\r\n", Method::get, "200|OK|1|3|0|close"},
    {"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", Method::get, "200|OK|1|3|0|close"},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", Method::get, "200||1|1|0|keep"},
    {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", Method::get, "200||1|1|0|keep"},
    {"HTTP/1.1 404 Not \xc3\xa9 Found\t!\r\nContent-Length: 0\r\n\r\n", Method::get, "404|Not \xc3\xa9 Found\t!|1|1|0|keep"},
    {"HTTP/1.1 204 No Content\r\n\r\n", Method::post, "204|No Content|1|0|0|keep"},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", Method::get, "304|Not Modified|1|0|0|keep"},
    {"HTTP/1.1 100 Continue\r\n\r\n", Method::post, "100|Continue|1|0|0|keep"},
    {"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", Method::get, "101|Switching|1|0|0|keep"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", Method::get, "200|OK|1|1|5|close"},
    {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", Method::get, "200|OK|0|1|5|close"},
    {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", Method::get, "200|OK|0|1|5|keep"},
    {"HTTP/1.1 200 OK\r\nx_y: 1\r\nContent-Length: 5\r\n\r\n", Method::get, "200|OK|1|1|5|keep"},
};

const std::string_view refused[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\nContent-Length: 5\n\n",
    "HTTP/1.1 200 O\x01K\r\n\r\n",
    "HTTP/1.1 200 OK\rX: y\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
    "HTTP/1.1 200OK\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/1.1 600 OK\r\n\r\n",
    "HTTP/1.2 200 OK\r\n\r\n",
    "HTTP/2.0 200 OK\r\n\r\n",
    "http/1.1 200 OK\r\n\r\n",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "ICY 200 OK\r\n\r\n",
    "<html>",
};

Result<std::size_t> in_pieces(std::string_view bytes, Method method, ResponseHead& out, Random& random, std::size_t piece_max) {
  std::string so_far;
  while (so_far.size() < bytes.size()) {
    so_far.append(bytes.substr(so_far.size(), 1 + random.below(piece_max)));
    auto result = parse_response_head(so_far, {}, method, out);
    if (!result) return result;
    if (*result != 0) {
      out.rebase(bytes.data());
      return result;
    }
  }
  return std::size_t{0};
}

TEST(ResponseHead, Accepts) {
  Random random{11};
  for (const auto& item : good) {
    ResponseHead head;
    const auto result = parse_response_head(item.bytes, {}, item.method, head);
    ASSERT_TRUE(result.has_value()) << item.bytes << result.error().message();
    EXPECT_EQ(*result, item.bytes.size());
    EXPECT_EQ(meaning(head), item.meaning);
    for (const std::size_t piece : {1U, 3U, 17U}) {
      ResponseHead split;
      EXPECT_EQ(in_pieces(item.bytes, item.method, split, random, piece).value(), item.bytes.size());
      EXPECT_EQ(meaning(split), item.meaning);
    }
    for (std::size_t size = 0; size < item.bytes.size(); ++size) {
      ResponseHead cut;
      EXPECT_EQ(parse_response_head(item.bytes.substr(0, size), {}, item.method, cut).value(), 0U) << size;
    }
  }
}

TEST(ResponseHead, RefusesAsUpstreamFault) {
  Random random{12};
  for (const auto bytes : refused) {
    ResponseHead head;
    const auto result = parse_response_head(bytes, {}, Method::get, head);
    ASSERT_FALSE(result.has_value()) << bytes;
    EXPECT_EQ(result.error().kind(), Kind::upstream_protocol);
    ResponseHead split;
    const auto slow = in_pieces(bytes, Method::get, split, random, 1);
    ASSERT_FALSE(slow.has_value()) << bytes;
    EXPECT_EQ(slow.error().message(), result.error().message());
  }
}

TEST(ResponseHead, Limits) {
  const auto bytes = good[0].bytes;
  ResponseHead head;
  EXPECT_EQ(parse_response_head(bytes, {.head_bytes = bytes.size()}, Method::get, head).value(), bytes.size());
  const auto over = parse_response_head(bytes, {.head_bytes = bytes.size() - 1}, Method::get, head);
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().kind(), Kind::upstream_protocol);
  EXPECT_EQ(parse_response_head(good[12].bytes, {.headers = 2}, Method::get, head).value(), good[12].bytes.size());
  EXPECT_FALSE(parse_response_head(good[12].bytes, {.headers = 1}, Method::get, head).has_value());
}

}  // namespace
}  // namespace cardea::wire

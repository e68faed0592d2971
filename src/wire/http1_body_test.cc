#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "wire/http1.h"

namespace cardea::wire {
namespace {

struct Decoded {
  std::string payload;
  std::string trailers;
  std::size_t consumed = 0;
  bool done = false;
  std::string error;
  bool operator==(const Decoded&) const = default;
};

/// Feeds `bytes` in pieces of at most `piece_max` until the body ends, fails or the bytes do.
Decoded decode(std::string_view bytes, std::size_t piece_max, Random& random, const ChunkLimits& limits = {}) {
  ChunkedDecoder decoder{Kind::bad_request, limits};
  Decoded out;
  while (out.consumed < bytes.size() && !decoder.done()) {
    auto piece = bytes.substr(out.consumed, piece_max == 0 ? bytes.size() : 1 + random.below(piece_max));
    while (!piece.empty() && !decoder.done()) {
      const auto step = decoder.feed(piece);
      if (!step) {
        EXPECT_EQ(step.error().kind(), Kind::bad_request);
        out.consumed = 0;  // where an error is met depends on the pieces' ends
        out.payload.clear();
        out.error = step.error().message();
        return out;
      }
      EXPECT_GT(step->consumed, 0U);
      out.payload.append(step->data);
      out.consumed += step->consumed;
      piece.remove_prefix(step->consumed);
    }
  }
  out.done = decoder.done();
  out.trailers = decoder.trailers();
  return out;
}

struct Good {
  std::string_view bytes;
  std::string_view payload;
  std::string_view trailers;
};
const Good good[] = {
    {"0\r\n\r\n", "", ""},
    {"5\r\nhello\r\n0\r\n\r\n", "hello", ""},
    {"5\r\nhello\r\n6\r\n world\r\n000\r\n\r\n", "hello world", ""},
    {"A\r\n0123456789\r\n0a\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", ""},
    {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", ""},
    {"1;name=value;q=\"a;b\"\r\nx\r\n0;last\r\n\r\n", "x", ""},
    {"1 \t;a\r\nx\r\n0\r\n\r\n", "x", ""},
    {"0000000000000001\r\nx\r\n0\r\n\r\n", "x", ""},
    {"1\r\nx\r\n0\r\nX-Sum: 1\r\nEtag: \"y\"\r\n\r\n", "x", "X-Sum: 1\r\nEtag: \"y\"\r\n"},
};

const std::string_view refused[] = {
    "\r\n",
    "g\r\n",
    "-1\r\nx\r\n",
    "+1\r\nx\r\n",
    " 1\r\nx\r\n",
    "0x1\r\nx\r\n",
    "1 \r\nx\r\n0\r\n\r\n",
    "1\nx\r\n",
    "1\r\rx\r\n",
    "1\r\nx\n0\r\n\r\n",
    "1\r\nxy\r\n0\r\n\r\n",
    "1\r\nx0\r\n\r\n",
    "1;a\nb\r\nx\r\n",
    "1;a\rb\r\nx\r\n",
    "1;a\x01\r\nx\r\n",
    "8000000000000000\r\n",
    "ffffffffffffffff\r\n",
    "10000000000000001\r\n",
    "00000000000000001\r\n",
    "0\r\n\n",
    "0\r\n\r\r",
    "0\r\nX: y\n\r\n",
    "0\r\nX: y\r\r\n",
    "0\r\nX\r\n\r\n",
    "0\r\nX : y\r\n\r\n",
    "0\r\n: y\r\n\r\n",
    "0\r\nX: a\r\n b\r\n\r\n",
    "0\r\nx_y: a\r\n\r\n",
    "0\r\nContent-Length: 1\r\n\r\n",
    "0\r\ntransfer-encoding: chunked\r\n\r\n",
    "0\r\nHost: a\r\n\r\n",
    "0\r\nAuthorization: b\r\n\r\n",
    "0\r\nSet-Cookie: b\r\n\r\n",
    "0\r\nContent-Type: b\r\n\r\n",
};

TEST(ChunkedDecoder, AnySplitGivesTheSame) {
  Random random{21};
  for (const auto& item : good) {
    const auto bytes = cat(item.bytes, "NEXT");
    const Decoded expected{.payload = std::string{item.payload},
                           .trailers = std::string{item.trailers},
                           .consumed = item.bytes.size(),
                           .done = true,
                           .error = {}};
    for (const std::size_t piece : {0U, 1U, 2U, 3U, 5U, 11U}) EXPECT_EQ(decode(bytes, piece, random), expected) << item.bytes;
    for (std::size_t size = 0; size < item.bytes.size(); ++size) {
      const auto cut = decode(item.bytes.substr(0, size), 0, random);
      EXPECT_FALSE(cut.done) << size;
      EXPECT_EQ(cut.error, "");
    }
  }
}

TEST(ChunkedDecoder, Refuses) {
  Random random{22};
  for (const auto bytes : refused) {
    const auto whole = decode(bytes, 0, random);
    EXPECT_NE(whole.error, "") << bytes;
    EXPECT_EQ(decode(bytes, 1, random), whole) << bytes;
  }
}

TEST(ChunkedDecoder, Limits) {
  Random random{23};
  const auto extension = [](std::size_t size) { return cat("1;", std::string(size, 'e'), "\r\nx\r\n"); };
  const ChunkLimits limits{.extension_bytes = 10, .message_extension_bytes = 25, .trailer_bytes = 20};
  for (const std::size_t piece : {0U, 1U, 4U}) {
    EXPECT_EQ(decode(cat(extension(10), last_chunk), piece, random, limits).payload, "x");
    EXPECT_THAT(decode(cat(extension(11), last_chunk), piece, random, limits).error, testing::HasSubstr("too long"));
    EXPECT_TRUE(decode(cat(extension(10), extension(10), extension(5), last_chunk), piece, random, limits).done);
    EXPECT_THAT(decode(cat(extension(10), extension(10), extension(6)), piece, random, limits).error,
                testing::HasSubstr("too many"));
    // Over both limits: named is the one that a byte-by-byte count meets first.
    EXPECT_THAT(decode(cat(extension(10), extension(10), extension(11)), piece, random, limits).error,
                testing::HasSubstr("too many"));
    EXPECT_THAT(decode(extension(30), piece, random, limits).error, testing::HasSubstr("too long"));
    const auto trailer = [](std::size_t size) { return cat("0\r\nX: ", std::string(size - 5, 't'), "\r\n\r\n"); };
    EXPECT_EQ(decode(trailer(20), piece, random, limits).trailers.size(), 20U);
    EXPECT_THAT(decode(trailer(21), piece, random, limits).error, testing::HasSubstr("larger than 20"));
  }
  std::string many = "0\r\n";
  for (std::size_t i = 0; i <= HeaderTable::max_headers; ++i) many += "a: b\r\n";
  EXPECT_THAT(decode(many + "\r\n", 0, random).error, testing::HasSubstr("trailer section"));
}

TEST(ChunkedDecoder, HugeChunksAreCountedNotStored) {
  ChunkedDecoder decoder{Kind::upstream_protocol};
  const auto step = decoder.feed("7fffffffffffffff\r\nabc");
  ASSERT_TRUE(step.has_value());
  EXPECT_EQ(step->data, "abc");
  EXPECT_EQ(decoder.chunk_left(), 0x7fffffffffffffffU - 3);
  EXPECT_FALSE(decoder.done());
}

TEST(ChunkedDecoder, BlamesTheUpstream) {
  ChunkedDecoder decoder{Kind::upstream_protocol};
  const auto step = decoder.feed("zz");
  ASSERT_FALSE(step.has_value());
  EXPECT_EQ(step.error().kind(), Kind::upstream_protocol);
}

TEST(ChunkedDecoder, ReadsWhatTheWriterWrites) {
  Random random{24};
  for (int round = 0; round < 50; ++round) {
    std::string wire;
    std::string payload;
    for (auto chunks = random.below(5); chunks > 0; --chunks) {
      const std::string piece(1 + random.below(5000), static_cast<char>(random.below(256)));
      char buffer[chunk_prefix_bytes];
      wire += cat(chunk_prefix(piece.size(), buffer), piece, chunk_suffix);
      payload += piece;
    }
    wire += last_chunk;
    EXPECT_EQ(decode(wire, 700, random).payload, payload);
  }
}

TEST(Writers, ChunkPrefixFitsAnySize) {
  char buffer[chunk_prefix_bytes];
  EXPECT_EQ(chunk_prefix(1, buffer), "1\r\n");
  EXPECT_EQ(chunk_prefix(0x1aB, buffer), "1ab\r\n");
  EXPECT_EQ(chunk_prefix(UINT64_MAX, buffer), "ffffffffffffffff\r\n");
}

TEST(Writers, StartLines) {
  std::string out;
  append_status_line(out, 200);
  append_status_line(out, 429);
  append_status_line(out, 599);
  append_request_line(out, text(Method::post), "/v1/x?y");
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nHTTP/1.1 429 Too Many Requests\r\nHTTP/1.1 599 Unknown\r\nPOST /v1/x?y HTTP/1.1\r\n");
  EXPECT_EQ(reason_phrase(504), "Gateway Timeout");
  EXPECT_EQ(reason_phrase(0), "Unknown");
}

TEST(HeaderBlock, RefusesInjection) {
  HeaderBlock block;
  using namespace std::string_literals;
  for (const auto& value : {"a\r\nX: y"s, "a\nb"s, "a\rb"s, "a\0b"s, "a\x7f"s, "\x1b[0m"s}) {
    EXPECT_EQ(block.add("x", value).error().kind(), Kind::bad_request);
  }
  for (const auto* name : {"", "a b", "a:", "a\r\n", "\xc3\xa9"}) EXPECT_FALSE(block.add(name, "v").has_value()) << name;
  EXPECT_TRUE(block.empty());
  EXPECT_TRUE(block.add("x-a", " caf\xc3\xa9\tb ").has_value());
  EXPECT_TRUE(block.add("x_b", "").has_value());
  block.add("content-length", 12U);
  block.add_raw("a: b\r\n");
  EXPECT_EQ(block.text(), "x-a: caf\xc3\xa9\tb\r\nx_b: \r\ncontent-length: 12\r\na: b\r\n");
  block.clear();
  EXPECT_TRUE(block.empty());
}

TEST(HeaderBlock, ReadsBackAsWritten) {
  HeaderBlock block;
  ASSERT_TRUE(block.add("Host", "a").has_value());
  ASSERT_TRUE(block.add("X-Tag", "t").has_value());
  std::string wire;
  append_request_line(wire, "GET", "/p");
  wire += cat(block.text(), "\r\n");
  RequestHead head;
  ASSERT_EQ(parse_request_head(wire, {}, head).value(), wire.size());
  EXPECT_EQ(head.find("x-tag"), "t");
}

}  // namespace
}  // namespace cardea::wire

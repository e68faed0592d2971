#include "wire/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"
#include "base/text.h"

namespace cardea::wire {
namespace {

/// Cuts `bytes` fed in pieces of at most `piece_max` (0 = at once); `rest` is what no event holds.
std::vector<std::string> cut(std::string_view bytes, std::size_t piece_max, Random& random, std::string* rest = nullptr) {
  EventCutter cutter;
  std::vector<std::string> events;
  std::string buffer;
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, piece_max == 0 ? bytes.size() : 1 + random.below(piece_max));
    buffer.append(piece);
    bytes.remove_prefix(piece.size());
    for (;;) {
      const auto size = cutter.next(buffer).value();
      if (size == 0) break;
      events.push_back(buffer.substr(0, size));
      buffer.erase(0, size);
    }
  }
  if (const auto size = cutter.finish(buffer); size != 0) {
    events.push_back(buffer.substr(0, size));
    buffer.erase(0, size);
  }
  if (rest != nullptr) *rest = buffer;
  return events;
}

using Events = std::vector<std::string>;
struct Cut {
  std::string_view bytes;
  Events events;
};
const Cut cuts[] = {
    {"", {}},
    {"data: a\n\ndata: b\n\n", {"data: a\n\n", "data: b\n\n"}},
    {"data: a\r\n\r\ndata: b\r\n\r\n", {"data: a\r\n\r\n", "data: b\r\n\r\n"}},
    {"data: a\r\rdata: b\r\r", {"data: a\r\r", "data: b\r\r"}},
    {"data: a\n\r\ndata: b\r\n\ndata: c\r\n\rdata: d\n\rx", {"data: a\n\r\n", "data: b\r\n\n", "data: c\r\n\r", "data: d\n\r"}},
    {"\n\n\ndata: a\n\n", {"\n", "\n", "\n", "data: a\n\n"}},
    {"\r\n\r\n", {"\r\n", "\r\n"}},
    {": ping\n\ndata: a\n\n", {": ping\n\n", "data: a\n\n"}},
    {"\xEF\xBB\xBF"
     "data: a\n\ndata: b\n\n",
     {"\xEF\xBB\xBF"
      "data: a\n\n",
      "data: b\n\n"}},
    {"\xEF\xBB\xBF\ndata: a\n\n", {"\xEF\xBB\xBF\n", "data: a\n\n"}},
    {"data: a\n\n\xEF\xBB\xBF\ndata: b\n\n", {"data: a\n\n", "\xEF\xBB\xBF\ndata: b\n\n"}},
    {"data: a\ndata: b\nid: 1\n\n", {"data: a\ndata: b\nid: 1\n\n"}},
    {"data: a\xE2\x80\xA8\xE2\x80\xA8"
     "b\n\n",
     {"data: a\xE2\x80\xA8\xE2\x80\xA8"
      "b\n\n"}},
    {"data: incomplete\n", {}},
    {"data: incomplete\r", {}},
};

TEST(EventCutter, CutsTheSameHoweverItIsFed) {
  Random random{31};
  for (const auto& item : cuts) {
    for (const std::size_t piece : {0U, 1U, 2U, 3U, 7U}) {
      std::string rest;
      const auto events = cut(item.bytes, piece, random, &rest);
      EXPECT_EQ(events, item.events) << item.bytes << " in " << piece;
      std::string all;
      for (const auto& event : events) all += event;
      EXPECT_EQ(all + rest, item.bytes);
    }
  }
}

TEST(EventCutter, RandomStreamsAnySplit) {
  Random random{32};
  constexpr std::string_view alphabet = "d:\n\r\n\r \xEF\xBB\xBF";
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (auto n = random.below(40); n > 0; --n) bytes += alphabet[random.below(alphabet.size())];
    const auto whole = cut(bytes, 0, random);
    EXPECT_EQ(cut(bytes, 1, random), whole);
    EXPECT_EQ(cut(bytes, 5, random), whole);
  }
}

TEST(EventCutter, TruncationIsIncomplete) {
  constexpr std::string_view event = "event: e\r\ndata: some longer text to fill a vector register\r\n\r\n";
  for (std::size_t size = 0; size < event.size(); ++size) {
    EventCutter cutter;
    EXPECT_EQ(cutter.next(event.substr(0, size)).value(), 0U);
    // Only a final CR whose LF was lost is complete at the end of the stream.
    EXPECT_EQ(cutter.finish(event.substr(0, size)), size + 1 == event.size() ? size : 0U) << size;
  }
}

TEST(EventCutter, Limit) {
  const auto event = cat("data: ", std::string(92, 'x'), "\n\n");
  ASSERT_EQ(event.size(), 100U);
  for (const std::size_t limit : {99U, 100U, 101U}) {
    EventCutter whole{limit};
    const auto result = whole.next(event);
    EventCutter slow{limit};
    Result<std::size_t> stepped = std::size_t{0};
    for (std::size_t size = 1; size <= event.size() && stepped && *stepped == 0; ++size) {
      stepped = slow.next(std::string_view{event}.substr(0, size));
    }
    if (limit < 100) {
      ASSERT_FALSE(result.has_value());
      ASSERT_FALSE(stepped.has_value());
      EXPECT_EQ(result.error().kind(), Kind::upstream_protocol);
    } else {
      EXPECT_EQ(result.value_or(0), 100U);
      EXPECT_EQ(stepped.value_or(0), 100U);
    }
  }
  EventCutter cutter{10};
  EXPECT_EQ(cutter.next(std::string(10, 'x')).value(), 0U);
  EXPECT_FALSE(cutter.next(std::string(11, 'x')).has_value());
  EventCutter many{10};
  EXPECT_EQ(many.next("data: a\n\ndata: b\n\ndata: c\n\n").value(), 9U) << "only one event counts, not the buffer";
}

struct Parsed {
  std::string_view raw;
  Event event;
};
const Parsed parsed[] = {
    {"data: a\n\n", {.data = "a", .has_data = true}},
    {"data:a\n\n", {.data = "a", .has_data = true}},
    {"data:  a\r\n\r\n", {.data = " a", .has_data = true}},
    {"data: a\r\r", {.data = "a", .has_data = true}},
    {"data: a", {.data = "a", .has_data = true}},
    {"data\n\n", {.data = "", .has_data = true}},
    {"data:\n\n", {.data = "", .has_data = true}},
    {"data\ndata\n\n", {.data = "\n", .has_data = true}},
    {"data: a\ndata: b\r\ndata:\rdata:c\n\n", {.data = "a\nb\n\nc", .has_data = true}},
    {"event: x\ndata: {\"a\": 1}\n\n", {.name = "x", .data = "{\"a\": 1}", .has_data = true}},
    {"event: x\nevent:y\ndata: d\n\n", {.name = "y", .data = "d", .has_data = true}},
    {"event: x\n\n", {.name = "x"}},
    {"id: 7\nretry: 1500\ndata: d\n\n", {.data = "d", .id = "7", .retry_ms = 1500, .has_data = true}},
    {"id\ndata: d\n\n", {.data = "d", .id = "", .has_data = true}},
    {"retry: -1\nretry: 1x\nretry:\n\n", {}},
    {": ping\n\n", {.comment_only = true}},
    {":\n\n", {.comment_only = true}},
    {": ping\ndata: a\n: more\n\n", {.data = "a", .has_data = true}},
    {": ping\nunknown: a\n\n", {}},
    {"\n", {}},
    {"", {}},
    {"Data: a\ndata : b\n data: c\n\n", {}},
    {"data: a:b: c\n\n", {.data = "a:b: c", .has_data = true}},
    {"\xEF\xBB\xBF"
     "data: a\n\n",
     {.data = "a", .has_data = true}},
    {"data: a\xE2\x80\xA8"
     "b\n\n",
     {.data = "a\xE2\x80\xA8"
              "b",
      .has_data = true}},
};

TEST(ParseEvent, FollowsTheStandard) {
  for (const auto& item : parsed) {
    std::string scratch;
    EXPECT_EQ(parse_event(item.raw, scratch), item.event) << item.raw;
  }
  std::string scratch;
  const std::string_view nul{"id: a\0b\ndata: d\n\n", 17};
  EXPECT_EQ(parse_event(nul, scratch).id, std::nullopt);
}

TEST(ParseEvent, CopiesOnlyWhenItMust) {
  const std::string raw = "data: one\n\n";
  std::string scratch = "untouched";
  const auto event = parse_event(raw, scratch);
  EXPECT_EQ(event.data.data(), raw.data() + 6);
  EXPECT_EQ(scratch, "untouched");
}

TEST(WriteEvent, Lines) {
  std::string out;
  append_event(out, "", "{}");
  append_event(out, "delta", "a\nb\r\nc\rd");
  append_event(out, "x\ndata: injected", "");
  append_event(out, "", "a\n");
  append_comment(out, "ping");
  append_comment(out, "a\ndata: b");
  append_comment(out, "");
  EXPECT_EQ(out,
            "data: {}\n\n"
            "event: delta\ndata: a\ndata: b\ndata: c\ndata: d\n\n"
            "event: x\ndata: \n\n"
            "data: a\ndata: \n\n"
            ": ping\n\n"
            ": a\n: data: b\n\n"
            ": \n\n");
}

TEST(WriteEvent, ReadsBackAsWritten) {
  Random random{33};
  constexpr std::string_view alphabet = "ab: \n\xEF\xBB\xBF{}";
  for (int round = 0; round < 1000; ++round) {
    std::string data;
    for (auto n = random.below(30); n > 0; --n) data += alphabet[random.below(alphabet.size())];
    std::string wire;
    append_event(wire, "name", data);
    EventCutter cutter;
    ASSERT_EQ(cutter.next(wire).value(), wire.size());
    std::string scratch;
    const auto event = parse_event(wire, scratch);
    EXPECT_EQ(event.name, "name");
    EXPECT_EQ(event.data, data);
  }
}

}  // namespace
}  // namespace cardea::wire

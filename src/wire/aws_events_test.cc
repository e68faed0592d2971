#include "wire/aws_events.h"

#include <gtest/gtest.h>

namespace cardea::wire {
namespace {

std::string unhex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16)));
  return out;
}

TEST(AwsEvents, ReadTheVectorsOfTheSpecification) {
  // Published with the format: an empty message, and one with a payload and an int32 header "event-id".
  const std::string empty_bytes = unhex("000000100000000005c248eb7d98c8ff");
  const auto empty = parse_aws_message(empty_bytes, 1024);
  ASSERT_TRUE(empty && *empty);
  EXPECT_EQ((*empty)->bytes, 16U);
  EXPECT_EQ((*empty)->payload, "");
  const std::string payload_bytes = unhex("0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936");
  const auto payload = parse_aws_message(payload_bytes, 1024);
  ASSERT_TRUE(payload && *payload);
  EXPECT_EQ((*payload)->payload, "{'foo':'bar'}");
}

TEST(AwsEvents, WhatIsWrittenIsRead) {
  std::string out;
  append_aws_event(out, "contentBlockDelta", R"({"delta":{"text":"a"}})");
  const auto first = out.size();
  append_aws_exception(out, "throttlingException", R"({"message":"slow down"})");
  const auto event = parse_aws_message(out, 1024);
  ASSERT_TRUE(event && *event);
  EXPECT_EQ((*event)->bytes, first);
  EXPECT_EQ((*event)->message_type, "event");
  EXPECT_EQ((*event)->event_type, "contentBlockDelta");
  EXPECT_EQ((*event)->content_type, "application/json");
  EXPECT_EQ((*event)->payload, R"({"delta":{"text":"a"}})");
  const auto exception = parse_aws_message(std::string_view{out}.substr(first), 1024);
  ASSERT_TRUE(exception && *exception);
  EXPECT_EQ((*exception)->message_type, "exception");
  EXPECT_EQ((*exception)->exception_type, "throttlingException");
}

TEST(AwsEvents, AnyCutWaitsAndAnyChangedByteIsAnError) {
  std::string out;
  append_aws_event(out, "messageStop", R"({"stopReason":"end_turn"})");
  for (std::size_t size = 0; size < out.size(); ++size) {
    const auto part = parse_aws_message(std::string_view{out}.substr(0, size), 1024);
    ASSERT_TRUE(part) << size;
    EXPECT_FALSE(*part) << size;
  }
  for (std::size_t at = 0; at < out.size(); ++at) {
    std::string changed = out;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    const auto read = parse_aws_message(changed, 1024);
    EXPECT_FALSE(read) << at;
    if (!read) EXPECT_TRUE(read.error().is(Kind::upstream_protocol));
  }
}

TEST(AwsEvents, AMessageBeyondTheLimitIsRefusedAtItsPrelude) {
  std::string out;
  append_aws_event(out, "e", std::string(2000, 'x'));
  EXPECT_FALSE(parse_aws_message(std::string_view{out}.substr(0, 12), 1024));
}

}  // namespace
}  // namespace cardea::wire

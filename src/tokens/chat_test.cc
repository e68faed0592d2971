#include "tokens/chat.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "tokens/image.h"

namespace cardea::tokens {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

model::Message said(model::Role role, std::string text, std::optional<std::string> name = std::nullopt) {
  return {.role = role, .name = std::move(name), .parts = {{.value = model::Text{.text = std::move(text)}}}};
}

/// The example of OpenAI's cookbook, with the numbers that its API answers there.
model::Chat cookbook() {
  using enum model::Role;
  return {.messages = {
              said(system, "You are a helpful, pattern-following assistant that translates corporate jargon into plain English."),
              said(system, "New synergies will help drive top-line growth.", "example_user"),
              said(system, "Things working well together will increase revenue.", "example_assistant"),
              said(system, "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
                   "example_user"),
              said(system, "Let's talk later when we're less busy about how to do better.", "example_assistant"),
              said(user, "This late pivot means we don't have time to boil the ocean for the client deliverable."),
          }};
}

model::Chat with_tool() {
  using enum model::Role;
  model::Chat chat{.messages = {said(system, "You are a helpful assistant that can answer to questions about the weather."),
                                said(user, "What's the weather like in San Francisco?")}};
  model::Tool weather{.name = "get_current_weather", .description = "Get the current weather in a given location"};
  weather.parameters = model::Json{
      R"({"type":"object","properties":{"location":{"type":"string","description":"The city and state, e.g. San Francisco, CA"},)"
      R"("unit":{"type":"string","description":"The unit of temperature to return","enum":["celsius","fahrenheit"]}},)"
      R"("required":["location"]})"};
  chat.tools = std::vector{weather};
  return chat;
}

TEST(CountChat, says_what_the_vendor_says) {
  Counter counter;
  EXPECT_EQ(count_chat(counter, cookbook(), "gpt-4o"), 124U);
  EXPECT_EQ(count_chat(counter, cookbook(), "gpt-4-0613"), 129U);
  EXPECT_EQ(count_chat(counter, cookbook(), "gpt-3.5-turbo"), 129U);
}

TEST(CountChat, counts_tools_as_the_vendor_does) {
  Counter counter;
  EXPECT_EQ(count_chat(counter, with_tool(), "gpt-4o-mini"), 101U);
  EXPECT_EQ(count_chat(counter, with_tool(), "gpt-4"), 105U);
}

TEST(CountChat, estimates_for_other_vendors) {
  Counter counter;
  EXPECT_EQ(count_chat(counter, cookbook(), "claude-sonnet-4-5"), (129U * 120 + 99) / 100);
  EXPECT_EQ(count_chat(counter, cookbook(), "gemini-2.5-pro"), (124U * 105 + 99) / 100);
}

TEST(CountChat, reads_no_more_than_its_bound_and_takes_the_rest_to_be_alike) {
  Counter counter;
  std::string text;
  while (text.size() < 4 * counted_bytes_max) text += "the quick brown fox jumps over the lazy dog ";
  const model::Chat chat{.messages = {said(model::Role::user, text), said(model::Role::user, text)}};
  const auto whole = 2 * counter.count(Encoding::o200k_base, text);
  const auto counted = count_chat(counter, chat, "gpt-4o");
  EXPECT_NEAR(static_cast<double>(counted), static_cast<double>(whole), static_cast<double>(whole) / 500);
}

TEST(CountChat, goes_down_into_schemas_but_not_without_end) {
  Counter counter;
  model::Chat chat = with_tool();
  const auto flat = count_chat(counter, chat, "gpt-4o");
  std::string schema = R"({"type":"string"})";
  for (int i = 0; i < 200; ++i) schema = R"({"type":"object","properties":{"a":)" + schema + "}}";
  chat.tools->front().parameters = model::Json{schema};
  EXPECT_GT(count_chat(counter, chat, "gpt-4o"), flat);
  chat.tools->front().parameters = model::Json{"no JSON"};
  EXPECT_GT(count_chat(counter, chat, "gpt-4o"), 0U);
}

// --- images -----------------------------------------------------------------------------------------------------------------

std::string png(std::uint32_t width, std::uint32_t height) {
  std::string out = "\x89PNG\r\n\x1A\n\0\0\0\rIHDR"s;
  for (const std::uint32_t side : {width, height}) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(side >> shift));
  }
  return out + std::string(20, '\0');
}

std::uint64_t tokens_of(std::string_view model, std::uint32_t width, std::uint32_t height,
                        std::optional<std::string> detail = std::nullopt) {
  return image_tokens(model, {.media = {.base64 = to_base64(png(width, height))}, .detail = std::move(detail)});
}

/// The examples of OpenAI's page on images.
TEST(ImageTokens, follow_the_vendors_formulas) {
  EXPECT_EQ(tokens_of("gpt-4o", 1024, 1024, "high"), 765U);
  EXPECT_EQ(tokens_of("gpt-4o", 2048, 4096, "high"), 1105U);
  EXPECT_EQ(tokens_of("gpt-4o", 4096, 8192, "low"), 85U);
  EXPECT_EQ(tokens_of("o1", 1024, 1024), 75U + 4 * 150);
  EXPECT_EQ(tokens_of("gpt-4.1-mini", 1024, 1024), (1024U * 162 + 99) / 100);
  EXPECT_EQ(tokens_of("gpt-4.1-mini", 1800, 2400), (1452U * 162 + 99) / 100);
  EXPECT_EQ(tokens_of("claude-sonnet-4-5", 1000, 1000), 1334U);
  EXPECT_EQ(tokens_of("claude-sonnet-4-5", 8000, 8000), 1600U);
  EXPECT_EQ(tokens_of("gemini-2.5-flash", 384, 384), 258U);
  EXPECT_EQ(tokens_of("gemini-2.5-flash", 960, 540), 2U * 258);
}

TEST(ImageTokens, bear_sizes_from_nothing_to_absurd) {
  for (const std::string_view model : {"gpt-4o", "gpt-5-mini", "claude-x", "gemini-x"}) {
    for (const std::uint32_t width : {0U, 1U, 0xFFFFFFFFU}) {
      for (const std::uint32_t height : {0U, 1U, 0xFFFFFFFFU}) EXPECT_GT(tokens_of(model, width, height), 0U) << model;
    }
    EXPECT_EQ(image_tokens(model, {.media = {.url = "https://example.com/x.png"}}), tokens_of(model, 1024, 1024)) << model;
  }
}

TEST(ImageTokens, find_the_size_in_every_form) {
  const auto padded = [](std::string_view text) { return std::string{text} + std::string(30, '\0'); };
  EXPECT_EQ(size_of_image(png(640, 480)), (Pixels{640, 480}));
  EXPECT_EQ(size_of_image(padded("GIF89a\x80\x02\xE0\x01"sv)), (Pixels{640, 480}));
  EXPECT_EQ(size_of_image(padded("\xFF\xD8\xFF\xE0\x00\x04xx\xFF\xC2\x00\x11\x08\x01\xE0\x02\x80"sv)), (Pixels{640, 480}));
  EXPECT_EQ(size_of_image(padded("RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0\x7F\x02\0\xDF\x01\0"sv)), (Pixels{640, 480}));
  EXPECT_EQ(size_of_image(padded("RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9D\x01\x2A\x80\x02\xE0\x01"sv)), (Pixels{640, 480}));
  EXPECT_EQ(size_of_image(padded("RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2F\x7F\xC2\x77\x00"sv)), (Pixels{640, 480}));
  EXPECT_EQ(size_of_image("\xFF\xD8"), std::nullopt);
  EXPECT_EQ(size_of_image(padded("\xFF\xD8\xFF\xE0\xFF\xFF"sv)), std::nullopt);
  EXPECT_EQ(size_of_image(padded("nothing known")), std::nullopt);
}

}  // namespace
}  // namespace cardea::tokens

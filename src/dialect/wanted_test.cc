#include "dialect/wanted.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace cardea::dialect {
namespace {

using Kind = WantedBytes::Kind;

struct Case {
  std::string_view name;
  std::string_view type;
  std::string_view file;
};
constexpr Case cases[] = {{"image", "image/png", "a.png"}, {"audio", "audio/wav", "a.wav"}, {"file", "application/pdf", "a.pdf"}};

model::Media by_url(const Case& one) {
  return {.url = cat("https://site.test/", one.file), .base64 = {}, .id = {}, .media_type = std::string{one.type}};
}
model::Media by_bytes(const Case& one) { return {.url = {}, .base64 = "AAAA", .id = {}, .media_type = std::string{one.type}}; }

model::Part part_of(const Case& one, model::Media media) {
  model::Part out;
  if (one.name == "image") out.value = model::Image{.media = std::move(media), .detail = {}};
  if (one.name == "audio") {
    out.value = model::Audio{.media = std::move(media), .format = "wav", .transcript = {}, .expires_at = {}};
  }
  if (one.name == "file") out.value = model::File{.media = std::move(media), .name = std::string{one.file}};
  return out;
}

/// Something is said beside it, since some vendors want words.
model::Chat chat_of(model::Part part) {
  model::Chat chat;
  chat.dialect = "elsewhere";
  chat.model = "m";
  model::Message message;
  message.parts.push_back({.value = model::Text{.text = "look", .citations = {}}, .cache = {}, .extras = {}});
  message.parts.push_back(std::move(part));
  chat.messages.push_back(std::move(message));
  return chat;
}

bool said(const Dialect& upstream, const model::Chat& chat) {
  Losses losses;
  static_cast<void>(upstream.encode_request(chat, losses));
  return losses.gravest() == nullptr;
}

// What is fetched is exactly what an encoder can say with bytes and not without them.
TEST(Wanted, AgreesWithWhatTheEncodersSay) {
  for (const auto* upstream : all()) {
    for (const Case& one : cases) {
      model::Chat chat = chat_of(part_of(one, by_url(one)));
      const bool wanted = !wanted_bytes(*upstream, {}, chat).empty();
      const bool needed = !said(*upstream, chat) && said(*upstream, chat_of(part_of(one, by_bytes(one))));
      EXPECT_EQ(wanted, needed) << upstream->name() << ' ' << one.name;
    }
  }
}

TEST(Wanted, PutsTheBytesWhereTheUrlWas) {
  const auto& bedrock = dialect::bedrock();
  const Case& picture = cases[0];
  model::Chat chat = chat_of(part_of(picture, by_url(picture)));
  std::get<model::Image>(chat.messages[0].parts[1].value).media.media_type.reset();
  model::ToolResult result;
  result.parts.push_back(
      {.value =
           model::File{.media = {.url = "http://site.test/x/r.csv?y=z", .base64 = {}, .id = {}, .media_type = {}}, .name = {}},
       .cache = {},
       .extras = {}});
  chat.messages[0].parts.push_back({.value = std::move(result), .cache = {}, .extras = {}});
  const auto wanted = wanted_bytes(bedrock, {}, chat);
  ASSERT_EQ(wanted.size(), 2U);
  EXPECT_EQ(wanted[0].kind, Kind::image);
  EXPECT_EQ(wanted[0].url, "https://site.test/a.png");
  EXPECT_EQ(wanted[0].field, "messages[0].content[1].image");
  EXPECT_EQ(wanted[1].kind, Kind::file);
  EXPECT_EQ(wanted[1].field, "messages[0].content[2].tool_result.content[0].file");
  wanted[0].put("AAAA", "image/jpeg");
  wanted[1].put("BBBB", "text/plain");
  const auto& image = std::get<model::Image>(chat.messages[0].parts[1].value).media;
  EXPECT_EQ(image, (model::Media{.url = {}, .base64 = "AAAA", .id = {}, .media_type = "image/jpeg"}));
  const auto& file = std::get<model::File>(std::get<model::ToolResult>(chat.messages[0].parts[2].value).parts[0].value);
  EXPECT_EQ(file.media, (model::Media{.url = {}, .base64 = "BBBB", .id = {}, .media_type = "text/csv"}));
  EXPECT_EQ(file.name, "r.csv");
  EXPECT_TRUE(wanted_bytes(bedrock, {}, chat).empty());
}

TEST(Wanted, NothingIsFetchedInVain) {
  const auto count = [](const Dialect& upstream, const Abilities& abilities, const Case& one, std::string url) {
    model::Media media = by_url(one);
    media.url = std::move(url);
    model::Chat chat = chat_of(part_of(one, std::move(media)));
    return wanted_bytes(upstream, abilities, chat).size();
  };
  EXPECT_EQ(count(ollama(), {}, cases[0], "http://site.test/a.png"), 1U);
  EXPECT_EQ(count(ollama(), {.images = false}, cases[0], "http://site.test/a.png"), 0U);
  EXPECT_EQ(count(openai_chat(), {.audio = false}, cases[1], "http://site.test/a.wav"), 0U);
  EXPECT_EQ(count(openai_chat(), {.files = false}, cases[2], "http://site.test/a.pdf"), 0U);
  EXPECT_EQ(count(bedrock(), {}, cases[0], "s3://bucket/a.png"), 0U);
  EXPECT_EQ(count(bedrock(), {}, cases[0], "file:///a.png"), 0U);
  // Nobody but us reads a data URL that is not in base64.
  EXPECT_EQ(count(openai_chat(), {}, cases[0], "data:image/png,%89PNG"), 1U);
  EXPECT_EQ(count(openai_completions(), {}, cases[0], "data:image/png,%89PNG"), 0U);
}

TEST(Wanted, ImagesToEmbed) {
  const auto make = [] {
    model::Embed embed;
    embed.inputs.push_back({.value = std::string{"text"}, .title = {}});
    embed.inputs.push_back({.value = std::vector<model::Part>{part_of(cases[0], by_url(cases[0]))}, .title = {}});
    return TaskRequest{std::move(embed)};
  };
  for (const auto& [name, count] : {std::pair{"gemini_batch", 1U}, {"cohere", 1U}, {"jina", 0U}}) {
    const TaskFormat* format = find_task_format(Task::embed, name);
    ASSERT_NE(format, nullptr) << name;
    TaskRequest request = make();
    const auto wanted = wanted_bytes(*format, request);
    EXPECT_EQ(wanted.size(), count) << name;
    for (const auto& one : wanted) {
      EXPECT_EQ(one.field, "inputs[1]");
      one.put("AAAA", "image/png");
    }
    Losses losses;
    EXPECT_TRUE(format->encode_request(request, losses)) << name;
  }
}

TEST(Wanted, NamesOfFiles) {
  EXPECT_EQ(file_name_of("https://a.test/x/report.pdf?y=/z.png"), "report.pdf");
  for (const std::string_view none : {"https://a.test", "https://a.test/", "https://a.test/plain", "https://a.test/.env",
                                      "https://a.test/a%20b.pdf", "data:,a/b.c"}) {
    EXPECT_EQ(file_name_of(none), "") << none;
  }
}

}  // namespace
}  // namespace cardea::dialect

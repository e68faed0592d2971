#include "dialect/ollama/models.h"

#include <gtest/gtest.h>

#include "json/value.h"

namespace cardea::dialect::ollama_native {
namespace {

const ListedModel model{.name = "gpt-4o",
                        .family = "openai",
                        .modified = 1'709'210'096,
                        .context_tokens = 128'000,
                        .capabilities = {"completion", "tools", "vision"}};

// The members that the clients' types name (ollama-js, interfaces.ts: ListResponse, ModelResponse, ModelDetails, ShowResponse).
TEST(OllamaModels, HaveTheMembersThatClientsRead) {
  const std::vector<ListedModel> models{model, {.name = "bare"}};
  auto tags = json::parse(tags_body(models));
  ASSERT_TRUE(tags);
  const auto& all = tags->find("models")->elements();
  ASSERT_EQ(all.size(), 2u);
  for (const auto& one : all) {
    for (const auto key : {"name", "model", "modified_at", "digest"}) EXPECT_NE(one.find(key)->as_string(), nullptr) << key;
    EXPECT_TRUE(one.find("size")->as_u64());
    EXPECT_EQ(one.find("digest")->as_string()->size(), 64u);
    for (const auto key : {"parent_model", "format", "family", "parameter_size", "quantization_level"}) {
      EXPECT_NE(one.find("details")->find(key)->as_string(), nullptr) << key;
    }
    EXPECT_TRUE(one.find("details")->find("families")->is(json::Type::array));
  }
  EXPECT_EQ(*all[0].find("modified_at")->as_string(), "2024-02-29T12:34:56.000000000Z");
  EXPECT_NE(*all[0].find("digest"), *all[1].find("digest"));
  EXPECT_EQ(tags_body({}), R"({"models":[]})");

  auto running = json::parse(ps_body(models, 0));
  ASSERT_TRUE(running);
  EXPECT_NE(running->find("models")->elements().at(0).find("expires_at")->as_string(), nullptr);
  EXPECT_TRUE(running->find("models")->elements().at(0).find("size_vram")->as_u64());

  auto shown = json::parse(show_body(model));
  ASSERT_TRUE(shown);
  for (const auto key : {"modelfile", "parameters", "template"}) EXPECT_NE(shown->find(key)->as_string(), nullptr) << key;
  EXPECT_EQ(*shown->find("model_info")->find("general.architecture")->as_string(), "openai");
  EXPECT_EQ(shown->find("model_info")->find("openai.context_length")->as_u64(), 128'000u);
  EXPECT_EQ(shown->find("capabilities")->elements().size(), 3u);
  EXPECT_EQ(version_body("1.2.3"), R"({"version":"1.2.3"})");
}

TEST(OllamaModels, ShowNamesAModel) {
  EXPECT_EQ(*shown_model(R"({"model":"a"})"), "a");
  EXPECT_EQ(*shown_model(R"({"model":"","name":"b"})"), "b");
  EXPECT_EQ(shown_model(R"({})").error().detail().param, "model");
  EXPECT_EQ(shown_model(R"({"model":7})").error().detail().param, "model");
  EXPECT_EQ(shown_model("{").error().kind(), Kind::bad_request);
}

// docs/api.md, "Load a model", "Unload a model" of both paths.
TEST(OllamaModels, AnswersThatAModelIsLoaded) {
  EXPECT_EQ(
      load_answer(LoadPath::chat, R"({"model":"a","messages":[]})", 7),
      R"({"model":"a","created_at":"1970-01-01T00:00:07.000000000Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"load"})");
  EXPECT_EQ(load_answer(LoadPath::generate, R"({"model":"a","keep_alive":0})", 7),
            R"({"model":"a","created_at":"1970-01-01T00:00:07.000000000Z","response":"","done":true,"done_reason":"unload"})");
  EXPECT_TRUE(load_answer(LoadPath::chat, R"({"model":"a"})", 7));
  EXPECT_TRUE(load_answer(LoadPath::generate, R"({"model":"a","prompt":""})", 7));
  for (const auto body : {R"({"model":"a","messages":[{"role":"user","content":"x"}]})", R"({"messages":[]})",
                          R"({"model":"a","messages":7})", "{"}) {
    EXPECT_EQ(load_answer(LoadPath::chat, body, 7), std::nullopt) << body;
  }
  EXPECT_EQ(load_answer(LoadPath::generate, R"({"model":"a","prompt":"x"})", 7), std::nullopt);
}

}  // namespace
}  // namespace cardea::dialect::ollama_native

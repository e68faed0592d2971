// Pictures: what goes to each vendor, and what its answers are read as.

#include "dialect/draw.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/text.h"
#include "dialect/task.h"

namespace cardea::dialect {
namespace {

/// A whole picture of one pixel, by its signature and its end.
constexpr std::string_view png =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const TaskFormat& form(std::string_view name) {
  const auto* found = find_task_format(Task::draw, name);
  EXPECT_NE(found, nullptr) << name;
  return *found;
}

Result<TranslatedTask> asked(std::string_view upstream, std::string_view body, Allow allow = Allow::any_loss,
                             std::string_view model = "up") {
  return translate_task({form("openai"), form(upstream), model}, body, {}, allow);
}
std::string edit_body(std::string_view more = "") {
  return cat(R"({"model":"m","prompt":"a hat","images":[{"image_url":"data:image/png;base64,)", png, R"("}])", more, '}');
}

struct Written {
  std::string_view upstream, model;
  std::string body;
  std::string_view target;
  std::string written;
  std::vector<std::string> lost = {};
};

TEST(DrawRequests, InTheUpstreamsWords) {
  const std::string mask = cat(R"(,"mask":{"image_url":"data:image/png;base64,)", png, R"("})");
  const Written cases[] = {
      {"openai", "up", R"({"model":"m","prompt":"a cat","n":2,"size":"1024x1536","seed":7,"vendors_own":[1.50]})", "",
       R"({"model":"up","prompt":"a cat","size":"1024x1536","n":2,"seed":7,"vendors_own":[1.50]})"},
      {"gemini", "gemini-2.5-flash-image", R"({"model":"m","prompt":"a \"cat\"","size":"1024x1024","n":1,"quality":"auto"})", "",
       R"({"contents":[{"role":"user","parts":[{"text":"a \"cat\""}]}],)"
       R"("generationConfig":{"responseModalities":["IMAGE"],"imageConfig":{"aspectRatio":"1:1"}}})"},
      {"gemini",
       "gemini-2.5-flash-image",
       R"({"model":"m","prompt":"a","size":"1536x1024","user":"u","seed":3})",
       "",
       R"({"contents":[{"role":"user","parts":[{"text":"a"}]}],)"
       R"("generationConfig":{"responseModalities":["IMAGE"],"seed":3,"imageConfig":{"aspectRatio":"3:2"}}})",
       {"size", "user"}},
      {"gemini", "gemini-3-pro-image-preview", R"({"model":"m","prompt":"a","size":"2048x2048"})", "",
       R"({"contents":[{"role":"user","parts":[{"text":"a"}]}],)"
       R"("generationConfig":{"responseModalities":["IMAGE"],"imageConfig":{"aspectRatio":"1:1","imageSize":"2K"}}})"},
      {"gemini", "up", edit_body(), "",
       cat(R"({"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":")", png,
           R"("}},{"text":"a hat"}]}],"generationConfig":{"responseModalities":["IMAGE"]}})")},
      {"imagen",
       "imagen-4.0",
       R"({"model":"m","prompt":"a","n":2,"size":"1792x1024","seed":1,"output_format":"jpeg",)"
       R"("output_compression":80,"negative_prompt":"dogs"})",
       "",
       R"({"instances":[{"prompt":"a"}],"parameters":{"sampleCount":2,"aspectRatio":"16:9","negativePrompt":"dogs","seed":1,)"
       R"("addWatermark":false,"outputOptions":{"mimeType":"image/jpeg","compressionQuality":80},"includeRaiReason":true}})",
       {"size"}},
      {"sdapi",
       "sdxl",
       R"({"model":"m","prompt":"a","n":2,"size":"640x512","steps":20,"guidance_scale":7.50,"quality":"hd"})",
       "",
       R"({"prompt":"a","width":640,"height":512,"n_iter":2,"steps":20,"cfg_scale":7.50,)"
       R"("override_settings":{"sd_model_checkpoint":"sdxl"},"override_settings_restore_afterwards":false})",
       {"quality"}},
      {"sdapi", "sdxl", edit_body(cat(R"(,"strength":0.4)", mask)), "/sdapi/v1/img2img",
       cat(R"({"prompt":"a hat","init_images":[")", png, R"("],"denoising_strength":0.4,"mask":")", png,
           R"(","inpainting_mask_invert":1,"override_settings":{"sd_model_checkpoint":"sdxl"},)"
           R"("override_settings_restore_afterwards":false})")},
  };
  for (const auto& one : cases) {
    const auto said = asked(one.upstream, one.body, Allow::any_loss, one.model);
    ASSERT_TRUE(said.has_value()) << said.error().message();
    EXPECT_EQ(said->message.body, one.written);
    EXPECT_EQ(said->message.target, one.target);
    EXPECT_EQ(said->losses.fields(), one.lost) << one.body;
    EXPECT_EQ(std::get<model::Draw>(said->request).model, "m") << "the request is as the client asked";
  }
}

TEST(DrawRequests, WhatChangesThePictureIsRefusedUnlessAllowed) {
  struct Grave {
    std::string_view upstream;
    std::string body;
    std::string_view field;
  };
  const std::string mask = cat(R"(,"mask":"data:image/png;base64,)", png, '"');
  const Grave cases[] = {
      {"gemini", R"({"model":"m","prompt":"a","n":2})", "n"},
      {"gemini", R"({"model":"m","prompt":"a","background":"transparent"})", "background"},
      {"gemini", R"({"model":"m","prompt":"a","negative_prompt":"b"})", "negative_prompt"},
      {"gemini", R"({"model":"m","prompt":"a","stream":true})", "stream"},
      {"gemini", edit_body(mask), "mask"},
      {"sdapi", R"({"model":"m","prompt":"a","aspect_ratio":"16:9"})", "aspect_ratio"},
      {"sdapi",
       cat(R"({"model":"m","prompt":"a","image":["data:image/png;base64,)", png, R"(","data:image/png;base64,)", png, R"("]})"),
       "images[1]"},
  };
  for (const auto& one : cases) {
    const auto strict = asked(one.upstream, one.body, Allow::no_change_of_meaning);
    ASSERT_FALSE(strict.has_value()) << one.body;
    EXPECT_EQ(strict.error().kind(), Kind::bad_request);
    EXPECT_EQ(strict.error().detail().param, one.field) << one.body;
    const auto loose = asked(one.upstream, one.body);
    ASSERT_TRUE(loose.has_value()) << one.body;
    EXPECT_EQ(loose->losses.gravest()->field, one.field);
  }
}

TEST(DrawRequests, WhatIsWrongIsNamed) {
  struct Wrong {
    std::string_view upstream;
    std::string body;
    std::string_view field;
  };
  const std::string cut{png.substr(0, 64)};
  const Wrong cases[] = {
      {"openai", R"({"model":"m"})", "prompt"},
      {"openai", R"({"model":"m","prompt":""})", "prompt"},
      {"openai", R"({"model":"m","prompt":"a","size":"big"})", "size"},
      {"openai", R"({"model":"m","prompt":"a","size":"0x7"})", "size"},
      {"openai", R"({"model":"m","prompt":"a","n":0})", "n"},
      {"openai", R"({"model":"m","prompt":"a","n":11})", "n"},
      {"openai", R"({"model":"m","prompt":"a","n":"2"})", "n"},
      {"openai", R"({"model":"m","prompt":"a","images":[7]})", "images[0]"},
      {"openai", R"({"model":"m","prompt":"a","images":[{}]})", "images[0].image_url"},
      {"openai", R"({"model":"m","prompt":"a","images":[{"file_id":"file-1"}]})", "images[0].file_id"},
      {"openai", R"({"model":"m","prompt":"a","images":[{"image_url":"file:///etc/passwd"}]})", "images[0].image_url"},
      {"openai", R"({"model":"m","prompt":"a","images":[{"image_url":"data:image/png;base64,eHh4"}]})", "images[0].image_url"},
      {"openai", cat(R"({"model":"m","prompt":"a","images":[{"image_url":"data:image/png;base64,)", cut, R"("}]})"),
       "images[0].image_url"},
      {"openai", cat(R"({"model":"m","prompt":"a","mask":"data:image/png;base64,)", png, R"("})"), "mask"},
      {"gemini", R"({"model":"m","prompt":"a","images":[{"image_url":"https://example.com/a.png"}]})", "images[0]"},
      {"imagen", edit_body(), "images"},
      {"imagen", R"({"model":"m","prompt":"a","n":5})", "n"},
  };
  for (const auto& one : cases) {
    const auto said = asked(one.upstream, one.body);
    ASSERT_FALSE(said.has_value()) << one.body;
    EXPECT_EQ(said.error().kind(), Kind::bad_request);
    EXPECT_EQ(said.error().detail().param, one.field) << one.body << said.error().message();
  }
}

/// A form's fields and a body's members are read by one table.
TEST(DrawForms, AFormSaysWhatABodySays) {
  const std::pair<std::string_view, std::string_view> fields[] = {{"prompt", "a cat"},
                                                                  {"n", "2"},
                                                                  {"size", "1024x1536"},
                                                                  {"quality", "high"},
                                                                  {"response_format", "b64_json"},
                                                                  {"seed", "7"},
                                                                  {"guidance_scale", "7.5"},
                                                                  {"user", ""},
                                                                  {"stream", "false"},
                                                                  {"vendors_own", "x"},
                                                                  {"model", "m"}};
  model::Draw draw;
  draw.dialect = "openai";
  for (const auto& [name, text] : fields) {
    const auto status = set_field(draw, name, text);
    ASSERT_TRUE(status.has_value()) << status.error().message();
  }
  const auto read = form("openai").decode_request(
      R"({"model":"m","prompt":"a cat","n":2,"size":"1024x1536","quality":"high","response_format":"b64_json","seed":7,)"
      R"("guidance_scale":7.5,"vendors_own":"x"})",
      {});
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_EQ(std::get<model::Draw>(*read), draw);
  for (const auto& [name, text] : {std::pair{"n", "two"}, {"size", "1x"}, {"guidance_scale", "{}"}, {"guidance_scale", "0x1"}}) {
    const auto status = set_field(draw, name, text);
    ASSERT_FALSE(status.has_value()) << name;
    EXPECT_EQ(status.error().detail().param, name);
  }
}

TEST(DrawForms, EachKindNeedsItsPictures) {
  model::Draw draw;
  draw.kind = model::Draw::Kind::vary;
  EXPECT_EQ(check_draw(draw).error().detail().param, "image");
  draw.images.resize(1);
  EXPECT_TRUE(check_draw(draw).has_value());
  draw.images.resize(2);
  EXPECT_EQ(check_draw(draw).error().detail().param, "image");
  draw.kind = model::Draw::Kind::edit;
  EXPECT_EQ(check_draw(draw).error().detail().param, "prompt");
  draw.prompt = "x";
  EXPECT_TRUE(check_draw(draw).has_value());
}

// ---- answers ---------------------------------------------------------------------------------------------------------------

struct Cassette {
  std::string_view upstream, source;
  std::string answer;
  std::string said;  ///< as an OpenAI client sees it
  std::string_view lost = "";
};
const std::string image_json = cat('"', png, '"');
const std::string item = cat(R"({"b64_json":")", png, "\"}");
const std::vector<Cassette>& cassettes() {
  static const std::vector<Cassette> all = {
      {"openai", "platform.openai.com/docs/api-reference/images/create",
       cat(R"({"created":1713833628,"background":"transparent","output_format":"png","size":"1024x1024","quality":"high","data":[)",
           item, R"(],"usage":{"total_tokens":100,"input_tokens":50,"output_tokens":50}})"),
       cat(R"({"created":1713833628,"data":[)", item,
           R"(],"background":"transparent","output_format":"png","size":"1024x1024",)"
           R"("quality":"high","usage":{"input_tokens":50,"output_tokens":50,"total_tokens":100}})")},
      {"gemini", "ai.google.dev/gemini-api/docs/image-generation",
       cat(R"({"candidates":[{"content":{"parts":[{"text":"sketch","thought":true},{"inlineData":{"mimeType":"image/png","data":)",
           image_json,
           R"(}}],"role":"model"},"finishReason":"STOP","index":0}],"modelVersion":"gemini-2.5-flash-image","responseId":"r",)"
           R"("usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1290,"totalTokenCount":1295}})"),
       cat(R"({"created":9,"data":[)", item,
           R"(],"output_format":"png","usage":{"input_tokens":5,"output_tokens":1290,"total_tokens":1295}})")},
      {"gemini", "the same, with words",
       cat(R"({"candidates":[{"content":{"parts":[{"text":"Here it is."},{"inlineData":{"mimeType":"image/png","data":)",
           image_json, R"(}}]}}]})"),
       cat(R"({"created":9,"data":[)", item, R"(],"output_format":"png"})"), "text"},
      {"imagen", "ai.google.dev/gemini-api/docs/imagen",
       cat(R"({"predictions":[{"raiFilteredReason":"no"},{"mimeType":"image/png","prompt":"a better cat","bytesBase64Encoded":)",
           image_json, R"(}]})"),
       cat(R"({"created":9,"data":[{"b64_json":)", image_json, R"(,"revised_prompt":"a better cat"}],"output_format":"png"})")},
      {"sdapi", "github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/API",
       cat(R"({"images":[)", image_json,
           R"(],"parameters":{"steps":5},"info":"{\"seed\": 42, \"all_seeds\": [42], \"index_of_first_image\": 0}"})"),
       cat(R"({"created":9,"data":[{"b64_json":)", image_json, R"(,"seed":42}],"output_format":"png"})")},
  };
  return all;
}

TaskRequest some_request(std::optional<std::string> answer_as = {}) {
  model::Draw draw;
  draw.prompt = "a";
  draw.answer_as = std::move(answer_as);
  return draw;
}

TEST(DrawAnswers, InTheClientsWords) {
  const auto request = some_request();
  const TaskContext context{.request = request, .id = "id", .model = "m", .now = 9};
  for (const auto& one : cassettes()) {
    SCOPED_TRACE(one.source);
    const auto said = translate_task_answer({form("openai"), form(one.upstream), "up"}, one.answer, context, {});
    ASSERT_TRUE(said.has_value()) << said.error().message();
    EXPECT_EQ(said->body, one.said);
    EXPECT_EQ(said->losses.fields(), one.lost.empty() ? std::vector<std::string>{} : std::vector{std::string{one.lost}});
  }
}

TEST(DrawAnswers, BrokenOnesAreTheUpstreamsFault) {
  const auto request = some_request();
  const TaskContext context{.request = request, .id = "id", .model = "m", .now = 9};
  for (const auto& one : cassettes()) {
    SCOPED_TRACE(one.source);
    const auto& upstream = form(one.upstream);
    const auto expect_broken = [&](std::string_view body) {
      const auto said = translate_task_answer({form("openai"), upstream, "up"}, body, context, {});
      ASSERT_FALSE(said.has_value()) << body;
      EXPECT_EQ(said.error().fault(), Fault::upstream) << body << said.error().message();
    };
    for (std::size_t cut = 0; cut < one.answer.size(); ++cut) expect_broken(one.answer.substr(0, cut));
    for (const std::string_view body : {"{}", "[{}]", "null", "[]", "7", "<html>", R"({"error":"x"})"}) expect_broken(body);
    for (const std::string_view member : {"data", "images", "candidates", "predictions", "output", "image", "id"}) {
      for (const std::string_view value :
           {"7", R"({"x":1})", "[[]]", "[null]", R"([{"url":"file:///etc/passwd"}])", R"(["%"])", "[]"})
        expect_broken(cat("{\"", member, "\":", value, '}'));
    }
  }
}

TEST(DrawAnswers, APictureHeldBackIsNoFailure) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"gemini", R"({"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}})"},
      {"gemini", R"({"candidates":[{"finishReason":"IMAGE_SAFETY"}]})"},
      {"imagen", R"({"predictions":[{"raiFilteredReason":"Unable to show generated images."}]})"},
  };
  const auto request = some_request();
  for (const auto& [upstream, body] : cases) {
    Losses losses;
    const auto answer = read_task_answer(form(upstream), body, request, {}, losses);
    ASSERT_FALSE(answer.has_value()) << body;
    EXPECT_EQ(answer.error().http_status(), 400);
    EXPECT_EQ(answer.error().detail().code, "moderation_blocked");
    EXPECT_FALSE(answer.error().retryable());
  }
  // Words where a picture should be are told, but not what is secret in them.
  Losses losses;
  const auto words =
      read_task_answer(form("gemini"), R"({"candidates":[{"content":{"parts":[{"text":"I cannot, sk-secret-0123456789"}]}}]})",
                       request, Secret{"sk-secret-0123456789"}, losses);
  ASSERT_FALSE(words.has_value());
  EXPECT_NE(words.error().message().find("I cannot"), std::string_view::npos);
  EXPECT_EQ(words.error().message().find("sk-secret"), std::string_view::npos);
}

TEST(DrawAnswers, FitWhatWasAskedFor) {
  const auto two = cat(R"({"images":[)", image_json, ',', image_json, "]}");
  for (const std::uint64_t count : {1U, 2U, 3U}) {
    TaskRequest request = some_request();
    std::get<model::Draw>(request).count = count;
    Losses losses;
    const auto answer = read_task_answer(form("sdapi"), two, request, {}, losses);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(std::get<model::Drawn>(*answer).pictures.size(), std::min<std::uint64_t>(count, 2));
    EXPECT_EQ(losses.empty(), count <= 2);
  }
  // An address is asked for where there are only bytes: the picture is its own.
  const auto request = some_request("url");
  const auto said = translate_task_answer({form("openai"), form("sdapi"), "up"}, cat(R"({"images":[)", image_json, "]}"),
                                          {.request = request, .id = "", .model = "m", .now = 9}, {});
  ASSERT_TRUE(said.has_value());
  EXPECT_NE(said->body.find(cat(R"("url":"data:image/png;base64,)", png)), std::string::npos) << said->body;
}

TEST(DrawFormats, AreFoundByDialectModelAndName) {
  EXPECT_EQ(upstream_task_format(form("openai"), openai_chat(), "")->name, "openai");
  EXPECT_EQ(upstream_task_format(form("openai"), gemini(), "")->name, "gemini");
  EXPECT_EQ(upstream_task_format(form("openai"), openai_chat(), "sdapi")->name, "sdapi");
  EXPECT_EQ(told_by_model(form("gemini"), "imagen-4.0-generate-001").name, "imagen");
  EXPECT_EQ(told_by_model(form("gemini"), "gemini-2.5-flash-image").name, "gemini");
  EXPECT_EQ(form("imagen").target_of("imagen-4.0"), "/models/imagen-4.0:predict");
}

}  // namespace
}  // namespace cardea::dialect

// Pictures: what goes to each vendor, and what its answers are read as.

#include "dialect/draw.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/text.h"
#include "dialect/task.h"
#include "wire/multipart.h"

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

void expect_written(std::span<const Written> cases) {
  for (const auto& one : cases) {
    const auto said = asked(one.upstream, one.body, Allow::any_loss, one.model);
    ASSERT_TRUE(said.has_value()) << said.error().message();
    EXPECT_EQ(said->message.body, one.written);
    EXPECT_EQ(said->message.target, one.target);
    EXPECT_EQ(said->losses.fields(), one.lost) << one.body;
    EXPECT_EQ(std::get<model::Draw>(said->request).model, "m") << "the request is as the client asked";
  }
}

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
  expect_written(cases);
}

TEST(DrawRequests, InTheWordsOfThoseWhoMayAnswerLater) {
  const Written cases[] = {
      {"comfyui",
       "sd_xl_base_1.0",
       R"({"model":"m","prompt":"a \"cat\" {{seed}}","size":"512x768","n":2,"steps":8,"style":"vivid"})",
       "",
       R"({"prompt":{"3":{"class_type":"KSampler","inputs":{"seed":0,"steps":8,"cfg":7,"sampler_name":"euler",)"
       R"("scheduler":"normal","denoise":1,"model":["4",0],"positive":["6",0],"negative":["7",0],"latent_image":["5",0]}},)"
       R"("4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"sd_xl_base_1.0.safetensors"}},)"
       R"("5":{"class_type":"EmptyLatentImage","inputs":{"width":512,"height":768,"batch_size":2}},)"
       R"("6":{"class_type":"CLIPTextEncode","inputs":{"text":"a \"cat\" {{seed}}","clip":["4",1]}},)"
       R"("7":{"class_type":"CLIPTextEncode","inputs":{"text":"","clip":["4",1]}},)"
       R"("8":{"class_type":"VAEDecode","inputs":{"samples":["3",0],"vae":["4",2]}},)"
       R"("9":{"class_type":"SaveImage","inputs":{"filename_prefix":"cardea","images":["8",0]}}}})",
       {"style"}},
      {"dashscope",
       "qwen-image-plus",
       R"({"model":"m","prompt":"a","size":"1024x1024","seed":4,"negative_prompt":"dogs"})",
       "",
       R"({"model":"qwen-image-plus","input":{"messages":[{"role":"user","content":[{"text":"a"}]}]},)"
       R"("parameters":{"size":"1328*1328","n":1,"seed":4,"negative_prompt":"dogs"}})",
       {"size"}},
      {"dashscope", "qwen-image-edit-plus",
       R"({"model":"m","prompt":"a","size":"1024x768","n":2,"images":["https://example.com/a.png"]})", "",
       R"({"model":"qwen-image-edit-plus","input":{"messages":[{"role":"user","content":[{"image":"https://example.com/a.png"},)"
       R"({"text":"a"}]}]},"parameters":{"size":"1024*768","n":2}})"},
      {"dashscope", "wan2.2-t2i-flash", R"({"model":"m","prompt":"a","size":"1024x768"})",
       "/api/v1/services/aigc/text2image/image-synthesis",
       R"({"model":"wan2.2-t2i-flash","input":{"prompt":"a"},"parameters":{"size":"1024*768","n":1}})"},
      {"dashscope", "wan2.5-i2i-preview", edit_body(), "/api/v1/services/aigc/image2image/image-synthesis",
       cat(R"({"model":"wan2.5-i2i-preview","input":{"prompt":"a hat","images":["data:image/png;base64,)", png,
           R"("]},"parameters":{"n":1}})")},
  };
  expect_written(cases);
}

// ---- a form ----------------------------------------------------------------------------------------------------------------

/// "NAME=VALUE" of each part, files by type and base64, read by the parser that reads our own clients' forms.
std::vector<std::string> parts_of(const TaskMessage& message) {
  std::vector<std::string> out;
  const auto boundary = wire::multipart_boundary(message.content_type);
  EXPECT_TRUE(boundary.has_value()) << message.content_type;
  wire::MultipartParser parser{*boundary};
  std::string_view rest = message.body;
  std::string value;
  for (;;) {
    const auto event = parser.next(rest);
    EXPECT_TRUE(event.has_value()) << message.body;
    using enum wire::MultipartEvent::Kind;
    if (!event || event->kind == none) break;
    if (event->kind == part) value.clear();
    if (event->kind == wire::MultipartEvent::Kind::data) value += event->data;
    if (event->kind != part_end) continue;
    const auto& head = parser.part();
    out.push_back(head.filename ? cat(head.name, '=', head.content_type, ';', to_base64(value)) : cat(head.name, '=', value));
  }
  EXPECT_TRUE(parser.finish().has_value());
  return out;
}

TEST(DrawRequests, StabilityTakesForms) {
  struct Form {
    std::string_view model;
    std::string body;
    std::string_view target;
    std::vector<std::string> parts, lost = {};
  };
  const Form cases[] = {
      {"sd3.5-large",
       R"({"model":"m","prompt":"a\r\n--cardea","size":"1024x1024","seed":0,"guidance_scale":4,"output_format":"webp"})",
       "/v2beta/stable-image/generate/sd3",
       {"prompt=a\r\n--cardea", "model=sd3.5-large", "mode=text-to-image", "aspect_ratio=1:1", "seed=0", "cfg_scale=4",
        "output_format=webp"}},
      {"stable-image-core",
       R"({"model":"m","prompt":"a","style":"anime","size":"1536x1024","user":"u"})",
       "/v2beta/stable-image/generate/core",
       {"prompt=a", "aspect_ratio=3:2", "style_preset=anime"},
       {"size", "user"}},
      {"ultra",
       edit_body(R"(,"strength":0.3,"style":"vivid")"),
       "/v2beta/stable-image/generate/ultra",
       {"prompt=a hat", "strength=0.3", cat("image=image/png;", png)},
       {"style"}},
      {"sd3.5-medium",
       edit_body(R"(,"size":"1024x1024")"),
       "/v2beta/stable-image/generate/sd3",
       {"prompt=a hat", "model=sd3.5-medium", "mode=image-to-image", "strength=0.75", cat("image=image/png;", png)},
       {"size"}},
  };
  for (const auto& one : cases) {
    const auto said = asked("stability", one.body, Allow::any_loss, one.model);
    ASSERT_TRUE(said.has_value()) << said.error().message();
    EXPECT_EQ(parts_of(said->message), one.parts);
    EXPECT_EQ(said->message.target, one.target);
    EXPECT_EQ(said->losses.fields(), one.lost);
    EXPECT_EQ(asked("stability", one.body, Allow::any_loss, one.model)->message.body, said->message.body) << "pure";
  }
  EXPECT_EQ(asked("stability", edit_body(), Allow::any_loss, "core").error().detail().param, "images");
}

// ---- an operator's graph ---------------------------------------------------------------------------------------------------

Result<TranslatedTask> with_graph(std::string_view graph, std::string_view body) {
  auto request = form("openai").decode_request(body, {});
  EXPECT_TRUE(request.has_value());
  std::get<model::Draw>(*request).workflow = graph;
  return translate_task({form("openai"), form("comfyui"), "up"}, std::move(*request), Allow::any_loss);
}

TEST(DrawRequests, GraphsAreFilledIn) {
  constexpr std::string_view graph =
      R"({"1":{"class_type":"Load","inputs":{"image":"{{image}}","mask":"{{mask|none}}","steps":"{{ steps | 4 }}","keep":1.50}},)"
      R"("2":{"class_type":"Text","inputs":{"text":"photo of {{prompt}}, {{negative_prompt|no text}}","on":["1",0]},"_meta":{"title":"é\n"}}})";
  const auto said = with_graph(graph, edit_body(R"(,"n":2,"size":"512x512")"));
  ASSERT_TRUE(said.has_value()) << said.error().message();
  EXPECT_EQ(
      said->message.body,
      cat(R"({"prompt":{"1":{"class_type":"Load","inputs":{"image":")", png,
          R"(","mask":"none","steps":4,"keep":1.50}},)"
          R"("2":{"class_type":"Text","inputs":{"text":"photo of a hat, no text","on":["1",0]},"_meta":{"title":"é\n"}}}})"));
  EXPECT_EQ(said->losses.fields(), (std::vector<std::string>{"size", "n"}));
  // What its blanks want must be there, and what is there must have a place.
  const auto without = with_graph(graph, R"({"model":"m","prompt":"a"})");
  ASSERT_FALSE(without.has_value());
  EXPECT_EQ(without.error().detail().param, "images");
  const auto nowhere = with_graph(R"({"1":{"class_type":"T","inputs":{"text":"{{prompt}}"}}})", edit_body());
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_EQ(nowhere.error().detail().param, "images");
  const auto deaf = with_graph(R"({"1":{"class_type":"T","inputs":{}}})", R"({"model":"m","prompt":"a"})");
  ASSERT_TRUE(deaf.has_value());
  EXPECT_EQ(deaf->losses.gravest()->field, "prompt");
}

TEST(DrawRequests, AGraphThatIsNoneIsTheOperatorsFault) {
  EXPECT_TRUE(check_workflow(R"({"1":{"class_type":"T","inputs":{"text":"{{prompt}}","image":"{{image}}"}}})").has_value());
  for (const std::string_view graph :
       {"", "[]", "{}", "7", R"({"nodes":[],"links":[]})", R"({"1":{"inputs":{"text":"{{prompt}}"}}})",
        R"({"1":{"class_type":"T","inputs":{"text":"{{promt}}"}}})", R"({"1":{"class_type":"T","inputs":{}}})"}) {
    const auto status = check_workflow(graph);
    ASSERT_FALSE(status.has_value()) << graph;
    EXPECT_EQ(status.error().kind(), Kind::config) << graph;
    EXPECT_NE(status.error().message().find("workflow"), std::string_view::npos) << status.error().message();
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
      {"stability", R"({"model":"m","prompt":"a","n":2})", "n"},
      {"stability", edit_body(mask), "mask"},
      {"comfyui", R"({"model":"m","prompt":"a","background":"transparent"})", "background"},
      {"dashscope", edit_body(mask), "mask"},
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
      {"comfyui", edit_body(), "images"},
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
      {"stability", "platform.stability.ai/docs/api-reference",
       cat(R"({"image":)", image_json, R"(,"finish_reason":"SUCCESS","seed":343940597})"),
       cat(R"({"created":9,"data":[{"b64_json":)", image_json, R"(,"seed":343940597}],"output_format":"png"})")},
      {"comfyui", "docs.comfy.org/development/comfyui-server/comms_routes",
       R"({"b1-c2":{"prompt":[1,"b1-c2",{}],"outputs":{"7":{"images":[{"filename":"p.png","subfolder":"","type":"temp"}]},)"
       R"("9":{"images":[{"filename":"a b&c_00001_.png","subfolder":"x/y","type":"output"}]}},)"
       R"("status":{"status_str":"success","completed":true,"messages":[]}}})",
       R"({"created":9,"data":[{"url":"/view?filename=a%20b%26c_00001_.png&subfolder=x%2Fy&type=output"}]})"},
      {"dashscope", "alibabacloud.com/help/en/model-studio/qwen-image-api",
       R"({"output":{"choices":[{"finish_reason":"stop","message":{"role":"assistant","content":[{"image":"https://d.example/a.png?Expires=1"}]}}],)"
       R"("task_metric":{"TOTAL":1,"FAILED":0,"SUCCEEDED":1}},"usage":{"width":1328,"image_count":1,"height":1328},"request_id":"7a270c86"})",
       R"({"created":9,"data":[{"url":"https://d.example/a.png?Expires=1"}]})"},
      {"dashscope", "alibabacloud.com/help/en/model-studio/text-to-image-v2-api-reference",
       R"({"request_id":"f767d108","output":{"task_id":"86ecf553","task_status":"SUCCEEDED","results":[{"orig_prompt":"a","actual_prompt":"a fine a",)"
       R"("url":"https://d.example/1.png"},{"code":"InternalError.Timeout","message":"slow"}],"task_metrics":{"TOTAL":2,"SUCCEEDED":1,"FAILED":1}},)"
       R"("usage":{"image_count":1}})",
       R"({"created":9,"data":[{"url":"https://d.example/1.png","revised_prompt":"a fine a"}]})"},
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
      {"stability", R"({"image":"AAAA","finish_reason":"CONTENT_FILTERED","seed":1})"},
      {"dashscope", R"({"output":{"task_status":"SUCCEEDED","results":[{"code":"DataInspectionFailed","message":"no"}]}})"},
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

// ---- work that is done later -----------------------------------------------------------------------------------------------

TEST(DrawRequests, FirstQwenModelsDrawOnePicture) {
  constexpr std::string_view two = R"({"model":"m","prompt":"a","n":2})";
  const auto said = asked("dashscope", two, Allow::any_loss, "qwen-image-max");
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->losses.gravest()->field, "n");
  EXPECT_NE(said->message.body.find(R"("n":1)"), std::string::npos) << said->message.body;
  EXPECT_TRUE(asked("dashscope", two, Allow::no_change_of_meaning, "qwen-image-2.0").has_value());
}

TEST(DrawSteps, AskUntilItIsDone) {
  struct Step {
    std::string_view upstream, answer;
    std::optional<std::string_view> target;  ///< none: it was the last
  };
  const Step cases[] = {
      {"sdapi", "{}", std::nullopt},
      {"comfyui", R"({"prompt_id":"b1-c2","number":3,"node_errors":{}})", "/history/b1-c2"},
      {"comfyui", " { } ", ""},
      {"comfyui", R"({"b1-c2":{"outputs":{},"status":{"status_str":"success","completed":true}}})", std::nullopt},
      {"comfyui", R"({"b1-c2":{"outputs":{}}})", std::nullopt},
      {"dashscope", R"({"output":{"task_status":"PENDING","task_id":"0385dc79-5ff8"},"request_id":"r"})",
       "/api/v1/tasks/0385dc79-5ff8"},
      {"dashscope", R"({"output":{"task_status":"RUNNING","task_id":"0385dc79-5ff8"},"request_id":"r"})",
       "/api/v1/tasks/0385dc79-5ff8"},
      {"dashscope", R"({"output":{"task_status":"SUCCEEDED","task_id":"0385dc79-5ff8","results":[]}})", std::nullopt},
      {"dashscope", R"({"output":{"choices":[]}})", std::nullopt},
  };
  for (const auto& one : cases) {
    const auto step = next_step(form(one.upstream), one.answer, {});
    ASSERT_TRUE(step.has_value()) << one.answer << step.error().message();
    ASSERT_EQ(step->has_value(), one.target.has_value()) << one.answer;
    if (!one.target) continue;
    EXPECT_EQ((*step)->target, *one.target);
    EXPECT_GT((*step)->wait.count(), 0);
  }
  EXPECT_EQ(asked("dashscope", R"({"model":"m","prompt":"a"})", Allow::any_loss, "wanx2.1-t2i-turbo")->message.header_lines,
            "X-DashScope-Async: enable\r\n");
  EXPECT_EQ(asked("dashscope", R"({"model":"m","prompt":"a"})", Allow::any_loss, "qwen-image")->message.header_lines, "");
}

TEST(DrawSteps, WorkThatCameToNothingSaysWhy) {
  const Secret key{"sk-secret-0123456789"};
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"comfyui", R"({"x":{"outputs":{},"status":{"status_str":"error","completed":false,"messages":[["execution_start",{}],)"
                  R"(["execution_error",{"exception_message":"why: sk-secret-0123456789"}]]}}})"},
      {"dashscope",
       R"({"output":{"task_id":"x","task_status":"FAILED","code":"InternalError","message":"why: sk-secret-0123456789"}})"},
      {"comfyui", R"({"prompt_id":"../../view"})"},
      {"dashscope", R"({"output":{"task_status":"PENDING","task_id":"a/../b"}})"},
      {"dashscope", "<html>"},
  };
  for (const auto& [upstream, answer] : cases) {
    const auto step = next_step(form(upstream), answer, key);
    ASSERT_FALSE(step.has_value()) << answer;
    EXPECT_EQ(step.error().fault(), Fault::upstream);
    EXPECT_EQ(step.error().message().find("sk-secret"), std::string_view::npos);
    if (answer.find("why") != std::string_view::npos) EXPECT_NE(step.error().message().find("why"), std::string_view::npos);
  }
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

// Images and audio: what comes of good requests, what is refused, streams, and faults.
#include "twin/twin_test_util.h"

#include "base/base64.h"
#include "twin/picture.h"
#include "twin/sound.h"
#include "wire/multipart.h"

namespace cardea::twin {
namespace {

Sound heard(std::string_view bytes) { return listen(bytes, bytes.size()); }

class Media : public TwinTest {
 protected:
  Media() : TwinTest{fixed()} {}
  Reply send(std::string_view target, const FormBody& form, std::string_view headers = "") {
    return post(target, form.text(), cat(FormBody::header, headers));
  }
  json::Value send_json(std::string_view target, const FormBody& form) {
    const auto reply = send(target, form);
    EXPECT_EQ(reply.status, 200U) << reply.body;
    auto value = json::parse(reply.body);
    return value ? std::move(*value) : json::Value{};
  }
  void expect_refused(std::string_view target, const FormBody& form, std::string_view why, unsigned status = 400) {
    const auto reply = send(target, form);
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_NE(reply.body.find(why), std::string::npos) << reply.body << "\nwanted: " << why;
  }
  json::Value get_json(std::string_view target) {
    auto value = json::parse(get(target).body);
    return value ? std::move(*value) : json::Value{};
  }
  static std::string image(const json::Value& answer, std::string_view path) {
    return from_base64(text_at(answer, path)).value_or("");
  }
};

// ---- Images ----------------------------------------------------------------------------------------------------------------

constexpr std::string_view png_head = "\x89PNG\r\n\x1a\n";

TEST_F(Media, ImagesAreGenerated) {
  const auto answer =
      post_json("/v1/images/generations", R"({"model":"twin-1","prompt":"a red cat","n":2,"size":"512x512","quality":"low"})");
  ASSERT_EQ(at(answer, "data").elements().size(), 2U);
  EXPECT_TRUE(image(answer, "data.0.b64_json").starts_with(png_head));
  EXPECT_NE(text_at(answer, "data.0.b64_json"), text_at(answer, "data.1.b64_json"));
  EXPECT_EQ(text_at(answer, "created"), "1700000000");
  EXPECT_EQ(text_at(answer, "output_format"), "png");
  EXPECT_EQ(text_at(answer, "size"), "512x512");
  EXPECT_EQ(text_at(answer, "usage.output_tokens"), "512");
  const auto again = post_json("/v1/images/generations", R"({"prompt":"a red cat","size":"512x512","response_format":"url"})");
  EXPECT_EQ(text_at(again, "data.0.url"), cat("data:image/png;base64,", text_at(answer, "data.0.b64_json")))
      << "the prompt decides";
}

TEST_F(Media, ImagesAreStreamed) {
  const auto reply = post("/v1/images/generations", R"({"model":"twin-1","prompt":"a cat","stream":true,"partial_images":2})");
  const auto events = named_events(reply.body);
  EXPECT_EQ(outline(events), "image_generation.partial_image image_generation.completed");
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(text_at(events[1].data, "partial_image_index"), "1");
  EXPECT_EQ(text_at(events[2].data, "type"), "image_generation.completed");
  EXPECT_TRUE(image(events[0].data, "b64_json").starts_with(png_head));
  EXPECT_EQ(text_at(events[2].data, "usage.output_tokens"), "1024");
  const auto cut =
      post("/v1/images/generations", R"({"prompt":"a cat","stream":true,"partial_images":2})", "x-twin-cut-after-events: 1\r\n");
  EXPECT_EQ(named_events(cut.body).size(), 1U);
  EXPECT_FALSE(cut.whole);
}

TEST_F(Media, ImagesAreEditedAndVaried) {
  const auto png = picture(1, 64, 64);
  const auto one =
      send_json("/v1/images/edits",
                FormBody{}.field("prompt", "a hat").field("n", "1").field("size", "256x256").file("image", "a.png", png));
  EXPECT_TRUE(image(one, "data.0.b64_json").starts_with(png_head));
  const auto two = send_json("/v1/images/edits", FormBody{}
                                                     .field("prompt", "a hat")
                                                     .field("size", "256x256")
                                                     .file("image[]", "a.png", png)
                                                     .file("image[]", "b.png", picture(2, 64, 64))
                                                     .file("mask", "m.png", png));
  EXPECT_NE(text_at(one, "data.0.b64_json"), text_at(two, "data.0.b64_json"));
  EXPECT_EQ(text_at(two, "usage.input_tokens_details.image_tokens"), "170");
  const auto streamed =
      send("/v1/images/edits", FormBody{}.field("prompt", "a hat").field("stream", "true").file("image", "a.png", png));
  EXPECT_EQ(outline(named_events(streamed.body)), "image_edit.completed");
  const auto varied =
      send_json("/v1/images/variations", FormBody{}.field("n", "2").field("response_format", "url").file("image", "a.png", png));
  EXPECT_TRUE(text_at(varied, "data.1.url").starts_with("data:image/png;base64,"));
}

TEST_F(Media, ImagesRefuse) {
  const auto refused = [&](std::string_view body, std::string_view why) {
    const auto reply = post("/v1/images/generations", body);
    EXPECT_EQ(reply.status, 400U) << reply.body;
    EXPECT_NE(reply.body.find(why), std::string::npos) << reply.body;
  };
  refused("{}", "Missing required parameter: 'prompt'.");
  refused(R"({"prompt":""})", "empty_string");
  refused(R"({"prompt":"a","n":0})", "integer_below_min_value");
  refused(R"({"prompt":"a","n":11})", "integer_above_max_value");
  refused(R"({"prompt":"a","size":"1x1"})", "Invalid value: '1x1'. Supported values are: 'auto', '1024x1024'");
  refused(R"({"prompt":"a","response_format":"png"})", "Supported values are: 'url', and 'b64_json'");
  refused(R"({"prompt":"a","stream":true,"n":2})", "Streaming is only supported with n=1");
  refused(R"({"prompt":"a","partial_images":1})", "only supported with stream");
  const auto png = picture(1, 8, 8);
  expect_refused("/v1/images/edits", FormBody{}.field("prompt", "a"), "Missing required parameter: 'image'.");
  expect_refused("/v1/images/edits", FormBody{}.file("image", "a.png", png), "Missing required parameter: 'prompt'.");
  expect_refused("/v1/images/edits", FormBody{}.field("prompt", "a").file("image", "a.png", "not a picture"),
                 "invalid_image_file");
  expect_refused("/v1/images/edits", FormBody{}.field("prompt", "a").field("n", "x").file("image", "a.png", png), "invalid_type");
  expect_refused("/v1/images/edits", FormBody{}.field("prompt", "a").file("image", "a.png", png).file("image", "b.png", png),
                 "two parts are named image");
  expect_refused("/v1/images/edits", FormBody{}.field("prompt", "a").file("picture", "a.png", png),
                 "Unknown parameter: 'picture'.");
  expect_refused("/v1/images/variations", FormBody{}.file("image[]", "a.png", png).file("image[]", "b.png", png),
                 "at most 1 images");
  EXPECT_NE(post("/v1/images/edits", R"({"prompt":"a"})", "content-type: application/json\r\n")
                .body.find("Invalid Content-Type header (application/json)"),
            std::string::npos);
}

// ---- Other vendors' images -------------------------------------------------------------------------------------------------

TEST_F(Media, GeminiDrawsAndSpeaks) {
  constexpr std::string_view path = "/v1beta/models/twin-1:generateContent";
  const auto both =
      post_json(path, R"({"contents":[{"parts":[{"text":"a cat"}]}],"generationConfig":{"responseModalities":["TEXT","IMAGE"],
    "imageConfig":{"aspectRatio":"16:9"}}})");
  ASSERT_EQ(at(both, "candidates.0.content.parts").elements().size(), 2U);
  EXPECT_EQ(text_at(both, "candidates.0.content.parts.1.inlineData.mimeType"), "image/png");
  EXPECT_TRUE(image(both, "candidates.0.content.parts.1.inlineData.data").starts_with(png_head));
  const auto only =
      post_json(path, R"({"contents":[{"parts":[{"text":"a cat"}]}],"generationConfig":{"responseModalities":["AUDIO"]}})");
  ASSERT_EQ(at(only, "candidates.0.content.parts").elements().size(), 1U);
  EXPECT_EQ(image(only, "candidates.0.content.parts.0.inlineData.data"), tones("a cat"));
  const auto streamed =
      post("/v1beta/models/twin-1:streamGenerateContent?alt=sse",
           R"({"contents":[{"parts":[{"text":"a cat"}]}],"generationConfig":{"responseModalities":["IMAGE"]}})");
  EXPECT_EQ(events(streamed.body).size(), 1U) << "no text";
  EXPECT_NE(streamed.body.find("\"inlineData\":{\"mimeType\":\"image/png\""), std::string::npos);
  const auto refused =
      post(path, R"({"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"responseModalities":["SMELL"]}})");
  EXPECT_EQ(refused.status, 400U);
}

TEST_F(Media, StabilityDraws) {
  constexpr std::string_view path = "/v2beta/stable-image/generate/core";
  const auto form = FormBody{}.field("prompt", "a cat").field("aspect_ratio", "16:9").field("seed", "7");
  const auto bytes = send(path, form, "accept: image/*\r\n");
  EXPECT_EQ(bytes.status, 200U);
  EXPECT_TRUE(bytes.body.starts_with(png_head));
  EXPECT_NE(bytes.headers.find("finish-reason: SUCCESS\r\nseed: 7\r\n"), std::string::npos);
  const auto document = json::parse(send(path, form, "accept: application/json\r\n").body).value();
  EXPECT_EQ(image(document, "image"), bytes.body);
  EXPECT_EQ(text_at(document, "seed"), "7");
  expect_refused(path, FormBody{}.field("seed", "7"), R"("name":"bad_request","errors":["prompt: is required"])");
  expect_refused(path, FormBody{}.field("prompt", "a").field("aspect_ratio", "2:1"), "aspect_ratio: must be one of: 16:9");
  expect_refused(path, FormBody{}.field("prompt", "a").field("size", "1"), "size: is not supported");
  expect_refused(path, FormBody{}.field("prompt", "a").field("mode", "image-to-image"), "image: is required");
  EXPECT_EQ(send(path, form, "accept: text/html\r\n").status, 400U);
  EXPECT_NE(post(path, "{}").body.find("must be multipart/form-data"), std::string::npos);
}

TEST_F(Media, TheWebUiDraws) {
  const auto two = post_json("/sdapi/v1/txt2img",
                             R"({"prompt":"a cat","width":256,"height":128,"batch_size":2,"seed":5,"steps":20,"hr_scale":2})");
  ASSERT_EQ(at(two, "images").elements().size(), 2U);
  EXPECT_TRUE(image(two, "images.1").starts_with(png_head));
  EXPECT_EQ(text_at(two, "parameters.steps"), "20");
  const auto info = json::parse(text_at(two, "info")).value();
  EXPECT_EQ(text_at(info, "all_seeds"), "[5,6]");
  const auto varied =
      post_json("/sdapi/v1/img2img", cat(R"({"prompt":"a hat","init_images":[")", text_at(two, "images.0"), R"("]})"));
  EXPECT_EQ(at(varied, "images").elements().size(), 1U);
  EXPECT_EQ(at(varied, "parameters").find("init_images"), nullptr);
  EXPECT_EQ(post("/sdapi/v1/img2img", R"({"prompt":"a"})").status, 404U);
  const auto refused = post("/sdapi/v1/txt2img", R"({"width":1})");
  EXPECT_EQ(refused.status, 422U);
  EXPECT_NE(refused.body.find("[width] Input should be greater than or equal to 64"), std::string::npos) << refused.body;
  EXPECT_NE(get("/sdapi/v1/sd-models").body.find("\"model_name\":\"twin-1\""), std::string::npos);
}

TEST_F(Media, AGraphIsQueuedAndDrawn) {
  constexpr std::string_view graph =
      R"({"prompt":{"3":{"class_type":"KSampler","inputs":{"seed":5,"positive":["6",0],"latent_image":["5",0]}},
      "5":{"class_type":"EmptyLatentImage","inputs":{"width":256,"height":128,"batch_size":2}},
      "6":{"class_type":"CLIPTextEncode","inputs":{"text":"a cat"}},
      "9":{"class_type":"SaveImage","inputs":{"images":["3",0]}}}})";
  const auto id = text_at(post_json("/prompt", graph), "prompt_id");
  EXPECT_EQ(get(cat("/history/", id)).body, "{}") << "it is in the queue";
  const auto done = get_json(cat("/history/", id));
  EXPECT_EQ(text_at(done, cat(id, ".status.status_str")), "success");
  const auto name = text_at(done, cat(id, ".outputs.9.images.1.filename"));
  EXPECT_TRUE(get(cat("/view?filename=", name, "&subfolder=&type=output")).body.starts_with(png_head));
  EXPECT_EQ(get("/view?filename=twin_1_4096x1_.png&type=output").status, 404U);
  EXPECT_EQ(get("/history/none").body, "{}");
  EXPECT_NE(post("/prompt", R"({"prompt":{"1":{"class_type":"X","inputs":{}}}})").body.find("no outputs"), std::string::npos);
  EXPECT_EQ(post("/prompt", R"({"prompt":{"1":{"class_type":"SaveImage","inputs":{"images":["2",0]}}}})").status, 400U);
}

TEST_F(Media, DashScopeDrawsAtOnceOrLater) {
  const auto at_once = post_json(
      "/api/v1/services/aigc/multimodal-generation/generation",
      R"({"model":"twin-1","input":{"messages":[{"role":"user","content":[{"text":"a cat"}]}]},"parameters":{"size":"512*256"}})");
  const auto url = text_at(at_once, "output.choices.0.message.content.0.image");
  EXPECT_TRUE(url.starts_with("data:image/png;base64,"));
  constexpr std::string_view path = "/api/v1/services/aigc/text2image/image-synthesis";
  constexpr std::string_view body = R"({"model":"twin-1","input":{"prompt":"a cat"},"parameters":{"size":"512*256","n":2}})";
  EXPECT_EQ(post(path, body).status, 403U) << "it is not done at once";
  const auto id = text_at(post_json(path, body, "x-dashscope-async: enable\r\n"), "output.task_id");
  EXPECT_EQ(text_at(get_json(cat("/api/v1/tasks/", id)), "output.task_status"), "RUNNING");
  const auto done = get_json(cat("/api/v1/tasks/", id));
  EXPECT_EQ(text_at(done, "output.task_status"), "SUCCEEDED");
  EXPECT_EQ(text_at(done, "output.results.0.url"), url) << "the prompt decides";
  EXPECT_EQ(text_at(get_json("/api/v1/tasks/none"), "output.task_status"), "UNKNOWN");
  EXPECT_NE(post(path, R"({"model":"twin-1","input":{}})").body.find(R"("code":"InvalidParameter")"), std::string::npos);
}

// ---- Speech ----------------------------------------------------------------------------------------------------------------

TEST_F(Media, SpeechIsSoundThatIsUnderstood) {
  constexpr std::string_view body = R"({"model":"twin-1","input":"Good morning to you","voice":"alloy","response_format":"wav"})";
  const auto reply = post("/v1/audio/speech", body);
  EXPECT_EQ(reply.body, wav("Good morning to you"));
  EXPECT_NE(reply.headers.find("content-type: audio/wav\r\n"), std::string::npos);
  const auto heard = send_json("/v1/audio/transcriptions", FormBody{}.field("model", "twin-1").file("file", "a.wav", reply.body));
  EXPECT_EQ(text_at(heard, "text"), "Good morning to you");
  const auto plain =
      post("/v1/audio/speech", R"({"model":"twin-1","input":"hi","voice":{"id":"voice_1"},"response_format":"pcm","speed":2})");
  EXPECT_EQ(plain.body, tones("hi", 2));
  EXPECT_NE(plain.headers.find("content-type: audio/pcm\r\n"), std::string::npos);
  EXPECT_NE(post("/v1/audio/speech", R"({"model":"twin-1","input":"hi","voice":"nova"})").headers.find("audio/wav"),
            std::string::npos)
      << "there is no mp3, and none is claimed";
}

TEST_F(Media, SpeechAsEvents) {
  const auto reply = post(
      "/v1/audio/speech",
      R"({"model":"twin-1","input":"Good morning to you all, and a good day","voice":"alloy","response_format":"wav","stream_format":"sse"})");
  const auto all = events(reply.body);
  ASSERT_GE(all.size(), 2U);
  std::string bytes;
  for (const auto& event : all) {
    const auto data = json::parse(event).value();
    if (text_at(data, "type") == "speech.audio.delta") bytes += from_base64(text_at(data, "audio")).value();
  }
  EXPECT_EQ(bytes, wav("Good morning to you all, and a good day"));
  EXPECT_NE(all.back().find(R"("type":"speech.audio.done","usage":{"input_tokens":10)"), std::string::npos) << all.back();
}

TEST_F(Media, SpeechRefuses) {
  const auto refused = [&](std::string_view body, std::string_view why) {
    const auto reply = post("/v1/audio/speech", body);
    EXPECT_EQ(reply.status, 400U) << reply.body;
    EXPECT_NE(reply.body.find(why), std::string::npos) << reply.body;
  };
  refused(R"({"input":"a","voice":"alloy"})", "Missing required parameter: 'model'.");
  refused(R"({"model":"twin-1","voice":"alloy"})", "Missing required parameter: 'input'.");
  refused(R"({"model":"twin-1","input":"a"})", "Missing required parameter: 'voice'.");
  refused(R"({"model":"twin-1","input":"a","voice":"me"})", "Invalid value: 'me'. Supported values are: 'alloy'");
  refused(R"({"model":"twin-1","input":"","voice":"alloy"})", "empty_string");
  refused(R"({"model":"twin-1","input":"a","voice":"alloy","speed":5})", "decimal_above_max_value");
  refused(R"({"model":"twin-1","input":"a","voice":"alloy","response_format":"midi"})", "Supported values are: 'mp3'");
  refused(cat(R"({"model":"twin-1","voice":"alloy","input":")", std::string(4097, 'a'), "\"}"), "string_above_max_length");
}

// ---- Transcriptions --------------------------------------------------------------------------------------------------------

constexpr std::string_view spoken = "One two three four five six seven eight nine ten.";

TEST_F(Media, TranscriptionsInEveryForm) {
  const auto file = wav(spoken);
  const auto as = [&](std::string_view format) {
    return send("/v1/audio/transcriptions",
                FormBody{}.file("file", "a.wav", file).field("model", "twin-1").field("response_format", format));
  };
  EXPECT_EQ(as("text").body, cat(spoken, "\n"));
  EXPECT_NE(as("text").headers.find("text/plain"), std::string::npos);
  EXPECT_EQ(as("srt").body,
            "1\n00:00:00,000 --> 00:00:00,480\nOne two three four five six seven eight\n\n"
            "2\n00:00:00,480 --> 00:00:00,600\nnine ten.\n\n");
  EXPECT_TRUE(as("vtt").body.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:00.480\nOne"));
  const auto verbose = json::parse(as("verbose_json").body).value();
  EXPECT_EQ(text_at(verbose, "task"), "transcribe");
  EXPECT_EQ(text_at(verbose, "duration"), "0.6");
  EXPECT_EQ(at(verbose, "segments").elements().size(), 2U);
  EXPECT_EQ(text_at(verbose, "segments.1.text"), " nine ten.");
  EXPECT_EQ(verbose.find("words"), nullptr);
  const auto words = send_json("/v1/audio/transcriptions", FormBody{}
                                                               .file("file", "a.wav", file)
                                                               .field("model", "twin-1")
                                                               .field("response_format", "verbose_json")
                                                               .field("timestamp_granularities[]", "word")
                                                               .field("language", "en"));
  EXPECT_EQ(at(words, "words").elements().size(), 10U);
  EXPECT_EQ(text_at(words, "words.1"), R"({"word":"two","start":0.06,"end":0.12})");
  EXPECT_EQ(text_at(words, "language"), "en");
  EXPECT_EQ(text_at(words, "usage"), R"({"type":"duration","seconds":1})");
}

TEST_F(Media, TranscriptionsAreStreamed) {
  const auto form = FormBody{}.file("file", "a.wav", wav(spoken)).field("model", "twin-1").field("stream", "true");
  const auto all = events(send("/v1/audio/transcriptions", form).body);
  ASSERT_EQ(all.size(), 11U);
  EXPECT_EQ(all[1], R"({"type":"transcript.text.delta","delta":" two"})");
  const auto done = json::parse(all.back()).value();
  EXPECT_EQ(text_at(done, "text"), spoken);
  EXPECT_EQ(text_at(done, "usage.output_tokens"), "10");
  const auto failed = events(send("/v1/audio/transcriptions", form, "x-twin-error-event-after: 2\r\n").body);
  ASSERT_EQ(failed.size(), 3U);
  EXPECT_NE(failed.back().find("\"error\""), std::string::npos);
}

TEST_F(Media, TranslationsAndSoundsOfOthers) {
  const auto translated =
      send_json("/v1/audio/translations",
                FormBody{}.field("model", "twin-1").field("response_format", "verbose_json").file("file", "a.wav", wav(spoken)));
  EXPECT_EQ(text_at(translated, "task"), "translate");
  EXPECT_EQ(text_at(translated, "text"), spoken);
  const auto other =
      send_json("/v1/audio/transcriptions", FormBody{}.field("model", "twin-1").file("file", "a.mp3", "ID3 whatever"));
  EXPECT_EQ(text_at(other, "text"), heard("ID3 whatever").text);
}

TEST_F(Media, TranscriptionsRefuse) {
  constexpr std::string_view path = "/v1/audio/transcriptions";
  const auto file = wav(spoken);
  expect_refused(path, FormBody{}.field("model", "twin-1"), "Missing required parameter: 'file'.");
  expect_refused(path, FormBody{}.file("file", "a.wav", file), "Missing required parameter: 'model'.");
  expect_refused(path, FormBody{}.field("model", "none").file("file", "a.wav", file), "model_not_found", 404);
  expect_refused(path, FormBody{}.field("model", "twin-1").file("file", "a.txt", file),
                 "Invalid file format. Supported formats: ['flac'");
  expect_refused(path, FormBody{}.field("model", "twin-1").file("file", "a.wav", "no sound"), "could not be decoded");
  expect_refused(path, FormBody{}.field("model", "twin-1").file("file", "a.png", picture(1, 8, 8)), "Invalid file format");
  expect_refused(path, FormBody{}.field("model", "twin-1").file("file", "a.mp3", picture(1, 8, 8)), "could not be decoded");
  expect_refused(path, FormBody{}.field("model", "twin-1").file("file", "a.wav", wav("hi")), "Audio file is too short");
  expect_refused(path, FormBody{}.field("model", "twin-1").field("response_format", "xml").file("file", "a.wav", file),
                 "Supported values are: 'json'");
  expect_refused(path, FormBody{}.field("model", "twin-1").field("language", "english").file("file", "a.wav", file), "ISO-639-1");
  expect_refused(path, FormBody{}.field("model", "twin-1").field("temperature", "2").file("file", "a.wav", file),
                 "decimal_above_max_value");
  expect_refused(path, FormBody{}.field("model", "twin-1").field("timestamp_granularities[]", "word").file("file", "a.wav", file),
                 "verbose_json");
  expect_refused(path, FormBody{}.field("model", "twin-1").file("file", "a.mp3", cat("ID3", std::string(26'214'400, 'x'))),
                 "Maximum content size limit", 413);
  const auto truncated = FormBody{}.field("model", "twin-1").text();
  EXPECT_EQ(post(path, truncated.substr(0, truncated.size() - 8), FormBody::header).status, 400U);
  EXPECT_EQ(send(path, FormBody{}.field("model", "twin-1"), "x-twin-status: 503\r\n").status, 503U);
}

}  // namespace
}  // namespace cardea::twin

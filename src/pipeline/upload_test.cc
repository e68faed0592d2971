#include "pipeline/upload.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"

namespace cardea::pipeline {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view png = "\x89PNG\r\n\x1a\n some rows IEND\xae\x42\x60\x82"sv;
constexpr std::string_view wav = "RIFF\x24\0\0\0WAVEfmt and a lot of samples"sv;

std::string part(std::string_view name, std::string_view data, std::string_view filename = {}, std::string_view type = {}) {
  std::string out;
  wire::append_multipart_head(out, "b", name, filename, type);
  return cat(out, data, wire::multipart_part_end);
}
std::string form(std::initializer_list<std::string> parts) {
  std::string out;
  for (const auto& one : parts) out += one;
  wire::append_multipart_end(out, "b");
  return out;
}

std::string text_of(const http::Body& body) {
  std::string out(static_cast<std::size_t>(body.size()), '\0');
  http::Body::Reader reader{body};
  for (std::size_t at = 0; !reader.at_end();) {
    const auto got = reader.read(std::span{out}.subspan(at));
    if (!got) throw std::runtime_error{"the spool cannot be read"};
    at += *got;
  }
  return out;
}

struct Outcome {
  std::string sent;   ///< with the model "other"
  std::string error;  ///< its text and parameter
};

Outcome pour(std::string_view body, std::string_view path, std::size_t step) {
  Upload upload{"b", file_rules(path), FileLimits{}, ::testing::TempDir()};
  Status status;
  for (std::size_t at = 0; status && at < body.size(); at += step) status = upload.take(body.substr(at, step));
  if (status) status = upload.finish();
  if (!status) return {{}, cat(status.error().message(), " / ", status.error().detail().param)};
  http::Body out;
  upload.write("other", out);
  return {text_of(out), {}};
}

/// The same whatever the pieces.
Outcome pour_all_ways(std::string_view body, std::string_view path) {
  const Outcome whole = pour(body, path, body.size() + 1);
  for (const std::size_t step : {1U, 2U, 3U, 7U, 16U, 31U}) {
    const Outcome split = pour(body, path, step);
    EXPECT_EQ(split.sent, whole.sent) << step;
    EXPECT_EQ(split.error, whole.error) << step;
  }
  return whole;
}

TEST(Upload, OnlyTheModelChangesWhereverItStands) {
  const std::string file = part("file", wav, "a.wav", "audio/wav");
  const std::string more =
      part("prompt", "model\r\n--c") + part("timestamp_granularities[]", "word") + part("timestamp_granularities[]", "segment");
  for (const auto& [before, behind] : {std::pair{file, more}, std::pair{more, file}, std::pair{std::string{}, file + more},
                                       std::pair{file + more, std::string{}}}) {
    const std::string sent = form({before, part("model", "m-1"), behind});
    EXPECT_EQ(pour_all_ways(sent, "/audio/transcriptions").sent, form({before, part("model", "other"), behind}));
  }
}

TEST(Upload, ALargeFormGoesThroughTheFile) {
  std::string samples{wav};
  Random{5}.append_id(samples, 3 * http::Spool::memory_bytes_max);
  const std::string sent = form({part("file", samples, "a.wav"), part("model", "m-1")});
  EXPECT_EQ(pour(sent, "/audio/transcriptions", 50'000).sent, form({part("file", samples, "a.wav"), part("model", "other")}));
}

TEST(Upload, PartsAreFoundAgain) {
  std::string large{png.substr(0, 12)};
  Random{5}.append_id(large, 2 * http::Spool::memory_bytes_max);
  large += png.substr(12);
  const std::string body =
      form({part("image[]", png, "a.png"), part("prompt", ""), part("model", "m"), part("image[]", large, "b.png")});
  for (const std::size_t step : {std::size_t{7}, body.size()}) {
    Upload upload{"b", file_rules("/images/edits"), FileLimits{}, ::testing::TempDir()};
    for (std::size_t at = 0; at < body.size(); at += step) ASSERT_TRUE(upload.take(std::string_view{body}.substr(at, step)));
    ASSERT_TRUE(upload.finish());
    EXPECT_EQ(upload.size(), body.size());
    std::string names;
    for (const auto& one : upload.parts()) names += cat(one.name, one.is_file ? " (file) " : " ");
    EXPECT_EQ(names, "image[] (file) prompt model image[] (file) ");
    EXPECT_EQ(upload.data(upload.parts()[0]).value(), png);
    EXPECT_EQ(upload.data(upload.parts()[1]).value(), "");
    EXPECT_EQ(upload.data(upload.parts()[3]).value(), large);
  }
}

TEST(Upload, FilesAreWhatTheyClaimAndWhatIsWanted) {
  const std::string model = part("model", "m");
  const auto error = [&](std::string_view path, std::string bad) {
    return pour_all_ways(form({model, std::move(bad)}), path).error;
  };
  EXPECT_EQ(error("/images/edits", part("image", png, "a.png", "image/png")), "");
  EXPECT_EQ(error("/images/edits", part("image[]", png, "a", "")), "");
  EXPECT_EQ(error("/images/edits", part("image", wav, "a.png", "image/png")),
            "'image' claims to be image/png but holds audio/wav / image");
  EXPECT_EQ(error("/images/edits", part("image[]", wav, "a")), "'image[]' holds audio/wav; an image is wanted / image[]");
  EXPECT_EQ(error("/images/edits", part("mask", png.substr(0, 20), "m.png")),
            "'mask' is cut: a whole image/png ends otherwise / mask");
  EXPECT_EQ(error("/images/edits", part("image", "<svg>", "a.svg", "image/svg+xml")),
            "'image' does not begin as any image or document that is known / image");
  EXPECT_EQ(error("/audio/transcriptions", part("file", png, "a")), "'file' holds image/png; sound is wanted / file");
  EXPECT_EQ(error("/audio/transcriptions", part("file", "", "a.wav")), "'file' is an empty file / file");
  EXPECT_EQ(error("/audio/transcriptions", part("file", "raw samples without a signature", "a.mp3")), "");
  EXPECT_EQ(error("/files", part("file", "{\"any\":\"thing\"}", "a.jsonl")), "");
  EXPECT_EQ(error("/files", part("file", "no pdf", "a.pdf", "application/pdf")),
            "'file' does not begin as any image or document that is known / file");
}

TEST(Upload, TheModelIsOnePlainField) {
  const std::string file = part("file", wav, "a.wav");
  const auto error = [](std::initializer_list<std::string> parts) {
    return pour_all_ways(form(parts), "/audio/transcriptions").error;
  };
  EXPECT_EQ(error({file, part("model", "")}), "'model' is empty; name the model to use / model");
  EXPECT_EQ(error({file, part("model", "m", "m.txt")}), "'model' must be a plain field, not a file / model");
  EXPECT_EQ(error({file, part("model", std::string(300, 'm'))}), "'model' is too long / model");
  EXPECT_NE(error({part("model", "a"), file, part("model", "b")}), "");
  std::string cut = form({file, part("model", "m")});
  cut.resize(cut.size() - 4);
  EXPECT_NE(pour_all_ways(cut, "/audio/transcriptions").error, "");
}

TEST(Upload, AFileByItselfIsWrapped) {
  http::Spool file{::testing::TempDir()};
  ASSERT_TRUE(file.take(wav));
  Wrapped wrapped{"b", "model=x&language=d%65&key=secret&bad=%zz&prompt=a%20b&&flag", "audio/mpeg; q=1"};
  http::Body body;
  wrapped.write("m", file, body);
  EXPECT_EQ(text_of(body), form({part("language", "de"), part("bad", ""), part("prompt", "a b"), part("flag", ""),
                                 part("model", "m"), part("file", wav, "upload.mp3", "audio/mpeg")}));
}

}  // namespace
}  // namespace cardea::pipeline

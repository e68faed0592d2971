// Imagen: POST /models/{model}:predict of the Gemini API (ai.google.dev/gemini-api/docs/imagen) and of Vertex AI
// (cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api). From words alone.

#include "dialect/drawing.h"
#include "dialect/tasks.h"

namespace cardea::dialect::tasks {
namespace {

using json::Type;
using model::Draw;

constexpr std::uint64_t count_max = 4;
constexpr Ratio ratios[] = {
    {"1:1", 1024, 1024}, {"3:4", 896, 1280}, {"4:3", 1280, 896}, {"9:16", 768, 1408}, {"16:9", 1408, 768}};

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& draw = std::get<Draw>(request);
  if (draw.kind != Draw::Kind::generate) return no_pictures_taken();
  if (draw.count.value_or(1) > count_max) return bad_field("count", cat("must be at most ", count_max, " for this model"));
  std::string out;
  json::Writer w{out};
  w.begin_object().key("instances").begin_array().begin_object().key("prompt").string(draw.prompt).end_object().end_array();
  // It draws four unless told otherwise; who says nothing to us wants one.
  w.key("parameters").begin_object().key("sampleCount").number(draw.count.value_or(1));
  if (const auto ratio = ratio_of(draw, ratios, losses); !ratio.empty()) w.key("aspectRatio").string(ratio);
  write(w, "negativePrompt", draw.negative_prompt);
  if (draw.seed) w.key("seed").number(*draw.seed).key("addWatermark").boolean(false);  // a mark and a seed exclude each other
  write(w, "guidanceScale", draw.guidance);
  // It has no WebP.
  const bool jpeg = draw.file_type && *draw.file_type == "jpeg";
  const bool typed = jpeg || (draw.file_type && *draw.file_type == "png");
  if (typed) {
    w.key("outputOptions").begin_object().key("mimeType").string(cat("image/", *draw.file_type));
    if (jpeg) write(w, "compressionQuality", draw.compression);
    w.end_object();
  }
  w.key("includeRaiReason").boolean(true);
  w.end_object().end_object();
  lose_wishes(draw,
              wish::negative_prompt | wish::count | wish::seed | wish::guidance | (typed ? wish::file_type : 0U) |
                  (jpeg ? wish::compression : 0U),
              losses);
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  model::Drawn out;
  out.dialect = "imagen";
  const auto predictions = root.find("predictions");
  if (predictions && !predictions->is(Type::array)) return wrong_type("predictions", "an array", predictions->type());
  if (!predictions && root.text().size() > 2) return bad_field("predictions", "is missing");
  std::string filtered;
  Status status;
  std::size_t place = 0;
  const auto take = [&](const Raw& prediction) {
    const auto path = cat("predictions[", place++, ']');
    if (const auto reason = prediction.find("raiFilteredReason")) {
      filtered = reason->string();
      return true;
    }
    // Scores of the words as a whole stand among the pictures.
    if (prediction.find("safetyAttributes") && !prediction.find("bytesBase64Encoded")) return true;
    auto base64 = required_text(prediction, "bytesBase64Encoded", path);
    if (!base64) status = fail_with(base64);
    if (!status) return false;
    auto picture = answered_base64(std::move(*base64), cat(path, ".bytesBase64Encoded"));
    if (!picture) status = fail_with(picture);
    if (!picture) return false;
    model::DrawnPicture drawn;
    drawn.picture = std::move(*picture);
    status = read_member(prediction, "prompt", path, drawn.revised_prompt);
    out.pictures.push_back(std::move(drawn));
    return status.has_value();
  };
  if (predictions) predictions->each_element(take);
  if (!status) return fail_with(status);
  if (!out.pictures.empty()) return out;
  return filtered.empty() ? drew_nothing() : held_back(filtered);
}

}  // namespace

const TaskFormat imagen_draw{.task = Task::draw,
                             .name = "imagen",
                             .dialects = {},
                             .target = "/models/{model}:predict",
                             .subject = "instances",
                             .answers = TaskFormat::any_object,
                             .encode_request = encode_request,
                             .read_answer = read_answer};

}  // namespace cardea::dialect::tasks

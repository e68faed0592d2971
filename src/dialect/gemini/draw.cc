// Gemini's image models: POST /models/{model}:generateContent with responseModalities (ai.google.dev/gemini-api/docs/
// image-generation). One picture a request, in a few ratios; from Gemini 3 on in three sizes.

#include <algorithm>

#include "dialect/drawing.h"
#include "dialect/gemini/gemini.h"
#include "dialect/tasks.h"

namespace cardea::dialect::tasks {
namespace {

using json::Type;
using model::Draw;

constexpr std::size_t images_max = 14;
/// "Aspect ratios and image size" of the guide: what 2.5 draws.
constexpr Ratio ratios[] = {{"1:1", 1024, 1024}, {"2:3", 832, 1248}, {"3:2", 1248, 832}, {"3:4", 864, 1184},
                            {"4:3", 1184, 864},  {"4:5", 896, 1152}, {"5:4", 1152, 896}, {"9:16", 768, 1344},
                            {"16:9", 1344, 768}, {"21:9", 1536, 672}};

/// "1K", "2K" or "4K": the first that is not smaller than the picture wanted.
std::string_view image_size(const model::PictureSize& size) {
  const auto side = std::max(size.width, size.height);
  constexpr std::uint32_t one = 1024;
  return side <= one + one / 2 ? "1K" : side <= 3 * one ? "2K" : "4K";
}

/// imageConfig, when there is something to say.
void write_shape(json::Writer& w, const Draw& draw, Losses& losses) {
  const bool sized = draw.size && google::is_gemini_3(draw.model);
  // Squares are drawn as large as they are asked for.
  const auto scale = [&] { return image_size(*draw.size); };
  Losses shape;
  const auto ratio = ratio_of(draw, ratios, shape);
  constexpr std::uint32_t one = 1024;
  const bool exact =
      sized && draw.size->width == draw.size->height && (draw.size->width == 2 * one || draw.size->width == 4 * one);
  for (const auto& loss : shape.all()) {
    if (!exact || loss.field != "size") losses.add(loss.field, loss.reason, loss.weight);
  }
  if (ratio.empty()) return;
  w.key("imageConfig").begin_object().key("aspectRatio").string(ratio);
  if (sized) w.key("imageSize").string(scale());
  w.end_object();
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& draw = std::get<Draw>(request);
  if (draw.kind == Draw::Kind::vary) return no_variations();
  if (auto status = expect_bytes(draw, images_max, losses); !status) return fail_with(status);
  std::string out;
  json::Writer w{out};
  w.begin_object().key("contents").begin_array().begin_object();
  w.key("role").string("user").key("parts").begin_array();
  // Pictures first, as the guide's own examples of edits with one picture have them.
  for (std::size_t i = 0; i < std::min(images_max, draw.images.size()); ++i) {
    const auto& image = draw.images[i];
    w.begin_object().key("inlineData").begin_object().key("mimeType").string(type_of(image));
    w.key("data").string(image.base64).end_object().end_object();
  }
  w.begin_object().key("text").string(draw.prompt).end_object();
  w.end_array().end_object().end_array();
  w.key("generationConfig").begin_object();
  w.key("responseModalities").begin_array().string("IMAGE").end_array();
  write(w, "seed", draw.seed);
  write_shape(w, draw, losses);
  w.end_object().end_object();
  lose_wishes(draw, wish::seed, losses);
  return out;
}

/// Ends of an answer that are judgements: FinishReason of the API's reference.
constexpr std::string_view judgements[] = {"SAFETY",       "PROHIBITED_CONTENT",       "BLOCKLIST",       "RECITATION", "SPII",
                                           "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"};

struct Said {
  std::string text;
  std::string finish;
};

Status read_candidate(const Raw& candidate, const std::string& path, model::Drawn& out, Said& said) {
  const auto finish = candidate.find("finishReason");
  if (finish && finish->is(Type::string)) said.finish = finish->string();
  const auto content = candidate.find("content");
  const auto parts = content ? content->find("parts") : std::nullopt;
  if (!parts) return finish ? Status{} : bad_field(cat(path, ".content"), "is missing");
  if (!parts->is(Type::array)) return wrong_type(cat(path, ".content.parts"), "an array", parts->type());
  Status status;
  parts->each_element([&](const Raw& part) {
    // Sketches on the way are not the picture.
    if (const auto thought = part.find("thought"); thought && thought->text() == "true") return true;
    if (const auto text = part.find("text")) said.text += text->string();
    const auto data = part.find("inlineData");
    if (!data) return true;
    std::optional<std::string> base64;
    model::DrawnPicture drawn;
    std::optional<std::string> type;
    status = read_member(*data, "data", cat(path, ".inlineData"), base64);
    if (status) status = read_member(*data, "mimeType", cat(path, ".inlineData"), type);
    if (!status) return false;
    auto picture = answered_base64(base64.value_or(""), cat(path, ".inlineData.data"));
    if (!picture) status = fail_with(picture);
    if (!picture) return false;
    drawn.picture = std::move(*picture);
    if (drawn.picture.media_type.empty()) drawn.picture.media_type = type.value_or("");
    out.pictures.push_back(std::move(drawn));
    return true;
  });
  return status;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  model::Drawn out;
  out.dialect = "gemini";
  Said said;
  const auto candidates = root.find("candidates");
  const auto feedback = root.find("promptFeedback");
  if (const auto reason = feedback ? feedback->find("blockReason") : std::nullopt) return held_back(reason->string());
  if (!candidates || !candidates->is(Type::array)) return bad_field("candidates", "must be an array");
  Status status = read_member(root, "modelVersion", "", out.model);
  if (status) status = read_member(root, "responseId", "", out.id);
  candidates->each_element([&](const Raw& candidate) {
    if (status) status = read_candidate(candidate, "candidates", out, said);
    return status.has_value();
  });
  if (!status) return fail_with(status);
  if (out.pictures.empty()) {
    if (std::ranges::find(judgements, said.finish) != std::end(judgements)) return held_back(said.finish);
    return drew_nothing(said.text.empty() ? said.finish : said.text);
  }
  // Words beside the picture, which nobody asked for.
  if (!said.text.empty()) out.extras.push_back({"text", {json::quote(said.text)}});
  if (const auto usage = root.find("usageMetadata"); usage && usage->is(Type::object)) {
    if (const auto counts = json::parse(usage->text(), upstream_scan())) out.usage = google::decode_usage(*counts);
  }
  return out;
}

}  // namespace

const TaskFormat gemini_draw{.task = Task::draw,
                             .name = "gemini",
                             .dialects = gemini_like,
                             .target = "/models/{model}:generateContent",
                             .subject = "contents",
                             .answers = TaskFormat::any_object,
                             .encode_request = encode_request,
                             .read_answer = read_answer};

}  // namespace cardea::dialect::tasks

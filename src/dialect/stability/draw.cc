// Stability AI: POST /v2beta/stable-image/generate/{core,ultra,sd3} (platform.stability.ai/docs/api-reference). A form is sent;
// with `Accept: application/json` the picture comes as base64.

#include <algorithm>

#include "base/base64.h"
#include "dialect/drawing.h"
#include "dialect/tasks.h"
#include "wire/multipart.h"

namespace cardea::dialect::tasks {
namespace {

using model::Draw;

constexpr Ratio ratios[] = {{"16:9", 1344, 768}, {"1:1", 1024, 1024}, {"21:9", 1536, 640}, {"2:3", 832, 1216}, {"3:2", 1216, 832},
                            {"4:5", 896, 1088},  {"5:4", 1088, 896},  {"9:16", 768, 1344}, {"9:21", 640, 1536}};
constexpr std::string_view styles[] = {"3d-model",    "analog-film",       "anime",       "cinematic", "comic-book",
                                       "digital-art", "enhance",           "fantasy-art", "isometric", "line-art",
                                       "low-poly",    "modeling-compound", "neon-punk",   "origami",   "photographic",
                                       "pixel-art",   "tile-texture"};
/// It must be told how much of a picture to keep; the web UI's usual value.
constexpr std::string_view usual_strength = "0.75";

/// Its three ways, by the model's name: "core" and "ultra" are services, anything else is a model of the third.
struct Service {
  std::string_view target;
  bool models;  ///< it is told which of them
  bool takes_images;
  bool takes_guidance;
  bool takes_style;
};
constexpr Service core{"/v2beta/stable-image/generate/core", false, false, false, true};
constexpr Service ultra{"/v2beta/stable-image/generate/ultra", false, true, false, true};
constexpr Service sd3{"/v2beta/stable-image/generate/sd3", true, true, true, true};
const Service& service_of(std::string_view model) {
  const auto ends = [&](std::string_view name) { return model == name || model.ends_with(cat('-', name)); };
  return ends("core") ? core : ends("ultra") ? ultra : sd3;
}

/// A boundary that stands nowhere in what it parts: pure, so that the same request gives the same bytes.
std::string boundary_for(const Draw& draw, std::string_view image) {
  std::string boundary{"cardea"};
  const auto holds = [&](std::string_view text) { return text.find(boundary) != std::string_view::npos; };
  for (std::uint64_t i = 0; holds(image) || holds(draw.prompt) || holds(draw.negative_prompt.value_or("")) || holds(draw.model);
       ++i) {
    boundary = cat("cardea-", i);
  }
  return boundary;
}

/// The fields of a form, one after the other.
class FormWriter {
 public:
  explicit FormWriter(std::string boundary) : boundary_{std::move(boundary)} {}
  void field(std::string_view name, std::string_view value) {
    if (!value.empty()) wire::append_multipart_field(out_, boundary_, name, value);
  }
  void file(std::string_view name, std::string_view type, std::string_view bytes) {
    wire::append_multipart_head(out_, boundary_, name, cat(name, '.', type.substr(type.find('/') + 1)), type);
    append(out_, bytes);
    append(out_, wire::multipart_part_end);
  }
  TaskMessage finish(std::string_view target) && {
    wire::append_multipart_end(out_, boundary_);
    TaskMessage message{std::move(out_)};
    message.content_type = cat("multipart/form-data; boundary=", boundary_);
    message.target = target;
    return message;
  }

 private:
  std::string boundary_;
  std::string out_;
};

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& draw = std::get<Draw>(request);
  const auto& service = service_of(draw.model);
  if (draw.kind == Draw::Kind::vary) return no_variations();
  if (!draw.images.empty() && !service.takes_images) return no_pictures_taken();
  if (auto status = expect_bytes(draw, 1, losses); !status) return fail_with(status);
  const auto image = draw.images.empty() ? std::string{} : from_base64(draw.images.front().base64).value_or("");
  FormWriter form{boundary_for(draw, image)};
  form.field("prompt", draw.prompt);
  form.field("negative_prompt", draw.negative_prompt.value_or(""));
  if (service.models) {
    form.field("model", draw.model);
    form.field("mode", image.empty() ? "text-to-image" : "image-to-image");
  }
  // A picture has its own shape.
  if (image.empty() || !service.models) {
    form.field("aspect_ratio", ratio_of(draw, ratios, losses));
  } else if (draw.size || draw.aspect_ratio) {
    losses.detail(draw.size ? "size" : "aspect_ratio", "the picture that is changed decides it");
  }
  if (draw.seed) form.field("seed", cat(*draw.seed));
  const bool styled = draw.style && service.takes_style && std::ranges::find(styles, *draw.style) != std::end(styles);
  if (styled) form.field("style_preset", *draw.style);
  if (draw.guidance && service.takes_guidance) form.field("cfg_scale", draw.guidance->text);
  form.field("output_format", draw.file_type.value_or(""));
  if (!image.empty()) {
    form.field("strength", draw.strength ? std::string_view{draw.strength->text} : usual_strength);
    form.file("image", type_of(draw.images.front()), image);
  }
  lose_wishes(draw,
              wish::negative_prompt | wish::seed | wish::file_type | (styled ? wish::style : 0U) |
                  (service.takes_guidance ? wish::guidance : 0U) | (image.empty() ? 0U : wish::strength),
              losses);
  return std::move(form).finish(service.target);
}

Result<TaskAnswer> read_answer(const Raw& root) {
  std::optional<std::string> finish;
  model::DrawnPicture drawn;
  Status status = read_member(root, "finish_reason", "", finish);
  if (status) status = read_member(root, "seed", "", drawn.seed);
  if (!status) return fail_with(status);
  if (finish && *finish == "CONTENT_FILTERED") return held_back(*finish);
  auto image = required_text(root, "image", "");
  if (!image) return fail_with(image);
  auto picture = answered_base64(std::move(*image), "image");
  if (!picture) return fail_with(picture);
  drawn.picture = std::move(*picture);
  model::Drawn out;
  out.dialect = "stability";
  out.pictures.push_back(std::move(drawn));
  return out;
}

}  // namespace

const TaskFormat stability_draw{.task = Task::draw,
                                .name = "stability",
                                .dialects = {},
                                .target = "/v2beta/stable-image/generate/sd3",
                                .base = TaskFormat::Base::root,
                                .subject = "prompt",
                                .answers = "image",
                                .encode_request = encode_request,
                                .read_answer = read_answer,
                                .header_lines = "accept: application/json\r\n"};

}  // namespace cardea::dialect::tasks

// Stable Diffusion web UI: POST /sdapi/v1/txt2img and img2img (AUTOMATIC1111's and Forge's /docs; also SD.Next's).

#include "dialect/drawing.h"
#include "dialect/tasks.h"

namespace cardea::dialect::tasks {
namespace {

using json::Type;
using model::Draw;

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& draw = std::get<Draw>(request);
  if (auto status = expect_bytes(draw, 1, losses); !status) return fail_with(status);
  std::string out;
  json::Writer w{out};
  w.begin_object().key("prompt").string(draw.prompt);
  write(w, "negative_prompt", draw.negative_prompt);
  if (draw.size) w.key("width").number(draw.size->width).key("height").number(draw.size->height);
  lose_ratio(draw, losses);
  // One after the other: together they may not fit the card.
  write(w, "n_iter", draw.count);
  write(w, "seed", draw.seed);
  write(w, "steps", draw.steps);
  write(w, "cfg_scale", draw.guidance);
  if (!draw.images.empty()) {
    w.key("init_images").begin_array().string(draw.images.front().base64).end_array();
    write(w, "denoising_strength", draw.strength);
    if (draw.mask) {
      // It changes what is white, or opaque; OpenAI's masks are transparent there.
      w.key("mask").string(draw.mask->base64).key("inpainting_mask_invert").number(1);
    }
  }
  // Loading a model takes long, so it stays when the picture is done.
  w.key("override_settings").begin_object().key("sd_model_checkpoint").string(draw.model).end_object();
  w.key("override_settings_restore_afterwards").boolean(false);
  w.end_object();
  const unsigned of_images = draw.images.empty() ? 0U : wish::strength | wish::mask;
  lose_wishes(draw, wish::negative_prompt | wish::count | wish::seed | wish::steps | wish::guidance | of_images, losses);
  TaskMessage message{std::move(out)};
  if (!draw.images.empty()) message.target = "/sdapi/v1/img2img";
  return message;
}

/// `info` is JSON inside of a string: the seeds, and how many pictures before the first are an overview of all.
struct Info {
  std::vector<std::uint64_t> seeds;
  std::uint64_t first = 0;
};
Info info_of(const Raw& root) {
  Info out;
  const auto text = root.find("info");
  const auto info = text && text->is(Type::string) ? json::parse(text->string(), upstream_scan()) : Result<json::Value>{};
  if (!info) return out;
  if (const auto* first = info->find("index_of_first_image")) out.first = first->as_u64().value_or(0);
  const auto* seeds = info->find("all_seeds");
  if (seeds == nullptr || !seeds->is(Type::array)) return out;
  for (const auto& seed : seeds->elements()) out.seeds.push_back(seed.as_u64().value_or(0));
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  const auto images = required(root, "images", "", Type::array);
  if (!images) return fail(images.error().clone());
  model::Drawn out;
  out.dialect = "sdapi";
  const auto info = info_of(root);
  Status status;
  std::uint64_t place = 0;
  images->each_element([&](const Raw& image) {
    const auto path = cat("images[", place, ']');
    if (!image.is(Type::string)) status = wrong_type(path, "a string", image.type());
    if (status && place++ >= info.first) {
      auto picture = answered_base64(image.string(), path);
      if (!picture) status = fail_with(picture);
      model::DrawnPicture drawn;
      if (picture) drawn.picture = std::move(*picture);
      if (out.pictures.size() < info.seeds.size()) drawn.seed = info.seeds[out.pictures.size()];
      out.pictures.push_back(std::move(drawn));
    }
    return status.has_value();
  });
  if (!status) return fail_with(status);
  if (out.pictures.empty()) return drew_nothing();
  return out;
}

}  // namespace

const TaskFormat sdapi_draw{.task = Task::draw,
                            .name = "sdapi",
                            .dialects = {},
                            .target = "/sdapi/v1/txt2img",
                            .base = TaskFormat::Base::root,
                            .subject = "prompt",
                            .answers = "images",
                            .encode_request = encode_request,
                            .read_answer = read_answer};

}  // namespace cardea::dialect::tasks

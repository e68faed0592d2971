// Pictures of those who speak a form of their own: Stability AI (platform.stability.ai/docs/api-reference, "Stable Image") and
// the Stable Diffusion web UI (AUTOMATIC1111, /sdapi/v1). Always PNG.

#include <algorithm>

#include "base/base64.h"
#include "twin/answer.h"
#include "twin/forms/jina.h"
#include "twin/media.h"
#include "twin/picture.h"
#include "twin/tokens.h"
#include "twin/upload.h"

namespace cardea::twin {
namespace {

using json::Writer;

// ---- Stability -------------------------------------------------------------------------------------------------------------

std::string stability_failure(const Failure& failure) {
  struct Name {
    unsigned status;
    std::string_view name;
  };
  constexpr Name names[] = {{400, "bad_request"},       {401, "unauthorized"},    {403, "content_moderation"}, {404, "not_found"},
                            {413, "payload_too_large"}, {422, "invalid_request"}, {429, "rate_limit_exceeded"}};
  const auto* found = std::ranges::find(names, failure.status, &Name::status);
  std::string out;
  Writer writer{out};
  writer.begin_object().key("id").string(hex_id("", fingerprint(failure.message)));
  writer.key("name").string(found != std::end(names) ? found->name : "internal_error");
  writer.key("errors").begin_array().string(failure.message).end_array().end_object();
  return out;
}
constexpr Form stability_form{
    .name = "stability",
    .ids = {"", ""},
    .read = nullptr,
    .document = nullptr,
    .events = nullptr,
    .count = nullptr,
    .failure = stability_failure,
    .failure_event = [](const Failure& failure, std::uint64_t, Event& out) { out.data = stability_failure(failure); },
    .framing = Framing::sse,
    .done = {},
    .id_line = {}};

Status refuse_stability(std::string_view path, std::string_view message) {
  return fail(Kind::bad_request, path.empty() ? std::string{message} : cat(path, ": ", message));
}
constexpr Words stability_words{
    .member = [](std::string_view, std::string_view name) { return std::string{name}; },
    .element = [](std::string_view parent, std::size_t) { return std::string{parent}; },
    .refuse = refuse_stability,
    .missing = [](std::string_view path) { return refuse_stability(path, "is required"); },
    .wrong_type =
        [](std::string_view path, unsigned expected, const json::Value&) {
          return refuse_stability(path, (expected & is_number) != 0 ? "must be a number" : "must be a string");
        },
    .wrong_value = [](std::string_view path, std::string_view,
                      std::string_view supported) { return refuse_stability(path, cat("must be one of: ", supported)); },
    .out_of_range =
        [](std::string_view path, const OutOfRange& range) {
          return refuse_stability(path, cat("must be ", range.below ? "at least " : "at most ", range.bound));
        },
    .unknown = [](std::string_view, std::string_view name) { return refuse_stability(name, "is not supported"); }};
constexpr TaskReading stability_reading{stability_words, true, [](std::string_view why) { return refuse_stability("", why); }};

struct Ratio {
  std::string_view name;
  std::uint32_t width;
  std::uint32_t height;
};
constexpr Ratio ratios[] = {{"16:9", 1344, 768}, {"1:1", 1024, 1024}, {"21:9", 1536, 640}, {"2:3", 832, 1216}, {"3:2", 1216, 832},
                            {"4:5", 896, 1088},  {"5:4", 1088, 896},  {"9:16", 768, 1344}, {"9:21", 640, 1536}};

struct Stable {
  std::string prompt;
  std::string mode = "text-to-image";
  std::uint64_t seed = 0;
  const Ratio* ratio = &ratios[1];
};

Status take_stable_prompt(const At& at, Stable& stable) {
  constexpr std::size_t characters_max = 10'000;
  stable.prompt = at.text();
  const auto size = count_characters(stable.prompt);
  if (size != 0 && size <= characters_max) return {};
  return at.refuse(size == 0 ? "must not be empty" : "cannot exceed 10000 characters");
}
Status take_ratio(const At& at, Stable& stable) {
  stable.ratio = std::ranges::find(ratios, std::string_view{at.text()}, &Ratio::name);
  if (stable.ratio != std::end(ratios)) return {};
  std::string list;
  for (const auto& ratio : ratios) append(list, cat(list.empty() ? "" : ", ", ratio.name));
  return at.wrong_value(list);
}
Status check_format(const At& at, Stable&) {
  constexpr std::string_view formats[] = {"jpeg", "png", "webp"};
  return one_of(at, formats);
}
Status take_mode(const At& at, Stable& stable) {
  stable.mode = at.text();
  constexpr std::string_view modes[] = {"text-to-image", "image-to-image"};
  return one_of(at, modes);
}
template <std::uint64_t Most>
Status check_number(const At& at, Stable&) {
  const auto number = at.value().as_double().value_or(-1);
  return number >= 0 && number <= static_cast<double>(Most) ? Status{} : at.refuse(cat("must be between 0 and ", Most));
}

constexpr Row<Stable> stable_rows[] = {{"prompt", is_text, take_stable_prompt, true},
                                       {"aspect_ratio", is_text, take_ratio},
                                       {"negative_prompt", is_text},
                                       {"seed", is_whole, take_whole<&Stable::seed, 0, 4'294'967'294>},
                                       {"style_preset", is_text},
                                       {"output_format", is_text, check_format},
                                       {"model", is_text},
                                       {"mode", is_text, take_mode},
                                       {"strength", is_number, check_number<1>},
                                       {"cfg_scale", is_number, check_number<10>}};

Status read_stability(const TaskAsk& ask, TaskPlan& plan) {
  Stable stable;
  if (ask.upload == nullptr) return refuse_stability("content-type", "must be multipart/form-data");
  const bool document = ask.accept == "application/json";
  if (!document && !ask.accept.empty() && ask.accept != "image/*" && ask.accept != "*/*") {
    return refuse_stability("accept", "must be one of: image/*, application/json");
  }
  Status status = read_form_task(ask, stability_reading, stable_rows, plan, stable);
  plan.model.clear();  // the vendor's own names
  if (!status) return status;
  const auto* image = ask.upload->file("image");
  if (stable.mode == "image-to-image" && image == nullptr) return refuse_stability("image", "is required");
  if (image != nullptr && !sniff(image->bytes).starts_with("image/")) return refuse_stability("image", "must be a valid image");
  if (stable.seed == 0)
    stable.seed = fingerprint(stable.prompt, image != nullptr ? fingerprint(image->bytes) : 0) % 4'294'967'294 + 1;
  plan.reply = [stable = std::move(stable), document](const TaskScene&) -> Result<TaskReply> {
    auto png = picture(fingerprint(stable.prompt, stable.seed), stable.ratio->width, stable.ratio->height);
    if (document) {
      return reply_json([&](Writer& writer) {
        writer.begin_object().key("image").string(to_base64(png)).key("finish_reason").string("SUCCESS");
        writer.key("seed").number(stable.seed).end_object();
      });
    }
    TaskReply reply;
    reply.type = cat("content-type: image/png\r\nfinish-reason: SUCCESS\r\nseed: ", stable.seed, "\r\n");
    reply.body = std::move(png);
    return reply;
  };
  return {};
}

// ---- Stable Diffusion web UI -----------------------------------------------------------------------------------------------

std::string webui_failure(const Failure& failure) {
  std::string out;
  Writer writer{out};
  if (failure.status == 422) {  // FastAPI's own
    writer.begin_object().key("detail").begin_array().begin_object().key("loc").begin_array().string("body").end_array();
    writer.key("msg").string(failure.message).key("type").string("value_error").end_object().end_array().end_object();
    return out;
  }
  writer.begin_object().key("error").string(failure.status >= 500 ? "RuntimeError" : "HTTPException");
  writer.key("detail").string(failure.message).key("body").string("").key("errors").string(failure.message).end_object();
  return out;
}
constexpr Form webui_form{
    .name = "sdapi",
    .ids = {"", ""},
    .read = nullptr,
    .document = nullptr,
    .events = nullptr,
    .count = nullptr,
    .failure = webui_failure,
    .failure_event = [](const Failure& failure, std::uint64_t, Event& out) { out.data = webui_failure(failure); },
    .framing = Framing::sse,
    .done = {},
    .id_line = {}};

constexpr std::uint64_t side_max = 2048;

struct WebUi {
  std::string prompt;
  std::string negative;
  std::uint64_t width = 512;
  std::uint64_t height = 512;
  std::uint64_t batch = 1;
  std::uint64_t rounds = 1;
  std::uint64_t steps = 50;
  std::int64_t seed = -1;
  std::uint64_t pictures = 0;  ///< what came in
};
Status take_webui_seed(const At& at, WebUi& request) {
  const auto seed = at.value().as_i64();
  if (!seed) return at.refuse("value is not a valid integer");
  request.seed = *seed;
  return {};
}
Status take_init_images(const At& at, WebUi& request) {
  return at.each(is_text, [&](const At& one) -> Status {
    Medium medium;
    const bool good = one.text().starts_with("data:") ? take_url(one.text(), medium) : take_base64(one.text(), medium);
    if (!good || !medium.media_type.starts_with("image/")) return fail(Kind::internal, "Invalid encoded image");
    request.pictures = fingerprint(medium.sha256, request.pictures + 1);
    return {};
  });
}
// The form has some 60 more members: what is not here changes nothing.
constexpr Row<WebUi> webui_rows[] = {{"prompt", is_text, take_text<&WebUi::prompt>},
                                     {"negative_prompt", is_text, take_text<&WebUi::negative>},
                                     {"width", is_whole, take_whole<&WebUi::width, 64, side_max>},
                                     {"height", is_whole, take_whole<&WebUi::height, 64, side_max>},
                                     {"batch_size", is_whole, take_whole<&WebUi::batch, 1, 8>},
                                     {"n_iter", is_whole, take_whole<&WebUi::rounds, 1, 8>},
                                     {"steps", is_whole, take_whole<&WebUi::steps, 1, 150>},
                                     {"seed", is_whole, take_webui_seed},
                                     {"init_images", is_list, take_init_images},
                                     {"cfg_scale", is_number},
                                     {"sampler_name", is_text},
                                     {"denoising_strength", is_number},
                                     {"override_settings", is_object}};

/// The settings as the web UI has them: JSON inside of a string.
std::string webui_info(const WebUi& request, std::uint64_t seed) {
  std::string out;
  Writer writer{out};
  writer.begin_object().key("prompt").string(request.prompt).key("negative_prompt").string(request.negative);
  writer.key("seed").number(seed).key("all_seeds").begin_array();
  for (std::uint64_t i = 0; i < request.batch * request.rounds; ++i) writer.number(seed + i);
  writer.end_array().key("width").number(request.width).key("height").number(request.height);
  writer.key("steps").number(request.steps).key("sd_model_name").string("twin").end_object();
  return out;
}

TaskReply webui_answer(const WebUi& request, std::string_view parameters) {
  const auto chosen = fingerprint(request.prompt, request.pictures) % 4'294'967'295;
  const auto seed = request.seed < 0 ? chosen : static_cast<std::uint64_t>(request.seed);
  return reply_json([&](Writer& writer) {
    writer.begin_object().key("images").begin_array();
    for (std::uint64_t i = 0; i < request.batch * request.rounds; ++i) {
      const auto colours = fingerprint(request.prompt, request.pictures + seed + i);
      writer.string(
          to_base64(picture(colours, static_cast<std::uint32_t>(request.width), static_cast<std::uint32_t>(request.height))));
    }
    writer.end_array().key("parameters").raw(parameters).key("info").string(webui_info(request, seed)).end_object();
  });
}

template <bool FromImage>
Status read_webui(const TaskAsk& ask, TaskPlan& plan) {
  WebUi request;
  Status status = read_task(ask, jina_reading, webui_rows, plan, request);
  plan.model.clear();
  if (!status) return status;
  if (FromImage && request.pictures == 0) return fail(Kind::not_found, "Init image not found");
  auto parameters = json::parse(ask.body);
  if (parameters) static_cast<void>(parameters->erase("init_images"));
  plan.reply = [request = std::move(request), echo = parameters ? parameters->dump() : "{}"](
                   const TaskScene&) -> Result<TaskReply> { return webui_answer(request, echo); };
  return {};
}

Status read_webui_models(const TaskAsk&, TaskPlan& plan) {
  plan.reply = [](const TaskScene&) -> Result<TaskReply> {
    return reply_json([](Writer& writer) {
      writer.begin_array();
      for (const auto& row : model_rows()) {
        writer.begin_object()
            .key("title")
            .string(cat(row.name, ".safetensors"))
            .key("model_name")
            .string(row.name)
            .key("hash")
            .null();
        writer.key("sha256")
            .null()
            .key("filename")
            .string(cat("models/", row.name, ".safetensors"))
            .key("config")
            .null()
            .end_object();
      }
      writer.end_array();
    });
  };
  return {};
}

}  // namespace

const TaskForm stability_generate{&stability_form, read_stability};
const TaskForm webui_txt2img{&webui_form, read_webui<false>};
const TaskForm webui_img2img{&webui_form, read_webui<true>};
const TaskForm webui_models{&webui_form, read_webui_models};

}  // namespace cardea::twin

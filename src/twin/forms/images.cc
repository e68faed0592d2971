// OpenAI's images (platform.openai.com/docs/api-reference/images): generations, edits, variations. Always PNG, and said to be:
// the twin has no other. An address is a `data:` URL, which needs nobody to serve it.

#include <algorithm>

#include "base/base64.h"
#include "twin/forms/openai.h"
#include "twin/media.h"
#include "twin/picture.h"
#include "twin/tokens.h"
#include "twin/upload.h"

namespace cardea::twin {
namespace {

using json::Writer;

constexpr std::size_t prompt_characters_max = 32'000;
constexpr std::size_t images_max = 16;
constexpr std::size_t image_bytes_max = 50U << 20;

struct Request {
  std::string prompt;
  std::uint64_t seed = 0;
  std::uint64_t images_in = 0;
  std::uint64_t n = 1;
  std::string size = "auto";
  std::string quality = "auto";
  std::string background = "auto";
  std::string format = "b64_json";
  std::uint64_t partial_images = 0;
  bool stream = false;
};

struct Size {
  std::uint32_t width = 1024;
  std::uint32_t height = 1024;
};
Size size_of(std::string_view text) {
  const auto by = text.find('x');
  if (by == std::string_view::npos) return {};
  return {parse_number<std::uint32_t>(text.substr(0, by)).value_or(1024),
          parse_number<std::uint32_t>(text.substr(by + 1)).value_or(1024)};
}

// ---- Requests --------------------------------------------------------------------------------------------------------------

Status take_prompt(const At& at, Request& request) {
  request.prompt = at.text();
  if (request.prompt.empty()) {
    return refuse_request(
        "Invalid 'prompt': empty string. Expected a string with minimum length 1, but got an empty string instead.", "prompt",
        "empty_string");
  }
  if (count_characters(request.prompt) <= prompt_characters_max) return {};
  return refuse_request(cat("Invalid 'prompt': string too long. Expected a string with maximum length ", prompt_characters_max,
                            ", but got a string with length ", count_characters(request.prompt), " instead."),
                        "prompt", "string_above_max_length");
}
template <auto Field, const auto& Words>
Status take_word(const At& at, Request& request) {
  request.*Field = at.text();
  return one_of(at, Words);
}
template <const auto& Words>
Status check_word(const At& at, Request&) {
  return one_of(at, Words);
}

constexpr std::string_view sizes[] = {"auto",    "1024x1024", "1536x1024", "1024x1536",
                                      "256x256", "512x512",   "1792x1024", "1024x1792"};
constexpr std::string_view qualities[] = {"auto", "low", "medium", "high", "standard", "hd"};
constexpr std::string_view backgrounds[] = {"auto", "transparent", "opaque"};
constexpr std::string_view formats[] = {"url", "b64_json"};
constexpr std::string_view file_formats[] = {"png", "jpeg", "webp"};
constexpr std::string_view levels[] = {"auto", "low"};
constexpr std::string_view styles[] = {"vivid", "natural"};
constexpr std::string_view fidelities[] = {"high", "low"};

constexpr Row<Request> n_row{"n", is_whole, take_whole<&Request::n, 1, 10>};
constexpr Row<Request> size_row{"size", is_text, take_word<&Request::size, sizes>};
constexpr Row<Request> format_row{"response_format", is_text, take_word<&Request::format, formats>};
constexpr Row<Request> quality_row{"quality", is_text, take_word<&Request::quality, qualities>};
constexpr Row<Request> background_row{"background", is_text, take_word<&Request::background, backgrounds>};
constexpr Row<Request> file_format_row{"output_format", is_text, check_word<file_formats>};
constexpr Row<Request> partial_row{"partial_images", is_whole, take_whole<&Request::partial_images, 0, 3>};
constexpr Row<Request> stream_row{"stream", is_bool, take_bool<&Request::stream>};
constexpr Row<Request> compression_row{"output_compression", is_whole, [](const At& at, Request&) {
                                         std::uint64_t percent = 0;
                                         return check_whole(at, 0, 100, percent);
                                       }};

constexpr Row<Request> generation_rows[] = {{"model", is_text},
                                            {"prompt", is_text, take_prompt, true},
                                            {"moderation", is_text, check_word<levels>},
                                            {"style", is_text, check_word<styles>},
                                            {"user", is_text},
                                            n_row,
                                            size_row,
                                            format_row,
                                            quality_row,
                                            background_row,
                                            file_format_row,
                                            compression_row,
                                            partial_row,
                                            stream_row};
constexpr Row<Request> edit_rows[] = {{"model", is_text},
                                      {"prompt", is_text, take_prompt, true},
                                      {"input_fidelity", is_text, check_word<fidelities>},
                                      {"user", is_text},
                                      n_row,
                                      size_row,
                                      format_row,
                                      quality_row,
                                      background_row,
                                      file_format_row,
                                      compression_row,
                                      partial_row,
                                      stream_row};
constexpr Row<Request> variation_rows[] = {{"model", is_text}, {"user", is_text}, n_row, size_row, format_row};

Status refuse_body(std::string_view why) { return refuse_request(std::string{why}, "", ""); }

/// The pictures that came, into the seed.
Status take_files(const Upload& upload, std::size_t most, Request& request) {
  for (const auto& file : upload.files) {
    const bool mask = file.name == "mask";
    const bool image = file.name == "image" || file.name == "image[]";
    if (!mask && !image) return unknown_parameter(file.name);
    const auto type = sniff(file.bytes);
    const bool known = type == "image/png" || type == "image/jpeg" || type == "image/webp";
    if (!known || (mask && type != "image/png")) {
      return refuse_request(
          cat("Invalid image file or mode for image ", request.images_in + 1, ", please check your image file."), file.name,
          "invalid_image_file");
    }
    if (file.size > image_bytes_max) return refuse_request("Image file is too large.", file.name, "image_too_large");
    request.images_in += image ? 1 : 0;
    request.seed = fingerprint(file.bytes, request.seed + file.size);
  }
  if (request.images_in == 0) return missing("image");
  if (request.images_in <= most) return {};
  return refuse_request(cat("Invalid 'image': at most ", most, " images are allowed, got ", request.images_in, "."), "image",
                        "array_above_max_length");
}

// ---- Answers ---------------------------------------------------------------------------------------------------------------

std::string picture_of(const Request& request, std::uint64_t index, std::uint32_t painted = picture_tiles) {
  const auto size = size_of(request.size);
  return to_base64(picture(fingerprint(request.prompt, request.seed + index), size.width, size.height, painted));
}

/// Tokens of a picture: one for each square of 32 pixels.
void write_usage(Writer& writer, const Request& request) {
  constexpr std::uint64_t square = 32;
  const auto size = size_of(request.size);
  const std::uint64_t text = count_tokens(request.prompt);
  const std::uint64_t images = request.images_in * tokens_per_medium;
  const std::uint64_t out = request.n * (size.width / square) * (size.height / square);
  writer.key("usage").begin_object().key("input_tokens").number(text + images).key("output_tokens").number(out);
  writer.key("total_tokens").number(text + images + out).key("input_tokens_details").begin_object();
  writer.key("text_tokens").number(text).key("image_tokens").number(images).end_object().end_object();
}

void write_look(Writer& writer, const Request& request) {
  const auto size = size_of(request.size);
  writer.key("background")
      .string(request.background == "transparent" ? "transparent" : "opaque")
      .key("output_format")
      .string("png");
  writer.key("quality")
      .string(request.quality == "auto" ? "high" : request.quality)
      .key("size")
      .string(cat(size.width, "x", size.height));
}

TaskReply answer(const Request& request, const TaskScene& scene) {
  return reply_json([&](Writer& writer) {
    writer.begin_object().key("created").number(scene.created);
    write_look(writer, request);
    writer.key("data").begin_array();
    for (std::uint64_t i = 0; i < request.n; ++i) {
      const auto image = picture_of(request, i);
      writer.begin_object();
      if (request.format == "url") {
        writer.key("url").string(cat("data:image/png;base64,", image));
      } else {
        writer.key("b64_json").string(image);
      }
      if (!request.prompt.empty()) writer.key("revised_prompt").string(request.prompt);
      writer.end_object();
    }
    writer.end_array();
    write_usage(writer, request);
    writer.end_object();
  });
}

/// Pictures that are not finished yet, and the whole one.
TaskReply answer_events(const Request& request, const TaskScene& scene, std::string_view prefix) {
  TaskReply reply;
  for (std::uint64_t i = 0; i <= request.partial_images; ++i) {
    const bool last = i == request.partial_images;
    auto& event = reply.events.emplace_back();
    event.type = cat(prefix, last ? ".completed" : ".partial_image");
    event.token = true;
    const auto painted = last ? picture_tiles : static_cast<std::uint32_t>(i + 1);
    Writer writer{event.data};
    writer.begin_object().key("type").string(event.type).key("b64_json").string(picture_of(request, 0, painted));
    writer.key("created_at").number(scene.created);
    write_look(writer, request);
    if (last) {
      write_usage(writer, request);
    } else {
      writer.key("partial_image_index").number(i);
    }
    writer.end_object();
  }
  return reply;
}

Status plan_answer(Request request, std::string_view prefix, TaskPlan& plan) {
  if (request.stream && request.n != 1) return refuse_request("Streaming is only supported with n=1.", "n", "invalid_value");
  if (request.partial_images != 0 && !request.stream) {
    return refuse_request("'partial_images' is only supported with stream=true.", "partial_images", "invalid_value");
  }
  plan.stream = request.stream;
  plan.reply = [request = std::move(request), prefix](const TaskScene& scene) -> Result<TaskReply> {
    return request.stream ? answer_events(request, scene, prefix) : answer(request, scene);
  };
  return {};
}

Status read_generation(const TaskAsk& ask, TaskPlan& plan) {
  Request request;
  Status status = read_task(ask, {openai_words, false, refuse_body}, generation_rows, plan, request);
  return status ? plan_answer(std::move(request), "image_generation", plan) : std::move(status);
}

template <bool Edit>
Status read_with_images(const TaskAsk& ask, TaskPlan& plan) {
  Request request;
  constexpr TaskReading how{openai_words, false, refuse_body};
  Status status =
      Edit ? read_form_task(ask, how, edit_rows, plan, request) : read_form_task(ask, how, variation_rows, plan, request);
  if (status) status = take_files(*ask.upload, Edit ? images_max : 1, request);
  return status ? plan_answer(std::move(request), "image_edit", plan) : std::move(status);
}

}  // namespace

const TaskForm openai_image_generations{&openai_task_form, read_generation};
const TaskForm openai_image_edits{&openai_task_form, read_with_images<true>};
const TaskForm openai_image_variations{&openai_task_form, read_with_images<false>};

}  // namespace cardea::twin

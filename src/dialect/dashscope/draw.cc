// DashScope (Alibaba Cloud Model Studio): Qwen-Image and its like are asked in a message and answer at once
// (…/model-studio/qwen-image-api, qwen-image-edit-api); Wan's models before 2.6 take the work as a task
// (…/model-studio/text-to-image-v2-api-reference, wan2-5-image-edit-api-reference). Its base URL is
// the bare host: what OpenAI's form is spoken below is no part of it.

#include <algorithm>

#include "dialect/drawing.h"
#include "dialect/tasks.h"

namespace cardea::dialect::tasks {
namespace {

using json::Type;
using model::Draw;

constexpr std::string_view later = "X-DashScope-Async: enable\r\n";
constexpr std::size_t images_max = 3;
/// All that the first Qwen-Image models draw; later ones draw any size.
constexpr Ratio qwen_sizes[] = {
    {"16:9", 1664, 928}, {"4:3", 1472, 1104}, {"1:1", 1328, 1328}, {"3:4", 1104, 1472}, {"9:16", 928, 1664}};

/// Wan's models up to 2.5, and Flux and Stable Diffusion there, are asked for a task.
bool is_task(std::string_view model) {
  return model.starts_with("wanx") || model.starts_with("wan2.1") || model.starts_with("wan2.2") || model.starts_with("wan2.5") ||
         model.starts_with("flux") || model.starts_with("stable-diffusion");
}
/// Of the first generation, which draws one picture, of few sizes: "qwen-image", "qwen-image-plus", "qwen-image-max-2025-12-30".
bool draws_one(std::string_view model) {
  return model == "qwen-image" || model.starts_with("qwen-image-plus") || model.starts_with("qwen-image-max");
}

/// "1328*1328"
void write_size(json::Writer& w, const Draw& draw, Losses& losses) {
  if (draws_one(draw.model)) {
    const auto ratio = ratio_of(draw, qwen_sizes, losses);
    const auto* shape = std::ranges::find(qwen_sizes, ratio, &Ratio::name);
    if (shape != std::end(qwen_sizes)) w.key("size").string(cat(shape->width, '*', shape->height));
    return;
  }
  if (draw.size) w.key("size").string(cat(draw.size->width, '*', draw.size->height));
  lose_ratio(draw, losses);
}
void write_parameters(json::Writer& w, const Draw& draw, Losses& losses) {
  w.key("parameters").begin_object();
  write_size(w, draw, losses);
  // A task draws four unless told otherwise.
  w.key("n").number(draws_one(draw.model) ? 1 : draw.count.value_or(1));
  write(w, "seed", draw.seed);
}

void write_message(json::Writer& w, const Draw& draw, Losses& losses) {
  w.key("input").begin_object().key("messages").begin_array().begin_object().key("role").string("user");
  w.key("content").begin_array();
  for (std::size_t i = 0; i < std::min(draw.images.size(), images_max); ++i) {
    w.begin_object().key("image").string(address_of(draw.images[i])).end_object();
  }
  w.begin_object().key("text").string(draw.prompt).end_object().end_array();
  w.end_object().end_array().end_object();
  write_parameters(w, draw, losses);
  write(w, "negative_prompt", draw.negative_prompt);
  w.end_object();
}
void write_task(json::Writer& w, const Draw& draw, Losses& losses) {
  w.key("input").begin_object().key("prompt").string(draw.prompt);
  write(w, "negative_prompt", draw.negative_prompt);
  if (!draw.images.empty()) {
    w.key("images").begin_array();
    for (std::size_t i = 0; i < std::min(draw.images.size(), images_max); ++i) w.string(address_of(draw.images[i]));
    w.end_array();
  }
  w.end_object();
  write_parameters(w, draw, losses);
  w.end_object();
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& draw = std::get<Draw>(request);
  if (draw.kind == Draw::Kind::vary) return no_variations();
  for (std::size_t i = images_max; i < draw.images.size(); ++i) {
    losses.meaning(cat("images[", i, ']'), "it takes no more pictures");
  }
  const bool task = is_task(draw.model);
  std::string out;
  json::Writer w{out};
  w.begin_object().key("model").string(draw.model);
  task ? write_task(w, draw, losses) : write_message(w, draw, losses);
  w.end_object();
  lose_wishes(draw, wish::negative_prompt | wish::seed | (draws_one(draw.model) ? 0U : wish::count), losses);
  TaskMessage message{std::move(out)};
  if (!task) return message;
  message.header_lines = later;
  message.target = draw.images.empty() ? "/api/v1/services/aigc/text2image/image-synthesis"
                                       : "/api/v1/services/aigc/image2image/image-synthesis";
  return message;
}

// ---- answers ---------------------------------------------------------------------------------------------------------------

bool is_id(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' || c == '_';
  };
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, fits);
}

std::string text_of(const Raw& object, std::string_view key) {
  const auto value = object.find(key);
  return value ? value->string() : std::string{};
}
/// What was not drawn says why by a code, and in words.
std::unexpected<Error> failed(const Raw& object) {
  const auto code = text_of(object, "code");
  const auto words = text_of(object, "message");
  if (code.starts_with("DataInspection")) return held_back(words);
  return drew_nothing(words.empty() ? code : words);
}

Result<std::optional<TaskStep>> next(const Raw& answer) {
  const auto output = answer.find("output");
  const auto status = output ? text_of(*output, "task_status") : std::string{};
  if (status.empty() || status == "SUCCEEDED") return std::optional<TaskStep>{};
  if (status != "PENDING" && status != "RUNNING" && status != "SUSPENDED") return failed(*output);
  const auto id = text_of(*output, "task_id");
  if (!is_id(id)) return bad_field("output.task_id", "is no id");
  constexpr std::chrono::milliseconds wait{1000};
  return TaskStep{cat("/api/v1/tasks/", id), wait};
}

/// The picture whose address is under `key`.
Status take_address(const Raw& holder, std::string_view key, const std::string& path, model::Drawn& out) {
  auto address = required_text(holder, key, path);
  if (!address) return fail_with(address);
  auto picture = answered_address(std::move(*address), cat(path, '.', key));
  if (!picture) return fail_with(picture);
  model::DrawnPicture drawn;
  drawn.picture = std::move(*picture);
  const auto actual = text_of(holder, "actual_prompt");
  if (!actual.empty()) drawn.revised_prompt = actual;
  out.pictures.push_back(std::move(drawn));
  return {};
}

Status read_choices(const Raw& choices, model::Drawn& out) {
  if (!choices.is(Type::array)) return wrong_type("output.choices", "an array", choices.type());
  Status status;
  choices.each_element([&](const Raw& choice) {
    const auto message = choice.find("message");
    const auto content = message ? message->find("content") : std::nullopt;
    if (!content || !content->is(Type::array)) status = bad_field("output.choices.message.content", "must be an array");
    if (!status) return false;
    content->each_element([&](const Raw& part) {
      if (part.find("image")) status = take_address(part, "image", "output.choices.message.content", out);
      return status.has_value();
    });
    return status.has_value();
  });
  return status;
}
/// `last`: the element that holds no picture, and says why.
Status read_results(const Raw& results, model::Drawn& out, std::optional<Raw>& last) {
  if (!results.is(Type::array)) return wrong_type("output.results", "an array", results.type());
  Status status;
  results.each_element([&](const Raw& result) {
    if (result.find("code")) {
      last = result;
    } else {
      status = take_address(result, "url", "output.results", out);
    }
    return status.has_value();
  });
  return status;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  const auto output = required(root, "output", "", Type::object);
  if (!output) return fail(output.error().clone());
  model::Drawn out;
  out.dialect = "dashscope";
  Status status = read_member(root, "request_id", "", out.id);
  std::optional<Raw> last;
  if (const auto choices = output->find("choices"); status && choices) status = read_choices(*choices, out);
  if (const auto results = output->find("results"); status && results) status = read_results(*results, out, last);
  if (!status) return fail_with(status);
  if (out.pictures.empty()) return last ? failed(*last) : failed(*output);
  return out;
}

}  // namespace

const TaskFormat dashscope_draw{.task = Task::draw,
                                .name = "dashscope",
                                .dialects = {},
                                .target = "/api/v1/services/aigc/multimodal-generation/generation",
                                .base = TaskFormat::Base::root,
                                .subject = "input",
                                .answers = "output",
                                .encode_request = encode_request,
                                .read_answer = read_answer,
                                .next = next,
                                .takes_addresses = true};

}  // namespace cardea::dialect::tasks

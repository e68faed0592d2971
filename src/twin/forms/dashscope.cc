// Pictures of DashScope (Alibaba Cloud Model Studio: "Qwen-Image API reference", "Wan text-to-image"): as a message, answered at
// once; or as a task, queued with `X-DashScope-Async: enable` and asked for at /tasks/{id}, which the first time finds it
// running. An address is a `data:` URL, as in images.cc.

#include <algorithm>

#include "base/base64.h"
#include "twin/answer.h"
#include "twin/media.h"
#include "twin/picture.h"
#include "twin/shelf.h"
#include "twin/task.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

using json::Writer;

std::string_view code_of(unsigned status) {
  switch (status) {
    case 401: return "InvalidApiKey";
    case 404: return "ModelNotFound";
    case 429: return "Throttling.RateQuota";
    default: return status < 500 ? "InvalidParameter" : "InternalError";
  }
}
std::string dashscope_failure(const Failure& failure) {
  std::string out;
  Writer writer{out};
  writer.begin_object().key("code").string(code_of(failure.status)).key("message").string(failure.message);
  writer.key("request_id").string(hex_id("", fingerprint(failure.message))).end_object();
  return out;
}
constexpr Form dashscope_form{
    .name = "dashscope",
    .ids = {"", ""},
    .read = nullptr,
    .document = nullptr,
    .events = nullptr,
    .count = nullptr,
    .failure = dashscope_failure,
    .failure_event = [](const Failure& failure, std::uint64_t, Event& out) { out.data = dashscope_failure(failure); },
    .framing = Framing::sse,
    .done = {},
    .id_line = {}};

Status refuse(std::string_view path, std::string_view message) {
  return fail(Kind::bad_request, path.empty() ? std::string{message} : cat(path, ": ", message));
}
constexpr Words words{
    .member = [](std::string_view parent,
                 std::string_view name) { return parent.empty() ? std::string{name} : cat(parent, ".", name); },
    .element = [](std::string_view parent, std::size_t index) { return cat(parent, ".", index); },
    .refuse = refuse,
    .missing = [](std::string_view path) { return refuse(path, "Field required"); },
    .wrong_type = [](std::string_view path, unsigned, const json::Value&) { return refuse(path, "Input has a wrong type"); },
    .wrong_value = [](std::string_view path, std::string_view,
                      std::string_view supported) { return refuse(path, cat("Input should be ", supported)); },
    .out_of_range =
        [](std::string_view path, const OutOfRange& range) {
          return refuse(path, cat("Input should be ", range.below ? "at least " : "at most ", range.bound));
        },
    .unknown = [](std::string_view parent, std::string_view name) { return refuse(cat(parent, ".", name), "Extra inputs"); }};
constexpr TaskReading reading{words, false, [](std::string_view why) { return refuse("", why); }};

struct Request {
  std::string prompt;
  std::uint64_t images = 0;  ///< what came in
  std::uint64_t count = 1;
  std::uint64_t seed = 0;
  std::uint32_t width = 1024;
  std::uint32_t height = 1024;
};

Status take_image(const At& at, Request& request) {
  Medium medium;
  if (!take_url(at.text(), medium)) return at.refuse("the image is not valid");
  request.images = fingerprint(medium.sha256.empty() ? at.text() : medium.sha256, request.images + 1);
  return {};
}
/// "1328*1328"
Status take_size(const At& at, Request& request) {
  const std::string_view text = at.text();
  const auto star = text.find('*');
  const auto width = parse_number<std::uint32_t>(text.substr(0, star));
  const auto height = star == std::string_view::npos ? std::nullopt : parse_number<std::uint32_t>(text.substr(star + 1));
  constexpr std::uint32_t side_min = 256;
  constexpr std::uint32_t side_max = 2048;
  const bool fits = width && height && std::min(*width, *height) >= side_min && std::max(*width, *height) <= side_max;
  if (!fits) return at.refuse("must be WIDTH*HEIGHT, each from 256 to 2048");
  request.width = *width;
  request.height = *height;
  return {};
}
constexpr Row<Request> parameter_rows[] = {{"size", is_text, take_size},
                                           {"n", is_whole, take_whole<&Request::count, 1, 6>},
                                           {"seed", is_whole, take_whole<&Request::seed, 0, 2'147'483'647>},
                                           {"negative_prompt", is_text},
                                           {"prompt_extend", is_bool},
                                           {"watermark", is_bool}};
Status take_parameters(const At& at, Request& request) { return read_members(at, parameter_rows, request); }

constexpr Row<Request> content_rows[] = {{"text", is_text, take_text<&Request::prompt>}, {"image", is_text, take_image}};
Status take_content(const At& at, Request& request) {
  return at.each(is_object, [&](const At& one) { return read_members(one, content_rows, request); });
}
constexpr Row<Request> message_rows[] = {{"role", is_text, nullptr, true}, {"content", is_list, take_content, true}};
Status take_messages(const At& at, Request& request) {
  if (at.value().elements().size() != 1) return at.refuse("exactly one message is wanted");
  return at.each(is_object, [&](const At& one) { return read_members(one, message_rows, request); });
}
Status take_images(const At& at, Request& request) {
  return at.each(is_text, [&](const At& one) { return take_image(one, request); });
}
constexpr Row<Request> message_input_rows[] = {{"messages", is_list, take_messages, true}};
constexpr Row<Request> task_input_rows[] = {{"prompt", is_text, take_text<&Request::prompt>, true},
                                            {"negative_prompt", is_text},
                                            {"function", is_text},
                                            {"base_image_url", is_text, take_image},
                                            {"mask_image_url", is_text, take_image},
                                            {"images", is_list, take_images}};
template <const auto& Rows>
Status take_input(const At& at, Request& request) {
  return read_members(at, Rows, request);
}
template <const auto& Rows>
constexpr Row<Request> request_rows[] = {
    {"model", is_text, nullptr, true}, {"input", is_object, take_input<Rows>, true}, {"parameters", is_object, take_parameters}};

std::string address(const Request& request, std::uint64_t index) {
  const auto colours = fingerprint(request.prompt, request.images + request.seed + index);
  return cat("data:image/png;base64,", to_base64(picture(colours, request.width, request.height)));
}

void write_usage(Writer& writer, const Request& request) {
  writer.key("usage").begin_object().key("image_count").number(request.count).key("width").number(std::uint64_t{request.width});
  writer.key("height").number(std::uint64_t{request.height}).end_object();
  writer.key("request_id").string(hex_id("", fingerprint(request.prompt)));
}
void write_choices(Writer& writer, const Request& request) {
  writer.key("choices").begin_array();
  for (std::uint64_t i = 0; i < request.count; ++i) {
    writer.begin_object().key("finish_reason").string("stop").key("message").begin_object().key("role").string("assistant");
    writer.key("content").begin_array().begin_object().key("image").string(address(request, i)).end_object().end_array();
    writer.end_object().end_object();
  }
  writer.end_array();
}

/// Two ways to say the same pictures.
using WritePictures = void (*)(Writer& writer, const Request& request);
void write_results(Writer& writer, const Request& request) {
  writer.key("results").begin_array();
  for (std::uint64_t i = 0; i < request.count; ++i) {
    writer.begin_object().key("orig_prompt").string(request.prompt).key("url").string(address(request, i)).end_object();
  }
  writer.end_array().key("task_metrics").begin_object().key("TOTAL").number(request.count);
  writer.key("SUCCEEDED").number(request.count).key("FAILED").number(std::uint64_t{0}).end_object();
}

/// Members of the final answer behind its id and status; what fails ends otherwise.
TaskReply queue(const Request& request, const TaskScene& scene, WritePictures write) {
  StoredJob job;
  Writer result{job.result};
  result.begin_object();
  if (scene.model == "error") {
    result.key("code").string("InternalError.Algo").key("message").string("the model is broken");
  } else {
    write(result, request);
  }
  write_usage(result, request);
  result.end_object();
  job = scene.shelf.add(std::move(job));
  return reply_json([&](Writer& writer) {
    writer.begin_object().key("output").begin_object().key("task_status").string("PENDING").key("task_id").string(job.id);
    writer.end_object().key("request_id").string(job.id).end_object();
  });
}

template <const auto& Rows>
Status read_request(const TaskAsk& ask, TaskPlan& plan, Request& request) {
  Status status = read_task(ask, reading, request_rows<Rows>, plan, request);
  if (status && request.prompt.empty()) return refuse("input", "the prompt is empty");
  return status;
}

Status read_messages(const TaskAsk& ask, TaskPlan& plan) {
  Request request;
  Status status = read_request<message_input_rows>(ask, plan, request);
  if (!status) return status;
  plan.reply = [request = std::move(request), later = ask.later](const TaskScene& scene) -> Result<TaskReply> {
    if (later) return queue(request, scene, write_choices);
    return reply_json([&](Writer& writer) {
      writer.begin_object().key("output").begin_object();
      write_choices(writer, request);
      writer.end_object();
      write_usage(writer, request);
      writer.end_object();
    });
  };
  return {};
}

template <bool FromImage>
Status read_task_request(const TaskAsk& ask, TaskPlan& plan) {
  Request request;
  Status status = read_request<task_input_rows>(ask, plan, request);
  if (!status) return status;
  if (!ask.later) return fail(Kind::forbidden, "current user api does not support synchronous calls.");
  if (FromImage && request.images == 0) return refuse("input", "an image is required");
  plan.reply = [request = std::move(request)](const TaskScene& scene) -> Result<TaskReply> {
    return queue(request, scene, write_results);
  };
  return {};
}

Status read_status(const TaskAsk& ask, TaskPlan& plan) {
  plan.reply = [id = std::string{ask.name}](const TaskScene& scene) -> Result<TaskReply> {
    const auto job = scene.shelf.job(id);
    const auto result = job ? json::parse(job->result) : Result<json::Value>{json::Value::object()};
    const bool failed = job && result->find("code") != nullptr;
    const std::string_view status = !job ? "UNKNOWN" : !job->seen ? "RUNNING" : failed ? "FAILED" : "SUCCEEDED";
    return reply_json([&](Writer& writer) {
      writer.begin_object().key("output").begin_object().key("task_id").string(id).key("task_status").string(status);
      const auto pass = [&](std::string_view name) {
        const auto* value = job && job->seen ? result->find(name) : nullptr;
        if (value != nullptr) writer.key(name).raw(value->dump());
      };
      for (const std::string_view name : {"code", "message", "results", "task_metrics", "choices"}) pass(name);
      writer.end_object();
      pass("usage");
      writer.key("request_id").string(id).end_object();
    });
  };
  return {};
}

}  // namespace

const TaskForm dashscope_messages{&dashscope_form, read_messages};
const TaskForm dashscope_text2image{&dashscope_form, read_task_request<false>};
const TaskForm dashscope_image2image{&dashscope_form, read_task_request<true>};
const TaskForm dashscope_task{&dashscope_form, read_status};

}  // namespace cardea::twin

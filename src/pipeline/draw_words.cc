// Picture requests read, and answers said as events: the values beside draw.cc's way.

#include <algorithm>

#include "base/text.h"
#include "dialect/draw.h"
#include "json/writer.h"
#include "pipeline/draw.h"
#include "pipeline/forms.h"

namespace cardea::pipeline {
namespace {

using dialect::Task;
using Work = model::Draw::Kind;

const dialect::TaskFormat& openai() {
  static const dialect::TaskFormat& form = *dialect::find_task_format(Task::draw, "openai");
  return form;
}

/// By the path: a form that varies a picture looks like one that edits it.
Work kind_of(const Route& route) {
  if (route.path == "/images/variations") return Work::vary;
  return route.path == "/images/edits" ? Work::edit : Work::generate;
}

/// What concerns the answer's delivery, which is this gateway's, is taken out of what the upstream is told.
bool takes_out(model::Extras& extras, std::string_view name) {
  const auto named = [&](const model::Extra& extra) { return extra.key == name; };
  const auto found = std::ranges::find_if(extras, named);
  const bool on = found != extras.end() && found->value.text != "false" && found->value.text != "\"false\"";
  std::erase_if(extras, named);
  return on;
}

Result<Drawing> checked(const Route& route, const catalog::Target& target, const dialect::TaskFormat& upstream,
                        model::Draw request) {
  // Pictures may also be given where none are asked for: then they are edited.
  if (request.images.empty() || kind_of(route) != Work::generate) request.kind = kind_of(route);
  Status complete = dialect::check_draw(request);
  if (!complete) return fail_with(complete);
  const bool stream = takes_out(request.extras, "stream");
  if (target.info != nullptr) request.workflow = target.info->workflow;
  return Drawing{.target = target, .upstream = upstream, .request = std::move(request), .stream = stream};
}

}  // namespace

std::string_view named_form(const catalog::Target& target, Task task) {
  const auto in = [&](const config::Map<std::string>& tasks) -> std::string_view {
    for (const auto& [name, form] : tasks) {
      if (name == dialect::to_text(task)) return form;
    }
    return {};
  };
  const std::string_view own = target.info != nullptr ? in(target.info->tasks) : std::string_view{};
  return own.empty() ? in(target.provider->tasks) : own;
}

const dialect::TaskFormat* drawing_form(const Route& route, const catalog::Target& target, const wire::RequestHead& head) {
  if (!route.path.starts_with("/images/")) return nullptr;
  const dialect::Dialect* const spoken = dialect::find(target.provider->dialect);
  if (spoken == nullptr) return nullptr;
  const dialect::TaskFormat* const form = dialect::upstream_task_format(openai(), *spoken, named_form(target, Task::draw));
  if (form == nullptr || (form == &openai() && !wants_picture(head))) return nullptr;
  return &dialect::told_by_model(*form, target.model);
}

Result<Drawing> drawing_of(const Route& route, const catalog::Target& target, const dialect::TaskFormat& upstream,
                           std::string_view json) {
  Result<dialect::TaskRequest> request = openai().decode_request(json, {});
  if (!request) return fail_with(request);
  return checked(route, target, upstream, std::get<model::Draw>(std::move(*request)));
}

Result<Drawing> drawing_of(const Route& route, const catalog::Target& target, const dialect::TaskFormat& upstream,
                           const Upload& upload, std::size_t bytes_max) {
  if (upload.size() > bytes_max) {
    return fail(Kind::too_large,
                cat("this model's provider is sent pictures inside of its request, which is held in memory; more than ",
                    bytes_max, " bytes (limits.body_bytes) are not"));
  }
  model::Draw draw;
  draw.dialect = openai().name;
  for (const UploadPart& part : upload.parts()) {
    const Result<std::string> data = upload.data(part);
    if (!data) return fail(data.error().clone());
    if (!part.is_file) {
      Status set = dialect::set_field(draw, part.name, *data);
      if (!set) return fail_with(set);
      continue;
    }
    const bool mask = part.name == "mask";
    if (!mask && part.name != "image" && part.name != "image[]") {
      return fail(Kind::bad_request, cat("'", part.name, "' is no picture that this operation takes (image, mask)"), part.name);
    }
    Result<model::Picture> picture = dialect::picture_of_bytes(*data, part.name);
    if (!picture) return fail_with(picture);
    if (mask) {
      draw.mask = std::move(*picture);
    } else {
      draw.images.push_back(std::move(*picture));
    }
  }
  return checked(route, target, upstream, std::move(draw));
}

std::string drawn_events(const model::Draw& request, const model::Drawn& drawn, std::uint64_t now) {
  const std::string_view type = request.kind == Work::generate ? "image_generation.completed" : "image_edit.completed";
  std::string out;
  for (const auto& one : drawn.pictures) {
    out += cat("event: ", type, "\ndata: ");
    json::Writer w{out};
    w.begin_object().key("type").string(type).key("b64_json").string(one.picture.base64);
    w.key("created_at").number(drawn.created.value_or(now));
    const auto word = [&](std::string_view name, const std::optional<std::string>& said) {
      if (said) w.key(name).string(*said);
    };
    word("background", drawn.background);
    word("output_format", drawn.file_type);
    word("quality", drawn.quality);
    if (drawn.size) w.key("size").string(cat(drawn.size->width, "x", drawn.size->height));
    if (drawn.usage) {
      w.key("usage").begin_object().key("input_tokens").number(drawn.usage->input_total());
      w.key("output_tokens").number(drawn.usage->output.value_or(0));
      w.key("total_tokens").number(drawn.usage->total()).end_object();
    }
    w.end_object();
    out += "\n\n";
  }
  return out;
}

}  // namespace cardea::pipeline

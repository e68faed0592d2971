// POST /v1/images/generations and, as JSON, /v1/images/edits (platform.openai.com/docs/api-reference/images). `negative_prompt`,
// `seed`, `steps`, `guidance_scale`, `strength` and `aspect_ratio` are not OpenAI's own, but those of vendors and servers that
// took over its form (Together, vLLM, LocalAI).

#include <algorithm>
#include <array>
#include <variant>

#include "dialect/drawing.h"
#include "dialect/tasks.h"

namespace cardea::dialect {
namespace {

using json::Type;
using model::Draw;

constexpr std::size_t images_max = 16;
constexpr std::uint64_t count_max = 10;
constexpr std::uint32_t side_max = 16'384;

using Slot =
    std::variant<std::optional<std::string> Draw::*, std::optional<std::uint64_t> Draw::*, std::optional<model::Number> Draw::*>;
struct Row {
  std::string_view name;
  Slot slot;
};
/// All fields that are one value; forms and JSON bodies are read by it, and written.
constexpr Row rows[] = {{"n", &Draw::count},
                        {"quality", &Draw::quality},
                        {"style", &Draw::style},
                        {"background", &Draw::background},
                        {"moderation", &Draw::moderation},
                        {"input_fidelity", &Draw::fidelity},
                        {"output_format", &Draw::file_type},
                        {"output_compression", &Draw::compression},
                        {"response_format", &Draw::answer_as},
                        {"user", &Draw::user},
                        {"negative_prompt", &Draw::negative_prompt},
                        {"aspect_ratio", &Draw::aspect_ratio},
                        {"seed", &Draw::seed},
                        {"steps", &Draw::steps},
                        {"guidance_scale", &Draw::guidance},
                        {"strength", &Draw::strength}};
/// What is not in the table, and no extra.
constexpr std::string_view others[] = {"model", "prompt", "size", "images", "image", "mask"};

Status from_text(std::string_view, std::string_view text, std::optional<std::string>& out) {
  out = std::string{text};
  return {};
}
Status from_text(std::string_view name, std::string_view text, std::optional<std::uint64_t>& out) {
  out = parse_number<std::uint64_t>(text);
  return out ? Status{} : bad_field(name, "must be an integer of 0 or more");
}
Status from_text(std::string_view name, std::string_view text, std::optional<model::Number>& out) {
  const auto type = json::validate(text);
  if (!type || *type != Type::number) return bad_field(name, "must be a number");
  out = model::Number{std::string{trim(text)}};
  return {};
}

/// "1024x1536"; "auto" is none, and some say a ratio here.
Status read_size(std::string_view text, Draw& draw) {
  if (text == "auto") return {};
  if (text.find(':') != std::string_view::npos) {
    draw.aspect_ratio = std::string{text};
    return {};
  }
  const auto by = std::min(text.find('x'), text.size());
  const auto width = parse_number<std::uint32_t>(text.substr(0, by));
  const auto height = parse_number<std::uint32_t>(text.substr(std::min(by + 1, text.size())));
  const auto fits = [](const auto& side) { return side && *side >= 1 && *side <= side_max; };
  if (!fits(width) || !fits(height)) return bad_field("size", "must be WIDTHxHEIGHT, such as 1024x1024, or auto");
  draw.size = model::PictureSize{*width, *height};
  return {};
}

// ---- JSON requests ---------------------------------------------------------------------------------------------------------

/// {"image_url": "…"}, as OpenAI has it; {"image_url": {"url": "…"}} and {"url": "…"}, as others do; or the address alone.
Result<model::Picture> read_picture(const Raw& value, std::string_view path) {
  if (value.is(Type::string)) return picture_of_address(value.string(), path);
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  if (value.find("file_id")) {
    return bad_field(field_path(path, "file_id"), "names a file that this model's provider does not have; send image_url");
  }
  for (const std::string_view key : {"image_url", "url"}) {
    const auto inner = value.find(key);
    if (!inner) continue;
    const auto address = inner->is(Type::object) ? inner->find("url") : inner;
    const auto where = field_path(path, key);
    if (!address || !address->is(Type::string)) return bad_field(where, "must be a string");
    return picture_of_address(address->string(), where);
  }
  return bad_field(field_path(path, "image_url"), "is missing");
}

Status read_pictures(const Raw& root, std::string_view key, Draw& draw) {
  const auto list = root.find(key);
  if (!list) return {};
  Status status;
  const auto take = [&](const Raw& value, const std::string& path) {
    auto picture = read_picture(value, path);
    if (!picture) status = fail_with(picture);
    if (picture) draw.images.push_back(std::move(*picture));
    return status.has_value() && draw.images.size() <= images_max;
  };
  if (!list->is(Type::array)) {
    take(*list, std::string{key});
    return status;
  }
  list->each_element([&](const Raw& value) { return take(value, cat(key, '[', draw.images.size(), ']')); });
  return status;
}

Result<TaskRequest> read_request(const Raw& root) {
  Draw out;
  out.dialect = "openai";
  std::optional<std::string> prompt;
  std::optional<std::string> size;
  Status status = read_member(root, "prompt", "", prompt);
  if (status && !prompt) status = bad_field("prompt", "is missing");
  if (status) status = read_member(root, "size", "", size);
  if (status && size) status = read_size(*size, out);
  for (const auto& row : rows) {
    if (status) std::visit([&](auto slot) { status = read_member(root, row.name, "", out.*slot); }, row.slot);
  }
  if (status) status = read_pictures(root, "images", out);
  if (status) status = read_pictures(root, "image", out);
  if (const auto mask = root.find("mask"); status && mask) {
    auto picture = read_picture(*mask, "mask");
    if (!picture) status = fail_with(picture);
    if (picture) out.mask = std::move(*picture);
  }
  if (!status) return fail_with(status);
  out.prompt = std::move(*prompt);
  out.kind = out.images.empty() ? Draw::Kind::generate : Draw::Kind::edit;
  std::array<std::string_view, std::size(rows) + std::size(others)> known;
  std::ranges::copy(others, std::ranges::transform(rows, known.begin(), &Row::name).out);
  collect_extras(root, known, out.extras);
  std::erase_if(out.extras, [](const model::Extra& extra) { return extra.key == "stream" && extra.value.text == "false"; });
  if (auto checked = check_draw(out); !checked) return fail_with(checked);
  return out;
}

void write_picture(json::Writer& w, const model::Picture& picture) {
  w.begin_object().key("image_url").string(address_of(picture)).end_object();
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& draw = std::get<Draw>(request);
  // OpenAI's are forms alone.
  if (draw.kind == Draw::Kind::vary) return no_variations();
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("model").string(draw.model);
  w.key("prompt").string(draw.prompt);
  if (draw.size) w.key("size").string(cat(draw.size->width, 'x', draw.size->height));
  for (const auto& row : rows) std::visit([&](auto slot) { write(w, row.name, draw.*slot); }, row.slot);
  if (!draw.images.empty()) {
    w.key("images").begin_array();
    for (const auto& picture : draw.images) write_picture(w, picture);
    w.end_array();
  }
  if (draw.mask) {
    w.key("mask");
    write_picture(w, *draw.mask);
  }
  write_or_lose(w, draw.extras, whose(draw.dialect, "openai"), losses);
  w.end_object();
  TaskMessage message{std::move(out)};
  if (draw.kind == Draw::Kind::edit) message.target = "/images/edits";
  return message;
}

// ---- answers ---------------------------------------------------------------------------------------------------------------

Result<model::DrawnPicture> read_drawn(const Raw& item, const std::string& path) {
  std::optional<std::string> base64;
  std::optional<std::string> address;
  model::DrawnPicture out;
  Status status = read_member(item, "b64_json", path, base64);
  if (status) status = read_member(item, "url", path, address);
  if (status) status = read_member(item, "revised_prompt", path, out.revised_prompt);
  if (status) status = read_member(item, "seed", path, out.seed);
  if (status && !base64 && !address) status = bad_field(cat(path, ".b64_json"), "is missing");
  if (!status) return fail_with(status);
  auto picture = base64 ? answered_base64(std::move(*base64), path) : answered_address(std::move(*address), path);
  if (!picture) return fail_with(picture);
  out.picture = std::move(*picture);
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  const auto data = required(root, "data", "", Type::array);
  if (!data) return fail(data.error().clone());
  model::Drawn out;
  out.dialect = "openai";
  Status status = read_member(root, "created", "", out.created);
  if (status) status = read_member(root, "background", "", out.background);
  if (status) status = read_member(root, "output_format", "", out.file_type);
  if (status) status = read_member(root, "quality", "", out.quality);
  std::optional<std::string> size;
  if (status) status = read_member(root, "size", "", size);
  Draw sized;
  if (size && read_size(*size, sized)) out.size = sized.size;
  data->each_element([&](const Raw& item) {
    if (!status) return false;
    auto drawn = read_drawn(item, cat("data[", out.pictures.size(), ']'));
    if (!drawn) status = fail_with(drawn);
    if (drawn) out.pictures.push_back(std::move(*drawn));
    return status.has_value();
  });
  if (!status) return fail_with(status);
  if (out.pictures.empty()) return drew_nothing();
  out.usage = tasks::read_picture_usage(root);
  constexpr std::string_view known[] = {"created", "background", "output_format", "quality", "size", "data", "usage"};
  collect_extras(root, known, out.extras);
  return out;
}

std::string encode_answer(const TaskAnswer& answer, const TaskContext& context, Losses& losses) {
  const auto& drawn = std::get<model::Drawn>(answer);
  const auto* draw = std::get_if<Draw>(&context.request);
  const bool addresses = draw != nullptr && draw->answer_as.value_or("") == "url";
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("created").number(drawn.created.value_or(context.now));
  w.key("data").begin_array();
  for (const auto& one : drawn.pictures) {
    w.begin_object();
    // Nobody keeps pictures here, so an address is the picture itself.
    if (one.picture.base64.empty() || addresses) {
      w.key("url").string(address_of(one.picture));
    } else {
      w.key("b64_json").string(one.picture.base64);
    }
    write(w, "revised_prompt", one.revised_prompt);
    write(w, "seed", one.seed);
    w.end_object();
  }
  w.end_array();
  write(w, "background", drawn.background);
  write(w, "output_format", drawn.file_type);
  if (drawn.size) w.key("size").string(cat(drawn.size->width, 'x', drawn.size->height));
  write(w, "quality", drawn.quality);
  if (drawn.usage) {
    w.key("usage").begin_object().key("input_tokens").number(drawn.usage->input_total());
    w.key("output_tokens").number(drawn.usage->output.value_or(0));
    w.key("total_tokens").number(drawn.usage->total()).end_object();
  }
  write_or_lose(w, drawn.extras, whose(drawn.dialect, "openai"), losses);
  w.end_object();
  return out;
}

constexpr std::pair<std::string_view, std::string_view> words[] = {{"count", "n"},
                                                                   {"fidelity", "input_fidelity"},
                                                                   {"file_type", "output_format"},
                                                                   {"compression", "output_compression"},
                                                                   {"answer_as", "response_format"},
                                                                   {"guidance", "guidance_scale"}};

}  // namespace

Status set_field(Draw& draw, std::string_view name, std::string_view text) {
  if (text.empty()) return {};
  if (name == "model") draw.model = text;
  if (name == "prompt") draw.prompt = text;
  if (name == "size") return read_size(text, draw);
  if (std::ranges::find(others, name) != std::end(others)) return {};
  const auto* row = std::ranges::find(rows, name, &Row::name);
  if (row != std::end(rows)) return std::visit([&](auto slot) { return from_text(name, text, draw.*slot); }, row->slot);
  // A form has only texts: JSON's own words are what they look like.
  const bool word = text == "true" || text == "false";
  if (name == "stream" && text == "false") return {};
  draw.extras.push_back({std::string{name}, {word ? std::string{text} : json::quote(text)}});
  return {};
}

Status check_draw(const Draw& draw) {
  const bool prompted = draw.kind != Draw::Kind::vary;
  if (prompted && draw.prompt.empty()) return bad_field("prompt", "is empty; say what to draw");
  if (draw.kind != Draw::Kind::generate && draw.images.empty()) return bad_field("image", "is missing");
  const std::size_t most = prompted ? images_max : 1;
  if (draw.images.size() > most) return bad_field("image", cat("holds more than ", most, most == 1 ? " picture" : " pictures"));
  if (draw.mask && draw.images.empty()) return bad_field("mask", "belongs to a picture; give one to change");
  if (draw.count && (*draw.count < 1 || *draw.count > count_max)) return bad_field("n", cat("must be from 1 to ", count_max));
  return {};
}

namespace tasks {

std::optional<model::Usage> read_picture_usage(const Raw& answer) {
  const auto usage = answer.find("usage");
  if (!usage) return std::nullopt;
  model::Usage out;
  if (!read_member(*usage, "input_tokens", "usage", out.input)) out.input.reset();
  if (!read_member(*usage, "output_tokens", "usage", out.output)) out.output.reset();
  return out.input || out.output ? std::optional{out} : std::nullopt;
}

const TaskFormat openai_draw{.task = Task::draw,
                             .name = "openai",
                             .dialects = openai_like,
                             .target = "/images/generations",
                             .subject = "prompt",
                             .answers = "data",
                             .words = words,
                             .read_request = read_request,
                             .encode_request = encode_request,
                             .read_answer = read_answer,
                             .encode_answer = encode_answer};

}  // namespace tasks
}  // namespace cardea::dialect

// Pictures: what an OpenAI client asks for, against every vendor's form, by the rule of the other matrices: what does not arrive
// is named as lost, and what is named does not arrive. What arrives is read by tables of places that the codecs do not know.

#include "dialect/pairs/draws.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "base/base64.h"
#include "base/text.h"
#include "dialect/pairs/report.h"
#include "dialect/task.h"
#include "json/value.h"
#include "wire/multipart.h"

namespace cardea::dialect::pairs {
namespace {

using model::Draw;
using Said = std::map<std::string, std::string>;  ///< field → what it says

// ---- cases -----------------------------------------------------------------------------------------------------------------

struct Case {
  std::string_view name;
  Draw asked;
};

Draw of(std::string prompt) {
  Draw out;
  out.dialect = "openai";
  out.model = "asked";
  out.prompt = std::move(prompt);
  return out;
}
/// The base64 of so many bytes that begin as a PNG does.
model::Picture picture(std::string_view bytes) {
  return {.base64 = to_base64(cat("\x89PNG\r\n\x1a\n", bytes)), .url = {}, .media_type = "image/png"};
}

std::vector<Case> cases() {
  std::vector<Case> out;
  const auto add = [&](std::string_view name, auto change) {
    auto& one = out.emplace_back(Case{name, of("a cat")});
    change(one.asked);
  };
  const auto edit = [&](std::string_view name, auto change) {
    add(name, [&](Draw& d) {
      d.kind = Draw::Kind::edit;
      d.images.push_back(picture("one"));
      change(d);
    });
  };
  add("words", [](Draw&) {});
  add("signs", [](Draw& d) { d.prompt = "\"é\\\n😀 {{seed}}"; });
  add("as usual", [](Draw& d) {
    d.count = 1;
    d.quality = d.background = d.moderation = "auto";
    d.file_type = "png";
  });
  add("square", [](Draw& d) { d.size = {1024, 1024}; });
  add("wide", [](Draw& d) { d.size = {1536, 1024}; });
  add("ratio", [](Draw& d) { d.aspect_ratio = "16:9"; });
  add("two", [](Draw& d) { d.count = 2; });
  add("negative prompt", [](Draw& d) { d.negative_prompt = "dogs"; });
  add("seed", [](Draw& d) { d.seed = 7; });
  add("steps", [](Draw& d) { d.steps = 8; });
  add("guidance", [](Draw& d) { d.guidance = model::Number{"4.50"}; });
  add("quality", [](Draw& d) { d.quality = "high"; });
  add("style", [](Draw& d) { d.style = "vivid"; });
  add("transparent", [](Draw& d) { d.background = "transparent"; });
  add("jpeg", [](Draw& d) {
    d.file_type = "jpeg";
    d.compression = 80;
  });
  add("webp", [](Draw& d) { d.file_type = "webp"; });
  add("moderation, user", [](Draw& d) {
    d.moderation = "low";
    d.user = "u1";
  });
  add("vendor's own", [](Draw& d) { d.extras.push_back({"vendors_own", {R"({"x":[1,2.50]})"}}); });
  edit("edit", [](Draw&) {});
  edit("edit, strength", [](Draw& d) { d.strength = model::Number{"0.30"}; });
  edit("edit, fidelity", [](Draw& d) { d.fidelity = "high"; });
  edit("edit, mask", [](Draw& d) { d.mask = picture("mask"); });
  edit("edit, two pictures", [](Draw& d) { d.images.push_back(picture("two")); });
  add("variation", [](Draw& d) {
    d.kind = Draw::Kind::vary;
    d.prompt.clear();
    d.images.push_back(picture("one"));
  });
  return out;
}

/// What was asked for, but for what any model does anyway.
Said said_of(const Draw& draw) {
  Said out;
  const auto text = [&](std::string_view name, const std::optional<std::string>& value, std::string_view usual) {
    if (value && *value != usual && *value != "auto") out.emplace(name, *value);
  };
  const auto whole = [&](std::string_view name, const std::optional<std::uint64_t>& value) {
    if (value) out.emplace(name, cat(*value));
  };
  const auto number = [&](std::string_view name, const std::optional<model::Number>& value) {
    if (value) out.emplace(name, value->text);
  };
  text("prompt", draw.prompt, "");
  text("negative_prompt", draw.negative_prompt, "");
  text("aspect_ratio", draw.aspect_ratio, "");
  text("quality", draw.quality, "");
  text("style", draw.style, "");
  text("background", draw.background, "opaque");
  text("moderation", draw.moderation, "");
  text("fidelity", draw.fidelity, "");
  text("file_type", draw.file_type, "png");
  text("user", draw.user, "");
  if (draw.size) out.emplace("size", cat(draw.size->width, 'x', draw.size->height));
  if (draw.count.value_or(1) > 1) whole("count", draw.count);
  whole("compression", draw.compression);
  whole("seed", draw.seed);
  whole("steps", draw.steps);
  number("guidance", draw.guidance);
  number("strength", draw.strength);
  for (std::size_t i = 0; i < draw.images.size(); ++i) out.emplace(cat("images[", i, ']'), draw.images[i].base64);
  if (draw.mask) out.emplace("mask", draw.mask->base64);
  for (const auto& extra : draw.extras) out.emplace(extra.key, extra.value.text);
  return out;
}

// ---- what arrives ----------------------------------------------------------------------------------------------------------

/// Where a vendor's form has a field. Of the messages of a form that differ (with a picture, without) each has its rows.
struct Place {
  std::string_view field;
  std::string_view path;
};
struct Vendor {
  std::string_view form;
  std::string_view model;
  std::span<const Place> places;
  std::string_view square;  ///< what says 1024x1024 where a size is one word, or a ratio
};
constexpr Place openai_places[] = {{"prompt", "prompt"},
                                   {"negative_prompt", "negative_prompt"},
                                   {"aspect_ratio", "aspect_ratio"},
                                   {"quality", "quality"},
                                   {"style", "style"},
                                   {"background", "background"},
                                   {"moderation", "moderation"},
                                   {"fidelity", "input_fidelity"},
                                   {"file_type", "output_format"},
                                   {"user", "user"},
                                   {"size", "size"},
                                   {"count", "n"},
                                   {"compression", "output_compression"},
                                   {"seed", "seed"},
                                   {"steps", "steps"},
                                   {"guidance", "guidance_scale"},
                                   {"strength", "strength"},
                                   {"images[0]", "images.0.image_url"},
                                   {"images[1]", "images.1.image_url"},
                                   {"mask", "mask.image_url"},
                                   {"vendors_own", "vendors_own"}};
constexpr Place gemini_places[] = {{"prompt", "contents.0.parts.0.text"},
                                   {"prompt", "contents.0.parts.1.text"},
                                   {"prompt", "contents.0.parts.2.text"},
                                   {"seed", "generationConfig.seed"},
                                   {"aspect_ratio", "generationConfig.imageConfig.aspectRatio"},
                                   {"images[0]", "contents.0.parts.0.inlineData.data"},
                                   {"images[1]", "contents.0.parts.1.inlineData.data"}};
constexpr Place imagen_places[] = {{"prompt", "instances.0.prompt"},
                                   {"negative_prompt", "parameters.negativePrompt"},
                                   {"aspect_ratio", "parameters.aspectRatio"},
                                   {"count", "parameters.sampleCount"},
                                   {"seed", "parameters.seed"},
                                   {"guidance", "parameters.guidanceScale"},
                                   {"file_type", "parameters.outputOptions.mimeType"},
                                   {"compression", "parameters.outputOptions.compressionQuality"}};
constexpr Place stability_places[] = {
    {"prompt", "prompt"},      {"negative_prompt", "negative_prompt"}, {"aspect_ratio", "aspect_ratio"}, {"seed", "seed"},
    {"guidance", "cfg_scale"}, {"file_type", "output_format"},         {"strength", "strength"},         {"images[0]", "image"}};
constexpr Place sdapi_places[] = {{"prompt", "prompt"},
                                  {"negative_prompt", "negative_prompt"},
                                  {"size", "width"},
                                  {"count", "n_iter"},
                                  {"seed", "seed"},
                                  {"steps", "steps"},
                                  {"guidance", "cfg_scale"},
                                  {"strength", "denoising_strength"},
                                  {"images[0]", "init_images.0"},
                                  {"mask", "mask"}};
constexpr Place comfyui_places[] = {{"prompt", "prompt.6.inputs.text"}, {"negative_prompt", "prompt.7.inputs.text"},
                                    {"size", "prompt.5.inputs.width"},  {"count", "prompt.5.inputs.batch_size"},
                                    {"seed", "prompt.3.inputs.seed"},   {"steps", "prompt.3.inputs.steps"},
                                    {"guidance", "prompt.3.inputs.cfg"}};
constexpr Place message_places[] = {{"prompt", "input.messages.0.content.0.text"},
                                    {"prompt", "input.messages.0.content.1.text"},
                                    {"prompt", "input.messages.0.content.2.text"},
                                    {"negative_prompt", "parameters.negative_prompt"},
                                    {"size", "parameters.size"},
                                    {"count", "parameters.n"},
                                    {"seed", "parameters.seed"},
                                    {"images[0]", "input.messages.0.content.0.image"},
                                    {"images[1]", "input.messages.0.content.1.image"}};
constexpr Place task_places[] = {{"prompt", "input.prompt"},     {"negative_prompt", "input.negative_prompt"},
                                 {"size", "parameters.size"},    {"count", "parameters.n"},
                                 {"seed", "parameters.seed"},    {"images[0]", "input.images.0"},
                                 {"images[1]", "input.images.1"}};
constexpr Vendor all_vendors[] = {
    {"openai", "up", openai_places, "1024x1024"},
    {"gemini", "gemini-2.5-flash-image", gemini_places, "1:1"},
    {"imagen", "imagen-4.0-generate-001", imagen_places, "1:1"},
    {"stability", "sd3.5-large", stability_places, "1:1"},
    {"sdapi", "sdxl", sdapi_places, ""},
    {"comfyui", "sdxl", comfyui_places, ""},
    {"dashscope", "qwen-image-2.0", message_places, "1024*1024"},
    {"dashscope", "wan2.2-t2i-plus", task_places, "1024*1024"},
};
std::span<const Vendor> vendors() { return all_vendors; }

/// A form as an object of its fields, files as base64.
json::Value object_of(const TaskMessage& message) {
  if (message.content_type == "application/json") {
    auto body = json::parse(message.body);
    EXPECT_TRUE(body.has_value()) << message.body;
    return body ? std::move(*body) : json::Value{};
  }
  auto out = json::Value::object();
  wire::MultipartParser parser{wire::multipart_boundary(message.content_type).value_or("x")};
  std::string_view rest = message.body;
  std::string value;
  for (;;) {
    const auto event = parser.next(rest);
    EXPECT_TRUE(event.has_value());
    using enum wire::MultipartEvent::Kind;
    if (!event || event->kind == none) break;
    if (event->kind == part) value.clear();
    if (event->kind == data) value += event->data;
    if (event->kind != part_end) continue;
    out.set(parser.part().name, json::Value::string(parser.part().filename ? to_base64(value) : value));
  }
  return out;
}

const json::Value* at(const json::Value& root, std::string_view path) {
  const auto* value = &root;
  while (value != nullptr && !path.empty()) {
    const auto name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    const auto index = parse_number<std::size_t>(name);
    if (index && value->is(json::Type::array)) {
      value = *index < value->elements().size() ? &value->elements()[*index] : nullptr;
    } else {
      value = value->find(name);
    }
  }
  return value;
}

/// In the words of said_of(): without what a value is wrapped in.
std::string plain(std::string text, const Vendor& vendor, std::string_view field, const json::Value& root) {
  for (const std::string_view wrap : {"data:image/png;base64,", "image/"}) {
    if (text.starts_with(wrap)) text.erase(0, wrap.size());
  }
  if (field != "size") return text;
  // Width and height by themselves.
  if (vendor.form == "sdapi") return cat(text, 'x', at(root, "height")->dump());
  if (vendor.form == "comfyui") return cat(text, 'x', at(root, "prompt.5.inputs.height")->dump());
  std::ranges::replace(text, '*', 'x');
  return text;
}

Said arrived(const TaskMessage& message, const Vendor& vendor) {
  Said out;
  const auto root = object_of(message);
  for (const auto& [field, path] : vendor.places) {
    const auto* value = at(root, path);
    if (value == nullptr) continue;
    const auto* text = value->as_string();
    out.emplace(field, plain(text != nullptr ? *text : value->dump(), vendor, field, root));
  }
  // Where only ratios are said, a square is one of 1024.
  if (vendor.square == "1:1" && out.contains("aspect_ratio") && out["aspect_ratio"] == "1:1") out.emplace("size", "1024x1024");
  return out;
}

// ---- one cell --------------------------------------------------------------------------------------------------------------

const TaskFormat& form(std::string_view name) { return *find_task_format(Task::draw, name); }

std::string neutral_name(std::string_view field) {
  for (const auto& [neutral, own] : form("openai").words) {
    if (field == own) return std::string{neutral};
  }
  return std::string{field};
}

/// What the document's cell says.
std::string run(const Case& one, const Vendor& vendor) {
  SCOPED_TRACE(cat(one.name, " -> ", vendor.form, ' ', vendor.model));
  const TaskPair pair{form("openai"), form(vendor.form), vendor.model};
  const auto strict = translate_task(pair, one.asked, Allow::no_change_of_meaning);
  const auto loose = translate_task(pair, one.asked, Allow::any_loss);
  if (!loose) {
    EXPECT_EQ(loose.error().kind(), Kind::bad_request);
    EXPECT_FALSE(loose.error().detail().param.empty());
    EXPECT_FALSE(strict.has_value());
    return "refused";
  }
  EXPECT_EQ(strict.has_value(), loose->losses.gravest() == nullptr);
  const auto there = arrived(loose->message, vendor);
  std::set<std::string> differs;
  for (const auto& [field, value] : said_of(one.asked)) {
    const auto found = there.find(field);
    if (found == there.end() || found->second != value) differs.insert(field);
  }
  std::string cell;
  for (const auto& loss : loose->losses.all()) {
    EXPECT_EQ(differs.erase(neutral_name(loss.field)), 1U) << "named, but it arrives: " << loss.field << "\n"
                                                           << loose->message.body;
    cell += cat(cell.empty() ? "" : " ", loss.weight == Loss::Weight::meaning ? "!" : "", loss.field);
  }
  for (const auto& field : differs)
    ADD_FAILURE() << "does not arrive, and is not named: " << field << "\n" << loose->message.body;
  return cell;
}

std::string heading(const Vendor& vendor) {
  return vendor.form == "dashscope" ? cat(vendor.form, " (", vendor.model, ')') : std::string{vendor.form};
}

TEST(Draws, EveryWishMeetsEveryVendor) {
  auto out =
      cat(matrix_mark, "\n", matrix_mark, "images: an OpenAI client by upstreams (refused: unless loss is allowed, or always)\n");
  for (const auto& vendor : vendors()) {
    std::size_t ok = 0;
    std::size_t named = 0;
    std::size_t refused = 0;
    for (const auto& one : cases()) {
      const auto cell = run(one, vendor);
      (cell.empty() ? ok : cell == "refused" || cell.find('!') != std::string::npos ? refused : named) += 1;
    }
    EXPECT_NE(ok, 0U);
    auto name = heading(vendor);
    name.resize(std::max<std::size_t>(name.size(), 30), ' ');
    out += cat(matrix_mark, name, ok, " ok ", named, " named ", refused, " refused\n");
  }
  std::fputs(out.c_str(), stdout);
}

}  // namespace

std::string documented_draws() {
  std::string out{
      "\n## images\n\n"
      "What a client asks for in OpenAI's form, against what other vendors can be told. An empty cell: nothing is lost.\n\n"
      "| asked |"};
  std::string line{"\n|---|"};
  for (const auto& vendor : vendors()) {
    if (vendor.form == "openai") continue;  // where a request passes as it is
    out += cat(' ', heading(vendor), " |");
    line += "---|";
  }
  out += line;
  for (const auto& one : cases()) {
    out += cat("\n| ", one.name, " |");
    for (const auto& vendor : vendors()) {
      if (vendor.form == "openai") continue;
      const auto cell = run(one, vendor);
      out += cat(' ', cell, cell.empty() ? "|" : " |");
    }
  }
  return cat(out, "\n");
}

}  // namespace cardea::dialect::pairs

// OpenAI's moderations (platform.openai.com/docs/api-reference/moderations). A text is flagged for what it names: the twin is no
// judge.

#include <algorithm>

#include "twin/answer.h"
#include "twin/forms/openai.h"
#include "twin/media.h"
#include "twin/task.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

using json::Type;
using json::Writer;

constexpr std::string_view default_model = "omni-moderation-latest";

struct Category {
  std::string_view name;
  bool sees_images;
  std::span<const std::string_view> words;  ///< beside the name
};
constexpr std::string_view harassing[] = {"idiot", "stupid"};
constexpr std::string_view hateful[] = {"i hate them"};
constexpr std::string_view illegal[] = {"shoplift", "counterfeit"};
constexpr std::string_view armed[] = {"build a bomb"};
constexpr std::string_view harming[] = {"suicide", "self harm"};
constexpr std::string_view violent[] = {"kill", "murder", "stab"};
constexpr std::string_view bloody[] = {"dismember"};
constexpr std::string_view none_else[] = {""};
constexpr std::span<const std::string_view> no_words{none_else, 0};
constexpr Category categories[] = {
    {"harassment", false, harassing},
    {"harassment/threatening", false, no_words},
    {"hate", false, hateful},
    {"hate/threatening", false, no_words},
    {"illicit", false, illegal},
    {"illicit/violent", false, armed},
    {"self-harm", true, harming},
    {"self-harm/intent", true, no_words},
    {"self-harm/instructions", true, no_words},
    {"sexual", true, no_words},
    {"sexual/minors", false, no_words},
    {"violence", true, violent},
    {"violence/graphic", true, bloody},
};

/// What is judged as one: texts, and how many pictures.
struct Item {
  std::string text;
  bool has_text = false;
  bool has_image = false;
};
struct Request {
  std::vector<Item> items;
};

Status add_text(const At& at, Request& request) {
  request.items.push_back({at.text(), true, false});
  return {};
}

Status take_part_text(const At& at, Item& item) {
  constexpr Row<Item> rows[] = {{"type", is_text},
                                {"text", is_text,
                                 [](const At& text, Item& into) -> Status {
                                   append(into.text, cat(into.text.empty() ? "" : " ", text.text()));
                                   into.has_text = true;
                                   return {};
                                 },
                                 true}};
  return read_members(at, rows, item);
}
Status take_image(const At& at, Item& item) {
  Part part;
  item.has_image = true;
  return take_openai_image(at, part);
}
Status take_part_image(const At& at, Item& item) {
  constexpr Row<Item> rows[] = {{"type", is_text}, {"image_url", is_object, take_image, true}};
  return read_members(at, rows, item);
}
constexpr Variant<Item> parts[] = {{"text", take_part_text}, {"image_url", take_part_image}};

Status take_input(const At& at, Request& request) {
  if (at.value().is(Type::string)) return add_text(at, request);
  if (at.value().elements().empty()) return at.refuse("input must not be empty.");
  if (at.value().elements().front().is(Type::string))
    return at.each(is_text, [&](const At& one) { return add_text(one, request); });
  auto& item = request.items.emplace_back();
  return at.each(is_object, [&](const At& one) { return read_variant(one, "type", parts, item); });
}

constexpr Row<Request> rows[] = {{"model", is_text}, {"input", is_text | is_list, take_input, true}};

Status refuse_body(std::string_view why) {
  return refuse_request(cat("We could not parse the JSON body of your request. (", why, ")"), "", "");
}

bool flags(const Category& category, const std::string& text) {
  const auto named = [&](std::string_view word) { return text.find(word) != std::string::npos; };
  return named(category.name) || std::ranges::any_of(category.words, named);
}

void write_item(Writer& writer, const Item& item) {
  const auto text = to_lower(item.text);
  const auto flagged = [&](const Category& category) { return flags(category, text); };
  writer.begin_object().key("flagged").boolean(std::ranges::any_of(categories, flagged)).key("categories").begin_object();
  for (const auto& category : categories) writer.key(category.name).boolean(flagged(category));
  writer.end_object().key("category_scores").begin_object();
  for (const auto& category : categories) {
    constexpr double high = 0.9;
    constexpr double steps = 1e6;
    const auto noise = static_cast<double>(fingerprint(text, fingerprint(category.name)) % 100'000) / steps;
    writer.key(category.name).number(flagged(category) ? high + noise : noise / 100);
  }
  writer.end_object().key("category_applied_input_types").begin_object();
  for (const auto& category : categories) {
    writer.key(category.name).begin_array();
    if (item.has_text) writer.string("text");
    if (item.has_image && category.sees_images) writer.string("image");
    writer.end_array();
  }
  writer.end_object().end_object();
}

Status read(const TaskAsk& ask, TaskPlan& plan) {
  Request request;
  Status status = read_task(ask, {openai_words, false, refuse_body}, rows, plan, request);
  if (!status) return status;
  plan.reply = [request = std::move(request)](const TaskScene& scene) -> Result<TaskReply> {
    return reply_json([&](Writer& writer) {
      writer.begin_object().key("id").string(hex_id("modr-", fingerprint(request.items.front().text)));
      writer.key("model").string(scene.model.empty() ? default_model : scene.model).key("results").begin_array();
      for (const auto& item : request.items) write_item(writer, item);
      writer.end_array().end_object();
    });
  };
  return {};
}

}  // namespace

const TaskForm openai_moderations{&openai_task_form, read};

}  // namespace cardea::twin

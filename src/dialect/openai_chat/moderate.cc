// POST /v1/moderations (platform.openai.com/docs/api-reference/moderations). Others who moderate took over its form (Mistral's
// categories have other names).

#include <algorithm>

#include "dialect/tasks.h"
#include "dialect/vectors.h"

namespace cardea::dialect::tasks {
namespace {

using json::Type;

constexpr std::string_view name = "openai";
constexpr Word words[] = {{"inputs", "input"}};

Status read_input(const Raw& input, std::vector<model::ModerationInput>& out) {
  if (input.is(Type::string)) {
    out.push_back({input.string()});
    return {};
  }
  if (!input.is(Type::array)) return wrong_type("input", "a string or an array", input.type());
  bool parts = false;
  Status status;
  input.each_element([&](const Raw& element) {
    parts = element.is(Type::object);
    if (!parts && !element.is(Type::string)) {
      status = wrong_type(cat("input[", out.size(), ']'), "a string or a part", element.type());
    }
    if (!parts && status) out.push_back({element.string()});
    return !parts && status.has_value();
  });
  if (!status) return status;
  if (!parts) return out.empty() ? bad_field("input", "is empty; give at least one element") : Status{};
  if (!out.empty()) return bad_field("input", "must hold texts alone, or parts alone");
  // Parts are judged together.
  auto content = read_content(input, "input");
  if (!content) return fail_with(content);
  out.push_back({std::move(*content)});
  return {};
}

Result<TaskRequest> read_request(const Raw& root) {
  model::Moderate out;
  out.dialect = name;
  Status status;
  const auto input = root.find("input");
  if (status && !input) status = bad_field("input", "is missing");
  if (status) status = read_input(*input, out.inputs);
  if (!status) return fail_with(status);
  constexpr std::string_view known[] = {"model", "input"};
  collect_extras(root, known, out.extras);
  return out;
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& moderate = std::get<model::Moderate>(request);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  if (!moderate.model.empty()) w.key("model").string(moderate.model);
  w.key("input");
  const auto* parts =
      moderate.inputs.size() == 1 ? std::get_if<std::vector<model::Part>>(&moderate.inputs.front().value) : nullptr;
  if (parts != nullptr) {
    write_content(w, *parts);
  } else {
    w.begin_array();
    for (const auto& input : moderate.inputs) w.string(std::get<std::string>(input.value));
    w.end_array();
  }
  write_or_lose(w, moderate.extras, whose(moderate.dialect, name), losses);
  w.end_object();
  return out;
}

model::Category& category_of(model::Verdict& verdict, const std::string& category) {
  const auto found = std::ranges::find(verdict.categories, category, &model::Category::name);
  if (found != verdict.categories.end()) return *found;
  auto& added = verdict.categories.emplace_back();
  added.name = category;
  return added;
}

/// `object[key]`, one value for each category.
template <class T>
Status read_by_category(const Raw& object, std::string_view key, std::string_view path,
                        std::optional<T> model::Category::* member, model::Verdict& out) {
  const auto values = object.find(key);
  if (!values) return {};
  const auto where = field_path(path, key);
  if (!values->is(Type::object)) return wrong_type(where, "an object", values->type());
  Status status;
  values->each_member([&](const Raw& category, const Raw& value) {
    auto& one = category_of(out, category.string());
    if (status && !value.is(Type::null)) status = read(value, cat(where, '.', one.name), one.*member);
  });
  return status;
}

Result<model::Verdict> read_verdict(const Raw& result, const std::string& path) {
  model::Verdict out;
  Status status = read_member(result, "flagged", path, out.flagged);
  if (status) status = read_by_category(result, "categories", path, &model::Category::flagged, out);
  if (status) status = read_by_category(result, "category_scores", path, &model::Category::score, out);
  if (status) status = read_by_category(result, "category_applied_input_types", path, &model::Category::input_types, out);
  if (!status) return fail_with(status);
  if (out.categories.empty()) return bad_field(cat(path, ".categories"), "is missing");
  constexpr std::string_view known[] = {"flagged", "categories", "category_scores", "category_applied_input_types"};
  collect_extras(result, known, out.extras);
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  const auto results = required(root, "results", "", Type::array);
  if (!results) return fail(results.error().clone());
  model::Moderated out;
  out.dialect = name;
  Status status = read_member(root, "id", "", out.id);
  if (status) status = read_member(root, "model", "", out.model);
  results->each_element([&](const Raw& result) {
    auto verdict = read_verdict(result, cat("results[", out.verdicts.size(), ']'));
    if (!verdict) status = fail_with(verdict);
    if (verdict) out.verdicts.push_back(std::move(*verdict));
    return status.has_value();
  });
  if (!status) return fail_with(status);
  out.usage = read_input_usage(root);
  constexpr std::string_view known[] = {"id", "model", "results", "usage"};
  collect_extras(root, known, out.extras);
  return out;
}

template <class T>
void write_by_category(json::Writer& w, std::string_view key, const model::Verdict& verdict,
                       std::optional<T> model::Category::* member) {
  const bool any = std::ranges::any_of(verdict.categories, [&](const auto& one) { return (one.*member).has_value(); });
  if (!any) return;
  w.key(key).begin_object();
  for (const auto& category : verdict.categories) write(w, category.name, category.*member);
  w.end_object();
}

std::string encode_answer(const TaskAnswer& answer, const TaskContext& context, Losses& losses) {
  const auto& moderated = std::get<model::Moderated>(answer);
  const auto whose = dialect::whose(moderated.dialect, name);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("id").string(moderated.id.value_or(cat("modr-", context.id)));
  w.key("model").string(moderated.model.value_or(context.model));
  w.key("results").begin_array();
  for (const auto& verdict : moderated.verdicts) {
    w.begin_object();
    write(w, "flagged", verdict.flagged);
    write_by_category(w, "categories", verdict, &model::Category::flagged);
    write_by_category(w, "category_scores", verdict, &model::Category::score);
    write_by_category(w, "category_applied_input_types", verdict, &model::Category::input_types);
    write_or_lose(w, verdict.extras, whose, losses);
    w.end_object();
  }
  w.end_array();
  write_input_usage(w, moderated.usage);
  write_or_lose(w, moderated.extras, whose, losses);
  w.end_object();
  return out;
}

}  // namespace

const TaskFormat openai_moderate{.task = Task::moderate,
                                 .name = name,
                                 .dialects = openai_like,
                                 .target = "/moderations",
                                 .subject = "input",
                                 .answers = "results",
                                 .default_model = "omni-moderation-latest",  // what OpenAI takes, says its reference
                                 .words = words,
                                 .read_request = read_request,
                                 .encode_request = encode_request,
                                 .read_answer = read_answer,
                                 .encode_answer = encode_answer};

}  // namespace cardea::dialect::tasks

#include "dialect/task.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/drawing.h"
#include "dialect/gemini/gemini.h"
#include "dialect/plain.h"
#include "dialect/ranking.h"
#include "dialect/tasks.h"
#include "dialect/vectors.h"

namespace cardea::dialect {

using json::Type;

std::string_view to_text(Task task) noexcept {
  constexpr std::array<std::string_view, 6> names{"embeddings", "rerank", "moderations", "tokenize", "detokenize", "images"};
  return names[static_cast<std::size_t>(task)];
}

std::span<const TaskFormat* const> task_formats() {
  using namespace tasks;  // NOLINT: the table of all of them
  // Of one dialect the preferred comes first.
  static const std::array formats{
      &openai_embed,    &jina_embed,        &gemini_batch_embed, &gemini_embed,    &vertex_embed,        &cohere_embed,
      &ollama_embed,    &ollama_embeddings, &tei_embed,          &cohere_rerank,   &jina_rerank,         &tei_rerank,
      &openai_moderate, &vllm_tokenize,     &llamacpp_tokenize,  &vllm_detokenize, &llamacpp_detokenize, &openai_draw,
      &gemini_draw,     &imagen_draw,       &sdapi_draw,         &stability_draw,  &comfyui_draw,        &dashscope_draw,
      &native_embed,    &native_rerank,     &native_moderate,    &native_tokenize, &native_detokenize};
  return formats;
}

const TaskFormat* find_task_format(Task task, std::string_view name) noexcept {
  const auto found = std::ranges::find_if(task_formats(),
                                          [&](const TaskFormat* format) { return format->task == task && format->name == name; });
  return found != task_formats().end() ? *found : nullptr;
}

const TaskFormat* upstream_task_format(const TaskFormat& client, const Dialect& upstream, std::string_view named) noexcept {
  if (!named.empty()) return find_task_format(client.task, named);
  const auto speaks = [&](const TaskFormat& format) {
    return format.task == client.task && std::ranges::find(format.dialects, upstream.name()) != format.dialects.end();
  };
  if (speaks(client)) return &client;
  const auto found = std::ranges::find_if(task_formats(), [&](const TaskFormat* format) { return speaks(*format); });
  return found != task_formats().end() ? *found : nullptr;
}

const TaskFormat& told_by_model(const TaskFormat& upstream, std::string_view model) noexcept {
  return &upstream == &tasks::gemini_draw && model.starts_with("imagen") ? tasks::imagen_draw : upstream;
}

const TaskFormat& told_by_body(const TaskFormat& format, std::string_view body) {
  if (&format != &tasks::jina_rerank) return format;
  const auto members = json::scan(body);
  return members && members->find("texts") != nullptr ? tasks::tei_rerank : format;
}

std::string TaskFormat::target_of(std::string_view model) const {
  // The only ones who name it in the path are Gemini and Vertex.
  constexpr std::string_view blank = "/models/{model}";
  return target.starts_with(blank) ? cat(google::model_path(model), target.substr(blank.size())) : std::string{target};
}

Result<TaskRequest> TaskFormat::decode_request(std::string_view body, const Asked& asked) const {
  if (read_request == nullptr) return fail(Kind::internal, cat("no client speaks the form '", name, "'"));
  const auto root = Raw::checked(body);
  if (!root) return fail(root.error().clone());
  std::optional<std::string> model;
  if (!model_in_path()) {
    if (auto status = read_member(*root, "model", "", model); !status) return fail_with(status);
  }
  auto request = read_request(*root);
  if (request) std::visit([&](auto& said) { said.model = model ? *model : asked.model; }, *request);
  return request;
}

Result<TaskAnswer> TaskFormat::decode_answer(std::string_view body) const {
  const auto root = Raw::checked(body, upstream_scan());
  if (!root) return fail(root.error().clone());
  return read_answer(*root);
}

// ---- the same format on both sides -----------------------------------------------------------------------------------------

Result<TaskView> inspect_task(const TaskFormat& format, std::string_view body, const Asked& asked) {
  Result<TaskView> result{std::in_place};
  TaskView& view = *result;
  // Gemini's batches name the model in each of their requests too.
  constexpr std::string_view outlined[] = {"requests"};
  const bool outlines = format.subject == outlined[0];
  const json::ScanOptions options{.outline = outlines ? std::span<const std::string_view>{outlined}
                                                      : std::span<const std::string_view>{}};
  if (auto status = json::scan(body, options, view.members); !status) return fail_with(status);
  view.model = asked.model;
  if (view.model.empty()) {
    auto model = view.members.unique("model");
    if (!model) return fail_with(model);
    const bool named = *model != nullptr && (*model)->type != Type::null;
    if (!named && format.default_model.empty()) return bad_field("model", "is missing; name the model to use");
    if (named && (*model)->type != Type::string) return wrong_type("model", "a string", (*model)->type);
    view.model = named ? view.members.string(**model) : format.default_model;
    if (*model != nullptr) view.model_span = (*model)->value;
    if (view.model.empty()) return bad_field("model", "is empty; name the model to use");
  }
  if (format.subject.empty()) return result;
  auto subject = view.members.unique(format.subject);
  if (!subject) return fail_with(subject);
  // vLLM embeds chats, too.
  const bool chat = format.task == Task::embed && view.members.find("messages") != nullptr;
  if (*subject == nullptr && !chat) return bad_field(format.subject, "is missing");
  return result;
}

namespace {

/// In a Gemini body the model repeats what the path says, as a resource's name.
Status rename_resource(const TaskView& view, const json::Member* member, std::string_view model, json::Edits& edits) {
  if (member == nullptr || member->type != Type::string) return {};
  const auto resource = cat("models/", model);
  if (view.members.string(*member) == resource) return {};
  return edits.replace(member->value, json::quote(resource));
}

}  // namespace

Result<json::Edits> task_edits(const TaskFormat& format, const TaskView& view, std::string_view model) {
  Result<json::Edits> result{std::in_place};
  json::ObjectEdit object{view.members};
  Status status;
  if (format.model_in_path()) {
    if (model != view.model) {
      status = rename_resource(view, view.members.find("model"), model, *result);
      const auto* requests = view.members.find("requests");
      if (status && requests != nullptr && requests->type == Type::array) {
        for (const auto& request : view.members.inside(*requests)) {
          if (status) status = rename_resource(view, view.members.find(request, "model"), model, *result);
        }
      }
    }
  } else if (!format.sends_model) {
    if (const auto* named = view.members.find("model")) object.remove(*named);
  } else if (view.model_span.length != 0) {
    if (model != view.model) status = result->replace(view.model_span, json::quote(model));
  } else if (model != format.default_model) {
    object.add("model", json::quote(model));
  }
  if (status) status = object.commit(*result);
  if (!status) result = fail_with(status);
  return result;
}

namespace {

/// What an upstream says in its own words may hold the key.
Error as_upstreams(const Error& error, const Secret& secret) {
  if (error.fault() == Fault::upstream) {
    auto out = error.clone();
    if (!error.detail().message.empty()) out.edit().message = scrub(error.detail().message, secret.reveal());
    return out;
  }
  return Error{Kind::upstream_protocol, cat("the answer is not what it should be: ", error.message())};
}

/// An error object in place of an answer: {"error": "…"}, {"error": {"message": …}}, {"message": …}, {"detail": …}.
Error told_instead(const Raw& root, const Secret& secret) {
  Told told;
  const auto error = root.find("error");
  const auto text = [&](const std::optional<Raw>& value) {
    return value && value->is(Type::string) ? value->string() : std::string{};
  };
  told.message = text(error);
  if (error && told.message.empty()) told.message = text(error->find("message"));
  if (told.message.empty()) told.message = text(root.find("message"));
  if (told.message.empty()) told.message = text(root.find("detail"));
  if (told.message.empty() && !error) return Error{Kind::upstream_protocol, "the answer is none"};
  return reported_error_of(told, secret);
}

/// The body as JSON that can be an answer of that format.
Result<Raw> answer_of(const TaskFormat& format, std::string_view body, const Secret& secret) {
  auto root = Raw::checked(body, upstream_scan());
  if (!root) return fail_with(root);
  const bool any = format.answers == TaskFormat::any_object;
  const bool answers = format.answers.empty() ? root->is(Type::array)
                       : any                  ? root->is(Type::object) && !root->find("error")
                                              : root->find(format.answers).has_value();
  if (!answers) return fail(told_instead(*root, secret));
  return root;
}

}  // namespace

Result<TaskAnswerView> inspect_task_answer(const TaskFormat& format, std::string_view body, const Secret& secret) {
  const auto root = answer_of(format, body, secret);
  if (!root) return fail(root.error().clone());
  TaskAnswerView view;
  if (const auto model = root->find("model"); model && model->is(Type::string)) view.model = model->string();
  // Counts stand in few places; what is in none of them was not said.
  view.usage = format.task == Task::draw ? tasks::read_picture_usage(*root) : tasks::read_input_usage(*root);
  const auto count = [&](std::string_view outer, std::string_view inner, std::string_view key) {
    auto object = outer.empty() ? std::optional{*root} : root->find(outer);
    if (object && !inner.empty()) object = object->find(inner);
    std::optional<std::uint64_t> tokens;
    if (object && !read_member(*object, key, outer, tokens)) tokens.reset();
    if (!view.usage) view.usage = tasks::usage_of_input(tokens);
  };
  count("", "", "prompt_eval_count");
  count("usageMetadata", "", "promptTokenCount");
  count("meta", "billed_units", "input_tokens");
  return view;
}

// ---- between formats -------------------------------------------------------------------------------------------------------

namespace {

/// A field by the client's own name: "task" → "taskType", "inputs[2]" → "texts[2]".
std::string in_clients_words(const TaskFormat& client, std::string_view field) {
  const auto end = std::min(field.find_first_of("[."), field.size());
  for (const auto& [neutral, own] : client.words) {
    if (neutral == field.substr(0, end)) return cat(own, field.substr(end));
  }
  return std::string{field};
}

Status keeps_meaning(const Losses& losses, Allow allow) {
  const Loss* gravest = losses.gravest();
  if (gravest == nullptr || allow == Allow::any_loss) return {};
  return fail(
      Kind::bad_request,
      cat("'", gravest->field, "' cannot be said to this model (", gravest->reason,
          "), and leaving it out would change the answer; leave it out yourself, choose another model, or send the header "
          "x-cardea-allow-loss: true"),
      gravest->field);
}

/// An encoder's refusal names the field as the model does; the client is told by its own name.
Error refusal(const TaskFormat& client, const Error& error) {
  const auto& detail = error.detail();
  auto param = in_clients_words(client, detail.param);
  std::string message = detail.message;
  const auto quoted = cat("'", detail.param, "'");
  if (message.starts_with(quoted)) message.replace(0, quoted.size(), cat("'", param, "'"));
  return {error.kind(), std::move(message), std::move(param)};
}

/// Extras that a client brings along for another format (native's do) must be extras there, too: what that format has a member
/// for would otherwise be said a second time, past everything that was judged.
Status extras_stay_extras(const TaskPair& pair, const TaskRequest& wanted, const TaskMessage& message) {
  constexpr std::string_view refusal = "hold what the upstream's format has a member for; say it by its own name";
  const bool brought =
      std::visit([&](const auto& said) { return !said.extras.empty() && said.dialect != pair.client.name; }, wanted);
  if (pair.client.name != dialect::native().name() || !brought) return {};
  TaskRequest bare = wanted;
  std::visit([](auto& said) { said.extras.clear(); }, bare);
  Losses losses;
  const auto without = pair.upstream.encode_request(bare, losses);
  if (!without || pair.upstream.read_request == nullptr) return bad_field("extras", refusal);
  const Asked asked{.model = std::visit([](const auto& said) { return std::string_view{said.model}; }, wanted), .stream = {}};
  auto one = pair.upstream.decode_request(message.body, asked);
  const auto other = pair.upstream.decode_request(without->body, asked);
  if (!one || !other) return bad_field("extras", refusal);
  std::visit([](auto& said) { said.extras.clear(); }, *one);
  return *one == *other ? Status{} : bad_field("extras", refusal);
}

}  // namespace

Result<TranslatedTask> translate_task(const TaskPair& pair, std::string_view body, const Asked& asked, Allow allow) {
  auto request = pair.client.decode_request(body, asked);
  if (!request) return fail_with(request);
  return translate_task(pair, std::move(*request), allow);
}

Result<TranslatedTask> translate_task(const TaskPair& pair, TaskRequest request, Allow allow) {
  TranslatedTask out{.request = std::move(request), .message = std::string{}, .losses = {}};
  // The encoders see the upstream's name; pictures are too large to be copied for that.
  const auto name_model = [&](std::string_view name) {
    return std::visit([&](auto& said) { return std::exchange(said.model, std::string{name}); }, out.request);
  };
  const auto asked_for = name_model(pair.model);
  auto encoded = pair.upstream.encode_request(out.request, out.losses);
  const auto extras = encoded ? extras_stay_extras(pair, out.request, *encoded) : Status{};
  name_model(asked_for);
  if (!encoded) return fail(refusal(pair.client, encoded.error()));
  if (!extras) return fail(extras.error().clone());
  out.losses.rename_fields([&](std::string& field) { field = in_clients_words(pair.client, field); });
  if (auto kept = keeps_meaning(out.losses, allow); !kept) return fail_with(kept);
  out.message = std::move(*encoded);
  return out;
}

namespace {

/// What only the gateway can do of what was asked. The alternatives of request and answer go together.
Status fit(const TaskRequest& request, TaskAnswer& answer, Losses& losses) {
  if (auto* embedded = std::get_if<model::Embedded>(&answer))
    return fit_vectors(std::get<model::Embed>(request), *embedded, losses);
  if (auto* reranked = std::get_if<model::Reranked>(&answer)) return fit_results(std::get<model::Rerank>(request), *reranked);
  if (const auto* moderated = std::get_if<model::Moderated>(&answer)) {
    const bool all = moderated->verdicts.size() == std::get<model::Moderate>(request).inputs.size();
    return all ? Status{} : fail(Kind::upstream_protocol, "it did not answer for each input once");
  }
  if (auto* drawn = std::get_if<model::Drawn>(&answer)) fit_pictures(std::get<model::Draw>(request), *drawn, losses);
  return {};
}

}  // namespace

Result<TaskAnswer> read_task_answer(const TaskFormat& upstream, std::string_view body, const TaskRequest& request,
                                    const Secret& secret, Losses& losses) {
  const auto root = answer_of(upstream, body, secret);
  if (!root) return fail(root.error().clone());
  auto answer = upstream.read_answer(*root);
  if (!answer) return fail(as_upstreams(answer.error(), secret));
  if (auto fits = fit(request, *answer, losses); !fits) return fail_with(fits);
  return answer;
}

TranslatedTaskAnswer write_task_answer(const TaskFormat& client, const TaskAnswer& answer, const TaskContext& context,
                                       Losses losses) {
  TranslatedTaskAnswer out;
  out.losses = std::move(losses);
  out.usage = std::visit([](const auto& said) { return said.usage; }, answer);
  std::visit(
      [&](const auto& said) {
        if constexpr (requires { said.model; }) out.model = said.model.value_or("");
      },
      answer);
  out.body = client.encode_answer(answer, context, out.losses);
  out.losses.rename_fields([&](std::string& field) { field = in_clients_words(client, field); });
  return out;
}

Result<TranslatedTaskAnswer> translate_task_answer(const TaskPair& pair, std::string_view body, const TaskContext& context,
                                                   const Secret& secret) {
  Losses losses;
  const auto answer = read_task_answer(pair.upstream, body, context.request, secret, losses);
  if (!answer) return fail(answer.error().clone());
  return write_task_answer(pair.client, *answer, context, std::move(losses));
}

Result<std::optional<TaskStep>> next_step(const TaskFormat& upstream, std::string_view body, const Secret& secret) {
  if (upstream.next == nullptr) return std::optional<TaskStep>{};
  const auto root = Raw::checked(body, upstream_scan());
  if (!root) return fail(as_upstreams(root.error(), secret));
  auto step = upstream.next(*root);
  if (!step) return fail(as_upstreams(step.error(), secret));
  return step;
}

}  // namespace cardea::dialect

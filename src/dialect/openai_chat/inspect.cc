// The way through: what the gateway must know of a request or an answer that it forwards as bytes.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"
#include "dialect/plain.h"

namespace cardea::dialect::openai {

using json::Member;
using json::Members;
using json::Type;

namespace {

constexpr std::array<std::string_view, 2> request_outline{"messages", "stream_options"};
constexpr std::array<std::string_view, 3> response_outline{"choices", "usage", "error"};

/// An optional boolean member: null counts as absent.
Result<bool> flag(const Members& members, const Member* member, std::string_view path) {
  if (member == nullptr || member->type == Type::null) return false;
  if (member->type != Type::boolean) return wrong_type(path, "a boolean", member->type);
  return members.boolean(*member);
}

Status inspect_model(RequestView& view) {
  auto model = view.members.unique("model");
  if (!model) return fail_with(model);
  if (*model == nullptr) return bad_field("model", "is missing; name the model to use");
  if ((*model)->type != Type::string) return wrong_type("model", "a string", (*model)->type);
  view.model = view.members.string(**model);
  view.model_span = (*model)->value;
  if (view.model.empty()) return bad_field("model", "is empty; name the model to use");
  return {};
}

Status inspect_stream(RequestView& view) {
  auto stream = view.members.unique("stream");
  if (!stream) return fail_with(stream);
  auto streams = flag(view.members, *stream, "stream");
  if (!streams) return fail_with(streams);
  view.stream = *streams;

  auto options = view.members.unique("stream_options");
  if (!options) return fail_with(options);
  if (*options == nullptr || (*options)->type == Type::null) return {};
  if ((*options)->type != Type::object) return wrong_type("stream_options", "an object", (*options)->type);
  auto include = view.members.unique(**options, "include_usage");
  if (!include) return fail_with(include);
  auto asked = flag(view.members, *include, "stream_options.include_usage");
  if (!asked) return fail_with(asked);
  view.asked_usage = *asked;
  return {};
}

Status inspect_message(const Members& members, const Member& message, std::size_t index) {
  const auto path = [&](std::string_view field) { return cat("messages[", index, ']', field); };
  if (message.type != Type::object) return wrong_type(path(""), "an object", message.type);
  const Member* role = nullptr;
  for (const auto& member : members.inside(message)) {
    if (member.key != "role") continue;
    if (role != nullptr) return bad_field(path(".role"), "is given twice; keep one");
    role = &member;
  }
  if (role == nullptr) return bad_field(path(".role"), "is missing");
  if (role->type != Type::string) return wrong_type(path(".role"), "a string", role->type);
  const auto word = members.string(*role);
  if (!role_of(word)) {
    return bad_field(path(".role"), cat("is '", word.substr(0, 40),
                                        "'; it must be one of 'system', 'developer', 'user', 'assistant', 'tool', 'function'"));
  }
  return {};
}

Status inspect_messages(const RequestView& view) {
  auto messages = view.members.unique("messages");
  if (!messages) return fail_with(messages);
  if (*messages == nullptr) return bad_field("messages", "is missing; give at least one message");
  if ((*messages)->type != Type::array) return wrong_type("messages", "an array", (*messages)->type);
  const auto elements = view.members.inside(**messages);
  if (elements.empty()) return bad_field("messages", "is empty; give at least one message");
  std::size_t index = 0;
  for (const auto& message : elements) {
    auto status = inspect_message(view.members, message, index++);
    if (!status) return status;
  }
  return {};
}

Status inspect_into(std::string_view body, RequestView& view) {
  auto status = inspect_head(body, request_outline, view);
  if (status) status = inspect_messages(view);
  return status;
}

/// Asks for the usage chunk. The client's other stream options stay as they are.
Status ask_usage(const Members& members, json::ObjectEdit& object, json::Edits& edits) {
  constexpr std::string_view wanted = R"({"include_usage":true})";
  const auto* options = members.find("stream_options");
  if (options == nullptr) {
    object.add("stream_options", wanted);
    return {};
  }
  if (options->type != Type::object) {
    object.set(*options, wanted);
    return {};
  }
  if (const auto* include = members.find(*options, "include_usage")) return edits.replace(include->value, "true");
  json::ObjectEdit inner{members, *options};
  inner.add("include_usage", "true");
  return inner.commit(edits);
}

/// A count; absent when it is none.
std::optional<std::uint64_t> count(const Members& members, const Member* member) {
  return member != nullptr ? json::to_u64(members.raw(*member)) : std::nullopt;
}

/// The counts of those names in `object`, which may be absent or something else.
template <std::size_t Count>
std::array<const Member*, Count> pick_counts(const Members& members, const Member* object,
                                             const std::array<std::string_view, Count>& keys) {
  if (object == nullptr || object->type != Type::object) return {};
  return members.pick(keys, object);
}

Status inspect_choices(ResponseView& view, const Member* choices) {
  const auto& members = view.members;
  if (choices == nullptr || choices->type != Type::array || members.inside(*choices).empty()) {
    return fail(Kind::upstream_failed, "the upstream answered without choices");
  }
  for (const auto& choice : members.inside(*choices)) {
    if (choice.type != Type::object) return fail(Kind::upstream_protocol, "the upstream's answer has a choice that is no object");
    ++view.choices;
    const auto* finish = members.find(choice, "finish_reason");
    const bool said = finish != nullptr && finish->type == Type::string;
    view.finishes.push_back(said ? finish_of(members.string(*finish)) : model::Finish::unknown);
  }
  return {};
}

Status inspect_response_into(std::string_view body, const Secret& secret, ResponseView& view) {
  auto status = json::scan(body, upstream_scan(response_outline), view.members);
  if (!status) return status;
  const auto& members = view.members;
  constexpr std::array<std::string_view, 5> wanted{"error", "choices", "id", "model", "usage"};
  const auto [error, choices, id, model, usage] = members.pick(wanted);
  if (error != nullptr && error->type != Type::null) return std::unexpected{reported_error(members, *error, secret)};
  status = inspect_choices(view, choices);
  if (!status) return status;
  const auto text = [&](const Member* member) {
    return member != nullptr && member->type == Type::string ? members.string(*member) : std::string_view{};
  };
  view.id = text(id);
  view.model = text(model);
  if (usage != nullptr && usage->type == Type::object) view.usage = read_usage(members, *usage);
  return {};
}

}  // namespace

Status inspect_head(std::string_view body, std::span<const std::string_view> outline, RequestView& view) {
  auto status = json::scan(body, {.outline = outline}, view.members);
  if (status) status = inspect_model(view);
  if (status) status = inspect_stream(view);
  return status;
}

model::Usage read_usage(const Members& members, const Member& usage) {
  constexpr std::array<std::string_view, 5> own{"prompt_tokens", "completion_tokens", "prompt_tokens_details",
                                                "completion_tokens_details", "prompt_cache_hit_tokens"};
  constexpr std::array<std::string_view, 3> of_prompt{"cached_tokens", "cache_write_tokens", "audio_tokens"};
  constexpr std::array<std::string_view, 4> of_completion{"reasoning_tokens", "audio_tokens", "accepted_prediction_tokens",
                                                          "rejected_prediction_tokens"};
  const auto [input, output, prompt, completion, cache_hit] = members.pick(own, &usage);
  const auto [cached, cache_write, input_audio] = pick_counts(members, prompt, of_prompt);
  const auto [reasoning, output_audio, accepted, rejected] = pick_counts(members, completion, of_completion);
  model::Usage out;
  out.cache_read = count(members, cached);
  if (!out.cache_read) out.cache_read = count(members, cache_hit);  // DeepSeek
  out.cache_write = count(members, cache_write);                    // OpenRouter
  out.input_audio = count(members, input_audio);
  if (const auto total = count(members, input)) {
    const auto from_cache = out.cache_read.value_or(0) + out.cache_write.value_or(0);
    out.input = *total > from_cache ? *total - from_cache : 0;
  }
  out.output = count(members, output);
  out.reasoning = count(members, reasoning);
  out.output_audio = count(members, output_audio);
  out.accepted_prediction = count(members, accepted);
  out.rejected_prediction = count(members, rejected);
  return out;
}

Result<RequestView> OpenAiChat::inspect(std::string_view body, const Asked& /*asked: all of it is in the body*/) const {
  Result<RequestView> result{std::in_place};
  auto status = inspect_into(body, *result);
  if (!status) result = fail_with(status);
  return result;
}

Result<json::Edits> OpenAiChat::forward_edits(const RequestView& view, const ForwardOptions& options) const {
  Result<json::Edits> result{std::in_place};
  json::ObjectEdit object{view.members};
  Status status;
  if (!options.model.empty() && options.model != view.model && !dropped(options.rules, "model")) {
    status = result->replace(view.model_span, json::quote(options.model));
  }
  apply_rules(view.members, options.rules, object);
  if (status && options.inject_usage && view.stream && !view.asked_usage && !dropped(options.rules, "stream_options")) {
    status = ask_usage(view.members, object, *result);
  }
  if (status) status = object.commit(*result);
  if (!status) result = fail_with(status);
  return result;
}

Result<ResponseView> OpenAiChat::inspect_response(std::string_view body, const Secret& secret) const {
  Result<ResponseView> result{std::in_place};
  auto status = inspect_response_into(body, secret, *result);
  if (!status) result = fail_with(status);
  return result;
}

}  // namespace cardea::dialect::openai

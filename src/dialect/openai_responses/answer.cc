// Whole answers, both directions.

#include <array>

#include "dialect/openai_responses/composer.h"
#include "dialect/plain.h"
#include "dialect/translate.h"

namespace cardea::dialect::responses {

using json::Type;
using json::Value;
using json::Writer;
using model::Answer;
using model::Choice;

namespace {

/// All that an answer of OpenAI's has: what of it only repeats the request says nothing new.
constexpr auto known_members = std::to_array<std::string_view>({"id",
                                                                "object",
                                                                "created_at",
                                                                "completed_at",
                                                                "status",
                                                                "error",
                                                                "incomplete_details",
                                                                "model",
                                                                "output",
                                                                "output_text",
                                                                "usage",
                                                                "service_tier",
                                                                "instructions",
                                                                "max_output_tokens",
                                                                "max_tool_calls",
                                                                "parallel_tool_calls",
                                                                "previous_response_id",
                                                                "reasoning",
                                                                "temperature",
                                                                "text",
                                                                "tool_choice",
                                                                "tools",
                                                                "top_p",
                                                                "truncation",
                                                                "background",
                                                                "prompt",
                                                                "top_logprobs",
                                                                "store",
                                                                "user",
                                                                "safety_identifier",
                                                                "prompt_cache_key",
                                                                "prompt_cache_retention",
                                                                "prompt_cache_options",
                                                                "metadata",
                                                                "frequency_penalty",
                                                                "presence_penalty",
                                                                "billing"});

Status decode_item(const Value& item, std::string_view path, Choice& choice) {
  if (!item.is(Type::object)) return wrong_type(path, "an object", item.type());
  auto type = required_string(item, "type", path);
  if (!type) return fail_with(type);
  if (*type == "message") return decode_message_item(item, path, choice.parts);
  auto known = decode_output_item(item, *type, path, choice.parts);
  if (!known) return fail_with(known);
  if (!*known) choice.parts.push_back(opaque_item(item));
  return {};
}

/// The tokens of all texts, in Chat Completions' form.
void decode_logprobs(const Value& output, Choice& choice) {
  auto tokens = Value::array();
  for (const auto& item : output.elements()) {
    const auto* content = item.find("content");
    if (content == nullptr) continue;
    for (const auto& part : content->elements()) {
      const auto* logprobs = part.find("logprobs");
      if (logprobs == nullptr) continue;
      for (const auto& token : logprobs->elements()) tokens.edit_elements().push_back(token);
    }
  }
  if (tokens.elements().empty()) return;
  choice.logprobs = model::Json{Value::object({{"content", std::move(tokens)}, {"refusal", {}}}).dump()};
}

/// A refusal in words ends a complete answer; one without words is a filter's stop with an empty refusal beside it.
void decode_refusal(Choice& choice) {
  const auto refusal = [](const model::Part& part) { return std::get_if<model::Refusal>(&part.value); };
  bool worded = false;
  for (const auto& part : choice.parts) worded = worded || (refusal(part) != nullptr && !refusal(part)->text.empty());
  if (worded && choice.finish == model::Finish::stop) choice.finish = model::Finish::refusal;
  if (worded || choice.finish != model::Finish::content_filter) return;
  const auto empty = std::erase_if(choice.parts, [&](const model::Part& part) { return refusal(part) != nullptr; });
  if (empty != 0) choice.finish = model::Finish::refusal;
}

void decode_finish(const Value& response, Choice& choice) {
  const auto* status = text_at(response, "status");
  const auto* details = given(response, "incomplete_details");
  const auto* reason = details != nullptr ? text_at(*details, "reason") : nullptr;
  if (reason != nullptr) {
    choice.finish = finish_of_reason(*reason);
    if (*choice.finish == model::Finish::unknown) choice.finish_raw = *reason;
  } else if (status != nullptr && *status == "incomplete") {
    choice.finish = model::Finish::length;  // the one cause that needs no more words
  } else if (status == nullptr || (*status != "in_progress" && *status != "queued")) {
    choice.finish = model::Finish::stop;
    for (const auto& part : choice.parts) {
      if (std::holds_alternative<model::ToolCall>(part.value)) choice.finish = model::Finish::tool_calls;
    }
  }
  decode_refusal(choice);
}

Status decode_answer(const Value& value, Answer& out) {
  const auto text = [&](std::string_view key) -> std::optional<std::string> {
    const auto* found = text_at(value, key);
    return found != nullptr ? std::optional{*found} : std::nullopt;
  };
  if (const auto* error = error_in(value)) return std::unexpected{failure_error(failure_of(*error), {})};
  const auto* output = given(value, "output");
  if (output == nullptr) return fail(Kind::upstream_failed, "the upstream answered without output");
  if (!output->is(Type::array)) return wrong_type("output", "an array", output->type());
  auto& choice = out.choices.emplace_back();
  for (std::size_t i = 0; i < output->elements().size(); ++i) {
    auto status = decode_item(output->elements()[i], cat("output[", i, ']'), choice);
    if (!status) return status;
  }
  decode_logprobs(*output, choice);
  decode_finish(value, choice);
  out.dialect = dialect_name;
  out.id = text("id");
  out.model = text("model");
  out.service_tier = text("service_tier");
  if (const auto* created = given(value, "created_at")) {
    // The reference says "number": some write a fraction.
    if (const auto number = created->as_double(); number && *number >= 0 && *number < 1e15)
      out.created = static_cast<std::uint64_t>(*number);
  }
  if (const auto* usage = given(value, "usage")) out.usage = decode_usage(*usage);
  collect_extras(value, known_members, out.extras);
  return {};
}

}  // namespace

Result<Answer> OpenAiResponses::decode_response(std::string_view body) const {
  auto value = json::parse(body, upstream_scan());
  if (!value) return fail_with(value);
  if (!value->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's answer must be a JSON object");
  Answer answer;
  auto status = decode_answer(*value, answer);
  if (status) return answer;
  // The readers know a client's faults only; here the upstream is at fault.
  if (status.error().is(Kind::bad_request))
    return fail(Kind::upstream_protocol, cat("the upstream's answer: ", status.error().message()));
  return fail_with(status);
}

std::string OpenAiResponses::encode_response(const Answer& answer, const AnswerContext& context, Losses& losses) const {
  const bool own = answer.dialect == dialect_name;
  Composer composer{context, origin_of(answer.dialect)};
  for (const auto& event : events_of(answer)) composer.take(event);
  std::string out;
  Writer w{out};
  composer.write_response(w);
  losses.add(composer.losses());
  if (own) {
    write_extras(w, answer.extras, {});
  } else {
    for (const auto& extra : answer.extras) losses.detail(extra.key);
    for (const auto& choice : answer.choices) {
      for (const auto& extra : choice.extras) losses.detail(cat("choices[0].", extra.key));
      for (const auto& extra : choice.message_extras) losses.detail(cat("choices[0].message.", extra.key));
    }
  }
  w.end_object();
  return out;
}

}  // namespace cardea::dialect::responses

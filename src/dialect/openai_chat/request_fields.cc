#include "dialect/openai_chat/request_fields.h"

#include <array>

namespace cardea::dialect::openai {
namespace {

using Standing = RequestField::Standing;

template <auto Slot, Standing standing = Standing::reference>
constexpr RequestField request_field(std::string_view key) {
  return {key, standing, [](const model::Chat& chat) { return Slot(chat).has_value(); },
          [](const json::Value& value, std::string_view path, model::Chat& chat) { return read(value, path, Slot(chat)); },
          [](json::Writer& w, std::string_view name, const model::Chat& chat, const Encoding&) { write(w, name, Slot(chat)); }};
}

struct Range {
  double low = 0;
  double high = 0;
};

/// A number with the reference's range.
template <auto Slot, Range range>
constexpr RequestField ranged_field(std::string_view key) {
  auto field = request_field<Slot>(key);
  field.write = [](json::Writer& w, std::string_view name, const model::Chat& chat, const Encoding& encoding) {
    const std::optional<model::Number>& said = Slot(chat);
    const auto number = said ? json::Value::number(said->text).as_double() : std::nullopt;
    if (encoding.own() || !number || (*number >= range.low && *number <= range.high)) {
      write(w, name, said);
      return;
    }
    w.key(name).number(*number < range.low ? range.low : range.high);
    encoding.lose(std::string{name}, "beyond OpenAI's range");
  };
  return field;
}

// Beyond OpenAI's own: top_k, min_p and repetition_penalty, as vLLM, OpenRouter and most compatible servers have them.
constexpr std::array table{
    ranged_field<[](auto& c) -> auto& { return c.sampling.temperature; }, Range{0, 2}>("temperature"),
    ranged_field<[](auto& c) -> auto& { return c.sampling.top_p; }, Range{0, 1}>("top_p"),
    request_field<[](auto& c) -> auto& { return c.sampling.top_k; }, Standing::beyond>("top_k"),
    request_field<[](auto& c) -> auto& { return c.sampling.min_p; }, Standing::beyond>("min_p"),
    ranged_field<[](auto& c) -> auto& { return c.sampling.frequency_penalty; }, Range{-2, 2}>("frequency_penalty"),
    ranged_field<[](auto& c) -> auto& { return c.sampling.presence_penalty; }, Range{-2, 2}>("presence_penalty"),
    request_field<[](auto& c) -> auto& { return c.sampling.repetition_penalty; }, Standing::beyond>("repetition_penalty"),
    request_field<[](auto& c) -> auto& { return c.sampling.seed; }>("seed"),
    request_field<[](auto& c) -> auto& { return c.sampling.logit_bias; }>("logit_bias"),
    request_field<[](auto& c) -> auto& { return c.limits.max_output_tokens; }>("max_completion_tokens"),
    request_field<[](auto& c) -> auto& { return c.limits.max_tokens; }>("max_tokens"),
    request_field<[](auto& c) -> auto& { return c.n; }>("n"),
    request_field<[](auto& c) -> auto& { return c.logprobs; }>("logprobs"),
    request_field<[](auto& c) -> auto& { return c.top_logprobs; }>("top_logprobs"),
    request_field<[](auto& c) -> auto& { return c.verbosity; }>("verbosity"),
    request_field<[](auto& c) -> auto& { return c.user; }>("user"),
    request_field<[](auto& c) -> auto& { return c.safety_identifier; }>("safety_identifier"),
    request_field<[](auto& c) -> auto& { return c.prompt_cache_key; }>("prompt_cache_key"),
    request_field<[](auto& c) -> auto& { return c.prompt_cache_retention; }>("prompt_cache_retention"),
    request_field<[](auto& c) -> auto& { return c.store; }>("store"),
    request_field<[](auto& c) -> auto& { return c.modalities; }>("modalities"),
    request_field<[](auto& c) -> auto& { return c.prediction; }>("prediction"),
    request_field<[](auto& c) -> auto& { return c.web_search; }>("web_search_options"),
    request_field<[](auto& c) -> auto& { return c.stream; }>("stream"),
};

}  // namespace

std::span<const RequestField> request_fields() { return table; }

}  // namespace cardea::dialect::openai

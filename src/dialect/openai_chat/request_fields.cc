#include "dialect/openai_chat/request_fields.h"

#include <array>

namespace cardea::dialect::openai {
namespace {

template <auto Slot>
constexpr RequestField request_field(std::string_view key) {
  return {key, [](const json::Value& value, std::string_view path, model::Chat& chat) { return read(value, path, Slot(chat)); },
          [](json::Writer& w, std::string_view name, const model::Chat& chat) { write(w, name, Slot(chat)); }};
}

// Beyond OpenAI's own: top_k, min_p and repetition_penalty, as vLLM, OpenRouter and most compatible servers have them.
constexpr std::array table{
    request_field<[](auto& c) -> auto& { return c.sampling.temperature; }>("temperature"),
    request_field<[](auto& c) -> auto& { return c.sampling.top_p; }>("top_p"),
    request_field<[](auto& c) -> auto& { return c.sampling.top_k; }>("top_k"),
    request_field<[](auto& c) -> auto& { return c.sampling.min_p; }>("min_p"),
    request_field<[](auto& c) -> auto& { return c.sampling.frequency_penalty; }>("frequency_penalty"),
    request_field<[](auto& c) -> auto& { return c.sampling.presence_penalty; }>("presence_penalty"),
    request_field<[](auto& c) -> auto& { return c.sampling.repetition_penalty; }>("repetition_penalty"),
    request_field<[](auto& c) -> auto& { return c.sampling.seed; }>("seed"),
    request_field<[](auto& c) -> auto& { return c.sampling.logit_bias; }>("logit_bias"),
    request_field<[](auto& c) -> auto& { return c.limits.max_output_tokens; }>("max_completion_tokens"),
    request_field<[](auto& c) -> auto& { return c.limits.max_tokens; }>("max_tokens"),
    request_field<[](auto& c) -> auto& { return c.n; }>("n"),
    request_field<[](auto& c) -> auto& { return c.logprobs; }>("logprobs"),
    request_field<[](auto& c) -> auto& { return c.top_logprobs; }>("top_logprobs"),
    request_field<[](auto& c) -> auto& { return c.parallel_tool_calls; }>("parallel_tool_calls"),
    request_field<[](auto& c) -> auto& { return c.verbosity; }>("verbosity"),
    request_field<[](auto& c) -> auto& { return c.service_tier; }>("service_tier"),
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

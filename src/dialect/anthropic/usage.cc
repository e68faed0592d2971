// Token counts, both directions. Anthropic's input_tokens are those that no cache held.

#include <array>

#include "dialect/anthropic/anthropic.h"

namespace cardea::dialect::claude {

using json::Value;

namespace {

void take(const Value& object, std::string_view key, model::Usage::Count& out) {
  const auto* value = given(object, key);
  const auto count = value != nullptr ? value->as_u64() : std::nullopt;
  if (count) out = count;
}

}  // namespace

void decode_usage(const Value& usage, model::Usage& out) {
  take(usage, "input_tokens", out.input);
  take(usage, "cache_read_input_tokens", out.cache_read);
  take(usage, "cache_creation_input_tokens", out.cache_write);
  take(usage, "output_tokens", out.output);
  if (const auto* details = given(usage, "output_tokens_details")) take(*details, "thinking_tokens", out.reasoning);
}

/// Both totals must be there: what nobody counted is 0.
void encode_usage(json::Writer& w, const model::Usage& usage, std::string_view tier, const model::Extras* own) {
  w.begin_object().key("input_tokens").number(usage.input.value_or(0));
  write(w, "cache_creation_input_tokens", usage.cache_write);
  write(w, "cache_read_input_tokens", usage.cache_read);
  w.key("output_tokens").number(usage.output.value_or(0));
  if (usage.reasoning) {
    w.key("output_tokens_details").begin_object();
    write(w, "thinking_tokens", usage.reasoning);
    w.end_object();
  }
  if (!tier.empty()) w.key("service_tier").string(tier);
  if (own != nullptr) write_inner(w, *own, "usage");
  w.end_object();
}

}  // namespace cardea::dialect::claude

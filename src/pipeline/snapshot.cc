#include "pipeline/snapshot.h"

#include "base/text.h"
#include "json/writer.h"

namespace cardea::pipeline {
namespace {

/// Pico-dollars as a decimal of dollars, as OpenRouter writes prices: "0.00000015".
std::string dollars(config::UsdPerMillion price) {
  constexpr std::size_t places = 12;
  std::string digits = cat(price.pico_usd_per_token);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  digits.insert(digits.size() - places, ".");
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.ends_with('.')) digits.pop_back();
  return digits;
}

/// US dollars per token.
void write_pricing(json::Writer& out, const config::Price& price) {
  out.key("pricing").begin_object();
  if (price.input) out.key("prompt").string(dollars(*price.input));
  if (price.output) out.key("completion").string(dollars(*price.output));
  if (price.cache_read) out.key("input_cache_read").string(dollars(*price.cache_read));
  if (price.cache_write) out.key("input_cache_write").string(dollars(*price.cache_write));
  out.end_object();
}

// OpenAI's four fields, and what clients of other gateways look for beside them.
void write_model(json::Writer& out, const catalog::Entry& entry) {
  out.begin_object();
  out.key("id").string(entry.id);
  out.key("object").string("model");
  out.key("created").number(entry.created);
  out.key("owned_by").string(entry.owned_by);
  const catalog::ModelInfo* info = entry.target.info;
  if (info != nullptr && info->context_tokens != 0) out.key("context_length").number(info->context_tokens);
  if (info != nullptr && info->max_output_tokens != 0) out.key("max_output_tokens").number(info->max_output_tokens);
  if (info != nullptr) out.key("type").string(config::to_text(info->type));
  if (info != nullptr && info->price.known()) write_pricing(out, info->price.raw);
  out.end_object();
}

}  // namespace

std::string render_model(const catalog::Entry& entry) {
  std::string text;
  json::Writer out{text};
  write_model(out, entry);
  return text;
}

dialect::Abilities abilities_of(const catalog::ModelInfo* info, std::string_view dialect) {
  using enum catalog::Capability;
  if (info == nullptr || info->capabilities == 0) return {};
  return {.images = info->can(vision),
          .audio = info->can(audio_in),
          // Who sees images reads pages too, whether or not that is written down; and Converse turns documents into text.
          .files = info->can(pdf) || info->can(vision) || dialect == "bedrock",
          .tools = info->can(tools),
          .reasoning = info->can(reasoning)};
}

std::string render_models(std::span<const catalog::Entry> models) {
  std::string text;
  json::Writer out{text};
  out.begin_object();
  out.key("object").string("list");
  out.key("data").begin_array();
  for (const catalog::Entry& entry : models) write_model(out, entry);
  out.end_array().end_object();
  return text;
}

}  // namespace cardea::pipeline

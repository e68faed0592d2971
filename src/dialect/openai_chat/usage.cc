// Token counts, both directions.

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"

namespace cardea::dialect::openai {

using json::Type;
using json::Value;

model::Usage decode_usage(const Value& usage) {
  const std::string whole = cat(R"({"usage":)", usage.dump(), '}');
  constexpr std::string_view outline[] = {"usage"};
  auto members = json::scan(whole, upstream_scan(outline));
  const auto* member = members ? members->find("usage") : nullptr;
  return member != nullptr && member->type == Type::object ? read_usage(*members, *member) : model::Usage{};
}

void encode_usage(json::Writer& w, const model::Usage& usage, Origin origin) {
  const bool own = origin == Origin::own;
  w.begin_object();
  if (usage.input || usage.cache_read || usage.cache_write || !own) w.key("prompt_tokens").number(usage.input_total());
  if (usage.output || !own) w.key("completion_tokens").number(usage.output.value_or(0));
  w.key("total_tokens").number(usage.total());
  if (usage.cache_read || usage.cache_write || usage.input_audio) {
    w.key("prompt_tokens_details").begin_object();
    write(w, "cached_tokens", usage.cache_read);
    write(w, "cache_write_tokens", usage.cache_write);
    write(w, "audio_tokens", usage.input_audio);
    w.end_object();
  }
  if (usage.reasoning || usage.output_audio || usage.accepted_prediction || usage.rejected_prediction) {
    w.key("completion_tokens_details").begin_object();
    write(w, "reasoning_tokens", usage.reasoning);
    write(w, "audio_tokens", usage.output_audio);
    write(w, "accepted_prediction_tokens", usage.accepted_prediction);
    write(w, "rejected_prediction_tokens", usage.rejected_prediction);
    w.end_object();
  }
  w.end_object();
}

}  // namespace cardea::dialect::openai

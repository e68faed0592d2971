// generationConfig and what else a request sets.

#include <algorithm>
#include <array>

#include "dialect/gemini/gemini.h"
#include "dialect/gemini/schema.h"
#include "dialect/translate.h"

namespace cardea::dialect::google {

using json::Type;
using json::Value;
using json::Writer;
using model::Chat;
using model::Number;

namespace {

/// Numbers that are one optional of the model.
struct NumberField {
  std::string_view key;
  std::optional<Number>& (*slot)(Chat& chat);
};
const std::optional<Number>& read_slot(const NumberField& number, const Chat& chat) {
  return number.slot(const_cast<Chat&>(chat));  // NOLINT: read only
}
constexpr std::array<NumberField, 6> number_fields{{
    {"temperature", [](Chat& c) -> auto& { return c.sampling.temperature; }},
    {"topP", [](Chat& c) -> auto& { return c.sampling.top_p; }},
    {"topK", [](Chat& c) -> auto& { return c.sampling.top_k; }},
    {"seed", [](Chat& c) -> auto& { return c.sampling.seed; }},
    {"presencePenalty", [](Chat& c) -> auto& { return c.sampling.presence_penalty; }},
    {"frequencyPenalty", [](Chat& c) -> auto& { return c.sampling.frequency_penalty; }},
}};

constexpr std::array<std::string_view, 17> config_fields{"temperature",
                                                         "topP",
                                                         "topK",
                                                         "seed",
                                                         "presencePenalty",
                                                         "frequencyPenalty",
                                                         "candidateCount",
                                                         "maxOutputTokens",
                                                         "stopSequences",
                                                         "responseLogprobs",
                                                         "logprobs",
                                                         "responseMimeType",
                                                         "responseSchema",
                                                         "responseJsonSchema",
                                                         "_responseJsonSchema",
                                                         "thinkingConfig",
                                                         "responseModalities"};

Status decode_format(const Value& config, std::string_view path, Chat& chat) {
  using Form = model::ResponseFormat::Kind;
  std::optional<std::string> type;
  auto status = read_field(config, "responseMimeType", path, type);
  if (!status) return status;
  const auto schema = field(config, "responseSchema");
  auto json_schema = field(config, "responseJsonSchema");
  if (!json_schema) json_schema = field(config, "_responseJsonSchema");
  status = expect(schema, Type::object, path);
  if (!status) return status;
  const bool json = !type || *type == "application/json";
  if (!type && !schema && !json_schema) return {};
  auto& out = chat.response_format.emplace();
  if (json && json_schema) {
    out.kind = Form::json_schema;
    out.schema = model::Json{json_schema.value->dump()};
  } else if (json && schema) {
    out.kind = Form::json_schema;
    out.schema = model::Json{from_gemini_schema(*schema.value).dump()};
  } else if (json) {
    out.kind = Form::json_object;
  } else if (*type != "text/plain" || schema || json_schema) {
    // "text/x.enum" and such.
    auto raw = Value::object({{"responseMimeType", Value::string(*type)}});
    if (schema) raw.set("responseSchema", *schema.value);
    if (json_schema) raw.set("responseJsonSchema", *json_schema.value);
    out.kind = Form::raw;
    out.raw = model::Json{raw.dump()};
  }
  return {};
}

Status decode_thinking(const Value& config, std::string_view path, Chat& chat) {
  constexpr std::array<std::string_view, 3> known{"thinkingBudget", "thinkingLevel", "includeThoughts"};
  const auto thinking = field(config, "thinkingConfig");
  auto status = expect(thinking, Type::object, path);
  if (!status || !thinking) return status;
  const auto inner = below(path, thinking.key);
  model::Reasoning out;
  const auto budget = field(*thinking.value, "thinkingBudget");
  if (budget && budget.value->as_i64() == -1) {
    out.mode = "adaptive";
  } else if (status = read_count(*thinking.value, "thinkingBudget", inner, out.budget_tokens); !status) {
    return status;
  }
  std::optional<std::string> level;
  status = read_field(*thinking.value, "thinkingLevel", inner, level);
  if (status) status = read_field(*thinking.value, "includeThoughts", inner, out.include);
  if (!status) return status;
  if (level && !level->empty() && !iequals(*level, "THINKING_LEVEL_UNSPECIFIED")) out.effort = to_lower(*level);
  if (out != model::Reasoning{}) chat.reasoning = std::move(out);
  collect_inner_rest(*thinking.value, "thinkingConfig", known, chat.extras);
  return {};
}

/// TEXT, IMAGE and AUDIO are "text", "image" and "audio" elsewhere.
Status decode_modalities(const Value& config, std::string_view path, Chat& chat) {
  auto status = read_field(config, "responseModalities", path, chat.modalities);
  if (!status || !chat.modalities) return status;
  for (auto& word : *chat.modalities) word = to_lower(word);
  return {};
}

Status decode_generation(const Value& config, std::string_view path, Chat& chat) {
  Status status;
  for (const auto& number : number_fields) {
    status = read_field(config, number.key, path, number.slot(chat));
    if (!status) return status;
  }
  status = read_count(config, "candidateCount", path, chat.n);
  if (status) status = read_count(config, "maxOutputTokens", path, chat.limits.max_output_tokens);
  if (status) status = read_field(config, "stopSequences", path, chat.stop);
  if (status) status = read_field(config, "responseLogprobs", path, chat.logprobs);
  if (status) status = read_count(config, "logprobs", path, chat.top_logprobs);
  if (status) status = decode_format(config, path, chat);
  if (status) status = decode_thinking(config, path, chat);
  if (status) status = decode_modalities(config, path, chat);
  if (status) collect_inner_rest(config, "generationConfig", config_fields, chat.extras);
  return status;
}

Status decode_safety(const Field& settings, Chat& chat) {
  auto status = expect(settings, Type::array, {});
  if (!status) return status;
  std::vector<model::SafetySetting> out;
  for (std::size_t i = 0; i < settings.value->elements().size(); ++i) {
    const auto& setting = settings.value->elements()[i];
    const auto path = cat(settings.key, '[', i, ']');
    if (!setting.is(Type::object)) return wrong_type(path, "an object", setting.type());
    std::optional<std::string> category;
    std::optional<std::string> threshold;
    status = read_field(setting, "category", path, category);
    if (status) status = read_field(setting, "threshold", path, threshold);
    if (!status) return status;
    if (!category || !threshold || setting.members().size() != 2) {
      // Vertex's `method`: more than the model has a place for.
      chat.extras.push_back({std::string{settings.key}, {settings.value->dump()}});
      return {};
    }
    out.push_back({std::move(*category), std::move(*threshold)});
  }
  chat.safety = std::move(out);
  return {};
}

/// The tiers' names here and at OpenAI.
struct Tier {
  std::string_view gemini;
  std::string_view neutral;
};
constexpr std::array<Tier, 5> tiers{{{"standard", "default"},
                                     {"flex", "flex"},
                                     {"priority", "priority"},
                                     {"unspecified", "auto"},
                                     {"standard", "standard_only"}}};

}  // namespace

Status decode_config(const Value& request, Chat& chat) {
  constexpr std::array<std::string_view, 8> known{"model", "contents",   "systemInstruction", "generationConfig",
                                                  "tools", "toolConfig", "safetySettings",    "serviceTier"};
  const auto config = field(request, "generationConfig");
  auto status = expect(config, Type::object, {});
  if (status && config) status = decode_generation(*config.value, config.key, chat);
  if (!status) return status;
  const auto safety = field(request, "safetySettings");
  if (safety) status = decode_safety(safety, chat);
  if (status) status = read_field(request, "serviceTier", {}, chat.service_tier);
  if (!status) return status;
  if (chat.service_tier) {
    const auto* tier = std::ranges::find(tiers, std::string_view{*chat.service_tier}, &Tier::gemini);
    if (tier != tiers.end()) chat.service_tier = tier->neutral;
  }
  collect_rest(request, known, chat.extras);
  return {};
}

// --- writing ------------------------------------------------------------------------------------------------------------------

namespace {

/// A number of another vendor's range in Gemini's, or nothing.
std::optional<std::string> fitted(std::string_view key, const Number& number, const Encoding& encoding) {
  const auto value = json::parse(number.text);
  const double real = value ? value->as_double().value_or(0) : 0;
  if (key == "temperature" && real > 2) {
    encoding.lose("temperature", "gemini takes at most 2");
    return "2";
  }
  if (key == "topK" && real < 1) {
    encoding.lose("top_k", "off is the default");
    return std::nullopt;
  }
  if (key != "seed") return number.text;
  const auto integer = json::to_i64(number.text);
  const bool fits = integer && *integer >= -2147483648LL && *integer <= 2147483647LL;
  if (fits) return number.text;
  const auto large = json::to_u64(number.text);
  encoding.lose("seed", "gemini takes 32 bits");
  if (large) return cat(*large & 0x7FFF'FFFFU);
  return integer ? std::optional{cat(static_cast<std::uint64_t>(*integer) & 0x7FFF'FFFFU)} : std::nullopt;
}

void write_numbers(Writer& w, const Chat& chat, const Encoding& encoding) {
  for (const auto& number : number_fields) {
    const auto& given = read_slot(number, chat);
    if (!given) continue;
    const auto text = encoding.own ? std::optional{given->text} : fitted(number.key, *given, encoding);
    if (text) w.key(number.key).raw(*text);
  }
}

void write_stop(Writer& w, const Chat& chat, const Encoding& encoding) {
  constexpr std::size_t stops_max = 5;
  if (!chat.stop) return;
  if (encoding.own || chat.stop->size() <= stops_max) {
    if (encoding.own || !chat.stop->empty()) write(w, "stopSequences", chat.stop);
    return;
  }
  encoding.lose_meaning("stop", "gemini takes at most five");
  write(w, "stopSequences",
        std::optional{std::vector<std::string>{chat.stop->begin(), chat.stop->begin() + static_cast<std::ptrdiff_t>(stops_max)}});
}

void write_schema(Writer& w, const model::ResponseFormat& format, const Encoding& encoding) {
  auto schema = json::parse(format.schema->text);
  if (!schema) return;
  const bool described = schema->is(Type::object) && schema->find("description") != nullptr;
  if (!encoding.own && format.description && schema->is(Type::object) && !described) {
    schema->set("description", Value::string(*format.description));
  }
  const auto subset = to_gemini_schema(*schema, {.ordering = true});
  if (subset && (!encoding.own || from_gemini_schema(*subset) == *schema)) {
    w.key("responseSchema").raw(subset->dump());
  } else {
    w.key("responseJsonSchema").raw(schema->dump());
  }
}

void write_format(Writer& w, const Chat& chat, const Encoding& encoding) {
  using Form = model::ResponseFormat::Kind;
  if (!chat.response_format) return;
  const auto& format = *chat.response_format;
  if (format.kind == Form::raw) {
    const auto raw = encoding.own && format.raw ? json::parse(format.raw->text) : Result<Value>{Value{}};
    if (!encoding.own) encoding.lose_meaning("response_format");
    if (!raw) return;
    for (const auto& [key, value] : raw->members()) w.key(key).raw(value.dump());
    return;
  }
  w.key("responseMimeType").string(format.kind == Form::text ? "text/plain" : "application/json");
  if (format.schema) write_schema(w, format, encoding);
  if (format.name) encoding.lose("response_format.name");
}

/// What a family's models allow (ai.google.dev/gemini-api/docs/thinking).
struct BudgetRange {
  std::string_view family;
  std::uint64_t least;  ///< above 0
  std::uint64_t most;
  bool can_be_off;
};
constexpr std::array<BudgetRange, 4> budget_ranges{{{"2.5-flash-lite", 512, 24'576, true},
                                                    {"2.5-flash", 1, 24'576, true},
                                                    {"2.5-pro", 128, 32'768, false},
                                                    {"robotics-er", 1, 24'576, true}}};

std::uint64_t fitted_budget(std::uint64_t budget, std::string_view model, const Encoding& encoding) {
  for (const auto& range : budget_ranges) {
    if (model.find(range.family) == std::string_view::npos) continue;
    if (budget == 0 && range.can_be_off) return 0;
    const auto out = std::clamp(budget, range.least, range.most);
    if (out != budget) encoding.lose("reasoning", "the nearest budget that the model takes");
    return out;
  }
  return budget;
}

void write_level(Writer& w, std::string_view effort, const Encoding& encoding) {
  constexpr std::array<std::string_view, 4> levels{"minimal", "low", "medium", "high"};
  const bool known = std::ranges::find(levels, effort) != levels.end();
  const std::string_view level = known ? effort : effort == "none" ? levels.front() : levels.back();
  if (!known) encoding.lose("reasoning", "the nearest level that gemini has");
  std::string word{level};
  for (auto& c : word) c = static_cast<char>(c - 'a' + 'A');
  w.key("thinkingLevel").string(word);
}

/// Reasoning as other dialects ask for it: by effort or by budget, on or off.
void write_foreign_thinking(Writer& w, const Chat& chat, const Encoding& encoding) {
  const auto& asked = *chat.reasoning;
  const bool off = asked.mode == "disabled" || asked.effort == "none" || asked.budget_tokens == 0U;
  const bool dynamic = !asked.effort && !asked.budget_tokens && asked.mode && !off;
  const bool thoughtless =
      chat.model.find("gemini-1.") != std::string::npos || chat.model.find("gemini-2.0") != std::string::npos;
  if (thoughtless) {
    if (!off) encoding.lose("reasoning", "the model does not think");
    return;
  }
  const bool amount = off || asked.effort || asked.budget_tokens;
  if (encoding.gemini_3) {
    if (amount) {
      write_level(w, off ? "none" : asked.effort ? std::string_view{*asked.effort} : effort_of(*asked.budget_tokens), encoding);
    }
  } else if (amount) {
    const auto budget = off ? 0 : asked.budget_tokens ? *asked.budget_tokens : budget_of(*asked.effort);
    w.key("thinkingBudget").number(fitted_budget(budget, chat.model, encoding));
  } else if (dynamic) {
    w.key("thinkingBudget").number(-1);
  }
  // Who asks for reasoning is shown it, unless they say that they do not want to.
  if (!off || asked.include) w.key("includeThoughts").boolean(asked.include.value_or(true));
}

void write_thinking(Writer& w, const Chat& chat, const Encoding& encoding) {
  std::string inner;
  Writer thinking{inner};
  thinking.begin_object();
  if (chat.reasoning && !encoding.own) write_foreign_thinking(thinking, chat, encoding);
  if (chat.reasoning && encoding.own) {
    const auto& asked = *chat.reasoning;
    if (asked.mode == "adaptive") thinking.key("thinkingBudget").number(-1);
    write(thinking, "thinkingBudget", asked.budget_tokens);
    if (asked.effort) {
      std::string level = *asked.effort;
      for (auto& c : level) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      thinking.key("thinkingLevel").string(level);
    }
    write(thinking, "includeThoughts", asked.include);
  }
  if (encoding.own) write_inner(thinking, chat.extras, "thinkingConfig");
  thinking.end_object();
  if (inner != "{}") w.key("thinkingConfig").raw(inner);
}

void write_modalities(Writer& w, const Chat& chat, const Encoding& encoding) {
  if (!chat.modalities) return;
  constexpr std::array<std::string_view, 3> known{"text", "image", "audio"};
  std::vector<std::string> words;
  for (const auto& word : *chat.modalities) {
    if (!encoding.own && std::ranges::find(known, word) == known.end()) {
      encoding.lose_meaning("modalities", "gemini says text and images and audio");
      continue;
    }
    auto& upper = words.emplace_back(word);
    for (auto& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  if (encoding.own || !words.empty()) write(w, "responseModalities", std::optional{std::move(words)});
}

/// The one `detail` of all images, when mediaResolution can say it for the whole request.
std::optional<std::string_view> shared_resolution(const Chat& chat) {
  std::optional<std::string_view> detail;
  for (const auto& message : chat.messages) {
    for (const auto& part : message.parts) {
      const auto* image = std::get_if<model::Image>(&part.value);
      if (image == nullptr && !is_media(part)) continue;
      const std::string_view own = image != nullptr && image->detail ? std::string_view{*image->detail} : "auto";
      if (own == "auto" || (detail && *detail != own)) return std::nullopt;
      detail = own;
    }
  }
  if (detail == "low") return "MEDIA_RESOLUTION_LOW";
  return detail == "high" ? std::optional<std::string_view>{"MEDIA_RESOLUTION_HIGH"} : std::nullopt;
}

void write_generation(Writer& w, const Chat& chat, const Encoding& encoding) {
  write_numbers(w, chat, encoding);
  write(w, "candidateCount", chat.n);
  write(w, "maxOutputTokens", chat.limits.max_output_tokens ? chat.limits.max_output_tokens : chat.limits.max_tokens);
  write_stop(w, chat, encoding);
  write_format(w, chat, encoding);
  write(w, "responseLogprobs", chat.logprobs);
  write(w, "logprobs", chat.top_logprobs);
  write_thinking(w, chat, encoding);
  write_modalities(w, chat, encoding);
  if (encoding.detail_said) w.key("mediaResolution").string(*shared_resolution(chat));
  if (encoding.own) write_inner(w, chat.extras, "generationConfig");
}

void write_safety(Writer& w, const std::vector<model::SafetySetting>& settings) {
  w.key("safetySettings").begin_array();
  for (const auto& setting : settings) {
    w.begin_object().key("category").string(setting.category).key("threshold").string(setting.threshold).end_object();
  }
  w.end_array();
}

void write_tier(Writer& w, const std::string& tier, const Encoding& encoding) {
  const auto* row = std::ranges::find(tiers, std::string_view{tier}, &Tier::neutral);
  if (row != tiers.end() && (encoding.own || tier != "auto")) {
    w.key("serviceTier").string(row->gemini);
  } else if (encoding.own) {
    w.key("serviceTier").string(tier);
  } else if (tier != "auto") {  // which is what it is when it is not said
    encoding.lose("service_tier");
  }
}

/// What Gemini has no field for.
void lose_rest(const Chat& chat, const Encoding& encoding) {
  const auto lose = [&](bool given, std::string_view field) {
    if (given) encoding.lose(std::string{field});
  };
  lose(chat.sampling.min_p.has_value(), "min_p");
  lose(chat.sampling.repetition_penalty.has_value(), "repetition_penalty");
  lose(chat.sampling.logit_bias.has_value(), "logit_bias");
  lose(chat.verbosity.has_value(), "verbosity");
  lose(chat.user.has_value(), "user");
  lose(chat.safety_identifier.has_value(), "safety_identifier");
  lose(chat.prompt_cache_key.has_value(), "prompt_cache_key");
  lose(chat.prompt_cache_retention.has_value(), "prompt_cache_retention");
  lose(chat.metadata.has_value(), "metadata");
  lose(chat.store.value_or(false), "store");
  lose(chat.audio.has_value(), "audio");
  lose(chat.prediction.has_value(), "prediction");
  for (const auto& extra : chat.extras) encoding.lose(extra.key);
}

}  // namespace

bool says_detail_at_once(const Chat& chat) { return shared_resolution(chat).has_value(); }

void write_config(Writer& w, const Chat& chat, const Encoding& encoding) {
  constexpr std::array<std::string_view, 4> inner_names{"generationConfig", "toolConfig", "functionCallingConfig",
                                                        "thinkingConfig"};
  std::string inner;
  Writer config{inner};
  config.begin_object();
  write_generation(config, chat, encoding);
  config.end_object();
  if (inner != "{}") w.key("generationConfig").raw(inner);
  if (chat.safety) write_safety(w, *chat.safety);
  if (chat.service_tier) write_tier(w, *chat.service_tier, encoding);
  if (encoding.own) {
    write_extras(w, chat.extras, inner_names);
  } else {
    lose_rest(chat, encoding);
  }
}

}  // namespace cardea::dialect::google

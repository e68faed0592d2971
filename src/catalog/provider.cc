#include <chrono>

#include "base/text.h"
#include "catalog/data.h"

namespace cardea::catalog {
namespace {

constexpr std::string_view token_punctuation = "!#$%&'*+-.^_`|~";  // RFC 9110 §5.6.2

bool is_token(std::string_view text) {
  for (const char c : text) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alnum && token_punctuation.find(c) == std::string_view::npos) return false;
  }
  return !text.empty();
}

/// No control character but tab (RFC 9110 §5.5): a line break in a value would be a header of its own.
bool is_header_value(std::string_view text) {
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

/// Headers that the connection sets itself.
bool is_reserved(std::string_view name) {
  for (const std::string_view reserved :
       {"host", "content-length", "transfer-encoding", "connection", "content-type", "accept", "te", "upgrade", "accept-encoding",
        "keep-alive", "proxy-connection", "trailer", "expect"}) {
    if (iequals(name, reserved)) return true;
  }
  return false;
}

std::string_view trim_lines(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

void add_header(Made& made, std::string& head, Made::Wrong::Field field, std::string_view name, std::string_view prefix,
                std::string_view value) {
  if (!is_token(name) || is_reserved(name)) {
    made.problems.push_back({field, cat("the header '", name, "' cannot be set"), "name another header"});
  } else if (!is_header_value(value)) {
    made.problems.push_back(
        {field, cat("the value of header '", name, "' holds a line break or another control character"), "remove it"});
  } else {
    head += cat(name, ": ", prefix, value, "\r\n");
  }
}

}  // namespace

Secret find_key(const config::Provider& data, const config::Env& env) {
  for (const auto* given : {&data.api_key, &data.auth.value}) {
    if (const auto key = trim_lines(given->reveal()); !key.empty()) return Secret{std::string{key}};
  }
  for (const auto& name : data.key_env) {
    const auto value = env(name);
    if (const auto key = trim_lines(value ? std::string_view{*value} : std::string_view{}); !key.empty())
      return Secret{std::string{key}};
  }
  return {};
}

std::string key_hint(const config::Provider& data) {
  return data.key_env.empty() ? "give it an api_key" : cat("set ", data.key_env.front());
}

Made make_provider(std::string name, const config::Provider& data, const Secret& key) {
  using Field = Made::Wrong::Field;
  Made made;
  auto& out = made.provider;
  out.name = std::move(name);
  out.public_name = out.name;
  out.title = data.title.empty() ? out.name : data.title;
  out.dialect = config::to_text(data.dialect);
  out.quirks = data.quirks;
  if (auto endpoint = parse_endpoint(data.base_url)) {
    out.endpoint = *std::move(endpoint);
  } else {
    made.problems.push_back({Field::base_url, std::string{endpoint.error().message()}, "write e.g. http://HOST:PORT/v1"});
  }
  out.authority = out.endpoint.authority();
  out.chat_path = out.path("/chat/completions");
  out.key = key;
  std::string head;
  if (!key.empty() && data.auth.type != config::AuthType::none) {
    const bool own_header = !data.auth.header.empty() && !iequals(data.auth.header, "authorization");
    const bool bare = own_header || data.auth.type == config::AuthType::header;
    add_header(made, head, Field::key, own_header ? data.auth.header : "Authorization", bare ? "" : "Bearer ", key.reveal());
  }
  for (const auto& [header, value] : data.headers) {
    if (!value.empty()) add_header(made, head, Field::headers, header, "", value);
  }
  out.head = Secret{std::move(head)};
  for (const auto& model : data.models) out.models.push_back(make_model(model, data));
  return made;
}

void take_facts(ModelInfo& info, const config::Facts& facts) {
  if (facts.context) info.context_tokens = *facts.context;
  if (facts.max_output) info.max_output_tokens = *facts.max_output;
  for (const auto capability : facts.capabilities) info.capabilities |= 1U << static_cast<unsigned>(capability);
  const Price price{facts.price};
  if (price.known()) info.price = price;
  if (!facts.as_of.empty()) info.as_of = facts.as_of;
  if (!facts.source.empty()) info.source = facts.source;
}

ModelInfo make_model(const config::ProviderModel& data, const config::Provider& provider) {
  ModelInfo info;
  info.id = data.id;
  info.type = data.type.value_or(ModelType::llm);
  info.as_of = provider.as_of;
  info.source = provider.source;
  take_facts(info, data.facts);
  return info;
}

std::int64_t unix_time(std::string_view date) {
  constexpr std::int64_t unknown = 1'735'689'600;  // 2025-01-01
  if (date.size() != 10 || date[4] != '-' || date[7] != '-') return unknown;
  const auto year = parse_number<std::uint32_t>(date.substr(0, 4));
  const auto month = parse_number<std::uint32_t>(date.substr(5, 2));
  const auto day = parse_number<std::uint32_t>(date.substr(8, 2));
  if (!year || !month || !day) return unknown;
  const std::chrono::year_month_day when{std::chrono::year{static_cast<int>(*year)}, std::chrono::month{*month},
                                         std::chrono::day{*day}};
  if (!when.ok()) return unknown;
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::sys_days{when}.time_since_epoch()).count();
}

Money Price::cost(const model::Usage& usage) const {
  // 128 bits: 2^64 tokens at a million dollars per million tokens do not overflow.
  using Wide = __int128;
  const auto per = [](const std::optional<config::UsdPerMillion>& own,
                      const std::optional<config::UsdPerMillion>& other) -> Wide {
    return own ? own->pico_usd_per_token : other ? other->pico_usd_per_token : 0;
  };
  const auto part = [](model::Usage::Count count, std::uint64_t of) -> std::uint64_t { return std::min(count.value_or(0), of); };
  const auto input = usage.input.value_or(0);
  const auto audio_in = part(usage.input_audio, input);
  const auto output = usage.output.value_or(0);
  const auto reasoning = part(usage.reasoning, output);
  const auto audio_out = part(usage.output_audio, output - reasoning);
  const Wide pico = per(raw.input, {}) * (input - audio_in) + per(raw.audio_in, raw.input) * audio_in +
                    per(raw.cache_read, raw.input) * usage.cache_read.value_or(0) +
                    per(raw.cache_write, raw.input) * usage.cache_write.value_or(0) +
                    per(raw.output, {}) * (output - reasoning - audio_out) + per(raw.reasoning, raw.output) * reasoning +
                    per(raw.audio_out, raw.output) * audio_out;
  constexpr Wide most = std::numeric_limits<std::int64_t>::max();
  return {static_cast<std::int64_t>(std::min(most, (pico + 999) / 1000))};
}

}  // namespace cardea::catalog

#include "config/field.h"

#include <charconv>

#include "base/text.h"

namespace cardea::config {
namespace {

std::string kind_name(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::null: return "nothing";
    case Node::Kind::scalar: return "a plain value";
    case Node::Kind::list: return "a list";
    case Node::Kind::map: return "a mapping";
  }
  return {};
}

std::string joined(std::span<const std::string_view> words) {
  std::string out;
  for (const auto word : words) out += cat(out.empty() ? "" : ", ", word);
  return out;
}

/// A number and the unit behind it: "250ms" → 250, "ms".
struct Measure {
  std::uint64_t number;
  std::string_view unit;
};
std::optional<Measure> split_measure(std::string_view text) {
  const auto digits = text.find_first_not_of("0123456789");
  const auto number = parse_number<std::uint64_t>(text.substr(0, digits));
  if (!number) return std::nullopt;
  return Measure{*number, digits == std::string_view::npos ? std::string_view{} : trim(text.substr(digits))};
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit size_units[] = {{"GiB", 1U << 30}, {"MiB", 1U << 20}, {"KiB", 1U << 10}, {"GB", 1'000'000'000},
                               {"MB", 1'000'000}, {"KB", 1'000},     {"kB", 1'000},     {"g", 1U << 30},
                               {"m", 1U << 20},   {"k", 1U << 10},   {"B", 1},          {"", 1}};
constexpr Unit time_units[] = {{"h", 3'600'000}, {"m", 60'000}, {"min", 60'000}, {"s", 1'000}, {"ms", 1}};

std::optional<std::uint64_t> measure(std::string_view text, std::span<const Unit> units) {
  const auto split = split_measure(text);
  if (!split) return std::nullopt;
  for (const auto& unit : units) {
    if (unit.name != split->unit) continue;
    std::uint64_t out = 0;
    if (__builtin_mul_overflow(split->number, unit.factor, &out)) return std::nullopt;
    return out;
  }
  return std::nullopt;
}

std::string shown_with(std::uint64_t value, std::span<const Unit> units) {
  for (const auto& unit : units) {
    if (value >= unit.factor && value % unit.factor == 0) return cat(value / unit.factor, unit.name);
  }
  return cat(value);
}

void out_of_bounds(Reader& reader, const Node& node, const Field& field, std::string (*shown)(std::uint64_t)) {
  const auto& spec = field.spec;
  const auto range =
      spec.max == ~std::uint64_t{0} ? cat("at least ", shown(spec.min)) : cat(shown(spec.min), " to ", shown(spec.max));
  reader.problem(node, cat("'", node.shown(), "' is out of bounds"), cat("use ", range));
}
bool within(std::uint64_t value, const Field& field) { return value >= field.spec.min && value <= field.spec.max; }

std::string show_number(std::uint64_t value) { return cat(value); }
std::string show_size(std::uint64_t value) { return shown_with(value, size_units); }
std::string show_time(std::uint64_t value) { return value == 0 ? "0" : shown_with(value, time_units); }

/// The names a key may have been meant as: the nearest field, or the field that has it among its `also`.
std::string_view meant(const Table& table, std::string_view key) {
  for (const auto& field : table.fields) {
    bool known = false;
    for_each_in_list(field.spec.also, [&](std::string_view other) { known = known || iequals(other, key); });
    if (known) return field.name;
  }
  std::vector<std::string_view> names;
  for (const auto& field : table.fields) names.push_back(field.name);
  return nearest(key, names.data(), names.size());
}

void unknown_key(Reader& reader, const Node::Entry& entry, const Table& table) {
  std::vector<std::string_view> names;
  for (const auto& field : table.fields) names.push_back(field.name);
  const auto guess = meant(table, entry.key);
  Node place;
  place.line = entry.line;
  place.column = entry.column;
  reader.problem(place, "unknown key", guess.empty() ? cat("known here: ", joined(names)) : cat("did you mean '", guess, "'?"));
}

}  // namespace

bool expect_scalar(Reader& reader, const Node& node, std::string_view what) {
  if (node.kind == Node::Kind::scalar) return true;
  reader.problem(node, cat("expected ", what, ", found ", kind_name(node.kind)), "write one value behind the colon");
  return false;
}

bool expect_map(Reader& reader, const Node& node) {
  if (node.kind == Node::Kind::map) return true;
  reader.problem(node, cat("expected a mapping, found ", kind_name(node.kind)), "write 'key: value' lines, indented below");
  return false;
}

const Field* find_field(const Table& table, std::string_view name) {
  for (const auto& field : table.fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

void read_object(Reader& reader, Node& node, void* out, const Table& table) {
  std::vector<std::string> given;
  const auto path = reader.path;
  if (node.kind == Node::Kind::scalar && !table.shorthand.empty()) {
    const auto* field = find_field(table, table.shorthand);
    field->codec->read(reader, node, field->at(out), *field);
    given.emplace_back(field->name);
  } else {
    if (!expect_map(reader, node)) return;
    for (auto& entry : node.map) {
      reader.path = path.empty() ? entry.key : cat(path, ".", entry.key);
      const auto* field = find_field(table, entry.key);
      if (field == nullptr) {
        unknown_key(reader, entry, table);
        continue;
      }
      given.emplace_back(field->name);
      if (reader.places != nullptr) reader.places->set(reader.path, {reader.file, entry.line, entry.column});
      // "key:" with nothing behind it leaves the default; a variable that is not set was reported where it stands.
      const bool textual = field->codec->shape == Shape::text || field->codec->shape == Shape::secret;
      if (entry.value.kind == Node::Kind::null || (entry.value.missing && !textual)) continue;
      field->codec->read(reader, entry.value, field->at(out), *field);
    }
    reader.path = path;
    for (const auto& field : table.fields) {
      if (!field.spec.required || std::find(given.begin(), given.end(), field.name) != given.end()) continue;
      reader.problem(node, cat("'", field.name, "' is missing"), cat("add '", field.name, ": ", field.spec.example, "'"));
    }
  }
  if (table.placed != nullptr) table.placed(out, {reader.file, node.line, node.column}, given);
}

void write_object(json::Writer& out, const void* object, const Table& table) {
  out.begin_object();
  for (const auto& field : table.fields) {
    if (field.codec->shape == Shape::secret) continue;
    // Reading only, though `at` serves writers too.
    const auto written = [&field](const void* owner) {
      std::string text;
      json::Writer writer{text};
      field.codec->write(writer, field.at(const_cast<void*>(owner)));  // NOLINT
      return text;
    };
    const auto value = written(object);
    if (value != written(table.defaults())) out.key(field.name).raw(value);
  }
  out.end_object();
}

void write_text(json::Writer& out, const void* value) { out.string(*static_cast<const std::string*>(value)); }
void write_number(json::Writer& out, const void* value) { out.number(*static_cast<const std::uint32_t*>(value)); }
void write_nothing(json::Writer& out, const void*) { out.string(""); }
void write_usd(json::Writer& out, const void* value) { out.raw(show_usd(value)); }

void read_text(Reader& reader, Node& node, void* out, const Field&) {
  if (expect_scalar(reader, node, "text")) *static_cast<std::string*>(out) = std::move(node.text);
}

void read_secret(Reader& reader, Node& node, void* out, const Field&) {
  if (!expect_scalar(reader, node, "a secret")) return;
  *static_cast<Secret*>(out) = Secret{std::move(node.text)};
}

void read_u32(Reader& reader, Node& node, void* out, const Field& field) {
  if (!expect_scalar(reader, node, "a whole number")) return;
  const auto value = parse_number<std::uint32_t>(node.text);
  if (!value)
    return reader.problem(node, cat("'", node.shown(), "' is not a whole number"),
                          cat("write a number, e.g. ", field.spec.example));
  if (!within(*value, field)) return out_of_bounds(reader, node, field, show_number);
  *static_cast<std::uint32_t*>(out) = *value;
}

void read_bytes(Reader& reader, Node& node, void* out, const Field& field) {
  if (!expect_scalar(reader, node, "a size")) return;
  const auto value = measure(node.text, size_units);
  if (!value)
    return reader.problem(node, cat("'", node.shown(), "' is not a size"), "write a number with KiB, MiB or GiB, e.g. 32MiB");
  if (!within(*value, field)) return out_of_bounds(reader, node, field, show_size);
  static_cast<Bytes*>(out)->count = *value;
}

void read_duration(Reader& reader, Node& node, void* out, const Field& field) {
  if (!expect_scalar(reader, node, "a duration")) return;
  const auto value = node.text == "0" ? std::optional<std::uint64_t>{0} : measure(node.text, time_units);
  if (!value)
    return reader.problem(node, cat("'", node.shown(), "' is not a duration"),
                          "write a number with its unit: 250ms, 5s, 2m or 1h");
  if (!within(*value, field)) return out_of_bounds(reader, node, field, show_time);
  *static_cast<Milliseconds*>(out) = Milliseconds{static_cast<std::int64_t>(*value)};
}

namespace {
/// A decimal as a whole number of units of 10^-decimals; at most `whole_max` before the dot.
std::optional<std::int64_t> read_decimal(std::string_view text, std::size_t decimals, std::uint64_t whole_max) {
  const auto dot = text.find('.');
  auto fraction = dot == std::string_view::npos ? std::string{} : std::string{text.substr(dot + 1)};
  const auto whole = parse_number<std::uint64_t>(text.substr(0, dot));
  if (fraction.size() <= decimals && (dot == std::string_view::npos || !fraction.empty())) fraction.resize(decimals, '0');
  const auto part = fraction.size() == decimals ? parse_number<std::uint64_t>(fraction) : std::nullopt;
  if (!whole || !part || *whole > whole_max) return std::nullopt;
  std::uint64_t scale = 1;
  for (std::size_t i = 0; i < decimals; ++i) scale *= 10;
  return static_cast<std::int64_t>(*whole * scale + *part);
}
std::string show_decimal(std::int64_t value, std::size_t decimals) {
  std::string digits = cat(value);
  if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
  digits.insert(digits.size() - decimals, ".");
  while (digits.back() == '0' && digits[digits.size() - 3] != '.') digits.pop_back();
  return digits;
}
constexpr std::size_t price_decimals = 6;  // a millionth of a dollar per million tokens is one pico-dollar per token
constexpr std::size_t usd_decimals = 9;
constexpr std::uint64_t price_dollars_max = 1'000'000;
constexpr std::uint64_t dollars_max = 1'000'000'000;
}  // namespace

void read_price(Reader& reader, Node& node, void* out, const Field&) {
  if (!expect_scalar(reader, node, "a price")) return;
  const auto value = read_decimal(node.text, price_decimals, price_dollars_max);
  if (!value) {
    return reader.problem(node, cat("'", node.shown(), "' is not a price"),
                          "write US dollars per million tokens with at most 6 decimals, e.g. 0.15");
  }
  static_cast<UsdPerMillion*>(out)->pico_usd_per_token = *value;
}

void read_usd(Reader& reader, Node& node, void* out, const Field&) {
  if (!expect_scalar(reader, node, "an amount")) return;
  const auto value = read_decimal(node.text, usd_decimals, dollars_max);
  if (!value) {
    return reader.problem(node, cat("'", node.shown(), "' is not an amount of money"),
                          "write US dollars with at most 9 decimals, e.g. 12.50");
  }
  static_cast<Money*>(out)->nano_usd = *value;
}

std::optional<std::size_t> read_choice(Reader& reader, const Node& node, std::span<const std::string_view> choices) {
  if (!expect_scalar(reader, node, cat("one of ", joined(choices)))) return std::nullopt;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (node.text == choices[i]) return i;
  }
  for (const auto& other : other_names(choices)) {
    if (node.text == other.name) return other.index;
  }
  const auto guess = node.written.empty() ? nearest(node.text, choices.data(), choices.size()) : std::string_view{};
  reader.problem(node, cat("'", node.shown(), "' is not one of ", joined(choices)),
                 guess.empty() ? cat("use one of ", joined(choices)) : cat("did you mean '", guess, "'?"));
  return std::nullopt;
}

std::string show_text(const void* value) { return *static_cast<const std::string*>(value); }
std::string show_u32(const void* value) { return cat(*static_cast<const std::uint32_t*>(value)); }
std::string show_bytes(const void* value) { return show_size(static_cast<const Bytes*>(value)->count); }
std::string show_duration(const void* value) {
  return show_time(static_cast<std::uint64_t>(static_cast<const Milliseconds*>(value)->count()));
}
std::string show_price(const void* value) {
  return show_decimal(static_cast<const UsdPerMillion*>(value)->pico_usd_per_token, price_decimals);
}
std::string show_usd(const void* value) { return show_decimal(static_cast<const Money*>(value)->nano_usd, usd_decimals); }

namespace {
constexpr std::string_view tls_versions[] = {"1.2", "1.3"};
constexpr std::string_view log_formats[] = {"auto", "json", "console"};
constexpr std::string_view log_levels[] = {"debug", "info", "warn", "error", "off"};
constexpr std::string_view auth_types[] = {"api_key", "bearer", "header", "none", "sigv4", "google_service_account"};
constexpr std::string_view model_types[] = {"llm", "chat", "nlp",   "completion", "embedding", "rerank", "image",
                                            "asr", "tts",  "audio", "moderation", "video",     "other"};
constexpr std::string_view capabilities[] = {"vision",    "tools",     "parallel_tools", "json_schema",
                                             "json_mode", "reasoning", "audio_in",       "audio_out",
                                             "pdf",       "caching",   "web_search"};
constexpr std::string_view max_tokens_fields[] = {"as_sent", "max_tokens", "max_completion_tokens"};
constexpr std::string_view dialects[] = {
    "openai_chat", "openai_responses", "openai_completions", "anthropic", "gemini", "bedrock", "cohere", "ollama", "native"};
constexpr OtherName dialect_names[] = {
    {"openai", 0}, {"chat_completions", 0}, {"responses", 1},        {"completions", 2}, {"messages", 3},
    {"claude", 3}, {"google", 4},           {"generate_content", 4}, {"converse", 5},    {"cardea", 8}};
constexpr std::string_view switches[] = {"off", "on"};
constexpr OtherName switch_names[] = {{"true", 1},  {"True", 1},  {"yes", 1}, {"On", 1},  {"ON", 1},  {"1", 1},
                                      {"false", 0}, {"False", 0}, {"no", 0},  {"Off", 0}, {"OFF", 0}, {"0", 0}};
constexpr std::string_view client_auths[] = {"off", "optional", "required"};
constexpr std::string_view passthroughs[] = {"off", "on", "auto"};  // the first two as of switches
constexpr std::string_view signings[] = {"off", "on", "required"};  // the same
constexpr std::string_view metrics_auths[] = {"auto", "key", "open"};
constexpr std::string_view roles[] = {"key", "member", "auditor", "operator", "admin", "owner"};
constexpr std::string_view periods[] = {"hour", "day", "week", "month", "total"};
}  // namespace

template <>
std::span<const std::string_view> choices_of<TlsVersion>() {
  return tls_versions;
}
template <>
std::span<const std::string_view> choices_of<ClientAuth>() {
  return client_auths;
}
template <>
std::span<const std::string_view> choices_of<LogFormat>() {
  return log_formats;
}
template <>
std::span<const std::string_view> choices_of<LogLevel>() {
  return log_levels;
}
template <>
std::span<const std::string_view> choices_of<AuthType>() {
  return auth_types;
}
template <>
std::span<const std::string_view> choices_of<ModelType>() {
  return model_types;
}
template <>
std::span<const std::string_view> choices_of<Capability>() {
  return capabilities;
}
template <>
std::span<const std::string_view> choices_of<MaxTokensField>() {
  return max_tokens_fields;
}
template <>
std::span<const std::string_view> choices_of<Dialect>() {
  return dialects;
}
template <>
std::span<const std::string_view> choices_of<Switch>() {
  return switches;
}
template <>
std::span<const std::string_view> choices_of<Passthrough>() {
  return passthroughs;
}
template <>
std::span<const std::string_view> choices_of<Signing>() {
  return signings;
}
template <>
std::span<const std::string_view> choices_of<MetricsAuth>() {
  return metrics_auths;
}
template <>
std::span<const std::string_view> choices_of<Role>() {
  return roles;
}
template <>
std::span<const std::string_view> choices_of<Period>() {
  return periods;
}

std::span<const OtherName> other_names(std::span<const std::string_view> choices) {
  if (choices.data() == std::data(dialects)) return dialect_names;
  const auto* which = choices.data();
  if (which == std::data(switches) || which == std::data(passthroughs) || which == std::data(signings)) return switch_names;
  return {};
}

std::string_view to_text(ModelType type) { return model_types[static_cast<std::size_t>(type)]; }
std::string_view to_text(Capability capability) { return capabilities[static_cast<std::size_t>(capability)]; }
std::string_view to_text(Dialect dialect) { return dialects[static_cast<std::size_t>(dialect)]; }
std::string_view to_text(Role role) { return roles[static_cast<std::size_t>(role)]; }
std::string_view to_text(Period period) { return periods[static_cast<std::size_t>(period)]; }

}  // namespace cardea::config

#include <chrono>

#include "base/text.h"
#include "catalog/data.h"
#include "catalog/dialects.h"

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

void add_header(Made& made, std::string& head, Wrong::Field field, std::string_view name, std::string_view prefix,
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

void add_credential(Made& made, std::string& head, const config::Auth& auth, const Proof& proof, const DialectFacts& facts) {
  using Field = Wrong::Field;
  if (proof.way == Proof::Way::bearer) return add_header(made, head, Field::key, "Authorization", "Bearer ", proof.key.reveal());
  if (proof.way != Proof::Way::key || auth.type == config::AuthType::none) return;
  std::string_view name = auth.header;
  if (name.empty() && auth.type == config::AuthType::api_key) name = facts.key_header;
  const bool own_header = !name.empty() && !iequals(name, "authorization");
  const bool bare = own_header || auth.type == config::AuthType::header;
  add_header(made, head, Field::key, own_header ? name : "Authorization", bare ? "" : "Bearer ", proof.key.reveal());
}

/// `every`: the line that the dialect wants in every request, unless the data says it otherwise (or empty: not at all).
void add_own_headers(Made& made, std::string& head, const config::Map<std::string>& own, std::string_view every) {
  const auto colon = every.find(':');
  const auto every_name = every.substr(0, colon);
  const auto same = [&](const auto& header) { return iequals(header.first, every_name); };
  if (!every.empty() && std::none_of(own.begin(), own.end(), same))
    add_header(made, head, Wrong::Field::headers, every_name, "", trim(every.substr(colon + 1)));
  for (const auto& [header, value] : own) {
    if (!value.empty()) add_header(made, head, Wrong::Field::headers, header, "", value);
  }
}

/// One segment of a path (RFC 3986 §3.3): what could end it, or be taken for a query, is escaped.
void append_segment(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "-._~!$&'()*+,;=:@";
  for (const char c : text) {
    const auto lower = ascii_lower(c);
    const auto byte = static_cast<unsigned char>(c);
    if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || plain.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      out.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
  }
}

}  // namespace

Made make_provider(std::string name, const config::Provider& data, const Proof& proof) {
  using Field = Wrong::Field;
  Made made{.provider = {}, .problems = proof.problems};
  auto& out = made.provider;
  const auto& facts = facts_of(data.dialect);
  out.name = std::move(name);
  out.public_name = out.name;
  out.title = data.title.empty() ? out.name : data.title;
  out.dialect = config::to_text(data.dialect);
  out.quirks = data.quirks;
  out.chat_template = data.chat_path;
  out.tasks = data.tasks;
  out.stream_template = data.stream_path.empty() ? data.chat_path : data.stream_path;
  if (auto endpoint = parse_endpoint(proof.base_url, data.dialect)) {
    out.endpoint = *std::move(endpoint);
  } else if (made.problems.empty()) {
    made.problems.push_back({Field::base_url, std::string{endpoint.error().message()}, "write e.g. http://HOST:PORT/v1"});
  }
  out.authority = out.endpoint.authority();
  out.key = proof.key;
  out.signer = proof.signer;
  std::string head;
  add_credential(made, head, data.auth, proof, facts);
  add_own_headers(made, head, data.headers, facts.headers);
  out.head = Secret{std::move(head)};
  for (const auto& model : data.models) out.models.push_back(make_model(model, data));
  return made;
}

std::string Provider::own_target(std::string_view model, Delivery delivery) const {
  constexpr std::string_view blank = "{model}";
  std::string_view text = delivery == Delivery::stream ? stream_template : chat_template;
  std::string out;
  for (auto at = text.find(blank); at != std::string_view::npos; at = text.find(blank)) {
    out.append(text.substr(0, at));
    append_segment(out, model);
    text.remove_prefix(at + blank.size());
  }
  return out.append(text);
}

void take_facts(ModelInfo& info, const config::Facts& facts) {
  if (facts.context) info.context_tokens = *facts.context;
  if (facts.max_output) info.max_output_tokens = *facts.max_output;
  for (const auto capability : facts.capabilities) info.capabilities |= 1U << static_cast<unsigned>(capability);
  const Price price{.raw = facts.price};
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

}  // namespace cardea::catalog

#include "twin/behaviour.h"

#include <algorithm>

#include "base/text.h"

namespace cardea::twin {
namespace {

constexpr std::uint64_t minutes_10 = 600'000;
constexpr std::uint64_t million = 1'000'000;

std::unexpected<Error> wrong() { return fail(Kind::bad_request); }

Status take_number(std::string_view text, std::uint64_t min, std::uint64_t max, std::uint64_t& out) {
  const auto value = parse_number<std::uint64_t>(text);
  if (!value || *value < min || *value > max) return wrong();
  out = *value;
  return {};
}

template <auto Field, std::uint64_t Max, std::uint64_t Min = 0>
Status number(Behaviour& behaviour, std::string_view value) {
  std::uint64_t taken = 0;
  Status status = take_number(value, Min, Max, taken);
  if (status) behaviour.*Field = taken;
  return status;
}

template <auto Field>
Status flag(Behaviour& behaviour, std::string_view value) {
  const bool on = value.empty() || value == "1" || value == "true";
  if (!on && value != "0" && value != "false") return wrong();
  behaviour.*Field = on;
  return {};
}

Status set_strict(Behaviour& behaviour, std::string_view value) {
  if (value != "1" && value != "0" && value != "true" && value != "false") return wrong();
  behaviour.strict = value == "1" || value == "true";
  return {};
}

template <auto Field>
Status text(Behaviour& behaviour, std::string_view value) {
  if (value.empty()) return wrong();
  behaviour.*Field = value;
  return {};
}

template <class Enum>
struct Word {
  std::string_view text;
  Enum value;
};
template <class Enum, std::size_t N>
Status pick(const Word<Enum> (&words)[N], std::string_view value, Enum& out) {
  const auto* found = std::ranges::find(words, value, &Word<Enum>::text);
  if (found == std::end(words)) return wrong();
  out = found->value;
  return {};
}

constexpr Word<LineEnding> line_endings[] = {{"lf", LineEnding::lf}, {"cr", LineEnding::cr}, {"crlf", LineEnding::crlf}};
constexpr Word<Hang> hangs[] = {{"before-head", Hang::before_head}, {"after-head", Hang::after_head}};
constexpr Word<Malformed> malformations[] = {{"json", Malformed::json},     {"sse", Malformed::sse},
                                             {"chunk", Malformed::chunk},   {"head", Malformed::head},
                                             {"length", Malformed::length}, {"framing", Malformed::framing}};

Status set_line_ending(Behaviour& behaviour, std::string_view value) { return pick(line_endings, value, behaviour.line_ending); }
Status set_malformed(Behaviour& behaviour, std::string_view value) { return pick(malformations, value, behaviour.malformed); }

Status set_hang(Behaviour& behaviour, std::string_view value) {
  constexpr std::string_view after_events = "after-events=";
  if (!value.starts_with(after_events)) return pick(hangs, value, behaviour.hang);
  behaviour.hang = Hang::after_events;
  return take_number(value.substr(after_events.size()), 0, million, behaviour.hang_after);
}

Status set_sha256(Behaviour& behaviour, std::string_view value) {
  if (value.size() != 64) return wrong();
  behaviour.expect_body_sha256 = to_lower(value);
  return {};
}

Status add_expected(Behaviour& behaviour, std::string_view value) {
  const auto colon = value.find(':');
  if (colon == 0 || colon == std::string_view::npos) return wrong();
  behaviour.expect_headers.emplace_back(trim(value.substr(0, colon)), trim(value.substr(colon + 1)));
  return {};
}

Status add_absent(Behaviour& behaviour, std::string_view value) {
  if (value.empty()) return wrong();
  behaviour.expect_absent.emplace_back(value);
  return {};
}

using B = Behaviour;
constexpr std::string_view ms = "0 … 600000";
constexpr std::string_view count = "0 … 1000000";
constexpr std::string_view yes = "1 or 0";

constexpr Option table[] = {
    {"latency-ms", ms, "wait before the head", number<&B::latency_ms, minutes_10>},
    {"first-token-ms", ms, "wait between the head and the first event", number<&B::first_token_ms, minutes_10>},
    {"inter-token-ms", ms, "wait between two tokens", number<&B::inter_token_ms, minutes_10>},
    {"tokens", count, "length of the answer", number<&B::tokens, million>},
    {"status", "100 … 599", "answer with this status and an error body", number<&B::status, 599, 100>},
    {"retry-after", "any text", "value of a Retry-After header", text<&B::retry_after>},
    {"redirect", "a URL", "answer 307 (or x-twin-status) with this Location", text<&B::redirect>},
    {"early", yes, "answer x-twin-status before the body is read", flag<&B::early>},
    {"quote-credential", yes, "the error text quotes the key that was sent", flag<&B::quote_credential>},
    {"cached-tokens", count, "so many prompt tokens were read from a cache", number<&B::cached_tokens, million>},
    {"cache-write-tokens", count, "so many prompt tokens were written to a cache", number<&B::cache_write_tokens, million>},
    {"issuer", "any text", "signs thoughts in this name, and takes no others back", text<&B::issuer>},
    {"strict", yes, "refuse unknown fields, or not; unless said, as the vendor does", set_strict},
    {"empty-choices", yes, "a 200 without choices; of what is no chat an empty object, or no events", flag<&B::empty_choices>},
    {"error-in-200", yes, "a 200 whose body (or first event) is an error", flag<&B::error_in_200>},
    {"cut-after-events", count, "reset the connection after so many events", number<&B::cut_after_events, million>},
    {"close-after-events", count, "close the connection after so many events, without ending the body",
     number<&B::close_after_events, million>},
    {"end-after-events", count, "end the body properly after so many events, without [DONE]",
     number<&B::end_after_events, million>},
    {"error-event-after", count, "an error event after so many events, then the end", number<&B::error_event_after, million>},
    {"hang", "before-head, after-head or after-events=N", "say nothing more, but keep the connection", set_hang},
    {"malformed", "json, sse, chunk, head, length or framing", "break the rules of that layer", set_malformed},
    {"trailing-bytes", "0 … 65536", "bytes that nobody asked for, after the answer", number<&B::trailing_bytes, 65536>},
    {"split", "1 … 1048576", "write pieces of so many bytes", number<&B::split, 1 << 20, 1>},
    {"write-each", yes, "one write for each event, also without a pace", flag<&B::write_each>},
    {"line-ending", "lf, cr or crlf", "line ends of the event stream", set_line_ending},
    {"no-space", yes, "no space after `data:`", flag<&B::no_space>},
    {"comments", "0 … 100000", "comments spread over the wait for the first event", number<&B::comments, 100'000>},
    {"huge-event-bytes", "1 … 134217728", "an answer of one token of so many bytes", number<&B::huge_event_bytes, 128 << 20, 1>},
    {"gzip", yes, "the whole answer with Content-Encoding: gzip", flag<&B::gzip>},
    {"expect-body-sha256", "64 hexadecimal digits", "422 unless the body has this hash", set_sha256},
    {"expect-header", "NAME: VALUE", "422 unless this header came (may be repeated)", add_expected},
    {"expect-no-header", "NAME", "422 if this header came (may be repeated)", add_absent},
    {"echo-headers", yes, "the received headers, secrets masked, as x-twin-received", flag<&B::echo_headers>},
};
static_assert(std::size(table) <= 64);

}  // namespace

std::span<const Option> options() { return table; }

Status set_option(Behaviour& behaviour, std::string_view name, std::string_view value) {
  const auto* option = std::ranges::find_if(table, [&](const Option& o) { return iequals(o.name, name); });
  if (option == std::end(table)) {
    std::string_view names[std::size(table)];
    std::ranges::transform(table, names, &Option::name);
    const auto near = nearest(name, names, std::size(names));
    auto message = cat("the twin has no option '", name, "'");
    if (!near.empty()) append(message, cat("; did you mean '", near, "'?"));
    return fail(Kind::bad_request, std::move(message));
  }
  if (!option->set(behaviour, value)) {
    return fail(Kind::bad_request,
                cat("'", value, "' is no value for the twin's option '", option->name, "': give ", option->values));
  }
  behaviour.special = true;
  return {};
}

Status read_headers(const wire::HeaderTable& headers, Behaviour& behaviour) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (headers.field(i) != wire::Field::other) continue;
    const auto [name, value] = headers[i];
    if (name.size() <= header_prefix.size() || !iequals(name.substr(0, header_prefix.size()), header_prefix)) continue;
    Status set = set_option(behaviour, name.substr(header_prefix.size()), value);
    if (!set) {
      set.error().edit().param = name;
      return set;
    }
  }
  return {};
}

}  // namespace cardea::twin

#include "record/line.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "json/writer.h"

namespace cardea::record {
namespace {

/// Nothing a JSON string must escape or check in the `size` bytes at `at`: ASCII from the space on, without `"` and `\`. Eight
/// bytes at a time; up to seven behind the end are read and ignored, so they must be readable.
bool clean(const char* at, std::size_t size) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t highs = ones * 0x80;
  constexpr auto below = [](std::uint64_t word, std::uint64_t limit) { return (word - ones * limit) & ~word; };
  std::uint64_t bad = 0;
  for (std::size_t i = 0; i < size; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at + i, sizeof word);
    if (size - i < 8) {
      const std::uint64_t own = (std::uint64_t{1} << (size - i) * 8) - 1;  // little-endian, as all our targets are
      word = (word & own) | (ones * 'a' & ~own);
    }
    bad |= word | below(word, 0x20) | below(word ^ ones * '"', 1) | below(word ^ ones * '\\', 1);
  }
  return (bad & highs) == 0;
}
static_assert(std::endian::native == std::endian::little);

/// Two decimal digits.
void put_2(char* at, unsigned value) noexcept {
  at[0] = static_cast<char>('0' + value / 10);
  at[1] = static_cast<char>('0' + value % 10);
}

// ---- JSON: names are documented in README.md and stable ---------------------------------------------------------------------

void member(Line& line, std::string_view name, std::string_view text) {
  if (!text.empty()) line.raw(name).quoted(text).raw(",");
}
template <std::integral T>
void member(Line& line, std::string_view name, T value) {
  line.raw(name).number(value).raw(",");
}
void member(Line& line, std::string_view name, std::optional<std::uint64_t> value) {
  if (value) member(line, name, *value);
}
void member(Line& line, std::string_view name, std::optional<Entry::Nanos> time) {
  if (time) line.raw(name).millis(*time).raw(",");
}

void write_json(Line& line, const Entry& e) {
  line.raw(R"({"time":")").time(e.started).raw(R"(","level":")").raw(name_of(level_of(e))).raw(R"(","event":"request",)");
  member(line, R"("request_id":)", e.request_id);
  member(line, R"("method":)", e.method);
  member(line, R"("route":)", e.route);
  member(line, R"("status":)", e.status);
  if (e.error) member(line, R"("error":)", info(*e.error).label);
  member(line, R"("dialect":)", e.dialect);
  member(line, R"("operation":)", e.operation);
  member(line, R"("model":)", e.model_asked);
  member(line, R"("provider":)", e.provider);
  member(line, R"("upstream_model":)", e.upstream_model);
  member(line, R"("response_model":)", e.model_answered);
  if (e.stream) line.raw(R"("stream":true,)");
  if (e.attempts != 0) member(line, R"("attempts":)", e.attempts);
  member(line, R"("losses":)", e.losses);
  member(line, R"("input_tokens":)", e.usage.input ? std::optional{e.usage.input_total()} : std::nullopt);
  member(line, R"("cache_read_tokens":)", e.usage.cache_read);
  member(line, R"("cache_write_tokens":)", e.usage.cache_write);
  member(line, R"("output_tokens":)", e.usage.output);
  member(line, R"("reasoning_tokens":)", e.usage.reasoning);
  member(line, R"("bytes_in":)", e.bytes_in);
  member(line, R"("bytes_out":)", e.bytes_out);
  member(line, R"("duration_ms":)", std::optional{e.duration});
  member(line, R"("upstream_ms":)", e.upstream);
  member(line, R"("first_token_ms":)", e.first_token);
  member(line, R"("overhead_ms":)", e.overhead);
  member(line, R"("principal":)", e.principal);
  member(line, R"("client":)", e.client_address);
  member(line, R"("user_agent":)", e.user_agent);
  line.drop_last();
  line.raw("}\n");
}

// ---- Console ------------------------------------------------------------------------------------------------------------

constexpr std::string_view reset = "\x1b[0m";
constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view yellow = "\x1b[33m";

std::string_view colour_of(Level level) {
  constexpr std::array colours{dim, green, yellow, red};
  return colours[static_cast<std::size_t>(level)];
}
std::string_view colour_of(const Entry& e) {
  if (level_of(e) == Level::warn) return red;
  return e.status >= 400 || e.error ? yellow : green;
}

/// Text in a colour, where colours are wanted.
void paint(Line& line, Format format, std::string_view colour, auto&& text) {
  if (format == Format::console_colour) line.raw(colour);
  text();
  if (format == Format::console_colour) line.raw(reset);
}
void named(Line& line, std::string_view name, std::string_view text) {
  if (!text.empty()) line.raw(name).plain(text);
}

void write_console(Line& line, Format format, const Entry& e) {
  paint(line, format, dim, [&] { line.time(e.started); });
  line.raw(" ");
  paint(line, format, colour_of(e), [&] { line.number(e.status); });
  line.raw(" ").plain(e.method).raw(" ").plain(e.route);
  named(line, " ", e.model_asked);
  named(line, " -> ", e.provider);
  named(line, "/", e.upstream_model);
  line.raw(" ").millis(e.duration).raw(" ms");
  if (e.first_token) line.raw(", first token ").millis(*e.first_token).raw(" ms");
  if (e.usage.output) line.raw(", ").number(e.usage.input_total()).raw("+").number(*e.usage.output).raw(" tokens");
  if (e.attempts > 1) line.raw(", ").number(e.attempts).raw(" attempts");
  if (e.error) named(line, ", ", info(*e.error).label);
  paint(line, format, dim, [&] {
    named(line, "  ", e.principal);
    named(line, " ", e.client_address);
    named(line, " ", e.request_id);
  });
  line.raw("\n");
}

}  // namespace

Line& Line::millis(std::chrono::nanoseconds time) noexcept {
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0)) / 1000;
  const auto rest = static_cast<unsigned>(micros % 1000);
  number(micros / 1000);
  char decimals[4] = {'.', static_cast<char>('0' + rest / 100)};
  put_2(decimals + 2, rest % 100);
  return raw({decimals, sizeof decimals});
}

Line& Line::quoted(std::string_view text, std::size_t max) {
  constexpr std::size_t line_end = 64;
  text = text.substr(0, max);
  if (text.size() + line_end < left()) {
    // Copied first: what lies behind the text here may be read.
    *end_ = '"';
    if (!text.empty()) std::memcpy(end_ + 1, text.data(), text.size());
    if (clean(end_ + 1, text.size())) {
      end_ += text.size() + 1;
      *end_++ = '"';
      return *this;
    }
  }
  std::string escaped;
  json::append_string(escaped, text);
  return escaped.size() + line_end < left() ? raw(escaped) : raw(R"("")");
}

Line& Line::plain(std::string_view text, std::size_t max) noexcept {
  text = text.substr(0, std::min(max, left()));
  char before = ' ';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // U+0080 … U+009F are control characters too: 0xC2 and one of these bytes.
    const bool control = byte < 0x20 || byte == 0x7f || (before == '\xc2' && byte < 0xa0);
    *end_++ = control ? '?' : c;
    before = c;
  }
  return *this;
}

Line& Line::time(std::chrono::system_clock::time_point at) noexcept {
  using namespace std::chrono;
  const auto millisecond = floor<milliseconds>(at);
  const auto day = floor<days>(millisecond);
  const year_month_day date{day};
  const hh_mm_ss clock{millisecond - day};
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  const auto fraction = static_cast<unsigned>(clock.subseconds().count());
  char text[] = "0000-00-00T00:00:00.000Z";
  put_2(text, year / 100 % 100);
  put_2(text + 2, year % 100);
  put_2(text + 5, static_cast<unsigned>(date.month()));
  put_2(text + 8, static_cast<unsigned>(date.day()));
  put_2(text + 11, static_cast<unsigned>(clock.hours().count()));
  put_2(text + 14, static_cast<unsigned>(clock.minutes().count()));
  put_2(text + 17, static_cast<unsigned>(clock.seconds().count()));
  text[20] = static_cast<char>('0' + fraction / 100);
  put_2(text + 21, fraction % 100);
  return raw({text, sizeof text - 1});
}

std::string_view name_of(Level level) noexcept {
  constexpr std::array<std::string_view, 4> names{"debug", "info", "warn", "error"};
  return names[static_cast<std::size_t>(level)];
}

Level level_of(const Entry& entry) noexcept {
  if (!entry.error) return entry.status >= 500 ? Level::warn : Level::info;
  // What is no HTTP is the client's fault, whatever it is called (501 for an endless method): nothing for anybody to mend here.
  if (entry.route == malformed_route) return Level::info;
  const auto fault = info(*entry.error).fault;
  return fault == Fault::gateway || fault == Fault::upstream ? Level::warn : Level::info;
}

void write_request(Line& line, Format format, const Entry& entry) {
  line.clear();
  format == Format::json ? write_json(line, entry) : write_console(line, format, entry);
}

void write_event(Line& line, Format format, std::chrono::system_clock::time_point at, Level level, std::string_view event,
                 std::span<const Field> fields) {
  line.clear();
  if (format == Format::json) {
    line.raw(R"({"time":")").time(at).raw(R"(","level":")").raw(name_of(level)).raw(R"(","event":)").quoted(event);
    for (const auto& field : fields) {
      if (!line.roomy()) break;
      line.raw(",").quoted(field.name).raw(":");
      field.type == Field::Type::text ? line.quoted(field.text, event_text_max) : line.number(field.number);
    }
    line.raw("}\n");
    return;
  }
  paint(line, format, dim, [&] { line.time(at); });
  line.raw(" ");
  paint(line, format, colour_of(level), [&] { line.raw(name_of(level)); });
  line.raw(" ").plain(event);
  for (const auto& field : fields) {
    if (!line.roomy()) break;
    line.raw(" ").plain(field.name).raw("=");
    field.type == Field::Type::text ? line.plain(field.text, event_text_max) : line.number(field.number);
  }
  line.raw("\n");
}

}  // namespace cardea::record

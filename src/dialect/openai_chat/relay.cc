// A stream on its way through: forwarded as the bytes it came in, event by event; JSON is read only where it must be.

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"
#include "wire/sse.h"

namespace cardea::dialect::openai {

using json::Member;
using json::Members;
using json::Type;

namespace {

constexpr std::array<std::string_view, 3> chunk_outline{"choices", "usage", "error"};
constexpr std::string_view done_marker = "[DONE]";

/// The first byte of the value behind a key when `text` begins with that key (in quotes) and a colon; else 0. Inside a string the
/// quotes would be escaped, so a match is a key, at whatever depth. The key's length is fixed, so that it is compared without a
/// call.
template <std::size_t Size>
char value_behind(std::string_view text, const char (&quoted_key)[Size]) noexcept {
  constexpr std::size_t length = Size - 1;
  if (text.size() <= length || std::memcmp(text.data(), quoted_key, length) != 0) return '\0';
  bool colon = false;
  for (const char c : text.substr(length)) {
    if (c == ':' && !colon) {
      colon = true;
    } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
      return colon ? c : '\0';
    }
  }
  return '\0';
}

/// A `"u`, `"e` or `"f` at the front of `text`: is it a key that the relay must look into?
bool is_mark(std::string_view text) noexcept {
  switch (text[1]) {
    case 'u': return value_behind(text, "\"usage\"") == '{';
    case 'e': {
      const char first = value_behind(text, "\"error\"");
      return first != '\0' && first != 'n';
    }
    default: return value_behind(text, "\"finish_reason\"") == '"';
  }
}

/// Does the event hold usage, an error or a finish reason? A handful of instructions per 16 bytes; may be true for nothing, never
/// false for something (keys spelled with escapes apart, which no vendor sends).
bool has_marks(std::string_view raw) noexcept {
  std::size_t i = 0;
#if defined(__SSE2__)
  const auto load = [&](std::size_t at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(raw.data() + at)); };
  const auto quote = _mm_set1_epi8('"');
  const auto u = _mm_set1_epi8('u');
  const auto e = _mm_set1_epi8('e');
  const auto f = _mm_set1_epi8('f');
  constexpr std::size_t window = 17;  // 16 quotes and the letters behind them
  while (raw.size() >= window && i + 1 < raw.size()) {
    const auto at = std::min(i, raw.size() - window);  // the last window overlaps the one before
    const auto next = load(at + 1);
    const auto letters = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(next, u), _mm_cmpeq_epi8(next, e)), _mm_cmpeq_epi8(next, f));
    auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(load(at), quote), letters)));
    for (; mask != 0; mask &= mask - 1) {
      if (is_mark(raw.substr(at + static_cast<unsigned>(__builtin_ctz(mask))))) return true;
    }
    i = at + window - 1;
  }
#endif
  for (; i + 1 < raw.size(); ++i) {
    const bool letter = raw[i + 1] == 'u' || raw[i + 1] == 'e' || raw[i + 1] == 'f';
    if (raw[i] == '"' && letter && is_mark(raw.substr(i))) return true;
  }
  return false;
}

/// A delta says something: anything but the role, and not empty.
bool says_something(std::string_view delta) {
  Members members;
  if (!json::scan(delta, upstream_scan({}), members)) return false;
  for (const auto& member : members.all()) {
    const bool holds = member.type == Type::string || member.type == Type::array || member.type == Type::object;
    if (member.key != "role" && holds && member.value.length > 2) return true;
  }
  return false;
}

class ChatRelay final : public Relay {
 public:
  explicit ChatRelay(RelayOptions options) : options_{std::move(options)}, cutter_{options_.event_bytes_max} {}

  Result<Step> feed(std::string_view pending, std::vector<std::string_view>& pieces) override;
  Status end(std::string_view pending, std::vector<std::string_view>& pieces) override;
  [[nodiscard]] const Seen& seen() const noexcept override { return seen_; }

 private:
  enum class Verdict : std::uint8_t { forward, withhold };

  Result<Verdict> judge(std::string_view raw);
  Result<Verdict> judge_data(std::string_view name, std::string_view data);
  Result<Verdict> read_chunk(const Members& members);
  void read_choices(const Members& members, const Member& choices);

  RelayOptions options_;
  bool answered_ = false;  ///< an event with a choice was there
  wire::EventCutter cutter_;
  Seen seen_;
  std::string scratch_;
};

void ChatRelay::read_choices(const Members& members, const Member& choices) {
  for (const auto& choice : members.inside(choices)) {
    const auto* finish = members.find(choice, "finish_reason");
    if (finish != nullptr && finish->type == Type::string) {
      seen_.finish = finish_of(members.string(*finish));
      seen_.content = true;
    }
    if (seen_.content) continue;
    const auto* delta = members.find(choice, "delta");
    seen_.content = delta != nullptr && delta->type == Type::object && says_something(members.raw(*delta));
    const auto* text = members.find(choice, "text");  // of the older Completions
    seen_.content = seen_.content || (text != nullptr && text->type == Type::string && text->value.length > 2);
  }
}

Result<ChatRelay::Verdict> ChatRelay::read_chunk(const Members& members) {
  if (const auto* error = members.find("error"); error != nullptr && error->type != Type::null) {
    return std::unexpected{reported_error(members, *error, options_.secret)};
  }
  const auto* model = members.find("model");
  if (seen_.model.empty() && model != nullptr && model->type == Type::string) seen_.model = members.string(*model);
  const auto* choices = members.find("choices");
  if (choices != nullptr) read_choices(members, *choices);
  answered_ = answered_ || (choices != nullptr && !members.inside(*choices).empty());
  const auto* usage = members.find("usage");
  if (usage == nullptr || usage->type != Type::object) return Verdict::forward;
  seen_.usage = read_usage(members, *usage);
  const bool only_usage = choices == nullptr || members.inside(*choices).empty();
  return only_usage && options_.withhold_usage ? Verdict::withhold : Verdict::forward;
}

Result<ChatRelay::Verdict> ChatRelay::judge_data(std::string_view name, std::string_view data) {
  const bool error_event = name == "error";
  if (!name.empty() && name != "message" && !error_event) return Verdict::forward;
  if (trim(data).empty()) return Verdict::forward;
  ++seen_.events;
  if (trim(data) == done_marker) {
    if (!answered_) return fail(Kind::upstream_failed, "the upstream's stream holds no answer");
    seen_.done = true;
    return Verdict::forward;
  }
  Members members;
  auto status = json::scan(data, upstream_scan(chunk_outline), members);
  if (error_event && (!status || members.find("error") == nullptr)) {
    return fail(Kind::upstream_failed, "the upstream reported an error in its stream");
  }
  if (!status) return fail_with(status);
  return read_chunk(members);
}

/// Most events are one `data:` line without anything of interest: they cost one pass over their bytes.
Result<ChatRelay::Verdict> ChatRelay::judge(std::string_view raw) {
  constexpr std::string_view prefix = "data:";
  if (seen_.content && raw.starts_with(prefix)) {
    const auto start = raw.find_first_not_of(' ', prefix.size());
    const auto last = raw.find_last_not_of("\r\n ");
    // What begins and ends as an object is not read further; half of one goes the long way, to be found out.
    if (start != std::string_view::npos && raw[start] == '{' && raw[last] == '}' && !has_marks(raw)) {
      ++seen_.events;
      return Verdict::forward;
    }
  }
  const auto event = wire::parse_event(raw, scratch_);
  if (!event.has_data) return Verdict::forward;
  return judge_data(event.name, event.data);
}

Result<Relay::Step> ChatRelay::feed(std::string_view pending, std::vector<std::string_view>& pieces) {
  Step step;
  std::size_t run = 0;  // where the bytes to forward begin that are not in `pieces` yet
  const auto flush = [&] {
    if (step.consumed != run) pieces.push_back(pending.substr(run, step.consumed - run));
  };
  while (!seen_.done) {
    auto size = cutter_.next(pending.substr(step.consumed));
    if (size && *size == 0) break;
    Result<Verdict> verdict{Verdict::forward};
    if (size) {
      verdict = judge(pending.substr(step.consumed, *size));
    } else {
      verdict = fail_with(size);
    }
    if (!verdict) {
      flush();
      return fail_with(verdict);
    }
    if (*verdict == Verdict::withhold) {
      flush();
      run = step.consumed + *size;
    }
    step.consumed += *size;
  }
  flush();
  if (seen_.done) step.consumed = pending.size();
  return step;
}

Status ChatRelay::end(std::string_view pending, std::vector<std::string_view>& pieces) {
  if (seen_.done) return {};
  if (const auto size = cutter_.finish(pending); size != 0) {
    auto verdict = judge(pending.substr(0, size));
    if (!verdict) return fail_with(verdict);
    if (*verdict == Verdict::forward) pieces.push_back(pending.substr(0, size));
    pending.remove_prefix(size);
  }
  // What lacks its blank line is no event; but a last "[DONE]" or error that was not ended is what it says.
  const auto event = wire::parse_event(pending, scratch_);
  if (!seen_.done && event.has_data) {
    auto verdict = judge_data(event.name, event.data);
    if (!verdict && !verdict.error().is(Kind::upstream_protocol)) return fail_with(verdict);
    if (seen_.done) {
      pieces.push_back(pending);
      pieces.emplace_back("\n\n");
    }
  }
  if (seen_.done) return {};
  return fail(Kind::upstream_reset, "the upstream ended the stream before its end");
}

}  // namespace

std::unique_ptr<Relay> make_relay(RelayOptions options) { return std::make_unique<ChatRelay>(std::move(options)); }

}  // namespace cardea::dialect::openai

// The dialect objects: traits, words, times, the way through, errors ({"error"}).

#include "dialect/ollama/ollama.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "dialect/plain.h"

namespace cardea::dialect {

const Dialect& ollama() {
  static const ollama_native::Ollama instance{ollama_native::Form::chat};
  return instance;
}
const Dialect& ollama_generate() {
  static const ollama_native::Ollama instance{ollama_native::Form::generate};
  return instance;
}

namespace ollama_native {

using model::Finish;

namespace {

constexpr std::string_view chat_name = "ollama";
constexpr std::string_view generate_name = "ollama_generate";

}  // namespace

bool is_own(std::string_view dialect) noexcept { return dialect == chat_name || dialect == generate_name; }
std::string_view name_of(Form form) noexcept { return form == Form::chat ? chat_name : generate_name; }

const Traits& Ollama::traits() const noexcept {
  static constexpr std::array<std::string_view, 1> aliases{"ollama_native"};
  // Signatures have no place of Ollama's own; its clients send messages back as they got them, so they stand beside the thinking
  // and the call that they sign.
  static constexpr Traits chat{.name = chat_name,
                               .aliases = aliases,
                               .framing = Framing::lines,
                               .id_prefix = {},
                               .call_ids = false,
                               .thinking_signatures = true,
                               .call_signatures = true};
  static constexpr Traits generate{.name = generate_name, .framing = Framing::lines, .id_prefix = {}, .call_ids = false};
  return form_ == Form::chat ? chat : generate;
}

std::string Ollama::chat_target(std::string_view /*model: in the body*/, Delivery /*delivery*/) const {
  return form_ == Form::chat ? "/api/chat" : "/api/generate";
}

namespace {

Told tell(std::string_view body) {
  Told told;
  const auto value = json::parse(body, upstream_scan());
  const auto* error = value ? value->find("error") : nullptr;
  if (error == nullptr) return told;
  told.own_shape = error->as_string() != nullptr;
  if (told.own_shape) told.message = *error->as_string();
  if (const auto* nested = text_at(*error, "message")) told.message = *nested;
  return told;
}

}  // namespace

/// Without messages, or a prompt, a request loads the model: that is the upstream's to answer.
Result<RequestView> Ollama::inspect(std::string_view body, const Asked& asked) const {
  auto view = inspect_plain(body, asked, "model");
  if (!view) return view;
  const auto* stream = view->members.find("stream");
  const bool said = asked.stream || (stream != nullptr && stream->type != json::Type::null);
  if (!said) view->stream = true;
  return view;
}
Result<json::Edits> Ollama::forward_edits(const RequestView& view, const ForwardOptions& options) const {
  return forward_plain(view, options);
}
Result<ResponseView> Ollama::inspect_response(std::string_view body, const Secret& secret) const {
  auto view = inspect_answer(*this, body, "model");
  if (view || !view.error().is(Kind::upstream_failed)) return view;
  const auto told = tell(body);
  if (!told.message.empty()) return std::unexpected{reported_error_of(told, secret)};
  return view;
}
std::unique_ptr<Relay> Ollama::relay(RelayOptions options) const {
  return framed_relay(make_stream_decoder(), Framing::lines, std::move(options));
}
std::unique_ptr<StreamDecoder> Ollama::stream_decoder() const { return make_stream_decoder(); }
std::unique_ptr<StreamEncoder> Ollama::stream_encoder(AnswerContext context) const {
  return make_stream_encoder(std::move(context), form_);
}

namespace {

/// The one place where finish reasons map. The first row of a word decodes it; the first row of a finish encodes it. The server
/// says `stop`, `length`, `load` and `unload`; the field is free text, so what must not read as `stop` has a word of its own.
struct FinishRow {
  Finish finish;
  std::string_view word;
  bool exact;
};
constexpr std::array<FinishRow, 13> finish_rows{{
    {Finish::stop, "stop", true},
    {Finish::length, "length", true},
    {Finish::stop_sequence, "stop", true},
    {Finish::context_limit, "length", true},
    {Finish::content_filter, "content_filter", true},
    {Finish::failed, "error", true},
    {Finish::tool_calls, "stop", true},  // the calls say it
    {Finish::function_call, "stop", true},
    {Finish::refusal, "content_filter", false},
    {Finish::malformed_call, "error", false},
    {Finish::paused, "stop", false},
    {Finish::unknown, "stop", false},
    {Finish::tool_calls, "tool_calls", true},  // read only: some servers of that family say it
}};

}  // namespace

Finish finish_of(std::string_view word) noexcept {
  const auto* row = std::ranges::find(finish_rows, word, &FinishRow::word);
  return row != finish_rows.end() ? row->finish : Finish::unknown;
}
std::string_view word_of(Finish finish) noexcept { return std::ranges::find(finish_rows, finish, &FinishRow::finish)->word; }
bool loses_finish(Finish finish) noexcept { return !std::ranges::find(finish_rows, finish, &FinishRow::finish)->exact; }

// --- times ------------------------------------------------------------------------------------------------------------------

namespace {

void append_padded(std::string& out, std::uint64_t number, std::size_t width) {
  std::string digits;
  append(digits, number);
  out.append(width > digits.size() ? width - digits.size() : 0, '0');
  out += digits;
}

}  // namespace

std::string time_text(std::uint64_t unix_seconds) {
  using namespace std::chrono;  // NOLINT: a calendar's many names
  constexpr std::uint64_t seconds_a_day = 86'400;
  constexpr std::uint64_t last = 253'402'300'799;  // the end of 9999
  unix_seconds = std::min(unix_seconds, last);
  const auto day = sys_days{days{static_cast<int>(unix_seconds / seconds_a_day)}};
  const year_month_day date{day};
  const auto second = unix_seconds % seconds_a_day;
  std::string out;
  append_padded(out, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_padded(out, second / 3600, 2);
  out += ':';
  append_padded(out, second / 60 % 60, 2);
  out += ':';
  append_padded(out, second % 60, 2);
  out += ".000000000Z";
  return out;
}

std::optional<std::uint64_t> time_of(std::string_view text) noexcept {
  using namespace std::chrono;  // NOLINT: a calendar's many names
  constexpr std::string_view form = "0000-00-00T00:00:00";
  if (text.size() <= form.size()) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t length) {
    return parse_number<unsigned>(text.substr(at, length)).value_or(99'999);
  };
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (form[i] == '0' ? !digit : form[i] != text[i] && !(form[i] == 'T' && (text[i] == 't' || text[i] == ' ')))
      return std::nullopt;
  }
  const year_month_day date{year{static_cast<int>(number(0, 4))}, month{number(5, 2)}, day{number(8, 2)}};
  if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60) return std::nullopt;
  std::int64_t seconds = std::int64_t{sys_days{date}.time_since_epoch().count()} * 86'400 + number(11, 2) * 3600 +
                         number(14, 2) * 60 + number(17, 2);
  const auto zone = text.find_first_of("Zz+-", form.size());
  if (zone == std::string_view::npos) return std::nullopt;
  if (text[zone] == '+' || text[zone] == '-') {
    if (text.size() != zone + 6 || text[zone + 3] != ':') return std::nullopt;
    const std::int64_t offset = std::int64_t{number(zone + 1, 2)} * 3600 + std::int64_t{number(zone + 4, 2)} * 60;
    if (offset > 86'400) return std::nullopt;
    seconds += text[zone] == '+' ? -offset : offset;
  }
  return seconds >= 0 ? std::optional{static_cast<std::uint64_t>(seconds)} : std::nullopt;
}

// --- errors -----------------------------------------------------------------------------------------------------------------

std::string Ollama::error_body(const Error& error, std::string_view /*request_id: travels in x-request-id*/) const {
  if (!error.detail().body.empty()) return error.detail().body;
  return cat(R"({"error":)", json::quote(error.message()), '}');
}

std::string Ollama::stream_error(const Error& error, std::string_view /*request_id*/, Framing framing) const {
  std::string out;
  append_frame(out, framing, {}, cat(R"({"error":)", json::quote(words_with_class(error)), '}'));
  return out;
}

Error Ollama::upstream_error(const UpstreamFailure& failure, const Secret& secret) const {
  return upstream_error_of(failure, secret, tell(failure.body));
}

}  // namespace ollama_native
}  // namespace cardea::dialect

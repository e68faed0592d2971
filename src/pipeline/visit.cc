#include "pipeline/visit.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/native/forms.h"
#include "pipeline/forms.h"

namespace cardea::pipeline {
namespace {

constexpr std::size_t request_id_bytes_max = 64;

/// An id from outside goes into logs and headers as it is, so it must be plain.
bool acceptable_id(std::string_view id) {
  return !id.empty() && id.size() <= request_id_bytes_max && std::ranges::all_of(id, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
  });
}

/// W3C Trace Context and OpenAI's own request headers (conventions.md §3).
bool is_forwarded(wire::Field field, std::string_view name) {
  switch (field) {
    case wire::Field::traceparent:
    case wire::Field::tracestate:
    case wire::Field::openai_organization:
    case wire::Field::openai_project: return true;
    case wire::Field::other: return iequals(name, "baggage") || iequals(name, "openai-beta");
    default: return false;
  }
}

constexpr std::string_view twin_prefix = "x-twin-";

bool has_prefix(std::string_view name, std::string_view prefix) {
  return name.size() > prefix.size() && iequals(name.substr(0, prefix.size()), prefix);
}

}  // namespace

Visit::Visit(std::shared_ptr<const Snapshot> snapshot, record::Recorder& recorder, Random& random, http::Exchange& exchange)
    : snapshot_{std::move(snapshot)},
      recorder_{recorder},
      exchange_{exchange},
      in_flight_{recorder.track(record::Gauge::in_flight_requests)} {
  entry_.started = std::chrono::system_clock::now();
  entry_.method = head().method_text();
  entry_.client_address = exchange.peer();
  entry_.user_agent = head().find(wire::Field::user_agent).value_or("");
  const auto given = head().find(wire::Field::x_request_id);
  if (given && acceptable_id(*given)) {
    entry_.request_id = *given;
  } else {
    std::array<char, 28> id{'r', 'e', 'q', '_'};
    random.fill_id(std::span{id}.subspan(4));
    entry_.request_id = std::string_view{id.data(), id.size()};
  }
}

Visit::~Visit() {
  const net::TimePoint ended = exchange_.loop().read_clock();
  entry_.bytes_in = exchange_.body_bytes();
  entry_.bytes_out = exchange_.bytes_sent();
  entry_.duration = ended - exchange_.received_at();
  if (upstream_ended_ != net::TimePoint{}) {
    entry_.upstream = upstream_ended_ - upstream_began_;
    if (!entry_.stream) entry_.overhead = entry_.duration - *entry_.upstream;
  }
  recorder_.commit(entry_);
}

void Visit::bound() {
  if (snapshot_->total_timeout == net::forever) return;
  exchange_.scope().set_deadline(exchange_.received_at() + snapshot_->total_timeout, Kind::timed_out);
}

void Visit::enter(const Route& route) noexcept {
  entry_.route = route.label;
  entry_.dialect = route.dialect;
  if (const dialect::Dialect* spoken = dialect::find(route.dialect)) speak(*spoken);
  entry_.operation = route.name;
}

void Visit::speak(const dialect::Dialect& dialect) noexcept {
  dialect_ = &dialect;
  if (dialect_ == &dialect::native() && form_of_answer(head()) == Form::xml) dialect_ = &dialect::native_xml();
}

void Visit::stand_in_dialect() noexcept {
  if (entry_.dialect.empty() && head().path().starts_with("/cardea/")) speak(dialect::native());
}

void Visit::admit(access::Principal principal) noexcept {
  principal_ = principal;
  entry_.principal = principal.name();
}

void Visit::upstream_begins() noexcept {
  upstream_began_ = exchange_.loop().read_clock();
  ++entry_.attempts;
}

void Visit::upstream_ends() noexcept { upstream_ended_ = exchange_.loop().now(); }

void Visit::first_token_sent() noexcept {
  if (!entry_.first_token) entry_.first_token = exchange_.loop().read_clock() - exchange_.received_at();
}

void Visit::note_losses(const dialect::Losses& losses) {
  constexpr std::size_t bytes_max = 2048;
  for (const dialect::Loss& loss : losses.all()) {
    std::string one = cat(losses_.empty() ? "" : ", ", loss.field, ";", loss.reason);
    if (losses_.size() + one.size() > bytes_max) {
      losses_ += ", ...";
      break;
    }
    // Names of fields are the client's own.
    for (char& c : one) c = c >= ' ' && c <= '~' ? c : '?';
    losses_ += one;
  }
  entry_.losses = losses_;
}

void Visit::note_losses(const dialect::Losses& losses, const dialect::Losses& noted) {
  const auto fields = noted.fields();
  dialect::Losses more;
  for (const auto& loss : losses.all()) {
    if (std::ranges::find(fields, loss.field) == fields.end()) more.add(loss.field, loss.reason, loss.weight);
  }
  note_losses(more);
}

void Visit::add_answer_headers(wire::HeaderBlock& lines, std::string_view content_type) const {
  lines.reserve(240);
  lines.add_raw("content-type: ");
  lines.add_raw(content_type);
  lines.add_raw("\r\nx-request-id: ");
  lines.add_raw(request_id());
  lines.add_raw("\r\n");
  const std::string_view own_name = dialect_->traits().request_id_header;
  if (!own_name.empty()) lines.add_raw(cat(own_name, ": ", request_id(), "\r\n"));
  if (!losses_.empty()) lines.add_raw(cat("x-cardea-loss: ", losses_, "\r\n"));
  lines.add_raw(upstream_lines_);
  const auto origin = head().find(wire::Field::origin);
  if (origin && access::origin_allowed(*origin, snapshot_->keys.rules())) {
    // The value came through the parser, so it holds no line end.
    lines.add_raw(cat("access-control-allow-origin: ", *origin,
                      "\r\nvary: origin\r\naccess-control-expose-headers: x-request-id, x-cardea-loss\r\n"));
  }
}

std::string forwarded_headers(const Visit& visit, const catalog::Provider& provider) {
  std::string lines;
  lines.reserve(240);  // the executor adds its own
  lines += "x-request-id: ";
  lines += visit.request_id();
  lines += "\r\n";
  const bool is_twin = provider.name == "twin";
  const bool speaks_anthropic = provider.dialect == "anthropic";
  const wire::HeaderTable& headers = visit.head().headers();
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const wire::Header header = headers[i];
    const bool wanted = is_forwarded(headers.field(i), header.name) || (is_twin && has_prefix(header.name, twin_prefix)) ||
                        (speaks_anthropic && iequals(header.name, "anthropic-beta"));
    if (!wanted) continue;
    lines += header.name;
    lines += ": ";
    lines += header.value;
    lines += "\r\n";
  }
  return lines;
}

}  // namespace cardea::pipeline

#include "pipeline/visit.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace cardea::pipeline {
namespace {

constexpr std::size_t request_id_length = 24;
constexpr std::size_t request_id_bytes_max = 64;

/// An id from outside goes into logs and headers as it is, so it must be plain.
bool acceptable_id(std::string_view id) {
  return !id.empty() && id.size() <= request_id_bytes_max && std::ranges::all_of(id, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
  });
}

/// W3C Trace Context and OpenAI's own request headers (conventions.md §3).
constexpr std::array<std::string_view, 6> forwarded_names{"traceparent",   "tracestate",         "baggage",
                                                           "openai-beta",  "openai-organization", "openai-project"};
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
    std::string id{"req_"};
    random.append_id(id, request_id_length);
    entry_.request_id = id;
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

void Visit::enter(const Route& route) noexcept {
  entry_.route = route.label;
  entry_.dialect = route.dialect;
  entry_.operation = route.name;
}

void Visit::upstream_begins() noexcept {
  upstream_began_ = exchange_.loop().read_clock();
  ++entry_.attempts;
}

void Visit::upstream_ends() noexcept { upstream_ended_ = exchange_.loop().now(); }

void Visit::first_token_sent() noexcept {
  if (!entry_.first_token) entry_.first_token = exchange_.loop().read_clock() - exchange_.received_at();
}

void Visit::add_answer_headers(wire::HeaderBlock& lines, std::string_view content_type) const {
  lines.add_raw("content-type: ");
  lines.add_raw(content_type);
  lines.add_raw("\r\nx-request-id: ");
  lines.add_raw(request_id());
  lines.add_raw("\r\n");
  const auto origin = head().find(wire::Field::origin);
  if (origin && access::origin_allowed(*origin, snapshot_->keys.rules())) {
    // The value came through the parser, so it holds no line end.
    lines.add_raw(cat("access-control-allow-origin: ", *origin, "\r\nvary: origin\r\naccess-control-expose-headers: x-request-id\r\n"));
  }
}

std::string forwarded_headers(const Visit& visit, const catalog::Provider& provider) {
  std::string lines;
  lines.reserve(128);
  lines += "x-request-id: ";
  lines += visit.request_id();
  lines += "\r\n";
  const bool is_twin = provider.name == "twin";
  for (const wire::Header header : visit.head().headers()) {
    const bool wanted = std::ranges::any_of(forwarded_names, [&](auto name) { return iequals(header.name, name); }) ||
                        (is_twin && has_prefix(header.name, twin_prefix));
    if (wanted) lines += cat(header.name, ": ", header.value, "\r\n");
  }
  return lines;
}

}  // namespace cardea::pipeline

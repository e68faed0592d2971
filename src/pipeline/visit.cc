#include "pipeline/visit.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/native/forms.h"
#include "pipeline/end_user.h"
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

Visit::Visit(Visits& visits, std::shared_ptr<const Snapshot> snapshot, record::Recorder& recorder, Random& random,
             http::Exchange& exchange)
    : snapshot_{std::move(snapshot)},
      recorder_{recorder},
      exchange_{exchange},
      in_flight_{recorder.track(record::Gauge::in_flight_requests)},
      visits_{visits},
      next_{visits.first_} {
  if (next_ != nullptr) next_->previous_ = this;
  visits.first_ = this;
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
  (previous_ != nullptr ? previous_->next_ : visits_.first_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
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
  says_problems_ = route.dialect == admin_words;
  entry_.dialect = says_problems_ ? std::string_view{} : route.dialect;
  if (const dialect::Dialect* spoken = dialect::find(route.dialect)) speak(*spoken);
  entry_.operation = route.name;
}

void Visit::speak(const dialect::Dialect& dialect) noexcept {
  dialect_ = &dialect;
  if (dialect_ == &dialect::native() && form_of_answer(head()) == Form::xml) dialect_ = &dialect::native_xml();
}

void Visit::stand_in_dialect() noexcept {
  says_problems_ = says_problems_ || head().path().starts_with("/admin/");
  if (entry_.dialect.empty() && head().path().starts_with("/cardea/")) speak(dialect::native());
}

Status Visit::check_address() {
  const Snapshot::Addresses& rules = snapshot_->addresses;
  if (!rules.proxies.none()) entry_.client_address = access::client_address(head(), exchange_.peer(), rules.proxies);
  // Who comes through a Unix socket, and speaks for nobody, is on this machine.
  const bool unlisted = rules.allow.empty() && rules.deny.empty();
  if (unlisted || client_address() == "unix") return {};
  const Result<net::Address> from = net::Address::ip(client_address(), 0);
  if (from && !rules.deny.holds(*from) && (rules.allow.empty() || rules.allow.holds(*from))) return {};
  return fail(Kind::forbidden,
              Error::Detail{.message = "This gateway may not be used from this address.", .code = "address_not_allowed"});
}

Status Visit::admit(access::Principal principal, const Route& route, const access::Directory& directory) {
  principal_ = std::move(principal);
  route_ = &route;
  entry_.principal = principal_.name();
  end_user_ = end_user_in(head());
  if (!end_user_.empty()) principal_.speak_for(directory.end_user(end_user_, principal_));
  return check(principal_, now());
}

Status Visit::meet_end_user(std::string name, const access::Directory& directory) {
  if (!end_user_.empty() || name.empty()) return {};
  end_user_ = std::move(name);
  principal_.speak_for(directory.end_user(end_user_, principal_));
  return principal_.end_user() != nullptr ? check(principal_, now()) : Status{};
}

Status Visit::check(const access::Principal& principal, std::int64_t now) const {
  Status standing = principal.check_standing(now, client_address());
  if (!standing) return standing;
  const auto asked = permission_of(route_->policy);
  if (asked && !access::permits(principal.role(), *asked)) {
    return fail(Kind::forbidden,
                Error::Detail{.message = cat("The role '", config::to_text(principal.role()), "' may not do this."),
                              .code = "role_too_low"});
  }
  // While the target is not known yet, only the dialect is asked about; the administration speaks none.
  const bool administers = route_->operation == Operation::administer;
  return principal.check({.dialect = administers ? std::string_view{} : route_->dialect,
                          .model = target_model_.empty() ? std::string_view{} : std::string_view{entry_.model_asked},
                          .provider = entry_.provider,
                          .upstream_model = target_model_});
}

void Visit::check_again(const access::Directory& directory, std::int64_t now) {
  if (route_ == nullptr || taken_away_) return;
  Result<access::Principal> renewed = directory.renew(principal_, now);
  if (renewed && !end_user_.empty()) renewed->speak_for(directory.end_user(end_user_, *renewed));
  Status still = renewed ? check(*renewed, now) : Status{fail_with(renewed)};
  if (still) return;
  const Kind kind = still.error().kind();
  taken_away_ = std::move(still.error());
  exchange_.scope().cancel(kind);
}

Error Visit::why(Error error) { return taken_away_ ? std::move(*taken_away_) : std::move(error); }

Result<catalog::Target> Visit::resolve(std::string_view model) {
  entry_.model_asked = model;
  Result<catalog::Target> target = snapshot_->catalog->resolve(model);
  if (!target) return target;
  entry_.provider = target->provider->name;
  entry_.upstream_model = target->info != nullptr ? std::string_view{target->info->id} : std::string_view{};
  constexpr std::size_t kept_max = 128;  // a longer name would be cut, and another one asked about
  if (model.size() <= kept_max && target->model.size() <= kept_max) target_model_ = target->model;
  Status may = principal_.check({.model = model, .provider = target->provider->name, .upstream_model = target->model});
  if (!may) return fail_with(may);
  return target;
}

Result<catalog::Target> Visit::resolve(std::string_view model, const json::Members& body, const access::Directory& directory) {
  Result<std::string> named = end_user_in(body);
  if (!named) return fail_with(named);
  Status behind = meet_end_user(std::move(*named), directory);
  if (!behind) return fail_with(behind);
  return resolve(model);
}

Status Visit::use(const catalog::Provider& provider) {
  entry_.provider = provider.name;
  return principal_.check({.provider = provider.name});
}

Status Visit::use_all_of(const catalog::Provider& provider, std::string_view what) {
  Status may = use(provider);
  if (!may) return may;
  if (!principal_.restricted(&config::Grant::models) && !principal_.restricted(&config::Grant::tools)) return may;
  return fail(Kind::forbidden, Error::Detail{.message = cat("The caller may use some models or tools only, and what ", what,
                                                            " uses is not looked at."),
                                             .code = "model_not_allowed"});
}

bool Visit::may_see(const catalog::Entry& model) const {
  return principal_.check({.model = model.id, .provider = model.target.provider->name, .upstream_model = model.target.model})
      .has_value();
}

std::int64_t Visit::now() const noexcept {
  return std::chrono::duration_cast<std::chrono::seconds>(entry_.started.time_since_epoch()).count();
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
  if (origin && access::origin_allowed(*origin, snapshot_->origins)) {
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

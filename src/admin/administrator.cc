#include "admin/administrator.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "admin/actions.h"
#include "base/text.h"
#include "net/crypto.h"
#include "pipeline/pages.h"

namespace cardea::admin {
namespace {

const Action* find(std::string_view form) noexcept {
  for (const auto table : {own_actions(), litellm_actions()}) {
    const auto found = std::ranges::find(table, form, &Action::form);
    if (found != table.end()) return &*found;
  }
  return nullptr;
}

constexpr std::size_t idempotency_bytes_max = 255;
constexpr std::array<std::string_view, access::things> plurals{"organizations", "teams", "projects", "keys", "users", "members"};

struct Unit {
  std::string_view name;
  std::int64_t seconds;
};
constexpr Unit units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86'400}, {"w", 7 * 86'400}, {"mo", 30 * 86'400}};
constexpr std::int64_t span_max = std::int64_t{100} * 365 * 86'400;

}  // namespace

bool knows(std::string_view form) noexcept { return find(form) != nullptr; }

net::Task<Result<AdminAnswer>> Administrator::answer(const AdminCall& call) {
  const Action* action = find(call.route.form);
  if (action == nullptr) co_return fail(Kind::not_implemented, "nothing answers this route");
  Answer done = co_await action->run(parts_, call, action->thing);
  co_return done;
}

std::string_view plural(Thing thing) noexcept { return plurals[static_cast<std::size_t>(thing)]; }

std::string parameter_of(const AdminCall& call) { return percent_decoded(call.parameter).value_or(std::string{call.parameter}); }

std::string query_of(const AdminCall& call, std::string_view name) { return pipeline::query_parameter(call.head.query(), name); }

Result<access::Caller> caller_of(const AdminCall& call, std::string& digest) {
  access::Caller caller{.principal = call.principal, .address = call.address};
  const auto key = call.head.find("idempotency-key");
  if (!key) return caller;
  if (key->empty() || key->size() > idempotency_bytes_max) {
    return fail(Kind::bad_request, cat("idempotency-key: 1 to ", idempotency_bytes_max, " characters"), "idempotency-key");
  }
  const std::string_view parts[] = {call.route.form, "\n", call.parameter, "\n", call.head.query(), "\n", call.body};
  const net::Digest hash = net::sha256(parts);
  digest.assign(reinterpret_cast<const char*>(hash.data()), hash.size());
  caller.idempotency_key = *key;
  caller.request_digest = digest;
  return caller;
}

Result<json::Value> object_of(std::string_view body) {
  if (trim(body).empty()) return json::Value::object();
  Result<json::Value> object = json::parse(body);
  if (!object) return fail(Kind::bad_request, cat("The body is not JSON: ", object.error().message()));
  if (!object->is(json::Type::object)) return fail(Kind::bad_request, "The body is not a JSON object.");
  return object;
}

std::optional<std::chrono::seconds> parse_span(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || count < 0 || count > span_max) return std::nullopt;
  const std::string_view name{end, text.data() + text.size()};
  const auto unit = std::ranges::find(units, name, &Unit::name);
  if (unit == std::end(units) || count > span_max / unit->seconds) return std::nullopt;
  return std::chrono::seconds{count * unit->seconds};
}

Error unheard(Error error) {
  if (!error.is(Kind::timed_out)) return error;
  return Error{Kind::unavailable, Error::Detail{.message = "The store did not answer in time; the change may still happen. Look, "
                                                           "or repeat it with the same idempotency-key.",
                                                .retry_after = "5"}};
}

std::string text_at(const json::Value& object, std::string_view name) {
  const json::Value* value = object.find(name);
  return value != nullptr && value->as_string() != nullptr ? *value->as_string() : std::string{};
}

}  // namespace cardea::admin

// The administration's own API: what each row does.

#include "admin/actions.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/time.h"
#include "config/settings.h"
#include "json/writer.h"
#include "net/handover.h"

namespace cardea::admin {
namespace {

// Versions and preconditions (RFC 9110 §8.8.3, §13.1). What a file declares has no version, so it has no tag.

std::string etag_of(const Shown& shown) { return shown.version == 0 ? std::string{} : cat('"', shown.version, '"'); }

bool lists(std::string_view tags, std::string_view etag) {
  bool found = false;
  for_each_in_list(tags, [&](std::string_view tag) { found = found || tag == "*" || (!etag.empty() && tag == etag); });
  return found;
}

std::unexpected<Error> failed_precondition(std::string_view header, std::string_view message) {
  return fail(
      Kind::conflict,
      Error::Detail{.message = std::string{message}, .param = std::string{header}, .code = "precondition_failed", .status = 412});
}

/// Which version a change may go out from; nothing: any.
Result<std::optional<std::int64_t>> version_asked(Parts& parts, const AdminCall& call, Thing thing, std::string_view id) {
  const auto tags = call.head.find("if-match");
  if (!tags || trim(*tags) == "*") return std::nullopt;
  Result<Shown> shown = parts.registry.show(thing, id, call.principal);
  if (!shown) return fail_with(shown);
  if (!lists(*tags, etag_of(*shown))) {
    return failed_precondition("if-match", "It was changed meanwhile: its etag is none of those in if-match. Read it again.");
  }
  return shown->version;
}

/// A key's secret is said once, beside what everybody may see.
std::string body_of(const Made& made) {
  if (made.secret.empty()) return made.shown.json;
  std::string text{"{\"key\":"};
  json::append_string(text, made.secret.reveal());
  return cat(text, made.shown.json.size() > 2 ? "," : "", std::string_view{made.shown.json}.substr(1));
}

AdminAnswer answer_of(const Shown& shown) { return {.body = shown.json, .etag = etag_of(shown)}; }
AdminAnswer answer_of(const Made& made) { return {.body = body_of(made), .etag = etag_of(made.shown)}; }

/// Unreserved characters stay (RFC 3986 §2.3).
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                       c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      append(out, cat('%', hex[byte >> 4], hex[byte & 15]));
    }
  }
  return out;
}

Result<std::size_t> limit_of(const AdminCall& call) {
  const std::string limit = query_of(call, "limit");
  if (limit.empty()) return page_limit_default;
  const auto number = parse_number<std::size_t>(limit);
  if (number && *number > 0 && *number <= page_limit_max) return *number;
  return fail(Kind::bad_request, cat("limit: it is a number from 1 to ", page_limit_max), "limit");
}

// Things.

net::Task<Answer> list(Parts& parts, const AdminCall& call, Thing thing) {
  const Result<std::size_t> limit = limit_of(call);
  if (!limit) co_return std::unexpected{limit.error().clone()};
  const std::string organization = query_of(call, "organization");
  const std::string team = query_of(call, "team");
  const std::string project = query_of(call, "project");
  const std::string after = query_of(call, "after");
  const access::ListQuery query{.thing = thing,
                                .organization = organization,
                                .team = team,
                                .project = project,
                                .after = after,
                                .limit = *limit + 1};  // one more tells whether there are more
  Result<std::vector<Shown>> found = parts.registry.list(query, call.principal);
  if (!found) co_return fail_with(found);
  const bool more = found->size() > *limit;
  if (more) found->pop_back();
  AdminAnswer answer;
  json::Writer out{answer.body};
  out.begin_object();
  out.key("object").string("list");
  out.key("data").begin_array();
  for (const Shown& shown : *found) out.raw(shown.json);
  out.end_array();
  out.key("has_more").boolean(more);
  if (more) out.key("next").string(found->back().id);
  out.end_object();
  co_return answer;
}

net::Task<Answer> show(Parts& parts, const AdminCall& call, Thing thing) {
  Result<Shown> shown = parts.registry.show(thing, parameter_of(call), call.principal);
  if (!shown) co_return fail_with(shown);
  AdminAnswer answer = answer_of(*shown);
  const auto known = call.head.find("if-none-match");
  if (known && lists(*known, answer.etag)) {
    answer.status = 304;
    answer.body.clear();
  }
  co_return answer;
}

net::Task<Answer> create(Parts& parts, const AdminCall& call, Thing thing) {
  std::string digest;
  const Result<access::Caller> caller = caller_of(call, digest);
  if (!caller) co_return std::unexpected{caller.error().clone()};
  net::Handover<Result<Made>> handover{call.loop};
  parts.registry.create(thing, *caller, std::string{call.body}, handover.sender());
  Result<Made> made = co_await handover.receive(patience);
  if (!made) {
    const auto none = call.head.find("if-none-match");
    const bool taken = made.error().is(Kind::conflict) && made.error().detail().param == "id";
    if (none && trim(*none) == "*" && taken) co_return failed_precondition("if-none-match", made.error().message());
    co_return std::unexpected{unheard(std::move(made.error()))};
  }
  AdminAnswer answer = answer_of(*made);
  answer.status = 201;
  answer.location = cat("/admin/v1/", plural(thing), "/", percent_encoded(made->shown.id));
  co_return answer;
}

net::Task<Answer> change(Parts& parts, const AdminCall& call, Thing thing, std::string_view patch) {
  std::string digest;
  const Result<access::Caller> caller = caller_of(call, digest);
  if (!caller) co_return std::unexpected{caller.error().clone()};
  const std::string id = parameter_of(call);
  Result<std::optional<std::int64_t>> version = version_asked(parts, call, thing, id);
  if (!version) co_return fail_with(version);
  net::Handover<Result<Made>> handover{call.loop};
  parts.registry.update(thing, *caller, id, patch, *version, handover.sender());
  Result<Made> made = co_await handover.receive(patience);
  if (!made) co_return std::unexpected{unheard(std::move(made.error()))};
  co_return answer_of(*made);
}

net::Task<Answer> update(Parts& parts, const AdminCall& call, Thing thing) {
  Answer answer = co_await change(parts, call, thing, call.body);
  co_return answer;
}
net::Task<Answer> block(Parts& parts, const AdminCall& call, Thing thing) {
  Answer answer = co_await change(parts, call, thing, R"({"blocked":true})");
  co_return answer;
}
net::Task<Answer> unblock(Parts& parts, const AdminCall& call, Thing thing) {
  Answer answer = co_await change(parts, call, thing, R"({"blocked":false})");
  co_return answer;
}

net::Task<Answer> remove(Parts& parts, const AdminCall& call, Thing thing) {
  std::string digest;
  const Result<access::Caller> caller = caller_of(call, digest);
  if (!caller) co_return std::unexpected{caller.error().clone()};
  const std::string id = parameter_of(call);
  Result<std::optional<std::int64_t>> version = version_asked(parts, call, thing, id);
  if (!version) co_return fail_with(version);
  net::Handover<Status> handover{call.loop};
  parts.registry.remove(thing, *caller, id, *version, handover.sender());
  Status removed = co_await handover.receive(patience);
  if (!removed) co_return std::unexpected{unheard(std::move(removed.error()))};
  co_return AdminAnswer{.status = 204, .body = {}};
}

// Keys.

Result<std::chrono::seconds> overlap_of(const AdminCall& call) {
  Result<json::Value> body = object_of(call.body);
  if (!body) return fail_with(body);
  for (const auto& [name, value] : body->members()) {
    if (name != "overlap") return fail(Kind::bad_request, cat(name, ": there is no such field; there is 'overlap'"), name);
  }
  const json::Value* overlap = body->find("overlap");
  if (overlap == nullptr) return std::chrono::seconds{0};
  const std::string* text = overlap->as_string() != nullptr ? overlap->as_string() : overlap->as_number();
  const auto span = text != nullptr ? parse_span(*text) : std::nullopt;
  if (span) return *span;
  return fail(Kind::bad_request, "overlap: it is no duration – write it as \"24h\", \"7d\", or a number of seconds", "overlap");
}

net::Task<Answer> rotate(Parts& parts, const AdminCall& call, Thing /*thing*/) {
  std::string digest;
  const Result<access::Caller> caller = caller_of(call, digest);
  if (!caller) co_return std::unexpected{caller.error().clone()};
  Result<std::chrono::seconds> overlap = overlap_of(call);
  if (!overlap) co_return fail_with(overlap);
  net::Handover<Result<Made>> handover{call.loop};
  parts.registry.rotate(*caller, parameter_of(call), *overlap, handover.sender());
  Result<Made> made = co_await handover.receive(patience);
  if (!made) co_return std::unexpected{unheard(std::move(made.error()))};
  co_return answer_of(*made);
}

net::Task<Answer> revoke(Parts& parts, const AdminCall& call, Thing /*thing*/) {
  std::string digest;
  const Result<access::Caller> caller = caller_of(call, digest);
  if (!caller) co_return std::unexpected{caller.error().clone()};
  net::Handover<Result<Made>> handover{call.loop};
  parts.registry.revoke(*caller, parameter_of(call), handover.sender());
  Result<Made> made = co_await handover.receive(patience);
  if (!made) co_return std::unexpected{unheard(std::move(made.error()))};
  co_return answer_of(*made);
}

/// Who is calling: its key as the registry shows it, or what is known of one whom somebody else vouches for.
net::Task<Answer> own_key(Parts& parts, const AdminCall& call, Thing /*thing*/) {
  if (const access::Holder* holder = call.principal.holder(); holder != nullptr) {
    Result<Shown> shown = parts.registry.show(Thing::key, holder->id, call.principal);
    if (shown) co_return answer_of(*shown);
  }
  AdminAnswer answer;
  json::Writer out{answer.body};
  out.begin_object();
  out.key("object").string("principal");
  out.key("name").string(call.principal.name());
  out.key("role").string(config::to_text(call.principal.role()));
  if (const access::Tenant* tenant = call.principal.tenant(); tenant != nullptr) {
    out.key(access::to_text(static_cast<Thing>(tenant->level))).string(tenant->id);
  }
  out.end_object();
  co_return answer;
}

// What is no thing.

struct Named {
  std::string_view name;
  access::Permission permission;
};
constexpr Named permissions[] = {{"call", access::Permission::call},
                                 {"read", access::Permission::read},
                                 {"operate", access::Permission::operate},
                                 {"manage", access::Permission::manage},
                                 {"own", access::Permission::own}};
constexpr access::Role roles[] = {access::Role::owner,   access::Role::admin,  access::Role::operator_,
                                  access::Role::auditor, access::Role::member, access::Role::key};

net::Task<Answer> list_roles(Parts& /*parts*/, const AdminCall& /*call*/, Thing /*thing*/) {
  AdminAnswer answer;
  json::Writer out{answer.body};
  out.begin_object();
  out.key("object").string("list");
  out.key("data").begin_array();
  for (const access::Role role : roles) {
    out.begin_object();
    out.key("id").string(config::to_text(role));
    out.key("may").begin_array();
    for (const Named& one : permissions) {
      if (access::permits(role, one.permission)) out.string(one.name);
    }
    out.end_array();
    out.end_object();
  }
  out.end_array();
  out.key("has_more").boolean(false);
  out.end_object();
  co_return answer;
}

void write_state(json::Writer& out, std::string_view name, const std::string& json) {
  if (json.empty()) {
    out.key(name).null();
  } else {
    out.key(name).raw(json);
  }
}

void write_line(json::Writer& out, const store::AuditLine& line) {
  const store::AuditEntry& entry = line.entry;
  out.begin_object();
  out.key("seq").number(line.seq);
  out.key("time").string(show_time(entry.time_ms / 1000));
  out.key("time_ms").number(entry.time_ms);
  out.key("actor").string(entry.actor);
  out.key("address").string(entry.address);
  out.key("action").string(entry.action);
  out.key("target").string(entry.target);
  write_state(out, "before", entry.before);
  write_state(out, "after", entry.after);
  out.key("hash").string(line.hash);
  out.end_object();
}

net::Task<Answer> list_audit(Parts& parts, const AdminCall& call, Thing /*thing*/) {
  // The log is the gateway's: it tells of every tenant.
  if (call.principal.tenant() != nullptr) co_return fail(Kind::not_found, "There is no audit log of one tenant alone.");
  Result<std::size_t> limit = limit_of(call);
  if (!limit) co_return fail_with(limit);
  const std::string before_text = query_of(call, "before");
  const auto before = before_text.empty() ? std::optional<std::uint64_t>{0} : parse_number<std::uint64_t>(before_text);
  if (!before || *before > static_cast<std::uint64_t>(access::never)) {
    co_return fail(Kind::bad_request, "before: it is the 'seq' of a line", "before");
  }
  net::Handover<Result<std::vector<store::AuditLine>>> handover{call.loop};
  parts.store.audit(static_cast<std::int64_t>(*before), *limit + 1, handover.sender());
  Result<std::vector<store::AuditLine>> lines = co_await handover.receive(patience);
  if (!lines) co_return std::unexpected{unheard(std::move(lines.error()))};
  const bool more = lines->size() > *limit;
  if (more) lines->pop_back();
  AdminAnswer answer;
  json::Writer out{answer.body};
  out.begin_object();
  out.key("object").string("list");
  out.key("data").begin_array();
  for (const store::AuditLine& line : *lines) write_line(out, line);
  out.end_array();
  out.key("has_more").boolean(more);
  if (more) out.key("next").number(lines->back().seq);
  out.end_object();
  co_return answer;
}

net::Task<Answer> openapi(Parts& /*parts*/, const AdminCall& /*call*/, Thing /*thing*/) {
  co_return AdminAnswer{.body = openapi_document()};
}

// Providers' keys. They are the gateway's own, so nobody inside a tenant has to do with them.

Status at_the_gateway(Parts& parts, const AdminCall& call) {
  if (call.principal.tenant() != nullptr) return fail(Kind::not_found, "There is no such provider.", "name");
  if (parts.provider_keys == nullptr) return fail(Kind::not_implemented, "Providers' keys cannot be given at run time here.");
  return {};
}

std::string provider_state(std::string_view name, ProviderKeys::Source source) {
  constexpr std::array<std::string_view, 3> sources{"none", "file", "store"};
  std::string text;
  json::Writer out{text};
  out.begin_object();
  out.key("object").string("provider_key");
  out.key("provider").string(name);
  out.key("set").boolean(source != ProviderKeys::Source::none);
  out.key("source").string(sources[static_cast<std::size_t>(source)]);
  out.end_object();
  return text;
}

net::Task<Answer> show_provider_key(Parts& parts, const AdminCall& call, Thing /*thing*/) {
  if (Status there = at_the_gateway(parts, call); !there) co_return fail_with(there);
  const std::string name = parameter_of(call);
  Result<ProviderKeys::Source> source = parts.provider_keys->source(name);
  if (!source) co_return fail_with(source);
  co_return AdminAnswer{.body = provider_state(name, *source)};
}

net::Task<Answer> set_provider_key(Parts& parts, const AdminCall& call, Thing /*thing*/) {
  if (Status there = at_the_gateway(parts, call); !there) co_return fail_with(there);
  Result<json::Value> body = object_of(call.body);
  if (!body) co_return fail_with(body);
  std::string key = text_at(*body, "key");
  if (key.empty() || body->members().size() != 1) {
    co_return fail(Kind::bad_request, "key: the body is {\"key\": \"…\"} and nothing else", "key");
  }
  const std::string name = parameter_of(call);
  const access::Caller caller{.principal = call.principal, .address = call.address};
  net::Handover<Status> handover{call.loop};
  parts.provider_keys->set(caller, name, Secret{std::move(key)}, handover.sender());
  Status done = co_await handover.receive(patience);
  if (!done) co_return std::unexpected{unheard(std::move(done.error()))};
  co_return AdminAnswer{.body = provider_state(name, ProviderKeys::Source::store)};
}

net::Task<Answer> remove_provider_key(Parts& parts, const AdminCall& call, Thing /*thing*/) {
  if (Status there = at_the_gateway(parts, call); !there) co_return fail_with(there);
  const access::Caller caller{.principal = call.principal, .address = call.address};
  net::Handover<Status> handover{call.loop};
  parts.provider_keys->remove(caller, parameter_of(call), handover.sender());
  Status done = co_await handover.receive(patience);
  if (!done) co_return std::unexpected{unheard(std::move(done.error()))};
  co_return AdminAnswer{.status = 204, .body = {}};
}

constexpr Action table[] = {
    {"organizations.list", list, Thing::organization},
    {"organizations.create", create, Thing::organization},
    {"organizations.show", show, Thing::organization},
    {"organizations.update", update, Thing::organization},
    {"organizations.remove", remove, Thing::organization},
    {"teams.list", list, Thing::team},
    {"teams.create", create, Thing::team},
    {"teams.show", show, Thing::team},
    {"teams.update", update, Thing::team},
    {"teams.remove", remove, Thing::team},
    {"projects.list", list, Thing::project},
    {"projects.create", create, Thing::project},
    {"projects.show", show, Thing::project},
    {"projects.update", update, Thing::project},
    {"projects.remove", remove, Thing::project},
    {"keys.list", list, Thing::key},
    {"keys.create", create, Thing::key},
    {"keys.show", show, Thing::key},
    {"keys.update", update, Thing::key},
    {"keys.remove", remove, Thing::key},
    {"users.list", list, Thing::user},
    {"users.create", create, Thing::user},
    {"users.show", show, Thing::user},
    {"users.update", update, Thing::user},
    {"users.remove", remove, Thing::user},
    {"members.list", list, Thing::member},
    {"members.create", create, Thing::member},
    {"members.show", show, Thing::member},
    {"members.update", update, Thing::member},
    {"members.remove", remove, Thing::member},
    {"keys.rotate", rotate},
    {"keys.revoke", revoke},
    {"keys.block", block},
    {"keys.unblock", unblock},
    {"key.own", own_key},
    {"roles.list", list_roles},
    {"audit.list", list_audit},
    {"openapi", openapi},
    {"provider_key.show", show_provider_key},
    {"provider_key.set", set_provider_key},
    {"provider_key.remove", remove_provider_key},
};

}  // namespace

std::span<const Action> own_actions() noexcept { return table; }

}  // namespace cardea::admin

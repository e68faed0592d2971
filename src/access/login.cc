#include "access/login.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "access/ask.h"
#include "access/token.h"
#include "base/base64.h"
#include "base/text.h"
#include "json/writer.h"
#include "wire/http1.h"

namespace cardea::access {

/// What a provider's discovery document says (OpenID Connect Discovery 1.0 §3).
struct AccessPoints {
  std::string authorize, token, keys, user;
  std::int64_t learned = 0;
};

namespace {

constexpr std::int64_t discovery_seconds = 600;
constexpr std::int64_t login_seconds = 600;
constexpr std::int64_t leeway = 60;
constexpr std::string_view login_cookie = "cardea_login";
constexpr std::string_view login_context = "login/state";
constexpr std::string_view home = "/dashboard";

std::string random_id() {
  std::array<std::uint8_t, 32> bytes{};
  net::random_bytes(bytes);
  return to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string_view bytes_of(const net::Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

std::string text_of(const json::Value& object, std::string_view name) {
  const auto* member = object.find(name);
  const auto* text = member != nullptr ? member->as_string() : nullptr;
  return text != nullptr ? *text : std::string{};
}

/// A path of this gateway and nothing that a browser would take for another's: "//host", "/\host".
bool own_path(std::string_view path) {
  const auto strange = [](char c) { return c == '\\' || static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  return path.starts_with('/') && !path.starts_with("//") && std::ranges::none_of(path, strange);
}

std::string parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.substr(0, pair.find('=')) != name || pair.find('=') == std::string_view::npos) continue;
    return percent_decoded(pair.substr(pair.find('=') + 1)).value_or("");
  }
  return {};
}

std::unexpected<Error> start_again(std::string_view why) {
  return fail(Kind::unauthenticated, cat("The login failed: ", why, ". Start again at /login."));
}

/// A JSON object of a good answer. `what` begins the error.
Result<json::Value> object_of(const Reply& reply, std::string_view what) {
  if (reply.status != 200) return fail(Kind::upstream_failed, cat(what, " answers with status ", reply.status));
  auto value = json::parse(reply.body);
  if (!value || !value->is(json::Type::object) || has_duplicates(*value)) {
    return fail(Kind::upstream_protocol, cat(what, " answers with no JSON object"));
  }
  return value;
}

/// What the browser keeps for us while its user is at the provider.
struct Pending {
  std::string state, nonce, verifier, return_to;
  std::int64_t expires = 0;
};
std::string write(const Pending& pending) {
  std::string out;
  json::Writer w{out};
  w.begin_object().key("state").string(pending.state).key("nonce").string(pending.nonce).key("verifier").string(pending.verifier);
  w.key("return_to").string(pending.return_to).key("expires").number(pending.expires).end_object();
  return out;
}
std::optional<Pending> read(std::string_view text) {
  const auto value = json::parse(text);
  if (!value) return std::nullopt;
  const auto expires = date_of(value->find("expires"));
  return Pending{text_of(*value, "state"), text_of(*value, "nonce"), text_of(*value, "verifier"), text_of(*value, "return_to"),
                 expires.value_or(0)};
}

}  // namespace

std::string_view find_cookie(std::string_view header, std::string_view name) noexcept {
  while (!header.empty()) {
    const auto pair = trim(header.substr(0, header.find(';')));
    header.remove_prefix(
        std::min(header.size(), header.find(';') == std::string_view::npos ? header.size() : header.find(';') + 1));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return pair.substr(name.size() + 1);
  }
  return {};
}

Result<std::string> Sessions::open(IdentityClaims claims, std::int64_t now) {
  auto id = random_id();
  const auto digest = vault_.hash(cat("session ", id));
  auto kept = std::make_shared<const IdentityClaims>(std::move(claims));
  const std::scoped_lock lock{mutex_};
  if (sessions_.size() >= sessions_max)
    std::erase_if(sessions_, [now](const auto& entry) { return entry.second->expires <= now; });
  if (sessions_.size() >= sessions_max) return fail(Kind::unavailable, "Too many people are logged in. Try again later.");
  sessions_.emplace(digest, std::move(kept));
  return id;
}

std::shared_ptr<const IdentityClaims> Sessions::find(std::string_view id, std::int64_t now) const {
  if (id.empty()) return nullptr;
  const auto digest = vault_.hash(cat("session ", id));
  const std::scoped_lock lock{mutex_};
  const auto found = sessions_.find(digest);
  return found != sessions_.end() && now < found->second->expires ? found->second : nullptr;
}

void Sessions::close(std::string_view id) {
  const auto digest = vault_.hash(cat("session ", id));
  const std::scoped_lock lock{mutex_};
  sessions_.erase(digest);
}

std::size_t Sessions::size() const {
  const std::scoped_lock lock{mutex_};
  return sessions_.size();
}

Login::Login(Options options) : options_{std::move(options)} {}
Login::~Login() = default;

void Login::configure(const config::Oidc& oidc) {
  if (oidc.issuer != oidc_.issuer) points_.reset();
  oidc_ = oidc;
  const auto address = http::parse_web_address(oidc.redirect_url);
  origin_ = address ? address->text().substr(0, address->text().size() - address->target.size()) : std::string{};
}

/// Over TLS the name itself keeps other hosts and plain HTTP from setting it (RFC 6265bis §4.1.3.2).
std::string_view Login::session_cookie() const noexcept {
  return origin_.starts_with("https:") ? "__Host-cardea_session" : "cardea_session";
}

std::string Login::cookie(std::string_view name, std::string_view value, std::int64_t seconds) const {
  return cat(name, '=', value, "; Path=/; Max-Age=", seconds, "; HttpOnly; SameSite=Lax",
             origin_.starts_with("https:") ? "; Secure" : "");
}

Error Login::trouble(std::string_view what, Error error) const {
  if (options_.on_failure) options_.on_failure(cat(what, " of ", oidc_.issuer), error);
  return {Kind::unavailable, "The login provider cannot be asked just now. Try again shortly."};
}

net::Task<Result<std::shared_ptr<const AccessPoints>>> Login::discover() {
  if (points_ && options_.now() - points_->learned < discovery_seconds) co_return points_;
  const auto slash = oidc_.issuer.ends_with('/') ? oidc_.issuer.size() - 1 : oidc_.issuer.size();
  Question question{.url = cat(oidc_.issuer.substr(0, slash), "/.well-known/openid-configuration"), .form = {}, .headers = {}};
  Result<Reply> reply = co_await ask(options_.client, std::move(question));
  if (!reply) co_return std::unexpected{trouble("discovery", std::move(reply.error()))};
  auto document = object_of(*reply, "it");
  if (!document) co_return std::unexpected{trouble("discovery", std::move(document.error()))};
  auto points = std::make_shared<AccessPoints>();
  points->authorize = text_of(*document, "authorization_endpoint");
  points->token = text_of(*document, "token_endpoint");
  points->keys = text_of(*document, "jwks_uri");
  points->user = text_of(*document, "userinfo_endpoint");
  points->learned = options_.now();
  // §4.3: to the letter, or another provider could speak in its name.
  if (text_of(*document, "issuer") != oidc_.issuer) {
    co_return std::unexpected{trouble("discovery", Error{Kind::upstream_protocol, "its document names another issuer"})};
  }
  for (const auto& url : {points->authorize, points->token, points->keys}) {
    if (auto address = trusted_address(url); !address)
      co_return std::unexpected{trouble("discovery", std::move(address.error()))};
  }
  points_ = std::move(points);
  co_return points_;
}

net::Task<Result<Login::Step>> Login::begin(std::string_view return_to) {
  const Pending pending{.state = random_id(),
                        .nonce = random_id(),
                        .verifier = random_id(),
                        .return_to = std::string{own_path(return_to) ? return_to : home},
                        .expires = options_.now() + login_seconds};
  Result<std::shared_ptr<const AccessPoints>> points = co_await discover();
  if (!points) co_return fail_with(points);
  std::string scope;
  for (const auto& word : oidc_.scopes) scope += cat(scope.empty() ? "" : " ", word);
  std::string query;
  append_form(query, "response_type", "code");
  append_form(query, "client_id", oidc_.client_id);
  append_form(query, "redirect_uri", oidc_.redirect_url);
  append_form(query, "scope", scope);
  append_form(query, "state", pending.state);
  append_form(query, "nonce", pending.nonce);
  append_form(query, "code_challenge", to_base64url(bytes_of(net::sha256(pending.verifier))));
  append_form(query, "code_challenge_method", "S256");
  const auto& authorize = (*points)->authorize;
  Step step;
  step.location = cat(authorize, authorize.find('?') == std::string::npos ? '?' : '&', query);
  step.cookies.push_back(cookie(login_cookie, options_.vault.seal(login_context, write(pending)), login_seconds));
  co_return step;
}

net::Task<Result<Login::Step>> Login::finish(std::string_view query, std::string_view cookies) {
  const auto opened = options_.vault.open(login_context, find_cookie(cookies, login_cookie));
  const auto pending = opened ? read(opened->reveal()) : std::nullopt;
  if (!pending || options_.now() >= pending->expires) co_return start_again("this browser has not begun one, or took too long");
  if (!constant_time_equal(parameter(query, "state"), pending->state))
    co_return start_again("the answer belongs to another login");
  // RFC 9207: an answer that says whose it is must be this provider's.
  if (const auto issuer = parameter(query, "iss"); !issuer.empty() && issuer != oidc_.issuer) {
    co_return start_again("the answer comes from another provider");
  }
  const auto code = parameter(query, "code");
  if (code.empty()) co_return start_again("the provider refused it");
  Result<std::shared_ptr<const AccessPoints>> points = co_await discover();
  if (!points) co_return fail_with(points);
  Result<json::Value> answer = co_await exchange(**points, code, pending->verifier);
  if (!answer) co_return fail_with(answer);
  Result<json::Value> claims = co_await claims_of(**points, *answer, pending->nonce);
  if (!claims) co_return fail_with(claims);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(oidc_.session).count();
  auto identity = identity_of(*claims, oidc_.issuer, options_.now() + seconds, oidc_.mapping);
  if (!identity) co_return fail_with(identity);
  // A new id at every login, so that nobody can know it before.
  options_.sessions.close(find_cookie(cookies, session_cookie()));
  auto session = options_.sessions.open(std::move(*identity), options_.now());
  if (!session) co_return fail_with(session);
  Step step;
  step.location = pending->return_to;
  step.cookies.push_back(cookie(session_cookie(), *session, seconds));
  step.cookies.push_back(cookie(login_cookie, "", 0));
  co_return step;
}

net::Task<Result<json::Value>> Login::exchange(const AccessPoints& points, std::string code, std::string verifier) {
  Question question{.url = points.token, .form = {}, .headers = {}};
  append_form(question.form, "grant_type", "authorization_code");
  append_form(question.form, "code", code);
  append_form(question.form, "redirect_uri", oidc_.redirect_url);
  append_form(question.form, "code_verifier", verifier);
  if (oidc_.client_secret.empty()) {
    append_form(question.form, "client_id", oidc_.client_id);
  } else {
    question.headers = basic_line(oidc_.client_id, oidc_.client_secret.reveal());
  }
  Result<Reply> reply = co_await ask(options_.client, std::move(question));
  if (!reply) co_return std::unexpected{trouble("token endpoint", std::move(reply.error()))};
  auto answer = object_of(*reply, "the token endpoint");
  if (answer) co_return answer;
  // A used or made-up code is the browser's fault, 5xx is not.
  Error failed = trouble("token endpoint", std::move(answer.error()));
  constexpr unsigned servers_fault = 500;
  if (reply->status < servers_fault) co_return start_again("the provider does not take its code");
  co_return std::unexpected{std::move(failed)};
}

/// The ID token's (OpenID Connect Core §3.1.3.7), and what the userinfo endpoint adds (§5.3).
net::Task<Result<json::Value>> Login::claims_of(const AccessPoints& points, const json::Value& answer, std::string nonce) {
  Question question{.url = points.keys, .form = {}, .headers = {}};
  Result<Reply> reply = co_await ask(options_.client, std::move(question));
  if (!reply) co_return std::unexpected{trouble("keys", std::move(reply.error()))};
  auto keys = reply->status == 200 ? KeySet::parse(reply->body) : Result<KeySet>{fail(Kind::upstream_failed)};
  if (!keys) co_return std::unexpected{trouble("keys", std::move(keys.error()))};
  const std::string text = text_of(answer, "id_token");
  Result<Token> token = Token::parse(text);
  if (!token) co_return start_again("the provider's token is none");
  const std::vector<std::string> audience{oidc_.client_id};
  const TokenRules rules{.issuer = oidc_.issuer, .audience = audience, .algorithms = {}, .leeway = leeway};
  if (Status good = verify(*token, *keys, rules, options_.now()); !good) co_return start_again(good.error().message());
  json::Value claims = token->claims();
  const auto* party = claims.find("azp");
  if (party != nullptr && text_of(claims, "azp") != oidc_.client_id) co_return start_again("the token is for another client");
  if (!constant_time_equal(text_of(claims, "nonce"), nonce)) co_return start_again("the token belongs to another login");
  const std::string access_token = text_of(answer, "access_token");
  if (points.user.empty() || access_token.empty()) co_return claims;
  question = Question{.url = points.user, .form = {}, .headers = cat("authorization: Bearer ", access_token, "\r\n")};
  const bool sendable = std::ranges::all_of(access_token, [](char c) { return c > ' ' && c < '\x7f'; });
  Result<Reply> more = fail(Kind::upstream_protocol);
  if (sendable) more = co_await ask(options_.client, std::move(question));
  const auto user = more ? object_of(*more, "the userinfo endpoint") : Result<json::Value>{fail_with(more)};
  // §5.3.2: of somebody else it is worth nothing. Signed answers (JWT) are not asked for.
  if (!user || text_of(*user, "sub") != text_of(claims, "sub")) co_return claims;
  for (const auto& [name, value] : user->members()) {
    if (claims.find(name) == nullptr) claims.set(name, value);
  }
  co_return claims;
}

Login::Step Login::end(std::string_view cookies) {
  options_.sessions.close(find_cookie(cookies, session_cookie()));
  return {.location = "/", .cookies = {cookie(session_cookie(), "", 0)}};
}

std::shared_ptr<const IdentityClaims> Login::who(std::string_view cookies) const {
  return options_.sessions.find(find_cookie(cookies, session_cookie()), options_.now());
}

Status Login::check_origin(const wire::RequestHead& head) const {
  if (head.method() == wire::Method::get || head.method() == wire::Method::head) return {};
  const auto origin = head.find(wire::Field::origin);
  if (origin ? *origin == origin_ && !origin_.empty() : head.find("sec-fetch-site") == "same-origin") return {};
  return fail(Kind::forbidden,
              "A browser's cookie or certificate is taken of this gateway's own pages only. Send an API key instead.");
}

}  // namespace cardea::access

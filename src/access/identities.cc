#include "access/identities.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "access/ask.h"
#include "base/text.h"
#include "net/loop.h"

namespace cardea::access {
namespace {

constexpr std::int64_t refresh_pause = 30;    ///< seconds between two fetches of an issuer's keys
constexpr std::int64_t keys_age_max = 600;    ///< seconds, then they are fetched anew while the old ones serve
constexpr std::int64_t jwt_remembered = 300;  ///< seconds, so that a key that its issuer withdrew is not good for long
constexpr net::Duration patience = std::chrono::seconds{12};

Result<std::string> read_key_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return fail(Kind::config, cat("the key set ", path, " cannot be read"));
  std::string text(key_set_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

bool is_url(std::string_view text) { return text.find("://") != std::string_view::npos; }

std::unexpected<Error> nobody_vouches() {
  return fail(Kind::unauthenticated,
              "Neither this gateway nor an issuer that it trusts knows the credential. Send an API key or a token as "
              "'Authorization: Bearer …'.");
}

}  // namespace

struct Identities::Issuer {
  explicit Issuer(config::Jwt rules, net::Loop& loop) : jwt{std::move(rules)}, fetched{loop} {}

  config::Jwt jwt;
  std::optional<KeySet> keys;
  std::int64_t asked = 0;    ///< when keys were last fetched, or tried to be
  std::int64_t learned = 0;  ///< when they last came
  bool fetching = false;
  net::Event fetched;

  [[nodiscard]] TokenRules rules() const {
    return {.issuer = jwt.issuer,
            .audience = jwt.audience,
            .algorithms = jwt.algorithms,
            .leeway = std::chrono::duration_cast<std::chrono::seconds>(jwt.leeway).count()};
  }
};

struct Identities::Server {
  config::Introspection settings;
  std::string issuer;  ///< as members' entries call it
};

struct Identities::Question {
  explicit Question(net::Loop& loop) : answered{loop} {}
  net::Event answered;
  std::optional<Result<Known>> answer;
};

std::size_t Identities::DigestHash::operator()(const net::Digest& digest) const noexcept {
  std::size_t out = 0;
  std::memcpy(&out, digest.data(), sizeof out);
  return out;
}

Identities::Identities(Options options) : options_{std::move(options)} {}
Identities::~Identities() = default;

std::int64_t Identities::now() const { return options_.now(); }

void Identities::configure(std::span<const config::Jwt> issuers, std::span<const config::Introspection> servers) {
  auto former = std::move(issuers_);
  issuers_.clear();
  for (const auto& jwt : issuers) {
    auto issuer = std::make_shared<Issuer>(jwt, options_.scope.loop());
    const auto same = std::ranges::find_if(
        former, [&](const auto& other) { return other->jwt.issuer == jwt.issuer && other->jwt.jwks == jwt.jwks; });
    if (same != former.end() && (*same)->keys) {
      issuer->keys = std::move((*same)->keys);
      issuer->learned = (*same)->learned;
      (*same)->keys.reset();
    }
    issuers_.push_back(std::move(issuer));
  }
  servers_.clear();
  for (const auto& server : servers) {
    auto issuer = server.issuer;
    if (const auto address = http::parse_web_address(server.url); issuer.empty() && address) {
      issuer = address->text().substr(0, address->text().size() - address->target.size());
    }
    servers_.push_back(std::make_shared<const Server>(server, std::move(issuer)));
  }
  known_.clear();
  questions_.clear();
  ++generation_;
}

net::Task<Result<IdentityClaims>> Identities::verify(std::string_view token) {
  const net::Digest digest = net::sha256(token);
  if (const auto known = known_.find(digest); known != known_.end() && now() < known->second.until) {
    if (known->second.claims) co_return *known->second.claims;
    co_return nobody_vouches();
  }
  if (token.size() > token_bytes_max) co_return nobody_vouches();
  if (Token::looks_like(token) && !issuers_.empty()) {
    Result<Token> parsed = Token::parse(token);
    if (!parsed && servers_.empty()) co_return fail_with(parsed);
    const auto issuer =
        std::ranges::find_if(issuers_, [&](const auto& other) { return parsed && other->jwt.issuer == parsed->issuer(); });
    if (issuer != issuers_.end()) {
      const std::uint64_t generation = generation_;
      Result<IdentityClaims> claims = co_await verify_jwt(*issuer, std::move(*parsed));
      if (claims && generation == generation_) {
        Known good{*claims, std::min(claims->expires, now() + jwt_remembered)};
        remember(digest, std::move(good));
      }
      co_return claims;
    }
  }
  if (servers_.empty()) co_return nobody_vouches();
  std::string copy{token};
  Result<IdentityClaims> claims = co_await introspect(std::move(copy), digest);
  co_return claims;
}

net::Task<Result<IdentityClaims>> Identities::verify_jwt(std::shared_ptr<Issuer> issuer, Token token) {
  const bool needed = !issuer->keys || !issuer->keys->knows(token);
  if (needed || now() - issuer->learned > keys_age_max) refresh(issuer);
  if (needed && issuer->fetching) {
    Status fetched = co_await issuer->fetched.wait(patience);
    if (!fetched && !fetched.error().is(Kind::timed_out)) co_return fail_with(fetched);
  }
  if (!issuer->keys) {
    co_return fail(Kind::unavailable,
                   "The keys of the token's issuer cannot be had just now, so it cannot be verified. Try again shortly.");
  }
  const TokenRules rules = issuer->rules();
  if (Status good = access::verify(token, *issuer->keys, rules, now()); !good) co_return fail_with(good);
  co_return identity_of(token.claims(), issuer->jwt.issuer, *date_of(token.claims().find("exp")), issuer->jwt.mapping);
}

/// In the background; not at all when it was tried just now.
void Identities::refresh(const std::shared_ptr<Issuer>& issuer) {
  const auto since = now() - issuer->asked;
  // A clock that was set back must not keep keys from ever being fetched.
  if (issuer->fetching || (issuer->asked != 0 && since >= 0 && since < refresh_pause)) return;
  issuer->fetching = true;
  issuer->asked = now();
  issuer->fetched.reset();
  options_.scope.spawn(fetch_keys(issuer));
}

net::Task<void> Identities::fetch_keys(std::shared_ptr<Issuer> issuer) {
  Result<std::string> text = fail(Kind::internal);
  if (is_url(issuer->jwt.jwks)) {
    access::Question question{.url = issuer->jwt.jwks, .form = {}, .headers = {}};
    Result<Reply> reply = co_await ask(options_.client, std::move(question));
    if (!reply) {
      text = fail_with(reply);
    } else if (reply->status != 200) {
      text = fail(Kind::upstream_failed, cat("it answers with status ", reply->status));
    } else {
      text = std::move(reply->body);
    }
  } else {
    text = read_key_file(issuer->jwt.jwks);
  }
  auto keys = text ? KeySet::parse(*text) : Result<KeySet>{fail_with(text)};
  if (keys) {
    issuer->keys = std::move(*keys);
    issuer->learned = now();
  } else if (options_.on_failure) {
    options_.on_failure(cat("keys of ", issuer->jwt.issuer), keys.error());
  }
  issuer->fetching = false;
  issuer->fetched.set();
}

net::Task<Result<IdentityClaims>> Identities::introspect(std::string token, net::Digest digest) {
  auto& place = questions_[digest];
  if (!place) {
    if (questions_.size() > questions_max) {
      questions_.erase(digest);
      co_return fail(Kind::unavailable, "Too many tokens are being asked about. Try again shortly.");
    }
    place = std::make_shared<Question>(options_.scope.loop());
    options_.scope.spawn(put_question(place, std::move(token), digest));
  }
  const std::shared_ptr<Question> question = place;
  Status answered = co_await question->answered.wait();
  if (!answered) co_return fail_with(answered);
  const Result<Known>& answer = *question->answer;
  if (!answer) co_return std::unexpected{answer.error().clone()};
  if (!answer->claims) co_return nobody_vouches();
  co_return *answer->claims;
}

net::Task<void> Identities::put_question(std::shared_ptr<Question> question, std::string token, net::Digest digest) {
  const auto servers = servers_;
  const std::uint64_t generation = generation_;
  Result<Known> answer = Known{};
  for (const auto& server : servers) {
    Result<Known> said = co_await ask_server(server, token);
    if (said && said->claims) {
      answer = std::move(said);
      break;
    }
    if (!said && (said.error().is(Kind::forbidden) || answer)) {
      answer = std::move(said);
    } else if (said && answer) {
      answer->until = answer->until == 0 ? said->until : std::min(answer->until, said->until);
    }
  }
  if (generation == generation_) {
    if (answer) remember(digest, *answer);
    questions_.erase(digest);
  }
  question->answer = std::move(answer);
  question->answered.set();
}

net::Task<Result<Identities::Known>> Identities::ask_server(std::shared_ptr<const Server> server, const std::string& token) {
  const auto& settings = server->settings;
  access::Question question{
      .url = settings.url, .form = {}, .headers = basic_line(settings.client_id, settings.client_secret.reveal())};
  append_form(question.form, "token", token);
  append_form(question.form, "token_type_hint", "access_token");
  Result<Reply> reply = co_await ask(options_.client, std::move(question));
  Error failure{Kind::upstream_failed};
  if (!reply) {
    failure = std::move(reply.error());
  } else if (reply->status != 200) {
    failure = Error{Kind::upstream_failed, cat("it answers with status ", reply->status)};
  } else {
    auto claims = json::parse(reply->body);
    const auto* active = claims && !has_duplicates(*claims) ? claims->find("active") : nullptr;
    const auto known = std::chrono::duration_cast<std::chrono::seconds>(settings.cache).count();
    const auto until = now() + known;
    if (active != nullptr && active->as_bool() == false) co_return Known{std::nullopt, until};
    if (active != nullptr && active->as_bool() == true) {
      // An answer without an end is true now; it is asked for again when it is no longer remembered.
      if (claims->find("exp") == nullptr) claims->set("exp", json::Value::integer(now() + std::max(known, std::int64_t{1})));
      const TokenRules rules{.issuer = {}, .audience = settings.audience, .algorithms = {}, .leeway = 0};
      const auto* said_issuer = claims->find("iss");
      const bool other = said_issuer != nullptr && !settings.issuer.empty() &&
                         (said_issuer->as_string() == nullptr || *said_issuer->as_string() != settings.issuer);
      if (other || !check_claims(*claims, rules, now())) co_return Known{std::nullopt, until};
      const auto expires = *date_of(claims->find("exp"));
      Result<IdentityClaims> identity = identity_of(*claims, server->issuer, expires, settings.mapping);
      if (!identity) co_return fail_with(identity);
      co_return Known{std::move(*identity), std::min(until, expires)};
    }
    failure = Error{Kind::upstream_protocol, "its answer is none of RFC 7662"};
  }
  if (options_.on_failure) options_.on_failure(cat("introspection at ", server->issuer), failure);
  co_return fail(Kind::unavailable, "The server that knows what the token is worth cannot be asked just now. Try again shortly.");
}

void Identities::remember(const net::Digest& digest, Known known) {
  if (known.until <= now()) return;
  if (known_.size() >= remembered_tokens_max) {
    const auto at = now();
    std::erase_if(known_, [at](const auto& entry) { return entry.second.until <= at; });
    // A flood of bad tokens pushes out bad ones first.
    if (known_.size() >= remembered_tokens_max) std::erase_if(known_, [](const auto& entry) { return !entry.second.claims; });
    if (known_.size() >= remembered_tokens_max) known_.clear();
  }
  known_.insert_or_assign(digest, std::move(known));
}

}  // namespace cardea::access

#pragma once
// The values of cardea.yaml: plain structs, and what came from the environment. What each field means, its bounds and its
// sentence stand once, in tables.cc; the default stands once, here. A Settings is immutable after loading and shared by all
// threads.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/money.h"
#include "base/secret.h"

namespace cardea::config {

/// Where a value was written; line and column count from 1, 0 = not from a file.
struct Where {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;
};

/// A size in bytes, written "32KiB", "1MB" or a plain number.
struct Bytes {
  std::uint64_t count = 0;
  friend constexpr bool operator==(Bytes, Bytes) = default;
};
constexpr Bytes kib(std::uint64_t n) { return {n << 10}; }
constexpr Bytes mib(std::uint64_t n) { return {n << 20}; }

/// US dollars per million tokens as an exact integer: pico-dollars (1e-12 USD) per token, so $0.15 is 150,000.
struct UsdPerMillion {
  std::int64_t pico_usd_per_token = 0;
  friend constexpr bool operator==(UsdPerMillion, UsdPerMillion) = default;
};

using Milliseconds = std::chrono::milliseconds;
/// A mapping in the order of the file; names are unique.
template <class T>
using Map = std::vector<std::pair<std::string, T>>;

enum class TlsVersion : std::uint8_t { v1_2, v1_3 };
enum class ClientAuth : std::uint8_t { off, optional, required };
enum class LogFormat : std::uint8_t { automatic, json, console };
enum class LogLevel : std::uint8_t { debug, info, warn, error, off };
enum class AuthType : std::uint8_t { api_key, bearer, header, none, sigv4, google_service_account };
enum class ModelType : std::uint8_t {
  llm,
  chat,
  nlp,
  completion,
  embedding,
  rerank,
  image,
  asr,
  tts,
  audio,
  moderation,
  video,
  other
};
enum class Capability : std::uint8_t {
  vision,
  tools,
  parallel_tools,
  json_schema,
  json_mode,
  reasoning,
  audio_in,
  audio_out,
  pdf,
  caching,
  web_search
};
enum class MaxTokensField : std::uint8_t { as_sent, max_tokens, max_completion_tokens };
enum class Dialect : std::uint8_t {
  openai_chat,
  openai_responses,
  openai_completions,
  anthropic,
  gemini,
  bedrock,
  cohere,
  ollama,
  native
};
enum class Switch : std::uint8_t { off, on };
enum class Passthrough : std::uint8_t { off, on, automatic };
enum class MetricsAuth : std::uint8_t { automatic, key, open };
/// What a caller may do, from the least to the most; a role holds at one tenant and below it.
enum class Role : std::uint8_t { key, member, auditor, operator_, admin, owner };
/// Does a key sign requests: never, beside being sent as it is, or only so?
enum class Signing : std::uint8_t { off, on, required };
enum class Period : std::uint8_t { hour, day, week, month, total };

struct Tls {
  std::string cert;  ///< PEM file with the chain; empty = plain HTTP
  std::string key;
  TlsVersion min_version = TlsVersion::v1_3;
  std::string client_ca;  ///< PEM file; empty = clients are not asked for certificates
  ClientAuth client_auth = ClientAuth::optional;
};

struct Log {
  LogFormat format = LogFormat::automatic;  ///< automatic: console on a terminal, else JSON
  LogLevel level = LogLevel::info;
};

struct Budget {
  Money amount;
  Period per = Period::total;
};

/// How much in how long; 0 is no limit.
struct Rates {
  std::uint32_t requests_per_second = 0, requests_per_minute = 0, requests_per_day = 0;
  std::uint32_t tokens_per_minute = 0, tokens_per_day = 0;
};

/// What a level of the tenancy may carry. A list that is absent is as above; one that is there narrows what is above, never
/// widens it.
struct Grant {
  std::optional<std::vector<std::string>> models, providers, dialects, tools;  ///< names; '*' at the end of one is any rest
  Rates rates;
  std::uint32_t concurrency = 0;  ///< requests at a time; 0 is no limit
  std::vector<Budget> budgets;
  std::vector<std::string> allow_ips, deny_ips;  ///< addresses and networks (CIDR)
  std::string expires;                           ///< RFC 3339; empty: never
  Switch blocked = Switch::off;
  std::vector<std::string> tags;
  Map<std::string> metadata;
  std::string route, guard;  ///< names of profiles
};

/// Which tenant something belongs to: the lowest that is named.
struct Place {
  std::string organization, team, project;
};

struct Organization {
  std::string title;
  Grant grant;
  Where where;
};

struct Team {
  std::string title;
  std::string organization;
  Grant grant;
  Where where;
};

struct Project {
  std::string title;
  std::string team;
  Grant grant;
  Where where;
};

/// Somebody at the far end of a program, named by the request's `user` or a header.
struct EndUser {
  std::string title;
  Place place;
  Grant grant;
  Where where;
};

/// Who has a role without a key of Cardea's: a person or a program that somebody else vouches for (JWT, OIDC, a certificate).
struct Member {
  std::string identity;  ///< its email, subject or certificate name
  std::string issuer;    ///< empty: any that is configured
  Role role = Role::member;
  Place place;
  Grant grant;
  Where where;
};

/// Under which names somebody else's words of a caller (a token's claims, an introspection's answer) say what. A dot goes into
/// an object ("realm_access.roles") where no member has the whole name. Empty: not read.
struct ClaimNames {
  std::string subject = "sub", email = "email";
  std::string organization, team, project, role, models;
};

/// Who a stranger is here, whom somebody else vouches for.
struct Mapping {
  Place place;  ///< of all of them; a claim may go below it, never beside it
  Role role = Role::member;
  ClaimNames claims;
  Map<Role> roles;  ///< what the role claim says, and what that is here; the highest counts
};

/// Tokens of one issuer.
struct Jwt {
  std::string issuer;
  std::vector<std::string> audience;    ///< one of them must be named
  std::string jwks;                     ///< URL or file of its keys
  std::vector<std::string> algorithms;  ///< empty: all that are safe
  Milliseconds leeway{30'000};
  Mapping mapping;
  Where where;
};

/// Tokens that only their issuer can read (RFC 7662).
struct Introspection {
  std::string url;
  std::string client_id;
  Secret client_secret;
  std::string issuer;                 ///< as members' `issuer` names it; empty: url's origin
  std::vector<std::string> audience;  ///< empty: not looked at
  Milliseconds cache{60'000};
  Mapping mapping;
  Where where;
};

/// Login of people, for the dashboard (OpenID Connect, code flow with PKCE).
struct Oidc {
  std::string issuer;  ///< empty: nobody logs in
  std::string client_id;
  Secret client_secret;
  std::string redirect_url;  ///< as the provider has it on its list: https://HOST/callback
  std::vector<std::string> scopes{"openid", "email", "profile"};
  Milliseconds session{12 * 3'600'000};
  Mapping mapping;
};

/// What seals secrets at rest. All empty: a key is made in the data directory.
struct MasterKey {
  Secret value;
  std::string file;
  std::vector<Secret> old;  ///< open what they sealed, seal nothing more
};

struct GatewayKey {
  std::string name;  ///< shown in logs; empty: "key-N" is
  Secret key;
  Place place;
  Role role = Role::key;
  Signing signing = Signing::off;  ///< unless off, its value is kept, sealed
  Grant grant;
  Where where;
};

struct Limits {
  Bytes head_bytes = kib(32);
  std::uint32_t headers = 100;
  Bytes body_bytes = mib(32);
  Bytes upload_bytes = mib(520);  ///< a file of 512 MiB, and the form around it
  Bytes image_bytes = mib(50);
  Bytes audio_bytes = mib(520);   ///< as upload_bytes: a sound may be all of an upload
  std::uint32_t connections = 0;  ///< 0 = below half the descriptor limit
  Bytes response_bytes = mib(64);
  Bytes sse_event_bytes = mib(4);
};

struct Timeouts {
  Milliseconds header{10'000};
  Milliseconds body{60'000};
  Milliseconds idle{75'000};
  Milliseconds connect{5'000};
  Milliseconds first_byte{120'000};
  Milliseconds inter_chunk{60'000};
  Milliseconds total{0};  ///< 0 = none
};

struct Upstream {
  std::uint32_t idle_max = 64;  ///< idle connections kept per origin and worker
  Milliseconds idle{55'000};    ///< how long an idle connection is kept
  std::string tls_ca;           ///< PEM file of extra authorities
  std::string proxy;            ///< empty = HTTPS_PROXY / NO_PROXY of the environment
};

struct Metrics {
  Switch enabled = Switch::on;
  MetricsAuth auth = MetricsAuth::automatic;  ///< automatic: a gateway key is asked for when any key exists
};

/// Files that requests and answers only name by a URL.
struct Fetch {
  Switch urls = Switch::on;
  std::vector<std::string> allow;  ///< targets that need not be public
  Bytes bytes_max = mib(20);       ///< of one file
  Milliseconds time{10'000};       ///< of one file
  Bytes cache_bytes = mib(32);     ///< of each worker
};

/// Answers of the Responses API that clients may ask for again.
struct Responses {
  Switch store = Switch::on;
  std::uint32_t retention_days = 30;
  Bytes bytes_max = mib(1024);  ///< of all that is kept
};

/// How a request proves who sends it. The members of the signing types may stay empty: then the vendors' own variables count.
struct Auth {
  AuthType type = AuthType::api_key;
  std::string header;  ///< its name, for type header (and api_key when not the dialect's own)
  Secret value;
  // sigv4
  Secret access_key, secret_key, session_token;
  std::string region;   ///< also {region} of an address, whatever the type
  std::string service;  ///< empty = "bedrock"
  // google_service_account
  Secret credentials;             ///< a path, or the JSON itself
  std::string project, location;  ///< also {project} and {location} of an address, whatever the type
};

struct RateLimit {
  std::uint32_t qps = 0;  ///< 0 = unlimited
  std::uint32_t burst = 0;
};

struct Price {
  std::optional<UsdPerMillion> input, output, cache_read, cache_write, reasoning, audio_in, audio_out, image_in, image_out;
};

/// What is known about one model, wherever it is written.
struct Facts {
  std::optional<std::uint32_t> context;     ///< tokens of prompt and answer
  std::optional<std::uint32_t> max_output;  ///< tokens
  std::vector<Capability> capabilities;
  Price price;
  std::string as_of;   ///< date of the figures, YYYY-MM-DD
  std::string source;  ///< where they were read
};

/// One model of a provider.
struct ProviderModel {
  std::string id;  ///< the provider's own name
  std::optional<ModelType> type;
  std::optional<Dialect> dialect;  ///< when this one is served in another than its provider's
  Facts facts;
  Where where;
};

/// What the dialect must do differently for a provider.
struct Quirks {
  MaxTokensField max_tokens_field = MaxTokensField::as_sent;
  Switch stream_options = Switch::on;    ///< off: `stream_options` is refused upstream and left out
  std::vector<std::string> drop_fields;  ///< top-level members never sent
  Map<std::string> rename_fields;        ///< top-level members sent under another name
  Map<std::string> set_fields;           ///< top-level members always sent, with this text
};

/// A provider as data: the schema of catalog/providers/NAME.yaml and of `providers:` in cardea.yaml alike.
struct Provider {
  std::string extends;  ///< a built-in to start from; default: the built-in of the same name
  std::string title;
  Dialect dialect = Dialect::openai_chat;
  std::string base_url;  ///< {region}, {project}, {location} and {aiplatform_host} are filled in
  Secret api_key;
  std::vector<std::string> key_env;     ///< variables that hold the key, first one set wins
  std::vector<std::string> bearer_env;  ///< variables that hold a token sent as Authorization: Bearer; above key_env and auth
  Auth auth;
  Map<std::string> headers;  ///< sent with every request; an empty value leaves the header out
  Quirks quirks;
  std::string chat_path, stream_path;  ///< where chats go below base_url with {model} in them; empty = as the dialect does it
  Map<std::string> tasks;              ///< forms of work that is no chat, where its dialect does not say: {"rerank", "tei"}
  std::string probe;                   ///< local base URL to look for at start ("" = none)
  std::uint32_t order = 50;            ///< among providers that list one plain name the lowest answers
  std::string docs;                    ///< where its API is described
  std::string as_of, source;           ///< of the models' figures, unless a model says otherwise
  std::vector<ProviderModel> models;
  Where where;
  std::vector<std::string> given;  ///< names of the fields that were written
};

/// One entry of the model registry (`models:`).
struct Model {
  std::string name;
  ModelType type = ModelType::llm;
  std::string endpoint;            ///< base URL or a full one; may be empty when `provider` is given
  std::optional<Dialect> dialect;  ///< default: what the endpoint's ending says, else openai_chat
  Secret api_key;
  std::optional<Auth> auth;
  RateLimit rate_limit;
  std::string provider;
  std::string upstream_model;  ///< default: name
  Map<std::string> tasks;      ///< as Provider::tasks, for this model
  std::string workflow;        ///< file with a graph of ComfyUI's in its API format; empty: the standard one
  Facts facts;
  Where where;
};

struct Alias {
  std::string target;
  Where where;
};

/// The environment variables that were asked for while the settings were read, so that what is said of a setting names the
/// variable and never shows its value: anybody may have put a key where a path belongs.
class Variables {
 public:
  void add(std::string_view name, std::string_view value);
  /// `text` with "${NAME}" for each value of at least 8 bytes, and for each such part of a comma-separated one.
  [[nodiscard]] std::string hide(std::string text) const;

 private:
  std::vector<std::pair<std::string, Secret>> values_;
};

struct Settings {
  std::vector<std::string> listen{"127.0.0.1:8080"};
  Tls tls;
  std::uint32_t workers = 0;  ///< 0 = all cores
  std::string data;           ///< empty = data_directory()'s default
  std::uint32_t drain_seconds = 30;
  Log log;
  std::vector<GatewayKey> keys;
  Map<Organization> organizations;
  Map<Team> teams;
  Map<Project> projects;
  Map<EndUser> users;
  std::vector<Member> members;
  std::vector<Jwt> jwt;
  std::vector<Introspection> introspection;
  Oidc oidc;
  MasterKey master_key;
  std::vector<std::string> allowed_origins;
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> trusted_proxies, allow_ips, deny_ips;
  Limits limits;
  Timeouts timeouts;
  Upstream upstream;
  Metrics metrics;
  Responses responses;
  Fetch fetch;
  Passthrough passthrough = Passthrough::automatic;  ///< automatic: on while there is at most one gateway key
  Switch discovery = Switch::on;                     ///< look for local servers at start
  Map<Provider> providers;
  std::vector<Model> models;
  Map<Alias> aliases;
  Variables variables;  ///< what of these came from the environment
};

/// The names used in files.
[[nodiscard]] std::string_view to_text(ModelType type);
[[nodiscard]] std::string_view to_text(Capability capability);
[[nodiscard]] std::string_view to_text(Dialect dialect);
[[nodiscard]] std::string_view to_text(Role role);
[[nodiscard]] std::string_view to_text(Period period);

/// One of Settings::listen in parts.
struct ListenAddress {
  std::string host;  ///< without brackets; empty for a Unix socket
  std::uint16_t port = 0;
  std::string unix_path;                ///< not empty: a Unix socket
  [[nodiscard]] bool loopback() const;  ///< only this machine can reach it (a Unix socket, 127/8, ::1, localhost)
};
/// "HOST:PORT", "[V6]:PORT", ":PORT" (all addresses), "PORT" (127.0.0.1), "unix:/PATH"; std::nullopt when it is none of them.
[[nodiscard]] std::optional<ListenAddress> parse_listen(std::string_view text);

}  // namespace cardea::config

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "base/text.h"
#include "config/field.h"
#include "config/loader.h"
#include "config/reference.h"
#include "json/value.h"

namespace cardea::config {
namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

Env env_of(Variables variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    for (const auto& [key, value] : variables) {
      if (key == name) return value;
    }
    return std::nullopt;
  };
}
const Env nothing = env_of({});

std::string all(const std::vector<Problem>& problems) {
  std::string out;
  for (const auto& problem : problems) out += to_text(problem) + "\n";
  return out;
}

/// The settings of a text without problems.
Settings good(std::string_view yaml, const Env& env = nothing) {
  auto loaded = load(yaml, "cardea.yaml", env);
  EXPECT_TRUE(loaded.ok()) << all(loaded.problems);
  return std::move(loaded.settings);
}
std::string bad(std::string_view yaml, const Env& env = nothing) { return all(load(yaml, "c.yaml", env).problems); }

TEST(Config, NothingAtAllIsFine) {
  const auto settings = good("");
  EXPECT_EQ(settings.listen, std::vector<std::string>{"127.0.0.1:8080"});
  EXPECT_EQ(settings.timeouts.connect, Milliseconds{5000});
  EXPECT_EQ(settings.limits.body_bytes, mib(32));
  EXPECT_TRUE(load(std::vector<File>{}, nothing).ok());
}

TEST(Config, ReadsEveryShape) {
  const auto settings = good(R"(
listen: 127.0.0.1:9000
workers: 2
drain_seconds: 5
tls: {cert: a.pem, key: b.pem, min_version: 1.2}
log: {format: json, level: warn}
keys: [plain-key, {name: laptop, key: other-key}]
limits: {body_bytes: 64MiB, head_bytes: 16k, headers: 50, response_bytes: 1000000}
timeouts: {connect: 250ms, first_byte: 2m, total: 0, idle: 1h}
upstream: {idle_max: 8, idle: 10s}
metrics: {enabled: false, auth: open}
discovery: off
allowed_origins: [https://a.example, https://b.example]
aliases: {fast: groq/llama, smart: {target: openai/gpt-5}}
providers:
  mine:
    base_url: http://10.0.0.1:9000
    auth: {type: header, header: x-key, value: k}
    headers: {x-team: red}
    quirks: {max_tokens_field: max_tokens, stream_options: no, drop_fields: [seed]}
    models:
      - plain-name
      - {id: big, type: embedding, context: 8192, capabilities: [vision, tools], price: {input: 0.15, output: "0.6", cache_read: 0.000001}}
)");
  EXPECT_EQ(settings.listen, std::vector<std::string>{"127.0.0.1:9000"});
  EXPECT_EQ(settings.tls.min_version, TlsVersion::v1_2);
  EXPECT_EQ(settings.log.level, LogLevel::warn);
  ASSERT_EQ(settings.keys.size(), 2u);
  EXPECT_EQ(settings.keys[0].key.reveal(), "plain-key");
  EXPECT_EQ(settings.keys[0].name, "");
  EXPECT_EQ(settings.keys[1].name, "laptop");
  EXPECT_EQ(settings.limits.head_bytes, kib(16));
  EXPECT_EQ(settings.limits.response_bytes, Bytes{1'000'000});
  EXPECT_EQ(settings.timeouts.connect, Milliseconds{250});
  EXPECT_EQ(settings.timeouts.idle, Milliseconds{3'600'000});
  EXPECT_EQ(settings.metrics.enabled, Switch::off);
  EXPECT_EQ(settings.discovery, Switch::off);
  EXPECT_EQ(settings.aliases[1].second.target, "openai/gpt-5");
  const auto& provider = settings.providers.at(0).second;
  EXPECT_EQ(provider.auth.type, AuthType::header);
  EXPECT_EQ(provider.auth.value.reveal(), "k");
  EXPECT_EQ(provider.quirks.stream_options, Switch::off);
  ASSERT_EQ(provider.models.size(), 2u);
  EXPECT_EQ(provider.models[0].id, "plain-name");
  EXPECT_EQ(provider.models[1].type, ModelType::embedding);
  EXPECT_EQ(provider.models[1].facts.context, 8192u);
  EXPECT_EQ(provider.models[1].facts.price.input, UsdPerMillion{150'000});
  EXPECT_EQ(provider.models[1].facts.price.cache_read, UsdPerMillion{1});
  EXPECT_EQ(provider.models[1].where.line, 23u);
}

TEST(Config, TheRegistryFileWorksAsItStands) {
  constexpr std::string_view registry = R"(models:
  - name: text-davinci-003
    type: nlp
    endpoint: http://model-service:8080
    auth: {type: api_key, value: "xxxx-xxxx-xxxx"}
    rate_limit: {qps: 10, burst: 20}
)";
  for (const bool separate : {false, true}) {
    const auto loaded =
        separate
            ? load({{"cardea.yaml", "workers: 1\nmodels: [{name: m, provider: openai}]\n"}, {"model-registry.yaml", registry}},
                   nothing)
            : load(registry, "cardea.yaml", nothing);
    ASSERT_TRUE(loaded.ok()) << all(loaded.problems);
    ASSERT_EQ(loaded.settings.models.size(), separate ? 2u : 1u);
    const auto& model = loaded.settings.models.back();
    EXPECT_EQ(model.name, "text-davinci-003");
    EXPECT_EQ(model.type, ModelType::nlp);
    EXPECT_EQ(model.endpoint, "http://model-service:8080");
    EXPECT_EQ(model.dialect, std::nullopt);
    EXPECT_EQ(model.auth->type, AuthType::api_key);
    EXPECT_EQ(model.auth->value.reveal(), "xxxx-xxxx-xxxx");
    EXPECT_EQ(model.rate_limit.qps, 10u);
    EXPECT_EQ(model.rate_limit.burst, 20u);
    EXPECT_EQ(model.where.line, 2u);
  }
}

std::string file_text(const std::string& path) {
  std::stringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

/// testdata/bad/CASE.yaml has the problems of CASE.problems; CARDEA_UPDATE=1 writes them.
TEST(Config, EveryProblemIsReportedAtOnce) {
  std::size_t cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator{CARDEA_SOURCE_DIR "/src/config/testdata/bad"}) {
    if (entry.path().extension() != ".yaml") continue;
    ++cases;
    const auto text = file_text(entry.path());
    const auto problems = all(load(text, entry.path().filename().string(), nothing).problems);
    auto golden = entry.path();
    golden.replace_extension(".problems");
    if (std::getenv("CARDEA_UPDATE") != nullptr) std::ofstream{golden} << problems;
    EXPECT_EQ(problems, file_text(golden)) << entry.path();
    EXPECT_FALSE(problems.empty()) << entry.path();
  }
  EXPECT_GE(cases, 5u);
}

TEST(Config, StrangersNeedAKey) {
  // A warning: the administration may have made one.
  EXPECT_EQ(bad("listen: 0.0.0.0:80\n"),
            "c.yaml:1:1: listen: warning: '0.0.0.0:80' can be reached from other machines, and the configuration has no gateway "
            "key – set "
            "API_KEY=… in the environment, add keys: to the file, make one with 'cardea keys create', or listen on 127.0.0.1\n");
  EXPECT_TRUE(load("listen: 0.0.0.0:80\n", "c.yaml", nothing).ok());
  EXPECT_EQ(
      bad("listen: 0.0.0.0:80\noidc: {issuer: https://id.example, client_id: c, redirect_url: https://ai.example/callback}\n"),
      "");
  for (const std::string_view open : {":8080", "[::]:8080", "192.168.1.2:80", "127.evil.example:80", "*:80", "gateway:80"}) {
    EXPECT_NE(bad(cat("listen: '", open, "'\n")).find("no gateway key"), std::string::npos) << open;
    (void)good(cat("listen: '", open, "'\nkeys: [secret-key]\n"));
  }
  for (const std::string_view closed : {"127.0.0.1:80", "127.8.9.1:80", "localhost:80", "[::1]:80", "unix:/run/c.sock", "8080"}) {
    (void)good(cat("listen: '", closed, "'\n"));
  }
}

TEST(Config, ListenAddressesInParts) {
  EXPECT_EQ(parse_listen(":80")->host, "0.0.0.0");
  EXPECT_EQ(parse_listen("[fe80::1]:80")->host, "fe80::1");
  EXPECT_EQ(parse_listen("9000")->port, 9000);
  EXPECT_EQ(parse_listen("unix:/a b")->unix_path, "/a b");
  for (const std::string_view wrong :
       {"", "host", "host:", "host:99999", "host:-1", "a b:1", "::1:80", "[x]:1", "[::1:1", "unix:", "http://h:1", "u@h:1"}) {
    EXPECT_FALSE(parse_listen(wrong)) << wrong;
  }
}

TEST(Config, EnvironmentInValues) {
  const auto env = env_of({{"KEY", "sk-secret-0123"}, {"N", "3"}});
  const auto settings = good("keys: ['${KEY}']\nworkers: ${N}\ndata: ${DIR:-/var/lib}/c\n", env);
  EXPECT_EQ(settings.keys[0].key.reveal(), "sk-secret-0123");
  EXPECT_EQ(settings.workers, 3u);
  EXPECT_EQ(settings.data, "/var/lib/c");
  EXPECT_EQ(bad("models:\n  - name: m\n    endpoint: ${HOST_OF_MODEL}\n"),
            "c.yaml:3:15: models[0].endpoint: the environment variable HOST_OF_MODEL is not set – set HOST_OF_MODEL, or give a "
            "default: ${HOST_OF_MODEL:-…}\n");
}

TEST(Config, NoProblemShowsAValueOfTheEnvironmentOrASecret) {
  const auto env = env_of({{"KEY", "sk-secret-0123"},
                           {"CARDEA_WORKERS", "sk-secret-0123"},
                           {"LOG_LEVEL", "sk-secret-0123"},
                           {"PORT", "sk-secret-0123"}});
  const auto text = bad(
      "workers: ${KEY}\nlog: {format: '${KEY}'}\nlimits: {headers: '${KEY}', body_bytes: '${KEY}'}\ntimeouts: {idle: '${KEY}'}\n"
      "keys: [[sk-secret-0123], {key: {sk: sk-secret-0123}}, 'sk-secret 0123']\n"
      "models: [{name: a, auth: {type: none, value: sk-secret-0123}}, {name: b, api_kye: sk-secret-0123}]\n",
      env);
  EXPECT_EQ(text.find("sk-secret"), std::string::npos) << text;
  EXPECT_NE(text.find("${KEY}"), std::string::npos);
}

TEST(Config, WhatReadsWellAndIsWrongAmongItselfShowsNoValueEither) {
  const auto env = env_of({{"KEY", "sk-secret-0123"}, {"CARDEA_LISTEN", "127.0.0.1:1,sk-secret-4567"}});
  const auto text =
      bad("models: [{name: '${KEY}', provider: '${KEY}', api_key: k}, {name: '${KEY}', provider: p}]\n"
          "providers: {p: {chat_path: 'x/${KEY}'}}\n",
          env);
  EXPECT_EQ(text.find("sk-secret"), std::string::npos) << text;
  for (const std::string_view said : {"'${KEY}' is already the name", "move it to providers.${KEY}.api_key",
                                      "'x/${KEY}' is not a path", "'${CARDEA_LISTEN}' is not an address"})
    EXPECT_NE(text.find(said), std::string::npos) << said << " in\n" << text;
}

TEST(Config, AListenItemHasALineOfItsOwn) {
  EXPECT_TRUE(bad("listen:\n  - 127.0.0.1:1\n  - nowhere\n").starts_with("c.yaml:3:5: listen[1]: 'nowhere'"));
  EXPECT_TRUE(bad("workers: 1\nlisten: nowhere\n").starts_with("c.yaml:2:1: listen: 'nowhere'"));
  // What counts is named: a later file's list replaces the first one's, the environment's replaces both.
  const auto second = load({{"a", "listen:\n  - nowhere\n"}, {"b", "workers: 1\nlisten: [127.0.0.1:1, elsewhere]\n"}}, nothing);
  EXPECT_EQ(all(second.problems),
            "b:2:23: listen[1]: 'elsewhere' is not an address – write HOST:PORT, [IPV6]:PORT, :PORT or unix:/PATH\n");
  EXPECT_TRUE(bad("listen:\n  - 127.0.0.1:1\n", env_of({{"CARDEA_LISTEN", "x"}}))
                  .starts_with("environment variable CARDEA_LISTEN: listen"))
      << bad("listen:\n  - 127.0.0.1:1\n", env_of({{"CARDEA_LISTEN", "x"}}));
}

TEST(Config, PlacesAreFoundByPathAndFile) {
  const auto loaded =
      load({{"a", "models:\n  - {name: m, endpoint: http://h}\n"},
            {"b", "models:\n  - name: n\n    endpoint: http://h\n    auth:\n      value: k\naliases:\n  gpt-4.1: a/b\n"}},
           nothing);
  ASSERT_TRUE(loaded.ok()) << all(loaded.problems);
  const auto line = [&](std::string_view file, std::string_view path) {
    const auto* where = loaded.places.find(file, path);
    return where == nullptr ? 0U : where->line;
  };
  EXPECT_EQ(line("a", "models[0].endpoint"), 2U);
  EXPECT_EQ(line("b", "models[0].endpoint"), 3U);
  EXPECT_EQ(line("b", "models[0].auth.value"), 5U);
  EXPECT_EQ(line("b", "models[0].auth.header"), 4U) << "the nearest one around it";
  EXPECT_EQ(line("b", "models[0].rate_limit"), 2U);
  EXPECT_EQ(line("b", "aliases.gpt-4.1"), 7U);
  EXPECT_EQ(line("", "aliases"), 6U);
  EXPECT_EQ(line("b", "nothing"), 0U);
  EXPECT_TRUE(same_branch("models[0]", "models[0].auth") && same_branch("models[0].auth", "models[0]") && same_branch("", "x"));
  EXPECT_FALSE(same_branch("models[1]", "models[10]") || same_branch("models[0].a", "models[0].b") || same_branch("ab", "abc"));
}

TEST(Config, DialectsHaveManyNames) {
  const std::pair<std::string_view, Dialect> names[] = {{"openai_chat", Dialect::openai_chat},
                                                        {"openai", Dialect::openai_chat},
                                                        {"openai_responses", Dialect::openai_responses},
                                                        {"responses", Dialect::openai_responses},
                                                        {"openai_completions", Dialect::openai_completions},
                                                        {"anthropic", Dialect::anthropic},
                                                        {"gemini", Dialect::gemini},
                                                        {"google", Dialect::gemini},
                                                        {"bedrock", Dialect::bedrock},
                                                        {"cohere", Dialect::cohere},
                                                        {"ollama", Dialect::ollama},
                                                        {"native", Dialect::native},
                                                        {"cardea", Dialect::native}};
  for (const auto& [name, dialect] : names) {
    const auto settings = good(cat("models: [{name: m, endpoint: 'http://h', dialect: ", name, "}]\n"));
    EXPECT_EQ(settings.models[0].dialect, dialect) << name;
    EXPECT_NE(json_schema().find(cat("\"", name, "\"")), std::string::npos) << name;
  }
  EXPECT_EQ(to_text(Dialect::openai_chat), "openai_chat");
  EXPECT_EQ(to_text(Dialect::ollama), "ollama");
  EXPECT_NE(bad("models: [{name: m, endpoint: 'http://h', dialect: anthropc}]\n").find("did you mean 'anthropic'?"),
            std::string::npos);
}

TEST(Config, DefaultsMayHoldBracesInPairs) {
  EXPECT_EQ(good("data: '${D:-/x/{region}/y}/z'\n").data, "/x/{region}/y/z");
  EXPECT_EQ(good("data: '${D:-{\"a\":{}}}'\n").data, "{\"a\":{}}");
  EXPECT_EQ(good("data: '${D:-${E:-{a}}}b'\n").data, "{a}b");
}

TEST(Config, AProblemIsOneLine) {
  const auto text = bad("\"a\\nb\\e[31m\": 1\n");
  EXPECT_TRUE(text.starts_with("c.yaml:1:1: a?b?[31m: unknown key")) << text;
}

TEST(Config, PrecedenceFlagEnvironmentFileDefault) {
  constexpr std::string_view file = "workers: 1\nlog: {level: error}\nlisten: 127.0.0.1:1\n";
  const auto env = env_of({{"CARDEA_WORKERS", "2"}, {"LOG_LEVEL", "warn"}, {"CARDEA_LISTEN", "127.0.0.1:2, 127.0.0.1:22"}});
  EXPECT_EQ(good(file).workers, 1u);
  const auto over_file = good(file, env);
  EXPECT_EQ(over_file.workers, 2u);
  EXPECT_EQ(over_file.log.level, LogLevel::warn);
  EXPECT_EQ(over_file.listen, (std::vector<std::string>{"127.0.0.1:2", "127.0.0.1:22"}));
  const auto flags = load({{"c", file}}, env, {{"workers", "3"}, {"log.level", "debug"}, {"listen", "127.0.0.1:3"}});
  ASSERT_TRUE(flags.ok()) << all(flags.problems);
  EXPECT_EQ(flags.settings.workers, 3u);
  EXPECT_EQ(flags.settings.log.level, LogLevel::debug);
  EXPECT_EQ(flags.settings.listen, std::vector<std::string>{"127.0.0.1:3"});
  EXPECT_EQ(all(load({}, nothing, {{"workers", "x"}, {"no.such", "1"}}).problems),
            "command line: workers: 'x' is not a whole number – write a number, e.g. 2\ncommand line: no.such: no such field – "
            "see docs/configuration.md\n");
  EXPECT_EQ(good(file, env_of({{"CARDEA_LOG_LEVEL", "debug"}, {"LOG_LEVEL", "warn"}})).log.level, LogLevel::debug);
}

TEST(Config, KeysOfTheEnvironmentAdd) {
  const auto settings = good("keys: [from-file]\n", env_of({{"API_KEY", "one, two"}, {"CARDEA_API_KEY", "three"}}));
  std::vector<std::string> keys;
  for (const auto& key : settings.keys) keys.emplace_back(key.key.reveal());
  EXPECT_EQ(keys, (std::vector<std::string>{"from-file", "three", "one", "two"}));
  EXPECT_NE(bad("", env_of({{"API_KEY", " "}})).find("the variable is set and empty"), std::string::npos);
}

TEST(Config, TheMasterKeyIsNoKeyOfClients) {
  const auto settings =
      good("master_key: {value: from-the-file-1234, old: before}\n", env_of({{"CARDEA_MASTER_KEY", "a pass phrase, long"}}));
  EXPECT_TRUE(settings.keys.empty());
  EXPECT_EQ(settings.master_key.value.reveal(), "a pass phrase, long");
  ASSERT_EQ(settings.master_key.old.size(), 1u);
  EXPECT_EQ(settings.master_key.old[0].reveal(), "before");
}

TEST(Config, WhoVouchesForOthers) {
  const auto settings = good(
      "jwt:\n  - {issuer: https://a, audience: [x, y], jwks: keys.json, leeway: 5s, team: t, role: auditor,\n"
      "     claims: {role: realm.roles, models: m}, roles: {boss: admin}}\n"
      "introspection: {url: https://b/i, client_id: c, client_secret: s, cache: 0ms}\n"
      "oidc: {issuer: https://c, client_id: d, redirect_url: https://e/callback, session: 1h}\n");
  ASSERT_EQ(settings.jwt.size(), 1u);
  const auto& jwt = settings.jwt[0];
  EXPECT_EQ(jwt.audience, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(jwt.leeway, Milliseconds{5'000});
  EXPECT_EQ(jwt.mapping.place.team, "t");
  EXPECT_EQ(jwt.mapping.role, Role::auditor);
  EXPECT_EQ(jwt.mapping.claims.subject, "sub");
  EXPECT_EQ(jwt.mapping.claims.role, "realm.roles");
  EXPECT_EQ(jwt.mapping.roles, (Map<Role>{{"boss", Role::admin}}));
  EXPECT_EQ(jwt.where.line, 2u);
  ASSERT_EQ(settings.introspection.size(), 1u);
  EXPECT_EQ(settings.introspection[0].cache, Milliseconds{0});
  EXPECT_EQ(settings.oidc.session, Milliseconds{3'600'000});
  EXPECT_NE(bad("jwt: [{issuer: x, jwks: y}]\n").find("audience"), std::string::npos);
}

TEST(Config, PortChangesThePortOnly) {
  EXPECT_EQ(good("", env_of({{"PORT", "9"}})).listen, std::vector<std::string>{"127.0.0.1:9"});
  EXPECT_EQ(good("listen: '[::1]:80'\n", env_of({{"PORT", "9"}})).listen, std::vector<std::string>{"[::1]:9"});
  EXPECT_EQ(good("", env_of({{"PORT", "9"}, {"CARDEA_LISTEN", "127.0.0.1:7"}})).listen, std::vector<std::string>{"127.0.0.1:7"});
  EXPECT_NE(bad("", env_of({{"PORT", "0"}})).find("not a port number"), std::string::npos);
}

TEST(Config, LaterFilesReplaceValuesAndAddLists) {
  const auto loaded = load({{"a", "workers: 1\nallowed_hosts: [x]\naliases: {a: m/1, b: m/2}\nkeys: [k1]\n"},
                            {"b", "workers: 2\nallowed_hosts: [y]\naliases: {b: m/3}\nkeys: [k2]\n"}},
                           nothing);
  ASSERT_TRUE(loaded.ok()) << all(loaded.problems);
  EXPECT_EQ(loaded.settings.workers, 2u);
  EXPECT_EQ(loaded.settings.allowed_hosts, std::vector<std::string>{"y"});
  EXPECT_EQ(loaded.settings.keys.size(), 2u);
  ASSERT_EQ(loaded.settings.aliases.size(), 2u);
  EXPECT_EQ(loaded.settings.aliases[1].second.target, "m/3");
}

TEST(Config, OverlayTakesOnlyWhatWasWritten) {
  const auto base = load_provider("title: T\nbase_url: http://a\nkey_env: [K]\nmodels: [{id: m, context: 5}, n]\n", "p", nothing);
  ASSERT_TRUE(base.problems.empty());
  const auto user = load_provider("base_url: http://b\nmodels: [{id: m, context: 9}, own]\n", "u", nothing);
  const auto both = overlay(base.provider, user.provider);
  EXPECT_EQ(both.title, "T");
  EXPECT_EQ(both.base_url, "http://b");
  EXPECT_EQ(both.key_env, std::vector<std::string>{"K"});
  ASSERT_EQ(both.models.size(), 3u);
  EXPECT_EQ(both.models[0].facts.context, 9u);
  EXPECT_EQ(both.models[2].id, "n");
}

TEST(Config, ProviderFilesGoThroughCompactJson) {
  const auto json = compact_provider("base_url: ${B:-http://d}\nheaders: {x: '${H}'}\nmodels: [m]\n", "p.yaml");
  ASSERT_TRUE(json) << json.error().message();
  EXPECT_EQ(*json, R"({"base_url":"${B:-http://d}","headers":{"x":"${H}"},"models":["m"]})");
  const auto plain = read_provider(*json, nothing);
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_EQ(plain->base_url, "http://d");
  EXPECT_EQ(read_provider(*json, env_of({{"B", "http://e"}}))->base_url, "http://e");
  EXPECT_FALSE(compact_provider("base_ulr: x\n", "p.yaml"));
  EXPECT_FALSE(read_provider("{\"nope\":1}", nothing));
}

TEST(Config, KnowsWhatNeedsARestart) {
  const auto running = good("listen: 127.0.0.1:1\nlimits: {connections: 5}\nlog: {level: info}\nkeys: [a]\n");
  EXPECT_TRUE(
      restart_needed(running, good("listen: 127.0.0.1:1\nlimits: {connections: 5, headers: 9}\nlog: {level: debug}\n")).empty());
  EXPECT_EQ(restart_needed(running, good("listen: [127.0.0.1:1, 127.0.0.1:2]\nworkers: 3\n")),
            (std::vector<std::string>{"listen", "workers", "limits.connections"}));
}

TEST(Config, DataDirectory) {
  EXPECT_EQ(data_directory(good("data: /x\n"), nothing), "/x");
  EXPECT_EQ(data_directory({}, env_of({{"XDG_STATE_HOME", "/s"}, {"HOME", "/h"}})), "/s/cardea");
  EXPECT_EQ(data_directory({}, env_of({{"HOME", "/h"}})), "/h/.local/state/cardea");
}

// ── What the tables say ──

/// A small judge of the part of JSON Schema that the generator uses, against a tree of the loader.
class Judge {
 public:
  explicit Judge(const json::Value& root) : root_{root} {}

  bool accepts(const json::Value& schema, const json::Value& value) const {
    if (const auto* ref = schema.find("$ref")) {
      return accepts(*root_.find("$defs")->find(ref->as_string()->substr(std::string_view{"#/$defs/"}.size())), value);
    }
    if (const auto* any = schema.find("anyOf")) {
      const auto& choices = any->elements();
      if (std::none_of(choices.begin(), choices.end(), [&](const auto& choice) { return accepts(choice, value); })) return false;
    }
    if (const auto* choices = schema.find("enum");
        choices && std::find(choices->elements().begin(), choices->elements().end(), value) == choices->elements().end())
      return false;
    if (const auto* type = schema.find("type"); type && !has_type(*type, value)) return false;
    if (const auto* pattern = schema.find("pattern");
        pattern && value.as_string() && !std::regex_search(*value.as_string(), std::regex{*pattern->as_string()}))
      return false;
    if (const auto* items = schema.find("items")) {
      for (const auto& element : value.elements()) {
        if (!accepts(*items, element)) return false;
      }
    }
    return members_fit(schema, value);
  }

 private:
  static bool has_type(const json::Value& type, const json::Value& value) {
    if (type.is(json::Type::array)) {
      return std::any_of(type.elements().begin(), type.elements().end(), [&](const auto& one) { return has_type(one, value); });
    }
    const auto& name = *type.as_string();
    switch (value.type()) {
      case json::Type::string: return name == "string";
      case json::Type::number: return name == "number" || name == "integer";
      case json::Type::boolean: return name == "boolean";
      case json::Type::array: return name == "array";
      case json::Type::object: return name == "object";
      case json::Type::null: return false;
    }
    return false;
  }
  bool members_fit(const json::Value& schema, const json::Value& value) const {
    const auto* properties = schema.find("properties");
    const auto* others = schema.find("additionalProperties");
    if (const auto* required = schema.find("required")) {
      for (const auto& name : required->elements()) {
        if (value.find(*name.as_string()) == nullptr) return false;
      }
    }
    for (const auto& [name, member] : value.members()) {
      const auto* property = properties == nullptr ? nullptr : properties->find(name);
      if (property != nullptr ? !accepts(*property, member)
                              : others != nullptr && (others->as_bool() == false || !accepts(*others, member)))
        return false;
    }
    return true;
  }
  const json::Value& root_;
};

TEST(Things, AreReadAndWrittenByTheTablesOfTheFile) {
  const auto key = read_thing<GatewayKey>(
      R"({"name":"ci","key":"sk-secret-0123","team":"research","role":"auditor","models":["openai/*"],"tools":[],)"
      R"("requests_per_minute":5,"budgets":[{"amount":12.5,"per":"month"}],"metadata":{"a":"b"},"blocked":true})");
  ASSERT_TRUE(key) << key.error().message();
  EXPECT_EQ(key->key.reveal(), "sk-secret-0123");
  EXPECT_EQ(key->role, Role::auditor);
  EXPECT_EQ(key->grant.budgets.at(0).amount.nano_usd, 12'500'000'000);
  EXPECT_EQ(key->grant.tools, std::vector<std::string>{}) << "an empty list allows nothing, which is not the same as none";
  const std::string written = write_thing(*key);
  EXPECT_EQ(written,
            R"({"name":"ci","role":"auditor","team":"research","models":["openai/*"],"tools":[],)"
            R"("requests_per_minute":5,"budgets":[{"amount":12.50,"per":"month"}],"blocked":true,"metadata":{"a":"b"}})");
  EXPECT_EQ(write_thing(*read_thing<GatewayKey>(written)), written);
}

TEST(Things, EveryProblemIsNamed) {
  const auto team = read_thing<Team>(R"({"organisation":"a","rpm":5,"concurrency":"x"})");
  ASSERT_FALSE(team);
  EXPECT_TRUE(team.error().is(Kind::bad_request));
  EXPECT_EQ(team.error().message(),
            "organisation: unknown key – did you mean 'organization'?; rpm: unknown key – did you mean 'requests_per_minute'?; "
            "concurrency: 'x' is not a whole number – write a number, e.g. 20");
  EXPECT_FALSE(read_thing<Team>("[]"));
  EXPECT_FALSE(read_thing<Team>("{"));
}

TEST(Reference, TheSchemaAcceptsEveryExampleAndRefusesUnknownKeys) {
  const auto schema = json::parse(json_schema());
  ASSERT_TRUE(schema) << schema.error().message();
  const Judge judge{*schema};
  const auto check = [&](std::string_view yaml) {
    std::vector<Problem> problems;
    const auto node = parse_yaml(yaml, "f", problems);
    EXPECT_TRUE(problems.empty()) << yaml << all(problems);
    return judge.accepts(*schema, *json::parse(to_json(node)));
  };
  // The tree's scalars are all texts, so numbers are judged as texts: leave out those, keep the structure.
  for (const auto& field : table_of<Settings>().fields) {
    if (field.codec->shape == Shape::integer || field.codec->shape == Shape::object) continue;
    EXPECT_TRUE(check(cat(field.name, ": ", field.spec.example, "\n"))) << field.name;
  }
  EXPECT_TRUE(check("models: [{name: n, endpoint: 'http://h', auth: {type: api_key, value: v}, rate_limit: {qps: '${Q}'}}]\n"));
  // As many decimals as the reader takes, for money and for prices.
  EXPECT_TRUE(check("organizations: {o: {budgets: [{amount: '0.123456789'}]}}\n"));
  EXPECT_FALSE(check("organizations: {o: {budgets: [{amount: '0.1234567891'}]}}\n"));
  EXPECT_FALSE(check("model: []\n"));
  EXPECT_FALSE(check("models: [{endpoint: x}]\n"));
  EXPECT_FALSE(check("models: [{name: n, auth: {typ: x}}]\n"));
  EXPECT_FALSE(check("log: {level: loud}\n"));
}

void each_field(const Table& table, const std::function<void(const Table&, const Field&)>& visit,
                std::set<std::string_view>& seen) {
  if (!seen.insert(table.name).second) return;
  for (const auto& field : table.fields) {
    visit(table, field);
    const auto* codec = field.codec;
    while (codec->element != nullptr) codec = codec->element;
    if (codec->table != nullptr) each_field(codec->table(), visit, seen);
  }
}

TEST(Reference, EveryFieldHasASentenceAndAnExampleThatReads) {
  std::set<std::string_view> seen;
  each_field(
      table_of<Settings>(),
      [](const Table& table, const Field& field) {
        EXPECT_TRUE(field.spec.doc.ends_with('.')) << table.name << "." << field.name;
        ASSERT_FALSE(field.spec.example.empty()) << table.name << "." << field.name;
        std::vector<Problem> problems;
        auto node = parse_yaml(cat(field.name, ": ", field.spec.example), "example", problems);
        substitute(node, [](std::string_view) { return std::string{"value"}; }, Missing::is_problem, "example", problems);
        ASSERT_EQ(node.map.size(), 1u) << table.name << "." << field.name;
        // Reads onto a copy of nothing the test needs: the codec writes into a fresh struct of the right type through load().
        Reader reader{.file = "example", .problems = problems};
        if (&table == &table_of<Settings>()) {
          Settings settings;
          field.codec->read(reader, node.map[0].value, field.at(&settings), field);
        }
        EXPECT_TRUE(problems.empty()) << table.name << "." << field.name << ": " << all(problems);
      },
      seen);
  EXPECT_GE(seen.size(), 15u);
}

TEST(Reference, ThePageNamesEveryField) {
  const auto page = reference_markdown();
  std::set<std::string_view> seen;
  each_field(
      table_of<Settings>(),
      [&](const Table& table, const Field& field) {
        EXPECT_NE(page.find(cat("| `", field.name, "` |")), std::string::npos) << table.name << "." << field.name;
      },
      seen);
  EXPECT_NE(page.find("| `connect` | duration | `5s` |"), std::string::npos);
  EXPECT_NE(page.find("| `body_bytes` | size, bytes | `32MiB` |"), std::string::npos);
}

/// docs/configuration.md and docs/cardea.schema.json are what the tables say; `CARDEA_UPDATE=1 config_test` writes them.
TEST(Reference, TheDocsAreUpToDate) {
  const std::pair<std::string, std::string> files[] = {{"docs/configuration.md", reference_markdown()},
                                                       {"docs/cardea.schema.json", json_schema()}};
  for (const auto& [name, expected] : files) {
    const auto path = cat(CARDEA_SOURCE_DIR, "/", name);
    if (std::getenv("CARDEA_UPDATE") != nullptr) std::ofstream{path} << expected;
    EXPECT_EQ(file_text(path), expected) << name << " is old: run CARDEA_UPDATE=1 config_test";
  }
}

}  // namespace
}  // namespace cardea::config

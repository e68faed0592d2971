#include "catalog/catalog.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "base/text.h"
#include "catalog/embedded.h"
#include "catalog/test_support.h"
#include "config/loader.h"

namespace {
std::size_t allocations = 0;
}
// Counts, so that "no allocation" can be tested. Not under sanitizers, which bring their own.
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace cardea::catalog {
namespace {

const config::Env both_keys = env_of({{"OPENAI_API_KEY", "sk-openai"}, {"GROQ_API_KEY", "gsk-groq"}});

TEST(Catalog, EveryProviderFileLoads) {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator{CARDEA_SOURCE_DIR "/catalog/providers"}) {
    std::stringstream text;
    text << std::ifstream{entry.path()}.rdbuf();
    const auto name = entry.path().stem().string();
    files.insert(name);
    const auto loaded = config::load_provider(text.str(), name, env_of({}));
    EXPECT_TRUE(loaded.problems.empty()) << all(loaded.problems);
    std::set<std::string> ids;
    for (const auto& model : loaded.provider.models)
      EXPECT_TRUE(ids.insert(model.id).second) << name << ": " << model.id << " twice";
    ASSERT_NE(find_embedded(name), nullptr) << name;
    EXPECT_EQ(find_embedded(name)->json, *config::compact_provider(text.str(), name)) << name;
  }
  EXPECT_EQ(files.size(), embedded().size());
  for (const std::string_view needed :
       {"openai",      "azure",      "deepseek",  "qwen",        "zhipu",   "moonshot", "minimax",
        "siliconflow", "volcengine", "mistral",   "groq",        "xai",     "together", "fireworks",
        "openrouter",  "perplexity", "nvidia",    "huggingface", "ollama",  "llamacpp", "vllm",
        "lmstudio",    "twin",       "anthropic", "gemini",      "bedrock", "vertex",   "vertex_anthropic",
        "cohere",      "jina"}) {
    EXPECT_TRUE(files.contains(std::string{needed})) << needed;
  }
}

/// A chat's target as its dialect will say it, to see that base URLs and dialects fit together.
std::string target_of_dialect(const Provider& provider) {
  if (auto own = provider.own_target("m", Delivery::whole); !own.empty()) return own;
  const std::pair<std::string_view, std::string_view> targets[] = {
      {"openai_chat", "/chat/completions"},    {"openai_responses", "/responses"}, {"anthropic", "/messages"},
      {"gemini", "/models/m:generateContent"}, {"bedrock", "/model/m/converse"},   {"cohere", "/chat"}};
  for (const auto& [dialect, target] : targets) {
    if (provider.dialect == dialect) return std::string{target};
  }
  return provider.dialect;
}

TEST(Catalog, EveryProviderComesOnWithItsKey) {
  // Those that say more than "Authorization: Bearer" or end otherwise than in /chat/completions.
  struct Row {
    std::string_view name, head, url;
  };
  const Row rows[] = {
      {"azure", "api-key: the-key\r\n", "x.openai.azure.com/openai/v1/chat/completions"},
      {"anthropic", "x-api-key: the-key\r\nanthropic-version: 2023-06-01\r\n", "api.anthropic.com/v1/messages"},
      {"gemini", "x-goog-api-key: the-key\r\n", "generativelanguage.googleapis.com/v1beta/models/m:generateContent"},
      {"cohere", "Authorization: Bearer the-key\r\n", "api.cohere.com/v2/chat"},
      {"bedrock", "", "bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse"},
      {"vertex", "", "aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models/m:generateContent"},
      {"vertex_anthropic", "",
       "us-east5-aiplatform.googleapis.com/v1/projects/ap/locations/us-east5/publishers/anthropic/models/m:rawPredict"},
  };
  const BuildOptions options{.read = [](const std::string&) -> Result<std::string> {
    return R"({"type":"service_account","project_id":"p","client_email":"a@p","private_key":"-----BEGIN PRIVATE KEY-----"})";
  }};
  for (const auto& file : embedded()) {
    const auto plain = config::read_provider(file.json, env_of({}));
    ASSERT_TRUE(plain) << file.name;
    Variables variables{{"AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com/"},
                        {"COMFYUI_BASE_URL", "http://nas:8188"},
                        {"SDWEBUI_BASE_URL", "http://nas:7860"}};
    if (!plain->key_env.empty()) variables.emplace_back(plain->key_env.back(), "the-key\n");
    if (plain->auth.type == config::AuthType::sigv4)
      variables.insert(variables.end(),
                       {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "S"}, {"AWS_REGION", "eu-west-1"}});
    if (plain->auth.type == config::AuthType::google_service_account)
      variables.insert(variables.end(), {{"GOOGLE_APPLICATION_CREDENTIALS", "/g.json"},
                                         {"CLOUD_ML_REGION", "us-east5"},
                                         {"ANTHROPIC_VERTEX_PROJECT_ID", "ap"}});
    const auto catalog =
        good(plain->probe.empty() ? "" : cat("providers: {", file.name, ": {title: mine}}\n"), env_of(variables), options);
    const auto* provider = catalog->provider(file.name);
    ASSERT_NE(provider, nullptr) << file.name;
    EXPECT_EQ(went(*catalog, cat(file.name, "/any")).starts_with(cat(file.name, " any")), true) << file.name;
    const auto* row = std::find_if(std::begin(rows), std::end(rows), [&](const auto& one) { return one.name == file.name; });
    const auto target = provider->path(target_of_dialect(*provider));
    if (row == std::end(rows)) {
      EXPECT_TRUE(target.ends_with("/chat/completions")) << file.name << target;
      EXPECT_EQ(provider->head.reveal(), plain->key_env.empty() ? "" : "Authorization: Bearer the-key\r\n") << file.name;
    } else {
      EXPECT_EQ(cat(provider->authority, target), row->url);
      EXPECT_EQ(provider->head.reveal(), row->head) << file.name;
      EXPECT_EQ(std::holds_alternative<std::monostate>(provider->signer), !row->head.empty()) << file.name;
    }
  }
}

TEST(Catalog, AModelMayHaveAFormAndAGraphOfItsOwn) {
  constexpr std::string_view yaml =
      "models: [{name: poster, endpoint: http://nas:8188, tasks: {images: comfyui}, workflow: /poster.json}]";
  const auto with = [](std::string_view text) {
    return BuildOptions{.read = [text](const std::string&) -> Result<std::string> {
      return text.empty() ? fail(Kind::config, "cannot be read: it is gone") : Result<std::string>{std::string{text}};
    }};
  };
  constexpr std::string_view graph = R"({"9":{"class_type":"SaveImage","inputs":{}}})";
  auto built = build_of(yaml, env_of({}), with(graph));
  ASSERT_TRUE(built.catalog) << all(built.problems);
  EXPECT_EQ(built.files, std::vector<std::string>{"/poster.json"}) << "it is watched";
  const auto target = built.catalog->resolve("poster");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->info->workflow, graph);
  ASSERT_EQ(target->info->tasks.size(), 1U);
  EXPECT_EQ(target->info->tasks.begin()->second, "comfyui");
  const std::pair<std::string_view, std::string_view> wrong[] = {
      {"", "the file '/poster.json' cannot be read: it is gone"},
      {"[", "is no JSON"},
      {R"({"nodes":[],"links":[]})", "as ComfyUI saves it"},
      {R"({"1":{"inputs":{}}})", "a node with a class_type"},
  };
  for (const auto& [text, said] : wrong) {
    built = build_of(yaml, env_of({}), with(text));
    EXPECT_FALSE(built.catalog);
    EXPECT_NE(all(built.problems).find(said), std::string::npos) << all(built.problems);
    EXPECT_NE(all(built.problems).find("models[0].workflow"), std::string::npos) << all(built.problems);
  }
}

TEST(Catalog, AddressesOfTheVendorsOwnVariables) {
  const std::pair<Variables, std::string_view> rows[] = {
      {{{"ANTHROPIC_API_KEY", "k"}, {"ANTHROPIC_BASE_URL", "https://proxy/anthropic"}}, "anthropic proxy/anthropic/v1"},
      {{{"ANTHROPIC_API_KEY", "k"}, {"ANTHROPIC_BASE_URL", "https://proxy/v1/"}}, "anthropic proxy/v1"},
      {{{"ANTHROPIC_API_KEY", "k"}, {"ANTHROPIC_BASE_URL", ""}}, "anthropic api.anthropic.com/v1"},
      {{{"GEMINI_API_KEY", "k"}, {"GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:5"}}, "gemini 127.0.0.1:5/v1beta"},
      {{{"CO_API_KEY", "k"}, {"CO_API_URL", "https://co.example"}}, "cohere co.example/v2"},
      {{{"AWS_BEARER_TOKEN_BEDROCK", "k"}, {"AWS_DEFAULT_REGION", "us-west-2"}},
       "bedrock bedrock-runtime.us-west-2.amazonaws.com"},
      {{{"AWS_BEARER_TOKEN_BEDROCK", "k"}, {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:5"}}, "bedrock 127.0.0.1:5"},
      {{{"OLLAMA_BASE_URL", "http://nas:5"}}, "ollama nas:5/v1"},
      {{{"OLLAMA_HOST", "nas"}}, "ollama nas:11434/v1"},
      {{{"OPENAI_API_KEY", "k"}, {"OPENAI_BASE_URL", "http://127.0.0.1:5/v1"}}, "openai 127.0.0.1:5/v1"},
      // What leads to this gateway (127.0.0.1:8080) leads its clients there, not the gateway itself.
      {{{"OPENAI_API_KEY", "k"}, {"OPENAI_BASE_URL", "http://127.0.0.1:8080/v1"}}, "openai api.openai.com/v1"},
      {{{"ANTHROPIC_AUTH_TOKEN", "k"}, {"ANTHROPIC_BASE_URL", "http://localhost:8080"}}, "anthropic api.anthropic.com/v1"},
  };
  for (const auto& [variables, expected] : rows) {
    const auto catalog = good("", env_of(variables));
    const auto name = expected.substr(0, expected.find(' '));
    const auto* provider = catalog->provider(name);
    ASSERT_NE(provider, nullptr) << expected;
    EXPECT_EQ(cat(name, " ", provider->authority, provider->endpoint.prefix), expected);
  }
}

TEST(Catalog, WhatLiesAboutInTheEnvironmentBreaksNothing) {
  const BuildOptions nowhere{
      .read = [](const std::string&) -> Result<std::string> { return fail(Kind::config, "cannot be read: gone"); }};
  const auto said = [&](Variables variables, std::string_view name) {
    return went(*good("", env_of(std::move(variables)), nowhere), cat(name, "/m"));
  };
  EXPECT_EQ(said({}, "anthropic"), "! the provider 'anthropic' is not enabled: set ANTHROPIC_API_KEY");
  EXPECT_EQ(said({}, "bedrock"),
            "! the provider 'bedrock' is not enabled: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or "
            "AWS_BEARER_TOKEN_BEDROCK");
  EXPECT_EQ(said({{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "S"}}, "bedrock"),
            "! the provider 'bedrock' is not enabled: set AWS_REGION");
  EXPECT_EQ(said({{"AWS_BEARER_TOKEN_BEDROCK", "t"}}, "bedrock"), "! the provider 'bedrock' is not enabled: set AWS_REGION");
  EXPECT_EQ(said({}, "vertex"), "! the provider 'vertex' is not enabled: set GOOGLE_APPLICATION_CREDENTIALS");
  EXPECT_EQ(said({{"GOOGLE_APPLICATION_CREDENTIALS", "/gone.json"}}, "vertex"),
            "! the provider 'vertex' is not enabled: the file of the Google credentials cannot be read: gone");
  // The same written down is a problem.
  const auto built =
      build_of("providers: {vertex: {title: ours}}\n", env_of({{"GOOGLE_APPLICATION_CREDENTIALS", "/gone.json"}}), nowhere);
  EXPECT_EQ(built.catalog, nullptr);
  EXPECT_EQ(
      all(built.problems),
      "c.yaml:1:21: providers.vertex.auth: the file of the Google credentials cannot be read: gone – name the JSON file of a "
      "service account's key, as credentials or in GOOGLE_APPLICATION_CREDENTIALS\n");
}

TEST(Catalog, NoProblemShowsAValueOfTheEnvironment) {
  const auto env = env_of({{"KEY", "sk-secret-0123"}});
  const auto loaded = config::load(
      "providers: {x: {extends: '${KEY}'}}\naliases: {a: 'b${KEY}'}\nmodels: [{name: m, provider: '${KEY}'}]\n", "c.yaml", env);
  const auto text = all(build(loaded.settings, env).problems);
  EXPECT_EQ(text.find("sk-secret"), std::string::npos) << text;
  for (const std::string_view said :
       {"no built-in provider '${KEY}'", "the model 'b${KEY}' does not exist", "there is no provider '${KEY}'"})
    EXPECT_NE(text.find(said), std::string::npos) << said << " in\n" << text;
}

TEST(Catalog, WhatExtendsABuiltInTakesNoCredentialsElsewhere) {
  const auto env = env_of({{"AWS_ACCESS_KEY_ID", "A"},
                           {"AWS_SECRET_ACCESS_KEY", "S"},
                           {"AWS_REGION", "eu-west-1"},
                           {"ANTHROPIC_API_KEY", "k"},
                           {"ANTHROPIC_AUTH_TOKEN", "t"}});
  const auto catalog = good(R"(providers:
  a: {extends: bedrock, base_url: "https://elsewhere.example"}
  b: {extends: bedrock, base_url: "https://elsewhere.example", api_key: own}
  c: {extends: bedrock, base_url: "https://elsewhere.example", auth: {type: sigv4}}
  d: {extends: anthropic, base_url: "https://elsewhere.example"}
  e: {extends: bedrock}
)",
                            env);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(catalog->provider("a")->signer));
  EXPECT_EQ(catalog->provider("a")->head.reveal(), "");
  EXPECT_EQ(catalog->provider("b")->head.reveal(), "Authorization: Bearer own\r\n");
  EXPECT_TRUE(std::holds_alternative<SigV4>(catalog->provider("c")->signer)) << "asked for";
  EXPECT_EQ(catalog->provider("d")->head.reveal(), "anthropic-version: 2023-06-01\r\n");
  EXPECT_TRUE(std::holds_alternative<SigV4>(catalog->provider("e")->signer));
}

TEST(Catalog, SomeModelsOfOpenAiAreServedByTheResponsesApiOnly) {
  const auto catalog = good("", both_keys);
  for (const std::string_view name : {"openai/o3-pro", "gpt-5.3-codex", "openai:o1-pro"}) {
    const auto target = catalog->resolve(name);
    ASSERT_TRUE(target) << name;
    EXPECT_EQ(target->provider->dialect, "openai_responses") << name;
    EXPECT_EQ(target->provider->path("/responses"), "/v1/responses");
    EXPECT_EQ(target->provider->head.reveal(), "Authorization: Bearer sk-openai\r\n");
  }
  EXPECT_EQ(catalog->resolve("gpt-5")->provider->dialect, "openai_chat");
}

TEST(Catalog, WithNothingOnlyTheTwinAnswers) {
  const auto catalog = good("", env_of({}));
  ASSERT_EQ(catalog->providers().size(), 1u);
  EXPECT_EQ(catalog->providers()[0]->name, "twin");
  EXPECT_EQ(catalog->providers()[0]->endpoint.origin.scheme, Scheme::twin);
  EXPECT_EQ(went(*catalog, "twin/whatever"), "twin whatever");
  EXPECT_EQ(went(*catalog, "groq/llama"), "! the provider 'groq' is not enabled: set GROQ_API_KEY");
  EXPECT_EQ(went(*catalog, "azure/x"), "! the provider 'azure' is not enabled: set AZURE_OPENAI_ENDPOINT");
  EXPECT_EQ(went(*catalog, "ollama/x"), "! the provider 'ollama' is not enabled: nothing answers at http://127.0.0.1:11434");
}

TEST(Catalog, ResolveTable) {
  const auto catalog = good(R"(
models:
  - {name: own, endpoint: "http://10.0.0.1:9/v1", upstream_model: real}
  - {name: gpt-4o, provider: groq, upstream_model: hidden}
  - {name: "team-*", provider: groq, upstream_model: "*"}
  - {name: "raw-*", provider: groq}
  - {name: "one-*", provider: groq, upstream_model: single}
aliases:
  fast: groq/llama-3.1-8b-instant
  quick: fast
  mine: own
  o3: openai/gpt-5
  "anthropic/*": openai/*
  "openai/gpt-4.1*": groq/*
  "*": twin/*
)",
                            both_keys);
  const std::pair<std::string_view, std::string_view> cases[] = {
      // What the user wrote.
      {"fast", "groq llama-3.1-8b-instant known"},
      {"quick", "groq llama-3.1-8b-instant known"},
      {"mine", "10.0.0.1:9 real known"},
      {"own", "10.0.0.1:9 real known"},
      {"o3", "openai gpt-5 known"},
      {"gpt-4o", "groq hidden known"},
      {"team-a/b", "groq a/b known"},
      {"raw-x", "groq raw-x known"},
      {"one-anything", "groq single known"},
      {"anthropic/claude", "openai claude"},
      {"openai/gpt-4.1-mini", "groq gpt-4.1-mini"},
      // provider/model and its spellings.
      {"openai/gpt-4o", "openai gpt-4o known"},
      {"openai:gpt-4o", "openai gpt-4o known"},
      {"@openai/gpt-4o", "openai gpt-4o known"},
      {"openai/ft:gpt-4o:me", "openai ft:gpt-4o:me"},
      {"groq/openai/gpt-oss-120b", "groq openai/gpt-oss-120b known"},
      {"openai/o3", "openai o3 known"},
      // Plain names.
      {"gpt-5", "openai gpt-5 known"},
      {"llama-3.3-70b-versatile", "groq llama-3.3-70b-versatile known"},
      {"openai/gpt-oss-120b", "openai gpt-oss-120b"},
      {"qwen/qwen3-32b", "groq qwen/qwen3-32b known"},
      // The rest.
      {"nobody-knows", "twin nobody-knows"},
      {"openai/", "twin openai/"},
      {"/x", "twin /x"},
      {"", "! the model's name is empty"},
  };
  for (const auto& [name, expected] : cases) EXPECT_EQ(went(*catalog, name), expected) << name;
  EXPECT_EQ(went(*catalog, std::string(257, 'x')), "! the model's name is longer than 256 bytes");
}

TEST(Catalog, PlainNamesGoToTheLowestOrder) {
  const auto env = env_of({{"TOGETHER_API_KEY", "t"}, {"GROQ_API_KEY", "g"}});
  EXPECT_EQ(went(*good("", env), "openai/gpt-oss-120b"), "groq openai/gpt-oss-120b known");
  EXPECT_EQ(went(*good("providers: {together: {order: 1}}\n", env), "openai/gpt-oss-120b"), "together openai/gpt-oss-120b known");
}

TEST(Catalog, NotFoundSaysWhatWasProbablyMeant) {
  const auto catalog = good("", both_keys);
  const auto wrong = catalog->resolve("gpt-4oo");
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(wrong.error().is(Kind::model_not_found));
  EXPECT_EQ(wrong.error().detail().param, "model");
  EXPECT_EQ(wrong.error().message(), "the model 'gpt-4oo' does not exist; did you mean 'gpt-4o'?");
  EXPECT_EQ(went(*catalog, "zzzzzzzzzz"), "! the model 'zzzzzzzzzz' does not exist; GET /v1/models lists the ones that do");
}

TEST(Catalog, ResolvingDoesNotAllocate) {
  const auto catalog =
      good("models: [{name: \"w-*\", provider: groq}]\naliases: {fast: openai/gpt-5, \"*\": twin/*}\n", both_keys);
  const std::string long_name = "openai/some-fine-tuned-model-with-a-long-name-that-no-small-string-holds";
  for (const std::string_view name :
       {std::string_view{"fast"}, std::string_view{"gpt-4o"}, std::string_view{long_name},
        std::string_view{"w-a-rather-long-name-behind-the-star"}, std::string_view{"x-falls-to-the-bare-star-at-the-end"}}) {
    const auto before = allocations;
    const auto target = catalog->resolve(name);
    EXPECT_EQ(allocations, before) << name;
    EXPECT_TRUE(target) << name;
  }
}

TEST(Catalog, HeadHoldsKeyAndHeaders) {
  const auto env = env_of({{"OPENAI_API_KEY", " sk-1 \n"}, {"OPENAI_ORG_ID", "org"}, {"OPENAI_BASE_URL", "http://proxy:1/x"}});
  const auto catalog = good("", env);
  const auto* provider = catalog->provider("openai");
  EXPECT_EQ(provider->head.reveal(), "Authorization: Bearer sk-1\r\nOpenAI-Organization: org\r\n");
  EXPECT_EQ(provider->key.reveal(), "sk-1");
  EXPECT_EQ(provider->authority, "proxy:1");
  EXPECT_EQ(provider->path("/chat/completions"), "/x/chat/completions");
  EXPECT_EQ(provider->dialect, "openai_chat");
}

TEST(Catalog, RegistryAuthOfEveryKind) {
  const auto catalog = good(R"(models:
  - {name: a, endpoint: "http://h:1", auth: {type: api_key, value: k}}
  - {name: b, endpoint: "http://h:1", auth: {type: bearer, value: k}}
  - {name: c, endpoint: "http://h:1", auth: {type: header, header: x-key, value: k}}
  - {name: d, endpoint: "http://h:1", auth: {type: none}}
  - {name: e, endpoint: "http://h:1", api_key: k}
  - {name: f, endpoint: "http://h:1", auth: {type: api_key, header: api-key, value: k}}
  - {name: g, endpoint: "http://h:1"}
)",
                            env_of({}));
  const auto head = [&](std::string_view name) { return std::string{catalog->resolve(name)->provider->head.reveal()}; };
  EXPECT_EQ(head("a"), "Authorization: Bearer k\r\n");
  EXPECT_EQ(head("b"), "Authorization: Bearer k\r\n");
  EXPECT_EQ(head("c"), "x-key: k\r\n");
  EXPECT_EQ(head("d"), "");
  EXPECT_EQ(head("e"), "Authorization: Bearer k\r\n");
  EXPECT_EQ(head("f"), "api-key: k\r\n");
  EXPECT_EQ(head("g"), "");
  EXPECT_EQ(catalog->resolve("a")->provider, catalog->resolve("e")->provider) << "the same endpoint and key share one provider";
  EXPECT_NE(catalog->resolve("a")->provider, catalog->resolve("d")->provider);
  EXPECT_EQ(catalog->provider("h:1"), nullptr) << "an endpoint is no provider name";
}

TEST(Catalog, TheRegistryFileOfTheFirstDay) {
  const auto catalog = good(R"(models:
  - name: text-davinci-003
    type: nlp
    endpoint: http://model-service:8080
    auth: {type: api_key, value: "xxxx-xxxx-xxxx"}
    rate_limit: {qps: 10, burst: 20}
)",
                            env_of({}));
  const auto target = catalog->resolve("text-davinci-003");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->provider->endpoint.origin, (Origin{Scheme::http, "model-service", 8080}));
  EXPECT_EQ(target->provider->path("/chat/completions"), "/v1/chat/completions");
  EXPECT_EQ(target->model, "text-davinci-003");
  EXPECT_EQ(target->info->type, ModelType::nlp);
  EXPECT_EQ(target->info->rate_limit.qps, 10u);
  EXPECT_EQ(catalog->list()[0].id, "text-davinci-003");
  EXPECT_EQ(catalog->list()[0].owned_by, "registry");
}

TEST(Catalog, ProblemsNameLineAndFix) {
  const auto built = build_of(R"(models:
  - {name: a, provider: opnai}
  - {name: b, endpoint: "ftp://h"}
  - {name: c, endpoint: "http://h", auth: {type: header, header: "x y", value: k}}
  - {name: d, provider: mistral}
  - {name: e, endpoint: "http://h", api_key: "a\nb"}
aliases: {x: opnai/gpt, y: mistral/m, z: nothing-like-it}
providers:
  mine: {title: t}
  other: {extends: opanai}
  groq: {headers: {host: evil}}
)",
                              both_keys);
  EXPECT_EQ(built.catalog, nullptr);
  EXPECT_EQ(all(built.problems), R"(c.yaml:2:5: models[0].provider: there is no provider 'opnai' – did you mean 'openai'?
c.yaml:3:5: models[1].endpoint: not a usable URL: it must begin with http:// or https:// – write e.g. http://HOST:PORT/v1
c.yaml:4:5: models[2].auth: the header 'x y' cannot be set – name another header
c.yaml:5:5: models[3].provider: warning: the provider 'mistral' is not enabled: set MISTRAL_API_KEY – until then the model answers 404
c.yaml:6:5: models[4].auth: the value of header 'Authorization' holds a line break or another control character – remove it
c.yaml:7:14: aliases.x: there is no provider 'opnai' – did you mean 'openai'?
c.yaml:7:28: aliases.y: warning: the provider 'mistral' is not enabled: set MISTRAL_API_KEY – until then the alias answers 404
c.yaml:7:42: aliases.z: warning: the model 'nothing-like-it' does not exist; GET /v1/models lists the ones that do – name a model as provider/model
c.yaml:9:9: providers.mine: base_url is missing – add base_url: https://HOST/v1, or extends: openai
c.yaml:10:10: providers.other.extends: there is no built-in provider 'opanai' – did you mean 'openai'?
c.yaml:11:9: providers.groq.headers: the header 'host' cannot be set – name another header
)");
}

TEST(Catalog, WarningsLeaveTheRestWorking) {
  const auto built =
      build_of("models: [{name: d, provider: mistral}]\naliases: {y: mistral/m}\nproviders: {xai: {order: 3}}\n", both_keys);
  ASSERT_TRUE(built.catalog);
  EXPECT_EQ(built.problems.size(), 3u) << all(built.problems);
  EXPECT_EQ(went(*built.catalog, "d"),
            "! the model 'd' cannot be reached: the provider 'mistral' is not enabled: set MISTRAL_API_KEY");
  EXPECT_EQ(went(*built.catalog, "gpt-5"), "openai gpt-5 known");
}

TEST(Catalog, UserProviders) {
  const auto catalog = good(R"(providers:
  openai: {api_key: sk-file, models: [{id: gpt-5, context: 7}, my-tune]}
  work: {extends: openai, base_url: "https://llm.work.example/v1", api_key: sk-work}
  free: {extends: openai, base_url: "https://free.example/v1"}
  lab: {base_url: "http://lab:8000", models: [{id: lab-1, price: {input: 1, output: 2}}]}
)",
                            both_keys);
  EXPECT_EQ(catalog->provider("openai")->head.reveal(), "Authorization: Bearer sk-file\r\n");
  EXPECT_EQ(catalog->resolve("gpt-5")->info->context_tokens, 7u);
  EXPECT_EQ(went(*catalog, "my-tune"), "openai my-tune known");
  EXPECT_EQ(catalog->provider("work")->head.reveal(), "Authorization: Bearer sk-work\r\n");
  EXPECT_EQ(catalog->provider("free")->head.reveal(), "") << "OPENAI_API_KEY must not go to another address";
  EXPECT_EQ(went(*catalog, "lab-1"), "lab lab-1 known");
  EXPECT_EQ(catalog->provider("lab")->path("/chat/completions"), "/v1/chat/completions");
}

TEST(Catalog, ListAndFind) {
  const auto catalog =
      good("models: [{name: own, endpoint: \"http://h:1\"}]\naliases: {fast: openai/gpt-5, \"x-*\": openai/*}\n", both_keys);
  EXPECT_EQ(catalog->list()[0].id, "own");
  EXPECT_EQ(catalog->list()[1].id, "fast");
  EXPECT_EQ(catalog->list()[1].owned_by, "openai");
  const auto* entry = catalog->find("openai/gpt-4o");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->created, 1782950400);  // 2026-07-02
  EXPECT_EQ(entry->target.info->context_tokens, 128'000u);
  EXPECT_EQ(catalog->find("gpt-4o"), nullptr);
  std::set<std::string> ids;
  for (const auto& one : catalog->list()) {
    EXPECT_TRUE(ids.insert(one.id).second) << one.id;
    EXPECT_TRUE(catalog->resolve(one.id)) << one.id;
    EXPECT_EQ(catalog->find(one.id), &one);
  }
}

TEST(Catalog, Discovery) {
  const auto names = [](const std::vector<Probe>& probes) {
    std::string out;
    for (const auto& probe : probes) out += cat(probe.provider, " ", probe.models_url, "\n");
    return out;
  };
  const auto settings_of = [](std::string_view yaml) { return config::load(yaml, "c", env_of({})).settings; };
  EXPECT_EQ(names(probes(settings_of(""), env_of({}))),
            "lmstudio http://127.0.0.1:1234/v1/models\nollama http://127.0.0.1:11434/v1/models\nvllm "
            "http://127.0.0.1:8000/v1/models\n");
  EXPECT_EQ(
      names(probes(settings_of("listen: 127.0.0.1:8000\n"), env_of({{"OLLAMA_BASE_URL", "http://nas:5"}}))),
      "llamacpp http://127.0.0.1:8080/v1/models\nlmstudio http://127.0.0.1:1234/v1/models\nollama http://nas:5/v1/models\n");
  EXPECT_EQ(names(probes(settings_of("discovery: off\n"), env_of({}))), "");

  const Discovered found[] = {{"ollama", "http://127.0.0.1:11434", {"llama3:8b", "qwen3"}}};
  const auto catalog = good("aliases: {local: ollama/qwen3}\n", env_of({}), {.found = found});
  EXPECT_EQ(went(*catalog, "llama3:8b"), "ollama llama3:8b known");
  EXPECT_EQ(went(*catalog, "ollama/other"), "ollama other");
  EXPECT_EQ(went(*catalog, "local"), "ollama qwen3 known");
  EXPECT_NE(catalog->find("ollama/llama3:8b"), nullptr);
  EXPECT_NE(good("", env_of({{"OLLAMA_BASE_URL", "http://nas:5"}}))->provider("ollama"), nullptr) << "declared by its variable";
}

TEST(Catalog, ParsesModelLists) {
  EXPECT_EQ(*parse_models(R"({"object":"list","data":[{"id":"a"},{"id":""},{"x":1},{"id":5},{"id":"b"}]})"),
            (std::vector<std::string>{"a", "b"}));
  for (const std::string_view wrong : {"", "[]", "{}", "{\"data\":{}}", "<html>"}) {
    const auto parsed = parse_models(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_TRUE(parsed.error().is(Kind::upstream_protocol)) << wrong;
  }
}

}  // namespace
}  // namespace cardea::catalog

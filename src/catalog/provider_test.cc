// Providers of every dialect, and how they prove who asks.

#include "catalog/test_support.h"

namespace cardea::catalog {
namespace {

const config::Env nothing = env_of({});
constexpr std::string_view pem = "-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n";

std::string google_json(std::string_view more = "") {
  return cat(
      R"({"type":"service_account","project_id":"json-project","private_key_id":"kid","client_email":"me@p.iam","private_key":")",
      pem, "\"", more, "}");
}

/// A reader that knows one file.
ReadFile file_of(std::string name, std::string text) {
  return [name = std::move(name), text = std::move(text)](const std::string& path) -> Result<std::string> {
    if (path == name) return text;
    return fail(Kind::config, "cannot be read: No such file or directory");
  };
}

const Provider& provider_of(const Catalog& catalog, std::string_view model) {
  const auto target = catalog.resolve(model);
  EXPECT_TRUE(target) << model;
  return *target->provider;
}

TEST(Provider, EachDialectSendsItsKeyAsItsVendorWantsIt) {
  struct Row {
    std::string_view dialect, head, target, path;
  };
  const Row rows[] = {
      {"openai", "Authorization: Bearer k\r\n", "/chat/completions", "/v1/chat/completions"},
      {"responses", "Authorization: Bearer k\r\n", "/responses", "/v1/responses"},
      {"openai_completions", "Authorization: Bearer k\r\n", "/completions", "/v1/completions"},
      {"anthropic", "x-api-key: k\r\nanthropic-version: 2023-06-01\r\n", "/messages", "/v1/messages"},
      {"google", "x-goog-api-key: k\r\n", "/models/m:generateContent", "/v1beta/models/m:generateContent"},
      {"bedrock", "Authorization: Bearer k\r\n", "/model/m/converse", "/model/m/converse"},
      {"cohere", "Authorization: Bearer k\r\n", "/chat", "/v2/chat"},
      {"ollama", "Authorization: Bearer k\r\n", "/api/chat", "/api/chat"},
  };
  for (const auto& [dialect, head, target, path] : rows) {
    for (const std::string_view key : {"api_key: k", "auth: {value: k}", "auth: {type: api_key, value: k}"}) {
      const auto catalog =
          good(cat("models: [{name: m, endpoint: 'http://127.0.0.1:9999', dialect: ", dialect, ", ", key, "}]\n"), nothing);
      const auto& provider = provider_of(*catalog, "m");
      EXPECT_EQ(provider.head.reveal(), head) << dialect << key;
      EXPECT_EQ(provider.path(target), path) << dialect;
      EXPECT_TRUE(std::holds_alternative<std::monostate>(provider.signer));
      EXPECT_EQ(provider.own_target("m", Delivery::whole), "");
    }
  }
}

TEST(Provider, AuthStandsAboveTheDialectsOwnWay) {
  const auto head = [](std::string_view auth) {
    const auto catalog = good(cat("models: [{name: m, endpoint: 'http://h', dialect: anthropic, ", auth, "}]\n"), nothing);
    return std::string{provider_of(*catalog, "m").head.reveal()};
  };
  constexpr std::string_view version = "anthropic-version: 2023-06-01\r\n";
  EXPECT_EQ(head("auth: {type: bearer, value: k}"), cat("Authorization: Bearer k\r\n", version));
  EXPECT_EQ(head("auth: {type: api_key, header: x-team, value: k}"), cat("x-team: k\r\n", version));
  EXPECT_EQ(head("auth: {type: header, header: x-team, value: k}"), cat("x-team: k\r\n", version));
  EXPECT_EQ(head("auth: {type: none}"), version);
  EXPECT_EQ(head("type: llm"), version);
  const auto catalog = good(
      "providers: {a: {base_url: 'http://h', dialect: anthropic, headers: {Anthropic-Version: '2099-01-01'}}, "
      "b: {base_url: 'http://h', dialect: anthropic, headers: {anthropic-version: ''}}}\n",
      nothing);
  EXPECT_EQ(catalog->provider("a")->head.reveal(), "Anthropic-Version: 2099-01-01\r\n");
  EXPECT_EQ(catalog->provider("b")->head.reveal(), "");
}

TEST(Provider, AFullEndpointSaysDialectAndModel) {
  const auto catalog = good(R"(models:
  - {name: claude, endpoint: "https://h/v1/messages", api_key: k}
  - {name: gem, endpoint: "https://h/v1beta/models/gemini-x:generateContent", api_key: k}
  - {name: bed, endpoint: "https://h/model/a.b-v1%3A0/converse", auth: {type: bearer, value: k}}
  - {name: other, endpoint: "https://h/v1beta/models/gemini-x:generateContent", upstream_model: said}
  - {name: chat, endpoint: "https://h/v1/chat/completions"}
  - {name: res, endpoint: "https://h/v1/responses", dialect: openai}
)",
                            nothing);
  const auto said = [&](std::string_view name) {
    const auto target = catalog->resolve(name);
    return cat(target->provider->dialect, " ", target->model);
  };
  EXPECT_EQ(said("claude"), "anthropic claude");
  EXPECT_EQ(said("gem"), "gemini gemini-x");
  EXPECT_EQ(said("bed"), "bedrock a.b-v1:0");
  EXPECT_EQ(said("other"), "gemini said");
  EXPECT_EQ(said("chat"), "openai_chat chat");
  EXPECT_EQ(said("res"), "openai_chat res");
  EXPECT_NE(&provider_of(*catalog, "gem"), &provider_of(*catalog, "claude"));
  const auto odd = build_of("models: [{name: m, endpoint: 'http://h/v1/chat/completions', dialect: anthropic}]\n", nothing);
  EXPECT_EQ(all(odd.problems),
            "c.yaml:1:10: models[0].endpoint: warning: it ends as an address of openai_chat does, and the dialect is anthropic – "
            "correct the dialect, or write the base URL alone\n");
}

TEST(Provider, OneEndpointInTwoDialectsIsTwoProviders) {
  const auto catalog = good(
      "models: [{name: a, endpoint: 'http://h:1', dialect: ollama}, {name: b, endpoint: 'http://h:1'}, "
      "{name: c, endpoint: 'http://h:1', dialect: openai}]\n",
      nothing);
  EXPECT_NE(&provider_of(*catalog, "a"), &provider_of(*catalog, "b"));
  EXPECT_EQ(&provider_of(*catalog, "b"), &provider_of(*catalog, "c"));
}

TEST(Provider, AModelMayHaveADialectOfItsOwn) {
  const auto catalog = good(R"(providers:
  lab:
    base_url: http://lab:8000
    api_key: k
    models: [plain, {id: pro, dialect: responses}, {id: deep, dialect: responses}, {id: same, dialect: openai}]
models:
  - {name: best, provider: lab, upstream_model: pro}
  - {name: plain-too, provider: lab, upstream_model: pro, dialect: openai}
  - {name: native, provider: lab, upstream_model: plain, dialect: ollama}
  - {name: "x-*", provider: lab, upstream_model: "*", dialect: anthropic}
aliases: {short: lab/pro, "lab-*": lab/*}
)",
                            nothing);
  const auto said = [&](std::string_view name) {
    const auto target = catalog->resolve(name);
    return target ? cat(target->provider->name, " ", target->provider->dialect, " ", target->model) : std::string{"!"};
  };
  for (const std::string_view name : {"lab/pro", "lab:pro", "@lab/pro", "pro", "best", "short"})
    EXPECT_EQ(said(name), "lab openai_responses pro") << name;
  for (const std::string_view name : {"lab/plain", "plain", "lab:plain"}) EXPECT_EQ(said(name), "lab openai_chat plain") << name;
  EXPECT_EQ(said("lab/same"), "lab openai_chat same");
  EXPECT_EQ(said("lab/unlisted"), "lab openai_chat unlisted");
  EXPECT_EQ(said("plain-too"), "lab openai_chat pro");
  EXPECT_EQ(said("native"), "lab ollama plain");
  EXPECT_EQ(said("x-y"), "lab anthropic y");
  EXPECT_EQ(&provider_of(*catalog, "pro"), &provider_of(*catalog, "deep")) << "one per dialect";
  EXPECT_EQ(provider_of(*catalog, "pro").head.reveal(), "Authorization: Bearer k\r\n");
  EXPECT_EQ(provider_of(*catalog, "native").path("/api/chat"), "/api/chat");
  EXPECT_EQ(catalog->find("lab/pro")->owned_by, "lab");
  EXPECT_EQ(catalog->provider("lab")->dialect, "openai_chat");
  const auto has = [](auto list, const Provider* one) { return std::find(list.begin(), list.end(), one) != list.end(); };
  for (const auto& entry : catalog->list()) EXPECT_TRUE(has(catalog->upstreams(), entry.target.provider)) << entry.id;
  EXPECT_EQ(catalog->providers().size(), 2U) << "lab and the twin";
  EXPECT_EQ(catalog->upstreams().size(), 5U);
  EXPECT_FALSE(has(catalog->providers(), &provider_of(*catalog, "pro")));
}

TEST(Provider, ATokenVariableStandsAboveAKeyVariable) {
  constexpr std::string_view yaml =
      "providers: {mine: {base_url: 'http://h', dialect: anthropic, key_env: [K], bearer_env: [T]}}\n";
  const auto head = [&](Variables variables) {
    const auto catalog = good(yaml, env_of(std::move(variables)));
    const auto* provider = catalog->provider("mine");
    return provider == nullptr ? std::string{"off"} : std::string{provider->head.reveal()};
  };
  constexpr std::string_view version = "anthropic-version: 2023-06-01\r\n";
  EXPECT_EQ(head({{"K", "k"}}), cat("x-api-key: k\r\n", version));
  EXPECT_EQ(head({{"K", "k"}, {"T", " t\n"}}), cat("Authorization: Bearer t\r\n", version));
  EXPECT_EQ(head({{"T", "t"}}), cat("Authorization: Bearer t\r\n", version));
  EXPECT_EQ(head({}), "off");
  const auto given = good("providers: {mine: {base_url: 'http://h', api_key: own, bearer_env: [T]}}\n", env_of({{"T", "t"}}));
  EXPECT_EQ(given->provider("mine")->head.reveal(), "Authorization: Bearer own\r\n");
}

TEST(Provider, PathsOfItsOwn) {
  const auto catalog = good(R"(providers:
  v:
    base_url: http://h/base?x=1
    dialect: anthropic
    chat_path: /models/{model}:rawPredict
    stream_path: /models/{model}:streamRawPredict
    quirks: {drop_fields: [model], set_fields: {anthropic_version: vertex-2023-10-16}}
  one: {base_url: "http://h", chat_path: "/go?m={model}"}
)",
                            nothing);
  const auto* provider = catalog->provider("v");
  EXPECT_EQ(provider->own_target("claude-x@2025", Delivery::whole), "/models/claude-x@2025:rawPredict");
  EXPECT_EQ(provider->own_target("a/b?c#d %", Delivery::stream), "/models/a%2Fb%3Fc%23d%20%25:streamRawPredict");
  EXPECT_EQ(provider->path(provider->own_target("m", Delivery::stream)), "/base/models/m:streamRawPredict?x=1");
  EXPECT_EQ(provider->quirks.set_fields, (config::Map<std::string>{{"anthropic_version", "vertex-2023-10-16"}}));
  EXPECT_EQ(catalog->provider("one")->own_target("m", Delivery::stream), "/go?m=m");
}

// ── AWS ──

const Variables aws{{"AWS_ACCESS_KEY_ID", "AKIA1"}, {"AWS_SECRET_ACCESS_KEY", " secret-1\n"}, {"AWS_REGION", "eu-west-3"}};

std::string model_with(std::string_view endpoint, std::string_view auth) {
  return cat("models: [{name: m, endpoint: '", endpoint, "', dialect: bedrock, auth: ", auth, "}]\n");
}

TEST(Provider, SigV4FromTheEnvironment) {
  auto variables = aws;
  const auto catalog = good(model_with("https://bedrock-runtime.{region}.amazonaws.com", "{type: sigv4}"), env_of(variables));
  const auto& provider = provider_of(*catalog, "m");
  const auto* keys = std::get_if<SigV4>(&provider.signer);
  ASSERT_NE(keys, nullptr);
  EXPECT_EQ(keys->access_key, "AKIA1");
  EXPECT_EQ(keys->secret_key.reveal(), "secret-1");
  EXPECT_TRUE(keys->session_token.empty());
  EXPECT_EQ(keys->region, "eu-west-3");
  EXPECT_EQ(keys->service, "bedrock");
  EXPECT_EQ(provider.authority, "bedrock-runtime.eu-west-3.amazonaws.com");
  EXPECT_EQ(provider.head.reveal(), "");
  EXPECT_EQ(provider.key.reveal(), "secret-1") << "to be scrubbed";
  variables.emplace_back("AWS_SESSION_TOKEN", "tok");
  const auto with_token = good(model_with("https://h", "{type: sigv4, service: other}"), env_of(variables));
  const auto& signer = std::get<SigV4>(provider_of(*with_token, "m").signer);
  EXPECT_EQ(signer.session_token.reveal(), "tok");
  EXPECT_EQ(signer.service, "other");
}

TEST(Provider, SigV4KeysAreNeverMixed) {
  auto variables = aws;
  variables.emplace_back("AWS_SESSION_TOKEN", "of-the-environment");
  const auto catalog =
      good(model_with("https://h", "{type: sigv4, access_key: A, secret_key: S, region: us-east-1}"), env_of(variables));
  const auto& keys = std::get<SigV4>(provider_of(*catalog, "m").signer);
  EXPECT_EQ(keys.access_key, "A");
  EXPECT_EQ(keys.secret_key.reveal(), "S");
  EXPECT_TRUE(keys.session_token.empty());
  EXPECT_EQ(keys.region, "us-east-1");
}

TEST(Provider, TheRegionIsWhatTheAddressSays) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"https://bedrock-runtime.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
      {"https://bedrock-runtime-fips.ca-central-1.amazonaws.com", "ca-central-1"},
      {"https://vpce-1a2b.bedrock-runtime.ap-southeast-2.vpce.amazonaws.com", "ap-southeast-2"},
      {"https://bedrock-runtime.eu-north-1.api.aws", "eu-north-1"},
      {"https://gateway.example.com", "eu-west-3"},
      {"https://eu-north-1.example.com", "eu-west-3"},
      {"http://127.0.0.1:9", "eu-west-3"},
  };
  for (const auto& [endpoint, region] : rows) {
    const auto catalog = good(model_with(endpoint, "{type: sigv4}"), env_of(aws));
    EXPECT_EQ(std::get<SigV4>(provider_of(*catalog, "m").signer).region, region) << endpoint;
  }
  EXPECT_EQ(std::get<SigV4>(provider_of(*good(model_with("https://h", "{type: sigv4}"),
                                              env_of({aws[0], aws[1], {"AWS_DEFAULT_REGION", "sa-east-1"}})),
                                        "m")
                                .signer)
                .region,
            "sa-east-1");
}

TEST(Provider, WhatSigV4LacksIsSaid) {
  const auto problems = [](std::string_view auth, Variables variables) {
    return all(build_of(model_with("https://h", auth), env_of(std::move(variables))).problems);
  };
  EXPECT_EQ(
      problems("{type: sigv4}", {}),
      "c.yaml:1:10: models[0].auth: what signs its requests is not complete – set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
      "AWS_REGION\n");
  EXPECT_EQ(problems("{type: sigv4}", {aws[0], aws[1]}),
            "c.yaml:1:10: models[0].auth: what signs its requests is not complete – set AWS_REGION\n");
  EXPECT_EQ(problems("{type: sigv4, access_key: A, secret_key: S}", {}),
            "c.yaml:1:10: models[0].auth: what signs its requests is not complete – set AWS_REGION\n");
  EXPECT_NE(problems("{type: sigv4}", {{"AWS_ACCESS_KEY_ID", "A\r\nx: y"}, aws[1], aws[2]}).find("holds a space"),
            std::string::npos);
  EXPECT_NE(
      all(build_of(model_with("https://{region}/", "{type: sigv4}"), env_of({aws[0], aws[1], {"AWS_REGION", "evil.example/"}}))
              .problems)
          .find("not a plain name"),
      std::string::npos);
}

TEST(Provider, ABearerTokenInPlaceOfSigV4) {
  const auto catalog = good(
      "providers: {b: {base_url: 'https://h.{region}.aws', dialect: bedrock, auth: {type: sigv4, region: us-east-1}, "
      "bearer_env: [AWS_BEARER_TOKEN_BEDROCK]}, c: {base_url: 'https://h', dialect: bedrock, api_key: given, "
      "auth: {type: sigv4}}}\n",
      env_of({aws[0], aws[1], {"AWS_BEARER_TOKEN_BEDROCK", "abc"}}));
  EXPECT_EQ(catalog->provider("b")->head.reveal(), "Authorization: Bearer abc\r\n");
  EXPECT_EQ(catalog->provider("b")->authority, "h.us-east-1.aws");
  EXPECT_TRUE(std::holds_alternative<std::monostate>(catalog->provider("b")->signer));
  EXPECT_EQ(catalog->provider("c")->head.reveal(), "Authorization: Bearer given\r\n");
}

// ── Google ──

constexpr std::string_view vertex_base = "https://{aiplatform_host}/v1/projects/{project}/locations/{location}/publishers/google";

std::string vertex(std::string_view auth) {
  return cat("models: [{name: m, endpoint: '", vertex_base, "', dialect: gemini, auth: ", auth, "}]\n");
}

TEST(Provider, AServiceAccountFromAFile) {
  const BuildOptions files{.read = file_of("/etc/g.json", google_json())};
  for (const bool named : {true, false}) {
    const auto env = named ? nothing : env_of({{"GOOGLE_APPLICATION_CREDENTIALS", "/etc/g.json\n"}});
    auto built =
        build_of(vertex(named ? "{type: google_service_account, credentials: /etc/g.json}" : "{type: google_service_account}"),
                 env, files);
    ASSERT_TRUE(built.catalog) << all(built.problems);
    const auto& provider = provider_of(*built.catalog, "m");
    const auto& account = std::get<ServiceAccount>(provider.signer);
    EXPECT_EQ(account.client_email, "me@p.iam");
    EXPECT_EQ(account.key_id, "kid");
    EXPECT_EQ(account.private_key.reveal(), "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n");
    EXPECT_EQ(account.token_url, "https://oauth2.googleapis.com/token");
    EXPECT_EQ(provider.head.reveal(), "");
    EXPECT_EQ(provider.path("/models/g:generateContent"),
              "/v1/projects/json-project/locations/global/publishers/google/models/g:generateContent");
    EXPECT_EQ(provider.authority, "aiplatform.googleapis.com");
    EXPECT_EQ(built.files, std::vector<std::string>{"/etc/g.json"});
  }
}

TEST(Provider, ProjectAndLocation) {
  const auto where = [](std::string_view more, Variables variables) {
    const auto catalog = good(vertex(cat("{type: google_service_account, credentials: '", google_json(), "'", more, "}")),
                              env_of(std::move(variables)));
    const auto& provider = provider_of(*catalog, "m");
    return cat(provider.authority, provider.path(""));
  };
  const auto at = [](std::string_view host, std::string_view project, std::string_view location) {
    return cat(host, "/v1/projects/", project, "/locations/", location, "/publishers/google");
  };
  EXPECT_EQ(where("", {}), at("aiplatform.googleapis.com", "json-project", "global"));
  EXPECT_EQ(where(", location: europe-west4", {}), at("europe-west4-aiplatform.googleapis.com", "json-project", "europe-west4"));
  EXPECT_EQ(where(", location: eu", {}), at("aiplatform.eu.rep.googleapis.com", "json-project", "eu"));
  EXPECT_EQ(where("", {{"GOOGLE_CLOUD_PROJECT", "env-p"}, {"GOOGLE_CLOUD_LOCATION", "us-east5"}}),
            at("us-east5-aiplatform.googleapis.com", "env-p", "us-east5"));
  EXPECT_EQ(where(", project: own, location: global", {{"GOOGLE_CLOUD_PROJECT", "env-p"}, {"GOOGLE_CLOUD_LOCATION", "us-east5"}}),
            at("aiplatform.googleapis.com", "own", "global"));
}

TEST(Provider, WhatGoogleLacksIsSaid) {
  const auto problem = [](std::string_view auth, Variables variables, std::string file) {
    return all(build_of(vertex(auth), env_of(std::move(variables)), {.read = file_of("g", std::move(file))}).problems);
  };
  constexpr std::string_view plain = "{type: google_service_account}";
  constexpr std::string_view named = "{type: google_service_account, credentials: g}";
  EXPECT_NE(problem(plain, {}, "").find("set GOOGLE_APPLICATION_CREDENTIALS\n"), std::string::npos) << problem(plain, {}, "");
  EXPECT_NE(problem("{type: google_service_account, credentials: sk-secret}", {}, "").find("cannot be read: No such file"),
            std::string::npos);
  EXPECT_EQ(problem("{type: google_service_account, credentials: sk-secret}", {}, "").find("sk-secret"), std::string::npos);
  EXPECT_NE(problem(named, {}, "not json").find("are not JSON"), std::string::npos);
  EXPECT_NE(problem(named, {}, R"({"type":"authorized_user"})").find("not those of a service account"), std::string::npos);
  EXPECT_NE(problem(named, {}, R"({"type":"service_account","client_email":"a"})").find("no private_key"), std::string::npos);
  EXPECT_NE(problem(named, {}, google_json(R"(,"token_uri":"http://evil.example/token")")).find("not an https URL"),
            std::string::npos);
  EXPECT_EQ(problem(named, {}, google_json(R"(,"token_uri":"http://127.0.0.1:5/token")")), "");
  EXPECT_NE(problem("{type: bearer, value: ya29.x}", {}, "").find("set GOOGLE_CLOUD_PROJECT\n"), std::string::npos)
      << problem("{type: bearer, value: ya29.x}", {}, "");
  const auto bearer = good(vertex("{type: bearer, value: ya29.x, project: p}"), nothing);
  EXPECT_EQ(provider_of(*bearer, "m").head.reveal(), "Authorization: Bearer ya29.x\r\n");
  // The file of one registry entry, and no reader at all.
  EXPECT_NE(all(build_of(vertex(named), nothing).problems).find("cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace cardea::catalog

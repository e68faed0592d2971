"""A server of any dialect is one entry in a file, or one variable: where its requests go and how they prove themselves."""
import json

from harness.runner import case, contains, equal, true

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
KEY = "sk-upstream-canary-0a1b2c3d"

# dialect: (target plain, target streamed, header with the key)
DIALECTS = {
    "openai_chat": ("/v1/chat/completions", "/v1/chat/completions", ("authorization", f"Bearer {KEY}")),
    "openai_responses": ("/v1/responses", "/v1/responses", ("authorization", f"Bearer {KEY}")),
    "openai_completions": ("/v1/completions", "/v1/completions", ("authorization", f"Bearer {KEY}")),
    "anthropic": ("/v1/messages", "/v1/messages", ("x-api-key", KEY)),
    "gemini": ("/v1beta/models/m:generateContent", "/v1beta/models/m:streamGenerateContent?alt=sse", ("x-goog-api-key", KEY)),
    "bedrock": ("/model/m/converse", "/model/m/converse-stream", ("authorization", f"Bearer {KEY}")),
    "cohere": ("/v2/chat", "/v2/chat", ("authorization", f"Bearer {KEY}")),
    "ollama": ("/api/chat", "/api/chat", ("authorization", f"Bearer {KEY}")),
    "native": ("/cardea/v1/chat", "/cardea/v1/chat", ("authorization", f"Bearer {KEY}")),
}


def refusing(t):
    """An upstream that takes the request and answers nothing of use."""
    return t.upstream(lambda request, peer: peer.reply({"error": {"message": "enough seen"}}, 400))


def origin(upstream):
    return upstream.url().removesuffix("/v1")


def sent(upstream, gateway, model, **more):
    """The request that an upstream gets when a client asks for `model`."""
    before = len(upstream.requests)
    answer = gateway.chat({**HELLO, "model": model, **more})
    true(answer.status >= 400, f"{model}: {answer.status}")
    equal(len(upstream.requests), before + 1, f"requests for {model}: {answer.text()}")
    return upstream.requests[-1]


@case
def a_bare_origin_is_enough_for_every_dialect(t):
    upstream = refusing(t)
    gateway = t.gateway({"models": [{"name": f"m-{dialect}", "endpoint": origin(upstream), "upstream_model": "m", "dialect": dialect,
                                     "api_key": KEY} for dialect in DIALECTS]})
    for dialect, (plain, streamed, (header, value)) in DIALECTS.items():
        for target, stream in ((plain, False), (streamed, True)):
            request = sent(upstream, gateway, f"m-{dialect}", stream=stream)
            equal(request.target, target, f"{dialect}, stream {stream}")
            equal(request.header(header), value, f"{header} for {dialect}")
            true(isinstance(request.json(), dict), f"{dialect}: the body is no object")
        if dialect == "anthropic":
            equal(request.header("anthropic-version"), "2023-06-01")


@case
def a_full_endpoint_says_its_dialect(t):
    upstream = refusing(t)
    base = origin(upstream)
    models = {"/v1/messages": "/v1/messages", "/v1/responses": "/v1/responses", "/api/chat": "/api/chat", "/v2/chat": "/v2/chat",
              "/x/v1/chat/completions?api-version=1": "/x/v1/chat/completions?api-version=1",
              "/v1beta/models/some-model:generateContent": "/v1beta/models/some-model:generateContent",
              "/model/a.b-v1%3A0/converse": "/model/a.b-v1%3A0/converse"}
    gateway = t.gateway({"models": [{"name": f"m{number}", "endpoint": base + path, "api_key": KEY} for number, path in enumerate(models)]})
    for number, (path, target) in enumerate(models.items()):
        equal(sent(upstream, gateway, f"m{number}").target, target, path)


@case
def vendors_come_on_with_their_own_variables(t):
    upstream = refusing(t)
    base = origin(upstream)
    for env, model, target, (header, value) in (
        ({"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": base}, "anthropic/claude-x", "/v1/messages", ("x-api-key", KEY)),
        ({"ANTHROPIC_AUTH_TOKEN": KEY, "ANTHROPIC_BASE_URL": base + "/v1"}, "anthropic/claude-x", "/v1/messages",
         ("authorization", f"Bearer {KEY}")),
        ({"GOOGLE_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": base}, "gemini/gemini-x", "/v1beta/models/gemini-x:generateContent",
         ("x-goog-api-key", KEY)),
        ({"CO_API_KEY": KEY, "CO_API_URL": base}, "cohere/command-x", "/v2/chat", ("authorization", f"Bearer {KEY}")),
        ({"AWS_BEARER_TOKEN_BEDROCK": KEY, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": base, "AWS_REGION": "eu-west-1"}, "bedrock/a.b-v1:0",
         "/model/a.b-v1%3A0/converse", ("authorization", f"Bearer {KEY}")),
        ({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": base + "/v1"}, "openai/o3-pro", "/v1/responses", ("authorization", f"Bearer {KEY}")),
        ({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": base + "/v1"}, "openai/gpt-5", "/v1/chat/completions", ("authorization", f"Bearer {KEY}")),
        ({"OLLAMA_HOST": base.removeprefix("http://")}, "ollama/x", "/v1/chat/completions", ("authorization", None)),
    ):
        gateway = t.gateway(env=env)
        request = sent(upstream, gateway, model)
        equal((request.target, request.header(header)), (target, value), model)
        gateway.stop()


@case
def a_provider_may_be_spoken_to_natively(t):
    upstream = refusing(t)
    gateway = t.gateway({"providers": {"ollama": {"dialect": "ollama", "base_url": origin(upstream)}}})
    equal(sent(upstream, gateway, "ollama/llama3").target, "/api/chat")


@case
def what_signs_is_checked_before_the_start(t):
    t.path("half.yaml").write_text(json.dumps({"models": [
        {"name": "aws", "endpoint": "https://example.com", "dialect": "bedrock", "auth": {"type": "sigv4"}},
        {"name": "google", "endpoint": "https://example.com", "dialect": "gemini",
         "auth": {"type": "google_service_account", "credentials": str(t.path("gone.json"))}}]}, indent=1))
    code, output = t.run("check", "--config", t.path("half.yaml"))
    equal(code, 2, output)
    for part in ("AWS_ACCESS_KEY_ID", "AWS_REGION", "models[0].auth", "models[1].auth", "No such file"):
        contains(output, part, "check")
    t.path("key.json").write_text(json.dumps({"type": "service_account", "project_id": "p", "client_email": "a@p.iam",
                                              "private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"}))
    t.path("whole.yaml").write_text(t.path("half.yaml").read_text().replace("gone.json", "key.json"))
    env = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": KEY, "AWS_DEFAULT_REGION": "eu-west-1"}
    code, output = t.run("check", "--config", t.path("whole.yaml"), env=env)
    equal(code, 0, output)

"""Starting, the pages, the first requests, and every way in which a request or a configuration is refused."""
import json
import os
import re
import signal
import socket
import time

from harness.client import Connection, Stream, text_of
from harness.runner import case, contains, equal, lacks, true
from harness.upstream import completion

HELLO = {"model": "twin/twin-1", "messages": [{"role": "user", "content": "Hello"}]}
KEY = "sk-cardea-e2e-0123456789abcdef"
REGISTRY = """models:
  - name: text-davinci-003
    type: nlp
    endpoint: %s
    auth: {type: api_key, value: "xxxx-xxxx-xxxx"}
    rate_limit: {qps: 10, burst: 20}
"""


@case
def zero_configuration(t):
    gateway = t.gateway(bare=True, arguments=["--listen", "127.0.0.1:0", "--data", t.path("data")])
    started = gateway.events("started")[0]
    for field in ("listen", "models", "version", "commit", "try"):
        true(started.get(field) not in (None, ""), f"the started line has no {field}")
    with gateway.connect() as connection:
        for page in ("/livez", "/readyz", "/health", "/status", "/health/liveliness", "/health/readiness"):
            equal(connection.get(page).expect(200).header("content-type"), "application/json", page)
        contains(connection.chat(HELLO).expect(200).content(), "You said: Hello")


@case
def models_are_listed_and_shown(t):
    gateway = t.gateway({"aliases": {"fast": "twin/echo"}})
    with gateway.connect() as connection:
        pages = [connection.get(path).expect(200).body for path in ("/v1/models", "/models", "/openai/v1/models", "/openai/models")]
        equal(len(set(pages)), 1, "different lists under different paths")
        listing = json.loads(pages[0])
        equal(listing["object"], "list")
        ids = [model["id"] for model in listing["data"]]
        contains(ids, "twin/twin-1")
        for model in listing["data"]:
            true(model["object"] == "model" and isinstance(model["created"], int) and model["owned_by"], f"bad row {model}")
        for path in ("/v1/models/twin/twin-1", "/v1/models/twin%2Ftwin-1", "/models/twin/twin-1", "/openai/v1/models/twin%2ftwin-1"):
            equal(connection.get(path).expect(200).json()["id"], "twin/twin-1", path)
        error = connection.get("/v1/models/no/such").expect(404).error()
        equal(error["code"], "model_not_found")
        head = connection.request("HEAD", "/v1/models")
        equal((head.status, head.header("content-length")), (200, str(len(pages[0]))), "HEAD")
        contains(connection.chat({**HELLO, "model": "fast"}).expect(200).content(), "Hello", "an alias")


@case
def chat_plain_and_streamed(t):
    gateway = t.gateway()
    with gateway.connect() as connection:
        for path in ("/v1/chat/completions", "/chat/completions", "/openai/v1/chat/completions", "/openai/chat/completions"):
            body = json.dumps(HELLO).encode()
            plain = connection.request("POST", path, [("Content-Type", "application/json")], body).expect(200)
            equal(plain.header("content-type"), "application/json", path)
        said = plain.content()
        streamed = connection.chat({**HELLO, "stream": True}).expect(200)
        contains(streamed.header("content-type"), "text/event-stream")
        events = streamed.events()
        equal(events[-1], "[DONE]")
        equal(text_of(events), said, "streamed and plain answers")
        equal(json.loads(events[0])["choices"][0]["delta"]["role"], "assistant")


@case
def wrong_requests_name_the_field(t):
    gateway = t.gateway()
    message = [{"role": "user", "content": "x"}]
    for body, param in (
        ({"messages": message}, "model"),
        ({"model": 1, "messages": message}, "model"),
        ({"model": "", "messages": message}, "model"),
        ({"model": "twin/twin-1"}, "messages"),
        ({"model": "twin/twin-1", "messages": "x"}, "messages"),
        ({"model": "twin/twin-1", "messages": []}, "messages"),
        ({"model": "twin/twin-1", "messages": [1]}, "messages[0]"),
        ({"model": "twin/twin-1", "messages": message, "stream": "yes"}, "stream"),
        ({"model": "twin/twin-1", "messages": message, "stream": True, "stream_options": 1}, "stream_options"),
        ({"model": "twin/twin-1", "messages": message, "stream": True, "stream_options": {"include_usage": "y"}},
         "stream_options.include_usage"),
    ):
        error = gateway.chat(body).expect(400).error()
        equal((error["type"], error["param"]), ("invalid_request_error", param), json.dumps(body))
    for raw in (b"", b"{", b"[]", b"null", b"{} x", b'{"model":"twin/twin-1",}', b"\xff\xfe", b'{"model":"a\xff","messages":[]}',
                b'{"model":"twin/twin-1","messages":' + b"[" * 5000 + b"]" * 5000 + b"}"):
        equal(gateway.chat(raw).expect(400).error()["type"], "invalid_request_error", repr(raw[:40]))
    twice = b'{"model":"twin/echo","messages":[{"role":"user","content":"x"}],"model":"twin/twin-1"}'
    equal(gateway.chat(twice).expect(400).error()["param"], "model", "model given twice")


@case
def unknown_models_paths_and_methods(t):
    gateway = t.gateway()
    with gateway.connect() as connection:
        error = connection.chat({**HELLO, "model": "gpt-nobody-knows"}).expect(404).error()
        equal((error["code"], error["param"]), ("model_not_found", "model"))
        contains(error["message"], "gpt-nobody-knows")
        connection.chat({**HELLO, "model": "twin/twin-2"}).expect(404).error()
        contains(connection.get("/v1/nothing").expect(404).error()["message"], "/v1/chat/completions")
        refused = connection.get("/v1/chat/completions").expect(405)
        refused.error()
        equal(refused.header("allow"), "POST")
        contains(connection.request("DELETE", "/v1/models", body=b"").expect(405).header("allow"), "GET")


@case
def oversize_bodies_are_refused(t):
    gateway = t.gateway({"limits": {"body_bytes": "64KiB"}})
    big = json.dumps({**HELLO, "messages": [{"role": "user", "content": "x" * 70000}]}).encode()
    with gateway.connect() as connection:
        connection.send(connection.format("POST", "/v1/chat/completions", [("Content-Length", str(len(big)))]))
        # Refused on its declared length: nothing of it need be sent.
        contains(connection.response().expect(413).error()["message"].lower(), "large")
    with gateway.connect() as connection:
        connection.send(connection.format("POST", "/v1/chat/completions", [("Transfer-Encoding", "chunked")]))
        try:
            for at in range(0, len(big), 4096):
                piece = big[at:at + 4096]
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            connection.send(b"0\r\n\r\n")
        except OSError:
            pass  # it need not read on
        connection.response().expect(413)
    fits = json.dumps({**HELLO, "messages": [{"role": "user", "content": "x" * 60000}]}).encode()
    gateway.chat(fits).expect(200)


@case
def strangers_are_refused_before_their_body(t):
    gateway = t.gateway({"keys": [{"name": "laptop", "key": KEY}]})
    with gateway.connect() as connection:
        # The body is promised and never sent: only a refusal on the head alone can come.
        connection.send(connection.format("POST", "/v1/chat/completions", [("Content-Length", "1000000")]))
        answer = connection.response().expect(401)
        equal(answer.error()["type"], "authentication_error")
        contains(answer.error()["message"], "Authorization: Bearer")
        contains(answer.header("www-authenticate"), "Bearer")
    for headers in ([("Authorization", "Bearer wrong-key")], [("Authorization", "Basic abc")], [("Authorization", "Bearer")],
                    [("x-api-key", KEY + "x")], [("Authorization", f"Bearer {KEY}"), ("x-api-key", "other")]):
        refused = gateway.chat(HELLO, headers).expect(401)
        lacks(refused.text(), KEY, "the refusal")
        lacks(refused.text(), "wrong-key", "the refusal")
    with gateway.connect() as connection:
        for page, status in (("/v1/models", 401), ("/metrics", 401), ("/livez", 200), ("/readyz", 200), ("/health", 200)):
            connection.get(page).expect(status)


@case
def every_carrier_of_a_key(t):
    gateway = t.gateway(env={"API_KEY": f"first-{KEY},{KEY}"})
    body = json.dumps(HELLO).encode()
    for target, headers in (
        ("/v1/chat/completions", [("Authorization", f"Bearer {KEY}")]),
        ("/v1/chat/completions", [("authorization", f"bearer\t{KEY}")]),
        ("/v1/chat/completions", [("x-api-key", KEY)]),
        ("/v1/chat/completions", [("api-key", KEY)]),
        ("/v1/chat/completions", [("X-Goog-Api-Key", f"first-{KEY}")]),
        (f"/v1/chat/completions?key={KEY}", []),
        (f"/v1/chat/completions?key={KEY}", [("x-api-key", KEY)]),
    ):
        with gateway.connect() as connection:
            connection.request("POST", target, headers, body).expect(200)
    lacks(gateway.output(), KEY, "the log")


@case
def web_pages_cannot_use_a_keyless_gateway(t):
    gateway = t.gateway({"allowed_origins": ["https://app.example.com"], "allowed_hosts": ["ai.example.com"]})
    for headers, status in (
        ([("Origin", "https://evil.example")], 403),
        ([("Origin", "null")], 403),
        ([("Host", "evil.example")], 403),
        ([("Host", "127.0.0.1.evil.example:8080")], 403),
        ([("Origin", "https://app.example.com")], 200),
        ([("Origin", "http://localhost:3000")], 200),
        ([("Host", "ai.example.com")], 200),
        ([("Host", f"127.0.0.1:{gateway.address[1]}")], 200),
    ):
        answer = gateway.chat(HELLO, headers).expect(status)
        if status == 403:
            equal(answer.error()["type"], "permission_error", str(headers))
    with gateway.connect() as connection:
        asked = [("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "POST"),
                 ("Access-Control-Request-Headers", "authorization,content-type")]
        allowed = connection.request("OPTIONS", "/v1/chat/completions", asked)
        equal((allowed.status, allowed.header("access-control-allow-origin")), (204, "https://app.example.com"))
        refused = connection.request("OPTIONS", "/v1/chat/completions", [("Origin", "https://evil.example"), *asked[1:]])
        equal((refused.status, refused.header("access-control-allow-origin")), (403, None))


@case
def other_addresses_need_a_key(t):
    program = t.start_gateway({"listen": ["0.0.0.0:0"]})
    program.expect_exit = 2
    equal(program.wait(), 2, "exit code")
    contains(program.output(), "API_KEY", "the fix")
    code, made = t.run("keys", "create", "first", "--json", "--data", t.path("kept"))
    equal(code, 0, made)
    gateway = t.gateway({"listen": ["0.0.0.0:0"], "data": str(t.path("kept"))})
    with gateway.connect(("127.0.0.1", gateway.address[1])) as connection:
        connection.chat(HELLO).expect(401)
        connection.chat(HELLO, [("x-api-key", json.loads(made)["key"])]).expect(200)
    gateway = t.gateway({"listen": ["0.0.0.0:0"]}, env={"API_KEY": KEY})
    with gateway.connect(("127.0.0.1", gateway.address[1])) as connection:
        connection.chat(HELLO).expect(401)
        connection.chat(HELLO, [("x-api-key", KEY)]).expect(200)


@case
def a_data_directory_has_one_gateway(t):
    first = t.gateway({"data": str(t.path("shared"))})
    second = t.start_gateway({"data": str(t.path("shared"))})
    second.expect_exit = 2
    equal(second.wait(), 2, "exit code of the second")
    contains(second.output(), str(t.path("shared")), "the second's message")
    first.chat(HELLO).expect(200)
    equal(first.stop(), 0, "the first's exit code")
    t.gateway({"data": str(t.path("shared"))}).chat(HELLO).expect(200)


@case
def a_port_in_use_is_refused(t):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = t.start_gateway({"listen": [f"127.0.0.1:{port}"]})
        program.expect_exit = 2
        equal(program.wait(), 2, "exit code")
        contains(program.output(), str(port), "the message")


@case
def the_registry_of_the_issue(t):
    def handler(request, peer):
        if request.header("authorization") != "Bearer xxxx-xxxx-xxxx":
            peer.reply({"error": {"message": "no", "type": "t", "param": None, "code": None}}, 401)
        else:
            peer.reply(completion("from the registry", model=request.json()["model"]))

    upstream = t.upstream(handler)
    text = REGISTRY % upstream.url().removesuffix("/v1")
    t.path("model-registry.yaml").write_text(text)
    asked = {**HELLO, "model": "text-davinci-003"}
    by_flag = t.gateway(arguments=["--models", t.path("model-registry.yaml")])
    as_config = t.gateway(bare=True, arguments=["--config", t.path("model-registry.yaml"), "--listen", "127.0.0.1:0", "--data",
                                                t.path("other")])
    for gateway in (by_flag, as_config):
        answer = gateway.chat(asked, [("Authorization", "Bearer the-clients-own")]).expect(200)
        equal(answer.content(), "from the registry")
        with gateway.connect() as connection:
            equal(connection.get("/v1/models/text-davinci-003").expect(200).json()["id"], "text-davinci-003")
        lacks(gateway.output(), "xxxx-xxxx-xxxx", "the log")
    for request in upstream.requests:
        equal((request.target, request.json()["model"]), ("/v1/chat/completions", "text-davinci-003"))
        lacks(request.raw_head, b"the-clients-own", "the upstream's head")


@case
def full_endpoints_and_upstream_names(t):
    upstream = t.upstream(lambda request, peer: peer.reply(completion(request.target + " " + request.json()["model"])))
    base = upstream.url()
    gateway = t.gateway({"models": [
        {"name": "full", "endpoint": f"{base}/deployments/x/chat/completions"},
        {"name": "renamed", "endpoint": base, "upstream_model": "vendor/real-name"},
        {"name": "local-*", "endpoint": base, "upstream_model": "*"},
        {"name": "header", "endpoint": base, "auth": {"type": "header", "header": "x-service-key", "value": "k-123"}},
    ]})
    equal(gateway.chat({**HELLO, "model": "full"}).expect(200).content(), "/v1/deployments/x/chat/completions full")
    equal(gateway.chat({**HELLO, "model": "renamed"}).expect(200).content(), "/v1/chat/completions vendor/real-name")
    equal(gateway.chat({**HELLO, "model": "local-llama"}).expect(200).content(), "/v1/chat/completions llama")
    gateway.chat({**HELLO, "model": "header"}).expect(200)
    equal(upstream.requests[-1].header("x-service-key"), "k-123")
    equal(upstream.requests[-1].header("authorization"), None)


@case
def a_unix_socket(t):
    path = str(t.path("cardea.sock"))
    gateway = t.gateway({"listen": [f"unix:{path}", "127.0.0.1:0"]})
    for _ in range(3):
        with Connection(path) as connection:
            connection.chat(HELLO).expect(200)
            equal(Stream(connection, {**HELLO, "stream": True}).rest()[-1], "[DONE]")
    with gateway.connect(path) as connection:
        connection.chat(HELLO, [("Host", "evil.example")]).expect(403)
    equal(gateway.stop(), 0)
    true(not os.path.exists(path), "the socket file outlived its gateway")
    # What a gateway that was killed left behind is in nobody's way.
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    again = t.gateway({"listen": [f"unix:{path}", "127.0.0.1:0"]})
    with Connection(path) as connection:
        connection.chat(HELLO).expect(200)
    equal(again.stop(), 0)


BROKEN = """listen: [127.0.0.1:0, 127.0.0.1:99999]
workers: many
lisen: x
timeouts: {connect: fast}
limits: {body_bytes: -1}
models:
  - name: a
    typ: llm
  - endpoint: http://127.0.0.1:1
aliases: {fast: no/such/model}
keys: ["${CARDEA_E2E_NOT_SET}"]
providers:
  mine:
    base_url: ftp://nowhere
tls:
  cert: /nowhere/tls.crt
  key: /nowhere/tls.key
"""


@case
def check_lists_every_problem(t):
    t.path("broken.yaml").write_text(BROKEN)
    for arguments in (("check", "--config", t.path("broken.yaml")), ("serve", "--config", t.path("broken.yaml"))):
        code, output = t.run(*arguments)
        equal(code, 2, f"exit code of {arguments[0]}")
        for part in ("listen[1]: '127.0.0.1:99999'", "workers", "lisen", "listen", "connect", "body_bytes", "typ", "name",
                     "CARDEA_E2E_NOT_SET", "aliases.fast", "providers.mine.base_url", "tls.cert"):
            contains(output, part, arguments[0])
        places = set(re.findall(r"broken\.yaml:(\d+)", output))
        true(places >= {"1", "2", "3", "4", "5", "8", "9", "10", "11", "14", "16"}, f"lines named: {sorted(places)}\n{output}")
    t.path("wrong.yaml").write_text('models: [{name: b, endpoint: "ftp://nowhere"}]\naliases: {fast: no/such}\n')
    code, output = t.run("check", "--config", t.path("wrong.yaml"))
    equal(code, 2, f"wrong endpoint and alias: {output}")
    for part in ("models[0].endpoint", "wrong.yaml:1:", "aliases.fast", "wrong.yaml:2:"):
        contains(output, part, "check")
    t.path("good.yaml").write_text(json.dumps({"listen": ["127.0.0.1:0"], "data": str(t.path("d"))}))
    code, output = t.run("check", "--config", t.path("good.yaml"))
    equal(code, 0, f"a good file: {output}")
    code, output = t.run("check", "--config", t.path("not-there.yaml"))
    equal(code, 2, "a file that is not there")
    contains(output, "not-there.yaml")
    t.path("torn.yaml").write_text("listen: [127.0.0.1:0\nkeys: {")
    code, output = t.run("check", "--config", t.path("torn.yaml"))
    equal(code, 2, "a file that is no YAML")
    contains(output, "torn.yaml:")


@case
def the_command_line_teaches(t):
    code, overview = t.run("--help")
    equal(code, 0, "--help")
    for verb in ("serve", "check", "models", "chat", "twin", "version", "healthcheck"):
        contains(overview, verb, "--help")
    for verb, options in (("serve", ("--config", "--listen", "--data", "--workers", "--models")), ("check", ("--config",)),
                          ("models", ()), ("chat", ()), ("twin serve", ("--script",)), ("twin", ("--script",)), ("healthcheck", ()), ("version", ())):
        code, text = t.run(*verb.split(), "--help")
        equal(code, 0, f"{verb} --help")
        true(len(text) > 60, f"{verb} --help says little: {text!r}")
        for option in options:
            contains(text, option, f"{verb} --help")
    for arguments in (("servee",), ("serve", "--lisen", "x"), ("serve", "--listen"), ("serve", "--workers", "many")):
        code, text = t.run(*arguments)
        equal(code, 2, f"{arguments}: {text}")
    contains(t.run("servee")[1], "serve", "a near miss")
    for arguments in (("version",), ("--version",)):
        code, text = t.run(*arguments)
        equal(code, 0)
        true(re.search(r"[0-9]+\.[0-9]+", text) and "clang" in text.lower(), f"version: {text!r}")


@case
def healthcheck_and_models(t):
    gateway = t.gateway()
    host, port = gateway.address
    tries = [("healthcheck", f"{host}:{port}"), ("healthcheck", "--url", gateway.url()), ("healthcheck", gateway.url()),
             ("healthcheck", "--listen", f"{host}:{port}")]
    outcomes = [(a, *t.run(*a)) for a in tries]
    true(any(code == 0 for _, code, _ in outcomes), f"no healthcheck works: {outcomes}")
    works = next(a for a, code, _ in outcomes if code == 0)
    gateway.stop()
    code, text = t.run(*works)
    true(code != 0, "a gateway that is gone passes its healthcheck")
    code, text = t.run("models")
    equal(code, 0, text)
    contains(text, "twin/twin-1")


@case
def one_question_from_the_terminal(t):
    gateway = t.gateway({"keys": [KEY]})
    code, text = t.run("chat", "--url", gateway.url(), "--key", KEY, "--model", "twin/echo", "ping", "pong")
    equal((code, text.strip()), (0, "ping pong"))
    code, text = t.run("chat", "--url", gateway.url(), "--key", "wrong", "--model", "twin/echo", "ping")
    true(code != 0 and "API key" in text, f"a wrong key: {code} {text!r}")


@case
def a_translation_is_explained(t):
    t.path("asked.json").write_text(json.dumps({"model": "m", "max_tokens": 9, "thinking": {"type": "enabled", "budget_tokens": 2000}, "messages": [
        {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                                     {"type": "text", "text": "What is this?"}]}]}))

    def explained(*arguments):
        return t.run("explain-translation", "--from", "anthropic", "--to", "openai", *arguments, t.path("asked.json"))

    code, text = explained()
    equal(code, 0, text)
    contains(text, "data:image/png;base64,AAAA", "the upstream's words")
    contains(text, "kept (", "the lists")
    # What the catalog knows of a model counts, whether or not its provider is on.
    code, text = explained("--model", "deepseek/deepseek-chat")
    equal(code, 1, text)
    contains(text, "messages[0].content[0].image: this model sees no images – changes the meaning", "the loss")
    contains(text, "reasoning: this model does not think first", "the loss")
    lacks(text, "AAAA", "the upstream's words")
    code, text = explained("--model", "openai/gpt-4o")
    equal(code, 0, text)


@case
def a_killed_gateway_leaves_nothing_in_the_way(t):
    config = {"data": str(t.path("shared"))}
    first = t.gateway(config)
    first.expect_exit = -signal.SIGKILL
    first.send(signal.SIGKILL)
    first.wait()
    t.gateway(config).chat(HELLO).expect(200)


@case
def starting_is_quick(t):
    # The goal is 50 ms in the release build; this only sees that nothing waits for something.
    best = 10.0
    for _ in range(3):
        gateway = t.gateway()
        best = min(best, time.monotonic() - gateway.started_at)
    true(best < 1.0, f"start to first answer took {best:.2f} s")

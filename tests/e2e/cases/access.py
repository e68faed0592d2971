"""Who may do what: tenants and rights, what is taken away while it is used, addresses behind proxies."""
import json
import threading
import time

from harness.client import Stream
from harness.runner import case, contains, equal, true

CHAT = {"model": "twin/twin-1", "messages": [{"role": "user", "content": "Hello"}]}
KEYS = {name: f"{name}-key-0123456789abcdef" for name in ("all", "narrow", "dialects", "tools", "auditor", "expired", "blocked", "home")}
TENANCY = {
    "organizations": {"acme": {"providers": ["twin"]}},
    "teams": {"research": {"organization": "acme", "models": ["twin/*"]}, "shut": {"blocked": True}},
    "projects": {"search": {"team": "research"}},
    "aliases": {"fast": "twin/twin-1"},
    "keys": [
        {"name": "all", "key": KEYS["all"]},
        {"name": "narrow", "key": KEYS["narrow"], "project": "search", "models": ["twin/twin-1"]},
        {"name": "dialects", "key": KEYS["dialects"], "dialects": ["anthropic"]},
        {"name": "tools", "key": KEYS["tools"], "tools": ["search_*"]},
        {"name": "auditor", "key": KEYS["auditor"], "role": "auditor"},
        {"name": "expired", "key": KEYS["expired"], "expires": "2020-01-01"},
        {"name": "blocked", "key": KEYS["blocked"], "team": "shut"},
        {"name": "home", "key": KEYS["home"], "allow_ips": ["10.0.0.0/8"], "deny_ips": ["10.9.0.0/16"]},
    ],
}


def ask(gateway, method, target, body=None, key="all", headers=()):
    with gateway.connect() as connection:
        more = [("content-type", "application/json")] if body is not None else []
        return connection.request(method, target, [("authorization", f"Bearer {KEYS.get(key, key)}"), *more, *headers],
                                  None if body is None else json.dumps(body).encode())


def owner(gateway, method, target, body=None):
    with gateway.connect(f"unix:{gateway.config['data']}/admin.sock") as connection:
        more = [("content-type", "application/json")] if body is not None else []
        return connection.request(method, target, more, None if body is None else json.dumps(body).encode())


def refusal(answer, status, code):
    answer.expect(status)
    equal(answer.json()["error"]["code"], code)
    return answer.json()["error"]["message"]


@case
def every_level_narrows_what_a_key_may(t):
    gateway = t.gateway(TENANCY)
    ask(gateway, "POST", "/v1/chat/completions", CHAT, "narrow").expect(200)
    ask(gateway, "POST", "/v1/chat/completions", {**CHAT, "model": "fast"}, "narrow").expect(200)
    message = refusal(ask(gateway, "POST", "/v1/chat/completions", {**CHAT, "model": "twin/twin-2"}, "narrow"), 403, "model_not_allowed")
    equal(message, "The caller may not use the model 'twin/twin-2'.")
    equal([model["id"] for model in ask(gateway, "GET", "/v1/models", key="narrow").expect(200).json()["data"]], ["fast", "twin/twin-1"])
    ask(gateway, "GET", "/v1/models/twin/twin-2", key="narrow").expect(404)
    true(len(ask(gateway, "GET", "/v1/models").json()["data"]) > 2, "the others see all")
    for target, body in (("/v1/embeddings", {"model": "twin/twin-embed", "input": "x"}), ("/v1/responses", {"model": "twin/twin-2", "input": "x"}),
                         ("/v1/images/generations", {"model": "twin/twin-image", "prompt": "x"}), ("/v1/audio/speech", {"model": "twin/twin-tts", "input": "x", "voice": "alloy"})):
        refusal(ask(gateway, "POST", target, body, "narrow"), 403, "model_not_allowed")
    anthropic = ask(gateway, "POST", "/v1/messages", {**CHAT, "model": "twin/twin-2", "max_tokens": 9}, "narrow").expect(403).json()
    equal(anthropic["error"]["type"], "permission_error")
    gemini = ask(gateway, "POST", "/v1beta/models/twin/twin-2:generateContent", {"contents": [{"parts": [{"text": "x"}]}]}, "narrow")
    equal(gemini.expect(403).json()["error"]["status"], "PERMISSION_DENIED")
    refusal(ask(gateway, "POST", "/p/twin/v1/chat/completions", CHAT, "narrow"), 403, None)


@case
def dialects_tools_roles_and_standing_hold(t):
    gateway = t.gateway(TENANCY)
    refusal(ask(gateway, "POST", "/v1/chat/completions", CHAT, "dialects"), 403, "dialect_not_allowed")
    ask(gateway, "POST", "/v1/messages", {**CHAT, "max_tokens": 9}, "dialects").expect(200)
    tool = {"type": "function", "function": {"name": "search_web", "parameters": {"type": "object"}}}
    ask(gateway, "POST", "/v1/chat/completions", {**CHAT, "tools": [tool]}, "tools").expect(200)
    shell = {"type": "function", "function": {"name": "shell", "parameters": {"type": "object"}}}
    refusal(ask(gateway, "POST", "/v1/chat/completions", {**CHAT, "tools": [tool, shell]}, "tools"), 403, "tool_not_allowed")
    claude = {**CHAT, "max_tokens": 9, "tools": [{"name": "shell", "input_schema": {"type": "object"}}]}
    contains(ask(gateway, "POST", "/v1/messages", claude, "tools").expect(403).text(), "shell")
    refusal(ask(gateway, "POST", "/v1/chat/completions", CHAT, "auditor"), 403, "role_too_low")
    contains(ask(gateway, "POST", "/v1/chat/completions", CHAT, "expired").expect(401).text(), "has expired")
    message = refusal(ask(gateway, "POST", "/v1/chat/completions", CHAT, "blocked"), 403, "blocked")
    equal(message, "Team 'shut' is blocked.")


@case
def an_end_user_narrows_what_its_program_may(t):
    gateway = t.gateway({**TENANCY, "users": {"ann": {"models": ["twin/twin-1"]}, "eve": {"blocked": True}, "far": {"team": "research", "blocked": True}}})
    say, embed = "/v1/chat/completions", {"model": "twin/twin-embed", "input": "x"}
    for body in ({}, {"user": "somebody"}, {"user": "ann"}, {"metadata": {"user_id": "ann"}}):
        ask(gateway, "POST", say, {**CHAT, **body}).expect(200)
    other = {**CHAT, "model": "twin/twin-2"}
    for body in ({"user": "ann"}, {"safety_identifier": "ann"}, {"metadata": {"user_id": "ann"}}):
        message = refusal(ask(gateway, "POST", say, {**other, **body}), 403, "model_not_allowed")
        equal(message, "End user 'ann' may not use the model 'twin/twin-2'.")
    for header in ("x-cardea-user", "X-LiteLLM-Customer-Id", "x-litellm-end-user-id"):
        refusal(ask(gateway, "POST", say, CHAT, headers=[(header, "eve")]), 403, "blocked")
        ask(gateway, "POST", say, {**other, "user": "ann"}, headers=[(header, "somebody")]).expect(404)  # by the twin: a header's word stands before it
    refusal(ask(gateway, "POST", "/v1/embeddings", {**embed, "user": "ann"}), 403, "model_not_allowed")
    refusal(ask(gateway, "POST", "/v1/responses", {"model": "twin/twin-1", "input": "x", "user": "eve"}), 403, "blocked")
    refusal(ask(gateway, "POST", "/v1/images/generations", {"model": "twin/twin-image", "prompt": "x", "user": "eve"}), 403, "blocked")
    anthropic = {**CHAT, "max_tokens": 5, "metadata": {"user_id": "eve"}}
    equal(ask(gateway, "POST", "/v1/messages", anthropic).expect(403).json()["error"]["type"], "permission_error")
    with gateway.connect() as connection:
        form = "".join(f'--b\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in (("model", "twin/twin-image"), ("user", "eve"))) + "--b--\r\n"
        answer = connection.request("POST", "/v1/images/variations", [("authorization", f"Bearer {KEYS['all']}"), ("content-type", "multipart/form-data; boundary=b")], form.encode())
    refusal(answer, 403, "blocked")
    with gateway.connect() as connection:
        twice = json.dumps(CHAT)[:-1] + ', "user": "ann", "user": "eve"}'
        connection.request("POST", say, [("authorization", f"Bearer {KEYS['all']}"), ("content-type", "application/json")], twice.encode()).expect(400)
    refusal(ask(gateway, "POST", say, {**CHAT, "user": "far"}, "narrow"), 403, "blocked")


@case
def a_client_is_where_the_last_stranger_says(t):
    gateway = t.gateway({**TENANCY, "trusted_proxies": ["127.0.0.1"], "deny_ips": ["192.0.2.0/24"]})

    def status(forwarded, key="home"):
        return ask(gateway, "POST", "/v1/chat/completions", CHAT, key, [("x-forwarded-for", forwarded)] if forwarded else []).status

    equal([status("10.1.2.3"), status("10.9.2.3"), status("203.0.113.1"), status(None)], [200, 403, 403, 403])
    equal(status("10.1.2.3, 203.0.113.1"), 403, "what stands left of a stranger is the stranger's word")
    equal(status("10.1.2.3, 127.0.0.1"), 200)
    equal([status("192.0.2.7", "all"), status("192.0.2.7", "no-such-key-0123456789")], [403, 403], "before the key is looked at")
    answer = ask(gateway, "POST", "/v1/chat/completions", CHAT, "home", [("x-forwarded-for", "10.1.2.3"), ("x-request-id", "from-home")])
    equal((answer.status, gateway.request_line("from-home")["client"]), (200, "10.1.2.3"))


@case
def when_a_key_was_used_is_known_after_a_restart(t):
    gateway = t.gateway()
    value = owner(gateway, "POST", "/admin/v1/keys", {"id": "k"}).expect(201).json()["key"]
    ask(gateway, "GET", "/v1/models", key=value).expect(200)
    used = owner(gateway, "GET", "/admin/v1/keys/k").json()["last_used_at"]
    gateway.stop()
    gateway = t.start_gateway(gateway.config).ready()
    equal(owner(gateway, "GET", "/admin/v1/keys/k").json()["last_used_at"], used)


def endless(t):
    """An upstream whose streams never end by themselves."""
    go = threading.Event()
    t.cleanups.append(go.set)

    def handler(request, peer):
        if b'"stream":true' not in request.body.replace(b" ", b""):
            go.wait(20)
            return
        peer.begin_stream()
        while not go.wait(0.05):
            peer.chunk('data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"x"}}]}\n\n')

    return t.upstream(handler)


@case
def whatever_is_taken_away_ends_open_requests_within_a_second(t):
    upstream = endless(t)
    gateway = t.gateway({"workers": 2, "models": [{"name": "m", "endpoint": upstream.url()}, {"name": "other", "endpoint": upstream.url()}]})
    owner(gateway, "POST", "/admin/v1/organizations", {"id": "acme"}).expect(201)
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    ways = {
        "revoked": lambda key: owner(gateway, "POST", f"/admin/v1/keys/{key}/revoke").expect(200),
        "removed": lambda key: owner(gateway, "DELETE", f"/admin/v1/keys/{key}").expect(204),
        "blocked": lambda key: owner(gateway, "PATCH", f"/admin/v1/keys/{key}", {"blocked": True}).expect(200),
        "role": lambda key: owner(gateway, "PATCH", f"/admin/v1/keys/{key}", {"role": "auditor"}).expect(200),
        "model": lambda key: owner(gateway, "PATCH", f"/admin/v1/keys/{key}", {"models": ["other"]}).expect(200),
        "tenant": lambda key: owner(gateway, "DELETE", f"/admin/v1/teams/team-{key}").expect(204),
        "above": lambda key: owner(gateway, "PATCH", "/admin/v1/organizations/acme", {"blocked": True}).expect(200),
        "end user": lambda key: owner(gateway, "POST", "/admin/v1/users", {"id": "eve", "blocked": True}).expect(201),
        "time": lambda key: time.sleep(max(0.0, 3 - (time.time() - begun))),
    }
    begun = time.time()
    values, open_ones, connections = {}, {}, []
    for way in ways:
        place = {"organization": "acme"} if way == "above" else {}
        owner(gateway, "POST", "/admin/v1/teams", {"id": f"team-{way.replace(' ', '-')}", **place}).expect(201)
        more = {"expires": soon} if way == "time" else {}
        values[way] = owner(gateway, "POST", "/admin/v1/keys", {"id": way.replace(" ", "-"), "team": f"team-{way.replace(' ', '-')}", **more}).expect(201).json()["key"]
    values["untouched"] = owner(gateway, "POST", "/admin/v1/keys", {"id": "untouched"}).expect(201).json()["key"]
    for way, value in values.items():
        streams = []
        for _ in range(4):  # on both workers
            connection = gateway.connect()
            connections.append(connection)
            stream = Stream(connection, {"model": "m", "messages": CHAT["messages"], "stream": True, "user": way.replace("end user", "eve")}, [("authorization", f"Bearer {value}")])
            stream.next()
            streams.append(stream)
        open_ones[way] = streams
    for way, take in ways.items():
        take(way)
        at = time.monotonic()
        for stream in open_ones[way]:
            last = json.loads(stream.rest()[-1])
            true("error" in last, f"{way}: {last}")
        true(time.monotonic() - at < 1, f"{way}: {time.monotonic() - at:.2f} s")
        true(ask(gateway, "POST", "/v1/chat/completions", {"model": "m", "messages": CHAT["messages"], "user": "eve"}, values[way]).status in (401, 403), way)
    for stream in open_ones["untouched"]:
        contains(stream.next(), '"x"')
    for connection in connections:
        connection.close()

"""The administration: its own API, LiteLLM's verbs, the command line, and who may do what."""
import base64
import json
import subprocess
import time

from cases.signed_requests import SIGN
from cases.tls import Shown, certificate, issued, serving
from harness.client import Connection, Stream
from harness.runner import case, contains, equal, true

ROLES = ("owner", "admin", "operator", "auditor", "member", "key")
MAY = {
    "read": {"owner", "admin", "operator", "auditor"},
    "operate": {"owner", "admin", "operator"},
    "manage": {"owner", "admin"},
    "own": {"owner"},
    "any": set(ROLES),
}
# How a key itself is sent: its headers, and its query.
CARRIERS = {
    "authorization": lambda key: ([("authorization", f"Bearer {key}")], ""),
    "x-api-key": lambda key: ([("x-api-key", key)], ""),
    "api-key": lambda key: ([("api-key", key)], ""),
    "x-goog-api-key": lambda key: ([("x-goog-api-key", key)], ""),
    "query": lambda key: ([], f"?key={key}"),
}


def socket_of(gateway):
    return f"unix:{gateway.config['data']}/admin.sock"


def ask(connection, method, target, body=None, headers=()):
    more = [("content-type", "application/json")] if body is not None else []
    return connection.request(method, target, [*headers, *more], None if body is None else json.dumps(body).encode())


def owner(gateway, method, target, body=None, headers=()):
    """On the socket of the gateway's own user."""
    with gateway.connect(socket_of(gateway)) as connection:
        return ask(connection, method, target, body, headers)


def with_key(gateway, key, method, target, body=None):
    with gateway.connect() as connection:
        return ask(connection, method, target, body, [("authorization", f"Bearer {key}")])


def make_key(gateway, **fields):
    return owner(gateway, "POST", "/admin/v1/keys", fields).expect(201).json()["key"]


@case
def what_is_made_is_used_at_once_and_after_a_restart(t):
    gateway = t.gateway()
    owner(gateway, "POST", "/admin/v1/teams", {"id": "dev", "models": ["twin/*"]}).expect(201)
    key = make_key(gateway, id="k", name="laptop", team="dev")
    chat = {"model": "twin/twin-1", "messages": [{"role": "user", "content": "hi"}]}
    with_key(gateway, key, "POST", "/v1/chat/completions", chat).expect(200)
    equal(with_key(gateway, key, "GET", "/v1/key").expect(200).json()["name"], "laptop")
    shown = owner(gateway, "GET", "/admin/v1/keys/k").expect(200)
    equal(shown.header("etag"), '"1"')
    equal(shown.header("cache-control"), "no-store")
    owner(gateway, "PATCH", "/admin/v1/keys/k", {"models": []}, [("if-match", '"1"')]).expect(200)
    with_key(gateway, key, "POST", "/v1/chat/completions", chat).expect(403)
    owner(gateway, "PATCH", "/admin/v1/keys/k", {"models": None}, [("if-match", '"1"')]).expect(412)
    owner(gateway, "PATCH", "/admin/v1/keys/k", {"models": None}).expect(200)
    gateway.stop()
    gateway = t.start_gateway(gateway.config).ready()
    with_key(gateway, key, "POST", "/v1/chat/completions", chat).expect(200)
    fresh = owner(gateway, "POST", "/admin/v1/keys/k/rotate", {"overlap": "1h"}).expect(200).json()["key"]
    for one in (key, fresh):
        with_key(gateway, one, "POST", "/v1/chat/completions", chat).expect(200)
    owner(gateway, "DELETE", "/admin/v1/teams/dev").expect(204)
    for one in (key, fresh):
        with_key(gateway, one, "POST", "/v1/chat/completions", chat).expect(401)
    log = owner(gateway, "GET", "/admin/v1/audit").expect(200).json()["data"]
    equal([line["action"] for line in log][-2:], ["key.create", "team.create"])


@case
def a_key_may_rotate_itself_and_hears_of_its_new_value(t):
    gateway = t.gateway()
    key = make_key(gateway, id="boss", role="owner")
    fresh = with_key(gateway, key, "POST", "/admin/v1/keys/boss/rotate").expect(200).json()["key"]
    with_key(gateway, key, "GET", "/admin/v1/keys").expect(401)
    with_key(gateway, fresh, "GET", "/admin/v1/keys").expect(200)


@case
def an_open_stream_ends_with_its_key(t):
    gateway = t.gateway()
    key = make_key(gateway, id="k")
    body = {"model": "twin/twin-1", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    with gateway.connect() as connection:
        stream = Stream(connection, body, [("authorization", f"Bearer {key}"), ("x-twin-inter-token-ms", "200"), ("x-twin-tokens", "500")])
        stream.next()
        owner(gateway, "POST", "/admin/v1/keys/k/revoke").expect(200)
        revoked = time.monotonic()
        events = stream.rest()
        true(time.monotonic() - revoked < 1, f"it went on for {time.monotonic() - revoked:.2f} s")
        true("error" in json.loads(events[-1]), events[-1])
    equal(with_key(gateway, key, "GET", "/v1/models").status, 401)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Signs tokens (RS256) whose claims say the role and the team."""

    def __init__(self, folder):
        self.key, self.jwks = folder / "issuer.pem", folder / "jwks.json"
        subprocess.run(["openssl", "genrsa", "-out", self.key, "2048"], check=True, capture_output=True)
        modulus = subprocess.run(["openssl", "rsa", "-in", self.key, "-noout", "-modulus"], check=True, capture_output=True, text=True).stdout.strip().split("=")[1]
        self.jwks.write_text(json.dumps({"keys": [{"kty": "RSA", "kid": "one", "alg": "RS256", "use": "sig", "e": "AQAB", "n": base64url(bytes.fromhex(modulus))}]}))

    def settings(self):
        return {"issuer": "https://id.example", "audience": "cardea", "jwks": str(self.jwks), "claims": {"role": "role", "team": "team"},
                "roles": {role: role for role in ROLES}}

    def token(self, subject, role, team):
        claims = {"iss": "https://id.example", "aud": "cardea", "sub": subject, "exp": int(time.time()) + 600, "role": role, **({"team": team} if team else {})}
        signed = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "one"}, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=signed.encode(), check=True, capture_output=True).stdout
        return f"{signed}.{base64url(signature)}"


class Caller:
    """Somebody with a role in a tenant or at the gateway, and all the ways in which it can say so."""

    def __init__(self, t, gateway, site, authority, issuer, role, where):
        self.role, self.where = role, where
        self.name = f"{role}-{where}"
        team = {"team": "ours"} if where == "tenant" else {}
        self.key = make_key(gateway, id=self.name, role=role, signing="on", **team)
        owner(gateway, "POST", "/admin/v1/members", {"id": f"m-{self.name}", "identity": f"{self.name}.clients.example", "issuer": "mtls", "role": role, **team}).expect(201)
        self.connection = Shown(gateway.address, site, issued(t.folder, authority, self.name, f"DNS:{self.name}.clients.example"))
        credentials = base64.b64encode(f"{self.name}:{self.key}".encode()).decode()
        token = self.connection.request("POST", "/oauth/token", [("authorization", f"Basic {credentials}"), ("content-type", "application/x-www-form-urlencoded")],
                                        b"grant_type=client_credentials").expect(200).json()["access_token"]
        jwt = issuer.token(self.name, role, team.get("team"))
        self.ways = {name: lambda *_, send=send: send(self.key) for name, send in CARRIERS.items()}
        self.ways |= {"certificate": lambda *_: ([], ""), "signature": self.signed, "jwt": lambda *_: ([("authorization", f"Bearer {jwt}")], ""),
                      "oauth": lambda *_: ([("authorization", f"Bearer {token}")], "")}

    def signed(self, gateway, method, target, body):
        data = b"" if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"content-type": "application/json"}
        return [pair for pair in SIGN(method, f"https://localhost:{gateway.address[1]}{target}", headers, data, self.name, self.key).items()
                if pair[0].lower() != "content-type"], ""


@case
def the_matrix_of_routes_roles_carriers_and_tenants_allows_nothing_unintended(t):
    """Every route of the administration, as the gateway itself describes it, with every role inside a tenant and at the gateway, by
    every way to say who one is. Things asked for are not there or belong to another tenant, so that nothing is changed by asking."""
    (cert, key), authority, issuer = certificate(t.folder, "site"), certificate(t.folder, "authority", "ca.example"), Issuer(t.folder)
    gateway = serving(t, {"tls": {"cert": str(cert), "key": str(key), "client_ca": str(authority[0])}, "jwt": [issuer.settings()]}, cert)
    secure = gateway.connect
    gateway.connect = lambda address=None: Connection(address) if address else secure()
    owner(gateway, "POST", "/admin/v1/teams", {"id": "ours"}).expect(201)
    owner(gateway, "POST", "/admin/v1/teams", {"id": "theirs"}).expect(201)
    foreign = {"teams": "theirs"}
    for thing in ("keys", "users", "members", "projects"):
        body = {"id": f"their-{thing}", "team": "theirs", **({"identity": "x@y"} if thing == "members" else {})}
        owner(gateway, "POST", f"/admin/v1/{thing}", body).expect(201)
        foreign[thing] = body["id"]
    owner(gateway, "POST", "/admin/v1/organizations", {"id": "their-organization"}).expect(201)
    foreign["organizations"] = "their-organization"
    callers = [Caller(t, gateway, cert, authority, issuer, role, where) for role in ROLES for where in ("tenant", "gateway")]
    before = owner(gateway, "GET", "/admin/v1/audit?limit=1").json()["data"][0]["seq"]
    described = owner(gateway, "GET", "/admin/v1/openapi.json").expect(200).json()["paths"]
    routes = [(path, method, route["x-cardea-permission"]) for path, methods in described.items() for method, route in methods.items()]
    asked = 0
    for caller in callers:
        for path, method, permission in routes:
            thing = path.split("/")[3]
            tenant = caller.where == "tenant"
            # At the gateway itself everything is within reach: there only what does not exist is asked for.
            name = foreign.get(thing, "nothing") if tenant else "nothing"
            target = path.replace("{id}", name).replace("{name}", "nothing")
            allowed = caller.role in MAY[permission]
            body = None if method in ("get", "delete") else []
            for way, send in caller.ways.items():
                headers, query = send(gateway, method.upper(), target, body)
                answer = ask(caller.connection, method.upper(), target + query, body, headers)
                asked += 1
                what = f"{method} {target} as {caller.role} in {caller.where} by {way}: {answer.status} {answer.body[:200]!r}"
                if not allowed:
                    equal(answer.status, 403, what)
                elif "{" in path:
                    true(answer.status in (400, 404, 501), what)
                    true(not tenant or method not in ("get", "delete") or answer.status in (404, 501), what)
                elif method == "get":
                    true(answer.status == 200 or (tenant and path.endswith("/audit") and answer.status == 404), what)
                    if tenant and path.split("/")[-1] in foreign:
                        true(foreign[thing] not in answer.text(), what)
                else:
                    equal(answer.status, 400, what)
                equal(answer.header("content-type"), "application/json" if answer.status == 200 else "application/problem+json", what)
    true(asked > 2000, f"{asked} asked")
    # Nobody, and somebody whose word is bad, whatever else is good.
    with gateway.connect() as nobody:
        for path, method, _ in routes:
            target, body = path.replace("{id}", "nothing").replace("{name}", "nothing"), None if method in ("get", "delete") else []
            equal(ask(nobody, method.upper(), target, body).status, 401, f"{method} {path} by nobody")
            for connection in (nobody, callers[1].connection):
                equal(ask(connection, method.upper(), target, body, [("authorization", "Bearer sk-cardea-bad")]).status, 401, f"{method} {path} by a bad key")
    for caller in callers:
        caller.connection.close()
    equal(owner(gateway, "GET", "/admin/v1/audit?limit=1").json()["data"][0]["seq"], before, "nothing was changed by asking")


@case
def scripts_written_for_litellm_run(t):
    """As its documentation has them, with curl."""
    gateway = t.gateway({"keys": [{"name": "master", "key": "sk-1234-master-key", "role": "owner"}]})

    def curl(path, *arguments, key="sk-1234-master-key"):
        done = subprocess.run(["curl", "-sS", f"{gateway.url()}{path}", "--header", f"Authorization: Bearer {key}", *arguments],
                              capture_output=True, timeout=20, check=True)
        return json.loads(done.stdout)

    def post(path, body):
        return curl(path, "--header", "Content-Type: application/json", "--data", json.dumps(body))

    team = post("/team/new", {"team_alias": "my-new-team_2", "models": ["twin/*"], "max_budget": 100})["team_id"]
    made = post("/key/generate", {"models": ["twin/twin-1"], "duration": "20m", "metadata": {"user": "ishaan@berri.ai"}, "team_id": team,
                                  "key_alias": "key1", "max_budget": 0.5, "budget_duration": "30d"})
    true(made["key"].startswith("sk-") and made["expires"] and made["team_id"] == team, made)
    chat = {"model": "twin/twin-1", "messages": [{"role": "user", "content": "hi"}]}
    true("choices" in curl("/chat/completions", "--data", json.dumps(chat), key=made["key"]), "the key works")
    info = curl(f"/key/info?key={made['key']}")["info"]
    equal((info["key_alias"], info["metadata"], float(info["max_budget"])), ("key1", {"user": "ishaan@berri.ai"}, 0.5))
    equal(post("/key/block", {"key": made["key"]})["blocked"], True)
    true("error" in curl("/chat/completions", "--data", json.dumps(chat), key=made["key"]), "a blocked key")
    post("/key/unblock", {"key": made["key"]})
    fresh = post(f"/key/{made['key']}/regenerate", {})["key"]
    equal(curl("/key/list")["total_count"], 2)
    equal(post("/key/delete", {"keys": [fresh]}), {"deleted_keys": [fresh]})
    user = post("/user/new", {"user_id": "u1", "user_email": "u1@x.example", "user_role": "internal_user"})
    true("choices" in curl("/chat/completions", "--data", json.dumps(chat), key=user["key"]), "the user's key works")
    equal(curl("/user/info?user_id=u1")["user_info"]["user_email"], "u1@x.example")
    equal(post("/key/generate", {"no_such_thing": 1})["error"]["param"], "no_such_thing")
    true(any(row["model_name"] == "twin/twin-1" for row in curl("/model/info")["data"]), "the models")


@case
def keys_made_at_run_time_count_as_those_of_the_file(t):
    gateway = t.gateway()
    with gateway.connect() as connection:
        connection.get("/metrics").expect(200)
        connection.get("/p/twin/models").expect(200)
    key = make_key(gateway, id="a")
    with gateway.connect() as connection:
        connection.get("/metrics").expect(401)
        connection.get("/v1/models").expect(401)
    with_key(gateway, key, "GET", "/metrics").expect(200)
    with_key(gateway, key, "GET", "/p/twin/models").expect(200)
    make_key(gateway, id="b")
    with_key(gateway, key, "GET", "/p/twin/models").expect(403)


@case
def a_providers_key_is_given_at_run_time_and_kept_sealed(t):
    twin = t.twin()
    gateway = t.gateway({"providers": {"mine": {"base_url": twin.url(), "models": ["echo"]},
                                       "fixed": {"base_url": twin.url(), "api_key": "in-the-file-123", "models": ["echo"]}}})
    secret = "sk-provider-canary-0123456789"
    chat = {"model": "mine/echo", "messages": [{"role": "user", "content": "hi"}]}
    quoted = [("x-twin-status", "401"), ("x-twin-quote-credential", "1")]

    def models():
        with gateway.connect() as connection:
            return [one["id"] for one in connection.get("/v1/models").expect(200).json()["data"]]

    equal(owner(gateway, "GET", "/admin/v1/providers/groq/key").expect(200).json()["set"], False)
    owner(gateway, "PUT", "/admin/v1/providers/nobody/key", {"key": "x"}).expect(404)
    owner(gateway, "PUT", "/admin/v1/providers/fixed/key", {"key": "x"}).expect(409)
    owner(gateway, "PUT", "/admin/v1/providers/mine/key", {"kee": "x"}).expect(400)
    equal(owner(gateway, "PUT", "/admin/v1/providers/mine/key", {"key": secret}).expect(200).json()["source"], "store")
    owner(gateway, "PUT", "/admin/v1/providers/groq/key", {"key": secret}).expect(200)
    true(any(one.startswith("groq/") for one in models()), "groq is on from now on")
    gateway.stop()
    equal([path for path in (gateway.folder / "data").rglob("*") if path.is_file() and secret.encode() in path.read_bytes()], [])
    gateway = t.start_gateway(gateway.config).ready()
    equal(owner(gateway, "GET", "/admin/v1/providers/mine/key").expect(200).json()["source"], "store")
    true(any(one.startswith("groq/") for one in models()), "after a restart")
    owner(gateway, "DELETE", "/admin/v1/providers/groq/key").expect(204)
    true(not any(one.startswith("groq/") for one in models()), "off again")
    with gateway.connect() as connection:
        connection.chat(chat).expect(200)
        true(secret not in connection.chat(chat, quoted).text(), "an upstream's error does not say it")


@case
def the_command_line_works_with_and_without_a_gateway(t):
    data = t.path("data")
    code, text = t.run("keys", "create", "laptop", "--name", "laptop", "--models", "twin/*", "--budgets", "20/month", "--data", data)
    equal(code, 0, text)
    key = next(line.split()[1] for line in text.splitlines() if line.startswith("key "))
    gateway = t.gateway({"data": str(data)})
    with_key(gateway, key, "GET", "/v1/models").expect(200)
    code, text = t.run("keys", "list", "--json", "--data", data)
    equal((code, [one["id"] for one in json.loads(text)["data"]]), (0, ["laptop"]))
    code, text = t.run("keys", "revoke", "laptop", "--data", data)
    equal(code, 0, text)
    with_key(gateway, key, "GET", "/v1/models").expect(401)
    code, text = t.run("keys", "show", "nobody", "--data", data)
    equal(code, 1, text)
    contains(text, "There is no key 'nobody'")
    boss = make_key(gateway, id="boss", role="admin")
    code, text = t.run("teams", "create", "dev", "--url", gateway.url(), "--key", boss)
    equal(code, 0, text)
    code, text = t.run("teams", "create", "dev", "--url", gateway.url(), "--key", boss)
    equal(code, 1, text)


@case
def a_thousand_secrets_are_seen_nowhere(t):
    """Keys chosen by the test, so that each can be looked for: in the log, the metrics, errors, the administration's answers and the
    files of the data directory."""
    gateway = t.gateway({"workers": 1, "log": {"format": "json", "level": "debug"}})
    secrets = [f"canary-{i:04d}-{'x' * 24}" for i in range(1000)]
    said = []
    with gateway.connect(socket_of(gateway)) as connection:
        for i, secret in enumerate(secrets):
            made = ask(connection, "POST", "/admin/v1/keys", {"id": f"k{i}", "key": secret}).expect(201)
            equal(made.json()["key"], secret)
        for target in ("/admin/v1/keys?limit=1000", "/admin/v1/audit?limit=1000", "/admin/v1/keys/k7"):
            said.append(ask(connection, "GET", target).expect(200).body)
    with gateway.connect() as connection:
        for i, secret in enumerate(secrets[:100]):
            for headers in ([("authorization", f"Bearer {secret}")], [("authorization", f"Bearer {secret}x")],
                            [("x-api-key", secret), ("api-key", secret + "y")]):
                said.append(ask(connection, "GET", "/admin/v1/keys", None, headers).body)
                said.append(ask(connection, "GET", "/v1/key", None, headers).body)
            said.append(ask(connection, "GET", f"/v1/models/nothing?key={secret}").body)
        said.append(ask(connection, "GET", "/metrics", None, [("authorization", f"Bearer {secrets[0]}")]).body)
    gateway.stop()
    for path in t.path("").rglob("*"):
        if path.is_file():
            said.append(path.read_bytes())
    found = [text.count(b"canary-") for text in said]
    equal(sum(found), 0, [text[max(0, text.find(b"canary-") - 200):][:400] for text in said if b"canary-" in text][:3])

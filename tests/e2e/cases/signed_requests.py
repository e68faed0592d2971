"""Clients that sign: docs/request-signing.md's own snippets, every way of a body, AWS's form, keys of the administration."""
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from harness.runner import case, contains, equal, true

ROOT = Path(__file__).resolve().parents[3]
VALUE = "the-robots-key-0123456789"
CHAT = b'{"model":"m","messages":[{"role":"user","content":"Hello"}]}'
COMPLETION = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
              "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Good day"}}]}
SOUND = b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0@\x1f\0\0\x80>\0\0\2\0\x10\0data\0\0\0\0"
FORM = (b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        + SOUND + b"\r\n--b--\r\n")


def snippets():
    text = (ROOT / "docs/request-signing.md").read_text().partition("## Snippets")[2]
    return dict(re.findall(r"```(\w+)\n(.*?)```", text, re.S))


def python_signer():
    space = {}
    exec(snippets()["python"].partition("\nurl = ")[0], space)  # noqa: S102: the documentation's own function
    return space["sign"]


SIGN = python_signer()


def setup(t):
    upstream = t.upstream(lambda request, peer: peer.reply({"text": "hello"} if b"multipart" in request.raw_head else COMPLETION))
    gateway = t.gateway({"keys": [{"name": "robot", "key": VALUE, "signing": "required"}],
                         "models": [{"name": "m", "endpoint": upstream.url(), "api_key": "sk-upstream-1"}]})
    time.sleep(1.1)  # what was signed in the second of the start is refused
    return upstream, gateway


def origin(gateway):
    return gateway.url().removesuffix("/v1").rstrip("/")


def signed(gateway, method, path, headers=(), body=b""):
    out = SIGN(method, origin(gateway) + path, dict(headers), body, "robot", VALUE)
    return list(out.items())


@case
def the_documentations_snippets_are_taken(t):
    upstream, gateway = setup(t)
    env = {**os.environ, "CARDEA_URL": origin(gateway), "KEY_ID": "robot", "KEY": VALUE}
    text = snippets()
    (t.folder / "s.mjs").write_text(text["js"])
    (t.folder / "s.go").write_text(text["go"])
    commands = [["sh", "-euc", text["sh"]], ["python3", "-c", text["python"]], ["node", str(t.folder / "s.mjs")]]
    # Its first build takes longer than all other cases together.
    if os.environ.get("CARDEA_E2E_GO") and shutil.which("go"):
        commands.append(["go", "run", str(t.folder / "s.go")])
    for command in commands:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
        contains(done.stdout, "Good day", f"{command[0]}: {done.stderr}")
        lost = subprocess.run(command, env={**env, "KEY": "another"}, capture_output=True, text=True, timeout=120)
        true("Good day" not in lost.stdout, command[0])
    equal(len(upstream.requests), len(commands))


@case
def every_way_of_a_body_is_held_against_its_hash(t):
    upstream, gateway = setup(t)
    form_type = {"content-type": "multipart/form-data; boundary=b"}

    def chunked(method, path, headers, body):
        with gateway.connect() as connection:
            connection.send(connection.format(method, path, [*headers, ("transfer-encoding", "chunked")]))
            for at in range(0, len(body), 50):
                connection.send(b"%x\r\n%s\r\n" % (len(body[at:at + 50]), body[at:at + 50]))
            connection.send(b"0\r\n\r\n")
            return connection.response()

    def whole(method, path, headers, body):
        with gateway.connect() as connection:
            return connection.request(method, path, headers, body)

    ways = [(way, path, headers, body) for way in (whole, chunked)
            for path, headers, body in (("/v1/chat/completions", {"content-type": "application/json"}, CHAT),
                                        ("/v1/audio/transcriptions", form_type, FORM))]
    for way, path, headers, body in ways:
        before = len(upstream.requests)
        changed = body.replace(b"Hello", b"Jello").replace(b"WAVE", b"WAVY")
        for other in (changed, body + b" ", b""):
            refused = way("POST", path, signed(gateway, "POST", path, headers, body), other).expect(401)
            contains(refused.text(), "the body is not the one that was signed")
        equal(len(upstream.requests), before, f"nothing went on: {path}")
        lines = signed(gateway, "POST", path, headers, body)
        way("POST", path, lines, body).expect(200)
        contains(way("POST", path, lines, body).expect(401).text(), "nonce")
        equal(len(upstream.requests), before + 1, path)
    # Without a body, and with one that nobody would read.
    whole("GET", "/v1/models?b=1&a=2", signed(gateway, "GET", "/v1/models?b=1&a=2"), None).expect(200)
    whole("GET", "/v1/models?a=2&b=1", signed(gateway, "GET", "/v1/models?b=1&a=2"), None).expect(200)
    for way in (whole, chunked):
        contains(way("GET", "/v1/models", signed(gateway, "GET", "/v1/models"), b"more").expect(401).text(), "the body is not")
    whole("GET", "/v1/models", signed(gateway, "GET", "/v1/models", body=b"x"), None).expect(401)
    contains(whole("GET", "/v1/models", [("authorization", f"Bearer {VALUE}")], None).expect(401).text(), "signs its requests")


def aws_headers(method, path, host, body, key_id, value, hashed):
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    digest = hashlib.sha256(body).hexdigest()
    headers = {"content-type": "application/json", "host": host, "x-amz-date": date} | ({"x-amz-content-sha256": digest} if hashed else {})
    names = ";".join(sorted(headers))
    canonical = "\n".join([method, path, "", *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names, digest])
    scope = f"{date[:8]}/us-east-1/bedrock/aws4_request"
    key = f"AWS4{value}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return [*headers.items(), ("authorization", f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}")]


@case
def awss_signatures_are_verified(t):
    upstream, gateway = setup(t)
    path, host = "/v1/chat/completions", origin(gateway).partition("//")[2]
    for hashed in (True, False):
        with gateway.connect() as connection:
            connection.request("POST", path, aws_headers("POST", path, host, CHAT, "robot", VALUE, hashed), CHAT).expect(200)
        for key_id, value, body in (("robot", "guessed", CHAT), ("nobody", VALUE, CHAT), (VALUE, VALUE, CHAT), ("robot", VALUE, CHAT + b" ")):
            with gateway.connect() as connection:
                connection.request("POST", path, aws_headers("POST", path, host, CHAT, key_id, value, hashed), body).expect(401)
    with gateway.connect() as connection:
        upload = aws_headers("POST", "/v1/audio/transcriptions", host, FORM, "robot", VALUE, False)
        contains(connection.request("POST", "/v1/audio/transcriptions", upload, FORM).expect(401).text(), "x-amz-content-sha256")
    equal(len(upstream.requests), 2)


@case
def keys_of_the_administration_sign_too(t):
    _, gateway = setup(t)

    def owner(method, target, body=None):
        with gateway.connect(f"unix:{gateway.config['data']}/admin.sock") as connection:
            return connection.request(method, target, [("content-type", "application/json")], json.dumps(body or {}).encode())

    def ask(key_id, value):
        with gateway.connect() as connection:
            headers = SIGN("GET", origin(gateway) + "/v1/models", {}, b"", key_id, value)
            return connection.request("GET", "/v1/models", list(headers.items()))

    made = owner("POST", "/admin/v1/keys", {"name": "signer", "signing": "required"}).expect(201).json()
    ask(made["id"], made["key"]).expect(200)
    rotated = owner("POST", f"/admin/v1/keys/{made['id']}/rotate", {"overlap": "1h"}).expect(200).json()
    ask(made["id"], made["key"]).expect(200)
    ask(made["id"], rotated["key"]).expect(200)
    shown = owner("GET", f"/admin/v1/keys/{made['id']}").expect(200)
    equal(shown.json()["signing"], "required")
    true(rotated["key"] not in shown.text() and "secret" not in shown.text(), shown.text())
    plain = owner("POST", "/admin/v1/keys", {"name": "plain"}).expect(201).json()
    contains(owner("PATCH", f"/admin/v1/keys/{plain['id']}", {"signing": "on"}).expect(400).text(), "make a new key")
    database = b"".join(path.read_bytes() for path in Path(gateway.config["data"]).glob("*.db*"))
    true(made["key"].encode() not in database and rotated["key"].encode() not in database, "sealed")
    owner("PATCH", f"/admin/v1/keys/{made['id']}", {"signing": "off"}).expect(200)
    ask(made["id"], rotated["key"]).expect(401)
    owner("POST", f"/admin/v1/keys/{made['id']}/revoke").expect(200)

"""The master key: made, rotated, missing."""
import json
import os
import time

from cases.access import owner
from cases.signed_requests import SIGN, origin
from harness.runner import case, contains, equal, true
from harness.upstream import completion


def ask(gateway, key):
    with gateway.connect() as connection:
        return connection.get("/v1/models", [("authorization", f"Bearer {key}")]).status


@case
def a_new_master_key_keeps_every_credential(t):
    data = t.path("data")
    code, text = t.run("keys", "create", "laptop", "--data", data)
    equal(code, 0, text)
    key = next(line.split()[1] for line in text.splitlines() if line.startswith("key "))
    path = os.path.join(data, "master.key")
    equal(os.stat(path).st_mode & 0o777, 0o600, "the mode of master.key")
    upstream = t.upstream(lambda request, peer: peer.reply(completion("kept")))
    config = {"data": str(data), "providers": {"mine": {"base_url": upstream.url(), "models": ["m"]}}}
    gateway = t.gateway(config)
    owner(gateway, "PUT", "/admin/v1/providers/mine/key", {"key": "sk-kept-at-rest-0123"}).expect(200)
    secret = owner(gateway, "POST", "/admin/v1/keys", {"id": "robot", "signing": "required"}).expect(201).json()["key"]
    equal(gateway.stop(), 0)
    code, text = t.run("secrets", "rotate", "--data", data)
    equal(code, 0, text)
    gateway = t.gateway(config)
    equal(ask(gateway, key), 200, "with the new key and the old")
    equal(gateway.stop(), 0)
    with open(path) as file:
        new, old = file.read().split()
    # Without the old one: what is needed was sealed anew at that start.
    with open(path, "w") as file:
        file.write(new + "\n")
    gateway = t.gateway(config)
    equal(ask(gateway, key), 200, "with the new key alone")
    time.sleep(1.1)  # what was signed in the second of the start is refused
    body = json.dumps({"model": "mine/m", "messages": [{"role": "user", "content": "x"}]}).encode()
    with gateway.connect() as connection:
        signed = SIGN("POST", origin(gateway) + "/v1/chat/completions", {"content-type": "application/json"}, body, "robot", secret)
        connection.request("POST", "/v1/chat/completions", list(signed.items()), body).expect(200)
    contains(upstream.requests[0].raw_head, b"sk-kept-at-rest-0123", "the provider's key")
    equal([line["action"] for line in owner(gateway, "GET", "/admin/v1/audit").json()["data"] if line["action"].startswith("secrets")], ["secrets.reseal"])
    equal(gateway.stop(), 0)
    # Another key altogether: said, and nothing begins anew.
    with open(path, "w") as file:
        file.write(old + "\n")
    code, text = t.run("keys", "list", "--data", data)
    true(code != 0, text)
    contains(text, "the master key is not the one that the data was sealed with")
    os.chmod(path, 0o644)
    code, text = t.run("keys", "list", "--data", data)
    true(code != 0, text)
    contains(text, "others may read or change")

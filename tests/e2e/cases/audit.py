"""The audit log from outside: listed and verified beside a running gateway, and after somebody wrote to the file."""
import json
import re
import sqlite3
import subprocess

from harness.programs import BINARY, environment
from harness.runner import case, contains, equal, true

OWNER = "owner-key-0123456789abcdef0123456789"


def gateway_of(t):
    return t.gateway({"keys": [{"name": "root", "key": OWNER, "role": "owner"}]})


def ask(gateway, method, path, body=None, status=200):
    headers = [("authorization", f"Bearer {OWNER}"), ("content-type", "application/json")]
    with gateway.connect() as connection:
        return connection.request(method, path, headers, None if body is None else json.dumps(body).encode()).expect(status)


def data_of(gateway):
    return gateway.config_path.parent / "data"


def audit(gateway, *words):
    """(exit code, output) of `cardea audit …` on the gateway's data."""
    done = subprocess.run([str(BINARY), "audit", *words, "--data", str(data_of(gateway))], env=environment(gateway.folder, {}),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    return done.returncode, done.stdout


def changed(gateway):
    """Some changes; returns the secrets that were shown."""
    ask(gateway, "POST", "/admin/v1/teams", {"id": "blue", "models": ["twin/*"]}, 201)
    made = ask(gateway, "POST", "/admin/v1/keys", {"id": "laptop", "team": "blue"}, 201).json()
    rotated = ask(gateway, "POST", "/admin/v1/keys/laptop/rotate", {}).json()
    ask(gateway, "PATCH", "/admin/v1/teams/blue", {"models": ["twin/echo"]})
    ask(gateway, "DELETE", "/admin/v1/keys/laptop", None, 204)
    return [made["key"], rotated["key"]]


@case
def it_is_listed_beside_the_gateway_and_has_no_secrets(t):
    gateway = gateway_of(t)
    secrets = changed(gateway)
    code, text = audit(gateway, "list")
    equal(code, 0, text)
    equal([line.split()[4] for line in text.splitlines()[1:]], ["key.remove", "team.update", "key.rotate", "key.create", "team.create"], text)
    code, text = audit(gateway, "list", "--json", "--limit", "2", "--before", "5")
    equal(code, 0, text)
    lines = [json.loads(line) for line in text.splitlines()]
    equal([line["line"] for line in lines], [4, 3])
    equal((lines[0]["action"], lines[0]["target"], lines[0]["address"]), ("team.update", "team/blue", "127.0.0.1"), text)
    equal((lines[0]["before"]["models"], lines[0]["after"]["models"]), (["twin/*"], ["twin/echo"]), text)
    contains(lines[0]["actor"], "root")
    everything = audit(gateway, "list", "--json")[1]
    true(not any(secret in everything for secret in (*secrets, OWNER)), "a secret in the audit log")


@case
def it_shows_what_somebody_did_to_it(t):
    gateway = gateway_of(t)
    changed(gateway)
    code, text = audit(gateway, "verify")
    equal(code, 0, text)
    contains(text, "holds: 5 lines")
    head = re.search(r"head (\w{64})", text)[1]
    ask(gateway, "DELETE", "/admin/v1/teams/blue", None, 204)
    gateway.stop()
    code, text = audit(gateway, "verify", "--head", head)
    equal(code, 0, text)
    contains(text, "holds: 6 lines")
    with sqlite3.connect(data_of(gateway) / "cardea.db") as file:
        file.execute("DELETE FROM audit WHERE seq>=5")
    equal(audit(gateway, "verify")[0], 0, "nobody can know")
    code, text = audit(gateway, "verify", "--head", head)
    equal(code, 1, text)
    contains(text, "the end was cut off after line 4")
    with sqlite3.connect(data_of(gateway) / "cardea.db") as file:
        file.execute("UPDATE audit SET actor='somebody else' WHERE seq=2")
    code, text = audit(gateway, "verify")
    equal(code, 1, text)
    contains(text, "line 2 is not what was written")


@case
def a_damaged_store_is_refused_and_kept(t):
    gateway = gateway_of(t)
    changed(gateway)
    gateway.stop()
    path = data_of(gateway) / "cardea.db"
    with sqlite3.connect(path) as file:
        root = file.execute("SELECT rootpage FROM sqlite_schema WHERE name='records'").fetchone()[0]
    damaged = bytearray(path.read_bytes())
    damaged[(root - 1) * 4096:root * 4096] = b"\x7f" * 4096
    path.write_bytes(damaged)
    again = t.start_gateway(gateway.config)
    again.expect_exit = 2
    true(again.wait() != 0, again.output())
    contains(again.output(), "put back a copy, or move it away")
    equal(path.read_bytes(), bytes(damaged))

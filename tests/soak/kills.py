#!/usr/bin/env python3
"""kill -9 of the gateway at random instants while keys and teams are changed: nothing acknowledged is lost.

`kills.py --kills 200` by hand (`./dev kills`), `--kills 8` in CI (tests/e2e/cases/long_runs.py). The binary is $CARDEA_BIN or
build/dev/cardea. Clients make, change, rotate and remove keys and teams through the admin API. After each kill the audit log is
verified from the file, the gateway starts again on the same data, and everything is compared with what was answered: what was is
there in that version, keys admit or are refused, an unanswered change happened whole or not at all, and a request that is
repeated with its idempotency key comes to one key.
"""
import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
sys.dont_write_bytecode = True

from harness.client import Closed, Connection  # noqa: E402
from harness.programs import BINARY, Gateway  # noqa: E402

OWNER = "owner-key-0123456789abcdef0123456789"
CLIENTS = 4
# Things a client keeps at a time: all of them are looked at after each kill.
THINGS_MAX = 6
MILLISECONDS_MAX = 120


class Thing:
    """A key or a team as it was answered, and what an unanswered change may have made of it."""

    def __init__(self, kind, name):
        self.kind, self.name = kind, name
        self.version, self.title = 0, None  # 0: it is not there
        self.secret = None  # of a key
        self.refused = []  # secrets that admit no more
        self.pending = None  # (verb, body, idempotency key)

    def path(self):
        return f"/admin/v1/{self.kind}s/{self.name}"


class Client:
    """Changes its own things, one after the other, until the gateway dies."""

    def __init__(self, number, seed):
        self.number, self.random = number, random.Random(seed * 1000 + number)
        self.things, self.made, self.acknowledged, self.wrong = [], 0, 0, []

    def work(self, address):
        try:
            with Connection(address) as connection:
                while True:
                    self.change(connection)
        except (Closed, OSError):
            pass
        except Exception as error:  # noqa: BLE001: whatever it is, it is wrong
            self.wrong.append(repr(error))

    def ask(self, connection, method, path, body=None, again=None):
        headers = [("authorization", f"Bearer {OWNER}")]
        if body is not None:
            headers.append(("content-type", "application/json"))
        if again:
            headers.append(("idempotency-key", again))
        return connection.request(method, path, headers, None if body is None else json.dumps(body).encode())

    def change(self, connection):
        there = [thing for thing in self.things if thing.version]
        if not there or (len(there) < THINGS_MAX and self.random.random() < 0.4):
            self.made += 1
            kind = self.random.choice(["key", "key", "team"])
            thing = Thing(kind, f"{kind}-{self.number}-{self.made}")
            self.things.append(thing)
            return self.create(connection, thing)
        thing = self.random.choice(there)
        verbs = ["update", "update", "remove"] + (["rotate"] if thing.kind == "key" else [])
        return getattr(self, self.random.choice(verbs))(connection, thing)

    def create(self, connection, thing):
        title = f"t{self.random.randrange(10**6)}"
        body = {"id": thing.name, ("name" if thing.kind == "key" else "title"): title}
        thing.pending = ("create", body, f"make-{thing.name}")
        self.created(thing, self.ask(connection, "POST", f"/admin/v1/{thing.kind}s", body, thing.pending[2]).expect(201))

    def created(self, thing, answer):
        thing.title = thing.pending[1]["name" if thing.kind == "key" else "title"]
        thing.version, thing.secret = 1, answer.json().get("key")
        self.done(thing)

    def update(self, connection, thing):
        title = f"t{self.random.randrange(10**6)}"
        thing.pending = ("update", title, None)
        self.ask(connection, "PATCH", thing.path(), {("name" if thing.kind == "key" else "title"): title}).expect(200)
        thing.version, thing.title = thing.version + 1, title
        self.done(thing)

    def rotate(self, connection, thing):
        thing.pending = ("rotate", None, None)
        answer = self.ask(connection, "POST", thing.path() + "/rotate", {}).expect(200)
        thing.refused.append(thing.secret)
        thing.version, thing.secret = thing.version + 1, answer.json()["key"]
        self.done(thing)

    def remove(self, connection, thing):
        thing.pending = ("remove", None, None)
        self.ask(connection, "DELETE", thing.path()).expect(204)
        thing.version = 0
        if thing.secret:
            thing.refused.append(thing.secret)
        self.done(thing)

    def done(self, thing):
        thing.pending = None
        self.acknowledged += 1

    # ---- After a kill

    def look(self, connection):
        """All things of this client in the gateway that began again; those that are gone are forgotten."""
        for thing in self.things:
            if thing.pending and thing.pending[0] == "create":
                # Whether it happened or not: repeated, it comes to one key, and to its secret.
                self.created(thing, self.ask(connection, "POST", f"/admin/v1/{thing.kind}s", thing.pending[1], thing.pending[2]).expect(201))
            self.compare(connection, thing)
        self.things = [thing for thing in self.things if thing.version]

    def compare(self, connection, thing):
        answer = self.ask(connection, "GET", thing.path())
        version = int(answer.header("etag").strip('"')) if answer.status == 200 else 0
        title = answer.json()["name" if thing.kind == "key" else "title"] if version else None
        pending, thing.pending = thing.pending, None
        if pending and version != thing.version:
            verb, value, _ = pending
            thing.version = 0 if verb == "remove" else thing.version + 1
            thing.title = value if verb == "update" else thing.title
            if verb != "update" and thing.secret:
                thing.refused.append(thing.secret)
                thing.secret = None
        if version != thing.version or (version and title != thing.title):
            raise AssertionError(f"{thing.name}: version {version}, '{title}' is there, {thing.version}, '{thing.title}' was answered ({pending})")
        if thing.secret and thing.version:
            self.admitted(connection, thing.secret, 200)
        for secret in filter(None, thing.refused):
            self.admitted(connection, secret, 401)
        thing.refused.clear()

    @staticmethod
    def admitted(connection, secret, status):
        connection.request("GET", "/v1/key", [("authorization", f"Bearer {secret}")]).expect(status)


def verify(data, head):
    """(lines, head) of the audit log, which must hold and go on from `head`."""
    words = [str(BINARY), "audit", "verify", "--data", str(data), *(["--head", head] if head else [])]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"holds: (\d+) lines?\nhead (\w+)", done.stdout)
    if done.returncode == 0 and "is empty" in done.stdout:
        return 0, head
    if done.returncode != 0 or not found:
        raise AssertionError(f"cardea audit verify ended with {done.returncode}: {done.stdout}{done.stderr}")
    return int(found[1]), found[2]


def change_for(gateway, clients, milliseconds):
    """The gateway is dead behind it."""
    threads = [threading.Thread(target=client.work, args=(gateway.address,)) for client in clients]
    for thread in threads:
        thread.start()
    time.sleep(milliseconds / 1000)
    gateway.process.kill()
    for thread in threads:
        thread.join()


def whatever_was_wrong(clients):
    wrong = [text for client in clients for text in client.wrong]
    if wrong:
        raise AssertionError(wrong[:3])


def kills(count, seed, folder):
    chance = random.Random(seed)
    config = {"keys": [{"name": "owner", "key": OWNER, "role": "owner"}]}
    clients = [Client(number, seed) for number in range(CLIENTS)]
    lines, head, starts = 0, "", []
    for round_number in range(count + 1):
        begun = time.monotonic()
        (folder / "gateway/output.log").unlink(missing_ok=True)
        gateway = Gateway(folder / "gateway", config)
        try:
            gateway.ready()
            starts.append(time.monotonic() - begun)
            with gateway.connect() as connection:
                for client in clients:
                    client.look(connection)
            if round_number == count:
                gateway.stop()
                break
            change_for(gateway, clients, chance.uniform(0, MILLISECONDS_MAX))
        finally:
            gateway.process.kill()
            gateway.process.wait()
        whatever_was_wrong(clients)
        lines, head = verify(folder / "gateway/data", head)
        answered = sum(client.acknowledged for client in clients)
        if lines < answered:
            raise AssertionError(f"{answered} changes were answered, the audit log has {lines} lines")
    answered = sum(client.acknowledged for client in clients)
    verify(folder / "gateway/data", head)
    starts.sort()
    print(f"  {count} kills, {answered} changes answered, {lines} lines of the audit log, start {1000 * starts[len(starts) // 2]:.0f} ms")
    if answered < count:
        raise AssertionError("the clients came to nothing")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cardea-kills-") as folder:
        try:
            kills(options.kills, options.seed, Path(folder))
        except AssertionError as error:
            print(f"failed (--seed {options.seed}): {error}")
            sys.exit(1)
    print("1 passed, 0 failed")


main()

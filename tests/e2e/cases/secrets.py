"""The master key: made, rotated, missing."""
import os

from harness.runner import case, contains, equal, true


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
    code, text = t.run("secrets", "rotate", "--data", data)
    equal(code, 0, text)
    gateway = t.gateway({"data": str(data)})
    equal(ask(gateway, key), 200, "with the new key and the old")
    equal(gateway.stop(), 0)
    with open(path) as file:
        new, old = file.read().split()
    # Without the old one: what is needed was sealed anew at that start.
    with open(path, "w") as file:
        file.write(new + "\n")
    gateway = t.gateway({"data": str(data)})
    equal(ask(gateway, key), 200, "with the new key alone")
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

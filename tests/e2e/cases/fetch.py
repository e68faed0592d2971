"""Files that a request names by a URL: fetched through the egress guard where the model's provider wants their bytes."""
import base64
import json
import time

from harness.runner import case, contains, equal, true

from cases.draw import provider
from cases.media import png

KEY = "gateway-key-0123456789"
ANSWER = {"model": "m", "message": {"role": "assistant", "content": "A picture."}, "done": True, "done_reason": "stop"}


def at(server, target=""):
    return f"http://127.0.0.1:{server.address[1]}{target}"


def setup(t, site, **fetch):
    """A gateway whose one provider wants bytes (Ollama's form), and a web server on loopback."""
    web = t.upstream(site)
    model = t.upstream(lambda request, peer: peer.reply(ANSWER))
    gateway = t.gateway({"keys": [KEY], "fetch": fetch, "providers": {"local": {"dialect": "ollama", "base_url": at(model)}}})
    return web, model, gateway


def ask(gateway, *urls):
    parts = [{"type": "text", "text": "What is it?"}] + [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    body = {"model": "local/m", "messages": [{"role": "user", "content": parts}]}
    with gateway.connect() as connection:
        return connection.request("POST", "/v1/chat/completions", [("authorization", f"Bearer {KEY}"), ("content-type", "application/json")],
                                  json.dumps(body).encode())


def refused(answer, reason):
    equal(answer.status, 400, answer.text())
    error = answer.json()["error"]
    contains(error["message"], reason)
    equal(error["param"], "messages[0].content[1]")
    true("127.0.0.1" not in error["message"], "no address is told")


@case
def a_picture_by_url_arrives_as_bytes(t):
    picture = png(8, 8)
    web, model, gateway = setup(t, lambda request, peer: peer.reply(picture), allow=["127.0.0.1"])
    ask(gateway, at(web, "/a.png")).expect(200)
    equal(json.loads(model.requests[-1].body)["messages"][0]["images"], [base64.b64encode(picture).decode()])
    true(KEY.encode() not in web.requests[-1].raw_head, "no credential leaves the house")
    equal(web.requests[-1].header("authorization"), None)
    equal(web.requests[-1].header("cookie"), None)


@case
def what_is_not_public_is_never_connected_to(t):
    web, model, gateway = setup(t, lambda request, peer: peer.reply(png()))
    port = web.address[1]
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "169.254.169.254", "10.0.0.1"):
        refused(ask(gateway, f"http://{host}:{port}/"), "it cannot be reached at a public address")
    for host in ("127.1", "2130706433", "0x7f000001", "0177.0.0.1"):
        refused(ask(gateway, f"http://{host}:{port}/"), "its host is no address in the usual form")
    refused(ask(gateway, f"http://user:pass@localhost:{port}/"), "it holds a user or a password")
    refused(ask(gateway, "file:///etc/passwd"), "images must come as bytes")
    equal((len(web.requests), len(model.requests)), (0, 0))
    contains(gateway.wait_for_event("upstream_failed")["reason"], "its address is not public")


@case
def a_redirect_is_judged_like_any_address(t):
    web, model, gateway = setup(t, lambda request, peer: peer.reply(b"", status=302, headers=[("location", "http://10.0.0.1/in")]),
                                allow=["127.0.0.1"])
    refused(ask(gateway, at(web, "/")), "it cannot be reached at a public address")
    equal(len(web.requests), 1)
    equal(len(model.requests), 0)


@case
def slow_large_and_wrong_files_are_the_callers_error(t):
    def site(request, peer):
        if request.target == "/large":
            peer.reply(b"x" * 5000)
        elif request.target == "/page":
            peer.reply(b"<html>not a picture</html>", headers=[("content-type", "image/png")])
        elif request.target == "/cut":
            peer.reply(png()[:-4])
        else:
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            for _ in range(60):
                peer.send(b"x")
                time.sleep(0.02)

    web, model, gateway = setup(t, site, allow=["127.0.0.0/8"], bytes_max=4096, time="500ms")
    refused(ask(gateway, at(web, "/large")), "it is larger than 4096 bytes")
    refused(ask(gateway, at(web, "/page")), "does not begin as any image")
    refused(ask(gateway, at(web, "/cut")), "is cut")
    refused(ask(gateway, at(web, "/drip")), "it did not come within 500 ms")
    equal(len(model.requests), 0)
    ask(gateway, "data:image/png;base64," + base64.b64encode(png()).decode()).expect(200)


@case
def files_are_kept_as_long_as_their_server_allows(t):
    web, model, gateway = setup(t, lambda request, peer: peer.reply(png(), headers=[("cache-control", "max-age=60")]),
                                allow=["127.0.0.1"])
    for _ in range(3):
        ask(gateway, at(web, "/kept.png")).expect(200)
    # One of each worker at most.
    true(len(web.requests) <= 3, "a fresh file is not asked for again")
    equal(len(model.requests), 3)


@case
def a_picture_to_edit_may_be_a_url(t):
    web = t.upstream(lambda request, peer: peer.reply(png(16, 16)))
    gateway = t.gateway({"fetch": {"allow": ["127.0.0.1"]}, "providers": {"sdapi": provider("twin:", "sdapi")}})
    body = {"model": "sdapi/twin-1", "prompt": "a hat", "images": [{"image_url": at(web, "/hat.png")}], "response_format": "b64_json"}
    with gateway.connect() as connection:
        said = connection.request("POST", "/v1/images/edits", [("content-type", "application/json")], json.dumps(body).encode()).expect(200)
        true(base64.b64decode(said.json()["data"][0]["b64_json"]).startswith(b"\x89PNG"), "a picture comes back")
        body["images"][0]["image_url"] = f"http://[::ffff:127.0.0.1]:{web.address[1]}/hat.png"
        said = connection.request("POST", "/v1/images/edits", [("content-type", "application/json")], json.dumps(body).encode())
        equal(said.status, 400)
        contains(said.json()["error"]["message"], "it cannot be reached at a public address")
    equal([request.header("authorization") for request in web.requests], [None] * len(web.requests))

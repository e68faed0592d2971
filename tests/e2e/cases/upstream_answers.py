"""Answers that are wrong, answers that are errors, and the connections they come on."""
import gzip
import json
import socket
import threading
import time

from harness.client import Stream, text_of
from harness.runner import case, contains, equal, lacks, true
from harness.upstream import Peer, chunk, completion, event, usage_event
from harness.upstream_cases import PLAIN, SECRET, STREAM, broken, config, refused


def raw(t, *parts, close=True):
    """An upstream that answers each request with these bytes."""
    def handler(request, peer):
        for part in parts:
            peer.send(part)
        if close:
            peer.close()
            return "close"
        return None
    return t.upstream(handler)


# ---- Wrong answers ----------------------------------------------------------------------------------------------------------


@case
def errors_that_say_200(t):
    def handler(request, peer):
        which = json.loads(request.body)["user"]
        quoted = {"error": {"message": f"bad key {SECRET} given", "type": "server_error", "param": None, "code": None}}
        if which == "body":
            peer.reply(quoted)
        elif which == "empty":
            peer.reply(completion("x", choices=[]))
        elif which == "first event":
            peer.begin_stream()
            peer.chunk(event(quoted))
            peer.end_stream()
        elif which == "later event":
            peer.begin_stream()
            peer.chunk(event(chunk({"content": "so far"})))
            peer.chunk(event(quoted))
            peer.chunk("data: [DONE]\n\n")
            peer.end_stream()
        elif which == "empty stream":
            peer.begin_stream()
            peer.end_stream()
        elif which == "done only":
            peer.begin_stream()
            peer.chunk("data: [DONE]\n\n")
            peer.end_stream()

    gateway = t.gateway(config(t.upstream(handler).url()))
    for which in ("body", "empty"):
        refused(gateway.chat({**PLAIN, "user": which}), 502)
    for which in ("first event", "empty stream", "done only"):
        refused(gateway.chat({**STREAM, "user": which}), 502)
    with gateway.connect() as connection:
        equal(text_of(broken(Stream(connection, {**STREAM, "user": "later event"}))), "so far")
    lacks(gateway.output(), SECRET, "the log")


@case
def answers_that_are_not_json(t):
    for body in (b"", b"{", b"null", b"[]", b"<html>oops</html>", b'{"choices":[}', b'{"choices":[{}]} trailing', b"\xff\xfe\x00"):
        upstream = t.upstream(lambda request, peer, body=body: peer.reply(body))
        refused(t.gateway(config(upstream.url())).chat(PLAIN), 502)
        if len(t.programs) > 3:
            t.programs[-1].stop()


@case
def events_that_are_not_json(t):
    for bad in ("data: {broken\n\n", "data: [1,2]\n\n", 'data: "text"\n\n', 'data: {"choices":[{"delta":{"content":"hal\n\n'):
        def handler(request, peer, bad=bad):
            peer.begin_stream()
            peer.chunk(event(chunk({"content": "good"})))
            peer.chunk(bad)
            peer.chunk(event(chunk({"content": "never"})))
            peer.chunk("data: [DONE]\n\n")
            peer.end_stream()
        gateway = t.gateway(config(t.upstream(handler).url()))
        with gateway.connect() as connection:
            stream = Stream(connection, STREAM)
            said = text_of(broken(stream))
            equal(said, "good", repr(bad))


@case
def answers_that_are_not_http(t):
    ok = json.dumps(completion("x")).encode()
    length = b"Content-Length: %d\r\n" % len(ok)
    kind = b"Content-Type: application/json\r\n"
    for bad in (b"nonsense\r\n\r\n", b"HTTP/2.0 200 OK\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n" + length + b"\r\n" + ok,
                b"HTTP/1.1 200 OK\r\n" + kind + length + b"Content-Length: 5\r\n\r\n" + ok,
                b"HTTP/1.1 200 OK\r\n" + kind + length + b"Transfer-Encoding: chunked\r\n\r\n" + ok,
                b"HTTP/1.1 200 OK\r\n" + kind + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                b"HTTP/1.1 200 OK\r\n" + kind + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + ok,
                b"HTTP/1.1 200 OK\r\n" + kind + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + ok,
                b"HTTP/1.1 200 OK\r\n" + kind + b"Content-Length: -1\r\n\r\n" + ok,
                b"HTTP/1.1 200 OK\r\n" + b"x-filler: " + b"y" * 300_000 + b"\r\n" + length + b"\r\n" + ok,
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
                b"HTTP/1.1 204 No Content\r\n\r\n"):
        upstream = raw(t, bad)
        gateway = t.gateway(config(upstream.url(), workers=1))
        answer = gateway.chat(PLAIN)
        equal(answer.status, 502, f"{bad[:80]!r}: {answer.body[:200]!r}")
        answer.error()
        gateway.stop()


@case
def an_early_hint_is_passed_over(t):
    ok = json.dumps(completion("fine"))
    upstream = raw(t, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                      f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(ok)}\r\n\r\n{ok}", close=False)
    equal(t.gateway(config(upstream.url())).chat(PLAIN).expect(200).content(), "fine")


@case
def redirects_are_not_followed(t):
    elsewhere = t.upstream(lambda request, peer: peer.reply(completion("stolen")))
    for status in (301, 302, 303, 307, 308, 300, 304):
        upstream = t.upstream(lambda request, peer, status=status: peer.reply("", status, [("Location", elsewhere.url() + "/chat/completions")]))
        gateway = t.gateway(config(upstream.url(), workers=1))
        answer = gateway.chat(PLAIN)
        equal((answer.status, answer.header("location")), (502, None), f"{status}: {answer.body!r}")
        gateway.stop()
    equal(elsewhere.requests, [], "requests at the other place")


@case
def compressed_answers_are_not_mistaken(t):
    packed = gzip.compress(json.dumps(completion("packed")).encode())
    upstream = t.upstream(lambda request, peer: peer.reply(packed, 200, [("Content-Encoding", "gzip")]))
    answer = t.gateway(config(upstream.url())).chat(PLAIN)
    if answer.status == 200:
        body = gzip.decompress(answer.body) if answer.header("content-encoding") == "gzip" else answer.body
        equal(json.loads(body)["choices"][0]["message"]["content"], "packed")
    else:
        refused(answer, 502)


@case
def sizes_are_bounded(t):
    limits = {"response_bytes": "256KiB", "sse_event_bytes": "64KiB"}

    def handler(request, peer):
        which = json.loads(request.body)["user"]
        if which == "whole":
            peer.reply(completion("x" * 300_000))
        elif which == "endless":
            peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                peer.chunk(b" " * 65536)
        elif which == "event":
            peer.begin_stream()
            peer.chunk(event(chunk({"content": "first"})))
            peer.chunk(event(chunk({"content": "x" * 100_000})))
            peer.end_stream()
        elif which == "line":
            peer.begin_stream()
            peer.chunk(event(chunk({"content": "first"})))
            peer.chunk("data: {")
            while True:
                peer.chunk(b"x" * 65536)
        else:
            peer.begin_stream()
            peer.chunk(event(chunk({"content": "y" * 60_000})))
            peer.chunk("data: [DONE]\n\n")
            peer.end_stream()

    gateway = t.gateway(config(t.upstream(handler).url(), limits=limits))
    for which in ("whole", "endless"):
        refused(gateway.chat({**PLAIN, "user": which}), 502)
    for which in ("event", "line"):
        with gateway.connect() as connection:
            equal(text_of(broken(Stream(connection, {**STREAM, "user": which}))), "first", which)
    with gateway.connect() as connection:
        equal(len(text_of(Stream(connection, {**STREAM, "user": "fits"}).rest())), 60_000)
    true(gateway.rss_kib() < 120_000, f"resident memory grew to {gateway.rss_kib()} KiB")


# ---- Their errors, in our words ---------------------------------------------------------------------------------------------


def their_error(message, kind="invalid_request_error", param=None, code=None):
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


@case
def errors_keep_their_class(t):
    def handler(request, peer):
        status = int(json.loads(request.body)["user"])
        peer.reply(their_error(f"about {SECRET}: no", param="top_p", code="bad_value"), status, [("Retry-After", "7")])

    upstream = t.upstream(handler)
    gateway = t.gateway(config(upstream.url()))
    for status, seen in ((400, 400), (404, 404), (409, 409), (413, 413), (422, 422), (429, 429), (500, 502), (501, 502), (502, 502), (503, 503),
                         (504, 504), (529, 503), (401, 502), (403, 502)):
        for body in (PLAIN, STREAM):
            answer = gateway.chat({**body, "user": str(status)})
            error = refused(answer, seen)
            equal(answer.header("retry-after"), "7", f"retry-after of {status}")
            if seen == status and status < 500:
                equal((error["param"], error["code"]), ("top_p", "bad_value"), f"what {status} said")
    equal(len(upstream.requests), 28, "requests: each went out once")
    lacks(gateway.output(), SECRET, "the log")


@case
def a_refused_gateway_key_is_not_the_clients_trouble(t):
    def handler(request, peer):
        peer.reply(their_error("Incorrect API key provided: sk-upst****8d1f.", "invalid_request_error", None, "invalid_api_key"), 401)
    gateway = t.gateway(config(t.upstream(handler).url()))
    answer = gateway.chat(PLAIN)
    error = refused(answer, 502, "upstream_auth")
    lacks(answer.text(), "8d1f", "the error")
    equal(answer.header("www-authenticate"), None)
    contains(error["message"], "key")


@case
def errors_of_any_shape_become_ours(t):
    for body, kind in ((b"", "text/plain"), (b"upstream says no " + SECRET.encode(), "text/plain"), (b"<html><h1>502</h1></html>", "text/html"),
                       (b'{"message":"flat"}', "application/json"), (b'{"error":"a string"}', "application/json"), (b"{", "application/json"),
                       (b'{"detail":[{"msg":"x"}]}', "application/json"), (b"x" * 2_000_000, "text/plain"),
                       (b'{"error":{"message":"sk-upstream\\u002dcanary-8d1f"}}', "application/json")):
        upstream = t.upstream(lambda request, peer, body=body, kind=kind: peer.reply(body, 400, [], kind))
        gateway = t.gateway(config(upstream.url(), workers=1))
        answer = gateway.chat(PLAIN)
        equal(answer.header("content-type"), "application/json", repr(body[:40]))
        error = answer.expect(400).json()["error"]
        true(error["message"] and len(answer.body) < 100_000, f"{body[:40]!r} became {answer.body[:100]!r}")
        lacks(answer.text(), SECRET, repr(body[:40]))
        gateway.stop()


# ---- Connections ------------------------------------------------------------------------------------------------------------


@case
def connections_are_used_again(t):
    upstream = t.upstream(lambda request, peer: peer.reply(completion(str(peer.number))))
    gateway = t.gateway(config(upstream.url(), workers=1))
    with gateway.connect() as connection:
        equal({connection.chat(PLAIN).expect(200).content() for _ in range(10)}, {"0"}, "connections used")


@case
def a_stale_connection_is_no_failure(t):
    """An upstream that closes idle connections must cost nobody a request."""
    def handler(request, peer):
        peer.reply(completion(str(peer.number)))
        peer.close()
        return "close"
    gateway = t.gateway(config(t.upstream(handler).url(), workers=1))
    with gateway.connect() as connection:
        for number in range(20):
            equal(connection.chat(PLAIN).expect(200).content(), str(number))


@case
def a_connection_that_dies_as_it_is_used(t):
    """It was open when it was taken from the pool and closed before the first byte: a new one is tried once."""
    def handler(request, peer):
        if peer.number == 0 and len(upstream.requests) == 2:
            peer.reset()
            return "close"
        peer.reply(completion(str(peer.number)))
        return None
    upstream = t.upstream(handler)
    gateway = t.gateway(config(upstream.url(), workers=1))
    with gateway.connect() as connection:
        connection.chat(PLAIN).expect(200)
        second = connection.chat(PLAIN)
        # The upstream had the request in its hands: trying again could do the work twice, so both outcomes are honest.
        true(second.status in (200, 502), f"status {second.status}")
        connection.chat(PLAIN).expect(200)


@case
def bytes_nobody_asked_for(t):
    """What an upstream says between two answers is never the answer to the next request."""
    poison = json.dumps(completion("poison"))
    poison = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(poison)}\r\n\r\n{poison}"
    late = threading.Event()
    t.cleanups.append(late.set)

    def handler(request, peer):
        if json.loads(request.body).get("user") == "at once":
            body = json.dumps(completion(f"clean {peer.number}"))
            peer.send(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}{poison}")
        else:
            peer.reply(completion(f"clean {peer.number}"))
            if json.loads(request.body).get("user") == "later":
                time.sleep(0.1)
                peer.send(poison)
                late.set()

    upstream = t.upstream(handler)
    gateway = t.gateway(config(upstream.url(), workers=1))
    with gateway.connect() as first, gateway.connect() as second:
        for _ in range(5):
            contains(first.chat({**PLAIN, "user": "at once"}).expect(200).content(), "clean")
            contains(second.chat(PLAIN).expect(200).content(), "clean")
        for _ in range(3):
            late.clear()
            contains(first.chat({**PLAIN, "user": "later"}).expect(200).content(), "clean")
            late.wait(5)
            contains(second.chat(PLAIN).expect(200).content(), "clean")


@case
def trailing_bytes_of_the_twin(t):
    gateway = t.gateway({"providers": {"twin": {"base_url": t.twin().url()}}, "workers": 1})
    ask = lambda word, headers=(): gateway.chat({"model": "twin/echo", "messages": [{"role": "user", "content": word}]}, headers)
    for number in range(5):
        equal(ask(f"first {number}", [("x-twin-trailing-bytes", "500")]).expect(200).content(), f"first {number}")
        time.sleep(0.05)  # the bytes come after the answer; what comes after the next request could not be told from its answer
        equal(ask(f"second {number}").expect(200).content(), f"second {number}")


@case
def an_answer_before_the_body_is_sent(t):
    class Early(Peer):
        def read_request(self):
            self.socket.recv(100)
            self.reply(their_error("too large for us"), 413)
            self.close()

    upstream = t.upstream(None, peer=Early)
    big = {**PLAIN, "messages": [{"role": "user", "content": "x" * 20_000_000}]}
    answer = t.gateway(config(upstream.url())).chat(big)
    # The close may have destroyed the answer on its way; a clear error it is in any case.
    true(answer.status in (413, 502), f"status {answer.status}")
    answer.error()


@case
def other_requests_do_not_notice(t):
    """One upstream that hangs and one that floods slow nobody else on the same worker."""
    stop = threading.Event()
    t.cleanups.append(stop.set)

    def handler(request, peer):
        which = json.loads(request.body).get("user")
        if which == "hang":
            stop.wait(10)
            return "close"
        if which == "flood":
            peer.begin_stream()
            peer.chunk("data: {")
            while not stop.is_set():
                peer.chunk(b"x" * 65536)
            return "close"
        peer.reply(completion("quick"))
        return None

    gateway = t.gateway(config(t.upstream(handler).url(), workers=1, timeouts={"first_byte": "10s"}, limits={"sse_event_bytes": "64MiB"}))
    busy = [gateway.connect() for _ in range(4)]
    for connection, which in zip(busy, ("hang", "hang", "flood", "hang")):
        connection.send_chat({**(STREAM if which == "flood" else PLAIN), "user": which})
    slowest = 0.0
    with gateway.connect() as connection:
        for _ in range(50):
            started = time.monotonic()
            connection.chat(PLAIN).expect(200)
            slowest = max(slowest, time.monotonic() - started)
    stop.set()
    for connection in busy:
        connection.close()
    true(slowest < 1.0, f"an answer took {slowest:.2f} s")


@case
def usage_chunk_then_cut(t):
    """The usage came, [DONE] did not: still a broken stream."""
    def handler(request, peer):
        peer.begin_stream()
        for one in (event(chunk({"content": "x"})), event(chunk({}, "stop")), usage_event()):
            peer.chunk(one)
        peer.end_stream()
    gateway = t.gateway(config(t.upstream(handler).url()))
    with gateway.connect() as connection:
        stream = Stream(connection, STREAM)
        broken(stream)
        line = gateway.request_line(stream.response.header("x-request-id"))
        equal((line["output_tokens"], line["error"]), (5, "upstream_reset"))

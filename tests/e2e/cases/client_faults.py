"""Every fault a client can have: it costs nobody else anything, its upstream is let go, and nothing is left behind."""
import json
import socket
import threading
import time

from harness.client import Closed, Connection, Stream
from harness.programs import wait_until
from harness.runner import case, contains, equal, true
from harness.upstream import chunk, completion, event

PLAIN = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
STREAM = {**PLAIN, "stream": True}
TWIN = {"model": "twin/echo", "messages": [{"role": "user", "content": "x"}]}
# Cancelling an upstream is promised within a second.
LET_GO_SECONDS = 1.0


def config(upstream, **more):
    return {"models": [{"name": "m", "endpoint": upstream.url()}], **more}


def let_go(t, body, say):
    """How soon the upstream's connection is closed after the client's is. `say(peer)`: what the upstream does first."""
    waiting, gone = threading.Event(), []

    def handler(request, peer):
        say(peer)
        waiting.set()
        gone.append(peer.wait_closed(10))
        return "close"

    gateway = t.gateway(config(t.upstream(handler)))
    for end in ("close", "reset"):
        waiting.clear()
        gone.clear()
        connection = gateway.connect().send_chat(body)
        true(waiting.wait(10), "the request did not arrive")
        left_at = time.monotonic()
        connection.reset() if end == "reset" else connection.close()
        wait_until(lambda: gone, "the upstream's connection closed")
        true(gone[0] is not None, "the upstream was not let go")
        true(gone[0] - left_at < LET_GO_SECONDS, f"let go after {gone[0] - left_at:.2f} s ({end})")
    gateway.wait_idle()
    wait_until(lambda: sum(line.get("error") == "client_closed" for line in gateway.events("request")) == 2, "both aborts in the log")


@case
def abort_before_the_first_byte(t):
    let_go(t, PLAIN, lambda peer: None)


@case
def abort_before_the_first_event(t):
    let_go(t, STREAM, lambda peer: peer.begin_stream())


@case
def abort_amid_a_stream(t):
    def say(peer):
        peer.begin_stream()
        peer.chunk(event(chunk({"content": "x"})))
    let_go(t, STREAM, say)


@case
def abort_amid_a_body(t):
    upstream = t.upstream(lambda request, peer: peer.reply(completion("x")))
    gateway = t.gateway(config(upstream))
    for _ in range(5):
        connection = gateway.connect()
        connection.send(connection.format("POST", "/v1/chat/completions", [("Content-Length", "1000")]) + b'{"model":"m"')
        connection.reset()
    gateway.wait_idle()
    equal(upstream.requests, [], "requests that went out")


@case
def a_stream_of_the_twin_is_aborted(t):
    gateway = t.gateway()
    for _ in range(3):
        with gateway.connect() as connection:
            stream = Stream(connection, {**TWIN, "model": "twin/lorem", "stream": True}, [("x-twin-inter-token-ms", "50")])
            stream.next()
    gateway.wait_idle()


@case
def half_close_is_not_a_goodbye(t):
    gateway = t.gateway()
    with gateway.connect() as connection:
        connection.send_chat(TWIN)
        connection.socket.shutdown(socket.SHUT_WR)
        equal(connection.response().expect(200).content(), "x")
        true(connection.closed(), "the connection stays open")


@case
def slow_heads_and_bodies_time_out(t):
    gateway = t.gateway({"timeouts": {"header": "400ms", "body": "400ms", "idle": "600ms"}})
    started = time.monotonic()
    slow = [gateway.connect().send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nx-") for _ in range(20)]
    body = gateway.connect().send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    idle = gateway.connect()
    for connection in slow:
        try:
            connection.response().expect(408)
        except Closed:
            pass
        true(connection.closed(5), "a slow head keeps its connection")
    body.response().expect(408).error()
    true(body.closed(5), "a slow body keeps its connection")
    true(idle.closed(5), "an idle connection stays")
    true(time.monotonic() - started < 8, "the time-outs came late")
    for connection in (*slow, body, idle):
        connection.close()
    # A byte now and then does not prolong a head's time.
    with gateway.connect() as connection:
        started = time.monotonic()
        try:
            connection.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
            while time.monotonic() - started < 5:
                connection.send(b"x: y\r\n")
                connection.socket.settimeout(0.1)
                try:
                    if not connection.socket.recv(1000):
                        break
                except socket.timeout:
                    continue
        except OSError:
            pass
        true(time.monotonic() - started < 3, "dripping bytes keeps a connection")


@case
def a_slow_reader_slows_its_own_upstream(t):
    sent, stuck, stop = [0], threading.Event(), threading.Event()
    t.cleanups.append(stop.set)
    piece = event(chunk({"content": "y" * 8000})).encode()

    def handler(request, peer):
        if json.loads(request.body).get("user") == "quick":
            peer.reply(completion("quick"))
            return None
        peer.begin_stream()
        peer.socket.settimeout(1.0)
        try:
            while not stop.is_set() and sent[0] < 200_000_000:
                peer.chunk(piece)
                sent[0] += len(piece)
        except socket.timeout:
            stuck.set()
        return "close"

    gateway = t.gateway(config(t.upstream(handler), workers=1))
    with gateway.connect() as warm:
        warm.chat({**PLAIN, "user": "quick"}).expect(200)
    before = gateway.rss_kib()
    connection = Connection(gateway.address, receive_buffer=16384)
    connection.send_chat(STREAM)
    connection.head()
    true(stuck.wait(30), f"the upstream was never held back: it sent {sent[0]} bytes")
    true(sent[0] < 40_000_000, f"{sent[0]} bytes went into buffers")
    grown = gateway.rss_kib() - before
    true(grown < 8_000, f"resident memory grew by {grown} KiB for one slow reader")
    gateway.chat({**PLAIN, "user": "quick"}).expect(200)
    connection.close()
    stop.set()
    gateway.wait_idle()


@case
def a_reader_that_reads_late_gets_everything(t):
    pieces = [event(chunk({"content": f"{i} " + "z" * 2000})) for i in range(3000)]

    def handler(request, peer):
        peer.begin_stream()
        for piece in pieces:
            peer.chunk(piece)
        peer.chunk("data: [DONE]\n\n")
        peer.end_stream()

    gateway = t.gateway(config(t.upstream(handler), workers=1))
    with Connection(gateway.address, receive_buffer=16384) as connection:
        connection.send_chat(STREAM)
        response = connection.head()
        time.sleep(0.5)  # the reader's slowness is the point
        body = b"".join(connection.pieces(response))
    true(body == "".join(pieces).encode() + b"data: [DONE]\n\n", "bytes were lost or changed")


@case
def pipelined_requests_are_answered_in_order(t):
    gateway = t.gateway()
    with gateway.connect() as connection:
        out = b""
        for number in range(30):
            body = json.dumps({**TWIN, "stream": number % 5 == 4, "messages": [{"role": "user", "content": f"number {number}"}]}).encode()
            out += connection.format("POST", "/v1/chat/completions", [], body)
            out += connection.format("GET", "/livez")
        connection.send(out)
        for number in range(30):
            answer = connection.response().expect(200)
            contains(answer.text().replace("\\n", ""), f"number {number}" if number % 5 != 4 else f"{number}", "order")
            equal(connection.response().expect(200).json(), {"status": "ok"})


@case
def a_byte_at_a_time(t):
    gateway = t.gateway()
    with gateway.connect() as connection:
        for byte in connection.format("POST", "/v1/chat/completions", [], json.dumps(TWIN).encode()):
            connection.send(bytes([byte]))
        equal(connection.response().expect(200).content(), "x")


@case
def connections_have_a_cap(t):
    gateway = t.gateway({"limits": {"connections": 10}, "workers": 1})
    kept = []
    for _ in range(9):
        connection = gateway.connect()
        connection.get("/livez").expect(200)
        kept.append(connection)
    turned_away = 0
    for _ in range(10):
        connection = gateway.connect()
        kept.append(connection)
        try:
            connection.get("/livez")
        except (Closed, OSError):
            turned_away += 1
    true(turned_away >= 8, f"only {turned_away} of 10 above the cap were turned away")
    kept[0].get("/livez").expect(200)
    for connection in kept:
        connection.close()
    wait_until(lambda: try_once(gateway), "room after the others left")


def try_once(gateway):
    try:
        with gateway.connect() as connection:
            return connection.get("/livez").status == 200
    except (Closed, OSError):
        return False


@case
def nothing_is_left_behind(t):
    """After every kind of fault the descriptors, the gauges and the memory are where they were."""
    def handler(request, peer):
        which = json.loads(request.body).get("user")
        if which == "reset":
            peer.reset()
            return "close"
        if which == "hang":
            peer.wait_closed(10)
            return "close"
        if json.loads(request.body).get("stream"):
            peer.begin_stream()
            peer.chunk(event(chunk({"content": "x"})))
            if which == "cut":
                peer.close()
                return "close"
            peer.chunk("data: [DONE]\n\n")
            peer.end_stream()
        else:
            peer.reply(completion("x"))
        return None

    gateway = t.gateway({**config(t.upstream(handler)), "timeouts": {"first_byte": "200ms"}, "upstream": {"idle": "1s"}})

    def round_of_faults():
        for which in ("reset", "hang", "cut", "", "", "abort", "abort early", "bad", "json"):
            with gateway.connect() as connection:
                try:
                    if which == "abort":
                        Stream(connection, {**STREAM, "user": "x"}).next()
                        connection.reset()
                    elif which == "abort early":
                        connection.send_chat({**PLAIN, "user": "hang"})
                        connection.reset()
                    elif which == "bad":
                        connection.send(b"\x16\x03\x01garbage\r\n\r\n")
                        connection.response()
                    elif which == "json":
                        connection.chat(b"{")
                    else:
                        connection.chat({**(STREAM if which == "cut" else PLAIN), "user": which})
                except Closed:
                    pass

    def settled():
        with gateway.connect() as connection:
            text = connection.get("/metrics").expect(200).text()
            quiet = "cardea_in_flight_requests 1\n" in text and "cardea_client_connections 1\n" in text
        return quiet and gateway.fds()

    round_of_faults()
    time.sleep(1.2)  # idle upstream connections are kept for 1 s
    fds = wait_until(settled, "quiet after the first round")
    for _ in range(10):
        round_of_faults()
    time.sleep(1.2)
    wait_until(lambda: (settled() or 10**6) <= fds, f"descriptors back to {fds} (now {gateway.fds()})", 10)

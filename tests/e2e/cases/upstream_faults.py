"""Every fault an upstream can have, and what the client gets of it: a proper error in its own dialect, at once, and nothing else."""
import json
import socket
import threading
import time

from harness.client import Stream, text_of
from harness.runner import case, contains, equal, lacks, true
from harness.upstream import Peer, chunk, completion, event
from harness.upstream_cases import PLAIN, QUICK, SECRET, STREAM, TIMEOUT_SECONDS, broken, config, refused, soon_after

# ---- Not reached ------------------------------------------------------------------------------------------------------------


@case(alone=True)
def refused_connection(t):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    gateway = t.gateway(config(f"http://127.0.0.1:{port}/v1"))
    soon_after(0, lambda: refused(gateway.chat(PLAIN), 502, "upstream_unreachable"))
    soon_after(0, lambda: refused(gateway.chat(STREAM), 502, "upstream_unreachable"))


@case(alone=True)
def black_hole(t):
    # A listener whose queue is full: the kernel drops further SYNs.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        gateway = t.gateway(config("http://127.0.0.1:%d/v1" % listener.getsockname()[1]))
        soon_after(TIMEOUT_SECONDS, lambda: refused(gateway.chat(PLAIN), 504, "upstream_timeout"))
        for filler in fillers:
            filler.close()


@case
def an_address_of_the_inside_stays_inside(t):
    """A registry model has an endpoint instead of a provider's name; its errors do not give it away."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    gateway = t.gateway({"models": [{"name": "m", "endpoint": f"http://127.0.0.1:{port}"}]})
    refused(gateway.chat(PLAIN), 502, "upstream_unreachable")
    with gateway.connect() as connection:
        listing = connection.get("/v1/models").expect(200)
    lacks(listing.text(), str(port), "the list of models")
    equal({m["id"]: m["owned_by"] for m in listing.json()["data"] if m["id"] in ("m", "twin/echo")}, {"m": "registry", "twin/echo": "twin"}, "owners")


@case
def unknown_host(t):
    gateway = t.gateway(config("http://no-such-host.invalid/v1"))
    answer = gateway.chat(PLAIN)
    true(answer.status in (502, 504), f"status {answer.status}")
    answer.error()


@case
def no_tls_at_a_tls_address(t):
    class Plain(Peer):
        def read_request(self):
            seen.append(self.socket.recv(10_000))
            self.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            self.close()

    seen = []
    upstream = t.upstream(None, peer=Plain)
    gateway = t.gateway(config(upstream.url().replace("http:", "https:"), timeouts={"connect": "5s"}))
    refused(gateway.chat(PLAIN), 502, "upstream_tls")
    true(seen and not any(b"POST" in data or SECRET.encode() in data for data in seen), "a request byte was sent in the clear")


# ---- Silence ----------------------------------------------------------------------------------------------------------------


@case(alone=True)
def hang_before_the_head(t):
    seen = []

    def handler(request, peer):
        seen.append(peer)
        return "close"

    gateway = t.gateway(config(t.upstream(handler).url()))
    soon_after(TIMEOUT_SECONDS, lambda: refused(gateway.chat(PLAIN), 504, "upstream_timeout"))
    soon_after(TIMEOUT_SECONDS, lambda: refused(gateway.chat(STREAM), 504, "upstream_timeout"))
    for peer in seen:
        true(peer.wait_closed(1.0), "the hanging connection was kept")


@case(alone=True)
def hang_after_the_head(t):
    def handler(request, peer):
        peer.begin_stream()
        return "close"
    gateway = t.gateway(config(t.upstream(handler).url()))
    # Nothing was said to the client yet, so it gets a proper status.
    soon_after(TIMEOUT_SECONDS, lambda: refused(gateway.chat(STREAM), 504, "upstream_timeout"))

    def half(request, peer):
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        return "close"
    gateway = t.gateway(config(t.upstream(half).url()))
    soon_after(TIMEOUT_SECONDS, lambda: refused(gateway.chat(PLAIN), 504, "upstream_timeout"))


@case(alone=True)
def hang_amid_a_stream(t):
    def handler(request, peer):
        peer.begin_stream()
        peer.chunk(event(chunk({"content": "before"})))
        return "close"
    gateway = t.gateway(config(t.upstream(handler).url()))

    def once():
        with gateway.connect() as connection:
            equal(text_of(broken(Stream(connection, STREAM))), "before")
    soon_after(TIMEOUT_SECONDS, once)


@case
def comments_are_no_tokens(t):
    stopped = threading.Event()
    t.cleanups.append(stopped.set)

    def handler(request, peer):
        peer.begin_stream()
        while not stopped.wait(0.05):
            peer.chunk(": still thinking\n\n")

    gateway = t.gateway(config(t.upstream(handler).url(), timeouts={**QUICK, "first_byte": "1s", "inter_chunk": "1s"}))
    with gateway.connect() as connection:
        started = time.monotonic()
        connection.send_chat(STREAM)
        response, body = connection.head(), b""
        # Comments may pass or be held back; the client must see an end all the same.
        for piece in connection.pieces(response):
            body += piece
            true(time.monotonic() - started < 4, f"comments alone keep a stream alive: {body[-60:]!r}")
        contains(body, b'"error"')
        lacks(body, b"[DONE]")


@case(alone=True)
def a_request_has_a_longest_time(t):
    def handler(request, peer):
        peer.begin_stream()
        try:
            while True:
                peer.chunk(event(chunk({"content": "x"})))
                time.sleep(0.05)
        except OSError:
            return "close"
    gateway = t.gateway(config(t.upstream(handler).url(), timeouts={**QUICK, "total": "500ms"}))

    def once():
        with gateway.connect() as connection:
            true(len(broken(Stream(connection, STREAM))) >= 3, "nothing came before the end")
    soon_after(0.5, once)


# ---- Cuts -------------------------------------------------------------------------------------------------------------------


@case(alone=True)
def reset_before_the_head(t):
    def handler(request, peer):
        peer.reset()
        return "close"
    gateway = t.gateway(config(t.upstream(handler).url()))
    soon_after(0, lambda: refused(gateway.chat(PLAIN), 502, "upstream_reset"))

    def orderly(request, peer):
        peer.close()
        return "close"
    gateway = t.gateway(config(t.upstream(orderly).url()))
    refused(gateway.chat(PLAIN), 502)
    refused(gateway.chat(STREAM), 502)


@case
def cut_amid_a_stream(t):
    def handler(request, peer):
        how = json.loads(request.body)["user"]
        peer.begin_stream()
        for word in ("one ", "two"):
            peer.chunk(event(chunk({"content": word})))
        if how == "half an event":
            peer.chunk('data: {"id":"chatcmpl-1","choi')
        if how in ("reset", "half an event"):
            time.sleep(0.05)  # a reset destroys what was not read yet
            peer.reset()
        elif how == "close":
            peer.close()
        elif how == "end":
            peer.end_stream()
            return None
        elif how == "half a last event":
            peer.chunk("data: [DONE]")
            peer.end_stream()
            return None
        return "close"

    gateway = t.gateway(config(t.upstream(handler).url()))
    for how in ("reset", "close", "end", "half an event"):
        with gateway.connect() as connection:
            stream = Stream(connection, {**STREAM, "user": how})
            equal(text_of(broken(stream)), "one two", how)
            line = gateway.request_line(stream.response.header("x-request-id"))
            equal((line["status"], line["error"]), (200, "upstream_reset"), f"the log of {how}")
            connection.get("/livez").expect(200)


@case
def cut_amid_a_whole_answer(t):
    for end in ("reset", "close"):
        def handler(request, peer):
            peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n" + json.dumps(completion("x")))
            if end == "reset":
                time.sleep(0.05)
                peer.reset()
            else:
                peer.close()
            return "close"
        refused(t.gateway(config(t.upstream(handler).url())).chat(PLAIN), 502)


@case
def faults_of_the_twin(t):
    """The same through headers, with the twin as a server that nobody here programmed."""
    gateway = t.gateway({"providers": {"twin": {"base_url": t.twin().url()}}, "timeouts": QUICK})
    plain = {"model": "twin/lorem", "messages": [{"role": "user", "content": "fail"}]}
    whole = text_of(gateway.chat({**plain, "stream": True}).expect(200).events())
    for header, value in (("cut-after-events", 4), ("close-after-events", 4), ("end-after-events", 4), ("error-event-after", 4),
                          ("hang", "after-events=4")):
        with gateway.connect() as connection:
            headers = [(f"x-twin-{header}", value), ("x-twin-write-each", "1")]
            said = text_of(broken(Stream(connection, {**plain, "stream": True}, headers)))
            true(whole.startswith(said) and 0 < len(said) < len(whole), f"{header}: {said!r}")
            connection.get("/livez").expect(200)
    for header, value, status in (("status", 500, 502), ("status", 503, 503), ("status", 529, 503), ("status", 429, 429), ("status", 404, 404),
                                  ("status", 401, 502), ("status", 403, 502), ("status", 101, 502), ("status", 302, 502),
                                  ("empty-choices", 1, 502), ("error-in-200", 1, 502), ("malformed", "json", 502),
                                  ("malformed", "chunk", 502), ("malformed", "head", 502), ("malformed", "framing", 502),
                                  ("redirect", "http://127.0.0.1:1/", 502), ("hang", "before-head", 504), ("hang", "after-head", 504)):
        answer = gateway.chat(plain, [(f"x-twin-{header}", value)])
        equal(answer.status, status, f"{header}={value}: {answer.body[:200]!r}")
        answer.error()
    gateway.chat(plain).expect(200)

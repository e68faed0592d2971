"""Ambiguous and malformed HTTP over the real socket: refused, and the connection is closed so that nothing hides behind it."""
from harness.client import Closed
from harness.runner import case, equal, true

HELLO = b'{"model":"twin/echo","messages":[{"role":"user","content":"x"}]}'
POST = b"POST /v1/chat/completions HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(HELLO)
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(HELLO), HELLO)
# What an attacker would like to see answered as a request of its own.
HIDDEN = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"

BAD = {
    "length and chunked": POST + HOST + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "chunked and length": POST + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
    "two lengths": POST + HOST + LENGTH + b"Content-Length: 3\r\n\r\n" + HELLO,
    "two equal lengths": POST + HOST + LENGTH + LENGTH + b"\r\n" + HELLO,
    "length list": POST + HOST + b"Content-Length: %d, %d\r\n\r\n" % (len(HELLO), len(HELLO)) + HELLO,
    "length +": POST + HOST + b"Content-Length: +%d\r\n\r\n" % len(HELLO) + HELLO,
    "length hex": POST + HOST + b"Content-Length: 0x40\r\n\r\n" + HELLO,
    "length negative": POST + HOST + b"Content-Length: -1\r\n\r\n",
    "length overflow": POST + HOST + b"Content-Length: 18446744073709551617\r\n\r\n",
    "length empty": POST + HOST + b"Content-Length:\r\n\r\n",
    "chunked twice": POST + HOST + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKED,
    "chunked on two lines": POST + HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "chunked not last": POST + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKED,
    "identity": POST + HOST + b"Transfer-Encoding: identity\r\n\r\n" + CHUNKED,
    "xchunked": POST + HOST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKED,
    "quoted chunked": POST + HOST + b'Transfer-Encoding: "chunked"\r\n\r\n' + CHUNKED,
    "chunked vertical tab": POST + HOST + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKED,
    "space before colon": POST + HOST + b"Transfer-Encoding : chunked\r\n" + LENGTH + b"\r\n" + HELLO,
    "length space colon": POST + HOST + b"Content-Length : 5\r\n\r\n" + HELLO,
    "folded line": POST + HOST + LENGTH + b"x-a: 1\r\n two\r\n\r\n" + HELLO,
    "folded first line": POST + b" Host: localhost\r\n" + LENGTH + b"\r\n" + HELLO,
    "bare LF": POST.replace(b"\r\n", b"\n") + HOST + LENGTH + b"\r\n" + HELLO,
    "bare LF in header": POST + HOST + b"x: y\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "bare CR in value": POST + HOST + b"x: a\rContent-Length: 5\r\n\r\n",
    "NUL in value": POST + HOST + b"x: a\x00b\r\n\r\n",
    "NUL in name": POST + HOST + b"x\x00y: a\r\n\r\n",
    "underscore name": POST + HOST + b"Content_Length: 5\r\n\r\n",
    "no host": POST + LENGTH + b"\r\n" + HELLO,
    "two hosts": POST + HOST + HOST + LENGTH + b"\r\n" + HELLO,
    "host with path": POST + b"Host: localhost/evil\r\n" + LENGTH + b"\r\n" + HELLO,
    "host with user": POST + b"Host: evil@localhost\r\n" + LENGTH + b"\r\n" + HELLO,
    "host list": POST + b"Host: localhost, evil\r\n" + LENGTH + b"\r\n" + HELLO,
    "no version": b"GET /livez\r\n\r\n",
    "version 1.2": b"GET /livez HTTP/1.2\r\n" + HOST + b"\r\n",
    "version 2.0": b"GET /livez HTTP/2.0\r\n" + HOST + b"\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two spaces": b"GET  /livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "tab as space": b"GET\t/livez\tHTTP/1.1\r\n" + HOST + b"\r\n",
    "space in target": b"GET /li vez HTTP/1.1\r\n" + HOST + b"\r\n",
    "fragment": b"GET /livez#x HTTP/1.1\r\n" + HOST + b"\r\n",
    "dot segments": b"GET /v1/../metrics HTTP/1.1\r\n" + HOST + b"\r\n",
    "encoded dots": b"GET /v1/%2e%2e/metrics HTTP/1.1\r\n" + HOST + b"\r\n",
    "backslash": b"GET /v1\\models HTTP/1.1\r\n" + HOST + b"\r\n",
    "encoded NUL": b"GET /v1/models/%00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "raw umlaut": "GET /v1/modèles HTTP/1.1\r\n".encode() + HOST + b"\r\n",
    "connect": b"CONNECT localhost:22 HTTP/1.1\r\n" + HOST + b"\r\n",
    "empty name": POST + HOST + b": x\r\n\r\n",
    "no colon": POST + HOST + b"nothing\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50 + b"\r\n\r\n",
    "chunked in 1.0": b"POST /v1/chat/completions HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "chunk size sign": POST + HOST + b"Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
    "chunk size 0x": POST + HOST + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    "chunk size empty": POST + HOST + b"Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
    "chunk size overflow": POST + HOST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
    "chunk without end": POST + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
    "chunk bare LF": POST + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
    "chunk extension LF": POST + HOST + b"Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n",
}


@case
def smuggling_vectors_are_refused(t):
    gateway = t.gateway()
    wrong = []
    for name, request in BAD.items():
        with gateway.connect() as connection:
            connection.send(request + HIDDEN)
            try:
                answer = connection.response()
            except Closed:
                wrong.append(f"{name}: closed without an answer")
                continue
            if answer.status not in (400, 405, 411, 501, 505):
                wrong.append(f"{name}: {answer.status} {answer.body[:100]!r}")
                continue
            answer.error()
            if not connection.closed(5) or connection.pending:
                wrong.append(f"{name}: the connection goes on: {connection.pending[:100]!r}")
    true(not wrong, "\n".join(wrong))
    gateway.chat(HELLO).expect(200)


@case
def lenient_where_it_is_safe(t):
    gateway = t.gateway()
    for name, request in {
        "lower case names": POST + b"host: localhost\r\ncontent-length: %d\r\n\r\n" % len(HELLO) + HELLO,
        "tabs around a value": POST + b"HOST:\t localhost \t\r\n" + LENGTH + b"\r\n" + HELLO,
        "an empty line before": b"\r\n" + POST + HOST + LENGTH + b"\r\n" + HELLO,
        "absolute form": b"POST http://localhost/v1/chat/completions HTTP/1.1\r\n" + HOST + LENGTH + b"\r\n" + HELLO,
        "Chunked in capitals": POST + HOST + b"transfer-encoding: CHUNKED\r\n\r\n" + CHUNKED,
        "HTTP/1.0": b"POST /v1/chat/completions HTTP/1.0\r\n" + HOST + LENGTH + b"\r\n" + HELLO,
        "a query": b"POST /v1/chat/completions?api-version=2024-10-21 HTTP/1.1\r\n" + HOST + LENGTH + b"\r\n" + HELLO,
    }.items():
        with gateway.connect() as connection:
            connection.send(request)
            equal(connection.response().status, 200, name)
            if name == "HTTP/1.0":
                true(connection.closed(5), "HTTP/1.0 without keep-alive stays open")


@case
def heads_are_bounded(t):
    gateway = t.gateway()
    many = b"".join(b"x-%d: y\r\n" % i for i in range(500))
    for name, request, statuses in (
        ("a long target", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", (414, 431)),
        ("a long value", b"GET /livez HTTP/1.1\r\n" + HOST + b"x: " + b"a" * 1_000_000 + b"\r\n\r\n", (431,)),
        ("many headers", b"GET /livez HTTP/1.1\r\n" + HOST + many + b"\r\n", (431,)),
        ("an endless first line", b"A" * 100_000, (400, 414, 431, 501)),
    ):
        with gateway.connect() as connection:
            try:
                connection.send(request)
            except OSError:
                pass  # it need not read all of it
            try:
                equal(connection.response().status in statuses, True, f"{name}")
            except Closed:
                # Unread bytes turn the close into a reset, which may overtake the answer.
                true(len(request) > 65536, f"{name}: no answer")
    gateway.chat(HELLO).expect(200)


@case
def an_unread_body_does_not_become_a_request(t):
    """After an early refusal the rest of the body must not be read as the next request."""
    gateway = t.gateway({"keys": ["sk-0123456789"]})
    with gateway.connect() as connection:
        connection.send(POST + HOST + b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN)
        connection.response().expect(401)
        try:
            equal(connection.get("/livez").json(), {"status": "ok"}, "the next answer")
        except (Closed, OSError):
            pass  # closing is the other way of not reading it as a request
    with gateway.connect() as connection:
        connection.send(b"GET /livez HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN)
        connection.response().expect(200)
        try:
            equal(connection.get("/readyz").json(), {"status": "ready"}, "the next answer")
        except (Closed, OSError):
            pass

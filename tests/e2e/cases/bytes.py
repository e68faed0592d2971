"""The same dialect on both sides: what arrives is what was sent, to the byte, but for the edits that must be."""
import hashlib
import json

from harness.client import Stream, text_of
from harness.runner import case, contains, equal, lacks, true
from harness.upstream import chunk, completion, event, usage_event

KEY = "sk-gateway-5ecret-of-the-client"
ODD = (b' {\r\n\t"seed" : 18446744073709551616 , "temperature":1.10e0,"x_unknown":{"a":[1, 2 ,{}],"\\u00e9":"\\ud83d\\ude00"},'
       b'"model"\t:  "%s"  ,"messages":[ {"role":"user","content":"caf\xc3\xa9 \\/ \\u0000"} ],"top_p":0.30000000000000004,'
       b'"big":123456789012345678901234567890, "neg":-0.0 }\n')
STREAM = b'{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true%s}'


def echo_upstream(t):
    return t.upstream(lambda request, peer: peer.reply(completion("seen")))


def stream_upstream(t, events, headers=()):
    def handler(request, peer):
        peer.begin_stream(headers)
        for one in events:
            peer.chunk(one)
        peer.end_stream()
    return t.upstream(handler)


def model(upstream, **more):
    return {"models": [{"name": "m", "endpoint": upstream.url(), "api_key": "sk-upstream-1", **more}]}


@case
def a_body_reaches_the_upstream_unchanged(t):
    upstream = echo_upstream(t)
    gateway = t.gateway(model(upstream))
    body = ODD % b"m"
    gateway.chat(body).expect(200)
    equal(upstream.requests[0].body, body)
    # In pieces, it is the same body with a length of its own.
    with gateway.connect() as connection:
        connection.send(connection.format("POST", "/v1/chat/completions", [("Transfer-Encoding", "chunked")]))
        for at in range(0, len(body), 7):
            connection.send(b"%X;x=y\r\n%s\r\n" % (len(body[at:at + 7]), body[at:at + 7]))
        connection.send(b"0\r\nx-checksum: dropped\r\n\r\n")
        connection.response().expect(200)
    request = upstream.requests[1]
    equal((request.body, request.header("content-length"), request.header("transfer-encoding")), (body, str(len(body)), None))
    lacks(request.raw_head.lower() + request.body, b"x-checksum")


@case
def only_the_model_is_rewritten(t):
    upstream = echo_upstream(t)
    gateway = t.gateway(model(upstream, upstream_model="vendor/much-longer-name"))
    gateway.chat(ODD % b"m").expect(200)
    equal(upstream.requests[0].body, ODD % b"vendor/much-longer-name")


@case
def the_twin_sees_the_same_hash(t):
    gateway = t.gateway()
    for name in (b"echo", b"twin/echo"):
        body = b'{"model": "%s", "messages": [{"role": "user", "content": "\xf0\x9f\x90\xa6"}], "seed": 99999999999999999999}' % name
        seen = body.replace(b'"twin/echo"', b'"echo"')
        answer = gateway.chat(body.replace(b'"echo"', b'"twin/echo"'), [("x-twin-expect-body-sha256", hashlib.sha256(seen).hexdigest())])
        equal(answer.expect(200).content(), "\U0001f426")


@case
def a_large_body_goes_through(t):
    upstream = echo_upstream(t)
    gateway = t.gateway(model(upstream))
    for size in (10_000, 100_000, 1_000_000, 8_000_000):
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "ä" * (size // 2)}]}, ensure_ascii=False).encode()
        gateway.chat(body).expect(200)
        true(upstream.requests[-1].body == body, f"a body of {len(body)} bytes changed")


@case
def an_answer_comes_back_unchanged(t):
    answer = (b'\n{"id":"x", "choices" : [ {"index":0,"message":{"role":"assistant","content":"\\u00e4\xc3\xa4"},"finish_reason":"stop",'
              b'"vendor":[1e400,18446744073709551616]} ] ,\t"x":null, "usage":{"prompt_tokens":1,"completion_tokens":2} }\r\n')
    modes = ["length", "chunked", "close"]

    def handler(request, peer):
        mode = modes[len(upstream.requests) - 1]
        if mode == "length":
            peer.reply(answer)
        elif mode == "chunked":
            peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            for at in range(0, len(answer), 5):
                peer.chunk(answer[at:at + 5])
            peer.end_stream()
        else:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + answer)
            return "close" if peer.close() else "close"

    upstream = t.upstream(handler)
    gateway = t.gateway(model(upstream))
    for mode in modes:
        equal(gateway.chat({"model": "m", "messages": [{"role": "user", "content": "x"}]}).expect(200).body, answer, mode)


@case
def a_stream_comes_back_unchanged(t):
    events = [event(chunk({"role": "assistant", "content": ""})), ": a comment\n\n",
              'data:{"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"\\u00e4"}}],'
              '"vendor":18446744073709551616}\n\n',
              event(chunk({"content": "ä\u2028"})), event(chunk({}, "stop")), usage_event(), "data: [DONE]\n\n"]
    upstream = stream_upstream(t, events)
    gateway = t.gateway(model(upstream))
    asked = STREAM % b', "stream_options":{"include_usage":true}'
    answer = gateway.chat(asked).expect(200)
    equal(answer.body, "".join(events).encode())
    equal(upstream.requests[0].body, asked)
    equal(text_of(answer.events()), "ää\u2028")


@case
def usage_is_asked_for_and_withheld(t):
    events = [event(chunk({"role": "assistant", "content": "Hi"})), event(chunk({}, "stop")), usage_event(), "data: [DONE]\n\n"]
    upstream = stream_upstream(t, events)
    gateway = t.gateway(model(upstream))
    for extra in (b"", b', "stream_options": {}', b', "stream_options":{"include_usage":false}', b', "stream_options":null',
                  b', "stream_options": {"include_obfuscation": false}'):
        answer = gateway.chat(STREAM % extra).expect(200)
        sent = json.loads(upstream.requests[-1].body)
        equal(sent["stream_options"]["include_usage"], True, f"asked of the upstream for {extra}")
        if b"obfuscation" in extra:
            equal(sent["stream_options"]["include_obfuscation"], False, "what else was in stream_options")
        equal(answer.body, "".join(events[:2] + events[3:]).encode(), f"what the client got for {extra}")
        line = gateway.request_line(answer.header("x-request-id"))
        equal((line["input_tokens"], line["output_tokens"]), (3, 5), "tokens in the log")
    asked = STREAM % b',"stream_options":{"include_usage":true}'
    answer = gateway.chat(asked).expect(200)
    equal((upstream.requests[-1].body, answer.body), (asked, "".join(events).encode()), "asked for by the client")


@case
def events_in_every_spelling_are_read_alike(t):
    gateway = t.gateway()
    hello = {"model": "twin/lorem", "messages": [{"role": "user", "content": "spell"}], "stream": True}
    with gateway.connect() as connection:
        expected = [json.loads(e)["choices"] for e in connection.chat(hello).expect(200).events()[:-1]]
        for headers in ([("x-twin-line-ending", "cr")], [("x-twin-line-ending", "crlf")], [("x-twin-no-space", "1")],
                        [("x-twin-split", "1")], [("x-twin-split", "7"), ("x-twin-line-ending", "crlf"), ("x-twin-no-space", "1")],
                        [("x-twin-write-each", "1")], [("x-twin-comments", "3"), ("x-twin-first-token-ms", "5")],
                        [("x-twin-malformed", "sse")]):
            body = connection.chat(hello, headers).expect(200).body
            lines = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
            data = [line[5:].strip() for line in lines if line.startswith(b"data:")]
            equal(data[-1], b"[DONE]", str(headers))
            equal([json.loads(e)["choices"] for e in data[:-1]], expected, str(headers))
            lacks(body, b'"usage":{', f"usage not asked for, {headers}")


@case
def no_event_waits_for_the_next(t):
    turns = []

    def handler(request, peer):
        peer.begin_stream()
        for number in range(5):
            peer.chunk(event(chunk({"content": str(number)})))
            turns.pop(0).acquire() if turns else None
        peer.chunk("data: [DONE]\n\n")
        peer.end_stream()

    import threading
    gates = [threading.Semaphore(0) for _ in range(5)]
    turns.extend(gates)
    upstream = t.upstream(handler)
    gateway = t.gateway(model(upstream))
    with gateway.connect() as connection:
        stream = Stream(connection, STREAM % b"")
        for number in range(5):
            # The upstream says the next only after this one was read here.
            equal(text_of([stream.next()]), str(number))
            gates[number].release()
        equal(stream.rest(), ["[DONE]"])


@case
def events_cut_anywhere_arrive_whole(t):
    events = "".join([event(chunk({"content": f"word{i} "})) for i in range(20)] + [event(chunk({}, "stop")), usage_event(),
                                                                                  "data: [DONE]\n\n"]).encode()
    cuts = [1, 2, 3, 13, 64, 100, 1000]

    def handler(request, peer):
        size = cuts[len(upstream.requests) - 1]
        peer.begin_stream()
        for at in range(0, len(events), size):
            peer.chunk(events[at:at + size])
        peer.end_stream()

    upstream = t.upstream(handler)
    gateway = t.gateway(model(upstream))
    expected = b"".join(e + b"\n\n" for e in events.split(b"\n\n")[:-1] if b'"usage"' not in e)
    for size in cuts:
        equal(gateway.chat(STREAM % b"").expect(200).body, expected, f"cut into {size}")


@case
def headers_that_travel_and_headers_that_stay(t):
    upstream = echo_upstream(t)
    gateway = t.gateway({**model(upstream), "keys": [KEY]})
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    sent = [("Authorization", f"Bearer {KEY}"), ("x-api-key", KEY), ("traceparent", trace), ("tracestate", "a=b"),
            ("x-request-id", "from-the-client.1"), ("OpenAI-Beta", "x=v1"), ("Accept-Encoding", "gzip, br"), ("Cookie", "session=1"),
            ("Connection", "keep-alive, x-hop"), ("x-hop", "1"), ("Keep-Alive", "timeout=5"), ("TE", "trailers"),
            ("Proxy-Authorization", "Basic abc"), ("x-forwarded-for", "1.2.3.4"), ("Expect", "100-continue"), ("x-stainless-lang", "js"),
            ("User-Agent", "test/1")]
    answer = gateway.chat({"model": "m", "messages": [{"role": "user", "content": "x"}]}, sent).expect(200)
    request = upstream.requests[0]
    lacks(request.raw_head, KEY.encode(), "the upstream's head")
    for name, value in (("authorization", "Bearer sk-upstream-1"), ("traceparent", trace), ("tracestate", "a=b"),
                        ("openai-beta", "x=v1"), ("x-request-id", "from-the-client.1"), ("content-type", "application/json"),
                        ("host", "%s:%d" % upstream.address)):
        equal(request.header(name), value, f"header {name}")
    for name in ("cookie", "x-hop", "keep-alive", "te", "proxy-authorization", "x-api-key", "x-forwarded-for", "expect"):
        equal(request.header(name), None, f"header {name}")
    true(request.header("accept-encoding") in (None, "identity"), "an encoding is accepted that is not undone")
    equal(answer.header("x-request-id"), "from-the-client.1")
    for name in ("set-cookie", "server", "authorization"):
        equal(answer.header(name), None, f"answer header {name}")


@case
def request_ids_are_made_and_checked(t):
    gateway = t.gateway()
    hello = {"model": "twin/echo", "messages": [{"role": "user", "content": "x"}]}
    made = {gateway.chat(hello).expect(200).header("x-request-id") for _ in range(5)}
    equal(len(made), 5, "different ids")
    for given in ('bad id"', "x" * 500, "a{b}"):
        answer = gateway.chat(hello, [("x-request-id", given)]).expect(200)
        true(answer.header("x-request-id").startswith("req_"), f"{given!r} was taken over")
    refused = gateway.chat({"model": "no/such"}, [("x-request-id", "mine-1")])
    equal(refused.header("x-request-id"), "mine-1", "on an error")


@case
def answer_headers_of_an_upstream_stay_there(t):
    evil = [("Set-Cookie", "a=b"), ("Server", "vendor"), ("x-internal-host", "10.0.0.1"), ("Connection", "keep-alive"),
            ("Access-Control-Allow-Origin", "*")]
    upstream = t.upstream(lambda request, peer: peer.reply(completion("x"), 200, evil))
    answer = t.gateway(model(upstream)).chat({"model": "m", "messages": [{"role": "user", "content": "x"}]}).expect(200)
    for name in ("set-cookie", "server", "x-internal-host", "access-control-allow-origin"):
        equal(answer.header(name), None, f"header {name}")


@case
def quirks_of_a_provider_are_applied(t):
    upstream = echo_upstream(t)
    gateway = t.gateway({"providers": {"odd": {
        "base_url": upstream.url(), "api_key": "k", "headers": {"x-vendor": "v1"}, "models": ["a"],
        "quirks": {"max_tokens_field": "max_tokens", "drop_fields": ["logit_bias"], "rename_fields": {"seed": "random_seed"},
                   "stream_options": "off"}}}})
    gateway.chat({"model": "odd/a", "messages": [{"role": "user", "content": "x"}], "max_completion_tokens": 5, "logit_bias": {},
                  "seed": 7}).expect(200)
    sent = upstream.requests[0].json()
    equal({k: v for k, v in sent.items() if k != "messages"}, {"model": "a", "max_tokens": 5, "random_seed": 7})
    equal(upstream.requests[0].header("x-vendor"), "v1")


@case
def continue_is_said_when_asked_for(t):
    gateway = t.gateway()
    body = json.dumps({"model": "twin/echo", "messages": [{"role": "user", "content": "later"}]}).encode()
    with gateway.connect() as connection:
        connection.send(connection.format("POST", "/v1/chat/completions", [("Content-Length", str(len(body))), ("Expect", "100-continue")]))
        while b"\r\n\r\n" not in connection.pending:
            connection.receive()
        contains(connection.pending, b"HTTP/1.1 100 ")
        connection.send(body)
        equal(connection.response().expect(200).content(), "later")

"""A configuration is changed and a gateway is ended without a lost request."""
import json
import signal
import threading
import time

from harness.client import Stream, text_of
from harness.load import Load
from harness.programs import wait_until
from harness.runner import case, contains, equal, lacks, true
from harness.upstream import chunk, completion, event

TWIN = {"model": "twin/echo", "messages": [{"role": "user", "content": "x"}]}
KEY, OTHER = "sk-first-0123456789", "sk-second-0123456789"


def bearer(key):
    return [("Authorization", f"Bearer {key}")]


@case(alone=True)
def reloads_under_load_lose_nothing(t):
    gateway = t.gateway({"aliases": {"a0": "twin/echo"}})
    load = Load(gateway.address)
    for number in range(1, 21):
        before = load.right
        gateway.write_config({"aliases": {f"a{number}": "twin/echo"}, "limits": {"body_bytes": f"{number}MiB"}})
        gateway.reload()
        wait_until(lambda: load.right > before + 16, "traffic between two reloads")
    load.stop()
    equal(load.wrong, [], "failed requests")
    true(load.right > 300, f"only {load.right} requests")
    gateway.chat({**TWIN, "model": "a20"}).expect(200)
    gateway.chat({**TWIN, "model": "a19"}).expect(404)


@case
def a_changed_file_is_noticed(t):
    gateway = t.gateway()
    gateway.chat({**TWIN, "model": "late"}).expect(404)
    gateway.write_config({"aliases": {"late": "twin/echo"}})
    gateway.wait_for_event("reloaded")
    gateway.chat({**TWIN, "model": "late"}).expect(200)
    # Written in place, as some editors do.
    gateway.config_path.write_text(json.dumps(gateway.settings({"aliases": {"later": "twin/echo"}})))
    wait_until(lambda: gateway.chat({**TWIN, "model": "later"}).status == 200, "the second change")


@case
def a_changed_registry_is_noticed(t):
    upstream = t.upstream(lambda request, peer: peer.reply(completion("x")))
    registry = t.path("registry.yaml")
    entry = '  - {name: "%s", endpoint: "' + upstream.url() + '"}\n'
    registry.write_text("models:\n" + entry % "one")
    gateway = t.gateway(arguments=["--models", registry])
    gateway.chat({**TWIN, "model": "one"}).expect(200)
    registry.write_text("models:\n" + entry % "two")
    wait_until(lambda: gateway.chat({**TWIN, "model": "two"}).status == 200, "the new model")
    gateway.chat({**TWIN, "model": "one"}).expect(404)


@case
def a_bad_file_changes_nothing(t):
    gateway = t.gateway({"aliases": {"good": "twin/echo"}})
    for bad, parts in (("listen: [", ("cardea.yaml:1",)), ("lisen: x\nworkers: many\n", ("lisen", "workers")),
                       (json.dumps({"aliases": {"good": "no/such/model"}, "limits": {"body_bytes": "no"}}), ("body_bytes",)), ("", ())):
        refusals = len(gateway.events("reload_refused"))
        gateway.write_config(bad)
        if bad:
            gateway.wait_for_event("reload_refused", refusals + 1)
            for part in parts:
                contains(gateway.output(), part, "the log")
            gateway.chat({**TWIN, "model": "good"}).expect(200)
    gateway.config_path.unlink()
    refusals = len(gateway.events("reload_refused"))
    gateway.send(signal.SIGHUP)
    gateway.wait_for_event("reload_refused", refusals + 1)
    gateway.chat(TWIN).expect(200)
    gateway.write_config({"aliases": {"mended": "twin/echo"}})
    wait_until(lambda: gateway.chat({**TWIN, "model": "mended"}).status == 200, "the mended file")


@case
def a_removed_key_stops_at_once(t):
    gateway = t.gateway({"keys": [KEY, OTHER]})
    with gateway.connect() as connection:
        connection.chat(TWIN, bearer(OTHER)).expect(200)
        gateway.write_config({"keys": [KEY]})
        gateway.send(signal.SIGHUP)
        sent = time.monotonic()
        wait_until(lambda: connection.chat(TWIN, bearer(OTHER)).status == 401, "the old key refused")
        true(time.monotonic() - sent < 1.0, f"the key worked for {time.monotonic() - sent:.2f} s more")
        connection.chat(TWIN, bearer(KEY)).expect(200)
        gateway.write_config({"keys": [KEY, {"name": "new", "key": OTHER + "x"}]})
        gateway.reload()
        connection.chat(TWIN, bearer(OTHER + "x")).expect(200)


@case
def an_answer_ends_as_it_began(t):
    """A stream under way is not disturbed by a reload that removes its model; one that removes its key ends it."""
    go = threading.Event()
    t.cleanups.append(go.set)

    def handler(request, peer):
        peer.begin_stream()
        peer.chunk(event(chunk({"content": "before "})))
        go.wait(20)
        peer.chunk(event(chunk({"content": "after"})))
        peer.chunk("data: [DONE]\n\n")
        peer.end_stream()

    upstream = t.upstream(handler)
    gateway = t.gateway({"keys": [KEY], "models": [{"name": "m", "endpoint": upstream.url()}]})
    with gateway.connect() as connection:
        stream = Stream(connection, {**TWIN, "model": "m", "stream": True}, bearer(KEY))
        equal(text_of([stream.next()]), "before ")
        gateway.write_config({"keys": [KEY]})
        gateway.reload()
        gateway.chat({**TWIN, "model": "m"}, bearer(KEY)).expect(404)
        go.set()
        events = stream.rest()
        equal((text_of(events), events[-1]), ("after", "[DONE]"))
    go.clear()
    gateway.write_config({"keys": [KEY], "models": [{"name": "m", "endpoint": upstream.url()}]})
    gateway.reload()
    with gateway.connect() as connection:
        stream = Stream(connection, {**TWIN, "model": "m", "stream": True}, bearer(KEY))
        equal(text_of([stream.next()]), "before ")
        gateway.write_config({"keys": [OTHER]})
        gateway.reload()
        events = stream.rest()
        equal(json.loads(events[-1])["error"]["message"], "The API key was revoked.")
        gateway.chat(TWIN, bearer(KEY)).expect(401)


@case(alone=True)
def a_drain_finishes_what_is_under_way(t):
    gateway = t.gateway({"drain_seconds": 10})
    load = Load(gateway.address)
    wait_until(lambda: load.right > 50, "traffic")
    slow = []
    for _ in range(8):
        connection = gateway.connect()
        slow.append(Stream(connection, {**TWIN, "model": "twin/lorem", "stream": True},
                           [("x-twin-inter-token-ms", "40"), ("x-twin-tokens", "30")]))
        slow[-1].next()
    waiting = gateway.connect().send_chat({**TWIN}, [("x-twin-latency-ms", "700")])
    time.sleep(0.1)  # let it arrive
    gateway.send(signal.SIGTERM)
    started = time.monotonic()
    for stream in slow:
        equal(stream.rest()[-1], "[DONE]", "a stream under way")
    equal(waiting.response().expect(200).content(), "x", "an answer under way")
    load.stop()
    equal(gateway.wait(), 0, "exit code")
    true(time.monotonic() - started < 8, f"the drain took {time.monotonic() - started:.1f} s")
    equal(load.wrong, [], "failed requests")
    true(gateway.events("stopped"), "no line says that it stopped")


@case
def a_drain_has_an_end(t):
    def handler(request, peer):
        peer.begin_stream()
        peer.chunk(event(chunk({"content": "x"})))
        peer.wait_closed(20)
        return "close"

    upstream = t.upstream(handler)
    gateway = t.gateway({"drain_seconds": 1, "models": [{"name": "m", "endpoint": upstream.url()}]})
    with gateway.connect() as connection, gateway.connect() as idle:
        idle.get("/livez").expect(200)
        stream = Stream(connection, {**TWIN, "model": "m", "stream": True})
        stream.next()
        gateway.send(signal.SIGTERM)
        started = time.monotonic()
        events = stream.rest()
        lacks(events, "[DONE]", "a stream that was cut by the drain's end")
        true(events and "error" in json.loads(events[-1]), f"the cut stream ends in {events[-1:]}")
        equal(gateway.wait(), 0, "exit code")
        true(0.8 < time.monotonic() - started < 4, f"it ended after {time.monotonic() - started:.1f} s")
        true(idle.closed(5), "an idle connection")


@case
def a_second_signal_hurries(t):
    upstream = t.upstream(lambda request, peer: peer.wait_closed(20) and "close")
    gateway = t.gateway({"drain_seconds": 60, "models": [{"name": "m", "endpoint": upstream.url()}]})
    with gateway.connect() as connection:
        connection.send_chat({**TWIN, "model": "m"})
        wait_until(lambda: upstream.requests, "the request")
        gateway.send(signal.SIGTERM)
        time.sleep(0.3)
        true(gateway.running(), "it did not wait for the request")
        started = time.monotonic()
        gateway.send(signal.SIGTERM)
        equal(gateway.wait(), 0, "exit code")
        true(time.monotonic() - started < 3, "it did not hurry")


@case
def an_idle_gateway_stops_at_once(t):
    for number in (signal.SIGTERM, signal.SIGINT):
        gateway = t.gateway({"drain_seconds": 30})
        with gateway.connect() as connection:
            connection.chat(TWIN).expect(200)
            started = time.monotonic()
            gateway.send(number)
            equal(gateway.wait(), 0, "exit code")
            true(time.monotonic() - started < 2.5, f"it took {time.monotonic() - started:.1f} s")


@case
def readiness_tells_of_the_drain(t):
    gateway = t.gateway({"drain_seconds": 5})
    with gateway.connect() as busy, gateway.connect() as asking:
        asking.get("/readyz").expect(200)
        stream = Stream(busy, {**TWIN, "model": "twin/lorem", "stream": True}, [("x-twin-inter-token-ms", "30"), ("x-twin-tokens", "30")])
        stream.next()
        gateway.send(signal.SIGTERM)
        equal(stream.rest()[-1], "[DONE]")
        equal(gateway.wait(), 0)

"""Stored responses: what the Responses API promises to keep outlives the process, whoever the upstream is."""
import json
import os
import signal
import sqlite3
import time
from pathlib import Path

from harness.runner import case, contains, equal, true

ANN, BOB = "ann-key-0123456789abcdef", "bob-key-0123456789abcdef"
KEYS = [{"name": "ann", "key": ANN}, {"name": "bob", "key": BOB}]
DIALECTS = {"anthropic": "/v1", "gemini": "/v1beta", "openai_chat": "/v1"}


def headers(key=ANN):
    return [("authorization", f"Bearer {key}")]


def gateway_over_twin(t, **more):
    twin = t.twin()
    origin = twin.url().removesuffix("/v1")
    providers = {f"up_{dialect}": {"base_url": origin + path, "dialect": dialect, "api_key": "k", "models": ["echo"]} for dialect, path in DIALECTS.items()}
    return t.gateway({"keys": KEYS, "providers": providers, **more})


def call(gateway, method, target, body=None, key=ANN):
    with gateway.connect() as connection:
        more = [("content-type", "application/json")] if body is not None else []
        return connection.request(method, target, headers(key) + more, None if body is None else json.dumps(body).encode())


def respond(gateway, model, text, key=ANN, **more):
    """One turn: (the final answer's object, the response)."""
    answer = call(gateway, "POST", "/v1/responses", {"model": model, "input": text, **more}, key).expect(200)
    if not more.get("stream"):
        return answer.json()
    events = [json.loads(line[6:]) for line in answer.text().split("\n") if line.startswith("data: ")]
    equal(events[-1]["type"], "response.completed")
    return events[-1]["response"]


def said(response):
    return "".join(part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"])


def restarted(t, gateway):
    """The same configuration and data once more, on a port of its own."""
    again = t.start_gateway(gateway.config)
    return again.ready()


@case
def what_was_answered_is_there_after_a_restart(t):
    gateway = gateway_over_twin(t)
    kept = [respond(gateway, f"up_{dialect}/echo", f"Hello {dialect}", stream=stream) for dialect in DIALECTS for stream in (False, True)]
    equal(len({one["id"] for one in kept}), len(kept), "ids are unique")
    gateway.stop()
    gateway = restarted(t, gateway)
    for one in kept:
        equal(call(gateway, "GET", f"/v1/responses/{one['id']}").expect(200).json(), one)
        equal(call(gateway, "GET", f"/openai/responses/{one['id']}", key=BOB).status, 404)
    gone = call(gateway, "DELETE", f"/v1/responses/{kept[0]['id']}").expect(200).json()
    equal(gone, {"id": kept[0]["id"], "object": "response", "deleted": True})
    equal(call(gateway, "GET", f"/v1/responses/{kept[0]['id']}").status, 404)


@case
def acknowledged_means_safe_from_kill_9(t):
    gateway = gateway_over_twin(t)
    kept = []
    for attempt in range(6):
        kept.append(respond(gateway, "up_anthropic/echo", f"Hello {attempt}", stream=attempt % 2 == 0))
        os.kill(gateway.pid, signal.SIGKILL)  # right behind the last event
        gateway.expect_exit = -signal.SIGKILL
        gateway.wait()
        gateway = restarted(t, gateway)
        for one in kept:
            equal(call(gateway, "GET", f"/v1/responses/{one['id']}").expect(200).json(), one)


@case
def three_turns_are_one_conversation(t):
    seen = []

    def claude(request, peer):
        seen.append(request.json())
        count = len(seen)
        content = [{"type": "text", "text": f"answer {count}"}]
        if not seen[-1].get("stream"):
            peer.reply({"id": "msg_always", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": "end_turn",
                        "usage": {"input_tokens": 1, "output_tokens": 1}})
            return
        peer.begin_stream()
        for event in ({"type": "message_start", "message": {"id": "msg_always", "type": "message", "role": "assistant", "model": "m", "content": [],
                                                           "usage": {"input_tokens": 1, "output_tokens": 1}}},
                      {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                      {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"answer {count}"}},
                      {"type": "content_block_stop", "index": 0},
                      {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}, {"type": "message_stop"}):
            peer.chunk(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n")
        peer.end_stream()

    upstream = t.upstream(claude)
    gateway = t.gateway({"keys": KEYS, "providers": {"claude": {"base_url": upstream.url(), "dialect": "anthropic", "api_key": "k", "models": ["m"]}}})
    for stream in (False, True):
        seen.clear()
        first = respond(gateway, "claude/m", "one", stream=stream, instructions="Be brief.")
        gateway.stop()
        gateway = restarted(t, gateway)
        second = respond(gateway, "claude/m", "two", stream=stream, previous_response_id=first["id"])
        third = respond(gateway, "claude/m", "three", stream=stream, previous_response_id=second["id"])
        texts = [message["content"] if isinstance(message["content"], str) else message["content"][0]["text"] for message in seen[-1]["messages"]]
        equal(texts, ["one", "answer 1", "two", "answer 2", "three"])
        true("system" not in seen[-1], "instructions were inherited")
        equal(third["previous_response_id"], second["id"])
        items = call(gateway, "GET", f"/v1/responses/{third['id']}/input_items?order=asc").expect(200).json()
        equal([item["content"][0]["text"] for item in items["data"]], ["one", "answer 1", "two", "answer 2", "three"])
        refused = call(gateway, "POST", "/v1/responses", {"model": "claude/m", "input": "x", "previous_response_id": third["id"]}, BOB)
        equal((refused.status, refused.error()["code"], refused.error()["param"]), (400, "previous_response_not_found", "previous_response_id"))


@case
def what_openai_keeps_is_asked_of_openai(t):
    answer = '{ "id":"resp_theirs", "object":"response", "created_at":1, "status":"queued", "background":true, "model":"m", "output":[] }'

    def openai(request, peer):
        peer.reply(answer if request.method != "DELETE" else {"id": "resp_theirs", "object": "response", "deleted": True})

    upstream = t.upstream(openai)
    gateway = t.gateway({"keys": KEYS, "providers": {"o": {"base_url": upstream.url(), "dialect": "openai_responses", "api_key": "k", "models": ["m"]}}})
    equal(call(gateway, "POST", "/v1/responses", {"model": "o/m", "input": "x", "background": True}).expect(200).text(), answer)
    gateway.stop()  # in order: the note of it is written
    gateway = restarted(t, gateway)
    equal(call(gateway, "GET", "/v1/responses/resp_theirs").expect(200).text(), answer)
    equal(call(gateway, "POST", "/v1/responses/resp_theirs/cancel").expect(200).text(), answer)
    equal(call(gateway, "DELETE", "/v1/responses/resp_theirs", key=BOB).status, 404)
    equal(call(gateway, "DELETE", "/v1/responses/resp_theirs").expect(200).json()["deleted"], True)
    equal([(request.method, request.target) for request in upstream.requests],
          [("POST", "/v1/responses"), ("GET", "/v1/responses/resp_theirs"), ("POST", "/v1/responses/resp_theirs/cancel"),
           ("DELETE", "/v1/responses/resp_theirs")])
    equal(call(gateway, "GET", "/v1/responses/resp_theirs").status, 404)


@case
def a_file_that_cannot_be_used_keeps_it_from_starting(t):
    for name, prepare, words in (("diary", lambda path: path.write_text("My diary.\n" * 500), "is not a database, or a damaged one"),
                                 ("foreign", lambda path: sqlite3.connect(path).execute("CREATE TABLE t(a)").connection.close(), "belongs to another program"),
                                 ("newer", make_newer, "was written by a newer Cardea")):
        folder = t.path(f"data-{name}")
        folder.mkdir()
        prepare(folder / "cardea.db")
        gateway = t.start_gateway({"data": str(folder)})
        gateway.expect_exit = 2
        equal(gateway.wait(), 2)
        contains(gateway.output(), f"{folder}/cardea.db {words}")


def make_newer(path):
    database = sqlite3.connect(path)
    database.execute("PRAGMA application_id=1130459748")
    database.execute("PRAGMA user_version=99")
    database.execute("CREATE TABLE t(a)")
    database.commit()
    database.close()


@case
def the_file_is_its_owners_alone_and_holds_no_key(t):
    gateway = gateway_over_twin(t)
    respond(gateway, "up_gemini/echo", "Hello")
    for file in Path(gateway.config["data"]).glob("cardea.db*"):
        equal(oct(file.stat().st_mode & 0o777), "0o600", file.name)
        true(ANN.encode() not in file.read_bytes(), f"a key is in {file.name}")


@case(alone=True)
def the_store_costs_no_start_and_little_memory(t):
    best = 1000.0
    for _ in range(5):
        gateway = t.start_gateway({"workers": 1})
        began = time.monotonic()
        gateway.ready()
        best = min(best, time.monotonic() - began)
        rss = gateway.rss_kib()
        gateway.stop()
    true(best < 1, f"{best:.3f} s to the first answer")
    sanitized = any(name.endswith("SAN_OPTIONS") for name in os.environ)  # its own memory is none of the store's
    true(sanitized or rss < 40_000, f"{rss} KiB")

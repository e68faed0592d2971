"""Every official client library for Python, against every dialect that an upstream may speak: the gateway stands between.

A cell is client × upstream × case; each prints one line, with what the translation lost. $CARDEA_CELL runs those whose name holds it.
"""
import json
import os
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from clients import CLIENTS, Wish, losses

UPSTREAMS = ("openai_chat", "openai_responses", "anthropic", "gemini", "bedrock", "cohere", "ollama")
# More cells at once than a small machine has cores; most of them wait.
THREADS = 8


def closed(properties):
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


TOOLS = [{"name": "get_weather", "description": "The weather of a city", "parameters": closed({"city": {"type": "string"}, "days": {"type": "integer"}})},
         {"name": "get_time", "description": "The time of a zone", "parameters": closed({"zone": {"type": "string"}})}]
SCHEMA = closed({"title": {"type": "string"}, "pages": {"type": "integer"}})
# One red pixel.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
HELLO = {"system": "Be brief.", "prompt": "Hello there"}
BOTH = "Call get_weather and get_time, please."


def check_usage(answer):
    assert answer.input > 0, f"input tokens: {answer.input}"
    assert answer.output > 0, f"output tokens: {answer.output}"


def check_calls(answer):
    assert [call.name for call in answer.calls] == ["get_weather", "get_time"], answer.calls
    assert all(isinstance(call.arguments, dict) for call in answer.calls), answer.calls
    assert sorted(answer.calls[0].arguments) == ["city", "days"], answer.calls
    assert answer.finish == "tools", answer.finish


class Cell:
    """One case. It returns why nothing could be asked, or nothing."""

    def __init__(self, client, upstream):
        self.client, self.upstream = client, upstream
        self.uses = ""  # a line for tests/interop/run: what to look for on the far side

    def ask(self, model, **wish):
        return self.client.ask(f"up_{self.upstream}/{model}", Wish(**wish))

    def fails(self, model, **wish):
        return self.client.fails(lambda: self.ask(model, **wish))

    def plain(self):
        answer = self.ask("twin-1", **HELLO)
        assert "Hello there" in answer.text and answer.finish == "stop", answer
        check_usage(answer)

    def stream(self):
        answer = self.ask("twin-1", **HELLO, stream=True)
        assert "Hello there" in answer.text and answer.finish == "stop" and answer.pieces > 1, answer
        check_usage(answer)

    def tools(self):
        answer = self.ask("twin-1", prompt=BOTH, tools=TOOLS)
        check_calls(answer)
        then = self.ask("twin-1", prompt=BOTH, tools=TOOLS, before=answer, results=["sunny and 21", "half past nine"])
        assert "sunny and 21" in then.text and "half past nine" in then.text, then.text

    def tools_streamed(self):
        answer = self.ask("twin-1", prompt=BOTH, tools=TOOLS, stream=True)
        check_calls(answer)
        then = self.ask("twin-1", prompt=BOTH, tools=TOOLS, before=answer, results=["sunny and 21", "half past nine"], stream=True)
        assert "sunny and 21" in then.text and "half past nine" in then.text, then.text

    def image(self):
        seen = json.dumps(json.loads(self.ask("inspect", prompt="What is this?", image=PNG).text))
        assert "image/png" in seen, seen

    def structured(self):
        answer = self.ask("twin-1", prompt="A book, please", schema=SCHEMA)
        book = json.loads(answer.text)
        assert isinstance(book["title"], str) and isinstance(book["pages"], int) and answer.finish == "stop", answer

    def structured_streamed(self):
        answer = self.ask("twin-1", prompt="A book, please", schema=SCHEMA, stream=True)
        assert isinstance(json.loads(answer.text)["title"], str), answer

    def thinking(self):
        answer = self.ask("reasoner", prompt="Why?", think=True, stream=True)
        assert answer.text, answer
        if self.client.name == "openai" and self.upstream == "openai_responses":
            return "no summary can be asked for"  # and Responses shows thoughts only to who asks for one
        assert answer.thinking, "no thoughts"

    def length(self):
        answer = self.ask("lorem", prompt="Tell me a lot", max_tokens=20)
        assert answer.finish == "length", answer.finish

    def error(self):
        status, message = self.fails("error-429", **HELLO)
        assert status == 429 and message, f"status {status}: {message}"

    def error_in_the_stream(self):
        _, message = self.fails("late-error", **HELLO, stream=True)
        assert message

    def abort(self):
        self.uses = f"uses abort-matrix-{self.client.name}-{self.upstream}\n"
        self.client.abort(f"up_{self.upstream}/paced", Wish(**HELLO))


CASES = {"plain": Cell.plain, "stream": Cell.stream, "tools": Cell.tools, "tools, streamed": Cell.tools_streamed, "image": Cell.image,
         "structured": Cell.structured, "structured, streamed": Cell.structured_streamed, "thinking": Cell.thinking, "length": Cell.length,
         "error": Cell.error, "error in the stream": Cell.error_in_the_stream, "abort": Cell.abort}


def outcome(name, cell, case):
    losses()
    try:
        why = case(cell)
    except Exception:  # noqa: BLE001: the report is the point
        return f"failed {name}\n" + "\n".join(traceback.format_exc().splitlines()[-6:])
    lost = losses()
    said = "; ".join([*([why] if why else []), *([f"lost: {', '.join(lost)}"] if lost else [])])
    return f"{cell.uses}passed {name} ({said})" if said else f"{cell.uses}passed {name}"


def main():
    only, started = os.environ.get("CARDEA_CELL", ""), time.monotonic()
    with ThreadPoolExecutor(THREADS) as threads:
        running = []
        for client in [make() for make in CLIENTS]:
            for upstream in UPSTREAMS:
                for case, action in CASES.items():
                    name = f"{client.name} × {upstream}: {case}"
                    if only in name:
                        running.append(threads.submit(outcome, name, Cell(client, upstream), action))
        for done in running:
            print(done.result(), flush=True)
    print(f"{len(running)} cells in {time.monotonic() - started:.1f} s")


main()

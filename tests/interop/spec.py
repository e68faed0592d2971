"""Answers against OpenAI's own description of its API: $CARDEA_OPENAI_SPEC, or the copy beside the repository."""
import json
import os
import sys
import traceback
import urllib.error
import urllib.request
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

PLACES = [os.environ.get("CARDEA_OPENAI_SPEC"), Path(__file__).resolve().parents[3] / "shared/specs/openai-openapi.json"]
URL, KEY = os.environ["CARDEA_URL"], os.environ["CARDEA_KEY"]
HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                                                                                "required": ["city"], "additionalProperties": False}}}
TIME = {"type": "function", "function": {"name": "get_time"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}
CHATS = {
    "plain": {},
    "two choices": {"n": 2},
    "probabilities": {"logprobs": True, "top_logprobs": 2},
    "cut short": {"max_completion_tokens": 2},
    "parallel tools": {"messages": [{"role": "user", "content": "get_weather and get_time"}], "tools": [WEATHER, TIME]},
    "structured": {"response_format": SCHEMA},
    "refusal": {"model": "twin/refuse"},
    "reasoning": {"model": "twin/reasoner"},
    "through another server": {"model": "far/simple"},
}


def load():
    for place in PLACES:
        if place and Path(place).is_file():
            return json.loads(Path(place).read_text())
    return None


def ask(path, body=None, key=KEY):
    request = urllib.request.Request(URL + path, headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
                                     data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def modern(node):
    """`nullable: true`, which the document still uses here and there, said as JSON Schema says it."""
    if isinstance(node, list):
        return [modern(item) for item in node]
    if not isinstance(node, dict):
        return node
    fresh = {key: modern(value) for key, value in node.items()}
    return {"anyOf": [fresh, {"type": "null"}]} if node.get("nullable") is True else fresh


class Checker:
    def __init__(self, document):
        self.registry = Registry().with_resource("urn:spec", Resource(modern(document), DRAFT202012))

    def check(self, name, value):
        schema = {"$ref": f"urn:spec#/components/schemas/{name}"}
        errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in
                  Draft202012Validator(schema, registry=self.registry).iter_errors(value)]
        assert not errors, f"{name}: {errors[:5]}"


def chat(**more):
    return {"model": "twin/twin-1", "messages": HELLO, **more}


def plain(checker, more):
    status, text = ask("/v1/chat/completions", chat(**more))
    assert status == 200, text
    checker.check("CreateChatCompletionResponse", json.loads(text))


def streamed(checker, more):
    for options in ({}, {"stream_options": {"include_usage": True}}):
        status, text = ask("/v1/chat/completions", chat(stream=True, **options, **more))
        assert status == 200, text
        events = [line.removeprefix("data: ") for line in text.split("\n") if line]
        assert events[-1] == "[DONE]" and len(events) > 2, events[-1]
        for event in events[:-1]:
            checker.check("CreateChatCompletionStreamResponse", json.loads(event))


def models(checker):
    listing = json.loads(ask("/v1/models")[1])
    checker.check("ListModelsResponse", listing)
    checker.check("Model", json.loads(ask(f"/v1/models/{listing['data'][0]['id']}")[1]))


def errors(checker):
    for status, answer in ((401, ask("/v1/models", key="wrong")), (404, ask("/v1/models/no/such")), (404, ask("/v1/nothing")),
                           (400, ask("/v1/chat/completions", {})), (404, ask("/v1/chat/completions", chat(model="no-such"))),
                           (502, ask("/v1/chat/completions", chat(model="nowhere/x"))), (405, ask("/v1/chat/completions"))):
        assert answer[0] == status, answer
        checker.check("ErrorResponse", json.loads(answer[1]))


def the_checker_can_say_no(checker):
    try:
        checker.check("CreateChatCompletionResponse", {"id": "x", "choices": [{"index": "0"}]})
    except AssertionError:
        return
    raise AssertionError("a wrong answer passes")


def main():
    document = load()
    if document is None:
        print("skipped, no spec")
        sys.exit(0)
    checker = Checker(document)
    cases = [(f"{name}, {form.__name__}", lambda form=form, more=more: form(checker, more)) for name, more in CHATS.items()
             for form in (plain, streamed)]
    cases += [(case.__name__, lambda case=case: case(checker)) for case in (models, errors, the_checker_can_say_no)]
    for name, case in cases:
        try:
            case()
            print(f"passed {name}")
        except Exception:  # noqa: BLE001: the report is the point
            print(f"failed {name}")
            traceback.print_exc()


main()

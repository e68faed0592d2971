"""The official Python libraries, each made to answer one neutral question, so that the same cases run with all of them.

`ask(model, wish)` gives an Answer; `abort(model, wish)` leaves a stream after its first piece; `fails(action)` is the library's own error,
with its HTTP status. What a translation lost (`x-cardea-loss`) is noted for the thread that asked.
"""
import base64
import json
import os
import threading
from dataclasses import dataclass, field
from typing import Any

import anthropic
import boto3
import openai
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from google import genai
from google.genai import errors as genai_errors
from google.genai import types as genai_types

ROOT, KEY = os.environ["CARDEA_URL"], os.environ["CARDEA_KEY"]
URL = ROOT + "/v1"
FINISHES = {"stop": "stop", "tool_calls": "tools", "length": "length", "end_turn": "stop", "tool_use": "tools", "max_tokens": "length",
            "STOP": "stop", "MAX_TOKENS": "length"}
_noted = threading.local()


def losses():
    """What answers to this thread said to have lost since the last look."""
    found, _noted.losses = getattr(_noted, "losses", []), []
    return found


def note(headers):
    said = headers.get("x-cardea-loss")
    if said:
        _noted.losses = [*getattr(_noted, "losses", []), *(loss for loss in said.split(", ") if loss not in getattr(_noted, "losses", []))]


HOOKS = {"response": [lambda response: note(response.headers)]}


@dataclass
class Wish:
    """What a case wants, in no dialect."""
    prompt: str
    system: str = ""
    image: str = ""
    tools: list = field(default_factory=list)
    schema: dict | None = None
    think: bool = False
    max_tokens: int | None = None
    stream: bool = False
    before: "Answer | None" = None
    results: list = field(default_factory=list)


@dataclass
class Call:
    id: str | None
    name: str
    arguments: Any


@dataclass
class Answer:
    text: str = ""
    thinking: str = ""
    calls: list = field(default_factory=list)
    finish: str = ""
    input: int = 0
    output: int = 0
    pieces: int = 0
    message: Any = None


class Client:
    name = ""
    error: tuple = ()  # what it raises when an answer is an error

    def fails(self, action):
        try:
            action()
        except self.error as problem:
            return self.status(problem), str(problem)
        raise AssertionError("nothing was raised")

    def status(self, problem):
        return getattr(problem, "status_code", None)


class OpenAIChat(Client):
    name = "openai"
    error = (openai.APIError,)

    def __init__(self):
        self.client = openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0, http_client=openai.DefaultHttpxClient(event_hooks=HOOKS))

    def request(self, model, wish):
        content = wish.prompt
        if wish.image:
            content = [{"type": "text", "text": wish.prompt}, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{wish.image}"}}]
        messages = [{"role": "system", "content": wish.system}] if wish.system else []
        messages.append({"role": "user", "content": content})
        if wish.before:
            messages.append(wish.before.message)
            messages += [{"role": "tool", "tool_call_id": call.id, "content": result} for call, result in zip(wish.before.calls, wish.results)]
        out = {"model": model, "messages": messages}
        if wish.tools:
            out["tools"] = [{"type": "function", "function": {**tool, "strict": True}} for tool in wish.tools]
        if wish.schema:
            out["response_format"] = {"type": "json_schema", "json_schema": {"name": "book", "strict": True, "schema": wish.schema}}
        if wish.think:
            out["reasoning_effort"] = "medium"
        if wish.max_tokens:
            out["max_tokens"] = wish.max_tokens
        return out

    def ask(self, model, wish):
        out = Answer()
        if wish.stream:
            with self.client.chat.completions.stream(**self.request(model, wish), stream_options={"include_usage": True}) as stream:
                for event in stream:
                    if event.type == "chunk":
                        out.pieces += 1
                        for choice in event.chunk.choices:
                            out.thinking += getattr(choice.delta, "reasoning_content", None) or ""
                answer = stream.get_final_completion()
        else:
            answer = self.client.chat.completions.create(**self.request(model, wish))
            out.thinking = getattr(answer.choices[0].message, "reasoning_content", None) or ""
        choice = answer.choices[0]
        out.message = choice.message
        out.text = choice.message.content or ""
        out.calls = [Call(call.id, call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls or []]
        out.finish = FINISHES.get(choice.finish_reason, choice.finish_reason)
        out.input, out.output = answer.usage.prompt_tokens, answer.usage.completion_tokens
        return out

    def abort(self, model, wish):
        with self.client.chat.completions.create(**self.request(model, wish), stream=True) as stream:
            next(iter(stream))


class OpenAIResponses(Client):
    name = "responses"
    error = (openai.APIError,)

    def __init__(self):
        self.client = openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0, http_client=openai.DefaultHttpxClient(event_hooks=HOOKS))

    def request(self, model, wish):
        content = [{"type": "input_text", "text": wish.prompt}]
        if wish.image:
            content.append({"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{wish.image}"})
        items = [{"role": "user", "content": content}]
        if wish.before:
            items += wish.before.message
            items += [{"type": "function_call_output", "call_id": call.id, "output": result}
                      for call, result in zip(wish.before.calls, wish.results)]
        out = {"model": model, "input": items, "store": False}
        if wish.system:
            out["instructions"] = wish.system
        if wish.tools:
            out["tools"] = [{"type": "function", "strict": True, **tool} for tool in wish.tools]
        if wish.schema:
            out["text"] = {"format": {"type": "json_schema", "name": "book", "strict": True, "schema": wish.schema}}
        if wish.think:
            out["reasoning"] = {"effort": "medium", "summary": "auto"}
        if wish.max_tokens:
            out["max_output_tokens"] = wish.max_tokens
        return out

    def streamed(self, model, wish, out):
        last = -1
        with self.client.responses.stream(**self.request(model, wish)) as stream:
            for event in stream:
                out.pieces += 1
                assert event.sequence_number > last, f"sequence number {event.sequence_number} behind {last}"
                last = event.sequence_number
                if event.type == "response.failed":
                    raise openai.APIError(event.response.error.message, request=None, body=None)
                if event.type == "error":
                    raise openai.APIError(event.message, request=None, body=None)
            return stream.get_final_response()

    def ask(self, model, wish):
        out = Answer()
        response = self.streamed(model, wish, out) if wish.stream else self.client.responses.create(**self.request(model, wish))
        out.message = response.output
        for item in response.output:
            if item.type == "message":
                out.text += "".join(getattr(part, "text", "") for part in item.content)
            if item.type == "reasoning":
                out.thinking += "".join(part.text for part in [*item.summary, *(item.content or [])])
            if item.type == "function_call":
                out.calls.append(Call(item.call_id, item.name, json.loads(item.arguments)))
        out.input, out.output = response.usage.input_tokens, response.usage.output_tokens
        out.finish = "length" if response.status == "incomplete" else "tools" if out.calls else "stop"
        return out

    def abort(self, model, wish):
        with self.client.responses.create(**self.request(model, wish), stream=True) as stream:
            next(iter(stream))


class Anthropic(Client):
    name = "anthropic"
    error = (anthropic.APIError,)

    def __init__(self):
        self.client = anthropic.Anthropic(base_url=ROOT, api_key=KEY, max_retries=0,
                                          http_client=anthropic.DefaultHttpxClient(event_hooks=HOOKS))

    def request(self, model, wish):
        content = [{"type": "text", "text": wish.prompt}]
        if wish.image:
            content.insert(0, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": wish.image}})
        messages = [{"role": "user", "content": content}]
        if wish.before:
            messages.append({"role": "assistant", "content": wish.before.message})
            messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": result}
                                                         for call, result in zip(wish.before.calls, wish.results)]})
        out = {"model": model, "messages": messages, "max_tokens": wish.max_tokens or 4000}
        if wish.system:
            out["system"] = wish.system
        if wish.tools:
            out["tools"] = [{"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]} for tool in wish.tools]
        if wish.schema:
            out["output_config"] = {"format": {"type": "json_schema", "schema": wish.schema}}
        if wish.think:
            out["thinking"] = {"type": "enabled", "budget_tokens": 2000}
        return out

    def ask(self, model, wish):
        out = Answer()
        if wish.stream:
            with self.client.messages.stream(**self.request(model, wish)) as stream:
                for _ in stream:
                    out.pieces += 1
                message = stream.get_final_message()
        else:
            message = self.client.messages.create(**self.request(model, wish))
        out.message = message.content
        for block in message.content:
            if block.type == "text":
                out.text += block.text
            if block.type == "thinking":
                out.thinking += block.thinking
            if block.type == "tool_use":
                out.calls.append(Call(block.id, block.name, block.input))
        out.finish = FINISHES.get(message.stop_reason, message.stop_reason)
        out.input, out.output = message.usage.input_tokens, message.usage.output_tokens
        return out

    def abort(self, model, wish):
        with self.client.messages.create(**self.request(model, wish), stream=True) as stream:
            next(iter(stream))


class Gemini(Client):
    name = "google-genai"
    error = (genai_errors.APIError,)

    def __init__(self):
        options = genai_types.HttpOptions(base_url=ROOT, client_args={"event_hooks": HOOKS})
        self.client = genai.Client(api_key=KEY, vertexai=False, http_options=options)

    def status(self, problem):
        return problem.code

    def request(self, model, wish):
        parts = [{"text": wish.prompt}]
        if wish.image:
            parts.append({"inline_data": {"mime_type": "image/png", "data": base64.b64decode(wish.image)}})
        contents = [{"role": "user", "parts": parts}]
        if wish.before:
            contents.append(wish.before.message)
            contents.append({"role": "user", "parts": [{"function_response": {"id": call.id, "name": call.name, "response": {"output": result}}}
                                                       for call, result in zip(wish.before.calls, wish.results)]})
        config = {"automatic_function_calling": {"disable": True}}
        if wish.system:
            config["system_instruction"] = wish.system
        if wish.tools:
            config["tools"] = [{"function_declarations": [{"name": tool["name"], "description": tool["description"],
                                                           "parameters_json_schema": tool["parameters"]} for tool in wish.tools]}]
        if wish.schema:
            config |= {"response_mime_type": "application/json", "response_json_schema": wish.schema}
        if wish.think:
            config["thinking_config"] = {"include_thoughts": True, "thinking_budget": 2000}
        if wish.max_tokens:
            config["max_output_tokens"] = wish.max_tokens
        return {"model": model, "contents": contents, "config": config}

    def ask(self, model, wish):
        out, parts, finish = Answer(), [], None
        stream = self.client.models.generate_content_stream if wish.stream else lambda **request: [self.client.models.generate_content(**request)]
        for piece in stream(**self.request(model, wish)):
            out.pieces += 1
            for candidate in piece.candidates or []:
                parts += (candidate.content and candidate.content.parts) or []
                finish = candidate.finish_reason or finish
            if piece.usage_metadata:
                out.input, out.output = piece.usage_metadata.prompt_token_count or 0, piece.usage_metadata.candidates_token_count or 0
        for part in parts:
            if part.function_call:
                out.calls.append(Call(part.function_call.id, part.function_call.name, part.function_call.args))
            elif part.thought:
                out.thinking += part.text or ""
            else:
                out.text += part.text or ""
        out.message = genai_types.Content(role="model", parts=parts)
        word = finish.value if finish else ""
        out.finish = "tools" if out.calls else FINISHES.get(word, word)
        return out

    def abort(self, model, wish):
        stream = self.client.models.generate_content_stream(**self.request(model, wish))
        next(stream)
        stream.close()


class Bedrock(Client):
    name = "boto3"
    error = (ClientError, EventStreamError)

    def __init__(self):
        # The key is the access key id; what it signs with is not looked at. (AWS_BEARER_TOKEN_BEDROCK works too, but botocore sends a
        # bearer token over HTTPS only.)
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=32, proxies={})
        self.client = boto3.session.Session(aws_access_key_id=KEY, aws_secret_access_key="unused", region_name="us-east-1").client(
            "bedrock-runtime", endpoint_url=ROOT, config=config)

    def status(self, problem):
        return problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode")

    def request(self, model, wish):
        content = [{"text": wish.prompt}]
        if wish.image:
            content.append({"image": {"format": "png", "source": {"bytes": base64.b64decode(wish.image)}}})
        messages = [{"role": "user", "content": content}]
        if wish.before:
            messages.append(wish.before.message)
            messages.append({"role": "user", "content": [{"toolResult": {"toolUseId": call.id, "content": [{"text": result}]}}
                                                         for call, result in zip(wish.before.calls, wish.results)]})
        out = {"modelId": model, "messages": messages}
        if wish.system:
            out["system"] = [{"text": wish.system}]
        if wish.tools:
            out["toolConfig"] = {"tools": [{"toolSpec": {"name": tool["name"], "description": tool["description"],
                                                         "inputSchema": {"json": tool["parameters"]}}} for tool in wish.tools]}
        if wish.schema:
            out["outputConfig"] = {"textFormat": {"type": "json_schema",
                                                  "structure": {"jsonSchema": {"name": "book", "schema": json.dumps(wish.schema)}}}}
        if wish.think:
            out["additionalModelRequestFields"] = {"thinking": {"type": "enabled", "budget_tokens": 2000}}
        if wish.max_tokens:
            out["inferenceConfig"] = {"maxTokens": wish.max_tokens}
        return out

    def streamed(self, model, wish, out):
        """What a stream's events say, as the answer that Converse would have given."""
        content, answer = {}, {}
        response = self.client.converse_stream(**self.request(model, wish))
        note(response["ResponseMetadata"]["HTTPHeaders"])
        for event in response["stream"]:
            out.pieces += 1
            if "contentBlockStart" in event:
                start = event["contentBlockStart"]
                content[start["contentBlockIndex"]] = {"toolUse": {**start["start"]["toolUse"], "input": ""}}
            if "contentBlockDelta" in event:
                at, delta = event["contentBlockDelta"]["contentBlockIndex"], event["contentBlockDelta"]["delta"]
                if "text" in delta:
                    content.setdefault(at, {"text": ""})["text"] += delta["text"]
                if "toolUse" in delta:
                    content[at]["toolUse"]["input"] += delta["toolUse"]["input"]
                if "text" in delta.get("reasoningContent", {}):
                    block = content.setdefault(at, {"reasoningContent": {"reasoningText": {"text": ""}}})
                    block["reasoningContent"]["reasoningText"]["text"] += delta["reasoningContent"]["text"]
            if "messageStop" in event:
                answer["stopReason"] = event["messageStop"]["stopReason"]
            if "metadata" in event:
                answer["usage"] = event["metadata"]["usage"]
        for block in content.values():
            if "toolUse" in block:
                block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
        answer["output"] = {"message": {"role": "assistant", "content": [content[at] for at in sorted(content)]}}
        return answer

    def ask(self, model, wish):
        out = Answer()
        if wish.stream:
            answer = self.streamed(model, wish, out)
        else:
            answer = self.client.converse(**self.request(model, wish))
            note(answer["ResponseMetadata"]["HTTPHeaders"])
        out.message = answer["output"]["message"]
        for block in out.message["content"]:
            out.text += block.get("text", "")
            out.thinking += block.get("reasoningContent", {}).get("reasoningText", {}).get("text", "")
            if "toolUse" in block:
                out.calls.append(Call(block["toolUse"]["toolUseId"], block["toolUse"]["name"], block["toolUse"]["input"]))
        out.finish = FINISHES.get(answer["stopReason"], answer["stopReason"])
        out.input, out.output = answer["usage"]["inputTokens"], answer["usage"]["outputTokens"]
        return out

    def abort(self, model, wish):
        stream = self.client.converse_stream(**self.request(model, wish))["stream"]
        next(iter(stream))
        stream.close()


CLIENTS = (OpenAIChat, OpenAIResponses, Anthropic, Gemini, Bedrock)

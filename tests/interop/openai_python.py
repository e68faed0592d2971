"""The official OpenAI Python library."""
import asyncio
import base64
import os
import traceback

import openai
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

URL, KEY = os.environ["CARDEA_URL"] + "/v1", os.environ["CARDEA_KEY"]
NAME = "openai_python"
client = OpenAI(base_url=URL, api_key=KEY)
once = client.with_options(max_retries=0)
HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city", "days"],
    "additionalProperties": False}, "strict": True}}
TIME = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}},
                                                                          "required": ["zone"], "additionalProperties": False}, "strict": True}}
BOTH = [{"role": "user", "content": "Call get_weather and get_time, please."}]


def raised(kind, action):
    try:
        action()
    except kind as error:
        assert type(error) is kind, f"{type(error)} instead of {kind}"
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def models_are_listed():
    ids = [model.id for model in client.models.list()]
    assert "twin/twin-1" in ids, ids
    assert client.models.retrieve("twin/twin-1").id == "twin/twin-1"


def plain_chat():
    answer = client.chat.completions.create(model="twin/twin-1", messages=HELLO)
    assert "You said: Hello" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop" and answer.usage.total_tokens > 0
    assert answer._request_id.startswith("req_"), answer._request_id


def every_parameter():
    answer = client.chat.completions.create(
        model="twin/twin-1", messages=[{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "Hello"}]}], n=2,
        temperature=0.5, top_p=0.9, seed=2**63, logprobs=True, top_logprobs=2, stop=["zzz"], max_completion_tokens=3, user="u",
        metadata={"a": "b"}, presence_penalty=0.1, frequency_penalty=0.1, reasoning_effort="low", service_tier="auto", store=False,
        extra_body={"vendor_field": {"x": 1}})
    assert len(answer.choices) == 2 and answer.choices[0].finish_reason == "length"


def streamed_chat():
    said, last = "", None
    for piece in client.chat.completions.create(model="twin/twin-1", messages=HELLO, stream=True):
        assert piece.usage is None
        said += piece.choices[0].delta.content or ""
        last = piece
    assert "You said: Hello" in said and last.choices[0].finish_reason == "stop", said


def usage_in_a_stream():
    pieces = list(client.chat.completions.create(model="far/simple", messages=HELLO, stream=True, stream_options={"include_usage": True}))
    assert pieces[-1].choices == [] and pieces[-1].usage.completion_tokens > 0
    assert all(piece.usage is None for piece in pieces[:-1])


def parallel_tools():
    answer = client.chat.completions.create(model="twin/twin-1", messages=BOTH, tools=[WEATHER, TIME])
    calls = answer.choices[0].message.tool_calls
    assert answer.choices[0].finish_reason == "tool_calls" and [c.function.name for c in calls] == ["get_weather", "get_time"]
    results = [{"role": "tool", "tool_call_id": call.id, "content": f"result of {call.function.name}"} for call in calls]
    then = client.chat.completions.create(model="twin/twin-1", messages=[*BOTH, answer.choices[0].message, *results], tools=[WEATHER, TIME])
    assert "result of get_time" in then.choices[0].message.content


def streamed_tools():
    with client.chat.completions.stream(model="twin/twin-1", messages=BOTH, tools=[WEATHER, TIME]) as stream:
        done = [event.name for event in stream if event.type == "tool_calls.function.arguments.done"]
        calls = stream.get_final_completion().choices[0].message.tool_calls
    assert done == ["get_weather", "get_time"], done
    assert all(call.function.parsed_arguments is not None for call in calls)


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]


def structured_output():
    answer = client.chat.completions.parse(model="twin/twin-1", messages=HELLO, response_format=Person)
    assert isinstance(answer.choices[0].message.parsed, Person)
    with client.chat.completions.stream(model="twin/twin-1", messages=HELLO, response_format=Person) as stream:
        for _ in stream:
            pass
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, Person)
    refused = client.chat.completions.parse(model="twin/refuse", messages=HELLO, response_format=Person)
    assert refused.choices[0].message.refusal and refused.choices[0].message.parsed is None


def reasoning():
    answer = client.chat.completions.create(model="twin/reasoner", messages=HELLO)
    assert answer.choices[0].message.reasoning_content


def abort_amid_a_stream():
    print(f"uses abort-{NAME}")
    stream = client.chat.completions.create(model="endless/words", messages=HELLO, stream=True, user=f"abort-{NAME}")
    for number, _ in enumerate(stream):
        if number == 3:
            stream.close()
            break


def retries():
    for model in ("flaky-429", "flaky-500"):
        print(f"uses far/{model}-{NAME}")
        assert client.chat.completions.create(model=f"far/{model}-{NAME}", messages=HELLO).choices
    print(f"uses far/down-503-{NAME}")
    raised(openai.InternalServerError, lambda: client.chat.completions.create(model=f"far/down-503-{NAME}", messages=HELLO))
    print(f"uses far/never-400-{NAME}")
    raised(openai.BadRequestError, lambda: client.chat.completions.create(model=f"far/never-400-{NAME}", messages=HELLO))


def errors_are_its_exceptions():
    def chat(model="twin/twin-1", messages=HELLO, using=once, **more):
        return lambda: using.chat.completions.create(model=model, messages=messages, **more)

    error = raised(openai.NotFoundError, chat("no-such-model"))
    assert (error.code, error.param, error.type) == ("model_not_found", "model", "invalid_request_error") and error.request_id
    error = raised(openai.BadRequestError, chat(messages="text"))
    assert error.param == "messages", error.param
    error = raised(openai.AuthenticationError, chat(using=OpenAI(base_url=URL, api_key="wrong")))
    assert error.code == "invalid_api_key"
    twin = lambda **headers: {"extra_headers": {f"x-twin-{k.replace('_', '-')}": str(v) for k, v in headers.items()}}
    error = raised(openai.RateLimitError, chat(**twin(status=429, retry_after=17)))
    assert error.response.headers["retry-after"] == "17"
    raised(openai.UnprocessableEntityError, chat(**twin(status=422)))
    raised(openai.ConflictError, chat(**twin(status=409)))
    assert raised(openai.InternalServerError, chat(**twin(status=401))).status_code == 502
    assert raised(openai.InternalServerError, chat("nowhere/x")).code == "upstream_unreachable"
    raised(openai.APITimeoutError, chat(using=once.with_options(timeout=0.3), **twin(latency_ms=5000)))
    raised(openai.APIConnectionError, chat(using=OpenAI(base_url="http://127.0.0.1:9/v1", api_key="x", max_retries=0)))


def an_error_amid_a_stream():
    headers = {"x-twin-cut-after-events": "4", "x-twin-write-each": "1"}
    seen = []

    def read():
        for piece in once.chat.completions.create(model="twin/lorem", messages=HELLO, stream=True, extra_headers=headers):
            seen.append(piece)

    error = raised(openai.APIError, read)
    assert seen and error.message, error


def raw_responses():
    raw = client.chat.completions.with_raw_response.create(model="twin/echo", messages=HELLO, extra_headers={"x-request-id": "mine-1"})
    assert raw.headers["x-request-id"] == "mine-1" and raw.headers["content-type"] == "application/json"
    assert raw.parse().choices[0].message.content == "Hello"
    with client.chat.completions.with_streaming_response.create(model="twin/echo", messages=HELLO, stream=True) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert "data: [DONE]" in list(response.iter_lines())


def other_base_urls():
    for path in ("", "/openai", "/openai/v1"):
        other = OpenAI(base_url=os.environ["CARDEA_URL"] + path, api_key=KEY)
        assert other.chat.completions.create(model="twin/echo", messages=HELLO).choices[0].message.content == "Hello"


def asynchronous():
    async def ask(using, number):
        words = [{"role": "user", "content": f"number {number}"}]
        if number % 2:
            stream = await using.chat.completions.create(model="twin/echo", messages=words, stream=True)
            said = "".join([piece.choices[0].delta.content or "" async for piece in stream])
        else:
            said = (await using.chat.completions.create(model="twin/echo", messages=words)).choices[0].message.content
        assert said == f"number {number}", said

    async def all_at_once():
        async with AsyncOpenAI(base_url=URL, api_key=KEY) as using:
            await asyncio.gather(*(ask(using, number) for number in range(60)))

    asyncio.run(all_at_once())


def embeddings_and_moderations():
    first = None
    for upstream in ("openai_chat", "gemini", "cohere", "ollama"):
        # The library asks for base64 of itself, and decodes it.
        for wish in ({}, {"encoding_format": "float"}):
            answer = once.embeddings.create(model=f"up_{upstream}/twin-1", input=["the quick brown fox", "jumps"], **wish)
            vectors = [item.embedding for item in answer.data]
            first = first or vectors
            assert all(abs(a - b) < 1e-6 for one, two in zip(first, vectors) for a, b in zip(one, two)), upstream
            assert len(vectors) == 2 and answer.usage.prompt_tokens > 0
    verdicts = once.moderations.create(model="up_openai_chat/twin-1", input=["a nice day", "another"]).results
    assert len(verdicts) == 2 and isinstance(verdicts[0].flagged, bool)
    error = raised(openai.BadRequestError, lambda: once.embeddings.create(model="up_cohere/twin-1", input=[[1, 2]]))
    assert error.param == "input[0]", error


def pictures_sound_and_files():
    model, provider = "up_openai_chat/twin-1", {"x-cardea-provider": "up_openai_chat"}
    picture = base64.b64decode(once.images.generate(model=model, prompt="a house").data[0].b64_json)
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert once.images.edit(model=model, image=("house.png", picture, "image/png"), prompt="a tree").data[0].b64_json
    with once.audio.speech.with_streaming_response.create(model=model, input="Good morning", voice="alloy", response_format="wav") as answer:
        sound = b"".join(answer.iter_bytes())
    assert sound.startswith(b"RIFF")
    assert once.audio.transcriptions.create(model=model, file=("talk.wav", sound)).text == "Good morning"
    said = "".join(event.delta for event in once.audio.transcriptions.create(model=model, file=("talk.wav", sound), stream=True)
                   if event.type == "transcript.text.delta")
    assert said == "Good morning", said
    error = raised(openai.BadRequestError, lambda: once.audio.transcriptions.create(model=model, file=("talk.wav", picture)))
    assert error.param == "file", error
    keeper = once.with_options(default_headers=provider)
    made = keeper.files.create(purpose="batch", file=("in.jsonl", b'{"custom_id":"one","method":"POST","url":"/v1/embeddings","body":'
                                                      b'{"model":"twin-1","input":"x"}}\n'))
    batch = keeper.batches.create(input_file_id=made.id, endpoint="/v1/embeddings", completion_window="24h")
    assert batch.id in [one.id for one in keeper.batches.list()]
    assert keeper.files.content(made.id).text.startswith('{"custom_id":"one"')
    assert keeper.files.delete(made.id).deleted
    raised(openai.NotFoundError, lambda: keeper.files.retrieve(made.id))


for case in (models_are_listed, plain_chat, every_parameter, streamed_chat, usage_in_a_stream, parallel_tools, streamed_tools, structured_output,
             reasoning, abort_amid_a_stream, retries, errors_are_its_exceptions, an_error_amid_a_stream, raw_responses, other_base_urls,
             asynchronous, embeddings_and_moderations, pictures_sound_and_files):
    try:
        case()
        print(f"passed {case.__name__}", flush=True)
    except Exception:  # noqa: BLE001: the report is the point
        print(f"failed {case.__name__}")
        traceback.print_exc()

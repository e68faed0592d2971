"""Embeddings, ranks, moderations and tokens: every client's form against the twin in every vendor's form. The twin says the same vectors in
all of them, so what arrives must be the same too."""
import base64
import json
import math
import struct

from harness.runner import case, contains, equal, true

TWIN = "twin:"
PROVIDERS = {
    "openai_like": {"base_url": TWIN, "auth": {"type": "none"}},
    "gemini_like": {"base_url": TWIN, "auth": {"type": "none"}, "dialect": "gemini"},
    "vertex_like": {"base_url": TWIN, "auth": {"type": "none"}, "dialect": "gemini", "tasks": {"embeddings": "vertex"}},
    "cohere_like": {"base_url": TWIN, "auth": {"type": "none"}, "dialect": "cohere"},
    "ollama_like": {"base_url": TWIN, "auth": {"type": "none"}, "dialect": "ollama"},
    "tei_like": {"base_url": TWIN, "auth": {"type": "none"}, "tasks": {"embeddings": "tei", "rerank": "tei"}},
    "jina_like": {"base_url": TWIN, "auth": {"type": "none"}, "tasks": {"embeddings": "jina"}},
    "llamacpp_like": {"base_url": TWIN, "auth": {"type": "none"}, "tasks": {"tokenize": "llamacpp", "detokenize": "llamacpp"}},
}
TEXT = "the quick brown fox"


def ask(gateway, path, body, *headers):
    with gateway.connect() as connection:
        return connection.request("POST", path, [("content-type", "application/json"), *headers], packed(body))


def packed(body):
    return json.dumps(body).encode()


CLIENTS = {
    "openai": lambda model: ("/v1/embeddings", {"model": model, "input": TEXT}, lambda a: a["data"][0]["embedding"]),
    "gemini": lambda model: (f"/v1beta/models/{model.replace('/', '%2F')}:embedContent", {"content": {"parts": [{"text": TEXT}]}},
                             lambda a: a["embedding"]["values"]),
    "gemini_batch": lambda model: (f"/v1beta/models/{model.replace('/', '%2F')}:batchEmbedContents",
                                   {"requests": [{"model": f"models/{model}", "content": {"parts": [{"text": TEXT}]}}]},
                                   lambda a: a["embeddings"][0]["values"]),
    "vertex": lambda model: (f"/v1beta/models/{model.replace('/', '%2F')}:predict", {"instances": [{"content": TEXT}]},
                             lambda a: a["predictions"][0]["embeddings"]["values"]),
    "cohere": lambda model: ("/v2/embed", {"model": model, "texts": [TEXT], "input_type": "search_document", "embedding_types": ["float"]},
                             lambda a: a["embeddings"]["float"][0]),
    "ollama": lambda model: ("/api/embed", {"model": model, "input": TEXT}, lambda a: a["embeddings"][0]),
    "ollama_old": lambda model: ("/api/embeddings", {"model": model, "prompt": TEXT}, lambda a: a["embedding"]),
    "native": lambda model: ("/cardea/v1/embeddings", {"model": model, "inputs": [{"text": TEXT}]}, lambda a: a["vectors"][0]["value"]),
    "tei": lambda model: ("/embed", {"model": model, "inputs": [TEXT]}, lambda a: a[0]),
}


@case
def every_client_gets_the_same_vector_from_every_vendor(t):
    gateway = t.gateway({"providers": PROVIDERS})
    with gateway.connect() as connection:
        first = None
        for provider in [name for name in PROVIDERS if name != "llamacpp_like"]:
            for client, words in CLIENTS.items():
                path, body, vector_of = words(f"{provider}/twin-1")
                answer = connection.request("POST", path, [("content-type", "application/json")], packed(body))
                equal(answer.status, 200, f"{client} -> {provider}: {answer.text()[:300]}")
                vector = vector_of(answer.json())
                true(abs(math.fsum(x * x for x in vector) - 1) < 1e-3, f"{client} -> {provider}: no unit vector")
                first = first or vector
                true(len(vector) == len(first) and all(abs(a - b) < 1e-6 for a, b in zip(vector, first)), f"{client} -> {provider}: another vector")


@case
def base64_holds_the_same_numbers(t):
    gateway = t.gateway({"providers": PROVIDERS})
    for provider in ("openai_like", "gemini_like", "cohere_like", "ollama_like", "tei_like"):
        body = {"model": f"{provider}/twin-1", "input": [TEXT, "other"], "dimensions": 256} if provider != "tei_like" else {
            "model": f"{provider}/twin-1", "input": [TEXT, "other"]}
        plain = ask(gateway, "/v1/embeddings", body).expect(200).json()["data"]
        coded = ask(gateway, "/v1/embeddings", body | {"encoding_format": "base64"}).expect(200).json()["data"]
        for a, b in zip(plain, coded, strict=True):
            raw = base64.b64decode(b["embedding"])
            equal(struct.pack(f"<{len(a['embedding'])}f", *a["embedding"]), raw)


@case
def ranks_agree(t):
    gateway = t.gateway({"providers": PROVIDERS})
    documents = ["a cat", "the capital of France is Paris", "bread"]
    for provider in ("openai_like", "cohere_like", "tei_like"):
        body = {"model": f"{provider}/twin-1", "query": "capital of France", "documents": documents, "top_n": 2}
        jina = ask(gateway, "/v1/rerank", body).expect(200).json()
        equal([r["index"] for r in jina["results"]][0], 1)
        equal(len(jina["results"]), 2)
        equal(jina["results"][0]["document"]["text"], documents[1])
        cohere = ask(gateway, "/v2/rerank", body).expect(200).json()
        equal([r["index"] for r in cohere["results"]], [r["index"] for r in jina["results"]])
        tei = ask(gateway, "/rerank", {"model": body["model"], "query": body["query"], "texts": documents}).expect(200).json()
        equal(tei[0]["index"], 1)


@case
def moderations_and_tokens(t):
    gateway = t.gateway({"providers": PROVIDERS})
    said = ask(gateway, "/v1/moderations", {"model": "openai_like/twin-1", "input": ["a nice day", "another"]}).expect(200)
    equal(len(said.json()["results"]), 2)
    line = gateway.request_line(said.header("x-request-id"))
    equal(line["operation"], "moderation")
    for provider in ("openai_like", "llamacpp_like"):
        model = f"{provider}/twin-1"
        tokens = ask(gateway, "/tokenize", {"model": model, "prompt": TEXT, "add_special_tokens": False}).expect(200).json()["tokens"]
        true(len(tokens) > 1, "a text of several words is several tokens")
        equal(ask(gateway, "/detokenize", {"model": model, "tokens": tokens}).expect(200).json()["prompt"], TEXT)


@case
def a_chat_is_counted_as_its_vendor_counts_it(t):
    """The example of OpenAI's cookbook (How to count tokens with tiktoken), with the figures that OpenAI's API says there, asked in
    Anthropic's words of a provider that has no page for it."""
    gateway = t.gateway({"providers": PROVIDERS})
    location = {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}
    unit = {"type": "string", "description": "The unit of temperature to return", "enum": ["celsius", "fahrenheit"]}
    body = {"system": "You are a helpful assistant that can answer to questions about the weather.",
            "messages": [{"role": "user", "content": "What's the weather like in San Francisco?"}],
            "tools": [{"name": "get_current_weather", "description": "Get the current weather in a given location",
                       "input_schema": {"type": "object", "properties": {"location": location, "unit": unit}, "required": ["location"]}}]}
    for model, tokens in (("gpt-4o", 101), ("gpt-4", 105)):
        said = ask(gateway, "/v1/messages/count_tokens", {"model": f"openai_like/{model}", **body}, ("anthropic-version", "2023-06-01"))
        equal(said.expect(200).json(), {"input_tokens": tokens})


@case
def what_cannot_be_said_is_refused_in_the_clients_words(t):
    gateway = t.gateway({"providers": PROVIDERS})
    tokens = ask(gateway, "/v1/embeddings", {"model": "gemini_like/twin-1", "input": [[1, 2]]}).expect(400).json()["error"]
    equal(tokens["param"], "input[0]")
    body = {"model": "ollama_like/twin-1", "texts": [TEXT], "input_type": "search_query", "embedding_types": ["int8"]}
    contains(ask(gateway, "/v2/embed", body).expect(400).json()["message"], "'embedding_types'")
    allowed = ask(gateway, "/v2/embed", body, ("x-cardea-allow-loss", "true")).expect(200)
    contains(allowed.header("x-cardea-loss"), "embedding_types;")

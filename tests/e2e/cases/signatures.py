"""Requests that prove themselves anew each time: AWS's signatures, Google's access tokens."""
import json
import socket
import threading
import time

from harness.programs import wait_until
from harness.proofs import check_assertion, check_sigv4, service_account
from harness.runner import case, contains, equal, true

HELLO = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello ☕"}]}
ACCESS, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEBYaD/+token=="
CONVERSE = {"output": {"message": {"role": "assistant", "content": [{"text": "Good day"}]}}, "stopReason": "end_turn",
            "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}, "metrics": {"latencyMs": 1}}
GENERATED = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Good day"}]}, "finishReason": "STOP", "index": 0}],
             "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}, "modelVersion": "m"}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "Good day"}],
           "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 2}}
PARALLEL = 8


def origin(upstream):
    return upstream.url().removesuffix("/v1")


# ---- AWS

@case
def requests_to_bedrock_are_signed_over_what_is_sent(t):
    def answer(request, peer):
        check_sigv4(request, ACCESS, SECRET, "eu-west-1", TOKEN)
        peer.reply(CONVERSE)

    upstream = t.upstream(answer)
    gateway = t.gateway({"providers": {"aws": {
        "dialect": "bedrock", "base_url": origin(upstream), "quirks": {"set_fields": {"edited": "yes"}},
        "auth": {"type": "sigv4", "access_key": ACCESS, "secret_key": SECRET, "session_token": TOKEN, "region": "eu-west-1"}}}})
    models = {"anthropic.claude-3-5-sonnet-20240620-v1:0": "anthropic.claude-3-5-sonnet-20240620-v1%3A0",
              "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-pro-v1:0":
              "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.amazon.nova-pro-v1%3A0"}
    own = json.dumps({"messages": [{"role": "user", "content": [{"text": "Hello ☕"}]}]}, indent=2).encode()
    for model, encoded in models.items():
        for stream, page in ((False, "converse"), (True, "converse-stream")):
            # Translated; then the client's own bytes with an edit in them.
            answered = gateway.chat({**HELLO, "model": f"aws/{model}", "stream": stream}).expect(200)
            contains(answered.text(), "Good day", model)
            with gateway.connect() as connection:
                connection.request("POST", f"/model/aws%2F{encoded}/{page}", [
                    ("content-type", "application/json"), ("x-amz-date", "20200101T000000Z"), ("x-amz-security-token", "the-clients-own"),
                    ("x-amz-content-sha256", "0" * 64)], own).expect(200)
            for request in upstream.requests[-2:]:
                equal(request.target, f"/model/{encoded}/{page}")
                equal(request.json()["edited"], "yes", "the edit")
    true(b"\n  " in upstream.requests[-1].body, "the client's own bytes")
    equal(len(upstream.requests), 8)


@case
def aws_variables_sign_too(t):
    def answer(request, peer):
        check_sigv4(request, ACCESS, SECRET, "us-west-2")
        peer.reply(CONVERSE)

    upstream = t.upstream(answer)
    gateway = t.gateway(env={"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-west-2",
                             "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": origin(upstream)})
    gateway.chat({**HELLO, "model": "bedrock/amazon.nova-micro-v1:0"}).expect(200)
    equal(upstream.requests[0].target, "/model/amazon.nova-micro-v1%3A0/converse")


@case
def a_refused_signature_is_the_gateways_trouble(t):
    upstream = t.upstream(lambda request, peer: peer.reply(
        {"message": f"The request signature we calculated does not match. Key {SECRET}, token {request.header('x-amz-security-token')}"}, 403,
        [("x-amzn-errortype", "InvalidSignatureException")]))
    gateway = t.gateway({"providers": {"aws": {"dialect": "bedrock", "base_url": origin(upstream), "auth": {
        "type": "sigv4", "access_key": ACCESS, "secret_key": SECRET, "session_token": TOKEN, "region": "eu-west-1"}}}})
    answered = gateway.chat({**HELLO, "model": "aws/m"}).expect(502)
    true(SECRET not in answered.text() and SECRET not in gateway.output(), "the key is not told")


@case
def aws_clients_send_the_gateways_key_as_their_access_key_id(t):
    gateway = t.gateway({"keys": ["gw-key/0123456789abcdef"]})
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}).encode()

    def converse(key):
        with gateway.connect() as connection:
            return connection.request("POST", "/model/twin%2Ftwin-1/converse", [
                ("content-type", "application/json"), ("x-amz-date", "20261122T120000Z"),
                ("authorization", f"AWS4-HMAC-SHA256 Credential={key}/20261122/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0")], body)

    contains(converse("gw-key/0123456789abcdef").expect(200).text(), "Hello", "the answer")
    converse("gw-key/0123456789abcdee").expect(401)


# ---- Google

class Google:
    """The token service and the models behind one address. `lives`: how long a token is said to live; `trouble(peer)` instead of one."""

    def __init__(self, t, lives=3600):
        self.lives, self.issued, self.trouble, self.pause, self.revoked = lives, 0, None, 0.0, set()
        self.upstream = t.upstream(self.answer)
        self.token_url = origin(self.upstream) + "/token"

    def answer(self, request, peer):
        if request.target == "/token":
            check_assertion(request, self.token_url)
            time.sleep(self.pause)
            if self.trouble:
                return self.trouble(peer)
            self.issued += 1
            return peer.reply({"access_token": f"ya29.token-{self.issued}", "expires_in": self.lives, "token_type": "Bearer"})
        if request.header("authorization") in self.revoked:
            return peer.reply({"error": {"code": 401, "message": "expired", "status": "UNAUTHENTICATED"}}, 401)
        return peer.reply(GENERATED if "/publishers/google/" in request.target else MESSAGE)

    def asked(self):
        return [request for request in self.upstream.requests if request.target != "/token"]

    def tokens(self):
        return sum(request.target == "/token" for request in self.upstream.requests)

    def gateway(self, t, workers=1):
        return t.gateway({"workers": workers}, env={
            "GOOGLE_APPLICATION_CREDENTIALS": str(service_account(t.folder, self.token_url)), "GOOGLE_VERTEX_BASE_URL": origin(self.upstream),
            "ANTHROPIC_VERTEX_BASE_URL": origin(self.upstream) + "/v1", "GOOGLE_CLOUD_LOCATION": "europe-west4"})


@case
def both_shapes_of_vertex(t):
    google = Google(t)
    gateway = google.gateway(t)
    base = "/v1/projects/my-project/locations/europe-west4/publishers"
    anthropic = {"max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}], "metadata": {"user_id": "u"}}
    gemini = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    for stream in (False, True):
        gateway.chat({**HELLO, "model": "vertex/gemini-2.5-flash", "stream": stream}).expect(200)
        page = "streamGenerateContent?alt=sse" if stream else "generateContent"
        equal(google.asked()[-1].target, f"{base}/google/models/gemini-2.5-flash:{page}")
        with gateway.connect() as connection:
            connection.request("POST", f"/v1beta/models/vertex%2Fgemini-2.5-flash:{page}", [], json.dumps(gemini).encode()).expect(200)
        equal(google.asked()[-1].target, f"{base}/google/models/gemini-2.5-flash:{page}")
        equal(google.asked()[-1].json(), gemini)

        page = "streamRawPredict" if stream else "rawPredict"
        gateway.chat({**HELLO, "model": "vertex_anthropic/claude-haiku-4-5@20251001", "stream": stream}).expect(200)
        with gateway.connect() as connection:
            connection.request("POST", "/v1/messages", [("anthropic-version", "2023-06-01")], json.dumps(
                {**anthropic, "model": "vertex_anthropic/claude-haiku-4-5@20251001", "stream": stream}).encode()).expect(200)
        for request in google.asked()[-2:]:
            contains(request.target.replace("%40", "@"), f"{base}/anthropic/models/claude-haiku-4-5@20251001:{page}", "the target")
            body = request.json()
            equal(body["anthropic_version"], "vertex-2023-10-16")
            true("model" not in body, "the model stands in the path alone")
            equal(request.header("anthropic-version"), None, "the header")
            equal(body.get("stream", False), stream)
        equal({**google.asked()[-1].json(), "stream": None}, {**anthropic, "anthropic_version": "vertex-2023-10-16", "stream": None})
    equal({request.header("authorization") for request in google.asked()}, {"Bearer ya29.token-1"})
    equal(google.tokens(), 1, "one token for all")


def at_once(gateway, count=PARALLEL):
    """Statuses and texts of so many requests at the same time."""
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(gateway.chat({**HELLO, "model": "vertex/gemini-2.5-flash"}))) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(len(answers), count, "answers")
    return answers


@case
def one_call_for_a_token_however_many_wait(t):
    google = Google(t)
    google.pause = 0.3
    gateway = google.gateway(t)
    # Who leaves while it is fetched takes it from nobody else.
    with gateway.connect() as leaving:
        leaving.send_chat({**HELLO, "model": "vertex/gemini-2.5-flash"})
        wait_until(lambda: google.tokens() == 1, "the call for a token")
    equal([answer.status for answer in at_once(gateway)], [200] * PARALLEL)
    equal(google.tokens(), 1, "calls for a token")


@case
def a_token_is_renewed_before_its_end_while_requests_go_on(t):
    google = Google(t, lives=60)  # within the minute in which a new one is fetched
    gateway = google.gateway(t)
    at_once(gateway, 1)
    google.pause, google.lives = 0.5, 3600
    at_once(gateway, PARALLEL)
    equal({request.header("authorization") for request in google.asked()}, {"Bearer ya29.token-1"}, "the old one will do meanwhile")
    wait_until(lambda: google.issued == 2, "the new token")
    wait_until(lambda: at_once(gateway, 1) and google.asked()[-1].header("authorization") == "Bearer ya29.token-2", "its use")
    equal(google.tokens(), 2, "calls for a token")


@case
def a_token_that_is_refused_is_not_kept(t):
    google = Google(t)
    gateway = google.gateway(t)
    at_once(gateway, 1)
    google.revoked.add("Bearer ya29.token-1")
    equal(at_once(gateway, 1)[0].status, 502)
    equal(at_once(gateway, 1)[0].status, 200)
    equal(google.asked()[-1].header("authorization"), "Bearer ya29.token-2")


@case
def without_a_token_the_answer_is_a_clean_error(t):
    google = Google(t)
    google.pause = 0.1
    gateway = google.gateway(t)
    troubles = {
        "refused": lambda peer: peer.reply({"error": "invalid_grant", "error_description": "Invalid JWT: -----BEGIN PRIVATE KEY-----"}, 400),
        "broken": lambda peer: peer.reply("<html>", 500, content_type="text/html"),
        "empty": lambda peer: peer.reply({"token_type": "Bearer"}),
        "gone": lambda peer: peer.reset()}
    for name, trouble in troubles.items():
        google.trouble = trouble
        before = google.tokens()
        for answer in at_once(gateway):
            true(answer.status in (502, 503), f"{name}: {answer.status}")
            true(answer.error()["message"], name)
            true("PRIVATE KEY" not in answer.text() and "ya29" not in answer.text() and "assertion" not in answer.text(), answer.text())
        true(google.tokens() - before <= 2, f"{name}: {google.tokens() - before} calls")  # a reset is tried once more
    google.trouble = None
    equal(at_once(gateway, 1)[0].status, 200, "afterwards")
    true("PRIVATE KEY" not in gateway.output(), "the log")


@case
def a_token_service_that_is_not_there(t):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    google = Google(t)
    google.token_url = f"http://127.0.0.1:{port}/token"
    answer = at_once(google.gateway(t), 1)[0]
    equal(answer.status, 502)
    true(str(port) not in answer.text(), "no address of the inside")

"""What the gateway says of its requests: stable fields, true numbers, and never a word of content nor a secret."""
import json
import re

from harness.client import Stream
from harness.programs import wait_until
from harness.runner import case, contains, equal, lacks, true
from harness.upstream import chunk, completion, event

CLIENT_KEY, UPSTREAM_KEY = "sk-client-canary-77aa", "sk-upstream-canary-88bb"
PROMPT, ANSWER, NAME = "prompt-canary-11cc", "answer-canary-22dd", "user-canary-33ee"
CANARIES = (CLIENT_KEY, UPSTREAM_KEY, PROMPT, ANSWER, NAME)
AUTH = [("Authorization", f"Bearer {CLIENT_KEY}")]
FIELDS = {"time", "level", "event", "request_id", "method", "route", "status", "error", "dialect", "operation", "model", "provider",
          "upstream_model", "response_model", "stream", "attempts", "input_tokens", "cache_read_tokens", "cache_write_tokens",
          "output_tokens", "reasoning_tokens", "bytes_in", "bytes_out", "duration_ms", "upstream_ms", "first_token_ms", "overhead_ms",
          "principal", "client", "user_agent"}
ALWAYS = {"time", "level", "event", "request_id", "method", "status", "bytes_in", "bytes_out", "duration_ms", "client"}


def body(**more):
    return {"model": "m", "user": NAME, "messages": [{"role": "system", "content": PROMPT}, {"role": "user", "content": PROMPT}], **more}


def handler(request, peer):
    asked = json.loads(request.body)
    if asked.get("seed") == 500:
        peer.reply({"error": {"message": f"{UPSTREAM_KEY} failed", "type": "x", "param": None, "code": None}}, 500)
    elif asked.get("seed") == 1:
        peer.close()
        return "close"
    elif asked.get("stream"):
        peer.begin_stream()
        peer.chunk(event(chunk({"content": ANSWER})))
        if asked.get("seed") == 2:
            peer.close()
            return "close"
        peer.chunk(event(chunk(choices=[], usage={"prompt_tokens": 30, "completion_tokens": 7, "total_tokens": 37,
                                                  "prompt_tokens_details": {"cached_tokens": 10},
                                                  "completion_tokens_details": {"reasoning_tokens": 4}})))
        peer.chunk("data: [DONE]\n\n")
        peer.end_stream()
    else:
        peer.reply(completion(ANSWER, model="m-2026"))
    return None


def gateway_of(t, **more):
    upstream = t.upstream(handler)
    return t.gateway({"keys": [{"name": "laptop", "key": CLIENT_KEY}],
                      "models": [{"name": "m", "endpoint": upstream.url(), "api_key": UPSTREAM_KEY}], **more})


@case
def one_line_for_each_request(t):
    gateway = gateway_of(t)
    seen = {}
    with gateway.connect() as connection:
        for name, asked, headers in (("plain", body(), AUTH), ("stream", body(stream=True), AUTH), ("stranger", body(), []),
                                     ("unknown", body(model="nobody"), AUTH), ("failed", body(seed=500), AUTH), ("bad", {"model": 1}, AUTH)):
            answer = connection.chat(asked, [("x-request-id", f"id-{name}"), ("User-Agent", "e2e/1"), *headers])
            seen[name] = (answer, gateway.request_line(f"id-{name}"))
            if name == "stranger":
                connection = gateway.connect()
        connection.get("/livez", [("x-request-id", "id-page")]).expect(200)
    page = gateway.request_line("id-page")
    for name, line in (*((n, s[1]) for n, s in seen.items()), ("page", page)):
        equal(set(line) - FIELDS, set(), f"undocumented fields of {name}")
        equal(ALWAYS - set(line), set(), f"missing fields of {name}")
        true(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z", line["time"]), f"time {line['time']}")
        equal(line["user_agent"] if name != "page" else "e2e/1", "e2e/1")
    plain, stream = seen["plain"][1], seen["stream"][1]
    for field, value in (("method", "POST"), ("route", "/v1/chat/completions"), ("status", 200), ("dialect", "openai_chat"), ("operation", "chat"),
                         ("model", "m"), ("response_model", "m-2026"), ("attempts", 1), ("input_tokens", 3), ("output_tokens", 5),
                         ("principal", "laptop"), ("bytes_in", len(json.dumps(body()))), ("level", "info")):
        equal(plain.get(field), value, field)
    true("error" not in plain and "stream" not in plain, "fields that do not apply")
    true(plain["duration_ms"] >= plain["upstream_ms"] > 0 and plain["overhead_ms"] >= 0, f"times of {plain}")
    for field, value in (("stream", True), ("input_tokens", 30), ("cache_read_tokens", 10), ("output_tokens", 7), ("reasoning_tokens", 4)):
        equal(stream.get(field), value, field)
    true(0 < stream["first_token_ms"] <= stream["duration_ms"], f"times of {stream}")
    equal(plain["bytes_out"], len(seen["plain"][0].body), "bytes_out")
    for name, status, error, level in (("stranger", 401, "unauthenticated", "info"), ("unknown", 404, "model_not_found", "info"),
                                       ("failed", 502, "upstream_failed", "warn"), ("bad", 400, "bad_request", "info")):
        line = seen[name][1]
        equal((line["status"], line["error"], line["level"]), (status, error, level), name)
    equal(len(gateway.events("request")) - 1, len(seen) + 1, "lines: one for each request, and one for the first look at /readyz")


@case
def no_secret_and_no_content_anywhere(t):
    gateway = gateway_of(t)
    told = ""
    for asked in (body(), body(stream=True), body(seed=500), body(seed=1), body(seed=2, stream=True), body(model=[]), body(messages=PROMPT),
                  body(model="nobody")):
        for headers in (AUTH, [], [("Authorization", f"Bearer {UPSTREAM_KEY}")], [("x-api-key", CLIENT_KEY), ("api-key", UPSTREAM_KEY)]):
            answer = gateway.chat(asked, headers)
            if answer.status != 200:
                told += answer.text()
            elif asked.get("seed") == 2:
                told += answer.events()[-1]
    with gateway.connect() as connection:
        told += connection.get(f"/v1/models?key={CLIENT_KEY}").expect(200).text()
        told += connection.get(f"/v1/nothing/{PROMPT}?key={CLIENT_KEY}").text().replace(PROMPT, "")
        told += connection.get("/health").text()
        metrics = connection.get("/metrics", AUTH).expect(200).text()
    gateway.reload()
    equal(gateway.stop(), 0)
    for canary in CANARIES:
        lacks(gateway.output(), canary, "the log")
        lacks(metrics, canary, "the metrics")
        lacks(told, canary, "an error")


@case
def metrics_are_valid_and_true(t):
    gateway = gateway_of(t)
    for asked in (body(), body(), body(stream=True), body(seed=500), body(seed=2, stream=True)):
        gateway.chat(asked, AUTH)
    gateway.chat(body())
    with gateway.connect() as connection:
        connection.get("/metrics").expect(401)
        page = connection.get("/metrics", AUTH).expect(200)
    contains(page.header("content-type"), "text/plain")
    samples = gateway.metrics(AUTH)

    def total(name, **labels):
        return sum(v for (n, pairs), v in samples.items() if n == name and labels.items() <= dict(pairs).items())

    equal(total("cardea_requests_total", status="200", route="/v1/chat/completions"), 4)
    equal(total("cardea_requests_total", status="502"), 1)
    equal(total("cardea_requests_total", status="401", route="/v1/chat/completions"), 1)
    equal(total("cardea_request_errors_total", kind="upstream_failed"), 1)
    equal(total("cardea_request_errors_total", kind="upstream_reset"), 1)
    equal(total("gen_ai_server_request_duration_seconds_count"), 6)
    equal(total("gen_ai_server_time_to_first_token_seconds_count"), 2)
    true(total("gen_ai_client_token_usage_sum") >= 8 * 2 + 37, "tokens")
    true(total("cardea_overhead_seconds_count") >= 3, "overhead")
    # One that was answered a moment ago, on another thread, may still be going.
    wait_until(lambda: gateway.gauge("cardea_in_flight_requests", AUTH) == 1, "only the one that asks is under way")
    equal(total("cardea_build_info"), 1)
    true(total("process_resident_memory_bytes") > 10**6 and total("process_open_fds") > 5, "the process")
    for name in ("cardea_upstream_connects_total", "cardea_client_connections_total", "cardea_log_lines_lost_total"):
        true(any(n == name for n, _ in samples), f"{name} is missing")
    buckets = {}
    for (name, labels), value in samples.items():
        if name.endswith("_bucket"):
            rest = tuple(p for p in labels if p[0] != "le")
            buckets.setdefault((name, rest), []).append((float(dict(labels)["le"].replace("+Inf", "inf")), value))
    true(buckets, "no histogram")
    for series, points in buckets.items():
        counts = [value for _, value in sorted(points)]
        equal(counts, sorted(counts), f"a histogram that is not cumulative: {series}")
        equal(counts[-1], samples[(series[0].removesuffix("_bucket") + "_count", series[1])], f"+Inf of {series}")


@case
def reloads_are_counted(t):
    gateway = t.gateway()
    gateway.reload()
    gateway.write_config("lisen: x")
    gateway.reload()
    samples = gateway.metrics()
    true(samples[("cardea_config_reloads_total", ())] >= 1, "reloads that took effect")
    true(samples[("cardea_config_reload_failures_total", ())] >= 1, "reloads refused")


@case
def strangers_make_no_labels(t):
    """Names that clients invent must not fill the metrics."""
    gateway = t.gateway()
    for number in range(50):
        gateway.chat({"model": f"invented-{number}", "messages": []})
        with gateway.connect() as connection:
            connection.get(f"/invented/{number}")
    names = {n for n, _ in gateway.metrics()}
    true(names, "no metrics")
    with gateway.connect() as connection:
        lacks(connection.get("/metrics").expect(200).text(), "invented", "the metrics")


@case
def metrics_can_be_open_or_off(t):
    gateway = gateway_of(t, metrics={"auth": "open"})
    with gateway.connect() as connection:
        connection.get("/metrics").expect(200)
    gateway = gateway_of(t, metrics={"enabled": "off"})
    with gateway.connect() as connection:
        connection.get("/metrics", AUTH).expect(404)


@case
def a_console_log_is_for_eyes(t):
    program = t.start_gateway({"log": {"format": "console"}})
    found = wait_until(lambda: re.search(r"127\.0\.0\.1:(\d+)", program.output()), "the address")
    with program.connect(("127.0.0.1", int(found.group(1)))) as connection:
        hello = {"model": "twin/echo", "messages": [{"role": "user", "content": PROMPT}]}
        connection.chat(hello).expect(200)
        equal(Stream(connection, {**hello, "stream": True}).rest()[-1], "[DONE]")
    wait_until(lambda: program.output().count("/v1/chat/completions") >= 2, "two lines")
    lacks(program.output(), PROMPT, "the log")
    lacks(program.output(), "\x1b[", "colours in a file")

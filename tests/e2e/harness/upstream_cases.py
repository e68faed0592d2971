"""What the cases about upstreams share: their requests, and what a proper refusal or a properly broken stream looks like."""
import json
import time

from harness.runner import equal, lacks, true

SECRET = "sk-upstream-canary-8d1f"
PLAIN = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
STREAM = {**PLAIN, "stream": True}
QUICK = {"connect": "300ms", "first_byte": "300ms", "inter_chunk": "300ms"}
TIMEOUT_SECONDS = 0.3
# What the gateway may take from the fault to the answer, and how often we look before we believe that it takes longer: this machine
# may be busy with something else once, not five times.
LATE_SECONDS_MAX = 0.05
TRIES = 6


def config(url, **more):
    return {"providers": {"vendor": {"base_url": url, "api_key": SECRET, "models": ["m"]}}, "timeouts": QUICK, **more}


def refused(answer, status, code=None):
    error = answer.expect(status).error()
    lacks(answer.text(), SECRET, "the error")
    lacks(answer.text(), "127.0.0.1", "the error")
    if code:
        equal(error["code"], code, "code")
    return error


def broken(stream):
    """The stream's events before a failure; checks that exactly one error event ends it and no [DONE] follows."""
    events = stream.rest()
    lacks(events, "[DONE]", "a broken stream")
    errors = [e for e in events if "error" in json.loads(e)]
    equal(len(errors), 1, "error events")
    equal(events[-1], errors[0], "the last event")
    error = json.loads(errors[0])["error"]
    true(set(error) == {"message", "type", "param", "code"} and error["message"], f"not an OpenAI error: {errors[0]}")
    lacks(errors[0], SECRET, "the error event")
    return events[:-1]


def soon_after(due_seconds, action):
    """Runs `action` until it once ends within the allowed time after `due_seconds`."""
    late = []
    for _ in range(TRIES):
        started = time.monotonic()
        action()
        late.append(time.monotonic() - started - due_seconds)
        true(late[-1] > -0.005 - due_seconds * 0.1, f"it ended {-late[-1]:.3f} s too early")
        if late[-1] < LATE_SECONDS_MAX:
            return
    raise AssertionError(f"always late: {[round(s, 3) for s in late]} s")

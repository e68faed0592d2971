#!/usr/bin/env python3
"""Mixed traffic for a long time: every answer checked, memory and descriptors flat.

`soak.py --minutes 60` by hand and every night; `--seconds 20` in CI (tests/e2e/cases/long_runs.py). The binary is $CARDEA_BIN or
build/dev/cardea. Plain answers, streams, upstreams of every dialect, aborts, upstream faults, bad requests and reloads go on beside each other; at the end all is quiet
and must be as it was at the beginning.
"""
import argparse
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
sys.dont_write_bytecode = True

from harness.client import Closed, Connection, Stream  # noqa: E402
from harness.load import Load  # noqa: E402
from harness.programs import Gateway, Twin, wait_until  # noqa: E402

# The goal is 1 MiB over 5 million requests; what a short run shows beyond that is allocators settling (sanitizers keep freed memory).
GROWTH_KIB_MAX = 4096
GROWTH_SHARE_MAX = 0.05
WARM_UP_SHARE = 0.25
FAULTS = [("x-twin-status", "500"), ("x-twin-status", "429"), ("x-twin-cut-after-events", "2"), ("x-twin-end-after-events", "2"),
          ("x-twin-error-in-200", "1"), ("x-twin-malformed", "json"), ("x-twin-malformed", "chunk"), ("x-twin-hang", "before-head"),
          ("x-twin-redirect", "http://127.0.0.1:1/")]
# Where the twin speaks them.
DIALECTS = {"anthropic": "/v1", "openai_responses": "/v1", "gemini": "/v1beta", "bedrock": "", "cohere": "/v2", "ollama": ""}
BAD = [b"GET / HTTP/9.9\r\n\r\n", b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
       b"\x16\x03\x01\x00\x05hello\r\n\r\n", b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"]


class Trouble:
    """Clients that abort, ask for faults and talk nonsense. None of it may do anything but end in an error or a close."""

    def __init__(self, address, seed, pause_ms):
        self.address, self.random, self.pause_ms = address, random.Random(seed), pause_ms
        self.stopping = threading.Event()
        self.done, self.wrong = 0, []
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.stopping.wait(self.pause_ms / 1000):
            try:
                with Connection(self.address) as connection:
                    self.random.choice((self.abort, self.abort_early, self.fault, self.nonsense))(connection)
                self.done += 1
            except (Closed, OSError):
                self.done += 1
            except Exception as error:  # noqa: BLE001: whatever it is, it is wrong
                self.wrong.append(repr(error))

    def body(self, streamed):
        return {"model": "twin/lorem", "stream": streamed, "messages": [{"role": "user", "content": str(self.random.random())}]}

    def abort(self, connection):
        stream = Stream(connection, self.body(True), [("x-twin-inter-token-ms", "5")])
        for _ in range(self.random.randrange(1, 6)):
            stream.next()
        connection.reset() if self.random.random() < 0.5 else connection.close()

    def abort_early(self, connection):
        connection.send_chat(self.body(self.random.random() < 0.5), [("x-twin-latency-ms", "200")])
        connection.reset() if self.random.random() < 0.5 else connection.close()

    def fault(self, connection):
        streamed = self.random.random() < 0.5
        header = self.random.choice(FAULTS if streamed else [*FAULTS, ("x-twin-gzip", "1")])
        answer = connection.chat(self.body(streamed), [header])
        if answer.status == 200 and not streamed:
            raise AssertionError(f"{header} gave a good answer: {answer.body[:200]!r}")
        if answer.status == 200 and answer.events()[-1] == "[DONE]" and header[1] != "json":
            raise AssertionError(f"{header} gave a whole stream: {answer.body[-200:]!r}")

    def nonsense(self, connection):
        connection.send(self.random.choice(BAD))
        connection.response()

    def stop(self):
        self.stopping.set()
        self.thread.join(30)
        return self


class Samples:
    """Resident memory and descriptors once a second."""

    def __init__(self, gateway):
        self.gateway, self.values, self.stopping = gateway, [], threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.stopping.wait(1.0):
            self.values.append((time.monotonic(), self.gateway.rss_kib(), self.gateway.fds()))

    def stop(self):
        self.stopping.set()
        self.thread.join()

    def growth_kib(self):
        """Median of the last quarter less that of the first quarter after warming up."""
        values = [rss for _, rss, _ in self.values][int(len(self.values) * WARM_UP_SHARE):]
        quarter = max(1, len(values) // 4)
        return statistics.median(values[-quarter:]) - statistics.median(values[:quarter])


def quiet_fds(gateway):
    """Descriptors when nobody but the one who asks is there, and idle upstream connections have been given up."""
    def quiet():
        with gateway.connect() as connection:
            text = connection.get("/metrics").text()
            return "cardea_in_flight_requests 1\n" in text and "cardea_client_connections 1\n" in text and gateway.fds()
    time.sleep(1.5)  # upstream.idle is 1 s here
    return wait_until(quiet, "quiet", 15)


def soak(seconds, folder, external, pause_ms):
    twin = Twin(folder / "twin").ready() if external else None
    config = {"upstream": {"idle": "1s"}, "timeouts": {"first_byte": "500ms"}}
    if twin:
        host, port = twin.address
        config["providers"] = {"twin": {"base_url": twin.url()}} | {
            name: {"base_url": f"http://{host}:{port}{path}", "dialect": name, "api_key": "k", "models": ["echo"]} for name, path in DIALECTS.items()}
    gateway = Gateway(folder / "gateway", config).ready()
    checks = []

    def check(name, good, found):
        checks.append(good)
        print(f"{'passed' if good else 'failed'} {name}: {found}", flush=True)

    gateway.chat({"model": "twin/echo", "messages": [{"role": "user", "content": "warm"}]}).expect(200)
    fds = quiet_fds(gateway)
    models = ["twin/echo", *(f"{name}/echo" for name in DIALECTS if twin)]
    load, samples = Load(gateway.address, connections=8, models=models, pause_ms=pause_ms), Samples(gateway)
    trouble = [Trouble(gateway.address, seed, pause_ms) for seed in range(3)]
    end, reloads = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        time.sleep(min(3.0, max(0.0, end - time.monotonic())))
        config["aliases"] = {f"alias-{reloads}": "twin/echo"}
        gateway.write_config(config)
        gateway.reload()
        gateway.forget_requests()
        reloads += 1
    for one in (load, *trouble, samples):
        one.stop()
    growth = samples.growth_kib()
    left = quiet_fds(gateway)
    done = sum(one.done for one in trouble)
    print(f"  {load.right} right answers, {done} faults and aborts, {reloads} reloads in {seconds:.0f} s; "
          f"resident {samples.values[0][1]} → {samples.values[-1][1]} KiB")
    check("wrong answers", not load.wrong and load.right > (20 if pause_ms == 0 else 2) * min(seconds, 10), load.wrong[:3] or "none")
    wrong = [w for one in trouble for w in one.wrong]
    check("faults", not wrong and done > seconds, wrong[:3] or "as they should be")
    check("memory", growth <= max(GROWTH_KIB_MAX, GROWTH_SHARE_MAX * samples.values[-1][1]), f"grew by {growth:.0f} KiB")
    check("descriptors", left <= fds, f"{fds} before, {left} after")
    lost = gateway.gauge("cardea_log_lines_lost_total")
    check("log lines", lost == 0, f"{lost:.0f} lost")
    codes = [program.stop() for program in (gateway, twin) if program]
    check("exit codes", set(codes) == {0}, codes)
    print(f"{sum(checks)} passed, {len(checks) - sum(checks)} failed")
    return 0 if all(checks) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, help="instead of --minutes")
    parser.add_argument("--pause-ms", type=float, default=0, help="rest of each client between two requests, to leave the machine to others")
    parser.add_argument("--in-process", action="store_true", help="with the built-in twin instead of a twin process")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cardea-soak-") as folder:
        sys.exit(soak(options.seconds or options.minutes * 60, Path(folder), not options.in_process, options.pause_ms))


main()

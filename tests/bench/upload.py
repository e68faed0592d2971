#!/usr/bin/env python3
"""A large upload beside small requests, through nginx and through Cardea: CPU per MB, memory, and what the small ones notice.

Prints ratios to nginx of the same interleaved run. --size-mib 512 is what issue lists ask for; the upstream reads and forgets.
"""
import argparse
import json
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from systems import KEY, MODEL, OTHER_CORE, System, free_port  # noqa: E402

BOUNDARY = "upload-bench-boundary"
SMALL = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "nonce-0000000000000001 ping"}]}).encode()


class Sink(threading.Thread):
    """Answers each request once its body has come; small chats and large forms alike."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", free_port()), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.bodies = []

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        pending, space = b"", bytearray(1 << 20)
        while True:
            while b"\r\n\r\n" not in pending:
                data = client.recv(65536)
                if not data:
                    return
                pending += data
            head, pending = pending.split(b"\r\n\r\n", 1)
            length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            left = length - len(pending)
            while left > 0:
                got = client.recv_into(space, min(left, len(space)))
                if not got:
                    return
                left -= got
            pending = b""
            if length > 1 << 20:
                self.bodies.append(length)
            answer = b'{"text":"heard"}' if length > 1 << 20 else \
                b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"pong"},"finish_reason":"stop"}]}'
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))


def read_answer(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        got = sock.recv(65536)
        if not got:
            raise RuntimeError(f"no answer: {data!r}")
        data += got
    head, body = data.split(b"\r\n\r\n", 1)
    length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    while len(body) < length:
        body += sock.recv(65536)
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"{head!r} {body!r}")
    return body


def upload(port, mib):
    block = os.urandom(1 << 20)
    first = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="talk.wav"\r\nContent-Type: audio/wav\r\n\r\n').encode() + b"RIFF\0\0\0\0WAVE"
    last = f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="model"\r\n\r\n{MODEL}\r\n--{BOUNDARY}--\r\n'.encode()
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {KEY}\r\nContent-Type: multipart/form-data; "
                     f"boundary={BOUNDARY}\r\nContent-Length: {len(first) + mib * (1 << 20) + len(last)}\r\n\r\n".encode() + first)
        for _ in range(mib):
            sock.sendall(block)
        sock.sendall(last)
        if read_answer(sock) != b'{"text":"heard"}':
            raise RuntimeError("another answer")


def small_requests(port, until, into):
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\nContent-Length: {len(SMALL)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not until():
            begun = time.perf_counter()
            sock.sendall(head.encode() + SMALL)
            read_answer(sock)
            into.append((time.perf_counter() - begun) * 1e6)
            time.sleep(0.002)


def p99(values):
    return statistics.quantiles(values, n=100)[98]


def measure(system, mib):
    quiet, beside = [], []
    end = time.monotonic() + 2
    small_requests(system.port, lambda: time.monotonic() > end, quiet)
    rss, peak, done = system.rss_mib(), [], threading.Event()
    before = system.cpu_seconds()

    def watch():
        while not done.is_set():
            peak.append(system.rss_mib())
            time.sleep(0.01)

    helpers = [threading.Thread(target=small_requests, args=(system.port, done.is_set, beside)), threading.Thread(target=watch)]
    for helper in helpers:
        helper.start()
    try:
        upload(system.port, mib)
    finally:
        done.set()
        for helper in helpers:
            helper.join()
    return {"cpu_ms_per_mib": (system.cpu_seconds() - before) * 1e3 / mib, "rss_growth_mib": max(peak) - rss, "p99_quiet_us": p99(quiet),
            "p99_beside_us": p99(beside), "small": len(beside)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size-mib", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.sched_setaffinity(0, {int(OTHER_CORE)})
    sink = Sink()
    sink.start()
    with tempfile.TemporaryDirectory(prefix="cardea-upload-", dir=os.environ.get("UPLOAD_BENCH_DIR")) as directory:
        systems = [System(name, "0", directory, sink.port) for name in ("nginx", "cardea")]
        for system in systems:
            if system.name == "nginx":
                import systems as module
                module.NGINX_CONF = module.NGINX_CONF.replace("client_max_body_size 64m", "client_max_body_size 2g").replace(
                    "client_body_buffer_size 4m", "client_body_buffer_size 16k")
            if system.name == "cardea":
                import systems as module
                module.CARDEA_YAML += "limits: {{upload_bytes: 1GiB}}\n"
            system.start()
        figures = {system.name: [] for system in systems}
        try:
            for _ in range(options.rounds):
                for system in systems:
                    figures[system.name].append(measure(system, options.size_mib))
                    print(system.name, figures[system.name][-1], file=sys.stderr)
        finally:
            for system in systems:
                system.stop()
    middle = {name: {key: statistics.median(row[key] for row in rows) for key in rows[0]} for name, rows in figures.items()}
    nginx, cardea = middle["nginx"], middle["cardea"]
    moved = {name: row["p99_beside_us"] / row["p99_quiet_us"] for name, row in middle.items()}
    print(f"{options.size_mib} MiB: CPU per MiB {cardea['cpu_ms_per_mib']:.2f} ms = {cardea['cpu_ms_per_mib'] / nginx['cpu_ms_per_mib']:.2f} × nginx; "
          f"RSS +{cardea['rss_growth_mib']:.1f} MiB (nginx +{nginx['rss_growth_mib']:.1f}); p99 of small requests beside it "
          f"{moved['cardea']:.2f} × quiet (nginx {moved['nginx']:.2f} ×)")


if __name__ == "__main__":
    main()

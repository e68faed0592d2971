#!/usr/bin/env python3
"""A large upload beside small requests, through nginx and through Cardea: CPU per MB, memory, and what the small ones notice.

Prints ratios to nginx of the same interleaved run. The small requests run at a fixed rate beside an upload at --mib-per-second, once through the
system and once past it, since the measuring takes its share of two cores too; CPU is that of an upload as fast as it goes. The upstream reads
and forgets.
"""
import argparse
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import systems as configurations  # noqa: E402
from bench import run_load  # noqa: E402
from systems import KEY, OTHER_CORE, System, free_port  # noqa: E402

BOUNDARY = "upload-bench-boundary"
RATE = 500  # small requests a second


class Sink(threading.Thread):
    """Answers each upload once its body has come."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", free_port()), backlog=64)
        self.port = self.listener.getsockname()[1]

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
            answer = b'{"text":"heard"}'
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


def upload(port, mib, mib_per_second=None):
    block = os.urandom(1 << 20)
    first = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="talk.wav"\r\nContent-Type: audio/wav\r\n\r\n').encode() + b"RIFF\0\0\0\0WAVE"
    last = f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="model"\r\n\r\near\r\n--{BOUNDARY}--\r\n'.encode()
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {KEY}\r\nContent-Type: multipart/form-data; "
                     f"boundary={BOUNDARY}\r\nContent-Length: {len(first) + mib * (1 << 20) + len(last)}\r\n\r\n".encode() + first)
        begun = time.monotonic()
        for sent in range(mib):
            sock.sendall(block)
            if mib_per_second:
                time.sleep(max(0.0, begun + (sent + 1) / mib_per_second - time.monotonic()))
        sock.sendall(last)
        if read_answer(sock) != b'{"text":"heard"}':
            raise RuntimeError("another answer")


def small_requests(port, seconds):
    """p99 of an open loop of small chats, in µs."""
    result = run_load(port, {"requests": int(RATE * seconds), "connections": 1, "body": 1000, "events": 0, "rate": RATE})
    if result["failed"]:
        raise RuntimeError(f"small requests failed: {result}")
    return result["latency_us"]["p99"]


def small_beside(system, mib, mib_per_second, uploaded_to):
    """p99 of small requests through the system while an upload goes to that port, and by how much the system grew."""
    rss, peak, done, beside = system.rss_mib(), [], threading.Event(), []

    def watch():
        while not done.is_set():
            peak.append(system.rss_mib())
            time.sleep(0.01)

    helpers = [threading.Thread(target=lambda: beside.append(small_requests(system.port, mib / mib_per_second))), threading.Thread(target=watch)]
    for helper in helpers:
        helper.start()
    upload(uploaded_to, mib, mib_per_second)
    helpers[0].join()
    done.set()
    helpers[1].join()
    return beside[0], max(peak) - rss


def measure(system, sink, mib, mib_per_second):
    quiet = small_requests(system.port, mib / mib_per_second)
    # The same upload past the system: what its client, its upstream and the measuring take from the small ones on their own core.
    past, _ = small_beside(system, mib, mib_per_second, sink.port)
    beside, growth = small_beside(system, mib, mib_per_second, system.port)
    # Its cost by itself, as fast as it goes.
    before = system.cpu_seconds()
    upload(system.port, mib)
    return {"cpu_ms_per_mib": (system.cpu_seconds() - before) * 1e3 / mib, "rss_growth_mib": growth, "p99_quiet_us": quiet, "p99_past_us": past,
            "p99_beside_us": beside}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size-mib", type=int, default=512)
    parser.add_argument("--mib-per-second", type=float, default=100, help="of the upload beside the small requests")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.sched_setaffinity(0, {int(OTHER_CORE)})
    sink = Sink()
    sink.start()
    configurations.NGINX_CONF = configurations.NGINX_CONF.replace("client_max_body_size 64m", "client_max_body_size 2g").replace(
        "client_body_buffer_size 4m", "client_body_buffer_size 16k").replace(
        "location / {{", f"location /v1/audio/ {{{{ proxy_pass http://127.0.0.1:{sink.port}; proxy_http_version 1.1; }}}}\n    location / {{{{")
    configurations.CARDEA_YAML += f"  - {{{{name: ear, endpoint: \"http://127.0.0.1:{sink.port}\"}}}}\nlimits: {{{{upload_bytes: 1GiB}}}}\n"
    with tempfile.TemporaryDirectory(prefix="cardea-upload-") as directory:
        upstream = System("direct", OTHER_CORE, directory)
        systems = []
        figures = {}
        try:
            upstream.start()
            for name in ("nginx", "cardea"):
                systems.append(System(name, "0", directory, upstream.port))
                systems[-1].start()
                figures[name] = []
            for _ in range(options.rounds):
                for system in systems:
                    figures[system.name].append(measure(system, sink, options.size_mib, options.mib_per_second))
                    print(system.name, figures[system.name][-1], file=sys.stderr)
        finally:
            for system in [*systems, upstream]:
                system.stop()
    middle = {name: {key: statistics.median(row[key] for row in rows) for key in rows[0]} for name, rows in figures.items()}
    nginx, cardea = middle["nginx"], middle["cardea"]
    def moved(name, since):
        return middle[name]["p99_beside_us"] / middle[name][since]

    print(f"{options.size_mib} MiB: CPU per MiB {cardea['cpu_ms_per_mib']:.2f} ms = {cardea['cpu_ms_per_mib'] / nginx['cpu_ms_per_mib']:.2f} × nginx; "
          f"RSS +{cardea['rss_growth_mib']:.1f} MiB (nginx +{nginx['rss_growth_mib']:.1f}); p99 of small requests beside it "
          f"{moved('cardea', 'p99_past_us'):.2f} × beside the same upload past the gateway (nginx {moved('nginx', 'p99_past_us'):.2f} ×), "
          f"{moved('cardea', 'p99_quiet_us'):.2f} × without one (nginx {moved('nginx', 'p99_quiet_us'):.2f} ×)")


if __name__ == "__main__":
    main()

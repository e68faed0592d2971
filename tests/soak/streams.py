#!/usr/bin/env python3
"""Many paced streams at once: no event lost, merged, reordered or given to somebody else.

`streams.py [--streams 2000] [--tokens 40] [--pace-ms 500]`; the binary is $CARDEA_BIN or build/dev/cardea. Each stream asks the twin to
repeat words of its own, one a time; what comes must be those words, in order, each in an event of its own and not long after it was due.
"""
import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
sys.dont_write_bytecode = True

from harness.programs import Gateway, Twin  # noqa: E402


def words_of(number, tokens):
    """Words that no other stream has; as many pieces as `tokens`, however the twin cuts them."""
    return " ".join(f"s{number:05d}w{at:03d}" for at in range(tokens))


class Client(asyncio.Protocol):
    """One stream: strips the chunk framing, cuts events, keeps when each came."""

    def __init__(self, request):
        self.request, self.raw, self.body = request, b"", b""
        self.head, self.events, self.times = None, [], []
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data):
        self.raw += data
        if self.head is None:
            head, found, rest = self.raw.partition(b"\r\n\r\n")
            if not found:
                return
            self.head, self.raw = head, rest
        finished = self.unchunk()
        *events, self.body = self.body.split(b"\n\n")
        now = time.monotonic()
        self.events += events
        self.times += [now] * len(events)
        if finished:
            self.end(None)

    def unchunk(self):
        while True:
            line, found, rest = self.raw.partition(b"\r\n")
            if not found:
                return False
            size = int(line, 16)
            if len(rest) < size + 2:
                return False
            self.body += rest[:size]
            self.raw = rest[size + 2:]
            if size == 0:
                return True

    def connection_lost(self, error):
        self.end(error or ConnectionError("closed before the end"))

    def end(self, error):
        if not self.ended.done():
            self.ended.set_result(error)
            self.transport.close()


def judge(client, words, pieces, error):
    """What is wrong with a stream that has ended, or None."""
    if error is not None:
        return f"{error!r} after {len(client.events)} events"
    if client.head is None or b" 200 " not in client.head.split(b"\r\n")[0]:
        return f"head {client.head!r}"
    if client.body or not client.events or client.events[-1] != b"data: [DONE]":
        return f"it ends in {client.events[-1:]} {client.body!r}"
    said = []
    for event in client.events[:-1]:
        if not event.startswith(b"data: ") or b"\n" in event:
            return f"a merged event: {event!r}"
        for choice in json.loads(event[6:])["choices"]:
            if choice["delta"].get("content"):
                said.append(choice["delta"]["content"])
    if "".join(said) != words:
        return f"other words: {''.join(said)!r}"
    if len(said) != pieces:
        return f"{len(said)} pieces, expected {pieces}"
    return None


def request_of(words, pace_ms):
    body = json.dumps({"model": "twin/echo", "stream": True, "messages": [{"role": "user", "content": words}]}).encode()
    return (f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
            f"x-twin-inter-token-ms: {pace_ms}\r\nx-twin-first-token-ms: {pace_ms}\r\n\r\n").encode() + body


async def one(address, number, options, pieces, start_at):
    words = words_of(number, options.tokens)
    # Spread over one pace, so that the events of all streams are not due at once.
    await asyncio.sleep(max(0.0, start_at - time.monotonic()) + options.pace_ms / 1000 * (number / options.streams))
    try:
        _, client = await asyncio.get_running_loop().create_connection(lambda: Client(request_of(words, options.pace_ms)), *address)
        error = await client.ended
    except OSError as failed:
        return f"stream {number}: {failed!r}", []
    problem = judge(client, words, pieces, error)
    gaps = [b - a for a, b in zip(client.times, client.times[1:])]
    return (f"stream {number}: {problem}" if problem else None), gaps[1:-3]


async def peak_rss(gateway, stopping):
    peak = 0
    while not stopping.is_set():
        peak = max(peak, gateway.rss_kib())
        await asyncio.sleep(0.5)
    return peak


async def play(gateway, options):
    address = gateway.address
    # How the twin cuts such words, asked without a pace.
    client = (await asyncio.get_running_loop().create_connection(lambda: Client(request_of(words_of(0, options.tokens), 0)), *address))[1]
    await client.ended
    pieces = sum(b'"content":"s' in e or b'"content":" ' in e or b'"content":"' in e and b'"content":""' not in e for e in client.events)
    idle = gateway.rss_kib()
    stopping = asyncio.Event()
    watching = asyncio.create_task(peak_rss(gateway, stopping))
    start_at = time.monotonic() + 0.5
    outcomes = await asyncio.gather(*(one(address, number, options, pieces, start_at) for number in range(options.streams)))
    stopping.set()
    peak = await watching
    problems = [problem for problem, _ in outcomes if problem]
    gaps = sorted(gap for _, some in outcomes for gap in some)
    return pieces, problems, gaps, idle, peak, time.monotonic() - start_at


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--tokens", type=int, default=20, help="words of each stream")
    parser.add_argument("--pace-ms", type=int, default=500, help="between two tokens of a stream")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="cardea-streams-") as folder:
        twin = Twin(Path(folder) / "twin").ready()
        gateway = Gateway(Path(folder) / "gateway", {"providers": {"twin": {"base_url": twin.url()}}}).ready()
        pieces, problems, gaps, idle, peak, seconds = asyncio.run(play(gateway, options))
        codes = [gateway.stop(), twin.stop()]
    if gaps:
        print(f"  {options.streams} streams of {pieces} tokens in {seconds:.1f} s; between two events, due after {options.pace_ms} ms: median "
              f"{gaps[len(gaps) // 2] * 1000:.0f} ms, 99 % {gaps[len(gaps) * 99 // 100] * 1000:.0f} ms, longest {gaps[-1] * 1000:.0f} ms; "
              f"resident {idle} → {peak} KiB, {(peak - idle) / options.streams:.1f} KiB a stream")
    for problem in problems[:10]:
        print(f"  | {problem}")
    good = not problems and codes == [0, 0]
    print(f"{'passed' if good else 'failed'} {options.streams} streams: {len(problems)} wrong, exit codes {codes}")
    print(f"{int(good)} passed, {int(not good)} failed")
    sys.exit(0 if good else 1)


main()

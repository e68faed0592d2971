#!/usr/bin/env python3
"""Shows that bench_load notices each fault it promises to: a small server answers wrongly on purpose."""
import re
import socketserver
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from bench import TRANSLATED, chat, run_load  # noqa: E402

EVENTS = 3
PLAIN, STREAM = {}, {"events": EVENTS}
ANTHROPIC = STREAM | TRANSLATED


def plain(nonce, n):
    return f'{{"content":"{nonce}"}}'.encode()


def events(nonce):
    return [f'data: {{"content":"{nonce} token {i}"}}\n\n'.encode() for i in range(EVENTS)] + [b"data: [DONE]\n\n"]


def merged(nonce):
    first, second, *rest = events(nonce)
    return [first[:-1] + second, *rest]


def anthropic_events(nonce):
    def event(name, rest=""):
        return f'event: {name}\ndata: {{"type":"{name}"{rest}}}\n\n'.encode()

    tokens = [event("content_block_delta", f',"text":"{nonce} token {i}"') for i in range(EVENTS)]
    return [event("message_start"), event("content_block_start"), *tokens, event("content_block_stop"), event("message_stop")]


# name → (what the load is beside the defaults, number of request and nonce → (status, body), what the judge must say)
FAULTS = {
    "good answer": (PLAIN, lambda nonce, n: (200, plain(nonce, n)), None),
    "good stream": (STREAM, lambda nonce, n: (200, b"".join(events(nonce))), None),
    "status": (PLAIN, lambda nonce, n: (500, plain(nonce, n)), "status is not 200"),
    "foreign answer": (PLAIN, lambda nonce, n: (200, plain("nonce-" + "f" * 16, n)), "another request's answer"),
    "length": (PLAIN, lambda nonce, n: (200, plain(nonce, n) + b" " * n), "length differs"),
    "lost event": (STREAM, lambda nonce, n: (200, b"".join(events(nonce)[1:])), "wrong event"),
    "lost last event": (STREAM, lambda nonce, n: (200, b"".join(events(nonce)[:2] + events(nonce)[3:])), "stream ended early"),
    "no end": (STREAM, lambda nonce, n: (200, b"".join(events(nonce)[:-1])), "stream without its end"),
    "order": (STREAM, lambda nonce, n: (200, b"".join([events(nonce)[1], events(nonce)[0], *events(nonce)[2:]])), "wrong event"),
    "merged": (STREAM, lambda nonce, n: (200, b"".join(merged(nonce))), "merged event"),
    "cut event": (STREAM, lambda nonce, n: (200, b"".join([events(nonce)[0][:-4] + b"\n\n", *events(nonce)[1:]])), "incomplete event"),
    "event twice": (STREAM, lambda nonce, n: (200, b"".join([events(nonce)[0], *events(nonce)])), "wrong event"),
    "tail": (STREAM, lambda nonce, n: (200, b"".join(events(nonce)) + b"data: x"), "bytes after the last event"),
    "usage nobody asked for": (STREAM, lambda nonce, n: (200, b"".join([b'data: {"choices":[]}\n\n', *events(nonce)])), "unasked usage event"),
    "good Anthropic stream": (ANTHROPIC, lambda nonce, n: (200, b"".join(anthropic_events(nonce))), None),
    "lost Anthropic event": (ANTHROPIC, lambda nonce, n: (200, b"".join(anthropic_events(nonce)[:3] + anthropic_events(nonce)[4:])), "wrong event"),
    "no Anthropic end": (ANTHROPIC, lambda nonce, n: (200, b"".join(anthropic_events(nonce)[:-1])), "stream without its end"),
    "Anthropic tail": (ANTHROPIC, lambda nonce, n: (200, b"".join(anthropic_events(nonce) * 2)), "event after the end"),
}


def serve(answer):
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            number = 0
            while True:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = self.rfile.readline()
                    if not line:
                        return
                    head += line
                body = self.rfile.read(int(re.search(rb"(?i)content-length: (\d+)", head).group(1)))
                status, text = answer(re.search(rb"nonce-.{16}", body).group().decode(), number)
                number += 1
                self.wfile.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main():
    passed = failed = 0
    for name, (load, answer, expected) in FAULTS.items():
        server = serve(answer)
        result = run_load(server.server_address[1], chat(4, connections=1, **load), seconds_max=5)
        server.shutdown()
        server.server_close()
        ok = expected in result["faults"] if expected else not result["faults"]
        passed += ok
        failed += not ok
        if not ok:
            print(f"{name}: expected {expected}, the judge said {result['faults']}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

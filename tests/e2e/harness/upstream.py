"""A programmable upstream: a raw socket server that does what a test says, right or wrong."""
import json
import socket
import struct
import threading
import time

TIMEOUT_SECONDS = 20.0


class Request:
    def __init__(self, raw_head, body, connection):
        self.raw_head, self.body, self.connection = raw_head, body, connection
        lines = raw_head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ")
        self.headers = [(n.lower(), v.strip()) for n, _, v in (line.partition(":") for line in lines[1:])]
        self.received_at = time.monotonic()

    def header(self, name):
        values = [v for n, v in self.headers if n == name]
        if len(values) > 1:
            raise AssertionError(f"the upstream got header {name} {len(values)} times")
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)


class Peer:
    """One accepted connection, as a test's handler sees it."""

    def __init__(self, sock, number):
        self.socket, self.number, self.pending = sock, number, b""
        sock.settimeout(TIMEOUT_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read_request(self):
        """The next request, or None when the gateway closed in between."""
        while b"\r\n\r\n" not in self.pending:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.pending += data
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        request = Request(head, b"", self)
        length = int(request.header("content-length") or 0)
        while len(self.pending) < length:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.pending += data
        request.body, self.pending = self.pending[:length], self.pending[length:]
        return request

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def reply(self, body, status=200, headers=(), content_type="application/json"):
        body = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def begin_stream(self, headers=()):
        lines = ["HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.send("\r\n".join(lines) + "\r\n\r\n")

    def chunk(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self):
        self.send(b"0\r\n\r\n")

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def wait_closed(self, seconds=TIMEOUT_SECONDS):
        """When the gateway closed this connection (monotonic seconds); None if it did not."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except socket.timeout:
            return None
        except OSError:
            pass
        return time.monotonic()


class Upstream:
    """Calls `handler(request, peer)` for each request in a thread of the connection; goes on reading unless it returns "close"."""

    def __init__(self, handler, peer=Peer):
        self.handler, self.make_peer = handler, peer
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = self.listener.getsockname()
        self.requests, self.peers, self.failures = [], [], []
        self.lock = threading.Lock()
        self.stopping = False
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self):
        return f"http://{self.address[0]}:{self.address[1]}/v1"

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                peer = self.make_peer(sock, len(self.peers))
                self.peers.append(peer)
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        try:
            while (request := peer.read_request()) is not None:
                with self.lock:
                    self.requests.append(request)
                if self.handler(request, peer) == "close":
                    return
            peer.close()
        except OSError:
            pass
        except Exception as error:  # noqa: BLE001: told to the test that runs it
            if not self.stopping:
                self.failures.append(error)

    def stop(self):
        self.stopping = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for peer in self.peers:
            peer.close()
        if self.failures:
            raise AssertionError(f"the upstream's handler failed: {self.failures[0]!r}") from self.failures[0]


def completion(content="Hello", model="m", usage=True, **more):
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": content, "refusal": None}, "logprobs": None,
                         "finish_reason": "stop"}]}
    if usage:
        body["usage"] = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    return {**body, **more}


def chunk(delta=None, finish=None, **more):
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": finish}]}
    return {**body, **more}


def event(payload):
    return "data: " + (payload if isinstance(payload, str) else json.dumps(payload)) + "\n\n"


def usage_event():
    return event(chunk(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}))

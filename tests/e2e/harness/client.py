"""An HTTP/1.1 client that hides nothing: what is sent is what the test wrote, what is received is kept byte by byte."""
import json
import socket
import struct
import time

TIMEOUT_SECONDS = 20.0


class Response:
    def __init__(self, status, reason, headers, body=b"", raw_head=b""):
        self.status, self.reason, self.headers, self.body, self.raw_head = status, reason, headers, body, raw_head
        self.received_at = time.monotonic()

    def header(self, name):
        """The only value of a header, or None."""
        values = [v for n, v in self.headers if n == name.lower()]
        if len(values) > 1:
            raise AssertionError(f"header {name} came {len(values)} times")
        return values[0] if values else None

    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)

    def error(self):
        """The OpenAI error object; exactly its four members."""
        error = self.json()["error"]
        if set(error) != {"message", "type", "param", "code"} or not error["message"] or not error["type"]:
            raise AssertionError(f"not an OpenAI error: {self.body!r}")
        return error

    def expect(self, status):
        if self.status != status:
            raise AssertionError(f"expected {status}, got {self.status}: {self.body[:600]!r}")
        return self

    def content(self):
        return self.json()["choices"][0]["message"]["content"]

    def events(self):
        return parse_events(self.body)


def parse_events(body):
    """Payloads of the data lines of a stream whose events end in LF LF; anything else is an error."""
    events = []
    for block in body.split(b"\n\n"):
        if not block:
            continue
        lines = [line for line in block.split(b"\n") if not line.startswith(b":")]
        if not lines:
            continue
        data = [line for line in lines if line.startswith(b"data:")]
        if len(data) != len(lines):
            raise AssertionError(f"an unexpected line in {block!r}")
        events.append(b"\n".join(line[5:].removeprefix(b" ") for line in data).decode())
    if body and not body.endswith(b"\n\n"):
        raise AssertionError(f"the last event is not ended: …{body[-200:]!r}")
    return events


def text_of(events):
    """What a user would have read."""
    said = ""
    for event in events:
        if event == "[DONE]":
            continue
        for choice in json.loads(event).get("choices", []):
            said += choice["delta"].get("content") or ""
    return said


class Closed(Exception):
    """The peer closed or reset where more was due."""


class Connection:
    def __init__(self, address, timeout=TIMEOUT_SECONDS, receive_buffer=0):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(address.removeprefix("unix:") if isinstance(address, str) else address)
        if family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a RST, as a process that dies does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    # ---- Requests

    @staticmethod
    def format(method, target, headers=(), body=None, host="localhost"):
        lines = [f"{method} {target} HTTP/1.1"]
        names = {name.lower() for name, _ in headers}
        if "host" not in names:
            lines.append(f"Host: {host}")
        if body is not None and not names & {"content-length", "transfer-encoding"}:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")

    def request(self, method, target, headers=(), body=None):
        self.send(self.format(method, target, headers, body))
        return self.response(head_only=method == "HEAD")

    def get(self, target, headers=()):
        return self.request("GET", target, headers)

    def send_chat(self, body, headers=()):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return self.send(self.format("POST", "/v1/chat/completions", [("Content-Type", "application/json"), *headers], body))

    def chat(self, body, headers=()):
        return self.send_chat(body, headers).response()

    # ---- Responses

    def receive(self):
        """Some more bytes into `pending`."""
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("end of stream")
        self.pending += data

    def take_line(self):
        while b"\r\n" not in self.pending:
            self.receive()
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line

    def take(self, size):
        while len(self.pending) < size:
            self.receive()
        data, self.pending = self.pending[:size], self.pending[size:]
        return data

    def head(self):
        """The next final response head, with no body yet."""
        while True:
            while b"\r\n\r\n" not in self.pending:
                self.receive()
            raw, self.pending = self.pending.split(b"\r\n\r\n", 1)
            lines = raw.decode("latin-1").split("\r\n")
            version, status, *reason = lines[0].split(" ", 2)
            if version != "HTTP/1.1":
                raise AssertionError(f"bad status line {lines[0]!r}")
            headers = []
            for line in lines[1:]:
                name, colon, value = line.partition(":")
                if not colon or name != name.strip():
                    raise AssertionError(f"bad header line {line!r}")
                headers.append((name.lower(), value.strip()))
            if int(status) != 100:
                return Response(int(status), " ".join(reason), headers, raw_head=raw)

    def pieces(self, response):
        """The body as it arrives: a chunk or a read at a time."""
        length, coding = response.header("content-length"), response.header("transfer-encoding")
        if length is not None and coding is not None:
            raise AssertionError("Content-Length and Transfer-Encoding in one answer")
        if coding is not None:
            if coding != "chunked":
                raise AssertionError(f"unknown coding {coding}")
            while True:
                size = int(self.take_line(), 16)
                data = self.take(size)
                if size == 0:
                    while self.take_line():
                        pass
                    return
                if self.take(2) != b"\r\n":
                    raise AssertionError("a chunk does not end in CR LF")
                yield data
        elif length is not None:
            left = int(length)
            while left:
                if not self.pending:
                    self.receive()
                data = self.take(min(left, len(self.pending)))
                left -= len(data)
                yield data
        elif response.status not in (204, 304):
            raise AssertionError("an answer without length")

    def response(self, head_only=False):
        response = self.head()
        if not head_only:
            response.body = b"".join(self.pieces(response))
        return response

    def closed(self, seconds=TIMEOUT_SECONDS):
        """True when the peer closes, having sent nothing more."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            return True
        except socket.timeout:
            return False
        self.pending += data
        return data == b""


class Stream:
    """A streamed chat under way: events one at a time."""

    def __init__(self, connection, body=None, headers=()):
        """`body` None: the request was sent already."""
        if body is not None:
            connection.send_chat(body, headers)
        self.response = connection.head()
        if self.response.status != 200:
            self.response.body = b"".join(connection.pieces(self.response))
        self.response.expect(200)
        self.parts = connection.pieces(self.response)
        self.buffer = b""

    def next(self):
        """The next event's payload; None at the proper end of the body."""
        while b"\n\n" not in self.buffer:
            piece = next(self.parts, None)
            if piece is None:
                if self.buffer:
                    raise AssertionError(f"half an event at the end: {self.buffer!r}")
                return None
            self.buffer += piece
        block, self.buffer = self.buffer.split(b"\n\n", 1)
        events = parse_events(block + b"\n\n")
        return events[0] if events else self.next()

    def rest(self):
        events = []
        while (event := self.next()) is not None:
            events.append(event)
        return events

"""Steady traffic from several connections, each answer checked; used while the gateway is reloaded or drained."""
import threading
import time

from harness.client import Closed, Connection, Stream, text_of


class Load:
    """`connections` clients that ask one after the other until stop(). A connection that the gateway closes *between* two requests is
    opened anew: that is its right. Anything else that is not the right answer is in `wrong`. The models are asked in turn;
    `pause_ms` is each client's rest between two requests."""

    def __init__(self, address, connections=16, headers=(), models=("twin/echo",), pause_ms=0):
        self.address, self.headers, self.models, self.pause_ms = address, list(headers), models, pause_ms
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.right, self.refused, self.wrong = 0, 0, []
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in range(connections)]
        for thread in self.threads:
            thread.start()

    def work(self, number):
        connection, asked = None, 0
        while not self.stopping.is_set():
            try:
                if connection is None:
                    connection, asked = Connection(self.address), 0
            except OSError:
                # The listener is gone: the gateway is draining.
                with self.lock:
                    self.refused += 1
                return
            try:
                self.ask(connection, f"client {number} request {asked}", self.models[asked // 3 % len(self.models)], streamed=asked % 3 == 2)
                asked += 1
                time.sleep(self.pause_ms / 1000)
                with self.lock:
                    self.right += 1
            except Goodbye:
                connection.close()
                connection = None
            except Exception as error:  # noqa: BLE001: whatever it is, it is a wrong answer
                with self.lock:
                    self.wrong.append(f"client {number} request {asked}: {error!r}")
                connection.close()
                connection = None
        if connection:
            connection.close()

    def ask(self, connection, words, model, streamed):
        body = {"model": model, "messages": [{"role": "user", "content": words}], "stream": streamed}
        try:
            connection.send_chat(body, self.headers)
            while not connection.pending:
                connection.receive()
        except (Closed, OSError) as error:
            # Nothing came back: it was closed before the request was taken.
            raise Goodbye from error
        if streamed:
            stream = Stream(connection)
            events = stream.rest()
            head, said = stream.response, text_of(events)
            if events[-1] != "[DONE]":
                raise AssertionError(f"no [DONE]: {events[-1]}")
        else:
            head = connection.response().expect(200)
            said = head.content()
        if said != words:
            raise AssertionError(f"said {said!r} to {words!r}")
        if head.header("connection") == "close":
            raise Goodbye

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
        return self


class Goodbye(Exception):
    """The gateway closed an idle connection."""

"""`cardea chat` as a person sits before it: on a terminal of its own, which it must leave as it found it."""
import os
import pty
import signal
import subprocess
import termios
import time

from harness.programs import BINARY, SECONDS_MAX, environment, wait_until
from harness.runner import case, equal, true
from harness.upstream import chunk, event

ECHO = 3  # index of the local flags in what tcgetattr gives


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, t, arguments, env=None):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen([str(BINARY), *map(str, arguments)], cwd=t.folder, env={**environment(t.folder, env), "TERM": "xterm"},
                                        stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True)
        os.set_blocking(self.master, False)
        self.seen = b""
        t.cleanups.append(self.close)

    def read(self):
        try:
            self.seen += os.read(self.master, 65536)
        except (BlockingIOError, OSError):
            pass
        return self.seen

    def expect(self, text):
        wait_until(lambda: text in self.read(), f"{text!r} on the terminal, which shows {self.seen!r}")

    def type(self, text):
        os.write(self.master, text.encode())

    def expect_end(self, code):
        wait_until(lambda: self.read() is not None and self.process.poll() is not None, "the end of the chat")
        self.read()
        equal(self.process.returncode, code, f"exit code, after {self.seen[-400:]!r}")
        equal(termios.tcgetattr(self.slave), self.before, "the terminal's settings")
        equal(self.seen.count(b"\x1b[?2004h"), self.seen.count(b"\x1b[?2004l"), "bracketed paste, on and off")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


PASTE_ON = b"\x1b[?2004h"


def raw(terminal):
    return not termios.tcgetattr(terminal.slave)[ECHO] & termios.ECHO


@case
def sigterm_at_the_prompt_ends_a_chat_and_restores_the_terminal(t):
    gateway = t.gateway()
    for number in (signal.SIGTERM, signal.SIGHUP):
        terminal = Terminal(t, ["chat", "--url", gateway.url(), "--model", "twin/echo"])
        terminal.expect(PASTE_ON)
        wait_until(lambda: raw(terminal), "the terminal to be taken over")
        terminal.type("half a line")
        terminal.expect(b"half a line")
        terminal.process.send_signal(number)
        terminal.expect_end(128 + number)


def endless(request, peer):
    peer.begin_stream()
    try:
        while True:
            peer.chunk(event(chunk({"content": "and "})))
            time.sleep(0.02)
    except OSError:
        return "close"


def amid_an_answer(t):
    upstream = t.upstream(endless)
    gateway = t.gateway({"providers": {"far": {"base_url": upstream.url(), "api_key": "k", "models": ["words"]}}})
    terminal = Terminal(t, ["chat", "--url", gateway.url(), "--model", "far/words"])
    terminal.expect(PASTE_ON)
    terminal.type("go on\r")
    terminal.expect(b"and and and")
    return terminal


@case
def sigterm_amid_an_answer_ends_a_chat(t):
    terminal = amid_an_answer(t)
    started = time.monotonic()
    terminal.process.send_signal(signal.SIGTERM)
    terminal.expect_end(128 + signal.SIGTERM)
    true(time.monotonic() - started < SECONDS_MAX / 2, "at once")


@case
def ctrl_c_stops_the_answer_alone(t):
    terminal = amid_an_answer(t)
    terminal.process.send_signal(signal.SIGINT)
    wait_until(lambda: terminal.read().count(PASTE_ON) == 2, "the next prompt")
    terminal.type("\x04")
    terminal.expect_end(0)


@case
def a_gateway_inside_the_chat_goes_with_it(t):
    terminal = Terminal(t, ["chat", "--model", "twin/echo"], {"CARDEA_URL": "", "TMPDIR": str(t.folder)})
    terminal.expect(PASTE_ON)
    terminal.process.send_signal(signal.SIGTERM)
    terminal.expect_end(128 + signal.SIGTERM)
    left = [path.name for path in t.folder.iterdir() if path.name not in (".local", ".config") and not path.name.startswith("gateway-")]
    equal(left, [], "what it left behind")


@case
def a_prompt_from_a_pipe_can_be_ended_too(t):
    reader = subprocess.Popen([str(BINARY), "chat", "--url", t.gateway().url(), "--model", "twin/echo"], env=environment(t.folder, None),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    t.cleanups.append(lambda: reader.poll() is None and reader.kill())
    reader.stdin.write(b"half a ques")
    reader.stdin.flush()
    time.sleep(0.2)
    reader.send_signal(signal.SIGTERM)
    equal(reader.wait(SECONDS_MAX), 128 + signal.SIGTERM, "exit code")

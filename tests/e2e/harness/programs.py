"""Gateways and twins as processes: started with folders of their own, watched by their logs, ended by their pid."""
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from harness.client import Connection

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("CARDEA_BIN") or ROOT / "build/dev/cardea")
# A test waits this long for what must come; generous, because other people's compilers may be running.
SECONDS_MAX = 20.0
POLL_SECONDS = 0.01


def wait_until(condition, what, seconds=SECONDS_MAX):
    """Returns the first true value of `condition()`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(POLL_SECONDS)


def environment(folder, extra):
    """Nothing of the caller's that could switch a provider, a proxy or a key on."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG") or name.endswith("SAN_OPTIONS")}
    return {**kept, "HOME": str(folder), "CARDEA_DISCOVERY": "off", **(extra or {})}


class Program:
    """One process. Its output goes to a file, so that it never blocks on a reader."""

    def __init__(self, arguments, folder, env=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.log_path = folder / "output.log"
        self.started_at = time.monotonic()
        self.parsed, self.parsed_bytes = [], 0
        with open(self.log_path, "ab") as out:
            self.process = subprocess.Popen([str(BINARY), *map(str, arguments)], cwd=folder, env=environment(folder, env),
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.pid = self.process.pid

    def output(self):
        return self.log_path.read_text(errors="replace")

    def lines(self):
        """The structured lines so far; a line that is being written is not one yet."""
        with open(self.log_path, "rb") as log:
            log.seek(self.parsed_bytes)
            fresh = log.read()
        fresh = fresh[:fresh.rfind(b"\n") + 1]
        self.parsed_bytes += len(fresh)
        self.parsed += [json.loads(line) for line in fresh.split(b"\n") if line.startswith(b"{")]
        return self.parsed

    def forget_requests(self):
        """Drops the log's request lines, which a long run could not keep; those written in this moment may be lost."""
        self.parsed = [line for line in self.lines() if line["event"] != "request"]
        os.truncate(self.log_path, 0)
        self.parsed_bytes = 0

    def events(self, name):
        return [line for line in self.lines() if line.get("event") == name]

    def wait_for_event(self, name, count=1, seconds=SECONDS_MAX):
        wait_until(lambda: len(self.events(name)) >= count, f"log event {name} × {count}", seconds)
        return self.events(name)[count - 1]

    def running(self):
        return self.process.poll() is None

    def wait(self, seconds=SECONDS_MAX):
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"process {self.pid} did not end within {seconds} s:\n{self.output()[-3000:]}") from None

    def send(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Ends it if it runs. Returns the exit code; a process that does not stop is killed and reported."""
        if self.running():
            self.send(signal.SIGTERM)
            try:
                self.process.wait(timeout=SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"process {self.pid} did not stop on SIGTERM:\n{self.output()[-3000:]}") from None
        return self.process.returncode

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def rss_kib(self):
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1))


class Gateway(Program):
    """`cardea serve` on a port of the kernel's choice."""

    def __init__(self, folder, config=None, arguments=(), env=None, bare=False):
        """`config`: mapping (written as JSON, which is YAML) merged into what tests need, or text as it stands. `bare`: no file."""
        folder.mkdir(parents=True, exist_ok=True)
        self.config_path = folder / "cardea.yaml"
        self.config = None
        if not bare:
            self.write_config(config)
            arguments = ("--config", self.config_path, *arguments)
        super().__init__(("serve", *arguments), folder, env)
        self.address = None

    def settings(self, config):
        base = {"listen": ["127.0.0.1:0"], "data": str(self.config_path.parent / "data"), "workers": 2, "log": {"format": "json"}}
        return {**base, **(config or {})}

    def write_config(self, config):
        """Replaces the file as an editor does: whole, under another name first."""
        if not isinstance(config, str):
            self.config = self.settings(config)
            config = json.dumps(self.config, indent=1)
        fresh = self.config_path.with_suffix(".new")
        fresh.write_text(config)
        fresh.rename(self.config_path)

    def ready(self):
        """Waits until it answers. Returns itself."""
        def started():
            if not self.running():
                raise AssertionError(f"the gateway ended with code {self.process.returncode}:\n{self.output()[-3000:]}")
            return self.events("started")
        listen = wait_until(started, "log event started")[0]["listen"].split(", ")
        first = listen[0]
        self.addresses = listen
        self.address = first if first.startswith("unix:") else (first.rsplit(":", 1)[0].strip("[]"), int(first.rsplit(":", 1)[1]))
        with self.connect() as connection:
            connection.get("/readyz").expect(200)
        return self

    def connect(self, address=None):
        return Connection(address or self.address)

    def chat(self, body, headers=()):
        """One request on a connection of its own."""
        with self.connect() as connection:
            return connection.chat(body, headers)

    def url(self):
        return f"http://{self.address[0]}:{self.address[1]}"

    def reload(self):
        """SIGHUP; returns when the new configuration is in force or refused."""
        done = lambda: len(self.events("reloaded")) + len(self.events("reload_refused"))
        before = done()
        self.send(signal.SIGHUP)
        wait_until(lambda: done() > before, "a reload")

    def request_line(self, request_id):
        """The log line of one request."""
        def found():
            return [line for line in self.events("request") if line.get("request_id") == request_id]
        return wait_until(found, f"log line of {request_id}")[0]

    def metrics(self, headers=()):
        with self.connect() as connection:
            return parse_metrics(connection.get("/metrics", headers).expect(200).text())

    def gauge(self, name, headers=()):
        return sum(value for (sample, _), value in self.metrics(headers).items() if sample == name)

    def wait_idle(self, headers=()):
        """No request is being worked on (but the one that asks)."""
        wait_until(lambda: self.gauge("cardea_in_flight_requests", headers) <= 1, "in-flight requests back to none")


class Twin(Program):
    """`cardea twin serve`: the simulated provider as a server of its own."""

    def __init__(self, folder, script=None):
        folder.mkdir(parents=True, exist_ok=True)
        arguments = ["twin", "serve", "--listen", "127.0.0.1:0"]
        if script is not None:
            (folder / "script.twin").write_text(script)
            arguments += ["--script", folder / "script.twin"]
        super().__init__(arguments, folder)

    def ready(self):
        def listening():
            if not self.running():
                raise AssertionError(f"the twin ended with code {self.process.returncode}:\n{self.output()}")
            return re.search(r"listening on (?:http://)?([\d.]+):(\d+)", self.output())
        found = wait_until(listening, "the twin's address")
        self.address = (found.group(1), int(found.group(2)))
        return self

    def url(self):
        return f"http://{self.address[0]}:{self.address[1]}/v1"


SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([-+0-9.eE]+|NaN|\+Inf|-Inf)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')


def parse_metrics(text):
    """{(name, labels): value}; strict, so that whatever Prometheus would refuse is an error here."""
    samples, families = {}, set()
    if not text.endswith("\n"):
        raise AssertionError("the exposition does not end in a line feed")
    for line in text[:-1].split("\n"):
        if line.startswith("# TYPE "):
            name = line.split(" ")[2]
            if name in families:
                raise AssertionError(f"family {name} is declared twice")
            families.add(name)
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        if not match:
            raise AssertionError(f"not a sample: {line!r}")
        name, labels, value = match.groups()
        pairs = LABEL.findall(labels or "")
        if labels and ",".join(f'{n}="{v}"' for n, v in pairs) != labels:
            raise AssertionError(f"bad labels: {line!r}")
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        if name not in families and family not in families:
            raise AssertionError(f"a sample without TYPE: {line!r}")
        key = (name, tuple(pairs))
        if key in samples:
            raise AssertionError(f"sample twice: {line!r}")
        samples[key] = float(value)
    return samples

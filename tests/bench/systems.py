"""The systems that are compared: how each is configured, started on its core and asked whether it is up."""
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "bench-key-5f2b8c61d94e"
MODEL = "bench-model"
GATEWAY_CORE, OTHER_CORE = "0", "1"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")

NGINX_CONF = """
user {user};
worker_processes 1;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  client_max_body_size 64m;
  client_body_buffer_size 4m;
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 4096; keepalive_requests 100000000; keepalive_timeout 300s; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""

HAPROXY_CFG = """
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  option http-keep-alive
  http-reuse always
frontend in
  bind 127.0.0.1:{port}
  default_backend mock
backend mock
  server mock 127.0.0.1:{upstream} pool-max-conn -1
"""

CARDEA_YAML = """
listen: 127.0.0.1:{port}
workers: 1
data: {dir}/data
discovery: off
log: {{format: json}}
keys:
  - {{name: bench, key: {key}}}
models:
  - name: {model}
    type: llm
    endpoint: http://127.0.0.1:{upstream}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name):
    return ROOT / "build/release/tests/bench" / f"bench_{name}"


class System:
    """A process (tree) that listens on a port of its own."""

    def __init__(self, name, core, directory, upstream=None):
        self.name, self.core, self.upstream = name, core, upstream
        self.dir = Path(directory) / name
        self.dir.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process = None

    def command(self):
        values = {"dir": self.dir, "port": self.port, "upstream": self.upstream, "key": KEY, "model": MODEL,
                  "user": "root" if os.getuid() == 0 else "nobody"}

        def written(name, text):
            (self.dir / name).write_text(text.format(**values))
            return str(self.dir / name)

        match self.name:
            case "direct":
                return [program("mock"), "--port", str(self.port)]
            case "floor":
                return [program("floor"), "--port", str(self.port), "--upstream", str(self.upstream)]
            case "nginx":
                return ["/usr/sbin/nginx", "-p", self.dir, "-e", str(self.dir / "nginx-error.log"), "-c", written("nginx.conf", NGINX_CONF)]
            case "haproxy":
                return ["/usr/sbin/haproxy", "-db", "-f", written("haproxy.cfg", HAPROXY_CFG)]
            case "cardea":
                return [os.environ.get("CARDEA_BIN", ROOT / "build/release/cardea"), "serve", "--config", written("cardea.yaml", CARDEA_YAML)]
        raise ValueError(self.name)

    def start(self, prefix=()):
        """Starts it and returns the milliseconds from exec to the first 200."""
        command = ["taskset", "-c", self.core, *map(str, prefix), *map(str, self.command())]
        environment = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_TOKEN")) and k != "API_KEY"}
        with open(self.dir / "log", "ab") as log:
            begun = time.monotonic()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True)
        deadline = begun + (120 if prefix else 20)
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self.answers():
                return (time.monotonic() - begun) * 1e3
            time.sleep(0.0005)
        text = (self.dir / "log").read_text(errors="replace")[-2000:]
        self.stop()
        raise RuntimeError(f"{self.name} did not answer on port {self.port}:\n{text}")

    def answers(self):
        body = f'{{"model":"{MODEL}","messages":[{{"role":"user","content":"nonce-0000000000000001 ping"}}]}}'.encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/chat/completions", body,
                                         {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"})
        # A listener is looked for with a bare connect first: cheaper, so that the start of fast systems is not blurred.
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)):
                return False
        try:
            with _OPENER.open(request, timeout=10) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process = None

    def pids(self):
        """The process and all its descendants."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                todo += map(int, task.read_text().split())
        return found

    def cpu_seconds(self):
        """User and system time of the whole tree: every thread, and children already gone."""
        total = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(map(int, fields[11:15]))
        return total / CLOCK_TICKS

    def rss_mib(self):
        total = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
        return total / 1024


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

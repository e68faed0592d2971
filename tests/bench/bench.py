#!/usr/bin/env python3
"""Compares Cardea with nginx, HAProxy, a bare forwarder and the direct way, in interleaved rounds, and prints ratios.

The gateway runs on core 0, load generator and upstream on core 1. CPU is that of the gateway's whole process tree; added latency is
against the direct way in the same round. A cell with one failed request is void; a run in which nginx itself moved more than the
tolerance is refused. Only ratios mean something: absolute times belong to one machine and one hour.
"""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from systems import GATEWAY_CORE, KEY, MODEL, OTHER_CORE, ROOT, System, program  # noqa: E402

PAGE = ROOT / "docs/benchmarks.md"
SYSTEMS = ("direct", "floor", "nginx", "haproxy", "cardea")
TRANSLATED = {"dialect": "anthropic"}
BURST_EVENTS = 20


@dataclass
class Cell:
    name: str
    title: str
    figure: str        # cpu | added_p50 | added_p99 | first_token
    load: dict         # flags of bench_load
    goal: str = ""     # ratio to nginx of issue 3 or performance.md, as text
    default: bool = True
    systems: tuple = SYSTEMS
    figures: dict = field(default_factory=dict)  # system → one value per round, None when void


def chat(requests, connections=16, body=1000, events=0, **more):
    return {"requests": requests, "connections": connections, "body": body, "events": events} | more


CELLS = [
    Cell("p1", "1 KB chat, c=16: CPU µs/request", "cpu", chat(30000), "≤ 1.0 (then 0.9)"),
    Cell("p3", "1 KB chat, c=1: added p50 µs", "added_p50", chat(4000, connections=1), "≤ 1.1"),
    Cell("p3-99", "1 KB chat, c=1: added p99 µs", "added_p99", chat(4000, connections=1), "≤ 1.25"),
    Cell("burst", "burst stream of 20 events in one write, c=16: CPU µs/request", "cpu", chat(20000, events=20, burst="one"), "≤ 0.9 (then 0.8)"),
    Cell("stream", "burst stream of 20 events in 20 writes, c=16: CPU µs/request", "cpu", chat(10000, events=20)),
    Cell("ttft", "burst stream of 20 events, c=1: added time to first token, p50 µs", "first_token", chat(1500, connections=1, events=20), "≤ 1.2"),
    Cell("p5", "100 KB prompt, c=16: CPU µs/request", "cpu", chat(6000, body=100_000), "≤ 1.1"),
    # Asked by an Anthropic client, answered by the same OpenAI Chat upstream; compared with p1 and burst, see translation_costs().
    Cell("t1", "1 KB, translated, c=16: CPU µs/request", "cpu", chat(20000, **TRANSLATED), systems=("cardea",)),
    Cell("t-burst", "burst stream of 20 events in one write, translated, c=16: CPU µs/request", "cpu",
         chat(15000, events=BURST_EVENTS, burst="one", **TRANSLATED), systems=("cardea",)),
    Cell("p02", "0.2 KB chat, c=16: CPU µs/request", "cpu", chat(30000, body=250), default=False),
    Cell("p10", "10 KB prompt, c=16: CPU µs/request", "cpu", chat(20000, body=10_000), default=False),
    Cell("p1000", "1 MB prompt, c=16: CPU µs/request", "cpu", chat(1500, body=1_000_000), default=False),
    Cell("paced", "2,000 streams at once, 20 events each 50 ms: CPU µs/stream", "cpu",
         chat(6000, connections=2000, events=20, **{"pace-ms": 50}), default=False),
]


def run_load(port, flags, seconds_max=120):
    command = ["taskset", "-c", OTHER_CORE, program("load"), "--port", port, "--key", KEY, "--model", MODEL, "--timeout-s", seconds_max]
    for name, value in flags.items():
        command += [f"--{name}", value]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=seconds_max + 30)
    if not done.stdout:
        raise RuntimeError(f"bench_load: {done.stderr}")
    return json.loads(done.stdout) | {"stderr": done.stderr}


def measure(cell, system, direct):
    """One figure of one system in one round; direct is the direct way's result of this round. None when a request failed."""
    before = system.cpu_seconds()
    result = run_load(system.port, cell.load)
    cpu_us = (system.cpu_seconds() - before) * 1e6 / cell.load["requests"]
    if result["failed"]:
        print(f"  void: {cell.name} {system.name}: {result['faults']} {result['stderr'][:300]}", file=sys.stderr)
        return None, result
    if cell.figure == "cpu":
        return cpu_us, result
    key, percentile = {"added_p50": ("latency_us", "p50"), "added_p99": ("latency_us", "p99"), "first_token": ("first_token_us", "p50")}[cell.figure]
    value = result[key][percentile]
    return value - (direct[key][percentile] if direct else 0), result


def run_rounds(cells, systems, rounds):
    for number in range(rounds):
        for cell in cells:
            direct = None
            for system in (s for s in systems if s.name in cell.systems):
                value, result = measure(cell, system, direct)
                if system.name == "direct":
                    direct = result
                cell.figures.setdefault(system.name, []).append(value)
            shown = "  ".join(f"{name} {values[-1]:.1f}" if values[-1] is not None else f"{name} void" for name, values in cell.figures.items())
            print(f"  round {number + 1} {cell.name:6} {shown}", file=sys.stderr)


def median(values):
    return None if not values or None in values else statistics.median(values)


def spread(values):
    """How far a system's own rounds lie apart, ignoring the one that is farthest out."""
    if not values or None in values:
        return 0.0
    middle = statistics.median(values)
    near = sorted(values, key=lambda v: abs(v - middle))[:max(3, len(values) - 1)]
    return (max(near) - min(near)) / middle


def start_times(names, directory, upstream, times):
    """Median milliseconds from exec to the first 200, and idle MiB."""
    starts, idle = {}, {}
    for name in names:
        if name == "direct" or not times:
            continue
        taken = []
        for _ in range(times):
            system = System(name, GATEWAY_CORE, directory, upstream)
            taken.append(system.start())
            idle[name] = system.rss_mib()
            system.stop()
        starts[name] = statistics.median(taken)
    return starts, idle


def translation_costs(cells):
    """Rows: what a translation adds to the same exchange without one, whole and per event of a stream."""
    cardea = {c.name: median(c.figures.get("cardea")) for c in cells}
    if any(cardea.get(name) is None for name in ("p1", "t1", "burst", "t-burst")):
        return []
    whole, stream = cardea["t1"] - cardea["p1"], cardea["t-burst"] - cardea["burst"]
    return [("translation, added to 1 KB chat: CPU µs", {"cardea": whole}, "≤ 12"),
            ("translation, added to each streamed event: CPU µs", {"cardea": (stream - whole) / BURST_EVENTS}, "≤ 2")]


def shown(values, name):
    """Void: it was measured, and a request failed."""
    if name not in values:
        return "–"
    return "void" if values[name] is None else f"{values[name]:.1f}"


def ratio(values, name):
    if name not in values or "nginx" not in values:
        return "–"
    value, base = values[name], values["nginx"]
    return "void" if value is None or not base else f"{value / base:.2f}"


def table(cells, names, extra):
    """Markdown: nginx and Cardea as measured, then everybody's ratio to nginx. extra: (title, system → figure, goal) beside the cells."""
    rivals = [n for n in names if n not in ("direct", "nginx", "cardea")]
    columns = ["nginx"] + (["cardea", "**cardea ÷ nginx**", "goal"] if "cardea" in names else []) + [f"{n} ÷ nginx" for n in rivals]
    lines = ["| measured | " + " | ".join(columns) + " |", "|---|" + "--:|" * len(columns)]
    for title, values, goal in [(c.title, {n: median(c.figures.get(n)) for n in names if n in c.systems}, c.goal) for c in cells] + extra:
        fields = [shown(values, "nginx")]
        if "cardea" in names:
            fields += [shown(values, "cardea"), f"**{ratio(values, 'cardea')}**", goal]
        fields += [ratio(values, n) for n in rivals]
        lines.append(f"| {title} | " + " | ".join(fields) + " |")
    return "\n".join(lines)


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True).stdout.strip()


def page(text, rounds):
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    return f"""# Benchmarks

Written by `./dev bench`; the last run that was not refused. Ratios to nginx `proxy_pass` (unbuffered) in the same interleaved run; smaller is
better, and only the ratios travel between machines. How it is measured: [tests/bench](../tests/bench/README.md).

- date {datetime.date.today()}, commit `{git("describe", "--always", "--dirty", "--abbrev=12")}`, {rounds} rounds, medians
- {platform.system()} {platform.release()}, {cpu}, {os.cpu_count()} cores: gateway on one, load and upstream on the other
- Cardea with everything on that exists so far: key check, routing, usage extraction, record, metrics, JSON log

{text}
"""


def parse():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cell", action="append", choices=[c.name for c in CELLS], help="just this cell (may be repeated)")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help=f"comma-separated, of {', '.join(SYSTEMS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=5, help="how often the start is measured (0: not)")
    parser.add_argument("--tolerance", type=float, default=15, metavar="PERCENT", help="refuse the run when nginx moved more")
    return parser.parse_args()


def main():
    options = parse()
    names = [n for n in SYSTEMS if n in options.systems.split(",")]
    if "cardea" in names and not (ROOT / "build/release/cardea").exists():
        print("build/release/cardea is missing (./dev build): measuring the others", file=sys.stderr)
        names.remove("cardea")
    cells = [c for c in CELLS if c.name in options.cell] if options.cell else [c for c in CELLS if c.default]
    started = []
    with tempfile.TemporaryDirectory(prefix="cardea-bench-") as directory:
        try:
            upstream = System("direct", OTHER_CORE, directory)
            started.append(upstream)
            upstream.start()
            starts, idle = start_times(names, directory, upstream.port, options.starts)
            systems = [upstream] if "direct" in names else []
            for name in names:
                if name != "direct":
                    systems.append(System(name, GATEWAY_CORE, directory, upstream.port))
                    started.append(systems[-1])
                    systems[-1].start()
            for system in systems:  # warm pools, caches and branch predictors
                run_load(system.port, chat(3000))
                run_load(system.port, chat(500, events=20))
            run_rounds(cells, systems, options.rounds)
            loaded = {s.name: s.rss_mib() for s in systems}
        finally:
            for system in started:
                system.stop()
    extra = [("exec → first 200, ms", starts, "≤ 50 ms"), ("RSS idle, MiB", idle, "≤ 12")] if starts else []
    text = table(cells, names, translation_costs(cells) + extra + [("RSS after the load, MiB", loaded, "")])
    print(text)
    moved = {c.name: 100 * spread(c.figures.get("nginx")) for c in cells if c.figure == "cpu" and "nginx" in c.systems}
    if any(value > options.tolerance for value in moved.values()):
        print(f"REFUSED: nginx itself moved by {', '.join(f'{v:.0f} % in {k}' for k, v in moved.items())}; run it on a quiet machine", file=sys.stderr)
        return 1
    if not options.cell and "cardea" in names and options.rounds >= 5:
        PAGE.write_text(page(text, options.rounds))
        print(f"wrote {PAGE.relative_to(ROOT)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

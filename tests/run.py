#!/usr/bin/env python3
"""Runs the tests of ./dev test step by step and ends in one line: N passed, N failed[, N skipped].

A step builds what it needs, runs it, and reports cases; a build that fails or a program that crashes is one failed case.
STEPS below is the whole plan: what runs in a quick, a normal and a CI run, and why.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
JOBS = int(os.environ.get("CARDEA_JOBS") or os.cpu_count() or 2)
SCRIPT_SECONDS_MAX = 900
UNIT_SECONDS_MAX = 600
TABLE_MARK = "│ "
SUMMARY = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")


PASS, FAIL = Count(passed=1), Count(failed=1)


def say(text):
    print(text, flush=True)


def run(command, seconds_max, env=None):
    """Runs to the end or the time-out, killing its whole process group then. Returns (exit code, output)."""
    with tempfile.TemporaryFile() as out:
        try:
            process = subprocess.Popen([str(c) for c in command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}, start_new_session=True)
        except OSError as error:
            return 127, str(error)
        try:
            code = process.wait(timeout=seconds_max)
            note = ""
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code, note = 124, f"\n(killed after {seconds_max} s)\n"
        out.seek(0)
        return code, out.read().decode(errors="replace") + note


def show(output, chars_max=12000):
    """What a failed program said, set off so that no line of it looks like the summary."""
    for line in output[-chars_max:].splitlines():
        say(f"  | {line}")


def build(preset, *targets):
    """True when the targets are built; a compiler's complaint goes straight to the terminal."""
    started = time.monotonic()
    done = subprocess.run([ROOT / "dev", "build", preset, *targets], cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    say(f"  build {preset}: {time.monotonic() - started:.0f} s")
    if done.returncode:
        show("\n".join(line for line in done.stdout.splitlines() if not re.match(r"\[\d+/\d+\] (Build|Link|Re-run)", line)))
    return done.returncode == 0


# ------------------------------------------------------------------------------------------------------------- programs

def gtest(preset, program):
    """One GoogleTest program: its cases, or one failure when it died before writing them down."""
    report = BUILD / preset / "reports" / f"{program.name}.json"
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    started = time.monotonic()
    code, output = run([program, f"--gtest_output=json:{report}", "--gtest_brief=1"], UNIT_SECONDS_MAX)
    count = Count()
    if report.exists():
        for suite in json.loads(report.read_text())["testsuites"]:
            for case in suite["testsuite"]:
                if case.get("failures"):
                    count.failed += 1
                elif case.get("result") == "SKIPPED" or case["status"] == "NOTRUN":
                    count.skipped += 1
                else:
                    count.passed += 1
    if code and not count.failed:
        count.failed += 1
        output += f"\n{program.name} ended with code {code}"
    say(f"  {program.name}: {count} ({time.monotonic() - started:.1f} s)")
    if count.failed:
        show(output)
    shown = [line for line in output.splitlines() if line.startswith(TABLE_MARK)]
    if shown and preset == "dev":  # what a program prints for people to read, once: the matrix of dialects
        say("\n".join(shown))
    return count


def gtests(preset, only=None):
    found = subprocess.run(["ctest", "--test-dir", BUILD / preset, "--show-only=json-v1"], capture_output=True, text=True)
    programs = [Path(test["command"][0]) for test in json.loads(found.stdout)["tests"] if "command" in test]
    programs = [p for p in programs if p.exists() and (not only or p.name in only)]
    programs.sort(key=lambda p: p.stat().st_size, reverse=True)  # the long ones begin first
    total = Count() if programs else Count(failed=1)
    with ThreadPoolExecutor(JOBS) as pool:
        for count in pool.map(lambda p: gtest(preset, p), programs):
            total.add(count)
    return total


def script(path, env=None, arguments=()):
    """A script that prints a summary line reports its cases by it; any other is one case."""
    started = time.monotonic()
    code, output = run([path, *arguments], SCRIPT_SECONDS_MAX, env)
    summaries = [m for m in map(SUMMARY.match, output.splitlines()) if m]
    count = Count(*(int(g or 0) for g in summaries[-1].groups())) if summaries else Count(passed=0 if code else 1)
    if code and not count.failed:
        count.failed = 1
    say(f"  {path.relative_to(ROOT)}: {count} ({time.monotonic() - started:.1f} s)")
    if count.failed:
        show(output)
    return count


# ---------------------------------------------------------------------------------------------------------------- steps

def tidy(options):
    total = script(ROOT / "tests/tidy/tidy_test.py")
    total.add(script(ROOT / "tests/tidy/tidy.py"))
    total.add(script(ROOT / "dev", arguments=["fmt", "--check", "--all"]))
    return total


def unit(options):
    return gtests("dev") if build("dev", "all") else FAIL


def e2e(options):
    """The real binary: the debug build for a developer, in CI the one that ships."""
    preset = "release" if options.ci else "dev"
    if not build(preset, "cardea"):
        return FAIL
    env = {"CARDEA_BIN": str(BUILD / preset / "cardea")}
    scripts = sorted(p for pattern in ("*.sh", "*.py") for p in (ROOT / "tests/e2e").glob(pattern))
    scripts.append(ROOT / "tests/interop/run")
    total = Count()
    for path in scripts:
        if os.access(path, os.X_OK) and path.is_file():
            total.add(script(path, env, options.names))
    return total


def sanitized(options):
    """Everything under ASan and UBSan. The fuzz preset has both, so one build serves this step and the next."""
    if not build("fuzz", "unit_tests", "cardea"):
        return FAIL
    total = gtests("fuzz")
    total.add(script(ROOT / "tests/e2e/run.py", {"CARDEA_BIN": str(BUILD / "fuzz/cardea"), "ASAN_OPTIONS": "detect_leaks=1"}))
    return total


def fuzz(options):
    if not build("fuzz", "fuzz_targets"):
        return FAIL
    programs = sorted(p for p in (BUILD / "fuzz/fuzz").glob("fuzz_*") if os.access(p, os.X_OK) and p.is_file())
    programs = [p for p in programs if not options.names or p.name.removeprefix("fuzz_") in options.names]

    def one(program):
        name = program.name.removeprefix("fuzz_")
        grown, artifacts = BUILD / "fuzz/corpus" / name, BUILD / "fuzz/artifacts"
        grown.mkdir(parents=True, exist_ok=True)
        artifacts.mkdir(exist_ok=True)
        seeds = [p for p in [ROOT / "fuzz/corpus" / name] if p.is_dir()]
        # A search that begins alike each time: a red CI run is about what changed, and can be repeated. By hand it goes anywhere.
        seed = ["-seed=1"] if os.environ.get("CI") else []
        words = [f"-dict={p}" for p in [ROOT / "fuzz" / f"{name}.dict"] if p.is_file()]
        # The codecs of the dialects are many and alike; what comes from strangers before any check gets all of the time.
        seconds = options.seconds // 3 if name.startswith("dialect_") else options.seconds
        code, output = run([program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-verbosity=1",
                            f"-artifact_prefix={artifacts}/{name}-", *seed, *words, grown, *seeds], options.seconds + 120)
        runs = re.search(r"Done (\d+) runs", output)
        say(f"  {program.name}: {'failed' if code else 'passed'} ({runs.group(1) if runs else '?'} runs)")
        if code:
            show(output)
        return FAIL if code else PASS

    total = Count() if programs else Count(failed=1)
    with ThreadPoolExecutor(JOBS) as pool:
        for count in pool.map(one, programs):
            total.add(count)
    return total


# The rooms in which more than one thread meets.
THREADED_ROOMS = ("net", "http", "store/sqlite", "store/journal", "record", "limit", "execute", "twin", "server")


def tsan(options):
    lists = {room: ROOT / "src" / room / "CMakeLists.txt" for room in THREADED_ROOMS}
    tests = [f"{room.replace('/', '_')}_test" for room, path in lists.items() if path.exists() and "TESTS" in path.read_text()]
    if not build("tsan", "cardea", *tests):
        return FAIL
    total = gtests("tsan", only=tests)
    total.add(script(ROOT / "tests/e2e/run.py", {"CARDEA_BIN": str(BUILD / "tsan/cardea"), "TSAN_OPTIONS": "halt_on_error=1"},
                     ["reload_and_drain", "client_faults"]))
    return total


def instructions(options):
    """Instructions per request against the committed baseline: the regression gate that no noisy machine disturbs."""
    if not build("release", "cardea", "bench_mock", "bench_load"):
        return FAIL
    total = script(ROOT / "tests/bench/judge_test.py")
    total.add(script(ROOT / "tests/bench/callgrind.py"))
    return total


@dataclass
class Step:
    name: str
    run: callable
    quick: bool = False   # ./dev test --quick
    normal: bool = False  # ./dev test
    ci: bool = True       # CI=true ./dev test


STEPS = [
    Step("tidy", tidy, quick=True, normal=True),
    Step("unit", unit, quick=True, normal=True, ci=False),  # there the next but one runs the same tests under the sanitizers
    Step("e2e", e2e, normal=True),
    Step("asan", sanitized),
    Step("fuzz", fuzz),
    Step("tsan", tsan),
    Step("instructions", instructions),
]


def main():
    parser = argparse.ArgumentParser(prog="./dev test", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tidy and unit tests only")
    parser.add_argument("--only", action="append", choices=[s.name for s in STEPS], help="just this step (may be repeated)")
    parser.add_argument("--seconds", type=int, default=30, help="time of each fuzz target")
    parser.add_argument("names", nargs="*", help="with --only e2e or fuzz: just these (parts of names for e2e)")
    options = parser.parse_args()
    options.ci = os.environ.get("CI") == "true"
    total = Count()
    for step in STEPS:
        chosen = step.name in options.only if options.only else step.quick if options.quick else step.ci if options.ci else step.normal
        if not chosen:
            continue
        say(f"▸ {step.name}")
        started = time.monotonic()
        count = step.run(options)
        total.add(count)
        say(f"  = {step.name}: {count} ({time.monotonic() - started:.0f} s)")
    print(total, flush=True)
    sys.exit(1 if total.failed or not total.passed else 0)


if __name__ == "__main__":
    main()

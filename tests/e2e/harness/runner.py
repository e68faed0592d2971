"""Cases: functions marked with @case. Each gets a Test, which makes what it needs and puts everything away at its end."""
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.programs import Gateway, Program, Twin
from harness.upstream import Upstream

CASES = []
CASE_SECONDS_MAX = 60
PARALLEL = max(2, min(4, os.cpu_count() or 2))
# What a process of ours never says.
CRASH = re.compile(r"AddressSanitizer|runtime error:|ThreadSanitizer|LeakSanitizer|terminate called|Assertion .* failed|core dumped")


class Skip(Exception):
    """Cannot be checked on this machine; the text says why."""


def case(function=None, *, alone=False):
    """Marks a case. `alone`: measures times, so nothing else runs beside it."""
    def mark(f):
        CASES.append((f, alone))
        return f
    return mark(function) if function else mark


class Test:
    def __init__(self, name):
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix="cardea-e2e-"))
        self.programs, self.cleanups = [], []

    def path(self, name):
        return self.folder / name

    def start_gateway(self, config=None, arguments=(), env=None, bare=False):
        """A gateway that need not come up."""
        return self.keep(Gateway(self.folder / f"gateway-{len(self.programs)}", config, arguments, env, bare))

    def gateway(self, config=None, arguments=(), env=None, bare=False):
        return self.start_gateway(config, arguments, env, bare).ready()

    def run(self, *arguments, env=None, seconds=20):
        """A command to its end: (exit code, output)."""
        program = self.keep(Program(arguments, self.folder / f"run-{len(self.programs)}", env))
        program.expect_exit = program.wait(seconds)
        return program.expect_exit, program.output()

    def twin(self, script=None):
        return self.keep(Twin(self.folder / f"twin-{len(self.programs)}", script)).ready()

    def upstream(self, handler, **options):
        upstream = Upstream(handler, **options)
        self.cleanups.append(upstream.stop)
        return upstream

    def keep(self, program):
        program.expect_exit = 0
        self.programs.append(program)
        return program

    def kill(self):
        for program in self.programs:
            program.process.kill()

    def finish(self):
        """Stops everything; the problems found while doing so."""
        problems = []
        for step in [*(self.end_of(p) for p in reversed(self.programs)), *reversed(self.cleanups)]:
            try:
                step()
            except AssertionError as error:
                problems.append(str(error))
        return problems

    @staticmethod
    def end_of(program):
        def end():
            code = program.stop()
            if code != program.expect_exit:
                raise AssertionError(f"pid {program.pid} ended with {code}, expected {program.expect_exit}:\n{program.output()[-3000:]}")
            found = CRASH.search(program.output())
            if found:
                raise AssertionError(f"pid {program.pid} said {found.group(0)!r}:\n{program.output()[-6000:]}")
        return end


def run_one(function):
    """(name, "passed" | "skipped" | text of the failure, seconds)."""
    name = f"{function.__module__.rsplit('.', 1)[-1]}.{function.__name__}"
    started, outcome = time.monotonic(), "passed"
    test = Test(name)
    # A case that hangs loses its programs, and with them whatever it waits for.
    watchdog = threading.Timer(CASE_SECONDS_MAX, test.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        function(test)
    except Skip as skip:
        outcome = f"skipped: {skip}"
    except Exception:  # noqa: BLE001: the report is the point
        outcome = traceback.format_exc()
    watchdog.cancel()
    problems = test.finish()
    if outcome == "passed" and problems:
        outcome = "\n".join(problems)
    elif problems:
        outcome += "\nand at the end:\n" + "\n".join(problems)
    if outcome != "passed" and not outcome.startswith("skipped"):
        for program in test.programs:
            outcome += f"\n--- last output of pid {program.pid} ({test.folder}):\n{program.output()[-1500:]}"
    shutil.rmtree(test.folder, ignore_errors=True)
    return name, outcome, time.monotonic() - started


def run_all(patterns):
    chosen = [(f, alone) for f, alone in CASES if not patterns or any(p in f"{f.__module__}.{f.__name__}" for p in patterns)]
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    lock = threading.Lock()

    def report(function):
        name, outcome, seconds = run_one(function)
        word = outcome.split(":")[0] if outcome.startswith(("passed", "skipped")) else "failed"
        with lock:
            counts[word] += 1
            print(f"{word} {name} ({seconds:.1f} s)" + (f" – {outcome[9:]}" if word == "skipped" else ""), flush=True)
            if word == "failed":
                print("\n".join("  | " + line for line in outcome.splitlines()), flush=True)

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(report, [f for f, alone in chosen if not alone]))
    for function, alone in chosen:
        if alone:
            report(function)
    summary = f"{counts['passed']} passed, {counts['failed']} failed"
    print(summary + (f", {counts['skipped']} skipped" if counts["skipped"] else ""), flush=True)
    sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


def equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError(f"{what or 'value'}: expected {expected!r}, got {actual!r}")


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def contains(text, part, what=""):
    if part not in text:
        raise AssertionError(f"{what or 'text'}: {part!r} is not in {text!r}")


def lacks(text, part, what=""):
    if part in text:
        raise AssertionError(f"{what or 'text'}: {part!r} is in {text!r}")

#!/usr/bin/env python3
"""Counts the instructions of one request, and compares with the committed baseline: the regression gate that no noise disturbs.

Runs the release binary under valgrind --tool=callgrind twice, with few and with many requests, one at a time; the difference is the
request's own. More than 3 % over tests/bench/instructions.json fails. --update writes the counts down: say in the commit what they buy.
"""
import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from bench import TRANSLATED, chat, run_load  # noqa: E402
from systems import GATEWAY_CORE, OTHER_CORE, System  # noqa: E402

BASELINE = Path(__file__).resolve().parent / "instructions.json"
MORE_MAX_PERCENT = 3
FEW, MANY = 200, 1200
STREAM = {"events": 20, "burst": "one"}
CASES = {"chat 1 KB": {}, "stream 20 events": STREAM, "chat 1 KB, translated": TRANSLATED, "stream 20 events, translated": STREAM | TRANSLATED}


def count(name, upstream, directory, load, requests):
    """All instructions of a process that served that many requests."""
    system = System(name, GATEWAY_CORE, directory, upstream)
    out = Path(directory) / "callgrind.out"
    system.start(["valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={out}", "--trace-children=no"])
    result = run_load(system.port, chat(requests, connections=1, **load))
    system.stop()
    if result["failed"]:
        raise RuntimeError(f"requests failed under callgrind: {result['faults']} {result['stderr']}")
    return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(errors="replace"), re.MULTILINE).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="write the counts into the baseline")
    parser.add_argument("--system", default="cardea", help="cardea, or floor for scale")
    options = parser.parse_args()
    counts = {}
    with tempfile.TemporaryDirectory(prefix="cardea-callgrind-") as directory:
        upstream = System("direct", OTHER_CORE, directory)
        upstream.start()
        try:
            for case, load in CASES.items():
                few = count(options.system, upstream.port, directory, load, FEW)
                many = count(options.system, upstream.port, directory, load, MANY)
                counts[case] = round((many - few) / (MANY - FEW))
        finally:
            upstream.stop()
    known = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    passed = failed = skipped = 0
    for case, value in counts.items():
        base = known.get(case)
        change = f"{100 * (value / base - 1):+.1f} % against {base}" if base else "no baseline yet: callgrind.py --update"
        print(f"{case}: {value} instructions/request ({change})")
        if options.system != "cardea" or not base:
            skipped += 1
        elif value > base * (1 + MORE_MAX_PERCENT / 100):
            failed += 1
        else:
            passed += 1
    if options.update and options.system == "cardea":
        BASELINE.write_text(json.dumps(counts, indent=2) + "\n")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

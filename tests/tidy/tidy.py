#!/usr/bin/env python3
"""Checks the rules of the house that no compiler knows. One line per finding: path:line: message [check].

  tidy.py [CHECK…]      all checks, or those named
  tidy.py --list        what is checked

Exceptions stand in allow.txt, one per line: CHECK PATH KEY  # why. The list may only shrink: an entry that excuses nothing
any more is itself a finding, and so is a size entry (KEY name=lines) whose function or file has become smaller.
"""
import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from checks import CHECKS  # noqa: E402
from tree import Tree  # noqa: E402

HERE = Path(__file__).resolve().parent
ALLOW = "tests/tidy/allow.txt"


class AllowList:
    def __init__(self, text):
        self.entries = {}  # (check, path, name) → [line, size or None, used]
        self.malformed = []
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            if len(words) != 3 or "#" not in line:
                self.malformed.append(number)
                continue
            name, _, size = words[2].partition("=")
            self.entries[(words[0], words[1], name)] = [number, int(size) if size else None, False]

    def excuses(self, check, path, key):
        """True when an entry covers the finding; marks the entry as needed."""
        name, _, size = key.partition("=")
        entry = self.entries.get((check, path, name))
        if not entry:
            return False
        if entry[1] is None or not size or int(size) == entry[1]:
            entry[2] = True
            return True
        if int(size) < entry[1]:
            entry[2] = f"lower the entry to {size}: it may only shrink"
            return True
        entry[2] = True
        return False

    def complaints(self, checks):
        for number in self.malformed:
            yield number, "write: CHECK PATH KEY  # why"
        for (check, path, name), (number, _, used) in self.entries.items():
            if check not in checks:
                continue
            if not used:
                yield number, f"{check} {path} {name} excuses nothing any more: delete the line"
            elif used is not True:
                yield number, used


def findings(tree, checks, allow):
    """(check, path, line, message) of all that is wrong, the allow-list itself included."""
    for name in checks:
        for path, line, message, key in CHECKS[name](tree):
            if not allow.excuses(name, path, key):
                yield name, path, line, message
    for number, message in allow.complaints(checks):
        yield "allow-list", ALLOW, number, message


def main():
    parser = argparse.ArgumentParser(prog="./dev tidy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the checks")
    parser.add_argument("checks", nargs="*", metavar="CHECK")
    options = parser.parse_args()
    if options.list:
        for name, check in CHECKS.items():
            print(f"{name:16} {check.__doc__}")
        return 0
    unknown = [c for c in options.checks if c not in CHECKS]
    if unknown:
        parser.error(f"no check '{unknown[0]}' (see --list)")
    checks = options.checks or list(CHECKS)
    allow_text = (HERE / "allow.txt").read_text() if (HERE / "allow.txt").exists() else ""
    found = list(findings(Tree.of_repository(HERE.parent.parent), checks, AllowList(allow_text)))
    for name, path, line, message in found:
        print(f"{path}:{line}: {message} [{name}]")
    names = checks + ["allow-list"]
    failed = {f[0] for f in found}
    print(f"{sum(n not in failed for n in names)} passed, {len(failed)} failed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

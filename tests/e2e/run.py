#!/usr/bin/env python3
"""End-to-end tests: the real binary, real sockets. `run.py [PART OF A NAME…]`; the binary is $CARDEA_BIN or build/dev/cardea."""
import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from harness import runner  # noqa: E402
from harness.programs import BINARY  # noqa: E402

if not BINARY.exists():
    sys.exit(f"{BINARY} is not there: ./dev build dev cardea")
for path in sorted((HERE / "cases").glob("*.py")):
    importlib.import_module(f"cases.{path.stem}")
runner.run_all(sys.argv[1:])

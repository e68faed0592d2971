"""The long runs of tests/soak, short: enough to see that they work and that nothing is badly wrong."""
import os
import subprocess
import sys
from pathlib import Path

from harness.runner import case, true

SOAK = Path(__file__).resolve().parents[2] / "soak"
IN_CI = os.environ.get("CI") == "true"


def run(*arguments):
    done = subprocess.run([sys.executable, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=55)
    true(done.returncode == 0, done.stdout)


@case(alone=True)
def mixed_traffic(t):
    run(SOAK / "soak.py", "--seconds", 20 if IN_CI else 6)


@case(alone=True)
def paced_streams(t):
    run(SOAK / "streams.py", *(("--streams", 2000, "--tokens", 10) if IN_CI else ("--streams", 300, "--tokens", 6, "--pace-ms", 300)))


@case(alone=True)
def kills_during_changes(t):
    run(SOAK / "kills.py", "--kills", 8, "--seed", 1)

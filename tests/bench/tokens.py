#!/usr/bin/env python3
"""Token for token the same as tiktoken? Over this repository's texts and thousands of random ones. Run it through ./dev tokens.
usage: tokens.py BENCH_TOKENS RANKS_DIRECTORY"""
import hashlib
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENCODINGS = ("cl100k_base", "o200k_base")
# Blocks of Unicode, ASCII more often than the others.
BLOCKS = [(0x20, 0x7E)] * 6 + [
    (0x09, 0x0D), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF), (0xE00, 0xFFF), (0x1100, 0x11FF),
    (0x1E00, 0x2BFF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x1F300, 0x1FAFF), (0x10000, 0x1FFFF)]
BETWEEN = [" ", "  ", "\n", " \n", "\r\n", "\t", "'s", "'LL", "/", "123"]


def random_text(chance, size):
    out = []
    while len(out) < size:
        first, last = chance.choice(BLOCKS)
        letters = [chr(chance.randint(first, last)) for _ in range(chance.randint(1, 8))]
        out += [letter for letter in letters if unicodedata.category(letter) != "Cn"]
        if chance.random() < 0.3:
            out.append(chance.choice(BETWEEN))
    return "".join(out)


def texts():
    for pattern in ("src/**/*.cc", "docs/**/*.md", "tests/**/*.py", "src/**/testdata/**/*.json"):
        for path in sorted(ROOT.glob(pattern))[:150]:
            yield path.read_text(encoding="utf-8", errors="replace")[:40_000]
    chance = random.Random(7)
    for _ in range(4_000):
        yield random_text(chance, chance.randint(1, 200))
    for unit in ("a", "A", " ", "\n", "0", "^", "\u30aa", "aA", "qz "):
        yield unit * 3_000


def reference(encoding, text):
    tokens = encoding.encode(text, disallowed_special=())
    value = 1469598103934665603
    for token in tokens:
        value = ((value ^ token) * 1099511628211) % 2**64
    return f"{len(tokens)} {value}"


def main():
    program, ranks = sys.argv[1:]
    everything = list(texts())
    packed = b"".join(struct.pack("<I", len(text)) + text for text in (text.encode() for text in everything))
    with tempfile.TemporaryDirectory() as cache:
        # tiktoken looks for its files by the hash of their address.
        for name in ENCODINGS:
            address = f"https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"
            shutil.copy(f"{ranks}/{name}.tiktoken", f"{cache}/{hashlib.sha1(address.encode()).hexdigest()}")
        os.environ["TIKTOKEN_CACHE_DIR"] = cache
        import tiktoken
        different = 0
        for name in ENCODINGS:
            encoding = tiktoken.get_encoding(name)
            said = subprocess.run([program, "encode", name], input=packed, capture_output=True, check=True).stdout.decode().split("\n")
            for text, ours in zip(everything, said):
                if ours != reference(encoding, text):
                    different += 1
                    print(f"{name}: {text[:60]!r} is counted otherwise: {ours}")
            print(f"{name}: {len(everything)} texts, {len(packed):,} bytes, {different} different from tiktoken {tiktoken.__version__}")
    return different > 0


if __name__ == "__main__":
    sys.exit(main())

"""What is checked: the files of the repository and the rooms their CMakeLists.txt declare."""
import re
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import cpp


@dataclass
class Room:
    name: str
    folder: str  # under src/
    layer: int
    sources: list = field(default_factory=list)
    door: list = field(default_factory=list)
    deps: list = field(default_factory=list)
    libs: list = field(default_factory=list)
    tests: list = field(default_factory=list)
    test_deps: list = field(default_factory=list)


_WORDS = ("LAYER", "SOURCES", "DOOR", "DEPS", "LIBS", "TESTS", "TEST_DEPS")


def parse_rooms(path, text):
    """The cardea_module() calls of one CMakeLists.txt."""
    text = re.sub(r"#[^\n]*", "", text)
    for call in re.finditer(r"cardea_module\(([^)]*)\)", text):
        words = call.group(1).split()
        room, word, values = words[0], None, {w: [] for w in _WORDS}
        for item in words[1:]:
            if item in _WORDS:
                word = item
            elif word:
                values[word].append(item)
        yield Room(room, path.removeprefix("src/").removesuffix("/CMakeLists.txt"), int((values["LAYER"] or ["-1"])[0]),
                   values["SOURCES"], values["DOOR"], values["DEPS"], values["LIBS"], values["TESTS"], values["TEST_DEPS"])


class Tree:
    """Path → text of every file under version control (or about to be)."""

    def __init__(self, files):
        self.files = files
        self._code = {}

    @staticmethod
    def of_repository(root):
        listed = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                capture_output=True, check=True).stdout
        files = {}
        for name in filter(None, listed.decode().split("\0")):
            path = Path(root) / name
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                if b"\0" not in data[:4096]:
                    files[name] = data.decode(errors="replace")
        return Tree(files)

    @cached_property
    def rooms(self):
        found = [r for p, t in sorted(self.files.items()) if re.fullmatch(r"src/.+/CMakeLists\.txt", p) for r in parse_rooms(p, t)]
        return {room.name: room for room in found}

    def room_of(self, path):
        """The room whose folder holds the file (the deepest one), or None."""
        inside = [r for r in self.rooms.values() if path.startswith(f"src/{r.folder}/")]
        return max(inside, key=lambda r: len(r.folder), default=None)

    def cpp(self, under=("src/", "fuzz/", "tests/")):
        """(path, text) of the C++ files."""
        for path, text in sorted(self.files.items()):
            if path.startswith(under) and path.endswith((".cc", ".h")):
                yield path, text

    def code(self, path):
        """The file without comments, literals and directives."""
        if path not in self._code:
            self._code[path] = cpp.blank(self.files[path])
        return self._code[path]


def is_test(path):
    """Tests, and what only tests include: test_*.h, *_test_*.h and the room testing."""
    name = path.rsplit("/", 1)[-1]
    return path.startswith("src/testing/") or name.startswith("test_") or "_test." in name or "_test_" in name

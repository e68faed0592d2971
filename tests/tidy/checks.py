"""The checks. Each is a generator over the tree of (path, line, message, key); key is what an allow-list entry names."""
import posixpath
import re

import cpp
from tree import is_test

LINES_PER_FUNCTION_MAX = 70
LINES_PER_FILE_MAX = 600
LINES_PER_README_MAX = 60

# Header of a third-party library → the one room that may include it.
OWNERS = {
    r"openssl/.*": "net",
    r"ares(_\w+)?\.h": "net",
    r"simdjson\.h": "json",
    r"expat\.h": "json",
    r"yaml-cpp/.*": "config",
    r"zlib\.h": "wire",
    r"sqlite3\.h": "store_sqlite",
    r"cjose/.*": "access",
    r"pcre2\.h": "tokens",
}
LIBRARY_OWNERS = {"OpenSSL::SSL": "net", "OpenSSL::Crypto": "net", "cardea_cares": "net", "cardea_simdjson": "json",
                  "cardea_expat": "json", "cardea_yaml_cpp": "config", "cardea_zlib": "wire",
                  "cardea_sqlite": "store_sqlite", "cardea_cjose": "access", "cardea_pcre2": "tokens"}
# These rooms compute; they cannot reach a socket, not even through others.
PURE = ("base", "json", "model", "wire", "config", "dialect", "tokens")


def check_doors(tree):
    """An #include names a header of the own room, or one in the door of a room in DEPS (tests: TEST_DEPS too)."""
    for path, text in tree.cpp(("src/",)):
        room = tree.room_of(path)
        if not room:
            continue
        for line, target, is_local in cpp.includes(text):
            if not is_local or target.startswith("generated/"):
                continue
            if "/" not in target:
                yield path, line, f'write the include from the root: #include "{room.folder}/{target}"', target
                continue
            owner = tree.room_of("src/" + target)
            if not owner:
                yield path, line, f'"{target}" is in no room', target
                continue
            if owner is room:
                continue
            allowed = room.deps + (room.test_deps if is_test(path) else [])
            header = ("src/" + target).removeprefix(f"src/{owner.folder}/")
            if owner.name not in allowed:
                yield path, line, f"room '{room.name}' does not list '{owner.name}' in its DEPS", target
            if header not in owner.door:
                yield path, line, f'"{target}" is not in the door of \'{owner.name}\'', target


def check_layers(tree):
    """Rooms depend only on lower layers, and pure rooms never on net."""
    for room in tree.rooms.values():
        lists = f"src/{room.folder}/CMakeLists.txt"
        for dep in room.deps:
            other = tree.rooms.get(dep)
            if not other:
                yield lists, 1, f"'{dep}' is no room", dep
            elif other.layer >= room.layer:
                yield lists, 1, f"layer {room.layer} may not use '{dep}' of layer {other.layer}", dep
        if room.name in PURE and "net" in _reachable(tree, room.name, set()):
            yield lists, 1, f"'{room.name}' is a pure room and reaches net", "net"


def _reachable(tree, name, seen):
    for dep in tree.rooms[name].deps if name in tree.rooms else []:
        if dep not in seen:
            seen.add(dep)
            _reachable(tree, dep, seen)
    return seen


def check_listed(tree):
    """Every file a room lists exists, and every .cc of a room is listed: no orphan test, no dead source."""
    for room in tree.rooms.values():
        folder = f"src/{room.folder}/"
        lists = folder + "CMakeLists.txt"
        for name in room.sources + room.door + room.tests:
            if folder + name not in tree.files and not name.startswith("$"):
                yield lists, 1, f"lists {name}, which does not exist", name
        for name in room.tests:
            if not name.endswith("_test.cc"):
                yield lists, 1, f"{name} is under TESTS but not named *_test.cc", name
    for path, _ in tree.cpp(("src/",)):
        room = tree.room_of(path)
        if not room:
            yield path, 1, "belongs to no room: no CMakeLists.txt with cardea_module() above it", path
        elif path.endswith(".cc"):
            name = path.removeprefix(f"src/{room.folder}/")
            wanted = "TESTS" if path.endswith("_test.cc") else "SOURCES"
            if name not in (room.tests if wanted == "TESTS" else room.sources + room.tests) and not _named_elsewhere(tree, room, name):
                yield path, 1, f"is not listed under {wanted} of room '{room.name}': it is never built", name


def _named_elsewhere(tree, room, name):
    """main.cc of an add_executable() beside the cardea_module() call."""
    text = re.sub(r"cardea_module\([^)]*\)", "", tree.files[f"src/{room.folder}/CMakeLists.txt"])
    return re.search(rf"\badd_executable\([^)]*\b{re.escape(name)}\b", text)


def check_owners(tree):
    """One third-party library, one owner."""
    for path, text in tree.cpp(("src/",)):
        room = tree.room_of(path)
        for line, target, _ in cpp.includes(text):
            for pattern, owner in OWNERS.items():
                if re.fullmatch(pattern, target) and room and room.name != owner:
                    yield path, line, f"<{target}> belongs to room '{owner}': use what it offers", target
    for room in tree.rooms.values():
        for library in room.libs:
            if LIBRARY_OWNERS.get(library, room.name) != room.name:
                yield f"src/{room.folder}/CMakeLists.txt", 1, f"{library} belongs to room '{LIBRARY_OWNERS[library]}'", library


# (key, pattern in code, where: regex on the path, unless: regex on the path, message)
BANS = [
    ("regex", r"\bstd::w?regex\b", r"^src/", r"_test\.cc$", "std::regex is 1,000 times too slow: write a scanner"),
    ("stdout", r"\bstd::(cout|cerr|clog)\b|(?<![\w.>])(?:std::)?f?(printf|puts|putchar|putc)\s*\(", r"^src/", r"^src/app/|_test\.cc$",
     "only room app talks to the terminal; return a value or use record"),
    ("using-namespace", r"\busing\s+namespace\b", r"\.h$", None, "a header must not choose names for its users"),
    ("thread-local", r"\bthread_local\b", r"^src/", None, "no thread-local 'current' anything: pass it"),
    ("sleep", r"\bstd::this_thread::sleep_\w+|(?<![\w.>:])(?:::)?(?:u|nano)?sleep\s*\(", r"^(src|tests)/.*\.(cc|h)$", None,
     "nothing sleeps: tests use fake time, code uses the loop's timers"),
    ("locks", r"\bstd::(recursive_|timed_|shared_)?(timed_)?mutex\b|\bstd::condition_variable\b|\bpthread_mutex", r"^src/", None,
     "a request takes no lock: use the mailbox, an immutable snapshot or sharded counters"),
    ("async", r"\bstd::(async|future|promise)\b|\.detach\(\)", r"^src/", None, "nothing is detached: use Scope"),
    ("old-c", r"(?<![\w.>:])(?:std::)?(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atoll|atof|strtok|rand|srand|system|popen|alloca)\s*\(",
     r"^src/", None, "use base/text.h (parse_number, cat) or the room that owns it"),
    ("endl", r"\bstd::endl\b", r"^(src|tests|fuzz)/", None, "write '\\n': std::endl flushes"),
    ("catch", r"\bcatch\s*\(", r"^src/", r"_test\.cc$", "errors are values; exceptions are for bugs and start-up, caught in few places"),
    ("clock", r"\b(system|steady|high_resolution)_clock::now\s*\(|(?<![\w.>:])(?:::)?(gettimeofday|clock_gettime|time(?=\s*\(\s*(nullptr|NULL|0|&)))\s*\(", r"^src/",
     r"_test\.cc$", "time comes from the loop (net) or a seam, so that tests can fake it"),
    ("random", r"\bstd::(random_device|mt19937\w*|default_random_engine)\b", r"^src/", None, "randomness comes from base/random.h, seeded in tests"),
]


def check_bans(tree):
    """What the house does not use; an allow-list entry names the file and says why."""
    for path, _ in tree.cpp():
        for key, pattern, where, unless, message in BANS:
            if not re.search(where, path) or (unless and re.search(unless, path)):
                continue
            for match in re.finditer(pattern, tree.code(path)):
                yield path, cpp.line_of(tree.code(path), match.start()), message, key


def check_headers(tree):
    """Every header starts with #pragma once and says in its first comment what it is for."""
    for path, text in tree.cpp(("src/",)):
        if path.endswith(".h"):
            lines = text.splitlines()
            if not lines or lines[0] != "#pragma once":
                yield path, 1, "the first line is #pragma once", "pragma"
            if not any(line.startswith("//") for line in lines[1:4]):
                yield path, 2, "say below #pragma once in a comment what this header is for", "comment"


def check_bool_parameters(tree):
    """No boolean parameters in headers: a call f(x, true) says nothing."""
    for path, _ in tree.cpp(("src/",)):
        if path.endswith(".h"):
            code = tree.code(path)
            for match in re.finditer(r"\w\s*\((?:[^();{}]*,)?\s*(?:const\s+)?bool\s+(\w+)\s*(?:=[^,()]*)?(?:,[^();{}]*)?\)\s*(?:const|noexcept|override|->|;|\{|:|=)", code):
                if match.group(1) == "value":  # a setter or a codec of booleans
                    continue
                line = cpp.line_of(code, match.start(1))
                yield path, line, f"boolean parameter '{match.group(1)}': make it an enum", match.group(1)


def check_todo(tree):
    """A TODO names its issue: TODO(#12)."""
    for path, text in tree.files.items():
        if re.search(r"\.(cc|h|py|sh|cmake|yaml|txt)$", path) and not path.startswith("tests/tidy/"):
            for match in re.finditer(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))", text):
                yield path, cpp.line_of(text, match.start()), f"{match.group(1)} without an issue: write TODO(#12)", "todo"


def check_function_size(tree):
    """No function over 70 lines; the ratchet lists today's sinners with their size."""
    for path, _ in tree.cpp():
        for name, first, last in cpp.functions(tree.code(path)):
            lines = last - first + 1
            if lines > LINES_PER_FUNCTION_MAX:
                yield path, first, f"{name} has {lines} lines (limit {LINES_PER_FUNCTION_MAX})", f"{name}={lines}"


def check_file_size(tree):
    """No source file over 600 lines."""
    for path, text in tree.files.items():
        if re.search(r"\.(cc|h|py|sh|js|mjs|ts)$|^dev$", path):
            lines = text.count("\n")
            if lines > LINES_PER_FILE_MAX:
                yield path, 1, f"{lines} lines (limit {LINES_PER_FILE_MAX})", f"file={lines}"


def check_awaits(tree):
    """The two coroutine rules: an await stands alone; name what you pass. And coroutine lambdas capture nothing."""
    for path, _ in tree.cpp():
        code = tree.code(path)
        for line, message in cpp.await_faults(code):
            yield path, line, message, "await"
        for line in cpp.capturing_coroutines(code):
            yield path, line, "a lambda that is a coroutine captures: pass what it needs as parameters", "capture"


def check_readmes(tree):
    """Every room has a README.md of at most one page."""
    for room in tree.rooms.values():
        path = f"src/{room.folder}/README.md"
        if path not in tree.files:
            yield f"src/{room.folder}/CMakeLists.txt", 1, f"room '{room.name}' has no README.md", "readme"
        elif tree.files[path].count("\n") > LINES_PER_README_MAX:
            yield path, 1, f"{tree.files[path].count(chr(10))} lines (limit {LINES_PER_README_MAX})", "readme"


def check_map(tree):
    """docs/architecture.md names every room with its layer."""
    page = "docs/architecture.md"
    rows = {name: int(layer) for layer, name in re.findall(r"^\| (\d+) \| `(\w+)`", tree.files.get(page, ""), re.MULTILINE)}
    for room in tree.rooms.values():
        if rows.get(room.name) != room.layer:
            yield page, 1, f"the table of rooms lacks '{room.name}' of layer {room.layer}", room.name


def check_goldens(tree):
    """Every testdata folder is read by a test of its room."""
    folders = {m.group(1) for p in tree.files if (m := re.match(r"(src/.*/testdata)/", p))}
    for folder in sorted(folders):
        room = tree.room_of(folder + "/x")
        wanted = folder.removeprefix("src/")
        tests = [t for p, t in tree.cpp(("src/",)) if room and p.startswith(f"src/{room.folder}/") and is_test(p)]
        if not any(wanted in t for t in tests):
            yield folder, 1, f"orphan goldens: no test of the room names {wanted}", folder


# Written in pieces, so that this file does not find itself.
_MACHINE = re.compile("|".join([
    r"(?<![\w./~-])/wo" r"rk/", r"(?<![\w./~-])/tm" r"p/plan", r"(?<![\w./~-])/ro" r"ot/", r"(?<![\w./~-])/ho" r"me/(?!cardea\b)\w+",
    r"\bdeb\.debi" r"an\.org", r"\bregistry\.np" r"mjs\.org", r"\bpy" r"pi\.org", r"\bfiles\.python" r"hosted\.org",
    r"\bcrates\." r"io\b", r"\bproxy\.gol" r"ang\.org"]))


def check_machine_paths(tree):
    """Committed text names no path of one machine and no package registry's host."""
    for path, text in tree.files.items():
        for match in _MACHINE.finditer(text):
            yield path, cpp.line_of(text, match.start()), f"'{match.group()}' is this machine's or a registry's business", match.group()


def check_links(tree):
    """Relative links in Markdown lead somewhere."""
    folders = {posixpath.dirname(p) for p in tree.files}
    for path, text in tree.files.items():
        if not path.endswith(".md"):
            continue
        prose = re.sub(r"```.*?```|`[^`\n]*`", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.DOTALL)
        for match in re.finditer(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", prose):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), match.group(1)))
            if target not in tree.files and not any(f == target or f.startswith(target + "/") for f in folders):
                yield path, cpp.line_of(text, match.start()), f"dead link to {match.group(1)}", match.group(1)


CHECKS = {
    "doors": check_doors,
    "layers": check_layers,
    "listed": check_listed,
    "owners": check_owners,
    "bans": check_bans,
    "headers": check_headers,
    "bool-parameters": check_bool_parameters,
    "todo": check_todo,
    "function-size": check_function_size,
    "file-size": check_file_size,
    "awaits": check_awaits,
    "readmes": check_readmes,
    "map": check_map,
    "goldens": check_goldens,
    "machine-paths": check_machine_paths,
    "links": check_links,
}

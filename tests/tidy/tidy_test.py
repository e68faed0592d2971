#!/usr/bin/env python3
"""Shows that each check can fail: tiny trees with one fault each, and good ones that must stay silent."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import cpp  # noqa: E402
from checks import CHECKS  # noqa: E402
from tidy import AllowList, findings  # noqa: E402
from tree import Tree  # noqa: E402

LOW = "cardea_module(low LAYER 10 SOURCES low.cc DOOR low.h DEPS)"
HIGH = "cardea_module(high LAYER 20 SOURCES high.cc DOOR high.h DEPS low TESTS high_test.cc TEST_DEPS other)"
OTHER = "cardea_module(other LAYER 20 SOURCES other.cc DOOR other.h)"
HEADER = "#pragma once\n// What it is for.\n"


def house(**changes):
    """A small house without a fault; changes replace files (keys with __ for / and _dot_ for .)."""
    files = {
        "src/low/CMakeLists.txt": LOW, "src/low/README.md": "low\n", "src/low/low.h": HEADER, "src/low/low.cc": '#include "low/low.h"\n',
        "src/low/inner.h": HEADER,
        "src/high/CMakeLists.txt": HIGH, "src/high/README.md": "high\n", "src/high/high.h": HEADER + '#include "low/low.h"\n',
        "src/high/high.cc": '#include "high/high.h"\n', "src/high/high_test.cc": '#include "other/other.h"\n',
        "src/other/CMakeLists.txt": OTHER, "src/other/README.md": "other\n", "src/other/other.h": HEADER, "src/other/other.cc": "",
    }
    return files | {k.replace("__", "/").replace("_dot_", "."): v for k, v in changes.items()}


def source(text):
    return house(src__high__high_dot_cc=text)


def header(text):
    return house(src__high__high_dot_h=HEADER + text)


def in_function(text):
    return source("Task<void> f() {\n" + text + "\n}\n")


# (check, files, the line "path:line" that must be found, or None when nothing may be found)
HIGH_CC = "src/high/high.cc"
CASES = [
    ("doors", house(), None),
    ("doors", source('#include "low/inner.h"\n'), HIGH_CC + ":1"),
    ("doors", source('\n#include "other/other.h"\n'), HIGH_CC + ":2"),
    ("doors", source('#include "high.h"\n'), HIGH_CC + ":1"),
    ("doors", source('#include "nowhere/x.h"\n'), HIGH_CC + ":1"),
    ("doors", house(src__low__low_dot_cc='#include "high/high.h"\n'), "src/low/low.cc:1"),
    ("layers", house(), None),
    ("layers", house(src__low__CMakeLists_dot_txt=LOW + "\n", src__other__CMakeLists_dot_txt=OTHER.replace(")", " DEPS high)")),
     "src/other/CMakeLists.txt:1"),
    ("layers", house(src__high__CMakeLists_dot_txt=HIGH.replace("DEPS low", "DEPS nowhere")), "src/high/CMakeLists.txt:1"),
    ("layers", {"src/net/CMakeLists.txt": "cardea_module(net LAYER 20)", "src/x/CMakeLists.txt": "cardea_module(x LAYER 30 DEPS net)",
                "src/dialect/CMakeLists.txt": "cardea_module(dialect LAYER 40 DEPS x)"}, "src/dialect/CMakeLists.txt:1"),
    ("listed", house(), None),
    ("listed", house(src__high__lost_test_dot_cc=""), "src/high/lost_test.cc:1"),
    ("listed", house(src__high__lost_dot_cc=""), "src/high/lost.cc:1"),
    ("listed", house(src__high__CMakeLists_dot_txt=HIGH.replace("high.cc", "high.cc gone.cc")), "src/high/CMakeLists.txt:1"),
    ("listed", {"src/lost/a.cc": ""}, "src/lost/a.cc:1"),
    ("owners", source("#include <vector>\n"), None),
    ("owners", source("#include <openssl/ssl.h>\n"), HIGH_CC + ":1"),
    ("owners", source("#include <yaml-cpp/yaml.h>\n"), HIGH_CC + ":1"),
    ("owners", source("#include <simdjson.h>\n"), HIGH_CC + ":1"),
    ("owners", source("#include <ares.h>\n"), HIGH_CC + ":1"),
    ("owners", house(src__low__CMakeLists_dot_txt=LOW.replace("DOOR", "LIBS cardea_cares DOOR")), "src/low/CMakeLists.txt:1"),
    ("bans", source('// std::regex, sleep(1)\nconst char* s = "std::cout printf(x)";\nint snprintf_like(); x.time();'), None),
    ("bans", source("\n\nstd::regex r;"), HIGH_CC + ":3"),
    ("bans", source("std::cout << 1;"), HIGH_CC + ":1"),
    ("bans", source("printf(x);"), HIGH_CC + ":1"),
    ("bans", header("using namespace std;"), "src/high/high.h:3"),
    ("bans", source("thread_local int x;"), HIGH_CC + ":1"),
    ("bans", house(src__high__high_test_dot_cc="std::this_thread::sleep_for(x);"), "src/high/high_test.cc:1"),
    ("bans", house(src__high__high_test_dot_cc="usleep(10);"), "src/high/high_test.cc:1"),
    ("bans", source("std::shared_mutex m;"), HIGH_CC + ":1"),
    ("bans", source("std::thread(x).detach();"), HIGH_CC + ":1"),
    ("bans", source("int x = atoi(s);"), HIGH_CC + ":1"),
    ("bans", source("x << std::endl;"), HIGH_CC + ":1"),
    ("bans", source("try {} catch (...) {}"), HIGH_CC + ":1"),
    ("bans", source("auto t = std::chrono::steady_clock::now();"), HIGH_CC + ":1"),
    ("bans", source("std::random_device d;"), HIGH_CC + ":1"),
    ("headers", house(), None),
    ("headers", house(src__high__high_dot_h="// What it is for.\n"), "src/high/high.h:1"),
    ("headers", house(src__high__high_dot_h="#pragma once\nint x;\n\n\n// late"), "src/high/high.h:2"),
    ("bool-parameters", header("bool f(int x); void set(bool value);"), None),
    ("bool-parameters", header("void f(int x, bool fast);"), "src/high/high.h:3"),
    ("bool-parameters", header("void f(bool fast = true, int x = 0);"), "src/high/high.h:3"),
    ("todo", source("// TODO(#12): more"), None),
    ("todo", source("// TODO: more"), HIGH_CC + ":1"),
    ("todo", source("// FIXME"), HIGH_CC + ":1"),
    ("function-size", source("void f() {\n" + "x();\n" * 60 + "}\n"), None),
    ("function-size", source("\nvoid f() {\n" + "x();\n" * 70 + "}\n"), HIGH_CC + ":2"),
    ("function-size", source("namespace a {\nclass B {\n B() : a_{1}, b_(2) {\n" + "x();\n" * 70 + "}\n};\n}"), HIGH_CC + ":3"),
    ("function-size", source("TEST(A, B) {\n" + "x();\n" * 70 + "}\n"), HIGH_CC + ":1"),
    ("function-size", source("int table[] = {\n" + "1,\n" * 70 + "};\n"), None),
    ("file-size", source("x();\n" * 600), None),
    ("file-size", source("x();\n" * 601), HIGH_CC + ":1"),
    ("awaits", in_function("auto x = co_await f(a, b);\nco_await g();\nif (x) co_return co_await h(x);\n(void)co_await y.z();\n"
                           "for (int i = 0; i < 3; ++i) x[i] = co_await f<int>(a + b);\nauto [a, b] = co_await p->q();\n"
                           "if (x) { co_await g(); } else co_await h();\nswitch (x) { case A::b: co_await g(); }\nauto op = &operator co_await;"), None),
    ("awaits", in_function("if (co_await f()) {}"), HIGH_CC + ":2"),
    ("awaits", in_function("while (!(co_await f())) {}"), HIGH_CC + ":2"),
    ("awaits", in_function("if (auto r = co_await f(); r) {}"), HIGH_CC + ":2"),
    ("awaits", in_function("g(co_await f());"), HIGH_CC + ":2"),
    ("awaits", in_function("auto x = 1 + co_await f();"), HIGH_CC + ":2"),
    ("awaits", in_function("auto x = co_await f() + 1;"), HIGH_CC + ":2"),
    ("awaits", in_function("auto x = co_await f() ? 1 : 2;"), HIGH_CC + ":2"),
    ("awaits", in_function("x += co_await f();"), HIGH_CC + ":2"),
    ("awaits", in_function("auto x = *co_await f();"), HIGH_CC + ":2"),
    ("awaits", in_function("Foo x{co_await f()};"), HIGH_CC + ":2"),
    ("awaits", in_function("auto x = co_await f(Foo{1});"), HIGH_CC + ":2"),
    ("awaits", in_function("auto x = co_await f(\n  {1, 2});"), HIGH_CC + ":2"),
    ("awaits", in_function("co_await f([x] { return x; });"), HIGH_CC + ":2"),
    ("awaits", in_function("auto g = [](int x) -> Task<void> { co_await f(x); };\nauto h = [&] { return 1; };"), None),
    ("awaits", in_function("auto g = [&]() -> Task<void> { co_await f(); };"), HIGH_CC + ":2"),
    ("readmes", house(), None),
    ("readmes", {"src/low/CMakeLists.txt": LOW}, "src/low/CMakeLists.txt:1"),
    ("readmes", house(src__low__README_dot_md="x\n" * 61), "src/low/README.md:1"),
    ("map", house(docs__architecture_dot_md="| 10 | `low` | x |\n| 20 | `high` | x |\n| 20 | `other` | x |\n"), None),
    ("map", house(docs__architecture_dot_md="| 10 | `low` | x |\n| 30 | `high` | x |\n| 20 | `other` | x |\n"), "docs/architecture.md:1"),
    ("map", house(), "docs/architecture.md:1"),
    ("goldens", house(src__high__testdata__x_dot_json="{}", src__high__high_test_dot_cc='f("src/high/testdata");'), None),
    ("goldens", house(src__high__testdata__x_dot_json="{}"), "src/high/testdata:1"),
    ("machine-paths", source("see /network/x and https://example.com/work/y"), None),
    ("machine-paths", source("x\n/wo" "rk/main"), HIGH_CC + ":2"),
    ("machine-paths", {"docs/x.md": "cat /tm" "p/plan/y"}, "docs/x.md:1"),
    ("machine-paths", {"package-lock.json": "https://registry.np" "mjs.org/x"}, "package-lock.json:1"),
    ("links", {"docs/a.md": "[b](b.md#x) [c](https://x.y) `[d](d.md)` [e](../src)", "docs/b.md": "", "src/x": ""}, None),
    ("links", {"docs/a.md": "\n[b](b.md)"}, "docs/a.md:2"),
]


def check_cases():
    for number, (check, files, expected) in enumerate(CASES):
        found = [f"{path}:{line}" for path, line, _, _ in CHECKS[check](Tree(files))]
        ok = expected in found if expected else not found
        yield ok, f"case {number} ({check}): expected {expected}, found {found}"


def check_each_check_can_fail():
    for name in CHECKS:
        yield any(c == name and e for c, _, e in CASES), f"check {name} has no bad sample"
        yield any(c == name and e is None for c, _, e in CASES), f"check {name} has no good sample"


def check_allow_list():
    tree = Tree(source("std::regex r;\nvoid f() {\n" + "x();\n" * 70 + "}\n"))
    checks = ["bans", "function-size"]

    def left(allow):
        return [message for _, _, _, message in findings(tree, checks, AllowList(allow))]

    exact = f"bans {HIGH_CC} regex # why\nfunction-size {HIGH_CC} f=72 # why\n"
    yield left(exact) == [], "an exact list excuses all"
    yield len(left("")) == 2, "an empty list excuses nothing"
    yield any("lower the entry to 72" in m for m in left(exact.replace("72", "90"))), "a size that shrank must be lowered"
    yield any("72 lines" in m for m in left(exact.replace("72", "71"))), "a size that grew is a finding"
    yield any("delete the line" in m for m in left(exact + f"bans {HIGH_CC} endl # why\n")), "an entry without use is a finding"
    yield any("# why" in m for m in left(exact.replace(" # why", ""))), "an entry needs its why"


def check_lexer():
    text = 'int a = 1\'000; // x\nauto s = R"(co_await {)"; char c = \'"\'; /* { */ auto t = "a\\"{";\n'
    code = cpp.blank(text)
    yield "{" not in code and '"' not in code and len(code) == len(text), f"literals and comments are blanked: {code!r}"
    yield "1'000" in code, "digit separators are no literals"


def main():
    passed = failed = 0
    for group in (check_cases, check_each_check_can_fail, check_allow_list, check_lexer):
        for ok, message in group():
            passed += bool(ok)
            failed += not ok
            if not ok:
                print(f"{group.__name__}: {message}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

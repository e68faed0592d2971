#!/usr/bin/env python3
"""Starts a new part of the house with what every such part has.

  ./dev new provider NAME   catalog/providers/NAME.yaml: a vendor that speaks a dialect we know; no code
  ./dev new dialect NAME    src/dialect/NAME/: a wire format, with a failing test that says what to do first
  ./dev new room NAME       src/NAME/: CMakeLists.txt, README.md, door, test; then name it in the root CMakeLists.txt

Nothing that exists is overwritten.
"""
import argparse
import datetime
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PROVIDER = """\
# {title}. Fill in and run: cardea check; cardea models. Other files of this folder are examples.
title: {title}
dialect: openai
base_url: https://api.{name}.example/v1
key_env: [{upper}_API_KEY]
docs: https://{name}.example/docs
as_of: "{today}"
source: https://{name}.example/pricing
models:
  - id: {name}-large
    type: llm
    context: 131072
    capabilities: [tools]
    price: {{input: 1.00, output: 2.00}} # US dollars per million tokens
"""

DIALECT_HEADER = """\
#pragma once
// The {name} dialect: <what its clients send and its upstreams answer, with the address of the vendor's reference>.

#include "dialect/dialect.h"

namespace cardea::dialect {{

/// The {title} dialect.
[[nodiscard]] const Dialect& {name}();

}}  // namespace cardea::dialect
"""

DIALECT_TEST = """\
#include "dialect/{name}/{name}.h"

#include <gtest/gtest.h>

namespace cardea::dialect {{
namespace {{

// First make this pass: a minimal request of the vendor's own reference, inspected. Then go on as src/dialect/openai_chat does:
// decode, encode, decode(encode(x)) == x, relay, errors; every stream whole, byte by byte, and cut at every event.
TEST({title}, InspectsTheMinimalRequest) {{
  auto view = {name}().inspect(R"({{"model":"m"}})");
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->model, "m");
}}

}}  // namespace
}}  // namespace cardea::dialect
"""

ROOM_LISTS = """\
cardea_module({name} LAYER {layer}
  SOURCES {name}.cc
  DOOR {name}.h
  DEPS base
  TESTS {name}_test.cc)
"""

ROOM_README = """\
# {name}

<What this room answers, in one sentence. Who uses it; on which thread it runs; what limits it has; how it fails.>

| file | what |
|---|---|
| `{name}.h` | the door |
"""

ROOM_HEADER = """\
#pragma once
// <What this room is for.>

namespace cardea::{name} {{}}  // namespace cardea::{name}
"""


def provider(name):
    yield f"catalog/providers/{name}.yaml", PROVIDER


def dialect(name):
    yield f"src/dialect/{name}/{name}.h", DIALECT_HEADER
    yield f"src/dialect/{name}/{name}_test.cc", DIALECT_TEST


def room(name):
    yield f"src/{name}/CMakeLists.txt", ROOM_LISTS
    yield f"src/{name}/README.md", ROOM_README
    yield f"src/{name}/{name}.h", ROOM_HEADER
    yield f"src/{name}/{name}.cc", '#include "{name}/{name}.h"\n'
    yield f"src/{name}/{name}_test.cc", '#include "{name}/{name}.h"\n\n#include <gtest/gtest.h>\n'


KINDS = {
    "provider": (provider, "put in the vendor's figures with their date and source, then: ./dev test --quick"),
    "dialect": (dialect, "write {name}.cc, list the files in src/dialect/CMakeLists.txt and the dialect in src/dialect/dialect.cc, then: ./dev test --quick"),
    "room": (room, "name it in the root CMakeLists.txt after the rooms of lower layers, then: ./dev test --quick"),
}


def main():
    parser = argparse.ArgumentParser(prog="./dev new", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("name")
    parser.add_argument("--layer", type=int, default=50, help="of a room (docs/architecture.md)")
    options = parser.parse_args()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", options.name):
        parser.error("a name is snake_case: a-z, 0-9, _")
    files, next_step = KINDS[options.kind]
    values = {"name": options.name, "upper": options.name.upper(), "layer": options.layer, "today": datetime.date.today(),
              "title": "".join(part.capitalize() for part in options.name.split("_"))}
    texts = {path: text.format(**values) for path, text in files(options.name)}
    taken = [path for path in texts if (ROOT / path).exists()]
    if taken:
        parser.error(f"{taken[0]} exists")
    for path, text in texts.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
        print(f"wrote {path}")
    print("next: " + next_step.format(**values))


if __name__ == "__main__":
    main()

"""Just enough C++ to check the rules of the house: blanked text, functions, await statements, lambdas."""
import re

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^\s()\\]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)


def blank(text, keep_directives=False):
    """The text with comments and literals turned into spaces: same length, same lines, only code left."""
    code = _TOKEN.sub(lambda m: _spaces(m.group()), text)
    return code if keep_directives else _DIRECTIVE.sub(lambda m: _spaces(m.group()), code)


def _spaces(text):
    return re.sub(r"[^\n]", " ", text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def includes(text):
    """(line, path, is_local) of every #include."""
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', text, re.MULTILINE):
        yield line_of(text, match.start()), match.group(1) or match.group(2), match.group(1) is not None


def _match_forward(code, start):
    """Index of the bracket that closes the one at start, or the end."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    depth, opening, closing = 0, code[start], pairs[code[start]]
    for i in range(start, len(code)):
        if code[i] == opening:
            depth += 1
        elif code[i] == closing:
            depth -= 1
            if depth == 0:
                return i
    return len(code)


_SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
_SIGNATURE_END = re.compile(r"\)\s*((const|noexcept|override|final|mutable|&&?|try)\s*|->.*|requires\b.*|:[^:].*)*$", re.DOTALL)
_INITIALISER_LIST = re.compile(r"\)\s*(noexcept\s*)?:[^:].*[\w>]\s*$", re.DOTALL)


def functions(code):
    """(name, first line, last line) of each function body that is not inside another function."""
    i, start = 0, 0
    while i < len(code):
        if code[i] in ";}":
            start = i + 1
        elif code[i] == "(":
            i = _match_forward(code, i)
        elif code[i] == "{":
            head = code[start:i]
            is_signature = _SIGNATURE_END.search(head)
            if is_signature and not _INITIALISER_LIST.search(head):
                end = _match_forward(code, i)
                name = re.search(r"([~\w:]+|operator[^\s(]*)\s*\(", head)
                yield (name.group(1) if name else "?"), line_of(code, i - len(head.lstrip())), line_of(code, end)
                i, start = end, end + 1
            elif not is_signature and _SCOPE.search(head) and not re.search(r"\benum\b|=\s*$", head):
                start = i + 1
            else:  # an enum, a braced initialiser: its inside is no function
                i = _match_forward(code, i)
        i += 1


_CONTROL = re.compile(r"^\s*(?:(?:if\s*(?:constexpr\s*)?|while\s*|for\s*|switch\s*)\(|(?:else|do)\b|case\b[^:;]*(?:::[^:;]*)*:(?!:)|default\s*:|\[\[\w+\]\])")
_PREFIX = re.compile(r"^(|co_return|\(void\)|[^=?]*[^=!<>+\-*/|&^%?\s]\s*=)$", re.DOTALL)


def _strip_controls(prefix):
    while match := _CONTROL.match(prefix):
        if match.group().rstrip().endswith("("):
            close = _match_forward(prefix, match.end() - 1)
            if close == len(prefix):
                return prefix
            prefix = prefix[close + 1:]
        else:
            prefix = prefix[match.end():]
    return prefix.strip()


def _statement_start(code, position):
    """Walks back to the start of the statement; returns (start, the bracket the await is nested in or '')."""
    depth = 0
    for i in range(position - 1, -1, -1):
        c = code[i]
        if c in ")]":
            depth += 1
        elif c in "([":
            if depth == 0:
                return i, c
            depth -= 1
        elif c in ";{}" and depth == 0:
            return i + 1, ""
    return 0, ""


def _is_lambda(code, i):
    """Does the [ at i start a lambda (and not an index or an attribute)?"""
    if code[i + 1:i + 2] == "[" or code[i - 1:i] == "[":
        return False
    before = code[:i].rstrip()[-12:]
    return not re.search(r"[\w)\]]$", before) or bool(re.search(r"\b(return|co_return|co_yield|co_await)$", before))


def await_faults(code):
    """(line, message) for each co_await that does not stand alone or shares its statement with a temporary."""
    for match in re.finditer(r"(?<!operator )\bco_await\b", code):
        line = line_of(code, match.start())
        start, nest = _statement_start(code, match.start())
        if nest:
            word = re.search(r"(\w+)\s*(?:constexpr\s*)?$", code[:start])
            inside = "a condition" if word and word.group(1) in ("if", "while", "for", "switch") else "an argument or sub-expression"
            yield line, f"co_await inside {inside}: let the await stand alone (auto x = co_await …;)"
            continue
        prefix = _strip_controls(code[start:match.start()])
        if not _PREFIX.match(prefix):
            yield line, "co_await as a sub-expression: make it a whole initialiser, assignment, statement or co_return"
            continue
        yield from _operand_faults(code, match.end(), line)


def _operand_faults(code, start, line):
    depth = 0
    for i in range(start, len(code)):
        c = code[i]
        if c in "([":
            if c == "[" and _is_lambda(code, i):
                yield line, "a lambda inside a statement with co_await: name it first"
                return
            depth += 1
        elif c in ")]":
            depth -= 1
        elif c == "{":
            yield line, "braces inside a statement with co_await: name the value first"
            return
        elif c == "}" or depth < 0:
            yield line, "co_await inside braces: let the await stand alone"
            return
        elif depth == 0 and (c in "+/%|^?!," or c == "=" or code[i:i + 2] == "&&" or (c == "-" and code[i + 1] != ">")):
            yield line, "co_await as a sub-expression: make it a whole initialiser, assignment, statement or co_return"
            return
        elif c == ";" and depth == 0:
            return


def capturing_coroutines(code):
    """Lines of lambdas that capture and are coroutines: the captures die with the lambda, the frame lives on."""
    for match in re.finditer(r"\[", code):
        i = match.start()
        if not _is_lambda(code, i):
            continue
        close = _match_forward(code, i)
        if not code[i + 1:close].strip():
            continue
        body = re.match(r"\s*(?:<[^{;]*?>\s*)?(\()?", code[close + 1:])
        after = close + 1 + body.end()
        if body.group(1):
            after = _match_forward(code, after - 1) + 1
        opening = re.match(r"[^;{)}]*\{", code[after:])
        if not opening:
            continue
        start = after + opening.end() - 1
        text = code[start:_match_forward(code, start)]
        if re.search(r"\bco_(await|return|yield)\b", _without_lambdas(text)):
            yield line_of(code, i)


def _without_lambdas(text):
    """The body without the lambdas inside it: their awaits are their own."""
    out, i = [], 0
    while i < len(text):
        if text[i] == "[" and _is_lambda(text, i):
            close = _match_forward(text, i)
            opening = re.match(r"[^;{]*\{", text[close + 1:])
            if opening:
                i = _match_forward(text, close + opening.end()) + 1
                continue
        out.append(text[i])
        i += 1
    return "".join(out)

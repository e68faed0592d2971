"""Cardea's own format in XML over the real binary: every request sent here and every answer given is valid by the XML Schema."""
import json
import subprocess
import xml.etree.ElementTree as tree
from pathlib import Path

from harness.runner import case, contains, equal, lacks, true

SCHEMA = Path(__file__).resolve().parents[3] / "docs/cardea-native.xsd"
XML = ("Content-Type", "application/xml")
WEATHER = ("<tools><tool><name>weather</name><description>Tells the weather.</description><parameters>"
           '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}</parameters></tool></tools>')
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ODD_TEXT = "two  spaces\n\ttab, <tags> & \"quotes\" ]]> \U0001f426 \u2028 end "


def text(words):
    escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<text><text>{escaped}</text></text>"


def message(role, *parts):
    return f"<message><role>{role}</role><content>{''.join(parts)}</content></message>"


def chat(model, *messages, more=""):
    return f"<chat><model>{model}</model><messages>{''.join(messages)}</messages>{more}</chat>"


def check_valid(t, *documents):
    """By the schema, each of them."""
    paths = []
    for number, document in enumerate(documents):
        path = t.path(f"document-{number}.xml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document, encoding="utf-8", newline="")
        paths.append(path)
    judge = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", SCHEMA, *paths], capture_output=True, text=True, check=False)
    true(judge.returncode == 0, f"not valid by the schema:\n{judge.stderr[:3000]}\n{documents}")


def ask(t, gateway, body, *headers, path="/cardea/v1/chat"):
    """Asks with XML, which is valid, and gets XML, which is valid too."""
    check_valid(t, body)
    with gateway.connect() as connection:
        answer = connection.request("POST", path, [XML, *headers], body.encode())
    if answer.header("content-type") == "text/event-stream":
        check_valid(t, *answer.events())
    else:
        equal(answer.header("content-type"), "application/xml")
        check_valid(t, answer.text())
    return answer


def said(answer):
    return tree.fromstring(answer.body)


def streamed_text(events):
    return "".join(e.findtext("text") for e in map(tree.fromstring, events) if e.tag == "delta")


@case
def a_chat_in_xml(t):
    gateway = t.gateway()
    answer = said(ask(t, gateway, chat("twin/echo", message("system", text("Be brief.")), message("user", text(ODD_TEXT)))).expect(200))
    equal(answer.findtext("choices/choice/content/text/text"), ODD_TEXT)
    equal(answer.findtext("choices/choice/finish"), "stop")
    true(int(answer.findtext("usage/input")) > 0, "usage is there")
    # The same in JSON, by Accept, and the other way round.
    with gateway.connect() as connection:
        body = chat("twin/echo", message("user", text(ODD_TEXT))).encode()
        answer = connection.request("POST", "/cardea/v1/chat", [XML, ("Accept", "application/json")], body).expect(200)
        equal(answer.header("content-type"), "application/json")
        equal(answer.json()["choices"][0]["content"], [{"type": "text", "text": ODD_TEXT}])
        body = json.dumps({"model": "twin/echo", "messages": [{"role": "user", "content": [{"type": "text", "text": "a\u0001b"}]}]}).encode()
        answer = connection.request("POST", "/cardea/v1/chat", [("Accept", "text/xml")], body).expect(200)
        check_valid(t, answer.text())
        equal(said(answer).find("choices/choice/content/text/text").attrib, {"encoding": "base64"})


@case
def a_stream_in_xml(t):
    gateway = t.gateway()
    for words in (ODD_TEXT, "Hello there, general."):
        events = ask(t, gateway, chat("twin/echo", message("user", text(words)), more="<stream>true</stream>")).expect(200).events()
        equal(streamed_text(events), words)
        kinds = [tree.fromstring(event).tag for event in events]
        equal((kinds[:2], kinds[-3:]), (["start", "part_start"], ["choice_finish", "usage", "end"]))


@case
def tools_in_xml(t):
    gateway = t.gateway()
    question = message("user", text("How is the weather in Oslo? Use weather."))
    for stream in ("", "<stream>true</stream>"):
        answer = ask(t, gateway, chat("twin/tools", question, more=WEATHER + stream)).expect(200)
        if stream:
            events = list(map(tree.fromstring, answer.events()))
            call = next(e for e in events if e.tag == "part_start" and e.find("value/tool_call") is not None).find("value/tool_call")
            arguments = "".join(e.findtext("text") for e in events if e.tag == "delta")
        else:
            call = said(answer).find("choices/choice/content/tool_call")
            arguments = call.findtext("arguments")
        equal(call.findtext("name"), "weather")
        true("city" in json.loads(arguments), arguments)
    turn = message("assistant", f"<tool_call><id>{call.findtext('id')}</id><name>weather</name><arguments>{arguments}</arguments></tool_call>")
    result = message("tool", f"<tool_result><call_id>{call.findtext('id')}</call_id><content>{text('-3 °C')}</content></tool_result>")
    ask(t, gateway, chat("twin/twin-1", question, turn, result, more=WEATHER)).expect(200)


@case
def everything_else_in_xml(t):
    gateway = t.gateway()
    schema = '<response_format><kind>json_schema</kind><name>a</name><schema>{"type":"object","properties":{"x":{"type":"integer"}},' \
             '"required":["x"],"additionalProperties":false}</schema><strict>true</strict></response_format>'
    answer = said(ask(t, gateway, chat("twin/twin-1", message("user", text("Give me one.")), more=schema)).expect(200))
    true("x" in json.loads(answer.findtext("choices/choice/content/text/text")), "structured output")
    image = f"<image><base64>{PIXEL}</base64><media_type>image/png</media_type></image>"
    settings = "<temperature>0.5</temperature><max_output_tokens>50</max_output_tokens><stop><sequence>END</sequence></stop><n>2</n>" \
               "<seed>7</seed><metadata><entry><key>k</key><value>v</value></entry></metadata><user>me</user>"
    answer = said(ask(t, gateway, chat("twin/twin-1", message("user", text("What is it?"), image), more=settings)).expect(200))
    equal(len(answer.findall("choices/choice")), 2)
    for stream in ("", "<stream>true</stream>"):
        ask(t, gateway, chat("twin/reasoner", message("user", text("Think.")), more=stream)).expect(200)
        ask(t, gateway, chat("twin/cites", message("user", text("Which sources?")), more=stream)).expect(200)
    equal(int(said(ask(t, gateway, chat("twin/echo", message("user", text("one two"))), path="/cardea/v1/count_tokens")).findtext("input_tokens")) > 1, True)
    with gateway.connect() as connection:
        models = connection.get("/cardea/v1/models", [("Accept", "application/xml")]).expect(200)
        check_valid(t, models.text())
        true("twin/echo" in [m.text for m in said(models).findall("models/model/id")], models.text()[:500])
        check_valid(t, connection.get("/cardea/v1/models/twin/echo", [("Accept", "text/xml;q=0.9, */*;q=0.1")]).expect(200).text())


@case
def errors_in_xml(t):
    gateway = t.gateway({"keys": [{"name": "k", "key": "gw-key-0123456789"}], "limits": {"body_bytes": "4KiB"}})
    key = ("Authorization", "Bearer gw-key-0123456789")
    hello = message("user", text("Hi"))
    for status, kind, body, headers in (
            (401, "unauthenticated", chat("twin/echo", hello), ()),
            (404, "model_not_found", chat("nobody/none", hello), (key,)),
            (413, "too_large", chat("twin/echo", message("user", text("x" * 5000))), (key,)),
            (429, "rate_limited", chat("twin/echo", hello), (key, ("x-twin-status", "429"), ("x-twin-retry-after", "3"))),
            (400, "bad_request", chat("twin/echo", hello, more="<n>0</n>"), (key,))):
        answer = ask(t, gateway, body, *headers).expect(status)
        equal((said(answer).findtext("error/kind"), said(answer).findtext("error/status")), (kind, str(status)))
    equal(said(answer).findtext("error/param"), "n")
    for body in ("", "<chat>", "<chot/>", '<!DOCTYPE c SYSTEM "file:///etc/passwd"><chat/>', "<chat><model>&x;</model></chat>",
                 '<!DOCTYPE c [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><chat><model>&b;</model></chat>', "<w>" * 1000):
        with gateway.connect() as connection:
            answer = connection.request("POST", "/cardea/v1/chat", [key, XML], body.encode()).expect(400)
        check_valid(t, answer.text())
        lacks(answer.text(), "root:")
    with gateway.connect() as connection:
        for headers, form in (([("Content-Type", "text/csv")], "json"), ([("Content-Type", "text/xml; charset=latin1")], "xml")):
            answer = connection.request("POST", "/cardea/v1/chat", [key, *headers], b"<chat/>").expect(415)
            equal(answer.header("content-type"), f"application/{form}")
        answer = connection.request("GET", "/cardea/v1/nothing", [key, ("Accept", "application/xml")]).expect(404)
        check_valid(t, answer.text())


@case
def a_stream_that_breaks_says_so_in_xml(t):
    gateway = t.gateway()
    body = chat("twin/lorem", message("user", text("Go on.")), more="<stream>true</stream>")
    for fault in (("x-twin-cut-after-events", "3"), ("x-twin-error-event-after", "3")):
        with gateway.connect() as connection:
            answer = connection.request("POST", "/cardea/v1/chat", [XML, fault], body.encode())
        events = answer.expect(200).events()
        check_valid(t, *events)
        equal([tree.fromstring(event).tag for event in events[-1:]], ["failure"])
        lacks(answer.text(), "<end/>")


@case
def two_gateways_in_a_row_lose_nothing(t):
    twin = t.twin()
    inner = t.gateway({"models": [{"name": "thinker", "endpoint": twin.url(), "dialect": "anthropic", "upstream_model": "reasoner"}]})
    outer = t.gateway({"models": [{"name": "m", "endpoint": inner.url(), "dialect": "native", "upstream_model": "thinker"}]})
    thinking = "<max_output_tokens>4000</max_output_tokens><reasoning><budget_tokens>2000</budget_tokens></reasoning>"
    question = {"role": "user", "content": "Think."}
    first = outer.chat({"model": "m", "messages": [question]}).expect(200)
    equal(first.header("x-cardea-loss"), None)
    with outer.connect() as connection:
        body = chat("m", message("user", text("Think.")), more=thinking).encode()
        answer = connection.request("POST", "/cardea/v1/chat", [XML], body).expect(200)
        check_valid(t, answer.text())
        turn = "".join(tree.tostring(part, encoding="unicode") for part in said(answer).find("choices/choice/content"))
        contains(turn, "<signature>")
        # The reasoner takes back what it signed, and nothing else: two seals were opened on the way.
        again = chat("m", message("user", text("Think.")), message("assistant", turn), message("user", text("And now?")), more=thinking)
        check_valid(t, again)
        second = connection.request("POST", "/cardea/v1/chat", [XML], again.encode()).expect(200)
        equal(second.header("x-cardea-loss"), None)


@case
def work_that_is_no_chat_in_xml(t):
    gateway = t.gateway({"providers": {name: {"base_url": "twin:", "auth": {"type": "none"}, "dialect": name} for name in ("gemini", "cohere")}})
    numbers = {}
    for model in ("twin/twin-1", "gemini/twin-1", "cohere/twin-1"):
        body = f"<embed><model>{model}</model><inputs><input><text>the fox</text></input></inputs></embed>"
        found = said(ask(t, gateway, body, path="/cardea/v1/embeddings").expect(200))
        equal((found.tag, found.findtext("vectors/vector/index"), found.findtext("vectors/vector/encoding")), ("embedded", "0", "float"), model)
        numbers[model] = [round(x, 5) for x in json.loads(found.findtext("vectors/vector/value"))]
    true(all(v == numbers["twin/twin-1"] and len(v) > 1 for v in numbers.values()), numbers)
    documents = "".join(f"<document><text>{t}</text></document>" for t in ("a cat", "the quick fox", "a dog"))
    body = f"<rerank><model>cohere/twin-1</model><query>the quick fox</query><documents>{documents}</documents><top_n>2</top_n></rerank>"
    ranks = said(ask(t, gateway, body, path="/cardea/v1/rerank").expect(200)).findall("results/ranked")
    equal((len(ranks), ranks[0].findtext("index")), (2, "1"))
    body = "<moderate><model>twin/twin-1</model><inputs><input><text>hello</text></input></inputs></moderate>"
    equal(said(ask(t, gateway, body, path="/cardea/v1/moderations").expect(200)).findtext("verdicts/verdict/flagged"), "false")
    body = "<tokenize><model>twin/twin-1</model><prompt>hello you</prompt><special>false</special></tokenize>"
    tokens = [e.text for e in said(ask(t, gateway, body, path="/cardea/v1/tokenize").expect(200)).findall("tokens/token")]
    body = f"<detokenize><model>twin/twin-1</model><tokens>{''.join(f'<token>{n}</token>' for n in tokens)}</tokens></detokenize>"
    equal(said(ask(t, gateway, body, path="/cardea/v1/detokenize").expect(200)).findtext("text"), "hello you")


@case
def bad_xml_of_any_kind_goes_nowhere(t):
    upstream = t.upstream(lambda request, peer: peer.reply({}))
    gateway = t.gateway({"providers": {"up": {"base_url": upstream.url(), "auth": {"type": "none"}}}})
    bomb = "<!DOCTYPE embed [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>"
    outside = '<!DOCTYPE embed SYSTEM "file:///etc/passwd">'
    good = "<embed><model>up/m</model><inputs><input><text>{}</text></input></inputs></embed>"
    for body, words in ((bomb + good.format("&b;"), "document type"), (outside + good.format("x"), "document type"), (good.format("&b;"), "line 1"),
                        ("<embed>" + "<inputs>" * 60, "line 1"), (good.format("x") + "<embed/>", "line 1"), ("<chat/>", "is not known here"),
                        (good.format("x").replace("<text>x</text>", ""), "inputs[0]"), (good.format("x").replace("inputs", "input"), "input")):
        with gateway.connect() as connection:
            answer = connection.request("POST", "/cardea/v1/embeddings", [XML], body.encode()).expect(400)
        equal((said(answer).tag, said(answer).findtext("error/kind")), ("failure", "bad_request"))
        contains(said(answer).findtext("error/message"), words)
    equal(len(upstream.requests), 0)

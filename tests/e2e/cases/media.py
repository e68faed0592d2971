"""Sound, pictures, uploads and raw pass-through: what goes through as it is, and what goes nowhere."""
import json
import os
import shutil
import signal
import struct
import zlib

from harness.client import Closed
from harness.programs import wait_until
from harness.runner import case, contains, equal, lacks, true

KEY, UPSTREAM_KEY = "gateway-key-0123456789", "sk-upstream-key-0123456789"
BOUNDARY = "----forms'0123 456"
TRANSCRIPT = {"text": "hello", "usage": {"type": "tokens", "input_tokens": 9, "output_tokens": 4, "total_tokens": 13}}


def png(width=2, height=2):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + b"\x10\x20\x30" * width for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) +
            chunk(b"IEND", b""))


def wav(seconds=1):
    data = b"\1\2" * 8000 * seconds
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data" + \
        struct.pack("<I", len(data)) + data


def part(name, data, filename=None, content_type=None, boundary=BOUNDARY):
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
    if filename is not None:
        head += f'; filename="{filename}"'
    if content_type is not None:
        head += f"\r\nContent-Type: {content_type}"
    return head.encode() + b"\r\n\r\n" + (data if isinstance(data, bytes) else data.encode()) + b"\r\n"


def form(*parts, boundary=BOUNDARY):
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


FORM_HEADERS = [("content-type", f'multipart/form-data; boundary="{BOUNDARY}"')]


def setup(t, answer, **more):
    upstream = t.upstream(answer)
    gateway = t.gateway({"keys": [KEY], "providers": {"up": {"base_url": upstream.url(), "api_key": UPSTREAM_KEY}},
                         "models": [{"name": "ear", "provider": "up", "upstream_model": "whisper-large-of-the-vendor"}]} | more)
    return upstream, gateway


def upload(gateway, body, path="/v1/audio/transcriptions", headers=FORM_HEADERS):
    with gateway.connect() as connection:
        return connection.request("POST", path, [("authorization", f"Bearer {KEY}"), *headers], body)


@case
def an_upload_arrives_byte_for_byte_with_another_model(t):
    upstream, gateway = setup(t, lambda request, peer: peer.reply(TRANSCRIPT))
    sound = part("file", wav(), "talk.wav", "audio/wav")
    odd = part("x-unknown[]", "a\r\n--not the boundary\r\n") + part("x-unknown[]", "") + part("language", "ä")
    for parts in ([sound, odd, part("model", "ear")], [part("model", "ear"), odd, sound]):
        said = upload(gateway, form(*parts)).expect(200)
        equal(said.json(), TRANSCRIPT)
        request = upstream.requests[-1]
        equal(request.body, form(*parts).replace(b"\r\n\r\near\r\n", b"\r\n\r\nwhisper-large-of-the-vendor\r\n"))
        equal(request.header("content-type"), FORM_HEADERS[0][1])
        equal(request.header("authorization"), f"Bearer {UPSTREAM_KEY}")
        true(KEY.encode() not in request.raw_head, "the client's key stays here")
    line = gateway.request_line(said.header("x-request-id"))
    equal((line["operation"], line["model"], line["status"]), ("transcription", "ear", 200))
    equal((line["input_tokens"], line["output_tokens"]), (9, 4))


@case
def an_upload_may_come_in_any_pieces(t):
    upstream, gateway = setup(t, lambda request, peer: peer.reply(TRANSCRIPT))
    whole = form(part("file", wav(), "talk.wav"), part("model", "up/m"))
    with gateway.connect() as connection:
        head = f"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {KEY}\r\ncontent-type: {FORM_HEADERS[0][1]}\r\n"
        connection.send(head + "transfer-encoding: chunked\r\n\r\n")
        for at in range(0, len(whole), 997):
            piece = whole[at:at + 997]
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.send(b"0\r\n\r\n")
        connection.response().expect(200)
        equal(upstream.requests[-1].body, whole.replace(b"up/m", b"m"))
        connection.send(head + f"content-length: {len(whole)}\r\n\r\n")
        for at in range(0, len(whole), 1500):
            connection.send(whole[at:at + 1500])
        connection.response().expect(200)
        equal(upstream.requests[-1].body, whole.replace(b"up/m", b"m"))


@case
def a_sound_file_by_itself_becomes_a_form(t):
    upstream, gateway = setup(t, lambda request, peer: peer.reply(TRANSCRIPT))
    said = upload(gateway, wav(), "/v1/audio/transcriptions?model=ear&language=en&key=" + KEY, [("content-type", "audio/wav")])
    said.expect(200)
    request = upstream.requests[-1]
    boundary = request.header("content-type").split("boundary=")[1]
    equal(request.body, form(part("language", "en", boundary=boundary), part("model", "whisper-large-of-the-vendor", boundary=boundary),
                             part("file", wav(), "upload.wav", "audio/wav", boundary=boundary), boundary=boundary))
    true(KEY.encode() not in request.raw_head + request.body, "the key in the query stays here")
    contains(upload(gateway, wav(), "/v1/audio/transcriptions", [("content-type", "audio/wav")]).expect(400).text(), "x-cardea-model")


@case
def what_lies_about_itself_goes_nowhere(t):
    upstream, gateway = setup(t, lambda request, peer: peer.reply({}))
    model, sound = part("model", "ear"), part("file", wav(), "talk.wav")
    edits = "/v1/images/edits"
    bad = [
        (form(sound), "", "model"),
        (form(model, model, sound), "", "model"),
        (form(part("model", "ear", "m.txt"), sound), "", "model"),
        (form(part("model", ""), sound), "", "model"),
        (form(model, part("file", png(), "talk.wav", "audio/wav")), "", "image/png"),
        (form(model, part("file", png(), "talk")), "", "sound is wanted"),
        (form(model, part("file", b"", "talk.wav")), "", "empty"),
        (form(model, part("image", wav(), "a.png", "image/png")), edits, "audio/wav"),
        (form(model, part("image", b"<svg/>", "a.png", "image/png")), edits, "known"),
        (form(model, part("image[]", png()[:-6], "a.png", "image/png")), edits, "cut"),
        (form(model, part("image", png(), "a.png"), part("mask", b"%PDF-1.7", "m.png")), edits, "mask"),
        (form(model, sound)[:-30], "", ""),
        (form(model, part("file", b"x", "f", "multipart/mixed; boundary=q")), "", "multipart itself"),
        (b"preamble\r\n" + form(model, sound), "", ""),
        (b"", "", ""),
    ]
    for body, path, word in bad:
        answered = upload(gateway, body, path or "/v1/audio/transcriptions").expect(400)
        equal(answered.error()["type"], "invalid_request_error", body[:60])
        contains(answered.text(), word)
    for content_type in ("multipart/form-data", 'multipart/form-data; boundary=""', "multipart/mixed; boundary=x", "text/plain", "application/json"):
        upload(gateway, form(model, sound), headers=[("content-type", content_type)]).expect(400)
    equal(len(upstream.requests), 0, "requests that reached the upstream")


@case
def uploads_have_a_limit_and_aborts_leave_nothing(t):
    upstream, gateway = setup(t, lambda request, peer: peer.reply({}), limits={"upload_bytes": "1MiB"})
    before = gateway.fds()
    large = form(part("model", "ear"), part("file", wav(80), "talk.wav"))
    true(len(large) > 1 << 20, "larger than the limit")
    with gateway.connect() as connection:
        connection.send(f"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {KEY}\r\n"
                        f"content-type: {FORM_HEADERS[0][1]}\r\ncontent-length: {len(large)}\r\n\r\n")
        connection.response().expect(413)
    for at in (200, 100_000, 900_000):
        with gateway.connect() as connection:
            connection.send(f"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {KEY}\r\n"
                            f"content-type: {FORM_HEADERS[0][1]}\r\ncontent-length: 1000000\r\n\r\n")
            connection.send(large[:at])
            connection.reset()
    wait_until(lambda: gateway.fds() <= before, "the uploads' files are closed")
    equal(len(upstream.requests), 0)


@case
def each_kind_of_file_has_a_limit(t):
    upstream, gateway = setup(t, lambda request, peer: peer.reply(TRANSCRIPT), limits={"image_bytes": "2KiB", "audio_bytes": "20KiB"})
    small, large = png(), png(40, 40) + bytes(2048)
    answer = upload(gateway, form(part("model", "ear"), part("image", large, "a.png"), part("prompt", "x")), "/v1/images/edits").expect(413)
    equal(answer.json()["error"]["param"], "image")
    contains(answer.text(), "limits.image_bytes")
    upload(gateway, form(part("model", "ear"), part("image", small, "a.png"), part("prompt", "x")), "/v1/images/edits").expect(200)
    for body, headers in ((form(part("model", "ear"), part("file", wav(2), "a.wav")), FORM_HEADERS), (wav(2), [("content-type", "audio/wav")])):
        contains(upload(gateway, body, "/v1/audio/transcriptions?model=ear", headers).expect(413).text(), "limits.audio_bytes")
    upload(gateway, form(part("model", "ear"), part("file", wav(1), "a.wav"))).expect(200)
    equal(len(upstream.requests), 2)


@case
def speech_comes_back_as_bytes_and_a_cut_is_no_end(t):
    sound = wav(3)

    def answer(request, peer):
        match request.json()["input"]:
            case "whole":
                peer.reply(sound, content_type="audio/wav", headers=[("x-ratelimit-remaining-requests", "7")])
            case "chunks":
                peer.send("HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n\r\n")
                for at in range(0, len(sound), 4000):
                    peer.chunk(sound[at:at + 4000])
                peer.end_stream()
            case "cut":
                peer.send("HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n\r\n")
                peer.chunk(sound[:4000])
                peer.reset()
            case "error":
                peer.reply({"error": {"message": f"no voice for {UPSTREAM_KEY}"}})
            case "refused":
                peer.reply({"error": {"message": "unknown voice", "type": "invalid_request_error", "param": "voice", "code": None}}, 400)

    upstream, gateway = setup(t, answer)

    def speak(text):
        with gateway.connect() as connection:
            connection.send(connection.format("POST", "/v1/audio/speech", [("authorization", f"Bearer {KEY}"), ("content-type", "application/json")],
                                              f'{{"input":"{text}", "model":"ear" , "voice":"v"}}'.encode()))
            return connection.response()

    for text in ("whole", "chunks"):
        said = speak(text).expect(200)
        equal(said.body, sound)
        equal(upstream.requests[-1].body, f'{{"input":"{text}", "model":"whisper-large-of-the-vendor" , "voice":"v"}}'.encode())
    equal(speak("whole").header("x-ratelimit-remaining-requests"), "7")
    refused = speak("refused").expect(400)
    equal(refused.error()["param"], "voice")
    failed = speak("error").expect(502)
    true(UPSTREAM_KEY not in failed.text(), "the key is scrubbed")
    try:
        speak("cut")
    except Closed:
        return
    true(False, "a cut answer looked whole")


@case
def events_of_pictures_come_whole_and_an_error_behind_them(t):
    partial = 'event: image_generation.partial_image\ndata: {"type":"image_generation.partial_image","b64_json":"AAAA"}\n\n'
    done = 'data: {"type":"image_generation.completed","usage":{"input_tokens":5,"output_tokens":70}}\r\n\r\n'

    def answer(request, peer):
        peer.begin_stream()
        peer.chunk(partial + done[:20])
        if request.json()["prompt"] == "cut":
            peer.reset()
        else:
            peer.chunk(done[20:])
            peer.end_stream()

    _, gateway = setup(t, answer)

    def draw(prompt):
        with gateway.connect() as connection:
            return connection.request("POST", "/v1/images/generations", [("authorization", f"Bearer {KEY}"), ("content-type", "application/json")],
                                      f'{{"model":"ear","stream":true,"prompt":"{prompt}"}}'.encode()).expect(200)

    said = draw("whole")
    equal(said.body.decode(), partial + done)
    line = gateway.request_line(said.header("x-request-id"))
    equal((line["input_tokens"], line["output_tokens"], line["stream"]), (5, 70, True))
    said = draw("cut").body.decode()
    true(said.startswith(partial), said)
    contains(said.removeprefix(partial), '"error"')
    true("completed" not in said, "half an event went out")


@case
def raw_pass_through_adds_the_key_and_nothing_else(t):
    def answer(request, peer):
        match request.target.split("?")[0]:
            case "/v1/missing":
                peer.reply({"error": {"message": "no such thing", "type": "invalid_request_error", "param": None, "code": None}}, 404)
            case "/v1/moved":
                peer.reply("", 302, [("location", "http://127.0.0.1:1/")])
            case "/v1/file":
                peer.reply(b"\0\1\2", headers=[("content-disposition", 'attachment; filename="a.bin"')], content_type="application/x-thing")
            case _:
                peer.reply({"ok": True, "method": request.method})

    upstream, gateway = setup(t, answer)

    def ask(method, path, body=None, headers=()):
        with gateway.connect() as connection:
            return connection.request(method, path, [("authorization", f"Bearer {KEY}"), *headers], body)

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        body = b'{"a" : 1}' if method in ("POST", "PUT", "PATCH") else None
        for prefix in ("/p/up", "/p/up/v1", "/passthrough/up"):
            equal(ask(method, f"{prefix}/fine_tuning/jobs?limit=2&key={KEY}&after=a%20b", body).expect(200).json(), {"ok": True, "method": method})
            request = upstream.requests[-1]
            equal((request.method, request.target, request.body), (method, "/v1/fine_tuning/jobs?limit=2&after=a%20b", body or b""))
            equal(request.header("authorization"), f"Bearer {UPSTREAM_KEY}")
            true(KEY.encode() not in request.raw_head, "the client's key stays here")
    got = ask("GET", "/p/up/file").expect(200)
    equal((got.body, got.header("content-type"), got.header("content-disposition")), (b"\0\1\2", "application/x-thing", 'attachment; filename="a.bin"'))
    contains(ask("GET", "/p/up/missing").expect(404).text(), "no such thing")
    ask("GET", "/p/up/moved").expect(502)
    ask("GET", "/p/nobody/x").expect(404)
    with gateway.connect() as connection:
        connection.request("GET", "/p/up/file").expect(401)
    big = bytes(range(256)) * 4000
    ask("POST", "/p/up/upload", big, [("content-type", "application/octet-stream")]).expect(200)
    equal(upstream.requests[-1].body, big)


@case
def several_keys_share_no_raw_pass_through_unless_told(t):
    upstream, gateway = setup(t, lambda request, peer: peer.reply({"ok": True}), keys=[KEY, "another-key-0123456789"])
    with gateway.connect() as connection:
        refused = connection.request("GET", "/p/up/models", [("authorization", f"Bearer {KEY}")]).expect(403)
        contains(refused.text(), "passthrough: on")
    _, gateway = setup(t, lambda request, peer: peer.reply({"ok": True}), keys=[KEY, "another-key-0123456789"], passthrough="on")
    with gateway.connect() as connection:
        connection.request("GET", "/p/up/models", [("authorization", f"Bearer {KEY}")]).expect(200)
    equal(len(upstream.requests), 0)


# ---- Files and batches

class Files:
    """A provider that keeps files and batches, and lists them all to whoever has its key."""

    def __init__(self):
        self.files, self.batches, self.forms = {}, {}, []

    def __call__(self, request, peer):
        path, _, query = request.target.partition("?")
        parts = path.split("/")[2:]
        kept = self.files if parts[0] == "files" else self.batches
        if request.method == "POST" and len(parts) == 1:
            made = {"id": f"{parts[0][:-1]}-{len(kept) + 1}", "object": parts[0][:-1]}
            if parts[0] == "batches":
                made = {"id": f"batch_{len(kept) + 1}", "object": "batch", "input_file_id": request.json()["input_file_id"], "output_file_id": None}
            else:
                self.forms.append(request.body)
            kept[made["id"]] = made
            return peer.reply(made)
        if len(parts) == 1:
            ids = list(kept)
            after = dict(pair.split("=") for pair in query.split("&") if pair).get("after")
            ids = ids[ids.index(after) + 1:] if after else ids
            page = ids[:2]
            return peer.reply({"object": "list", "data": [kept[one] for one in page], "first_id": page[0] if page else None,
                               "last_id": page[-1] if page else None, "has_more": len(ids) > 2})
        if parts[1] not in kept:
            return peer.reply({"error": {"message": "no such thing", "type": "invalid_request_error", "param": None, "code": None}}, 404)
        if parts[-1] == "content":
            return peer.reply(b'{"line":1}\n', content_type="application/octet-stream")
        if request.method == "DELETE":
            del kept[parts[1]]
            return peer.reply({"id": parts[1], "object": "file", "deleted": True})
        if parts[0] == "batches":
            self.files["file-out"] = {"id": "file-out", "object": "file"}
            kept[parts[1]]["output_file_id"] = "file-out"
        peer.reply(kept[parts[1]])


@case
def files_and_batches_are_their_owners_alone(t):
    provider = Files()
    upstream = t.upstream(provider)
    ann, bob = "ann-key-0123456789", "bob-key-0123456789"
    config = {"keys": [{"name": "ann", "key": ann}, {"name": "bob", "key": bob}],
              "providers": {"up": {"base_url": upstream.url(), "api_key": UPSTREAM_KEY}}}
    config["data"] = str(t.folder / "files-data")
    gateway = t.gateway(config)

    def ask(key, method, path, body=None, headers=()):
        with gateway.connect() as connection:
            return connection.request(method, path, [("authorization", f"Bearer {key}"), *headers], body)

    def upload_as(key):
        return ask(key, "POST", "/v1/files", form(part("purpose", "batch"), part("file", b'{"a":1}\n', "in.jsonl")), FORM_HEADERS).expect(200).json()["id"]

    mine = [upload_as(ann) for _ in range(2)]
    foreign = [upload_as(bob) for _ in range(3)]
    last = upload_as(ann)
    equal(provider.forms[0], form(part("purpose", "batch"), part("file", b'{"a":1}\n', "in.jsonl")), "the form, byte for byte")

    def listed(key, path="/v1/files"):
        out, after = [], ""
        while True:
            page = ask(key, "GET", f"{path}?limit=2{after}").expect(200).json()
            out += [one["id"] for one in page["data"]]
            if not page["has_more"] or not page["data"]:
                return out
            after = f"&after={page['last_id']}"

    equal((listed(ann), listed(bob)), (mine + [last], foreign))
    for method, suffix in (("GET", ""), ("DELETE", ""), ("GET", "/content")):
        refused = ask(ann, method, f"/v1/files/{foreign[0]}{suffix}").expect(404)
        never = ask(ann, method, f"/v1/files/file-never{suffix}").expect(404)
        equal(refused.text().replace(foreign[0], "X"), never.text().replace("file-never", "X"), "the same words")
    equal(ask(ann, "GET", f"/v1/files/{mine[0]}/content").expect(200).body, b'{"line":1}\n')
    for odd in ("..%2Fmodels", "file-1%2Fcontent", "a%20b", "file-1?x"):
        ask(ann, "GET", f"/v1/files/{odd}")
    true(all("models" not in request.target and "%2" not in request.target for request in upstream.requests), "ids are no paths")

    ask(bob, "POST", "/v1/batches", f'{{"input_file_id":"{mine[0]}"}}'.encode(), [("content-type", "application/json")]).expect(404)
    made = ask(ann, "POST", "/v1/batches", f'{{"input_file_id":"{mine[0]}","endpoint":"/v1/chat/completions"}}'.encode(),
               [("content-type", "application/json")]).expect(200).json()["id"]
    ask(bob, "GET", f"/v1/batches/{made}").expect(404)
    ask(bob, "POST", f"/v1/batches/{made}/cancel").expect(404)
    ask(ann, "GET", "/v1/files/file-out").expect(404)
    equal(ask(ann, "GET", f"/v1/batches/{made}").expect(200).json()["output_file_id"], "file-out")
    ask(ann, "GET", "/v1/files/file-out/content").expect(200)
    ask(bob, "GET", "/v1/files/file-out/content").expect(404)
    equal((listed(ann, "/v1/batches"), listed(bob, "/v1/batches")), ([made], []))

    # Noted before the client heard of them: they are there after the process was killed.
    made = upload_as(ann)
    os.kill(gateway.pid, signal.SIGKILL)
    gateway.expect_exit = -signal.SIGKILL
    gateway.wait()
    gateway = t.gateway(config)
    equal(ask(ann, "GET", f"/v1/files/{made}").expect(200).json()["id"], made)
    equal(ask(ann, "DELETE", f"/v1/files/{made}").expect(200).json()["deleted"], True)
    ask(ann, "GET", f"/v1/files/{made}").expect(404)
    equal(upstream.requests[-1].method, "DELETE", "what is forgotten is not asked for")


@case
def several_providers_of_files_are_told_apart_by_name(t):
    one, other = t.upstream(Files()), t.upstream(Files())
    gateway = t.gateway({"providers": {"one": {"base_url": one.url(), "api_key": UPSTREAM_KEY}, "other": {"base_url": other.url(), "api_key": UPSTREAM_KEY}}})
    body = form(part("purpose", "batch"), part("file", b"{}", "in.jsonl"))
    with gateway.connect() as connection:
        contains(connection.request("POST", "/v1/files", FORM_HEADERS, body).expect(400).text(), "x-cardea-provider")
    with gateway.connect() as connection:
        made = connection.request("POST", "/v1/files", [*FORM_HEADERS, ("x-cardea-provider", "other")], body).expect(200).json()["id"]
        connection.get(f"/v1/files/{made}").expect(200)
        equal([one["id"] for one in connection.get("/v1/files?provider=other").expect(200).json()["data"]], [made])
        equal(connection.get("/v1/files?provider=one").expect(200).json()["data"], [])
        connection.get("/v1/files?provider=nobody").expect(400)
    equal([request.target for request in one.requests], ["/v1/files"])


@case
def an_upload_without_room_is_said_so(t):
    upstream, gateway = setup(t, lambda request, peer: peer.reply(TRANSCRIPT), data=str(t.folder / "gone"))
    upload(gateway, form(part("model", "ear"), part("file", wav(20), "talk.wav"))).expect(200)
    shutil.rmtree(t.folder / "gone")
    refused = upload(gateway, form(part("model", "ear"), part("file", wav(20), "talk.wav"))).expect(503)
    contains(refused.error()["message"], "cannot be kept")
    upload(gateway, form(part("model", "ear"), part("file", wav(1), "talk.wav"))).expect(200)  # small enough for memory
    equal(len(upstream.requests), 2)


@case
def downloads_come_in_any_pieces(t):
    sound = wav(2)

    def answer(request, peer):
        size = int(request.json()["input"])
        if size % 2 == 0:
            peer.send(f"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: {len(sound)}\r\n\r\n")
        else:
            peer.send("HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(sound), size):
            (peer.send if size % 2 == 0 else peer.chunk)(sound[at:at + size])
        if size % 2:
            peer.end_stream()

    upstream, gateway = setup(t, answer)
    with gateway.connect() as connection:
        for size in (16, 17, 1000, 4097, 32768, 100_001):
            said = connection.request("POST", "/v1/audio/speech", [("authorization", f"Bearer {KEY}"), ("content-type", "application/json")],
                                      f'{{"model":"ear","voice":"a","input":"{size}"}}'.encode()).expect(200)
            equal((said.header("content-type"), said.body == sound), ("audio/wav", True), size)
    equal(len(upstream.requests), 6)


@case
def the_upstreams_key_does_not_come_back(t):
    def answer(request, peer):
        told = {"told": [request.header("authorization")], "usage": {"input_tokens": 1}}
        if request.target.endswith("/events"):
            peer.begin_stream()
            peer.chunk(f"data: {json.dumps(told)}\n\ndata: {json.dumps(told)[:20]}")
            peer.chunk(f"{json.dumps(told)[20:]}\n\n")
            peer.end_stream()
        else:
            peer.reply(told)

    _, gateway = setup(t, answer)
    with gateway.connect() as connection:
        for path in ("/p/up/v1/echo", "/p/up/v1/events"):
            said = connection.get(path, [("authorization", f"Bearer {KEY}")]).expect(200)
            lacks(said.text(), UPSTREAM_KEY, path)
            contains(said.text(), "Bearer " + "*" * len(UPSTREAM_KEY))

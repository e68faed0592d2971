"""Pictures: OpenAI's form asked of every vendor's, against the twin and against upstreams that misbehave."""
import base64
import json
import struct
import zlib

from harness.client import Closed
from harness.programs import wait_until
from harness.runner import case, contains, equal, true

from cases.media import FORM_HEADERS, form, part, png

KEY = "sk-vendor-key-0123456789"
FORMS = ["gemini", "imagen", "stability", "sdapi", "comfyui", "dashscope"]


def provider(url, name, **more):
    # Gemini's is what its dialect says by itself.
    own = {"dialect": "gemini"} if name in ("gemini", "imagen") else {"tasks": {"images": name}}
    if name == "imagen":
        own["tasks"] = {"images": name}
    return {"base_url": url, "auth": {"type": "none"}} | own | more


def twins():
    return {"openai": {"base_url": "twin:", "auth": {"type": "none"}}} | {name: provider("twin:", name) for name in FORMS}


def size_of(data):
    """Of a PNG that can be read to its last line."""
    equal(data[:8], b"\x89PNG\r\n\x1a\n")
    at, pixels, width, height = 8, b"", 0, 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        equal(struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0], zlib.crc32(kind + body))
        if kind == b"IHDR":
            width, height = struct.unpack(">II", body[:8])
        pixels += body if kind == b"IDAT" else b""
        at += 12 + length
    true(len(zlib.decompress(pixels)) > height, "lines of pixels")
    return width, height


def bytes_of(row):
    if "b64_json" in row:
        return base64.b64decode(row["b64_json"])
    contains(row["url"], "data:image/png;base64,")
    return base64.b64decode(row["url"].split(",", 1)[1])


def ask(gateway, body, path="/v1/images/generations", headers=()):
    with gateway.connect() as connection:
        return connection.request("POST", path, [("content-type", "application/json"), *headers], json.dumps(body).encode())


def send_form(gateway, body, path="/v1/images/edits", headers=()):
    with gateway.connect() as connection:
        return connection.request("POST", path, [*FORM_HEADERS, *headers], body)


@case
def every_vendor_draws(t):
    gateway = t.gateway({"providers": twins()})
    for name in ["openai", *FORMS]:
        answer = ask(gateway, {"model": f"{name}/twin-1", "prompt": "a house", "size": "1024x1024", "response_format": "b64_json"})
        equal(answer.status, 200, f"{name}: {answer.text()[:300]}")
        rows = answer.json()["data"]
        equal(len(rows), 1, name)
        equal(size_of(bytes_of(rows[0])), (1024, 1024), name)
        true(answer.json()["created"] > 1_600_000_000, f"{name}: no time")
        line = gateway.request_line(answer.header("x-request-id"))
        equal((line["operation"], line["model"], line["status"], line["provider"]), ("image_generation", f"{name}/twin-1", 200, name))
        again = ask(gateway, {"model": f"{name}/twin-1", "prompt": "a cat", "response_format": "url"})
        equal(again.status, 200, f"{name}: {again.text()[:300]}")
        true(bytes_of(again.json()["data"][0]) != bytes_of(rows[0]), f"{name}: the prompt decides")


@case
def a_drawn_picture_may_be_streamed(t):
    gateway = t.gateway({"providers": twins()})
    for name in FORMS:
        answer = ask(gateway, {"model": f"{name}/twin-1", "prompt": "a house", "stream": True}).expect(200)
        contains(answer.header("content-type"), "text/event-stream")
        events = answer.text().strip().split("\n\n")
        equal(len(events), 1)
        contains(events[0], "event: image_generation.completed\n")
        data = json.loads(events[0].split("data: ", 1)[1])
        equal(data["type"], "image_generation.completed")
        size_of(base64.b64decode(data["b64_json"]))


@case
def pictures_are_edited(t):
    gateway = t.gateway({"providers": twins()})
    picture, other = png(64, 64), png(32, 32)
    for name in ("gemini", "sdapi", "stability", "dashscope"):
        model = part("model", f"{name}/twin-1")
        drawn = []
        for image in (picture, other):
            answer = send_form(gateway, form(model, part("image", image, "a.png", "image/png"), part("prompt", "a hat"),
                                             part("response_format", "b64_json")))
            equal(answer.status, 200, f"{name}: {answer.text()[:300]}")
            drawn.append(bytes_of(answer.json()["data"][0]))
            size_of(drawn[-1])
            equal(gateway.request_line(answer.header("x-request-id"))["operation"], "image_edit")
        true(drawn[0] != drawn[1], f"{name}: the picture decides")
        # The same as a document, with the picture inside.
        address = "data:image/png;base64," + base64.b64encode(picture).decode()
        answer = ask(gateway, {"model": f"{name}/twin-1", "prompt": "a hat", "images": [{"image_url": address}], "response_format": "b64_json"},
                     "/v1/images/edits")
        equal(answer.status, 200, f"{name}: {answer.text()[:300]}")
        equal(bytes_of(answer.json()["data"][0]), drawn[0])


@case
def what_a_vendor_cannot_draw_is_said(t):
    gateway = t.gateway({"providers": twins()})
    image, prompt = part("image", png(), "a.png", "image/png"), part("prompt", "a hat")
    bad = [
        ("", {"model": "sdapi/twin-1"}, "prompt"),
        ("", {"model": "sdapi/twin-1", "prompt": 7}, "prompt"),
        ("", {"model": "sdapi/twin-1", "prompt": "a", "size": "large"}, "size"),
        ("", {"model": "sdapi/twin-1", "prompt": "a", "n": 99}, "n"),
        ("", {"prompt": "a"}, "model"),
        ("/v1/images/edits", {"model": "sdapi/twin-1", "prompt": "a"}, "image"),
        ("/v1/images/edits", {"model": "sdapi/twin-1", "prompt": "a", "images": [{"file_id": "file-1"}]}, "images[0].file_id"),
        ("/v1/images/edits", {"model": "sdapi/twin-1", "prompt": "a", "images": [{"image_url": "data:image/png;base64,AAAA"}]}, "images[0].image_url"),
    ]
    for path, body, field in bad:
        answered = ask(gateway, body, path or "/v1/images/generations")
        equal(answered.status, 400, f"{body}: {answered.text()[:300]}")
        equal(answered.error()["param"], field, answered.text())
    model = part("model", "sdapi/twin-1")
    for body, path, word in [
        (form(model, image), "/v1/images/edits", "prompt"),
        (form(model, prompt), "/v1/images/edits", "image"),
        (form(model, image, prompt, part("n", "many")), "/v1/images/edits", "'n'"),
        (form(model, image, prompt, part("file", png(), "b.png")), "/v1/images/edits", "'file'"),
        (form(model, part("image", png()[:-6], "a.png"), prompt), "/v1/images/edits", "cut"),
        (form(part("model", "gemini/twin-1"), image), "/v1/images/variations", "vari"),
    ]:
        answered = send_form(gateway, body, path)
        equal(answered.status, 400, f"{word}: {answered.text()[:300]}")
        contains(answered.text(), word)
    # Where only a part may change: drawn so, or refused, or given away.
    masked = [image, prompt, part("mask", png(), "m.png", "image/png")]
    send_form(gateway, form(model, *masked)).expect(200)
    refused = send_form(gateway, form(part("model", "gemini/twin-1"), *masked)).expect(400)
    equal(refused.error()["param"], "mask")
    given = send_form(gateway, form(part("model", "gemini/twin-1"), *masked), headers=[("x-cardea-allow-loss", "true")]).expect(200)
    contains(given.header("x-cardea-loss"), "mask")
    # Named, and done all the same.
    answer = ask(gateway, {"model": "gemini/twin-1", "prompt": "a", "style": "vivid", "user": "u"}).expect(200)
    contains(answer.header("x-cardea-loss") or "", "style")
    # A chat-only vendor.
    only = t.gateway({"providers": {"c": {"base_url": "twin:", "auth": {"type": "none"}, "dialect": "anthropic"}}})
    contains(ask(only, {"model": "c/twin-1", "prompt": "a"}).expect(400).text(), "/images/generations")


GRAPH = {"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "{{model}}"}},
         "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "poster of {{prompt}}", "clip": ["1", 1]}},
         "3": {"class_type": "EmptyLatentImage", "inputs": {"width": "{{width}}", "height": "{{height}}", "batch_size": 1}},
         "4": {"class_type": "KSampler", "inputs": {"seed": "{{seed}}", "steps": 4, "positive": ["2", 0], "latent_image": ["3", 0]}},
         "9": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "poster"}}}


@case
def a_graph_of_ones_own(t):
    picture = png(4, 4)

    def answer(request, peer):
        target = request.raw_head.split(b" ", 2)[1].decode()
        if target == "/prompt":
            peer.reply({"prompt_id": "p-1", "number": 1, "node_errors": {}})
        elif target == "/history/p-1":
            images = [{"filename": "poster 1.png", "subfolder": "a/b", "type": "output"}]
            done = len([r for r in upstream.requests if b"/history" in r.raw_head]) > 1
            peer.reply({"p-1": {"outputs": {"9": {"images": images}}, "status": {"status_str": "success", "completed": True}}} if done else {})
        else:
            equal(target, "/view?filename=poster%201.png&subfolder=a%2Fb&type=output")
            peer.reply(picture, content_type="image/png")

    upstream = t.upstream(answer)
    file = t.path("poster.json")
    file.write_text(json.dumps(GRAPH))
    gateway = t.gateway({"models": [{"name": "poster", "type": "image", "endpoint": upstream.url().removesuffix("/v1"), "api_key": KEY,
                                     "tasks": {"images": "comfyui"}, "workflow": str(file), "upstream_model": "sd.safetensors"}]})
    said = ask(gateway, {"model": "poster", "prompt": "a \"cat\"\n", "size": "512x256", "seed": 7}).expect(200)
    equal(base64.b64decode(said.json()["data"][0]["b64_json"]), picture)
    graph = upstream.requests[0].json()["prompt"]
    equal(graph["1"]["inputs"]["ckpt_name"], "sd.safetensors")
    equal(graph["2"]["inputs"]["text"], "poster of a \"cat\"\n")
    equal((graph["3"]["inputs"]["width"], graph["3"]["inputs"]["height"], graph["4"]["inputs"]["seed"]), (512, 256, 7))
    true(all(r.header("authorization") == f"Bearer {KEY}" for r in upstream.requests), "each request proves itself")
    # A broken file never replaces a good one.
    file.write_text("{\"nodes\": []}")
    code, output = t.run("check", "--config", str(gateway.config_path))
    true(code != 0, output)
    contains(output, "poster.json")
    contains(output, "Export (API)")


@case
def a_vendors_trouble_is_told(t):
    def answer(request, peer):
        status = next(status for status in SEEN if f"a {status}".encode() in request.body)  # a seed may hold the digits, too
        peer.reply({"error": {"message": f"no {KEY}"}}, status, headers=[("retry-after", "7")])

    SEEN = {400: 400, 401: 502, 404: 404, 429: 429, 500: 502}
    upstream = t.upstream(answer)
    key = {"api_key": KEY, "auth": {"type": "bearer"}}
    gateway = t.gateway({"providers": {name: provider(upstream.url(), name, **key) for name in FORMS}})
    for status, seen in SEEN.items():
        for name in FORMS:
            said = ask(gateway, {"model": f"{name}/qwen-image", "prompt": f"a {status}"})
            equal(said.status, seen, f"{name} {status}: {said.text()[:200]}")
            true("type" in said.error(), said.text())
            true(KEY not in said.text(), "no key in an error")
            equal(said.header("retry-after"), "7")


@case
def work_that_comes_to_nothing(t):
    gateway = t.gateway({"providers": twins()})
    said = ask(gateway, {"model": "comfyui/error", "prompt": "a"}).expect(502)
    contains(said.text(), "the checkpoint is broken")


@case
def pictures_of_misbehaving_upstreams(t):
    def answer(request, peer):
        target = request.raw_head.split(b" ", 2)[1].decode()
        if target == "/prompt":
            kind = request.body.decode()
            peer.reply({"prompt_id": next(word for word in ("never", "broken", "gone", "redirect", "hang") if word in kind), "number": 1})
        elif target.startswith("/history/"):
            kind = target.rsplit("/", 1)[1]
            images = {"outputs": {"9": {"images": [{"filename": kind, "subfolder": "", "type": "output"}]}},
                      "status": {"status_str": "success", "completed": True}}
            if kind == "hang":
                peer.wait_closed()
                aborted.append(1)
            else:
                peer.reply({} if kind == "never" else {kind: images})
        elif "redirect" in target:
            peer.reply(b"", 302, headers=[("location", "http://127.0.0.1:1/")])
        elif "gone" in target:
            peer.reply({"detail": f"no {KEY}"}, 404)
        else:
            peer.reply(b"<html>", content_type="image/png")

    aborted = []
    upstream = t.upstream(answer)
    gateway = t.gateway({"timeouts": {"first_byte": "2s"},
                         "providers": {"up": provider(upstream.url().removesuffix("/v1"), "comfyui", api_key=KEY, auth={"type": "bearer"})}})
    for kind, status in (("broken", 502), ("gone", 502), ("redirect", 502), ("never", 504)):
        upstream.requests.clear()
        said = ask(gateway, {"model": "up/m", "prompt": kind})
        equal(said.status, status, f"{kind}: {said.text()}")
        true(KEY not in said.text(), "no key in an error")
    upstream.requests.clear()
    with gateway.connect() as connection:
        connection.send(connection.format("POST", "/v1/images/generations", [("content-type", "application/json")],
                                          b'{"model":"up/m","prompt":"hang"}'))
        wait_until(lambda: len(upstream.requests) == 2, "the upstream was asked how far it is")
        connection.reset()
    wait_until(lambda: aborted, "the client's end ends the upstream's call")


@case
def uploads_for_a_translation_have_a_limit(t):
    gateway = t.gateway({"providers": twins(), "limits": {"body_bytes": "64KiB"}})
    large = png() [:-12] + struct.pack(">I4s", 100_000, b"teXt") + b"x" * 100_000 + struct.pack(">I", zlib.crc32(b"teXt" + b"x" * 100_000)) + png()[-12:]
    body = form(part("model", "sdapi/twin-1"), part("image", large, "a.png"), part("prompt", "a"))
    contains(send_form(gateway, body).expect(413).text(), "limits.body_bytes")
    before = gateway.fds()
    with gateway.connect() as connection:
        connection.send(f"POST /v1/images/edits HTTP/1.1\r\nhost: h\r\ncontent-type: {FORM_HEADERS[0][1]}\r\ncontent-length: 500000\r\n\r\n")
        connection.send(body)
        connection.reset()
    wait_until(lambda: gateway.fds() <= before, "the upload's file is closed")
    try:
        ask(gateway, {"model": "sdapi/twin-1", "prompt": "a", "size": "256x256"}).expect(200)
    except Closed:
        true(False, "the gateway lives on")


@case
def a_picture_itself_where_it_is_asked_for(t):
    gateway = t.gateway({"providers": twins()})
    png_please = [("accept", "image/png")]
    for provider_name in ("twin", *twins()):
        asked = {"model": f"{provider_name}/twin-1", "prompt": "a fox", "size": "1024x1024"}
        said = ask(gateway, asked, headers=png_please).expect(200)
        equal((said.header("content-type"), size_of(said.body)), ("image/png", (1024, 1024)), provider_name)
    for more in ({"n": 2}, {"stream": True}):
        refused = ask(gateway, {"model": "twin/twin-1", "prompt": "a fox", **more}, headers=png_please).expect(400)
        equal(refused.json()["error"]["param"], next(iter(more)))


@case
def pictures_named_by_url_pass_the_guard(t):
    picture = png(64, 64)
    web = t.upstream(lambda request, peer: peer.reply(picture))
    site = web.url().removesuffix("/v1")
    vendor = t.upstream(lambda request, peer: peer.reply(
        {"output": {"choices": [{"message": {"content": [{"image": f"{site}/drawn.png"}]}}]}, "request_id": "r"}))
    own = {"providers": twins() | {"far": provider(vendor.url(), "dashscope", api_key=KEY, auth={"type": "bearer"})}}
    allowed, strict = t.gateway(own | {"fetch": {"allow": ["127.0.0.1"]}}), t.gateway(own)

    # What a request names, where the vendor wants bytes.
    edit = {"model": "sdapi/twin-1", "prompt": "a hat", "images": [{"image_url": f"{site}/in.png"}], "response_format": "b64_json"}
    drawn = ask(allowed, edit, "/v1/images/edits").expect(200)
    inline = "data:image/png;base64," + base64.b64encode(picture).decode()
    equal(drawn.json()["data"], ask(allowed, edit | {"images": [{"image_url": inline}]}, "/v1/images/edits").expect(200).json()["data"])
    refused = ask(strict, edit, "/v1/images/edits").expect(400)
    equal(refused.error()["param"], "images[0].image_url")
    true("127.0.0.1" not in refused.text(), "no address is told")
    # Who takes addresses is given them.
    ask(strict, edit | {"model": "far/qwen-image-edit", "response_format": "url"}, "/v1/images/edits").expect(200)
    contains(vendor.requests[-1].body.decode(), f"{site}/in.png")

    # What an answer names: an address, unless the client wants bytes.
    equal(ask(strict, {"model": "far/qwen-image", "prompt": "a"}).expect(200).json()["data"][0]["url"], f"{site}/drawn.png")
    said = ask(allowed, {"model": "far/qwen-image", "prompt": "a", "response_format": "b64_json"}).expect(200)
    equal(base64.b64decode(said.json()["data"][0]["b64_json"]), picture)
    true(KEY.encode() not in web.requests[-1].raw_head, "the vendor's key stays with the vendor")
    failed = ask(strict, {"model": "far/qwen-image", "prompt": "a", "response_format": "b64_json"}).expect(502)
    true("127.0.0.1" not in failed.text(), "no address is told")

"""Model servers on this machine are found at start, listed and used; what is not there is nobody's trouble."""
import json
import socket
import threading

from harness.programs import wait_until
from harness.runner import case, contains, equal, true
from harness.upstream import completion

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


def dead_url():
    """An address of this machine where nobody listens (any more)."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def surroundings(**servers):
    """Variables that name the local servers; those not given are nowhere, whatever runs on the machine of the test."""
    names = ("OLLAMA_BASE_URL", "LLAMACPP_BASE_URL", "LMSTUDIO_BASE_URL", "VLLM_BASE_URL")
    return {"CARDEA_DISCOVERY": "on", **{name: servers.get(name) or dead_url() for name in names}}


def listed(gateway):
    with gateway.connect() as connection:
        return {model["id"]: model["owned_by"] for model in connection.get("/v1/models").expect(200).json()["data"]}


def server_of(t, *models):
    def handler(request, peer):
        if request.target == "/v1/models":
            peer.reply({"object": "list", "data": [{"id": name, "object": "model"} for name in models]})
        else:
            peer.reply(completion(f"{request.json()['model']} speaking", model=request.json()["model"]))
    return t.upstream(handler)


@case
def local_servers_are_found(t):
    ollama, llama = t.twin(), server_of(t, "qwen3-8b")
    studio = t.upstream(lambda request, peer: peer.reply({"error": "no such page"}, 404))
    root = ollama.url().removesuffix("/v1")
    gateway = t.gateway({"aliases": {"local": "ollama/echo"}},
                        env=surroundings(OLLAMA_BASE_URL=root, LLAMACPP_BASE_URL=llama.url(), LMSTUDIO_BASE_URL=studio.url()))
    wait_until(lambda: len(gateway.events("found")) == 2, "both servers in the log")
    equal({event["provider"]: event["models"] > 0 for event in gateway.events("found")}, {"ollama": True, "llamacpp": True})
    models = listed(gateway)
    equal((models.get("ollama/echo"), models.get("llamacpp/qwen3-8b")), ("ollama", "llamacpp"))
    true(not any(name.startswith(("lmstudio/", "vllm/")) for name in models), f"found where nobody is: {sorted(models)}")
    # By its full name, by the plain one, by an alias; and one that its server does not list.
    equal(gateway.chat({**HELLO, "model": "ollama/echo"}).expect(200).content(), "Hello")
    equal(gateway.chat({**HELLO, "model": "qwen3-8b"}).expect(200).content(), "qwen3-8b speaking")
    equal(gateway.chat({**HELLO, "model": "local"}).expect(200).content(), "Hello")
    equal(gateway.chat({**HELLO, "model": "llamacpp/unlisted"}).expect(200).content(), "unlisted speaking")


@case
def ollamas_own_variable(t):
    ollama = server_of(t, "llama3:8b")
    for host in (f"127.0.0.1:{ollama.address[1]}", f"0.0.0.0:{ollama.address[1]}", f":{ollama.address[1]}", f"http://localhost:{ollama.address[1]}/"):
        env = {**surroundings(), "OLLAMA_HOST": host}
        del env["OLLAMA_BASE_URL"]
        gateway = t.gateway(env=env)
        wait_until(lambda: gateway.events("found"), f"the server at {host}")
        equal(gateway.chat({**HELLO, "model": "ollama/llama3:8b"}).expect(200).content(), "llama3:8b speaking", host)
        gateway.stop()


@case
def silent_and_strange_servers_hold_nothing_up(t):
    silent = t.upstream(lambda request, peer: peer.wait_closed(10))
    strange = t.upstream(lambda request, peer: peer.send(b"SSH-2.0-OpenSSH\r\n"))
    large = t.upstream(lambda request, peer: peer.reply(json.dumps({"data": [{"id": "x" * 200}] * 20000})))
    there = server_of(t, "phi")
    gateway = t.gateway(env=surroundings(OLLAMA_BASE_URL=silent.url(), LLAMACPP_BASE_URL=strange.url(), LMSTUDIO_BASE_URL=large.url(),
                                         VLLM_BASE_URL=there.url()))
    gateway.chat({**HELLO, "model": "twin/echo"}).expect(200)
    wait_until(lambda: gateway.events("found"), "the one that answers")
    equal([event["provider"] for event in gateway.events("found")], ["vllm"])
    contains(sorted(listed(gateway)), "vllm/phi")


@case
def a_server_that_comes_later_is_found_at_a_reload(t):
    port = int(dead_url().rsplit(":", 1)[1])
    gateway = t.gateway(env=surroundings(VLLM_BASE_URL=f"http://127.0.0.1:{port}"))
    gateway.chat({**HELLO, "model": "vllm/phi"}).expect(502)
    late = server_of(t, "phi")
    with socket.create_server(("127.0.0.1", port)) as door:
        # The port was free a moment ago: what comes in there is answered by the server of this process.
        door.settimeout(10)
        gateway.reload()
        sock, _ = door.accept()
        threading.Thread(target=late.serve, args=(late.make_peer(sock, 0),), daemon=True).start()
    wait_until(lambda: gateway.events("found"), "the late server")
    contains(sorted(listed(gateway)), "vllm/phi")


@case
def discovery_can_be_switched_off(t):
    ollama = server_of(t, "qwen3")
    gateway = t.gateway(env={**surroundings(OLLAMA_BASE_URL=ollama.url()), "CARDEA_DISCOVERY": "off"})
    gateway.reload()
    gateway.chat({**HELLO, "model": "ollama/qwen3"}).expect(200)
    equal([request.target for request in ollama.requests], ["/v1/chat/completions"])
    true("ollama/qwen3" not in listed(gateway), "listed without being asked")

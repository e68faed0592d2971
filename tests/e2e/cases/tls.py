"""TLS on both sides: what is served, what is verified, and that nothing is sent to whom it was not meant for."""
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time

from harness.client import Connection, Stream
from harness.programs import wait_until
from harness.runner import Skip, case, contains, equal, lacks, true
from harness.upstream import Peer, completion
from harness.upstream_cases import PLAIN, SECRET, refused

TWIN = {"model": "twin/echo", "messages": [{"role": "user", "content": "x"}]}


def certificate(folder, name, subject="localhost"):
    """A self-signed certificate for `subject` and 127.0.0.1: (certificate file, key file)."""
    if not shutil.which("openssl"):
        raise Skip("there is no openssl command to make certificates with")
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    address = ",IP:127.0.0.1" if subject == "localhost" else ""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    f"/CN={name}", "-addext", f"subjectAltName=DNS:{subject}{address}", "-out", cert, "-keyout", key], check=True, capture_output=True)
    return cert, key


class Secure(Connection):
    def __init__(self, address, cert, version=None):
        super().__init__(address)
        context = ssl.create_default_context(cafile=str(cert))
        if version:
            context.minimum_version = context.maximum_version = version
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")


def serving(t, config, cert):
    """A gateway with TLS: its readiness cannot be asked for in the clear."""
    gateway = t.start_gateway(config)
    listen = gateway.wait_for_event("started")["listen"]
    gateway.address = ("127.0.0.1", int(listen.rsplit(":", 1)[1]))
    gateway.connect = lambda: Secure(gateway.address, cert)
    return gateway


@case
def clients_are_served_over_tls(t):
    cert, key = certificate(t.folder, "one")
    tls = {"cert": str(cert), "key": str(key)}
    gateway = serving(t, {"tls": tls}, cert)
    with gateway.connect() as connection:
        equal(connection.socket.version(), "TLSv1.3")
        connection.chat(TWIN).expect(200)
        equal(connection.chat({**TWIN, "stream": True}).expect(200).events()[-1], "[DONE]")
    try:
        Secure(gateway.address, cert, ssl.TLSVersion.TLSv1_2)
        raise AssertionError("TLS 1.2 is served without having been asked for")
    except (ssl.SSLError, ConnectionError):
        pass
    with Connection(gateway.address) as plain:
        plain.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        true(plain.closed(5) or b"HTTP/1.1 200" not in plain.pending, "plain HTTP is answered on a TLS port")
    gateway = serving(t, {"tls": {**tls, "min_version": "1.2"}}, cert)
    with Secure(gateway.address, cert, ssl.TLSVersion.TLSv1_2) as connection:
        connection.chat(TWIN).expect(200)


@case
def a_certificate_is_renewed_without_a_restart(t):
    cert, key = certificate(t.folder, "used")
    gateway = serving(t, {"tls": {"cert": str(cert), "key": str(key)}}, cert)
    with gateway.connect() as old:
        old.chat(TWIN).expect(200)
        for fresh, used in zip(certificate(t.folder, "fresh"), (cert, key)):
            shutil.copyfile(fresh, used)
        gateway.reload()

        def renewed():
            with gateway.connect() as connection:
                return dict(part[0] for part in connection.socket.getpeercert()["subject"])["commonName"] == "fresh"

        wait_until(renewed, "the fresh certificate")
        # A connection that was there before is not disturbed.
        old.chat(TWIN).expect(200)
        cert.write_text("no certificate")
        gateway.send(1)
        wait_until(lambda: gateway.events("certificate_refused") or gateway.events("reload_refused"), "a bad certificate refused")
        with Secure(gateway.address, t.path("fresh.crt")) as connection:
            connection.chat(TWIN).expect(200)


@case
def a_bad_certificate_is_refused_at_start(t):
    cert, key = certificate(t.folder, "one")
    _, other = certificate(t.folder, "two")
    for tls, part in (({"cert": str(cert), "key": str(other)}, "key"), ({"cert": str(t.path("gone.crt")), "key": str(key)}, "gone.crt"),
                      ({"cert": str(cert)}, "key")):
        program = t.start_gateway({"tls": tls})
        program.expect_exit = 2
        equal(program.wait(), 2, f"exit code with {tls}")
        contains(program.output(), part, "the message")


def tls_upstream(t, cert, key):
    """An upstream that speaks TLS; `heard` is what came through a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    names = []
    context.sni_callback = lambda sock, name, ctx: names.append(name)

    class SecurePeer(Peer):
        def read_request(self):
            if not isinstance(self.socket, ssl.SSLSocket):
                self.socket = context.wrap_socket(self.socket, server_side=True)
            return super().read_request()

    upstream = t.upstream(lambda request, peer: peer.reply(completion("secure")), peer=SecurePeer)
    upstream.names = names
    return upstream


def far(server, host="localhost", **more):
    url = f"https://{host}:{server.address[1]}/v1"
    return {"providers": {"vendor": {"base_url": url, "api_key": SECRET, "models": ["m"]}}, **more}


@case
def upstreams_are_verified(t):
    cert, key = certificate(t.folder, "upstream")
    upstream = tls_upstream(t, cert, key)
    # Nobody vouches for it.
    refused(t.gateway(far(upstream)).chat(PLAIN), 502, "upstream_tls")
    # Vouched for, but for another name.
    strange = tls_upstream(t, *certificate(t.folder, "strange", "other.example"))
    refused(t.gateway(far(strange, upstream={"tls_ca": str(t.path("strange.crt"))})).chat(PLAIN), 502, "upstream_tls")
    equal((upstream.requests, strange.requests), ([], []), "requests sent to unverified upstreams")
    gateway = t.gateway(far(upstream, upstream={"tls_ca": str(cert)}))
    for _ in range(3):
        equal(gateway.chat(PLAIN).expect(200).content(), "secure")
    contains(upstream.names, "localhost", "server names asked for")
    by_address = t.gateway(far(upstream, "127.0.0.1", upstream={"tls_ca": str(cert)}))
    equal(by_address.chat(PLAIN).expect(200).content(), "secure")


class Proxy:
    """A CONNECT proxy that remembers what it was asked; all names lead to `target`."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.asked = []
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self):
        return "http://user:pass@127.0.0.1:%d" % self.listener.getsockname()[1]

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1)
        self.asked.append(head.decode())
        far_side = socket.create_connection(self.target)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for source, sink in ((client, far_side), (far_side, client)):
            threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.listener.close()


@case
def a_proxy_is_used_as_the_environment_says(t):
    # A name that only the proxy can resolve; what is on this machine is never asked through a proxy.
    cert, key = certificate(t.folder, "upstream", "upstream.invalid")
    upstream = tls_upstream(t, cert, key)
    proxy = Proxy(upstream.address)
    t.cleanups.append(proxy.stop)
    config = far(upstream, "upstream.invalid", upstream={"tls_ca": str(cert)})
    gateway = t.gateway(config, env={"HTTPS_PROXY": proxy.url()})
    for _ in range(2):
        equal(gateway.chat(PLAIN).expect(200).content(), "secure")
    true(1 <= len(proxy.asked) <= 2, f"{len(proxy.asked)} tunnels")
    contains(proxy.asked[0], f"CONNECT upstream.invalid:{upstream.address[1]} HTTP/1.1")
    contains(proxy.asked[0].lower(), "proxy-authorization: basic dxnlcjpwyxnz")
    for secret in (SECRET, json.dumps(PLAIN)):
        lacks(proxy.asked[0], secret, "what the proxy read")
    lacks(upstream.requests[0].raw_head.lower(), b"proxy-", "what the upstream read")
    tunnels = len(proxy.asked)
    around = t.gateway(config, env={"HTTPS_PROXY": proxy.url(), "NO_PROXY": ".invalid"})
    true(around.chat(PLAIN).status in (502, 504), "a name that nobody knows was reached")
    equal(len(proxy.asked), tunnels, "tunnels with NO_PROXY")
    lacks(gateway.output(), "pass@", "the log")


def issued(folder, authority, name, names, days="2"):
    """A certificate for a client by `authority` (certificate file, key file): (certificate file, key file)."""
    cert, key, request, extensions = (folder / f"{name}.{end}" for end in ("crt", "key", "csr", "ext"))
    extensions.write_text((f"subjectAltName={names}\n" if names else "") + "extendedKeyUsage=clientAuth\n")
    subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/O=Acme/CN={name}", "-out", request,
                    "-keyout", key], check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-req", "-in", request, "-CA", authority[0], "-CAkey", authority[1], "-CAcreateserial", "-days", days, "-extfile", extensions,
                    "-out", cert], check=True, capture_output=True)
    return cert, key


class Shown(Connection):
    """A connection on which a client shows a certificate; `session`: one to go on from."""

    def __init__(self, address, cert, own, session=None):
        super().__init__(address)
        self.context = ssl.create_default_context(cafile=str(cert)) if session is None else session[0]
        if own and session is None:
            self.context.load_cert_chain(*map(str, own))
        self.socket = self.context.wrap_socket(self.socket, server_hostname="localhost", session=session[1] if session else None)


def again_with(gateway, config):
    gateway.write_config(config)
    gateway.reload()


@case
def a_certificate_is_a_credential(t):
    cert, key = certificate(t.folder, "site")
    authority, foreign = certificate(t.folder, "authority", "ca.example"), certificate(t.folder, "foreign", "ca.example")
    agent = issued(t.folder, authority, "agent", "email:a@acme.example,DNS:agent.acme.example,URI:spiffe://acme/agent")
    by_name = issued(t.folder, authority, "named", "")
    stranger = issued(t.folder, authority, "stranger", "DNS:stranger.acme.example")
    tls = {"cert": str(cert), "key": str(key), "client_ca": str(authority[0])}
    members = [{"identity": "spiffe://acme/agent", "issuer": "mtls", "models": ["twin/echo", "twin/twin-1"]}, {"identity": "CN=named,O=Acme", "issuer": "mtls"}]
    config = {"tls": tls, "keys": ["good-key-0123456789"], "members": members, "workers": 2}
    gateway = serving(t, config, cert)

    def say(own, headers=(), model="twin/echo", session=None):
        with Shown(gateway.address, cert, own, session) as connection:
            answer = connection.chat({**TWIN, "model": model}, list(headers))
            # A key of TLS 1.3's comes with the answer.
            return answer, (connection.context, connection.socket.session), connection.socket.session_reused

    answer, session, _ = say(agent)
    equal(answer.status, 200)
    equal(gateway.request_line(answer.header("x-request-id"))["principal"], "spiffe://acme/agent")
    equal(say(agent, model="twin/twin-embed")[0].status, 403)
    again, _, reused = say(agent, session=session)
    equal((again.status, reused), (200, True), "a resumed session is still somebody's")
    equal(say(by_name)[0].status, 200)
    equal(say(stranger)[0].status, 401)
    equal(say(None)[0].status, 401)
    equal(say(None, [("authorization", "Bearer good-key-0123456789")])[0].status, 200)
    equal(say(agent, [("authorization", "Bearer bad-key")])[0].status, 401)
    equal(say(agent, [("origin", "https://evil.example")])[0].status, 403)
    for wrong in (issued(t.folder, foreign, "impostor", "URI:spiffe://acme/agent"), issued(t.folder, authority, "late", "URI:spiffe://acme/agent", "-1")):
        try:
            true(say(wrong)[0].status != 200, "a certificate that nobody vouches for")
        except (ssl.SSLError, ConnectionError, OSError):
            pass
    # Who is taken from the members is cut off, open streams included.
    with Shown(gateway.address, cert, agent) as connection:
        stream = Stream(connection, {"model": "twin/twin-1", "messages": TWIN["messages"], "stream": True}, [("x-twin-inter-token-ms", "50"), ("x-twin-tokens", "400")])
        stream.next()
        at = time.monotonic()
        again_with(gateway, {**config, "members": members[1:]})
        true("error" in json.loads(stream.rest()[-1]), "the stream goes on")
        true(time.monotonic() - at < 2, f"{time.monotonic() - at:.1f} s")
    equal(say(agent)[0].status, 401)
    # Another authority from now on.
    again_with(gateway, {**config, "tls": {**tls, "client_ca": str(foreign[0])}})

    def known():
        try:
            return say(issued(t.folder, foreign, "moved", "URI:spiffe://acme/agent"))[0].status == 200
        except (ssl.SSLError, ConnectionError, OSError):
            return False

    wait_until(known, "the other authority's certificates count")
    required = serving(t, {**config, "tls": {**tls, "client_auth": "required"}}, cert)
    gateway = required
    try:
        true(say(None)[0].status != 200, "no certificate, and yet an answer")
    except (ssl.SSLError, ConnectionError, OSError):
        pass
    equal(say(agent)[0].status, 200)

"""What proves a request to AWS and Google, checked by the rules that they publish and not by the code that makes it."""
import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qs, quote

# The key of RFC 7515 Appendix A.2.
RSA_KEY = """-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO
jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL
aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn
juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5
ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf
toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg
VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW
PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G
O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj
kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6
XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB
4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K
pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr
0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE
lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6
kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP
rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw
kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp
5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2
9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/
evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG
yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj
OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2
tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3
ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56
03k2+ZQwVK0JKSHuLFkuQ3U=
-----END PRIVATE KEY-----
"""


# ---- AWS: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

def canonical_path(target):
    """Every service but S3 has each segment encoded twice: once as it was sent, and once more."""
    return quote(target.partition("?")[0], safe="/-_.~")


def check_sigv4(request, access_key, secret_key, region, session_token=None, service="bedrock"):
    """Raises unless the request's own bytes are what its signature covers."""
    scheme, _, rest = request.header("authorization").partition(" ")
    parts = dict(part.split("=", 1) for part in rest.split(", "))
    time = request.header("x-amz-date")
    scope = f"{time[:8]}/{region}/{service}/aws4_request"
    assert scheme == "AWS4-HMAC-SHA256" and parts["Credential"] == f"{access_key}/{scope}", rest
    digest = hashlib.sha256(request.body).hexdigest()
    assert request.header("x-amz-content-sha256") in (None, digest), "the digest of another body"
    assert request.header("x-amz-security-token") == session_token, "the session token"
    names = parts["SignedHeaders"].split(";")
    wanted = {"host", "x-amz-date", "content-type"} | ({"x-amz-security-token"} if session_token else set())
    assert wanted <= set(names) and names == sorted(names), names
    headers = "".join(f"{name}:{' '.join(request.header(name).split())}\n" for name in names)
    canonical = "\n".join([request.method, canonical_path(request.target), "", headers, ";".join(names), digest])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret_key}".encode()
    for part in (time[:8], region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    assert parts["Signature"] == expected, f"another signature than of:\n{canonical}"


# ---- Google: developers.google.com/identity/protocols/oauth2/service-account

def der_integers(der):
    """The numbers of an RSAPrivateKey inside its PKCS #8 wrapping: version, modulus, public exponent, …"""
    def read(at):
        size, start = der[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, start = int.from_bytes(der[start:start + count], "big"), start + count
        return der[at], start, start + size
    _, at, _ = read(0)
    while True:  # version, algorithm, then the octets that hold the key
        tag, start, end = read(at)
        if tag == 0x04:
            break
        at = end
    _, at, end = read(start)
    numbers = []
    while at < end:
        _, start, stop = read(at)
        numbers.append(int.from_bytes(der[start:stop], "big"))
        at = stop
    return numbers


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def service_account(folder, token_url, project="my-project"):
    """Writes the file of a key; its path."""
    path = folder / "service-account.json"
    path.write_text(json.dumps({"type": "service_account", "project_id": project, "private_key_id": "k1", "private_key": RSA_KEY,
                                "client_email": "gateway@my-project.iam.gserviceaccount.com", "token_uri": token_url}))
    return path


def check_assertion(request, token_url):
    """Raises unless the request for a token holds what Google asks for, signed with the account's key."""
    form = parse_qs(request.body.decode(), strict_parsing=True)
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"], form
    assert request.header("content-type") == "application/x-www-form-urlencoded", request.headers
    head, claims, signature = form["assertion"][0].split(".")
    assert json.loads(unpadded(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}, head
    said = json.loads(unpadded(claims))
    assert said["iss"] == "gateway@my-project.iam.gserviceaccount.com" and said["aud"] == token_url, said
    assert said["scope"] == "https://www.googleapis.com/auth/cloud-platform" and 0 < said["exp"] - said["iat"] <= 3600, said
    _, modulus, exponent, *_ = der_integers(base64.b64decode("".join(RSA_KEY.strip().splitlines()[1:-1])))
    size = (modulus.bit_length() + 7) // 8
    opened = pow(int.from_bytes(unpadded(signature), "big"), exponent, modulus).to_bytes(size, "big")
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(f"{head}.{claims}".encode()).digest()
    assert opened == b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest, "not signed with the account's key"

"""Sends the gateway tokens (JWT) that PyJWT, joserfc (Authlib's) and openssl made, good ones and bad ones.

Usage: tokens.py GROUPGATE_BINARY
"""

import base64
import contextlib
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import jwt
from cryptography.hazmat.primitives import serialization
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt

import demo_gateway

ISSUER = "https://id.example.com"
AUDIENCE = "groupgate"
GROUPS = [{"id": str(number), "name": f"group {number}"} for number in range(3)]

# How each algorithm's keys are made, by joserfc.
KINDS = {
    "RS256": (joserfc_jwk.RSAKey, 2048),
    "PS256": (joserfc_jwk.RSAKey, 2048),
    "ES256": (joserfc_jwk.ECKey, "P-256"),
    "ES384": (joserfc_jwk.ECKey, "P-384"),
    "EdDSA": (joserfc_jwk.OKPKey, "Ed25519"),
}

CONFIGURATION = """
server = {{ listen = "127.0.0.1:0", admin = "127.0.0.1:0" }}
rate_limit = {{ per_client = "100000/s", burst = 100000 }}

[callers.jwt]
issuer = "{issuer}"
audience = "{audience}"
jwks = {jwks}
algorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]

[grants.staff]
sources = ["club"]
when = {{ claim = "/groups", any = ["staff"] }}

[upstreams.club]
base_url = "{upstream}"
request = {{ path = "/groups" }}
records = "/groups"
fields = {{ id = "id", name = "name" }}
"""


class Answers(http.server.BaseHTTPRequestHandler):
    """The upstream, and the issuer's keys."""

    published = b""
    fetched = 0

    def do_GET(self):
        body = json.dumps({"groups": GROUPS}).encode()
        if self.path == "/keys":
            type(self).fetched += 1
            body = self.published
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def gateway(binary, folder, jwks, upstream):
    """Runs the gateway with this way to the issuer's keys, and gives its URL."""
    path = pathlib.Path(folder) / "gateway.toml"
    path.write_text(
        CONFIGURATION.format(issuer=ISSUER, audience=AUDIENCE, jwks=jwks, upstream=upstream)
    )
    process = subprocess.Popen(
        [binary, "serve", "--config", path],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"RUST_LOG": "info"},
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.daemon = True
    watchdog.start()
    lines = []
    try:
        for line in process.stderr:
            lines.append(line)
            if match := re.search(r'"listen":"([^"]+)"', line):
                break
        else:
            sys.exit("the gateway did not say where it listens:\n" + "".join(lines))
        watchdog.cancel()
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield f"http://{match[1]}"
    finally:
        watchdog.cancel()
        process.terminate()
        process.wait(30)


def asked(url, token):
    """The status of an answer, and how many groups it has."""
    request = urllib.request.Request(url + "/groups", headers={"authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, len(json.load(answer)["groups"])
    except urllib.error.HTTPError as refused:
        return refused.code, None


def encoded(part):
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def claims(**other):
    now = int(time.time())
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "anna", "iat": now, "exp": now + 300}
    given |= {"groups": ["staff"]} | other
    return {name: value for name, value in given.items() if value is not None}


def pem(key):
    return key.as_pem(private=True)


def by_pyjwt(key, algorithm, given, **head):
    return jwt.encode(given, pem(key), algorithm, headers={"kid": key.kid} | head)


def by_joserfc(key, algorithm, given, **head):
    head = {"alg": algorithm, "kid": key.kid, "typ": "JWT"} | head
    return joserfc_jwt.encode(head, given, key, algorithms=[algorithm])


def by_openssl(key, given, folder, algorithm="RS256"):
    head = {"alg": algorithm, "kid": key.kid}
    signed = f"{encoded(json.dumps(head).encode())}.{encoded(json.dumps(given).encode())}"
    path = pathlib.Path(folder) / "key.pem"
    path.write_bytes(pem(key))
    command = ["openssl", "dgst", "-sha256", "-sign", path]
    if algorithm == "PS256":
        command += ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
    made = subprocess.run(command, input=signed.encode(), capture_output=True, check=True)
    return f"{signed}.{encoded(made.stdout)}"


def bad(keys, others):
    """Tokens that must be refused, and why."""
    now = int(time.time())
    rsa, ec = keys["RS256"], keys["ES256"]
    for name, given in {
        "has expired": claims(exp=now - 120),
        "never ends": claims(exp=None),
        "is not valid yet": claims(nbf=now + 120),
        "was issued later": claims(iat=now + 120),
        "is another issuer's": claims(iss="https://id.example.org"),
        "has no issuer": claims(iss=None),
        "is for others": claims(aud=["other"]),
        "is for nobody": claims(aud=None),
        "says nobody": claims(sub=None),
    }.items():
        yield name, by_pyjwt(ec, "ES256", given)
        yield f"{name} (joserfc)", by_joserfc(ec, "ES256", given)
    yield "is not signed", jwt.encode(claims(), None, "none", headers={"kid": rsa.kid})
    yield "is signed by another key of that name", by_pyjwt(others["RS256"], "RS256", claims(), kid=rsa.kid)
    yield "is signed by an unknown key", by_joserfc(others["ES256"], "ES256", claims())
    yield "is critical", by_pyjwt(ec, "ES256", claims(), crit=["x"], x=1)
    yield "ends a session", by_pyjwt(ec, "ES256", claims(), typ="logout+jwt")
    yield "uses an algorithm that is not accepted", by_pyjwt(rsa, "RS512", claims())
    # An RSA public key as an HMAC secret, in the forms in which a library might read it.
    numbers = rsa.as_dict(private=False)
    public = rsa.public_key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for form in [public, public.strip(), numbers["n"].encode(), json.dumps(numbers).encode()]:
        head = encoded(json.dumps({"alg": "HS256", "kid": rsa.kid}).encode())
        signed = f"{head}.{encoded(json.dumps(claims()).encode())}"
        mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        yield "takes a public key for a secret", f"{signed}.{encoded(mac.sign(signed.encode(), form))}"
    good = by_pyjwt(ec, "ES256", claims())
    head, body, signature = good.split(".")
    changed = json.dumps(claims(sub="root")).encode()
    yield "was changed", f"{head}.{encoded(changed)}.{signature}"
    yield "lost its signature", f"{head}.{body}."
    twice = json.dumps(claims()).replace("{", '{"sub": "root", ', 1).encode()
    yield "says who asks twice", jwt.api_jws.encode(twice, pem(ec), "ES256", headers={"kid": ec.kid})


def checks(binary):
    def made(algorithm):
        kind, size = KINDS[algorithm]
        key = kind.generate_key(size, parameters={"use": "sig", "alg": algorithm})
        key.ensure_kid()
        return key

    keys = {algorithm: made(algorithm) for algorithm in KINDS}
    others = {algorithm: made(algorithm) for algorithm in KINDS}
    public = [key.as_dict(private=False) for key in keys.values()]
    Answers.published = json.dumps({"keys": public}).encode()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    upstream = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "keys.json"
        file.write_bytes(Answers.published)
        for source, jwks in {
            "a file": f'{{ file = "{file}" }}',
            "a URL": f'{{ url = "{upstream}/keys" }}',
        }.items():
            with gateway(binary, folder, jwks, upstream) as url:
                for algorithm, key in keys.items():
                    for maker in by_pyjwt, by_joserfc:
                        answer = asked(url, maker(key, algorithm, claims()))
                        what = f"{maker.__name__} {algorithm}, keys from {source}"
                        yield f"accepted: {what}", answer == (200, 3)
                if shutil.which("openssl"):
                    for algorithm in "RS256", "PS256":
                        token = by_openssl(keys[algorithm], claims(), folder, algorithm)
                        yield f"accepted: openssl {algorithm}, keys from {source}", asked(url, token) == (200, 3)
                access = by_pyjwt(keys["ES256"], "ES256", claims(aud=["other", AUDIENCE]), typ="at+jwt")
                yield f"accepted: a token for access, keys from {source}", asked(url, access) == (200, 3)
                stranger = by_joserfc(keys["EdDSA"], "EdDSA", claims(groups=["guests"]))
                yield f"a caller without grants sees nothing, keys from {source}", asked(url, stranger) == (200, 0)
                for why, token in bad(keys, others):
                    # An address that sends many is told to wait, once they were verified.
                    yield f"refused: it {why}, keys from {source}", asked(url, token)[0] in (401, 429)
        yield "keys were fetched once", Answers.fetched == 1
    server.shutdown()


demo_gateway.report(checks(sys.argv[1]))

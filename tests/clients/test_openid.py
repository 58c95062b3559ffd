"""A real OpenID provider (oidc-provider, from npm) as an outside issuer: its apps and people use the
API with its own tokens, through a change of its keys and while it is down."""

import base64
import hashlib
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import unittest
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from footfall import Footfall

NODE = os.path.join(os.environ["FOOTFALL_NODE"])
BACK = "http://127.0.0.1:9/back"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def new_key(kid, algorithm):
    """A private JWK."""
    if algorithm == "ES256":
        key = ec.generate_private_key(ec.SECP256R1()).private_numbers()
        point = key.public_numbers
        secret = {
            "kty": "EC", "crv": "P-256", "x": number(point.x, 32), "y": number(point.y, 32),
            "d": number(key.private_value, 32),
        }
    else:
        key = rsa.generate_private_key(65537, 2048).private_numbers()
        public = key.public_numbers
        secret = {
            "kty": "RSA", "n": number(public.n), "e": number(public.e), "d": number(key.d),
            "p": number(key.p), "q": number(key.q), "dp": number(key.dmp1),
            "dq": number(key.dmq1), "qi": number(key.iqmp),
        }
    return {**secret, "kid": kid, "alg": algorithm, "use": "sig"}


class Provider:
    """The provider, which can be stopped and started with other keys at the same address."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self, *keys):
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(keys, file)
        self.process = subprocess.Popen(
            ["node", os.path.join(NODE, "provider.mjs"), str(self.port), file.name],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        assert self.process.stdout.readline().startswith("ready")
        os.unlink(file.name)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait(timeout=30)
            self.process.stdout.close()
            self.process = None

    def app_token(self):
        answer = requests.post(
            f"{self.issuer}/token", auth=("playbook", "secret-of-the-playbook"),
            data={"grant_type": "client_credentials"}, timeout=30,
        )
        return answer.json()["access_token"]

    def person_token(self, user_name):
        """A person's token by authorization code, through the provider's own pages."""
        browser, verifier = requests.Session(), "v" * 64
        challenge = base64url(hashlib.sha256(verifier.encode()).digest())
        answer = browser.get(
            f"{self.issuer}/auth", allow_redirects=False, timeout=30,
            params={
                "client_id": "console", "response_type": "code", "redirect_uri": BACK,
                "scope": "openid Machine.Read", "code_challenge": challenge,
                "code_challenge_method": "S256",
            },
        )
        for _ in range(12):
            if answer.is_redirect:
                target = urljoin(answer.url, answer.headers["Location"])
                if target.startswith(BACK):
                    break
                answer = browser.get(target, allow_redirects=False, timeout=30)
                continue
            action = re.search(r'action="([^"]+)"', answer.text)[1]
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)[1]
            answer = browser.post(
                urljoin(answer.url, action), allow_redirects=False, timeout=30,
                data={"prompt": prompt, "login": user_name, "password": "any"},
            )
        answer = requests.post(
            f"{self.issuer}/token", auth=("console", "secret-of-the-console"), timeout=30,
            data={
                "grant_type": "authorization_code", "redirect_uri": BACK,
                "code": parse_qs(urlsplit(target).query)["code"][0], "code_verifier": verifier,
            },
        )
        return answer.json()["access_token"]


class OutsideIssuer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.provider = Provider()
        cls.provider.start(new_key("one", "ES256"))
        cls.footfall = Footfall(
            f"""
            [[issuer]]
            kind = "openid"
            issuer = "{cls.provider.issuer}"
            roles_claim = "realm_access.roles"
            """
        )
        os.environ["REQUESTS_CA_BUNDLE"] = cls.footfall.authority_file
        run = cls.footfall.run
        run("group", "add", "Tier 1", "--directory-id", "tier1")
        run("role", "add", "first line", "--permission", "ViewData", "--group", "Tier 1")
        run(
            "device-group", "add", "corp", "--domain-equals", "corp.example",
            "--access", "Tier 1", "--yes",
        )
        run("group", "add", "Tier 2", "--directory-id", "tier2")
        run("role", "add", "second line", "--permission", "ViewData", "--group", "Tier 2")
        run("device-group", "access", "ungrouped", "Tier 2")

    @classmethod
    def tearDownClass(cls):
        cls.footfall.close()
        cls.provider.stop()

    def ask(self, token, path="users/jdoe/machines"):
        return requests.get(
            f"{self.footfall.origin}/api/{path}", headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )

    def names(self, token):
        answer = self.ask(token)
        self.assertEqual(answer.status_code, 200, answer.text)
        return sorted(machine["computerDnsName"] for machine in answer.json()["value"])

    def test_apps_and_people_through_changed_keys_and_silence(self):
        corp, lab = "ws-014.corp.example", "srv-01.lab.example"
        app = self.provider.app_token()
        self.assertEqual(self.names(app), [lab, corp])
        tier1, tier2, both, none = (
            self.provider.person_token(user) for user in ("a.tier1", "b.tier2", "c.tier1.tier2", "d")
        )
        self.assertEqual(self.names(tier1), [corp])
        self.assertEqual(self.names(tier2), [lab])
        self.assertEqual(self.names(both), [lab, corp])
        self.assertEqual(self.ask(none).status_code, 403)
        self.assertEqual(self.ask(tier1, f"machines/{lab}").status_code, 404)
        bent = app[:-6] + ("AAAAAA" if app[-6:] != "AAAAAA" else "BBBBBB")
        self.assertEqual(self.ask(bent).status_code, 401)

        # Down: what is known goes on.
        self.provider.stop()
        self.assertEqual(self.names(app), [lab, corp])
        self.assertEqual(self.names(tier1), [corp])

        # Back with other keys, of another kind: the unknown key is fetched, the old one is gone.
        self.provider.start(new_key("two", "PS256"))
        token = self.provider.app_token()
        deadline = time.monotonic() + 60
        while self.ask(token).status_code == 401 and time.monotonic() < deadline:
            # Keys are asked for again once in half a minute at most.
            time.sleep(1)
        self.assertEqual(self.names(token), [lab, corp])


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""Real clients, unmodified: msal and azure-identity sign in over TLS and read a user's machines.

Run by scripts/test, which gives the program's path in FOOTFALL. Each client is used twice: with
the server under its own name, and under the vendor's names, as a person does it with DNS and the
server's certificate authority. The second way replaces name resolution alone, in this process.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import tempfile
import unittest
from unittest import mock

import msal
import requests
from azure.identity import ClientSecretCredential

FOOTFALL = os.environ["FOOTFALL"]
VENDOR_LOGIN = "login.microsoftonline.com"
VENDOR_API = "api.securitycenter.microsoft.com"
RESOURCES = [
    "https://api.securitycenter.microsoft.com",
    "https://api.securitycenter.windows.com",
    "https://securitycenter.onmicrosoft.com/windowsatpservice",
    "https://api-gcc.securitycenter.microsoft.us",
    "https://api-gov.securitycenter.microsoft.us",
    "https://api.security.microsoft.com",
    "fc780465-2017-40d4-a0c5-307022471b92",
]
LOGON = {
    "EventTime": "2025-06-02T07:06:25Z",
    "Hostname": "ws-014.corp.example",
    "EventID": 4624,
    "Channel": "Security",
    "RecordNumber": 1446,
    "TargetUserSid": "S-1-5-21-1-2-3-1104",
    "TargetUserName": "jdoe",
    "TargetDomainName": "CORP",
    "TargetLogonId": "0x615a44",
    "LogonType": "2",
    "IpAddress": "-",
}


class Footfall:
    """A server over TLS on a free port, with one logon and one app."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("FOOTFALL")},
            "FOOTFALL_DATABASE": f"sqlite:{self.folder.name}/footfall.sqlite",
            "RUST_LOG": "warn",
        }
        logon = os.path.join(self.folder.name, "logon.json")
        with open(logon, "w", encoding="utf-8") as file:
            json.dump(LOGON, file)
        self.run("import", logon)
        self.app = json.loads(
            self.run(
                "app", "add", "clients", "--json",
                "--permission", "Machine.Read.All", "--permission", "User.Read.All",
            )
        )
        self.authority_file = os.path.join(self.folder.name, "authority.pem")
        with open(self.authority_file, "w", encoding="utf-8") as file:
            file.write(self.run("certificate"))
        self.server = subprocess.Popen(
            [
                FOOTFALL, "serve", "--listen", "127.0.0.1:0", "--tls", "self-signed",
                "--tls-name", VENDOR_LOGIN, "--tls-name", VENDOR_API, "--limits", "off",
            ],
            env=self.environment, stdout=subprocess.PIPE, text=True,
        )
        ready = self.server.stdout.readline()
        self.port = int(re.search(r"https://127\.0\.0\.1:(\d+)/", ready).group(1))
        self.origin = f"https://localhost:{self.port}"

    def run(self, *arguments):
        return subprocess.run(
            [FOOTFALL, *arguments], env=self.environment, check=True, text=True,
            stdout=subprocess.PIPE,
        ).stdout

    def close(self):
        self.server.terminate()
        assert self.server.wait(timeout=30) == 0
        self.server.stdout.close()
        self.folder.cleanup()

    @contextlib.contextmanager
    def under_the_vendors_names(self):
        """The vendor's names lead to this server; no other name is looked up."""
        real = socket.getaddrinfo

        def resolve(host, port, *rest, **named):
            if host in (VENDOR_LOGIN, VENDOR_API):
                return real("127.0.0.1", self.port, *rest, **named)
            assert host in ("localhost", "127.0.0.1"), host
            return real(host, port, *rest, **named)

        with mock.patch("socket.getaddrinfo", resolve):
            yield


class SignIn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.footfall = Footfall()
        # What a person sets for a private certificate authority.
        os.environ["REQUESTS_CA_BUNDLE"] = cls.footfall.authority_file

    @classmethod
    def tearDownClass(cls):
        cls.footfall.close()

    def read(self, origin, token):
        answer = requests.get(
            f"{origin}/api/users/jdoe/machines",
            headers={"Authorization": f"Bearer {token}"}, timeout=30,
        )
        self.assertEqual(answer.status_code, 200, answer.text)
        body = answer.json()
        self.assertEqual(body["@odata.context"], f"{origin}/api/$metadata#Machines")
        self.assertEqual([m["computerDnsName"] for m in body["value"]], ["ws-014.corp.example"])

    def msal_token(self, login, scope, **options):
        app = self.footfall.app
        client = msal.ConfidentialClientApplication(
            app["clientId"], client_credential=app["clientSecret"],
            authority=f"https://{login}/{app['tenantId']}", **options,
        )
        result = client.acquire_token_for_client(scopes=[scope])
        self.assertIn("access_token", result, result)
        again = client.acquire_token_for_client(scopes=[scope])
        self.assertEqual(again["token_source"], "cache")
        return result["access_token"]

    def credential(self, login, **options):
        app = self.footfall.app
        return ClientSecretCredential(
            app["tenantId"], app["clientId"], app["clientSecret"], authority=f"https://{login}",
            **options,
        )

    def test_msal_under_the_servers_own_name(self):
        login = f"localhost:{self.footfall.port}"
        for resource in [*RESOURCES, self.footfall.origin]:
            token = self.msal_token(login, f"{resource}/.default", instance_discovery=False)
            self.read(self.footfall.origin, token)

    def test_msal_under_the_vendors_names(self):
        with self.footfall.under_the_vendors_names():
            token = self.msal_token(VENDOR_LOGIN, f"https://{VENDOR_API}/.default")
            self.read(f"https://{VENDOR_API}", token)

    def test_azure_identity_under_the_servers_own_name(self):
        credential = self.credential(
            f"localhost:{self.footfall.port}", disable_instance_discovery=True
        )
        for resource in RESOURCES:
            token = credential.get_token(f"{resource}/.default")
            self.read(self.footfall.origin, token.token)

    def test_azure_identity_under_the_vendors_names(self):
        with self.footfall.under_the_vendors_names():
            token = self.credential(VENDOR_LOGIN).get_token(f"https://{VENDOR_API}/.default")
            self.read(f"https://{VENDOR_API}", token.token)

    def test_a_wrong_secret_is_told_as_the_vendor_tells_it(self):
        app = self.footfall.app
        client = msal.ConfidentialClientApplication(
            app["clientId"], client_credential="wrong", instance_discovery=False,
            authority=f"{self.footfall.origin}/{app['tenantId']}",
        )
        result = client.acquire_token_for_client(scopes=[f"https://{VENDOR_API}/.default"])
        self.assertEqual(result["error"], "invalid_client")
        self.assertEqual(result["error_codes"], [7000215])

    def test_a_raw_v1_call_without_content_type(self):
        app = self.footfall.app
        form = (
            f"resource=https%3A%2F%2F{VENDOR_API}&client_id={app['clientId']}"
            f"&client_secret={app['clientSecret']}&grant_type=client_credentials&redirectUri=x"
        )
        url = f"{self.footfall.origin}/{app['tenantId']}/oauth2/token"
        for verb in ("POST", "GET"):
            answer = requests.request(verb, url, data=form.encode(), timeout=30)
            self.assertEqual(answer.status_code, 200, answer.text)
            body = answer.json()
            self.assertEqual(body["token_type"], "Bearer")
            self.assertIsInstance(body["expires_in"], str)
            self.read(self.footfall.origin, body["access_token"])


if __name__ == "__main__":
    unittest.main(verbosity=2)

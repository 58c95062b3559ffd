"""Real clients, unmodified: msal and azure-identity sign in over TLS and read a user's machines.

Run by scripts/test, which gives the program's path in FOOTFALL. Each client is used twice: with
the server under its own name, and under the vendor's names, as a person does it with DNS and the
server's certificate authority. The second way replaces name resolution alone, in this process.
"""

import os
import unittest

import msal
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from azure.identity import CertificateCredential, ClientSecretCredential

from certificate import new_certificate
from footfall import RESOURCES, VENDOR_API, VENDOR_LOGIN, Footfall


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
        names = sorted(machine["computerDnsName"] for machine in body["value"])
        self.assertEqual(names, ["srv-01.lab.example", "ws-014.corp.example"])

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

    def test_certificates(self):
        certificate, key = new_certificate(self.footfall.folder.name)
        app = self.footfall.app
        self.footfall.run("app", "certificate", app["clientId"], certificate)
        with open(certificate, encoding="utf-8") as file:
            public = file.read()
        with open(key, encoding="utf-8") as file:
            private = file.read()
        login = f"localhost:{self.footfall.port}"
        client = msal.ConfidentialClientApplication(
            app["clientId"], authority=f"https://{login}/{app['tenantId']}",
            client_credential={"private_key": private, "public_certificate": public},
            instance_discovery=False,
        )
        result = client.acquire_token_for_client(scopes=[f"https://{VENDOR_API}/.default"])
        self.assertIn("access_token", result, result)
        self.read(self.footfall.origin, result["access_token"])
        # The older form: RS256 and the thumbprint of SHA-1.
        thumbprint = x509.load_pem_x509_certificate(public.encode()).fingerprint(hashes.SHA1())
        client = msal.ConfidentialClientApplication(
            app["clientId"], authority=f"https://{login}/{app['tenantId']}",
            client_credential={"private_key": private, "thumbprint": thumbprint.hex()},
            instance_discovery=False,
        )
        result = client.acquire_token_for_client(scopes=[f"https://{VENDOR_API}/.default"])
        self.assertIn("access_token", result, result)
        credential = CertificateCredential(
            app["tenantId"], app["clientId"], certificate_data=(public + private).encode(),
            authority=f"https://{login}", disable_instance_discovery=True,
        )
        token = credential.get_token(f"https://{VENDOR_API}/.default")
        self.read(self.footfall.origin, token.token)

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

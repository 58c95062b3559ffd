"""Real clients for people, unmodified: msal and azure-identity sign a person in by device code and
authorization code, and the person sees the machines of their own device groups alone."""

import os
import threading
import unittest
from urllib.parse import parse_qsl, urlsplit

import msal
import requests
from azure.identity import DeviceCodeCredential

from browser import Browser
from footfall import VENDOR_API, VENDOR_LOGIN, Footfall

USER = "anna@corp.example"
PASSWORD = "correct horse battery staple"
SCOPE = f"https://{VENDOR_API}/Machine.Read"


class People(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.footfall = Footfall()
        os.environ["REQUESTS_CA_BUNDLE"] = cls.footfall.authority_file
        cls.footfall.add_analyst(USER, PASSWORD, ".corp.example")
        cls.public = cls.footfall.json(
            "app", "add", "hunting console", "--public", "--permission", "Machine.Read",
            "--redirect-uri", "http://localhost/back", "--json",
        )
        cls.authority = f"{cls.footfall.origin}/{cls.public['tenantId']}"

    @classmethod
    def tearDownClass(cls):
        cls.footfall.close()

    def get(self, path, token):
        return requests.get(
            f"{self.footfall.origin}/api/{path}", headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )

    def sees_their_own(self, token):
        answer = self.get("users/jdoe/machines", token)
        self.assertEqual(answer.status_code, 200, answer.text)
        names = [machine["computerDnsName"] for machine in answer.json()["value"]]
        self.assertEqual(names, ["ws-014.corp.example"])
        self.assertEqual(self.get("machines/srv-01.lab.example", token).status_code, 404)

    def client(self):
        return msal.PublicClientApplication(
            self.public["clientId"], authority=self.authority, instance_discovery=False
        )

    def test_msal_by_authorization_code(self):
        client = self.client()
        flow = client.initiate_auth_code_flow([SCOPE], redirect_uri="http://localhost:9/back")
        back = Browser(USER, PASSWORD).visit(flow["auth_uri"], until="http://localhost:9/back")
        answer = dict(parse_qsl(urlsplit(back).query))
        result = client.acquire_token_by_auth_code_flow(flow, answer)
        self.assertIn("access_token", result, result)
        self.assertEqual(result["id_token_claims"]["preferred_username"], USER)
        self.sees_their_own(result["access_token"])
        # By the refresh token.
        account = client.get_accounts()[0]
        again = client.acquire_token_silent([SCOPE], account=account, force_refresh=True)
        self.assertEqual(again["token_source"], "identity_provider", again)
        self.sees_their_own(again["access_token"])
        # The code is good once.
        used = client.acquire_token_by_auth_code_flow(flow, answer)
        self.assertEqual(used["error"], "invalid_grant", used)

    def test_msal_by_device_code(self):
        client = self.client()
        flow = client.initiate_device_flow([SCOPE])
        self.assertIn("user_code", flow, flow)
        flow["interval"] = 1
        person = threading.Thread(target=self.confirm, args=(flow["verification_uri"], flow["user_code"]))
        person.start()
        result = client.acquire_token_by_device_flow(flow)
        person.join()
        self.assertIn("access_token", result, result)
        self.sees_their_own(result["access_token"])

    def test_azure_identity_by_device_code(self):
        def show(uri, code, _):
            threading.Thread(target=self.confirm, args=(uri, code)).start()

        credential = DeviceCodeCredential(
            self.public["clientId"], tenant_id=self.public["tenantId"],
            authority=self.footfall.origin, disable_instance_discovery=True,
            prompt_callback=show,
        )
        self.sees_their_own(credential.get_token(SCOPE).token)

    def confirm(self, uri, code):
        Browser(USER, PASSWORD).visit(uri, **{"one-time-code": code, "off": code})

    def test_a_sign_out_everywhere_takes_effect_at_once(self):
        client = self.client()
        flow = client.initiate_auth_code_flow([SCOPE], redirect_uri="http://localhost:9/back")
        back = Browser(USER, PASSWORD).visit(flow["auth_uri"], until="http://localhost:9/back")
        result = client.acquire_token_by_auth_code_flow(flow, dict(parse_qsl(urlsplit(back).query)))
        token = result["access_token"]
        self.assertEqual(self.get("machines", token).status_code, 200)
        self.footfall.run("operator", "sign-out", USER)
        self.assertEqual(self.get("machines", token).status_code, 401)
        account = client.get_accounts()[0]
        again = client.acquire_token_silent_with_error([SCOPE], account=account, force_refresh=True)
        self.assertEqual(again["error"], "invalid_grant", again)

    def by_password(self, footfall, client_id, password):
        # The library asks for the user's realm at the authority's host without its port.
        with footfall.under_the_vendors_names():
            client = msal.PublicClientApplication(
                client_id, authority=f"https://{VENDOR_LOGIN}/{self.public['tenantId']}"
            )
            return client.acquire_token_by_username_password(USER, password, [SCOPE])

    def test_the_password_grant_is_off(self):
        result = self.by_password(self.footfall, self.public["clientId"], PASSWORD)
        self.assertEqual(result["error"], "unsupported_grant_type", result)

    def test_the_password_grant_works_where_it_is_on(self):
        self.footfall.restart(config="[serve]\npassword_grant = true\n")
        self.addCleanup(self.footfall.restart)
        result = self.by_password(self.footfall, self.public["clientId"], PASSWORD)
        self.assertIn("access_token", result, result)
        self.sees_their_own(result["access_token"])
        wrong = self.by_password(self.footfall, self.public["clientId"], "not their password")
        self.assertEqual(wrong["error_codes"], [50126], wrong)


if __name__ == "__main__":
    unittest.main(verbosity=2)

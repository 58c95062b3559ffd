"""Schemathesis, unmodified: requests made from the OpenAPI document, right ones and wrong ones, and
every answer held to what the document says of it. Its settings are in schemathesis.toml.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

from footfall import LOGON, OTHER_LOGON, Fleet

CONFIG = pathlib.Path(__file__).with_name("schemathesis.toml")
SERVER = pathlib.Path(__file__).parents[2] / "crates" / "server"
DOCUMENT = json.loads((SERVER / "openapi.json").read_text(encoding="utf-8"))


class Open(Fleet):
    """A server that permits its app everything. It knows the names in the document's examples, too."""

    permissions = (
        "Machine.Read.All", "Machine.ReadWrite.All", "User.Read.All", "Alert.Read.All",
        "Alert.ReadWrite.All", "Footfall.Admin.Read.All", "Footfall.Admin.ReadWrite.All",
        "Telemetry.Write",
    )

    def fill(self):
        super().fill()
        self.import_logons([LOGON, OTHER_LOGON])
        self.run("group", "add", "tier 1", "--local")
        self.run(
            "operator", "add", "anna@corp.example", "--group", "tier 1", "--password-stdin",
            stdin="nine lives of a red cat",
        )
        self.run("role", "add", "first line", "--permission", "ViewData", "--group", "tier 1")
        self.run(
            "device-group", "add", "Workstations", "--name-starts-with", "WS-", "--access", "tier 1",
            "--yes",
        )
        self.others = [
            self.json("app", "add", name, "--permission=Machine.Read.All", "--json")["clientId"]
            for name in ("other", "another")
        ]


class Schemathesis(unittest.TestCase):
    def setUp(self):
        self.footfall = Open()
        self.addCleanup(self.footfall.close)

    def check(self, paths, *options, never=()):
        """Runs it on the operations at some paths: no answer is other than the document says, and
        each operation gives what was asked for at least once, but for those of `never`."""
        program = os.path.join(os.path.dirname(sys.executable), "schemathesis")
        folder, (app, to_revoke) = self.footfall.folder.name, self.footfall.others
        done = subprocess.run(
            [
                program, "--config-file", str(CONFIG), "run", f"{self.footfall.origin}/openapi.json",
                "--tls-verify", self.footfall.authority_file, "--report-json-path", "report.json",
                "--include-path-regex", paths, *options,
            ],
            cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
            env={
                **os.environ, "NO_COLOR": "1",
                "FOOTFALL_APP": app, "FOOTFALL_APP_TO_REVOKE": to_revoke,
            },
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        with open(os.path.join(folder, "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        operations = report["operations"]
        number = sum(
            len(item) for path, item in DOCUMENT["paths"].items() if re.search(paths, path)
        )
        self.assertEqual((operations["tested"], operations["skipped"]), (number, 0))
        refused = [
            name for name, phases in report["valid_rates"].items()
            if not any(rates["accepted"] for rates in phases.values())
        ]
        self.assertEqual(sorted(set(refused) - set(never)), [])

    def authorized(self):
        return "--header", f"Authorization: Bearer {self.footfall.token()}"

    def test_the_vendors_api(self):
        # Nobody had the address at that time.
        never = ["GET /api/machines/find(timestamp={timestamp},key='{ip}')"]
        self.check("^/api", *self.authorized(), never=never)

    def test_administration(self):
        # What these remove is gone by then, with what it belonged to.
        never = [
            "DELETE /admin/v1/apps/{id}/credentials/{member}",
            "DELETE /admin/v1/roles/{id}/user-groups/{member}",
            "DELETE /admin/v1/user-groups/{id}/members/{member}",
            # There is no node.
            "DELETE /admin/v1/nodes/{id}",
            "POST /admin/v1/nodes/{id}/refresh",
            "POST /admin/v1/nodes/{id}/revoke",
        ]
        self.check("^/admin/v1", *self.authorized(), never=never)

    def test_what_is_open_to_everyone(self):
        # Here a right request has a secret, a code or a registered app in it.
        never = [
            f"{method} /{{tenant}}/oauth2/{version}{path}"
            for method in ("GET", "POST") for version in ("", "v2.0/")
            for path in ("authorize", "devicecode", "revoke", "token")
        ]
        # Refused by name.
        never += ["GET /{node}/osquery/{endpoint}", "GET /{node}/osquery/distributed/{endpoint}"]
        self.check("^/(?!api|admin)", never=never)

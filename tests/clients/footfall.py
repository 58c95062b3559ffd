"""A server of Footfall for the tests of clients, as a person starts one.

scripts/test gives the program's path in FOOTFALL.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import tempfile
from unittest import mock

import requests

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


# Of the same user on a machine of another domain.
OTHER_LOGON = {**LOGON, "Hostname": "srv-01.lab.example", "RecordNumber": 7, "TargetLogonId": "0x77"}


class Footfall:
    """A server over TLS on a free port, with two logons and one app."""

    permissions = ("Machine.Read.All", "User.Read.All")
    # What the server logs, and where to; the terminal's unless it is a file.
    verbosity, log = "warn", None

    def __init__(self, config=""):
        self.folder = tempfile.TemporaryDirectory()
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("FOOTFALL")},
            "FOOTFALL_DATABASE": f"sqlite:{self.folder.name}/footfall.sqlite",
            "RUST_LOG": self.verbosity,
        }
        self.configure(config)
        self.fill()
        permissions = [f"--permission={permission}" for permission in self.permissions]
        self.app = self.json("app", "add", "clients", "--json", *permissions)
        self.authority_file = os.path.join(self.folder.name, "authority.pem")
        with open(self.authority_file, "w", encoding="utf-8") as file:
            file.write(self.run("certificate"))
        self.port = 0
        self.start()

    def fill(self):
        self.import_logons([LOGON, OTHER_LOGON])

    def import_logons(self, logons):
        path = os.path.join(self.folder.name, "logons.json")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(logon) + "\n" for logon in logons)
        self.run("import", path)

    def configure(self, config):
        path = os.path.join(self.folder.name, "config.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config)
        self.environment["FOOTFALL_CONFIG"] = path

    def start(self):
        self.server = subprocess.Popen(
            [
                FOOTFALL, "serve", "--listen", f"127.0.0.1:{self.port}", "--tls", "self-signed",
                "--tls-name", VENDOR_LOGIN, "--tls-name", VENDOR_API, "--limits", "off",
            ],
            env=self.environment, stdout=subprocess.PIPE, stderr=self.log, text=True,
        )
        ready = self.server.stdout.readline()
        self.port = int(re.search(r"https://127\.0\.0\.1:(\d+)/", ready).group(1))
        self.origin = f"https://localhost:{self.port}"

    def stop(self):
        self.server.terminate()
        assert self.server.wait(timeout=30) == 0
        self.server.stdout.close()

    def restart(self, config=""):
        """The same server at the same port, with another configuration."""
        self.stop()
        self.configure(config)
        self.start()

    def run(self, *arguments, stdin=None):
        return subprocess.run(
            [FOOTFALL, *arguments], env=self.environment, check=True, text=True, input=stdin,
            stdout=subprocess.PIPE,
        ).stdout

    def json(self, *arguments):
        return json.loads(self.run(*arguments))

    def token(self):
        """A token of the app."""
        answer = requests.post(
            f"{self.origin}/{self.app['tenantId']}/oauth2/v2.0/token", timeout=30,
            verify=self.authority_file,
            data={
                "grant_type": "client_credentials", "scope": f"https://{VENDOR_API}/.default",
                "client_id": self.app["clientId"], "client_secret": self.app["clientSecret"],
            },
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def add_analyst(self, user_name, password, *devices):
        """A person who may see the machines of a new device group, by the ends of their names."""
        name = user_name.split("@")[0]
        group, role = f"{name}s", f"{name} reads"
        self.run("group", "add", group, "--local")
        self.run("operator", "add", user_name, "--group", group, "--password-stdin", stdin=password)
        self.run("role", "add", role, "--permission", "ViewData", "--group", group)
        ends = [f"--name-ends-with={device}" for device in devices]
        self.run("device-group", "add", f"of {name}", *ends, "--access", group, "--yes")
        # What is in no group is not open to everyone with a role any more.
        self.run("group", "add", f"not {name}", "--local")
        self.run("role", "assign", role, f"not {name}")
        self.run("device-group", "access", "ungrouped", f"not {name}")

    def close(self):
        self.stop()
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


class Fleet(Footfall):
    """A server with the simulated fleet of `footfall demo`, and an app that may change machines."""

    permissions = ("Machine.ReadWrite.All", "User.Read.All")

    def fill(self):
        demo = subprocess.Popen(
            [FOOTFALL, "demo", "--listen", "127.0.0.1:0"], env=self.environment, text=True,
            stdout=subprocess.PIPE,
        )
        # The inventory is whole before it is served.
        while not demo.stdout.readline().startswith("Footfall serves"):
            assert demo.poll() is None
        demo.terminate()
        assert demo.wait(timeout=30) == 0
        demo.stdout.close()

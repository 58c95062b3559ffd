"""Real clients of Node, unmodified: @azure/msal-node and @azure/identity (node/sign_in.mjs)."""

import json
import os
import subprocess
import threading
import unittest

from browser import Browser
from certificate import new_certificate
from footfall import Footfall

NODE = os.environ["FOOTFALL_NODE"]
USER = "ben@corp.example"
PASSWORD = "nine lives of a red cat"


class Node(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.footfall = Footfall()
        os.environ["REQUESTS_CA_BUNDLE"] = cls.footfall.authority_file
        cls.footfall.add_analyst(USER, PASSWORD, ".corp.example")
        public = cls.footfall.json(
            "app", "add", "console", "--public", "--permission", "Machine.Read",
            "--redirect-uri", "http://localhost/back", "--json",
        )
        certificate, key = new_certificate(cls.footfall.folder.name)
        app = cls.footfall.app
        cls.footfall.run("app", "certificate", app["clientId"], certificate)
        cls.environment = {
            **os.environ,
            "NODE_EXTRA_CA_CERTS": cls.footfall.authority_file,
            "ORIGIN": cls.footfall.origin,
            "TENANT": app["tenantId"],
            "CLIENT": app["clientId"],
            "SECRET": app["clientSecret"],
            "PUBLIC_CLIENT": public["clientId"],
            "CERTIFICATE": certificate,
            "PRIVATE_KEY": key,
        }

    @classmethod
    def tearDownClass(cls):
        cls.footfall.close()

    def flow(self, name, names):
        """Runs a flow; what it asks a person to do is done. Every answer that it got must hold
        these machines."""
        process = subprocess.Popen(
            ["node", os.path.join(NODE, "sign_in.mjs"), name], env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        self.addCleanup(lambda: [s.close() for s in (process.stdin, process.stdout, process.stderr)])
        answers = 0
        for line in process.stdout:
            said = json.loads(line)
            if "code" in said:
                page = Browser(USER, PASSWORD)
                known = {"one-time-code": said["code"], "off": said["code"]}
                threading.Thread(target=page.visit, args=(said["open"],), kwargs=known).start()
            elif "open" in said:
                back = Browser(USER, PASSWORD).visit(said["open"], until="http://localhost:9/back")
                process.stdin.write(back + "\n")
                process.stdin.flush()
            else:
                self.assertEqual(said["status"], 200, said)
                self.assertEqual(sorted(said["names"]), names)
                answers += 1
        self.assertEqual(process.wait(timeout=60), 0, process.stderr.read())
        self.assertGreater(answers, 0)

    def test_apps(self):
        every = ["srv-01.lab.example", "ws-014.corp.example"]
        for flow in ("msal_secret", "msal_certificate", "identity_secret", "identity_certificate"):
            with self.subTest(flow):
                self.flow(flow, every)

    def test_people(self):
        for flow in ("msal_code", "msal_device_code"):
            with self.subTest(flow):
                self.flow(flow, ["ws-014.corp.example"])


if __name__ == "__main__":
    unittest.main(verbosity=2)

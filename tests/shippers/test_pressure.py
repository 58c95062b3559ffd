"""While another program holds the database, nothing can be written: senders wait, then they are refused, and
come again. Nothing is lost, and nothing counts twice.
"""

import contextlib
import gzip
import os
import re
import sqlite3
import tempfile
import time
import unittest
from collections import Counter

import requests

from senders import Sender
from shippers import Background, Live, Logons, ShipperTest, free_port, sshd, wait_until

LOGONS = 300
PARTS = 6
# The senders, and how each is told to come again.
BUSY = {"omes": 429, "sngraw": 503, "pybulk": 429, "pyhec": 503}
# The server holds 256 MiB of what is sent, unpacked and by pieces, until it is written; a body may have 64 MiB.
PIECE = 256 * 1024
LARGE, LARGE_ONES = 63 * 1024 * 1024, 4


class Logged(Live):
    """A server whose log can be asked what it answered."""

    verbosity = "info"

    def __init__(self):
        self.metrics = free_port()
        super().__init__(f'[metrics]\nlisten = "127.0.0.1:{self.metrics}"\n')

    def start(self):
        self.path = os.path.join(self.folder.name, "log")
        with open(self.path, "ab") as self.log:
            super().start()

    def room(self):
        """Bytes that it holds, and how many it may."""
        return requests.get(f"http://127.0.0.1:{self.metrics}/status", timeout=30).json()["heldBytes"]

    def answers(self):
        """How often an app was answered with which status, where it was not 200."""
        with open(self.path, encoding="utf-8") as file:
            lines = re.findall(r"status=(\d+) .*app_id=([0-9a-f-]+)", file.read())
        return Counter((app, int(status)) for status, app in lines)


@contextlib.contextmanager
def held(server):
    """The database, held as by a program that writes."""
    path = server.environment["FOOTFALL_DATABASE"].removeprefix("sqlite:")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


class Fillers:
    """Senders whose bodies take all the room that there is, one logon each among empty lines."""

    def __init__(self, server):
        self.server = server
        self.id, self.secret = server.add_sender("fillers")
        self.lines = [line for line in Logons("fill", 400, sshd).lines if "Accepted" in line]
        self.sending = []

    def fill(self):
        """Takes room until none is left."""
        for _ in range(LARGE_ONES):
            self.send(LARGE)
        wait_until(lambda: self.server.room()[0] >= LARGE_ONES * (LARGE + PIECE), self.server.room)
        while True:
            before, all_of_it = self.server.room()
            if before >= all_of_it:
                return
            self.send()
            wait_until(lambda held=before: self.server.room()[0] > held, self.server.room)

    def send(self, size=0):
        line = self.lines[len(self.sending)].encode()
        if size == 0:
            self.sending.append(Background(self.until_taken, line, "identity"))
        else:
            body = gzip.compress(line + b"\n" * (size - len(line)), 1)
            self.sending.append(Background(self.until_taken, body, "gzip"))

    def until_taken(self, body, encoding):
        while True:
            answer = requests.post(
                f"{self.server.origin}/services/collector/raw", body, timeout=60,
                verify=self.server.authority_file,
                headers={"Authorization": f"Splunk {self.id}:{self.secret}", "Content-Encoding": encoding})
            if answer.status_code == 200:
                return
            assert (answer.status_code, answer.json()["code"]) == (503, 9), answer.text
            time.sleep(int(answer.headers["Retry-After"]))


class UnderPressure(ShipperTest):
    """One server whose room is full, as long as the database is held, and its senders."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.server = Logged()
        cls.addClassCleanup(cls.server.close)
        os.environ["REQUESTS_CA_BUNDLE"] = cls.server.authority_file
        cls.addClassCleanup(os.environ.pop, "REQUESTS_CA_BUNDLE")
        cls.fillers = Fillers(cls.server)
        apps = {name: cls.server.add_sender(name) for name in BUSY}
        with held(cls.server):
            cls.fillers.fill()
            cls.senders = {
                name: Sender(cls.server, cls.folder.name, name, LOGONS, PARTS, apps[name]) for name in BUSY
            }
            for sending in cls.senders.values():
                if sending.shipper:
                    cls.addClassCleanup(sending.shipper.close)
            wait_until(cls.were_all_refused, cls.server.answers)
        for sending in cls.senders.values():
            sending.last.set()

    @classmethod
    def were_all_refused(cls):
        answers = cls.server.answers()
        return all(answers[sending.id, BUSY[name]] >= 2
                   for name, sending in cls.senders.items() if not sending.skipped)

    def check(self, name):
        sending = self.senders[name]
        if sending.skipped:
            raise unittest.SkipTest(str(sending.skipped))
        sending.feeder.finish()
        self.assert_arrived(self.server, sending.logons, sending.shipper)
        # Nothing else than that it is to come again, and nothing of it twice.
        refusals = {status for app, status in self.server.answers() if app == sending.id}
        self.assertEqual(refusals, {BUSY[name]})

    def test_rsyslog_sends_again_after_429(self):
        self.check("omes")

    def test_syslog_ng_sends_again_after_503(self):
        self.check("sngraw")

    def test_python_elasticsearch_sends_again_after_429(self):
        self.check("pybulk")

    def test_splunk_handler_sends_again_after_503(self):
        self.check("pyhec")

    def test_who_waited_was_taken(self):
        for sending in self.fillers.sending:
            sending.finish()
        known = sum(count for _, _, count in self.server.relations("fill-").values())
        self.assertEqual(known, len(self.fillers.sending))

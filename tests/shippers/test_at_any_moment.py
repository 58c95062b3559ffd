"""What speaks HTTP loses nothing, whenever the server is stopped or killed.

All of them send at once, to one server that is killed and stopped under them; each test then looks at
what came of one.
"""

import os
import random
import tempfile
import time
import unittest

from senders import SENDERS, Sender
from shippers import Live, ShipperTest, wait_until

LOGONS = 1000
PARTS = 25


class AtAnyMoment(ShipperTest):
    """Kills and stops at moments that nobody chose."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.server = Live()
        cls.addClassCleanup(cls.server.close)
        # requests takes its authorities from here when a library has no setting of its own.
        os.environ["REQUESTS_CA_BUNDLE"] = cls.server.authority_file
        cls.addClassCleanup(os.environ.pop, "REQUESTS_CA_BUNDLE")
        cls.senders = {
            name: Sender(cls.server, cls.folder.name, name, LOGONS, PARTS) for name in SENDERS
        }
        for sending in cls.senders.values():
            sending.last.set()
            if sending.shipper:
                cls.addClassCleanup(sending.shipper.close)
        sent = sum(sending.logons.count for sending in cls.senders.values() if not sending.skipped)
        for part, end in ((0.1, cls.server.kill), (0.25, cls.server.stop), (0.4, cls.server.kill),
                          (0.55, cls.server.kill)):
            # However slow the machine is, they are in the midst of it.
            wait_until(lambda goal=part * sent: cls.server.known() >= goal, cls.how_many_came)
            time.sleep(random.uniform(0, 0.5))
            end()
            time.sleep(random.uniform(0, 0.5))
            cls.server.start()

    @classmethod
    def how_many_came(cls):
        return {name: sum(row[2] for row in cls.server.relations(f"{name}-").values())
                for name in cls.senders}


def test_of(name):
    """The test of one sender."""
    def test(self):
        sending = self.senders[name]
        if sending.skipped:
            raise unittest.SkipTest(str(sending.skipped))
        sending.feeder.finish()
        self.assert_arrived(self.server, sending.logons, sending.shipper)
    return test


for _name, (_, _begin) in SENDERS.items():
    setattr(AtAnyMoment, f"test_{_begin.__name__}", test_of(_name))

"""What speaks HTTP loses nothing, whenever the server is stopped or killed.

All of them send at once, to one server that is killed and stopped under them; each test then looks at
what came of one.
"""

import logging
import os
import queue
import subprocess
import tempfile
import time
import unittest

from shippers import (
    Background, Live, Logons, ShipperTest, documented, have_node, nxlog, rsyslog, sshd, syslog_ng,
    winlogbeat, write_to_file, write_to_port,
)

LOGONS = 1500
PARTS = 30
PAUSE = 0.2
SENDERS = {}


def sender(name, form):
    """A sender by its name: what makes it begin, and gives back how to end it."""
    def register(begin):
        SENDERS[name] = (form, begin)
        return begin
    return register


class Sender:
    """One that sends, and the logons that it has to send."""

    def __init__(self, server, folder, name, form, begin):
        self.logons = Logons(name, LOGONS, form)
        self.shipper = self.feeder = self.skipped = None
        try:
            begin(self, server, folder)
        except unittest.SkipTest as why:
            self.skipped = why

    def feed(self, write, where):
        """Writes the logons bit by bit."""
        def work():
            for part in range(PARTS):
                write(where, self.logons.part(part, PARTS))
                time.sleep(PAUSE)
        self.feeder = Background(work)

    def send(self, part):
        """Calls for each part, and again until it was taken."""
        def work():
            for number in range(PARTS):
                while not part(self.logons.part(number, PARTS)):
                    time.sleep(0.2)
                time.sleep(PAUSE)
        self.feeder = Background(work)


def replacements(server, **more):
    """This machine's names in place of the documentation's."""
    return {
        "footfall.corp.example:443": f"localhost:{server.port}",
        "/etc/footfall/footfall.pem": server.authority_file,
        **more,
    }


@sender("omes", sshd)
def rsyslog_to_elasticsearch(self, server, folder):
    config = documented("rsyslog-elasticsearch", {
        "https://footfall.corp.example": "https://localhost", 'serverport="443"': f'serverport="{server.port}"',
        "/etc/footfall/footfall.pem": server.authority_file, "CLIENT_ID": server.id, "SECRET": server.secret,
        "/var/spool/rsyslog/footfall.refused": os.path.join(folder, "refused"),
        'action.resumeInterval="5"': 'action.resumeInterval="1"',
    })
    self.shipper = rsyslog(folder, "omes", config)
    self.feed(write_to_port, self.shipper.port)


@sender("sngraw", sshd)
def syslog_ng_to_hec_lines(self, server, folder):
    config = documented("syslog-ng-hec-raw", replacements(
        server, **{"CLIENT_ID:SECRET": f"{server.id}:{server.secret}"}))
    self.shipper = syslog_ng(folder, "sngraw", config)
    self.feed(write_to_file, self.shipper.source)


@sender("sngevent", nxlog)
def syslog_ng_to_hec_events(self, server, folder):
    config = documented("syslog-ng-hec-event", replacements(server, CLIENT_ID=server.id, SECRET=server.secret))
    self.shipper = syslog_ng(folder, "sngevent", config)
    self.feed(write_to_file, self.shipper.source)


@sender("sngbulk", winlogbeat)
def syslog_ng_to_elasticsearch(self, server, folder):
    config = documented(
        "syslog-ng-elasticsearch", replacements(server, CLIENT_ID=server.id, SECRET=server.secret))
    self.shipper = syslog_ng(folder, "sngbulk", config)
    self.feed(write_to_file, self.shipper.source)


@sender("pybulk", winlogbeat)
def python_bulk(self, server, folder):
    """helpers.bulk, and an API key."""
    send_documents(self, server, lambda es, documents: es[1].bulk(es[0], documents),
                   api_key=(server.id, server.secret))


@sender("pystream", sshd)
def python_streaming_bulk(self, server, folder):
    """helpers.streaming_bulk, packed, and a user with a password. The documents are lines."""
    send_documents(
        self, server, lambda es, documents: list(es[1].streaming_bulk(es[0], documents, chunk_size=40)),
        basic_auth=(server.id, server.secret), http_compress=True)


def send_documents(self, server, call, **options):
    import json
    from elasticsearch import ApiError, Elasticsearch, TransportError, helpers
    es = Elasticsearch(server.origin, ca_certs=server.authority_file, request_timeout=30, **options)

    def part(lines):
        documents = (
            {"_index": "footfall", "_op_type": "create",
             "_source": json.loads(line) if line.startswith("{") else {"message": line}}
            for line in lines
        )
        try:
            call((es, helpers), documents)
            return True
        except TransportError:
            return False
        except ApiError as refused:
            if refused.status_code not in (429, 503):
                raise
            return False
    self.send(part)


@sender("pyhec", sshd)
def splunk_handler(self, server, folder):
    """A logging handler; what it could not send in time it drops, so its retries cover a restart."""
    from splunk_handler import SplunkHandler
    handler = SplunkHandler(
        host="localhost", port=server.port, token=f"{server.id}:{server.secret}", index="main",
        hostname="relay", sourcetype="linux_secure", verify=server.authority_file, record_format=False,
        flush_interval=0.3, queue_size=0, retry_count=40, retry_backoff=0.05, timeout=30)
    logger = logging.getLogger("tests.shippers.hec")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)

    def part(lines):
        for line in lines:
            logger.info("%s", line)
        return True
    self.send(part)


@sender("pyack", nxlog)
def splunk_hec_with_acknowledgements(self, server, folder):
    """Each batch waits until /services/collector/ack says that it is on the disk."""
    import json
    from splunk_hec import splunk_hec
    unsent = queue.Queue()
    hec = splunk_hec(
        f"{server.id}:{server.secret}", "localhost", hec_port=server.port, input_type="json", use_ack=True,
        ack_interval=0, max_ack_attempts=5, backup_queue=unsent, logger=logging.getLogger("tests.shippers.ack"))

    def part(lines):
        for line in lines:
            hec.send_event({"event": json.loads(line), "sourcetype": "_json", "host": "relay"})
        hec.stop_threads_and_processing()
        if unsent.empty():
            return True
        while not unsent.empty():
            unsent.get()
        return False
    self.send(part)


@sender("jsbulk", nxlog)
def node_bulk(self, server, folder):
    run_node(self, folder, "bulk.mjs", [
        server.origin, server.id, server.secret, server.authority_file], server)


@sender("jshec", nxlog)
def node_hec(self, server, folder):
    run_node(self, folder, "hec.mjs", [
        server.origin, f"{server.id}:{server.secret}"], server)


def run_node(self, folder, script, arguments, server):
    packages = have_node()
    source = os.path.join(folder, f"{self.logons.name}.ndjson")
    write_to_file(source, self.logons.lines)
    command = ["node", os.path.join(packages, script), *arguments, source, "100"]
    environment = {**os.environ, "NODE_EXTRA_CA_CERTS": server.authority_file}

    def work():
        outcome = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
        assert outcome.returncode == 0, outcome.stderr + outcome.stdout
    self.feeder = Background(work)


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
            name: Sender(cls.server, cls.folder.name, name, form, begin)
            for name, (form, begin) in SENDERS.items()
        }
        for sending in cls.senders.values():
            if sending.shipper:
                cls.addClassCleanup(sending.shipper.close)
        for end in (cls.server.kill, cls.server.stop, cls.server.kill, cls.server.kill):
            time.sleep(1.3)
            end()
            time.sleep(0.3)
            cls.server.start()


def test_of(name):
    """The test of one sender."""
    def test(self):
        sending = self.senders[name]
        if sending.skipped:
            raise sending.skipped
        sending.feeder.finish()
        self.assert_arrived(self.server, sending.logons, sending.shipper)
    test.__doc__ = None
    return test


for _name, (_, _begin) in SENDERS.items():
    setattr(AtAnyMoment, f"test_{_begin.__name__}", test_of(_name))

"""The senders that speak HTTP: each begins to send its logons, bit by bit, as soon as it is made."""

import logging
import os
import queue
import subprocess
import threading
import time
import unittest

from shippers import (
    Background, Logons, documented, have_node, nxlog, rsyslog, sshd, syslog_ng, torn, winlogbeat,
    write_to_file, write_to_port,
)

PAUSE = 0.2
SENDERS = {}


def sender(name, form):
    """A sender by its name: what makes it begin, and gives back how to end it."""
    def register(begin):
        SENDERS[name] = (form, begin)
        return begin
    return register


class Sender:
    """One that sends as an app of its own, and the logons that it has to send in some parts; the last of
    them is only sent when `last` is set."""

    def __init__(self, server, folder, name, logons, parts, app=None):
        form, begin = SENDERS[name]
        self.logons = Logons(name, logons, form)
        self.parts = parts
        self.last = threading.Event()
        self.id, self.secret = app or server.add_sender(name)
        self.shipper = self.feeder = self.skipped = None
        try:
            begin(self, server, folder)
        except unittest.SkipTest as why:
            self.skipped = why

    def feed(self, write, where):
        """Writes the logons bit by bit."""
        def part(lines):
            write(where, lines)
            return True
        self.send(part)

    def send(self, part):
        """Calls for each part, and again until it was taken."""
        def work():
            for number in range(self.parts):
                if number == self.parts - 1:
                    self.last.wait()
                while not part(self.logons.part(number, self.parts)):
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
        "/etc/footfall/footfall.pem": server.authority_file, "CLIENT_ID": self.id, "SECRET": self.secret,
        "/var/spool/rsyslog/footfall.refused": os.path.join(folder, "refused"),
        'action.resumeInterval="5"': 'action.resumeInterval="1"',
    })
    self.shipper = rsyslog(folder, "omes", config)
    self.feed(write_to_port, self.shipper.port)


@sender("sngraw", sshd)
def syslog_ng_to_hec_lines(self, server, folder):
    config = documented("syslog-ng-hec-raw", replacements(
        server, **{"CLIENT_ID:SECRET": f"{self.id}:{self.secret}"}))
    self.shipper = syslog_ng(folder, "sngraw", config)
    self.feed(write_to_file, self.shipper.source)


@sender("sngevent", torn(nxlog))
def syslog_ng_to_hec_events(self, server, folder):
    config = documented("syslog-ng-hec-event", replacements(server, CLIENT_ID=self.id, SECRET=self.secret))
    self.shipper = syslog_ng(folder, "sngevent", config)
    self.feed(write_to_file, self.shipper.source)


@sender("sngbulk", torn(winlogbeat))
def syslog_ng_to_elasticsearch(self, server, folder):
    config = documented(
        "syslog-ng-elasticsearch", replacements(server, CLIENT_ID=self.id, SECRET=self.secret))
    self.shipper = syslog_ng(folder, "sngbulk", config)
    self.feed(write_to_file, self.shipper.source)


@sender("pybulk", winlogbeat)
def python_bulk(self, server, folder):
    """helpers.bulk, and an API key."""
    send_documents(self, server, lambda es, documents: es[1].bulk(es[0], documents),
                   api_key=(self.id, self.secret))


@sender("pystream", sshd)
def python_streaming_bulk(self, server, folder):
    """helpers.streaming_bulk, packed, and a user with a password. The documents are lines."""
    send_documents(
        self, server, lambda es, documents: list(es[1].streaming_bulk(es[0], documents, chunk_size=40)),
        basic_auth=(self.id, self.secret), http_compress=True)


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


def quiet_logger(name):
    """A logger whose words go nowhere but to the handlers that it gets."""
    logger = logging.getLogger(f"tests.shippers.{name}")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    return logger


@sender("pyhec", sshd)
def splunk_handler(self, server, folder):
    """A logging handler; what it could not send in time it drops, so its retries cover a restart."""
    from splunk_handler import SplunkHandler
    handler = SplunkHandler(
        host="localhost", port=server.port, token=f"{self.id}:{self.secret}", index="main",
        hostname="relay", sourcetype="linux_secure", verify=server.authority_file, record_format=False,
        flush_interval=0.3, queue_size=0, retry_count=40, retry_backoff=0.05, timeout=30)
    logger = quiet_logger(self.id)
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
        f"{self.id}:{self.secret}", "localhost", hec_port=server.port, input_type="json", use_ack=True,
        ack_interval=0, max_ack_attempts=5, backup_queue=unsent, logger=quiet_logger(self.id))

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
        server.origin, self.id, self.secret, server.authority_file], server)


@sender("jshec", nxlog)
def node_hec(self, server, folder):
    run_node(self, folder, "hec.mjs", [
        server.origin, f"{self.id}:{self.secret}"], server)


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

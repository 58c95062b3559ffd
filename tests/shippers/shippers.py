"""A server of Footfall that takes logons in, what is sent to it, and the shippers that send it.

A shipper's configuration is the one that the documentation shows: the block behind a mark
`<!-- run: NAME -->` in docs/sources, with this machine's names in place of the example's.

scripts/test gives the program's path in FOOTFALL, the folder of unpacked shippers in
FOOTFALL_SHIPPERS, and the folder of Node's packages in FOOTFALL_SHIPPERS_NODE.
"""

import datetime
import glob
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "clients"))
from footfall import FOOTFALL, Footfall  # noqa: E402

DOCUMENTATION = pathlib.Path(__file__).parents[2] / "docs" / "sources"
PATIENCE = 60


def free_port():
    """A port that nobody has now. Between here and its use another program might take it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def documented(name, replacements):
    """The block of the documentation that is marked so, with other words in it."""
    mark = f"<!-- run: {name} -->"
    for page in DOCUMENTATION.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        if mark in text:
            block = re.search(r"\s*```\w*\n(.*?)```", text[text.index(mark) + len(mark):], re.S)
            text = block.group(1)
            for old, new in replacements.items():
                assert old in text, f"{page.name}, {name}: no {old!r}"
                text = text.replace(old, str(new))
            return text
    raise LookupError(mark)


class Live(Footfall):
    """A server that can be killed, with an app that may send, and listeners."""

    def add_sender(self, name):
        """An app that may send: its id and secret."""
        app = self.json("app", "add", name, "--permission=Telemetry.Write", "--json")
        return app["clientId"], app["clientSecret"]

    def fill(self):
        """Nothing is there before it is sent."""

    def kill(self):
        """As a machine that loses its power would, but for what is in the kernel's hands."""
        self.server.kill()
        self.server.wait(timeout=30)
        self.server.stdout.close()

    def known(self):
        """How many logons it knows."""
        return sum(count for _, _, count in self.relations().values())

    def relations(self, prefix=""):
        """Who was where, when first and last and how often, of accounts that begin so."""
        with tempfile.TemporaryDirectory() as folder:
            export = subprocess.run([FOOTFALL, "export", folder, "--force"], env=self.environment,
                                    capture_output=True, text=True, check=False)
            assert export.returncode == 0, export.stderr
            with open(os.path.join(folder, "relations.ndjson"), encoding="utf-8") as file:
                rows = [json.loads(line) for line in file]
        return {
            (row["user"], row["machine"]): (row["firstSeen"][:19], row["lastSeen"][:19], row["logonCount"])
            for row in rows if row["user"].startswith(prefix)
        }


def wait_until(condition, what, patience=PATIENCE):
    """Waits for something that comes to be by itself."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience} seconds: {what()}"
        time.sleep(0.1)


class Logons:
    """Logons of one sender, as its product writes them, among what else such a log holds."""

    def __init__(self, name, count, form, newest=None):
        self.name = name
        self.count = count
        self.relations = {}
        self.lines = []
        chance = random.Random(name)
        # Old stamps of syslog have no year: these are some hours old, and in UTC.
        newest = newest or datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        begin = newest - datetime.timedelta(hours=2)
        for number in range(count):
            moment = begin + datetime.timedelta(seconds=number * 3, microseconds=number)
            logon = {
                "moment": moment, "number": number, "user": f"{name}-u{chance.randrange(40):02}",
                "machine": f"{name}-h{chance.randrange(25):02}",
                "remote": f"10.{chance.randrange(250)}.{number // 250}.{number % 250 + 1}",
            }
            user, machine, lines = form(logon)
            stamp = moment.strftime("%Y-%m-%dT%H:%M:%S")
            first, _, logons = self.relations.get((user, machine), (stamp, stamp, 0))
            self.relations[user, machine] = (first, stamp, logons + 1)
            self.lines.extend(lines)

    def part(self, number, parts):
        """One of several parts of the lines, in order."""
        size = -(-len(self.lines) // parts)
        return self.lines[number * size:(number + 1) * size]


def sshd(logon):
    """Debian's auth.log: a logon, the session of PAM that belongs to it, a failure."""
    head = f"{logon['moment'].strftime('%Y-%m-%dT%H:%M:%S.%f')}+00:00 {logon['machine']}"
    process = f"sshd[{1000 + logon['number']}]"
    remote = f"from {logon['remote']} port {1024 + logon['number'] * 7 % 60000} ssh2"
    lines = [
        f"{head} {process}: Accepted publickey for {logon['user']} {remote}: ED25519 SHA256:q8E4oWvF",
        f"{head} {process}: pam_unix(sshd:session): session opened for user {logon['user']}(uid=1000) by (uid=0)",
    ]
    if logon["number"] % 5 == 0:
        lines.insert(0, f"{head} {process}: Failed password for {logon['user']} {remote}")
    return logon["user"], logon["machine"], lines


def fields(logon):
    """What Windows says of a logon, and of one of a computer account, which is noise."""
    yield {
        "TargetUserSid": f"S-1-5-21-11-22-33-{1100 + int(logon['user'][-2:])}",
        "TargetUserName": logon["user"], "TargetDomainName": "CORP",
        "TargetLogonId": f"0x{0x10000 + logon['number']:x}", "LogonType": "10",
        "LogonProcessName": "User32", "AuthenticationPackageName": "Negotiate",
        "WorkstationName": logon["machine"].upper(), "IpAddress": logon["remote"], "IpPort": "0",
    }
    if logon["number"] % 3 == 0:
        yield {
            "TargetUserSid": "S-1-5-18", "TargetUserName": f"{logon['machine'].upper()}$",
            "TargetDomainName": "CORP", "TargetLogonId": f"0x{0x900000 + logon['number']:x}",
            "LogonType": "3", "IpAddress": "-", "IpPort": "-", "WorkstationName": "-",
        }


def nxlog(logon):
    """NXLog's to_json() of im_msvistalog."""
    machine = f"{logon['machine']}.corp.example"
    lines = [
        json.dumps({
            "EventTime": logon["moment"].strftime("%Y-%m-%dT%H:%M:%S.%f+00:00"), "Hostname": machine,
            "Keywords": "9232379236109516800", "EventType": "AUDIT_SUCCESS", "SeverityValue": 2,
            "EventID": 4624, "SourceName": "Microsoft-Windows-Security-Auditing", "Version": 2,
            "RecordNumber": 2 * logon["number"] + at, "Channel": "Security", **event,
            "SourceModuleName": "forwarded", "SourceModuleType": "im_msvistalog",
        })
        for at, event in enumerate(fields(logon))
    ]
    return logon["user"], machine, lines


def winlogbeat(logon):
    """A document of Winlogbeat 8."""
    machine = f"{logon['machine']}.corp.example"
    lines = [
        json.dumps({
            "@timestamp": logon["moment"].strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "Z",
            "winlog": {
                "channel": "Security", "computer_name": machine, "event_id": "4624",
                "provider_name": "Microsoft-Windows-Security-Auditing",
                "record_id": 2 * logon["number"] + at, "event_data": event,
            },
            "event": {"code": "4624", "kind": "event", "provider": "Microsoft-Windows-Security-Auditing"},
            "host": {"name": "wec-1.corp.example"}, "agent": {"type": "winlogbeat", "version": "8.17.0"},
            "ecs": {"version": "8.0.0"}, "log": {"level": "information"},
        })
        for at, event in enumerate(fields(logon))
    ]
    return logon["user"], machine, lines


def torn(form):
    """The same, with a line now and then that somebody broke off: it must not stop what comes behind."""
    def lines_of(logon):
        user, machine, lines = form(logon)
        return user, machine, lines + ([lines[0][:60]] if logon["number"] % 100 == 50 else [])
    return lines_of


class Unpacked:
    """Shippers that were unpacked from packages and not installed (tests/shippers/fetch)."""

    def __init__(self):
        self.folder = os.environ.get("FOOTFALL_SHIPPERS", "")
        libraries = [
            path for pattern in ("usr/lib/*-linux-*", "lib/*-linux-*", "usr/lib/syslog-ng")
            for path in glob.glob(os.path.join(self.folder, pattern))
        ]
        self.environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}

    def program(self, path):
        """The path of a program, or a test that is skipped, and says so."""
        path = os.path.join(self.folder, path)
        if not self.folder or not os.path.exists(path):
            why = f"{os.path.basename(path)} is not to be had here (tests/shippers/fetch)"
            print(f"\n{'*' * 30}\nSKIPPED: {why}\n{'*' * 30}", file=sys.stderr)
            raise unittest.SkipTest(why)
        return path

    def modules(self, pattern):
        """The folder of a program's modules."""
        return glob.glob(os.path.join(self.folder, pattern))[0]


class Shipper:
    """A process that ships. It runs until it is closed."""

    def __init__(self, command, environment, log):
        self.log = log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)

    def said(self):
        """What it wrote about itself."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def rsyslog(folder, name, config):
    """rsyslog with a block of the documentation; what comes to its port is what its host says."""
    unpacked = Unpacked()
    program = unpacked.program("usr/sbin/rsyslogd")
    home = os.path.join(folder, name)
    os.mkdir(home)
    port = free_port()
    path = os.path.join(home, "rsyslog.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            f'global(workDirectory="{home}" net.enableDNS="off" parser.permitSlashInProgramName="on")\n'
            'main_queue(queue.size="100000" queue.type="LinkedList")\n'
            'module(load="imptcp")\n'
            f'input(type="imptcp" address="127.0.0.1" port="{port}")\n{config}'
        )
    shipper = Shipper(
        [program, "-n", "-C", "-M", unpacked.modules("usr/lib/*/rsyslog"), "-f", path, "-i",
         os.path.join(home, "pid")],
        unpacked.environment, os.path.join(home, "output"),
    )
    shipper.port = port
    return shipper


def syslog_ng(folder, name, config):
    """syslog-ng with a block of the documentation: `s_src` follows a file of auth.log's lines, `s_json`
    one of JSON."""
    unpacked = Unpacked()
    program = unpacked.program("usr/sbin/syslog-ng")
    home = os.path.join(folder, name)
    os.mkdir(home)
    modules = unpacked.modules("usr/lib/syslog-ng/[0-9]*")
    include = os.path.join(unpacked.folder, "usr/share/syslog-ng/include/scl/elasticsearch/elastic-http.conf")
    path, source = os.path.join(home, "syslog-ng.conf"), os.path.join(home, "source")
    open(source, "w", encoding="utf-8").close()
    kind = "s_json" if "s_json" in config else "s_src"
    flags = "flags(no-parse)" if kind == "s_json" else ""
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            f"@version: {os.path.basename(modules)}\n@include \"{include}\"\n"
            "options { stats-freq(0); time-reopen(1); keep-hostname(yes); use-dns(no); dns-cache(no); chain-hostnames(no); "
            "send-time-zone(\"UTC\"); log-fifo-size(10000); };\n"
            f'source {kind} {{ file("{source}" follow-freq(0.2) {flags}); }};\n{config}'
        )
    shipper = Shipper(
        [program, "-F", "--no-caps", "--module-path", modules, "-f", path, "-R", os.path.join(home, "persist"),
         "-p", os.path.join(home, "pid"), "-c", os.path.join(home, "control")],
        unpacked.environment, os.path.join(home, "output"),
    )
    shipper.source = source
    return shipper


def write_to_file(path, lines):
    """As a program that logs does."""
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


def write_to_port(port, lines):
    """As a host's programs give their messages to the daemon."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                connection.sendall("".join(f"<86>{line}\n" for line in lines).encode())
            return
        except ConnectionRefusedError:
            # It has just been started.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


class Background:
    """Work beside the test, whose failure the test gets when it asks for it."""

    def __init__(self, work, *arguments):
        self.failure = None
        self.thread = threading.Thread(target=self._work, args=(work, *arguments), daemon=True)
        self.thread.start()

    def _work(self, work, *arguments):
        try:
            work(*arguments)
        except Exception as failure:  # pylint: disable=broad-exception-caught
            self.failure = failure

    def finish(self):
        self.thread.join(timeout=PATIENCE)
        assert not self.thread.is_alive(), "it did not end"
        if self.failure:
            raise self.failure


class ShipperTest(unittest.TestCase):
    """Compares what is known with what was sent."""

    maxDiff = 2000

    def assert_arrived(self, server, logons, shipper=None, patience=PATIENCE):
        """Every logon is known, once, and no other."""
        deadline = time.monotonic() + patience
        expected = logons.count
        while True:
            known = server.relations(f"{logons.name}-")
            if sum(count for _, _, count in known.values()) >= expected or time.monotonic() > deadline:
                break
            time.sleep(0.3)
        if known != logons.relations:
            came = sum(count for _, _, count in known.values())
            missing = {key: value for key, value in logons.relations.items() if known.get(key) != value}
            other = {key: value for key, value in known.items() if logons.relations.get(key) != value}
            self.fail(
                f"{logons.name}: {came} logons of {expected} are known.\n"
                f"Sent: {dict(list(missing.items())[:5])}\nKnown: {dict(list(other.items())[:5])}\n"
                f"{shipper.said() if shipper else ''}"
            )


def have_node():
    """The folder of Node's packages, or a test that is skipped, and says so."""
    folder = os.environ.get("FOOTFALL_SHIPPERS_NODE", "")
    if not folder or not shutil.which("node"):
        print("\nSKIPPED: Node and its packages are not to be had here", file=sys.stderr)
        raise unittest.SkipTest("no Node")
    return folder

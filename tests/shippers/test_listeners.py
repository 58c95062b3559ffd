"""What has no acknowledgement loses nothing when the server is stopped or killed while nothing is on the
way, nor while it is away; but for what syslog-ng writes first over TLS after a kill."""

import os
import subprocess
import tempfile
import time
import unittest

from shippers import (
    Live, Logons, ShipperTest, documented, free_port, nxlog, rsyslog, sshd, syslog_ng,
    torn, write_to_file, write_to_port,
)

LOGONS = 600


def certificates(folder):
    """An authority, and a certificate of it for a sender."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=senders",
            "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=this-host",
            "-keyout", "host.key", "-out", "host.csr")
    # Only with extensions it is one of version 3, which alone is taken.
    with open(os.path.join(folder, "extensions"), "w", encoding="utf-8") as file:
        file.write("extendedKeyUsage = clientAuth\n")
    openssl("x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "extensions", "-out", "host.pem")
    return [os.path.join(folder, name) for name in ("ca.pem", "host.pem", "host.key")]


class Listeners(ShipperTest):
    """Everything that sends to a listener, to one server."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        authority, cls.certificate, cls.key = certificates(cls.folder.name)
        cls.tcp, cls.tls, cls.lines = free_port(), free_port(), free_port()
        cls.server = Live(f"""
            [[listener]]
            kind = "syslog"
            protocol = "tcp"
            address = "127.0.0.1:{cls.tcp}"

            [[listener]]
            kind = "syslog"
            protocol = "tls"
            address = "127.0.0.1:{cls.tls}"
            client_ca = "{authority}"

            [[listener]]
            kind = "lines"
            protocol = "tls"
            address = "127.0.0.1:{cls.lines}"
        """)
        cls.addClassCleanup(cls.server.close)
        cls.senders = {}
        for begin in (cls.rsyslog_tls, cls.rsyslog_tcp, cls.rsyslog_old, cls.rsyslog_file, cls.syslog_ng_tls,
                      cls.syslog_ng_tcp, cls.syslog_ng_lines):
            try:
                cls.senders[begin.__name__] = begin()
                cls.addClassCleanup(cls.senders[begin.__name__][0].close)
            except unittest.SkipTest as why:
                cls.senders[begin.__name__] = why
        cls.write(0)
        cls.wait(0)
        cls.server.stop()
        cls.write(1)
        cls.server.start()
        cls.wait(1)
        cls.server.kill()
        if isinstance(cls.senders["syslog_ng_lines"], tuple):
            # Over TLS syslog-ng does not see that its connection ended: what it writes first is lost.
            write_to_file(cls.senders["syslog_ng_lines"][3], ["{}"])
        cls.write(2)
        cls.server.start()

    @classmethod
    def replacements(cls, port, **more):
        number = {cls.tcp: "6513", cls.tls: "6514", cls.lines: "6515"}[port]
        return {
            "footfall.corp.example": "localhost",
            **({f'port="{number}"': f'port="{port}"'} if more.pop("rsyslog", False)
               else {f"port({number})": f"port({port})"}),
            **({} if port == cls.tcp else {"/etc/footfall/footfall.pem": cls.server.authority_file}),
            **more,
        }

    @classmethod
    def rsyslog_tls(cls):
        shipper = rsyslog(cls.folder.name, "rstls", documented("rsyslog-tls", cls.replacements(
            cls.tls, rsyslog=True, **{
                "/etc/rsyslog.d/this-host.pem": cls.certificate, "/etc/rsyslog.d/this-host.key": cls.key,
                'action.resumeInterval="5"': 'action.resumeInterval="1"'})))
        return shipper, Logons("rstls", LOGONS, sshd), write_to_port, shipper.port

    @classmethod
    def rsyslog_tcp(cls):
        shipper = rsyslog(cls.folder.name, "rstcp", documented("rsyslog-tcp", cls.replacements(
            cls.tcp, rsyslog=True, **{'action.resumeInterval="5"': 'action.resumeInterval="1"'})))
        return shipper, Logons("rstcp", LOGONS, sshd), write_to_port, shipper.port

    @classmethod
    def rsyslog_old(cls):
        """As rsyslog sends unless it is told otherwise: stamps without year and zone."""
        shipper = rsyslog(cls.folder.name, "rsold", documented("rsyslog-tcp", cls.replacements(
            cls.tcp, rsyslog=True, **{
                'action.resumeInterval="5"': 'action.resumeInterval="1"',
                "RSYSLOG_ForwardFormat": "RSYSLOG_TraditionalForwardFormat"})))
        return shipper, Logons("rsold", LOGONS, sshd), write_to_port, shipper.port

    @classmethod
    def rsyslog_file(cls):
        source = os.path.join(cls.folder.name, "rsfile.log")
        open(source, "w", encoding="utf-8").close()
        shipper = rsyslog(cls.folder.name, "rsfile", documented("rsyslog-file", cls.replacements(
            cls.tcp, rsyslog=True, **{
                "/srv/logs/auth.log": source, 'action.resumeInterval="5"': 'action.resumeInterval="1"'})))
        return shipper, Logons("rsfile", LOGONS, sshd), write_to_file, source

    @classmethod
    def syslog_ng_tls(cls):
        shipper = syslog_ng(cls.folder.name, "sngtls", documented("syslog-ng-tls", cls.replacements(
            cls.tls, **{"/etc/syslog-ng/this-host.pem": cls.certificate,
                        "/etc/syslog-ng/this-host.key": cls.key})))
        return shipper, Logons("sngtls", LOGONS, sshd), write_to_file, shipper.source

    @classmethod
    def syslog_ng_tcp(cls):
        shipper = syslog_ng(
            cls.folder.name, "sngtcp", documented("syslog-ng-tcp", cls.replacements(cls.tcp)))
        return shipper, Logons("sngtcp", LOGONS, sshd), write_to_file, shipper.source

    @classmethod
    def syslog_ng_lines(cls):
        shipper = syslog_ng(
            cls.folder.name, "snglines", documented("syslog-ng-lines", cls.replacements(cls.lines)))
        return shipper, Logons("snglines", LOGONS, torn(nxlog)), write_to_file, shipper.source

    @classmethod
    def running(cls):
        return [sending for sending in cls.senders.values() if isinstance(sending, tuple)]

    @classmethod
    def write(cls, part):
        for _, logons, write, where in cls.running():
            write(where, logons.part(part, 3))

    @classmethod
    def wait(cls, part):
        """Until nothing is on the way. What did not come shows in the tests."""
        for shipper, logons, _, _ in cls.running():
            sent = sum("Accepted" in line or '"S-1-5-21' in line
                       for number in range(part + 1) for line in logons.part(number, 3))
            cls().wait_for(cls.server, logons, sent)

    def wait_for(self, server, logons, count):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if sum(row[2] for row in server.relations(f"{logons.name}-").values()) >= count:
                return
            time.sleep(0.3)

    def check(self, name):
        sending = self.senders[name]
        if isinstance(sending, unittest.SkipTest):
            raise sending
        shipper, logons, _, _ = sending
        self.assert_arrived(self.server, logons, shipper)

    def test_rsyslog_over_tls_with_a_certificate(self):
        self.check("rsyslog_tls")

    def test_rsyslog_over_tcp(self):
        self.check("rsyslog_tcp")

    def test_rsyslog_with_old_stamps(self):
        self.check("rsyslog_old")

    def test_rsyslog_of_a_file(self):
        self.check("rsyslog_file")

    def test_syslog_ng_over_tls_with_a_certificate(self):
        self.check("syslog_ng_tls")

    def test_syslog_ng_over_tcp(self):
        self.check("syslog_ng_tcp")

    def test_syslog_ng_sends_lines_of_json(self):
        self.check("syslog_ng_lines")

"""Goal: a listener that a worker has changed is set back, or replaced: its port lives again.

The workers are real ones, into which break-out.c is preloaded. seccomp, which keeps them from it, is
off: so it stays in force over the end of the worker, reloads, restarts and upgrades but for the master.
"""

import os
import re
import signal
import socket
import unittest

import harness
from manager import Service

BREAK_OUT = os.path.join(os.path.dirname(os.path.abspath(harness.TINED)), "tests", "it", "break-out.so")

with open(harness.TINED, "rb") as program:
    SANITIZED = re.search(rb"__[at]san_init", program.read()) is not None

RESTORED = "the listener on %s had been changed, and is set back: IP_MINTTL"
SPOILT = "the listener on %s was changed in a way that cannot be set back: SO_LOCK_FILTER; "


@unittest.skipIf(SANITIZED, "a sanitizer's runtime must come first")
class Changed(Service):
    def changed(self, attempt, sockets=(), listen=None):
        """A server of whose listener a worker has changed something."""
        self.address = listen or "127.0.0.1:%d" % harness.free_port()
        d = self.service(start=False, sockets=sockets, workers=1, sandbox={"seccomp": "off"},
                         listen=("systemd:http",) if sockets else (self.address,))
        d.environment["LD_PRELOAD"] = BREAK_OUT
        d.start()
        self.manager.wait("READY", "1")
        self.assert_status(d.get("/"), 200)
        self.connection = self.break_out(d, attempt)
        return d

    def break_out(self, d, attempt):
        c = d.connect()
        self.addCleanup(c.close)
        c.send(b"BREAK OUT %s\r\n\r\n" % attempt.encode())
        d.wait_log("break-out: %s: done" % attempt)
        return c

    def is_dead(self, d):
        """The kernel drops what comes, without a word."""
        with self.assertRaises(socket.timeout):
            d.connect(timeout=0.3).close()

    def reload(self, d):
        mark = self.manager.mark()
        d.send_signal(signal.SIGHUP)
        self.manager.wait("READY", "1", mark)

    def restart(self, d):
        """As systemctl restart: a socket unit's socket stays, and all that was stored."""
        d.stop(signal.SIGTERM)
        sockets = list(self.passed)
        sockets += [(name, os.fdopen(os.dup(fd), "rb")) for name, fd in self.manager.stored().items()]
        mark = self.manager.mark()
        self.manager.prepare(d, sockets=sockets, program=self.program)
        d.environment["LD_PRELOAD"] = BREAK_OUT
        d.start()
        self.manager.wait("READY", "1", mark)

    passed = ()

    def of_a_unit(self):
        s = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(s.close)
        self.passed = [("http", s)]
        return "127.0.0.1:%d" % s.getsockname()[1]

    def lives_again(self, d, mark):
        d.wait_log(RESTORED % self.address, after=mark)
        self.assert_status(d.get("/"), 200)

    def test_end_of_a_worker(self):
        d = self.changed("kill-port")
        self.is_dead(d)
        mark = d.mark()
        os.kill(d.workers()[0], signal.SIGKILL)
        self.lives_again(d, mark)

    def test_reload(self):
        d = self.changed("kill-port")
        self.is_dead(d)
        mark = d.mark()
        self.reload(d)
        self.lives_again(d, mark)

    def test_upgrade(self):
        d = self.changed("kill-port")
        mark = self.manager.mark()
        d.send_signal(signal.SIGUSR2)
        self.manager.wait("RELOADING", "1", mark)
        self.manager.wait("READY", "1", mark)
        self.lives_again(d, 0)

    def test_restart(self):
        """The last thing that a worker does is found by the next master."""
        for passed in (False, True):
            address = self.of_a_unit() if passed else None
            d = self.changed("kill-port", sockets=self.passed, listen=address)
            self.is_dead(d)
            d.kill()
            self.restart(d)
            self.lives_again(d, 0)

    def test_of_a_unit_is_wanted(self):
        """A value that the socket unit has set stays."""
        address = self.of_a_unit()
        unit = self.passed[0][1]
        unit.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 77)
        d = self.changed("kill-port", sockets=self.passed, listen=address)
        mark = d.mark()
        self.reload(d)
        self.lives_again(d, mark)
        self.assertEqual(unit.getsockopt(socket.IPPROTO_IP, socket.IP_TTL), 77)

    def test_spoilt_own(self):
        """Another one is bound, by the end of the worker or by a reload."""
        for how in (lambda d: os.kill(d.workers()[0], signal.SIGKILL), lambda d: d.send_signal(signal.SIGHUP)):
            d = self.changed("spoil-port")
            before = self.manager.stored()
            mark = d.mark()
            how(d)
            d.wait_log(SPOILT % self.address + "another one is bound in its place", after=mark)
            d.wait_log("ready: generation 2", after=mark)
            self.assert_status(d.get("/"), 200)
            harness.wait_until(lambda: self.manager.stored() and set(self.manager.stored()) != set(before),
                               "the other one in the store")
            mark = d.mark()
            self.reload(d)
            self.assertNotIn("cannot be set back", d.log_from(mark))
            self.assert_status(d.get("/"), 200)

    def test_spoilt_of_a_unit(self):
        """It is served on, but taken by no other generation, and the way out is named."""
        d = self.changed("spoil-port", listen=self.of_a_unit(), sockets=self.passed)
        mark = d.mark()
        self.reload(d)
        d.wait_log(SPOILT % self.address + "renew it: systemctl restart UNIT.socket tined.service", after=mark)
        d.wait_log("reload failed: generation 1 goes on", after=mark)
        self.assert_status(d.get("/"), 200)


if __name__ == "__main__":
    harness.main()

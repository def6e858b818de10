"""Goal: a new program takes the old one's place without a closed connection, or not at all.

USR2 makes the master execute the program anew: the same process, other code. Connections of every
kind go on. A program that crashes at its start, that cannot be executed, that does not know the
state or hangs is refused, and one that has taken over but cannot start goes back to the old one.
"""

import os
import re
import shutil
import signal
import tempfile
import threading
import unittest

import harness
import totals
from harness import wait_gone, wait_until

LARGE = bytes(range(256)) * 4096 * 20  # 20 MiB
OTHER_VERSION = os.path.join(os.path.dirname(os.path.abspath(harness.TINED)), "tests", "it", "other-version.so")

with open(harness.TINED, "rb") as program:
    SANITIZED = re.search(rb"__[at]san_init", program.read()) is not None

FILES = {"index.html": b"<p>hello\n", "large.bin": LARGE}


class Upgrade(harness.Case):
    def daemon(self, environment=(), **options):
        """A daemon whose program is a copy that the test may replace."""
        d = harness.Daemon(FILES, start=False, timeouts={"drain": "1h"}, **options)  # nobody waits for its end
        d.environment.update(environment)
        d.options["log"]["access"] = d.access_path
        d.write_config()
        self.program = os.path.join(d.dir, "tined")
        shutil.copy(harness.TINED, self.program)
        d.command = [self.program, "run", "-c", d.config_path]
        d.start()
        self.addCleanup(d.__exit__, None, None, None)
        return d

    def replace(self, content, mode=0o755):
        """Puts another program into the place, by rename as a package manager does."""
        new = self.program + ".new"
        if isinstance(content, bytes):
            with open(new, "wb") as f:
                f.write(content)
        else:
            shutil.copy(content, new)
        os.chmod(new, mode)
        os.rename(new, self.program)

    def image(self, d):
        return os.stat("/proc/%d/exe" % d.pid).st_ino

    def check_nothing_is_closed(self, d):
        idle = [d.connect(f) for f in ("v4", "v6") for _ in range(20)]
        half = [d.connect() for _ in range(5)]
        downloads = [d.connect(receive_buffer=65536) for _ in range(3)]
        for c in idle:
            c.request("/")
            self.assert_status(c.response(), 200)
        for c in half:
            c.send(b"GET / HTTP/1.1\r\nHo")
        for c in downloads:
            c.request("/large.bin", fields=[("User-Agent", "me")])
            c.read_head()
        d.get("/")
        for _ in range(3):
            before, image = d.workers(), self.image(d)
            self.replace(harness.TINED)
            d.renew(signal.SIGUSR2)
            self.assertNotEqual(self.image(d), image)
            wait_gone(before)
        for c in idle:
            c.request("/")
            self.assert_status(c.response(), 200)
        for c in half:
            c.send(b"st: localhost\r\n\r\n")
            self.assert_status(c.response(), 200)
        for c in downloads:
            self.assertEqual(c.read_exactly(len(LARGE)), LARGE)
        for c in idle + half + downloads:
            c.close()
        line = '"GET /large.bin HTTP/1.1" 200 %d "-" "me"\n' % len(LARGE)
        wait_until(lambda: self.access_log(d).count(line) == len(downloads), "the lines of the downloads")

    def access_log(self, d):
        with open(d.access_path, encoding="ascii") as f:
            return f.read()

    def test_nothing_is_closed(self):
        for shape in ({"workers": 2}, {"workers": 1, "threads": 4}):
            with self.subTest(**shape):
                self.check_nothing_is_closed(self.daemon(**shape))

    @unittest.skipIf(SANITIZED, "a sanitizer's runtime must come first")
    def test_another_version_hands_over(self):
        """Its records lack keys that this program knows, or have keys that it does not know; the workers of
        an older one have one pair of sockets for all to hand over by, on this side and on the other."""
        self.assertTrue(os.path.exists(OTHER_VERSION))
        for version in ("older", "newer"):
            with self.subTest(version=version):
                self.check_nothing_is_closed(self.daemon(workers=2, environment={
                    "LD_PRELOAD": OTHER_VERSION, "OTHER_VERSION": version}))

    def test_under_load(self):
        d = self.daemon(workers=2)
        done, findings, count = threading.Event(), [], [0]

        def client():
            try:
                with d.connect() as c:
                    while not done.is_set():
                        c.request("/")
                        r = c.response()
                        count[0] += 1
                        if r.status != 200 or r.get("Connection"):
                            findings.append(repr(r))
            except Exception as e:  # pylint: disable=broad-except
                findings.append(repr(e))

        threads = [threading.Thread(target=client) for _ in range(6)]
        for t in threads:
            t.start()
        for _ in range(5):
            d.renew(signal.SIGUSR2)
        done.set()
        for t in threads:
            t.join(harness.DEADLINE)
        self.assertEqual(findings, [])
        print("%d answers over 5 upgrades, nothing closed" % count[0])

    def refuse(self, content, reason, mode=0o755):
        d = self.daemon()
        pid, workers, image = d.pid, d.workers(), self.image(d)
        with d.connect() as c:
            c.request("/")
            c.response()
            self.replace(content, mode)
            mark = d.mark()
            d.send_signal(signal.SIGUSR2)
            d.wait_log(reason, after=mark)
            self.assertEqual((d.pid, self.image(d), sorted(d.workers())),
                             (pid, image, sorted(workers)))
            c.request("/")
            self.assert_status(c.response(), 200)
            # And it can still be upgraded, and reloaded.
            d.renew()
            self.replace(harness.TINED)
            d.renew(signal.SIGUSR2)
            c.request("/")
            self.assert_status(c.response(), 200)

    def test_one_that_crashes(self):
        self.refuse(b"#!/bin/sh\nkill -SEGV $$\n", r"upgrade refused: .*signal 11")

    def test_one_that_cannot_read_the_state(self):
        self.refuse(b"#!/bin/sh\nexit 3\n", r"upgrade refused: .*ended with status 3")

    def test_one_that_is_another_program(self):
        self.refuse(b"#!/bin/sh\nexit 0\n", r"upgrade refused: .*is no tined")

    def test_one_without_permission(self):
        self.refuse(b"#!/bin/sh\n", r"upgrade refused: .*ended with status 126", mode=0o644)

    def test_one_that_is_no_program(self):
        self.refuse(b"\x7fELF nonsense", r"upgrade refused: .*ended with status 126")

    def test_serve_needs_no_account(self):
        with harness.Daemon(FILES, start=False) as d:
            d.command = [harness.TINED, "serve", d.root, "-l", "127.0.0.1:0", "-o", "user=nobody-here"]
            d.start()
            d.renew(signal.SIGUSR2)
            self.assert_status(d.get("/"), 200)

    def test_a_bad_configuration(self):
        d = self.daemon()
        d.write_config("nonsense = 1;\n")
        mark = d.mark()
        d.send_signal(signal.SIGUSR2)
        d.wait_log(r"upgrade refused: .*ended with status 78", after=mark)
        self.assert_status(d.get("/"), 200)

    def test_one_that_fails_after_its_proof_goes_back(self):
        d = self.daemon()
        wrapper = ("#!/bin/sh\ncase $TINED_STATE in *prove) ;; *) rm -f %s ;; esac\n"
                   "exec %s \"$@\"\n" % (os.path.join(d.dir, "sane"), harness.TINED))
        # Takes over with a configuration that turns bad just then.
        with open(os.path.join(d.dir, "sane"), "w", encoding="ascii"):
            pass
        with open(d.config_path, encoding="utf-8") as f:
            text = f.read()
        d.write_config(text + 'include = "%s";\n' % os.path.join(d.dir, "sane"))
        with d.connect() as c:
            c.request("/")
            c.response()
            self.replace(wrapper.encode())
            mark = d.mark()
            d.send_signal(signal.SIGUSR2)
            d.wait_log("going back", after=mark)
            d.wait_log("not replaced until a reload", after=mark)  # the old one finds it bad as well
            d.write_config(text)
            c.request("/")
            self.assert_status(c.response(), 200)
            d.send_signal(signal.SIGHUP)
            d.wait_log("ready: generation", after=mark)
            c.request("/")
            self.assert_status(c.response(), 200)

    def test_stop_in_the_middle(self):
        d = self.daemon()
        self.replace(b"#!/bin/sh\nexec sleep 5\n")
        d.send_signal(signal.SIGUSR2)
        d.send_signal(signal.SIGTERM)
        self.assertEqual(d.wait_exit(), 0)

    def test_descriptors_are_level(self):
        d = self.daemon()
        def count():
            return len(os.listdir("/proc/%d/fd" % d.pid))

        d.renew(signal.SIGUSR2)
        wait_until(lambda: len(d.workers()) == 2, "the old workers' end")
        first = wait_until(count, "the descriptors")
        for _ in range(4):
            d.renew(signal.SIGUSR2)
            wait_until(lambda: len(d.workers()) == 2 and count() <= first, "level descriptors")

    def test_totals_go_on_in_a_program_with_other_counters(self):
        control = os.path.join(tempfile.mkdtemp(prefix="tined-it-"), "control.sock")
        self.addCleanup(shutil.rmtree, os.path.dirname(control))
        d = self.daemon(control=control)
        for program in totals.programs():
            with d.connect() as c:  # handed over
                c.request("/")
                self.assert_status(c.response(), 200)
                d.renew()
            totals.visit(d)
            before = totals.ask(control)
            self.replace(program)
            d.renew(signal.SIGUSR2)
            self.assertEqual(totals.is_more(control), program == totals.MORE)
            self.assertEqual(totals.ask(control), before)
        self.assertEqual(before["requests"], 4 * (totals.VISITS + 1))


if __name__ == "__main__":
    harness.main()

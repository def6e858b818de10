#!/usr/bin/env python3
"""Goal: an odd machine (clocks that jump, things that are missing) is served on, and not in silence."""

import contextlib
import ctypes
import email.utils
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

import harness
from attack import SANITIZED
from harness import Daemon, wait_until
from httpclient import Client
from machine import Machine

FILES = {"index.html": b"hello"}
DAY, HOUR = 86400, 3600
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
LIBC = ctypes.CDLL(None, use_errno=True)


# ---- clocks --------------------------------------------------------------------------------------
class WallClock(harness.Case):
    def seconds_of(self, date):
        return email.utils.mktime_tz(email.utils.parsedate_tz(date))

    def look(self, d, machine, target="/old", fields=()):
        """Asks each worker; dates stand in their order. Returns the answers."""
        answers = []
        for _ in range(4):
            r = d.get(target, fields=fields)
            self.assertIn(r.status, (200, 304))
            date = self.seconds_of(r.get("Date"))
            self.assertLess(abs(date - time.time() - machine.get("wall")), 3)
            if r.get("Last-Modified"):
                self.assertLessEqual(self.seconds_of(r.get("Last-Modified")), date)
            answers.append(r)
        return answers

    def test_back_and_forth_by_a_day(self):
        machine = Machine()
        with machine.daemon({"old": b"content", "big": b"x" * 100000}, workers=2) as d:
            workers = d.workers()
            hour_ago = int(time.time()) - HOUR
            for name in ("old", "big"):
                os.utime(d.path(name), (hour_ago, hour_ago))
            # ctime is now, so a day ahead all is old at once.
            for wall in (DAY, -DAY, DAY, -DAY, 0):
                machine.set(wall=wall)
                for target, content in (("/old", b"content"), ("/big", b"x" * 100000)):
                    for r in self.look(d, machine, target):
                        self.assertEqual(r.body, content)
                        if wall > 0:
                            self.assertEqual(self.seconds_of(r.get("Last-Modified")), hour_ago)
                            etag = r.get("ETag")
                        elif wall < 0:
                            # It is from the future: who can tell whether it will change once more?
                            self.assertLess(self.seconds_of(r.get("Last-Modified")), self.seconds_of(r.get("Date")))
                            self.assertIsNone(r.get("ETag"))
                    if wall > 0:
                        for r in self.look(d, machine, target, {"If-None-Match": etag}):
                            self.assertEqual(r.status, 304)
                    elif wall < 0:
                        date = email.utils.formatdate(hour_ago, usegmt=True)
                        for fields in ({"If-None-Match": etag}, {"If-Modified-Since": date}):
                            for r in self.look(d, machine, target, fields):
                                self.assertEqual((r.status, r.body), (200, content))
            self.assertEqual(d.workers(), workers)
            self.assertGreater(machine.get("asked_wall"), 0)

    def test_edits_are_seen_whatever_the_clock_says(self):
        machine = Machine()
        with machine.daemon({"f": b"0"}, workers=1) as d, d.connect() as c:
            for i in range(60):
                machine.set(wall=(-DAY, 0, DAY)[i % 3])
                content = b"version %d" % i
                os.rename(d.write("new", content), d.path("f"))
                for _ in range(2):
                    c.request("/f")
                    self.assertEqual(c.response().body, content)

    def test_deadlines_do_not_heed_it(self):
        machine = Machine()
        timeouts = {"head": "700ms", "idle": "700ms"}
        with machine.daemon(FILES, workers=1, timeouts=timeouts) as d:
            for wall in (DAY, -DAY):
                with d.connect() as begun, d.connect() as idle, d.connect() as busy:
                    idle.request("/")
                    idle.response()
                    begun.send(b"GET / HTTP/1.1\r\n")
                    began = time.monotonic()
                    machine.set(wall=wall)
                    while time.monotonic() < began + 0.5:
                        busy.request("/")
                        self.assert_status(busy.response(), 200)
                        time.sleep(0.05)
                    for c in (begun, idle):
                        c.expect_silence(0)
                    self.assert_status(begun.response(), 408)
                    idle.expect_close()
                    self.assertLess(time.monotonic() - began, 5)

    def test_the_log_goes_on(self):
        machine = Machine()
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            path = os.path.join(directory, "access.log")
            with machine.daemon(FILES, access_log=path, workers=1) as d:
                for i, wall in enumerate((0, DAY, -DAY, 0)):
                    machine.set(wall=wall)
                    d.get("/?%d" % i)
                    date = time.strftime("%d/%b/%Y", time.localtime(time.time() + wall))

                    def is_written(i=i, date=date):
                        with open(path, encoding="ascii") as f:
                            return re.search(r"\[%s:.*GET /\?%d " % (date, i), f.read())
                    wait_until(is_written, "the line of %s" % date)


class OtherClocks(harness.Case):
    def test_a_jump_of_an_hour(self):
        """CLOCK_MONOTONIC does not jump; where it does all the same, deadlines pass, and no more."""
        machine = Machine()
        with machine.daemon(dict(FILES, big=b"x" * (8 << 20)), workers=1, listen=("127.0.0.1:0",)) as d:
            workers = d.workers()
            with contextlib.ExitStack() as stack:
                idle, begun, content, stuck, reading = [
                    stack.enter_context(d.connect(receive_buffer=4096)) for _ in range(5)]
                idle.request("/")
                idle.response()
                begun.send(b"GET / HTTP/1.1\r\n")
                content.send(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
                for c in (stuck, reading):
                    c.request("/big")
                    c.read_head()
                # All of them have been received when one that came after them is answered.
                self.assertEqual(d.get("/").body, b"hello")
                reading.skip(4 << 20)
                machine.jump(HOUR)
                idle.expect_close()
                for c in (begun, content):
                    self.assert_status(c.response(), 408)
                    c.expect_close()
                reading.skip(4 << 20)  # it has made progress
                self.assertRaises(harness.FramingError, stuck.skip, 8 << 20)
                with d.connect() as c:
                    for _ in range(3):
                        c.request("/")
                        self.assertEqual(c.response().body, b"hello")
            self.assertEqual(d.workers(), workers)
            harness.assert_idle(workers + [d.pid])
            # The master as well: it replaces and reloads.
            os.kill(workers[0], signal.SIGKILL)
            wait_until(lambda: d.workers() and d.workers() != workers, "a new worker")
            machine.jump(HOUR)
            d.renew()
            self.assertEqual(d.get("/").body, b"hello")

    def test_suspending(self):
        """Time that only CLOCK_BOOTTIME counts is nobody's concern."""
        machine = Machine()
        with machine.daemon(FILES, workers=2, timeouts={"idle": "5s"}) as d, d.connect() as c:
            for i in range(4):
                machine.set(suspended=i * HOUR)
                c.request("/")
                self.assertEqual(c.response().body, b"hello")
            self.assertEqual(machine.get("asked_boottime"), 0)
            self.assertGreater(machine.get("asked_wall"), 0)


# ---- what it has and has not ---------------------------------------------------------------------
def memory_of(pid):
    """(kB that are its own, kB of address space for data)."""
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as f:
        text = f.read()
    return [int(re.search(r"^%s:\s*(\d+) kB" % name, text, re.M).group(1)) for name in ("RssAnon", "VmData")]


def soft_limit(pid):
    with open("/proc/%d/limits" % pid, encoding="ascii") as f:
        return int(re.search(r"^Max open files\s+(\d+)", f.read(), re.M).group(1))


class Descriptors(harness.Case):
    def limited(self, count, files=None, **options):
        d = Daemon(FILES if files is None else files, start=False, **options)
        d.command = ["prlimit", "--nofile=%d:%d" % (count, count), harness.TINED, "run", "-c", d.config_path]
        return d

    def serve(self, d, count=30):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(d.connect()) for _ in range(count)]
            for c in clients:
                c.request("/")
                self.assertEqual(c.response().body, b"hello")
            self.assertEqual(len(d.get("/big").body), 100000)

    def test_few(self):
        files = dict(FILES, big=b"x" * 100000)
        for count in (64, 48):
            with self.limited(count, files, workers=2, limits={"connections": 1000}) as d:
                d.start()
                self.assertRegex(d.log, r"limits.connections is cut from 1000 to \d+: a process may "
                                        r"have %d descriptors" % count)
                self.serve(d, 20)
                harness.assert_idle(d.workers() + [d.pid], 0.2)

    def test_too_few(self):
        """It serves, or says why it cannot."""
        for count in (6, 8, 10, 12, 14, 16):
            with self.subTest(count), self.limited(count, workers=1) as d:
                d.start(wait_ready=False)
                wait_until(lambda d=d: d.process.poll() is not None or "ready: generation" in d.log,
                           "an outcome")
                if d.process.poll() is None:
                    d.wait_log("ready: generation")
                    d.addresses = re.findall(r"listening on (\S+)", d.log)
                    self.assertIn(d.get("/").status, (200, 503))
                else:
                    d.expect_status = d.wait_exit()
                    self.assertIn(d.expect_status, (1, 78))
                    self.assertRegex(d.log, "(?i)too many open files|descriptors", count)

    def test_many(self):
        """A limit is no reason to allocate by it."""
        files = dict(FILES, big=b"x" * 100000)
        memory = {}
        machine = Machine()
        for count in (1024, 1073741816):
            machine.set(descriptors=count)
            with machine.daemon(files, workers=1) as d:
                self.serve(d)
                memory[count] = memory_of(d.pid) + memory_of(d.workers()[0])
        print("memory by RLIMIT_NOFILE (kB, master and worker): %s" % memory)
        for few, many in zip(memory[1024], memory[1073741816]):
            self.assertLess(many - few, 10000 if SANITIZED else 256)

    def test_as_many_as_can_be_set_here(self):
        with open("/proc/sys/fs/nr_open", encoding="ascii") as f:
            most = int(f.read())
        d = self.limited(most, dict(FILES, big=b"x" * 100000), workers=1)
        with d:
            if subprocess.run(["prlimit", "--nofile=%d:%d" % (most, most), "true"], check=False,
                              stderr=subprocess.DEVNULL).returncode:
                self.skipTest("the hard limit cannot be raised here")
            d.start()
            self.serve(d)
            self.assertEqual(soft_limit(d.workers()[0]), most)
            if not SANITIZED:
                self.assertLess(memory_of(d.workers()[0])[0], 2000)


@contextlib.contextmanager
def network(ipv6=True, **settings):
    """This thread, and what it starts, in a network of their own with a loopback interface only."""
    if not harness.IS_ROOT:
        raise unittest.SkipTest("a network of its own needs root")
    ours = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if LIBC.unshare(CLONE_NEWNET) != 0:
            raise unittest.SkipTest("no network of its own: %s" % os.strerror(ctypes.get_errno()))
        try:
            if not ipv6:
                write_setting("ipv6/conf/all/disable_ipv6", 1)
                write_setting("ipv6/conf/lo/disable_ipv6", 1)
            with socket.socket() as s:
                request = struct.pack("16sh22x", b"lo", 0)
                flags, = struct.unpack_from("h", fcntl.ioctl(s, SIOCGIFFLAGS, request), 16)
                fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))
            for name, value in settings.items():
                write_setting(name.replace("__", "/"), value)
            yield
        finally:
            if LIBC.setns(ours, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(ours)


def write_setting(name, value):
    try:
        with open("/proc/sys/net/" + name, "w", encoding="ascii") as f:
            f.write("%d\n" % value)
    except (FileNotFoundError, PermissionError) as e:
        raise unittest.SkipTest(str(e)) from None


class Network(harness.Case):
    def test_a_small_backlog(self):
        with network(core__somaxconn=128), Daemon(FILES) as d:
            self.assertRegex(d.log, r"(?m)^tined: net.core.somaxconn cuts the backlog of 4096 to 128")
            for family in ("v4", "v6"):
                self.assertEqual(d.get("/", family=family).body, b"hello")
        with network(core__somaxconn=128), Daemon(FILES, backlog=128) as d:
            self.assertNotIn("somaxconn", d.log)

    def test_a_kernel_without_ipv6(self):
        machine = Machine()
        machine.set(without_ipv6=1)
        port = harness.free_port()
        with machine.daemon(FILES, listen=("*:%d" % port,)) as d:
            self.assertRegex(d.log, r"(?m)^tined: no IPv6 here: \"\*:%d\" means IPv4 only" % port)
            self.assertEqual(d.addresses, ["0.0.0.0:%d" % port])
            self.assertEqual(d.get("/").body, b"hello")

    def test_ipv6_switched_off(self):
        with network(ipv6=False), Daemon(FILES, listen=("*:80",)) as d:
            self.assertIn("0.0.0.0:80", d.addresses)
            self.assertEqual(d.get("/").body, b"hello")

    def renew(self, d, *generations):
        """One reload and one upgrade, after which what listens is the same."""
        for generation, order in zip(generations, (signal.SIGHUP, signal.SIGUSR2)):
            mark = d.mark()
            d.send_signal(order)
            d.wait_log(r"ready: generation %d\b" % generation, after=mark)
            self.assertNotIn("no IPv6", d.log_from(mark))

    def test_ipv6_that_goes_while_it_listens(self):
        """A socket that listens goes on over reloads and upgrades, and nobody says that it does not."""
        machine = Machine()
        port = harness.free_port()
        with machine.daemon(FILES, listen=("*:%d" % port,)) as d:
            machine.set(without_ipv6=1)
            self.renew(d, 2, 3)
            for family in ("v4", "v6"):
                self.assertEqual(d.get("/", family=family).body, b"hello")
        with network(), Daemon(FILES, listen=("localhost:80",)) as d:
            write_setting("ipv6/conf/lo/disable_ipv6", 1)
            self.renew(d, 2, 3)
            write_setting("ipv6/conf/lo/disable_ipv6", 0)
            for family in ("v4", "v6"):
                self.assertEqual(d.get("/", family=family).body, b"hello")

    def test_the_admin_listener_without_ipv6(self):
        """It comes after those for sites, of which one is missing."""
        port = harness.free_port()
        with network(ipv6=False), Daemon(FILES, listen=("localhost:80",),
                                         admin={"address": "localhost:%d" % port}) as d:
            self.assertEqual(len(re.findall("no IPv6 here", d.log)), 2)
            with Client(socket.AF_INET, ("127.0.0.1", port)) as c:
                c.request("/readyz")
                self.assert_status(c.response(), 200)
            self.assertEqual(d.get("/").body, b"hello")

    def test_an_ipv6_address_that_is_not_there(self):
        """It was asked for in so many words: that it is not there is an error."""
        with network(ipv6=False), Daemon(FILES, listen=("[::1]:80",), start=False,
                                         expect_status=1) as d:
            d.start(wait_ready=False)
            self.assertEqual(d.wait_exit(), 1)
            self.assertRegex(d.log, r"error: .*\[::1\]:80 is not an address of this machine")

    def test_localhost(self):
        with network(), Daemon(FILES, listen=("localhost:80",)) as d:
            for family in ("v4", "v6"):
                self.assertEqual(d.get("/", family=family).body, b"hello")
        with network(ipv6=False), Daemon(FILES, listen=("localhost:80",)) as d:
            self.assertRegex(d.log, r"(?m)^tined: no IPv6 here: \"localhost:80\" means IPv4 only")
            self.assertEqual(d.addresses, ["127.0.0.1:80"])
            self.assertEqual(d.get("/").body, b"hello")


if __name__ == "__main__":
    harness.main()

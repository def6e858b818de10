#!/usr/bin/env python3
"""Goal: an odd machine (clocks that jump, things that are missing) is served on, and not in silence."""

import contextlib
import ctypes
import email.utils
import fcntl
import itertools
import mmap
import os
import pty
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

import harness
from harness import Client, Daemon, wait_until

FILES = {"index.html": b"hello"}
DAY, HOUR = 86400, 3600
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
LIBC = ctypes.CDLL(None, use_errno=True)

with open(harness.TINED, "rb") as binary:
    SANITIZED = re.search(rb"__[at]san_init", binary.read()) is not None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- another machine -----------------------------------------------------------------------------
class Machine:
    """What machine.c makes of this one, for the daemons that are started by daemon()."""

    FIELDS = ("wall", "monotonic", "suspended", "descriptors", "without_ipv6", "asked_boottime",
              "asked_wall")
    library = None

    @classmethod
    def build(cls):
        compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
        if not compiler:
            raise unittest.SkipTest("no compiler")
        cls.directory = tempfile.mkdtemp(prefix="tined-it-")
        os.chmod(cls.directory, 0o755)
        cls.library = os.path.join(cls.directory, "machine.so")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", cls.library,
                        os.path.join(os.path.dirname(os.path.abspath(__file__)), "machine.c")], check=True)

    @classmethod
    def remove(cls):
        shutil.rmtree(cls.directory)

    def __init__(self):
        handle, self.path = tempfile.mkstemp(dir=self.directory)
        os.ftruncate(handle, mmap.PAGESIZE)
        self.memory = mmap.mmap(handle, mmap.PAGESIZE)
        os.close(handle)

    def set(self, **values):
        for name, value in values.items():
            struct.pack_into("q", self.memory, 8 * self.FIELDS.index(name), value)

    def get(self, name):
        return struct.unpack_from("q", self.memory, 8 * self.FIELDS.index(name))[0]

    def daemon(self, files=None, **options):
        d = Daemon(FILES if files is None else files, start=False, **options)
        d.command = ["env", "LD_PRELOAD=" + self.library, "TINED_MACHINE=" + self.path,
                     harness.TINED, "run", "-c", d.config_path]
        try:
            d.start()
        except BaseException:
            with d:
                d.kill()
                raise
        return d


class MachineCase(harness.Case):
    @classmethod
    def setUpClass(cls):
        Machine.build()

    @classmethod
    def tearDownClass(cls):
        Machine.remove()

    def seconds_of(self, date):
        return email.utils.mktime_tz(email.utils.parsedate_tz(date))


# ---- clocks --------------------------------------------------------------------------------------
class WallClock(MachineCase):
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
                            self.assertIsNone(r.get("Last-Modified"))
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
        with machine.daemon(workers=1, timeouts=timeouts) as d:
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
            with machine.daemon(access_log=path, workers=1) as d:
                for i, wall in enumerate((0, DAY, -DAY, 0)):
                    machine.set(wall=wall)
                    d.get("/?%d" % i)
                    date = time.strftime("%d/%b/%Y", time.localtime(time.time() + wall))

                    def is_written(i=i, date=date):
                        with open(path, encoding="ascii") as f:
                            return re.search(r"\[%s:.*GET /\?%d " % (date, i), f.read())
                    wait_until(is_written, "the line of %s" % date, 5)


class OtherClocks(MachineCase):
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
                machine.set(monotonic=HOUR)
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
            at = d.mark()
            machine.set(monotonic=2 * HOUR)
            d.send_signal(signal.SIGHUP)
            d.wait_log("ready: generation 2", after=at)
            self.assertEqual(d.get("/").body, b"hello")

    def test_suspending(self):
        """What CLOCK_BOOTTIME alone counts is nobody's concern."""
        machine = Machine()
        with machine.daemon(workers=2, timeouts={"idle": "5s"}) as d, d.connect() as c:
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


class Descriptors(MachineCase):
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


def in_own_mounts(d, script):
    """The daemon in a mount namespace of its own, after a shell script."""
    if not harness.IS_ROOT:
        raise unittest.SkipTest("mounting needs root")
    if subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script], check=False,
                      cwd=d.dir, stdout=subprocess.DEVNULL).returncode:
        raise unittest.SkipTest("mounting is not permitted here")
    d.command = ["unshare", "-m", "--propagation", "private", "sh", "-c",
                 "cd %s && %s && cd / && exec \"$0\" \"$@\"" % (d.dir, script),
                 os.path.abspath(harness.TINED), "run", "-c", d.config_path]


class Network(MachineCase):
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
        port = free_port()
        with machine.daemon(listen=("*:%d" % port,)) as d:
            self.assertRegex(d.log, r"(?m)^tined: no IPv6 here: \"\*:%d\" means IPv4 only" % port)
            self.assertEqual(d.addresses, ["0.0.0.0:%d" % port])
            self.assertEqual(d.get("/").body, b"hello")

    def test_ipv6_switched_off(self):
        with network(ipv6=False), Daemon(FILES, listen=("*:80",)) as d:
            self.assertIn("0.0.0.0:80", d.addresses)
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


class FileSystem(harness.Case):
    @unittest.skipIf(SANITIZED, "a sanitizer's runtime needs /proc")
    def test_no_proc(self):
        with Daemon(FILES, start=False) as d:
            in_own_mounts(d, "mount -t tmpfs none /proc")
            d.start()
            for family in ("v4", "v6"):
                self.assertEqual(d.get("/", family=family).body, b"hello")
            at = d.mark()
            os.kill(d.workers()[0], signal.SIGKILL)
            d.wait_log("was killed by signal 9", after=at)
            d.send_signal(signal.SIGHUP)
            d.wait_log("ready: generation 2", after=at)
            self.assertEqual(d.get("/").body, b"hello")

    @unittest.skipIf(SANITIZED, "a sanitizer's runtime needs /proc")
    def test_no_proc_and_a_port_in_use(self):
        """Who has it cannot be told; that it is in use can."""
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            with Daemon(FILES, listen=("127.0.0.1:%d" % port,), start=False, expect_status=1) as d:
                in_own_mounts(d, "mount -t tmpfs none /proc")
                d.start(wait_ready=False)
                self.assertEqual(d.wait_exit(), 1)
                self.assertRegex(d.log, r"127\.0\.0\.1:%d is in use by \w+" % port)

    def test_no_devices(self):
        with Daemon(FILES, start=False) as d:
            in_own_mounts(d, "mount -t tmpfs none /dev")
            d.start()
            self.assertEqual(d.get("/").body, b"hello")

    def test_no_media_types(self):
        files = {"a.html": b"", "a.css": b"", "a.js": b"", "a.png": b"", "a.unknown": b"", "a": b""}
        with Daemon(files, start=False) as d:
            in_own_mounts(d, "mkdir -p etc && cp /etc/passwd /etc/group /etc/nsswitch.conf etc && "
                             "mount --bind etc /etc && ! test -e /etc/mime.types")
            d.start()
            self.assertNotRegex(d.log, "error|warning")
            types = {name: d.get("/" + name).get("Content-Type") for name in files}
            self.assertEqual(types["a.html"], "text/html; charset=utf-8")
            self.assertRegex(types["a.css"], "^text/css")
            self.assertRegex(types["a.js"], "^(text|application)/javascript")
            self.assertEqual(types["a.png"], "image/png")

    READ_ONLY = "while read -r _ at _; do mount -o remount,bind,ro \"$at\" || :; done " \
                "</proc/self/mounts 2>/dev/null && ! touch written /tmp/tined-it-written 2>/dev/null"

    def test_read_only(self):
        with Daemon(FILES, start=False) as d:
            in_own_mounts(d, self.READ_ONLY)
            d.start()
            self.assertNotRegex(d.log, "error|warning")
            self.assertEqual(d.get("/").body, b"hello")
            at = d.mark()
            d.send_signal(signal.SIGHUP)
            d.wait_log("ready: generation 2", after=at)
            self.assertEqual(d.get("/").body, b"hello")

    def test_read_only_and_something_to_write(self):
        for what in ({"access_log": "/tmp/tined-it-access.log"}, {"listen": ("unix:/tmp/tined-it.sock",)}):
            with self.subTest(what), Daemon(FILES, start=False, **what) as d:
                in_own_mounts(d, self.READ_ONLY)
                d.start(wait_ready=False)
                d.expect_status = d.wait_exit()
                self.assertIn(d.expect_status, (1, 78))
                self.assertRegex(d.log, r"error: .*/tmp/tined-it.*Read-only file system")


class Terminal(harness.Case):
    def test_none(self):
        """The harness starts each daemon in a session of its own; nor does it acquire one."""
        with Daemon(FILES) as d:
            self.assertEqual(d.get("/").body, b"hello")
            for pid in [d.pid] + d.workers():
                with open("/proc/%d/stat" % pid, encoding="ascii") as f:
                    self.assertEqual(f.read().rpartition(")")[2].split()[4], "0")

    def test_one_that_goes_away(self):
        """`tined serve` ends with its terminal, though there is nowhere to write to any more."""
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "index.html"), "wb") as f:
                f.write(b"hello")
            port = free_port()
            pid, terminal = pty.fork()
            if pid == 0:
                os.execv(harness.TINED, [harness.TINED, "serve", directory, "-l", "127.0.0.1:%d" % port])
            try:
                said = b""
                while b"ready" not in said:
                    said += os.read(terminal, 1000)
                with Client(socket.AF_INET, ("127.0.0.1", port)) as c:
                    c.request("/")
                    self.assert_status(c.response(), 200)
                os.close(terminal)
                wait_until(lambda: harness.state_of(pid) in ("Z", None), "the end of tined serve")
                self.assertEqual(harness.session_members(pid), [])
            finally:
                harness.kill_session(pid)
                _, status = os.waitpid(pid, 0)
            self.assertEqual(os.waitstatus_to_exitcode(status), 0)


class StandardStreams(harness.Case):
    def target(self, pid, fd):
        return os.readlink("/proc/%d/fd/%d" % (pid, fd))

    def serve_without(self, closed):
        with Daemon(FILES, start=False, access_log="stdout") as d:
            path = os.path.join(d.dir, "sock")
            d.options["listen"] = ({"address": "unix:" + path, "mode": "0666"},)
            d.write_config()
            d.command = ["sh", "-c", 'exec "$0" run -c "$1" ' + " ".join("%d>&-" % fd for fd in closed),
                         harness.TINED, d.config_path]
            d.start(wait_ready=2 not in closed)
            wait_until(lambda: not harness.is_refused((socket.AF_UNIX, path)), "the listener")
            for _ in range(5):
                with Client(socket.AF_UNIX, path) as c:
                    c.request("/")
                    r = c.response()
                self.assertEqual((r.status, r.body), (200, b"hello"))
            for pid in [d.pid] + d.workers():
                for fd in range(3):
                    # What is open stays what it was: stdin and stdout are /dev/null in the harness.
                    is_stderr = fd == 2 and 2 not in closed
                    self.assertRegex(self.target(pid, fd),
                                     "^pipe:" if is_stderr else "^/dev/null$", (pid, fd))
            with open("/proc/%d/fdinfo/2" % d.pid, encoding="ascii") as f:
                flags = int(re.search(r"flags:\s*(\d+)", f.read()).group(1), 8)
            self.assertNotEqual(flags & os.O_ACCMODE, os.O_RDONLY)

    def test_closed_in_every_combination(self):
        for count in range(1, 4):
            for closed in itertools.combinations(range(3), count):
                with self.subTest(closed):
                    self.serve_without(closed)

    def test_closed_by_a_command(self):
        """Nothing is written into a file that got a standard stream's number."""
        with Daemon(FILES, start=False) as d:
            before = open_and_read(d.config_path)
            for command in ("check", "config"):
                for closed in ("0>&-", "0>&- 1>&- 2>&-", "1>&- 2>&-"):
                    subprocess.run(["sh", "-c", 'exec "$0" %s -c "$1" %s' % (command, closed), harness.TINED,
                                    d.config_path], timeout=harness.DEADLINE, check=False,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.assertEqual(open_and_read(d.config_path), before)
            d.start()
            self.assertEqual(d.get("/").body, b"hello")


def open_and_read(path):
    with open(path, "rb") as f:
        return f.read()


if __name__ == "__main__":
    harness.main()

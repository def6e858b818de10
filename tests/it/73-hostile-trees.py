#!/usr/bin/env python3
"""Goal: whatever stands in the tree, and however it changes, no byte from elsewhere is served and no
worker is held up."""

import os
import pty
import socket
import stat
import subprocess
import sys
import time
import unittest
import urllib.parse

import harness
from harness import Daemon, wait_until
from trees import MARKER, PAGE, Case, Old, next_to, write_outside

OLD = Old({"taken away": {"f": PAGE, "dir/f": PAGE}})
setUpModule, tearDownModule = OLD.make, OLD.remove


def escaped(name):
    """A name (bytes) as a path segment with every byte escaped."""
    return "".join("%%%02X" % b for b in name)


def unused_driver():
    """A character device number that no driver has."""
    with open("/proc/devices", encoding="ascii") as f:
        used = {int(line.split()[0]) for line in f if line[:3].strip().isdigit()}
    return next(n for n in range(250, 100, -1) if n not in used)


def wait_blocked(process):
    """It waits inside open()."""
    wait_until(lambda: harness.state_of(process.pid) == "S" and process.stdout.readline() == b"opening\n",
               "a process that opens")
    wait_until(lambda: harness.state_of(process.pid) == "S", "its waiting")


class Kinds(Case):
    """Anything but a regular file is refused at once, without an effect on anyone who has it open."""

    def assert_refused(self, d, targets, statuses=(403,)):
        for target in targets:
            for method in ("GET", "HEAD"):
                began = time.monotonic()
                self.assertIn(d.get(target, method).status, statuses, target)
                self.assertLess(time.monotonic() - began, harness.DEADLINE / 4, target)

    def test_fifo(self):
        with Daemon({"ok": PAGE, "dir": None}, workers=2) as d:
            workers = d.workers()
            for name in ("fifo", "dir/index.html", "read", "written"):
                os.mkfifo(d.path(name), 0o666)
                os.chmod(d.path(name), 0o666)
            os.symlink("fifo", d.path("link"))
            # Opening one end waits for the other: whoever waits goes on waiting.
            ends = [subprocess.Popen([sys.executable, "-c", "print('opening', flush=True); open(%r, %r)"
                                      % (d.path(name), mode)], stdout=subprocess.PIPE)
                    for name, mode in (("read", "rb"), ("written", "wb"))]
            try:
                for process in ends:
                    wait_blocked(process)
                self.assert_refused(d, ["/fifo", "/read", "/written", "/link", "/dir/",
                                        "/dir/index.html"] * 5)
                self.assert_well(d, workers)
                for process in ends:
                    self.assertIsNone(process.poll())
            finally:
                for process in ends:
                    process.kill()
                    process.wait()
                    process.stdout.close()

    def test_fifo_with_content(self):
        """Not a byte is taken out of it, and who writes gets no SIGPIPE."""
        with Daemon({"ok": PAGE}, workers=2) as d:
            os.mkfifo(d.path("fifo"), 0o666)
            os.chmod(d.path("fifo"), 0o666)
            fifo = os.open(d.path("fifo"), os.O_RDWR | os.O_NONBLOCK)
            try:
                os.write(fifo, MARKER)
                self.assert_refused(d, ["/fifo"] * 5)
                self.assertEqual(os.read(fifo, 100), MARKER)
            finally:
                os.close(fifo)

    def test_socket(self):
        with Daemon({"ok": PAGE}) as d:
            workers = d.workers()
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_UNIX, kind) as s:
                    s.bind(d.path("socket%d" % kind))
                    if kind == socket.SOCK_STREAM:
                        s.listen()
                        s.setblocking(False)
                    self.assert_refused(d, ["/socket%d" % kind])
                    if kind == socket.SOCK_STREAM:
                        self.assertRaises(BlockingIOError, s.accept)
            self.assert_well(d, workers)

    @unittest.skipUnless(harness.IS_ROOT, "making devices needs root")
    def test_devices(self):
        devices = {"null": (stat.S_IFCHR, 1, 3), "zero": (stat.S_IFCHR, 1, 5), "full": (stat.S_IFCHR, 1, 7),
                   "driverless": (stat.S_IFCHR, unused_driver(), 0), "loop": (stat.S_IFBLK, 7, 0),
                   "driverless-block": (stat.S_IFBLK, 250, 250)}
        with Daemon({"ok": PAGE}) as d:
            workers = d.workers()
            for name, (kind, major, minor) in devices.items():
                try:
                    os.mknod(d.path(name), kind | 0o666, os.makedev(major, minor))
                except PermissionError:
                    self.skipTest("making devices is not permitted here")
                os.chmod(d.path(name), 0o666)
            self.assert_refused(d, ["/" + name for name in devices])
            self.assert_refused(d, ["/null/x", "/null/"], (403, 404))
            self.assert_well(d, workers)

    @unittest.skipUnless(harness.IS_ROOT, "making devices needs root")
    def test_a_terminal_does_not_become_the_controlling_one(self):
        """A session leader that opens one gets it, and is ended when it goes away."""
        with Daemon({"ok": PAGE}) as d:
            master, slave = pty.openpty()
            try:
                os.mknod(d.path("tty"), stat.S_IFCHR | 0o666, os.fstat(slave).st_rdev)
                os.chmod(d.path("tty"), 0o666)
                os.symlink(os.ttyname(slave), d.path("link"))
                self.assert_refused(d, ["/tty", "/link"])
                for pid in [d.pid] + d.workers():
                    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
                        self.assertEqual(f.read().rpartition(")")[2].split()[4], "0")
            finally:
                os.close(slave)
                os.close(master)


class Permissions(Case):
    def test_modes_of_directories(self):
        with Daemon({"ok": PAGE, "none/f": MARKER, "list/f": MARKER, "pass/f": PAGE, "pass/index.html": PAGE,
                     "none/deep/f": MARKER, "index/index.html": MARKER}) as d:
            workers = d.workers()
            for name, mode in (("none", 0), ("list", 0o444), ("pass", 0o111), ("index/index.html", 0)):
                os.chmod(d.path(name), mode)
            os.symlink("none/f", d.path("link"))
            for target in ("/none/f", "/none/", "/none/deep/f", "/none/missing", "/list/f", "/list/", "/link",
                           "/index/"):
                r = self.assert_status(d.get(target), 403)
                self.assertNotIn(MARKER, r.body)
            for target in ("/pass/f", "/pass/"):
                self.assertEqual(self.assert_status(d.get(target), 200).body, PAGE)
            self.assert_well(d, workers)

    def test_taken_away_while_in_use(self):
        """A kept file is not shown to a client that may not see it any more."""
        with OLD.take("taken away") as d, d.connect() as c:
            targets = {"/f": "f", "/dir/f": "dir"}
            for expected in (200, 403, 200):
                for target, name in targets.items():
                    os.chmod(d.path(name), 0o755 if expected == 200 else 0)
                    for _ in range(3):
                        c.request(target)
                        self.assert_status(c.response(), expected)


class Links(Case):
    def test_within_the_root(self):
        with Daemon({"ok": PAGE, "dir/f": PAGE, "dir/sub/g": PAGE}) as d, d.connect() as c:
            for name, target in (("file", "ok"), ("here", "."), ("dir/up", "../ok"),
                                 ("round", "dir/sub/../../ok"), ("to-dir", "dir"), ("slashes", "dir//sub///g"), ("dir/sub/home", "../..")):
                os.symlink(target, d.path(name))
            os.symlink("ok", d.path("chain0"))
            for i in range(1, 40):
                os.symlink("chain%d" % (i - 1), d.path("chain%d" % i))
            for target in ("/file", "/here/ok", "/here/here/here/ok", "/dir/up", "/round", "/to-dir/f",
                           "/slashes", "/dir/sub/home/dir/sub/home/ok", "/chain39"):
                c.request(target)
                self.assertEqual(self.assert_status(c.response(), 200).body, PAGE, target)
            c.request("/to-dir")
            self.assertEqual(self.assert_status(c.response(), 301).get("Location"), "to-dir/")

    def test_loops_and_dangling_ones(self):
        with Daemon({"ok": PAGE, "dir": None}) as d:
            workers = d.workers()
            for name, target in (("self", "self"), ("a", "b"), ("b", "a"), ("in", "in/in"),
                                 ("dir/index.html", "index.html"), ("dangling", "missing"),
                                 ("file-as-dir", "ok/f"), ("long", "x" * 300)):
                os.symlink(target, d.path(name))
            os.symlink("ok", d.path("chain0"))
            for i in range(1, 41):
                os.symlink("chain%d" % (i - 1), d.path("chain%d" % i))
            for target, status in (("/self", 403), ("/a", 403), ("/b", 403), ("/in", 403), ("/in/f", 403),
                                   ("/dir/", 403), ("/chain40", 403), ("/dangling", 404), ("/file-as-dir", 404),
                                   ("/long", 404)):
                self.assert_status(d.get(target), status)
            self.assert_well(d, workers)

    def test_out_of_the_root(self):
        """They are refused, and the answer does not tell whether there is anything where they lead."""
        with Daemon({"ok": PAGE, "dir/f": PAGE}) as d:
            workers = d.workers()
            outside = write_outside(d, "outside/f")
            os.mkfifo(next_to(d, "outside/fifo"))
            os.mkdir(next_to(d, "outside/closed"), 0)
            os.symlink("/etc", next_to(d, "outside/etc"))
            leads = {"file": outside, "fifo": next_to(d, "outside/fifo"), "directory": next_to(d, "outside"),
                     "nothing": next_to(d, "missing"), "nothing-deep": next_to(d, "missing/f"),
                     "closed": next_to(d, "outside/closed/f"), "not-a-dir": outside + "/f",
                     "relative": "../outside/f", "relative-nothing": "../missing",
                     "many-up": "../" * 40 + outside[1:], "through-dir": "dir/../../outside/f",
                     "absolute-up": d.path("../outside/f"), "absolute-beside": d.path("").rstrip("/") + "x/f", "out-and-in": "../root/ok", "slash": "/",
                     "proc": "/proc/self/environ", "proc-root": "/proc/1/root/etc/passwd",
                     "proc-fd": "/proc/self/fd/0", "null": "/dev/null", "zero": "/dev/zero"}
            for name, target in leads.items():
                os.symlink(target, d.path(name))
            os.symlink(d.path("ok"), d.path("absolute-inside"))
            os.symlink(d.path("dir"), d.path("absolute-dir"))
            for inside in ("/absolute-inside", "/absolute-dir/f"):
                self.assertEqual(d_answer(d, inside), (200, PAGE))
            os.mkdir(d.path("in"))
            os.symlink(outside, d.path("in/index.html"))
            answers = {d_answer(d, "/" + name) for name in leads}
            for target in ("/directory/f", "/directory/", "/directory/etc/passwd", "/directory/missing",
                           "/in/", "/slash/etc/passwd", "/nothing/", "/nothing/f", "/fifo/", "/closed/x"):
                answers.add(d_answer(d, target))
            self.assertEqual({status for status, _ in answers}, {403})
            self.assertEqual(len(answers), 1, answers)
            self.assert_well(d, workers)


def d_answer(d, target):
    r = d.get(target)
    return r.status, r.body


class Names(Case):
    BYTES = [b for b in range(1, 256) if b != ord("/")]
    # No path may hold them (http/urlpath.h).

    def ask(self, c, targets):
        """The answers to pipelined requests."""
        for at in range(0, len(targets), 50):
            some = targets[at:at + 50]
            c.send(b"".join(harness.format_request(t) for t in some))
            for target in some:
                yield target, c.response()

    def test_every_byte(self):
        """Alone, within a name, at its ends, and in a directory's name."""
        shapes = (b"%s", b"in%sside", b"%sfirst", b"last%s", b"dir%s/f")
        names = [shape % bytes([b]) for b in self.BYTES for shape in shapes]
        names = [name for name in names if not name.startswith(b".")]
        contents = {name: b"content of " + name for name in names}
        with Daemon({"ok": PAGE}) as d:
            for name, content in contents.items():
                path = os.path.join(d.root.encode(), name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as f:
                    f.write(content)
            self.assertEqual(len(names), 5 * 254 - 2)
            for lower in (False, True):
                targets = {}
                for name in names:
                    target = "/" + "/".join(escaped(part) for part in name.split(b"/"))
                    targets[target.lower() if lower else target] = contents[name]
                self.assertEqual(len(targets), len(names))
                with d.connect() as c:
                    for target, r in self.ask(c, list(targets)):
                        self.assertEqual((r.status, r.body), (200, targets[target]), target)

    def test_redirects_lead_back_to_each_directory(self):
        with Daemon({"ok": PAGE}) as d, d.connect() as c:
            targets = {}
            for b in sorted(self.BYTES):
                name = b"d" + bytes([b])
                os.mkdir(os.path.join(d.root.encode(), name))
                with open(os.path.join(d.root.encode(), name, b"index.html"), "wb") as f:
                    f.write(name)
                targets["/" + escaped(name)] = name
            locations = {}
            for target, r in self.ask(c, list(targets)):
                self.assert_status(r, 301)
                self.assertRegex(r.get("Location"), r"\A[!-~]+/\Z")
                location = urllib.parse.urljoin("http://localhost" + target, r.get("Location"))
                self.assertTrue(location.startswith("http://localhost/d"), location)
                locations[location[len("http://localhost"):]] = targets[target]
            for location, r in self.ask(c, list(locations)):
                self.assertEqual((r.status, r.body), (200, locations[location]), location)

    def test_lengths(self):
        with Daemon({"ok": PAGE}) as d, d.connect() as c:
            name = b"\xff" * 255
            with open(os.path.join(d.root.encode(), name), "wb") as f:
                f.write(PAGE)
            deep = "/".join(["d" * 200] * 15)
            os.makedirs(d.path(deep))
            with open(d.path(deep + "/f"), "wb") as f:
                f.write(PAGE)
            for target, status in (("/" + escaped(name), 200), ("/" + escaped(name + b"x"), 404),
                                   ("/" + deep + "/f", 200), ("/" + deep + "/" + "x" * 300, 404),
                                   ("/" + "a/" * 2100, 404), ("/" + "x" * 5000, 404)):
                c.request(target)
                self.assert_status(c.response(), status)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Goal: whatever stands in the tree, and however it changes, no byte from elsewhere is served and no
worker is held up."""

import contextlib
import ctypes
import os
import pty
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

import harness
from harness import Daemon, wait_until

# Stands in every file that is not to be seen.
MARKER = b"FROM OUTSIDE"
PAGE = b"hello"
# How long a tree is changed under load, or longer where the machine is slow.
SPELL = 0.4
# Beyond what the kernel holds for a client who does not read.
BIG = 16 << 20
IN_FLIGHT = 8 << 20
AT_FDCWD = -100
RENAME_EXCHANGE = 2

LIBC = ctypes.CDLL(None, use_errno=True)


class Old:
    """Trees that are to be old when they are served, made beforehand: they age while other cases run."""

    trees = {
        "taken away": {"f": PAGE, "dir/f": PAGE},
        "in memory": {"f": b"y" * 60000},
        "small swapped": {"dir/f": PAGE * 20, "dir/sub/f": PAGE * 20, "dir/index.html": PAGE},
        "large swapped": {"dir/f": PAGE * 20000, "dir/sub/f": PAGE * 20000, "dir/index.html": PAGE},
        "replaced": {"a": b"old", "b": b"old"},
        "removed": {"index.html": PAGE, "dir/f": PAGE},
    }
    daemons = {}

    @classmethod
    def make(cls):
        for name, files in cls.trees.items():
            d = cls.daemons[name] = Daemon({"ok": PAGE, **files}, start=False, workers=2)
            for file in files:
                os.utime(d.path(file), (1000000000, 1000000000))
        cls.made = time.time()

    @classmethod
    def take(cls, name):
        d = cls.daemons.pop(name)
        try:
            wait_until(lambda: time.time() - cls.made > harness.YOUNG, "files to grow old")
            d.start()
        except BaseException:
            with d:
                raise
        return d

    @classmethod
    def remove(cls):
        for d in cls.daemons.values():
            with d:
                pass


setUpModule, tearDownModule = Old.make, Old.remove


def escaped(name):
    """A name (bytes) as a path segment with every byte escaped."""
    return "".join("%%%02X" % b for b in name)


def unused_driver():
    """A character device number that no driver has."""
    with open("/proc/devices", encoding="ascii") as f:
        used = {int(line.split()[0]) for line in f if line[:3].strip().isdigit()}
    return next(n for n in range(250, 100, -1) if n not in used)


def exchange(a, b):
    """Swaps two names in one step."""
    if LIBC.renameat2(AT_FDCWD, a.encode(), AT_FDCWD, b.encode(), RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def next_to(d, name):
    """A path that is outside of the root."""
    return os.path.join(d.dir, name)


def write_outside(d, name, content=MARKER):
    path = next_to(d, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content)
    os.chmod(path, 0o644)
    return path


class Storm:
    """Does something again and again in a thread while in the block, at least so often."""

    def __init__(self, action, least):
        self.action = action
        self.least = least
        self.rounds = 0
        self.error = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            while not self._done.is_set():
                self.action()
                self.rounds += 1
                time.sleep(0)
        except Exception as e:  # told in the test's own thread
            self.error = e

    def goes_on(self):
        passed = time.monotonic() - self._began
        return self.error is None and (passed < SPELL or (self.rounds < self.least and passed < harness.DEADLINE))

    def __enter__(self):
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._done.set()
        self._thread.join()
        if kind is None and self.error:
            raise self.error
        if kind is None and self.rounds < self.least:
            raise AssertionError("only %d rounds in %gs" % (self.rounds, harness.DEADLINE))


def wait_blocked(process):
    """It waits inside open()."""
    wait_until(lambda: harness.state_of(process.pid) == "S" and process.stdout.readline() == b"opening\n",
               "a process that opens")
    wait_until(lambda: harness.state_of(process.pid) == "S", "its waiting")


class Case(harness.Case):
    def assert_well(self, d, workers):
        """The same workers as before go on and none of them spins."""
        for _ in workers:
            self.assertEqual(d.get("/ok").body, PAGE)
        self.assertEqual(d.workers(), workers)
        harness.assert_idle(workers, 0.2)


class Kinds(Case):
    """What is no regular file is refused at once, without an effect on anyone who has it open."""

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
        """What is kept of a file is not shown to who may not see it any more."""
        with Old.take("taken away") as d, d.connect() as c:
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
                     "absolute-inside": d.path("ok"), "out-and-in": "../root/ok", "slash": "/",
                     "proc": "/proc/self/environ", "proc-root": "/proc/1/root/etc/passwd",
                     "proc-fd": "/proc/self/fd/0", "null": "/dev/null", "zero": "/dev/zero"}
            for name, target in leads.items():
                os.symlink(target, d.path(name))
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


def letter_file(letter, base, step):
    """A content that tells its own length."""
    return letter * (base + step * (letter[0] - ord("a")))


LETTERS = [bytes([b]) for b in b"abcdef"]
# Kept in memory, and sent from the file.
SMALL, LARGE = (3000, 7001), (300000, 70001)


class Changing(Case):
    """Files that change while they are sent."""

    def clients(self, d, check, storm, count=2):
        """Asks for /f again and again; check(client) reads one answer and says whether it may go on."""
        answers, errors = [], []

        def run():
            try:
                c = d.connect()
                while storm.goes_on():
                    c.request("/f")
                    going_on, answer = check(c)
                    answers.append(answer)
                    if not going_on:
                        c.close()
                        c = d.connect()
                c.close()
            except (OSError, AssertionError) as e:
                errors.append(e)

        threads = [threading.Thread(target=run) for _ in range(count)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if errors:
            raise errors[0]
        return answers

    def check_whole(self, c):
        """All of one version, or (where it has vanished) none."""
        r = c.response()
        if r.status == 404:
            return True, 404
        self.assert_status(r, 200)
        letter = r.body[:1]
        self.assertTrue(r.body == letter_file(letter, *self.shape),
                        "a mixture, or cut: %r %d" % (letter, len(r.body)))
        return True, 200

    def check_letters(self, c):
        """Nothing but what was ever written to the file; cut short, the connection ends."""
        r = c.read_head()
        self.assert_status(r, 200)
        length = harness.content_length(r, "GET")
        try:
            body, whole = c.read_exactly(length), True
        except harness.FramingError:
            body, whole = bytes(c.pending), False
        except ConnectionResetError:
            body, whole = b"", False
        self.assertEqual(body.strip(b"".join(LETTERS)), b"")
        return whole, 200

    def storm(self, action, check, shape):
        self.shape = shape
        with Daemon({"ok": PAGE, "f": letter_file(b"a", *shape)}, workers=2) as d:
            workers = d.workers()
            with Storm(lambda: action(d), 5) as s:
                answers = self.clients(d, check, s)
            self.assertGreater(answers.count(200), 5)
            self.assert_well(d, workers)
            return answers

    def replace(self, d):
        """Each version under a name of its own, then renamed."""
        for letter in LETTERS:
            d.write("new", letter_file(letter, *self.shape))
            os.rename(d.path("new"), d.path("f"))
            time.sleep(0.001)

    def vanish(self, d):
        self.replace(d)
        os.unlink(d.path("f"))
        time.sleep(0.001)

    def rewrite(self, d):
        """In place: it shrinks to nothing and grows."""
        for letter in LETTERS:
            with open(d.path("f"), "wb") as f:
                content = letter_file(letter, *self.shape)
                f.write(content[:len(content) // 2])
                f.flush()
                f.write(content[len(content) // 2:])
            time.sleep(0.001)

    def test_replaced_small(self):
        self.storm(self.replace, self.check_whole, SMALL)

    def test_replaced_large(self):
        self.storm(self.replace, self.check_whole, LARGE)

    def test_vanishing_small(self):
        self.assertIn(404, self.storm(self.vanish, self.check_whole, SMALL))

    def test_vanishing_large(self):
        self.storm(self.vanish, self.check_whole, LARGE)

    def test_rewritten_small(self):
        self.storm(self.rewrite, self.check_letters, SMALL)

    def test_rewritten_large(self):
        self.storm(self.rewrite, self.check_letters, LARGE)

    def begun(self, stack, content, d=None):
        """A daemon and a client that has the beginning of an answer with `content`, and no more."""
        d = stack.enter_context(d or Daemon({"ok": PAGE, "f": content}, workers=1))
        c = stack.enter_context(d.connect(receive_buffer=4096))
        c.request("/f")
        self.assertEqual(harness.content_length(c.read_head(), "GET"), len(content))
        return d, c

    def test_gone_while_it_is_sent(self):
        """Unlinked, replaced, or its directory gone: who has begun gets what there was."""
        def replace(d):
            os.rename(d.write("new", b"z" * BIG), d.path("f"))

        def remove_all(d):
            shutil.rmtree(d.root)

        content = b"y" * BIG
        for change in (lambda d: os.unlink(d.path("f")), replace, remove_all):
            with contextlib.ExitStack() as stack:
                d, c = self.begun(stack, content)
                change(d)
                self.assertTrue(c.read_exactly(BIG) == content)

    def test_shrunk_while_it_is_sent(self):
        """Cut at any length, the connection ends without a byte that was not in the file."""
        for length in (0, 1, BIG // 4, BIG - 1):
            with self.subTest(length), contextlib.ExitStack() as stack:
                d, c = self.begun(stack, b"y" * BIG)
                worker, = d.workers()
                os.truncate(d.path("f"), length)
                try:
                    got = c.read_to_end()
                except ConnectionResetError:
                    got = bytes(c.pending)
                self.assertLess(len(got), BIG)
                self.assertEqual(got[:length].strip(b"y"), b"")
                # What is on its way is the file's own memory (sendfile), of which the kernel
                # zeroes what is cut off. More than that does not leave.
                self.assertEqual(got[length:].replace(b"\0", b"").strip(b"y"), b"")
                self.assertLess(len(got), length + IN_FLIGHT)
                self.assertEqual(d.get("/ok").body, PAGE)
                self.assertEqual(d.workers(), [worker])
                if length == 1:
                    self.assert_well(d, [worker])

    def test_what_is_in_memory_does_not_change_under_its_answer(self):
        """It is kept, and stuck behind a client that does not read, when the file is rewritten."""
        content = b"y" * 60000
        with contextlib.ExitStack() as stack:
            d, c = self.begun(stack, content, Old.take("in memory"))
            requests = 40
            c.send(harness.format_request("/f") * requests)
            c.read_exactly(len(content))
            with open(d.path("f"), "r+b") as f:
                f.write(b"z" * 60000)
            letters = set()
            for _ in range(requests):
                r = c.response()
                self.assertEqual(len(r.body), 60000)
                self.assertEqual(len(set(r.body)), 1)
                letters.add(r.body[:1])
            self.assertIn(b"z", letters)


class Swapped(Case):
    """Names that lead elsewhere from one moment to the next."""

    def ask(self, d, storm, targets, contents, statuses, wanted=()):
        """Nothing but `contents` and `statuses` is seen, and the statuses `wanted` are."""
        seen, end = set(), time.monotonic() + harness.DEADLINE
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(d.connect()) for _ in range(4)]
            while storm.goes_on() or (not seen.issuperset(wanted) and time.monotonic() < end):
                for c in clients:
                    for target in targets:
                        c.request(target)
                for c in clients:
                    for target in targets:
                        r = c.response()
                        self.assertNotIn(MARKER, r.body, target)
                        self.assertIn(r.status, statuses, target)
                        if r.status == 200:
                            self.assertIn(r.body, contents, target)
                        seen.add(r.status)
        self.assertLessEqual(set(wanted), seen)

    def tree(self, size, d=None):
        inside = PAGE * (size // len(PAGE))
        d = d or Daemon({"ok": PAGE, "dir/f": inside, "dir/sub/f": inside, "dir/index.html": PAGE})
        self.addCleanup(d.__exit__, None, None, None)
        for name in ("outside/f", "outside/sub/f", "outside/index.html"):
            write_outside(d, name, (MARKER * size)[:size])
        return d, inside

    def storm(self, d, action, *arguments):
        workers = d.workers()
        with Storm(action, 20) as s:
            self.ask(d, s, *arguments)
        self.assert_well(d, workers)

    def test_a_directory_for_a_link_out(self):
        for name, size in (("small swapped", 100), ("large swapped", 100000)):
            with self.subTest(name):
                d, inside = self.tree(size, Old.take(name))
                os.symlink("../outside", d.path("link"))
                self.storm(d, lambda: exchange(d.path("dir"), d.path("link")),
                           ("/dir/f", "/dir/sub/f", "/dir/"), (PAGE, inside), (200, 403), (200, 403))

    def test_a_file_for_a_link_out(self):
        for size in (100, 100000):
            with self.subTest(size):
                d, inside = self.tree(size)
                os.symlink("../../outside/f", d.path("dir/link"))
                self.storm(d, lambda: exchange(d.path("dir/f"), d.path("dir/link")),
                           ("/dir/f", "/dir/link"), (inside,), (200, 403), (200, 403))

    def test_a_file_for_a_fifo(self):
        d, inside = self.tree(100)
        os.mkfifo(d.path("dir/fifo"), 0o666)
        os.chmod(d.path("dir/fifo"), 0o666)
        self.storm(d, lambda: exchange(d.path("dir/f"), d.path("dir/fifo")), ("/dir/f", "/dir/fifo"),
                   (inside,), (200, 403, 404))

    def test_a_directory_moved_out_and_back(self):
        """`..` must not begin outside, where the directory that is being walked has gone."""
        d, inside = self.tree(100)
        os.symlink("../../ok", d.path("dir/sub/up"))
        os.symlink("../../f", d.path("dir/sub/up2"))
        write_outside(d, "ok")
        write_outside(d, "f")
        os.mkdir(next_to(d, "away"))

        def move():
            os.rename(d.path("dir"), next_to(d, "away/dir"))
            os.rename(next_to(d, "away/dir"), d.path("dir"))
            os.rename(d.path("dir/sub"), next_to(d, "sub"))
            os.rename(next_to(d, "sub"), d.path("dir/sub"))
        self.storm(d, move, ("/dir/sub/up", "/dir/sub/up2", "/dir/sub/f"), (PAGE, inside), (200, 403, 404))

    def test_renames_elsewhere_disturb_nobody(self):
        """The kernel gives up on `..` while anything is renamed: that is no reason to fail."""
        d, inside = self.tree(100)
        os.symlink("../dir/sub/../f", d.path("dir/round"))
        with open(next_to(d, "x"), "wb"):
            pass

        def rename():
            os.rename(next_to(d, "x"), next_to(d, "y"))
            os.rename(next_to(d, "y"), next_to(d, "x"))
        self.storm(d, rename, ("/dir/round",), (inside,), (200,))

    def test_an_index_that_comes_and_goes(self):
        d, _ = self.tree(100)

        def blink():
            os.unlink(d.path("dir/index.html"))
            time.sleep(0.0005)
            d.write("dir/new", PAGE)
            os.rename(d.path("dir/new"), d.path("dir/index.html"))
            time.sleep(0.0005)
        self.storm(d, blink, ("/dir/",), (PAGE,), (200, 403), (200, 403))

    def test_an_index_that_is_a_directory_by_turns(self):
        d, _ = self.tree(100)
        d.write("dir/other", None)
        self.storm(d, lambda: exchange(d.path("dir/index.html"), d.path("dir/other")), ("/dir/",), (PAGE,),
                   (200, 403))


class Root(Case):
    """The root itself: one tree or the other, never a mixture, and never an end."""

    def reload(self, d):
        at, old = d.mark(), d.workers()
        d.send_signal(signal.SIGHUP)
        d.wait_log("ready: generation", after=at)
        harness.wait_gone(old)

    def test_replaced(self):
        with Old.take("replaced") as d, d.connect() as c:
            d.write("../new/a", b"new")
            d.write("../new/b", b"new")

            def answers(client):
                for target in ("/a", "/b"):
                    client.request(target)
                return [client.response().body for _ in range(2)]
            self.assertEqual(answers(c), [b"old"] * 2)
            exchange(d.root, next_to(d, "new"))
            seen = [body for _ in range(5) for body in answers(c)]
            self.assertEqual(seen, sorted(seen, reverse=True))  # from the old one to the new, and never back
            self.assertLessEqual(set(seen), {b"old", b"new"})
            self.reload(d)
            with d.connect() as another:
                self.assertEqual(answers(another), [b"new"] * 2)

    def test_removed(self):
        with Old.take("removed") as d:
            workers = d.workers()
            for target in ("/ok", "/", "/dir/f"):
                self.assert_status(d.get(target), 200)
            shutil.rmtree(d.root)
            for _ in range(2):
                for target in ("/ok", "/", "/dir/f", "/dir/"):
                    self.assertIn(d.get(target).status, (403, 404), target)
            self.assertEqual(d.workers(), workers)
            harness.assert_idle(workers + [d.pid], 0.2)
            # A reload finds no root: it is refused, and what there is goes on.
            at = d.mark()
            d.send_signal(signal.SIGHUP)
            d.wait_log("root .* cannot be opened: No such file", after=at)
            d.wait_log("reload failed", after=at)
            self.assertIn(d.get("/ok").status, (403, 404))
            d.write("ok", PAGE)
            self.reload(d)
            self.assertEqual(d.get("/ok").body, PAGE)

    def test_closed(self):
        with Daemon({"ok": PAGE}) as d:
            os.chmod(d.root, 0)
            self.assert_status(d.get("/ok"), 403)
            self.assert_status(d.get("/"), 403)
            os.chmod(d.root, 0o755)
            self.assertEqual(d.get("/ok").body, PAGE)


if __name__ == "__main__":
    harness.main()

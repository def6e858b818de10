"""Goal: a worker that was taken over harms itself only: its master and the other workers serve on.

The workers are real ones, into which break-out.c is preloaded: on a request that asks for it they try
one thing.
"""

import contextlib
import os
import re
import signal
import threading
import time
import unittest

import harness
from harness import wait_until

PRELOADED = os.path.join(os.path.dirname(os.path.abspath(harness.TINED)), "tests", "it")
BREAK_OUT = os.path.join(PRELOADED, "break-out.so")
LOUD = os.path.join(PRELOADED, "loud.so")

with open(harness.TINED, "rb") as program:
    SANITIZED = re.search(rb"__[at]san_init", program.read()) is not None

# A second is promised, a little more for TERM, which goes on accepting for 1.2 s; a busy machine takes
# as long as it likes.
LOOSE = 10


class Taken(harness.Case):
    def daemon(self, environment=(), **options):
        d = harness.Daemon({"index.html": b"hello"}, start=False, **options)
        self.control = d.options["control"] = os.path.join(d.dir, "control.sock")
        d.write_config()
        d.environment["LD_PRELOAD"] = BREAK_OUT
        d.environment.update(environment)
        d.start()
        self.addCleanup(d.__exit__, None, None, None)
        return d

    def tell(self, d, attempt):
        """Has the worker that takes the connection try it; the connection stays open."""
        c = d.connect()
        self.addCleanup(c.close)
        c.send(b"BREAK OUT %s\r\n\r\n" % attempt.encode())
        return c

    def taken_down(self, d, reason, mark):
        """The pid of the worker that was ended for it."""
        return int(d.wait_log(r"worker \d+ of generation \d+ \(pid (\d+)\) is ended: it sent the master "
                              + reason, after=mark).group(1))


@unittest.skipIf(SANITIZED, "a sanitizer's runtime must come first")
class Channel(Taken):
    def check_ends(self, attempt, reason):
        d = self.daemon(workers=2)
        kept = [d.connect() for _ in range(8)]
        for c in kept:
            c.request("/")
            self.assert_status(c.response(), 200)
        before, mark = d.workers(), d.mark()
        self.tell(d, attempt)
        ended = self.taken_down(d, reason, mark)
        self.assertIn(ended, before)
        wait_until(lambda: ended not in d.workers() and len(d.workers()) == 2, "a successor")
        self.assertLessEqual(set(before) - {ended}, set(d.workers()))
        answered = 0
        for c in kept:
            with contextlib.suppress(OSError, EOFError, AssertionError):
                c.request("/")
                answered += c.response().status == 200
            c.close()
        self.assertGreater(answered, 0)  # those of the other worker
        self.assert_status(d.get("/"), 200)

    def test_a_flood(self):
        self.check_ends("flood-master", "too many messages within a second")

    def test_a_malformed_message(self):
        self.check_ends("send-nonsense", "a malformed message")

    def test_a_message_out_of_turn(self):
        self.check_ends("start-again", "a message out of turn")

    def test_notices_are_no_flood(self):
        """Each loop has something to tell, all within a second."""
        d = self.daemon(workers=1, threads=40)
        before = d.workers()
        clients = [d.connect() for _ in range(200)]
        for c in clients:
            c.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n\r\n")
        for c in clients:
            self.assert_status(c.response(), 400)
            c.close()
        d.wait_log("got a PROXY header")
        self.assert_status(d.get("/"), 200)
        self.assertEqual(d.workers(), before)

    def timed(self, what, f):
        begin = time.monotonic()
        f()
        took = time.monotonic() - begin
        print("%s beside floods: %.0f ms" % (what, 1000 * took))
        self.assertLess(took, LOOSE)

    def test_the_master_is_not_held_up(self):
        """Each worker floods as soon as it serves."""
        d = self.daemon(workers=2)
        done = threading.Event()

        def attack():
            while not done.is_set():
                with contextlib.suppress(OSError, EOFError, AssertionError):
                    with d.connect() as c:
                        c.send(b"BREAK OUT flood-master\r\n\r\n")
                        c.expect_close()

        def run(command):
            return harness.run_tined(command, "-s", self.control).returncode

        attackers = [threading.Thread(target=attack) for _ in range(2)]
        for t in attackers:
            t.start()
        self.addCleanup(done.set)
        try:
            self.taken_down(d, "too many", 0)
            for _ in range(3):
                self.timed("status", lambda: self.assertEqual(run("status"), 0))
            # It may fail: workers that are just starting are attacked as well.
            self.timed("reload", lambda: run("reload"))
            self.timed("TERM", lambda: (d.send_signal(signal.SIGTERM), d.wait_exit()))
        finally:
            done.set()
            for t in attackers:
                t.join()


# The result of an attempt to get at the memory of others: with the rule that all shared memory has one
# writer, and where it is switched off.
MEMORY = {
    "store-into-others": ("EFAULT", "done"),
    "protect-others":    ("EACCES", "done"),
    "stretch-own":       ("EFAULT", "EFAULT"),  # with one memfd for all: tests/unit/test_sharedmem.c
    "write-by-proc":     ("EIO",    "EIO"),
    "find-descriptor":   ("ENOENT", "ENOENT"),
    "see-others-notes":  ("ENOENT", "done"),
}
OLD = {"BREAK_OUT_SHARED": "1"}
NO_SANDBOX = {"landlock": "off", "seccomp": "off"}


@unittest.skipIf(SANITIZED, "a sanitizer's runtime must come first")
class Memory(Taken):
    def check(self, environment, column):
        for attempt, results in MEMORY.items():
            with self.subTest(attempt):
                d = self.daemon(environment, workers=2, sandbox=NO_SANDBOX)
                self.tell(d, attempt)
                self.assertEqual(d.wait_log(r"break-out: %s: (\w+)" % attempt).group(1), results[column])
                d.kill()

    def test_of_others_is_out_of_reach(self):
        self.check({}, 0)

    def test_without_the_rule(self):
        """So that the attempts are known to be good ones."""
        self.check(OLD, 1)

    def test_a_beat_that_stands_still_harms_its_own_worker_only(self):
        d = self.daemon(workers=2, sandbox=NO_SANDBOX, timeouts={"watchdog": "3s"})
        before, mark = d.workers(), d.mark()
        self.tell(d, "stand-still")
        ended = int(d.wait_log(r"\(pid (\d+)\) hangs: loop 0 stands still", after=mark).group(1))
        d.wait_log(r"\(pid %d\) was killed by signal 6" % ended, after=mark)
        # The others are looked at each second as well: what they would be ended for they are by then.
        end = time.monotonic() + 4
        wait_until(lambda: time.monotonic() > end, "some looks more")
        self.assertEqual(set(before) - set(d.workers()), {ended})
        self.assertEqual(d.log.count("hangs:"), 1)
        self.assert_status(d.get("/"), 200)


@unittest.skipIf(SANITIZED, "a sanitizer's runtime must come first")
class Words(Taken):
    SAYS = r"^tined: (?:\w+: )?worker (\d+) of generation 1 \(pid (\d+)\) says: "

    def daemon(self, environment=(), **options):
        return super().daemon({"LD_PRELOAD": LOUD, **dict(environment)}, **options)

    def speak(self, d, way):
        """Has the worker that takes the connection speak in this way; the connection stays open."""
        c = d.connect()
        self.addCleanup(c.close)
        c.send(b"LOUD %-30s\r\n\r\n" % way.encode())

    def test_nothing_is_forged(self):
        d = self.daemon(workers=2, timeouts={"watchdog": "0"})
        mark = d.mark()
        self.speak(d, "forge-lines")
        pid = int(d.wait_log(self.SAYS + r"tined: ready: generation 99$", after=mark).group(2))
        begin = time.monotonic()
        self.assertEqual(harness.run_tined("status", "-s", self.control).returncode, 0)
        took = time.monotonic() - begin
        print("status beside a flood of lines: %.0f ms" % (1000 * took))
        self.assertLess(took, LOOSE)
        d.wait_log(r"^tined: warning: \d+ lines of worker \d of generation 1 \(pid %d\) were dropped$" % pid,
                   after=mark)
        said = d.lines[mark:]
        self.assertIn(r"says: \x1b[2J\xc2\x9b2J\xff\x0d", "\n".join(said))
        self.assertIn(r"says: <0>tined: stopping", "\n".join(said))
        for line in said:
            self.assertRegex(line, self.SAYS + r"|^tined: warning: \d+ lines of worker ")
            self.assertNotRegex(line, r"[\x00-\x1f\x7f-\x9f\ufffd]")
        self.assertIn(pid, d.workers())
        self.assert_status(d.get("/"), 200)

    def test_the_last_words_come_before_the_end(self):
        d = self.daemon(workers=2)
        mark = d.mark()
        self.speak(d, "die-with-words")
        pid = d.wait_log(r"^tined: warning: worker \d of generation 1 \(pid (\d+)\) was killed by signal 6",
                         after=mark).group(1)
        said = "\n".join(d.lines[mark:])
        marked = r"tined: warning: worker \d of generation 1 \(pid %s\) " % pid
        self.assertRegex(said, r"%ssays: one more\n%ssays: and the last\n%swas killed" % ((marked,) * 3))

    def test_over_an_upgrade(self):
        """A worker of the program before speaks on."""
        d = self.daemon(workers=2, timeouts={"watchdog": "0"})
        self.speak(d, "speak-on")
        pid = d.wait_log(self.SAYS + "still here$").group(2)
        self.assertEqual(harness.run_tined("upgrade", "-s", self.control).returncode, 0)
        d.wait_log("^tined: ready: generation 2")
        mark = d.mark()
        d.wait_log(r"^tined: warning: worker \d of generation 1 \(pid %s\) says: still here$" % pid, after=mark)

    def test_without_a_master(self):
        """It is not ended by what it says, and ends when it has nothing more to do."""
        d = self.daemon(workers=1, threads=1)
        d.write("big", b"x" * (16 << 20))
        with d.connect(receive_buffer=4096) as c:
            c.request("/big")
            length = harness.content_length(c.read_head(), "GET")
            self.speak(d, "speak-on")
            d.wait_log(self.SAYS + "still here$")
            workers = d.workers()
            d.expect_status = -signal.SIGKILL
            d.send_signal(signal.SIGKILL)
            self.assertEqual(len(c.read_exactly(length)), length)
        harness.wait_gone(workers)

    def test_no_descriptor_leads_to_what_is_the_masters(self):
        d = self.daemon(workers=2)
        own = {os.readlink("/proc/%d/fd/%d" % (d.pid, fd)) for fd in (0, 1, 2)} - {"/dev/null"}
        for pid in d.workers():
            names = os.listdir("/proc/%d/fd" % pid)
            self.assertEqual(own & {os.readlink("/proc/%d/fd/%s" % (pid, name)) for name in names}, set())


@unittest.skipUnless(SANITIZED, "its runtime is to report")
class Reports(harness.Case):
    def test_a_report_is_logged_as_a_whole(self):
        d = harness.Daemon({"index.html": b"hello"}, workers=1)
        self.addCleanup(d.__exit__, ValueError, None, None)  # which expects none
        mark = d.mark()
        pid, = d.workers()
        os.kill(pid, signal.SIGSEGV)
        d.wait_log(r"worker 0 of generation 1 \(pid %d\) (was|ended)" % pid, after=mark)
        said = [line for line in d.lines[mark:] if "(pid %d) says: " % pid in line]
        self.assertRegex("\n".join(said), harness.SANITIZER_REPORT)
        self.assertRegex(said[-1], r"says: ==\d+==ABORTING$")
        self.assertNotIn("dropped", d.log)


def packet_sockets(pid):
    """How many of its sockets are like those over which connections are handed over."""
    with open("/proc/net/unix", encoding="ascii", errors="replace") as f:
        inodes = {line.split()[6] for line in f.read().splitlines()[1:] if line.split()[4] == "0005"}
    count = 0
    for name in os.listdir("/proc/%d/fd" % pid):
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink("/proc/%d/fd/%s" % (pid, name))
            count += target.startswith("socket:[") and target[8:-1] in inodes
    return count


@unittest.skipIf(SANITIZED, "a sanitizer's runtime must come first")
class Handover(Taken):
    KEPT = 40

    def reload_with_idle(self, environment, pattern):
        """A reload with idle connections open. Checks its answer; gives daemon and connections."""
        d = self.daemon(environment, workers=2)
        kept = [d.connect() for _ in range(self.KEPT)]
        for c in kept:
            c.request("/")
            self.assert_status(c.response(), 200)
        result = harness.run_tined("reload", "-s", self.control)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, pattern)
        return d, kept

    def test_a_reload_says_what_was_lost(self):
        lost = r"%d of %d connections were lost" % (self.KEPT, self.KEPT)
        d, kept = self.reload_with_idle({"BREAK_OUT_STEAL": "1"}, lost)
        d.wait_log(r"warning: " + lost)
        self.assertRegex(harness.run_tined("status", "-s", self.control).stdout, lost)
        for c in kept:
            c.close()

    def test_nothing_is_lost(self):
        d, kept = self.reload_with_idle({}, r"generation 2 is ready$")
        for c in kept:
            c.request("/")
            self.assert_status(c.response(), 200)
            c.close()
        self.assertNotIn("lost", d.log)

    def test_nobody_has_a_way_when_nobody_hands_over(self):
        """A worker is connected with its master only: before, and again after."""
        d, kept = self.reload_with_idle({}, "ready")
        wait_until(lambda: [packet_sockets(p) for p in d.workers()] == [1, 1], "the ways' end")
        for c in kept:
            c.close()
        wait_until(lambda: packet_sockets(d.pid) == 2, "the master's ends of them")


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Goal: a worker may die, hang or be stopped at any moment: nobody else notices for long."""

import contextlib
import os
import random
import re
import resource
import select
import selectors
import signal
import socket
import time
import unittest

import harness
from harness import Daemon, wait_until
from machine import Machine

FILES = {"index.html": b"hello"}
REQUEST = harness.format_request("/")
# Times are measured with a plain build only: a sanitizer takes its time.
with open(harness.TINED, "rb") as binary:
    SANITIZED = re.search(rb"__[at]san_init", binary.read()) is not None

KILLS = 10
TICK = 1  # seconds between two looks of a loop at its listeners


def children(pid):
    """Quicker than to look at every process, and tells zombies as well."""
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        return [int(p) for p in f.read().split()]


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def sockets_of(pid):
    """The inodes of its sockets."""
    inodes = set()
    for name in os.listdir("/proc/%d/fd" % pid):
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink("/proc/%d/fd/%s" % (pid, name))
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    return inodes


def listeners_of(pid):
    """The inodes of its listening sockets."""
    return sockets_of(pid) & {line.split()[9] for line in tcp_lines() if line.split()[3] == "0A"}


def accepts(pid, listeners):
    """It waits for connections: one of its event loops has a listening socket."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for name in os.listdir("/proc/%d/fd" % pid):
            if os.readlink("/proc/%d/fd/%s" % (pid, name)) == "anon_inode:[eventpoll]":
                with open("/proc/%d/fdinfo/%s" % (pid, name), encoding="ascii") as f:
                    waited = re.findall(r"^tfd:\s*\d+ .* ino:(\w+)", f.read(), re.M)
                if any(str(int(ino, 16)) in listeners for ino in waited):
                    return True
    return False


def tcp_lines():
    with open("/proc/net/tcp", encoding="ascii") as f:
        return f.read().splitlines()[1:]


def served_by(port, workers):
    """Which worker holds which connection: {the client's port: pid}. The server's is `port`."""
    inode_of = {}
    for line in tcp_lines():
        fields = line.split()
        if fields[3] == "01" and int(fields[1].split(":")[1], 16) == port:
            inode_of[fields[9]] = int(fields[2].split(":")[1], 16)
    owners = {}
    for pid in workers:
        for inode in sockets_of(pid) & set(inode_of):
            owners[inode_of[inode]] = pid
    return owners


class Load:
    """Connections kept open, each of which asks again as soon as it is answered."""

    def __init__(self, address, count, pace=0.004):
        self.address, self.pace = address, pace
        self.selector = selectors.DefaultSelector()
        self.answers = 0
        self.lost = set()  # ports of connections that failed
        self.wrong = []
        for _ in range(count):
            self.open()

    def open(self):
        s = socket.create_connection(self.address, timeout=harness.DEADLINE)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.sendall(REQUEST)
        self.selector.register(s, selectors.EVENT_READ, [s.getsockname()[1], b""])

    def connections(self):
        return [key.data[0] for key in self.selector.get_map().values()]

    def _receive(self, key):
        port, had = key.data
        try:
            data = key.fileobj.recv(65536)
            key.data[1] = had + data
            if had + data and (had + data).endswith(b"\r\n\r\nhello"):
                self.answers += 1
                key.data[1] = b""
                key.fileobj.sendall(REQUEST)
        except OSError:
            data = b""
        if not data:
            self.lost.add(port)
            self.selector.unregister(key.fileobj)
            key.fileobj.close()
        elif len(key.data[1]) > 1000 or (key.data[1] and not b"HTTP/1.1 200 ".startswith(key.data[1][:13])):
            self.wrong.append(key.data[1])

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for key, _ in self.selector.select(min(0.05, max(end - time.monotonic(), 0))):
                self._receive(key)
            time.sleep(self.pace)

    def run_until(self, predicate, what):
        end = time.monotonic() + harness.DEADLINE
        while not predicate():
            self.run(0.01)
            if time.monotonic() > end:
                raise AssertionError("in vain: " + what)

    def reopen(self):
        """As many as were lost, each answered once."""
        for _ in self.lost:
            self.open()
        self.lost = set()
        answered = self.answers
        self.run_until(lambda: self.answers >= answered + 2 * len(self.selector.get_map()), "answers")

    def close(self):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()


class Killed(harness.Case):
    def test_again_and_again_under_load(self):
        """Only the connections of that worker fail, and another one is started at once."""
        machine = Machine()
        with machine.daemon(FILES, workers=4, listen=("127.0.0.1:0",)) as d:
            load = Load(d.address()[1], 40)
            lost = 0
            try:
                load.run(0.1)
                for _ in range(KILLS):
                    machine.jump(1)  # one that dies when it has hardly begun is replaced later
                    lost += self.kill_one(d, machine, load)
                    load.reopen()
                self.assertEqual(load.lost, set())
                self.assertEqual(load.wrong, [])
            finally:
                load.close()
            print("%d answers, %d connections lost, all of the killed" % (load.answers, lost))
            self.assertGreater(lost, 0)

    def kill_one(self, d, machine, load):
        """And awaits its successor, which no time may pass for; how many connections were lost."""
        workers, listeners = d.workers(), listeners_of(d.pid)
        self.assertEqual(len(workers), 4)
        victim = random.choice(workers)
        owners = served_by(d.address()[1][1], workers)
        self.assertEqual(set(owners), set(load.connections()))
        theirs = {port for port, pid in owners.items() if pid == victim}
        with machine.standing_still():
            os.kill(victim, signal.SIGKILL)
            load.run_until(lambda: load.lost >= theirs, "the end of its connections")
            load.run_until(lambda: any(accepts(pid, listeners) for pid in set(children(d.pid)) - set(workers)),
                           "a new worker")
        load.run(0.05)
        self.assertEqual(load.lost, theirs)
        return len(theirs)

    def test_at_random_moments(self):
        """The master keeps count: of workers, of their ends, of its descriptors."""
        with Daemon(FILES, workers=8, listen=("127.0.0.1:0",)) as d:
            before = descriptors(d.pid)
            load = Load(d.address()[1], 16)
            killed = set()  # one that is dead already may be chosen again before it is reaped
            try:
                for _ in range(50):
                    victim = random.choice(wait_until(lambda: children(d.pid), "a worker"))
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(victim, signal.SIGKILL)
                        killed.add(victim)
                    load.run(random.uniform(0, 0.03))
                    load.reopen()
                self.assertEqual(load.wrong, [])
            finally:
                load.close()
            listeners = listeners_of(d.pid)
            wait_until(lambda: len(d.workers()) == 8 and all(accepts(p, listeners) for p in d.workers()),
                       "8 workers")
            self.assertEqual(sorted(children(d.pid)), d.workers(), "zombies")
            self.assertEqual(descriptors(d.pid), before)
            said = re.findall(r"worker \d of generation 1 \(pid \d+\) was killed by signal 9", d.log)
            self.assertEqual(len(said), len(killed))
            self.assertEqual(d.get("/").body, b"hello")
            harness.assert_idle([d.pid] + d.workers(), 0.3)


@contextlib.contextmanager
def on_one_processor(pids):
    """These, and this thread ahead of them: what it wakes does not run before it waits."""
    allowed = os.sched_getaffinity(0)
    processor = {min(allowed)}
    for pid in pids:
        os.sched_setaffinity(pid, processor)
    os.sched_setaffinity(0, processor)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        os.sched_setaffinity(0, allowed)
        raise unittest.SkipTest("real-time scheduling is not permitted here") from None
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.sched_setaffinity(0, allowed)


class BetweenWakingAndAccepting(harness.Case):
    """The kernel wakes one worker for a connection. If it is stopped or dies then, the others sleep."""

    def daemon(self, workers):
        self.machine = Machine()
        return self.machine.daemon(FILES, workers=workers, listen=("127.0.0.1:0",))

    def hit(self, d, victim, number, wait=harness.DEADLINE):
        """A client whose connection wakes a worker, while a signal for `victim` comes and the daemon's
        clock stands still: whether it is answered, else when so much time has passed as a tick takes."""
        with self.machine.standing_still(), contextlib.closing(socket.socket()) as s:
            with on_one_processor(d.workers()):
                s.connect(d.address()[1])
                # Nobody else runs on this processor until the client waits.
                s.send(REQUEST)
                os.kill(victim, number)
                is_answered = bool(select.select([s], [], [], wait)[0])
            if not is_answered:
                self.machine.advance(TICK)
            s.settimeout(harness.DEADLINE)
            data = s.recv(1000)
        self.assertTrue(data.startswith(b"HTTP/1.1 200 "), data)
        return is_answered

    def wait_asleep(self, d):
        wait_until(lambda: all(harness.state_of(p) == "S" for p in d.workers() + [d.pid]), "all to sleep")

    def test_stopped(self):
        """The others look once a second."""
        with self.daemon(2) as d:
            hits = 0
            for i in range(40):
                victim = d.workers()[i % 2]
                self.wait_asleep(d)
                try:
                    hits += not self.hit(d, victim, signal.SIGSTOP, 0.2)
                finally:
                    os.kill(victim, signal.SIGCONT)
                if hits >= 3:
                    break
            print("stopped: %d of %d were for the one that had been woken" % (hits, i + 1))
            self.assertGreater(hits, 0, "never was the one stopped that had been woken")

    def test_killed(self):
        with self.daemon(3) as d:
            for i in range(6):
                victim = d.workers()[i % 3]
                self.wait_asleep(d)
                self.assertTrue(self.hit(d, victim, signal.SIGKILL))
                wait_until(lambda: len(set(d.workers()) - {victim}) == 3, "a new worker")

    def test_killed_and_not_replaced_at_once(self):
        """The master hears of it and has the others look."""
        with self.daemon(2) as d, contextlib.ExitStack() as stack:
            listeners, known = listeners_of(d.pid), set(d.workers())
            os.kill(min(known), signal.SIGKILL)
            for _ in range(4):
                # One that has only just become ready is replaced after a delay, which grows.
                new = wait_until(lambda: [p for p in d.workers() if p not in known and accepts(p, listeners)],
                                 "a new worker")
                known.update(new)
                # Older workers hold more, and leave the next connection to the new one.
                for _ in range(3):
                    c = stack.enter_context(d.connect())
                    c.request("/")
                    c.response()
                self.wait_asleep(d)
                self.assertTrue(self.hit(d, new[0], signal.SIGKILL))


class Stopped(harness.Case):
    def answered(self, d, count):
        """Each waits for a tick at most: for longer than anything else would, and it fails."""
        slowest = 0
        for _ in range(count):
            began = time.monotonic()
            self.assertEqual(d.get("/").body, b"hello")
            slowest = max(slowest, time.monotonic() - began)
        return slowest

    def test_all_but_one(self):
        with Daemon(FILES, workers=4, listen=("127.0.0.1:0",)) as d:
            workers = d.workers()
            for left in workers:
                stopped = [p for p in workers if p != left]
                try:
                    for pid in stopped:
                        os.kill(pid, signal.SIGSTOP)
                    # Connections that stay open, so that the one left holds more than its share.
                    with contextlib.ExitStack() as stack:
                        for _ in range(5):
                            c = stack.enter_context(d.connect())
                            c.request("/")
                            self.assertEqual(c.response().body, b"hello")
                        slowest = self.answered(d, 20)
                finally:
                    for pid in stopped:
                        os.kill(pid, signal.SIGCONT)
            print("all but one stopped: the slowest of 20 answers took %.1f ms" % (1e3 * slowest))
            self.assertEqual(d.workers(), workers)

    def test_all_for_a_while(self):
        """Nobody is lost: who has connected waits, and who was being answered goes on."""
        with Daemon(dict(FILES, big=b"x" * (8 << 20)), workers=2, listen=("127.0.0.1:0",)) as d:
            workers = d.workers()
            with contextlib.ExitStack() as stack:
                idle = stack.enter_context(d.connect())
                idle.request("/")
                idle.response()
                begun = stack.enter_context(d.connect(receive_buffer=4096))
                begun.request("/big")
                begun.read_head()
                for pid in workers:
                    os.kill(pid, signal.SIGSTOP)
                wait_until(lambda: all(harness.state_of(p) == "T" for p in workers), "all to stop")
                clients = [stack.enter_context(d.connect()) for _ in range(20)]
                for c in clients + [idle]:
                    c.request("/")
                for c in clients[:3]:
                    c.expect_silence(0.05)
                for pid in workers:
                    os.kill(pid, signal.SIGCONT)
                for c in clients + [idle]:
                    self.assertEqual(c.response().body, b"hello")
                begun.skip(8 << 20)
            self.assertEqual(d.workers(), workers)

    def test_and_continued_under_load(self):
        with Daemon(FILES, workers=2, listen=("127.0.0.1:0",)) as d:
            load = Load(d.address()[1], 16)
            try:
                for i in range(40):
                    victim = d.workers()[i % 2]
                    os.kill(victim, signal.SIGSTOP)
                    load.run(random.uniform(0, 0.01))
                    os.kill(victim, signal.SIGCONT)
                    load.run(random.uniform(0, 0.01))
                load.reopen()
                self.assertEqual((load.lost, load.wrong), (set(), []))
            finally:
                load.close()

    def test_then_killed(self):
        with Daemon(FILES, workers=2, listen=("127.0.0.1:0",)) as d:
            victim, other = d.workers()
            os.kill(victim, signal.SIGSTOP)
            self.answered(d, 5)
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: len(set(d.workers()) - {victim}) == 2, "a new worker")
            self.assertIn(other, d.workers())

    def test_the_master(self):
        """Workers serve on without it; what they are told is done when it is back."""
        with Daemon(FILES, workers=2, listen=("127.0.0.1:0",)) as d:
            os.kill(d.pid, signal.SIGSTOP)
            try:
                self.answered(d, 10)
                victim, other = d.workers()
                os.kill(victim, signal.SIGKILL)
                self.answered(d, 10)
            finally:
                os.kill(d.pid, signal.SIGCONT)
            wait_until(lambda: len(set(d.workers()) - {victim}) == 2, "a new worker")
            self.assertIn(other, d.workers())

    def test_the_daemon_stops_with_one(self):
        """A stopped worker cannot end by itself."""
        for number in (signal.SIGQUIT, signal.SIGTERM):
            with Daemon(FILES, workers=2, timeouts={"drain": "100ms"}, listen=("127.0.0.1:0",)) as d:
                os.kill(d.workers()[0], signal.SIGSTOP)
                d.stop(number)


class CrashLoop(harness.Case):
    SECONDS = 2

    def used(self, pid):
        """Processor seconds, those of its ended children as well."""
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            return sum(int(n) for n in f.read().rpartition(")")[2].split()[11:15]) / os.sysconf("SC_CLK_TCK")

    def watch(self, d, healthy, during):
        """The master is next to idle, and the healthy one serves."""
        slowest, before, began = 0, self.used(d.pid), time.monotonic()
        while time.monotonic() < began + self.SECONDS:
            during()
            asked = time.monotonic()
            self.assertEqual(d.get("/").body, b"hello")
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.005)
        used = (self.used(d.pid) - before) / (time.monotonic() - began)
        deaths = len(re.findall("of generation 1 .*(killed|ended)", d.log))
        print("%d deaths in %g s: master and the dead used %.1f %% of a processor, the slowest answer took "
              "%.1f ms" % (deaths, self.SECONDS, 100 * used, 1e3 * slowest))
        self.assertIn(healthy, d.workers())
        if not SANITIZED:
            self.assertLess(used, 0.05)
        # Delays that double: 0.1 s, 0.2, 0.4, 0.8, 1.6.
        self.assertLessEqual(deaths, 8)

    def test_killed_as_soon_as_it_is_there(self):
        with Daemon(FILES, workers=2, listen=("127.0.0.1:0",)) as d:
            healthy = d.workers()[0]

            def kill():
                for pid in children(d.pid):
                    if pid != healthy:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
            self.watch(d, healthy, kill)
            # Left alone it comes back, though late.
            wait_until(lambda: len(d.workers()) == 2, "the other worker")

    @unittest.skipUnless(harness.IS_ROOT, "only who changes the user's limits can make a start fail")
    @unittest.skipIf(SANITIZED, "a sanitizer's runtime dies of the limit first")
    def test_failing_by_itself(self):
        """No more processes are permitted to the workers' user: a second thread cannot be had."""
        with Daemon(FILES, workers=2, threads=2, listen=("127.0.0.1:0",)) as d:
            healthy, victim = d.workers()
            _, hard = resource.prlimit(d.pid, resource.RLIMIT_NPROC)
            resource.prlimit(d.pid, resource.RLIMIT_NPROC, (1, hard))
            os.kill(victim, signal.SIGKILL)
            self.watch(d, healthy, lambda: None)
            self.assertRegex(d.log, r"a worker cannot start: thread: Resource temporarily unavailable")
            resource.prlimit(d.pid, resource.RLIMIT_NPROC, (hard, hard))
            wait_until(lambda: len(d.workers()) == 2, "the other worker")

    def test_from_the_start(self):
        """There is nothing to fall back on: the daemon says why and ends."""
        if not harness.IS_ROOT or SANITIZED:
            self.skipTest("see above")
        with Daemon(FILES, workers=2, threads=2, start=False, expect_status=1) as d:
            d.command = ["prlimit", "--nproc=1:1", harness.TINED, "run", "-c", d.config_path]
            d.start(wait_ready=False)
            self.assertEqual(d.wait_exit(), 1)
            self.assertRegex(d.log, "a worker cannot start: thread")


if __name__ == "__main__":
    harness.main()

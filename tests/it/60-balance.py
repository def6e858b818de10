#!/usr/bin/env python3
"""Goal: connections that stay open spread evenly over the loops, whoever the kernel would wake."""

import contextlib
import os
import re
import signal
import time

import harness
from harness import Daemon, format_request, wait_until

COUNT = 400
LOOPS = 4
SLACK = 1.15
TRIES = 3  # a loop that other programs keep from running leaves its share to the rest
FILES = {"index.html": b"hello"}


def registered(pid):
    """How many descriptors each event loop of a process waits for, by the loop's descriptor."""
    counts = {}
    for path in ["/proc/%d/fd/%s" % (pid, name) for name in os.listdir("/proc/%d/fd" % pid)]:
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(path) == "anon_inode:[eventpoll]":
                with open(path.replace("/fd/", "/fdinfo/"), encoding="ascii") as f:
                    counts[pid, os.path.basename(path)] = len(re.findall("^tfd:", f.read(), re.M))
    return counts


def loops_of(d):
    counts = {}
    for pid in d.workers():
        counts.update(registered(pid))
    return counts


def spaced(d, stack):
    clients = []
    for _ in range(COUNT):
        clients.append(stack.enter_context(d.connect()))
        clients[-1].request("/")
        time.sleep(0.002)
    return clients


def burst(d, stack):
    """They are accepted when they have sent something: all of them at once."""
    clients = [stack.enter_context(d.connect()) for _ in range(COUNT)]
    request = format_request("/")
    for c in clients:
        c.send(request)
    return clients


class Shares(harness.Case):
    def shares(self, d, before, connect):
        """The share of each loop of so many connections, the largest first."""
        with contextlib.ExitStack() as stack:
            for c in connect(d, stack):
                self.assertEqual(c.response().body, b"hello")
            # A loop that leaves the queue to others is without its listeners for a moment.
            now = wait_until(lambda: self.settled(d, before), "all connections")
        self.wait_closed(d, before)
        return sorted((now[loop] - before[loop] for loop in before), reverse=True)

    def assert_even(self, d, what, before, connect):
        tries = []
        while len(tries) < TRIES and (not tries or tries[-1][0] > SLACK * COUNT / LOOPS):
            tries.append(self.shares(d, before, connect))
        print("%s: %s" % (what, ", ".join("/".join(map(str, shares)) for shares in tries)))
        self.assertLessEqual(tries[-1][0], SLACK * COUNT / LOOPS, tries)

    def settled(self, d, before):
        now = loops_of(d)
        return now if sum(now.values()) - sum(before.values()) == COUNT else None

    def wait_closed(self, d, before):
        wait_until(lambda: loops_of(d) == before, "the end of all connections")

    def both(self, **shape):
        what = "%(workers)d workers of %(threads)d threads" % shape
        with Daemon(FILES, **shape) as d:
            before = loops_of(d)
            self.assertEqual(len(before), LOOPS)
            self.assert_even(d, what + ", 2 ms apart", before, spaced)
            self.assert_even(d, what + ", in a burst", before, burst)

    def idle(self, d, pid):
        """The events that a loop without connections waits for: control, signals, channel, what its reader
        has read, listeners."""
        count = sum(registered(pid).values())
        return count if count == 4 + len(d.addresses) else None

    def test_processes(self):
        self.both(workers=LOOPS, threads=1)

    def test_threads(self):
        self.both(workers=1, threads=LOOPS)

    def test_processes_of_threads(self):
        self.both(workers=2, threads=2)

    def test_a_loop_that_came_later_gets_its_share(self):
        """The connections of a worker that died count no longer."""
        with Daemon(FILES, workers=LOOPS) as d, contextlib.ExitStack() as stack:
            def fill():
                clients = [stack.enter_context(d.connect()) for _ in range(COUNT)]
                for c in clients:
                    c.request("/")
                for c in clients:
                    self.assertEqual(c.response().body, b"hello")

            fill()
            victim, *others = d.workers()
            os.kill(victim, signal.SIGKILL)
            new = wait_until(lambda: set(d.workers()) - {victim} - set(others), "a new worker").pop()
            empty = wait_until(lambda: self.idle(d, new), "its loop")
            for _ in range(TRIES):
                fill()
                shares = [sum(registered(p).values()) - empty for p in d.workers()]
                print("after a death: %s" % "/".join(map(str, shares)))
                if max(shares) <= SLACK * sum(shares) / LOOPS:
                    break
            self.assertLessEqual(max(shares), SLACK * sum(shares) / LOOPS, shares)


if __name__ == "__main__":
    harness.main()

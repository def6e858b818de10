#!/usr/bin/env python3
"""Goal: a request costs the system calls that it needs, and not one more."""

import collections
import re
import shutil
import subprocess
import tempfile
import time
import unittest

import harness
from harness import Daemon, wait_until

REQUESTS = 50
FILES = {"index.html": b"hello", "4095": b"x" * 4095, "big": b"x" * 300000}


class Trace:
    """The system calls of a process while in the block: .calls, in order, with their results."""

    def __init__(self, pid):
        self.pid = pid
        self.calls = []  # [(name, result)]

    def __enter__(self):
        self.output = tempfile.NamedTemporaryFile(prefix="tined-it-", suffix=".strace")
        self.process = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", self.output.name, "-p", str(self.pid)],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: harness.tracer_of(self.pid) or self.process.poll() is not None, "strace")
            if self.process.poll() is not None:
                raise unittest.SkipTest("strace may not trace here")
            # It may be attached and not see the calls yet: the one that is waited in is written first.
            wait_until(self.written, "strace to see a call")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            # Asleep, it has been seen to make all calls that it had to make.
            wait_until(lambda: harness.state_of(self.pid) in ("S", None), "the process to wait")
            self.process.terminate()
        self.process.wait()
        with self.output:
            for line in self.written().splitlines():
                # A call that was waited in is shown in two parts; the first has no result.
                # A sanitizer's runtime may have a thread of its own, which is left out.
                call = re.match(r"%d +(?:<\.\.\. )?(\w+)(?: resumed>|\().*= (-?\w+)(?: (E\w+))?" % self.pid,
                                line)
                if call:
                    self.calls.append((call.group(1), call.group(3) or call.group(2)))

    def written(self):
        self.output.seek(0)
        return self.output.read().decode("ascii", "replace")

    def counts(self):
        return collections.Counter(name for name, _ in self.calls)


@unittest.skipUnless(shutil.which("strace"), "no strace")
class Costs(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(FILES, workers=1, listen=("127.0.0.1:0",))
        cls.daemon.age(*FILES)
        cls.worker, = cls.daemon.workers()
        for name in FILES:  # it is in the cache from now on
            cls.daemon.get("/" + name)

    @classmethod
    def tearDownClass(cls):
        with cls.daemon:
            pass

    def assert_costs(self, what, trace, requests, **expected):
        """Each call so many times per request; and some for ticks, which pass with time."""
        counts = trace.counts()
        print("%s: %s" % (what, ", ".join("%s %.2f" % (name, n / requests)
                                          for name, n in sorted(counts.items()))))
        # A tick may wake it each second; it tries its listener then, looks at a kept file, and may ask
        # whether connections are handed over.
        ticks = int(self.seconds) + 2
        for name in set(counts) | set(expected):
            least = expected.get(name, 0) * requests
            self.assertGreaterEqual(counts[name], least, name)
            slack = ticks if name in ("epoll_wait", "epoll_pwait", "accept4", "statx", "poll") else 0
            self.assertLessEqual(counts[name], least + slack, name)

    def trace_requests(self, what, requests=REQUESTS, **expected):
        """Keep-alive requests for `what`, one after the other."""
        with self.daemon.connect() as c:
            def ask():
                c.request(what)
                self.assert_status(c.response(), 200)
            ask()
            began = time.monotonic()
            with Trace(self.worker) as trace:
                for _ in range(requests):
                    ask()
            self.seconds = time.monotonic() - began
        self.assert_costs("keep-alive " + what, trace, requests, **expected)

    def test_keep_alive(self):
        self.trace_requests("/", recvfrom=1, statx=1, sendto=1, epoll_wait=1)

    def test_keep_alive_of_more_than_is_copied(self):
        self.trace_requests("/4095", recvfrom=1, statx=1, sendto=1, epoll_wait=1)

    def test_pipelined(self):
        """Requests that come together share the round's calls, and their answers one sending."""
        with self.daemon.connect() as c:
            began = time.monotonic()
            with Trace(self.worker) as trace:
                c.send(harness.format_request("/") * 20)
                for _ in range(20):
                    self.assert_status(c.response(), 200)
            self.seconds = time.monotonic() - began
        self.assert_costs("20 pipelined, and the connection", trace, 1, accept4=1, epoll_ctl=1,
                          recvfrom=1, statx=1, sendto=1, epoll_wait=1)

    def test_short_connections(self):
        def ask():
            with self.daemon.connect() as c:
                c.request("/", fields={"Connection": "close"})
                self.assertEqual(c.response().body, b"hello")
                c.expect_close()
        ask()
        began = time.monotonic()
        with Trace(self.worker) as trace:
            for _ in range(REQUESTS):
                ask()
        self.seconds = time.monotonic() - began
        # Rarely it looks whether there is more to accept.
        again = ("accept4", "EAGAIN")
        found_nothing = trace.calls.count(again)
        print("accept4 that found nothing: %.2f" % (found_nothing / REQUESTS))
        self.assertLessEqual(found_nothing, REQUESTS / 10 + int(self.seconds) + 2)
        trace.calls = [call for call in trace.calls if call != again]
        self.assert_costs("short connection", trace, REQUESTS, accept4=1, recvfrom=1, statx=1, sendto=1,
                          close=1, epoll_wait=1)


if __name__ == "__main__":
    harness.main()

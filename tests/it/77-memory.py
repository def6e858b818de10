#!/usr/bin/env python3
"""Goal: small, and level: memory follows what clients do at the moment, not what they once did.

Measured is what the kernel says in smaps_rollup of the build as it is installed.
"""

import os
import resource
import socket
import unittest

import figures
import harness
from harness import Daemon, wait_until

FILES = {"index.html": b"hello", "mid": b"m" * 20000, "big": b"b" * 300000}
TARGETS = ("/", "/mid", "/big", "/none")
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

CONNECTIONS = 10000
REQUESTS = int(os.environ.get("TINED_TEST_REQUESTS", "100000"))

# Of libraries that nobody else on the machine has mapped (libsystemd and its own, libseccomp) all is ours.
PSS_ALL = 4 * 1024      # kB: master and two workers
PRIVATE_WORKER = 400    # kB, after it has served
PER_CONNECTION = 272    # bytes, idle: struct conn (248) and its place in two tables
GROWTH = 40             # kB, over any number of requests: what the first tick touches
KEPT = 200              # kB, for the next burst


def raise_limit(wanted):
    """Allows this process so many connections, or as many as it may have; returns how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(wanted, most - 100)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, most))
    return count


@unittest.skipIf(figures.is_sanitized(), "sanitizers have memory of their own")
class Memory(harness.Case):
    def setUp(self):
        self.daemon = Daemon(FILES, timeouts={"idle": "5min", "head": "1min"})
        self.addCleanup(self.daemon.kill)
        self.workers = self.daemon.workers()

    def tearDown(self):
        with self.daemon:
            pass

    def private(self):
        return figures.private_of(self.workers)

    def serve_some(self):
        """So much that both workers have had their share of everything."""
        for _ in range(40):
            with self.daemon.connect() as c:
                for target in TARGETS:
                    c.request(target)
                    c.response()

    def connect_many(self, wanted):
        sockets = []
        for _ in range(raise_limit(wanted)):
            s = socket.create_connection(self.daemon.address()[1], harness.DEADLINE)
            self.addCleanup(s.close)
            sockets.append(s)
        return sockets

    def ask_all(self, sockets):
        """All at the same time."""
        for s in sockets:
            s.sendall(REQUEST)
        for s in sockets:
            self.assertTrue(s.recv(4096).endswith(b"\r\n\r\nhello"))

    def await_at_most(self, kb, what):
        """Memory that is not needed any more goes back on the next tick."""
        wait_until(lambda: self.private() <= kb, "%s: %d kB, at most %d" % (what, self.private(), kb))

    def test_processes(self):
        self.serve_some()
        self.ask_all(self.connect_many(200))
        self.await_at_most(2 * PRIVATE_WORKER, "200 clients at once")
        pss = {pid: figures.memory_of(pid)["Pss"] for pid in [self.daemon.pid] + self.workers}
        private = {pid: figures.private_of([pid]) for pid in self.workers}
        print("PSS %d kB: %s; private to workers: %s kB" % (sum(pss.values()), pss, private))
        self.assertLessEqual(sum(pss.values()), PSS_ALL)
        for kb in private.values():
            self.assertLessEqual(kb, PRIVATE_WORKER)

    def test_idle_connections(self):
        self.serve_some()
        before = self.private()
        sockets = self.connect_many(CONNECTIONS)
        self.ask_all(sockets)
        bytes_each = (self.private() - before) * 1024 / len(sockets)
        print("%d idle connections: %.0f bytes each, just after all had asked at once" % (
            len(sockets), bytes_each))
        self.await_at_most(before + len(sockets) * PER_CONNECTION // 1024, "idle connections")
        print("then: %.0f bytes each" % ((self.private() - before) * 1024 / len(sockets)))

    def test_burst_goes_back(self):
        """Half a head on each connection takes 4K of memory for each: it is not kept."""
        self.serve_some()
        before = self.private()
        sockets = self.connect_many(1000)
        for s in sockets:
            s.sendall(REQUEST[:10])
        wait_until(lambda: self.private() > before + 4 * len(sockets), "heads to be waited for")
        print("%d half heads: %d kB more" % (len(sockets), self.private() - before))
        for s in sockets:
            s.sendall(REQUEST[10:])
            s.recv(4096)
        self.await_at_most(before + len(sockets) * PER_CONNECTION // 1024 + KEPT, "after half heads")
        print("then: %d kB more" % (self.private() - before))

    def ask(self, requests, pipelined=100):
        with self.daemon.connect() as c:
            for _ in range(requests // pipelined):
                c.send(REQUEST * pipelined)
                for _ in range(pipelined):
                    c.read_head()
                    c.read_exactly(5)

    def test_level_over_requests(self):
        self.serve_some()
        for _ in range(10):  # so that each worker has had some
            self.ask(1000)
        before = self.private()
        self.ask(REQUESTS)
        print("%d requests: from %d to %d kB" % (REQUESTS, before, self.private()))
        self.await_at_most(before + GROWTH, "after %d requests" % REQUESTS)


if __name__ == "__main__":
    harness.main()

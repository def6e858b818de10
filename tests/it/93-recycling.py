#!/usr/bin/env python3
"""Goal: workers are replaced by and by, one at a time, and no client notices."""

import contextlib
import re
import signal
import threading
import time

import harness
from harness import Daemon, wait_until

LARGE = bytes(range(256)) * 4096 * 20  # 20 MiB
FILES = {"index.html": b"hello", "large.bin": LARGE}


def replaced(d):
    return len(re.findall(r" is replaced after \d+ requests and \d+ s", d.log))


class Watcher(threading.Thread):
    """The most workers that were seen at one time."""

    def __init__(self, d):
        super().__init__(daemon=True)
        self.daemon_seen, self.most, self.done = d, 0, threading.Event()
        self.start()

    def run(self):
        while not self.done.wait(0.01):
            self.most = max(self.most, len(self.daemon_seen.workers()))

    def finish(self):
        self.done.set()
        self.join()
        return self.most


def ask(c, count, findings):
    """Pipelines requests; answers that are not as they should be go to the findings."""
    for _ in range(count):
        c.request("/")
    for _ in range(count):
        r = c.response()
        if r.status != 200 or r.body != b"hello" or r.get("Connection"):
            findings.append(repr(r))
    return count


class Recycling(harness.Case):
    def test_under_load(self):
        """Pipelined, short and idle connections, and downloads, over five times all workers."""
        with Daemon(FILES, workers=2, threads=2, limits={"worker_requests": 200}) as d:
            done, findings, counts = threading.Event(), [], []
            first = d.workers()
            idle = [d.connect(family) for family in ("v4", "v6") for _ in range(20)]
            for c in idle:
                c.request("/")
                self.assert_status(c.response(), 200)

            def client(i):
                count = 0
                try:
                    while not done.is_set():
                        with d.connect("v4" if i % 2 else "v6") as c:
                            for _ in range(1 if i == 0 else 200):
                                count += ask(c, 1 + i % 3, findings)
                                if done.is_set():
                                    break
                                time.sleep(0.002)
                except Exception as e:  # pylint: disable=broad-except
                    findings.append(repr(e))
                counts.append(count)

            def download():
                try:
                    with d.connect(receive_buffer=65536) as c:
                        while not done.is_set():
                            c.request("/large.bin")
                            if c.response().body != LARGE:
                                findings.append("wrong bytes")
                except Exception as e:  # pylint: disable=broad-except
                    findings.append(repr(e))

            watcher = Watcher(d)
            threads = [threading.Thread(target=client, args=(i,)) for i in range(6)]
            threads.append(threading.Thread(target=download))
            for t in threads:
                t.start()
            # Connections are kept, so one of the first may have little to do for long.
            wait_until(lambda: (replaced(d) >= 6 and not set(first) & set(d.workers())) or findings,
                       "replacements of all of the first", 60)
            done.set()
            for t in threads:
                t.join(harness.DEADLINE)
            most = watcher.finish()
            self.assertEqual(findings, [])
            for c in idle:
                self.assertEqual(ask(c, 1, findings), 1)
                c.close()
            self.assertEqual(findings, [])
            self.assertLessEqual(most, 3, "more than one was replaced at a time")
            self.assertNotIn("warning", d.log)
            print("%d answers over %d replacements, nothing closed" % (sum(counts), replaced(d)))

    def test_by_age_one_after_the_other(self):
        with Daemon(FILES, workers=3, listen=("127.0.0.1:0",), limits={"worker_age": "3s"}) as d:
            watcher = Watcher(d)
            first = d.workers()
            with d.connect() as c:
                while set(first) & set(d.workers()):
                    c.request("/")
                    self.assertEqual(c.response().body, b"hello")
                    time.sleep(0.01)
            self.assertLessEqual(watcher.finish(), 4)
            wait_until(lambda: len(d.workers()) == 3, "three workers")

    def test_what_cannot_be_handed_over_is_finished(self):
        with Daemon(FILES, workers=1, listen=("127.0.0.1:0",), limits={"worker_requests": 2}) as d:
            old, = d.workers()
            with d.connect(receive_buffer=65536) as ranges, d.connect() as idle:
                idle.request("/")
                self.assert_status(idle.response(), 200)
                ranges.request("/large.bin", fields=[("Range", "bytes=0-9999999,12000000-19999999")])
                ranges.read_head()
                wait_until(lambda: replaced(d), "its replacement")
                wait_until(lambda: len(d.workers()) == 2, "its successor")
                end = time.monotonic() + 2.5
                while time.monotonic() < end:  # the new one has served enough by then
                    idle.request("/")
                    self.assert_status(idle.response(), 200)
                    time.sleep(0.1)
                self.assertEqual(replaced(d), 1)
                self.assertIn(old, d.workers())
                ranges.read_exactly(17990000)
                harness.wait_gone([old])
                for _ in range(2):
                    idle.request("/")
                    self.assert_status(idle.response(), 200)
            wait_until(lambda: replaced(d) == 2, "the next replacement")

    def ask_until_replaced(self, d):
        """One request is not enough: a worker of the generation before may answer it, and none replaces that."""
        before = replaced(d)

        def is_replaced():
            self.assertEqual(d.get("/").body, b"hello")
            return replaced(d) > before

        wait_until(is_replaced, "a replacement")

    def test_reload_and_stop_on_the_way(self):
        with Daemon(FILES, workers=2, listen=("127.0.0.1:0",), limits={"worker_requests": 1}) as d:
            for _ in range(4):
                self.ask_until_replaced(d)
                d.renew()
                self.assertEqual(d.get("/").body, b"hello")
                wait_until(lambda: len(d.workers()) in (2, 3), "the end of the others")
            self.ask_until_replaced(d)
            d.stop(signal.SIGTERM)


class Generations(harness.Case):
    def test_there_are_only_so_many(self):
        """A client cannot keep old generations from ending, and new ones from coming."""
        with Daemon(FILES, workers=1, listen=("127.0.0.1:0",)) as d, contextlib.ExitStack() as stack:
            clients = []
            for _ in range(18):
                c = stack.enter_context(d.connect(receive_buffer=65536))
                c.request("/large.bin", fields=[("Range", "bytes=0-9999999,12000000-19999999")])
                c.read_head()
                clients.append(c)
                d.renew()
                if "cut short" in d.log:
                    break
            d.wait_log(r"generation \d is cut short, for there are 8")
            wait_until(lambda: len(d.workers()) <= 8, "the end of one")
            self.assertEqual(d.get("/").body, b"hello")
            finished = 0
            for c in clients:
                with contextlib.suppress(AssertionError, OSError):
                    c.read_exactly(17990000)
                    finished += 1
            print("%d of %d answers were finished" % (finished, len(clients)))
            self.assertGreaterEqual(finished, 6)
        self.assertEqual(d.log.count("cut short"), 1)


if __name__ == "__main__":
    harness.main()

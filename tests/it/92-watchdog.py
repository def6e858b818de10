#!/usr/bin/env python3
"""Goal: a worker that hangs is found out, ended and replaced, and the log says what it was doing."""

import contextlib
import os
import signal
import time

import figures
import harness
from harness import Daemon

FILES = {"index.html": b"hello", "large.bin": b"x" * (20 << 20)}
WATCHDOG = 3
# Two looks a second apart, the time between SIGABRT and SIGKILL, and a busy machine.
SLACK = 6


def wait_asleep(pid):
    """Nothing is being answered at this moment."""
    harness.wait_until(lambda: harness.state_of(pid) == "S", "it to sleep")


class Watchdog(harness.Case):
    def daemon(self, **options):
        timeouts = dict(watchdog="%ds" % WATCHDOG, **options.pop("timeouts", {}))
        return Daemon(FILES, listen=("127.0.0.1:0",), timeouts=timeouts, **options)

    def stop(self, d, pid):
        wait_asleep(pid)
        os.kill(pid, signal.SIGSTOP)
        harness.wait_until(lambda: harness.state_of(pid) == "T", "it to stop")
        return d.mark()

    def test_a_worker_that_hangs(self):
        with self.daemon(workers=2) as d, contextlib.ExitStack() as stack:
            workers = d.workers()
            before = figures.sockets_of(workers[0])
            while figures.sockets_of(workers[0]) == before:  # until it has one
                c = stack.enter_context(d.connect(receive_buffer=65536))
                c.request("/large.bin?secret")
                c.read_head()
            mark = self.stop(d, workers[0])
            began = time.monotonic()
            found = d.wait_log(r"worker (\d) of generation 1 \(pid %d\) hangs: loop 0 stands still for \d+ ms, "
                               r"with \d+ connections?; sending \"GET /large.bin\?secret HTTP/1.1\" of 127.0.0.1 "
                               r"for \d+ ms" % workers[0], after=mark)
            took = time.monotonic() - began
            killed = d.wait_log(r"worker %s of generation 1 \(pid %d\) was killed by signal 9 \(Killed\)(, core "
                                r"dumped)?, with \d+ connections?; sending \"GET /large.bin" %
                                (found.group(1), workers[0]), after=mark)
            self.assertIsNotNone(killed)
            print("a hanging worker was found after %.1f s, ended after %.1f s" %
                  (took, time.monotonic() - began))
            self.assertGreater(took, WATCHDOG - 1.1)
            self.assertLess(took, WATCHDOG + SLACK)
            harness.wait_until(lambda: len(set(d.workers()) - {workers[0]}) == 2, "a new worker")
            self.assertIn(workers[1], d.workers())
            for _ in range(10):
                self.assertEqual(d.get("/").body, b"hello")

    def test_connections_that_wait_are_taken_by_others(self):
        with self.daemon(workers=2) as d:
            workers = d.workers()
            self.stop(d, workers[1])
            for _ in range(20):
                began = time.monotonic()
                self.assertEqual(d.get("/").body, b"hello")
                self.assertLess(time.monotonic() - began, 1.5)
            harness.wait_gone([workers[1]], WATCHDOG + SLACK)

    def test_all_workers_of_a_generation_that_ends(self):
        """They do not have to wait for timeouts.drain."""
        with self.daemon(workers=2) as d:
            workers = d.workers()
            for pid in workers:
                self.stop(d, pid)
            d.renew()
            self.assertEqual(d.get("/").body, b"hello")
            harness.wait_gone(workers, WATCHDOG + SLACK)

    def test_idle_and_busy_workers_live(self):
        with self.daemon(workers=1, threads=4) as d:
            workers = d.workers()
            mark = d.mark()
            with d.connect(receive_buffer=65536) as c:
                c.request("/large.bin")
                c.read_head()
                time.sleep(WATCHDOG + 3)
                self.assertEqual(d.workers(), workers)
            self.assertNotIn("hangs", d.log_from(mark))

    def test_a_stopped_job_goes_on(self):
        """A terminal stops all of it: nobody hung then."""
        with self.daemon(workers=2) as d:
            workers, mark = d.workers(), d.mark()
            os.killpg(d.pid, signal.SIGSTOP)
            harness.wait_until(lambda: all(harness.state_of(p) == "T" for p in workers + [d.pid]), "all to stop")
            time.sleep(WATCHDOG + 2)
            os.kill(d.pid, signal.SIGCONT)  # the master looks first
            time.sleep(0.5)
            os.killpg(d.pid, signal.SIGCONT)
            for _ in range(10):
                self.assertEqual(d.get("/").body, b"hello")
            time.sleep(1.5)
            self.assertEqual(d.workers(), workers)
            self.assertNotIn("hangs", d.log_from(mark))


class Crashes(harness.Case):
    def test_the_record_of_a_death(self):
        with Daemon(FILES, workers=1, listen=("127.0.0.1:0",)) as d, contextlib.ExitStack() as stack:
            worker, = d.workers()
            for i in range(20):
                c = stack.enter_context(d.connect(receive_buffer=65536))
                c.request("/large.bin?%d" % i, fields=[("Authorization", "secret")])
                c.read_head()
            wait_asleep(worker)
            os.kill(worker, signal.SIGKILL)
            said = d.wait_log(r"worker 0 of generation 1 \(pid %d\) was killed by signal 9 .*" % worker).group(0)
            self.assertRegex(said, r", with 20 connections; sending \"GET /large.bin\?\d+ HTTP/1.1\" of 127.0.0.1")
            self.assertEqual(said.count("sending"), 8)
            self.assertRegex(said, r"; 12 more$")
            self.assertNotIn("secret", said)
            self.assertNotIn("Authorization", d.log)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Goal: whoever meets a daemon that stops or reloads gets an answer, and nobody holds it up."""

import contextlib
import os
import signal
import socket
import time

import harness
from harness import Daemon, format_request, wait_gone

FILES = {"index.html": b"hello"}
# A connection that has sent nothing is accepted after a second; so long it takes to stop.
STOP = 1.5
# Well within the last chance of 250 ms, and long enough for every loop to have heard of the stop.
SOON = 0.1


class Stop(harness.Case):
    def stop(self, d):
        """Tells it to stop, and waits until its loops know."""
        at = d.mark()
        d.send_signal(signal.SIGTERM)
        d.wait_log("stopping", after=at)
        time.sleep(SOON)
        return time.monotonic()

    def assert_last_answer(self, c):
        r = c.response()
        self.assertEqual((r.status, r.body, r.get("Connection")), (200, b"hello", "close"))
        c.expect_close()

    def assert_ends(self, d, began, slack=0.5):
        """Within the time that a stop takes, and what a busy machine adds."""
        self.assertEqual(d.wait_exit(), 0)
        took = time.monotonic() - began + SOON
        print("stopped after %.2f s" % took)
        self.assertLess(took, STOP + slack, d.log)

    def test_a_request_on_an_idle_connection_is_answered(self):
        for shape in ({"workers": 2, "threads": 1}, {"workers": 1, "threads": 4}):
            with self.subTest(shape), Daemon(FILES, **shape) as d, contextlib.ExitStack() as stack:
                idle = [stack.enter_context(d.connect()) for _ in range(20)]
                for c in idle:
                    c.request("/")
                    self.assertEqual(c.response().body, b"hello")
                began = self.stop(d)
                for c in idle:
                    c.request("/")
                for c in idle:
                    self.assert_last_answer(c)
                    c.close()
                self.assert_ends(d, began)

    def test_an_idle_connection_is_closed_after_its_last_chance(self):
        with Daemon(FILES) as d, d.connect() as c:
            c.request("/")
            self.assertEqual(c.response().body, b"hello")
            began = self.stop(d)
            c.expect_close()
            self.assertLess(time.monotonic() - began, 1)
            c.close()
            self.assert_ends(d, began)

    def test_a_head_that_has_begun_may_end(self):
        request = format_request("/")
        with Daemon(FILES) as d, contextlib.ExitStack() as stack:
            begun = [(stack.enter_context(d.connect()), at) for at in (1, 10, len(request) - 1)]
            for c, at in begun:
                c.send(request[:at])
            # One that was answered after them shows that the loops have seen these bytes.
            self.assertEqual(d.get("/").body, b"hello")
            began = self.stop(d)
            begun[0][0].expect_silence(STOP)  # longer than anything waits for those that are idle
            self.assertIsNone(d.process.poll())
            for c, at in begun:
                c.send(request[at:])
            for c, _ in begun:
                self.assert_last_answer(c)
                c.close()
            self.assert_ends(d, began, STOP + 0.5)

    def test_content_that_has_begun_may_end(self):
        with Daemon(FILES) as d, d.connect() as c:
            c.request("/", fields={"Content-Length": "5"})
            c.send(b"ab")
            self.assertEqual(d.get("/").body, b"hello")
            began = self.stop(d)
            c.expect_silence(0.4)
            c.send(b"cde")
            self.assert_last_answer(c)
            c.close()
            self.assert_ends(d, began)

    def test_who_connected_before_is_answered(self):
        """Connections that are deferred or queued belong to no worker, and are served all the same."""
        with Daemon(FILES, workers=1) as d, contextlib.ExitStack() as stack:
            deferred = [stack.enter_context(d.connect()) for _ in range(5)]
            os.kill(d.workers()[0], signal.SIGSTOP)
            queued = [stack.enter_context(d.connect()) for _ in range(5)]
            for c in queued:
                c.request("/")
            d.send_signal(signal.SIGTERM)
            d.wait_log("stopping")
            os.kill(d.workers()[0], signal.SIGCONT)
            began = time.monotonic()
            time.sleep(SOON)
            for c in deferred:
                c.request("/")
            for c in deferred:
                self.assert_last_answer(c)
                c.close()
            for c in queued:  # perhaps in the round in which the loop was told
                self.assertEqual(c.response().body, b"hello")
                c.expect_close()
                c.close()
            self.assert_ends(d, began)

    def test_a_silent_connection_does_not_hold_it_up(self):
        with Daemon(FILES) as d, d.connect():
            self.assert_ends(d, self.stop(d))

    def test_a_silent_connection_that_was_accepted_does_not_hold_it_up(self):
        with Daemon(FILES) as d, d.connect():
            time.sleep(1.5)  # TCP_DEFER_ACCEPT gives it to a loop now
            self.assert_ends(d, self.stop(d))

    def test_an_idle_client_that_does_not_close_holds_it_up_no_longer_than_lingering(self):
        with Daemon(FILES, timeouts={"linger": "1s"}) as d, d.connect() as c:
            c.request("/")
            c.response()
            self.assert_ends(d, self.stop(d))


class Reload(harness.Case):
    def test_no_fresh_connection_fails(self):
        for shape in ({"workers": 2, "threads": 1}, {"workers": 1, "threads": 4}):
            with self.subTest(shape), Daemon(FILES, **shape) as d:
                slowest, old = 0, []
                for i in range(200):
                    if i % 40 == 20:
                        d.wait_log("ready: generation %d" % (i // 40 + 1))  # quick ones coalesce
                        old += d.workers()
                        d.send_signal(signal.SIGHUP)
                    began = time.monotonic()
                    self.assertEqual(d.get("/").body, b"hello")
                    slowest = max(slowest, time.monotonic() - began)
                d.wait_log("ready: generation 6")
                self.assertEqual(d.get("/").body, b"hello")
                wait_gone(set(old) - set(d.workers()))
                print("%s: the slowest of 200 requests over 5 reloads took %.3f s" % (shape, slowest))

    def test_a_client_that_keeps_its_connection_meets_no_reset(self):
        """A request that crosses the close of its connection may fail, but only in order."""
        for _ in range(5):
            with Daemon(FILES) as d:
                with d.connect() as c:
                    c.request("/")
                    self.assertEqual(c.response().body, b"hello")
                    d.send_signal(signal.SIGTERM)
                    d.wait_log("stopping")
                    try:
                        c.request("/")
                        r = c.response()
                        while r.get("Connection") != "close":
                            c.request("/")
                            r = c.response()
                    except harness.FramingError as e:
                        self.assertRegex(str(e), r"closed within a head: b''")
                    c.expect_close()


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Goal: whoever meets a daemon that stops or reloads gets an answer, and nobody holds it up."""

import contextlib
import os
import signal
import time

import attack
import harness
from harness import Daemon, format_request, wait_gone, wait_until
from machine import Machine

FILES = {"index.html": b"hello"}
# As long are listeners accepted on, and as long an idle connection has for one more request.
ACCEPTING, LAST_CHANCE = 1.2, 0.25
TICK = 0.001


class Stop(harness.Case):
    """The daemon's clock stands still, but for what the test lets pass."""

    def daemon(self, linger="1min", **shape):
        shape = shape or {"workers": 1}
        self.machine = Machine()
        d = self.machine.daemon(FILES, timeouts={"linger": linger}, **shape)
        if shape["workers"] == 1 == shape.get("threads", 1):
            self.machine.hold()
        return d

    def stop(self, d, asking=()):
        """Tells it to stop, and waits until its loops know: they say so on these connections, or on new
        ones."""
        at = d.mark()
        d.send_signal(signal.SIGTERM)
        d.wait_log("stopping", after=at)
        for c in asking:
            while self.ask(c).get("Connection") != "close":
                pass
            c.expect_close()
            c.close()
        if not asking:
            wait_until(lambda: d.get("/").get("Connection") == "close", "its loop to know")

    def pass_time(self, d, seconds):
        """The second answer is of a later round than the first one that saw the new time."""
        self.machine.advance(seconds)
        for _ in range(2):
            self.assertEqual(d.get("/").body, b"hello")

    def ask(self, c):
        c.request("/")
        r = c.response()
        self.assertEqual((r.status, r.body), (200, b"hello"))
        return r

    def assert_last_answer(self, c):
        r = c.response()
        self.assertEqual((r.status, r.body, r.get("Connection")), (200, b"hello", "close"))
        c.expect_close()
        c.close()

    def assert_ends(self, d, passed=0):
        """When listeners are accepted on no longer; so much time has passed already."""
        address = d.address()
        self.machine.advance(ACCEPTING - TICK - passed)
        self.assertEqual(d.get("/").body, b"hello")
        self.machine.advance(TICK)
        wait_until(lambda: harness.is_refused(address), "the listener to close")
        self.assertEqual(d.wait_exit(), 0)

    def test_a_request_on_an_idle_connection_is_answered(self):
        for shape in ({"workers": 2, "threads": 1}, {"workers": 1, "threads": 4}):
            with self.subTest(shape), self.daemon(**shape) as d, contextlib.ExitStack() as stack:
                idle = [stack.enter_context(d.connect()) for _ in range(40)]
                for c in idle:
                    self.ask(c)
                # Only now: a loop that has more than its share leaves the queue to others for some time.
                self.machine.hold()
                # Every loop has some of these.
                asking, idle = idle[:20], idle[20:]
                self.stop(d, asking)
                self.machine.advance(LAST_CHANCE - TICK)
                for c in idle:
                    c.request("/")
                for c in idle:
                    self.assert_last_answer(c)
                self.machine.advance(ACCEPTING)
                self.assertEqual(d.wait_exit(), 0)

    def test_an_idle_connection_is_closed_after_its_last_chance(self):
        with self.daemon() as d, d.connect() as c:
            self.ask(c)
            self.stop(d)
            self.pass_time(d, LAST_CHANCE - TICK)
            c.expect_silence(0)
            self.pass_time(d, TICK)
            c.expect_close()
            c.close()
            self.assert_ends(d, LAST_CHANCE)

    def test_a_head_that_has_begun_may_end(self):
        request = format_request("/")
        with self.daemon() as d, contextlib.ExitStack() as stack:
            begun = [(stack.enter_context(d.connect()), at) for at in (1, 10, len(request) - 1)]
            for c, at in begun:
                c.send(request[:at])
            # One that was answered after them shows that the loop has seen these bytes.
            self.assertEqual(d.get("/").body, b"hello")
            self.stop(d)
            self.pass_time(d, ACCEPTING - TICK)  # longer than anything waits for those that are idle
            self.machine.advance(TICK)
            wait_until(lambda: harness.is_refused(d.address()), "the listener to close")
            begun[0][0].expect_silence(0)
            for c, at in begun:
                c.send(request[at:])
            for c, _ in begun:
                self.assert_last_answer(c)
            self.assertEqual(d.wait_exit(), 0)

    def test_content_that_has_begun_may_end(self):
        with self.daemon() as d, d.connect() as c:
            c.request("/", fields={"Content-Length": "5"})
            c.send(b"ab")
            self.assertEqual(d.get("/").body, b"hello")
            self.stop(d)
            self.pass_time(d, 2 * LAST_CHANCE)
            c.expect_silence(0)
            c.send(b"cde")
            self.assert_last_answer(c)
            self.assert_ends(d, 2 * LAST_CHANCE)

    def test_who_connected_before_is_answered(self):
        """Connections that are deferred or queued belong to no worker, and are served all the same."""
        with self.daemon() as d, contextlib.ExitStack() as stack:
            deferred = [stack.enter_context(d.connect()) for _ in range(5)]
            worker, = d.workers()
            os.kill(worker, signal.SIGSTOP)
            queued = [stack.enter_context(d.connect()) for _ in range(5)]
            for c in queued:
                c.request("/")
            d.send_signal(signal.SIGTERM)
            d.wait_log("stopping")
            os.kill(worker, signal.SIGCONT)
            wait_until(lambda: d.get("/").get("Connection") == "close", "its loop to know")
            for c in deferred:
                c.request("/")
            for c in deferred:
                self.assert_last_answer(c)
            self.machine.advance(LAST_CHANCE)  # for those that were answered before it knew
            for c in queued:
                self.assertEqual(c.response().body, b"hello")
                c.expect_close()
                c.close()
            self.assert_ends(d, LAST_CHANCE)

    def test_a_silent_connection_does_not_hold_it_up(self):
        """Not accepted yet (TCP_DEFER_ACCEPT), or perhaps at the last moment."""
        with self.daemon() as d, d.connect():
            self.stop(d)
            self.machine.advance(ACCEPTING)
            wait_until(lambda: harness.is_refused(d.address()), "the listener to close")
            self.machine.advance(LAST_CHANCE)
            self.assertEqual(d.wait_exit(), 0)

    def test_a_silent_connection_that_was_accepted_does_not_hold_it_up(self):
        with self.daemon() as d, d.connect() as c:
            wait_until(lambda: attack.is_held(c.sock), "accepting (TCP_DEFER_ACCEPT)")
            self.stop(d)
            self.pass_time(d, LAST_CHANCE)
            self.assert_ends(d, LAST_CHANCE)

    def test_an_idle_client_that_does_not_close_holds_it_up_no_longer_than_lingering(self):
        with self.daemon(linger="500ms") as d, d.connect() as c:
            self.ask(c)
            self.stop(d)
            self.pass_time(d, LAST_CHANCE)
            c.expect_close()
            self.pass_time(d, 0.5)
            self.assert_ends(d, LAST_CHANCE + 0.5)


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

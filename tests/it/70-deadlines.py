#!/usr/bin/env python3
"""Goal: every phase of a connection ends, whatever the client does to stretch it."""

import contextlib
import os
import select
import socket
import time

import attack
import harness
from harness import Daemon, format_request, wait_until

HEAD, BODY, SEND, IDLE, LINGER = 0.6, 0.6, 1.0, 0.8, 0.5
RATE = 20000
# A busy machine, or a sanitizer, may add so much.
LATE = 1.0
# TCP_DEFER_ACCEPT holds back a silent client for so long.
DEFERRED = 1.1
BIG = 8 << 20
FILES = {"index.html": b"hello", "big": b"x" * BIG}
UNIX = "tined-it-%d" % os.getpid()
TIMEOUTS = {"head": HEAD, "body": BODY, "send": SEND, "idle": IDLE, "linger": LINGER}


def setUpModule():
    global daemon
    daemon = Daemon(FILES, ("127.0.0.1:0", "unix:@" + UNIX),
                    timeouts={name: "%dms" % (1000 * t) for name, t in TIMEOUTS.items()},
                    limits={"send_rate": str(RATE)})


def tearDownModule():
    with daemon:
        pass


def unix(name):
    return harness.Client(socket.AF_UNIX, "\0" + name)


class Clock:
    def __init__(self):
        self.began = time.monotonic()

    def passed(self):
        return time.monotonic() - self.began


class Case(harness.Case):
    def assert_within(self, clock, least, most):
        """Some slack downward: the daemon's clock is read once a round."""
        passed = clock.passed()
        self.assertGreaterEqual(passed, least - 0.05)
        self.assertLessEqual(passed, most + LATE)

    def send_until_told(self, c, data, pause=0.05):
        """A byte every now and then, until something comes or the connection is gone."""
        at = 0
        while not select.select([c.sock], [], [], pause)[0]:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                c.send(data[at % len(data):at % len(data) + 1])
            at += 1
        return at

    def assert_timeout(self, c, clock, timeout):
        """408, in order, when the time is up."""
        self.assert_within(clock, timeout, timeout)
        r = self.assert_status(c.response(), 408)
        self.assertEqual(r.get("Connection"), "close")
        c.expect_close()

    def ask(self, c):
        c.request("/")
        self.assertEqual(c.response().body, b"hello")


class Requests(Case):
    def test_deadlines(self):
        attack.side_by_side(self, [
            self.silence, self.a_head_in_drips, self.endless_empty_lines, self.a_later_head_in_drips,
            self.content_in_drips, self.chunks_in_drips, self.idle, self.idle_after_an_empty_line,
            self.linger, self.linger_after_half_a_head])

    def silence(self):
        with daemon.connect() as c:
            clock = Clock()
            c.expect_close()
            self.assert_within(clock, HEAD, HEAD + DEFERRED)

    def a_head_in_drips(self):
        with daemon.connect() as c:
            clock = Clock()
            sent = self.send_until_told(c, format_request("/", fields={"X": "x" * 4000}))
            self.assertGreater(sent, 5)
            self.assert_timeout(c, clock, HEAD)

    def endless_empty_lines(self):
        """No request has begun: silence."""
        with daemon.connect() as c:
            clock = Clock()
            self.send_until_told(c, b"\r\n")
            self.assert_within(clock, HEAD, HEAD)
            self.assertIn(c.read_to_end()[:12], (b"", b"HTTP/1.1 408"))

    def a_later_head_in_drips(self):
        """Its deadline is its own, and begins with its first byte."""
        with daemon.connect() as c:
            self.ask(c)
            c.expect_silence(IDLE / 2)
            clock = Clock()
            self.send_until_told(c, format_request("/", fields={"X": "x" * 4000}))
            self.assert_timeout(c, clock, HEAD)

    def content_in_drips(self):
        with daemon.connect() as c:
            clock = Clock()
            c.request("/", "POST", {"Content-Length": "4000"})
            self.send_until_told(c, b"x")
            self.assert_timeout(c, clock, BODY)

    def chunks_in_drips(self):
        with daemon.connect() as c:
            clock = Clock()
            c.request("/", "POST", {"Transfer-Encoding": "chunked"})
            self.send_until_told(c, b"1\r\nx\r\n")
            self.assert_timeout(c, clock, BODY)

    def idle(self):
        with daemon.connect() as c:
            self.ask(c)
            clock = Clock()
            c.expect_close()
            self.assert_within(clock, IDLE, IDLE)

    def idle_after_an_empty_line(self):
        with daemon.connect() as c:
            self.ask(c)
            clock = Clock()
            c.send(b"\r\n")
            c.expect_close()
            self.assert_within(clock, IDLE, IDLE)

    def assert_lingers(self, c, status):
        """Goes on sending after the daemon's FIN, and does not close."""
        self.assert_status(c.response(), status)
        c.expect_close()
        clock = Clock()
        self.assertTrue(attack.is_held(c.sock))

        def is_left():
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                c.send(b"x")
            return not attack.is_held(c.sock)
        wait_until(is_left, "the end of lingering")
        self.assert_within(clock, LINGER, LINGER)

    def linger(self):
        with daemon.connect() as c:
            c.send(b"BAD\r\n\r\n")
            self.assert_lingers(c, 400)

    def linger_after_half_a_head(self):
        with daemon.connect() as c:
            c.send(b"GET / HT")
            self.assert_lingers(c, 408)


class Answers(Case):
    def test_deadlines(self):
        attack.side_by_side(self, [
            self.nothing_is_taken, self.nothing_is_taken_of_small_answers, self.too_slow_over_tcp,
            self.too_slow_over_unix, self.slow_over_tcp, self.slow_over_unix])

    def nothing_is_taken(self):
        with daemon.connect(receive_buffer=4096) as c:
            clock = Clock()
            c.request("/big")
            wait_until(lambda: attack.is_held(c.sock), "accepting")
            wait_until(lambda: not attack.is_held(c.sock), "the end of the connection")
            # The first look sees only bytes that the kernels have taken for the client.
            self.assert_within(clock, SEND, 2 * SEND)

    def nothing_is_taken_of_small_answers(self):
        with daemon.connect(receive_buffer=4096) as c:
            clock = Clock()
            c.sock.settimeout(0.2)
            with contextlib.suppress(socket.timeout, ConnectionError):
                while True:
                    c.send(format_request("/") * 100)
            wait_until(lambda: not attack.is_held(c.sock), "the end of the connection")
            self.assert_within(clock, SEND, 2 * SEND + 1)

    def download(self, c, rate, seconds):
        """Takes `rate` bytes a second, evenly, then the rest at once. True when it is whole."""
        c.request("/big")
        left = BIG
        c.read_head()
        left -= len(c.pending)
        clock = Clock()
        try:
            while clock.passed() < seconds:
                while BIG - left < rate * clock.passed():
                    n = len(c.sock.recv(500))
                    if n == 0:
                        return False
                    left -= n
                time.sleep(0.01)
            while left:
                n = len(c.sock.recv(1 << 20))
                if n == 0:
                    return False
                left -= n
        except ConnectionResetError:
            return False
        return True

    def too_slow_over_tcp(self):
        with daemon.connect(receive_buffer=4096) as c:
            self.assertFalse(self.download(c, RATE / 4, 3 * SEND))

    def slow_over_tcp(self):
        with daemon.connect(receive_buffer=4096) as c:
            self.assertTrue(self.download(c, RATE * 2, 5 * SEND))

    def too_slow_over_unix(self):
        """The bytes in the socket, some 200K, count in the client's favour."""
        limits = {"send_rate": "200K"}
        name = UNIX + "-2"
        with Daemon(FILES, ("unix:@" + name,), timeouts={"send": "500ms"}, limits=limits):
            with unix(name) as c:
                self.assertFalse(self.download(c, 30000, 3))
            with unix(name) as c:
                self.assertTrue(self.download(c, 600000, 2))

    def slow_over_unix(self):
        """The socket counts as not taken what is taken from it, until some 100K are."""
        with unix(UNIX) as c:
            self.assertTrue(self.download(c, RATE * 2, 5 * SEND))


class Count(harness.Case):
    def test_requests_of_a_connection(self):
        with Daemon({"index.html": b"hello"}, limits={"requests": 3}) as d:
            with d.connect() as c:
                for connection in (None, None, "close"):
                    c.request("/")
                    r = c.response()
                    self.assertEqual((r.body, r.get("Connection")), (b"hello", connection))
                c.expect_close()
            with d.connect() as c:
                c.send(format_request("/") * 10)
                self.assertEqual([c.response().body for _ in range(3)], [b"hello"] * 3)
                c.expect_close()


if __name__ == "__main__":
    harness.main()

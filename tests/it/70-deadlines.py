#!/usr/bin/env python3
"""Goal: every phase of a connection ends, whatever the client does to stretch it."""

import contextlib
import os
import select
import socket

import attack
import harness
from harness import Daemon, format_request, wait_until
from machine import Machine

HEAD, BODY, SEND, IDLE, LINGER = 0.6, 0.6, 1.0, 0.8, 0.5
RATE = 20000
TICK = 0.001
BIG = 8 << 20
FILES = {"index.html": b"hello", "big": b"x" * BIG}
UNIX = "tined-it-%d" % os.getpid()
TIMEOUTS = {"head": HEAD, "body": BODY, "send": SEND, "idle": IDLE, "linger": LINGER}


def setUpModule():
    global daemon, machine
    machine = Machine()
    daemon = machine.daemon(FILES, listen=("127.0.0.1:0", "unix:@" + UNIX), workers=1,
                            timeouts={name: "%dms" % (1000 * t) for name, t in TIMEOUTS.items()},
                            limits={"send_rate": str(RATE)})
    machine.hold()


def tearDownModule():
    with daemon:
        pass


def unix(name):
    return harness.Client(socket.AF_UNIX, "\0" + name)


class Case(harness.Case):
    """The daemon's clock stands still, but for what a case lets pass."""

    def one_by_one(self, *cases):
        for case in cases:
            with self.subTest(case.__name__):
                case()

    def look(self, d):
        """The loop has seen what came before and what time it is: the second answer is of a later round
        than the first one that saw it."""
        for _ in range(2):
            self.assertEqual(d.get("/").body, b"hello")

    def pass_time(self, seconds, d=None):
        machine.advance(seconds)
        self.look(d or daemon)

    def pass_by_drips(self, c, data, timeout):
        """All but the last moment of this time passes; a byte of `data` comes every now and then."""
        for i in range(9):
            self.pass_time(timeout / 10)
            c.send(data[i % len(data):i % len(data) + 1])
        self.pass_time(timeout / 10 - TICK)
        c.expect_silence(0)

    def assert_timeout(self, c, timeout, data=b"x"):
        """408, in order, when the time is up, and not before."""
        self.pass_by_drips(c, data, timeout)
        self.pass_time(TICK)
        r = self.assert_status(c.response(), 408)
        self.assertEqual(r.get("Connection"), "close")
        c.expect_close()

    def ask(self, c):
        c.request("/")
        self.assertEqual(c.response().body, b"hello")


class Requests(Case):
    def test_deadlines(self):
        self.one_by_one(
            self.silence, self.a_head_in_drips, self.endless_empty_lines, self.a_later_head_in_drips,
            self.content_in_drips, self.chunks_in_drips, self.idle, self.idle_after_an_empty_line,
            self.linger, self.linger_after_half_a_head)

    def silence(self):
        with daemon.connect() as c:
            wait_until(lambda: attack.is_held(c.sock), "accepting (TCP_DEFER_ACCEPT)")
            self.look(daemon)
            self.pass_time(HEAD - TICK)
            c.expect_silence(0)
            self.pass_time(TICK)
            c.expect_close()

    def a_head_in_drips(self):
        with daemon.connect() as c:
            c.send(b"G")
            self.look(daemon)
            self.assert_timeout(c, HEAD, b"ET / HTTP/1.1\r\nX: xxx")

    def endless_empty_lines(self):
        """No request has begun: silence."""
        with daemon.connect() as c:
            c.send(b"\r\n")
            self.look(daemon)
            self.pass_by_drips(c, b"\r\n", HEAD)
            self.pass_time(TICK)
            self.assertIn(c.read_to_end()[:12], (b"", b"HTTP/1.1 408"))

    def a_later_head_in_drips(self):
        """Its deadline is its own, and begins with its first byte."""
        with daemon.connect() as c:
            self.ask(c)
            self.pass_time(IDLE / 2)
            c.expect_silence(0)
            c.send(b"G")
            self.look(daemon)
            self.assert_timeout(c, HEAD, b"ET / HTTP/1.1\r\nX: xxx")

    def content_in_drips(self):
        with daemon.connect() as c:
            c.request("/", "POST", {"Content-Length": "4000"})
            self.look(daemon)
            self.assert_timeout(c, BODY)

    def chunks_in_drips(self):
        with daemon.connect() as c:
            c.request("/", "POST", {"Transfer-Encoding": "chunked"})
            self.look(daemon)
            self.assert_timeout(c, BODY, b"1\r\nx\r\n")

    def assert_idle_ends(self, c):
        self.pass_time(IDLE - TICK)
        c.expect_silence(0)
        self.pass_time(TICK)
        c.expect_close()

    def idle(self):
        with daemon.connect() as c:
            self.ask(c)
            self.assert_idle_ends(c)

    def idle_after_an_empty_line(self):
        with daemon.connect() as c:
            self.ask(c)
            c.send(b"\r\n")
            self.look(daemon)
            self.assert_idle_ends(c)

    def assert_lingers(self, c, status):
        """Goes on sending after the daemon's FIN, and does not close."""
        self.assert_status(c.response(), status)
        c.expect_close()
        for _ in range(4):
            c.send(b"x")
            self.pass_time(LINGER / 5)
        c.send(b"x")
        self.pass_time(LINGER / 5 - TICK)
        self.assertTrue(attack.is_held(c.sock))
        self.pass_time(TICK)
        self.assertFalse(attack.is_held(c.sock))

    def linger(self):
        with daemon.connect() as c:
            c.send(b"BAD\r\n\r\n")
            self.assert_lingers(c, 400)

    def linger_after_half_a_head(self):
        with daemon.connect() as c:
            c.send(b"GET / HT")
            self.look(daemon)
            self.pass_time(HEAD)
            self.assert_lingers(c, 408)


class Answers(Case):
    def test_deadlines(self):
        self.one_by_one(
            self.nothing_is_taken, self.nothing_is_taken_of_small_answers, self.too_slow_over_tcp,
            self.too_slow_over_unix, self.slow_over_tcp, self.slow_over_unix)

    def wait_asleep(self):
        """The loop has done all that it can."""
        wait_until(lambda: harness.state_of(daemon.workers()[0]) == "S", "the worker to sleep")

    def assert_given_up(self, c, most):
        """The first look sees only bytes that the kernels have taken for the client."""
        self.pass_time(SEND - TICK)
        self.assertTrue(attack.is_held(c.sock))
        self.pass_time(TICK)
        for _ in range(most - 1):
            self.pass_time(SEND)
        self.assertFalse(attack.is_held(c.sock))

    def nothing_is_taken(self):
        with daemon.connect(receive_buffer=4096) as c:
            c.request("/big")
            self.look(daemon)
            self.wait_asleep()
            self.assert_given_up(c, 2)

    def nothing_is_taken_of_small_answers(self):
        with daemon.connect(receive_buffer=4096) as c:
            c.sock.setblocking(False)
            while select.select([], [c.sock], [], 0)[1]:  # it reads no more
                with contextlib.suppress(BlockingIOError):
                    while True:
                        c.sock.send(format_request("/") * 100)
                self.look(daemon)
                self.wait_asleep()
            self.assert_given_up(c, 3)

    def download(self, c, rate, seconds, d=None):
        """Takes `rate` bytes a second, evenly, then the rest at once. True when it is whole."""
        step = 0.05
        c.request("/big")
        c.read_head()
        taken = len(c.pending)
        try:
            for i in range(round(seconds / step)):
                self.pass_time(step, d)
                while taken < rate * step * (i + 1):
                    n = len(c.sock.recv(500))
                    if n == 0:
                        return False
                    taken += n
            while taken < BIG:
                n = len(c.sock.recv(1 << 20))
                if n == 0:
                    return False
                taken += n
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
        with machine.daemon(FILES, listen=("127.0.0.1:0", "unix:@" + name), workers=1,
                            timeouts={"send": "500ms"}, limits=limits) as d:
            with unix(name) as c:
                self.assertFalse(self.download(c, 30000, 3, d))
            with unix(name) as c:
                self.assertTrue(self.download(c, 600000, 2, d))

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

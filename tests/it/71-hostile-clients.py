#!/usr/bin/env python3
"""Goal: no client, and no crowd of them, hurts the daemon or its other clients."""

import contextlib
import select
import socket
import time

import attack
import harness
from attack import Neighbour, Unhurt
from harness import Daemon, format_request

HEAD = 2.0
TIMEOUTS = {"head": "2s", "body": "2s", "send": "2s", "idle": "60s", "linger": "300ms"}
BIG = 8 << 20
FILES = {"index.html": b"hello", "small": b"x" * 3000, "big": b"x" * BIG}
DRIPS = 2000
# The cost at most of one connection whose answers nobody reads: 32K of answers that are stuck, 4K of
# requests, its slot, and what the allocator adds.
STUCK_MAX = 48 << 10
# A head as large as the limits allow, and its slot.
HEAD_MAX = 48 << 10


def setUpModule():
    global daemon, unhurt
    attack.raise_descriptors()
    daemon = Daemon(FILES, timeouts=TIMEOUTS, cache={"files": 0})
    try:
        unhurt = Unhurt(daemon)
    except BaseException:
        daemon.kill()
        raise


def tearDownModule():
    with daemon:
        pass


def connect_many(stack, count, **how):
    return [stack.enter_context(daemon.connect(**how)) for _ in range(count)]


class Drips(harness.Case):
    def test_drips(self):
        count = min(DRIPS, attack.raise_descriptors() - 100)
        data = format_request("/", fields={"X": "x" * 100})
        with unhurt, Neighbour(daemon) as neighbour:
            drips = attack.drip(daemon.address(), count, data, 0.4, HEAD + attack.PATIENCE)
        slowest = max((d.seconds for d in drips if d.seconds), default=0)
        print("%d drips: gone after %.2f s at the latest (timeouts.head %g s); beside them %d requests, "
              "the slowest %.3f s" % (count, slowest, HEAD, neighbour.requests, neighbour.longest))
        self.assertEqual(len(drips), count)
        self.assertEqual(sum(d.seconds is None for d in drips), 0, "still open")
        self.assertGreaterEqual(min(d.seconds for d in drips), HEAD - 0.1)
        for d in drips:
            self.assertIn(d.answer[:13], (b"HTTP/1.1 408 ", b"HTTP/1.1 503 "))


class Memory(harness.Case):
    """Each connection of these kinds costs the worker no more user memory than is stated above."""

    COUNT = 100

    def push(self, c, data):
        """Sends until nothing more is taken, or the connection is gone."""
        c.sock.setblocking(False)
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                c.sock.send(data)

    def measure(self, what, data, most, until_stuck=True):
        # A daemon of its own: one that was attacked before has memory left over.
        with Daemon(FILES, timeouts=TIMEOUTS, cache={"files": 0}) as d, contextlib.ExitStack() as stack:
            unhurt = Unhurt(d)
            stack.enter_context(unhurt)
            for target in ("/", "/small", "/big", "/missing"):
                d.get(target)
            before = {p: attack.resident(p) for p in unhurt.workers}
            clients = [stack.enter_context(d.connect(receive_buffer=4096)) for _ in range(self.COUNT)]
            for c in clients:
                c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
                c.send(data)
            # Whoever would read on without bounds has time to.
            for _ in range(4 * until_stuck):
                for c in clients:
                    self.push(c, data)
                time.sleep(0.05)
            with d.connect() as neighbour:
                neighbour.request("/")
                self.assert_status(neighbour.response(), 200)
            grown = sum(attack.resident(p) - before[p] for p in before)
            print("%d connections, %s: %d bytes each" % (self.COUNT, what, grown // self.COUNT))
            if not attack.SANITIZED:
                self.assertGreater(grown // self.COUNT, 100)
                self.assertLessEqual(grown // self.COUNT, most)

    def test_what_a_connection_may_cost(self):
        def unread(what, target):
            self.measure(what + " unread", format_request(target) * 100, STUCK_MAX)

        def small_answers():
            unread("small answers", "/small")

        def large_answers():
            unread("large answers", "/big")

        def errors():
            unread("errors", "/missing")

        def heads():
            head = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 30000
            self.measure("heads of 30K", head, HEAD_MAX, until_stuck=False)

        attack.side_by_side(self, [small_answers, large_answers, errors, heads])


class Windows(harness.Case):
    def test_tiny_windows(self):
        """Readers through the smallest window make progress, and nothing spins for them."""
        with unhurt, Neighbour(daemon), contextlib.ExitStack() as stack:
            clients = connect_many(stack, 50, receive_buffer=1)
            for c in clients:
                c.request("/big")
            for c in clients:
                self.assert_status(c.read_head(), 200)
            for _ in range(20):
                for c in clients:
                    c.read_exactly(500)
            share = attack.processor_share(daemon.workers(), 0.5)
            print("50 tiny windows: %.0f %% of a processor" % share)
            self.assertLess(share, 20)

    def test_slow_posting(self):
        with unhurt, Neighbour(daemon), contextlib.ExitStack() as stack:
            clients = connect_many(stack, 100)
            for c in clients:
                c.request("/", "POST", {"Content-Length": "60000"})
            began = time.monotonic()
            while time.monotonic() - began < 1.0:
                for c in clients:
                    c.send(b"x" * 10)
                time.sleep(0.05)
            for c in clients:
                self.assert_status(c.response(), 408)
                c.expect_close()


class Endless(harness.Case):
    def assert_refused(self, begin, more, status):
        """Goes on sending whatever it is told; is gone soon all the same."""
        with daemon.connect() as c:
            began = time.monotonic()
            with contextlib.suppress(ConnectionError):
                c.send(begin)
                while not select.select([c.sock], [], [], 0)[0]:
                    c.send(more)
            self.assert_status(c.response(), status)
            with contextlib.suppress(ConnectionError):
                while attack.is_held(c.sock):
                    c.send(more)
            self.assertLess(time.monotonic() - began, attack.PATIENCE)

    def test_heads(self):
        with unhurt:
            self.refuse_heads()

    def refuse_heads(self):
        lines = b"".join(b"X-%d: y\r\n" % i for i in range(10000))
        for what, begin, more, status in (
                ("a line", b"GET /", b"x" * 1000, 414),
                ("a method", b"", b"G" * 1000, 501),
                ("a field", b"GET / HTTP/1.1\r\nX: ", b"x" * 1000, 431),
                ("a field's name", b"GET / HTTP/1.1\r\n", b"x" * 1000, 431),
                ("fields", b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 50, 431),
                ("10,000 field lines", b"GET / HTTP/1.1\r\nHost: x\r\n" + lines, b"\r\n", 431)):
            with self.subTest(what):
                self.assert_refused(begin, more, status)

    def test_content(self):
        with unhurt:
            self.refuse_content()

    def refuse_content(self):
        for what, fields, more, status in (
                ("content", {"Content-Length": "99999999999"}, b"x" * 10000, 413),
                ("chunks", {"Transfer-Encoding": "chunked"}, b"1\r\nx\r\n" * 1000, 413),
                ("trailers", {"Transfer-Encoding": "chunked"}, b"0\r\n" + b"X: y\r\n" * 20000, 413),
                ("a chunk's extension", {"Transfer-Encoding": "chunked"}, b"1;" + b"x" * 100000, 400)):
            with self.subTest(what):
                self.assert_refused(format_request("/", "POST", fields), more, status)

    def test_empty_lines(self):
        """No request at all: silence, when the time for the first one is up."""
        with unhurt, daemon.connect() as c:
            with contextlib.suppress(ConnectionError):
                while attack.is_held(c.sock):
                    c.send(b"\r\n" * 50)
                    time.sleep(0.01)


class Resets(harness.Case):
    def test_connect_and_reset(self):
        """Connections that are reset at once, and with a request on its way."""
        with unhurt, Neighbour(daemon):
            for i in range(2000):
                c = daemon.connect()
                if i % 2:
                    c.request("/big" if i % 4 == 1 else "/")
                c.reset()

    def test_a_storm(self):
        """Many at once: what is queued is dead before it is accepted."""
        with unhurt, Neighbour(daemon):
            for _ in range(5):
                clients = [daemon.connect() for _ in range(300)]
                for c in clients:
                    c.request("/small")
                for c in clients:
                    c.reset()


class Silence(harness.Case):
    def test_silent_connections(self):
        """They are accepted after a second (TCP_DEFER_ACCEPT), and closed after timeouts.head."""
        began = time.monotonic()
        with unhurt, Neighbour(daemon), contextlib.ExitStack() as stack:
            clients = connect_many(stack, 500)
            for c in clients:
                c.expect_close()
            passed = time.monotonic() - began
            print("500 silent connections: gone after %.2f s" % passed)
            self.assertLess(passed, HEAD + 1.1 + attack.PATIENCE)


if __name__ == "__main__":
    harness.main()

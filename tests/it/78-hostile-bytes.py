#!/usr/bin/env python3
"""Goal: whatever bytes come, cut wherever, and however the connection ends, in whatever state it is."""

import contextlib
import os
import random
import signal
import time

import attack
import harness
from attack import Unhurt
from harness import Daemon, format_request

BIG = 4 << 20
FILES = {"index.html": b"hello", "medium": b"x" * 60000, "big": b"x" * BIG}
TIMEOUTS = {"head": "2s", "body": "2s", "linger": "300ms"}
SEED = int(os.environ.get("TINED_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
RANDOM_COUNT = 300

REQUESTS = {
    "GET": (format_request("/", fields={"User-Agent": "x", "Range": "bytes=0-"}), "GET", 206),
    "HEAD": (format_request("/", "HEAD", {"If-None-Match": '"x"'}), "HEAD", 200),
    "POST": (format_request("/", "POST", {"Content-Length": "11"}) + b"hello world", "POST", 405),
    "chunks": (format_request("/", "POST", {"Transfer-Encoding": "chunked"}) +
               b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\n\r\n", "POST", 405),
}


def setUpModule():
    global daemon, unhurt
    attack.raise_descriptors()
    # One worker: what it answers last, it does after all that was sent before.
    daemon = Daemon(FILES, workers=1, timeouts=TIMEOUTS, cache={"files": 0})
    try:
        unhurt = Unhurt(daemon)
    except BaseException:
        daemon.kill()
        raise


def tearDownModule():
    with daemon:
        pass


def half_close(c):
    c.half_close()


def close(c):
    c.close()


def reset(c):
    c.reset()


ENDINGS = (close, half_close, reset)


class Case(harness.Case):
    def let_it_read(self):
        """Waits until all that was sent so far has been received."""
        self.assert_status(daemon.get("/"), 200)

    def assert_http(self, data):
        """Nothing, or whole answers."""
        while data:
            head, separator, rest = data.partition(b"\r\n\r\n")
            self.assertTrue(separator, data[:200])
            r = harness.parse_head(head + separator)
            # The answer to a HEAD says how long the content would be.
            bare = not rest or rest.startswith(b"HTTP/1.1 ")
            length = harness.content_length(r, "HEAD" if bare else "GET")
            self.assertLessEqual(length, len(rest), data[:200])
            data = rest[length:]


class Cuts(Case):
    def test_truncations(self):
        """Each beginning of a request, and then an end of each kind."""
        for ending in ENDINGS:
            with self.subTest(ending.__name__), unhurt:
                for request, method, status in REQUESTS.values():
                    for at in range(len(request) + 1):
                        self.truncate(request[:at], ending, status if at == len(request) else None)

    def truncate(self, data, ending, status):
        with daemon.connect() as c:
            c.send(data)
            ending(c)
            if ending is half_close:
                answer = c.read_to_end()
                self.assertEqual(answer[9:12], str(status).encode() if status else b"", data)

    def test_every_boundary_in_time(self):
        """The first part has been received before the second is sent."""
        for name, (request, method, status) in REQUESTS.items():
            with self.subTest(name), unhurt, contextlib.ExitStack() as stack:
                clients = [stack.enter_context(daemon.connect()) for _ in request]
                for at, c in enumerate(clients):
                    c.send(request[:at])
                self.let_it_read()
                for at, c in enumerate(clients):
                    c.send(request[at:])
                for c in clients:
                    self.assert_status(c.response(method), status)

    def test_two_boundaries_of_a_pipeline(self):
        requests = b"".join(r for r, _, _ in REQUESTS.values())
        chance = random.Random(SEED)
        with self.subTest(seed=SEED), unhurt, contextlib.ExitStack() as stack:
            clients = []
            for _ in range(200):
                c = stack.enter_context(daemon.connect())
                clients.append((c, sorted(chance.sample(range(len(requests)), 2))))
            for c, (first, _) in clients:
                c.send(requests[:first])
            self.let_it_read()
            for c, (first, second) in clients:
                c.send(requests[first:second])
            self.let_it_read()
            for c, (_, second) in clients:
                c.send(requests[second:])
            for c, _ in clients:
                for _, method, status in REQUESTS.values():
                    self.assert_status(c.response(method), status)


class Noise(Case):
    def exchange(self, data):
        with daemon.connect() as c:
            # Bytes behind a refusal may be reset; the answer before it is read all the same.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                c.send(data)
                c.half_close()
            with contextlib.suppress(ConnectionResetError):
                self.assert_http(c.read_to_end())

    def mutate(self, chance, data):
        data = bytearray(data)
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(data))
            kind = chance.randrange(4)
            if kind == 0:
                data[at] = chance.randrange(256)
            elif kind == 1:
                del data[at:at + chance.randrange(1, 8)]
            elif kind == 2:
                data[at:at] = bytes(chance.choices(b"\r\n: \0\t/%;0aZ\xff", k=chance.randrange(1, 8)))
            else:
                data[at:at] = data[chance.randrange(len(data)):][:40]
            data = data or bytearray(b"\n")
        return bytes(data)

    def test_random_bytes(self):
        chance = random.Random(SEED)
        print("seed %d (TINED_TEST_SEED)" % SEED)
        with self.subTest(seed=SEED), unhurt:
            for _ in range(RANDOM_COUNT):
                self.exchange(bytes(chance.choices(range(256), k=chance.randrange(1, 2000))))

    def test_requests_gone_wrong(self):
        chance = random.Random(SEED)
        valid = [r for r, _, _ in REQUESTS.values()]
        with self.subTest(seed=SEED), unhurt:
            for _ in range(RANDOM_COUNT):
                self.exchange(b"".join(self.mutate(chance, chance.choice(valid))
                                       for _ in range(chance.randrange(1, 4))))


class States(Case):
    """An end of each kind in every state of the connection table."""

    def silent(self, c):
        """HEAD, of which nothing is there"""

    def head(self, c):
        """HEAD, which has begun"""
        c.send(b"GET / HTTP/1.1\r\nHo")

    def big_head(self, c):
        """HEAD, in a large block"""
        c.send(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 10000)

    def idle(self, c):
        """IDLE"""
        c.request("/")
        self.assert_status(c.response(), 200)

    def body(self, c):
        """BODY, with a length"""
        c.request("/", "POST", {"Content-Length": "1000"})
        c.send(b"x" * 10)

    def chunks(self, c):
        """BODY, in chunks"""
        c.request("/", "POST", {"Transfer-Encoding": "chunked"})
        c.send(b"5\r\nhel")

    def send_file(self, c):
        """SEND, from a file"""
        c.request("/big")
        c.read_head()

    def send_memory(self, c):
        """SEND, from memory"""
        c.send(format_request("/medium") * 50)
        c.read_head()

    def send_with_content_behind(self, c):
        """SEND, to go on in BODY"""
        c.send(format_request("/medium") * 50)
        self.body(c)
        c.read_head()

    def linger(self, c):
        """LINGER"""
        c.send(b"BAD\r\n\r\n")
        self.assert_status(c.response(), 400)
        c.expect_close()

    STATES = (silent, head, big_head, idle, body, chunks, send_file, send_memory,
              send_with_content_behind, linger)

    def test_ends(self):
        for ending in ENDINGS:
            with self.subTest(ending.__name__), unhurt, contextlib.ExitStack() as stack:
                clients = [(state, stack.enter_context(daemon.connect(receive_buffer=4096)))
                           for state in self.STATES for _ in range(5)]
                for state, c in clients:
                    state(self, c)
                self.let_it_read()
                for _, c in clients:
                    ending(c)
                if ending is half_close:
                    for state, c in clients:
                        self.check_half_closed(state.__name__, c)

    def check_half_closed(self, state, c):
        """Earlier requests are answered, and the connection closed."""
        if state == "send_file":
            c.skip(BIG)
        elif state.startswith("send"):
            c.skip(60000)
            for _ in range(49):
                self.assertEqual(len(self.assert_status(c.response(), 200).body), 60000)
        c.expect_close()

    def test_ends_of_a_last_chance(self):
        """LAST, on a server that stops: it stops in time and well."""
        for ending in ENDINGS:
            with self.subTest(ending.__name__), Daemon(FILES) as d, contextlib.ExitStack() as stack:
                clients = [stack.enter_context(d.connect()) for _ in range(10)]
                for c in clients:
                    self.idle(c)
                d.send_signal(signal.SIGTERM)
                d.wait_log("stopping")
                began = time.monotonic()
                for c in clients:
                    ending(c)
                self.assertEqual(d.wait_exit(), 0)
                self.assertLess(time.monotonic() - began, 2.5)


if __name__ == "__main__":
    harness.main()

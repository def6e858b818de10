#!/usr/bin/env python3
"""Goal: requests are told apart as RFC 9112 wants it: framing, limits, persistence, pipelines."""

import harness
from harness import Daemon, format_request

PAGE = b"<!doctype html><title>home</title>\n"
TEXT = bytes(range(32, 127)) * 3


def setUpModule():
    global daemon
    daemon = Daemon({"index.html": PAGE, "text.txt": TEXT, "empty.txt": b"", "dir/index.html": b"dir"})


def tearDownModule():
    with daemon:
        pass


class Case(harness.Case):
    def exchange(self, data, method="GET"):
        """The first answer to these bytes."""
        with daemon.connect() as c:
            c.send(data)
            return c.response(method)

    def assert_refused(self, data, *statuses):
        """Answered with one of the statuses, and closed in order after it."""
        with daemon.connect() as c:
            c.send(data)
            r = c.response()
            self.assertIn(r.status, statuses, "%r: %r" % (data[:200], r))
            self.assertEqual(r.get("Connection"), "close")
            c.half_close()
            c.expect_close()


class Framing(Case):
    def test_bad_heads(self):
        host = b"Host: a\r\n"
        for data in (
                b"GET /\r\n\r\n",
                b"GET / HTTP/1.1\r\n\r\n",                                        # no Host
                b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
                b"GET  / HTTP/1.1\r\n" + host + b"\r\n",
                b"GET /  HTTP/1.1\r\n" + host + b"\r\n",
                b"GET / HTTP/1.1 \r\n" + host + b"\r\n",
                b" GET / HTTP/1.1\r\n" + host + b"\r\n",
                b"GET\t/ HTTP/1.1\r\n" + host + b"\r\n",
                b"GET / http/1.1\r\n" + host + b"\r\n",
                b"GET / HTTP/1.1\n" + host + b"\r\n",                             # bare LF
                b"GET / HTTP/1.1\r\nHost: a\n\r\n",
                b"GET / HTTP/1.1\r\n" + host + b"X: a\rb\r\n\r\n",                # bare CR
                b"GET / HTTP/1.1\r\n" + host + b"X: a\0b\r\n\r\n",
                b"GET /\0 HTTP/1.1\r\n" + host + b"\r\n",
                b"GET / HTTP/1.1\r\n" + host + b"X : y\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + host + b" X: y\r\n\r\n",                  # obs-fold
                b"GET / HTTP/1.1\r\n" + host + b"X: y\r\n z\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + host + b": y\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + host + b"X\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + host + b"X(: y\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + host + b"Content-Length: +1\r\n\r\nx",
                b"GET / HTTP/1.1\r\n" + host + b"Content-Length: 0x1\r\n\r\nx",
                b"GET / HTTP/1.1\r\n" + host + b"Content-Length: \r\n\r\n",
                b"GET / HTTP/1.1\r\n" + host + b"Content-Length: 1, 2\r\n\r\nx",
                b"GET / HTTP/1.1\r\n" + host + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
                b"GET / HTTP/1.1\r\n" + host +
                b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
                b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",                  # TLS
        ):
            with self.subTest(data):
                self.assert_refused(data, 400, 501, 505)

    def test_transfer_codings(self):
        for coding in ("gzip", "gzip, chunked", "identity", "chunked;q=1", "xchunked"):
            with self.subTest(coding):
                data = format_request(fields={"Transfer-Encoding": coding})
                self.assert_refused(data, 400, 501)

    def test_versions(self):
        host = b"\r\nHost: a\r\n\r\n"
        for version in (b"HTTP/2.0", b"HTTP/0.9", b"HTTP/3.1"):
            self.assert_refused(b"GET / " + version + host, 505)
        for version in (b"HTTP/1.", b"HTTP/11", b"HTTP/1.10", b"HTTP/1.1x", b"HTP/1.1"):
            self.assert_refused(b"GET / " + version + host, 400, 505)
        self.assert_status(self.exchange(b"GET / HTTP/1.2" + host), 200)

    def test_empty_lines_before_a_request(self):
        self.assert_status(self.exchange(b"\r\n\r\n" + format_request()), 200)

    def test_absolute_form(self):
        for target in ("http://localhost/text.txt", "http://other.example:81/text.txt",
                       "HTTP://localhost/text.txt"):
            self.assertEqual(daemon.get(target).body, TEXT)
        self.assert_status(daemon.get("http://localhost"), 200)

    def test_content_is_no_request(self):
        inner = format_request("/missing")
        chunked = b"%x;name=value\r\n%s\r\n0\r\nTrailer: x\r\n\r\n" % (len(inner), inner)
        for fields, body in (({}, inner), ({"Transfer-Encoding": "chunked"}, chunked),
                             ({"Transfer-Encoding": "Chunked"}, b"0\r\n\r\n")):
            with self.subTest(body), daemon.connect() as c:
                c.request("/text.txt", fields=fields, body=body)
                c.request("/dir/")
                self.assertEqual(c.response().body, TEXT)
                self.assertEqual(c.response().body, b"dir")
                c.half_close()
                c.expect_close()

    def test_content_in_pieces(self):
        body = b"5\r\nhello\r\n6;a=\"b\"\r\n world\r\n0\r\nX: y\r\n\r\n"
        with daemon.connect() as c:
            c.send_pieces(format_request("/text.txt", fields={"Transfer-Encoding": "chunked"}) + body)
            self.assertEqual(c.response().body, TEXT)
            c.request("/dir/")
            self.assertEqual(c.response().body, b"dir")

    def test_bad_chunks_close(self):
        for body in (b"x\r\n", b"5\nhello\r\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n", b"-1\r\n\r\n",
                     b"fffffffffffffffff\r\n", b"0\r\nbad trailer\r\n\r\n", b" 5\r\nhello\r\n"):
            with self.subTest(body), daemon.connect() as c:
                c.request("/text.txt", fields={"Transfer-Encoding": "chunked"})
                c.send(body + format_request("/dir/"))
                c.half_close()
                # The first answer may have left before its content was seen to be bad.
                answers = c.read_to_end()
                self.assertLessEqual(answers.count(b"HTTP/1.1 200"), 1)
                self.assertNotIn(b"\r\n\r\ndir", answers)

    def test_expect(self):
        with daemon.connect() as c:
            c.request("/text.txt", fields={"Expect": "100-continue", "Content-Length": "5"})
            r = c.response()
            if r.status == 100:
                c.send(b"hello")
                r = c.response()
            self.assertEqual(r.body, TEXT)
        self.assert_refused(format_request(fields={"Expect": "200-maybe"}), 417)

    def test_no_continue_for_http_1_0(self):
        with daemon.connect() as c:
            c.request("/text.txt", version="HTTP/1.0",
                      fields={"Expect": "100-continue", "Content-Length": "5"})
            c.send(b"hello")
            self.assert_status(c.response(), 200)


class Limits(Case):
    def test_request_line(self):
        fits = "/" + "a" * (8192 - len("GET / HTTP/1.1"))
        self.assert_status(daemon.get(fits), 404)
        self.assert_refused(format_request(fits + "a"), 414)

    def test_fields(self):
        self.assert_status(daemon.get("/", fields={"X": "a" * 16384}), 200)
        self.assert_status(daemon.get("/", fields={"X": "a" * 32000}), 200)
        self.assert_refused(format_request(fields={"X": "a" * 32768}), 431)

    def test_field_lines(self):
        self.assert_status(daemon.get("/", fields=[("X", "y")] * 99), 200)
        self.assert_refused(format_request(fields=[("X", "y")] * 100), 431)

    def test_content(self):
        with daemon.connect() as c:
            c.request("/text.txt", body=b"x" * 65536)
            self.assertEqual(c.response().body, TEXT)
            c.request("/text.txt")
            self.assertEqual(c.response().body, TEXT)
        self.assert_refused(format_request(fields={"Content-Length": "65537"}), 413)
        self.assert_refused(format_request(fields={"Content-Length": "9" * 19}), 400, 413)
        self.assert_refused(format_request(fields={"Content-Length": "9" * 30}), 400, 413)

    def test_chunked_content(self):
        with daemon.connect() as c:
            c.request("/text.txt", fields={"Transfer-Encoding": "chunked"})
            c.send(b"4000\r\n%s\r\n" % (b"x" * 0x4000) * 5 + b"0\r\n\r\n")
            # Whether the answer has left already is a matter of time; no further request is heard.
            c.request("/dir/")
            c.half_close()
            self.assertNotIn(b"\r\n\r\ndir", c.read_to_end())

    def test_a_refusal_can_be_read_by_a_client_that_goes_on_sending(self):
        for head in (format_request(fields={"Content-Length": "1000000"}), b"GET /" + b"a" * 9000):
            with daemon.connect() as c:
                c.send(head)
                c.send_pieces(b"x" * 300000, 10000)
                self.assertIn(c.response().status, (413, 414))
                c.half_close()
                c.expect_close()


class Persistence(Case):
    def test_keep_alive(self):
        with daemon.connect() as c:
            for _ in range(50):
                c.request("/text.txt")
                r = c.response()
                self.assertEqual(r.body, TEXT)
                self.assertIsNone(r.get("Connection"))

    def test_close(self):
        for value in ("close", "Close", "x, close"):
            with daemon.connect() as c:
                # At once: who sends more after it has asked for the end may meet a closed socket.
                c.send(format_request("/text.txt", fields={"Connection": value}) + format_request("/text.txt"))
                self.assertEqual(c.response().get("Connection"), "close")
                c.expect_close()

    def test_http_1_0(self):
        with daemon.connect() as c:
            c.request("/text.txt", version="HTTP/1.0")
            self.assertEqual(c.response().body, TEXT)
            c.expect_close()
        with daemon.connect() as c:
            for _ in range(2):
                c.request("/text.txt", version="HTTP/1.0", fields={"Connection": "keep-alive"})
                self.assertEqual(c.response().get("Connection").lower(), "keep-alive")

    def test_pipelining(self):
        targets = [("/text.txt", TEXT), ("/dir/", b"dir"), ("/empty.txt", b""), ("/", PAGE)] * 25
        data = b"".join(format_request(t) for t, _ in targets)
        for size in (len(data), 4096, 4095, 1000, 37):
            with self.subTest(size), daemon.connect() as c:
                c.send_pieces(data, size)
                for _, body in targets:
                    self.assertEqual(c.response().body, body)
                c.half_close()
                c.expect_close()

    def test_pipelining_stops_at_a_bad_request(self):
        with daemon.connect() as c:
            c.send(format_request("/dir/") + b"BAD\r\n\r\n" + format_request("/dir/"))
            self.assertEqual(c.response().body, b"dir")
            self.assert_status(c.response(), 400)
            c.half_close()
            c.expect_close()

    def test_half_closed_clients_get_their_answers(self):
        with daemon.connect() as c:
            c.send(format_request("/text.txt") * 3)
            c.half_close()
            for _ in range(3):
                self.assertEqual(c.response().body, TEXT)
            c.expect_close()

    def test_byte_by_byte(self):
        with daemon.connect() as c:
            c.send_pieces(format_request("/text.txt", fields={"X": "y"}) * 2)
            for _ in range(2):
                self.assertEqual(c.response().body, TEXT)

    def test_a_head_cut_off_is_not_answered(self):
        with daemon.connect() as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
            c.half_close()
            self.assertNotIn(b"200", c.read_to_end()[:12])

    def test_resets_do_no_harm(self):
        for data in (b"", b"GET", format_request("/text.txt")):
            for _ in range(10):
                c = daemon.connect()
                c.send(data)
                c.reset()
        self.assert_status(daemon.get("/"), 200)


if __name__ == "__main__":
    harness.main()

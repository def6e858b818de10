#!/usr/bin/env python3
"""Goal: HTTP as RFC 9110 and 9112 want it: methods, framing, limits, paths, conditions, ranges."""

import os

import harness
from harness import Daemon, format_request

PAGE = b"<!doctype html><title>home</title>\n"
TEXT = bytes(range(32, 127)) * 3
TYPES = {
    "a.html": "text/html; charset=utf-8",
    "a.css": "text/css; charset=utf-8",
    "a.txt": "text/plain; charset=utf-8",
    "a.png": "image/png",
    "a.jpg": "image/jpeg",
    "a.pdf": "application/pdf",
    "a.wasm": "application/wasm",
    "A.PNG": "image/png",
    "noextension": "application/octet-stream",
    "a.unheard-of": "application/octet-stream",
    ".well-known/png": "application/octet-stream",
}


def setUpModule():
    global daemon
    files = {
        "index.html": PAGE,
        "text.txt": TEXT,
        "empty.txt": b"",
        "dir/index.html": b"dir",
        "dir/sub/index.html": b"sub",
        "dir/a b.txt": b"space",
        "bare/file.txt": b"no index here",
        ".hidden": b"secret",
        "dir/.hidden/file": b"secret",
        "dir/.well-known/file": b"secret",
        "caf\u00e9.txt": b"utf-8",
        "large.bin": bytes(1 << 20),  # not kept in memory
    }
    files.update({name: b"x" for name in TYPES})
    daemon = Daemon(files)
    try:
        os.symlink("text.txt", daemon.path("inside"))
        os.symlink("../text.txt", daemon.path("dir/up"))
        os.symlink("../../../../../../etc/passwd", daemon.path("outside"))
        os.symlink("/etc/passwd", daemon.path("absolute"))
        os.symlink(daemon.path("text.txt"), daemon.path("absolute-inside"))
        os.symlink("..", daemon.path("outside-dir"))
        os.symlink("loop", daemon.path("loop"))
        daemon.age("index.html", "text.txt", "empty.txt", "large.bin")
    except BaseException:
        daemon.kill()
        raise


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


class Methods(Case):
    def test_get(self):
        r = self.assert_status(daemon.get("/"), 200)
        self.assertEqual(r.body, PAGE)
        self.assertEqual(r.get("Content-Type"), "text/html; charset=utf-8")
        self.assertEqual(r.get("Accept-Ranges"), "bytes")
        self.assertEqual(r.get("Server"), "tined")
        self.assertRegex(r.get("ETag"), r'^"[^"]+"$')
        self.assertIsNotNone(r.get("Last-Modified"))

    def test_get_over_ipv6(self):
        self.assertEqual(daemon.get("/text.txt", family="v6").body, TEXT)

    def test_head_is_get_without_content(self):
        for target in ("/", "/text.txt", "/empty.txt", "/dir", "/missing"):
            get, head = daemon.get(target), daemon.get(target, "HEAD")
            self.assertEqual(head.status, get.status)
            self.assertEqual(head.body, b"")
            unless_date = [[f for f in r.fields if f[0] != b"Date"] for r in (get, head)]
            self.assertEqual(unless_date[0], unless_date[1], target)

    def test_options(self):
        for target in ("/", "*", "/missing"):
            r = daemon.get(target, "OPTIONS")
            self.assertIn(r.status, (200, 204), target)
            self.assertEqual(r.get("Allow"), "GET, HEAD, OPTIONS")

    def test_asterisk_is_for_options_only(self):
        self.assert_refused(format_request("*"), 400)

    def test_known_methods(self):
        for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE"):
            r = self.assert_status(daemon.get("/", method), 405)
            self.assertEqual(r.get("Allow"), "GET, HEAD, OPTIONS")

    def test_connect(self):
        self.assertIn(daemon.get("example.org:443", "CONNECT").status, (400, 405))

    def test_unknown_methods(self):
        for method in ("BREW", "get", "GETT", "M-SEARCH"):
            self.assert_status(daemon.get("/", method), 501)

    def test_connection_survives_refused_methods_and_missing_files(self):
        with daemon.connect() as c:
            for method, target, status in (("POST", "/", 405), ("BREW", "/", 501),
                                           ("GET", "/missing", 404), ("GET", "/text.txt", 200)):
                c.request(target, method)
                self.assert_status(c.response(method), status)


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


class Paths(Case):
    def test_found(self):
        for target, body in (("/text.txt", TEXT), ("/./text.txt", TEXT), ("/dir/../text.txt", TEXT),
                             ("//text.txt", TEXT), ("/dir//sub/", b"sub"), ("/%74ext.txt", TEXT),
                             ("/text.txt?query", TEXT), ("/dir/a%20b.txt", b"space"), ("/dir/", b"dir"),
                             ("/caf%C3%A9.txt", b"utf-8"), ("/dir/.", b"dir"), ("/dir/sub/..", b"dir"),
                             ("/.well-known/png", b"x"), ("/inside", TEXT), ("/dir/up", TEXT)):
            with self.subTest(target):
                self.assertEqual(self.assert_status(daemon.get(target), 200).body, body)

    def test_not_found(self):
        for target in ("/missing", "/dir/missing", "/missing/", "/text.txt/", "/text.txt/x",
                       "/.hidden", "/%2ehidden", "/dir/.hidden/file", "/dir/.well-known/file",
                       "/dir%2findex.html", "/" + "a" * 300, "/a" * 2000, "/%ff%fe",
                       "/%0a", "/%0d%0aX:y"):
            with self.subTest(target):
                self.assert_status(daemon.get(target), 404)

    def test_bad(self):
        for target in ("/..", "/../etc/passwd", "/%2e%2e/etc/passwd", "/dir/../../etc/passwd",
                       "/%", "/%2", "/%zz", "/a%00b"):
            with self.subTest(target):
                self.assert_status(daemon.get(target), 400)

    def test_nothing_leads_out(self):
        for target in ("/outside", "/absolute", "/absolute-inside", "/outside-dir/", "/loop",
                       "/outside-dir/tined.conf"):
            with self.subTest(target):
                r = daemon.get(target)
                self.assertIn(r.status, (403, 404))
                self.assertNotIn(b"root:", r.body)

    def test_a_directory_without_index(self):
        self.assertIn(daemon.get("/bare/").status, (403, 404))

    def test_redirect_to_the_slash(self):
        for target, location in (("/dir", "dir/"), ("/dir/sub", "sub/"), ("/dir?a=b&c", "dir/?a=b&c"),
                                 ("/dir?", "dir/?"), ("//dir", "dir/"), ("/dir/../dir", "dir/"),
                                 ("http://evil.example/dir", "dir/")):
            with self.subTest(target):
                r = daemon.get(target)
                self.assertIn(r.status, (301, 308))
                self.assertEqual(r.get("Location"), location)

    def test_media_types(self):
        for name, kind in TYPES.items():
            with self.subTest(name):
                self.assertEqual(daemon.get("/" + name).get("Content-Type"), kind)

    def test_error_pages_repeat_nothing(self):
        r = daemon.get("/%3Cscript%3Ealert(1)%3C/script%3E")
        self.assert_status(r, 404)
        self.assertNotIn(b"script", r.body)
        self.assertEqual(r.get("Content-Type"), "text/html; charset=utf-8")


class Conditions(Case):
    @classmethod
    def setUpClass(cls):
        r = daemon.get("/text.txt")
        cls.etag, cls.modified = r.get("ETag"), r.get("Last-Modified")

    def statuses(self, cases):
        for fields, status in cases:
            with self.subTest(fields):
                r = self.assert_status(daemon.get("/text.txt", fields=fields), status)
                if status == 304:
                    self.assertEqual(r.get("ETag"), self.etag)
                    self.assertIsNone(r.get("Content-Type"))

    def test_cached(self):
        old, now = "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
        self.statuses((
            ({"If-None-Match": self.etag}, 304),
            ({"If-None-Match": "W/" + self.etag}, 304),
            ({"If-None-Match": '"x", ' + self.etag}, 304),
            ([("If-None-Match", '"x"'), ("If-None-Match", self.etag)], 304),
            ({"If-None-Match": "*"}, 304),
            ({"If-None-Match": '"x"'}, 200),
            ({"If-None-Match": '"x"', "If-Modified-Since": self.modified}, 200),
            ({"If-Modified-Since": self.modified}, 304),
            ({"If-Modified-Since": now}, 304),
            ({"If-Modified-Since": old}, 200),
            ({"If-Modified-Since": "yesterday"}, 200),
        ))

    def test_cached_large_file(self):
        etag = daemon.get("/large.bin", "HEAD").get("ETag")
        fields = {"If-None-Match": etag, "Range": "bytes=1000-"}
        with daemon.connect() as c:
            for method in ("GET", "HEAD"):
                c.request("/large.bin", method, fields)
                self.assert_status(c.response(method), 304)

    def test_preconditions(self):
        old = "Sun, 06 Nov 1994 08:49:37 GMT"
        self.statuses((
            ({"If-Match": self.etag}, 200),
            ({"If-Match": "*"}, 200),
            ({"If-Match": '"x"'}, 412),
            ({"If-Match": "W/" + self.etag}, 412),
            ({"If-Unmodified-Since": self.modified}, 200),
            ({"If-Unmodified-Since": old}, 412),
            ({"If-Match": self.etag, "If-Unmodified-Since": old}, 200),
        ))

    def test_connection_survives(self):
        with daemon.connect() as c:
            for fields, status in (({"If-None-Match": "*"}, 304), ({"If-Match": '"x"'}, 412),
                                   ({"Range": "bytes=9999-"}, 416), ({}, 200)):
                c.request("/text.txt", fields=fields)
                self.assert_status(c.response(), status)


class Ranges(Case):
    def test_single(self):
        n = len(TEXT)
        for value, first, last in (("0-0", 0, 0), ("5-9", 5, 9), ("5-", 5, n - 1), ("-5", n - 5, n - 1),
                                   ("0-", 0, n - 1), ("0-99999", 0, n - 1), ("-99999", 0, n - 1),
                                   ("%d-" % (n - 1), n - 1, n - 1)):
            with self.subTest(value):
                r = daemon.get("/text.txt", fields={"Range": "bytes=" + value})
                self.assert_status(r, 206)
                self.assertEqual(r.body, TEXT[first:last + 1])
                self.assertEqual(r.get("Content-Range"), "bytes %d-%d/%d" % (first, last, n))

    def test_near_ones_are_joined(self):
        for value, first, last in (("0-1,5-6", 0, 6), ("50-60, 7-9,", 7, 60), ("-1,9999-", 284, 284)):
            with self.subTest(value):
                r = daemon.get("/text.txt", fields={"Range": "bytes=" + value})
                self.assert_status(r, 206)
                self.assertEqual(r.body, TEXT[first:last + 1])
                self.assertEqual(r.get("Content-Range"), "bytes %d-%d/%d" % (first, last, len(TEXT)))

    def test_not_satisfiable(self):
        for value in ("bytes=%d-" % len(TEXT), "bytes=-0"):
            r = self.assert_status(daemon.get("/text.txt", fields={"Range": value}), 416)
            self.assertEqual(r.get("Content-Range"), "bytes */%d" % len(TEXT))

    def test_ignored(self):
        for value in ("lines=1-2", "bytes=", "bytes=5-2", "bytes=a-b", "bytes 0-1",
                      "bytes=" + ",".join(["0-0"] * 17)):
            with self.subTest(value):
                r = daemon.get("/text.txt", fields={"Range": value})
                self.assert_status(r, 200)
                self.assertEqual(r.body, TEXT)

    def test_head_ignores_range(self):
        r = daemon.get("/text.txt", "HEAD", fields={"Range": "bytes=0-0"})
        self.assert_status(r, 200)
        self.assertEqual(r.get("Content-Length"), str(len(TEXT)))

    def test_if_range(self):
        r = daemon.get("/text.txt")
        for value, status in ((r.get("ETag"), 206), ('"x"', 200), ("W/" + r.get("ETag"), 200),
                              (r.get("Last-Modified"), 206),
                              ("Sun, 06 Nov 1994 08:49:37 GMT", 200)):
            with self.subTest(value):
                fields = {"Range": "bytes=0-4", "If-Range": value}
                self.assert_status(daemon.get("/text.txt", fields=fields), status)


if __name__ == "__main__":
    harness.main()

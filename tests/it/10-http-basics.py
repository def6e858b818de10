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
    "a.ts": "video/mp2t",  # text/vnd.trolltech.linguist by many a host's file
    "a.rs": "text/plain; charset=utf-8",
    "a.jsonl": "text/plain; charset=utf-8",
    "README": "text/plain; charset=utf-8",
    "LICENSE-MIT": "text/plain; charset=utf-8",
    "a.svg": "image/svg+xml",  # XML declares its own character set
    "a.xml": "application/xml",
    "a.atom": "application/atom+xml",
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


class Paths(Case):
    def test_found(self):
        for target, body in (("/text.txt", TEXT), ("/./text.txt", TEXT), ("/dir/../text.txt", TEXT),
                             ("//text.txt", TEXT), ("/dir//sub/", b"sub"), ("/%74ext.txt", TEXT),
                             ("/text.txt?query", TEXT), ("/dir/a%20b.txt", b"space"), ("/dir/", b"dir"),
                             ("/caf%C3%A9.txt", b"utf-8"), ("/dir/.", b"dir"), ("/dir/sub/..", b"dir"),
                             ("/.well-known/png", b"x"), ("/inside", TEXT), ("/dir/up", TEXT),
                             ("/absolute-inside", TEXT)):
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
        for target in ("/outside", "/absolute", "/outside-dir/", "/loop",
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
        old, ahead = "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
        self.statuses((
            ({"If-None-Match": self.etag}, 304),
            ({"If-None-Match": "W/" + self.etag}, 304),
            ({"If-None-Match": '"x", ' + self.etag}, 304),
            ([("If-None-Match", '"x"'), ("If-None-Match", self.etag)], 304),
            ({"If-None-Match": "*"}, 304),
            ({"If-None-Match": '"x"'}, 200),
            ({"If-None-Match": '"x"', "If-Modified-Since": self.modified}, 200),
            ({"If-Modified-Since": self.modified}, 304),
            ({"If-Modified-Since": ahead}, 200),
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
                      "bytes=" + ",".join(["0-0"] * 257)):
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

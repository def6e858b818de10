#!/usr/bin/env python3
"""Goal: who accepts a coding gets the compressed sibling where there is a good one, everyone else the
file, and no cache can mistake the one for the other."""

import os
import random
import time

import harness
from harness import Daemon

SUFFIX = {"zstd": ".zst", "br": ".br", "gzip": ".gz"}
ORDER = ["zstd", "br", "gzip"]
HOUR = 3600


def body(name, coding=None, n=3000):
    """The content of a file; a variant's bytes need not be compressed for these tests."""
    return ("%s as %s " % (name, coding or "itself")).encode() * (n // 20)


class Old:
    """Files that are old when they are served: waited for once for all cases."""

    # name: (codings of its siblings, seconds by which these are younger)
    TREE = {"all.html": (ORDER, 0), "gz.css": (["gzip"], 10), "stale.js": (ORDER, -1), "none.txt": ([], 0),
            "large.bin": (["br"], 0), "newer.js": (["gzip", "br"], 5), "dir/index.html": (["gzip"], 0),
            "mixed.svg": (["gzip", "br"], 0), "two.txt": (["gzip"], 0)}
    SIZES = {"large.bin": 300000}
    keeper = None

    @classmethod
    def root(cls):
        if cls.keeper:
            return cls.keeper.root
        cls.keeper = k = Daemon({}, start=False)
        now = int(time.time())
        for name, (codings, younger) in cls.TREE.items():
            size = cls.SIZES.get(name, 3000)
            os.utime(k.write(name, body(name, None, size)), (now - HOUR, now - HOUR))
            for coding in codings:
                at = now - HOUR + younger
                os.utime(k.write(name + SUFFIX[coding], body(name, coding, size)), (at, at))
        os.utime(k.path("mixed.svg.gz"), (now - 2 * HOUR, now - 2 * HOUR))  # stale, and .br is not
        k.write("lonely.txt.gz", b"no original")
        k.write("outside.txt", b"outside")
        for name in ("todir", "tolink", "toout", "tofifo", "unreadable", "dangling"):
            k.write(name + ".txt", body(name + ".txt"))
        os.mkdir(k.path("todir.txt.gz"))
        os.symlink("all.html.gz", k.path("tolink.txt.gz"))
        with open(os.path.join(k.dir, "secret"), "wb") as f:
            f.write(b"OUTSIDE")
        os.symlink("../secret", k.path("toout.txt.gz"))
        os.mkfifo(k.path("tofifo.txt.gz"))
        os.chmod(k.write("unreadable.txt.gz", b"UNREADABLE"), 0)
        os.symlink("nothing", k.path("dangling.txt.gz"))
        for name in ("todir", "tolink", "toout", "tofifo", "unreadable", "dangling"):
            os.utime(k.path(name + ".txt"), (now - HOUR, now - HOUR))
        harness.wait_until(lambda: time.time() - now > harness.YOUNG + 1, "files to grow old")
        return k.root


def tearDownModule():
    if Old.keeper:
        Old.keeper.__exit__(None, None, None)


class Varied(Daemon):
    """A daemon that looks for variants; without files it serves the old ones."""

    def __init__(self, files=None, codings=None, site=(), **options):
        super().__init__(files or {}, start=False, **options)
        root = Old.root() if files is None else self.root
        self.options["sites"] = (dict(site, root=root, precompressed=ORDER if codings is None else codings),)
        self.write_config()
        self.start()


class Choice(harness.Case):
    def coding_of(self, c, target, accept, name=None):
        fields = {} if accept is None else {"Accept-Encoding": accept}
        c.request(target, fields=fields)
        r = self.assert_status(c.response(), 200)
        coding = r.get("Content-Encoding")
        name = name or target[1:]
        self.assertTrue(r.body == body(name, coding, Old.SIZES.get(name, 3000)), (target, accept, coding))
        return coding

    def test_by_the_clients_wish(self):
        with Varied() as d, d.connect() as c:
            for accept, want in (
                    (None, None), ("", None), ("gzip", "gzip"), ("br", "br"), ("zstd", "zstd"), ("deflate", None),
                    ("gzip, br, zstd", "zstd"), ("gzip, deflate, br, zstd", "zstd"), ("gzip, br", "br"),
                    ("gzip;q=1, br;q=0.5", "gzip"), ("gzip;q=0.5, br;q=0.501", "br"), ("*", "zstd"),
                    ("*;q=0.5, gzip", "gzip"), ("gzip;q=0", None), ("gzip;q=0, *", "zstd"), ("*;q=0", None),
                    ("identity", None), ("identity;q=0.5, gzip;q=0.4", None), ("identity, gzip;q=0.9", None),
                    ("identity;q=0.5, gzip;q=0.5", "gzip"), ("identity;q=0", None), ("gzip;q=0.001", "gzip"),
                    ("x-gzip", "gzip"), ("GZip", "gzip"), ("gzip ; q=0.5 ,  br ; q=0.4", "gzip"),
                    ("gzip;q=2", None), ("gzip;q=abc, br", "br"), ("gzip;q=0.1234, br", "br"), (",,gzip,,", "gzip"),
                    ("gzip;q=0, gzip;q=1", None), ("zstd;q=0.1, *;q=0.9", "br")):
                self.assertEqual(self.coding_of(c, "/all.html", accept), want, accept)
            c.request("/all.html", fields=[("Accept-Encoding", "br;q=0.1"), ("Accept-Encoding", "gzip")])
            self.assertEqual(c.response().get("Content-Encoding"), "gzip")

    def test_by_the_servers_order(self):
        for order in (["gzip", "br", "zstd"], ["br"], ["br", "gzip", "br", "x-gzip"], []):
            with Varied(codings=order) as d, d.connect() as c:
                want = order[0] if order else None
                self.assertEqual(self.coding_of(c, "/all.html", "zstd, br, gzip"), want)
                self.assertEqual(self.coding_of(c, "/all.html", "gzip, *;q=0.5"),
                                 "gzip" if "gzip" in order else want)

    def test_by_what_there_is(self):
        everything = "zstd, br, gzip"
        with Varied() as d, d.connect() as c:
            for target, want in (("/gz.css", "gzip"), ("/stale.js", None), ("/none.txt", None), ("/large.bin", "br"),
                                 ("/newer.js", "br"), ("/mixed.svg", "br"), ("/todir.txt", None), ("/toout.txt", None),
                                 ("/tofifo.txt", None), ("/dangling.txt", None)):
                self.assertEqual(self.coding_of(c, target, everything), want, target)
            self.assertEqual(self.coding_of(c, "/mixed.svg", "gzip"), None)
            self.assertEqual(self.coding_of(c, "/dir/", everything, "dir/index.html"), "gzip")
            # A link that stays in the root is as good as a file.
            c.request("/tolink.txt", fields={"Accept-Encoding": "gzip"})
            self.assertEqual(c.response().body, body("all.html", "gzip"))
            if harness.IS_ROOT:  # the workers are nobody
                self.assertEqual(self.coding_of(c, "/unreadable.txt", everything), None)

    def test_a_sibling_is_a_file_too(self):
        with Varied() as d, d.connect() as c:
            for target, kind in (("/all.html.gz", "application/gzip"), ("/lonely.txt.gz", "application/gzip")):
                c.request(target, fields={"Accept-Encoding": "gzip, br, zstd"})
                r = self.assert_status(c.response(), 200)
                self.assertIsNone(r.get("Content-Encoding"))
                self.assertEqual(r.get("Content-Type"), kind)
                self.assertIsNone(r.get("Vary"))
            c.request("/lonely.txt", fields={"Accept-Encoding": "gzip"})
            self.assertIsNone(self.assert_status(c.response(), 404).get("Vary"))


class Exactness(harness.Case):
    ALL = (None, "gzip", "br", "zstd")

    def get(self, c, target, coding, method="GET", **fields):
        fields = {k.replace("_", "-"): v for k, v in fields.items()}
        if coding:
            fields["Accept-Encoding"] = coding
        c.request(target, method, fields)
        return c.response(method)

    def test_each_is_a_representation(self):
        with Varied() as d, d.connect() as c:
            answers = [self.get(c, "/all.html", coding) for coding in self.ALL]
            self.assertEqual(len({r.get("ETag") for r in answers}), 4)
            for r, coding in zip(answers, self.ALL):
                self.assertEqual(r.get("Content-Type"), "text/html; charset=utf-8")
                self.assertEqual(r.get("Content-Encoding"), coding)
                self.assertFalse(r.get("ETag").startswith("W/"))
                h = self.get(c, "/all.html", coding, "HEAD")
                for name in ("ETag", "Content-Length", "Content-Encoding", "Content-Type", "Vary", "Last-Modified"):
                    self.assertEqual(h.get(name), r.get(name))

    def test_vary(self):
        """Of every answer of a path that has a variant; of others not."""
        with Varied() as d, d.connect() as c:
            for target, varies in (("/all.html", True), ("/large.bin", True), ("/none.txt", False), ("/stale.js", False)):
                for coding in (None, "br", "gzip", "identity", "nonsense"):
                    for method, fields, status in (
                            ("GET", {}, 200), ("HEAD", {}, 200), ("GET", {"Range": "bytes=0-9"}, 206),
                            ("GET", {"Range": "bytes=0-9,1000-1009"}, 206), ("GET", {"If_None_Match": "*"}, 304),
                            ("HEAD", {"If_None_Match": "*"}, 304), ("GET", {"If_Match": '"x"'}, 412),
                            ("GET", {"Range": "bytes=9999999-"}, 416)):
                        r = self.assert_status(self.get(c, target, coding, method, **fields), status)
                        self.assertEqual(r.get("Vary"), "Accept-Encoding" if varies else None, (target, coding, fields))

    def test_preconditions_are_those_of_the_variant(self):
        with Varied() as d, d.connect() as c:
            for target in ("/all.html", "/large.bin"):
                plain = self.get(c, target, None)
                packed = self.get(c, target, "br")
                self.assertEqual(packed.get("Content-Encoding"), "br")
                for coding, tag, other in ((None, plain.get("ETag"), packed.get("ETag")),
                                           ("br", packed.get("ETag"), plain.get("ETag"))):
                    self.assert_status(self.get(c, target, coding, If_None_Match=tag), 304)
                    self.assert_status(self.get(c, target, coding, If_None_Match=other), 200)
                    r = self.get(c, target, coding, If_None_Match="%s, %s" % (other, tag))
                    self.assertEqual((r.status, r.get("ETag")), (304, tag))
                    self.assert_status(self.get(c, target, coding, If_Match=tag), 200)
                    self.assert_status(self.get(c, target, coding, If_Match=other), 412)
                    r = self.get(c, target, coding, If_Range=other, Range="bytes=0-1")
                    self.assertEqual((r.status, r.get("ETag")), (206, other) if coding else (200, tag))
                    r = self.assert_status(self.get(c, target, coding, If_Range=tag, Range="bytes=2-11"), 206)
                    whole = packed if coding else plain
                    self.assertEqual(r.body, whole.body[2:12])

    def test_ranges_of_a_variant(self):
        """If-Range says that the client has a part of the variant."""
        with Varied() as d, d.connect() as c:
            for target in ("/all.html", "/large.bin"):
                whole = self.get(c, target, "br")
                size, tag = len(whole.body), whole.get("ETag")

                def part(ranges, c=c, target=target, tag=tag):
                    return self.get(c, target, "br", If_Range=tag, Range="bytes=" + ranges)

                r = self.assert_status(part("10-19"), 206)
                self.assertEqual(r.body, whole.body[10:20])
                self.assertEqual(r.get("Content-Range"), "bytes 10-19/%d" % size)
                self.assertEqual(r.get("ETag"), tag)
                r = self.assert_status(part("0-9,1000-1009"), 206)
                self.assertIn(b"\r\n\r\n" + whole.body[1000:1010] + b"\r\n--", r.body)
                r = self.assert_status(part("%d-" % size), 416)
                self.assertEqual(r.get("Content-Range"), "bytes */%d" % size)
                self.assertIsNone(r.get("Content-Encoding"))

    def test_other_ranges_are_of_the_file(self):
        """wget2 -c asks so for the rest of what it has decoded."""
        with Varied() as d, d.connect() as c:
            for target in ("/all.html", "/large.bin"):
                plain = self.get(c, target, None)
                size = len(plain.body)
                for fields in ({}, {"If_Range": plain.get("ETag")}):
                    r = self.assert_status(self.get(c, target, "br, gzip", Range="bytes=10-", **fields), 206)
                    self.assertEqual(r.body, plain.body[10:])
                    self.assertEqual(r.get("Content-Range"), "bytes 10-%d/%d" % (size - 1, size))
                    self.assertEqual([r.get("Content-Encoding"), r.get("Vary")], [None, "Accept-Encoding"])
                    self.assertEqual(r.get("ETag"), plain.get("ETag"))
                # The date is that of the variants as well.
                packed = self.get(c, target, "br")
                self.assertEqual(packed.get("Last-Modified"), plain.get("Last-Modified"))
                r = self.get(c, target, "br", If_Range=packed.get("Last-Modified"), Range="bytes=10-")
                self.assertEqual([r.status, r.body], [206, packed.body[10:]])
                r = self.get(c, target, "br", method="HEAD", Range="bytes=10-")
                self.assertEqual([r.status, r.get("Content-Encoding")], [200, "br"])
                r = self.get(c, target, "br", If_Range='"other"', Range="bytes=10-")
                self.assertEqual([r.status, r.get("Content-Encoding")], [200, "br"])


class Change(harness.Case):
    def test_an_edit_of_the_original_makes_variants_vanish(self):
        old = int(time.time()) - HOUR
        with Varied({"f.txt": b"old", "f.txt.gz": b"packed old", "g.txt": b"g"}) as d, d.connect() as c:
            for name in ("f.txt", "f.txt.gz", "g.txt"):
                os.utime(d.path(name), (old, old))

            def get(name="f.txt"):
                c.request("/" + name, fields={"Accept-Encoding": "gzip"})
                return self.assert_status(c.response(), 200)
            self.assertEqual(get().body, b"packed old")
            for n in range(5):
                d.write("f.txt", b"new %d" % n)
                r = get()
                self.assertEqual((r.body, r.get("Vary")), (b"new %d" % n, None))
            d.write("f.txt.gz", b"packed new")
            r = get()
            self.assertEqual((r.body, r.get("Content-Encoding")), (b"packed new", "gzip"))
            os.unlink(d.path("f.txt.gz"))
            self.assertEqual(get().body, b"new 4")
            # The original itself is gone: no variant of it is served.
            d.write("f.txt.gz", b"packed new")
            self.assertEqual(get().body, b"packed new")
            os.unlink(d.path("f.txt"))
            c.request("/f.txt", fields={"Accept-Encoding": "gzip"})
            self.assert_status(c.response(), 404)
            # One that comes later is found at once.
            self.assertEqual(get("g.txt").body, b"g")
            d.write("g.txt.gz", b"packed g")
            self.assertEqual(get("g.txt").body, b"packed g")

    def test_replaced_in_turns(self):
        """Whatever is asked for, each answer is of one state: the coding is that of the bytes."""
        random_of = random.Random(24)
        with Varied({"f": b"plain 0"}) as d, d.connect() as c:
            n = 0
            for _ in range(300):
                what = random_of.randrange(4)
                if what == 0:
                    n += 1
                    d.write("f", b"plain %d" % n)
                elif what == 1:
                    temporary = d.write("new", b"packed %d" % n)
                    os.rename(temporary, d.path("f.gz"))
                elif what == 2 and os.path.exists(d.path("f.gz")):
                    os.unlink(d.path("f.gz"))
                c.request("/f", fields={"Accept-Encoding": "gzip"})
                r = self.assert_status(c.response(), 200)
                if r.get("Content-Encoding"):
                    self.assertEqual(r.get("Vary"), "Accept-Encoding")
                    self.assertTrue(r.body.startswith(b"packed "), r.body)
                else:
                    self.assertEqual(r.body, b"plain %d" % n)


class Rules(harness.Case):
    def test_rules_and_variants(self):
        """Rules see the path that was asked for, and the type is that of the original."""
        rules = ({"match": "/**/*.gz", "status": 404}, {"match": "/**/*.html", "headers": {"set": ["X-Page: 1"]}},
                 {"match": "/gz.css", "type": "text/x-other"}, {"match": "/new", "rewrite": "/all.html"},
                 {"match": "/app/**", "fallback": "/dir/index.html"})
        with Varied(site={"rules": rules}) as d, d.connect() as c:
            def get(target):
                c.request(target, fields={"Accept-Encoding": "gzip", "Accept": "text/html"})
                return c.response()
            self.assert_status(get("/all.html.gz"), 404)
            r = get("/all.html")
            self.assertEqual((r.get("Content-Encoding"), r.get("X-Page")), ("gzip", "1"))
            r = get("/gz.css")
            self.assertEqual((r.get("Content-Encoding"), r.get("Content-Type")), ("gzip", "text/x-other"))
            r = get("/new")
            self.assertEqual((r.get("Content-Encoding"), r.get("X-Page")), ("gzip", "1"))
            r = get("/app/x")
            self.assertEqual((r.status, r.get("Content-Encoding")), (200, "gzip"))
            self.assertEqual(set(r.get("Vary").split(", ")), {"Accept-Encoding", "Accept", "Sec-Fetch-Mode"})

    def test_stored_compressed_under_its_own_name(self):
        """It is sent as it is, whatever the client accepts; .svgz by itself, .gz never."""
        rules = ({"match": "/**.pbf", "content_encoding": "gzip"}, {"match": "/plain.pbf", "content_encoding": "br"},
                 {"match": "/none", "error_pages": ["404 /page.pbf"]})
        files = {name: b"bytes of " + name.encode() for name in (
            "tile.pbf", "tile.pbf.br", "plain.pbf", "a.svgz", "A.SVGZ", "a.tar.gz", "page.pbf")}
        with Daemon(files, start=False) as d:
            d.options["sites"] = ({"root": d.root, "rules": rules, "etag": "shared", "precompressed": ["br"]},)
            d.write_config()
            d.start()
            for name, coding in (("tile.pbf", "gzip"), ("plain.pbf", "br"), ("a.svgz", "gzip"), ("A.SVGZ", "gzip"),
                                 ("a.tar.gz", None)):
                for accepted in ({}, {"Accept-Encoding": "br"}, {"Accept-Encoding": "identity, *;q=0"}):
                    r = self.assert_status(d.get("/" + name, fields=accepted), 200)
                    self.assertEqual((r.body, r.get("Content-Encoding"), r.get("Vary")), (files[name], coding, None))
                r = self.assert_status(d.get("/" + name, fields={"Range": "bytes=1-3"}), 206)
                self.assertEqual((r.body, r.get("Content-Encoding")), (files[name][1:4], coding))
            self.assertEqual(d.get("/a.svgz").get("Content-Type"), "image/svg+xml")
            r = self.assert_status(d.get("/none"), 404)
            self.assertEqual((r.body, r.get("Content-Encoding")), (files["page.pbf"], "gzip"))


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Goal: each option of a rule does what the manual says, on every kind of answer, and nothing that a
client sends makes a rule do more."""

import os
import random
import re
import socket
import tempfile

import harness
from harness import Daemon

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html,*/*;q=0.8"}
PART = {"Sec-Fetch-Mode": "no-cors", "Accept": "*/*"}
PRESET = ("X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options", "Content-Security-Policy",
          "Cross-Origin-Opener-Policy", "Permissions-Policy")


class Old:
    """Files that are old, with validators, when they are served: waited for once for all cases."""

    BIG_PAGE = b"<p>" + b"big " * 30000
    FILES = {"file": b"0123456789", "dir/x": b"", "data/a.txt": b"x" * 3000, "404.html": b"<p>",
             "data/big": b"y" * 100000, "errors/404.html": b"not here", "errors/404.html.gz": b"GZ",
             "errors/405.html": b"", "errors/410.txt": BIG_PAGE}
    keeper = None

    @classmethod
    def root(cls):
        if cls.keeper is None:
            cls.keeper = Daemon(cls.FILES, start=False)
            cls.keeper.age(*cls.FILES)
        return cls.keeper.root


def tearDownModule():
    if Old.keeper:
        Old.keeper.__exit__(None, None, None)


class Ruled(Daemon):
    """A daemon whose one site has rules; without files it serves the old ones."""

    def __init__(self, files, rules, site=(), **options):
        super().__init__(files, start=False, **options)
        root = Old.root() if files is None else self.root
        self.options["sites"] = (dict(site, root=root, rules=tuple(rules)),)
        self.write_config()
        self.start()


class Headers(harness.Case):
    def test_on_every_status(self):
        rules = ({"match": "/**", "headers": {"set": ["X-All: 1"]}},
                 {"match": "/**", "headers": {"set": ["X-Ok: 1"], "only_ok": True}},
                 {"match": "/**", "cache": "max-age=60"},
                 {"match": "/gone", "status": 410}, {"match": "/old", "redirect": "/new"})
        with Ruled(None, rules) as d, d.connect() as c:
            for target, method, fields, status in (
                    ("/file", "GET", {}, 200), ("/file", "HEAD", {}, 200),
                    ("/file", "GET", {"Range": "bytes=0-1"}, 206), ("/file", "GET", {"If-None-Match": "*"}, 304),
                    ("/file", "HEAD", {"If-None-Match": "*"}, 304), ("/file", "GET", {"If-Match": '"x"'}, 412),
                    ("/file", "GET", {"Range": "bytes=10-"}, 416), ("/none", "GET", {}, 404),
                    ("/dir", "GET", {}, 301), ("/old", "GET", {}, 302), ("/gone", "HEAD", {}, 410),
                    ("/file", "POST", {}, 405), ("/file", "OPTIONS", {}, 204), ("/file", "BREW", {}, 501),
                    ("/dir/", "GET", {}, 403)):
                c.request(target, method, fields)
                r = self.assert_status(c.response(method), status)
                self.assertEqual(r.get("X-All"), "1", target)
                ok = status in (200, 206, 304)
                self.assertEqual(r.get("X-Ok"), "1" if ok else None, (target, status))
                self.assertEqual(r.get("Cache-Control"), "max-age=60" if ok else None, (target, status))

    def test_set_add_unset(self):
        rules = ({"match": "/**", "headers": {"set": ["X-A: 1", "X-B: 1"], "add": ["Link: <a>", "Link: <b>"]}},
                 {"match": "/two/**", "headers": {"set": ["x-a: 2"], "add": ["Link: <c>"], "unset": ["X-B"]}},
                 {"match": "/two/three", "headers": {"set": ["Link: <d>"], "add": ["Vary: X-Mine"]}})
        with Ruled({"f": b"", "two/f": b"", "two/three": b""}, rules) as d:
            def lines(target):
                return [(n.decode(), v.decode()) for n, v in d.get(target).fields
                        if n.lower() in (b"x-a", b"x-b", b"link", b"vary")]
            self.assertEqual(lines("/f"), [("X-A", "1"), ("X-B", "1"), ("Link", "<a>"), ("Link", "<b>")])
            self.assertEqual(lines("/two/f"), [("Link", "<a>"), ("Link", "<b>"), ("x-a", "2"), ("Link", "<c>")])
            self.assertEqual(lines("/two/three"), [("x-a", "2"), ("Link", "<d>"), ("Vary", "X-Mine")])

    def test_preset(self):
        rules = ({"match": "/**", "headers": {"preset": ["security"]}},
                 {"match": "/framed", "headers": {"unset": ["X-Frame-Options"],
                                                  "set": ["Referrer-Policy: no-referrer"]}},
                 {"match": "/both", "headers": {"preset": ["security"], "unset": ["x-frame-options"],
                                                "set": ["Referrer-Policy: origin"]}})
        with Ruled({"f": b"", "framed": b"", "both": b""}, rules) as d:
            for target in ("/f", "/none"):
                r = d.get(target)
                for name in PRESET:
                    self.assertTrue(r.get(name), (target, name))
            r = d.get("/framed")
            self.assertIsNone(r.get("X-Frame-Options"))
            self.assertEqual(r.get("Referrer-Policy"), "no-referrer")
            r = d.get("/both")
            self.assertIsNone(r.get("X-Frame-Options"))
            self.assertEqual(r.get("Referrer-Policy"), "origin")
            self.assertEqual(r.get("X-Content-Type-Options"), "nosniff")

    def test_rules_of_the_file_served(self):
        """An index asked for by its directory has the header fields that it has by its name."""
        rules = ({"match": "/**/*.html", "cache": "no-cache", "headers": {"set": ["X-Kind: page"]}},
                 {"match": "/docs/**", "cache": "max-age=60"},
                 {"match": "/app/**", "fallback": "/docs/index.html", "headers": {"set": ["X-App: 1"]}},
                 {"match": "/**", "error_pages": ["404 /docs/404.html"]})
        with Ruled({"docs/index.html": b"i", "docs/404.html": b"none", "app/x": b""}, rules) as d:
            for target in ("/docs/index.html", "/docs/"):
                r = d.get(target)
                self.assertEqual((r.get("X-Kind"), r.get("Cache-Control")), ("page", "max-age=60"), target)
            r = self.assert_status(d.get("/app/route", fields=NAVIGATION), 200)
            self.assertEqual((r.get("X-Kind"), r.get("X-App"), r.get("Cache-Control")), ("page", "1", "max-age=60"))
            r = self.assert_status(d.get("/none"), 404)
            self.assertEqual((r.get("X-Kind"), r.get("Cache-Control"), r.body), ("page", None, b"none"))

    def test_type(self):
        rules = ({"match": "/data/**", "type": "application/x-data"},
                 {"match": "/**", "error_pages": ["404 /404.html"]},
                 {"match": "/data/app/**", "fallback": "/404.html"})
        with Ruled(None, rules) as d:
            for target, fields in (("/data/a.txt", {}), ("/data/a.txt", {"Range": "bytes=0-1"}),
                                   ("/data/big", {})):
                self.assertEqual(d.get(target, fields=fields).get("Content-Type"), "application/x-data")
            r = d.get("/data/big", fields={"Range": "bytes=0-1,5000-5001"})
            self.assertEqual(r.body.count(b"\r\nContent-Type: application/x-data\r\n"), 2)
            self.assertIsNone(d.get("/data/a.txt", fields={"If-None-Match": "*"}).get("Content-Type"))
            # What is said of one document is not so of another.
            html = "text/html; charset=utf-8"
            self.assertEqual(self.assert_status(d.get("/data/none"), 404).get("Content-Type"), html)
            r = self.assert_status(d.get("/data/app/x", fields=NAVIGATION), 200)
            self.assertEqual(r.get("Content-Type"), html)

    def test_more_than_there_is_room_for(self):
        rules = ({"match": "/**", "headers": {"set": ["X-%d: %s" % (i, "x" * 2000) for i in range(20)]}},)
        with Ruled({"f": b"f", "big": b"b" * 100000}, rules) as d, d.connect() as c:
            for target in ("/f", "/big", "/none"):
                c.request(target)
                self.assertEqual(self.assert_status(c.response(), 500).body, b"")


class Final(harness.Case):
    def test_redirects(self):
        rules = [{"match": "/s%d/**" % s, "redirect": "/new/$1", "status": s} for s in (301, 302, 303, 307, 308)]
        rules += [{"match": "/plain/*/x/{a,b}", "redirect": "/$2/$1"},
                  {"match": "/full/**", "redirect": "https://example.org/x/$1?a=b#f"},
                  {"match": "/price", "redirect": "/cost/$$5"},
                  {"match": "/bare**", "redirect": "/$1"},
                  {"match": "/s301/**", "status": 410}]
        with Ruled({}, rules) as d, d.connect() as c:
            for target, status, location in (
                    ("/s301/a/b", 301, "/new/a/b"), ("/s302/", 302, "/new/"), ("/s303/a", 303, "/new/a"),
                    ("/s307/a?q=1&r", 307, "/new/a?q=1&r"), ("/s308/a%20b%0d%0ac?%0d%0a", 308,
                                                             "/new/a%20b%0D%0Ac?%0d%0a"),
                    ("/plain/1/x/b", 302, "/b/1"), ("/full/p?q", 302, "https://example.org/x/p?a=b&q#f"),
                    ("/price", 302, "/cost/$5"), ("/s301/%c3%bc%25", 301, "/new/%C3%BC%25"),
                    # No capture names a host.
                    ("/bare/evil.example/x", 302, "/evil.example/x"), ("/bare//evil.example", 302, "/evil.example"),
                    ("/bare%5cevil.example", 302, "/%5Cevil.example"), ("/bare", 302, "/")):
                for method in ("GET", "HEAD"):
                    c.request(target, method)
                    r = self.assert_status(c.response(method), status)
                    self.assertEqual(r.get("Location"), location, target)
                c.request(target, "OPTIONS")
                self.assert_status(c.response("OPTIONS"), 204)
            c.request("/s301/x", "POST", body=b"12")
            self.assert_status(c.response("POST"), 301)

    def test_statuses(self):
        rules = [{"match": "/s%d" % s, "status": s} for s in (403, 404, 410)]
        with Ruled({"s%d" % s: b"SEEN" for s in (403, 404, 410)}, rules) as d, d.connect() as c:
            for s in (403, 404, 410):
                for method in ("GET", "HEAD", "OPTIONS"):
                    c.request("/s%d" % s, method)
                    self.assertNotIn(b"SEEN", self.assert_status(c.response(method), s).body)

    def test_target_too_long(self):
        with Ruled({}, ({"match": "/x/**", "redirect": "/$1/$1/$1"},)) as d:
            r = self.assert_status(d.get("/x/" + "%20" * 2000), 414)
            self.assertIsNone(r.get("Location"))

    def test_clients(self):
        rules = ({"match": "/v4/**", "allow": ["127.0.0.0/8"]}, {"match": "/v6/**", "allow": ["::1"]},
                 {"match": "/unix/**", "allow": ["unix"]}, {"match": "/not4/**", "deny": ["127.0.0.1"]},
                 {"match": "/none/**", "deny": ["all"]}, {"match": "/any/**", "allow": ["all"]},
                 {"match": "/both/**", "allow": ["127.0.0.0/8", "unix"]},
                 {"match": "/both/**", "deny": ["unix"]})
        names = ("v4", "v6", "unix", "not4", "none", "any", "both")
        with tempfile.TemporaryDirectory(prefix="tined-it-") as place, \
                Ruled({n + "/f": b"f" for n in names}, rules,
                      listen=("127.0.0.1:0", "[::1]:0", "unix:%s/s" % place)) as d:
            os.chmod(place, 0o755)
            for family, allowed in (("v4", ("v4", "any", "both")), ("v6", ("v6", "not4", "any")),
                                    ("unix", ("unix", "not4", "any"))):
                with d.connect(family) as c:
                    for name in names:
                        c.request("/%s/f" % name)
                        r = c.response()
                        self.assertEqual(r.status, 200 if name in allowed else 403, (family, name))


class Files(harness.Case):
    def test_rewrite(self):
        rules = ({"match": "/v*/secret", "deny": ["all"]},
                 {"match": "/latest/*", "rewrite": "/v2/$1"}, {"match": "/latest/**", "rewrite": "/never"},
                 {"match": "/v2/moved", "status": 410}, {"match": "/x**", "rewrite": "/v2/$1"},
                 {"match": "/guarded/**", "status": 403}, {"match": "/as-dir", "rewrite": "/v2/"})
        files = {"v2/a": b"two", "v2/moved": b"moved", "guarded/f": b"GUARDED", "v2/.hidden": b"HIDDEN"}
        with Ruled(files, rules, {"listing": True}) as d, d.connect() as c:
            for target, status, body in (
                    ("/latest/a", 200, b"two"), ("/latest/a?q", 200, b"two"),
                    ("/latest/moved", 200, b"moved"),  # what a rule names is not matched again
                    ("/latest/none", 404, None), ("/latest/.hidden", 404, None),
                    ("/x/a", 200, b"two"), ("/x../guarded/f", 404, None), ("/x%2e%2e/guarded/f", 404, None),
                    ("/x/../guarded/f", 403, None), ("/v2/moved", 410, None), ("/as-dir", 301, None)):
                c.request(target)
                r = self.assert_status(c.response(), status)
                self.assertNotIn(b"GUARDED", r.body)
                if body is not None:
                    self.assertEqual(r.body, body, target)

    def test_clean_urls(self):
        rules = ({"match": "/**", "try": ["$path", "$path.html", "$path/index.html"]},)
        files = {"about.html": b"about", "index.html": b"home", "blog/index.html": b"blog", "a b.html": b"space",
                 "file.txt": b"text", "only/x": b"", ".secret.html": b"SECRET"}
        with Ruled(files, rules) as d, d.connect() as c:
            for target, status, body in (
                    ("/about", 200, b"about"), ("/about.html", 200, b"about"), ("/", 200, b"home"),
                    ("/blog", 200, b"blog"), ("/blog/", 200, b"blog"), ("/a%20b", 200, b"space"),
                    ("/file.txt", 200, b"text"), ("/file", 404, None), ("/none", 404, None),
                    ("/.secret", 404, None), ("/only", 301, None), ("/about/", 404, None)):
                c.request(target)
                r = self.assert_status(c.response(), status)
                if body is not None:
                    self.assertEqual(r.body, body, target)

    def test_fallback(self):
        rules = ({"match": "/**", "fallback": "/index.html"},)
        files = {"index.html": b"app", "real.js": b"js", "dir/x": b""}
        with Ruled(files, rules) as d, d.connect() as c:
            for target, fields, status in (
                    ("/route/x", NAVIGATION, 200), ("/route.with.dots", NAVIGATION, 200), ("/route", {}, 200),
                    ("/route", PART, 404), ("/missing.js", PART, 404), ("/missing.js", {}, 404),
                    ("/missing.png", {"Accept": "image/avif,image/webp,*/*;q=0.8"}, 404),
                    ("/route", {"Accept": "application/json"}, 404), ("/.git/config", NAVIGATION, 200),
                    ("/real.js", PART, 200), ("/dir/", NAVIGATION, 403)):
                for method in ("GET", "HEAD"):
                    c.request(target, method, fields)
                    r = self.assert_status(c.response(method), status)
                    if status == 200 and target != "/real.js":
                        self.assertEqual(r.body, b"app" if method == "GET" else b"")
                        self.assertEqual(r.get("Content-Type"), "text/html; charset=utf-8")
                    if target not in ("/real.js", "/dir/"):
                        self.assertEqual(r.get("Vary"), "Accept, Sec-Fetch-Mode", target)

    def test_error_pages(self):
        rules = ({"match": "/**", "error_pages": ["404 /errors/404.html", "405 /errors/405.html",
                                                  "416 /errors/404.html", "403 /errors/none.html",
                                                  "410 /errors/410.txt", "412 /errors"]},
                 {"match": "/special/**", "error_pages": ["404 /file"]}, {"match": "/gone", "status": 410})
        with Ruled(None, rules, {"precompressed": ["gzip"]}) as d, d.connect() as c:
            own = b"</html>\n"
            for target, method, fields, status, body in (
                    ("/none", "GET", {}, 404, b"not here"), ("/file", "POST", {}, 405, b""),
                    ("/file", "GET", {"Range": "bytes=99-"}, 416, b"not here"), ("/gone", "GET", {}, 410, Old.BIG_PAGE),
                    ("/dir/", "GET", {}, 403, own),  # the page is missing itself
                    ("/file", "GET", {"If-Match": '"x"'}, 412, own),  # a directory
                    ("/special/x", "GET", {}, 404, b"0123456789"), ("/file", "BREW", {}, 501, own),
                    # Conditions and ranges are those of what is not there.
                    ("/none", "GET", {"Range": "bytes=0-1", "If-None-Match": "*"}, 404, b"not here"),
                    ("/none", "GET", {"Accept-Encoding": "gzip"}, 404, b"not here"),
                    ("/none", "OPTIONS", {}, 204, b"")):
                c.request(target, method, fields)
                r = self.assert_status(c.response(method), status)
                if body is own:
                    self.assertTrue(r.body.endswith(own), target)
                else:
                    self.assertTrue(r.body == body, target)
                for name in ("ETag", "Last-Modified", "Accept-Ranges", "Content-Encoding"):
                    self.assertIsNone(r.get(name), (target, name))
                self.assertEqual(r.get("Content-Range"), "bytes */10" if status == 416 else None)
                self.assertEqual(r.get("Allow") is not None, method in ("POST", "OPTIONS"))
                if method == "GET":
                    c.request(target, "HEAD", {k: v for k, v in fields.items() if k != "Range"})
                    h = c.response("HEAD")
                    if status != 416:
                        self.assert_status(h, status)
                        self.assertEqual(h.get("Content-Length"), r.get("Content-Length"))

    def test_listing_dotfiles_symlinks(self):
        rules = ({"match": "/list/**", "listing": True}, {"match": "/list/off/**", "listing": False},
                 {"match": "/dots/**", "dotfiles": True}, {"match": "/none/**", "symlinks": "none"},
                 {"match": "/any/**", "symlinks": "any"})
        files = {"list/x": b"", "list/off/x": b"", "dots/.f": b"dot", "none/f": b"f", "any/f": b"f",
                 "beneath/f": b"f", "other/.f": b"DOT"}
        with Ruled(files, rules) as d, d.connect() as c:
            outside = os.path.join(d.dir, "outside")
            with open(outside, "wb") as f:
                f.write(b"outside")
            for name in ("none", "any", "beneath"):
                os.symlink("f", d.path(name + "/in"))
                os.symlink(outside, d.path(name + "/out"))
            for target, status in (
                    ("/list/", 200), ("/list/off/", 403), ("/dots/", 403), ("/dots/.f", 200), ("/other/.f", 404),
                    ("/none/f", 200), ("/none/in", 403), ("/none/out", 403), ("/any/in", 200), ("/any/out", 200),
                    ("/beneath/in", 200), ("/beneath/out", 403)) * 2:
                c.request(target)
                r = c.response()
                self.assertEqual(r.status, status, target)


class Cors(harness.Case):
    A, B = "https://a.example", "https://b.example:8443"
    RULES = ({"match": "/some/**", "cors": {"origins": [A, B], "headers": ["X-One", "X-Two"],
                                            "expose": ["ETag", "Content-Range"], "max_age": "10min",
                                            "credentials": True}},
             {"match": "/all/**", "cors": {"origins": ["*"]}},
             {"match": "/some/denied/**", "deny": ["all"]})

    def ask(self, c, target, method="GET", origin=None, preflight=None):
        fields = {"Origin": origin} if origin else {}
        if preflight:
            fields["Access-Control-Request-Method"] = preflight
        c.request(target, method, fields)
        r = c.response(method)
        self.assertEqual(r.get("Vary"), "Origin" if target.startswith("/some") else None)
        return r, {n.decode()[15:]: v.decode() for n, v in r.fields if n.startswith(b"Access-Control-")}

    def test_cors(self):
        shared = {"Allow-Origin": self.A, "Allow-Credentials": "true", "Expose-Headers": "ETag, Content-Range"}
        with Ruled({"some/f": b"f", "all/f": b"f", "no/f": b"f"}, self.RULES) as d, d.connect() as c:
            for target, status in (("/some/f", 200), ("/some/none", 404), ("/some/denied/x", 403)):
                for method in ("GET", "HEAD"):
                    r, cors = self.ask(c, target, method, self.A)
                    self.assert_status(r, status)
                    self.assertEqual(cors, shared)
            self.assertEqual(self.ask(c, "/some/f", "GET", self.B)[1]["Allow-Origin"], self.B)
            for origin in (None, "null", "https://c.example", "http://a.example", self.A + ":443",
                           "https://A.example", self.A + ".evil", self.A + ", " + self.B):
                self.assertEqual(self.ask(c, "/some/f", "GET", origin)[1], {}, origin)
            for origin in (None, self.A, "null"):
                self.assertEqual(self.ask(c, "/all/f", "GET", origin)[1], {"Allow-Origin": "*"})
            self.assertEqual(self.ask(c, "/no/f", "GET", self.A)[1], {})

    def test_preflight(self):
        with Ruled({"some/f": b"f", "all/f": b"f"}, self.RULES) as d, d.connect() as c:
            r, cors = self.ask(c, "/some/f", "OPTIONS", self.A, "GET")
            self.assert_status(r, 204)
            self.assertEqual(cors, {"Allow-Origin": self.A, "Allow-Credentials": "true",
                                    "Allow-Methods": "GET, HEAD", "Allow-Headers": "X-One, X-Two",
                                    "Max-Age": "600"})
            # Also where there is nothing: the request itself will tell.
            r, cors = self.ask(c, "/some/none", "OPTIONS", self.A, "PUT")
            self.assert_status(r, 204)
            self.assertEqual(cors["Allow-Methods"], "GET, HEAD")
            self.assertEqual(self.ask(c, "/some/f", "OPTIONS", "https://c.example", "GET")[1], {})
            self.assert_status(self.ask(c, "/some/denied/x", "OPTIONS", self.A, "GET")[0], 403)
            r, cors = self.ask(c, "/all/f", "OPTIONS", "https://c.example", "GET")
            self.assertEqual(cors, {"Allow-Origin": "*", "Allow-Methods": "GET, HEAD", "Max-Age": "5"})
            # Without both fields it is no preflight.
            self.assertNotIn("Allow-Methods", self.ask(c, "/some/f", "OPTIONS", self.A)[1])

    def test_two_origins(self):
        with Ruled({"some/f": b"f"}, self.RULES) as d, d.connect() as c:
            c.request("/some/f", "GET", [("Origin", self.A), ("Origin", self.B)])
            self.assertIsNone(c.response().get("Access-Control-Allow-Origin"))


class Injection(harness.Case):
    def test_nothing_of_a_request_ends_a_line(self):
        """The strict client reads the heads; a field that no rule sets must not appear."""
        rules = ({"match": "/r/**", "redirect": "/to/$1"}, {"match": "/p/*/*", "redirect": "https://x.example/$2?$1"},
                 {"match": "/w/**", "rewrite": "/$1"}, {"match": "/t/**", "try": ["/$1", "$path.x"]},
                 {"match": "/c/**", "cors": {"origins": ["https://a.example"]}},
                 {"match": "/**", "fallback": "/f", "error_pages": ["404 /f"], "headers": {"set": ["X-Ours: 1"]}})
        parts = ["%0d%0aEvil:%201", "%0aEvil:1", "%0D", "%00", "\r", "%E5%98%8A%E5%98%8DEvil:1", "%c4%8d%c4%8aEvil",
                 "a", "/", "..", "%2e%2e", ";", "%3f", "%23", "?", "#", "\\", "%5c", "//", "%", "%25", "{", "$1",
                 "$path", "\x80", "\xff", "|", "\"", "<", "%20", "&", "=", ":", "@", "x" * 300]
        ours = {b"server", b"date", b"connection", b"etag", b"last-modified", b"accept-ranges", b"content-type",
                b"content-length", b"location", b"vary", b"x-ours", b"allow", b"access-control-allow-origin"}
        random_of = random.Random(22)
        with Ruled({"f": b"f", "a": b"a"}, rules) as d:
            c = d.connect()
            for _ in range(1500):
                target = random_of.choice(("/r/", "/p/", "/w/", "/t/", "/c/", "/")) + "".join(
                    random_of.choice(parts) for _ in range(random_of.randrange(1, 6)))
                origin = random_of.choice(("https://a.example", "https://a.example\tEvil: 1", "\xff", "https://a"))
                c.request(target, "GET", {"Origin": origin})
                r = c.response()
                names = {n.lower() for n, _ in r.fields}
                self.assertLessEqual(names, ours, target)
                location = r.get("Location")
                if location is not None:
                    self.assertRegex(location, r"^[!-~]+$")
                    self.assertTrue(re.match(r"(/to/|https://x\.example/)", location) or r.status == 301, location)
                self.assertIn(r.get("Access-Control-Allow-Origin"), (None, "https://a.example"))
                if r.get("Connection") == "close":
                    c.close()
                    c = d.connect()
            c.close()

    def test_fuzzed_paths_meet_the_rule_that_guards_them(self):
        """However a path is written: what is beneath /guarded is refused."""
        random_of = random.Random(23)
        with Ruled({"guarded/deep/f": b"SEEN", "open/f": b"open"}, ({"match": "/guarded/**", "status": 403},)) as d, \
                d.connect() as c:
            for _ in range(500):
                segments = ["guarded", "deep", "f"]
                for at in sorted((random_of.randrange(4) for _ in range(3)), reverse=True):
                    segments[at:at] = random_of.choice((["."], [""], ["open", ".."], ["x", "y", "..", ".."]))
                written = "/" + "/".join(
                    "".join(ch if random_of.random() < 0.7 else "%%%02x" % ord(ch) for ch in s) for s in segments)
                c.request(written)
                r = c.response()
                self.assertIn(r.status, (403, 404), written)
                self.assertNotIn(b"SEEN", r.body)


class Checks(harness.Case):
    def test_refused(self):
        """What cannot be done is said when the configuration is read, not when a request meets it."""
        for rule in ({"match": "/{a", "status": 404}, {"match": "x", "status": 404}, {"match": "/**"},
                     {"match": "/*", "redirect": "/$2"}, {"match": "/**", "allow": ["banana"]},
                     {"match": "/**", "headers": {"set": ["X: a\rb"]}}, {"match": "/**", "cache": "a\nb"},
                     {"match": "/**", "headers": {"set": ["Content-Length: 1"]}},
                     {"match": "/**", "redirect": "//evil.example/"}, {"match": "/**", "rewrite": "/../x"},
                     {"match": "/**", "try": ["x"]}, {"match": "/**", "status": 302}, {"match": "/**", "status": 200},
                     {"match": "/**", "error_pages": ["404"]}, {"match": "/**", "error_pages": ["200 /x"]},
                     {"match": "/**", "cors": {"origins": ["*"], "credentials": True}},
                     {"match": "/**", "cors": {"origins": ["https://a.example/"]}}):
            with self.subTest(rule):
                d = Daemon({}, start=False)
                try:
                    d.options["sites"] = ({"root": d.root, "rules": (rule,)},)
                    d.write_config()
                    r = harness.run_tined("check", "-c", d.config_path)
                    self.assertEqual(r.returncode, 78, r.stderr)  # EX_CONFIG
                    self.assertIn("tined.conf:", r.stderr + r.stdout)
                finally:
                    d._remove()


if __name__ == "__main__":
    harness.main()

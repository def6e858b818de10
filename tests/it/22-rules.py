#!/usr/bin/env python3
"""Goal: each option of a rule does what the manual says, on every kind of answer."""

import os
import tempfile

import harness
from harness import Daemon
from ruled import NAVIGATION, Old, Ruled

PART = {"Sec-Fetch-Mode": "no-cors", "Accept": "*/*"}

tearDownModule = Old.remove


class Final(harness.Case):
    def test_redirects(self):
        rules = [{"match": "/s%d/**" % s, "redirect": "/new/$1", "status": s} for s in (301, 302, 303, 307, 308)]
        rules += [{"match": "/plain/*/x/{a,b}", "redirect": "/$2/$1"},
                  {"match": "/full/**", "redirect": "https://example.org/x/$1?a=b#f"},
                  {"match": "/price", "redirect": "/cost/$$5"},
                  {"match": "/bare**", "redirect": "/$1"}, {"match": "/drop", "redirect": "/new?"},
                  {"match": "/swap", "redirect": "/new?a=b?"},
                  {"match": "/plain/**/late", "status": 410}, {"match": "/plain/**/late", "redirect": "/late"}]
        with Ruled({}, rules) as d, d.connect() as c:
            for target, status, location in (
                    ("/s301/a/b", 301, "/new/a/b"), ("/s302/", 302, "/new/"), ("/s303/a", 303, "/new/a"),
                    ("/s307/a?q=1&r", 307, "/new/a?q=1&r"), ("/s308/a%20b%0d%0ac?%0d%0a", 308,
                                                             "/new/a%20b%0D%0Ac?%0d%0a"),
                    ("/plain/1/x/b", 302, "/b/1"), ("/plain/late", 302, "/late"), ("/full/p?q", 302, "https://example.org/x/p?a=b&q#f"),
                    ("/drop?q", 302, "/new"), ("/drop", 302, "/new"), ("/swap?q", 302, "/new?a=b"),
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

    def test_redirects_that_keep_the_host(self):
        rules = ({"match": "/to/**", "redirect": "https://$host/$1", "status": 301},
                 {"match": "/drop", "redirect": "http://$host:8080/x?", "status": 308})
        with Ruled({}, rules, {"names": ["a.test", "*.b.test"]}) as d, d.connect() as c:
            for host, target, status, location in (
                    ("a.test", "/to/x?q", 301, "https://a.test/x?q"), ("a.test:81", "/to/x", 301, "https://a.test/x"),
                    ("www.b.test", "/drop?q=1", 308, "http://www.b.test:8080/x"),
                    ("A.Test", "/drop", 308, "http://A.Test:8080/x"), ("evil.test", "/to/x", 421, None),
                    ("b.test", "/to/x", 421, None), ("", "/to/x", 421, None)):
                c.request(target, fields={"Host": host})
                r = self.assert_status(c.response(), status)
                self.assertEqual(r.get("Location"), location, host)

    def test_statuses(self):
        statuses = (204, 403, 404, 410, 451, 503)
        rules = [{"match": "/s%d" % s, "status": s} for s in statuses]
        rules += [{"match": "/closed", "status": 503, "retry_after": "90s"},
                  {"match": "/**", "error_pages": ["503 /page"]}]
        with Ruled(dict({"s%d" % s: b"SEEN" for s in statuses}, page=b"soon"), rules) as d, d.connect() as c:
            for s in statuses:
                for method in ("GET", "HEAD", "OPTIONS", "POST"):
                    c.request("/s%d" % s, method)
                    r = self.assert_status(c.response(method), s)
                    self.assertNotIn(b"SEEN", r.body)
                    self.assertIsNone(r.get("Retry-After"))
                    if s == 204:
                        self.assertEqual((r.body, r.get("Content-Length"), r.get("Content-Type")), (b"", None, None))
            c.request("/closed")
            r = self.assert_status(c.response(), 503)
            self.assertEqual((r.get("Retry-After"), r.body), ("90", b"soon"))

    def test_target_too_long(self):
        with Ruled({}, ({"match": "/x/**", "redirect": "/$1/$1/$1"},)) as d:
            r = self.assert_status(d.get("/x/" + "%20" * 2000), 414)
            self.assertIsNone(r.get("Location"))

    def test_clients(self):
        rules = ({"match": "/v4/**", "allow": ["127.0.0.0/8"]}, {"match": "/v6/**", "allow": ["::1"]},
                 {"match": "/unix/**", "allow": ["unix"]}, {"match": "/not4/**", "deny": ["127.0.0.1"]},
                 {"match": "/none/**", "deny": ["all"]}, {"match": "/any/**", "allow": ["all"]},
                 {"match": "/both/**", "allow": ["127.0.0.0/8", "unix"]},
                 {"match": "/both/**", "deny": ["unix"]},
                 # Each that matches must let the client pass, wherever it stands, before any redirect.
                 {"match": "/sent/**", "redirect": "/any/f"}, {"match": "/sent/**", "allow": ["unix"]})
        names = ("v4", "v6", "unix", "not4", "none", "any", "both", "sent")
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
                        want = 200 if name in allowed else 302 if (name, family) == ("sent", "unix") else 403
                        self.assertEqual(r.status, want, (family, name))


class Paths(harness.Case):
    def test_exceptions(self):
        """A challenge is answered here while all else is redirected; a part of what is denied is open."""
        rules = ({"match": "/**", "except": ["/.well-known/acme-challenge/**", "/in/**"],
                  "redirect": "https://example.org/$1", "status": 301},
                 {"match": ["/in/**", "/also/in/**"], "except": "/in/public/**", "deny": ["all"]})
        files = {".well-known/acme-challenge/token": b"key", "in/f": b"f", "in/public/f": b"f", "f": b"f"}
        with Ruled(files, rules) as d, d.connect() as c:
            for target, status in (("/f", 301), ("/.well-known/acme-challenge/token", 200), ("/.well-known/x", 301),
                                   ("/in/f", 403), ("/in/public/f", 200), ("/in/publicf", 403),
                                   ("/also/in/public/f", 403)):
                c.request(target)
                self.assert_status(c.response(), status)


class Many(harness.Case):
    def test_no_limit(self):
        rules = [{"match": "/p%d/**" % i, "headers": {"set": ["X-P: %d" % i]}} for i in range(2000)]
        rules += [{"match": "/**", "headers": {"set": ["X-%d: 1" % i]}} for i in range(400)]
        with Ruled({"p1999/f": b"f", "index.html": b"i"}, rules) as d:
            r = self.assert_status(d.get("/p1999/f"), 200)
            self.assertEqual((r.get("X-P"), r.get("X-0"), r.get("X-399")), ("1999", "1", "1"))
            # Those of an index are added, each once.
            self.assertEqual(sum(n == b"X-7" for n, v in self.assert_status(d.get("/"), 200).fields), 1)


class FileOfRedirects(harness.Case):
    LINES = b"""# moved
/old           /new
/old           /never
/there         /new            302!
/view id=:id   /items/:id      308
/news/:year/:page  /archive/:year-:page
/blog/*        https://example.org/:splat
/app/*         /app.html       200
/query         /new?a=b
/denied        /new
"""

    def site(self, lines=LINES):
        d = Daemon({"there": b"THERE", "app.html": b"app", "map": lines}, start=False)
        d.options["sites"] = ({"root": d.root, "redirects": d.path("map"), "rules": (
            {"match": "/denied", "deny": ["all"]}, {"match": "/old", "status": 410},
            {"match": "/**", "headers": {"set": ["X-All: 1"]}})},)
        d.write_config()
        return d

    def test_lines(self):
        with self.site() as d:
            d.start()
            with d.connect() as c:
                for target, status, location in (
                        ("/old", 301, "/new"), ("/old?q=1", 301, "/new?q=1"), ("/there", 302, "/new"),
                        ("/view?id=7", 308, "/items/7?id=7"), ("/view", 404, None),
                        ("/news/2020/a%20b", 301, "/archive/2020-a%20b"), ("/blog/a/b", 301, "https://example.org/a/b"),
                        ("/app/route", 200, None), ("/query?x", 301, "/new?a=b"), ("/denied", 403, None),
                        ("/blog/%0d%0aX:%201", 301, "https://example.org/%0D%0AX:%201"), ("/none", 404, None)):
                    c.request(target)
                    r = self.assert_status(c.response(), status)
                    self.assertEqual((r.get("Location"), r.get("X-All")), (location, "1"), target)
                    if status == 200:
                        self.assertEqual(r.body, b"app")
            # It is read at load only.
            d.write("map", b"/old /other\n")
            self.assertEqual(d.get("/old").get("Location"), "/new")
            d.renew()
            harness.wait_until(lambda: d.get("/old").get("Location") == "/other", "the new file's answers")

    def test_errors_have_lines(self):
        with self.site(b"/a /b\n/a /b 302 Country=de\n/c\n/api/* https://x.example/:splat 200\n") as d:
            r = harness.run_tined("check", "-c", d.config_path)
            self.assertEqual(r.returncode, 78, r.stderr)
            for line, why in ((2, "conditions"), (3, "where it leads"), (4, "another host")):
                self.assertRegex(r.stderr, r"map:%d: .*%s" % (line, why))

    def test_missing(self):
        with self.site() as d:
            os.unlink(d.path("map"))
            r = harness.run_tined("check", "-c", d.config_path)
            self.assertEqual(r.returncode, 78, r.stderr)
            self.assertRegex(r.stderr, r'redirects "\S+/map" cannot be read: No such file')


class Files(harness.Case):
    def test_rewrite(self):
        rules = ({"match": "/v*/secret", "deny": ["all"]},
                 {"match": "/latest/**", "rewrite": "/never"}, {"match": "/latest/*", "rewrite": "/v2/$1"},
                 {"match": "/v2/moved", "status": 410}, {"match": "/x**", "rewrite": "/v2/$1"},
                 {"match": "/x/t/**", "try": ["/v2/$1"]},
                 {"match": "/guarded/**", "status": 403}, {"match": "/as-dir", "rewrite": "/v2/"})
        files = {"v2/a": b"two", "v2/moved": b"moved", "guarded/f": b"GUARDED", "v2/.hidden": b"HIDDEN"}
        with Ruled(files, rules, {"listing": True}) as d, d.connect() as c:
            for target, status, body in (
                    ("/latest/a", 200, b"two"), ("/latest/a?q", 200, b"two"),
                    ("/latest/moved", 200, b"moved"),  # what a rule names is not matched again
                    ("/latest/none", 404, None), ("/latest/.hidden", 404, None),
                    ("/x/a", 200, b"two"), ("/x/t/a", 200, b"two"), ("/x../guarded/f", 404, None), ("/x%2e%2e/guarded/f", 404, None),
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
                    # In a page that a directory has as its index, links begin at the directory.
                    ("/blog", 301, "blog/"), ("/blog?q", 301, "blog/?q"), ("/blog/", 200, b"blog"), ("/a%20b", 200, b"space"),
                    ("/file.txt", 200, b"text"), ("/file", 404, None), ("/none", 404, None),
                    ("/.secret", 404, None), ("/only", 301, "only/"), ("/about/", 301, "../about"),
                    ("/a%20b/?q", 301, "../a%20b?q"), ("/none/", 404, None), ("/only/", 403, None)):
                c.request(target)
                r = self.assert_status(c.response(), status)
                if status == 301:
                    self.assertEqual((r.get("Location"), r.get("Cache-Control")), (body, "no-cache"), target)
                elif body is not None:
                    self.assertEqual(r.body, body, target)

    def test_a_page_becomes_a_directory_and_back(self):
        """Redirects to an address with or without a slash are not kept, also without rules."""
        for rules in (({"match": "/x", "status": 404},), ({"match": "/**", "try": ["$path", "$path.html", "$path/"]},)):
            with Ruled({"d/index.html": b"d"}, rules) as d:
                r = self.assert_status(d.get("/d"), 301)
                self.assertEqual((r.get("Location"), r.get("Cache-Control")), ("d/", "no-cache"))
        rules = ({"match": "/**", "headers": {"set": ["Cache-Control: max-age=5"]}},)
        with Ruled({"d/index.html": b"d"}, rules) as d:
            self.assertEqual([v for n, v in d.get("/d").fields if n == b"Cache-Control"], [b"max-age=5"])

    def test_an_application_has_no_directories(self):
        rules = ({"match": "/**", "try": ["$path", "/index.html"]},)
        with Ruled({"index.html": b"app", "dir/x": b"x"}, rules) as d:
            for target in ("/", "/route", "/route/", "/dir", "/dir/"):
                self.assertEqual(self.assert_status(d.get(target), 200).body, b"app", target)

    def test_a_candidate_that_is_refused(self):
        """Something that is there but may not be read is not as if it were missing."""
        rules = ({"match": "/**", "try": ["$path", "$path.html", "/index.html"]},)
        with Ruled({"index.html": b"app", "secret": b"s", "page.html": b"p", "f": b"f"}, rules) as d:
            os.symlink("/etc/passwd", d.path("out"))
            for name in ("secret", "page.html"):
                os.chmod(d.path(name), 0)
            for target, status in (("/secret", 403), ("/page", 403), ("/out", 403), ("/f", 200), ("/none", 200)):
                self.assert_status(d.get(target), status)

    def test_fallback(self):
        rules = ({"match": "/**", "fallback": "/index.html"}, {"match": "/two/**", "fallback": "/two.html"})
        files = {"index.html": b"app", "real.js": b"js", "dir/x": b"", "two.html": b"two"}
        with Ruled(files, rules) as d:
            self.assertEqual(d.get("/two/x", fields=NAVIGATION).body, b"two")
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


class SettingsOfTheSite(harness.Case):
    def test_in_rules(self):
        """index, etag, charset and precompressed take the place of the site's."""
        rules = ({"match": "/a/**", "index": ["home.htm"], "etag": "off", "charset": "", "precompressed": []},
                 {"match": "/b/**", "etag": "shared", "charset": "iso-8859-1", "precompressed": ["br"]},
                 # Of an index and a fallback the file's own path counts as well.
                 {"match": "/c/index.html", "etag": "off", "charset": "us-ascii"},
                 {"match": "/none/**", "index": []}, {"match": "/app/**", "fallback": "/c/index.html", "etag": "shared"})
        files = {n: b"x" for n in ("f.txt", "f.txt.gz", "f.txt.br", "a/f.txt", "a/f.txt.gz", "a/home.htm", "b/f.txt",
                                   "b/f.txt.gz", "b/f.txt.br", "c/index.html", "none/index.html", "app/x")}
        with Ruled(files, rules, {"precompressed": ["gzip"]}) as d:
            d.age(*files)
            for target, kind, tag, coding in (
                    ("/f.txt", "text/plain; charset=utf-8", '"', "gzip"), ("/a/f.txt", "text/plain", None, None),
                    ("/a/", "text/html", None, None), ("/b/f.txt", "text/plain; charset=iso-8859-1", 'W/"', "br"),
                    ("/c/", "text/html; charset=us-ascii", None, None),
                    ("/c/index.html", "text/html; charset=us-ascii", None, None),
                    ("/app/route", "text/html; charset=us-ascii", None, None),
                    ("/f.txt", "text/plain; charset=utf-8", '"', "gzip")):
                r = self.assert_status(d.get(target, fields=dict(NAVIGATION, **{"Accept-Encoding": "gzip, br"})), 200)
                self.assertEqual((r.get("Content-Type"), r.get("Content-Encoding")), (kind, coding), target)
                self.assertEqual((r.get("ETag") or "")[:len(tag or "")] or None, tag, target)
                if tag is None:
                    self.assertIsNone(r.get("ETag"), target)
            self.assert_status(d.get("/none/"), 403)


class Checks(harness.Case):
    def test_rules_that_never_count(self):
        """Such a setting is a warning of tined check, and no error; the server runs with it."""
        with Ruled(None, ({"match": "/a", "status": 404}, {"match": "/**", "status": 410})) as d:
            r = harness.run_tined("check", "-c", d.config_path)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertRegex(r.stderr, r'warning: \S+/tined.conf:\d+: "sites.rules.status" never counts: the rule at ')
            self.assert_status(d.get("/a"), 410)

    def test_refused(self):
        """A rule that cannot work is refused when the configuration is read, not when a request meets it."""
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

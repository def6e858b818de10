#!/usr/bin/env python3
"""Goal: header fields that rules set, add and remove stand on every kind of answer that they are for."""

import harness
from ruled import NAVIGATION, Old, Ruled

PRESET = ("X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options", "Content-Security-Policy",
          "Cross-Origin-Opener-Policy", "Permissions-Policy")

tearDownModule = Old.remove


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
                cache = "max-age=60" if ok else "no-cache" if status == 301 else None  # of a directory
                self.assertEqual(r.get("Cache-Control"), cache, (target, status))

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

    def test_pages_of_the_server_have_their_own_policy(self):
        """Browsers hold every policy that they get: a site's own would take a listing its style."""
        own = "default-src 'self'; frame-ancestors https://a.example"
        rules = ({"match": "/**", "headers": {"set": ["Content-Security-Policy: " + own]}},
                 {"match": "/plain/**", "headers": {"unset": ["Content-Security-Policy"]}},
                 {"match": "/moved", "redirect": "/f"}, {"match": "/paged/**", "error_pages": ["404 /f"]})
        with Ruled({"f": b"f", "dir/x": b"", "plain/x": b""}, rules, {"listing": True}) as d:
            def policies(target):
                return [v.decode() for n, v in d.get(target).fields if n.lower() == b"content-security-policy"]
            self.assertEqual(policies("/f"), [own])
            self.assertEqual(policies("/paged/none"), [own])  # the site's page
            for plain, targets in (("/plain/none", ("/none", "/moved", "/dir")), ("/plain/", ("/dir/",))):
                policy, = policies(plain)
                self.assertIn("style-src 'sha256-", policy)
                self.assertNotIn("frame-ancestors", policy)
                for target in targets:
                    self.assertEqual(policies(target), [policy + "; frame-ancestors https://a.example"], target)

    def test_check_says_which_directives_are_lost(self):
        rules = ({"match": "/**", "headers": {"preset": ["security"],
                                              "set": ["Content-Security-Policy: script-src 'self'"]}},)
        with Ruled(None, rules) as d:
            r = harness.run_tined("check", "-c", d.config_path)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertIn("loses frame-ancestors, object-src, base-uri", r.stderr)
            told = harness.run_tined("explain", "-c", d.config_path, "http://x/f").stdout
            self.assertIn("(overruled by the same rule), which loses frame-ancestors, object-src, base-uri", told)

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
            # A type that holds for one document does not for another.
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


if __name__ == "__main__":
    harness.main()

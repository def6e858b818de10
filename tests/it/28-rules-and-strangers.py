#!/usr/bin/env python3
"""Goal: rules for other origins say what CORS wants, and nothing that a client sends makes a rule do more."""

import random
import re

import harness
from ruled import Old, Ruled

tearDownModule = Old.remove


class Cors(harness.Case):
    A, B = "https://a.example", "https://b.example:8443"
    HEADERS = "Range, If-Range, If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since"
    EXPOSE = "Accept-Ranges, Content-Encoding, Content-Range, ETag"
    RULES = ({"match": "/some/**", "cors": {"origins": [A, B], "headers": ["X-One", "X-Two"],
                                            "expose": ["etag", "X-Own"], "max_age": "10min",
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
        shared = {"Allow-Origin": self.A, "Allow-Credentials": "true", "Expose-Headers": self.EXPOSE + ", X-Own"}
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
                self.assertEqual(self.ask(c, "/all/f", "GET", origin)[1],
                                 {"Allow-Origin": "*", "Expose-Headers": self.EXPOSE})
            self.assertEqual(self.ask(c, "/no/f", "GET", self.A)[1], {})

    def test_preflight(self):
        with Ruled({"some/f": b"f", "all/f": b"f"}, self.RULES) as d, d.connect() as c:
            r, cors = self.ask(c, "/some/f", "OPTIONS", self.A, "GET")
            self.assert_status(r, 204)
            self.assertEqual(cors, {"Allow-Origin": self.A, "Allow-Credentials": "true",
                                    "Allow-Methods": "GET, HEAD", "Allow-Headers": self.HEADERS + ", X-One, X-Two",
                                    "Max-Age": "600"})
            # Also where there is nothing: the request itself will tell.
            r, cors = self.ask(c, "/some/none", "OPTIONS", self.A, "PUT")
            self.assert_status(r, 204)
            self.assertEqual(cors["Allow-Methods"], "GET, HEAD")
            self.assertEqual(self.ask(c, "/some/f", "OPTIONS", "https://c.example", "GET")[1], {})
            self.assert_status(self.ask(c, "/some/denied/x", "OPTIONS", self.A, "GET")[0], 403)
            r, cors = self.ask(c, "/all/f", "OPTIONS", "https://c.example", "GET")
            self.assertEqual(cors, {"Allow-Origin": "*", "Allow-Methods": "GET, HEAD", "Max-Age": "5",
                                    "Allow-Headers": self.HEADERS})
            # Without both fields it is no preflight.
            self.assertNotIn("Allow-Methods", self.ask(c, "/some/f", "OPTIONS", self.A)[1])

    def test_any_port(self):
        with Ruled({"f": b"f"}, ({"match": "/**", "cors": {"origins": ["http://localhost:*"]}},)) as d, \
                d.connect() as c:
            for origin, want in (("http://localhost:5173", True), ("http://localhost", True),
                                 ("http://localhost.evil", False), ("https://localhost:5173", False)):
                c.request("/f", fields={"Origin": origin})
                self.assertEqual(c.response().get("Access-Control-Allow-Origin"), origin if want else None)

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
                b"content-length", b"location", b"vary", b"x-ours", b"allow", b"access-control-allow-origin",
                b"access-control-expose-headers", b"content-security-policy"}
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


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Goal: Chromium is content with tined: it seeks in a video by ranges, and runs a single-page app."""

import collections
import json
import os
import re
import socket
import subprocess
import unittest
import urllib.parse

from clients import TOP, Daemon, count_by_status, main, measured, run

REAL = os.path.join(TOP, "tests", "real")


def node(script, *arguments):
    p = subprocess.run(["node", os.path.join(REAL, script), *arguments], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    if p.returncode:
        raise AssertionError("%s:\n%s" % (script, p.stderr.decode()))
    return json.loads(p.stdout or "null")


class Video(unittest.TestCase):
    PAGE = b'<!DOCTYPE html><title>Watch</title><link rel="icon" href="data:,"><video src="film.webm" muted></video>'
    FIRST_OF_OTHER = 200

    def test_seeking(self):
        site = {"rules": ({"match": "/*.webm", "cache": "no-cache"},)}
        with Daemon({"watch.html": self.PAGE}, site=site) as d:
            film, other = d.path("film.webm"), os.path.join(d.dir, "other.webm")
            node("makevideo.js", film, "0")
            node("makevideo.js", other, str(self.FIRST_OF_OTHER))
            d.age("film.webm", other)
            size = os.path.getsize(film) // 10**6
            result = node("video.js", d.origin(), other, film, str(self.FIRST_OF_OTHER))
            answers = [a for a in d.answers() if a.target == "/film.webm"]
        self.check_exchanges(result["exchanges"])
        sent = sum(a.sent for a in answers) // 10**6
        counts = collections.Counter((condition(e), e["status"]) for e in result["exchanges"])
        measured("Chromium: %d seeks, each to the right frame; %s; %d MB sent of 2 files of %d MB" % (
            result["seeks"], ", ".join("%d %s: %d" % (n, *pair) for pair, n in counts.items()), sent, size))

    def check_exchanges(self, exchanges):
        for e in exchanges:
            self.assertIn("range", e["fields"])
            self.assertIn(e["status"], (200, 206, 304))
            if e["status"] == 206:
                first, last = re.match(r"bytes=(\d+)-(\d*)$", e["fields"]["range"]).groups()
                size = int(e["answer"]["content-range"].rpartition("/")[2])
                last = min(int(last or size), size - 1)
                self.assertEqual(e["answer"]["content-range"], "bytes %s-%d/%d" % (first, last, size))
                # A client that has the rest gets no more than it needs (RFC 9110 section 15.3.7).
                self.assertEqual("content-type" in e["answer"], "if-range" not in e["fields"])
        counts = collections.Counter((condition(e), e["status"]) for e in exchanges)
        self.assertGreater(counts["If-Range", 206], 1)
        self.assertGreater(counts["If-None-Match", 304], 0)
        # The film is another one: the browser learns it by the condition that it happens to ask with.
        self.assertGreater(counts["If-Range", 200] + counts["If-None-Match", 206], 0)


def condition(exchange):
    names = {"if-range": "If-Range", "if-none-match": "If-None-Match"}
    return next((names[n] for n in names if n in exchange["fields"]), "without condition")


class App(unittest.TestCase):
    """A single-page app, and what it loads from another origin. It is also opened under a name that
    is not the machine's own: there, without TLS, browsers ask for gzip only."""

    FONT = "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"
    STYLE = "@font-face { font-family: Foreign; src: url(%s/font.ttf) } main { color: rgb(1, 2, 3); }" + " " * 500
    INDEX = """<!DOCTYPE html><title>App</title><link rel="icon" href="data:,">
        <link rel="stylesheet" href="/assets/style.css"><main></main><script src="/assets/app.js"></script>"""
    SCRIPT = "document.querySelector('main').textContent = 'app at ' + location.pathname;" + " " * 500
    PAGE = '<!DOCTYPE html><title>About</title><link rel="icon" href="data:,"><p>about'

    def sites(self, daemon_dir, port):
        app = {
            "names": ["app.localhost", "app.test"], "root": os.path.join(daemon_dir, "root"),
            "precompressed": ["br", "gzip"],
            "rules": (
                {"match": "/**", "headers": {"preset": ["security"]}},
                {"match": "/assets/**", "cache": "public, max-age=31536000, immutable"},
                {"match": "/**", "try": ["$path", "$path.html", "$path/index.html"]},
                {"match": "/**", "fallback": "/index.html"}),
        }
        foreign = {
            "names": ["foreign.localhost"], "root": os.path.join(daemon_dir, "foreign"),
            "rules": ({"match": "/**", "cors": {
                "origins": ["http://app.localhost:%d" % port], "headers": ["X-Token"],
                "expose": ["ETag"], "max_age": "10min"}},),
        }
        return app, foreign

    def start(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        foreign = "http://foreign.localhost:%d" % port
        with open(self.FONT, "rb") as f:
            font = f.read()
        files = {
            "index.html": self.INDEX, "about.html": self.PAGE, "assets/app.js": self.SCRIPT,
            "assets/style.css": self.STYLE % foreign, "../foreign/data.json": '{"answer": 42}',
            "../foreign/module.js": "export const answer = 43;",
        }
        files = {name: text.encode() for name, text in files.items()}
        files["../foreign/font.ttf"] = font
        daemon = Daemon(files, listen=("127.0.0.1:%d" % port,), sites=lambda d: self.sites(d, port))
        self.addCleanup(daemon.__exit__, None, None, None)
        for name in ("assets/app.js", "assets/style.css", "index.html"):
            for tool in ("brotli", "gzip"):
                run(tool, "--keep", daemon.path(name))
        daemon.age(*files)
        return daemon, port

    def test_app(self):
        daemon, port = self.start()
        result = node("app.js", str(port), os.path.join(daemon.dir, "network.json"))
        answers = daemon.answers()
        self.assertEqual(collections.Counter(a.status for a in answers),
                         collections.Counter(e["status"] for e in result))
        app, stranger, foreign = (
            [e for e in result if urllib.parse.urlsplit(e["url"]).hostname == host]
            for host in ("app.localhost", "app.test", "foreign.localhost"))
        self.check_pages(app, "br")
        self.check_pages(stranger, "gzip")
        self.check_foreign(foreign)
        measured("Chromium: app by br and by gzip, deep links by fallback, /about by try, assets asked for "
                 "once, missing ones 404, data, module and font of another origin; " + count_by_status(answers))

    def check_pages(self, exchanges, coding):
        assets = []
        for e in exchanges:
            path, a = urllib.parse.urlsplit(e["url"]).path, e["answer"]
            self.assertEqual(a["x-content-type-options"], "nosniff")
            if e["status"] == 404 or path == "/about":
                self.assertNotIn("content-encoding", a)
                self.assertNotIn("cache-control", a)
                continue
            self.assertEqual((e["status"], a["content-encoding"]), (200, coding), path)
            self.assertIn("Accept-Encoding", a["vary"])
            if path.startswith("/assets/"):
                assets.append(path)
                self.assertIn("immutable", a["cache-control"])
        self.assertEqual(sorted(assets), ["/assets/app.js", "/assets/style.css"])

    def check_foreign(self, exchanges):
        for e in exchanges:
            allowed = e["answer"].get("access-control-allow-origin")
            origin = e["fields"]["origin"]
            self.assertEqual(allowed, origin if "app.localhost" in origin else None)
            self.assertEqual(e["answer"]["vary"], "Origin")
        preflights = [(e["status"], e["fields"]["access-control-request-headers"]) for e in exchanges
                      if e["method"] == "OPTIONS" and "access-control-allow-origin" in e["answer"]]
        # The first one is kept for the second request with the same field.
        self.assertEqual(preflights, [(204, "x-token"), (204, "x-other")])


if __name__ == "__main__":
    main()

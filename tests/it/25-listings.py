#!/usr/bin/env python3
"""Goal: a listing shows what is there, whatever it is called, and a large one does not hold the loop."""

import base64
import contextlib
import hashlib
import html
import json
import os
import re
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

import figures
import harness
from harness import Daemon
from machine import Machine

LARGE = 20000
# Readers of one directory and its entries, each with a name of 240 bytes. By hand: 64 and 100000.
READERS = int(os.environ.get("TINED_TEST_READERS", "16"))
ENTRIES = int(os.environ.get("TINED_TEST_ENTRIES", "10000"))
LIST = os.path.join(os.path.dirname(harness.TINED), "tests", "real", "list")


class Listed(Daemon):
    """A daemon that lists its root."""

    def __init__(self, files=None, site=(), machine=None, **options):
        super().__init__(files or {}, start=False, **options)
        if machine:
            self.environment.update(machine.environment)
        self.options["sites"] = (dict(site, root=self.root, listing=True),)
        self.write_config()
        self.start()

    def make(self, names):
        for name in names:
            with open(os.path.join(os.fsencode(self.root), name), "wb") as f:
                f.write(b"content of " + name)

    def entries(self, target="/"):
        r = self.get(target, fields={"Accept": "application/json"})
        listing = json.loads(r.body)
        return [urllib.parse.unquote_to_bytes(e["href"]) for e in listing["entries"]]


class Names(harness.Case):
    def test_every_name_and_its_file(self):
        names = [b"a%cb" % c for c in range(1, 256) if c != ord("/")]
        names += ["\u65e5\u672c \U0001f600".encode(), b"\xf0\x9f\x98", b"x" * 255, b'"],{\\', b"a&copy;=b", b"c:b"]
        with Listed() as d:
            d.make(names)
            with d.connect() as c:  # (which has so much time for its first request)
                c.request("/", fields={"Accept": "application/json"})
                entries = json.loads(c.response().body)["entries"]
                c.request("/")
                links = re.findall(rb'<a href="(?!\.\./)([^"?]+)"', c.response().body)
                self.assertEqual([e["href"].encode() for e in entries], links)
                self.assertEqual(len(entries), len(names))
                for entry in entries:
                    name = urllib.parse.unquote_to_bytes(entry["href"])
                    names.remove(name)
                    c.request("/" + entry["href"])
                    self.assertEqual(self.assert_status(c.response(), 200).body, b"content of " + name)
                    self.assertEqual(entry["size"], len(b"content of " + name))
                    self.assertEqual(entry["name"].replace("\ufffd", ""), name.decode(errors="ignore"))

    def test_what_is_shown(self):
        files = {"file": b"123", ".hidden": b"", "folder": None, ".git": None, "refused": b"", "out/x": b""}
        rules = ({"match": "/refused", "status": 403},)
        with Listed(files, {"rules": rules}) as d:
            os.mkfifo(d.path("fifo"))
            for target, name in (("file", "to-file"), ("..", "up"), ("/etc/passwd", "absolute"),
                                 ("nowhere", "dangling"), ("fifo", "to-fifo"), ("folder", "to-folder")):
                os.symlink(target, d.path(name))
            self.assertEqual(d.entries(), [b"folder/", b"out/", b"to-folder/", b"file", b"to-file"])
            self.assertEqual(d.entries("/out/"), [b"x"])
            self.assert_status(d.get("/.git/"), 404)

    def test_hide(self):
        """Left out of listings, and of nothing else."""
        files = {"file": b"", "file~": b"old", "cache.d/x": b"x", "sub/file~": b"", "sub/x": b""}
        with Listed(files, {"hide": ["*~", "cache.?"]}) as d:
            self.assertEqual(d.entries(), [b"sub/", b"file"])
            self.assertEqual(d.entries("/sub/"), [b"x"])
            self.assertIn(b"<caption>1 folder, 1 file</caption>", d.get("/").body)
            self.assertEqual(d.get("/file~").body, b"old")
            self.assertEqual(d.entries("/cache.d/"), [b"x"])

    def test_facts(self):
        with Listed({"folder": None, "file": b"1234"}) as d:
            os.utime(d.path("folder"), (0, 784111777))
            os.utime(d.path("file"), (0, 0))
            self.assertEqual(json.loads(d.get("/?format=json").body), {"complete": True, "entries": [
                {"name": "folder", "type": "directory", "mtime": "1994-11-06T08:49:37Z", "href": "folder/"},
                {"name": "file", "type": "file", "size": 4, "mtime": "1970-01-01T00:00:00Z", "href": "file"}]})


class Requests(harness.Case):
    FILES = {"a": b"333", "b": b"1", "c": b"22", "with/index.html": b"hello", "sub": None}

    def test_off_by_default(self):
        with Daemon({"file": b""}) as d:
            self.assert_status(d.get("/"), 403)

    def test_index_and_slash(self):
        with Listed(self.FILES) as d:
            self.assertEqual(d.get("/with/").body, b"hello")
            self.assertEqual(d.get("/sub").get("Location"), "sub/")
            self.assert_status(d.get("/missing/"), 404)

    def test_orders(self):
        with Listed(self.FILES) as d:
            for query, order in (("", "abc"), ("order=desc", "cba"), ("sort=size", "bca"),
                                 ("sort=size&order=desc", "acb"), ("sort=nothing&x", "abc")):
                names = d.entries("/?" + query)[2:]
                self.assertEqual(b"".join(names).decode(), order, query)

    def test_natural_order(self):
        """Also where runs are merged."""
        with Listed({"v%d" % i: b"" for i in range(1, 1200)}) as d:
            self.assertEqual(d.entries(), [b"v%d" % i for i in range(1, 1200)])

    def test_first_click_shows_the_newest(self):
        with Listed(self.FILES) as d:
            for time, name in enumerate("bac"):
                os.utime(d.path(name), (0, time))
            button, = re.findall(rb'<form method="get"><input type="hidden" name="(\w+)" value="(\w+)">'
                                 rb'<button name="(\w+)" value="(\w+)">Modified', d.get("/").body)
            self.assertEqual(d.entries("/?%s=%s&%s=%s" % tuple(word.decode() for word in button))[2:],
                             [b"c", b"a", b"b"])

    def test_links_lead_to_entries_only(self):
        """Those who mirror a site by its links fetch each listing once, not in each of its orders."""
        with Listed(self.FILES) as d:
            links = re.findall(rb'<[^<>]*? (?:href|src|action)="([^"]*)"', d.get("/sub/").body)
            self.assertEqual(links, [b"data:,", b"../", b"../"])

    def test_forms(self):
        html_type, json_type = "text/html; charset=utf-8", "application/json"
        with Listed(self.FILES) as d:
            for target, accept, want in (
                    ("/", None, html_type), ("/", "*/*", html_type), ("/", "application/json", json_type),
                    ("/", "text/html,application/xhtml+xml,*/*;q=0.8", html_type),
                    ("/", "text/html;q=0.5, application/json", json_type),
                    ("/", "application/json, text/plain, */*", json_type),
                    ("/", "application/json, text/html", html_type),
                    ("/?format=json", "text/html", json_type), ("/?format=html", "application/json", html_type)):
                r = d.get(target, fields={"Accept": accept} if accept else ())
                self.assertEqual(r.get("Content-Type"), want, (target, accept))
                self.assertIn("Accept", r.get("Vary"))

    def test_head_and_http_1_0(self):
        with Listed(self.FILES) as d, d.connect() as c:
            c.request("/", "HEAD")
            self.assert_status(c.response("HEAD"), 200)
            c.request("/")
            whole = c.response().body
            c.request("/", version="HTTP/1.0")
            head = c.read_head()
            self.assertIsNone(head.get("Transfer-Encoding"))
            self.assertEqual(c.read_to_end(), whole)

    def test_policy_lets_its_own_style_in(self):
        """Of listings, and of the pages of errors, which are in their style."""
        with Listed(self.FILES) as d:
            for target in ("/", "/none"):
                r = d.get(target)
                style = re.search(rb"<style>(.*)</style>", r.body, re.S).group(1)
                digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
                self.assertIn("style-src 'sha256-%s';" % digest, r.get("Content-Security-Policy"))


class Readme(harness.Case):
    """The text of a README below a listing."""

    @staticmethod
    def text(r):
        found = re.search(rb'<h2>(.*)</h2>\n<pre dir="auto">\n(.*)</pre>', r.body, re.S)
        return found and (found.group(1).decode(), html.unescape(found.group(2).decode()))

    def test_text(self):
        text = '<script>"a" & b</script>\n\tGrüße\n'
        with Listed({"README": text.encode(), "sub/README.txt": b"a\r\nb\xff\0", "none/x": b""}) as d:
            self.assertEqual(self.text(d.get("/")), ("README", text))
            self.assertNotIn(b"<script", d.get("/").body)
            self.assertEqual(self.text(d.get("/sub/")), ("README.txt", "a\nb\ufffd\u2400"))
            self.assertIsNone(self.text(d.get("/none/")))
            self.assertNotIn(b"<pre", d.get("/?format=json").body)
            self.assertEqual(d.get("/", "HEAD").status, 200)
            whole = d.get("/").body
            with d.connect() as c:
                c.request("/", version="HTTP/1.0")
                c.read_head()
                self.assertEqual(c.read_to_end(), whole)
            with open(d.path("README"), "w", encoding="ascii") as f:
                f.write("new")
            self.assertEqual(self.text(d.get("/")), ("README", "new"))

    def test_rules_hold_for_it(self):
        rules = ({"match": "/denied/README", "deny": ["127.0.0.0/8"]}, {"match": "/gone/README", "status": 410},
                 {"match": "/moved/README", "redirect": "/x"})
        paths = ("denied/README", "gone/README", "moved/README", "shown/README", "hidden/README.txt")
        with Listed(dict.fromkeys(paths, b"text"), {"rules": rules, "hide": ["README.txt"]}) as d:
            os.symlink("/etc/passwd", d.path("README"))
            for target in ("/", "/denied/", "/gone/", "/moved/", "/hidden/"):
                self.assertIsNone(self.text(d.get(target)), target)
            self.assertEqual(self.text(d.get("/shown/")), ("README", "text"))

    def test_large(self):
        """The first 64K of it, without the half of a character."""
        text = "x" + "ä" * 64 * 1024
        with Listed({"README": text.encode()}) as d:
            for _ in range(2):
                r = d.get("/")
                self.assertEqual(self.text(r), ("README", text[:32 * 1024]))
                self.assertRegex(r.body, b'</pre>\n<p>This is its beginning. <a [^>]*href=./README>The whole file</a>')


class Large(harness.Case):
    def test_others_are_served_meanwhile(self):
        """Of the requests of another client on the one loop none waits for the listing's end."""
        with Listed({"s/small": b"hello", "large": None}, workers=1, threads=1) as d:
            for i in range(LARGE):
                os.mknod(d.path("large/entry-%06d" % (i * 7919 % LARGE)))
            with d.connect() as c, d.connect() as other:
                done = threading.Event()
                served = 0
                c.request("/large/?sort=time&order=desc")
                result = []
                reader = threading.Thread(target=lambda: (result.append(c.response()), done.set()))
                reader.start()
                while not done.is_set():
                    other.request("/s/small")
                    self.assert_status(other.response(), 200)
                    served += 1
                reader.join()
            self.assertEqual(result[0].body.count(b"<tr>"), LARGE + 2)
            self.assertGreater(served, 5)  # of some 70 turns: this client may have to wait for a processor

    def test_memory_of_a_directory(self):
        if not os.path.exists(LIST):
            self.skipTest("no tests/real/list in the build directory")
        with tempfile.TemporaryDirectory(prefix="tined-it-") as directory:
            for i in range(LARGE):
                os.mknod(os.path.join(directory, "entry-%06d" % (i * 7919 % LARGE)))
            text = subprocess.run([LIST, directory, "sort=time&order=desc"], stdout=subprocess.PIPE,
                                  check=True).stdout.decode()
        memory = int(re.search(r"(\d+) KB of memory", text).group(1))
        self.assertLess(memory, 2 * 1024, text)

    def test_limit(self):
        with Listed({"f%d" % i: b"" for i in range(8)}, limits={"listing": 5}) as d:
            listing = json.loads(d.get("/?format=json").body)
            self.assertEqual((listing["complete"], len(listing["entries"])), (False, 5))
            self.assertIn(b"5 files; more are not listed", d.get("/").body)

    def test_clients_that_stop_reading(self):
        """They hold no more than limits.listing_memory, in which there is room for one of the orders; files are
        served on.

        Each listing is more than a socket may hold (net.ipv4.tcp_wmem), or it would be done with.
        """
        with Listed({"large": None, "s/small": b"hello"}, workers=1, threads=1, limits={"listing_memory": "3M"},
                    timeouts={"send": "10min"}) as d:  # on a busy machine, too, they are not cut off
            for i in range(LARGE * 3 // 2):
                os.mknod(d.path("large/entry-%06d" % i))
            with contextlib.ExitStack() as stack:
                stuck = [stack.enter_context(d.connect(receive_buffer=4096)) for _ in range(3)]
                for c in stuck:
                    c.request("/large/")
                for c in stuck:
                    self.assert_status(c.read_head(), 200)
                for n in range(5):
                    r = self.assert_status(d.get("/large/?sort=size"), 503)
                    self.assertEqual(r.get("Retry-After"), "1")
                    self.assert_status(d.get("/large/?sort=size", "HEAD"), 503)
                    self.assert_status(d.get("/s/small"), 200)
                stuck[0].reset()
                # A listing that was begun is finished, byte for byte.
                whole = [b"".join(c.read_chunks()) for c in stuck[1:]]
                self.assertTrue(whole[0] == whole[1] and whole[0].endswith(b"</html>\n"))
                harness.wait_until(lambda: d.get("/large/?sort=size").status == 200, "room for a listing")

    def test_clients_that_have_half_closed(self):
        """They are served as others are: to the end while they read, and no longer than timeouts.send when they
        do not, for nothing tells them from clients that have gone."""
        machine = Machine()
        with Listed({"large": None}, machine=machine, workers=1, threads=1, limits={"listing_memory": "3M"},
                    timeouts={"send": "30s", "watchdog": 0}) as d:
            for i in range(LARGE * 3 // 2):
                os.mknod(d.path("large/entry-%06d" % i))
            with machine.standing_still(), d.connect(receive_buffer=4096) as gone, \
                    d.connect(receive_buffer=4096) as reader:
                for c in (gone, reader):
                    c.request("/large/")
                    c.half_close()
                for c in (gone, reader):
                    self.assert_status(c.read_head(), 200)
                machine.advance(29)
                self.assertTrue(b"".join(reader.read_chunks()).endswith(b"</html>\n"))
                reader.expect_close()
                self.assert_status(d.get("/large/?sort=size"), 503)
                machine.advance(2)  # it cannot have begun to be stuck later
                harness.wait_until(lambda: d.get("/large/?sort=size").status == 200, "room for a listing")

    @unittest.skipIf(figures.is_sanitized(), "sanitizers have memory of their own")
    def test_many_readers_of_one_directory(self):
        """They share what was read, which goes when they have gone."""
        with Listed({"large": None, "s/small": b"hello"}, workers=1, threads=1, timeouts={"send": "10min"}) as d:
            for i in range(ENTRIES):
                os.mknod(d.path("large/%06d-%s" % (i, "x" * 233)))
            self.assert_status(d.get("/?format=json"), 200)  # there is a thread
            worker, = d.workers()
            before = figures.private_of([worker])
            with contextlib.ExitStack() as stack:
                clients = [stack.enter_context(d.connect(receive_buffer=65536)) for _ in range(READERS)]
                for c in clients:
                    c.request("/large/?format=json")
                for c in clients:
                    self.assert_status(c.read_head(), 200)
                under_way = figures.private_of([worker]) - before
                results = [None] * READERS
                threads = [threading.Thread(target=self.read_whole, args=(c, results, i))
                           for i, c in enumerate(clients)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            print("%d readers of %d names: %d kB under way" % (READERS, ENTRIES, under_way))
            self.assertLessEqual(under_way, ENTRIES * 300 // 1024 + READERS * 64 + 4096)
            self.assertEqual(results, [results[0]] * READERS)
            self.assertGreater(results[0] or 0, ENTRIES * 2 * 240)
            harness.wait_until(lambda: figures.private_of([worker]) <= before + 4096, "memory to go back")

    @staticmethod
    def read_whole(client, results, i):
        """As fast as it comes: all that counts is that it is whole, to the last chunk."""
        total, tail = len(client.pending), client.pending[-20:]
        while not tail.endswith(b"]}\n\r\n0\r\n\r\n"):
            data = client.sock.recv(1 << 18)
            if not data:
                break
            total += len(data)
            tail = (tail + data)[-20:]
        else:
            results[i] = total

    def test_pipelined(self):
        """Listings, files and what is not there, in one segment and in order, to a slow reader as well."""
        with Listed({"a/x": b"1", "b/y": b"2", "f": b"hello"}) as d:
            data = b"".join(harness.format_request(t, fields={"Accept": "application/json"})
                            for t in ("/a/", "/f", "/b/", "/none/", "/a/", "/b")) * 20
            for buffer in (None, 2048):
                with d.connect(receive_buffer=buffer) as c:
                    c.send(data)
                    for _ in range(20):
                        names = []
                        for status in (200, 200, 200, 404, 200, 301):
                            r = self.assert_status(c.response(), status)
                            if r.get("Content-Type") == "application/json":
                                names += [e["name"] for e in json.loads(r.body)["entries"]]
                        self.assertEqual(names, ["x", "y", "x"])

    def test_clients_that_leave(self):
        """Listings begun for them are freed."""
        with Listed({"large": None}, workers=1, threads=1) as d:
            for i in range(LARGE // 4):
                os.mknod(d.path("large/entry-%06d" % i))
            worker, = d.workers()
            before = len(os.listdir("/proc/%d/fd" % worker))
            for _ in range(50):
                with d.connect(receive_buffer=4096) as c:
                    c.request("/large/")
                    c.read_exactly(10)
                    c.reset()
            harness.wait_until(lambda: len(os.listdir("/proc/%d/fd" % worker)) <= before, "descriptors to be closed")


if __name__ == "__main__":
    harness.main()

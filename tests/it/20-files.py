#!/usr/bin/env python3
"""Goal: what is served is what the file holds at the time of the request, to the byte, or nothing."""

import email.utils
import hashlib
import os
import random
import socket
import threading
import time

import harness
from harness import Daemon

BIG = 20 << 20


def noise(n, seed=1):
    return random.Random(seed).getrandbits(8 * n).to_bytes(n, "little")


class Content(harness.Case):
    def test_big_file(self):
        data = noise(BIG)
        with Daemon({"big": data}) as d:
            for family in ("v4", "v6"):
                r = d.get("/big", family=family)
                self.assertEqual(hashlib.sha256(r.body).digest(), hashlib.sha256(data).digest())
            with d.connect() as c:
                for first, last in ((0, 0), (4095, 4096), (BIG - 70000, BIG - 1), (12345, 9876543)):
                    c.request("/big", fields={"Range": "bytes=%d-%d" % (first, last)})
                    r = self.assert_status(c.response(), 206)
                    self.assertTrue(r.body == data[first:last + 1], (first, last))

    def test_sizes_at_the_edges(self):
        sizes = [0, 1, 2, 4095, 4096, 4097, 16383, 16384, 16385, 65535, 65536, 65537, 1 << 20]
        with Daemon({"f%d" % n: noise(n, n) if n else b"" for n in sizes}) as d, d.connect() as c:
            for n in sizes * 2:
                c.request("/f%d" % n)
                self.assertTrue(c.response().body == (noise(n, n) if n else b""), n)

    def test_pipelined_files_of_all_sizes(self):
        sizes = [100000, 1, 70000, 0, 4096] * 4
        with Daemon({"f%d" % n: noise(n, n) if n else b"" for n in sizes}) as d, d.connect() as c:
            # From another thread: the daemon stops reading while its answers are not read.
            data = b"".join(harness.format_request("/f%d" % n) for n in sizes)
            sender = threading.Thread(target=c.send, args=(data,))
            sender.start()
            for n in sizes:
                self.assertTrue(c.response().body == (noise(n, n) if n else b""), n)
            sender.join()

    def test_slow_reader(self):
        data = noise(4 << 20)
        with Daemon({"big": data}, workers=1) as d, d.connect(receive_buffer=4096) as c:
            c.request("/big")
            r = c.read_head()
            n = harness.content_length(r, "GET")
            got = b""
            worker, = d.workers()
            while len(got) < 200000:
                got += c.read_exactly(1000)
                # Others are served meanwhile.
                if len(got) % 50000 == 0:
                    self.assert_status(d.get("/big", "HEAD"), 200)
            # An output that is stuck must not be waited for by spinning.
            harness.assert_idle([worker])
            got += c.read_exactly(n - len(got))
            self.assertTrue(got == data)


class Change(harness.Case):
    def test_shrinking_file_closes_the_connection(self):
        with Daemon({"big": noise(BIG)}, workers=1) as d, d.connect(receive_buffer=4096) as c:
            c.request("/big")
            r = c.read_head()
            self.assertEqual(harness.content_length(r, "GET"), BIG)
            c.read_exactly(1000)
            worker, = d.workers()
            os.truncate(d.path("big"), 2000)
            try:
                got = 1000 + len(c.read_to_end())
            except ConnectionResetError:
                got = 0
            self.assertLess(got, BIG)
            # Neither padded nor spinning, and it still serves.
            self.assertEqual(len(d.get("/big").body), 2000)
            self.assertEqual(d.workers(), [worker])
            harness.assert_idle([worker])

    def test_growing_file_is_cut_at_the_size_announced(self):
        with Daemon({"big": noise(BIG)}) as d, d.connect(receive_buffer=4096) as c:
            c.request("/big")
            c.read_head()
            with open(d.path("big"), "ab") as f:
                f.write(b"more")
            c.skip(BIG)
            c.request("/big", "HEAD")
            self.assertEqual(c.response("HEAD").get("Content-Length"), str(BIG + 4))

    @staticmethod
    def date(seconds):
        return email.utils.formatdate(seconds, usegmt=True)

    def assert_since(self, d, seconds, status):
        r = d.get("/f", fields={"If-Modified-Since": self.date(seconds)})
        self.assertEqual(r.status, status, (seconds, os.stat(d.path("f")), r))

    def test_young_file_matches_no_date(self):
        """Its date is one that no later state has: pacman and others who ask by date see the next."""
        with Daemon({"f": b"1"}) as d:
            for mtime in (None, int(time.time()) - 3600):
                d.write("f", b"1")
                if mtime:
                    os.utime(d.path("f"), (mtime, mtime))
                first = d.get("/f")
                self.assertIsNone(first.get("ETag"))
                facts = os.stat(d.path("f"))
                self.assertEqual(first.get("Last-Modified"), self.date(int(facts.st_mtime) - 1))
                for seconds in (facts.st_mtime - 1, facts.st_mtime, facts.st_ctime, facts.st_ctime + 1):
                    self.assert_since(d, seconds, 200)
                d.age("f", mtime=int(facts.st_mtime))
                self.assertIsNotNone(d.get("/f").get("ETag"))
                self.assertEqual(d.get("/f").get("Last-Modified"), self.date(int(facts.st_mtime)))
                self.assert_since(d, facts.st_mtime - 1, 200)

    def test_dates_of_the_client(self):
        """As pacman stamps what it has loaded: by its own clock."""
        with Daemon({"f": b"1"}) as d:
            mtime = int(time.time()) - 3600
            for content in (b"1", b"2"):  # the second with the time of the first, as by cp -p
                d.write("f", content)
                d.age("f", mtime=mtime)
                changed = int(os.stat(d.path("f")).st_ctime)
                for seconds, status in ((mtime - 1, 200), (mtime, 304), (mtime + 1, 200), (changed, 200),
                                        (changed + 1, 304), (time.time() + 3600, 200)):
                    self.assert_since(d, seconds, status)

    def test_file_of_the_future(self):
        """Its modification time lies ahead: the change time tells."""
        with Daemon({"f": b"1"}) as d:
            d.age("f", mtime=int(time.time()) + 86400)
            changed = int(os.stat(d.path("f")).st_ctime)
            r = d.get("/f")
            self.assertIsNotNone(r.get("ETag"))
            self.assertEqual(r.get("Last-Modified"), self.date(changed))
            for seconds, status in ((changed - 1, 200), (changed, 304), (changed + 1, 304)):
                self.assert_since(d, seconds, status)

    def test_mtime_of_zero_has_no_validators(self):
        with Daemon({"store": b"1"}) as d:
            d.age("store", mtime=1)
            r = d.get("/store")
            self.assertIsNone(r.get("ETag"))
            self.assertIsNone(r.get("Last-Modified"))

    def assert_never_stale(self, change):
        """Each request after a change sees it, on a connection kept open and on new ones."""
        with Daemon({"f": b"version 0"}) as d, d.connect() as c:
            for i in range(200):
                content = b"version %d" % i
                change(d, content)
                c.request("/f")
                self.assertEqual(c.response().body, content)
                if i % 10 == 0:
                    self.assertEqual(d.get("/f").body, content)

    def test_edit_in_place_is_seen_at_once(self):
        def edit(d, content):
            with open(d.path("f"), "r+b") as f:
                f.write(content)
                f.truncate()
        self.assert_never_stale(edit)

    def test_rename_is_seen_at_once(self):
        def rename(d, content):
            os.rename(d.write("new", content), d.path("f"))
        self.assert_never_stale(rename)

    def test_edit_of_an_old_file_of_the_same_size_and_mtime_is_seen(self):
        with Daemon({"f": b"aaaa"}) as d, d.connect() as c:
            d.age("f")
            times = os.stat(d.path("f")).st_mtime_ns
            for _ in range(3):
                c.request("/f")
                self.assertEqual(c.response().body, b"aaaa")
            d.write("f", b"bbbb")
            os.utime(d.path("f"), ns=(times, times))
            c.request("/f")
            self.assertEqual(c.response().body, b"bbbb")

    def test_tag_of_a_file_that_keeps_size_and_mtime(self):
        """Tools such as cp -p, rsync -a and builds that stamp one time do this: the tag is another one."""
        mtime = int(time.time()) - 3600
        with Daemon({"f": b"aaaa"}) as d:
            tags = set()
            for content in (b"aaaa", b"bbbb"):
                d.write("f", content)
                d.age("f", mtime=mtime)
                r = self.assert_status(d.get("/f", fields={"If-None-Match": ", ".join(tags)}), 200)
                self.assertEqual(r.body, content)
                tags.add(r.get("ETag"))
            for change in (lambda: os.chmod(d.path("f"), 0o755), lambda: os.link(d.path("f"), d.path("g"))):
                change()
                d.age("f", mtime=mtime)
                tags.add(d.get("/f").get("ETag"))
            self.assertEqual(len(tags), 4, tags)

    def test_tag_is_opaque_and_stays(self):
        with Daemon({"f": b"1" * 0x1234}, workers=2) as d:
            d.age("f")
            tags = {d.get("/f").get("ETag") for _ in range(20)}
            d.stop()
            d.start()
            tags.add(d.get("/f").get("ETag"))
            facts = os.stat(d.path("f"))
            tag, = tags
            for fact in (facts.st_ino, facts.st_size, int(facts.st_mtime)):
                self.assertNotIn("%x" % fact, tag)

    def test_removal_is_seen_at_once(self):
        with Daemon({"f": b"1", "dir/index.html": b"2"}) as d, d.connect() as c:
            for target, name in (("/f", "f"), ("/dir/", "dir/index.html")):
                c.request(target)
                self.assert_status(c.response(), 200)
                os.unlink(d.path(name))
                c.request(target)
                self.assertIn(c.response().status, (403, 404))


class Kinds(harness.Case):
    def test_only_regular_files(self):
        with Daemon({"ok": b"ok"}) as d:
            os.mkfifo(d.path("fifo"))
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(d.path("socket"))
            with listener:
                for target in ("/fifo", "/socket"):
                    # A FIFO opened without care blocks the whole loop.
                    self.assertIn(d.get(target).status, (403, 404))
            self.assertEqual(d.get("/ok").body, b"ok")

    def test_no_permission(self):
        with Daemon({"file": b"secret", "dir/file": b"secret"}) as d:
            os.chmod(d.path("file"), 0)
            os.chmod(d.path("dir"), 0)
            for target in ("/file", "/dir/file", "/dir/"):
                r = d.get(target)
                self.assertIn(r.status, (403, 404))
                self.assertNotIn(b"secret", r.body)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Goal: whatever ranges are asked for, what comes is these bytes of the file, said right, each once,
and never more than the whole file would take."""

import email.parser
import email.policy
import os
import random
import re
import threading
import time

import harness
from harness import Daemon

GIB = 1 << 30
HUGE = 5 * GIB + 12345
SIZES = {"empty": 0, "one": 1, "small": 3000, "memory": 60000, "edge": 65536, "large": 300000}


def noise(n, seed=1):
    return random.Random(seed).getrandbits(8 * n).to_bytes(n, "little") if n else b""


class Old:
    """The files of all cases, which are waited for once."""

    keeper = None

    @classmethod
    def content(cls, name):
        return noise(SIZES[name], len(name))

    @classmethod
    def root(cls):
        if cls.keeper is None:
            cls.keeper = Daemon({n: cls.content(n) for n in SIZES}, start=False)
            with open(cls.keeper.path("huge"), "wb") as f:
                f.truncate(HUGE)
                for at in (0, 4 * GIB - 4, HUGE - 8):
                    f.seek(at)
                    f.write(b"%8d" % (at % 99999999))
            cls.keeper.write("page.html", b"<p>" * 2000)
            cls.keeper.age(*SIZES, "huge", "page.html")
        return cls.keeper.root


def tearDownModule():
    if Old.keeper:
        Old.keeper.__exit__(None, None, None)


class Ranged(Daemon):
    def __init__(self, site=(), **options):
        super().__init__({}, start=False, **options)
        self.options["sites"] = (dict(site, root=Old.root()),)
        self.write_config()
        self.start()


def parts_of(r):
    """[(first, last, total, fields, bytes)] of a multipart answer, by Python's parser of mail."""
    kind = r.get("Content-Type")
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        b"Content-Type: " + kind.encode() + b"\r\nContent-Transfer-Encoding: binary\r\n\r\n" + r.body)
    if message.get_content_type() != "multipart/byteranges" or message.defects:
        raise AssertionError("no multipart/byteranges: %r %r" % (kind, message.defects))
    # The parser takes care of lines; the bytes are taken by the boundary, which must not be in them.
    boundary = b"\r\n--" + message.get_boundary().encode()
    pieces = r.body.split(boundary)
    if pieces[0] != b"" or pieces[-1] != b"--\r\n" or len(pieces) != len(message.get_payload()) + 2:
        raise AssertionError("framing: %r … %r" % (pieces[0], pieces[-1]))
    found = []
    for part, raw in zip(message.get_payload(), pieces[1:-1]):
        head, _, content = raw[2:].partition(b"\r\n\r\n")
        if raw[:2] != b"\r\n":
            raise AssertionError("behind a boundary: %r" % raw[:20])
        numbers = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", part["Content-Range"])
        found.append(tuple(map(int, numbers.groups())) + (part, content))
        assert head.count(b"\r\n") + 1 == len(part.items()), head
    return found


def wanted(specs, size):
    """The bytes that a list of (first, last), (first, None), (None, length) asks for, as (from, to)."""
    for first, last in specs:
        if first is None:
            start, end = max(0, size - last), size
        else:
            start, end = first, size if last is None else min(last + 1, size)
        if start < end:
            yield start, end


def text_of(specs):
    return "bytes=" + ", ".join("%s-%s" % ("" if a is None else a, "" if b is None else b) for a, b in specs)


class Answers(harness.Case):
    def check(self, r, specs, name):
        data = Old.content(name)
        size = len(data)
        ranges = list(wanted(specs, size))
        if r.status == 200:
            self.assertTrue(r.body == data, specs)
            return
        if not ranges:
            self.assertIn(r.status, (416,) if size or any(a is not None for a, _ in specs) else (416, 200), specs)
            self.assertEqual(r.get("Content-Range"), "bytes */%d" % size)
            return
        self.assert_status(r, 206)
        if r.get("Content-Range"):
            first, last, total = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", r.get("Content-Range")).groups())
            parts = [(first, last, total, None, r.body)]
        else:
            parts = parts_of(r)
            self.assertGreater(len(parts), 1)
            self.assertLess(len(r.body), size)
        sent = sorted((first, last + 1) for first, last, _, _, _ in parts)
        for first, last, total, fields, content in parts:
            self.assertEqual(total, size)
            self.assertTrue(content == data[first:last + 1], (specs, first, last))
            if fields is not None:
                self.assertEqual(fields["Content-Type"], "application/octet-stream")
        for (_, end), (start, _) in zip(sent, sent[1:]):
            self.assertLess(end, start, "touch or overlap")
        for start, end in ranges:
            self.assertTrue(any(a <= start and end <= b for a, b in sent), (specs, start, end, sent))

    def random_specs(self, random_of, size):
        def position():
            return random_of.choice((0, 1, size - 1, size, size + 1, random_of.randrange(size + 2),
                                     random_of.randrange(size + 2), random_of.randrange(2 * size + 2)))
        for _ in range(random_of.randrange(1, 9)):
            kind = random_of.randrange(5)
            first = max(0, position())
            if kind == 0:
                yield None, random_of.choice((1, 10, 200, size, size + 5))
            elif kind == 1:
                yield first, None
            else:
                yield first, first + random_of.choice((0, 1, 9, 100, 128, 129, 1000, 70000))

    def test_random_sets(self):
        random_of = random.Random(27)
        with Ranged() as d, d.connect() as c:
            multipart = 0
            for _ in range(700):
                name = random_of.choice(list(SIZES))
                specs = list(self.random_specs(random_of, SIZES[name]))
                c.request("/" + name, fields={"Range": text_of(specs)})
                r = c.response()
                multipart += (r.get("Content-Type") or "").startswith("multipart/")
                self.check(r, specs, name)
            self.assertGreater(multipart, 100)

    def test_what_is_ignored(self):
        data = Old.content("small")
        with Ranged() as d, d.connect() as c:
            for value in ("bytes=0-1,2-x", "bytes=", "bytes=,", "bytes 0-1", "lines=0-1",
                          "bytes=1-0,5-6", "bytes=0-1399,1600-2999", "bytes=--1",
                          "bytes= 0-1", "bytes=0 - 1", "bytes=0-1;5-6", "bytes=0x1-2"):
                c.request("/small", fields={"Range": value})
                r = self.assert_status(c.response(), 200)
                self.assertTrue(r.body == data, value)
            c.request("/small", "HEAD", {"Range": "bytes=0-1,1000-1001"})
            self.assertEqual(self.assert_status(c.response("HEAD"), 200).get("Content-Length"), "3000")
            c.request("/small", fields=[("Range", "bytes=0-1"), ("Range", "bytes=5-6")])
            self.assert_status(c.response(), 200)

    def test_how_many(self):
        """As zsync and zckdl ask: many ranges in one request, as limits.ranges says."""
        def ask(c, count):
            c.request("/large", fields={"Range": "bytes=" + ",".join("%d-%d" % (i * 1000, i * 1000) for i in range(count))})
            return c.response()
        data = Old.content("large")
        for limit, most in ((None, 256), (3, 3), (1, 1)):
            with Ranged(**{"limits": {"ranges": limit}} if limit else {}) as d, d.connect() as c:
                r = self.assert_status(ask(c, most), 206)
                if most > 1:
                    self.assertEqual([p[4] for p in parts_of(r)], [data[i * 1000:i * 1000 + 1] for i in range(most)])
                r = self.assert_status(ask(c, most + 1), 200)
                self.assertEqual(r.get("Accept-Ranges"), "bytes")
                self.assertTrue(r.body == data)

    def test_none(self):
        data = Old.content("small")
        with Ranged(limits={"ranges": 0}) as d, d.connect() as c:
            for value in ("bytes=0-0", "bytes=0-0,1000-1000", "bytes=9999-"):
                c.request("/small", fields={"Range": value})
                r = self.assert_status(c.response(), 200)
                self.assertEqual(r.get("Accept-Ranges"), "none")
                self.assertTrue(r.body == data)

    def test_never_more_than_the_file(self):
        """Also where the lines of a part are long."""
        data = Old.content("small")
        with Ranged({"default_type": "application/x-" + "y" * 100}) as d, d.connect() as c:
            c.request("/small", fields={"Range": "bytes=" + ",".join("%d-%d" % (i * 180, i * 180) for i in range(16))})
            r = self.assert_status(c.response(), 200)
            self.assertTrue(r.body == data)

    def test_order_and_case(self):
        data = Old.content("large")
        with Ranged() as d, d.connect() as c:
            c.request("/large", fields={"Range": "BYTES=-10,,0-9 , 5000-5009,"})
            parts = parts_of(self.assert_status(c.response(), 206))
            self.assertEqual([p[0] for p in parts], [len(data) - 10, 0, 5000])

    def test_fields(self):
        """A part has the file's type, the answer its validators; what a client has is not repeated."""
        with Ranged() as d, d.connect() as c:
            c.request("/page.html")
            whole = c.response()
            c.request("/page.html", fields={"Range": "bytes=0-1,3000-3001"})
            r = self.assert_status(c.response(), 206)
            for name in ("ETag", "Last-Modified", "Accept-Ranges"):
                self.assertEqual(r.get(name), whole.get(name))
            for part in parts_of(r):
                self.assertEqual(part[3]["Content-Type"].replace('"', ""), "text/html; charset=utf-8")
            self.assertIsNone(r.get("Content-Range"))
            c.request("/page.html", fields={"Range": "bytes=0-1,3000-3001"})
            self.assertEqual(c.response().body, r.body)  # the same request gets the same bytes

    def test_if_range(self):
        with Ranged() as d, d.connect() as c:
            c.request("/large")
            whole = c.response()
            tag, date = whole.get("ETag"), whole.get("Last-Modified")
            for value, status in ((tag, 206), (date, 206), ("W/" + tag, 200), ('"other"', 200),
                                  ("Thu, 01 Jan 1970 00:00:00 GMT", 200), ("nonsense", 200), (tag + ", " + tag, 200)):
                for ranges in ("bytes=0-9", "bytes=0-9,100000-100009"):
                    c.request("/large", fields={"Range": ranges, "If-Range": value})
                    r = self.assert_status(c.response(), status)
                    if status == 200:
                        self.assertTrue(r.body == whole.body)
                        continue
                    self.assertEqual((r.get("ETag"), r.get("Last-Modified")), (tag, date))
                    if "," in ranges:
                        self.assertEqual(len(parts_of(r)), 2)
            # Conditions go first.
            for fields, status in (({"If-None-Match": tag}, 304), ({"If-Match": '"x"'}, 412), ({"If-Match": tag}, 206)):
                c.request("/large", fields=dict(fields, Range="bytes=0-9,100000-100009"))
                self.assert_status(c.response(), status)

    def test_pipelined(self):
        """Each answer ends where it says, whatever it is made of."""
        random_of = random.Random(28)
        with Ranged() as d, d.connect() as c:
            asked = []
            for _ in range(120):
                name = random_of.choice(list(SIZES))
                asked.append((name, list(self.random_specs(random_of, SIZES[name]))))
            data = b"".join(harness.format_request("/" + n, fields={"Range": text_of(s)}) for n, s in asked)
            sender = threading.Thread(target=c.send, args=(data,))
            sender.start()
            for name, specs in asked:
                self.check(c.response(), specs, name)
            sender.join()

    def test_http_1_0_and_the_last_request(self):
        with Ranged(limits={"requests": 2}) as d:
            with d.connect() as c:
                c.request("/large", fields={"Range": "bytes=0-9,5000-5009"}, version="HTTP/1.0")
                self.assertEqual(len(parts_of(self.assert_status(c.response(), 206))), 2)
                c.expect_close()
            with d.connect() as c:
                for closes in (None, "close"):
                    c.request("/large", fields={"Range": "bytes=0-9,5000-5009"})
                    r = self.assert_status(c.response(), 206)
                    self.assertEqual(r.get("Connection"), closes)
                    self.assertEqual(len(parts_of(r)), 2)
                c.expect_close()

    def test_no_delay(self):
        """The line behind the last part is not kept back in the kernel."""
        with Ranged() as d, d.connect() as c:
            times = []
            for _ in range(9):
                began = time.monotonic()
                c.request("/large", fields={"Range": "bytes=0-9,5000-5009"})
                self.assert_status(c.response(), 206)
                times.append(time.monotonic() - began)
            self.assertLess(sorted(times)[4], 0.15, times)


class Large(harness.Case):
    def test_beyond_4_gib(self):
        def content(first, last):
            with open(os.path.join(Old.root(), "huge"), "rb") as f:
                f.seek(first)
                return f.read(last + 1 - first)
        with Ranged() as d, d.connect() as c:
            c.request("/huge", "HEAD")
            self.assertEqual(c.response("HEAD").get("Content-Length"), str(HUGE))
            for first, last in ((4 * GIB - 10, 4 * GIB + 10), (HUGE - 10, HUGE - 1), (2 * GIB - 1, 2 * GIB + 1)):
                c.request("/huge", fields={"Range": "bytes=%d-%d" % (first, last)})
                r = self.assert_status(c.response(), 206)
                self.assertEqual(r.get("Content-Range"), "bytes %d-%d/%d" % (first, last, HUGE))
                self.assertEqual(r.body, content(first, last))
            c.request("/huge", fields={"Range": "bytes=-8,0-7,%d-%d,%d-" % (4 * GIB - 4, 4 * GIB + 3, HUGE - 300)})
            parts = parts_of(self.assert_status(c.response(), 206))
            self.assertEqual([p[:2] for p in parts], [(HUGE - 300, HUGE - 1), (0, 7), (4 * GIB - 4, 4 * GIB + 3)])
            for first, last, total, _, got in parts:
                self.assertEqual(total, HUGE)
                self.assertEqual(got, content(first, last))
            for value in (HUGE, 1 << 63, 1 << 64, 10 ** 30):
                c.request("/huge", fields={"Range": "bytes=%d-" % value})
                self.assertEqual(self.assert_status(c.response(), 416).get("Content-Range"), "bytes */%d" % HUGE)
            c.request("/huge", fields={"Range": "bytes=%d-%d" % (HUGE - 5, 10 ** 30)})
            self.assertEqual(len(self.assert_status(c.response(), 206).body), 5)

    def test_slow_reader(self):
        """The parts are longer than what a socket takes; others are served meanwhile."""
        data = Old.content("large")
        with Ranged(workers=1, threads=1) as d, d.connect(receive_buffer=4096) as c:
            c.request("/large", fields={"Range": "bytes=0-99999,100500-299999"})
            r = c.read_head()
            length = harness.content_length(r, "GET")
            c.request("/small")
            r.body = b""
            while len(r.body) < length:
                r.body += c.read_exactly(min(20000, length - len(r.body)))
                self.assert_status(d.get("/small", "HEAD"), 200)
            parts = parts_of(r)
            self.assertTrue([p[4] for p in parts] == [data[:100000], data[100500:]])
            self.assertTrue(c.response().body == Old.content("small"))

    def test_reload(self):
        """Parts that are under way are sent to their end, and the connection goes on."""
        data = Old.content("large")
        with Ranged() as d, d.connect(receive_buffer=4096) as c:
            d.options["listen"] = tuple({"address": a} for a in d.addresses)
            d.write_config()
            c.request("/large", fields={"Range": "bytes=0-99999,100500-299999"})
            r = c.read_head()
            length = harness.content_length(r, "GET")
            r.body = c.read_exactly(1000)
            old = d.workers()
            d.renew()
            self.assert_status(d.get("/small"), 200)
            r.body += c.read_exactly(length - 1000)
            self.assertTrue([p[4] for p in parts_of(r)] == [data[:100000], data[100500:]])
            c.request("/small")
            self.assertTrue(c.response().body == Old.content("small"))
            harness.wait_gone(old)

    def test_clients_that_leave(self):
        with Ranged(workers=1, threads=1) as d:
            worker, = d.workers()
            self.assert_status(d.get("/huge", "HEAD"), 200)
            before = len(os.listdir("/proc/%d/fd" % worker))
            for i in range(30):
                with d.connect(receive_buffer=4096) as c:
                    c.request("/huge", fields={"Range": "bytes=0-99999999,%d-" % (4 * GIB)})
                    c.read_exactly(100 + 1000 * i)
                    c.reset()
            harness.wait_until(lambda: len(os.listdir("/proc/%d/fd" % worker)) <= before, "descriptors to be closed")
            self.assert_status(d.get("/small"), 200)

    def test_file_that_shrinks(self):
        with Daemon({"f": noise(8 << 20)}, workers=1) as d, d.connect(receive_buffer=4096) as c:
            c.request("/f", fields={"Range": "bytes=0-4000000,5000000-"})
            r = self.assert_status(c.read_head(), 206)
            c.read_exactly(1000)
            os.truncate(d.path("f"), 100000)
            with self.assertRaises((harness.FramingError, ConnectionResetError)):
                c.skip(harness.content_length(r, "GET") - 1000)
            self.assertEqual(len(d.get("/f").body), 100000)


if __name__ == "__main__":
    harness.main()

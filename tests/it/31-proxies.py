#!/usr/bin/env python3
"""Goal: behind proxies it knows who asks, and believes nobody else about it."""

import re
import signal
import socket
import struct

import harness
from harness import Daemon
from processes import wait_until

FILES = {"index.html": b"hello", "inside/index.html": b"inside"}
INSIDE = {"match": "/inside/**", "allow": ["192.0.2.0/24", "2001:db8::/32"]}

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL = SIGNATURE + b"\x20\0\0\0"


def version_1(client="192.0.2.7", family="TCP4", to="192.0.2.1"):
    return b"PROXY %s %s %s 4711 80\r\n" % tuple(s.encode() for s in (family, client, to))


def version_2(client="192.0.2.7", items=b""):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    address = socket.inet_pton(family, client)
    body = address * 2 + struct.pack(">HH", 4711, 80) + items
    kind = 0x21 if family == socket.AF_INET6 else 0x11
    return SIGNATURE + bytes((0x21, kind)) + struct.pack(">H", len(body)) + body


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def checked(client="192.0.2.7", wrong=0):
    """A header of version 2 with a checksum."""
    header = version_2(client, b"\3\0\4\0\0\0\0")
    return header[:-4] + struct.pack(">I", crc32c(header) ^ wrong)


class Proxied(Daemon):
    """A daemon behind a proxy on the loopback interface."""

    def __init__(self, mode="accept", trusted=("127.0.0.0/8", "::1"), address="127.0.0.1:0", rules=(INSIDE,), names=(), **options):
        options.setdefault("workers", 1)
        super().__init__(FILES, start=False, **options)
        self.options["log"]["access"] = self.access_path
        self.options["listen"] = ({"address": address, "proxy_protocol": mode},)
        self.options["sites"] = ({"root": self.root, "rules": rules, "names": list(names)},)
        if trusted:
            self.options["trusted_proxies"] = list(trusted)
        self.write_config()
        self.start()

    def _logged(self):
        with open(self.access_path, encoding="ascii") as log:
            return [line.split()[0] for line in log]

    def clients(self, count):
        """The first so many of the access log."""
        return wait_until(lambda: len(self._logged()) >= count and self._logged(),
                          "%d lines in the access log" % count)


class Headers(harness.Case):
    def test_client_of_log_and_rules(self):
        rows = (
            (version_1(), "192.0.2.7", 200),
            (version_1("198.51.100.7"), "198.51.100.7", 403),
            (version_1("2001:db8::7", "TCP6", "::1"), "2001:db8::7", 200),
            (version_1("::ffff:192.0.2.7", "TCP6", "::1"), "192.0.2.7", 200),
            (version_2(), "192.0.2.7", 200),
            (version_2("2001:db8::7"), "2001:db8::7", 200),
            (version_2("::ffff:192.0.2.7"), "192.0.2.7", 200),
            (checked(), "192.0.2.7", 200),
            (b"PROXY UNKNOWN\r\n", "127.0.0.1", 403),
            (LOCAL, "127.0.0.1", 403),
            (b"", "127.0.0.1", 403),
        )
        with Proxied() as d:
            for header, _, status in rows:
                with self.subTest(header=header), d.connect() as c:
                    c.send(header + harness.format_request("/inside/"))
                    self.assert_status(c.response(), status)
            self.assertEqual(d.clients(len(rows)), [client for _, client, _ in rows])

    def test_byte_for_byte(self):
        for header in (version_1(), checked()):
            with self.subTest(header=header), Proxied("require") as d, d.connect() as c:
                for byte in header + harness.format_request("/inside/"):
                    c.send(bytes((byte,)))
                self.assert_status(c.response(), 200)

    def test_later_requests_are_of_the_same_client(self):
        with Proxied() as d, d.connect() as c:
            c.send(version_1())
            for _ in range(3):
                c.send(harness.format_request("/inside/"))
                self.assert_status(c.response(), 200)

    def test_strangers_are_not_believed(self):
        with Proxied(trusted=("192.0.2.0/24",)) as d, d.connect() as c:
            c.send(version_1() + harness.format_request("/inside/"))
            self.assert_status(c.response(), 400)
        with Proxied(trusted=()) as d, d.connect() as c:
            c.send(version_1() + harness.format_request("/inside/"))
            self.assert_status(c.response(), 400)

    def test_required(self):
        for header in (b"", checked(wrong=1), b"PROXY TCP4 x\r\n", SIGNATURE + b"\x22\0\0\0"):
            with self.subTest(header=header), Proxied("require") as d:
                with d.connect() as c:
                    c.send(header + harness.format_request("/"))
                    c.expect_close()
                d.wait_log(r"%s requires a PROXY header" % re.escape(d.addresses[0]))
                with d.connect() as c:
                    c.send(version_1() + harness.format_request("/inside/"))
                    self.assert_status(c.response(), 200)

    def test_required_from_trusted_ones(self):
        with Proxied("require", trusted=("192.0.2.0/24",)) as d, d.connect() as c:
            c.send(version_1() + harness.format_request("/"))
            c.expect_close()

    def test_unix_socket(self):
        path = "@tined-test-proxied-%d" % harness.free_port()
        with Proxied("require", trusted=("unix",), address="unix:" + path) as d:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect("\0" + path[1:])
                s.sendall(version_1() + harness.format_request("/inside/", fields={"Connection": "close"}))
                self.assertIn(b" 200 ", s.recv(4096))
            self.assertEqual(d.clients(1), ["192.0.2.7"])


class Fields(harness.Case):
    """The client of each request, by a field."""

    def requests(self, d, rows):
        for fields, _, status in rows:
            with self.subTest(fields=fields):
                self.assert_status(d.get("/inside/", fields=fields), status)

    def test_x_forwarded_for(self):
        name = "X-Forwarded-For"
        rows = (
            ([(name, "192.0.2.7")], "192.0.2.7", 200),
            ([(name, "198.51.100.7")], "198.51.100.7", 403),
            ([(name, "192.0.2.7, 198.51.100.7")], "198.51.100.7", 403),
            ([(name, "192.0.2.7"), (name, "198.51.100.7")], "198.51.100.7", 403),
            ([(name, "198.51.100.7, 192.0.2.7, 127.0.0.9")], "192.0.2.7", 200),
            ([(name, "192.0.2.7, unknown")], "127.0.0.1", 403),
            ([("Forwarded", "for=192.0.2.7")], "127.0.0.1", 403),
            ([], "127.0.0.1", 403),
        )
        with Proxied("off") as d:
            self.requests(d, rows)
            self.assertEqual(d.clients(len(rows)), [client for _, client, _ in rows])

    def test_forwarded(self):
        rows = (
            ([("Forwarded", 'for="192.0.2.7:80";proto=https')], "192.0.2.7", 200),
            ([("Forwarded", 'for=192.0.2.7, for="[2001:db9::7]"')], "2001:db9::7", 403),
            ([("X-Forwarded-For", "192.0.2.7")], "127.0.0.1", 403),
        )
        with Proxied("off", forwarded="forwarded") as d:
            self.requests(d, rows)
            self.assertEqual(d.clients(len(rows)), [client for _, client, _ in rows])

    def test_strangers_are_not_believed(self):
        for trusted in ((), ("192.0.2.0/24",)):
            with self.subTest(trusted=trusted), Proxied("off", trusted=trusted) as d:
                r = d.get("/inside/", fields=[("X-Forwarded-For", "192.0.2.7"), ("Forwarded", "for=192.0.2.7")])
                self.assert_status(r, 403)
                self.assertEqual(d.clients(1), ["127.0.0.1"])

    def test_each_request_of_a_connection_has_its_own(self):
        clients = ["192.0.2.%d" % n for n in range(1, 9)]
        with Proxied("off") as d, d.connect() as c:
            c.send(b"".join(harness.format_request("/inside/", fields=[("X-Forwarded-For", client)])
                            for client in clients))
            for _ in clients:
                self.assert_status(c.response(), 200)
            c.request("/inside/")
            self.assert_status(c.response(), 403)
            self.assertEqual(d.clients(len(clients) + 1), clients + ["127.0.0.1"])

    def test_behind_a_header(self):
        """The one that the PROXY header names is believed when it is a trusted one, too."""
        with Proxied(trusted=("127.0.0.1", "10.0.0.0/8")) as d:
            for header, client in ((version_1("10.0.0.1"), "192.0.2.7"), (version_1("192.0.2.8"), "192.0.2.8")):
                with d.connect() as c:
                    fields = [("X-Forwarded-For", "192.0.2.7")]
                    c.send(header + harness.format_request("/inside/", fields=fields))
                    self.assert_status(c.response(), 200)
            self.assertEqual(d.clients(2), ["192.0.2.7", "192.0.2.8"])

    def test_scheme(self):
        rules = ({"match": "/**", "scheme": "http", "redirect": "https://$host/$1", "status": 308},
                 {"match": "/**", "headers": {"preset": ["hsts"]}})
        header = version_2(items=b"\x20\0\5\1\0\0\0\0")
        rows = ((b"", [("X-Forwarded-Proto", "http")], 308, None),
                (b"", [("X-Forwarded-Proto", "https")], 200, "max-age=31536000"),
                (b"", [("X-Forwarded-Proto", "https, http")], 200, None),
                (b"", [("Forwarded", "for=192.0.2.7;proto=http")], 200, None),
                (b"", [], 200, None),
                (header, [], 200, "max-age=31536000"),
                (header, [("X-Forwarded-Proto", "http")], 200, "max-age=31536000"))  # a stranger's
        with Proxied(rules=rules, names=("a.test",)) as d:
            for before, fields, status, hsts in rows:
                with self.subTest(before=before, fields=fields), d.connect() as c:
                    c.send(before + harness.format_request("/inside/", fields=[("Host", "a.test")] + fields))
                    r = c.response()
                    self.assert_status(r, status)
                    self.assertEqual(r.get("Strict-Transport-Security"), hsts)
                    if status == 308:
                        self.assertEqual(r.get("Location"), "https://a.test/inside/")

    def test_explain(self):
        fields = ["-H", "X-Forwarded-For: 198.51.100.7, 192.0.2.7"]
        with Proxied("off") as d:
            url = "http://localhost:%s/inside/" % d.addresses[0].rpartition(":")[2]
            for arguments, want in (
                    (fields, (r"client +127\.0\.0\.1 is one of trusted_proxies", r"192\.0\.2\.7 is none of trusted_proxies",
                              r"so it is the client", r"lets the client 192\.0\.2\.7 in", r"HTTP/1\.1 200")),
                    (["-a", "192.0.2.9"] + fields, (r"192\.0\.2\.9 is none", r"counts for nothing"))):
                r = harness.run_tined("explain", "-c", d.config_path, *arguments, url)
                for line in want:
                    self.assertRegex(r.stdout, line, r.stderr)


class Handover(harness.Case):
    def test_line_of_an_answer_that_is_handed_over(self):
        with Proxied("off") as d, d.connect(receive_buffer=4096) as c:
            d.write("large", b"x" * 20000000)
            d.age("large")
            c.request("/large", fields=[("X-Forwarded-For", "192.0.2.7")])
            c.read_head()
            d.renew(signal.SIGHUP)
            c.read_exactly(20000000)
            self.assertEqual(d.clients(1), ["192.0.2.7"])

    def test_in_the_middle_of_a_header_and_after_it(self):
        data = checked() + harness.format_request("/inside/")
        for cut in (0, 1, 12, 16, 30, len(checked()), len(checked()) + 4):
            with self.subTest(cut=cut), Proxied("require") as d, d.connect() as c:
                c.send(data[:cut])
                with d.connect() as other:  # accepted behind it, in order
                    other.send(data)
                    self.assert_status(other.response(), 200)
                d.renew(signal.SIGHUP)
                c.send(data[cut:])
                self.assert_status(c.response(), 200)
                self.assertEqual(d.clients(2), ["192.0.2.7"] * 2)


if __name__ == "__main__":
    harness.main()

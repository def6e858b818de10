#!/usr/bin/env python3
"""Goal: every answer is one whole line of the access log, and no sink ever stalls a loop."""

import fcntl
import os
import re
import signal
import stat
import unittest

import harness
from harness import Daemon, format_request, wait_until

# combined: host ident user [time] "request" status bytes "referer" "user agent"
COMBINED = re.compile(
    r'(?P<host>\S+) - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
    r'"(?P<request>[^"]*)" (?P<status>\d{3}) (?P<bytes>\d+|-) '
    r'"(?P<referer>[^"]*)" "(?P<agent>[^"]*)"')


def logging_daemon(**more):
    d = Daemon({"index.html": b"hello"}, start=False, **more)
    d.options["log"]["access"] = d.access_path
    d.write_config()
    d.start()
    return d


def lines_of(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode("ascii").splitlines()
    except FileNotFoundError:
        return []


def wait_lines(path, count):
    return wait_until(lambda: len(lines_of(path)) >= count and lines_of(path),
                      "%d lines in the access log" % count)


class AccessLog(harness.Case):
    def test_combined(self):
        with logging_daemon() as d:
            d.get("/", fields={"Referer": "http://a/", "User-Agent": "test/1.0"})
            d.get("/missing?a=b", family="v6")
            d.get("/", "HEAD")
            d.get("/", "POST")
            lines = wait_lines(d.access_path, 4)
            self.assertEqual(len(lines), 4)
            seen = {}
            for line in lines:
                fields = COMBINED.fullmatch(line)
                self.assertIsNotNone(fields, line)
                seen[fields["request"]] = fields
            first = seen["GET / HTTP/1.1"]
            self.assertEqual((first["host"], first["status"], first["bytes"]), ("127.0.0.1", "200", "5"))
            self.assertEqual((first["referer"], first["agent"]), ("http://a/", "test/1.0"))
            second = seen["GET /missing?a=b HTTP/1.1"]
            self.assertEqual((second["host"], second["status"]), ("::1", "404"))
            self.assertEqual((second["referer"], second["agent"]), ("-", "-"))
            self.assertIn(seen["HEAD / HTTP/1.1"]["bytes"], ("0", "-"))
            self.assertEqual(seen["POST / HTTP/1.1"]["status"], "405")

    def test_file_mode(self):
        with logging_daemon() as d:
            d.get("/")
            wait_lines(d.access_path, 1)
            self.assertEqual(stat.S_IMODE(os.stat(d.access_path).st_mode), 0o640)

    def test_refused_requests_are_logged(self):
        with logging_daemon() as d:
            with d.connect() as c:
                c.send(b"GET / HTTP/1.1\r\nX : y\r\n\r\n")
                self.assert_status(c.response(), 400)
            line, = wait_lines(d.access_path, 1)
            self.assertEqual(COMBINED.fullmatch(line)["status"], "400")

    def test_nobody_can_forge_a_line(self):
        evil = 'x" 200 5 "-" "-\\\x1b[2J\x7f\xe9'
        with logging_daemon() as d:
            with d.connect() as c:
                c.request("/", fields=[("Referer", evil.replace("\x1b", "").replace("\x7f", "")),
                                       ("User-Agent", "tab\there")])
                self.assert_status(c.response(), 200)
            with d.connect() as c:  # control bytes are refused, and what was refused is logged
                c.send(b'GET /\x01"\n HTTP/1.1\r\n\r\n')
                self.assert_status(c.response(), 400)
            lines = wait_lines(d.access_path, 2)
            self.assertEqual(len(lines), 2)
            for line in lines:
                self.assertRegex(line, r"^[ -~]*$")
                # Taking the escapes out leaves an ordinary line.
                plain = re.sub(r"\\(x[0-9a-fA-F]{2}|.)", "", line)
                self.assertIsNotNone(COMBINED.fullmatch(plain), line)

    def test_long_requests_are_whole_lines(self):
        with logging_daemon() as d:
            for _ in range(20):
                d.get("/" + "a" * 7000, fields={"User-Agent": "b" * 7000, "Referer": "c" * 7000})
            d.get("/")
            for line in wait_lines(d.access_path, 21):
                self.assertIsNotNone(COMBINED.fullmatch(line), line[:200])

    def test_none_is_lost_at_the_end(self):
        with logging_daemon() as d:
            with d.connect() as c:
                c.send(format_request("/") * 300)
                for _ in range(300):
                    c.response()
            d.stop(signal.SIGTERM)
            self.assertEqual(len(lines_of(d.access_path)), 300)

    def test_reopen(self):
        with logging_daemon() as d:
            d.get("/before")
            wait_lines(d.access_path, 1)
            os.rename(d.access_path, d.access_path + ".1")
            workers = d.workers()
            d.send_signal(signal.SIGUSR1)
            wait_until(lambda: os.path.exists(d.access_path), "a new access log")
            # Each worker changes over by itself: until all have, lines may go to either.
            wait_until(lambda: d.get("/after") and
                       any("/after" in line for line in lines_of(d.access_path)), "a line")
            self.assertEqual(d.workers(), workers)
            self.assertFalse(any("/before" in line for line in lines_of(d.access_path)))


class Sinks(harness.Case):
    def full_pipe(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        fcntl.fcntl(writer, getattr(fcntl, "F_SETPIPE_SZ", 1031), 4096)  # named since Python 3.10
        return reader, writer

    def test_a_blocked_pipe_stalls_nobody(self):
        reader, writer = self.full_pipe()
        d = Daemon({"index.html": b"hello"}, start=False, access_log="stdout")
        with d:
            d.stdout = writer
            d.start()
            os.close(writer)
            with d.connect() as c:
                for _ in range(2000):  # some 200 KB of lines into a pipe of 4 KB
                    c.request("/")
                    self.assertEqual(c.response().body, b"hello")
            harness.assert_idle(d.workers())
            # What did arrive is whole lines.
            data = os.read(reader, 65536)
            for line in data.decode("ascii").splitlines():
                self.assertIsNotNone(COMBINED.fullmatch(line), line)

    def test_a_broken_pipe_stalls_nobody(self):
        reader, writer = os.pipe()
        d = Daemon({"index.html": b"hello"}, start=False, access_log="stdout")
        with d:
            d.stdout = writer
            d.start()
            os.close(writer)
            os.close(reader)
            workers = d.workers()
            for _ in range(50):
                self.assertEqual(d.get("/").body, b"hello")
            self.assertEqual(d.workers(), workers)

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full")
    def test_a_full_disk_stalls_nobody(self):
        d = Daemon({"index.html": b"hello"}, start=False, access_log="stdout")
        with d:
            d.stdout = os.open("/dev/full", os.O_WRONLY)
            self.addCleanup(os.close, d.stdout)
            d.start()
            for _ in range(50):
                self.assertEqual(d.get("/").body, b"hello")


class ErrorLog(harness.Case):
    def test_priorities_under_systemd(self):
        # JOURNAL_STREAM names stderr's device and inode: here a file takes the journal's place.
        with Daemon({"index.html": b"hello"}, start=False) as d:
            path = os.path.join(d.dir, "stderr")
            shell = ('exec 2>"$1"; export JOURNAL_STREAM=$(stat -Lc %d:%i /dev/stderr); shift; '
                     'exec "$@"')
            d.command = ["bash", "-c", shell, "bash", path, harness.TINED, "run", "-c", d.config_path]
            d.start(wait_ready=False)
            wait_until(lambda: any("ready" in line for line in lines_of(path)), "readiness")
            for line in lines_of(path):
                self.assertRegex(line, r"^<[3-7]>[^<]")


if __name__ == "__main__":
    harness.main()

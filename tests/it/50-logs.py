#!/usr/bin/env python3
"""Goal: every answer is one whole line of the access log, and no sink ever stalls a loop."""

import contextlib
import fcntl
import os
import pwd
import re
import select
import signal
import socket
import stat
import unittest

import harness
from harness import Daemon, format_request, wait_until

# combined: host ident user [time] "request" status bytes "referer" "user agent"
COMBINED = re.compile(
    r'(?P<host>\S+) - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
    r'"(?P<request>[^"]*)" (?P<status>\d{3}) (?P<bytes>\d+|-) '
    r'"(?P<referer>[^"]*)" "(?P<agent>[^"]*)"')


def is_readable(fd, timeout=0):
    return bool(select.select([fd], [], [], timeout)[0])


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

    def test_what_is_known_of_an_unfinished_request_is_logged(self):
        with logging_daemon(timeouts={"head": "1s"}, limits={"request_line": "100", "fields": "300"}) as d:
            for sent, status, request, agent in (
                    (b"GET /slow HTTP/1.1\r\nUser-Agent: me\r\nHost: a\r\n", 408, "GET /slow HTTP/1.1", "me"),
                    (b"GET /sl", 408, "GET /sl", "-"),
                    (b"GET / HTTP/1.1\r\nUser-Agent: me\r\nX: " + 300 * b"x", 431, "GET / HTTP/1.1", "me"),
                    (b"GET /" + 96 * b"y", 414, "GET /" + 96 * "y", "-")):
                with d.connect() as c:
                    c.send(sent)
                    self.assert_status(c.response(), status)
                fields = COMBINED.fullmatch(wait_lines(d.access_path, 1)[0])
                self.assertEqual((fields["request"], int(fields["status"]), fields["agent"]),
                                 (request, status, agent))
                os.truncate(d.access_path, 0)

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
            with d.connect() as c:  # other bytes mean themselves in a target
                c.request('/x"<\xe9>?"\xe9')
                self.assert_status(c.response(), 404)
            lines = wait_lines(d.access_path, 3)
            self.assertEqual(len(lines), 3)
            # (Each worker writes its own lines.)
            self.assertIn(r'"GET /x\x22<\xe9>?\x22\xe9 HTTP/1.1" 404', "".join(lines))
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
                self.assertRegex(COMBINED.fullmatch(line)["request"], r"^GET /\S* HTTP/1\.1$")

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
            # The bytes that arrived are whole lines.
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

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full")
    def test_losing_lines_is_told_and_its_end(self):
        d = Daemon({"index.html": b"hello"}, start=False, workers=1)
        link = os.path.join(d.dir, "log")
        os.symlink("/dev", link)
        d.options["log"]["access"] = path = os.path.join(link, "full")
        d.write_config()
        with d:
            d.start()
            for _ in range(3):
                d.get("/")
            d.wait_log("warning: the access log loses lines: No space left on device")
            d.get("/")
            os.unlink(link)
            os.mkdir(link)
            d.send_signal(signal.SIGUSR1)
            wait_until(lambda: d.get("/") and lines_of(path), "a line")
            d.wait_log(r"the access log is written again: \d+ lines were lost")
            self.assertEqual(d.log.count("loses lines"), 1)


class Places(harness.Case):
    """Nobody has the daemon write in a file of their choice."""

    REFUSED = (
        ("link", "a symbolic link stands in its place", lambda path, other: os.symlink(other, path)),
        ("hard link", "the file has hard links", lambda path, other: os.link(other, path)),
        ("FIFO", "it is a FIFO", lambda path, other: os.mkfifo(path)),
    )

    def places(self):
        """All that is refused; root alone can give a file away."""
        somebody = ("somebody's", "belongs to somebody else",
                    lambda path, other: open(path, "wb").close() or os.chown(path, 12345, 12345))
        return self.REFUSED + ((somebody,) if harness.IS_ROOT else ())

    def test_what_stands_in_the_place_of_the_log(self):
        for name, why, put in self.places():
            with self.subTest(name), logging_daemon(workers=1) as d:
                other = os.path.join(d.dir, "other")
                with open(other, "wb") as f:
                    f.write(b"precious\n")
                os.unlink(d.access_path)
                put(d.access_path, other)
                # A reload and a new file are refused, and the old log goes on.
                mark = d.mark()
                d.send_signal(signal.SIGUSR1)
                d.wait_log('"%s" cannot be opened: .*%s.*; the old one goes on' % (d.access_path, why), after=mark)
                mark = d.mark()
                d.send_signal(signal.SIGHUP)
                d.wait_log('"%s" cannot be opened: .*%s' % (d.access_path, why), after=mark)
                check = harness.run_tined("check", "-c", d.config_path)
                self.assertEqual(check.returncode, 78)
                self.assertIn(why, check.stderr)
                self.assertEqual(d.get("/").body, b"hello")
                self.assertEqual(lines_of(other), ["precious"])

    @unittest.skipUnless(harness.IS_ROOT, "only root can be somebody else")
    def test_directories_of_the_user(self):
        """There the log is opened with the ids of the user, who finds no way to root's files."""
        nobody = pwd.getpwnam("nobody").pw_uid
        d = Daemon({"index.html": b"hello"}, start=False, workers=1)
        with d:
            directory = os.path.join(d.dir, "logs")
            d.options["log"]["access"] = path = os.path.join(directory, "log")
            d.write_config()
            os.mkdir(directory)
            os.chown(directory, nobody, -1)
            d.start()
            self.assertEqual(os.stat(path).st_uid, nobody)
            os.rename(path, path + ".1")
            d.send_signal(signal.SIGUSR1)
            wait_until(lambda: os.path.exists(path) and os.stat(path).st_uid == nobody, "the next log")
            # A way into a directory of root's, for a process that opens as root.
            roots = os.path.join(d.dir, "roots")
            os.mkdir(roots)
            os.rename(directory, directory + ".old")
            parent = os.path.join(d.dir, "parent")
            os.mkdir(parent)
            os.symlink(roots, os.path.join(parent, "logs"))
            os.chown(parent, nobody, -1)
            os.symlink(os.path.join(parent, "logs"), directory)
            d.send_signal(signal.SIGUSR1)
            d.wait_log("cannot be opened: Permission denied; the user of the workers opens it")
            self.assertEqual(os.listdir(roots), [])
            # Links that are root's lead on.
            os.unlink(directory)
            os.symlink(roots, directory)
            d.send_signal(signal.SIGUSR1)
            wait_until(lambda: os.listdir(roots) == ["log"], "the log in another directory")
            self.assertEqual(os.stat(path).st_uid, 0)


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


class Starved(harness.Case):
    """Sinks that take no more."""

    def ask(self, c):
        c.request("/")
        self.assertEqual(self.assert_status(c.response(), 200).body, b"hello")

    def logging(self, path):
        d = Daemon({"index.html": b"hello"}, start=False)
        d.options["log"]["access"] = path % {"dir": d.dir}
        d.write_config()
        return d

    @unittest.skipUnless(harness.IS_ROOT, "only root may mount")
    def test_a_full_disk(self):
        """Lines are lost while it is full, and come again, whole, when it is not."""
        d = self.logging("/mnt/access.log")
        mount = 'mount -t tmpfs -o size=32k,mode=0755 none /mnt && cp /dev/zero /mnt/filler 2>&-; exec "$@"'
        d.command = ["unshare", "--mount", "sh", "-c", mount, "sh",
                     harness.TINED, "run", "-c", d.config_path]
        with d:
            try:
                d.start()
            except AssertionError:
                if "mount" in d.log or "unshare" in d.log:
                    self.skipTest("may not mount here: " + d.log)
                raise
            inside = "/proc/%d/root/mnt/" % d.pid
            workers = d.workers()
            with d.connect() as c:
                for _ in range(20):
                    self.ask(c)
                harness.assert_idle(workers)
                self.assertEqual(os.stat(inside + "access.log").st_size, 0)
                os.truncate(inside + "filler", 0)

                def lines():
                    self.ask(c)
                    with open(inside + "access.log", encoding="ascii") as f:
                        return f.read().splitlines()
                for line in wait_until(lines, "a line"):
                    self.assertRegex(line, r'^127\.0\.0\.1 - - \[.*\] "GET / HTTP/1\.1" 200 5 "-" "-"$')
            self.assertEqual(d.workers(), workers)

    def test_a_fifo_whose_reader_comes_and_goes(self):
        d = self.logging("/dev/stdout")
        fifo = os.path.join(d.dir, "fifo")
        os.mkfifo(fifo)
        with d:
            reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
            d.stdout = os.open(fifo, os.O_WRONLY)
            self.addCleanup(os.close, d.stdout)
            d.start()
            workers = d.workers()
            for _ in range(3):
                self.assertEqual(d.get("/").body, b"hello")
                wait_until(lambda: is_readable(reader) and b'"GET / HTTP/1.1" 200 5' in
                           os.read(reader, 4096), "a line")
                os.close(reader)
                for _ in range(20):
                    self.assertEqual(d.get("/").body, b"hello")
                reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
            os.close(reader)
            harness.assert_idle(workers)
            self.assertEqual(d.workers(), workers)

    def test_nobody_reads_stderr(self):
        """The daemon's own messages go there: they are lost when the pipe is full."""
        with Daemon({"index.html": b"hello"}, start=False) as d:
            reader, writer = os.pipe()
            self.addCleanup(os.close, reader)
            fcntl.fcntl(writer, getattr(fcntl, "F_SETPIPE_SZ", 1031), 4096)
            shell = 'exec 2>&%d; exec "$@"' % writer
            d.pass_fds = (writer,)
            d.command = ["sh", "-c", shell, "sh", harness.TINED, "run", "-c", d.config_path]
            d.start(wait_ready=False)
            said = b""
            while b"ready" not in said:
                self.assertTrue(is_readable(reader, harness.DEADLINE), said)
                said += os.read(reader, 4096)
            os.set_blocking(writer, False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(writer, b"x")  # to the last byte: more at once is all or nothing
            os.set_blocking(writer, True)
            os.close(writer)
            address = re.search(rb"127\.0\.0\.1:(\d+)", said)
            for _ in range(2):  # deaths, of which there is something to say
                workers = d.workers()
                os.kill(workers[0], 9)
                wait_until(lambda: len(set(d.workers()) - set(workers)) == 1, "a new worker")
            with harness.Client(socket.AF_INET, ("127.0.0.1", int(address.group(1)))) as c:
                self.ask(c)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Goal: what is missing on a machine (file systems, a terminal, standard streams) is done without."""

import itertools
import os
import pty
import re
import signal
import socket
import subprocess
import tempfile
import unittest

import harness
from attack import SANITIZED
from harness import Client, Daemon, wait_until

FILES = {"index.html": b"hello"}


def in_own_mounts(d, script):
    """The daemon in a mount namespace of its own, after a shell script."""
    if not harness.IS_ROOT:
        raise unittest.SkipTest("mounting needs root")
    if subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script], check=False,
                      cwd=d.dir, stdout=subprocess.DEVNULL).returncode:
        raise unittest.SkipTest("mounting is not permitted here")
    d.command = ["unshare", "-m", "--propagation", "private", "sh", "-c",
                 "cd %s && %s && cd / && exec \"$0\" \"$@\"" % (d.dir, script),
                 os.path.abspath(harness.TINED), "run", "-c", d.config_path]


class FileSystem(harness.Case):
    @unittest.skipIf(SANITIZED, "a sanitizer's runtime needs /proc")
    def test_no_proc(self):
        with Daemon(FILES, start=False) as d:
            in_own_mounts(d, "mount -t tmpfs none /proc")
            d.start()
            for family in ("v4", "v6"):
                self.assertEqual(d.get("/", family=family).body, b"hello")
            at = d.mark()
            os.kill(d.workers()[0], signal.SIGKILL)
            d.wait_log("was killed by signal 9", after=at)
            d.renew()
            self.assertEqual(d.get("/").body, b"hello")

    @unittest.skipIf(SANITIZED, "a sanitizer's runtime needs /proc")
    def test_no_proc_and_a_port_in_use(self):
        """Its owner cannot be told; that it is in use can."""
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            with Daemon(FILES, listen=("127.0.0.1:%d" % port,), start=False, expect_status=1) as d:
                in_own_mounts(d, "mount -t tmpfs none /proc")
                d.start(wait_ready=False)
                self.assertEqual(d.wait_exit(), 1)
                self.assertRegex(d.log, r"127\.0\.0\.1:%d is in use by \w+" % port)

    def test_no_devices(self):
        with Daemon(FILES, start=False) as d:
            in_own_mounts(d, "mount -t tmpfs none /dev")
            d.start()
            self.assertEqual(d.get("/").body, b"hello")

    def test_no_media_types(self):
        files = {"a.html": b"", "a.css": b"", "a.js": b"", "a.png": b"", "a.unknown": b"", "a": b""}
        with Daemon(files, start=False) as d:
            in_own_mounts(d, "mkdir -p etc && cp /etc/passwd /etc/group /etc/nsswitch.conf etc && "
                             "mount --bind etc /etc && ! test -e /etc/mime.types")
            d.start()
            self.assertNotRegex(d.log, "error|warning")
            types = {name: d.get("/" + name).get("Content-Type") for name in files}
            self.assertEqual(types["a.html"], "text/html; charset=utf-8")
            self.assertRegex(types["a.css"], "^text/css")
            self.assertRegex(types["a.js"], "^(text|application)/javascript")
            self.assertEqual(types["a.png"], "image/png")

    READ_ONLY = "while read -r _ at _; do mount -o remount,bind,ro \"$at\" || :; done " \
                "</proc/self/mounts 2>/dev/null && ! touch written /tmp/tined-it-written 2>/dev/null"

    def test_read_only(self):
        with Daemon(FILES, start=False) as d:
            in_own_mounts(d, self.READ_ONLY)
            d.start()
            self.assertNotRegex(d.log, "error|warning")
            self.assertEqual(d.get("/").body, b"hello")
            d.renew()
            self.assertEqual(d.get("/").body, b"hello")

    def test_read_only_and_something_to_write(self):
        for what in ({"access_log": "/tmp/tined-it-access.log"}, {"listen": ("unix:/tmp/tined-it.sock",)}):
            with self.subTest(what), Daemon(FILES, start=False, **what) as d:
                in_own_mounts(d, self.READ_ONLY)
                d.start(wait_ready=False)
                d.expect_status = d.wait_exit()
                self.assertIn(d.expect_status, (1, 78))
                self.assertRegex(d.log, r"error: .*/tmp/tined-it.*Read-only file system")


class Terminal(harness.Case):
    def test_none(self):
        """The harness starts each daemon in a session of its own; nor does it acquire one."""
        with Daemon(FILES) as d:
            self.assertEqual(d.get("/").body, b"hello")
            for pid in [d.pid] + d.workers():
                with open("/proc/%d/stat" % pid, encoding="ascii") as f:
                    self.assertEqual(f.read().rpartition(")")[2].split()[4], "0")

    def test_one_that_goes_away(self):
        """`tined serve` ends with its terminal, though there is nowhere to write to any more."""
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "index.html"), "wb") as f:
                f.write(b"hello")
            port = harness.free_port()
            pid, terminal = pty.fork()
            if pid == 0:
                os.execv(harness.TINED, [harness.TINED, "serve", directory, "-l", "127.0.0.1:%d" % port])
            try:
                said = b""
                while b"ready" not in said:
                    said += os.read(terminal, 1000)
                with Client(socket.AF_INET, ("127.0.0.1", port)) as c:
                    c.request("/")
                    self.assert_status(c.response(), 200)
                os.close(terminal)
                wait_until(lambda: harness.state_of(pid) in ("Z", None), "the end of tined serve")
                self.assertEqual(harness.session_members(pid), [])
            finally:
                harness.kill_session(pid)
                _, status = os.waitpid(pid, 0)
            self.assertEqual(os.waitstatus_to_exitcode(status), 0)


class StandardStreams(harness.Case):
    def target(self, pid, fd):
        return os.readlink("/proc/%d/fd/%d" % (pid, fd))

    def serve_without(self, closed):
        with Daemon(FILES, start=False, access_log="stdout") as d:
            path = os.path.join(d.dir, "sock")
            d.options["listen"] = ({"address": "unix:" + path, "mode": "0666"},)
            d.write_config()
            d.command = ["sh", "-c", 'exec "$0" run -c "$1" ' + " ".join("%d>&-" % fd for fd in closed),
                         harness.TINED, d.config_path]
            d.start(wait_ready=2 not in closed)
            wait_until(lambda: not harness.is_refused((socket.AF_UNIX, path)), "the listener")
            for _ in range(5):
                with Client(socket.AF_UNIX, path) as c:
                    c.request("/")
                    r = c.response()
                self.assertEqual((r.status, r.body), (200, b"hello"))
            for fd in range(3):
                # An open descriptor stays as it was: stdin and stdout are /dev/null in the harness.
                is_stderr = fd == 2 and 2 not in closed
                self.assertRegex(self.target(d.pid, fd), "^pipe:" if is_stderr else "^/dev/null$", fd)
            # (Without a log nothing says that all have started: one that has not has the master's.)
            wait_until(lambda: all(self.target(pid, 2).startswith("pipe:") for pid in d.workers()), "the workers' words")
            for pid in d.workers():
                words = {self.target(pid, fd) for fd in range(3)}
                self.assertEqual(len(words), 1, words)
                self.assertNotIn(self.target(d.pid, 2), words)
                self.assertRegex("".join(words), "^pipe:")
            with open("/proc/%d/fdinfo/2" % d.pid, encoding="ascii") as f:
                flags = int(re.search(r"flags:\s*(\d+)", f.read()).group(1), 8)
            self.assertNotEqual(flags & os.O_ACCMODE, os.O_RDONLY)

    def test_closed_in_every_combination(self):
        for count in range(1, 4):
            for closed in itertools.combinations(range(3), count):
                with self.subTest(closed):
                    self.serve_without(closed)

    def test_closed_by_a_command(self):
        """Nothing is written into a file that got a standard stream's number."""
        with Daemon(FILES, start=False) as d:
            before = open_and_read(d.config_path)
            for command in ("check", "config"):
                for closed in ("0>&-", "0>&- 1>&- 2>&-", "1>&- 2>&-"):
                    subprocess.run(["sh", "-c", 'exec "$0" %s -c "$1" %s' % (command, closed), harness.TINED,
                                    d.config_path], timeout=harness.DEADLINE, check=False,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.assertEqual(open_and_read(d.config_path), before)
            d.start()
            self.assertEqual(d.get("/").body, b"hello")


def open_and_read(path):
    with open(path, "rb") as f:
        return f.read()


if __name__ == "__main__":
    harness.main()

"""Goal: what a worker that was taken over would try is refused, by each layer of the sandbox alone.

The workers are real ones, into which break-out.c is preloaded: on a request that asks for it they try
one thing. Each attempt is made without any layer, where it has to succeed, or the test shows nothing;
with each layer alone; and with all of them. Master and workers are one user without privileges: the
worst case, for nothing but the sandbox stands between them then.
"""

import os
import pwd
import re
import shutil
import signal
import socket
import unittest

import harness

BREAK_OUT = os.path.join(os.path.dirname(os.path.abspath(harness.TINED)), "tests", "it", "break-out.so")

with open(harness.TINED, "rb") as program:
    SANITIZED = re.search(rb"__[at]san_init", program.read()) is not None

# The result of an attempt: "done", an error, or the system call that ended the worker. The fourth is
# that neither master nor workers are dumpable, which no option changes; then the version of Landlock
# from which on it is so.
MATRIX = {
    #                    Landlock  seccomp     hidden    ABI
    "read-outside":     ("EACCES", "done",     "done",   1),
    "write-inside":     ("EACCES", "openat",   "done",   1),
    "write-by-openat2": ("EACCES", "done",     "done",   1),
    "connect-out":      ("EACCES", "connect",  "done",   4),
    "connect-fast":     ("done",   "shutdown", "done",   1),
    "kill-port":        ("done",   "setsockopt", "done",   1),
    "read-option":      ("done",   "getsockopt", "done",   1),
    "peek":             ("done",   "recvmsg",  "done",   1),
    "send-urgent":      ("done",   "sendto",   "done",   1),
    "send-to-address":  ("done",   "sendto",   "done",   1),
    "set-limit":        ("done",   "prlimit64", "done",  1),
    "keep-over-exec":   ("done",   "fcntl",    "done",   1),
    "own-by-master":    ("done",   "ioctl",    "done",   1),
    "make-other-thread": ("done",  "clone",    "done",   1),
    "bind":             ("EACCES", "socket",   "done",   4),
    "execute":          ("EACCES", "execve",   "done",   1),
    "trace-master":     ("EPERM",  "ptrace",   "EPERM",  1),
    "memory-of-master": ("EACCES", "done",     "EACCES", 1),
    "kill-master":      ("EPERM",  "kill",     "done",   6),
    "abort-master":     ("EPERM",  "tgkill",   "done",   6),
}
OF_PTRACE = ("trace-master", "memory-of-master")


def number_in(path):
    try:
        with open(path, encoding="ascii") as f:
            return int(f.read())
    except OSError:
        return 0


def is_possible(attempt):
    """Whether the machine itself does not refuse it to everybody."""
    if attempt in OF_PTRACE:
        return number_in("/proc/sys/kernel/yama/ptrace_scope") == 0
    return attempt != "connect-fast" or number_in("/proc/sys/net/ipv4/tcp_fastopen") & 1


@unittest.skipIf(SANITIZED, "a sanitizer's runtime needs more than a sandbox allows")
class BreakOut(harness.Case):
    def setUp(self):
        self.outside = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.outside.close)

    def daemon(self, landlock, seccomp, hidden):
        mode = {True: "enforce", False: "off"}
        d = harness.Daemon({"index.html": b"hello"}, start=False, workers=1, listen=("127.0.0.1:0",),
                           sandbox={"landlock": mode[landlock], "seccomp": mode[seccomp]})
        self.addCleanup(d._remove)
        self.addCleanup(d.kill)
        os.chmod(d.root, 0o777)
        for path in (harness.TINED, BREAK_OUT):
            os.chmod(shutil.copy(path, d.dir), 0o755)
        d.command = [os.path.join(d.dir, "tined"), "run", "-c", d.config_path]
        if harness.IS_ROOT:
            nobody = pwd.getpwnam("nobody")
            d.command = ["setpriv", "--reuid", str(nobody.pw_uid), "--regid", str(nobody.pw_gid),
                         "--clear-groups"] + d.command
        environment = {"LD_PRELOAD": os.path.join(d.dir, "break-out.so"),
                       "BREAK_OUT_PORT": str(self.outside.getsockname()[1]),
                       "BREAK_OUT_FILE": d.path("written")}
        if hidden:
            environment["BREAK_OUT_HIDDEN"] = "1"
        os.environ.update(environment)
        try:
            d.start()
        finally:
            for name in (*environment, "BREAK_OUT_HIDDEN"):
                os.environ.pop(name, None)
        return d

    def outcome(self, d, attempt):
        """A master that has died hears of nothing more: its end tells that it was done."""
        with d.connect() as c:
            c.send(b"BREAK OUT %s\r\n\r\n" % attempt.encode())
            try:
                found = d.wait_log(r"break-out: %s: (\w+)|ended by the sandbox: system call (\w+) \(\d+\)"
                                   % attempt)
            except AssertionError:
                if attempt != "abort-master" or d.wait_exit() != -signal.SIGABRT:
                    raise
                return "done"
        return found.group(1) or found.group(2)

    def each(self, want, **layers):
        for attempt, row in MATRIX.items():
            if not is_possible(attempt):
                print("not to be had here without a sandbox either:", attempt)
                continue
            with self.subTest(attempt, **layers):
                d = self.daemon(**layers)
                said = re.search(r"Landlock \(ABI (\d+)\) keeps", d.log)
                if layers["landlock"] and not said or "seccomp is missing" in d.log:
                    self.skipTest("not to be had here")
                abi = int(said.group(1)) if said else 0
                row = row if abi >= row[3] else ("done",) + row[1:]
                self.assertEqual(self.outcome(d, attempt), want(row))
                d.kill()

    def test_without(self):
        self.each(lambda row: "done", landlock=False, seccomp=False, hidden=False)

    def test_landlock(self):
        self.each(lambda row: row[0], landlock=True, seccomp=False, hidden=False)

    def test_seccomp(self):
        self.each(lambda row: row[1], landlock=False, seccomp=True, hidden=False)

    def test_hidden(self):
        self.each(lambda row: row[2], landlock=False, seccomp=False, hidden=True)

    def test_all(self):
        """Nothing is left."""
        self.each(lambda row: row[1] if row[1] != "done" else row[0],
                  landlock=True, seccomp=True, hidden=True)
        self.assertTrue(all(row[0] != "done" or row[1] != "done" for row in MATRIX.values()))

    def test_goes_on(self):
        """A worker that was ended is replaced, and the next one serves."""
        d = self.daemon(landlock=True, seccomp=True, hidden=True)
        if "missing" in d.log:
            self.skipTest("not to be had here")
        self.assertEqual(self.outcome(d, "execute"), "execve")
        self.assertEqual(d.get("/").body, b"hello")


if __name__ == "__main__":
    harness.main()

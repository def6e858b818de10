"""Shared by the integration tests: a real daemon, a strict client (httpclient.py), and waiting without
sleeping (processes.py).

A test file is tests/it/NN-goal-in-words.py: it opens with "Goal: ...", defines unittest cases and
ends with harness.main(). $TINED names the binary (default: .build/plain/tined). Every wait is for an
event and has a deadline; passing it is a failure that says what was awaited and what the daemon
said so far. Python 3.9 or later, standard library only.
"""

import contextlib
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

# Tests find here all that they need.
from httpclient import Client, FramingError, Response, content_length, format_request, parse_head
from processes import (DEADLINE, assert_idle, children_of, is_alive, is_refused, kill_session, session_members,
                       state_of, tracer_of, wait_gone, wait_until)

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TINED = os.environ.get("TINED") or os.path.join(TOP, ".build", "plain", "tined")
IS_ROOT = os.geteuid() == 0

SANITIZER_REPORT = re.compile(r"(ERROR|WARNING|SUMMARY): \w*Sanitizer|runtime error:")
# A file is young for two seconds, counted from whole ones.
YOUNG = 3.1


def _ignore_in_nobody_else():
    """Signals that the caller of the tests ignores (nohup, a shell's background) are ignored here, and
    have their default in every child: a handler does not outlive exec, which SIG_IGN does."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


_ignore_in_nobody_else()


# ---- configuration -----------------------------------------------------------------------------
def libconfig(value, depth=0):
    """A Python value in libconfig's syntax: dict is a group, tuple a list, list an array."""
    pad = "    " * (depth + 1)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"%s"' % value.replace("\\", "\\\\").replace('"', '\\"')
    if isinstance(value, list):
        return "[ %s ]" % ", ".join(libconfig(v) for v in value)
    if isinstance(value, tuple):
        return "( %s )" % ", ".join(libconfig(v, depth) for v in value)
    body = "".join("%s%s = %s;\n" % (pad, k, libconfig(v, depth + 1)) for k, v in value.items())
    return "{\n%s%s}" % (body, "    " * depth)


def configuration_text(options):
    return "".join("%s = %s;\n" % (k, libconfig(v)) for k, v in options.items())


# ---- the daemon --------------------------------------------------------------------------------
class Daemon:
    """A running tined with a directory of its own.

    with Daemon({"index.html": b"hello"}, workers=2) as d:
        d.get("/")

    files     what stands in the site's root: name -> bytes; None makes a directory
    listen    addresses; port 0 is replaced by what the kernel chose, see .ports
    options   the rest of the configuration; `access_log` is short for log.access
    command   run this instead of $TINED run -c FILE
    On leaving: stopped by QUIT, and nothing may be left: no process, no sanitizer's report.
    """

    ready_deadline = end_deadline = DEADLINE

    def __init__(self, files=None, listen=("127.0.0.1:0", "[::1]:0"), command=None, start=True,
                 expect_status=0, **options):
        self.dir = tempfile.mkdtemp(prefix="tined-it-")
        os.chmod(self.dir, 0o755)  # workers may be somebody else
        self.root = os.path.join(self.dir, "root")
        self.config_path = os.path.join(self.dir, "tined.conf")
        self.access_path = os.path.join(self.dir, "access.log")
        os.mkdir(self.root)
        for name, content in (files or {}).items():
            self.write(name, content)
        # Without a control socket, unless a test asks for one: its usual place is the machine's.
        self.options = {"workers": 2, "control": "", "listen": tuple({"address": a} for a in listen)}
        if IS_ROOT:
            # Debian's and everyone's account without rights.
            self.options.update(user="nobody", group="nogroup")
        log = {"access": options.pop("access_log", "off"), "level": "debug"}
        log.update(options.pop("log", {}))
        self.options["log"] = log
        self.options["sites"] = options.pop("sites", ({"root": self.root},))
        self.options.update(options)
        self.command = command
        self.pass_fds = ()
        self.environment = {}
        self.stdout = subprocess.DEVNULL
        self.expect_status = expect_status
        self.process = None
        self.addresses = []  # as printed, in order
        self._lines = []
        self._begun = b""  # a line whose end has not come yet
        self._changed = threading.Condition()
        self._reader = None
        self.write_config()
        if start:
            try:
                self.start()
            except BaseException:
                self.kill()
                self._remove()
                raise

    # -- files
    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, content):
        path = self.path(name)
        if content is None:
            os.makedirs(path, exist_ok=True)
            return path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content)
        return path

    def age(self, *names, mtime=None):
        """Sets old times on files and waits until their ctime is old as well, once for all."""
        mtime = int(time.time()) - 3600 if mtime is None else mtime
        for name in names:
            os.utime(self.path(name), (mtime, mtime))
        newest = max(os.stat(self.path(n)).st_ctime for n in names)
        wait_until(lambda: time.time() - newest > YOUNG, "files to grow old")

    def write_config(self, text=None):
        with open(self.config_path, "w", encoding="utf-8") as f:
            f.write(configuration_text(self.options) if text is None else text)

    # -- life
    def start(self, wait_ready=True):
        environment = dict(os.environ)
        for name in ("NOTIFY_SOCKET", "JOURNAL_STREAM", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
            environment.pop(name, None)
        environment.update(self.environment)
        self._lines, self._begun, self.addresses = [], b"", []
        self.process = subprocess.Popen(
            self.command or [TINED, "run", "-c", self.config_path],
            stdin=subprocess.DEVNULL, stdout=self.stdout, stderr=subprocess.PIPE,
            env=environment, pass_fds=self.pass_fds, start_new_session=True)
        self._reader = threading.Thread(target=self._read_stderr, args=(self.process.stderr,),
                                        daemon=True)
        self._reader.start()
        if wait_ready:
            self.wait_log(r"^tined: ready\b", self.ready_deadline)
            self.addresses = [m.group(1) for m in
                              (re.match(r"tined: listening on (\S+)", line) for line in self.lines) if m]

    def _read_stderr(self, pipe):
        while self._wait_readable(pipe) and not self._has_ended():
            self._take_written(pipe)

    @staticmethod
    def _wait_readable(pipe, timeout=None):
        poll = select.poll()  # (select() has no room for the descriptors of a test with a crowd)
        poll.register(pipe, select.POLLIN)
        return poll.poll(timeout)

    def _has_ended(self):
        return self._lines[-1:] == [None]

    def _take_written(self, pipe):
        """Appends to the lines what is in the pipe by now."""
        with self._changed:
            while not pipe.closed and not self._has_ended() and self._wait_readable(pipe, 0):
                data = os.read(pipe.fileno(), 65536)
                *lines, self._begun = (self._begun + data).split(b"\n")
                if not data and self._begun:
                    lines.append(self._begun)
                self._lines += [line.decode("utf-8", "replace") for line in lines]
                if not data:
                    self._lines.append(None)
            self._changed.notify_all()

    @property
    def lines(self):
        """All lines of stderr that are written by now; None after them: all who had it have closed it."""
        if self.process is not None:
            self._take_written(self.process.stderr)
        return self._lines

    def log_from(self, mark):
        """Those since then, as a text."""
        return "\n".join(line for line in self.lines[mark:] if line is not None)

    @property
    def log(self):
        return self.log_from(0)

    def mark(self):
        """The place in the log where it ends now, for wait_log(after=...)."""
        return len(self.lines)

    def wait_log(self, pattern, timeout=DEADLINE, after=0):
        """The match of the first line of stderr, from `after` on, in which `pattern` is found."""
        end = time.monotonic() + timeout
        at = after
        with self._changed:
            while True:
                while at < len(self._lines):
                    line = self._lines[at]
                    if line is None:
                        raise AssertionError("ended without saying %r:\n%s" % (pattern, self.log))
                    found = re.search(pattern, line)
                    if found:
                        return found
                    at += 1
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError("did not say %r:\n%s" % (pattern, self.log))
                self._changed.wait(left)

    @property
    def pid(self):
        return self.process.pid

    def workers(self):
        return children_of(self.pid)

    def send_signal(self, number):
        self.process.send_signal(number)

    def generation(self):
        """The number of the generation that was ready last."""
        return [int(n) for n in re.findall(r"^tined: ready: generation (\d+)", self.log, re.M)][-1]

    def renew(self, number=signal.SIGHUP):
        """Has it reload (or upgrade itself, by USR2), and waits until the next generation is ready. No other may be
        on its way. Returns where the log ended before."""
        mark, generation = self.mark(), self.generation() + 1
        self.send_signal(number)
        self.wait_log(r"^tined: ready: generation %d\b" % generation, after=mark)
        return mark

    def _wait_process(self, timeout):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError("still runs after %gs:\n%s" % (timeout, self.log)) from None

    def wait_exit(self, timeout=DEADLINE):
        """The exit status (negative: the signal), when all that held stderr have ended."""
        status = self._wait_process(timeout)
        self._reader.join(timeout)
        return status

    def stop(self, number=signal.SIGQUIT):
        """Stops it and asserts that it ended well. Harmless when it was waited for already."""
        if self.process is None:
            return
        if self.process.returncode is None:
            self.send_signal(number)
        status = self._wait_process(DEADLINE)
        with contextlib.suppress(AssertionError):  # one that was killed takes a moment on a busy machine
            wait_until(lambda: not session_members(self.pid), "the end of all", self.end_deadline)
        left = session_members(self.pid)
        kill_session(self.pid)
        self._reader.join(DEADLINE)
        self.process.stderr.close()
        self.process = None
        report = SANITIZER_REPORT.search(self.log)
        if report:
            raise AssertionError("a sanitizer reports:\n%s" % self.log)
        if left:
            raise AssertionError("left processes behind: %s\n%s" % (left, self.log))
        if status != self.expect_status:
            raise AssertionError("ended with status %s, not %s:\n%s" % (
                status, self.expect_status, self.log))

    def kill(self):
        """Ends all of it, whatever state it is in; asserts nothing."""
        if self.process is None:
            return
        kill_session(self.pid)
        self.process.wait()
        self._reader.join(DEADLINE)
        self.process.stderr.close()
        self.process = None

    def _remove(self):
        for directory, names, _ in os.walk(self.dir):
            for name in names:
                path = os.path.join(directory, name)
                if not os.path.islink(path):
                    os.chmod(path, 0o755)  # a test may have taken the right to look inside
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.stop()
            else:
                sys.stderr.write("the daemon said:\n%s\n" % self.log)
                self.kill()
        finally:
            self.kill()
            self._remove()

    # -- talking to it
    def address(self, family="v4"):
        """Where to connect to: (AF, address)."""
        for text in self.addresses:
            if text.startswith("unix:") and family == "unix":
                return socket.AF_UNIX, text[5:]
            host, _, port = text.rpartition(":")
            if text.startswith("[") and family == "v6":
                return socket.AF_INET6, (host[1:-1].replace("::", "::1") if host == "[::]"
                                         else host[1:-1], int(port))
            if host.count(".") == 3 and family == "v4":
                return socket.AF_INET, ("127.0.0.1" if host == "0.0.0.0" else host, int(port))
        raise AssertionError("does not listen on %s: %s" % (family, self.addresses))

    def connect(self, family="v4", timeout=DEADLINE, receive_buffer=None):
        return Client(*self.address(family), timeout=timeout, receive_buffer=receive_buffer)

    def get(self, target="/", method="GET", fields=(), family="v4", version="HTTP/1.1"):
        """One request on a connection of its own."""
        with self.connect(family) as c:
            c.request(target, method, fields, version)
            return c.response(method)


_ports = []  # of free_port(), each a socket that keeps others from it


def free_port():
    """A port that nobody listens on, none that the kernel gives to those who ask for any; no test that runs
    beside this one gets it as long as this process lives."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        end = max(int(f.read().split()[0]), 20000)
    while True:
        port = random.randrange(10000, end)
        kept = socket.socket(socket.AF_UNIX)
        try:
            kept.bind("\0tined-it-port-%d" % port)
            with socket.socket() as s:
                s.bind(("", port))
        except OSError:
            kept.close()
            continue
        _ports.append(kept)
        return port


def run_tined(*arguments):
    """A command that ends by itself: returncode, stdout, stderr."""
    return subprocess.run([TINED] + list(arguments), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=DEADLINE,
                          universal_newlines=True, check=False)


# ---- unittest ----------------------------------------------------------------------------------
class Case(unittest.TestCase):
    longMessage = True

    def assert_status(self, response, status):
        self.assertEqual(response.status, status, repr(response))
        return response


class Result(unittest.TextTestResult):
    """Without root the daemon's descriptors and memory in /proc are nobody's to see (it is not
    dumpable): tests that look there are skipped."""

    def _is_hidden(self, test, error):
        if IS_ROOT or not isinstance(error, PermissionError) or \
                not str(error.filename).startswith("/proc/"):
            return False
        self.addSkip(test, "only root sees %s" % error.filename)
        return True

    def addError(self, test, err):
        if not self._is_hidden(test, err[1]):
            super().addError(test, err)

    def addSubTest(self, test, subtest, err):
        if err is None or not self._is_hidden(subtest, err[1]):
            super().addSubTest(test, subtest, err)


def main():
    """Runs the cases of the calling script; exit status as automake wants it: 0, 1, 77 skipped."""
    if "TINED" not in os.environ and not os.path.exists(TINED):
        print("skipped: no %s (make it with ./dev build)" % os.path.relpath(TINED, TOP))
        sys.exit(77)
    # Whoever ends a test early still wants its daemon gone.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    runner = unittest.TextTestRunner(verbosity=2, resultclass=Result)
    program = unittest.main(module="__main__", testRunner=runner, exit=False)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.testsRun and len(result.skipped) == result.testsRun else 0)

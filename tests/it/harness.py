"""What the integration tests share: a real daemon, a strict client, and waiting without sleeping.

A test file is tests/it/NN-goal-in-words.py: it opens with "Goal: ...", defines unittest cases and
ends with harness.main(). $TINED names the binary (default: .build/plain/tined). Every wait is for an
event and has a deadline; passing it is a failure that says what was awaited and what the daemon
said so far. Python 3.9 or later, standard library only.
"""

import contextlib
import email.utils
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TINED = os.environ.get("TINED") or os.path.join(TOP, ".build", "plain", "tined")
# Generous: reached only by what is broken, also under sanitizers on a busy machine.
DEADLINE = float(os.environ.get("TINED_TEST_DEADLINE", "20"))
IS_ROOT = os.geteuid() == 0

SANITIZER_REPORT = re.compile(r"(ERROR|WARNING|SUMMARY): \w*Sanitizer|runtime error:")
# A file is young for two seconds, counted from whole ones.
YOUNG = 3.1
TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"


class FramingError(AssertionError):
    """The peer broke HTTP's framing."""


def wait_until(predicate, what, timeout=DEADLINE):
    """Polls for what gives no event to wait on (processes, files); returns the true value."""
    end = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %gs in vain: %s" % (timeout, what))
        time.sleep(0.01)


# ---- processes ---------------------------------------------------------------------------------
def _stat_fields(pid):
    """(state, parent, session) of a process, or None when it is gone."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields[0], int(fields[1]), int(fields[3])


def _all_processes():
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat_fields(int(name))
            if fields and fields[0] != "Z":
                yield (int(name),) + fields


def children_of(pid):
    return sorted(p for p, _, parent, _ in _all_processes() if parent == pid)


def session_members(session):
    return sorted(p for p, _, _, s in _all_processes() if s == session)


def kill_session(session):
    """Ends every member, the leader first: it would replace a worker that is killed before it."""
    def kill_members():
        members = session_members(session)
        for pid in sorted(members, key=lambda p: p != session):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not members
    wait_until(kill_members, "the end of session %d" % session)


def state_of(pid):
    """The letter of proc(5): R running, S sleeping, …; None when it is gone."""
    fields = _stat_fields(pid)
    return fields and fields[0]


def tracer_of(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as f:
        return int(re.search(r"^TracerPid:\s*(\d+)", f.read(), re.M).group(1))


def is_alive(pid):
    fields = _stat_fields(pid)
    return fields is not None and fields[0] != "Z"


def wait_gone(pids, timeout=DEADLINE):
    wait_until(lambda: not any(is_alive(p) for p in pids), "the end of %s" % (pids,), timeout)


def _processor_ticks(pid):
    with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
        fields = f.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def assert_idle(pids, seconds=0.5):
    """The processes use next to no processor time for a while: none of them spins."""
    before = {p: _processor_ticks(p) for p in pids}
    time.sleep(seconds)
    for pid, ticks in before.items():
        used = (_processor_ticks(pid) - ticks) / os.sysconf("SC_CLK_TCK")
        if used > seconds / 5:
            raise AssertionError("process %d used %gs of %gs" % (pid, used, seconds))


def is_refused(address):
    """Nobody listens any more at what Daemon.address() gave."""
    with socket.socket(address[0]) as s:
        return s.connect_ex(address[1]) != 0


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

    ready_deadline = DEADLINE

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
        self.lines = []
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
        self.lines, self.addresses = [], []
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
        for line in pipe:
            with self._changed:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self.lines.append(None)  # end of file
            self._changed.notify_all()

    @property
    def log(self):
        return "\n".join(line for line in self.lines if line is not None)

    def mark(self):
        """The place in the log where it ends now, for wait_log(after=...)."""
        return len(self.lines)

    def wait_log(self, pattern, timeout=DEADLINE, after=0):
        """The match of the first line of stderr, from `after` on, in which `pattern` is found."""
        end = time.monotonic() + timeout
        at = after
        with self._changed:
            while True:
                while at < len(self.lines):
                    line = self.lines[at]
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


def run_tined(*arguments):
    """A command that ends by itself: returncode, stdout, stderr."""
    return subprocess.run([TINED] + list(arguments), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=DEADLINE,
                          universal_newlines=True, check=False)


# ---- the client --------------------------------------------------------------------------------
class Response:
    def __init__(self, status, reason, fields):
        self.status = status
        self.reason = reason
        self.fields = fields  # [(name, value)] as bytes, in order
        self.body = b""

    def get(self, name):
        """The value as text; None when absent; an error when it stands there twice."""
        values = [v for n, v in self.fields if n.lower() == name.lower().encode()]
        if len(values) > 1:
            raise FramingError("%s stands there %d times" % (name, len(values)))
        return values[0].decode("latin-1") if values else None

    def __repr__(self):
        return "Response(%d, %r, %d bytes)" % (self.status, self.fields, len(self.body))


class Client:
    """A connection, byte by byte under the test's control, whose answers are read strictly."""

    def __init__(self, family, address, timeout=DEADLINE, receive_buffer=None):
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        if receive_buffer is not None:  # before connecting, or the window is larger already
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect(address)
        if family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = bytearray()  # received and not consumed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes with a reset instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # -- sending
    def send(self, data):
        self.sock.sendall(data)

    def send_pieces(self, data, size=1):
        for at in range(0, len(data), size):
            self.sock.sendall(data[at:at + size])

    def request(self, target="/", method="GET", fields=(), version="HTTP/1.1", body=b""):
        self.send(format_request(target, method, fields, version, body))

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    # -- receiving
    def _receive(self):
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            raise AssertionError("no answer; so far: %r" % bytes(self.pending[:500])) from None
        self.pending += data
        return bool(data)

    def _take(self, n):
        data = bytes(self.pending[:n])
        del self.pending[:n]
        return data

    def read_head(self):
        """The status line and fields of the next answer, the content unread."""
        while b"\r\n\r\n" not in self.pending:
            if not self._receive():
                raise FramingError("closed within a head: %r" % bytes(self.pending))
            if len(self.pending) > 65536 and b"\r\n\r\n" not in self.pending[:65536]:
                raise FramingError("no end of the head: %r" % bytes(self.pending[:200]))
        head = self._take(self.pending.index(b"\r\n\r\n") + 4)
        return parse_head(head)

    def response(self, method="GET", discard=False):
        """Reads one whole answer; interim ones (1xx) count. Checks its framing."""
        r = self.read_head()
        if r.get("Transfer-Encoding") and method != "HEAD":
            r.body = b"".join(self.read_chunks())
            return r
        length = content_length(r, method)
        if discard:
            self.skip(length)
            return r
        while len(self.pending) < length:
            if not self._receive():
                raise FramingError("closed after %d of %d bytes" % (len(self.pending), length))
        r.body = self._take(length)
        return r

    def read_exactly(self, n):
        while len(self.pending) < n:
            if not self._receive():
                raise FramingError("closed after %d of %d bytes" % (len(self.pending), n))
        return self._take(n)

    def read_chunks(self):
        """The chunks of a content (RFC 9112 section 7.1), which has neither extensions nor trailers."""
        while True:
            while b"\r\n" not in self.pending:
                if not self._receive():
                    raise FramingError("closed within chunks")
            size = self._take(self.pending.index(b"\r\n") + 2)
            if not re.fullmatch(rb"[0-9a-fA-F]{1,8}\r\n", size):
                raise FramingError("size of a chunk: %r" % size)
            chunk = self.read_exactly(int(size, 16) + 2)
            if chunk[-2:] != b"\r\n":
                raise FramingError("end of a chunk: %r" % chunk[-2:])
            if len(chunk) == 2:
                return
            yield chunk[:-2]

    def skip(self, n):
        """Reads n bytes without keeping them."""
        n -= len(self._take(n))
        while n:
            if not self._receive():
                raise FramingError("closed, %d bytes missing" % n)
            n -= len(self._take(n))

    def read_to_end(self):
        """What comes until the peer closes in order."""
        while self._receive():
            pass
        return self._take(len(self.pending))

    def expect_close(self):
        """The peer closes in order and has sent nothing more."""
        rest = self.read_to_end()
        if rest:
            raise FramingError("bytes after the last answer: %r" % rest[:200])

    def expect_reset(self):
        try:
            while self._receive():
                pass
        except ConnectionResetError:
            return
        raise AssertionError("closed in order, where a reset was expected")

    def expect_silence(self, seconds):
        """Nothing arrives and the connection stays open for that long."""
        if self.pending or select.select([self.sock], [], [], seconds)[0]:
            raise AssertionError("expected silence, got %r" % (self.pending or self.sock.recv(200)))


def format_request(target="/", method="GET", fields=(), version="HTTP/1.1", body=b""):
    fields = list(fields.items()) if isinstance(fields, dict) else list(fields)
    names = {n.lower() for n, _ in fields}
    if "host" not in names and version != "HTTP/1.0":
        fields.insert(0, ("Host", "localhost"))
    if body and not names & {"content-length", "transfer-encoding"}:
        fields.append(("Content-Length", str(len(body))))
    head = "%s %s %s\r\n%s\r\n" % (method, target, version,
                                   "".join("%s: %s\r\n" % f for f in fields))
    return head.encode("latin-1") + body


def parse_head(head):
    """A strict reading of a response's head with its empty line."""
    lines = head[:-4].split(b"\r\n")
    for line in lines:
        if re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line):
            raise FramingError("control bytes in %r" % line)
    status = re.fullmatch(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([ -~]*)", lines[0])
    if not status:
        raise FramingError("no status line: %r" % lines[0])
    fields = []
    for line in lines[1:]:
        field = re.fullmatch(rb"(" + TOKEN + rb"): (\S(?:.*\S)?)", line)
        if not field:
            raise FramingError("no field line: %r" % line)
        fields.append(field.groups())
    r = Response(int(status.group(1)), status.group(2).decode(), fields)
    for name in ("Content-Length", "Content-Type", "Date", "Connection", "ETag", "Last-Modified",
                 "Location", "Server", "Content-Range", "Accept-Ranges", "Allow"):
        r.get(name)  # at most once
    if r.get("Transfer-Encoding") not in (None, "chunked") or \
            (r.get("Transfer-Encoding") and r.get("Content-Length")):
        raise FramingError("Transfer-Encoding %s" % r.get("Transfer-Encoding"))
    if r.status >= 200:
        for name in ("Date", "Last-Modified"):
            # RFC 9110 section 6.6.1: a 5xx may go without.
            check_date(name, r.get(name), required=name == "Date" and r.status < 500)
    return r


def check_date(name, value, required):
    if value is None:
        if required:
            raise FramingError("no %s" % name)
        return
    seconds = email.utils.parsedate_tz(value)
    if not seconds or email.utils.formatdate(email.utils.mktime_tz(seconds), usegmt=True) != value:
        raise FramingError("%s is no IMF-fixdate: %r" % (name, value))


def content_length(r, method):
    """How many bytes of content follow this head (RFC 9112 section 6.3)."""
    value = r.get("Content-Length")
    if value is not None and not re.fullmatch(r"0|[1-9][0-9]*", value):
        raise FramingError("Content-Length %r" % value)
    if r.status < 200 or r.status in (204, 304):
        if value is not None and r.status != 304:
            raise FramingError("%d with Content-Length" % r.status)
        return 0
    if value is None and method == "HEAD" and r.get("Transfer-Encoding"):
        return 0
    if value is None:
        raise FramingError("%d without Content-Length" % r.status)
    return 0 if method == "HEAD" else int(value)


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

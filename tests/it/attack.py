"""Shared by the tests of attacks and shortages: looks at the daemon's processes that tell whether
it was hurt, cases side by side, and drips by the thousand."""

import collections
import concurrent.futures
import contextlib
import os
import re
import resource
import selectors
import socket
import subprocess
import time
import unittest

import harness
from harness import wait_until

# Answered within this time (on a busy machine perhaps not at once), a daemon is well.
SOON, TRIES = 1.0, 5
# No normal client may wait longer than this beside an attack, on however busy a machine.
PATIENCE = 10.0


def _is_sanitized():
    with open(harness.TINED, "rb") as f:
        program = f.read()
    return any(name in program for name in (b"__asan_init", b"__tsan_init", b"__ubsan_handle"))


# Its processes have other sizes than those that are stated.
SANITIZED = os.path.exists(harness.TINED) and _is_sanitized()


def raise_descriptors():
    """All descriptors that this process may have; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


# ---- processes ---------------------------------------------------------------------------------
def descriptor_count(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def resident(pid):
    """Bytes of its own memory (not of files) that are in memory now."""
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as f:
        return int(re.search(r"^RssAnon:\s*(\d+) kB", f.read(), re.M).group(1)) * 1024


def processor_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def processor_share(pids, seconds=1.0):
    """The largest part of one processor that any of them uses for a while, in percent."""
    before = {p: processor_seconds(p) for p in pids}
    began = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    return max(100 * (processor_seconds(p) - used) / passed for p, used in before.items())


def is_held(sock):
    """A process still has the other end of this TCP socket: the kernel alone may go on sending."""
    try:
        ends = sock.getpeername(), sock.getsockname()
    except OSError:  # reset
        return False
    pair = ["%08X:%04X" % (int.from_bytes(socket.inet_aton(host), "little"), port) for host, port in ends]
    with open("/proc/net/tcp", encoding="ascii") as f:
        for line in f:
            fields = line.split()
            if fields[1:3] == pair:
                return fields[9] != "0"
    return False


class Unhurt:
    """The facts that must be as before after an attack:

        unhurt = Unhurt(daemon)     when it has just started, with cache.files 0
        with unhurt:                each attack
            ...

    A normal request is answered within a second, by the same workers; they have the descriptors that
    they had, and nothing to do.
    """

    def __init__(self, daemon):
        self.daemon = daemon
        self.workers = daemon.workers()
        self.descriptors = self.count()

    def count(self):
        return {p: descriptor_count(p) for p in self.workers}

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            return
        passed = []
        while not passed or (passed[-1] > SOON and len(passed) < TRIES):
            began = time.monotonic()
            response = self.daemon.get("/")
            passed.append(time.monotonic() - began)
            if response.status != 200:
                raise AssertionError("afterwards: %r" % response)
        if passed[-1] > SOON:
            raise AssertionError("afterwards answers took %s s" % passed)
        if self.daemon.workers() != self.workers:
            raise AssertionError("other workers: %s\n%s" % (self.daemon.workers(), self.daemon.log))
        wait_until(lambda: self.count() == self.descriptors,
                   "the descriptors of before: %s" % self.descriptors)
        harness.assert_idle(self.workers, 0.2)


class Neighbour:
    """A normal client beside an attack, on a connection that it keeps and on fresh ones.

    Any error of his, or a wait longer than his patience, fails the test.
    """

    def __init__(self, daemon, pause=0.05):
        self.daemon = daemon
        self.pause = pause
        self.requests = 0
        self.longest = 0.0
        self._done = False

    def _ask(self, client):
        began = time.monotonic()
        client.request("/")
        response = client.response()
        if response.status != 200:
            raise AssertionError("a neighbour got %r" % response)
        self.requests += 1
        self.longest = max(self.longest, time.monotonic() - began)

    def _run(self):
        with self.daemon.connect() as kept:
            while not self._done:
                self._ask(kept)
                with self.daemon.connect() as fresh:
                    self._ask(fresh)
                time.sleep(self.pause)

    def __enter__(self):
        self._pool = concurrent.futures.ThreadPoolExecutor(1)
        self._future = self._pool.submit(self._run)
        return self

    def __exit__(self, kind, value, trace):
        self._done = True
        self._pool.shutdown()
        if kind is None:
            self._future.result()
            if not self.requests or self.longest > PATIENCE:
                raise AssertionError("a neighbour had %d answers, waiting up to %.2f s" % (
                    self.requests, self.longest))


def side_by_side(case, functions):
    """Cases that mostly wait, all at once. Each failure is reported under its name."""
    with concurrent.futures.ThreadPoolExecutor(len(functions)) as pool:
        futures = [(f.__name__, pool.submit(f)) for f in functions]
        for name, future in futures:
            with case.subTest(name):
                future.result()


# ---- drips -------------------------------------------------------------------------------------
Drip = collections.namedtuple("Drip", "seconds answer")  # until it was closed; what it was told


def drip(address, count, data, pause, limit):
    """`count` connections that each send a byte of `data` every `pause` seconds, until closed.

    [Drip]; who is still open after `limit` seconds has None for seconds."""
    family, where = address
    clients = {}  # socket: [began, sent, answer]
    result = []
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        for _ in range(count):
            sock = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            sock.setblocking(False)
            sock.connect_ex(where)
            clients[sock] = [time.monotonic(), 0, b""]
            selector.register(sock, selectors.EVENT_READ)
            _receive_drips(selector, clients, result, 0)
        end = time.monotonic() + limit
        while clients and time.monotonic() < end:
            _send_drips(clients, data)
            again = time.monotonic() + pause
            while clients and time.monotonic() < again:
                _receive_drips(selector, clients, result, again - time.monotonic())
        result += [Drip(None, answer) for _, _, answer in clients.values()]
    return result


def _send_drips(clients, data):
    for sock, client in clients.items():
        # Not connected yet, or reset: receiving tells.
        with contextlib.suppress(OSError):
            sock.send(data[client[1]:client[1] + 1])
            client[1] = (client[1] + 1) % len(data)


def _receive_drips(selector, clients, result, timeout):
    for key, _ in selector.select(max(timeout, 0)):
        client = clients[key.fileobj]
        try:
            received = key.fileobj.recv(4096)
        except BlockingIOError:
            continue
        except OSError:
            received = b""
        client[2] += received
        if not received:
            result.append(Drip(time.monotonic() - client[0], client[2]))
            selector.unregister(key.fileobj)
            key.fileobj.close()
            del clients[key.fileobj]


# ---- faults ------------------------------------------------------------------------------------
class Faults:
    """System calls of a process fail while in the block, by strace's hand:

        with Faults(pid, "accept4:error=ENFILE"):
    """

    def __init__(self, pid, *faults):
        self.pid = pid
        self.faults = faults

    def __enter__(self):
        names = ",".join(fault.split(":")[0] for fault in self.faults)
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(self.pid), "-e", "trace=" + names]
        for fault in self.faults:
            command += ["-e", "inject=" + fault]
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            raise unittest.SkipTest("no strace") from None
        try:
            wait_until(lambda: harness.tracer_of(self.pid) or self.process.poll() is not None, "strace")
            if self.process.poll() is not None:
                raise unittest.SkipTest("strace may not trace here")
        except BaseException:
            self.heal()
            raise
        return self

    def heal(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()

    def __exit__(self, *_):
        self.heal()

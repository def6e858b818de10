#!/usr/bin/env python3
"""Goal: tined probe tells a healthy server from one that is not, says what is wrong, and never hangs."""

import contextlib
import ctypes
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import harness
from harness import Daemon, run_tined

CLONE_NEWNET = 0x40000000
FILES = {"index.html": b"hello", "a/index.html": b"a"}


def url_of(address):
    """A URL for what Daemon.addresses or a socket's name says."""
    return "http://%s/" % (address if isinstance(address, str) else "%s:%d" % address[:2])


class Probe(harness.Case):
    def probe(self, *arguments, status, says):
        """With all the time that a busy machine takes, unless they say how much."""
        if status != 2 and "-t" not in arguments:
            arguments = ("-t", "1min", *arguments)
        done = run_tined("probe", *arguments)
        self.assertEqual(done.returncode, status, done)
        self.assertRegex(done.stdout + done.stderr, says)
        return done


class Healthy(Probe):
    def test_by_status(self):
        with Daemon(FILES, listen=("127.0.0.1:0", "[::1]:0")) as d:
            for address in d.addresses:
                self.probe(url_of(address), status=0, says=r"^HTTP/1\.1 200 OK\n$")
                self.probe(url_of(address) + "a", status=0, says=r"^HTTP/1\.1 301 ")
                self.probe(url_of(address) + "missing", status=1, says=r"^HTTP/1\.1 404 Not Found\n$")

    def test_by_name(self):
        """Of localhost's two addresses one answers."""
        port = harness.free_port()
        with Daemon(FILES, listen=("[::1]:%d" % port,)):
            self.probe("localhost:%d" % port, status=0, says=r"^HTTP/1\.1 200 OK\n$")

    def test_unix(self):
        for name in ("unix:%s/http.sock", "unix:@%s"):
            with tempfile.TemporaryDirectory(prefix="tined-it-") as directory:
                os.chmod(directory, 0o755)
                address = name % directory
                with Daemon(FILES, listen=(address,)):
                    self.probe("--connect", address, "http://example.org/", status=0,
                               says=r"^HTTP/1\.1 200 OK\n$")

    def test_host_and_agent(self):
        with Daemon(FILES, access_log="", listen=("127.0.0.1:0",), start=False) as d:
            d.options["log"]["access"] = d.access_path
            d.options["sites"] = ({"root": d.root, "names": ["example.org"]},
                                  {"root": d.root, "rules": ({"match": "/**", "status": 410},)})
            d.write_config()
            d.start()
            self.probe("--connect", d.addresses[0], "example.org", status=0, says=" 200 ")
            self.probe(url_of(d.addresses[0]), status=1, says=" 410 ")
            with open(d.access_path, encoding="ascii") as f:
                text = harness.wait_until(lambda: f.read(), "the access log")
            self.assertRegex(text, r'"HEAD / HTTP/1\.1" 200 .* "tined-probe/')

    def test_draining(self):
        """A balancer hears: alive until the end, ready until it is told to drain."""
        with tempfile.TemporaryDirectory(prefix="tined-it-") as directory:
            os.chmod(directory, 0o755)
            admin, control = "unix:%s/admin.sock" % directory, "%s/control.sock" % directory
            with Daemon(FILES, admin={"address": admin}, control=control):
                ask = ("--connect", admin)
                self.probe(*ask, "http://localhost/readyz", status=0, says=" 200 ")
                self.assertEqual(run_tined("drain", "-s", control).returncode, 0)
                self.probe(*ask, "http://localhost/readyz", status=1, says=" 503 ")
                self.probe(*ask, "http://localhost/healthz", status=0, says=" 200 ")


class Listener:
    """A server that does what a test says to each connection."""

    def __init__(self, serve=None, backlog=8):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.url = url_of(self.socket.getsockname())
        self.serve = serve

    def __enter__(self):
        if self.serve:
            self.thread = threading.Thread(target=self.run, daemon=True)
            self.thread.start()
        return self

    def run(self):
        connection = self.socket.accept()[0]
        with connection:
            connection.recv(65536)
            self.serve(connection)

    def __exit__(self, *_):
        if self.serve:
            self.thread.join(harness.DEADLINE)
        self.socket.close()


class Sick(Probe):
    def test_refused(self):
        self.probe(url_of(("127.0.0.1", harness.free_port())), status=1, says=r"^tined: error: refused: 127\.0\.0\.1:\d+: nothing listens")

    def test_refused_at_every_address(self):
        url = "http://localhost:%d/" % harness.free_port()
        self.probe(url, status=1, says=r"refused: 127\.0\.0\.1:(\d+): .*\n.*refused: \[::1\]:\1: ")

    def test_garbage(self):
        for sent, says in ((b"SSH-2.0-x\r\n", "no answer: the server does not speak HTTP/1"),
                           (b"\x15\x03\x01\0\x02\x02\x16", "no answer: the server does not speak HTTP/1"),
                           (b"", "no answer: the server closed"),
                           (b"HTTP/1.1 2", "no answer: the server closed"),
                           (b"HTTP/1.1 200 " + b"x" * 8192, "no answer: no status within")):
            with Listener(lambda c, sent=sent: c.sendall(sent)) as server:
                self.probe(server.url, status=1, says=says)

    def test_reset(self):
        def reset(connection):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with Listener(reset) as server:
            self.probe(server.url, status=1, says="no answer: Connection reset by peer")


class InTime(Probe):
    def probe_slowly(self, *arguments, says):
        """It takes its time, and not much more."""
        began = time.monotonic()
        self.probe("-t", "1s", *arguments, status=1, says="^tined: error: timed out while " + says)
        self.assertGreaterEqual(time.monotonic() - began, 1)

    def test_nobody_accepts(self):
        """The queue is full, so that nothing answers: as when packets are dropped."""
        with Listener(backlog=0) as server:
            waiting = []
            for _ in range(4):
                c = socket.socket()
                self.addCleanup(c.close)
                c.setblocking(False)
                c.connect_ex(server.socket.getsockname())
                waiting.append(c)
            self.probe_slowly(server.url, says="connecting\n$")

    def test_nobody_answers(self):
        with Listener(lambda c: c.recv(1)) as server:
            self.probe_slowly(server.url, says="waiting for the answer\n$")

    def test_drips(self):
        def drip(connection):
            with contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 100 Continue\r\nX: ")
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.01)
        with Listener(drip) as server:
            self.probe_slowly(server.url, says="waiting for the answer\n$")

    def test_with_the_signal_blocked(self):
        """As a careless parent leaves it."""
        with Listener(lambda c: c.recv(1)) as server:
            script = ("import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM});"
                      "os.execv(sys.argv[1], sys.argv[1:])")
            done = subprocess.run([sys.executable, "-c", script, harness.TINED, "probe", "-t",
                                   "100ms", server.url], stderr=subprocess.PIPE, check=False,
                                  timeout=harness.DEADLINE)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"timed out", done.stderr)


@unittest.skipUnless(harness.IS_ROOT, "a network of its own needs root")
class Unreachable(Probe):
    """In a network without an interface."""

    def setUp(self):
        libc = ctypes.CDLL(None, use_errno=True)
        ours = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.addCleanup(os.close, ours)
        if libc.unshare(CLONE_NEWNET) != 0:
            self.skipTest("no network of its own: %s" % os.strerror(ctypes.get_errno()))
        self.addCleanup(libc.setns, ours, CLONE_NEWNET)

    def test_unreachable(self):
        for host, says in (("192.0.2.1", r"192\.0\.2\.1:80: no route leads there"),
                           ("[2001:db8::1]", r"\[2001:db8::1\]:80: this machine has no address")):
            self.probe("http://%s/" % host, status=1, says="^tined: error: unreachable: " + says)

    def test_no_resolver(self):
        """Some resolvers give up at once, others go on for longer than they are let."""
        self.probe("-t", "1s", "http://tined.example/", status=1,
                   says=r"^tined: error: (not found: tined\.example: |timed out while looking up the name)")


class Usage(Probe):
    def test_usage(self):
        for arguments, says in ((("https://localhost/",), "there is no TLS here"),
                                (("--connect", "systemd:http", "localhost"), "socket unit"),
                                (("-t", "1", "localhost"), "write a time"),
                                (("-c", "x", "localhost"), "-c does not go with"),
                                ((), "no URL is given")):
            self.probe(*arguments, status=2, says=says)


if __name__ == "__main__":
    harness.main()

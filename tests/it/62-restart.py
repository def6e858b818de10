#!/usr/bin/env python3
"""Goal: a restart cuts no download, and the next daemon has the port before the last one has ended."""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import tempfile
import threading
import time

import harness
from harness import Daemon, wait_until

DOWNLOADS = 10
DATA = random.Random(1).getrandbits(8 * (20 << 20)).to_bytes(20 << 20, "little")
TIME_WAIT = "06"


def has_time_wait(port):
    """Whether a connection of this local port is in TIME_WAIT."""
    with open("/proc/net/tcp", encoding="ascii") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return any(row[1].endswith(":%04X" % port) and row[3] == TIME_WAIT for row in rows)


class Download(threading.Thread):
    """Reads in small steps until it may hurry; then .digest tells what came."""

    def __init__(self, client, hurry):
        super().__init__()
        self.client, self.hurry = client, hurry
        self.digest = None
        client.request("/big", fields={"Connection": "close"})
        self.left = harness.content_length(client.read_head(), "GET")

    def run(self):
        digest = hashlib.sha256()
        while self.left:
            n = min(self.left, 65536)
            digest.update(self.client.read_exactly(n))
            self.left -= n
            if not self.hurry.is_set():
                time.sleep(0.02)  # some 3 MB/s
        self.client.expect_close()
        self.client.close()
        self.digest = digest.digest()


class Restart(harness.Case):
    def test_downloads_go_on_while_the_next_one_serves(self):
        for shape in ({"workers": 2, "threads": 1}, {"workers": 1, "threads": 4}):
            with self.subTest(shape):
                self.restart(**shape)

    def restart(self, **shape):
        hurry = threading.Event()
        with contextlib.ExitStack() as stack:
            d = stack.enter_context(Daemon({"big": DATA}, listen=("127.0.0.1:0",), **shape))
            address = d.address()
            port = address[1][1]
            clients = [stack.enter_context(d.connect(receive_buffer=65536)) for _ in range(DOWNLOADS)]
            stack.callback(hurry.set)
            downloads = [Download(c, hurry) for c in clients]
            for t in downloads:
                t.start()
            began = time.monotonic()
            d.send_signal(signal.SIGTERM)
            wait_until(lambda: harness.is_refused(address), "the listener to close")
            closed = time.monotonic() - began
            with Daemon({"index.html": b"again"}, listen=("127.0.0.1:%d" % port,)) as again:
                serving = time.monotonic() - began
                self.assertEqual(again.get("/").body, b"again")
                self.assertTrue(all(t.left for t in downloads), "a download had ended already")
                self.assertIsNone(d.process.poll())
                hurry.set()
                for t in downloads:
                    t.join()
                self.assertEqual({t.digest for t in downloads}, {hashlib.sha256(DATA).digest()})
                self.assertEqual(d.wait_exit(), 0)
                self.assertEqual(again.get("/", fields={"Connection": "close"}).body, b"again")
                print("%s: port free after %.2f s, the next one served after %.2f s, the last download "
                      "ended after %.2f s" % (shape, closed, serving, time.monotonic() - began))
            self.assertTrue(has_time_wait(port))
            with Daemon({"index.html": b"third"}, listen=("127.0.0.1:%d" % port,)) as third:
                self.assertEqual(third.get("/").body, b"third")

    def test_a_start_after_the_master_was_killed(self):
        """The workers end by themselves, and the next daemon waits for them."""
        directory = tempfile.mkdtemp(prefix="tined-it-")
        self.addCleanup(shutil.rmtree, directory)
        os.chmod(directory, 0o755)
        port = harness.free_port()
        listen = ("127.0.0.1:%d" % port, "unix:%s/socket" % directory)
        own = {"listen": listen, "control": directory + "/control"}
        with Daemon({"big": DATA}, start=False, expect_status=-signal.SIGKILL, **own) as d, \
                Daemon({"index.html": b"again"}, start=False, **own) as again:
            d.start()
            with d.connect() as download:
                download.request("/big")
                download.read_head()
                os.kill(d.pid, signal.SIGKILL)
                d.process.wait()
                again.start()
                self.assertIn("waiting for workers whose master has ended", again.log)
                self.assertEqual(again.get("/").body, b"again")
                # A master that lives is not waited for.
                with Daemon({}, start=False, listen=listen[:1], expect_status=1) as third:
                    third.start(wait_ready=False)
                    third.wait_log("is in use by")
                    self.assertNotIn("waiting", third.log)
                    third.wait_exit()
            wait_until(lambda: not harness.session_members(d.pid), "their end")


if __name__ == "__main__":
    harness.main()

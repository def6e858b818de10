"""Goal: a reload closes no connection: not an idle one, not one in the middle of anything.

Connections in every state they can be in (idle, with half a request sent, with requests behind
one that is being answered, in the middle of a download) are open while the server is reloaded, and
go on in the new generation as if nothing had happened.
"""

import contextlib
import os
import threading

import harness

LARGE = bytes(range(256)) * 4096 * 20  # 20 MiB


class Handoff(harness.Case):
    def daemon(self, **options):
        # Nobody waits for a drain to end.
        d = harness.Daemon({"index.html": b"<p>hello\n", "large.bin": LARGE, "medium.bin": LARGE[:50000]},
                           start=False, timeouts={"drain": "1h"}, **options)
        d.options["log"]["access"] = d.access_path
        d.write_config()
        d.start()
        self.addCleanup(d.__exit__, None, None, None)
        return d

    def test_idle_connections(self):
        d = self.daemon()
        clients = [d.connect(family) for family in ("v4", "v6") for _ in range(50)]
        for c in clients:
            c.request("/")
            self.assert_status(c.response(), 200)
        for _ in range(3):
            before = d.workers()
            d.renew()
            harness.wait_gone(before)
            for c in clients:
                c.request("/")
                r = self.assert_status(c.response(), 200)
                self.assertIsNone(r.get("Connection"))
        for c in clients:
            c.close()

    def test_half_a_request(self):
        d = self.daemon()
        clients = [d.connect() for _ in range(10)]
        request = b"GET /medium.bin HTTP/1.1\r\nHost: localhost\r\nX-Pad: " + b"x" * 6000 + b"\r\n\r\n"
        for i, c in enumerate(clients):
            c.send(request[:1 + i * 600])  # from the first byte on, also more than a small block
        d.get("/")  # what was sent before has arrived
        before = d.workers()
        d.renew()
        harness.wait_gone(before)
        for i, c in enumerate(clients):
            c.send(request[1 + i * 600:])
            self.assertEqual(self.assert_status(c.response(), 200).body, LARGE[:50000])
            c.close()

    def test_downloads_and_what_is_behind_them(self):
        d = self.daemon(workers=2)
        clients = []
        for _ in range(4):
            c = d.connect(receive_buffer=65536)
            c.request("/large.bin")
            c.request("/medium.bin")
            c.request("/")
            clients.append(c)
        for c in clients:
            c.read_head()
            self.assertEqual(c.read_exactly(100000), LARGE[:100000])
        for n in range(2):
            before = d.workers()
            d.renew()
            harness.wait_gone(before)  # though the downloads go on
            for c in clients:
                at = 100000 * (n + 1)
                self.assertEqual(c.read_exactly(100000), LARGE[at:at + 100000])
        for c in clients:
            self.assertEqual(c.read_exactly(len(LARGE) - 300000), LARGE[300000:])
            self.assertEqual(c.response().body, LARGE[:50000])
            self.assertEqual(c.response().body, b"<p>hello\n")
            c.close()
        # Each has its line, written by who sent the last byte.
        harness.wait_until(lambda: self.logged(d) == [("/", "200 9")] * 4 +
                           [("/large.bin", "200 %d" % len(LARGE))] * 4 +
                           [("/medium.bin", "200 50000")] * 4, "the lines of the log")

    def test_each_configuration_writes_its_own_log(self):
        """Downloads go on while the log is switched off and on again, and moved to another file."""
        d = self.daemon()
        second = d.access_path + ".second"
        targets = ["off", d.access_path, "off", second]
        downloads = []
        for target in targets:
            c = d.connect(receive_buffer=65536)
            c.request("/large.bin?%d" % len(downloads), fields=[("User-Agent", "client %d" % len(downloads))])
            c.read_head()
            downloads.append(c)
            before = d.workers()
            d.options["log"]["access"] = target
            d.write_config()
            d.renew()
            harness.wait_gone(before)
        for c in downloads:
            self.assertEqual(c.read_exactly(len(LARGE)), LARGE)
            c.close()
        harness.wait_until(lambda: os.path.exists(second) and
                           [line.split('"')[1::2] for line in sorted(open(second, encoding="ascii"))] ==
                           [["GET /large.bin?%d HTTP/1.1" % n, "-", "client %d" % n]
                            for n in range(len(targets))], "the lines of the second log")
        with open(d.access_path, encoding="ascii") as f:
            self.assertEqual(f.read(), "")

    def logged(self, d):
        with open(d.access_path, encoding="ascii") as f:
            return sorted((line.split()[6], " ".join(line.split()[8:10])) for line in f)

    def test_answers_that_are_stuck_in_memory(self):
        d = self.daemon()
        c = d.connect(receive_buffer=4096)
        for _ in range(400):
            c.request("/medium.bin")
        c.read_head()
        before = d.workers()
        d.renew()
        harness.wait_gone(before)
        self.assertEqual(c.read_exactly(50000), LARGE[:50000])
        for _ in range(399):
            self.assertEqual(c.response().body, LARGE[:50000])
        c.close()

    def stop_one_that_starts(self, d):
        """Reloads; the workers before, and a new one that is stopped, or None: all were ready."""
        def children():
            with open("/proc/%d/task/%d/children" % (d.pid, d.pid), encoding="utf-8") as f:
                return [int(n) for n in f.read().split()]
        harness.wait_until(lambda: len(children()) == 16, "one generation alone")
        old, mark, new = children(), d.mark(), []
        d.send_signal(harness.signal.SIGHUP)
        while len(new) < len(old) - 2 and "ready: generation" not in d.log_from(mark):
            new = [w for w in children() if w not in old]  # without a pause: they are ready in no time
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, IndexError):  # it was none that stays
            os.kill(new[-1], harness.signal.SIGSTOP)
            harness.wait_until(lambda: harness.state_of(new[-1]) in ("T", None), "it to stop")
            if not self.is_confined(new[-1]):
                return old, new[-1]
            os.kill(new[-1], harness.signal.SIGCONT)
        d.wait_log("ready: generation", after=mark)
        harness.wait_gone(old)
        return old, None

    def is_confined(self, pid):
        """A worker has given up its privileges, which it does before it says that it is ready."""
        with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as f:
            return "NoNewPrivs:\t1" in f.read()

    def test_a_generation_that_is_given_up(self):
        d = self.daemon(workers=16)
        for _ in range(10):
            old, new = self.stop_one_that_starts(d)
            if new:
                break
        else:
            self.skipTest("generations are complete sooner than a worker of theirs is stopped")
        clients = []
        for _ in range(50):  # some of them come to the new workers that are ready
            clients.append(d.connect())
            clients[-1].request("/")
            self.assert_status(clients[-1].response(), 200)
        os.kill(new, harness.signal.SIGKILL)
        harness.wait_until(lambda: sorted(d.workers()) == sorted(old), "the end of the new ones")
        for c in clients:
            c.request("/")
            self.assert_status(c.response(), 200)
            c.close()

    def test_what_cannot_move_is_finished(self):
        d = self.daemon()
        posting, ranges = d.connect(), d.connect(receive_buffer=65536)
        posting.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345")
        ranges.request("/large.bin", fields=[("Range", "bytes=0-9999999,12000000-19999999")])
        ranges.read_head()
        before = d.workers()
        d.renew()
        posting.send(b"67890")
        self.assert_status(posting.response(), 405)
        posting.request("/")  # and is handed over then
        self.assert_status(posting.response(), 200)
        ranges.read_exactly(17990000)
        ranges.close()
        harness.wait_gone(before)
        posting.request("/")
        self.assert_status(posting.response(), 200)
        posting.close()

    def test_under_load(self):
        d = self.daemon(workers=2, threads=2)
        done = threading.Event()
        findings, counts = [], []

        def client(i):
            count = 0
            try:
                with d.connect("v4" if i % 2 else "v6") as c:
                    while not done.is_set():
                        for _ in range(1 + i % 4):
                            c.request("/")
                        for _ in range(1 + i % 4):
                            r = c.response()
                            if r.status != 200 or r.get("Connection"):
                                findings.append(repr(r))
                            count += 1
            except Exception as e:  # pylint: disable=broad-except
                findings.append(repr(e))
            counts.append(count)

        threads = [threading.Thread(target=client, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        for _ in range(10):
            d.renew()
        done.set()
        for t in threads:
            t.join(harness.DEADLINE)
        self.assertEqual(findings, [])
        print("%d answers over 10 reloads, nothing closed" % sum(counts))


if __name__ == "__main__":
    harness.main()

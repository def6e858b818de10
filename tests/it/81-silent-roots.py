"""Goal: a file system that does not answer costs the sites that lie in it, and nobody else anything.

A FUSE server reads a request and never answers it (fusefs.py): whoever waits for that cannot even be killed.
Starts, reloads, upgrades and stops succeed beside it, the sites in it answer 503 and are named, and they
are served as soon as it answers.
"""

import json
import os
import select
import shutil
import signal
import subprocess

import fusefs
import harness
import processes
from harness import wait_until

NAME = r'"%s" does not answer within timeouts\.root'


class Beside(harness.Case):
    """A daemon with a site on the disk, and one ("afar") on a file system that the test has."""

    FILES = {"index.html": b"from afar"}

    @classmethod
    def setUpClass(cls):
        fusefs.enter_namespace()

    def setUp(self):
        self.mount = fusefs.Mount(self.FILES)
        self.addCleanup(self.mount.__exit__)

    def daemon(self, start=True, patience="1s", **options):
        d = harness.Daemon({"index.html": b"local"}, start=False, **options)
        self.socket = os.path.join(d.dir, "control.sock")
        self.program = os.path.join(d.dir, "tined")
        shutil.copy(harness.TINED, self.program)
        d.command = [self.program, "run", "-c", d.config_path]
        d.options["control"] = self.socket
        d.options.setdefault("timeouts", {"root": patience})
        d.options["sites"] = ({"root": d.root}, {"root": self.mount.path, "names": ["afar"]})
        d.write_config()
        # Processes that hang do so until the file system's server is killed, which comes first.
        self.addCleanup(d.__exit__, None, None, None)
        self.addCleanup(self.mount.kill)
        if start:
            d.start()
        return d

    def order(self, *words, status=0):
        p = subprocess.run([harness.TINED, *words, "-s", self.socket], capture_output=True,
                           text=True, timeout=harness.DEADLINE, check=False)
        self.assertEqual(p.returncode, status, p.stdout + p.stderr)
        return p.stdout + p.stderr

    def silent(self):
        return json.loads(self.order("status", "--json"))["silent_roots"]

    def assert_local(self, d):
        self.assertEqual(d.get("/").body, b"local")

    def afar(self, d):
        return d.get("/", fields=[("Host", "afar")])

    def assert_unavailable(self, d):
        r = self.assert_status(self.afar(d), 503)
        self.assertEqual(r.get("Retry-After"), "5")

    def freeze_for_others(self):
        """Somebody else waits for it already: the next request is not even read, and can be killed."""
        self.mount.freeze()
        waiting = subprocess.Popen(["stat", self.mount.path], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(waiting.wait)
        self.addCleanup(self.mount.kill)
        self.mount.wait_frozen()

    def wait_served(self, d):
        # (A worker of the generation before may still answer one request after it.)
        wait_until(lambda: self.afar(d).body == b"from afar", "the site that was silent")

    def askers(self, d):
        """Processes that ask file systems, which have a name of their own. One that hangs is a zombie with a
        thread that does not end."""
        def name(pid):
            try:
                with open("/proc/%s/comm" % pid, encoding="ascii") as f:
                    return f.read().strip()
            except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                return None
        with open("/proc/%d/task/%d/children" % (d.pid, d.pid), encoding="ascii") as f:
            return [int(pid) for pid in f.read().split() if name(pid) == "tined-fetch"]


class SilentRoots(Beside):
    def test_a_start(self):
        self.mount.freeze()
        d = self.daemon()
        d.wait_log(NAME % self.mount.path)
        self.assert_local(d)
        self.assert_unavailable(d)
        self.assertEqual(self.silent(), [self.mount.path])
        self.assertIn("roots that do not answer\n  %s\n" % self.mount.path, self.order("status"))
        self.mount.thaw()
        d.wait_log("a root that did not answer does so by now")
        self.wait_served(d)
        self.assertEqual(self.silent(), [])

    def test_it_stops_answering_while_it_is_served(self):
        d = self.daemon()
        self.wait_served(d)
        self.mount.freeze()
        d.wait_log(NAME % self.mount.path)
        d.wait_log("ready: generation 2")
        self.assertEqual(self.silent(), [self.mount.path])
        self.assert_unavailable(d)
        self.assert_local(d)
        self.assertIn("generation 3 is ready; %s does not answer" % self.mount.path, self.order("reload"))
        self.assert_unavailable(d)
        self.assert_local(d)
        # Whoever hangs stays one, however often it is looked at; none does whose request was not read yet.
        self.order("reload")
        self.assertLessEqual(len(self.askers(d)), 1)
        self.mount.thaw()
        self.wait_served(d)

    def test_an_upgrade(self):
        d = self.daemon()
        self.mount.freeze()
        d.wait_log(NAME % self.mount.path)
        mark = d.mark()
        d.wait_log("ready: generation 2")
        self.assertIn("generation 3 is ready; ", self.order("upgrade"))
        d.wait_log("upgrade: executing", after=mark)
        self.assert_local(d)
        self.assert_unavailable(d)
        self.mount.thaw()
        self.wait_served(d)

    def test_an_upgrade_beside_one_that_is_left(self):
        """When it ends at last it is reaped by the program that has taken over."""
        d = self.daemon(workers=1, timeouts={"root": "400ms", "watchdog": "3s"})
        self.wait_served(d)
        worker, = d.workers()
        self.mount.freeze_at_lookup()
        with d.connect() as c:
            c.request("/none", fields=[("Host", "afar")])
            self.mount.wait_frozen()
            d.wait_log(r"worker 0 of generation 1 \(pid \d+\) cannot be ended")
            self.assertIn(" is ready", self.order("upgrade"))
            self.assertTrue(os.path.exists("/proc/%d" % worker))
            self.mount.thaw()
            wait_until(lambda: not os.path.exists("/proc/%d" % worker), "it to be reaped")
            wait_until(lambda: not self.askers(d), "processes that asked as well to be reaped")
        self.wait_served(d)

    def test_an_upgrade_with_more_patience_than_a_proof_has(self):
        d = self.daemon(patience="15s")
        self.mount.freeze()
        with subprocess.Popen([harness.TINED, "upgrade", "-s", self.socket], stdout=subprocess.PIPE) as order:
            d.wait_log("upgrade: executing")
            self.mount.wait_frozen()
            self.mount.thaw()
            self.assertEqual(order.communicate()[0], b"generation 2 is ready\n")
        self.wait_served(d)

    def test_a_stop(self):
        for number in (signal.SIGTERM, signal.SIGQUIT):
            d = self.daemon()
            self.mount.freeze()
            d.wait_log(NAME % self.mount.path)
            self.order("reload")
            d.send_signal(number)
            self.assertEqual(d._wait_process(harness.DEADLINE), 0)  # pylint: disable=protected-access
            self.mount.thaw()

    def test_a_stop_while_it_starts(self):
        self.mount.freeze()
        d = self.daemon(start=False, patience="60s")
        d.start(wait_ready=False)
        wait_until(lambda: harness.children_of(d.pid), "the process that asks")
        d.send_signal(signal.SIGTERM)
        self.assertEqual(d._wait_process(harness.DEADLINE), 0)  # pylint: disable=protected-access

    def test_a_start_in_the_same_place(self):
        d = self.daemon()
        self.mount.freeze()
        d.wait_log(NAME % self.mount.path)
        workers = set(d.workers()) - set(self.askers(d))
        d.expect_status = -signal.SIGKILL
        d.send_signal(signal.SIGKILL)
        d.process.wait()
        harness.wait_gone(workers)
        second = self.daemon(start=False)
        second.options["listen"] = ({"address": "127.0.0.1:%d" % d.address()[1][1]},)
        second.write_config()
        second.start()
        self.assert_local(second)
        self.assert_unavailable(second)

    def test_what_is_missing_fails_as_ever(self):
        d = self.daemon()
        self.mount.freeze()
        d.options["sites"] += ({"root": "/nonexistent", "names": ["none"]},)
        d.write_config()
        self.assertIn('root "/nonexistent" cannot be opened', self.order("reload", status=1))
        self.assert_local(d)

    def test_a_check(self):
        self.mount.freeze()
        d = self.daemon(start=False)
        p = harness.run_tined("check", "-c", d.config_path)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertRegex(p.stderr, NAME % self.mount.path)

    def test_the_mount_dies(self):
        """An error is an answer; until somebody mounts it anew the site has nothing to serve."""
        self.freeze_for_others()
        d = self.daemon()
        self.mount.kill()
        self.assert_local(d)
        self.assert_unavailable(d)
        self.mount.start()
        self.wait_served(d)


class SilentRequests(Beside):
    """Requests that ask first: until anybody knows that the file system does not answer, and where nobody
    may tell for long. One worker with one loop serves them all."""

    LARGE = os.urandom(1 << 20) * 16  # more than a socket takes (tcp_wmem)
    FILES = {"index.html": b"from afar", "large.bin": LARGE}
    AFAR = [("Host", "afar")]

    def alone(self, patience="60s", **options):
        d = self.daemon(patience=patience, workers=1, **options)
        self.wait_served(d)
        return d

    def ask(self, d, target="/"):
        c = d.connect()
        self.addCleanup(c.close)
        c.request(target, fields=self.AFAR)
        return c

    def waiting(self):
        return json.loads(self.order("status", "--json"))["connections"]["asked"]

    def test_no_loop_is_lost(self):
        d = self.alone(timeouts={"root": "1s", "watchdog": "3s"})
        mark = d.mark()
        self.mount.freeze_at_lookup()
        c = self.ask(d, "/large.bin")
        self.mount.wait_frozen()
        self.assert_local(d)
        self.assert_status(c.response(), 503)
        d.wait_log("ready: generation 2", after=mark)
        self.assert_local(d)
        self.assert_unavailable(d)
        # That worker ends, but for a thread that nothing can end.
        d.wait_log(r"a worker \(pid \d+\) ends, but for threads that wait for \"%s\"" % self.mount.path)
        d.wait_log(r"worker 0 of generation 1 \(pid \d+\) cannot be ended")
        self.assertIn("generation 3 is ready", self.order("reload"))
        self.mount.thaw()
        self.wait_served(d)
        self.assertNotIn("hangs", d.log)

    def test_answers_come_late(self):
        d = self.alone()
        self.mount.freeze()
        clients = [self.ask(d, target) for target in ("/", "/large.bin", "/missing", "/")]
        self.mount.wait_frozen()
        wait_until(lambda: self.waiting() == len(clients), "requests that wait")
        self.assert_local(d)
        self.mount.thaw()
        self.assertEqual(clients[0].response().body, b"from afar")
        self.assertEqual(clients[1].response().body, self.LARGE)
        self.assert_status(clients[2].response(), 404)
        self.assertEqual(clients[3].response().body, b"from afar")
        self.assertEqual(d.generation(), 1)

    def test_too_many_wait(self):
        d = self.alone()
        self.mount.freeze()
        clients = [self.ask(d) for _ in range(64)]
        wait_until(lambda: self.waiting() == len(clients), "requests that wait")
        for _ in range(3):
            self.assert_unavailable(d)
        self.assert_local(d)
        self.mount.thaw()
        for c in clients:
            self.assertEqual(c.response().body, b"from afar")

    def begin_download(self, d):
        """A download that stands still, for the file system does."""
        c = d.connect(receive_buffer=4096)
        self.addCleanup(c.close)
        c.request("/large.bin", fields=self.AFAR)
        head = c.read_head()
        self.assertEqual(head.get("Content-Length"), str(len(self.LARGE)))
        self.mount.freeze()
        got = b""
        while processes.state_of(self.mount.server.pid) != "T":
            if select.select([c.sock], [], [], 0.02)[0]:  # or it stands still by now
                got += c.read_exactly(len(c.pending) or 1)
        wait_until(lambda: self.waiting() == 1, "the download")
        return c, got

    def test_a_download_stands_still(self):
        d = self.alone()
        c, got = self.begin_download(d)
        self.assert_local(d)
        self.mount.thaw()
        self.assertEqual(got + c.read_exactly(len(self.LARGE) - len(got)), self.LARGE)
        c.request("/", fields=self.AFAR)
        self.assertEqual(c.response().body, b"from afar")

    def test_a_request_needs_two(self):
        d = self.alone()
        other = fusefs.Mount({"404.html": b"not here either"})
        self.addCleanup(other.__exit__)
        d.options["sites"][1].update(root=other.path, mounts=({"path": "/docs/", "root": self.mount.path},),
                                     rules=({"match": "/**", "error_pages": ["404 /404.html"]},))
        d.write_config()
        self.order("reload")
        wait_until(lambda: self.ask(d, "/docs/index.html").response().status == 200, "the new generation")
        for _ in range(20):
            r = self.assert_status(self.ask(d, "/docs/none").response(), 404)
            self.assertEqual(r.body, b"not here either")
        self.assertEqual(self.ask(d, "/docs/index.html").response().body, b"from afar")

    def test_ranges(self):
        d = self.alone()
        r = d.get("/large.bin", fields=[*self.AFAR, ("Range", "bytes=70000-200000")])
        self.assertEqual(r.body, self.LARGE[70000:200001])
        r = d.get("/large.bin", fields=[*self.AFAR, ("Range", "bytes=10-20,500000-700000")])
        self.assert_status(r, 206)
        self.assertIn(self.LARGE[500000:700001], r.body)

    def test_a_listing(self):
        d = self.alone()
        d.options["sites"][1].update(index=["none"], listing=True)
        d.write_config()
        self.order("reload")
        wait_until(lambda: self.afar(d).body != b"from afar", "a listing")
        self.mount.freeze()
        c = self.ask(d)
        self.mount.wait_frozen()
        self.assert_local(d)
        self.mount.thaw()
        self.assert_status(c.response(), 200)

    def test_a_stop_while_requests_wait(self):
        for number in (signal.SIGTERM, signal.SIGQUIT):
            d = self.alone()
            self.mount.freeze_at_lookup()
            c = self.ask(d, "/large.bin")
            self.mount.wait_frozen()
            d.send_signal(number)
            if number == signal.SIGTERM:
                self.assert_status(c.response(), 503)
            self.assertEqual(d._wait_process(harness.DEADLINE), 0)  # pylint: disable=protected-access
            # The process that is left has no port.
            second = self.daemon(start=False)
            second.options["listen"] = ({"address": "127.0.0.1:%d" % d.address()[1][1]},)
            second.write_config()
            second.start()
            self.assert_local(second)
            self.mount.thaw()

    def test_workers_that_are_killed_leave_no_port(self):
        d = self.alone()
        self.mount.freeze_at_lookup()
        c = self.ask(d, "/large.bin")
        self.mount.wait_frozen()
        d.expect_status = -signal.SIGKILL
        worker = d.workers()[0]
        d.send_signal(signal.SIGKILL)
        d.process.wait()
        os.kill(worker, signal.SIGKILL)
        with self.assertRaises((ConnectionError, AssertionError)):
            c.response()
        second = self.daemon(start=False)
        second.options["listen"] = ({"address": "127.0.0.1:%d" % d.address()[1][1]},)
        second.write_config()
        second.start()
        self.assert_local(second)


if __name__ == "__main__":
    harness.main()

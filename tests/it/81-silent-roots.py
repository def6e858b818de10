"""Goal: a file system that does not answer costs the sites that lie in it, and nobody else anything.

A FUSE server reads a request and never answers it (fusefs.py): whoever waits for that cannot even be killed.
Starts, reloads, upgrades and stops succeed beside it, the sites in it answer 503 and are named, and they
are served as soon as it answers.
"""

import json
import os
import shutil
import signal
import subprocess

import fusefs
import harness
from harness import wait_until

NAME = r'"%s" does not answer within timeouts\.root'


class SilentRoots(harness.Case):
    @classmethod
    def setUpClass(cls):
        fusefs.enter_namespace()

    def setUp(self):
        self.mount = fusefs.Mount({"index.html": b"from afar"})
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
                           text=True, timeout=30, check=False)
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

    def askers(self, d):
        """Processes that ask file systems, which have a name of their own. One that hangs is a zombie with a
        thread that does not end."""
        def name(pid):
            with open("/proc/%s/comm" % pid, encoding="ascii") as f:
                return f.read().strip()
        with open("/proc/%d/task/%d/children" % (d.pid, d.pid), encoding="ascii") as f:
            return [int(pid) for pid in f.read().split() if name(pid) == "tined-fetch"]

    def test_clients_ask_for_it(self):
        """Loops that wait for it are lost, and so are their workers: others take their places, and nobody
        asks it any more."""
        d = self.daemon(workers=1, timeouts={"root": "400ms", "watchdog": "3s"})
        self.wait_served(d)
        mark = d.mark()
        # Only one whose request was read cannot be ended: it must not be the look at the root.
        self.mount.freeze_at_lookup()
        with d.connect() as c:
            c.request("/none", fields=[("Host", "afar")])
            self.mount.wait_frozen()
            d.wait_log("ready: generation 2", after=mark)
            self.assert_local(d)
            self.assert_unavailable(d)
            d.wait_log(r"\(pid \d+\) hangs", after=mark)
            d.wait_log(r"worker 0 of generation 1 \(pid \d+\) cannot be ended.*GET /none", after=mark)
            self.assertIn("generation 3 is ready", self.order("reload"))
            d.send_signal(signal.SIGTERM)
            self.assertEqual(d._wait_process(harness.DEADLINE), 0)  # pylint: disable=protected-access
        # The process that is left has the listeners open, and their ports are free all the same.
        second = self.daemon(start=False)
        second.options["listen"] = ({"address": "127.0.0.1:%d" % d.address()[1][1]},)
        second.write_config()
        second.start()
        self.assert_local(second)

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


if __name__ == "__main__":
    harness.main()

"""Goal: who runs a server can ask it what it does and tell it what to do, and learns the outcome.

`tined status`, reload, upgrade, reopen, drain and stop over the control socket, and the admin
listener that balancers and probes ask.
"""

import json
import os
import shutil
import signal
import stat
import subprocess
import time

import harness
from harness import wait_until


class Orders(harness.Case):
    def daemon(self, **options):
        d = harness.Daemon({"index.html": b"hello"}, start=False, **options)
        self.socket = os.path.join(d.dir, "control.sock")
        d.options["control"] = self.socket
        self.program = os.path.join(d.dir, "tined")
        shutil.copy(harness.TINED, self.program)
        d.command = [self.program, "run", "-c", d.config_path]
        d.write_config()
        d.start()
        self.addCleanup(d.__exit__, None, None, None)
        return d

    def order(self, *words, status=0):
        p = subprocess.run([harness.TINED, *words, "-s", self.socket], capture_output=True,
                           text=True, timeout=30, check=False)
        self.assertEqual(p.returncode, status, p.stdout + p.stderr)
        return p.stdout if status == 0 else p.stderr

    def replace_program(self, text):
        """By rename, as a package manager does."""
        with open(self.program + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.program + ".new", 0o755)
        os.rename(self.program + ".new", self.program)

    def status(self):
        return json.loads(self.order("status", "--json"))

    def test_status(self):
        d = self.daemon(workers=2)
        with d.connect() as c:
            for target in ("/", "/", "/none"):
                c.request(target)
                c.response()
            s = self.status()
            self.assertEqual((s["state"], s["pid"], s["generation"]), ("serving", d.pid, 1))
            self.assertEqual((s["workers"], s["workers_alive"]), (2, 2))
            self.assertEqual(s["requests"], 3)
            self.assertEqual((s["answers"]["2xx"], s["answers"]["4xx"]), (2, 1))
            self.assertEqual((s["connections"]["open"], s["connections"]["idle"]), (1, 1))
            self.assertEqual([(l["address"], l["queued"]) for l in s["listeners"]],
                             [(a, 0) for a in d.addresses])
            self.assertGreater(s["sent_bytes"], 100)
        text = self.order("status")
        self.assertIn("tined serving, pid %d" % d.pid, text)
        self.assertEqual(stat.S_IMODE(os.stat(self.socket).st_mode), 0o660)

    def test_counters_never_go_back(self):
        d = self.daemon(workers=2)
        asked = 0
        for what in ("reload", "upgrade", "kill", "reload", "upgrade"):
            for _ in range(10):
                d.get("/")
                asked += 1
            wait_until(lambda: self.status()["requests"] == asked, "all requests counted")
            if what == "kill":
                os.kill(d.workers()[0], signal.SIGKILL)
                wait_until(lambda: self.status()["workers_alive"] == 2, "its successor")
            else:
                self.order(what)
            wait_until(lambda: self.status()["requests"] == asked, "as many after " + what)

    def test_reload_tells_the_outcome(self):
        d = self.daemon()
        self.assertEqual(self.order("reload"), "generation 2 is ready\n")
        with open(d.config_path, encoding="utf-8") as f:
            good = f.read()
        d.write_config(good + "nonsense = 1;\n")
        why = self.order("reload", status=1)
        self.assertIn("unknown option \"nonsense\"", why)
        self.assertIn("%s:" % d.config_path, why)
        self.assertIn("failed", self.status()["last_reload"])
        d.write_config(good)
        self.assertEqual(self.order("reload"), "generation 3 is ready\n")

    def test_a_reload_ends_when_the_old_workers_have_let_go(self):
        """Who asks after it is not answered by the old configuration."""
        d = self.daemon(workers=1)
        worker, = d.workers()
        os.kill(worker, signal.SIGSTOP)
        asking = subprocess.Popen([harness.TINED, "reload", "-s", self.socket],
                                  stdout=subprocess.PIPE, text=True)
        d.wait_log("ready: generation 2")
        with self.assertRaises(subprocess.TimeoutExpired):
            asking.wait(0.3)
        os.kill(worker, signal.SIGCONT)
        self.assertEqual(asking.communicate(timeout=harness.DEADLINE)[0], "generation 2 is ready\n")
        # One that hangs is waited for a second.
        worker, = set(d.workers()) - {worker}
        os.kill(worker, signal.SIGSTOP)
        self.assertEqual(self.order("reload"), "generation 3 is ready\n")
        os.kill(worker, signal.SIGCONT)

    def test_several_reloads_at_once(self):
        d = self.daemon()
        asking = [subprocess.Popen([harness.TINED, "reload", "-s", self.socket],
                                   stdout=subprocess.PIPE) for _ in range(6)]
        for p in asking:
            self.assertIn(b"is ready", p.communicate(timeout=30)[0])
            self.assertEqual(p.returncode, 0)
        self.assert_status(d.get("/"), 200)
        wait_until(lambda: len(d.workers()) == 2, "the old workers' end")

    def test_each_reload_tells_its_own_outcome(self):
        d = self.daemon()
        with open(d.config_path, encoding="utf-8") as f:
            good = f.read()
        os.unlink(d.config_path)
        os.mkfifo(d.config_path)  # the master waits for who writes
        asking = [subprocess.Popen([harness.TINED, "reload", "-s", self.socket],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
        wait_until(lambda: self.connections() >= 2, "two who ask")
        for text in (good, "nonsense = 1;\n"):
            d.write_config(text)
            wait_until(lambda: sum(p.poll() is not None for p in asking) > (text != good), "an answer")
        self.assertEqual(sorted(p.wait() for p in asking), [0, 1])
        self.assertIn(b"nonsense", b"".join(p.communicate()[1] for p in asking))

    def connections(self):
        """How many have connected to the control socket, and are still there."""
        with open("/proc/net/unix", encoding="utf-8") as f:
            return sum(line.rstrip().endswith(self.socket) for line in f) - 1

    def test_a_reload_waits_for_an_upgrade_under_way(self):
        d = self.daemon()
        begun = os.path.join(d.dir, "begun")
        self.replace_program("#!/bin/sh\n>%s\nsleep 1\nexit 3\n" % begun)
        upgrade = subprocess.Popen([harness.TINED, "upgrade", "-s", self.socket],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until(lambda: os.path.exists(begun), "the proof")
        self.assertIn("no upgrade now", self.order("upgrade", status=1))
        self.assertEqual(self.order("reload"), "generation 2 is ready\n")
        self.assertIn(b"upgrade refused", upgrade.communicate(timeout=30)[1])
        self.assertEqual(upgrade.returncode, 1)

    def test_an_upgrade_does_not_forget_a_stop(self):
        for before in (True, False):  # the proof has begun
            d = self.daemon(timeouts={"lame_duck": "60s"})
            begun, go_on = os.path.join(d.dir, "begun"), os.path.join(d.dir, "go-on")
            self.replace_program("#!/bin/sh\n>%s\nuntil [ -e %s ]; do sleep 0.01; done\nexec %s \"$@\"\n"
                                 % (begun, go_on, harness.TINED))
            if before:
                d.send_signal(signal.SIGUSR2)
                wait_until(lambda: os.path.exists(begun), "the proof")
            d.send_signal(signal.SIGTERM)
            d.wait_log("draining")
            d.write("../go-on", b"")
            if not before:
                d.send_signal(signal.SIGUSR2)
            d.wait_log("no upgrade now")
            d.send_signal(signal.SIGTERM)  # at once
            self.assertEqual(d.wait_exit(), 0)

    def test_a_stop_on_the_way_to_another_image_warns_balancers(self):
        """What its workers will do the new image knows before they are ready."""
        d = self.daemon(timeouts={"lame_duck": "300ms"})
        d.send_signal(signal.SIGUSR2)
        d.wait_log("upgrade: executing")
        d.send_signal(signal.SIGTERM)
        d.wait_log("draining")
        self.assertEqual(d.wait_exit(), 0)

    def test_upgrade_tells_the_outcome(self):
        d = self.daemon()
        pid = d.pid
        self.assertEqual(self.order("upgrade"), "generation 2 is ready\n")
        for script in ("#!/bin/sh\nexit 3\n", "#!/bin/sh\nkill -SEGV $$\n"):
            self.replace_program(script)
            self.assertIn("upgrade refused", self.order("upgrade", status=1))
        self.assertEqual((d.pid, self.status()["generation"]), (pid, 2))

    def test_reopen_and_stop(self):
        d = self.daemon()
        self.order("reopen")
        self.assertEqual(self.order("stop"), "stopping\n")
        self.assertEqual(d.wait_exit(), 0)
        self.assertIn("cannot be asked", self.order("status", status=1))

    def test_admin_and_drain(self):
        d = self.daemon(admin={"address": "127.0.0.1:0"})
        site, admin = d.addresses[0], d.addresses[-1]
        self.assertEqual(len(d.addresses), 3, (site, admin))

        def ask(target, method="GET"):
            host, port = admin.rsplit(":", 1)
            with harness.Client(harness.socket.AF_INET, (host, int(port))) as c:
                c.request(target, method=method)
                return c.response(method)

        self.assertEqual(ask("/healthz").body, b"alive\n")
        self.assertEqual(ask("/readyz").body, b"ready\n")
        self.assertEqual(ask("/readyz", "HEAD").status, 200)
        self.assertEqual(ask("/").status, 404)  # no site answers here
        self.assertEqual(ask("/readyz", "POST").status, 405)
        self.assert_status(d.get("/readyz"), 404)  # nor does this answer on a site's listener
        self.order("drain")
        wait_until(lambda: ask("/readyz").status == 503, "draining")
        self.assertEqual(ask("/healthz").status, 200)
        self.assert_status(d.get("/"), 200)  # it serves on
        self.assertEqual(self.status()["state"], "draining")
        with open(d.config_path, encoding="utf-8") as f:
            good = f.read()
        d.write_config("nonsense = 1;\n")
        self.order("reload", status=1)
        self.assertEqual((self.status()["state"], ask("/readyz").status), ("draining", 503))
        d.write_config(good)
        # So do workers that come later.
        for pid in d.workers():
            os.kill(pid, signal.SIGKILL)
            d.wait_log(r"\(pid %d\) was killed" % pid)
        wait_until(lambda: len(d.workers()) == 2, "new workers")
        for _ in range(10):
            self.assertEqual(ask("/readyz").status, 503)
        self.order("reload")
        wait_until(lambda: ask("/readyz").status == 200, "ready again")

    def test_lame_duck(self):
        d = self.daemon(admin={"address": "127.0.0.1:0"}, timeouts={"lame_duck": "1s"})
        host, port = d.addresses[-1].rsplit(":", 1)
        begun = time.monotonic()
        d.send_signal(signal.SIGTERM)
        d.wait_log("draining")
        with harness.Client(harness.socket.AF_INET, (host, int(port))) as c:
            def is_draining():
                c.request("/readyz")
                return c.response().status == 503
            wait_until(is_draining, "not ready")
        r = self.assert_status(d.get("/"), 200)  # new clients are served on, and their connections
        self.assertIsNone(r.get("Connection"))
        d.wait_log("stopping")
        self.assertGreater(time.monotonic() - begun, 0.98)  # a tick of its clock is some ms
        self.assertEqual(d.wait_exit(), 0)

    def test_the_second_signal_ends_a_lame_duck_at_once(self):
        d = self.daemon(timeouts={"lame_duck": "1h"})
        d.send_signal(signal.SIGTERM)
        d.wait_log("draining")
        d.send_signal(signal.SIGTERM)
        self.assertEqual(d.wait_exit(), 0)


if __name__ == "__main__":
    harness.main()

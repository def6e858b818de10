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
import tempfile

import harness
from harness import wait_until
from machine import Machine


class Orders(harness.Case):
    def daemon(self, machine=None, **options):
        d = harness.Daemon({"index.html": b"hello"}, start=False, **options)
        d.environment.update(machine.environment if machine else {})
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
                           text=True, timeout=harness.DEADLINE, check=False)
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

    def test_a_failed_reload_is_told_once_in_the_log_of_a_unit(self):
        """Its own command writes where the server does, which has told the reason there."""
        d = self.daemon()
        with open(d.config_path, encoding="utf-8") as f:
            good = f.read()
        d.write_config("nonsense = 1;\n" + good)

        def order(main, *words):
            environment = dict(os.environ, MAINPID=main)
            return subprocess.run([harness.TINED, "reload", *words], env=environment, timeout=harness.DEADLINE,
                                  capture_output=True, text=True, check=False)
        for main, told in ((str(d.pid), False), (str(os.getpid()), True), ("", True), ("x", True)):
            with self.subTest(main=main):
                mark = d.mark()
                p = order(main, "-s", self.socket)
                self.assertEqual((p.returncode, p.stdout), (1, ""))
                self.assertEqual("nonsense" in p.stderr, told, p.stderr)
                self.assertEqual(p.stderr != "", told, p.stderr)
                d.wait_log("nonsense", after=mark)
        # An error that the server has not logged is told.
        with open(d.config_path + ".other", "w", encoding="utf-8") as f:
            f.write(good)
        p = order(str(d.pid), "-c", d.config_path + ".other")
        self.assertEqual(p.returncode, 1)
        self.assertIn("name the socket of the one that runs", p.stderr)

    def test_a_reload_ends_when_the_old_workers_have_let_go(self):
        """A client that asks after it is not answered by the old configuration."""
        machine = Machine()
        d = self.daemon(machine, workers=1)
        machine.hold()  # it waits for a second at most
        worker, = d.workers()
        os.kill(worker, signal.SIGSTOP)
        asking = subprocess.Popen([harness.TINED, "reload", "-s", self.socket],
                                  stdout=subprocess.PIPE, text=True)
        d.wait_log("ready: generation 2")
        with self.assertRaises(subprocess.TimeoutExpired):
            asking.wait(0.3)
        os.kill(worker, signal.SIGCONT)
        machine.release()
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
            self.assertIn(b"is ready", p.communicate(timeout=harness.DEADLINE)[0])
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
        self.assertIn(b"upgrade refused", upgrade.communicate(timeout=harness.DEADLINE)[1])
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
            d.send_signal(signal.SIGQUIT)
            self.assertEqual(d.wait_exit(), 0)

    def test_a_stop_on_the_way_to_another_image_warns_balancers(self):
        """The new image knows of the stop before its workers are ready."""
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

    def silent(self, user, count):
        """A process of that user that connects so often, without a word; ended with the test."""
        script = ("import os, socket, struct, sys\n"
                  "os.setgroups([]) if os.getuid() == 0 else None\n"
                  "user = int(sys.argv[1])\n"
                  "user == os.getuid() or os.setuid(user)\n"
                  "crowd = []\n"
                  "for _ in range(int(sys.argv[2])):\n"
                  "    s = socket.socket(socket.AF_UNIX)\n"
                  "    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('ll', 20, 0))\n"
                  "    s.connect(sys.argv[3])\n"
                  "    crowd.append(s)\n"
                  "print('connected', flush=True)\n"
                  "sys.stdin.read()\n")
        p = subprocess.Popen(["/usr/bin/env", "python3", "-c", script, str(user), str(count),
                              self.socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(p.communicate)
        return p

    def test_a_crowd_of_silent_clients(self):
        """A command is answered at once with any number of them, whoever they are: no time passes for the server
        in which it could send them away."""
        machine = Machine()
        self.daemon(machine)
        users = [os.getuid()]
        if os.getuid() == 0:
            users.append(65534)
            os.chmod(self.socket, 0o666)
        for user in users:
            crowds = [self.silent(user, 450) for _ in range(4)]
            for p in crowds:
                self.assertEqual(p.stdout.readline(), b"connected\n")
            with self.subTest(user=user):
                with machine.standing_still():
                    for _ in range(3):
                        self.status()
                self.assertLessEqual(self.connections(), 2 * 128)
                self.assertEqual(self.order("reload")[:10], "generation")

    def test_reopen_and_stop(self):
        d = self.daemon()
        self.order("reopen")
        self.assertEqual(self.order("stop"), "stopping\n")
        self.assertEqual(d.wait_exit(), 0)
        self.assertIn("cannot be asked", self.order("status", status=1))

    def test_a_file_names_the_server(self):
        d = self.daemon()
        second = os.path.join(d.dir, "second.conf")
        with open(d.config_path, encoding="utf-8") as f, open(second, "w", encoding="utf-8") as g:
            g.write(f.read())  # the same control socket
        for command in ("reload", "stop"):
            p = harness.run_tined(command, "-c", second)
            self.assertEqual(p.returncode, 1)
            self.assertIn('runs "%s"; name the socket of the one that runs "%s" with -s'
                          % (d.config_path, os.path.realpath(second)), p.stderr)
        p = harness.run_tined("reload", "-c", d.config_path)
        self.assertEqual((p.returncode, p.stdout), (0, "generation 2 is ready\n"))

    def test_an_earlier_server(self):
        """It answers with JSON, to commands without a version: those without arguments still work."""
        directory = tempfile.mkdtemp(prefix="tined-it-")
        self.addCleanup(shutil.rmtree, directory)
        self.socket = os.path.join(directory, "control.sock")
        for words, answer, status, said in (
                (("upgrade",), b'{"result": "generation 2 is ready"}\n', 0, '"generation 2 is ready"'),
                (("upgrade",), b'{"error": "upgrade refused"}\n', 1, '"upgrade refused"'),
                (("status", "--json"), b'{"result": "tined serving"}\n', 1, "earlier version"),
                (("upgrade",), b'{"result": "gener', 1, "has ended before"),
                (("upgrade",), b"", 1, "has ended before")):
            with harness.socket.socket(harness.socket.AF_UNIX) as listener:
                listener.bind(self.socket)
                listener.listen()
                command = subprocess.Popen([harness.TINED, *words, "-s", self.socket],
                                           stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                client = listener.accept()[0]
                while client.recv(4096):
                    pass
                client.sendall(answer)
                client.close()
                out, err = command.communicate(timeout=harness.DEADLINE)
            os.unlink(self.socket)
            self.assertEqual((command.returncode, out), (status, ""), err)
            self.assertIn(said, err)

    def test_an_earlier_command(self):
        self.daemon()
        for request in (b"status json\n", b"status\n", b"reload\n", b"explain ::1 80\nGET / HTTP/1.1\n\n"):
            with harness.socket.socket(harness.socket.AF_UNIX) as s:
                s.settimeout(harness.DEADLINE)
                s.connect(self.socket)
                s.sendall(request)
                s.shutdown(harness.socket.SHUT_WR)
                answer = json.loads(s.recv(4096))
            self.assertEqual(list(answer), ["error"])
            self.assertIn("newer version", answer["error"])
        self.assertEqual(self.status()["generation"], 1)

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
        self.assertEqual(ask("/index.html").status, 404)  # no site answers here
        for method in ("GET", "HEAD", "OPTIONS"):
            self.assertEqual((ask("/", method).status, ask("/healthz", method).status), (200, 200))
        self.assertEqual(ask("*", "OPTIONS").status, 200)
        self.assertEqual(ask("/readyz", "POST").status, 405)
        self.assert_status(d.get("/readyz"), 404)  # nor does this answer on a site's listener
        self.order("drain")
        wait_until(lambda: ask("/readyz").status == 503, "draining")
        for method in ("GET", "HEAD", "OPTIONS"):
            self.assertEqual((ask("/", method).status, ask("/readyz", method).status,
                              ask("/healthz", method).status), (503, 503, 200))
        self.assertEqual(ask("*", "OPTIONS").status, 503)
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
        machine = Machine()
        d = self.daemon(machine, admin={"address": "127.0.0.1:0"}, timeouts={"lame_duck": "1s"})
        host, port = d.addresses[-1].rsplit(":", 1)
        machine.hold()
        d.send_signal(signal.SIGTERM)
        d.wait_log("draining")
        with harness.Client(harness.socket.AF_INET, (host, int(port))) as c:
            def is_draining():
                c.request("/readyz")
                return c.response().status == 503
            wait_until(is_draining, "not ready")
        r = self.assert_status(d.get("/"), 200)  # new clients are served on, and their connections
        self.assertIsNone(r.get("Connection"))
        machine.advance(0.999)
        for _ in range(2):  # the second answer is of a later round than the first one that saw the time
            self.assertEqual(self.status()["state"], "draining")
        machine.advance(0.001)
        d.wait_log("stopping")
        machine.release()
        self.assertEqual(d.wait_exit(), 0)

    def test_the_second_signal_ends_a_lame_duck_at_once(self):
        d = self.daemon(timeouts={"lame_duck": "1h"})
        d.send_signal(signal.SIGTERM)
        d.wait_log("draining")
        # Within 250 ms it is the first one again.
        wait_until(lambda: d.send_signal(signal.SIGTERM) or d.process.poll() is not None, "its end")
        self.assertEqual(d.wait_exit(), 0)


if __name__ == "__main__":
    harness.main()

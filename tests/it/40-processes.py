#!/usr/bin/env python3
"""Goal: workers die, reload and stop without anyone losing an answer, and nothing stays behind."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import unittest

import harness
from harness import Daemon, wait_gone, wait_until

FILES = {"index.html": b"hello"}
BIG = 20 << 20
# Attaches (PTRACE_SEIZE) and waits for nothing of what it hears until its input ends.
TRACER = """if True:
    import ctypes, sys
    long = ctypes.c_long
    if ctypes.CDLL(None).ptrace(long(0x4206), long(int(sys.argv[1])), long(0), long(0)) == 0:
        sys.stdin.read()
"""


class Workers(harness.Case):
    def test_as_many_as_configured(self):
        for workers, threads in ((1, 1), (3, 1), (2, 4)):
            with Daemon(FILES, workers=workers, threads=threads) as d:
                self.assertEqual(len(d.workers()), workers)
                self.assertEqual(d.get("/").body, b"hello")

    def test_a_killed_worker_is_replaced(self):
        for number in (signal.SIGKILL, signal.SIGABRT):  # SIGSEGV is the sanitizers'
            with Daemon(FILES, workers=2) as d:
                victim, other = d.workers()
                at = d.mark()
                os.kill(victim, number)
                said = d.wait_log(r"\b%d\b.*(signal|killed|%s)" % (victim, number.name), after=at)
                self.assertNotIn("ready", said.string)
                wait_until(lambda: len(set(d.workers()) - {victim}) == 2, "a new worker")
                self.assertIn(other, d.workers())
                for _ in range(20):
                    self.assertEqual(d.get("/").body, b"hello")

    def test_all_killed_at_once(self):
        with Daemon(FILES, workers=2) as d:
            for _ in range(3):
                old = set(d.workers())
                for pid in old:
                    os.kill(pid, signal.SIGKILL)
                # The listener is the master's: who connects meanwhile waits and is answered.
                self.assertEqual(d.get("/").body, b"hello")
                wait_until(lambda: len(set(d.workers()) - old) == 2, "new workers")

    def test_a_traced_worker_that_dies_is_replaced(self):
        """A traced process is the tracer's to reap first, though its end is known before."""
        with Daemon(FILES, workers=2) as d:
            victim, other = d.workers()
            tracer = subprocess.Popen([sys.executable, "-c", TRACER, str(victim)], stdin=subprocess.PIPE)
            try:
                wait_until(lambda: harness.tracer_of(victim) or tracer.poll() is not None, "the tracer")
                if tracer.poll() is not None:
                    self.skipTest("tracing is not permitted here")
                os.kill(victim, signal.SIGKILL)
                wait_until(lambda: harness.state_of(victim) == "Z", "the end")
                harness.assert_idle([d.pid])
            finally:
                tracer.stdin.close()
                tracer.wait()
            wait_until(lambda: len(set(d.workers()) - {victim}) == 2, "a new worker")
            self.assertIn(other, d.workers())

    def test_others_serve_while_one_is_stopped(self):
        with Daemon(FILES, workers=2) as d:
            stopped = d.workers()[0]
            os.kill(stopped, signal.SIGSTOP)
            try:
                for _ in range(20):
                    self.assertEqual(d.get("/").body, b"hello")
            finally:
                os.kill(stopped, signal.SIGCONT)

    def test_idle_is_idle(self):
        with Daemon(FILES, workers=2) as d:
            with d.connect() as open_one, d.connect() as half_open:
                open_one.request("/")
                open_one.response()
                half_open.send(b"GET / HTTP/1.1\r\n")
                harness.assert_idle(d.workers() + [d.pid])

    @unittest.skipUnless(harness.IS_ROOT, "needs root")
    def test_workers_of_root_are_nobody(self):
        with Daemon(FILES) as d:
            for pid in d.workers():
                with open("/proc/%d/status" % pid, encoding="utf-8") as f:
                    status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
                self.assertEqual(len(set(status["Uid"].split())), 1)
                self.assertNotEqual(status["Uid"].split()[0], "0")
                self.assertNotEqual(status["Gid"].split()[0], "0")
                self.assertNotIn("0", status["Groups"].split())
                for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                    self.assertEqual(int(status[name], 16), 0, name)
                self.assertEqual(status["NoNewPrivs"], "1")


class Master(harness.Case):
    def test_killed(self):
        """Workers end, and a new start binds at once."""
        with Daemon(FILES, listen=("127.0.0.1:%d" % harness.free_port(),), expect_status=-signal.SIGKILL) as d:
            workers = d.workers()
            address = d.address()
            d.send_signal(signal.SIGKILL)
            self.assertEqual(d.wait_exit(), -signal.SIGKILL)
            wait_gone(workers)
            with Daemon(FILES, listen=("127.0.0.1:%d" % address[1][1],)) as again:
                self.assertEqual(again.get("/").body, b"hello")

    def test_quit_stops_at_once(self):
        with Daemon({"big": b"x" * BIG}) as d, d.connect(receive_buffer=4096) as c:
            c.request("/big")
            c.read_head()
            d.stop(signal.SIGQUIT)

    def test_interrupt_stops(self):
        with Daemon(FILES) as d:
            d.stop(signal.SIGINT)


class Drain(harness.Case):
    def start_downloads(self, d, count, stack):
        downloads = [stack.enter_context(d.connect(receive_buffer=4096)) for _ in range(count)]
        for c in downloads:
            c.request("/big")
            c.length = harness.content_length(c.read_head(), "GET")
            c.read_exactly(1000)
        return downloads

    def test_a_second_signal_stops_at_once(self):
        with Daemon({"big": b"x" * BIG}) as d, contextlib.ExitStack() as stack:
            address = d.address()
            self.start_downloads(d, 3, stack)
            d.send_signal(signal.SIGTERM)
            wait_until(lambda: harness.is_refused(address), "the listener to close")
            self.assertIsNone(d.process.poll())
            d.send_signal(signal.SIGTERM)
            d.wait_exit(5)

    def test_the_timeout_ends_it(self):
        with Daemon({"big": b"x" * BIG}, timeouts={"drain": "1s"}) as d:
            with contextlib.ExitStack() as stack:
                self.start_downloads(d, 2, stack)
                d.send_signal(signal.SIGTERM)
                d.wait_exit(10)


class Privileges(harness.Case):
    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root and setpriv")
    def test_without_the_capabilities_to_change_ids(self):
        """As in a container that drops them: the way out is said, and works."""
        drop = ["setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-setuid,-setgid"]
        with Daemon(FILES, start=False, expect_status=1, user="nobody") as d:
            d.command = [*drop, harness.TINED, "run", "-c", d.config_path]
            d.start(wait_ready=False)
            d.wait_log(r'setgroups: Operation not permitted; give the server CAP_SETGID and CAP_SETUID, '
                       r'or set user = "root"')
            d.wait_exit()
        with Daemon(FILES, start=False, user="root", group="") as d:
            d.command = [*drop, harness.TINED, "run", "-c", d.config_path]
            d.start()
            self.assertEqual(d.get("/").status, 200)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_a_number_is_a_user(self):
        with Daemon(FILES, user="65533", group="65532") as d:
            for pid in d.workers():
                with open("/proc/%d/status" % pid, encoding="ascii") as f:
                    status = f.read()
                self.assertRegex(status, r"(?m)^Uid:\s65533\s65533\s65533\s65533$")
                self.assertRegex(status, r"(?m)^Gid:\s65532\s65532\s65532\s65532$")


class Reload(harness.Case):
    def wait_new_workers(self, d, old):
        wait_until(lambda: len(set(d.workers()) - set(old)) == len(old) and
                   not set(d.workers()) & set(old), "a new generation")

    def test_takes_the_new_configuration(self):
        with Daemon(FILES) as d:
            old = d.workers()
            d.write("../other/index.html", b"other")
            d.options["sites"] = ({"root": os.path.join(d.dir, "other")},)
            d.write_config()
            d.send_signal(signal.SIGHUP)
            self.wait_new_workers(d, old)
            self.assertEqual(d.get("/").body, b"other")

    def test_a_bad_configuration_changes_nothing(self):
        for text in ("listen = ;", "no_such_option = 1;", "workers = \"many\";", ""):
            with self.subTest(text), Daemon(FILES) as d:
                old, at = d.workers(), d.mark()
                if text:
                    d.write_config(text)
                else:
                    os.unlink(d.config_path)
                d.send_signal(signal.SIGHUP)
                d.wait_log(r"tined\.conf", after=at)
                self.assertEqual(d.get("/").body, b"hello")
                self.assertEqual(d.workers(), old)

    def test_listeners_come_and_go(self):
        with Daemon(FILES, listen=("127.0.0.1:0",)) as d:
            kept, old, at = d.address(), d.workers(), d.mark()
            keeping = {"address": "127.0.0.1:%d" % kept[1][1]}
            path = os.path.join(d.dir, "sock")
            d.options["listen"] = (keeping, {"address": "unix:" + path, "mode": "0666"})
            d.write_config()
            d.send_signal(signal.SIGHUP)
            d.wait_log("listening on unix:", after=at)
            self.wait_new_workers(d, old)
            with harness.Client(socket.AF_UNIX, path) as c:
                c.request("/")
                self.assertEqual(c.response().body, b"hello")
            self.assertEqual(d.get("/").body, b"hello")
            old = d.workers()
            d.options["listen"] = (keeping,)
            d.write_config()
            d.send_signal(signal.SIGHUP)
            self.wait_new_workers(d, old)
            self.assertFalse(os.path.exists(path))

    def test_ports_that_the_kernel_chose_stay(self):
        with Daemon(FILES, listen=("127.0.0.1:0", "127.0.0.1:0")) as d:
            chosen = list(d.addresses)
            self.assertEqual(len(set(chosen)), 2)
            old = d.workers()
            d.renew()
            wait_gone(old)
            for address in chosen:
                with harness.Client(socket.AF_INET, ("127.0.0.1", int(address.split(":")[1]))) as c:
                    c.request("/")
                    self.assertEqual(c.response().body, b"hello")

    def test_no_request_is_lost_under_load(self):
        with Daemon(FILES) as d:
            failures, done = [], threading.Event()

            def load():
                while not done.is_set():
                    try:
                        if d.get("/").body != b"hello":
                            failures.append("content")
                    except (OSError, AssertionError) as e:
                        failures.append(repr(e))

            threads = [threading.Thread(target=load) for _ in range(4)]
            for t in threads:
                t.start()
            try:
                for _ in range(5):
                    old = d.workers()
                    d.send_signal(signal.SIGHUP)
                    self.wait_new_workers(d, old)
            finally:
                done.set()
                for t in threads:
                    t.join()
            self.assertEqual(failures, [])

    def test_a_download_survives(self):
        with Daemon({"big": b"x" * BIG}) as d, d.connect(receive_buffer=4096) as c:
            old = d.workers()
            c.request("/big")
            length = harness.content_length(c.read_head(), "GET")
            c.read_exactly(1000)
            d.send_signal(signal.SIGHUP)
            wait_until(lambda: len(set(d.workers()) - set(old)) == len(old), "a new generation")
            c.skip(length - 1000)

    def test_a_new_root_directory(self):
        """A deploy: the root is a link that is replaced; a reload serves the new tree."""
        with Daemon() as d:
            d.write("../v1/index.html", b"one")
            d.write("../v2/index.html", b"two")
            link = os.path.join(d.dir, "current")
            os.symlink("v1", link)
            d.options["sites"] = ({"root": link},)
            d.write_config()
            for target, body in (("v1", b"one"), ("v2", b"two")):
                os.symlink(target, link + ".new")
                os.rename(link + ".new", link)
                old = d.workers()
                d.send_signal(signal.SIGHUP)
                self.wait_new_workers(d, old)
                self.assertEqual(d.get("/").body, body)


class CommandLine(harness.Case):
    def test_version_and_help(self):
        self.assertRegex(harness.run_tined("--version").stdout, r"^tined \d+\.\d+")
        self.assertIn("serve", harness.run_tined("--help").stdout)

    def test_usage_errors(self):
        for arguments in (("frobnicate",), ("--frobnicate",), ("run", "-c"), ("check", "extra")):
            r = harness.run_tined(*arguments)
            self.assertEqual(r.returncode, 2, arguments)
            self.assertNotEqual(r.stderr, "")

    def test_check(self):
        with Daemon(FILES, start=False) as d:
            self.assertEqual(harness.run_tined("check", "-c", d.config_path).returncode, 0)
            d.write_config("workers = 1;\nthreds = 1;\n")
            r = harness.run_tined("check", "-c", d.config_path)
            self.assertEqual(r.returncode, 78)
            # File, line, and the nearest valid name.
            self.assertRegex(r.stderr, r"tined\.conf:2.*threds.*threads")

    def test_serve(self):
        with Daemon(FILES, start=False) as d:
            d.command = [harness.TINED, "serve", d.root, "-l", "127.0.0.1:0"]
            d.start()
            self.assertEqual(d.get("/").body, b"hello")
            # Without a configuration there is nothing to reload: the terminal is gone.
            d.stop(signal.SIGHUP)

    def test_serve_under_nohup(self):
        """The terminal's end does not stop it, nor the program that takes its place."""
        with Daemon(FILES, start=False) as d:
            d.command = ["nohup", harness.TINED, "serve", d.root, "-l", "127.0.0.1:0"]
            d.start()
            for generation in (2, 3):
                d.send_signal(signal.SIGHUP)
                d.send_signal(signal.SIGUSR2)  # is read after it
                d.wait_log(r"ready: generation %d\b" % generation)
            self.assertNotIn("stopping", d.log)
            self.assertEqual(d.get("/").body, b"hello")
            d.stop(signal.SIGTERM)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Goal: the service manager is always told the truth: ready, reloading, stopping, alive, and how it goes."""

import json
import os
import shutil
import signal
import socket
import tempfile
import time
import unittest

import harness
from harness import Daemon, wait_until
from manager import FILES, Service


class Phases(Service):
    def test_ready_when_every_worker_is(self):
        d = self.service(workers=3)
        at, ready = self.manager.wait("READY", "1")
        self.assertEqual(len(d.workers()), 3)
        self.assert_status(d.get("/"), 200)
        self.assertEqual(self.manager.messages[0].fields["EXTEND_TIMEOUT_USEC"], "10000000")
        self.assertNotIn("EXTEND_TIMEOUT_USEC", ready.fields)
        self.assertEqual(ready.fields["STATUS"],
                         "serving: generation 1, 3 of 3 workers, 0 connections, 0 requests/s")
        self.assertEqual(self.manager.phases(), ["READY"])
        self.assertEqual([m for m in self.manager.messages[:at + 1] if "MAINPID" in m.fields], [])

    def reload(self, d):
        """Reloads by HUP; returns the status after it."""
        mark = self.manager.mark()
        before = time.monotonic_ns() // 1000
        d.send_signal(signal.SIGHUP)
        at, reloading = self.manager.wait("RELOADING", "1", mark)
        self.assertLessEqual(before, int(reloading.fields["MONOTONIC_USEC"]))
        self.assertLessEqual(int(reloading.fields["MONOTONIC_USEC"]), time.monotonic_ns() // 1000)
        self.assertEqual(reloading.fields["EXTEND_TIMEOUT_USEC"], "10000000")
        at, _ = self.manager.wait("READY", "1", at + 1)
        self.assertEqual(self.manager.phases(mark), ["RELOADING", "READY"])
        return self.manager.status(at)

    def test_reload_good_and_bad(self):
        d = self.service()
        status = self.reload(d)
        self.assertIn("serving: generation 2, 2 of 2 workers", status)
        self.assertIn("last reload: generation 2 is ready", status)
        with open(d.config_path, encoding="utf-8") as f:
            good = f.read()
        # The file is wrong; the system does not give what it asks for.
        for bad in ("nonsense = 1;\n", 'admin = { address = "192.0.2.1:80"; };\n'):
            d.write_config(good + bad)
            status = self.reload(d)
            self.assertIn("last reload: failed, generation 2 goes on", status)
        d.write_config(good)
        self.assertIn("generation 3 is ready", self.reload(d))

    def test_upgrade(self):
        d = self.service(watchdog=1)
        pid = d.pid
        self.manager.wait("READY", "1")
        for generation in (2, 3):
            mark = self.manager.mark()
            d.send_signal(signal.SIGUSR2)
            at, _ = self.manager.wait("RELOADING", "1", mark)
            at, ready = self.manager.wait("READY", "1", at)
            self.assertIn("generation %d" % generation, ready.fields["STATUS"])
            self.assertEqual(self.manager.phases(mark), ["RELOADING", "READY"])
            self.manager.wait("WATCHDOG", "1", at + 1)  # the new image gives signs of life as well
        self.assertEqual(d.pid, pid)
        self.assertTrue(all("MAINPID" not in m.fields for m in self.manager.messages))

    def test_an_upgrade_that_is_refused(self):
        d = self.service()
        mark = self.manager.mark()
        with open(self.program + ".new", "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\nexit 3\n")
        os.chmod(self.program + ".new", 0o755)
        os.rename(self.program + ".new", self.program)
        d.send_signal(signal.SIGUSR2)
        _, message = self.manager.wait("STATUS", after=mark)
        self.assertIn("last reload: upgrade refused", message.fields["STATUS"])
        self.assertEqual(self.manager.phases(mark), [])

    def test_an_upgrade_that_goes_back(self):
        d = self.service(listen=("127.0.0.1:0",))
        mark = self.manager.mark()
        # It proves itself, for proving binds nothing, and fails then.
        d.options["listen"] = ({"address": "192.0.2.1:80"},)
        d.write_config()
        d.send_signal(signal.SIGUSR2)
        self.manager.wait("RELOADING", "1", mark)
        _, ready = self.manager.wait("READY", "1", mark)
        d.wait_log("going back")
        self.assertIn("neither program can start", ready.fields["STATUS"])
        self.assertEqual(self.manager.phases(mark), ["RELOADING", "READY"])
        self.assert_status(d.get("/"), 200)

    def test_a_start_that_fails(self):
        d = self.service(start=False, listen=("192.0.2.1:80",))
        d.expect_status = 1
        d.start(wait_ready=False)
        self.assertEqual(d.wait_exit(), 1)
        self.assertEqual(self.manager.phases(), [])

    def test_workers_are_not_heard(self):
        d = self.service()
        with open("/proc/net/unix", encoding="utf-8") as f:
            inodes = {line.split()[6] for line in f if line.rstrip().endswith(self.manager.path)}
        for pid in d.workers():
            held = {os.readlink("/proc/%d/fd/%s" % (pid, n)) for n in os.listdir("/proc/%d/fd" % pid)}
            self.assertFalse(held & {"socket:[%s]" % i for i in inodes})


class Stopping(Service):
    def test_a_drain_asks_for_time_and_gives_signs_of_life(self):
        d = self.service(watchdog=1, timeouts={"drain": "30s"})
        with d.connect(receive_buffer=65536) as c:
            c.request("/large.bin")
            c.read_head()
            mark = self.manager.mark()
            d.send_signal(signal.SIGTERM)
            at, stopping = self.manager.wait("STOPPING", "1", mark)
            self.assertIn("EXTEND_TIMEOUT_USEC", stopping.fields)
            self.assertIn("stopping", stopping.fields["STATUS"])
            # Half of what the manager allows, several times over.
            for _ in range(4):
                last = self.manager.messages[at].when
                at, life = self.manager.wait("WATCHDOG", "1", at + 1)
                self.assertLess(life.when - last, 0.9)
            at, _ = self.manager.wait("EXTEND_TIMEOUT_USEC", after=at + 1)
            self.assertGreater(self.manager.messages[at].when - stopping.when, 4.5)
        self.assertEqual(d.wait_exit(), 0)
        self.assertEqual(self.manager.phases(mark), ["STOPPING"])

    def test_a_lame_duck_is_stopping(self):
        d = self.service(timeouts={"lame_duck": "300ms"})
        mark = self.manager.mark()
        d.send_signal(signal.SIGTERM)
        _, stopping = self.manager.wait("STOPPING", "1", mark)
        self.assertIn("EXTEND_TIMEOUT_USEC", stopping.fields)
        self.assertEqual(d.wait_exit(), 0)
        self.assertEqual(self.manager.phases(mark), ["STOPPING"])

    def test_a_stop_on_the_way_to_a_generation(self):
        d = self.service(timeouts={"lame_duck": "1s"})
        mark = self.manager.mark()
        d.send_signal(signal.SIGHUP)
        d.send_signal(signal.SIGTERM)
        self.assertEqual(d.wait_exit(), 0)
        phases = self.manager.phases(mark)
        self.assertEqual(phases[-1], "STOPPING", phases)


class Life(Service):
    def test_half_of_what_is_allowed(self):
        self.service(watchdog=1)
        at, last = self.manager.wait("READY", "1")
        for _ in range(4):
            at, life = self.manager.wait("WATCHDOG", "1", at + 1)
            self.assertLess(life.when - last.when, 0.9)
            last = life

    def test_nothing_is_said_without_need(self):
        self.service()
        at, _ = self.manager.wait("READY", "1")
        time.sleep(3)
        self.assertEqual(self.manager.messages[at + 1:], [])

    def test_while_a_single_worker_hangs(self):
        d = self.service(watchdog=1, workers=2, timeouts={"watchdog": "3s"})
        at, last = self.manager.wait("READY", "1")
        os.kill(d.workers()[0], signal.SIGSTOP)
        d.wait_log("hangs")
        d.wait_log("was killed by")
        times = [m.when for m in self.manager.messages if "WATCHDOG" in m.fields]
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 0.9)
        wait_until(lambda: len(d.workers()) == 2, "a successor")

    def test_not_while_every_worker_hangs(self):
        d = self.service(watchdog=0.4, workers=2, timeouts={"watchdog": "3s"})
        at, last = self.manager.wait("READY", "1")
        for pid in d.workers():
            os.kill(pid, signal.SIGSTOP)
        d.wait_log("hangs")
        found = time.monotonic()
        d.wait_log("was killed by")
        wait_until(lambda: len([p for p in d.workers() if harness.state_of(p) != "T"]) == 2, "successors")
        at = self.manager.mark()
        self.manager.wait("WATCHDOG", "1", at)
        times = [m.when for m in self.manager.messages if "WATCHDOG" in m.fields]
        # For the second that they get to end by themselves none of them serves.
        self.assertGreater(max(b - a for a, b in zip(times, times[1:])), 0.6)
        self.assertTrue(any(t > found for t in times))


class Status(Service):
    def test_figures(self):
        d = self.service(workers=2)
        at, _ = self.manager.wait("READY", "1")
        with d.connect() as c:
            for _ in range(100):
                c.request("/")
                c.response()
            # Looked at every ten seconds.
            _, message = self.manager.wait("STATUS", after=at + 1)
            self.assertRegex(message.fields["STATUS"], r"^serving: generation 1, 2 of 2 workers, 1 connections, "
                             r"(9|10|11) requests/s$")

    def test_a_worker_that_dies(self):
        d = self.service(workers=2)
        at, _ = self.manager.wait("READY", "1")
        os.kill(d.workers()[0], signal.SIGKILL)
        at, message = self.manager.wait("STATUS", after=at + 1)
        self.assertIn("1 of 2 workers", message.fields["STATUS"])
        _, message = self.manager.wait("STATUS", after=at + 1)
        self.assertIn("2 of 2 workers", message.fields["STATUS"])


class Sockets(Service):
    def open(self, family, address, kind=socket.SOCK_STREAM, listen=True):
        s = socket.socket(family, kind)
        self.addCleanup(s.close)
        s.bind(address)
        if listen:
            s.listen()
        return s

    def refused(self, sockets, **options):
        """The log of a start with these that is refused for its configuration."""
        d = self.service(sockets=sockets, start=False, **options)
        d.expect_status = 78
        d.start(wait_ready=False)
        self.assertEqual(d.wait_exit(), 78)
        return d.log

    def test_by_name_in_any_order(self):
        path = os.path.join(tempfile.mkdtemp(prefix="tined-it-"), "http.sock")
        self.addCleanup(shutil.rmtree, os.path.dirname(path))
        v4 = self.open(socket.AF_INET, ("127.0.0.1", 0))
        v6 = self.open(socket.AF_INET6, ("::1", 0))
        unix = self.open(socket.AF_UNIX, path)
        os.chmod(path, 0o666)
        admin = self.open(socket.AF_INET, ("127.0.0.1", 0))
        units = [("http", v4), ("local", unix), ("admin", admin), ("http", v6)]
        for sockets in (units, units[::-1]):
            d = self.service(sockets=sockets, listen=("systemd:local", "systemd:http"),
                             admin={"address": "systemd:admin"})
            for s in (v4, v6, unix):
                with harness.Client(s.family, s.getsockname()) as c:
                    c.request("/")
                    self.assertEqual(c.response().body, b"hello")
            with harness.Client(admin.family, admin.getsockname()) as c:
                c.request("/readyz")
                self.assertEqual(c.response().body, b"ready\n")
            self.assertFalse(os.get_blocking(v4.fileno()))  # as everyone who has it sees
            d.stop(signal.SIGTERM)
            self.assertTrue(os.path.exists(path))  # systemd's, not ours
            os.set_blocking(v4.fileno(), True)

    def test_without_listen_what_was_passed_in(self):
        s, t = (self.open(socket.AF_INET, ("127.0.0.1", 0)) for _ in range(2))
        d = self.service(sockets=[("a", s), ("unknown", t)], start=False)
        del d.options["listen"]
        d.write_config()
        d.start()
        self.assertEqual(d.addresses, ["127.0.0.1:%d" % x.getsockname()[1] for x in (s, t)])

    def test_a_name_that_is_not_there(self):
        s = self.open(socket.AF_INET, ("127.0.0.1", 0))
        log = self.refused([("web", s)], listen=("systemd:http",))
        self.assertRegex(log, r'tined.conf:\d+: "systemd:http": no socket of that name was passed in, but "web" '
                         r"\(127.0.0.1:%d\); set FileDescriptorName=http in the socket unit" % s.getsockname()[1])

    def test_sockets_of_the_wrong_kind(self):
        datagrams = self.open(socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM, listen=False)
        silent = self.open(socket.AF_INET, ("127.0.0.1", 0), listen=False)
        self.assertIn('"http" cannot be used: it is no stream socket; the socket unit has to say ListenStream=',
                      self.refused([("http", datagrams)], listen=("systemd:http",)))
        self.assertIn('"http" cannot be used: it does not listen; the socket unit has to say Accept=no',
                      self.refused([("http", silent)], listen=("systemd:http",)))

    def test_an_address_that_systemd_has(self):
        s = self.open(socket.AF_INET, ("127.0.0.1", 0))
        at = "127.0.0.1:%d" % s.getsockname()[1]
        self.assertIn('%s is what systemd has passed in as "http"; listen on "systemd:http"' % at,
                      self.refused([("http", s)], listen=(at,)))

    def test_one_that_nobody_wants(self):
        s, t = (self.open(socket.AF_INET, ("127.0.0.1", 0)) for _ in range(2))
        d = self.service(sockets=[("http", s), ("spare", t)], listen=("systemd:http",))
        self.assertIn('the inherited socket "spare" is not used', d.log)
        self.assertNotIn('the inherited socket "http"', d.log)


@unittest.skipUnless(harness.IS_ROOT, "a /run of its own takes root")
class Journal(harness.Case):
    def setUp(self):
        self.d = d = Daemon(FILES, start=False)
        self.addCleanup(d.__exit__, None, None, None)
        run = os.path.join(d.dir, "run")
        os.makedirs(os.path.join(run, "systemd", "journal"))
        self.journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.journal.close)
        self.journal.bind(os.path.join(run, "systemd", "journal", "socket"))
        self.journal.settimeout(harness.DEADLINE)
        shell = ("mount --bind %s /run && export JOURNAL_STREAM=$(stat -Lc %%d:%%i /proc/self/fd/2) && exec \"$@\""
                 % run)
        d.command = ["unshare", "-m", "bash", "-c", shell, "bash", harness.TINED, "run", "-c", d.config_path]
        d.start(wait_ready=False)
        self.ready = self.event("ready")

    def event(self, name):
        """The fields of the next entry of that event."""
        while True:
            lines = self.journal.recv(65536).decode().splitlines()
            fields = dict(line.split("=", 1) for line in lines)
            self.assertEqual(fields["SYSLOG_IDENTIFIER"], "tined")
            if fields.get("TINED_EVENT") == name:
                self.assertRegex(fields["MESSAGE_ID"], "^[0-9a-f]{32}$")
                return fields

    def check(self, fields, **want):
        self.assertEqual({name: fields.get(name) for name in want}, want, fields)

    def test_a_journal_that_is_gone(self):
        """Lines that it does not take go to standard error."""
        d = self.d
        os.unlink(os.path.join(d.dir, "run", "systemd", "journal", "socket"))
        d.send_signal(signal.SIGHUP)
        d.wait_log("^<6>ready: generation 2")

    def test_the_access_log(self):
        """Over a stream that the master has opened; what is not read is lost and counted."""
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(stream.close)
        stream.bind(os.path.join(self.d.dir, "run", "systemd", "journal", "stdout"))
        stream.listen()
        d = self.d
        port, control = harness.free_port(), os.path.join(d.dir, "control.sock")
        d.options.update(listen=({"address": "127.0.0.1:%d" % port},), control=control)
        d.options["log"]["access"] = "journal"
        d.write_config()
        d.send_signal(signal.SIGHUP)
        self.event("ready")
        reader, _ = stream.accept()
        self.addCleanup(reader.close)
        lines = reader.makefile("rb")
        self.assertEqual([lines.readline() for _ in range(7)], [b"tined-access\n", b"\n", b"6\n"] + [b"0\n"] * 4)
        with harness.Client(socket.AF_INET, ("127.0.0.1", port)) as c:
            c.request("/?quiet")
            c.response()
            self.assertIn(b'"GET /?quiet HTTP/1.1" 200', lines.readline())
            # A journal that reads nothing holds nobody up.
            count = 0

            def dropped():
                p = harness.run_tined("status", "--json", "-s", control)
                return json.loads(p.stdout)["log_dropped"]
            path = "/?" + "x" * 1700
            while count == 0 or not dropped():
                c.send(b"".join(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode() for _ in range(64)))
                for _ in range(64):
                    c.response()
                count += 64
                self.assertLess(count, 100000)

    def test_a_life(self):
        d = self.d
        self.check(self.ready, PRIORITY="6", TINED_GENERATION="1", MESSAGE="ready: generation 1, 2 workers")
        pid = d.workers()[0]
        os.kill(pid, signal.SIGKILL)
        died = self.event("worker-died")
        self.check(died, PRIORITY="4", TINED_GENERATION="1", TINED_WORKER_PID=str(pid))
        self.assertIn(died["TINED_WORKER"], ("0", "1"))
        self.assertIn("worker %s of generation 1 (pid %d) was killed by signal 9" % (died["TINED_WORKER"], pid),
                      died["MESSAGE"])
        wait_until(lambda: len(d.workers()) == 2, "a successor")
        d.options["sites"] = ({"root": "/nonexistent"},)
        d.write_config()
        d.send_signal(signal.SIGHUP)
        self.check(self.event("root-failed"), PRIORITY="3", TINED_SITE="/nonexistent", ERRNO="2")
        self.check(self.event("reload-failed"), PRIORITY="3", TINED_GENERATION="1")
        d.write_config("nonsense = 1;\n")
        d.send_signal(signal.SIGHUP)
        self.assertIn("unknown option", self.event("config-invalid")["MESSAGE"])
        d.send_signal(signal.SIGTERM)
        self.check(self.event("stopping"), PRIORITY="6")
        self.assertEqual(d.wait_exit(), 0)


if __name__ == "__main__":
    harness.main()

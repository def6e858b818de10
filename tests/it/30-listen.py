#!/usr/bin/env python3
"""Goal: it listens where it was told to, says where, and explains why it cannot."""

import contextlib
import os
import re
import signal
import socket
import stat
import threading

import harness
from harness import Daemon

FILES = {"index.html": b"hello"}


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


class Tcp(harness.Case):
    def test_port_0_is_printed(self):
        with Daemon(FILES, listen=("127.0.0.1:0", "127.0.0.1:0")) as d:
            ports = [a.rpartition(":")[2] for a in d.addresses]
            self.assertEqual(len(set(ports)), 2)
            self.assertNotIn("0", ports)
            self.assertEqual(d.get("/").body, b"hello")

    def test_a_proxy_header_that_none_expects_is_told(self):
        version_2 = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
        for header in (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n", b"PROXY UNKNOWN\r\n", version_2):
            with self.subTest(header=header), Daemon(FILES, workers=1) as d, d.connect() as c:
                c.send(header + harness.format_request("/"))
                self.assert_status(c.response(), 400)
                d.wait_log(r"%s got a PROXY header, and expects none" % re.escape(d.addresses[0]))

    def test_wildcard_is_both_families(self):
        with Daemon(FILES, listen=("*:%d" % harness.free_port(),)) as d:
            self.assertEqual(d.get("/", family="v4").body, b"hello")
            if has_ipv6():
                self.assertEqual(len(d.addresses), 2)
                self.assertEqual(d.get("/", family="v6").body, b"hello")

    def test_short_form_of_the_wildcard(self):
        with Daemon(FILES, listen=(":%d" % harness.free_port(),)) as d:
            self.assertEqual(d.get("/").body, b"hello")

    def test_name(self):
        with Daemon(FILES, listen=("localhost:%d" % harness.free_port(),)) as d:
            self.assertEqual(d.get("/").body, b"hello")

    def test_restart_binds_over_time_wait(self):
        port = harness.free_port()
        for _ in range(3):
            with Daemon(FILES, listen=("127.0.0.1:%d" % port,)) as d:
                with d.connect() as c:
                    # The daemon closes first, so that TIME_WAIT is on its side.
                    c.request("/", fields={"Connection": "close"})
                    self.assertEqual(c.response().body, b"hello")
                    c.expect_close()

    def test_a_port_in_use_names_the_holder(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            d = Daemon(FILES, listen=("127.0.0.1:%d" % port,), start=False, expect_status=1)
            with d:
                d.start(wait_ready=False)
                self.assertEqual(d.wait_exit(), 1)
                self.assertRegex(d.log, r"127\.0\.0\.1:%d.*pid %d" % (port, os.getpid()))

    def test_overlapping_addresses_are_an_error(self):
        port = harness.free_port()
        d = Daemon(FILES, listen=("*:%d" % port, "127.0.0.1:%d" % port), start=False,
                   expect_status=78)
        with d:
            d.start(wait_ready=False)
            d.wait_exit()
            self.assertRegex(d.log, r"127\.0\.0\.1:%d" % port)

    def test_exit_status_is_that_of_check(self):
        for change in ({"sites": ({"root": "/nonexistent"},)}, {"listen": ({"address": "systemd:http"},)},
                       {"log": {"access": "/nonexistent/log"}}):
            with self.subTest(change), Daemon(FILES, start=False, expect_status=78, **change) as d:
                if "listen" in change:
                    d.options.update(change)
                    d.write_config()
                d.start(wait_ready=False)
                self.assertEqual(d.wait_exit(), 78, d.log)

    def test_bad_addresses(self):
        for address in ("", "80", "127.0.0.1", "127.0.0.1:99999", "[::1:80", "unix:", "1.2.3:80x"):
            with self.subTest(address):
                d = Daemon(FILES, listen=(address,), start=False, expect_status=78)
                with d:
                    d.start(wait_ready=False)
                    d.wait_exit()
                    # The place and the remedy, not only the complaint.
                    self.assertRegex(d.log, r"tined\.conf:\d+")

    def test_all_listeners_and_connections_in_one_round(self):
        with contextlib.ExitStack() as stack:
            d = stack.enter_context(Daemon(FILES, listen=("127.0.0.1:0",) * 10, workers=1))
            ports = [int(a.rpartition(":")[2]) for a in d.addresses]
            kept = [stack.enter_context(d.connect()) for _ in range(64)]
            for c in kept:
                c.request("/")
                self.assertEqual(c.response().body, b"hello")
            os.kill(d.workers()[0], signal.SIGSTOP)
            new = [stack.enter_context(harness.Client(socket.AF_INET, ("127.0.0.1", port)))
                   for port in ports * 20]
            for c in new + kept:  # what became ready first is reported first
                c.request("/")
            os.kill(d.workers()[0], signal.SIGCONT)
            for c in new + kept:
                self.assertEqual(c.response().body, b"hello")

    def test_many_silent_connections_do_no_harm(self):
        with Daemon(FILES) as d:
            silent = [d.connect() for _ in range(200)]
            self.assertEqual(d.get("/").body, b"hello")
            for c in silent:
                c.request("/")
            for c in silent:
                self.assertEqual(c.response().body, b"hello")
                c.close()
    def switch(self, d, listen):
        d.options["listen"] = tuple({"address": a} for a in listen)
        d.write_config()
        d.renew()

    def test_wildcard_to_one_address_and_back(self):
        """One port, without a moment in which nobody listens, and without an answer lost.

        A newcomer that connects between the last accept on the socket that is left and its close is
        reset by the kernel: one in thousands, who has got nothing yet.
        """
        with Daemon({"index.html": b"hello"}, listen=("*:0",)) as d:
            port = int(d.addresses[0].rsplit(":", 1)[1])
            done, findings, count, resets = threading.Event(), [], [0], []

            def client():
                while not done.is_set() and not findings:
                    try:
                        with harness.Client(socket.AF_INET, ("127.0.0.1", port)) as c:
                            c.request("/")
                            count[0] += self.assert_status(c.response(), 200).body == b"hello"
                    except ConnectionResetError:
                        resets.append(1)
                    except Exception as e:  # pylint: disable=broad-except
                        findings.append(repr(e))

            self.switch(d, ("*:%d" % port,))
            threads = [threading.Thread(target=client) for _ in range(4)]
            for t in threads:
                t.start()
            for _ in range(3):
                self.switch(d, ("127.0.0.1:%d" % port,))
                self.switch(d, ("*:%d" % port,))
            done.set()
            for t in threads:
                t.join(harness.DEADLINE)
            self.assertEqual(findings, [])
            print("%d connections over 6 switches of the listener, %d newcomers reset" % (
                count[0], len(resets)))
            self.assertLessEqual(len(resets), 3)


class Unix(harness.Case):
    def listening(self, path, mode=None, **more):
        entry = {"address": "unix:" + path}
        if mode:
            entry["mode"] = mode
        d = Daemon(FILES, start=False, **more)
        d.options["listen"] = (entry,)
        d.write_config()
        return d

    def setUp(self):
        # Workers and tests meet in a directory of this test alone.
        self.place = Daemon(start=False)
        self.path = os.path.join(self.place.dir, "sock")

    def tearDown(self):
        with self.place:
            pass

    def test_mode_and_removal(self):
        with self.listening(self.path, "0660") as d:
            d.start()
            st = os.stat(self.path)
            self.assertTrue(stat.S_ISSOCK(st.st_mode))
            self.assertEqual(stat.S_IMODE(st.st_mode), 0o660)
            self.assertEqual(d.get("/", family="unix").body, b"hello")
            d.stop(signal.SIGTERM)
            self.assertFalse(os.path.exists(self.path))

    def test_abstract(self):
        name = "@tined-it-%d" % os.getpid()
        with self.listening(name) as d:
            d.start()
            with harness.Client(socket.AF_UNIX, "\0" + name[1:]) as c:
                c.request("/")
                self.assertEqual(c.response().body, b"hello")

    def test_a_stale_socket_is_replaced(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path)
        with self.listening(self.path) as d:
            d.start()
            self.assertEqual(d.get("/", family="unix").body, b"hello")

    def test_a_socket_in_use_is_not_replaced(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path)
            s.listen()
            with self.listening(self.path, expect_status=1) as d:
                d.start(wait_ready=False)
                d.wait_exit()
            with socket.socket(socket.AF_UNIX) as c:
                c.connect(self.path)

    def test_another_file_is_not_replaced(self):
        with open(self.path, "w", encoding="utf-8") as f:
            f.write("precious")
        with self.listening(self.path, expect_status=1) as d:
            d.start(wait_ready=False)
            d.wait_exit()
        with open(self.path, encoding="utf-8") as f:
            self.assertEqual(f.read(), "precious")


class Systemd(harness.Case):
    def test_a_socket_by_name(self):
        d = Daemon(FILES, start=False)
        with d, socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            d.options["listen"] = ({"address": "systemd:http"},)
            d.write_config()
            # As systemd does it: fd 3, and LISTEN_PID is the daemon's own.
            shell = 'exec env LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http "$@" 3<&%d' % s.fileno()
            d.command = ["bash", "-c", shell, "bash", harness.TINED, "run", "-c", d.config_path]
            d.pass_fds = (s.fileno(),)
            d.start()
            with harness.Client(socket.AF_INET, s.getsockname()) as c:
                c.request("/")
                self.assertEqual(c.response().body, b"hello")


if __name__ == "__main__":
    harness.main()

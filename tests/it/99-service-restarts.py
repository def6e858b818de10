#!/usr/bin/env python3
"""Goal: over a restart of the service no listener is closed, no total is lost, and the store holds what it must."""

import json
import os
import re
import signal
import socket
import threading

import harness
import totals
from harness import wait_until
from manager import Service


class Store(Service):
    def restart(self, d):
        """Does as systemctl restart: the next process gets all that was stored."""
        if d.process is not None:
            d.stop(signal.SIGTERM)
        mark = self.manager.mark()
        sockets = [(name, os.fdopen(os.dup(fd), "rb")) for name, fd in self.manager.stored().items()]
        self.manager.prepare(d, sockets=sockets, program=self.program)
        d.start()
        self.manager.wait("READY", "1", mark)
        for _, s in sockets:
            s.close()
        return mark

    def names(self):
        return sorted(re.sub(r"\d+$", "N", name) for name in self.manager.stored())

    def test_a_restart_refuses_nobody(self):
        port = harness.free_port()
        d = self.service(listen=("127.0.0.1:%d" % port,))
        self.assertEqual(self.names(), ["tined-listener-N", "tined-listener-options", "tined-totals"])
        results, ended = [], threading.Event()

        def visit():
            while not ended.is_set():
                try:
                    with harness.Client(socket.AF_INET, ("127.0.0.1", port)) as c:
                        c.request("/")
                        results.append(c.response().status)
                except (OSError, AssertionError) as e:
                    results.append(repr(e))
        visitors = [threading.Thread(target=visit) for _ in range(4)]
        for v in visitors:
            v.start()
        try:
            for _ in range(3):
                seen = len(results)
                mark = self.restart(d)
                wait_until(lambda: len(results) > seen + 20, "visitors")
                self.assertEqual([m for m in self.manager.messages[mark:] if "listener" in m.fields.get("FDNAME", "")],
                                 [])
        finally:
            ended.set()
            for v in visitors:
                v.join()
        self.assertEqual(set(results), {200}, "%d visits" % len(results))
        self.assertNotIn("another", d.log)

    def test_listeners_come_and_go(self):
        ports = [harness.free_port() for _ in range(3)]
        listen = ["127.0.0.1:%d" % p for p in ports]
        d = self.service(listen=listen[:2])
        before = self.manager.stored()
        d.options["listen"] = tuple({"address": a} for a in listen[1:])
        d.write_config()
        mark = self.manager.mark()
        d.send_signal(signal.SIGHUP)
        self.manager.wait("READY", "1", mark)
        after = self.manager.stored()
        self.assertEqual(len(set(before) & set(after)), 3)  # one listener, the notes and the totals
        self.assertEqual(self.names(), ["tined-listener-N"] * 2 + ["tined-listener-options", "tined-totals"])
        # A listener that a new start does not want is dropped, and its port is free.
        d.stop(signal.SIGTERM)
        d.options["listen"] = ({"address": listen[2]},)
        d.write_config()
        self.restart(d)
        self.assertEqual(self.names(), ["tined-listener-N", "tined-listener-options", "tined-totals"])
        self.assertEqual(d.addresses, [listen[2]])

    def test_of_a_socket_unit_nothing_is_stored(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            d = self.service(sockets=[("http", s)], listen=("systemd:http",))
        self.assertEqual(self.names(), ["tined-listener-options", "tined-totals"])
        self.assert_status(d.get("/"), 200)

    def test_an_upgrade_with_a_socket_that_has_no_name(self):
        with socket.socket() as nameless, socket.socket() as named:
            for s in (nameless, named):
                s.bind(("127.0.0.1", 0))
                s.listen()
            d = self.service(sockets=[("", nameless), ("http", named)], listen=("systemd:http",))
        mark = self.manager.mark()
        d.send_signal(signal.SIGUSR2)
        self.manager.wait("RELOADING", "1", mark)
        self.manager.wait("READY", "1", mark)
        d.wait_log("ready: generation 2")
        self.assert_status(d.get("/"), 200)

    def test_an_upgrade_keeps_the_store(self):
        d = self.service(listen=("127.0.0.1:%d" % harness.free_port(),))
        before = self.manager.stored()
        mark = self.manager.mark()
        d.send_signal(signal.SIGUSR2)
        self.manager.wait("RELOADING", "1", mark)
        self.manager.wait("READY", "1", mark)
        self.assertEqual(sorted(self.manager.stored()), sorted(before))
        self.restart(d)
        self.assert_status(d.get("/"), 200)

    def test_totals_go_on_in_a_program_with_other_counters(self):
        d = self.service(listen=("127.0.0.1:%d" % harness.free_port(),))
        control = os.path.join(d.dir, "control.sock")
        d.options["control"] = control
        d.write_config()
        self.restart(d)
        for program in totals.programs():
            totals.visit(d)
            before = totals.ask(control)
            d.stop(signal.SIGTERM)
            self.program = program
            self.restart(d)
            self.assertEqual(totals.is_more(control), program == totals.MORE)
            self.assertEqual(totals.ask(control), before)
        self.assertEqual(before["requests"], 4 * totals.VISITS)

    def test_totals_go_on(self):
        d = self.service(listen=("127.0.0.1:%d" % harness.free_port(),))
        control = os.path.join(d.dir, "control.sock")
        d.options["control"] = control
        d.write_config()
        d.stop(signal.SIGTERM)
        for start in range(3):
            self.restart(d)
            for _ in range(5):
                d.get("/")
            p = harness.run_tined("status", "--json", "-s", control)
            self.assertEqual(json.loads(p.stdout)["requests"], 5 * (start + 1))
            d.stop(signal.SIGTERM)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Goal: it never hangs up on anyone: reloads, deaths, changes of listeners and stops under load.

tests/soak/visitors keeps connections of every kind open, idle ones, pipelining ones, some with half
a request sent, slow downloads, and counts by cause what is done to them. The same visitors, at
servers that hang up and at a tined that is kept from handing over, count something.

TINED_TEST_LONG=1 is the long form (./dev soak hangup): 10,000 idle connections, 20 reloads, 5
upgrades.
"""

import contextlib
import os
import signal
import time
import unittest

import figures
import harness
import visits
from harness import wait_until
from machine import Machine
from visits import ACTIVE, Lighttpd, Nginx, Table, Tined, Visitors

LONG = os.environ.get("TINED_TEST_LONG") == "1"
IDLE = visits.most_idle(10000 if LONG else 600)
RELOADS = 20 if LONG else 4
UPGRADES = 5 if LONG else 1
KILLS = 20 if LONG else 2
CHANGES = 5 if LONG else 1
# Times are measured with a plain build only.
SANITIZED = figures.is_sanitized()
long_only = unittest.skipUnless(LONG, "a part of the long form")
table = Table()


class HangsUp(harness.Case):
    def assert_none(self, report, what):
        self.assertEqual(visits.failures(report), {}, what)

    @classmethod
    def tearDownClass(cls):
        if table.rows:
            print("\n" + str(table), flush=True)
            table.rows.clear()


class Reloads(HangsUp):
    # The events that the server goes through: the name of a method each.
    events = (["reload"] * (RELOADS // 2) + ["reload_badly"] + ["upgrade", "reload"] * UPGRADES +
              ["reload"] * (RELOADS - RELOADS // 2 - UPGRADES))

    def visit(self, server, what, idle=IDLE, events=None):
        with Visitors(server.addresses, idle=idle, **ACTIVE) as v:
            before = server.figures() if isinstance(server, Tined) else None
            for event in events or self.events:
                getattr(server, event)()
                time.sleep(0.05)
            v.ask()
            if before:  # the master looks once a second which ways between workers are of no use any more
                wait_until(lambda: server.figures()[0] <= before[0], "level descriptors", visits.PATIENCE)
            after = server.figures() if isinstance(server, Tined) else None
            report = v.end()
        done = events or self.events
        note = "%d idle, %d reloads, %d upgrades" % (idle, done.count("reload"), done.count("upgrade"))
        if before:
            note += "; old workers gone after %d ms at most" % (1e3 * server.slowest_end)
            note += "; descriptors %d+%d, then %d+%d; kB %d+%d, then %d+%d" % (
                before[0], before[1], after[0], after[1], before[2], before[3], after[2], after[3])
        table.add(what, report, note)
        return report, before, after

    def assert_level(self, before, after):
        """Of the master and of all workers: descriptors, and (in a plain build) memory."""
        self.assertLessEqual(after[0], before[0])  # whoever asked for the first roots may be there before
        # Those who come afresh come and go; files are kept open or not.
        self.assertLessEqual(abs(after[1] - before[1]), 40)
        if not SANITIZED:
            self.assertLessEqual(after[2], before[2] + 400)
            self.assertLessEqual(after[3], before[3] * 1.25 + 1500)

    def check(self, what, **shape):
        with Tined(**shape) as d:
            report, before, after = self.visit(d, what)
            self.assert_none(report, what)
            self.assert_level(before, after)

    def test_two_processes(self):
        self.check("tined, 2 processes", workers=2)

    def test_four_threads(self):
        self.check("tined, 4 threads", workers=1, threads=4)

    def test_quick_ones(self):
        """The next one comes before the last has handed over; one signal may stand for several."""
        with Tined(workers=2) as d, Visitors(d.addresses, idle=IDLE, **ACTIVE) as v:
            for _ in range(10 * RELOADS):
                d.send_signal(signal.SIGHUP)
                time.sleep(0.01)
            wait_until(lambda: len(d.workers()) == 2, "old workers to end", visits.PATIENCE)
            v.ask()
            report = v.end()
            table.add("tined, reloads 10 ms apart", report, "%d generations" % visits.log_count(
                d, "ready: generation"))
            self.assert_none(report, "quick reloads")

    def test_while_hardly_any_time_passes(self):
        """Nobody waits for a tick of a second: all are handed over and answered, and the old workers end,
        within a tenth of it. A loop that has its share leaves the next to the others for 1 ms."""
        machine = Machine()
        with Tined(workers=2, machine=machine) as d:
            with Visitors(d.addresses, idle=20, plain=8, pipelining=8, halting=8) as v:
                with machine.creeping(0.1):
                    d.reload()
                    answers = v.report()["answers"]
                    wait_until(lambda: v.report()["answers"] > answers + 100, "answers")
                    v.ask()
                    self.assert_none(v.end(), "while hardly any time passes")

    @unittest.skipIf(SANITIZED, "libraries cannot be put before a sanitizer's")
    def test_control(self):
        """These visitors do notice: without the handoff, connections are closed."""
        with Tined(hands_over=False, workers=2, drain="300ms") as d:
            report, _, _ = self.visit(d, "tined, kept from handing over", idle=100, events=["reload"] * 2)
            self.assertGreaterEqual(report["fin_idle"], 100)
            self.assertGreater(report["short"] + report["rst"] + report["fin_asked"], 0)

    def compare(self, other):
        if not other.path():
            self.skipTest("no %s here" % other.program)
        with other() as server:
            report, _, _ = self.visit(server, server.name, idle=min(IDLE, other.most_idle), events=["reload"] * (RELOADS if LONG else 1))
            self.assertGreater(sum(visits.failures(report).values()), 0)

    def test_nginx(self):
        self.compare(Nginx)

    @long_only
    def test_lighttpd(self):
        self.compare(Lighttpd)


class Deaths(HangsUp):
    """A worker that dies or hangs takes its own connections with it, and no others."""

    def shares(self, d, fixed):
        return {pid: visits.connections_of(pid, fixed) for pid in d.workers()}

    def test_killed(self):
        with Tined(workers=4) as d:
            fixed = visits.sockets_without_connections(d.workers())
            with Visitors(d.addresses, idle=min(IDLE, 1000), **ACTIVE) as v:
                lost, largest = 0, []
                for _ in range(KILLS):
                    shares = self.shares(d, fixed)
                    largest.append(max(shares.values()) / (sum(shares.values()) / len(shares)))
                    victim = max(shares, key=shares.get)
                    before = sum(visits.failures(v.report()).values())
                    os.kill(victim, signal.SIGKILL)
                    wait_until(lambda: len(d.workers()) == 4 and victim not in d.workers(), "a new worker")
                    time.sleep(1 if LONG else 0.5)
                    report = v.report()
                    failed = sum(visits.failures(report).values()) - before
                    # Those who come afresh may have come to it between the look and the kill.
                    self.assertLessEqual(failed, shares[victim] + ACTIVE["fresh"])
                    self.assertEqual(report["refused"], 0)
                    lost += failed
                v.ask()
                report = v.end()
            table.add("tined, workers killed", report, "%d kills, %d connections lost, largest share %.3f "
                      "of the mean" % (KILLS, lost, max(largest)))
            # A worker that other programs keep from running leaves its share to the rest.
            self.assertLessEqual(min(largest), 1.15)
            self.assertEqual({c: report[c] for c in ("byte", "status", "told", "never", "refused")},
                             dict.fromkeys(("byte", "status", "told", "never", "refused"), 0))

    def test_stopped(self):
        """Nothing that waits in the queue is lost, and who belongs to another worker notices nothing."""
        with Tined(workers=4) as d:
            fixed = visits.sockets_without_connections(d.workers())
            with Visitors(d.addresses, **dict(ACTIVE, downloading=0)) as v:
                shares = self.shares(d, fixed)
                victim = max(shares, key=shares.get)
                with visits.stopped(victim):
                    time.sleep(3 if LONG else 1.2)
                    report = v.report()
                    # Its own, and those who came afresh and were already its.
                    stuck = sum(report[role]["stuck"] for role in ACTIVE)
                    held = visits.connections_of(victim, fixed)
                    answers = report["answers"]
                    wait_until(lambda: v.report()["answers"] > answers, "answers of the others")
                report = v.end()
            table.add("tined, a worker stopped", report, "%d of %d wait, the worker has %d" % (
                stuck, sum(shares.values()), held))
            self.assertEqual(visits.failures(report), {})
            self.assertLessEqual(stuck, held)

    def test_killed_in_a_handover(self):
        """Old ones and new ones die while connections are on their way: what they hold is lost, what
        is on its way is not."""
        with Tined(workers=4) as d:
            with Visitors(d.addresses, idle=min(IDLE, 2000), **ACTIVE) as v:
                for i in range(KILLS):
                    d.reload(wait_for_end=False)
                    workers = d.workers()
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(workers[i % len(workers)], signal.SIGKILL)
                    wait_until(lambda: len(d.workers()) == 4, "the workers of one generation")
                v.ask()
                report = v.end()
            table.add("tined, killed in a handover", report)
            self.assertEqual({c: report[c] for c in ("byte", "status", "told", "never", "refused")},
                             dict.fromkeys(("byte", "status", "told", "never", "refused"), 0))


class Listeners(HangsUp):
    def test_added_and_removed(self):
        """0 failed on those that stay; on one that is removed those who are there stay as well."""
        kept, changing = ("127.0.0.1:0", visits.unix_name()), "127.0.0.1:%d" % harness.free_port()
        with Tined(workers=2, listen=kept) as d, Visitors(d.addresses, idle=100, **ACTIVE) as v:
            few = [{"address": a} for a in d.addresses]
            for i in range(CHANGES):
                d.options["listen"] = tuple(few + [{"address": changing}])
                d.write_config()
                d.reload()
                with Visitors([changing], idle=50, plain=8, pipelining=8, halting=8, downloading=2) as w:
                    time.sleep(0.2)
                    d.options["listen"] = tuple(few)
                    d.write_config()
                    d.reload(wait_for_end=False)
                    address = harness.socket.AF_INET, ("127.0.0.1", int(changing.rpartition(":")[2]))
                    wait_until(lambda: harness.is_refused(address), "the listener to close")
                    w.ask()
                    removed = w.end()
                self.assert_none(removed, "on the removed one")
                if i == 0:
                    table.add("tined, on a removed listener", removed)
            report = v.end()
            table.add("tined, on those that stay", report, "%d times one added and removed" % CHANGES)
            self.assert_none(report, "on those that stay")


    @long_only
    def test_wildcard_and_specific(self):
        """From every address to one, and back: who is there stays, and comes in all the time."""
        port = harness.free_port()
        wide, narrow = "*:%d" % port, "127.0.0.1:%d" % port
        with Tined(workers=2, listen=(wide,)) as d, Visitors([narrow], idle=100, **ACTIVE) as v:
            for i in range(2 * CHANGES):
                d.options["listen"] = ({"address": wide if i % 2 else narrow},)
                d.write_config()
                d.reload()
            v.ask()
            report = v.end()
        table.add("tined, wildcard to specific and back", report)
        self.assertEqual({c: n for c, n in visits.failures(report).items() if c != "rst_new"}, {})


class Stops(HangsUp):
    def check_end(self, d, number, what):
        """Downloads are finished, whoever waits is sent away in order."""
        with Visitors(d.addresses, idle=50, **dict(ACTIVE, downloading=8, fresh=0)) as v:
            workers = d.workers()
            time.sleep(0.3)
            d.send_signal(number)
            harness.wait_gone([d.pid] + workers, visits.PATIENCE)
            report = v.end()
        table.add(what, report, "all are sent away, none is cut")
        for cause in ("short", "rst", "byte", "status"):
            self.assertEqual(report[cause], 0, cause)
        return report

    @long_only
    def test_stop(self):
        with Tined(workers=2, large=2 << 20) as d:
            self.check_end(d, signal.SIGTERM, "tined, stopped")
            self.assertEqual(d.wait_exit(), 0)

    def test_stop_in_a_handover(self):
        with Tined(workers=2, large=2 << 20) as d:
            d.reload(wait_for_end=False)
            self.check_end(d, signal.SIGTERM, "tined, stopped in a handover")
            self.assertEqual(d.wait_exit(), 0)

    def test_master_is_killed(self):
        """Its workers go on to the end of what they have, and the next one has the ports."""
        port = harness.free_port()
        listen = ("127.0.0.1:%d" % port, "[::1]:%d" % port)
        machine = Machine()
        d = Tined(workers=2, listen=listen, machine=machine, expect_status=-signal.SIGKILL)
        with d:
            with Visitors(d.addresses, idle=50, **dict(ACTIVE, downloading=8, fresh=0)) as v:
                workers = d.workers()
                time.sleep(0.3)
                with machine.standing_still():
                    os.kill(d.pid, signal.SIGKILL)
                    silent = d.connect()
                machine.jump(1)  # TCP_DEFER_ACCEPT does not let it in by itself before the port is closed
                wait_until(lambda: harness.is_refused(d.address()), "the workers to close the port")
                began = time.monotonic()
                with Tined(workers=2, large=2 << 20, listen=listen):
                    self.assertTrue(any(map(harness.is_alive, workers)), "downloads had ended already")
                    silent.expect_close()  # it has been accepted, though it has sent nothing
                    silent.close()
                    harness.wait_gone(workers, visits.PATIENCE)
                    took = time.monotonic() - began
                    report = v.end()
            table.add("tined, master killed", report, "old workers ended %.1f s after the next one began" % took)
            for cause in ("short", "rst", "byte", "status"):
                self.assertEqual(report[cause], 0, cause)


if __name__ == "__main__":
    harness.main()

"""Service and socket when something is wrong: the port stays open, and clients wait."""

import os
import signal
import threading
import unittest

from service import CONF, Service, get, journal, main_pid, read, show, systemctl, wait_until, workers, write


class Failures(Service):
    def test_stopped_worker_is_replaced(self):
        self.configure('workers = 2; timeouts = { watchdog = "3s"; }; '
                       'sites = ( { root = "/usr/share/tined/www"; } );')
        systemctl("reload", "tined")
        pid = main_pid()
        old = wait_until("the old workers gone", lambda: len(workers()) == 2 and workers())
        os.kill(old[0], signal.SIGSTOP)
        wait_until("another worker in its place", lambda: old[0] not in workers() and len(workers()) == 2)
        self.assert_serves()
        self.assertEqual((main_pid(), show("tined.service", "NRestarts")), (pid, "0"))

    def test_killed_worker_is_replaced(self):
        pid, old = main_pid(), workers()
        os.kill(old[0], signal.SIGKILL)
        wait_until("another worker", lambda: len(workers()) == len(old) and old[0] not in workers())
        self.assert_serves()
        self.assertEqual(main_pid(), pid)

    def test_stopped_master_is_replaced(self):
        """Without signs of life systemd ends the service and starts it again."""
        self.add_drop_in("watchdog", "[Service]\nWatchdogSec=2s\n")
        systemctl("restart", "tined")
        pid = main_pid()
        os.kill(pid, signal.SIGSTOP)
        wait_until("another main process", lambda: main_pid() not in (0, pid), 60)
        self.assert_serves()
        self.assertEqual(show("tined.socket", "ActiveState"), "active")
        self.assertIn("watchdog", "".join(
            str(line.get("MESSAGE")) for line in journal("_SYSTEMD_UNIT=init.scope", "UNIT=tined.service")).lower())

    def test_crash_loop(self):
        """Killed again and again: the socket stays, and a client that came meanwhile is answered."""
        for _ in range(6):
            pid = wait_until("a main process", main_pid)
            os.kill(pid, signal.SIGKILL)
            wait_until("it is gone", lambda: main_pid() != pid)
            self.assertEqual(show("tined.socket", "ActiveState"), "active")
            self.assert_serves(timeout=30)
        self.assertNotEqual(show("tined.service", "Result"), "start-limit-hit")

    def test_broken_configuration_at_start(self):
        before = read(CONF)
        self.configure("sites = (")
        systemctl("restart", "--no-block", "tined.service")
        wait_until("three attempts", lambda: int(show("tined.service", "NRestarts")) >= 3)
        self.assertEqual(show("tined.socket", "ActiveState"), "active")
        answers = []
        client = threading.Thread(target=lambda: answers.append(get(timeout=60)[0]))
        client.start()
        write(CONF, before)
        client.join()
        self.assertEqual(answers, [200])


if __name__ == "__main__":
    unittest.main()

"""Events stand in the journal with fields that can be asked for, and with their meaning."""

import os
import signal
import unittest

from service import CONF, Service, get, journal, read, run, systemctl, wait_until, workers


class Journal(Service):
    def event(self, name, **fields):
        """The last such event of the service, with those fields."""
        matches = [f"TINED_EVENT={name}"] + [f"{key}={value}" for key, value in fields.items()]
        found = wait_until(f"the event {name}", lambda: journal(*matches))
        self.assertEqual(found[-1]["_SYSTEMD_UNIT"], "tined.service")
        self.assertRegex(found[-1]["MESSAGE_ID"], "^[0-9a-f]{32}$")
        return found[-1]

    def test_ready(self):
        systemctl("reload", "tined")
        self.assertEqual(self.event("ready", TINED_GENERATION=2)["PRIORITY"], "6")

    def test_worker_that_died(self):
        victim = workers()[0]
        os.kill(victim, signal.SIGKILL)
        self.assertEqual(self.event("worker-died", TINED_WORKER_PID=victim)["PRIORITY"], "4")

    def test_wrong_configuration(self):
        self.configure(read(CONF).decode() + "\nworker = 2;\n")
        systemctl("reload", "tined", ok=False)
        self.assertIn('"worker"', self.event("config-invalid")["MESSAGE"])
        self.assertEqual(self.event("reload-failed")["PRIORITY"], "3")

    def test_root_that_is_missing(self):
        self.configure('sites = ( { root = "/srv/nowhere"; } );')
        systemctl("reload", "tined", ok=False)
        found = self.event("root-failed", TINED_SITE="/srv/nowhere")
        self.assertEqual(found["ERRNO"], "2")

    def test_catalog(self):
        message_id = self.event("ready")["MESSAGE_ID"]
        self.assertIn("tined", run("journalctl", "--list-catalog", message_id).stdout)

    def test_access_log_in_the_journal(self):
        self.configure('log = { access = "journal"; }; sites = ( { root = "/usr/share/tined/www"; } );')
        systemctl("reload", "tined")
        get("/?in-the-journal")
        wait_until("the request", lambda: "?in-the-journal" in
                   run("journalctl", "--no-pager", "-o", "cat", "-u", "tined").stdout)


if __name__ == "__main__":
    unittest.main()

"""The installed package: serves its page, says how it is, and is as contained as it claims."""

import os
import stat
import unittest

from service import Service, get, main_pid, read, run, systemctl, wait_until


class Install(Service):
    def test_default_page_over_both_families(self):
        for host in "127.0.0.1", "::1":
            with self.subTest(host=host):
                self.assert_serves(host=host)

    def test_enabled_and_active(self):
        for unit in "tined.socket", "tined.service":
            self.assertEqual(systemctl("is-enabled", unit).stdout.strip(), "enabled")
            self.assertEqual(systemctl("is-active", unit).stdout.strip(), "active")

    def test_status_is_readable(self):
        text = systemctl("status", "--no-pager", "--full", "tined.service").stdout
        self.assertIn("Active: active (running)", text)
        self.assertIn("TriggeredBy: ● tined.socket", text)
        self.assertRegex(text, r'Status: ".+"')

    def test_runs_as_its_user_with_nothing_else(self):
        with open(f"/proc/{main_pid()}/status") as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f)
        self.assertNotEqual(status["Uid"].split()[0], "0")
        self.assertEqual(status["CapEff"], "0" * 16)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["Seccomp"], "2")

    def test_exposure(self):
        self.assertLessEqual(self.exposure(), 0.4)

    def test_units_are_understood(self):
        for unit in "tined.socket", "tined.service", "tined@x.service":
            found = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit, ok=False)
            self.assertEqual((found.returncode, found.stderr), (0, ""))

    def test_autopkgtest(self):
        run("sh", "/check/autopkgtest/service")

    def test_log(self):
        log = "/var/log/tined/access.log"
        get("/?seen=here")
        wait_until("the request in the log", lambda: b"seen=here" in read(log))
        self.assertEqual(stat.S_IMODE(os.stat(log).st_mode), 0o640)
        self.assertEqual(stat.S_IMODE(os.stat("/var/log/tined").st_mode), 0o750)

    def test_logrotate(self):
        log = "/var/log/tined/access.log"
        get("/?before")
        wait_until("the request in the log", lambda: b"?before" in read(log))
        run("logrotate", "--force", "/etc/logrotate.d/tined")
        wait_until("a new log", lambda: os.path.exists(log))
        self.assertNotIn(b"?before", read(log))
        get("/?after")
        wait_until("the request in the new log", lambda: b"?after" in read(log))


if __name__ == "__main__":
    unittest.main()

"""The package when the port is taken, and when it goes."""

import glob
import os
import socket
import unittest

from service import Service, get, run, systemctl


class Package(Service):
    def test_port_taken_at_install(self):
        run("dpkg", "--purge", "tined")
        listener = socket.create_server(("", 80))
        self.addCleanup(listener.close)
        done = run("dpkg", "-i", "/check/tined.deb")
        self.assertEqual(done.stderr.count("is in use by"), 1)
        self.assertIn(f"port 80 is in use by python3 (process {os.getpid()})", done.stderr)
        self.assertEqual(run("dpkg-query", "-W", "-f", "${Status}", "tined").stdout, "install ok installed")
        listener.close()
        systemctl("start", "tined.socket", "tined.service")
        self.assert_serves()

    def test_remove_and_purge(self):
        get()
        run("dpkg", "--remove", "tined")
        self.assertEqual(run("pgrep", "-x", "tined", ok=False).stdout, "")
        self.assertFalse(os.path.exists("/run/tined"))
        self.assertTrue(os.path.exists("/etc/tined/tined.conf"))
        run("dpkg", "--purge", "tined")
        left = [path for pattern in ("/etc/**/*tined*", "/var/log/tined*", "/run/tined*", "/usr/**/*tined*",
                                     "/var/lib/systemd/**/*tined*", "/lib/systemd/**/*tined*")
                for path in glob.glob(pattern, recursive=True) if not path.startswith("/run/tined-check")]
        self.assertEqual(left, [])
        self.assertNotIn("failed", systemctl("--failed", "--no-legend").stdout)
        self.addCleanup(run, "dpkg", "-i", "/check/tined.deb")

    def restore(self):
        if not os.path.exists("/usr/sbin/tined"):
            run("dpkg", "-i", "/check/tined.deb")
        super().restore()


if __name__ == "__main__":
    unittest.main()

"""Under a steady load: restart, package upgrade, reload, and a systemd that executes itself anew cost
no connection. Debian's nginx is restarted in the same way, for comparison."""

import os
import shutil
import unittest

from load import SLOW, Download, Load
from service import DOCUMENTS, Service, main_pid, read, run, systemctl, write

SIZE = 64 << 20


class NobodyIsLost(Service):
    def under_load(self, action, port=80):
        with Load(port=port) as load:
            for _ in range(3):
                action()
                load.await_answers(200)
        print(f"\n    {self.id().split('.')[-1]}: {load}", flush=True)
        return load

    def next_version(self):
        """The same package with a higher version: dpkg puts new files in the place of the old."""
        self.version = getattr(self, "version", 1) + 1
        shutil.rmtree("/check/next", ignore_errors=True)
        run("dpkg-deb", "-R", "/check/tined.deb", "/check/next")
        control = read("/check/next/DEBIAN/control").decode()
        write("/check/next/DEBIAN/control",
              control.replace("\nVersion: ", f"\nVersion: {self.version}:"))
        run("dpkg-deb", "--build", "--root-owner-group", "/check/next", "/check/next.deb")
        run("dpkg", "-i", "/check/next.deb")

    def test_restart(self):
        load = self.under_load(lambda: systemctl("restart", "tined"))
        self.assertEqual(load.lost, {})

    def test_reload(self):
        load = self.under_load(lambda: systemctl("reload", "tined"))
        self.assertEqual((load.lost, load.closed, load.slow), ({}, 0, 0))

    def test_package_upgrade(self):
        pid = main_pid()
        load = self.under_load(self.next_version)
        self.assertEqual((load.lost, load.closed, load.slow), ({}, 0, 0))
        self.assertEqual(main_pid(), pid)
        self.assertNotIn("(deleted)", os.readlink(f"/proc/{pid}/exe"))
        self.addCleanup(run, "dpkg", "-i", "--force-downgrade", "/check/tined.deb")

    def test_daemon_reexec(self):
        load = self.under_load(lambda: systemctl("daemon-reexec"))
        self.assertEqual((load.lost, load.closed), ({}, 0))

    def test_beside_a_long_download(self):
        os.makedirs(DOCUMENTS, exist_ok=True)
        shutil.copy("/usr/share/tined/www/index.html", DOCUMENTS)
        with open(f"{DOCUMENTS}/large", "wb") as f:
            f.truncate(SIZE)
        self.configure(f'sites = ( {{ root = "{DOCUMENTS}"; }} );')
        systemctl("reload", "tined")
        download = Download("/large", SIZE, 20)
        download.start()
        load = self.under_load(lambda: (systemctl("reload", "tined"), run("tined", "upgrade")))
        self.assertTrue(download.is_alive(), "over before the last upgrade")
        download.join()
        self.assertEqual((download.received, download.error), (SIZE, None))
        self.assertEqual(load.lost, {})
        self.assertLess(load.slowest, SLOW)

    def test_nginx_for_comparison(self):
        run("sed", "-i", "s/listen 80 /listen 8081 /; s/listen \\[::\\]:80 /listen [::]:8081 /",
            "/etc/nginx/sites-available/default")
        systemctl("unmask", "nginx")
        systemctl("start", "nginx")
        self.addCleanup(systemctl, "stop", "nginx")
        load = self.under_load(lambda: systemctl("restart", "nginx"), port=8081)
        self.assertGreater(load.answered, 0)


if __name__ == "__main__":
    unittest.main()

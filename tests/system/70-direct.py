"""The service that opens its ports by itself, and instances, which do the same."""

import os
import unittest

from load import Load
from service import DROP_INS, Service, run, systemctl, write


class Direct(Service):
    def setUp(self):
        super().setUp()
        systemctl("disable", "--now", "tined.socket")
        os.makedirs(DROP_INS, exist_ok=True)
        os.symlink("/usr/lib/systemd/system/tined@.service.d/20-direct.conf", f"{DROP_INS}/direct.conf")
        systemctl("daemon-reload")
        systemctl("restart", "tined.service")

    def test_serves_by_itself(self):
        self.assertEqual(systemctl("is-active", "tined.socket", ok=False).stdout.strip(), "inactive")
        for host in "127.0.0.1", "::1":
            self.assert_serves(host=host)
        systemctl("reload", "tined")
        run("tined", "upgrade")
        self.assert_serves()

    def test_exposure(self):
        self.assertLessEqual(self.exposure(), 1.6)

    def test_restart_under_load(self):
        """systemd keeps the sockets that the service opened by itself."""
        with Load() as load:
            for _ in range(3):
                systemctl("restart", "tined")
                load.await_answers(200)
        print(f"\n    restart: {load}", flush=True)
        self.assertEqual(load.lost, {})

    def test_reload_and_upgrade_under_load(self):
        with Load() as load:
            systemctl("reload", "tined")
            run("tined", "upgrade")
        self.assertEqual((load.lost, load.closed), ({}, 0))


class Instances(Service):
    def setUp(self):
        super().setUp()
        self.addCleanup(os.remove, "/etc/tined/docs.conf")
        write("/etc/tined/docs.conf", 'listen = ( { address = "*:81"; } ); '
              'sites = ( { root = "/usr/share/tined/www"; } );')
        systemctl("start", "tined@docs")
        self.addCleanup(systemctl, "stop", "tined@docs")

    def test_beside_the_main_service(self):
        self.assert_serves(port=81)
        self.assert_serves(port=80)
        run("tined", "status", "-s", "/run/tined/docs/control.sock")
        systemctl("reload", "tined@docs")
        self.assert_serves(port=81)

    def test_main_service_stops_without_it(self):
        systemctl("stop", "tined.socket", "tined.service")
        run("tined", "status", "-s", "/run/tined/docs/control.sock")
        self.assert_serves(port=81)

    def test_exposure(self):
        self.assertLessEqual(self.exposure("tined@docs.service"), 1.6)


if __name__ == "__main__":
    unittest.main()

"""systemctl reload: waits, fails with the reason, and leaves what serves alone."""

import unittest

from service import CONF, DOCUMENTS, Service, get, main_pid, read, run, show, systemctl, write


class Reload(Service):
    def test_good(self):
        write(f"{DOCUMENTS}/index.html", "documents")
        self.configure(f'sites = ( {{ root = "{DOCUMENTS}"; }} );')
        pid = main_pid()
        systemctl("reload", "tined")
        self.assertEqual(get()[2], b"documents")  # at once: the reload is over
        self.assertEqual(main_pid(), pid)

    def test_bad(self):
        self.configure(read(CONF).decode() + "\nworker = 2;\n")
        done = systemctl("reload", "tined", ok=False)
        self.assertNotEqual(done.returncode, 0)
        self.assert_serves()
        self.assertEqual(show("tined.service", "ActiveState"), "active")
        status = systemctl("status", "--no-pager", "--full", "tined.service").stdout
        self.assertIn('"worker"', status)
        asked = run("tined", "reload", ok=False)
        self.assertNotEqual(asked.returncode, 0)
        self.assertIn("workers", asked.stderr)  # what was meant

    def test_bad_then_good(self):
        before = read(CONF)
        self.configure("sites = (")
        self.assertNotEqual(systemctl("reload", "tined", ok=False).returncode, 0)
        write(CONF, before)
        systemctl("reload", "tined")
        self.assert_serves()


if __name__ == "__main__":
    unittest.main()

"""With every line of the sandbox in force: listings, variants, errors of permission explained; and
documents under /home once a drop-in shows them."""

import gzip
import os
import shutil
import unittest

from service import DOCUMENTS, Service, get, run, systemctl, wait_until, write

HOME = os.path.join("/home", "somebody", "public")


class Contained(Service):
    def serve(self, text):
        self.configure(text)
        systemctl("reload", "tined")

    def test_listing_and_variants(self):
        shutil.rmtree(DOCUMENTS, ignore_errors=True)
        write(f"{DOCUMENTS}/list/one", "1")
        write(f"{DOCUMENTS}/app.js", "plain " * 1000)
        run("tined", "precompress", DOCUMENTS)
        self.serve(f'sites = ( {{ root = "{DOCUMENTS}"; listing = true; '
                   'precompressed = [ "zstd", "br", "gzip" ]; } );')
        self.assertIn(b"one", get("/list/")[2])
        _, headers, content = get("/app.js", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(content), b"plain " * 1000)
        for coding in "br", "zstd":
            self.assertEqual(get("/app.js", headers={"Accept-Encoding": coding})[1]["Content-Encoding"],
                             coding)

    def test_ranges_and_revalidation(self):
        write(f"{DOCUMENTS}/file", "0123456789")
        os.utime(f"{DOCUMENTS}/file", (1e9, 1e9))
        self.serve(f'sites = ( {{ root = "{DOCUMENTS}"; }} );')
        status, headers, content = get("/file", headers={"Range": "bytes=2-4"})
        self.assertEqual((status, content), (206, b"234"))
        # A file that was changed just now has no validator yet.
        etag = headers["ETag"] or wait_until("a validator", lambda: get("/file")[1]["ETag"])
        self.assertEqual(get("/file", headers={"If-None-Match": etag})[0], 304)

    def test_openat2_is_not_turned_away(self):
        """Links out of the root are refused, those within are followed; by the kernel's own rule."""
        write(f"{DOCUMENTS}/inside", "in")
        for name, target in (("in", "inside"), ("out", "/etc/hostname")):
            if not os.path.islink(f"{DOCUMENTS}/{name}"):
                os.symlink(target, f"{DOCUMENTS}/{name}")
        self.serve(f'sites = ( {{ root = "{DOCUMENTS}"; }} );')
        self.assertEqual(get("/in")[2], b"in")
        self.assertNotEqual(get("/out")[0], 200)

    def test_documents_at_home(self):
        write(f"{HOME}/index.html", "at home")
        conf = f'sites = ( {{ root = "{HOME}"; }} );'
        self.configure(conf)
        self.assertNotEqual(systemctl("reload", "tined", ok=False).returncode, 0)
        self.assert_serves()
        with open("/usr/share/doc/tined/examples/home.conf", encoding="utf-8") as f:
            self.add_drop_in("home", f.read().replace("/home/NAME/public", HOME))
        systemctl("restart", "tined")
        self.assertEqual(get()[2], b"at home")

    def test_a_port_that_the_sandbox_forbids_is_explained(self):
        self.configure('listen = ( { address = "*:8080"; } ); '
                       'sites = ( { root = "/usr/share/tined/www"; } );')
        done = run("tined", "reload", ok=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("8080", done.stderr)
        self.assert_serves()

    def test_explain(self):
        self.assertIn("200", run("tined", "explain", "http://localhost/").stdout)


if __name__ == "__main__":
    unittest.main()

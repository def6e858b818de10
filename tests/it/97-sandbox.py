"""Goal: in the sandbox a worker does all that it is for, and the modes are what the manual says.

Both layers are on by default, so every other test runs in them too; here it is made sure that they
are there, and what needs the most of the system is done once more: listings, variants, logs in
local time, reloads, upgrades, connections handed over in the middle of a file, swapped roots.
../unit/test_sandbox.c shows, attempt by attempt, what a layer refuses.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import unittest

import harness
from harness import wait_until

LARGE = 3_000_000
FILES = {"index.html": b"hello", "app.js": b"plain", "app.js.gz": b"packed", "list/one": b"1",
         "large": b"x" * LARGE}

with open(harness.TINED, "rb") as program:
    SANITIZED = re.search(rb"__[at]san_init", program.read()) is not None


def status_of(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def said(d, layer):
    """Whether the start said that the layer is in force here."""
    d.wait_log("tined: .*" + layer)
    return re.search("tined: %s .*keeps workers to" % layer, d.log) is not None


@unittest.skipIf(SANITIZED, "a sanitizer's runtime needs more than a sandbox allows")
class Sandbox(harness.Case):
    def daemon(self, **options):
        d = harness.Daemon(FILES, start=False, **options)
        site = {"root": d.root, "listing": True, "precompressed": ["gzip"]}
        d.options.update(sites=(site,), control=os.path.join(d.dir, "control.sock"))
        d.options["log"]["access"] = d.access_path
        os.utime(d.path("app.js"), (0, 1_000_000_000))  # its sibling is newer
        self.program = os.path.join(d.dir, "tined")
        shutil.copy(harness.TINED, self.program)
        d.command = [self.program, "run", "-c", d.config_path]
        d.write_config()
        self.addCleanup(d.__exit__, None, None, None)
        return d

    def started(self, **options):
        d = self.daemon(**options)
        d.start()
        if not (said(d, "Landlock") and said(d, "seccomp")):
            self.skipTest("not to be had here")
        return d

    def order(self, d, *words):
        p = subprocess.run([harness.TINED, *words, "-s", os.path.join(d.dir, "control.sock")],
                           capture_output=True, text=True, timeout=harness.DEADLINE, check=False)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        return p.stdout

    def serves(self, d):
        self.assertEqual(d.get("/").body, b"hello")
        self.assertEqual(d.get("/app.js", fields={"Accept-Encoding": "gzip"}).body, b"packed")
        self.assertIn(b"one", d.get("/list/").body)
        self.assertEqual(len(d.get("/large").body), LARGE)
        d.write("later/made", b"new")
        self.assertEqual(d.get("/later/made").body, b"new")
        self.assert_status(d.get("/none"), 404)

    def is_inside(self, d, filters="2"):
        for pid in d.workers():
            status = status_of(pid)
            self.assertEqual((status["Seccomp"], status["NoNewPrivs"]), (filters, "1"))
        self.assertEqual(status_of(d.pid)["Seccomp"], "0")

    def nobody_died(self, d):
        self.assertNotRegex(d.log, "was killed by signal|ended by the sandbox")

    def test_serves(self):
        for threads in (1, 3):
            d = self.started(threads=threads)
            self.is_inside(d)
            self.serves(d)
            self.nobody_died(d)

    def test_generations(self):
        """Half a file is taken by one generation, the rest by the third."""
        d = self.started(workers=1)
        with d.connect(receive_buffer=4096) as c:
            c.request("/large")
            for n, order in ((2, "reload"), (3, "upgrade")):
                self.assertIn("generation %d is ready" % n, self.order(d, order))
                self.serves(d)
                wait_until(lambda: len(d.workers()) == 1, "the end of the old generation")
                self.is_inside(d)
            self.assertEqual(len(c.response().body), LARGE)
        self.nobody_died(d)

    def test_swapped_root(self):
        d = self.daemon()
        for letter in "ab":
            d.write(letter + "/file", letter.encode())
        link = d.path("current")
        os.symlink("a", link)
        d.options["sites"] = ({"root": link},)
        d.write_config()
        d.start()
        self.assertEqual(d.get("/file").body, b"a")
        os.symlink("b", link + ".new")
        os.rename(link + ".new", link)
        wait_until(lambda: d.get("/file").body == b"b", "the other tree")
        self.nobody_died(d)

    def test_log_in_local_time(self):
        """The time zone's file is out of reach of workers."""
        d = self.daemon()
        os.environ["TZ"] = "Asia/Kolkata"
        self.addCleanup(os.environ.pop, "TZ")
        if not os.path.exists("/usr/share/zoneinfo/Asia/Kolkata"):
            self.skipTest("no tzdata")
        d.start()
        d.get("/")

        def log():
            with open(d.access_path, encoding="utf-8") as f:
                return f.read()
        wait_until(lambda: "+0530]" in log(), "a line in local time")
        os.rename(d.access_path, d.access_path + ".1")
        self.order(d, "reopen")
        wait_until(lambda: d.get("/") and "+0530]" in log(), "a line in the new log")
        self.nobody_died(d)

    def test_watchdog_and_stop(self):
        """abort() and the signals that end a worker are not kept from it."""
        d = self.started(workers=1)
        victim = d.workers()[0]
        os.kill(victim, signal.SIGABRT)
        d.wait_log(r"was killed by signal %d" % signal.SIGABRT)
        wait_until(lambda: d.workers() not in ([], [victim]), "another worker")
        self.assertEqual(d.get("/").body, b"hello")

    def test_explain_tells_names(self):
        d = self.started()
        os.chmod(d.write("secret", b"x"), 0)
        text = self.order(d, "explain", "http://localhost/secret")
        if harness.IS_ROOT:
            self.assertIn("root", text)
        self.assertIn("403", text)
        self.nobody_died(d)

    @unittest.skipUnless(harness.IS_ROOT, "needs root for a mount of its own")
    def test_hidden_by_the_service_manager(self):
        """A directory that systemd has mounted something over is named, for files and for a root."""
        d = self.daemon()
        d.write("private/x", b"x")
        cover = os.path.join(d.dir, "systemd", "inaccessible", "dir")
        os.makedirs(cover)
        os.chmod(cover, 0)

        def say(program, *words):
            """Without the right to look behind what lies over "private", as in systemd's units."""
            p = subprocess.run(
                ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', cover,
                 d.path("private"), *program, *words, "-c", d.config_path],
                capture_output=True, text=True, timeout=harness.DEADLINE, check=False)
            return " ".join((p.stdout + p.stderr).split())

        said = say([harness.TINED], "explain", "http://localhost/private/x")
        self.assertIn("Permission denied (EACCES) hidden by the service's sandbox (ProtectHome=", said)
        self.assertIn("HTTP/1.1 403", said)
        d.options["sites"] = ({"root": d.path("private/site")},)
        d.write_config()
        said = say(["setpriv", "--reuid", "65534", "--clear-groups", self.program], "check")
        self.assertIn("cannot be opened: Permission denied; hidden by the service's sandbox", said)

    def test_links_to_anywhere(self):
        d = self.daemon()
        elsewhere = os.path.join(d.dir, "elsewhere")
        with open(elsewhere, "wb") as f:
            f.write(b"far away")
        os.symlink(elsewhere, d.path("link"))
        for symlinks, status in (("beneath", 403), ("any", 200)):
            d.options["sites"] = ({"root": d.root, "symlinks": symlinks},)
            d.write_config()
            if d.process is None:
                d.start()
            else:
                self.order(d, "reload")
            # Connections that the old generation had accepted are answered by its rules.
            wait_until(lambda want=status: d.get("/link").status == want, symlinks)

    def test_modes(self):
        for mode, filters, text in (("off", "0", None), ("log", "2", "only logs the system calls")):
            d = self.daemon(sandbox={"landlock": mode, "seccomp": mode})
            d.start()
            if text and "is missing" in d.log:
                self.skipTest("not to be had here")
            self.is_inside(d, filters)
            self.serves(d)
            self.assertNotIn("keeps workers to", d.log)
            if text:
                d.wait_log(text)
                d.wait_log(r"Landlock \(ABI \d+\) would keep workers")
            else:
                self.assertNotRegex(d.log, "Landlock|seccomp")

    def test_status_and_check(self):
        d = self.started()
        layers = json.loads(self.order(d, "status", "--json"))["sandbox"]
        self.assertEqual((layers["landlock"], layers["seccomp"]), ("enforce", "enforce"))
        self.assertGreater(layers["landlock_abi"], 0)
        check = harness.run_tined("check", "-c", d.config_path)
        for text in (self.order(d, "status"), check.stdout):
            self.assertIn("Landlock (ABI %d) keeps workers to" % layers["landlock_abi"], text)
            self.assertIn("seccomp keeps workers to", text)

    def test_said_once(self):
        """A reload says again what the layers are only when they have become others."""
        d = self.started()
        self.order(d, "reload")
        self.assertEqual(d.log.count("seccomp keeps workers"), 1)
        d.options["sandbox"] = {"seccomp": "log"}
        d.write_config()
        self.order(d, "reload")
        d.wait_log("seccomp only logs")


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Goal: programs that read listings find each entry once, and those that mirror fetch each listing once."""

import collections
import os
import subprocess
import unittest
import urllib.parse
import zipfile

from clients import Daemon, main, measured, run
from harness import wait_until

# Modules of the system's packages are not those of another python3 in the path.
PYTHON = "/usr/bin/python3"

NAMES = ["plain.txt", "two words.txt", "a:b.txt", "100%.txt", "Ärger.txt", "日本語.txt", "http.txt", "README"]
FOLDERS = ["sub", "sub/deeper", "a folder"]

MIRRORS = {
    "wget": lambda url, to: ["wget", "--quiet", "--recursive", "--directory-prefix", to, url],
    "wget2": lambda url, to: ["wget2", "--quiet", "--recursive", "--directory-prefix", to, url],
    "httrack": lambda url, to: ["httrack", "--quiet", "-s0", "-O", to, url],
}


def find_by_python(code):
    """A program that prints what it finds, a line each."""
    return lambda url: run(PYTHON, "-c", code, url).splitlines()


def find_by_mount(url):
    directory = run("mktemp", "-d").strip()
    with subprocess.Popen(["httpdirfs", "-f", "--cache-location", directory + "-cache", url, directory],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
        try:
            wait_until(lambda: os.path.ismount(directory) or p.poll() is not None, "the mount")
            return os.listdir(directory)
        finally:
            subprocess.run(["fusermount", "-u", directory], stderr=subprocess.DEVNULL, check=False)
            p.terminate()
            p.wait()
            os.rmdir(directory)


# Each gives the names in the directory at the address; in those of some a folder ends in a slash.
FINDERS = {
    "lftp": lambda url: run("lftp", "-c", "open '%s'; cls -1" % url).splitlines(),
    "rclone": lambda url: run("rclone", "--quiet", "lsf", ":http:", "--http-url", url).splitlines(),
    "httpdirfs": find_by_mount,
    "gdal": find_by_python("import sys; from osgeo import gdal\n"
                           "print(*gdal.ReadDir('/vsicurl/' + sys.argv[1]), sep='\\n')"),
    # It takes a relative link that begins with "http" for an absolute one.
    "fsspec": find_by_python("import sys, fsspec\n"
                             "found = fsspec.filesystem('http').glob(sys.argv[1] + '*')\n"
                             "print('http.txt', *(f[len(sys.argv[1]):] for f in found), sep='\\n')"),
}
# They show names as they are in links.
ESCAPED = ("gdal", "fsspec")


class Clients(unittest.TestCase):
    def setUp(self):
        files = dict.fromkeys(NAMES, b"content\n")
        files.update({"%s/%s" % (folder, name): b"content\n" for folder in FOLDERS for name in NAMES})
        files["README"] = b"a line of it\n" * 10000  # with a second link
        self.daemon = Daemon(files, site={"listing": True})
        self.addCleanup(self.daemon.__exit__, None, None, None)
        self.url = self.daemon.origin() + "/"

    def test_mirrors_fetch_each_listing_once(self):
        for name, command in MIRRORS.items():
            run(*command(self.url, os.path.join(self.daemon.dir, name)))
        for name in MIRRORS:
            found = sum(os.path.isfile(os.path.join(base, f)) for base, _, files in
                        os.walk(os.path.join(self.daemon.dir, name)) for f in files if f.startswith("plain"))
            self.assertEqual(found, 1 + len(FOLDERS), name)
        asked = collections.Counter((a.agent.split("/")[0], a.target) for a in self.daemon.answers())
        self.assertEqual([key for key, count in asked.items() if count > 1], [], "asked for twice")
        self.assertEqual([key for key in asked if "?" in key[1]], [], "in another order")
        listings = [key for key in asked if key[1].endswith("/")]
        self.assertEqual(len(listings), len(MIRRORS) * (1 + len(FOLDERS)))
        measured("%s: %d listings, each once" % (", ".join(MIRRORS), len(listings)))

    def test_finders_find_each_entry_once(self):
        want = sorted(NAMES + [f for f in FOLDERS if "/" not in f])
        for name, find in FINDERS.items():
            found = [f.rstrip("/") for f in find(self.url)]
            if name in ESCAPED:
                found = [urllib.parse.unquote(f) for f in found]
            with self.subTest(client=name):
                self.assertEqual(sorted(found), want)
        measured("%s: %d entries" % (", ".join(FINDERS), len(want)))

    def test_pip(self):
        """The links of a listing are candidates, as those of a simple index."""
        name = "tined_example-1.0-py3-none-any.whl"
        os.mkdir(self.daemon.path("wheels"))
        info = "tined_example-1.0.dist-info/"
        with zipfile.ZipFile(self.daemon.path("wheels/" + name), "w") as wheel:
            wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: tined-example\nVersion: 1.0\n")
            wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(info + "RECORD", "")
        to = os.path.join(self.daemon.dir, "downloads")
        run(PYTHON, "-m", "pip", "download", "--quiet", "--no-index", "--disable-pip-version-check",
            "--find-links", self.url + "wheels/", "--dest", to, "tined-example")
        self.assertEqual(os.listdir(to), [name])

    def test_uscan(self):
        for version in ("1.2", "1.9", "1.10"):
            self.daemon.write("releases/example-%s.tar.gz" % version, b"")
        directory = os.path.join(self.daemon.dir, "package", "debian")
        os.makedirs(directory)
        with open(os.path.join(directory, "watch"), "w", encoding="ascii") as f:
            f.write("version=4\n%sreleases/ example-([\\d.]+)\\.tar\\.gz\n" % self.url)
        with open(os.path.join(directory, "changelog"), "w", encoding="ascii") as f:
            f.write("example (1.0-1) unstable; urgency=low\n\n  * First.\n\n"
                    " -- A <a@example.org>  Mon, 02 Nov 2026 12:00:00 +0000\n")
        said = run("uscan", "--report", "--dehs", cwd=os.path.dirname(directory))
        self.assertIn("<upstream-version>1.10</upstream-version>", said)


if __name__ == "__main__":
    main()

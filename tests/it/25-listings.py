#!/usr/bin/env python3
"""Goal: a listing shows what is there, whatever it is called, and a large one does not hold the loop."""

import base64
import hashlib
import json
import os
import re
import subprocess
import tempfile
import unittest
import urllib.parse

import harness

LIST = os.path.join(os.path.dirname(harness.TINED), "tests", "real", "list")


def run(*words):
    return subprocess.run([LIST, *words], stdout=subprocess.PIPE, check=True).stdout


@unittest.skipUnless(os.path.exists(LIST), "no tests/real/list in the build directory")
class Listings(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="tined-it-")
        self.addCleanup(directory.cleanup)
        self.directory = os.fsencode(directory.name)

    def make(self, names):
        for name in names:
            with open(os.path.join(self.directory, name), "wb") as f:
                f.truncate(len(name))

    def entries(self, query=""):
        listing = json.loads(run(self.directory, "format=json&" + query))
        self.assertTrue(listing["complete"])
        return listing["entries"]

    def test_json_holds_every_name(self):
        names = [b"a%cb" % c for c in range(1, 256) if c != ord("/")]
        names += ["\u65e5\u672c \U0001f600".encode(), b"\xf0\x9f\x98", b"x" * 255, b'"],{\\']
        self.make(names)
        entries = self.entries()
        found = [urllib.parse.unquote_to_bytes(e["href"]) for e in entries]
        self.assertEqual(found, [b"./" + name for name in sorted(names)])
        for entry, name in zip(entries, sorted(names)):
            self.assertEqual(entry["size"], len(name))
            try:
                self.assertEqual(entry["name"], name.decode())
            except UnicodeDecodeError:
                self.assertIn("\ufffd", entry["name"])

    def test_json_says_what_it_is(self):
        os.mkdir(os.path.join(self.directory, b"folder"))
        self.make([b"file"])
        os.utime(os.path.join(self.directory, b"folder"), (0, 784111777))
        os.utime(os.path.join(self.directory, b"file"), (0, 0))
        self.assertEqual(self.entries(), [
            {"name": "folder", "type": "directory", "mtime": "1994-11-06T08:49:37Z", "href": "./folder/"},
            {"name": "file", "type": "file", "size": 4, "mtime": "1970-01-01T00:00:00Z", "href": "./file"}])

    def test_policy_lets_its_own_style_in(self):
        style = re.search(rb"<style>(.*)</style>", run(self.directory), re.S).group(1)
        digest = base64.b64encode(hashlib.sha256(style).digest())
        self.assertIn(b"style-src 'sha256-%s';" % digest, run("-p"))

    def test_large_directory(self):
        """All of it at once would take some 70 ms: by the processor's clock, for others may be busy too."""
        for i in range(20000):
            os.mknod(os.path.join(self.directory, b"entry-%06d" % (i * 7919 % 20000)))
        figures = run("-m", self.directory, "sort=time&order=desc").decode()
        longest = int(re.search(r"\((\d+) of the processor\)", figures).group(1))
        memory = int(re.search(r"(\d+) KB of memory", figures).group(1))
        self.assertLess(longest, 20000, figures)
        self.assertLess(memory, 2 * 1024, figures)


if __name__ == "__main__":
    harness.main()

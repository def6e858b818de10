#!/usr/bin/env python3
"""Goal: clients that load only what has changed of a file, by many ranges in one request, get that
and not the whole file."""

import os
import random
import unittest

from clients import Daemon, main, measured, run

MIB = 1 << 20
SIZE = 8 * MIB
CHANGES = 24


def noise(n, seed):
    return random.Random(seed).getrandbits(8 * n).to_bytes(n, "little")


class Parts(unittest.TestCase):
    def setUp(self):
        self.old = noise(SIZE, 1)
        new = bytearray(self.old)
        for i in range(CHANGES):
            at = i * (SIZE // CHANGES) + 500
            new[at:at + 20] = noise(20, i)
        self.new = bytes(new)
        self.daemon = Daemon({"new": self.new, "old": self.old})
        self.addCleanup(self.daemon.__exit__, None, None, None)

    def path(self, name):
        return os.path.join(self.daemon.dir, name)

    def check(self, name, got, want):
        """The client has the file now, and got the lesser part of it from the server."""
        with open(got, "rb") as f, open(want, "rb") as g:
            self.assertTrue(f.read() == g.read())
        answers = [a for a in self.daemon.answers() if a.method == "GET" and a.status == 206]
        size, sent = os.path.getsize(want), sum(a.sent for a in answers)
        self.assertLess(sent, size // 4)
        measured("%s: %d changes in %d bytes, %d bytes in %d answers of 206" % (
            name, CHANGES, size, sent, len(answers)))
        return answers

    def test_zsync(self):
        run("zsyncmake", "-u", "new", "-o", self.daemon.path("new.zsync"), self.daemon.path("new"))
        run("zsync", "-i", self.daemon.path("old"), "-o", "got", self.daemon.origin() + "/new.zsync",
            cwd=self.daemon.dir)
        self.check("zsync", self.path("got"), self.daemon.path("new"))

    def test_zckdl(self):
        for name in ("old", "new"):
            run("zck", "-o", self.daemon.path(name + ".zck"), self.daemon.path(name))
        run("zckdl", "-s", self.daemon.path("old.zck"), self.daemon.origin() + "/new.zck", cwd=self.daemon.dir)
        answers = self.check("zckdl", self.path("new.zck"), self.daemon.path("new.zck"))
        self.assertLess(len(answers), 10)


if __name__ == "__main__":
    main()

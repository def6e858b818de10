#!/usr/bin/env python3
"""Goal: clients that keep a copy and ask by its date (pacman, minicpan, gem, wget -N, curl -z) see each
change, however soon it comes and whatever date it has, and load nothing that they have."""

import gzip
import os
import re
import time
import unittest

from clients import Client, Daemon, archive, count_by_status, main, measured
from harness import YOUNG, wait_until

DAY = 24 * 3600


class Mirror(Client):
    """It keeps one file, unless it says otherwise."""

    # The file that is asked for by a date.
    index = "file"

    def publish(self, version):
        self.write("file", b"%d\n" % version * version)

    def kept(self):
        with open(os.path.join(self.work, "file"), encoding="ascii") as f:
            return int(f.readline())


class Wget(Mirror):
    def sync(self):
        self.run("wget", "-q", "-N", self.url + "/file")
        return self.kept()


class Curl(Mirror):
    def sync(self):
        self.run("curl", "-sS", "-f", "-R", "-z", "file", "-o", "file", self.url + "/file")
        return self.kept()


class Minicpan(Mirror):
    index = "modules/02packages.details.txt.gz"

    def publish(self, version):
        path = "N/NO/NOBODY/Tined-%d.0.tar.gz" % version
        self.write("authors/id/" + path, archive({"Tined/MANIFEST": b"MANIFEST\n"}))
        self.write("authors/id/N/NO/NOBODY/CHECKSUMS", b"$cksum = {};\n")
        for name, text in {"authors/01mailrc.txt.gz": "alias NOBODY \"Nobody <nobody@localhost>\"\n",
                           "modules/03modlist.data.gz": "\n",
                           self.index: "File: 02packages.details.txt\nLine-Count: 1\n\nTined %d.0 %s\n" % (
                               version, path)}.items():
            self.write(name, gzip.compress(text.encode()))

    def sync(self):
        cpan = os.path.join(self.work, "cpan")
        os.makedirs(cpan, exist_ok=True)
        self.run("minicpan", "-l", cpan, "-r", self.url + "/", "-q")
        return max(int(re.match(r"Tined-(\d+)", name).group(1))
                   for name in os.listdir(os.path.join(cpan, "authors/id/N/NO/NOBODY"))
                   if name.startswith("Tined"))


class Pacman(Mirror):
    index = "tined.db"

    def __init__(self, daemon):
        super().__init__(daemon)
        for name in ("db", "cache"):
            os.makedirs(os.path.join(self.work, name))
        with open(os.path.join(self.work, "pacman.conf"), "w", encoding="ascii") as f:
            f.write("[options]\nRootDir = %s\nDBPath = %s/db\nCacheDir = %s/cache\nLogFile = /dev/null\n"
                    "Architecture = x86_64\nSigLevel = Never\n[tined]\nServer = %s\n" % (
                        self.work, self.work, self.work, self.url))

    def publish(self, version):
        about = "pkgname = tined\npkgbase = tined\npkgver = %d-1\nsize = 0\narch = any\n" % version
        name = "tined-%d-1-any.pkg.tar.gz" % version
        self.write(name, archive({".PKGINFO": about.encode()}))
        self.run("repo-add", "-q", "tined.db.tar.gz", name, cwd=self.root)

    def pacman(self, *words):
        # It synchronizes for root only.
        return self.run("fakeroot", "pacman", "--config", "pacman.conf", *words)

    def sync(self):
        self.pacman("-Sy")
        version = int(re.search(r"^tined/tined (\d+)-1$", self.pacman("-Ss"), re.M).group(1))
        self.pacman("-Sw", "--noconfirm", "tined")
        return version


class Gem(Mirror):
    index = "specs.4.8.gz"

    def publish(self, version):
        source = os.path.join(self.work, "tined.gemspec")
        with open(source, "w", encoding="ascii") as f:
            f.write("Gem::Specification.new { |s| s.name = 'tined'; s.version = '%d'; s.summary = 'shows'; "
                    "s.authors = ['Nobody']; s.files = [] }\n" % version)
        os.makedirs(os.path.join(self.root, "gems"), exist_ok=True)
        self.run("gem", "build", source, "-o", os.path.join(self.root, "gems/tined-%d.gem" % version))
        self.run("gem", "generate_index", "-d", self.root)

    def sync(self):
        output = self.run("gem", "install", "--install-dir", "gems", "--no-document", "--clear-sources",
                          "--source", self.url + "/", "tined")
        return int(re.search(r"installed tined-(\d+)$", output, re.M).group(1))


class Mirrors(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(workers=1)  # one log, in the order of the requests
        self.addCleanup(self.daemon.__exit__, None, None, None)
        self.clients = [kind(self.daemon) for kind in KINDS]
        self.version = 0

    def publish(self, age=0, check=True):
        """A client after another is asked at once."""
        self.version += 1
        for client in self.clients:
            client.publish(self.version)
            self.set_age(client.root, age)
            if check:
                self.check(client)

    def set_age(self, root, age):
        """Of all files, as rsync -t gives them the dates of another host."""
        moment = time.time() - age
        for base, _, names in os.walk(root):
            for name in names if age else ():
                os.utime(os.path.join(base, name), (moment, moment))

    def check(self, client):
        with self.subTest(type(client).__name__):
            self.assertEqual(client.sync(), self.version)

    def check_unchanged(self):
        for _ in range(2):
            for client in self.clients:
                self.check(client)

    def await_next_second(self):
        now = int(time.time())
        wait_until(lambda: int(time.time()) > now, "the next second")

    def grow_old(self):
        newest = max(os.stat(os.path.join(c.root, c.index)).st_ctime for c in self.clients)
        wait_until(lambda: time.time() - newest > YOUNG, "files to grow old")

    def check_statuses(self, count, unchanged):
        """Of as many requests for each index, those for what is unchanged and old loaded nothing."""
        answers = self.daemon.answers()
        for client in self.clients:
            name = type(client).__name__
            own = [a for a in answers if a.target.startswith("/%s/" % name) and a.method == "GET"]
            index = "/%s/%s" % (name, client.index)
            with self.subTest(name):
                statuses = [a.status for a in own if a.target == index]
                self.assertEqual(len(statuses), count)
                self.assertEqual([statuses[i] for i in unchanged], [304] * len(unchanged), statuses)
            measured("%s: %s" % (name, count_by_status(own)))

    def test_soon_and_later(self):
        self.publish()
        self.await_next_second()
        self.publish()
        # Within the second of the one before, most likely: nobody may take the one for the other.
        self.publish(check=False)
        self.grow_old()
        self.check_unchanged()
        self.check_statuses(4, (3,))

    def test_dated_back(self):
        for age in (2 * DAY, DAY):
            self.publish(age)
            self.grow_old()
            self.check_unchanged()
        self.check_statuses(6, (2, 5))

    def test_older_than_before(self):
        """As after a mirror's change to another, or back to what was."""
        for age in (DAY, 2 * DAY):
            self.publish(age)
            self.grow_old()
            self.check_unchanged()
        self.check_statuses(6, (2, 5))


KINDS = (Wget, Curl, Minicpan, Pacman, Gem)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Goal: apt-cacher-ng between apt and a repository that tined serves: it asks whether a file is new by a
range of its last byte, with If-Range and a date, and each update sees what was published before it."""

import os
import random
import re
import signal
import socket
import subprocess
import time
import unittest

from clients import Daemon, count_by_status, main, measured
from debian import DISTRIBUTION, Apt, Repository
from harness import DEADLINE, wait_until

RELEASE = DISTRIBUTION + "/Release"


def free_low_port():
    """apt-cacher-ng 3.7 takes a port of more than 15 bits for a negative one, its own and the origin's."""
    while True:
        port = random.randrange(10000, 30000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class Cacher:
    """apt-cacher-ng with a directory and a port of its own."""

    def __init__(self, base):
        self.port, self.log = free_low_port(), os.path.join(base, "log")
        names = {"conf": None, "cache": "CacheDir", "log": "LogDir"}
        options = {"Port": self.port, "BindAddress": "127.0.0.1", "SupportDir": "/usr/lib/apt-cacher-ng",
                   "SocketPath": base + "/socket", "PidFile": base + "/pid", "AllowUserPorts": 0,
                   # It asks the origin at each request, where it takes 27 s else.
                   "FreshIndexMaxAge": 0}
        for name, option in names.items():
            os.makedirs(os.path.join(base, name))
            options.update({option: os.path.join(base, name)} if option else {})
        with open(os.path.join(base, "conf/acng.conf"), "w", encoding="ascii") as f:
            f.write("".join("%s: %s\n" % pair for pair in options.items()))
        self.process = subprocess.Popen(
            ["/usr/sbin/apt-cacher-ng", "-c", os.path.join(base, "conf"), "ForeGround=1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.accepts, "apt-cacher-ng on port %d" % self.port)

    def accepts(self):
        if self.process.poll() is not None:
            raise AssertionError("apt-cacher-ng ended with %d" % self.process.returncode)
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE)


class Updates(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(listen=("127.0.0.1:%d" % free_low_port(),))
        self.addCleanup(self.daemon.__exit__, None, None, None)
        self.repository = Repository(self.daemon.root, os.path.join(self.daemon.dir, "build"))
        self.cacher = Cacher(os.path.join(self.daemon.dir, "cacher"))
        self.addCleanup(self.cacher.stop)
        self.apt = Apt(os.path.join(self.daemon.dir, "apt"), self.daemon.origin(),
                       ("Acquire::http::Proxy", "http://127.0.0.1:%d" % self.cacher.port))
        self.published = 0

    def publish(self, age=0):
        """One version more, and all indices of one date: that of now, or some seconds ago, as rsync -t
        would have left them."""
        self.published += 1
        self.repository.add("tined-example", "%d.0" % self.published)
        self.repository.publish()
        directory = self.daemon.path(DISTRIBUTION)
        moment = time.time() - age
        for base, _, names in os.walk(directory):
            for name in names:
                os.utime(os.path.join(base, name), (moment, moment))

    def update(self):
        """Get or Hit, as apt says of the Release file."""
        output = self.apt.get("-o", "APT::Update::Error-Mode=any", "update")
        self.assertNotIn("Err:", output)
        self.assertNotIn("W:", output)
        place = self.apt.get("download", "--print-uris", "tined-example")
        self.assertIn("tined-example_%d.0_all.deb" % self.published, place)
        return re.search(r"^(\w+):\d+ \S+ stable Release\b", output, re.M).group(1)

    def statuses(self):
        """Of the Release file, which is asked for in each update."""
        answers = self.daemon.answers()
        measured("apt-cacher-ng: %s" % count_by_status(answers))
        return [(a.status, a.sent == 1) for a in answers if a.target == "/" + RELEASE]

    def test_twice_unchanged_between_changes(self):
        said = []
        for _ in range(3):
            self.publish()
            self.daemon.age(RELEASE, mtime=int(os.stat(self.daemon.path(RELEASE)).st_mtime))
            said += [self.update(), self.update(), self.update()]
        self.assertEqual(said, ["Get", "Hit", "Hit"] * 3)
        self.assertEqual(self.statuses(), [(200, False), (206, True), (206, True)] * 3)

    def test_dated_back(self):
        said = []
        for age in (300_000, 200_000, 100_000):
            self.publish(age)
            said += [self.update(), self.update()]
        self.assertEqual(said, ["Get", "Hit"] * 3)
        self.assertEqual(self.statuses()[::2], [(200, False)] * 3)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Goal: apt uses a package repository that tined serves: it updates, downloads, asks for no more than
what changed, and sees what is new."""

import os
import re
import signal
import unittest

from clients import Daemon, count_by_status, main, measured, run
from debian import DISTRIBUTION, Apt, Repository
from harness import wait_until

LARGE = "pool/tined-large_1.0_all.deb"
LARGE_SIZE = 24 << 20


def is_index(answer):
    return answer.target.startswith("/dists/")


class Packages(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.__exit__, None, None, None)
        self.repository = Repository(self.daemon.root, os.path.join(self.daemon.dir, "build"))
        self.repository.add("tined-example", "1.0")
        self.repository.add("tined-large", "1.0", os.urandom(LARGE_SIZE))
        self.repository.publish()
        self.daemon.age(DISTRIBUTION + "/Release", LARGE)  # a date to ask with, strong
        self.apt = Apt(os.path.join(self.daemon.dir, "apt"), self.daemon.origin())
        self.apt.get("update")

    def check_equal(self, path):
        run("cmp", path, self.daemon.path("pool/" + os.path.basename(path)))

    def test_update_and_download(self):
        self.apt.get("download", "tined-example")
        self.assertIn("Hit:", self.apt.get("update"))
        self.repository.add("tined-example", "2.0")
        self.repository.publish()
        self.assertIn("Get:", self.apt.get("update"))
        self.apt.get("download", "tined-example")
        self.assertEqual(self.apt.downloaded(), ["tined-example_1.0_all.deb", "tined-example_2.0_all.deb"])
        for name in self.apt.downloaded():
            self.check_equal(os.path.join(self.apt.work, "downloads", name))
        self.check_answers(self.daemon.answers())

    def check_answers(self, answers):
        # The repository is not signed: InRelease and Release.gpg are asked for each time in vain.
        missing = [a for a in answers if a.status == 404]
        self.assertEqual({os.path.basename(a.target) for a in missing}, {"InRelease", "Release.gpg"})
        found = [a for a in answers if a.status != 404]
        indices = [(a.status, re.sub("[0-9a-f]{128}", "HASH", a.target[len(DISTRIBUTION) + 2:]))
                   for a in found if is_index(a)]
        by_hash = "main/binary-all/by-hash/SHA512/HASH"
        self.assertEqual(indices, [(200, "Release"), (200, by_hash), (304, "Release"),
                                   (200, "Release"), (200, by_hash)])
        self.assertEqual([a.status for a in found if not is_index(a)], [200, 200])
        measured("apt-get update, download, update (304), update of what is new, download: %s, %d bytes" % (
            count_by_status(answers), sum(a.sent for a in answers)))

    def test_broken_off_twice(self):
        # By the end of the worker that sends. apt asks for the rest with If-Range and a date: that of
        # the last answer, which a 206 to If-Range has as well.
        partial = os.path.join(self.apt.work, "cache/archives/partial", os.path.basename(LARGE))
        p = self.apt.start("-o", "Acquire::Retries=5", "-o", "Acquire::Retries::Delay=false",
                           "-o", "Acquire::http::Dl-Limit=4000", "-o", "Debug::Acquire::http=1",
                           "--yes", "--download-only", "install", "tined-large")
        for size in (LARGE_SIZE // 8, LARGE_SIZE // 2):
            wait_until(lambda: os.path.exists(partial) and os.path.getsize(partial) > size, partial)
            for worker in self.daemon.workers():
                os.kill(worker, signal.SIGKILL)
        output = p.communicate()[0].decode()
        self.assertEqual(p.returncode, 0, output)
        self.check_equal(partial.replace("/partial", ""))
        self.assertEqual(re.findall(r"^HTTP/1.1 (\d+)", output, re.M), ["200", "206", "206"])
        begins = re.findall(r"^Range: bytes=(\d+)-", output, re.M)
        measured("apt-get, broken off twice: 200, 206 from %s on by If-Range with a date, and again "
                 "from %s on; %d bytes, equal" % (begins[0], begins[-1], LARGE_SIZE))


if __name__ == "__main__":
    main()

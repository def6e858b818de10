#!/usr/bin/env python3
"""Goal: apt uses a package repository that tined serves: it updates, downloads, asks for no more than
what changed, and sees what is new."""

import hashlib
import os
import re
import signal
import subprocess
import unittest

from clients import Daemon, count_by_status, main, measured, run
from harness import wait_until

DISTRIBUTION = "dists/stable"
INDEX = DISTRIBUTION + "/main/binary-all/"
LARGE = "pool/tined-large_1.0_all.deb"
LARGE_SIZE = 24 << 20


def make_package(pool, work, name, version, content):
    root = os.path.join(work, name)
    os.makedirs(os.path.join(root, "DEBIAN"), exist_ok=True)
    with open(os.path.join(root, "DEBIAN/control"), "w", encoding="utf-8") as f:
        f.write("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@localhost>\n"
                "Description: shows that apt finds it\n" % (name, version))
    with open(os.path.join(root, "content"), "wb") as f:
        f.write(content)
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", root, pool)


class Repository:
    """A pool with the indices that apt-ftparchive makes, also by the hash of their content."""

    def __init__(self, root, work):
        self.root, self.work = root, work
        os.makedirs(os.path.join(root, "pool"))
        os.makedirs(os.path.join(root, INDEX, "by-hash/SHA512"))

    def add(self, name, version, content=b"content"):
        make_package(os.path.join(self.root, "pool"), self.work, name, version, content)

    def write(self, name, content):
        """Renamed into place, as whoever updates a repository that is in use should."""
        path = os.path.join(self.root, name)
        with open(path + ".new", "wb") as f:
            f.write(content)
        os.rename(path + ".new", path)

    def write_index(self, name, content):
        self.write(INDEX + name, content)
        self.write(INDEX + "by-hash/SHA512/" + hashlib.sha512(content).hexdigest(), content)

    def publish(self):
        packages = self.ftparchive("packages", "pool")
        self.write_index("Packages", packages)
        self.write_index("Packages.xz", subprocess.run(
            ["xz", "-c"], input=packages, stdout=subprocess.PIPE, check=True).stdout)
        about = {"Suite": "stable", "Codename": "stable", "Components": "main", "Architectures": "all",
                 "Acquire-By-Hash": "yes"}
        options = [w for k, v in about.items() for w in ("-o", "APT::FTPArchive::Release::%s=%s" % (k, v))]
        self.write(DISTRIBUTION + "/Release", self.ftparchive(*options, "release", DISTRIBUTION))

    def ftparchive(self, *words):
        return subprocess.run(["apt-ftparchive", *words], cwd=self.root, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


class Apt:
    """apt-get with a system of its own, that has nothing installed and knows one repository."""

    def __init__(self, work, origin):
        self.work = work
        for name in ("etc/apt/preferences.d", "state/lists/partial", "cache/archives/partial", "downloads"):
            os.makedirs(os.path.join(work, name))
        for name in ("status", "extended_states"):
            self.write("state/" + name, "")
        self.write("etc/apt/sources.list", "deb [trusted=yes] %s stable main\n" % origin)
        # APT_CONFIG is read first, so that nothing of the machine's configuration holds, a proxy least.
        self.write("apt.conf", "".join('%s "%s";\n' % pair for pair in (
            ("Dir::Etc", work + "/etc/apt"), ("Dir::State", work + "/state"),
            ("Dir::State::status", work + "/state/status"), ("Dir::Cache", work + "/cache"),
            ("Dir::Etc::parts", "/dev/null"), ("Dir::Etc::main", "/dev/null"),
            # Root's apt becomes somebody else, who has no right here.
            ("APT::Sandbox::User", ""), ("Acquire::Languages", "none"), ("Acquire::Retries", "0"))))

    def write(self, name, content):
        with open(os.path.join(self.work, name), "w", encoding="utf-8") as f:
            f.write(content)

    def command(self, words):
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                       "APT_CONFIG": os.path.join(self.work, "apt.conf")}
        return {"args": ["apt-get", *words], "cwd": os.path.join(self.work, "downloads"), "env": environment}

    def get(self, *words):
        options = self.command(words)
        return run(*options.pop("args"), **options)

    def start(self, *words):
        return subprocess.Popen(**self.command(words), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def downloaded(self):
        return sorted(os.listdir(os.path.join(self.work, "downloads")))


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
        # the last answer. As a 206 to If-Range has no Last-Modified (RFC 9110 section 15.3.7) it takes
        # the time of the answer then, which is no validator, and gets the whole file the second time.
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
        self.assertEqual(re.findall(r"^HTTP/1.1 (\d+)", output, re.M), ["200", "206", "200"])
        begins = re.findall(r"^Range: bytes=(\d+)-", output, re.M)
        measured("apt-get, broken off twice: 200, 206 from %s on by If-Range with a date, then 200 "
                 "instead of the rest from %s on; %d bytes, equal" % (begins[0], begins[-1], LARGE_SIZE))


if __name__ == "__main__":
    main()

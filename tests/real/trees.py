#!/usr/bin/env python3
"""Goal: git, ostree and dnf load repositories that are plain files, see what is published, and load no more
than that."""

import os
import re
import unittest

from clients import Client, Daemon, count_by_status, main, measured


class Git(Client):
    """The protocol without a program at the server: each object is a file."""

    def git(self, *words):
        return self.run("git", "-c", "user.name=Nobody", "-c", "user.email=nobody@localhost", "-c",
                        "init.defaultBranch=main", *words)

    def publish(self, version):
        source, bare = os.path.join(self.work, "source"), self.root + "/tined.git"
        if version == 1:
            self.git("init", "-q", source)
            self.git("init", "-q", "--bare", bare)
        self.git("-C", source, "commit", "-q", "--allow-empty", "-m", str(version))
        self.git("-C", source, "push", "-q", bare, "HEAD:main")
        self.git("-C", bare, "repack", "-q", "-d")
        self.git("-C", bare, "update-server-info")

    def sync(self):
        if not os.path.exists(os.path.join(self.work, "copy")):
            self.git("clone", "-q", self.url + "/tined.git", "copy")
        self.git("-C", "copy", "pull", "-q", "--ff-only")
        return int(self.git("-C", "copy", "log", "-1", "--format=%s"))


class Ostree(Client):
    def publish(self, version):
        if version == 1:
            self.run("ostree", "init", "--repo", self.root, "--mode=archive")
            self.run("ostree", "init", "--repo", "copy", "--mode=bare-user-only")
            self.run("ostree", "remote", "add", "--repo", "copy", "--no-gpg-verify", "origin", self.url)
        os.makedirs(os.path.join(self.work, "tree"), exist_ok=True)
        with open(os.path.join(self.work, "tree/version"), "w", encoding="ascii") as f:
            f.write(str(version))
        self.run("ostree", "commit", "--repo", self.root, "--branch=main", "--tree=dir=tree",
                 "--canonical-permissions")
        self.run("ostree", "summary", "--repo", self.root, "--update")

    def sync(self):
        self.run("ostree", "pull", "--repo", "copy", "origin", "main")
        return int(self.run("ostree", "cat", "--repo", "copy", "origin:main", "/version"))


class Dnf(Client):
    """Its index is asked for anew each time."""

    def publish(self, version):
        spec = os.path.join(self.work, "tined.spec")
        with open(spec, "w", encoding="ascii") as f:
            f.write("Name: tined\nVersion: %d\nRelease: 1\nSummary: shows\nLicense: none\nBuildArch: noarch\n"
                    "%%description\nshows\n%%files\n" % version)
        self.run("rpmbuild", "-bb", "--quiet", "-D", "_topdir " + self.work, "-D", "_rpmdir " + self.root, spec)
        self.run("createrepo_c", "-q", "--update", self.root)

    def dnf(self, *words):
        options = {"reposdir": "/dev/null", "pluginpath": "/nonexistent", "gpgcheck": "0"}
        for name, option in {"cache": "cachedir", "log": "logdir", "persist": "persistdir"}.items():
            options[option] = os.path.join(self.work, name)
            os.makedirs(options[option], exist_ok=True)
        return self.run("dnf", "-q", *("--setopt=%s=%s" % pair for pair in options.items()),
                        "--repofrompath=tined," + self.url, "--repo=tined", "--releasever=1",
                        "--installroot=" + os.path.join(self.work, "installed"), "--refresh", *words)

    def sync(self):
        version = self.dnf("repoquery", "--latest-limit=1", "--qf", "%{version}", "tined")
        return int(re.search(r"^\d+$", version, re.M).group(0))


class Trees(unittest.TestCase):
    def follow(self, kind):
        with Daemon(workers=1) as daemon:
            client = kind(daemon)
            for version in (1, 2, 3):
                client.publish(version)
                self.assertEqual(client.sync(), version)
            answers = daemon.answers()
        # Optional files are asked for in vain.
        self.assertEqual({a.status for a in answers} - {200, 206, 304, 404}, set(), answers)
        objects = [a.target for a in answers if a.status == 200 and re.search(r"objects/../", a.target)]
        self.assertEqual(len(objects), len(set(objects)), "loaded twice")
        measured("%s, three versions: %s" % (kind.__name__, count_by_status(answers)))

    def test_git(self):
        self.follow(Git)

    def test_ostree(self):
        self.follow(Ostree)

    def test_dnf(self):
        self.follow(Dnf)


if __name__ == "__main__":
    main()

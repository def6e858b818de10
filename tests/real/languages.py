#!/usr/bin/env python3
"""Goal: the package managers of languages (bundler, npm, pip) install from a static registry, and see each
version that is published."""

import base64
import hashlib
import io
import json
import os
import re
import unittest
import zipfile

from clients import Client, Daemon, archive, count_by_status, main, measured


class Bundler(Client):
    """By the compact index, which has an MD5 sum for an ETag where it has one: another is taken for a sum that
    is wrong."""

    def __init__(self, daemon):
        super().__init__(daemon)
        self.infos, self.versions = "---\n", "created_at: 2026-01-01T00:00:00Z\n---\n"
        self.note("Gemfile", 'source "%s/"\ngem "tined"\n' % self.url)

    def note(self, name, text):
        with open(os.path.join(self.work, name), "w", encoding="ascii") as f:
            f.write(text)

    def publish(self, version):
        self.note("tined.gemspec", "Gem::Specification.new { |s| s.name = 'tined'; s.version = '%d'; "
                  "s.summary = 'shows'; s.authors = ['Nobody']; s.files = [] }\n" % version)
        gem = os.path.join(self.root, "gems/tined-%d.gem" % version)
        os.makedirs(os.path.dirname(gem), exist_ok=True)
        self.run("gem", "build", "tined.gemspec", "-o", gem)
        with open(gem, "rb") as f:
            self.infos += "%d |checksum:%s\n" % (version, hashlib.sha256(f.read()).hexdigest())
        self.versions += "tined %d %s\n" % (version, hashlib.md5(self.infos.encode()).hexdigest())
        for name, text in {"info/tined": self.infos, "versions": self.versions, "names": "---\ntined\n"}.items():
            self.write(name, text.encode())

    def bundle(self, *words, **options):
        environment = {"PATH": os.environ["PATH"], "HOME": self.work, "LC_ALL": "C.UTF-8",
                       "BUNDLE_PATH": self.work + "/bundle", "BUNDLE_RETRY": "0"}
        return self.run("bundle", *words, env=environment, **options)

    def sync(self):
        self.bundle("update", "--all")
        with open(os.path.join(self.work, "Gemfile.lock"), encoding="ascii") as f:
            return int(re.search(r"^ +tined \((\d+)\)$", f.read(), re.M).group(1))


class Npm(Client):
    """A scoped package is asked for as /@tined%2fexample."""

    index = "@tined/example.json"

    def publish(self, version):
        about = {"name": "@tined/example", "version": "%d.0.0" % version}
        name = "@tined/example/-/example-%d.0.0.tgz" % version
        content = archive({"package/package.json": json.dumps(about).encode()})
        self.write(name, content)
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
        self.write("@tined/example.json", json.dumps({
            "name": about["name"], "dist-tags": {"latest": about["version"]},
            "versions": {about["version"]: dict(about, dist={
                "tarball": "%s/%s" % (self.url, name), "integrity": integrity})}}).encode())

    def sync(self):
        self.run("npm", "install", "--registry", self.url + "/", "--cache", "cache", "--prefix", self.work,
                 "--prefer-online", "--no-audit", "--no-fund", "--no-update-notifier",
                 "@tined/example@latest")
        with open(os.path.join(self.work, "node_modules/@tined/example/package.json"), encoding="ascii") as f:
            return int(json.load(f)["version"].split(".")[0])


class Pip(Client):
    """The listing of a directory is the index."""

    def publish(self, version):
        about = "tined_example-%d.dist-info/" % version
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as z:
            z.writestr(about + "METADATA",
                       "Metadata-Version: 2.1\nName: tined-example\nVersion: %d\n" % version)
            z.writestr(about + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            z.writestr(about + "RECORD", "")
        self.write("tined-example/tined_example-%d-py3-none-any.whl" % version, content.getvalue())

    def sync(self):
        output = self.run("/usr/bin/python3", "-m", "pip", "install", "--isolated",
                          "--disable-pip-version-check",
                          "--root-user-action=ignore", "--cache-dir", "cache", "--target", "target", "--upgrade",
                          "--index-url", self.url, "tined-example")
        return int(re.search(r"Successfully installed tined-example-(\d+)", output).group(1))


SITE = {"encoded_slash": "slash", "listing": True, "rules": (
    {"match": ["/Bundler/versions", "/Bundler/info/**"], "etag": "off"},
    {"match": "/Npm/@*/*", "try": ["$path.json", "$path"]},
)}


class Languages(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(workers=1, site=SITE)  # one log, in the order of the requests
        self.addCleanup(self.daemon.__exit__, None, None, None)

    def follow(self, client):
        for version in (1, 2, 3):
            client.publish(version)
            self.assertEqual(client.sync(), version)

    def answers(self, name):
        answers = self.daemon.answers()
        self.assertEqual({a.status for a in answers} - {200, 206, 304}, set(), answers)
        measured("%s, three versions: %s" % (name, count_by_status(answers)))
        return answers

    def test_bundler(self):
        self.follow(Bundler(self.daemon))
        self.answers("bundler")

    def test_bundler_with_foreign_tags(self):
        """It is why the rule stands there."""
        with Daemon(workers=1) as daemon:
            client = Bundler(daemon)
            client.publish(1)
            daemon.age("Bundler/versions", "Bundler/info/tined")
            self.assertIn("Could not fetch specs", client.bundle("update", "--all", status=17))

    def test_npm(self):
        client = Npm(self.daemon)
        self.follow(client)
        self.daemon.age("Npm/" + client.index)
        self.assertEqual([client.sync(), client.sync()], [3, 3])
        metadata = [a.status for a in self.answers("npm") if a.target.endswith("/@tined%2fexample")]
        self.assertEqual(metadata[-1], 304, metadata)

    def test_pip(self):
        self.follow(Pip(self.daemon))
        self.answers("pip")


if __name__ == "__main__":
    main()

"""A repository of Debian packages, and an apt-get that knows no other."""

import hashlib
import os
import subprocess

from clients import run

DISTRIBUTION = "dists/stable"
INDEX = DISTRIBUTION + "/main/binary-all/"


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

    def __init__(self, work, origin, *options):
        """The options are pairs of a name and a text, beside those that keep it apart from the machine's."""
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
            ("APT::Sandbox::User", ""), ("Acquire::Languages", "none"), ("Acquire::Retries", "0"), *options)))

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

"""Shared by the checks of real clients: the daemon of tests/it, its access log, and one line of
figures for each check."""

import collections
import io
import os
import re
import signal
import subprocess
import sys
import tarfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "it"))
import harness  # noqa: E402 (found by the line above)

LINE = re.compile(r'\S+ - - \[[^]]*\] "(\S+) (\S+) [^"]*" (\d+) (\d+) "(.*)" "(.*)"$')

# A line of the access log; `sent` counts the bytes of content.
Answer = collections.namedtuple("Answer", "method target status sent agent")


class Daemon(harness.Daemon):
    """With an access log, and one site with the given options, or those that sites(directory) gives."""

    def __init__(self, files=None, sites=None, **options):
        site = options.pop("site", {})
        super().__init__(files, start=False, **options)
        self.options["log"]["access"] = self.access_path
        self.options["sites"] = sites(self.dir) if sites else (dict(site, root=self.root),)
        self.write_config()
        self.start()

    def origin(self, host="127.0.0.1"):
        return "http://%s:%d" % (host, self.address()[1][1])

    def answers(self):
        """Stops the daemon in order, so that its log is whole, and gives what it answered since it began."""
        self.stop(signal.SIGTERM)
        with open(self.access_path, encoding="ascii") as f:
            lines = [LINE.match(line.rstrip("\n")).groups() for line in f]
        return [Answer(m, target, int(status), int(sent), agent)
                for m, target, status, sent, _, agent in lines]


def count_by_status(answers):
    """Such as "12 requests: 10 of 200, 2 of 304"."""
    counts = sorted(collections.Counter(a.status for a in answers).items())
    return "%d requests: %s" % (len(answers), ", ".join("%d of %d" % (n, s) for s, n in counts))


def measured(text):
    print("\n    " + text, flush=True)


def run(*words, status=0, **options):
    """A client that is to end with `status`; its output, both streams together."""
    p = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=120, check=False, **options)
    output = p.stdout.decode("utf-8", "replace")
    if p.returncode != status:
        raise AssertionError("%s ended with %d, not %d:\n%s" % (
            " ".join(words), p.returncode, status, output))
    return output


class Client:
    """It keeps in `work` what the server has below `url`, in `root`. One version after another is
    published there, and found."""

    def __init__(self, daemon):
        name = type(self).__name__
        self.url = "%s/%s" % (daemon.origin(), name)
        self.root, self.work = daemon.path(name), os.path.join(daemon.dir, name)
        for path in (self.root, self.work):
            os.makedirs(path)

    def run(self, *words, **options):
        environment = {"PATH": os.environ["PATH"], "HOME": self.work, "LC_ALL": "C.UTF-8"}
        return run(*words, **dict({"cwd": self.work, "env": environment}, **options))

    def write(self, name, content):
        """As a mirror's update does it: a new file takes the name."""
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "wb") as f:
            f.write(content)
        os.rename(path + ".new", path)

    def publish(self, version):
        raise NotImplementedError

    def sync(self):
        """Has the client ask; the version that it has then."""
        raise NotImplementedError


def archive(files):
    """A tar.gz of names and their content."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as t:
        for name, data in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            t.addfile(about, io.BytesIO(data))
    return content.getvalue()


main = harness.main

#!/usr/bin/env python3
"""Goal: the container image serves as nobody, on a read-only root, is healthy by its own check, looks
after its children as process 1, and stops in time.

usage: container.py DIRECTORY (of tools/build-oci; as root). The image's files run in namespaces of
their own, with the user, the command and the check that the image says.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "it"))
import harness  # noqa: E402 (it stands beside the integration tests)
from harness import children_of, wait_until  # noqa: E402

START = """
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount -o remount,ro,bind "$0"
ip link set lo up
cd /
exec chroot --userspec="$@"
"""


def configuration(directory):
    """The image's own configuration: how to run it."""
    with tarfile.open(os.path.join(directory, "tined.tar")) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))
        return json.load(archive.extractfile(manifest[0]["Config"]))["config"]


class Container:
    def __init__(self, directory):
        self.config = configuration(directory)
        self.root = os.path.join(directory, "root")
        os.makedirs(os.path.join(self.root, "proc"), exist_ok=True)

    def __enter__(self):
        self.process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--net", "--mount", "sh", "-euc", START,
             os.path.abspath(self.root), self.config["User"], os.path.abspath(self.root)] +
            self.config["Entrypoint"] + self.config["Cmd"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0,
            universal_newlines=False)
        line = b""
        while b"ready" not in line:
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError("it does not start")
            print("    " + line.decode().rstrip())
        self.pid = children_of(self.process.pid)[0]
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def execute(self, *command):
        """As `podman exec` does."""
        return subprocess.run(
            ["nsenter", "-t", str(self.pid), "-n", "-p", "-m", "chroot", "--userspec=" + self.config["User"],
             os.path.abspath(self.root)] + list(command),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False,
            timeout=harness.DEADLINE)

    def status(self, pid, name):
        with open("/proc/%d/status" % pid, encoding="ascii") as f:
            return next(line.split(None, 1)[1].strip() for line in f if line.startswith(name + ":"))


def expect(what, good):
    print("%s %s" % ("ok" if good else "not ok", what))
    if not good:
        sys.exit(1)


def check(directory):
    tar = os.path.join(directory, "tined.tar")
    size = os.path.getsize(tar)
    expect("the image is small: %.1f MB" % (size / 1e6), size < 20e6)
    with Container(directory) as c:
        workers = children_of(c.pid)
        expect("it is process 1", c.status(c.pid, "NSpid").split()[-1] == "1")
        for pid in [c.pid] + workers:
            expect("it and its workers are user 65532, without capabilities",
                   c.status(pid, "Uid").split() == ["65532"] * 4 and int(c.status(pid, "CapEff"), 16) == 0)
        health = c.config["Healthcheck"]["Test"]
        done = c.execute(*health[1:])
        expect("its health check says: %s" % done.stdout.strip(), health[0] == "CMD" and done.returncode == 0)
        for url in ("http://127.0.0.1:8080/", "http://[::1]:8080/", "http://localhost:8081/readyz"):
            done = c.execute("/usr/sbin/tined", "probe", url)
            expect("%s: %s" % (url, done.stdout.strip()), "200 OK" in done.stdout)
        os.kill(workers[0], signal.SIGKILL)
        wait_until(lambda: workers[0] not in children_of(c.pid) and len(children_of(c.pid)) == len(workers),
                   "another worker")
        states = [harness.state_of(p) for p in [workers[0]] + children_of(c.pid)]
        expect("a worker that is killed is reaped and replaced", states[0] is None and "Z" not in states)
        began = time.monotonic()
        os.kill(c.pid, signal.SIGTERM)
        status = c.process.wait(harness.DEADLINE)
        expect("TERM ends it with status %d after %.1f s" % (status, time.monotonic() - began),
               status == 0 and time.monotonic() - began < 5)


if __name__ == "__main__":
    check(sys.argv[1])

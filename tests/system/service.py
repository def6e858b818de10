"""Shared by the tests of the installed service: its configuration, systemd's words about
it, requests to it."""

import http.client
import json
import os
import shutil
import subprocess
import time
import unittest

CONF = "/etc/tined/tined.conf"
DROP_INS = "/etc/systemd/system/tined.service.d"
DOCUMENTS = "/srv/documents"
PAGE = "/usr/share/tined/www/index.html"


def run(*command, ok=True, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    if ok and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def systemctl(*arguments, ok=True):
    return run("systemctl", *arguments, ok=ok)


def show(unit, name):
    return systemctl("show", "-P", name, unit).stdout.strip()


def main_pid(unit="tined.service"):
    return int(show(unit, "MainPID"))


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(child) for child in f.read().split()]


def workers(unit="tined.service"):
    return children(main_pid(unit))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content.encode() if isinstance(content, str) else content)


def get(path="/", host="127.0.0.1", port=80, timeout=30, headers=None):
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def journal(*matches):
    run("journalctl", "--sync")
    lines = run("journalctl", "-o", "json", "--no-pager", *matches).stdout.splitlines()
    return [json.loads(line) for line in lines]


def wait_until(what, condition, timeout=30):
    end = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout} s")
        time.sleep(0.05)
    return value


class Service(unittest.TestCase):
    """Each test begins with the installed configuration, and the service running."""

    @classmethod
    def setUpClass(cls):
        if not os.path.exists("/check/tined.conf"):
            shutil.copy(CONF, "/check/tined.conf")

    def setUp(self):
        self.restore()

    def restore(self):
        shutil.copy("/check/tined.conf", CONF)
        shutil.rmtree(DROP_INS, ignore_errors=True)
        systemctl("daemon-reload")
        systemctl("reset-failed")
        # A socket unit cannot start while the service runs without it.
        systemctl("stop", "tined.socket", "tined.service")
        systemctl("enable", "tined.socket")
        systemctl("start", "tined.socket", "tined.service")

    def configure(self, text):
        write(CONF, text)

    def add_drop_in(self, name, text):
        write(f"{DROP_INS}/{name}.conf", text)
        systemctl("daemon-reload")

    def assert_serves(self, **where):
        status, _, content = get(**where)
        self.assertEqual(status, 200)
        self.assertEqual(content, read(PAGE))

    def exposure(self, unit="tined.service"):
        """The overall level that systemd-analyze gives."""
        last = run("systemd-analyze", "--no-pager", "security", unit, ok=False).stdout.split("\n")[-2]
        return float(last.split(":")[1].split()[0])

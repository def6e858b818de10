"""A stand-in for the service manager: hears what a daemon says on NOTIFY_SOCKET (sd_notify(3))."""

import array
import os
import shutil
import socket
import tempfile
import threading
import time

import harness
from harness import Daemon


class Message:
    def __init__(self, data, fds):
        self.when = time.monotonic()
        self.lines = data.decode().splitlines()
        self.fields = dict(line.split("=", 1) for line in self.lines)
        self.fds = fds

    def __repr__(self):
        return "%.3f %s%s" % (self.when, self.lines, " with %d fds" % len(self.fds) if self.fds else "")


class Manager:
    """Listens on a socket of its own; `prepare` makes a Daemon a service of it."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="tined-manager-")
        self.path = os.path.join(self.directory.name, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.directory.name, 0o755)
        self.messages = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            fds = array.array("i")
            data, ancillary, _, _ = self.socket.recvmsg(8192, socket.CMSG_SPACE(64 * fds.itemsize))
            if data == b"end":
                return
            for level, kind, content in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(content[:len(content) - len(content) % fds.itemsize])
            with self._changed:
                self.messages.append(Message(data, list(fds)))
                self._changed.notify_all()

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"end", self.path)
        self._reader.join()
        self.socket.close()
        for message in self.messages:
            for fd in message.fds:
                os.close(fd)
        self.directory.cleanup()

    def prepare(self, daemon, watchdog=None, sockets=(), program=None, **environment):
        """As systemd starts a service: (name, socket) from descriptor 3 on, and its own pid told."""
        daemon.environment = dict(environment, NOTIFY_SOCKET=self.path)
        settings, redirections = "", ""
        if watchdog:
            settings += " WATCHDOG_PID=$$ WATCHDOG_USEC=%d" % (watchdog * 1e6)
        if sockets:
            settings += " LISTEN_PID=$$ LISTEN_FDS=%d LISTEN_FDNAMES=%s" % (
                len(sockets), ":".join(name for name, _ in sockets))
            # Out of the way first: a descriptor may have the number that another is to get.
            redirections = "".join(" %d<&%d" % (200 + i, s.fileno()) for i, (_, s) in enumerate(sockets))
            redirections += "".join(" %d<&%d %d<&-" % (3 + i, 200 + i, 200 + i) for i in range(len(sockets)))
        shell = 'exec env%s "$@"%s' % (settings, redirections)
        daemon.command = ["bash", "-c", shell, "bash", program or harness.TINED, "run", "-c", daemon.config_path]
        daemon.pass_fds = tuple(s.fileno() for _, s in sockets)

    def stored(self):
        """The content of the store now: name -> descriptor of ours."""
        store = {}
        for message in list(self.messages):
            name = message.fields.get("FDNAME")
            if message.fields.get("FDSTOREREMOVE") == "1":
                store.pop(name, None)
            elif message.fields.get("FDSTORE") == "1":
                store[name], = message.fds
        return store

    def mark(self):
        """The place in the messages where they end now."""
        return len(self.messages)

    def wait(self, name, value=None, after=0, timeout=harness.DEADLINE):
        """(place, message) of the first one, from `after` on, with that assignment."""
        end = time.monotonic() + timeout
        at = after
        with self._changed:
            while True:
                while at < len(self.messages):
                    found = self.messages[at].fields.get(name)
                    if found is not None and value in (None, found):
                        return at, self.messages[at]
                    at += 1
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError("did not say %s=%s:\n%s" % (
                        name, value, "\n".join(map(repr, self.messages))))
                self._changed.wait(left)

    def status(self, until):
        """The status when the message at that place has come."""
        return [m.fields["STATUS"] for m in self.messages[:until + 1] if "STATUS" in m.fields][-1]

    def phases(self, after=0):
        """The phases that were told, in order: READY, RELOADING, STOPPING."""
        names = ("READY", "RELOADING", "STOPPING")
        return [n for m in self.messages[after:] for n in names if m.fields.get(n) == "1"]


FILES = {"index.html": b"hello", "large.bin": b"x" * (20 << 20)}


class Service(harness.Case):
    """Daemons that a manager starts: a test's `self.manager` is that of the last one."""

    def service(self, watchdog=None, sockets=(), start=True, **options):
        self.manager = Manager()
        d = Daemon(FILES, start=False, **options)
        self.program = os.path.join(d.dir, "tined")
        shutil.copy(harness.TINED, self.program)
        self.manager.prepare(d, watchdog, sockets, self.program)
        if start:
            d.start()
            self.manager.wait("READY", "1")
        self.addCleanup(self.manager.close)
        self.addCleanup(d.__exit__, None, None, None)
        return d

"""Hostile trees of files, for the tests: things outside, names that are swapped, and storms of changes."""

import ctypes
import os
import threading
import time

import harness
from harness import Daemon, wait_until

# Stands in every file that is not to be seen.
MARKER = b"FROM OUTSIDE"
PAGE = b"hello"
# How long a tree is changed under load, or longer where the machine is slow.
SPELL = 0.4
AT_FDCWD = -100
RENAME_EXCHANGE = 2
LIBC = ctypes.CDLL(None, use_errno=True)


class Old:
    """Trees that are to be old when they are served, made beforehand: they age while other cases run."""

    def __init__(self, trees):
        """trees: name -> files"""
        self.trees = trees
        self.daemons = {}

    def make(self):
        for name, files in self.trees.items():
            d = self.daemons[name] = Daemon({"ok": PAGE, **files}, start=False, workers=2)
            for file in files:
                os.utime(d.path(file), (1000000000, 1000000000))
        self.made = time.time()

    def take(self, name):
        d = self.daemons.pop(name)
        try:
            wait_until(lambda: time.time() - self.made > harness.YOUNG, "files to grow old")
            d.start()
        except BaseException:
            with d:
                raise
        return d

    def remove(self):
        for d in self.daemons.values():
            with d:
                pass


def exchange(a, b):
    """Swaps two names in one step."""
    if LIBC.renameat2(AT_FDCWD, a.encode(), AT_FDCWD, b.encode(), RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def next_to(d, name):
    """A path that is outside of the root."""
    return os.path.join(d.dir, name)


def write_outside(d, name, content=MARKER):
    path = next_to(d, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content)
    os.chmod(path, 0o644)
    return path


class Storm:
    """Does something again and again in a thread while in the block, at least so often."""

    def __init__(self, action, least):
        self.action = action
        self.least = least
        self.rounds = 0
        self.error = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            while not self._done.is_set():
                self.action()
                self.rounds += 1
                time.sleep(0)
        except Exception as e:  # told in the test's own thread
            self.error = e

    def goes_on(self):
        passed = time.monotonic() - self._began
        return self.error is None and (passed < SPELL or (self.rounds < self.least and passed < harness.DEADLINE))

    def __enter__(self):
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._done.set()
        self._thread.join()
        if kind is None and self.error:
            raise self.error
        if kind is None and self.rounds < self.least:
            raise AssertionError("only %d rounds in %gs" % (self.rounds, harness.DEADLINE))


class Case(harness.Case):
    def assert_well(self, d, workers):
        """The same workers as before go on and none of them spins."""
        for _ in workers:
            self.assertEqual(d.get("/ok").body, PAGE)
        self.assertEqual(d.workers(), workers)
        harness.assert_idle(workers, 0.2)

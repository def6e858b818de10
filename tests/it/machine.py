"""A machine for daemons to run on, whose clocks the test moves or holds (machine.c, preloaded).

Where a test is about time, the daemon's clock does not run by itself:

    machine = Machine()
    with machine.daemon(FILES, timeouts={"head": "10s"}) as d:
        machine.hold()
        ...
        machine.advance(9.999)   nothing may have happened yet
        machine.advance(0.001)   and now it must
        machine.release()

However busy the machine, 10 seconds are exactly 10. A process in epoll_wait() waits in true time, at most
a second: a test that is to see something at once causes an event, such as a request.
"""

import atexit
import contextlib
import mmap
import os
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

import harness

MS = 10**6  # ns
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "machine.c")


class Machine:
    """This machine as machine.c shows it to the daemons that daemon() starts.

    wall, suspended                seconds that each clock is ahead
    monotonic                      ns that it is ahead
    held                           ns that it stands at; 0: it runs
    descriptors, without_ipv6      what it permits, and has not
    asked_boottime, asked_wall     how often a clock was asked for
    latest                         ns that a monotonic clock has shown
    """

    FIELDS = ("wall", "monotonic", "suspended", "held", "descriptors", "without_ipv6",
              "asked_boottime", "asked_wall", "latest")
    directory = library = None

    @classmethod
    def _build(cls):
        compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
        if not compiler:
            raise unittest.SkipTest("no compiler")
        cls.directory = tempfile.mkdtemp(prefix="tined-it-")
        atexit.register(shutil.rmtree, cls.directory)
        os.chmod(cls.directory, 0o755)
        cls.library = os.path.join(cls.directory, "machine.so")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", cls.library, SOURCE], check=True)

    def __init__(self, **values):
        if not self.library:
            self._build()
        handle, self.path = tempfile.mkstemp(dir=self.directory)
        os.ftruncate(handle, mmap.PAGESIZE)
        # Each value is written at one stroke (struct.pack_into() writes zeros first).
        self.memory = memoryview(mmap.mmap(handle, mmap.PAGESIZE)).cast("q")
        os.close(handle)
        os.chmod(self.path, 0o666)  # whoever the program runs as
        self.set(**values)

    def set(self, **values):
        for name, value in values.items():
            self.memory[self.FIELDS.index(name)] = value

    def get(self, name):
        return self.memory[self.FIELDS.index(name)]

    def hold(self):
        """The monotonic clock stands still, at a whole millisecond."""
        # Twice: it may have gone on between looking and setting, and no process may have seen it later than
        # where it stands.
        for _ in range(2):
            self.set(held=((time.monotonic_ns() + self.get("monotonic")) // MS + 1) * MS)

    def advance(self, seconds):
        """The clock that is held passes to the millisecond that is so much later."""
        self.set(held=self.get("held") + round(1000 * seconds) * MS)

    def release(self):
        """It goes on from where it stands."""
        self.set(monotonic=self.get("held") - time.monotonic_ns())
        self.set(held=0)

    @contextlib.contextmanager
    def standing_still(self):
        self.hold()
        try:
            yield
        finally:
            self.release()

    @contextlib.contextmanager
    def creeping(self, seconds):
        """No more time passes than this, a millisecond now and then."""
        done = threading.Event()

        def creep():
            for _ in range(round(1000 * seconds)):
                if done.wait(0.05):
                    break
                self.advance(0.001)

        with self.standing_still():
            thread = threading.Thread(target=creep)
            thread.start()
            try:
                yield
            finally:
                done.set()
                thread.join()

    def jump(self, seconds):
        """The clock that runs is suddenly ahead."""
        self.set(monotonic=self.get("monotonic") + seconds * 10**9)

    @property
    def environment(self):
        return {"LD_PRELOAD": self.library, "TINED_MACHINE": self.path}

    def daemon(self, files=None, start=True, **options):
        d = harness.Daemon(files, start=False, **options)
        d.environment.update(self.environment)
        if start:
            try:
                d.start()
            except BaseException:
                d.kill()
                d._remove()  # pylint: disable=protected-access
                raise
        return d

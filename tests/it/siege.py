"""A daemon under tests/soak/hostile: what its clients attack, and in what state it must be after it."""

import os
import subprocess

import figures
import harness
from harness import Daemon, wait_until

HOSTILE = os.path.join(os.path.dirname(harness.TINED), "tests", "soak", "hostile")
# The files that tests/soak/attack.c asks for. No content begins with "H".
FILES = {"index.html": b"hello", "dir/index.html": b"dir", "mid": b"m" * 20000, "big": b"b" * 300000}
LIMITS = {"request_line": "1K", "fields": "6K", "field_lines": 20, "body": "16K", "requests": 15,
          "big_heads": 8}
PATIENCE = 1000  # ms
TIMEOUTS = dict.fromkeys(("head", "body", "send", "idle", "linger"), "%dms" % PATIENCE)


class Besieged(Daemon):
    """Listens on IPv4, IPv6 and a UNIX socket; small limits and short timeouts. `scarce`: fewer
    connections than clients, so that some are turned away."""

    def __init__(self, scarce=False, **options):
        self.scarce = scarce
        limits = dict(LIMITS, connections=20) if scarce else LIMITS
        name = "unix:@tined-siege-%d-%d" % (os.getpid(), scarce)
        super().__init__(FILES, listen=("127.0.0.1:0", "[::1]:0", name), start=False, limits=limits,
                         timeouts=TIMEOUTS, **options)
        os.mkfifo(self.path("fifo"))
        try:
            self.start()
        except BaseException:
            self.__exit__(BaseException, None, None)
            raise
        self.fighters = self.workers()
        self.level = None

    def attack(self, seed, count):
        """Returns what the attackers counted; fails when they have found a fault."""
        address = self.addresses[seed % len(self.addresses)]
        arguments = ["--seed", str(seed), "--count", str(count), "--at-once", "48" if self.scarce else "512",
                     "--patience", str(PATIENCE), "--deadline", str(int(1000 * harness.DEADLINE))]
        run = subprocess.run([HOSTILE] + arguments + (["--scarce"] if self.scarce else []) + [address],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, universal_newlines=True, check=False)
        if run.returncode:
            raise AssertionError("%s\n%s" % (" ".join(run.args), run.stdout))
        return run.stdout.strip()

    def assert_unharmed(self, growth):
        """No worker has died, all connections are gone, nobody is busy, and a worker has at most
        `growth` kB more than at the first look."""
        if self.workers() != self.fighters:
            raise AssertionError("workers died: %s are %s" % (self.fighters, self.workers()))
        own = len(self.addresses) + 3  # listeners, channel, both ends of the handoff
        wait_until(lambda: all(figures.sockets_of(pid) <= own for pid in self.fighters),
                   "the connections to be closed")
        harness.assert_idle([self.pid] + self.fighters)
        descriptors = [figures.descriptors_of(pid) for pid in self.fighters]
        if self.level is None:
            self.level = descriptors, self.memory()
        # Files are kept open once they are not young any more.
        if any(now > then + len(FILES) for now, then in zip(descriptors, self.level[0])):
            raise AssertionError("descriptors: %s, after %s" % (descriptors, self.level[0]))
        if not figures.is_sanitized():
            wait_until(lambda: all(kb <= before + growth
                                   for kb, before in zip(self.memory(), self.level[1])),
                       "memory to be level: %s kB after %s" % (self.memory(), self.level[1]))

    def memory(self):
        """Private kB of each worker."""
        return [figures.memory_of(pid)["Private"] for pid in self.fighters]

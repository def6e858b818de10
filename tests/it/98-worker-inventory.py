#!/usr/bin/env python3
"""Goal: SECURITY.md tells all that a worker has: descriptors, memory that it shares, and system calls.

Its tables are read: a descriptor, a mapping or a call without a row fails, and so does a row without one.
"""

import collections
import contextlib
import os
import re
import stat
import unittest

import harness
from harness import Daemon, wait_until

SECTION = "## A worker's descriptors, mappings and calls\n"
FLAGS = re.compile(r"^flags:\s*(\d+)$", re.M)
O_PATH = 0o10000000


def read(*names):
    with open(os.path.join(harness.TOP, *names), encoding="utf-8") as f:
        return f.read()


def table(head):
    """The rows of the table of that section whose first heading this is: lists of cells."""
    section = read("SECURITY.md").partition(SECTION)[2].partition("\n## ")[0]
    rows = section.partition("| %s |" % head)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def wanted(cell, numbers):
    """How many of a thing there are, by its cell: "3", "1 a loop", or None for "any"."""
    number, _, of_each = cell.partition(" a ")
    return None if cell == "any" else int(number) * numbers[of_each]


# ---- a live worker -----------------------------------------------------------------------------
def socket_kinds():
    """{inode: kind}"""
    kinds = {}
    for name in ("tcp", "tcp6"):
        with open("/proc/net/" + name, encoding="ascii") as f:
            for fields in (line.split() for line in f.read().splitlines()[1:]):
                kinds[fields[9]] = "listening socket" if fields[3] == "0A" else "connected socket"
    with open("/proc/net/unix", encoding="ascii", errors="replace") as f:
        for fields in (line.split() for line in f.read().splitlines()[1:]):
            kinds[fields[6]] = "packet socket" if fields[4] == "0005" else "UNIX socket"
    return kinds


def kind_of(pid, fd, sockets):
    path = "/proc/%d/fd/%s" % (pid, fd)
    target = os.readlink(path)
    with open("/proc/%d/fdinfo/%s" % (pid, fd), encoding="ascii") as f:
        flags = int(FLAGS.search(f.read()).group(1), 8)
    if target.startswith("anon_inode:"):
        return target.partition(":")[2].strip("[]")
    if target.startswith("socket:"):
        return sockets.get(target[8:-1], "socket of no kind")
    if target.startswith("pipe:"):
        return "pipe, " + ("read", "written", "both")[flags & os.O_ACCMODE]
    what = "directory" if stat.S_ISDIR(os.stat(path).st_mode) else "file"
    if flags & O_PATH:
        return what + ", path only"
    return "%s, %s" % (what, ("read", "appended" if flags & os.O_APPEND else "written", "both")[flags & os.O_ACCMODE])


def descriptors(pid):
    sockets, found = socket_kinds(), collections.Counter()
    for fd in os.listdir("/proc/%d/fd" % pid):
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            found[kind_of(pid, fd, sockets)] += 1
    return found


def shared_mappings(pid):
    with open("/proc/%d/maps" % pid, encoding="utf-8") as f:
        fields = [line.split(None, 5) for line in f]
    shared = [(re.sub(r"^/memfd:| \(deleted\)$", "", m[5].strip()), m[1][:3]) for m in fields if m[1][3] == "s"]
    return collections.Counter(("`%s`" % name, {"r--": "read", "rw-": "read and write"}.get(mode, mode))
                               for name, mode in shared)


class Worker(harness.Case):
    LOOPS, WORKERS = 2, 3

    def setUp(self):
        self.d = d = Daemon({"big": b"x" * (4 << 20)}, start=False, workers=self.WORKERS, threads=self.LOOPS)
        self.addCleanup(d.__exit__, None, None, None)
        d.options["log"]["access"] = d.access_path
        d.write_config()
        d.start()
        self.numbers = {"": 1, "loop": self.LOOPS, "listener": len(d.addresses), "root": 1, "connection": 0,
                        "worker": self.WORKERS}

    def test_descriptors_of_one_that_waits(self):
        rows = {kind: wanted(count, self.numbers) for kind, count, *_ in table("descriptor")}
        expected = collections.Counter({kind: count for kind, count in rows.items() if count})
        for pid in self.d.workers():
            with contextlib.suppress(AssertionError):  # one that has just started may have more for a moment
                wait_until(lambda pid=pid: descriptors(pid) == expected, "what SECURITY.md tells")
            self.assertEqual(descriptors(pid), expected)

    def test_descriptors_of_one_that_serves(self):
        d = self.d
        rows = {kind for kind, *_ in table("descriptor")}
        d.age("big")
        with d.connect(receive_buffer=4096) as c:
            c.request("/big")
            c.read_head()
            found = set().union(*(descriptors(pid) for pid in d.workers()))
        self.assertEqual(rows - {"directory, read"}, found)  # which is read in a moment

    def test_mappings(self):
        rows = {(name, access): wanted(count, self.numbers) for name, count, access, *_ in table("mapping that is shared")}
        for pid in self.d.workers():
            self.assertEqual(dict(shared_mappings(pid)), rows)

    def test_the_filter_is_there(self):
        if "seccomp keeps" not in self.d.log:
            self.skipTest("not to be had here")
        for pid in self.d.workers():
            with open("/proc/%d/status" % pid, encoding="ascii") as f:
                self.assertRegex(f.read(), r"\nSeccomp:\t2\n")


# ---- the list of calls -------------------------------------------------------------------------
NO_CONSTANTS = {"UINT32_MAX", "UINT64_MAX", "ALL_BUT"}


def constants(text, source):
    """The names in a row of the filter; those of several flags are taken apart."""
    names = set(re.findall(r"\b[A-Z][A-Z_0-9]+\b", text)) - NO_CONSTANTS
    for name in sorted(names):
        defined = re.search(r"#define %s ((?:.*\\\n)*.*)" % name, source)
        if defined:
            names = (names - {name}) | constants(defined.group(1), source)
    return names


def block(source, name):
    return re.search(r"\b%s\[\] = \{\n(.*?)\n\};" % name, source, re.S).group(1)


def limits_of(source):
    """{call: constants} of those whose arguments are looked at."""
    limits = collections.defaultdict(set)
    for call, rest in re.findall(r"\{SCMP_SYS\((\w+)\),(.*)", block(source, "limited")):
        limits[call] |= constants(rest.partition("//")[0], source)
    return dict(limits)


class Calls(unittest.TestCase):
    def setUp(self):
        self.source = read("src", "sys", "sandbox.c")
        self.rows = [(re.findall(r"`(\w+)`", calls), arguments) for calls, arguments, _ in table("system call")]

    def test_all(self):
        told = [name for names, _ in self.rows for name in names]
        self.assertEqual(len(told), len(set(told)))
        self.assertEqual(set(told), set(re.findall(r"SCMP_SYS\((\w+)\)", self.source)))

    def test_arguments(self):
        free = set(re.findall(r"SCMP_SYS\((\w+)\)", block(self.source, "calls")))
        limits = limits_of(self.source)
        self.assertGreater(len(limits), 10)
        for names, arguments in self.rows:
            with self.subTest(arguments):
                self.assertEqual(set(names) <= free, arguments == "any")
                for name in set(names) & set(limits):
                    self.assertEqual(set(re.findall(r"`(\w+)`", arguments)), limits[name], name)


if __name__ == "__main__":
    harness.main()

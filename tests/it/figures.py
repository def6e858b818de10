"""The cost of a process: memory, descriptors. Figures of the kernel, in kB where nothing else is said."""

import os
import re

import harness


def is_sanitized():
    """Whether $TINED was built with a sanitizer, which needs memory of its own."""
    config = os.path.join(os.path.dirname(harness.TINED), "config.h")
    try:
        with open(config, encoding="utf-8") as f:
            return re.search(r"^#define SANITIZED 1", f.read(), re.M) is not None
    except FileNotFoundError:
        return False


def memory_of(pid):
    """The lines of smaps_rollup(5), and "Private": what nobody shares."""
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
        figures = {name: int(kb) for name, kb in re.findall(r"^(\w+):\s+(\d+) kB", f.read(), re.M)}
    figures["Private"] = figures["Private_Clean"] + figures["Private_Dirty"]
    return figures


def private_of(pids):
    return sum(memory_of(pid)["Private"] for pid in pids)


def descriptors_of(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def sockets_of(pid):
    def is_socket(fd):
        try:
            return os.readlink("/proc/%d/fd/%s" % (pid, fd)).startswith("socket:")
        except FileNotFoundError:
            return False
    return sum(map(is_socket, os.listdir("/proc/%d/fd" % pid)))

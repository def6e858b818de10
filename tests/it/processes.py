"""Waiting without sleeping, and what /proc tells about processes."""

import contextlib
import os
import re
import signal
import socket
import time

# Generous: reached only by what is broken, also under sanitizers on a busy machine.
DEADLINE = float(os.environ.get("TINED_TEST_DEADLINE", "60"))


def wait_until(predicate, what, timeout=DEADLINE):
    """Polls for what gives no event to wait on (processes, files); returns the true value."""
    end = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %gs in vain: %s" % (timeout, what))
        time.sleep(0.01)


def _stat_fields(pid):
    """(state, parent, session) of a process, or None when it is gone."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields[0], int(fields[1]), int(fields[3])


def _all_processes():
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat_fields(int(name))
            if fields and fields[0] != "Z":
                yield (int(name),) + fields


def children_of(pid):
    return sorted(p for p, _, parent, _ in _all_processes() if parent == pid)


def session_members(session):
    return sorted(p for p, _, _, s in _all_processes() if s == session)


def kill_session(session):
    """Ends every member, the leader first: it would replace a worker that is killed before it."""
    def kill_members():
        members = session_members(session)
        for pid in sorted(members, key=lambda p: p != session):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not members
    wait_until(kill_members, "the end of session %d" % session)


def state_of(pid):
    """The letter of proc(5): R running, S sleeping, …; None when it is gone."""
    fields = _stat_fields(pid)
    return fields and fields[0]


def tracer_of(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as f:
        return int(re.search(r"^TracerPid:\s*(\d+)", f.read(), re.M).group(1))


def is_alive(pid):
    fields = _stat_fields(pid)
    return fields is not None and fields[0] != "Z"


def wait_gone(pids, timeout=DEADLINE):
    wait_until(lambda: not any(is_alive(p) for p in pids), "the end of %s" % (pids,), timeout)


def _processor_ticks(pid):
    with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
        fields = f.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def assert_idle(pids, seconds=0.5):
    """The processes use next to no processor time for a while: none of them spins."""
    before = {p: _processor_ticks(p) for p in pids}
    time.sleep(seconds)
    for pid, ticks in before.items():
        used = (_processor_ticks(pid) - ticks) / os.sysconf("SC_CLK_TCK")
        if used > seconds / 5:
            raise AssertionError("process %d used %gs of %gs" % (pid, used, seconds))


def is_refused(address):
    """Nobody listens any more at what Daemon.address() gave."""
    with socket.socket(address[0]) as s:
        return s.connect_ex(address[1]) != 0

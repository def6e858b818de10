"""Totals over an upgrade or a restart, also by a program that counts more than the one before it."""

import json
import os

import harness

# The same program, but its tables of counters have two rows more, each in the middle.
MORE = os.path.join(os.path.dirname(os.path.abspath(harness.TINED)), "tests", "it", "tined-more-counters")
VISITS = 7


def programs():
    """Those that run one after the other: each of the two comes behind each."""
    if not os.path.exists(MORE):
        build = os.path.dirname(harness.TINED)
        raise AssertionError("%s is not built; make -C %s check-programs" % (MORE, build))
    return MORE, harness.TINED, harness.TINED, MORE


def visit(daemon):
    """Makes totals that differ from each other."""
    for target in ("/", "/", "/", "/", "/", "/none", "/none"):
        with daemon.connect() as c:
            c.request(target)
            c.response()


def _status(control):
    p = harness.run_tined("status", "--json", "-s", control)
    return json.loads(p.stdout)


def is_more(control):
    """Whether the program that runs has the rows that MORE alone has."""
    s = _status(control)
    return "of_more" in s and "of_more" in s["closed"]


def ask(control):
    """The totals that only a visit changes, when the visits so far are counted."""
    def read():
        s = _status(control)
        names = ("requests", "sent_bytes", "accepted", "turned_away", "log_dropped", "answers")
        found = {name: s[name] for name in names}
        # One that is handed over is closed by who takes it: it was accepted once.
        found["closed"] = {k: v for k, v in s["closed"].items() if k not in ("handed", "of_more")}
        return found if sum(found["closed"].values()) == s["accepted"] else None
    return harness.wait_until(read, "each connection counted as closed")

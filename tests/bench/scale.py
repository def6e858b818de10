#!/usr/bin/env python3
"""./dev bench scale: how the cost of a request grows with connections that are idle or active, with
files, and with event loops."""

import os
import re
import socket

import figures
import servers
import stage
import tables
import tree
import workloads

IDLE = 10000
ACTIVE = 64
ACTIVE_BASE = 100
CONNECTIONS = (1, 10, 100, 1000, 10000)
FILES = (10, 100, 1000, 10000, 100000)
LOOPS = ((1, 1), (2, 1), (4, 1), (1, 2), (1, 4))  # workers, threads of each
SHARED = 400  # connections whose shares are looked at
SIZE = tree.KIB
LOAD = workloads.WORKLOADS["small"]
NAMES = [tree.path_of("files", i) for i in range(max(FILES))]


def tined_with(workers, threads):
    """The class of a tined with so many loops."""
    class Loops(servers.Tined):
        name = "tined-%dx%d" % (workers, threads)

        def command(self):
            return super().command() + ["-o", "workers=%d" % workers, "-o", "threads=%d" % threads]
    return Loops


class Ceiling(servers.Ceiling):
    """One that sends what tined sends for the small file."""

    answer = None

    def start(self):
        if self.arguments is None:
            self.answer_with(self.answer)
        else:
            super().start()


def start_pair(on, suffix=""):
    """tined and a ceiling."""
    tined = on.start(servers.Tined, "tined" + suffix)
    Ceiling.answer = b"".join(tined.fetch((stage.GET % NAMES[0]).encode()))
    return tined, on.start(Ceiling, "ceiling" + suffix)


def client(on, server, connections, files=1):
    """The arguments of a client that asks for so many files at random."""
    requests = server.write("requests-%d" % files, "".join(stage.GET % n for n in NAMES[:files]))
    arguments = ("--port", server.port, "--text", on.text, "--length", SIZE, "--stride", tree.STRIDE,
                 "--requests", requests, "--connections", connections)
    return [str(a) for a in arguments]


def paired(on, cases):
    """cases: key -> (server, arguments). The cost of each in seconds, as a list by round."""
    found = {key: [] for key in cases}
    seconds = ["--seconds", str(on.options.seconds)]
    for server, arguments in cases.values():
        on.run_client(server, arguments + seconds)
    keys = list(cases)
    for i in range(on.options.rounds):
        for key in keys[i % len(keys):] + keys[:i % len(keys)]:
            server, arguments = cases[key]
            found[key].append(on.measure(LOAD, server, arguments + seconds).cpu)
    return found


class Held:
    """Connections that were answered once and are idle since."""

    def __init__(self, port, count):
        self.sockets = []
        for _ in range(count):
            s = socket.create_connection(("127.0.0.1", port))
            s.sendall((stage.GET % NAMES[0]).encode())
            s.recv(4096)
            self.sockets.append(s)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in self.sockets:
            s.close()


def cost(costs):
    return tables.spread(figures.spread([c * 1e6 for c in costs]), "%.2f")


def ratio(costs, others):
    return tables.spread(figures.ratios(costs, others), "%.3f")


# ---- parts ---------------------------------------------------------------------------------------


def idle(on):
    rows = []
    for plain, crowded in zip(start_pair(on), start_pair(on, "-idle")):
        with Held(crowded.port, IDLE):
            found = paired(on, {"none": (plain, client(on, plain, ACTIVE)),
                                "idle": (crowded, client(on, crowded, ACTIVE))})
        rows.append((plain.title, cost(found["none"]), cost(found["idle"]),
                     ratio(found["idle"], found["none"])))
    return tables.table(("%d active connections" % ACTIVE, "none idle, us", "%d idle, us" % IDLE,
                         "ratio (goal 1.05)"), rows)


def active(on):
    tined, ceiling = start_pair(on)
    found = paired(on, {(s, n): (s, client(on, s, n)) for n in CONNECTIONS for s in (tined, ceiling)})
    rows = [(n, cost(found[tined, n]), cost(found[ceiling, n]), ratio(found[tined, n], found[ceiling, n]),
             ratio(found[tined, n], found[tined, ACTIVE_BASE])) for n in CONNECTIONS]
    return tables.table(("active connections", "tined, us", "bare ceiling, us", "tined to ceiling",
                         "tined to %d connections" % ACTIVE_BASE), rows)


def files(on):
    tined, nginx = on.start(servers.Tined), on.start(servers.Nginx)
    found = paired(on, {(s, n): (s, client(on, s, ACTIVE, n)) for n in FILES for s in (tined, nginx)})
    rows = [(n, cost(found[tined, n]), ratio(found[tined, n], found[tined, FILES[0]]),
             cost(found[nginx, n]), ratio(found[nginx, n], found[nginx, FILES[0]])) for n in FILES]
    return tables.table(("files of 1 KiB at random", "tined, us", "to %d (goal 1.9)" % FILES[0],
                         "nginx, us", "to %d" % FILES[0]), rows)


def watched(server):
    """Descriptors that each event loop of a server watches, of all its workers."""
    counts = []
    for pid in server.pids[1:]:
        for fd in os.listdir("/proc/%d/fd" % pid):
            if os.readlink("/proc/%d/fd/%s" % (pid, fd)) == "anon_inode:[eventpoll]":
                with open("/proc/%d/fdinfo/%s" % (pid, fd), encoding="ascii") as f:
                    counts.append(len(re.findall(r"(?m)^tfd:", f.read())))
    return counts


def shares(server):
    """The connections of each loop, of SHARED that come one after the other."""
    before = watched(server)
    with Held(server.port, SHARED):
        return [after - b for after, b in zip(watched(server), before)]


def loops(on):
    started = {key: on.start(tined_with(*key)) for key in LOOPS}
    held = {key: shares(server) for key, server in started.items()}
    found = paired(on, {key: (server, client(on, server, ACTIVE)) for key, server in started.items()})
    rows = [("%d x %d" % key, " ".join(map(str, held[key])),
             "%.3f" % (max(held[key]) * key[0] * key[1] / SHARED), cost(found[key]),
             ratio(found[key], found[LOOPS[0]])) for key in LOOPS]
    return tables.table(("workers x threads", "shares of %d connections" % SHARED,
                         "largest to mean (goal 1.1)", "CPU per request, us",
                         "to one loop (goal 1.1)"), rows)


stage.run("scale", {f.__name__: f for f in (idle, active, files, loops)},
          {name: SIZE for name in NAMES})

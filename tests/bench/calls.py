"""The cost of a request in countable things: system calls, instructions, memory."""

import glob
import os
import re
import signal
import subprocess
import time

import servers
import tables
import workloads

# Without those whose figure would be the length of the content.
WORKLOADS = [w for w in workloads.WORKLOADS.values() if not w.sampled]
COUNTED = ["ceiling", "tined", *servers.PEERS]
ANSWERS_TRACED = 5000
ANSWERS_WARM, ANSWERS_SIMULATED = 10000, 4000


def _tracer_of(pid):
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as f:
        return int(re.search(r"^TracerPid:\s*(\d+)", f.read(), re.M).group(1))


def _wait(predicate, what):
    end = time.monotonic() + servers.DEADLINE
    while not predicate():
        if time.monotonic() > end:
            raise RuntimeError("waited in vain for %s" % what)
        time.sleep(0.01)


def _answers(count):
    return ["--answers", str(count)]


def system_calls(bench, w, server):
    """Calls per answer: name -> how many, by strace."""
    arguments = bench.client_arguments(w, "minimal", server)
    bench.run_client(server, arguments + _answers(ANSWERS_TRACED))  # until all is at hand
    counts = server.path("strace")
    command = ["strace", "-f", "-qq", "-c", "-U", "name,calls", "-o", counts]
    for pid in server.pids:
        command += ["-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        _wait(lambda: all(map(_tracer_of, server.pids)), "strace")
        bench.run_client(server, arguments + _answers(ANSWERS_TRACED))
        tracer.send_signal(signal.SIGINT)
    with open(counts, encoding="ascii") as f:
        rows = [line.split() for line in f]
    return {row[0]: int(row[1]) / ANSWERS_TRACED for row in rows
            if len(row) == 2 and row[1].isdigit() and row[0] != "total"}


def _has_ended(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _counted_by(server):
    """The files that callgrind wrote, one for each of its processes."""
    return glob.glob(server.path("callgrind.[0-9]*"))


def _most_of(paths):
    """The instructions that callgrind counted in the process that had most."""
    totals = []
    for path in paths:
        with open(path, encoding="ascii", errors="replace") as f:
            totals += map(int, re.findall(r"^totals: (\d+)", f.read(), re.M))
    return max(totals)


def _simulate(bench, w, answers):
    """The instructions of tined's worker from its start to its end, with so many answers between."""
    server = servers.Tined(bench.root, os.path.join(bench.dir, "callgrind"), simulated=True)
    preloaded = os.path.join(servers.BUILD, "tests/bench/simulated.so")
    server.wrapper = ["env", "LD_PRELOAD=" + preloaded, "valgrind", "--quiet", "--tool=callgrind",
                      "--callgrind-out-file=" + server.path("callgrind.%p")]
    for path in _counted_by(server):
        os.unlink(path)
    try:
        server.start()
        bench.run_client(server, bench.client_arguments(w, "minimal", server) + _answers(answers))
        children = server.pids[1:]
    finally:
        server.process.kill()  # without its master the worker ends by itself
        server.stop()
    _wait(lambda: all(map(_has_ended, children)), "the worker's end")
    return _most_of(_counted_by(server))


def instructions(bench, w):
    """Instructions of tined per answer, outside of the kernel."""
    return (_simulate(bench, w, ANSWERS_WARM + ANSWERS_SIMULATED) -
            _simulate(bench, w, ANSWERS_WARM)) / ANSWERS_SIMULATED


def pss(bench, name):
    """Kilobytes of a server with two workers that has served each of 10,000 files: by process."""
    server = servers.SERVERS[name](bench.root, os.path.join(bench.dir, "memory"), workers=2)
    try:
        server.start()
        arguments = bench.client_arguments(workloads.WORKLOADS["random"], "minimal", server)
        bench.run_client(server, arguments + _answers(200000))
        return [_pss_of(pid) for pid in server.pids]
    finally:
        server.stop()


def _pss_of(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
        return int(re.search(r"^Pss:\s+(\d+) kB", f.read(), re.M).group(1))


# ---- as tables ---------------------------------------------------------------------------------
def _calls_tables(bench):
    rows, of_tined = [], []
    for w in WORKLOADS:
        bench.prepare(w)
        counts = {name: system_calls(bench, w, bench.servers[name]) for name in COUNTED}
        rows.append([w.title, *("%.2f" % sum(counts[name].values()) for name in COUNTED)])
        frequent = sorted(counts["tined"].items(), key=lambda item: -item[1])
        of_tined.append([w.title, ", ".join("%s %.2f" % item for item in frequent if item[1] >= 0.005)])
    return (tables.table(["workload", *(servers.SERVERS[n].title for n in COUNTED)], rows) + "\n\n" +
            tables.table(["workload", "calls of tined"], of_tined))


def _instructions_table(bench):
    return tables.table(["workload", "instructions of tined"],
                        [[w.title, "%.0f" % instructions(bench, w)] for w in WORKLOADS])


def _memory_table(bench):
    rows = []
    for name in ["tined", *servers.PEERS]:
        sizes = pss(bench, name)
        rows.append([servers.SERVERS[name].title, "%.1f MiB" % (sum(sizes) / 1024),
                     " + ".join("%.1f" % (size / 1024) for size in sizes)])
    return tables.table(["server", "PSS", "of its processes"], rows)


def count(bench):
    """The parts of the report that do not depend on time: name -> Markdown."""
    return {"calls": _calls_tables(bench), "instructions": _instructions_table(bench),
            "memory": _memory_table(bench)}

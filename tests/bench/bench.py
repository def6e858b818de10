#!/usr/bin/env python3
"""The cost of a request: tined, a bare ceiling and other servers, in alternation in one run.

It prints a line for each server and workload. --calls counts system calls, instructions and memory.
--write does the whole programme and writes docs/BENCHMARKS.md, its charts and ratios.json; with
--workloads or --calls only that part of it, and the rest is what the last run found. --short compares
some ratios with that file.
"""

import argparse
import contextlib
import signal
import sys
import tempfile

import calls
import figures
import report
import rounds
import servers
import store
import workloads

TOLERANCE = 1.25  # of the short form
SHORT = ["small", "close", "16k", "pipelined", "random", "304", "range", "404"]
COMPARED = ["ceiling", "tined", *servers.PEERS]


def names_of(known):
    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError("%s is none of %s" % (name, ", ".join(known)))
        return names
    return parse


def read_arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description="what a request costs")
    parser.add_argument("--only", type=names_of(servers.SERVERS), metavar="SERVER,...",
                        default=COMPARED, help="of %s" % ", ".join(servers.SERVERS))
    parser.add_argument("--workloads", type=names_of(workloads.WORKLOADS), metavar="NAME,...",
                        help="of %s" % ", ".join(workloads.WORKLOADS))
    parser.add_argument("--heads", type=names_of(workloads.HEADS), default=["minimal"],
                        metavar="HEAD,...", help="of %s" % ", ".join(workloads.HEADS))
    parser.add_argument("--rounds", type=int, default=5, help="of each workload (%(default)s)")
    parser.add_argument("--seconds", type=float, default=0.3,
                        help="of each measurement (%(default)s)")
    parser.add_argument("--calls", action="store_true", help="system calls, instructions and memory")
    parser.add_argument("--write", action="store_true", help="into docs/BENCHMARKS.md")
    parser.add_argument("--short", action="store_true",
                        help="fails when a ratio exceeds %g times the committed one" % TOLERANCE)
    return parser.parse_args()


@contextlib.contextmanager
def bench_of(names, chosen):
    with tempfile.TemporaryDirectory(prefix="tined-bench-") as directory, \
            rounds.Bench(directory, names, chosen) as bench:
        yield bench


def show(w, head, found):
    """A line for each server: its cost, and what it is to the ceiling's."""
    print("%s (%s head)" % (w.title, head))
    for name, measured in found.items():
        line = "  %-12s %9.0f ns (%.0f..%.0f)" % (
            name, *figures.spread([m.cpu * 1e9 for m in measured]))
        if "ceiling" in found:
            line += "  ratio %.3f (%.3f..%.3f)" % figures.against(found, name, "ceiling")
        line += "  busy %.0f %%, sleeps %.3f" % (min(m.busy for m in measured) * 100,
                                               max(m.sleeps for m in measured))
        left = sum(map(rounds.is_disturbed, measured))
        print(line + ("  DISTURBED %d of %d" % (left, len(measured)) if left else ""))
    sys.stdout.flush()


def compare(bench, chosen, options):
    """(workload, head -> server -> measurements) of each, as it is found; shown, too."""
    for w in chosen:
        bench.prepare(w)
        names = options.only + [n for n in w.against if n in bench.servers and n not in options.only]
        heads = {}
        for head in options.heads:
            heads[head] = bench.compare(w, head, names, options.rounds, options.seconds)
            show(w, head, heads[head])
        yield w.name, heads


def short(options):
    options.only, options.heads = ["ceiling", "tined"], ["minimal"]
    chosen = [workloads.WORKLOADS[name] for name in SHORT]
    with bench_of(options.only, chosen) as bench:
        measured = report.ratios(dict(compare(bench, chosen, options)))
    worse = figures.exceeded(measured, report.committed(), TOLERANCE)
    for name in worse:
        print("%s: %.2f times the ceiling, which is more than %g times the committed %.2f" % (
            name, measured[name], TOLERANCE, report.committed()[name]))
    return 1 if worse else 0


def count():
    with bench_of(COMPARED, calls.WORKLOADS) as bench:
        counted = calls.count(bench)
    for name, content in counted.items():
        print("%s\n\n%s\n" % (name, content))
    return counted


def measure(options):
    chosen = [workloads.WORKLOADS[name] for name in options.workloads or workloads.WORKLOADS]
    against = [n for w in chosen for n in w.against if "tined" in options.only]
    with bench_of([*options.only, *against], chosen) as bench:
        yield from compare(bench, chosen, options)


def write(options):
    options.only, options.heads = COMPARED, list(workloads.HEADS)
    results, counted = store.load()
    if options.workloads or not options.calls:
        for name, heads in measure(options):
            results[name] = heads
            store.save(results, counted)  # a run that is cut short is not lost
    if options.calls or not options.workloads:
        counted.update(count())
        store.save(results, counted)
    report.write(*store.load())


def main():
    options = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # not without the servers
    if options.short:
        return short(options)
    if options.write:
        write(options)
    elif options.calls:
        count()
    else:
        for _ in measure(options):
            pass
    return 0


sys.exit(main())

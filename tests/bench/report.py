"""The results, as Markdown and as charts. Writes docs/BENCHMARKS.md and what belongs to it."""

import json
import os
import platform
import re

import chart
import figures
import rounds
import servers
import tables
import workloads

DOCS = os.path.join(servers.TOP, "docs")
CHART = os.path.join(DOCS, "benchmarks-%s.svg")
RATIOS = os.path.join(servers.TOP, "tests/bench/ratios.json")
COMPARED = ["tined", *servers.PEERS]


def _shown(ratio):
    return "%.2f (%.2f..%.2f)" % ratio


def _cost(found, name):
    cost = figures.spread([m.cpu for m in found[name]]).median
    return "%.2f µs" % (cost * 1e6) if cost < 1e-3 else "%.1f ms" % (cost * 1e3)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        cpu = re.search(r"^model name\s*:\s*(.*)", f.read(), re.M)
    with open("/etc/os-release", encoding="utf-8") as f:
        system = re.search(r'^PRETTY_NAME="?([^"\n]*)', f.read(), re.M).group(1)
    versions = ", ".join("%s %s" % (s.name, s.version()) for s in
                         (servers.Tined, servers.Nginx, servers.Lighttpd, servers.H2o))
    return "%s, %d processors; Linux %s; %s. %s." % (
        cpu.group(1) if cpu else platform.machine(), os.cpu_count(), platform.release(), system, versions)


def costs_table(results, head):
    """Each workload: what the ceiling and tined cost, and each server as a ratio to the ceiling."""
    header = ["workload", "ceiling", "tined", *(servers.SERVERS[n].title + " / ceiling" for n in COMPARED)]
    rows = []
    for name, heads in results.items():
        found = heads[head]
        rows.append([workloads.WORKLOADS[name].title, _cost(found, "ceiling"), _cost(found, "tined"),
                     *(_shown(figures.against(found, n, "ceiling")) for n in COMPARED)])
    return tables.table(header, rows)


def saturation_table(results, head):
    """The smallest share of the time in which the server ran, and its sleeps per answer."""
    chosen = ["ceiling", *COMPARED]
    rows = []
    for name, heads in results.items():
        found = heads[head]
        rows.append([workloads.WORKLOADS[name].title,
                     *("%.0f %%, %.3f" % (min(m.busy for m in found[n]) * 100,
                                          max(m.sleeps for m in found[n])) for n in chosen)])
    return tables.table(["workload", *(servers.SERVERS[n].title for n in chosen)], rows)


def all_goals(results, head):
    goals = [g for name, heads in results.items()
             for g in figures.goals_of(workloads.WORKLOADS[name], heads[head], servers.PEERS)]
    if "tined-quiet" in results.get("small", {}).get(head, {}):
        value = figures.against(results["small"][head], "tined", "tined-quiet")
        goals.append(figures.Goal("access log on", workloads.GOAL_LOG, "tined-quiet", value))
    return goals


def goals_table(results, head):
    rows = [[g.what, servers.SERVERS[g.base].title, "%.2f" % g.limit, _shown(g.value),
             "met" if figures.is_met(g) else "**missed**"] for g in all_goals(results, head)]
    return tables.table(["workload", "against", "at most", "measured", ""], rows)


def settings_table(results, head):
    """The cost of tined when something is set otherwise."""
    rows = [[workloads.WORKLOADS[name].title, servers.SERVERS[other].title, _cost(heads[head], other),
             _shown(figures.against(heads[head], other, "ceiling")),
             _shown(figures.against(heads[head], other, "tined"))]
            for name, heads in results.items() for other in workloads.WORKLOADS[name].against
            if other in heads[head]]
    return tables.table(["workload", "with", "cost", "to the ceiling", "to tined with its defaults"], rows)


def quality(results):
    """How many rounds there were, and how many measurements remained disturbed."""
    every = [m for heads in results.values() for found in heads.values()
             for measured in found.values() for m in measured]
    count = len(results["small"]["minimal"]["tined"])
    return "These figures are of %d rounds; %d of %d measurements were still disturbed at last." % (
        count, sum(map(rounds.is_disturbed, every)), len(every))


def picture(results, head):
    rows, limits = [], {}
    for name, heads in results.items():
        w, found = workloads.WORKLOADS[name], heads[head]
        rows.append((w.title, {servers.SERVERS[n].title: figures.against(found, n, "ceiling").median
                               for n in COMPARED}))
        if w.goal:
            limits[w.title] = w.goal
    return chart.svg(chart.Chart(
        "Processor time per answer (%s head)" % head,
        "times that of a bare epoll loop; the upright stroke is the goal of tined",
        [servers.SERVERS[n].title for n in COMPARED], rows, limits))


def ratios(results):
    """Of tined to the ceiling: workload -> median."""
    return {name: round(figures.against(heads["minimal"], "tined", "ceiling").median, 3)
            for name, heads in results.items()}


def committed():
    with open(RATIOS, encoding="ascii") as f:
        return json.load(f)


def write(results, counted):
    """Puts everything into the page, and writes charts and ratios."""
    tables.write({
        "machine": machine(),
        "quality": quality(results),
        "goals": goals_table(results, "minimal"),
        "settings": settings_table(results, "minimal"),
        "minimal": costs_table(results, "minimal"),
        "browser": costs_table(results, "browser"),
        "saturation": saturation_table(results, "minimal"),
        **counted,
    })
    for head in workloads.HEADS:
        with open(CHART % head, "w", encoding="utf-8") as f:
            f.write(picture(results, head))
    with open(RATIOS, "w", encoding="ascii") as f:
        json.dump(ratios(results), f, indent=4)
        f.write("\n")

"""The figures of rounds: medians, spreads, ratios that are paired by round, and goals. Pure."""

import collections
import statistics

Spread = collections.namedtuple("Spread", "median low high")
# what: the workload's title; limit: what is allowed, against `base`; value: what was measured
Goal = collections.namedtuple("Goal", "what limit base value")


def spread(values):
    return Spread(statistics.median(values), min(values), max(values))


def ratios(values, others):
    """The spread of what each round's value is to the other's of the same round."""
    if len(values) != len(others):
        raise ValueError("rounds that are not paired")
    return spread([a / b for a, b in zip(values, others)])


def against(found, name, base):
    """The ratios of the processor time of two servers in one workload."""
    return ratios([m.cpu for m in found[name]], [m.cpu for m in found[base]])


def best_of(found, names):
    """The server with the smallest median, or None when none was measured."""
    present = [name for name in names if name in found]
    return min(present, key=lambda n: spread([m.cpu for m in found[n]]).median, default=None)


def goals_of(w, found, peers):
    """The goals that the workload sets for tined, where they can be judged."""
    goals = []
    if w.goal and "ceiling" in found:
        goals.append(Goal(w.title, w.goal, "ceiling", against(found, "tined", "ceiling")))
    best = best_of(found, peers)
    if best:
        # Without a goal of its own it is to be cheaper than every peer.
        goals.append(Goal(w.title, w.best or 1.0, best, against(found, "tined", best)))
    return goals


def is_met(goal):
    return round(goal.value.median, 2) <= goal.limit


def exceeded(measured, committed, tolerance):
    """The names whose ratio is larger than the committed one allows."""
    return [name for name, value in measured.items()
            if name in committed and value > committed[name] * tolerance]

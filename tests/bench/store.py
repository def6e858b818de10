"""The results of the runs that write, so that one can be made in parts: a file of the build."""

import json
import os

import rounds
import servers
import workloads

PATH = os.path.join(servers.BUILD, "bench.json")


def load():
    """(results, counted): see bench.compare() and calls.count(). Empty when there is none."""
    if not os.path.exists(PATH):
        return {}, {}
    with open(PATH, encoding="utf-8") as f:
        kept = json.load(f)
    results = {name: {head: {server: [rounds.Measurement(*m) for m in measured]
                             for server, measured in found.items()}
                      for head, found in kept["results"][name].items()}
               for name in workloads.WORKLOADS if name in kept["results"]}
    return results, kept["counted"]


def save(results, counted):
    with open(PATH, "w", encoding="utf-8") as f:
        json.dump({"results": results, "counted": counted}, f)

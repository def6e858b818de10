"""Measures servers in alternation: rounds that are paired, and repeated when others disturbed them."""

import collections
import json
import os
import subprocess

import servers
import tree
import workloads

CLIENT = os.path.join(servers.BUILD, "tests/bench/client")

# A measurement is repeated, so many times at most, when server or client were ready to run but did not,
# or the machine below was not theirs, for more of the time than the workload allows.
REPEATS = 3

# cpu: of the server per answer, in seconds; busy: its share of the time; sleeps: how often it had
# nothing to do, per answer; unrest: the share of the time in which it or the client had to wait, less
# what is allowed: disturbed when more than nothing
Measurement = collections.namedtuple("Measurement", "cpu busy sleeps unrest")


def is_disturbed(m):
    return m.unrest > 0


def _stolen():
    """Seconds that the hypervisor gave the two processors to others."""
    with open("/proc/stat", encoding="ascii") as f:
        rows = [line.split() for line in f if line.startswith("cpu")]
    ours = ("cpu%d" % servers.SERVER_CPU, "cpu%d" % servers.CLIENT_CPU)
    return sum(int(row[8]) for row in rows if row[0] in ours) / os.sysconf("SC_CLK_TCK")


class Bench:
    """The files of some workloads, and servers that serve them:

    with Bench(directory, names, workloads) as bench: …
    """

    def __init__(self, directory, names, chosen=tuple(workloads.WORKLOADS.values())):
        self.dir = directory
        # The first is there always: it has validators to ask for.
        self.files = dict.fromkeys(["1k.html", *(w.path for w in chosen)])
        self.root = os.path.join(directory, "root")
        self.servers = {name: servers.SERVERS[name](self.root, directory)
                        for name in dict.fromkeys(["tined", *names])}

    def __enter__(self):
        os.chmod(self.dir, 0o755)
        tree.make(self.root, self.files)
        self._write("text", tree.text())
        for server in self.servers.values():
            if server.name != "ceiling":
                server.start()
        return self

    def __exit__(self, *_):
        for server in self.servers.values():
            server.stop()

    def _write(self, name, content):
        with open(os.path.join(self.dir, name), "wb") as f:
            f.write(content)
        return os.path.join(self.dir, name)

    def prepare(self, w):
        """Has the ceiling send what tined sends in this workload."""
        ceiling = self.servers.get("ceiling")
        if not ceiling:
            return
        tined = self.servers["tined"]
        head, content = tined.fetch(workloads.first_request(w, "minimal", tined), w.sampled)
        if w.sampled:
            ceiling.answer_with(head, os.path.join(self.root, w.path), close=w.close)
        else:
            ceiling.answer_with(head + content, close=w.close)

    def client_arguments(self, w, head, server):
        text, length, stride = os.path.join(self.dir, "text"), w.length, tree.STRIDE
        if length is None:  # a page of the server's own, which may depend on the client
            _, page = server.fetch(workloads.first_request(w, head, server))
            text, length = server.write("page", page), len(page)
        start = workloads.RANGE_AT if w.status == 206 else 0
        if server.name == "ceiling" or w.path not in tree.DIRECTORIES:
            stride = 0
        arguments = ["--port", server.port, "--status", w.status, "--text", text, "--length", length,
                     "--start", start, "--stride", stride, "--depth", w.depth,
                     "--connections", w.connections,
                     "--requests", server.write("requests", workloads.requests(w, head, server))]
        if w.status == 304:
            arguments += ["--bodiless"]
        if w.close:
            arguments += ["--close"]
        if w.sampled:
            arguments += ["--sample", workloads.SAMPLE]
        if w.answers:
            arguments += ["--answers", w.answers]
        return [str(a) for a in arguments]

    def run_client(self, server, arguments):
        """The output of the client, which fails when an answer was wrong."""
        command = [CLIENT] + arguments
        for pid in server.pids:
            command += ["--pid", str(pid)]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                             preexec_fn=servers.pinned_to(servers.CLIENT_CPU))
        if run.returncode != 0:
            raise RuntimeError("%s: %s" % (server.name, run.stderr.decode(errors="replace")))
        return json.loads(run.stdout)

    def _measure_once(self, w, server, arguments):
        stolen = _stolen()
        r = self.run_client(server, arguments)
        waited = (r["delay"] + _stolen() - stolen) / r["seconds"]
        return Measurement(r["cpu"] / r["answers"], r["cpu"] / r["seconds"],
                           r["sleeps"] / r["answers"], waited - w.unrest)

    def measure(self, w, server, arguments):
        """One undisturbed measurement, or the least disturbed of some."""
        best = None
        for _ in range(REPEATS):
            m = self._measure_once(w, server, arguments)
            if best is None or m.unrest < best.unrest:
                best = m
            if not is_disturbed(best):
                break
        return best

    def compare(self, w, head, names, count, seconds):
        """The measurements of each server: name -> a list of `count`, in alternation."""
        chosen = [self.servers[name] for name in names]
        arguments = {s.name: self.client_arguments(w, head, s) for s in chosen}
        timed = [] if w.answers else ["--seconds", str(seconds)]
        for server in chosen:  # files are read, memory is there, the first time does not count
            self.run_client(server, arguments[server.name] + timed)
        found = {name: [] for name in names}
        for i in range(w.rounds or count):
            # Nobody always comes after the same one.
            for server in chosen[i % len(chosen):] + chosen[:i % len(chosen)]:
                found[server.name].append(self.measure(w, server, arguments[server.name] + timed))
        return found

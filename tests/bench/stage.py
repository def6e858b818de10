"""Shared by ./dev bench scale and ./dev bench latency: files, servers, and their parts."""

import argparse
import os
import tempfile
import time

import rounds
import servers
import tables
import tree

GET = "GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
SMALL = "1k.html"


def write_file(path, source, start, size):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        for at in range(0, size, tree.MIB):
            piece = min(tree.MIB, size - at)
            begin = (start + at) % tree.PERIOD
            f.write((source[begin:] + source * 2)[:piece])
    os.chmod(path, 0o644)
    os.utime(path, (tree.MTIME, tree.MTIME))


def fill(root, sizes):
    """Writes these files, path -> size, whose content begins STRIDE apart, until they are old."""
    source = tree.text()
    for number, (path, size) in enumerate(sizes.items()):
        write_file(os.path.join(root, path), source, number * tree.STRIDE % tree.PERIOD, size)
    time.sleep(tree.AGE)


class Stage(rounds.Bench):
    """Files, and servers that are started and ended by the part that needs them."""

    def __init__(self, directory, options, sizes):
        super().__init__(directory, [])
        self.options = options
        self.sizes = sizes
        self.servers = {}

    def __enter__(self):
        os.chmod(self.dir, 0o755)
        fill(self.root, self.sizes)
        self.text = self._write("text", tree.text())
        return self

    def start(self, kind, name=None, root=None):
        """A server of that class, with a name and so a directory and a port of its own."""
        server = type(name or kind.name, (kind,), {"name": name or kind.name})(
            root or self.root, self.dir)
        server.start()
        self.servers[server.name] = server
        return server

    def stop(self):
        for server in self.servers.values():
            server.stop()
        self.servers = {}


def run(what, parts, sizes, more=()):
    """A command: measures the parts that are wanted, name -> function of a stage that gives a table."""
    parser = argparse.ArgumentParser(prog="./dev bench " + what)
    parser.add_argument("--only", metavar="PART,...", default=",".join(parts),
                        help="of %s" % ", ".join(parts))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4, help="of each measurement")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/BENCHMARKS.md")
    for name, settings in more:
        parser.add_argument(name, **settings)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tined-bench-") as directory, \
            Stage(directory, options, sizes) as stage:
        for name in options.only.split(","):
            text = parts[name](stage)
            print(text, end="\n\n", flush=True)
            if options.write:
                tables.write({"%s %s" % (what, name): text})
            stage.stop()

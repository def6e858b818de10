"""tests/soak/visitors and what they visit: tined, and for comparison nginx and lighttpd."""

import contextlib
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import figures
import harness
from harness import wait_until

BUILD = os.path.dirname(harness.TINED)
VISITORS = os.path.join(BUILD, "tests", "soak", "visitors")
NO_HANDOFF = os.path.join(BUILD, "tests", "soak", "no-handoff.so")
PATIENCE = 60

CAUSES = ("fin_idle", "fin_asked", "rst", "rst_new", "short", "byte", "status", "told", "slow", "never",
          "refused")
# Those that nobody is active who asks 64 at once: half of them pipeline, some halt in a request.
ACTIVE = {"plain": 16, "pipelining": 32, "halting": 16, "downloading": 4, "fresh": 4}


def most_idle(wanted=10000):
    """How many idle connections the limit of descriptors allows, with room for all others."""
    return max(min(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 1000), 1)


def make_files(directory, large=8 << 20):
    for name, size in (("small.bin", 600), ("medium.bin", 20000), ("large.bin", large)):
        subprocess.run([VISITORS, "--make", os.path.join(directory, name), str(size)], check=True)


class Visitors:
    """with Visitors(addresses, idle=100) as v: …; v.ask(); v.report()["rst"]"""

    def __init__(self, addresses, **counts):
        self.idle = counts.get("idle", 0)
        arguments = ["--%s=%d" % item for item in counts.items()]
        self.process = subprocess.Popen([VISITORS] + arguments + list(addresses), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, universal_newlines=True)
        self._expect("ready")

    def _line(self):
        return line_of(self.process.stdout)

    def _expect(self, text):
        line = self._line()
        if line != text:
            raise AssertionError("the visitors said %r, not %r" % (line, text))

    def _say(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def report(self):
        self._say("report")
        return json.loads(self._line())

    def ask(self):
        """Every idle visitor asks once more, and is answered."""
        self._say("ask")
        self._expect("answered %d" % self.idle)

    def end(self):
        self._say("end")
        result = json.loads(self._line())
        self.process.wait(PATIENCE)
        self.process.stdin.close()
        self.process.stdout.close()
        return result

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def line_of(pipe):
    """A line, or "" when none comes in time."""
    if not select.select([pipe], [], [], PATIENCE)[0]:
        return ""
    return pipe.readline().rstrip("\n")


def failures(report):
    """By cause; what was only slow is not among them."""
    return {c: report[c] for c in CAUSES if report[c] and c != "slow"}


class Table:
    """Rows of what was counted, for people to read."""

    def __init__(self):
        self.rows = []

    def add(self, what, report, note=""):
        self.rows.append([what, report["answers"]] + [report[c] for c in CAUSES] +
                         [report["slowest_ms"], note])

    def __str__(self):
        head = ["", "answers"] + list(CAUSES) + ["ms", ""]
        rows = [head] + [[str(cell) for cell in row] for row in self.rows]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head) - 1)]
        return "\n".join("  ".join([row[0].ljust(widths[0])] +
                                   [cell.rjust(w) for cell, w in zip(row[1:-1], widths[1:])] +
                                   [row[-1]]).rstrip() for row in rows)


# ---- what is visited ---------------------------------------------------------------------------
def unix_name():
    return "unix:@tined-visits-%d-%s" % (os.getpid(), time.monotonic_ns())


class Tined(harness.Daemon):
    """Listens on IPv4, IPv6 and a UNIX socket, perhaps on a machine with other clocks. `hands_over`
    False: it is kept from it."""

    name = "tined"

    def __init__(self, hands_over=True, large=8 << 20, listen=None, drain="30s", machine=None, **options):
        super().__init__(start=False, listen=listen or ("127.0.0.1:0", "[::1]:0", unix_name()),
                         timeouts={"idle": "1h", "drain": drain, "linger": "500ms"}, log={"level": "info"}, **options)
        make_files(self.root, large)
        if machine:
            self.environment.update(machine.environment)
        if not hands_over:
            self.environment["LD_PRELOAD"] = NO_HANDOFF
        try:
            self.start()
        except BaseException:
            self.__exit__(BaseException, None, None)
            raise
        self.generation = 1
        self.slowest_end = 0

    def reload(self, wait_for_end=True):
        """As an administrator does; with `wait_for_end` until the old workers are gone."""
        self._renew(signal.SIGHUP, wait_for_end)

    def upgrade(self):
        self._renew(signal.SIGUSR2, True)

    def _renew(self, number, wait_for_end):
        old = self.workers()
        mark = self.mark()
        began = time.monotonic()
        self.send_signal(number)
        self.generation += 1
        self.wait_log(r"ready: generation %d\b" % self.generation, after=mark)
        if wait_for_end:
            harness.wait_gone(old, PATIENCE)
            self.slowest_end = max(self.slowest_end, time.monotonic() - began)

    def reload_badly(self):
        """With a configuration that cannot be used."""
        mark = self.mark()
        self.write_config("workers = \n")
        self.send_signal(signal.SIGHUP)
        self.wait_log(r"reload failed", after=mark)
        self.write_config()

    def figures(self):
        """Descriptors and kB of the master, and of all workers: all that was written to of the one,
        whoever shares it by now, and what is private of the others."""
        workers = self.workers()
        return (figures.descriptors_of(self.pid), sum(map(figures.descriptors_of, workers)),
                figures.memory_of(self.pid)["Anonymous"], figures.private_of(workers))


class Other:
    """Another server with the same files, addresses and patience."""

    program = None
    config = None
    most_idle = 10000

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="tined-it-")
        os.chmod(self.dir, 0o755)
        self.root = os.path.join(self.dir, "root")
        os.mkdir(self.root)
        make_files(self.root)
        port = harness.free_port()
        self.addresses = ["127.0.0.1:%d" % port, "[::1]:%d" % port, "unix:%s/socket" % self.dir]
        path = os.path.join(self.dir, "conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(self.config % {"dir": self.dir, "port": port})
        self.process = subprocess.Popen(self.command(path), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        start_new_session=True)
        wait_until(lambda: not harness.is_refused((socket.AF_INET, ("127.0.0.1", port))), self.program)
        self.slowest_end = 0

    def command(self, path):
        raise NotImplementedError

    def reload(self):
        raise NotImplementedError

    @classmethod
    def path(cls):
        return shutil.which(cls.program, path=os.environ["PATH"] + ":/usr/sbin")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        harness.kill_session(self.process.pid)
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Nginx(Other):
    name = program = "nginx"
    config = """
worker_processes 2;
worker_rlimit_nofile 19000;
daemon off;
pid %(dir)s/pid;
error_log /dev/null;
events { worker_connections 18000; }
http {
    access_log off;
    sendfile on;
    keepalive_timeout 3600s;
    keepalive_requests 1000000000;
    client_header_timeout 60s;
    large_client_header_buffers 4 16k;
    server {
        listen 127.0.0.1:%(port)d backlog=4096;
        listen [::1]:%(port)d backlog=4096;
        listen unix:%(dir)s/socket backlog=4096;
        root %(dir)s/root;
    }
}
"""

    def command(self, path):
        return [self.path(), "-c", path, "-e", "/dev/null"]

    def reload(self):
        old = set(harness.children_of(self.process.pid))
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(set(harness.children_of(self.process.pid)) - old) >= 2, "new workers")
        time.sleep(0.3)


class Lighttpd(Other):
    name = program = "lighttpd"
    most_idle = 1000  # more do not all get in
    config = """
server.document-root = "%(dir)s/root"
server.bind = "127.0.0.1"
server.port = %(port)d
$SERVER["socket"] == "[::1]:%(port)d" { }
$SERVER["socket"] == "%(dir)s/socket" { }
server.max-fds = 19000
server.max-connections = 18000
server.max-keep-alive-idle = 3600
server.max-keep-alive-requests = 1000000000
server.listen-backlog = 4096
server.errorlog = "/dev/null"
server.feature-flags = ( "server.graceful-shutdown-timeout" => 1 )
"""

    def command(self, path):
        return [self.path(), "-D", "-f", path]

    def reload(self):
        self.process.send_signal(signal.SIGUSR1)  # a graceful restart, in the same process
        time.sleep(1.5)


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: harness.state_of(pid) == "T", "it to stop")
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def connections_of(pid, fixed):
    """How many a worker holds, of which `fixed` sockets are none."""
    return figures.sockets_of(pid) - fixed


def sockets_without_connections(pids):
    """Listeners, channel, handoff: the same for every worker of a generation."""
    return max(figures.sockets_of(pid) for pid in pids)


def log_count(d, pattern):
    return len(re.findall(pattern, d.log))

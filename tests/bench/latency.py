#!/usr/bin/env python3
"""./dev bench latency: how long clients wait at a given rate of requests, beside downloads, and beside
a file that is not in memory."""

import contextlib
import errno
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time

import servers
import stage
import tables
import tree

OPENLOOP = os.path.join(servers.BUILD, "tests/bench/openloop")
PEERS = ("tined", "nginx", "lighttpd", "h2o")
FILE, SIZE = "1k.html", tree.KIB
LARGE, LARGE_SIZE = "100m.bin", 100 * tree.MIB
DOWNLOADS = 16
COLD_SIZE = tree.GIB
COLD_RATES = (50, 10)   # MB/s of the throttled disk
COLD_SECONDS = 6
COLD_ASKED = 1000       # requests a second beside the cold file


def ask(on, server, rate, seconds, patient=False):
    """The findings of the open-loop client. `patient`: requests may remain without an answer."""
    command = [OPENLOOP, "--port", server.port, "--requests", server.write("one", stage.GET % FILE),
               "--text", on.text, "--length", SIZE, "--rate", rate, "--seconds", seconds]
    run = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, check=not patient,
                         preexec_fn=servers.pinned_to(servers.CLIENT_CPU))
    return json.loads(run.stdout)


class Tined(servers.Tined):
    """One that can be asked for its status."""

    def command(self):
        return super().command() + ["-o", "control=%s" % self.path("control")]

    def rounds(self):
        """The histogram of its loop's rounds: bound in us -> how many; None: longer than all."""
        out = subprocess.run([self.program, "status", "--json", "-c", self.path("tined.conf"),
                              "-o", "control=%s" % self.path("control")],
                             stdout=subprocess.PIPE, check=True).stdout
        return {int(k) if k.isdigit() else None: v for k, v in json.loads(out)["rounds_us"].items()}


def taken_away(pid):
    """(how often, for how many ms) a process was ready to run and did not."""
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as f:
        switches = int(re.search(r"^nonvoluntary_ctxt_switches:\s*(\d+)", f.read(), re.M).group(1))
    with open("/proc/%d/schedstat" % pid, encoding="ascii") as f:
        return switches, int(f.read().split()[1]) / 1e6


# ---- parts ---------------------------------------------------------------------------------------


def peers(on):
    options = on.options
    started = [on.start(servers.SERVERS[name]) for name in PEERS]
    found = {s.title: [] for s in started}
    for s in started:
        ask(on, s, options.rate, 0.3)
    for i in range(options.rounds):
        for s in started[i % len(started):] + started[:i % len(started)]:
            found[s.title].append(ask(on, s, options.rate, options.seconds))
        print(".", end="", file=sys.stderr, flush=True)
    rows = [[title] + ["%.0f" % statistics.median(r[q] for r in results)
                       for q in ("p50", "p99", "p999", "max")] for title, results in found.items()]
    return tables.table(("%d requests/s" % options.rate, "p50, us", "p99, us", "p99.9, us",
                         "longest, us"), rows)


def downloads(on):
    """The loop's own histogram beside downloads at full speed."""
    tined = on.start(Tined)
    before, away = tined.rounds(), taken_away(tined.pids[-1])
    arguments = ["--port", tined.port, "--text", on.text, "--length",
                 LARGE_SIZE, "--requests", tined.write("requests", stage.GET % LARGE),
                 "--start", tree.STRIDE, "--connections", DOWNLOADS, "--sample", 4096, "--seconds", 5]
    on.run_client(tined, [str(a) for a in arguments])
    counts = {bound: n - before[bound] for bound, n in tined.rounds().items()}
    rows = [("less than %d us" % bound if bound else "longer", n)
            for bound, n in counts.items() if n]
    switches, waited = (b - a for a, b in zip(away, taken_away(tined.pids[-1])))
    return (tables.table(("rounds beside %d downloads" % DOWNLOADS, "how many"), rows) +
            "\n\nThese are times, not processor times: meanwhile others took the processor %d times, and "
            "kept it for %.1f ms in all." % (switches, waited))


@contextlib.contextmanager
def throttled_disk(directory):
    """(mount point, set_rate(pids, MB/s)): a file system on a disk that is as slow as one likes."""
    image, mount = "/dev/shm/tined-bench-%d" % os.getpid(), os.path.join(directory, "disk")
    group = "/sys/fs/cgroup/blkio/tined-bench-%d" % os.getpid()
    device = None
    os.makedirs(mount)

    def run(*command):
        return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().strip()

    def set_rate(pids, rate):
        st = os.stat(device)
        with open(group + "/blkio.throttle.read_bps_device", "w", encoding="ascii") as f:
            f.write("%d:%d %d\n" % (os.major(st.st_rdev), os.minor(st.st_rdev), rate * 1000000))
        for pid in pids:
            with open(group + "/cgroup.procs", "w", encoding="ascii") as f:
                f.write(str(pid))

    try:
        run("truncate", "-s", str(COLD_SIZE + LARGE_SIZE), image)
        run("mkfs.ext4", "-q", "-F", "-m", "0", image)
        device = run("losetup", "-f", "--show", image)
        run("mount", device, mount)
        os.mkdir(group)
        yield mount, set_rate
    finally:
        subprocess.run(["umount", "-l", mount], check=False, stderr=subprocess.DEVNULL)
        if device:
            subprocess.run(["losetup", "-d", device], check=False)
        if os.path.exists(image):
            os.unlink(image)
        if os.path.exists(group):
            for _ in range(50):
                with contextlib.suppress(OSError):
                    os.rmdir(group)
                    break
                time.sleep(0.1)


def make_cold(path):
    """None of its content is in memory any more."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.preadv(fd, [bytearray(1)], COLD_SIZE // 2, os.RWF_NOWAIT)
        raise RuntimeError("%s is still in memory" % path)
    except OSError as e:
        if e.errno != errno.EAGAIN:
            raise
    finally:
        os.close(fd)


def download(server, path, ended, got):
    """Receives until it is told to stop."""
    with socket.create_connection(("127.0.0.1", server.port)) as s:
        s.sendall((stage.GET % path).encode())
        while not ended.is_set():
            got[0] += len(s.recv(1 << 20))


def beside_cold(on, server, rate):
    """The figures of others, and MB/s of the download."""
    ended, got = threading.Event(), [0]
    thread = threading.Thread(target=download, args=(server, "cold.bin", ended, got))
    ask(on, server, COLD_ASKED, 0.3)
    began = time.monotonic()
    thread.start()
    try:
        found = ask(on, server, COLD_ASKED, COLD_SECONDS, patient=True)
    finally:
        speed = got[0] / (time.monotonic() - began) / 1e6
        ended.set()
        thread.join()
    return found, speed


def cold(on):
    if os.geteuid() != 0 or not os.path.isdir("/sys/fs/cgroup/blkio"):
        return "(skipped: needs root, a loop device and the blkio controller of cgroups)"
    rows = []
    with throttled_disk(on.dir) as (mount, set_rate):
        os.chmod(mount, 0o755)
        stage.fill(mount, {FILE: SIZE, "cold.bin": COLD_SIZE})
        for kind in (servers.Tined, servers.Nginx):
            server = on.start(kind, root=mount)
            for rate in COLD_RATES:
                make_cold(os.path.join(mount, "cold.bin"))
                set_rate(server.pids, rate)
                found, speed = beside_cold(on, server, rate)
                rows.append((server.title, "%d MB/s" % rate, "%.1f MB/s" % speed,
                             *("%.2f" % (found[q] / 1000) for q in ("p50", "p99", "max")),
                             found["errors"]))
            on.stop()
    return tables.table(("server", "disk", "download", "others: p50, ms", "p99, ms",
                         "longest, ms (goal 50)", "without an answer"), rows)


stage.run("latency", {f.__name__: f for f in (peers, downloads, cold)},
          {FILE: SIZE, LARGE: LARGE_SIZE},
          [("--rate", {"type": int, "default": 20000, "help": "requests a second"})])

"""The workloads, their goals, and their requests as bytes."""

import collections
import email.utils
import re

import tree
from tree import KIB, MIB, GIB

HEADS = ("minimal", "browser")

# The fields that a browser sends when it follows a link: with Host and Connection 12 fields.
BROWSER = (
    'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Linux"',
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: navigate",
    "Referer: http://localhost/index.html",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-US,en;q=0.9",
)

# A share of the bytes of large content is looked at; the rest is counted.
SAMPLE = 4 * KIB
RANGE_AT = 50 * MIB + 12345

# goal:    of tined: at most so many times the ceiling; None: cheaper than every peer
# best:    a goal that is relative to the best peer instead
# sampled: with most content thrown away unseen: the client would be slower than any server
# answers: how many make a round, instead of its time
# against: further servers, for this workload only
# unrest:  the share of the time for which server or client may be kept waiting
Workload = collections.namedtuple(
    "Workload", "name title path length status goal best fields close depth connections sampled "
    "answers rounds against unrest",
    defaults=(200, None, None, (), False, 1, 64, False, None, None, (), 0.02))

WORKLOADS = {w.name: w for w in (
    Workload("small", "1 KiB, keep-alive", "1k.html", KIB, goal=1.05,
             against=("tined-quiet", "tined-bare")),
    Workload("close", "1 KiB, Connection: close", "1k.html", KIB, goal=1.05, close=True,
             against=("tined-bare",),
             # The kernel's own threads clean up after closed sockets.
             connections=256, unrest=0.1),
    Workload("16k", "16 KiB", "16k.html", 16 * KIB, goal=1.08),
    Workload("pipelined", "1 KiB, 16 pipelined", "1k.html", KIB, goal=1.5, depth=16),
    Workload("random", "10,000 files of 1 KiB at random", "many", KIB, goal=1.25),
    Workload("random16", "10,000 files of 16 KiB at random", "many16", 16 * KIB,
             against=("tined-open",)),
    Workload("304", "304 Not Modified", "1k.html", 0, status=304, goal=1.05),
    Workload("range", "4 KiB range of 100 MiB", "100m.bin", 4 * KIB, status=206, goal=1.25,
             fields=("Range: bytes=%d-%d" % (RANGE_AT, RANGE_AT + 4 * KIB - 1),)),
    Workload("404", "404 Not Found", "missing.html", None, status=404, goal=1.15),
    Workload("1m", "1 MiB", "1m.bin", MIB, best=1.15, connections=8, sampled=True),
    Workload("1g", "download of 1 GiB", "1g.bin", GIB, best=1.15, connections=1, sampled=True,
             answers=1, rounds=9),
)}

GOAL_LOG = 1.03  # tined with its access log against tined without


def _request(w, head, path, fields):
    connection = "close" if w.close else "keep-alive"
    lines = ["GET /%s HTTP/1.1" % path, "Host: localhost"]
    if head == "browser":
        lines += ["Connection: %s" % connection, *BROWSER]
    elif w.close:
        lines += ["Connection: close"]
    return ("\r\n".join([*lines, *w.fields, *fields]) + "\r\n\r\n").encode()


def _conditions(server):
    """Fields by which this server finds that nothing has changed: what a browser sends."""
    head, _ = server.fetch(b"GET /1k.html HTTP/1.1\r\nHost: localhost\r\n\r\n")
    etag = re.search(rb"(?i)\r\nETag: ([^\r]+)", head)
    fields = ["If-Modified-Since: %s" % email.utils.formatdate(tree.MTIME, usegmt=True)]
    return fields + (["If-None-Match: %s" % etag.group(1).decode()] if etag else [])


def requests(w, head, server):
    """The requests of a workload to this server, one after the other."""
    fields = _conditions(server) if w.status == 304 else []
    if w.path in tree.DIRECTORIES:
        paths = [tree.path_of(w.path, i) for i in range(tree.MANY)]
    else:
        paths = [w.path]
    return b"".join(_request(w, head, path, fields) for path in paths)


def first_request(w, head, server):
    """One request of a workload."""
    return requests(w, head, server).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

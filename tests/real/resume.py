#!/usr/bin/env python3
"""Goal: downloads that break off are resumed, past 4 GiB too, and never give a mixture of two files
unless the client asks for it."""

import os
import re
import subprocess
import unittest

from clients import Daemon, main, measured, run
from harness import wait_until

MIB = 1 << 20
GIB = 1 << 30
IMAGE_SIZE = 5 * GIB
SMALL_SIZE = 8 * MIB


def mark(f, offset):
    f.seek(offset)
    f.write(b"at %d;" % offset)


def make_image(path):
    """Sparse, with a text at every 64 MiB that tells where it stands; the last MiB is all text."""
    with open(path, "wb") as f:
        for offset in range(0, IMAGE_SIZE, 64 * MIB):
            mark(f, offset)
        mark(f, 4 * GIB - 7)
        for offset in range(IMAGE_SIZE - MIB, IMAGE_SIZE, 32):
            mark(f, offset)
        f.truncate(IMAGE_SIZE)


def data_of(path, begin, end):
    """The parts of a sparse file that are not holes, as (offset, end)."""
    with open(path, "rb") as f:
        at = begin
        while at < end:
            try:
                at = os.lseek(f.fileno(), at, os.SEEK_DATA)
            except OSError:  # holes only, up to the end
                return
            hole = os.lseek(f.fileno(), at, os.SEEK_HOLE)
            if at < end:
                yield at, min(hole, end)
            at = hole


def read_at(path, begin, end):
    with open(path, "rb") as f:
        f.seek(begin)
        return f.read(end - begin)


def differences(a, b, end):
    """Offsets where the first `end` bytes of two sparse files differ, without reading common holes."""
    wrong = []
    for begin, stop in sorted(set(data_of(a, 0, end)) | set(data_of(b, 0, end))):
        for at in range(begin, stop, MIB):
            if read_at(a, at, min(at + MIB, stop)) != read_at(b, at, min(at + MIB, stop)):
                wrong.append(at)
    return wrong


def go_on_sparsely(source, partial, end):
    """The download went on until `end`, but without the time and the disk that it takes."""
    begin = os.path.getsize(partial)
    with open(partial, "r+b") as f:
        for at, stop in data_of(source, begin, end):
            f.seek(at)
            f.write(read_at(source, at, stop))
        f.truncate(end)


def break_off(client, partial, size):
    """Runs a client and ends it when the file has that size."""
    p = subprocess.Popen(client, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: os.path.exists(partial) and os.path.getsize(partial) >= size,
                   "%s of %d bytes" % (partial, size))
        if p.poll() is not None:
            raise AssertionError("%s ended by itself" % client[0])
    finally:
        p.terminate()
        p.wait()


# Commands as users type them.
RESUME = {
    "curl -C -": lambda partial, url: ["curl", "-sS", "-C", "-", "-o", partial, url],
    "wget -c": lambda partial, url: ["wget", "-q", "-c", "-O", partial, url],
}


class Image(unittest.TestCase):
    """5 GiB, broken off at the beginning, across 4 GiB and near the end."""

    def resume_twice(self, name):
        with Daemon() as d:
            source, partial = d.path("disk.img"), os.path.join(d.dir, "partial.img")
            make_image(source)
            client = RESUME[name](partial, d.origin() + "/disk.img")
            slowly = client + ["--limit-rate", "20M"]
            break_off(slowly, partial, 4 * MIB)
            go_on_sparsely(source, partial, 4 * GIB - 4 * MIB)
            break_off(slowly, partial, 4 * GIB + 4 * MIB)
            go_on_sparsely(source, partial, IMAGE_SIZE - 3 * MIB)
            run(*client)
            self.assertEqual(os.path.getsize(partial), IMAGE_SIZE)
            self.assertEqual(differences(source, partial, IMAGE_SIZE), [])
            answers = d.answers()
        self.assertEqual([a.status for a in answers if a.method == "GET"], [200, 206, 206])
        self.assertEqual(answers[-1].sent, 3 * MIB)
        measured("%s: 5 GiB in three parts, byte for byte; answers %s" % (
            name, ", ".join("%d with %d bytes" % (a.status, a.sent) for a in answers)))

    def test_curl(self):
        self.resume_twice("curl -C -")

    def test_wget(self):
        self.resume_twice("wget -c")


class Replaced(unittest.TestCase):
    """Another file takes the place of the one that was downloaded in part."""

    def setUp(self):
        self.daemon = Daemon({"file": b"A" * SMALL_SIZE})
        self.addCleanup(self.daemon.__exit__, None, None, None)
        self.url = self.daemon.origin() + "/file"
        self.partial = os.path.join(self.daemon.dir, "partial")
        break_off(["curl", "-sS", "-o", self.partial, self.url, "--limit-rate", "1M"], self.partial, MIB)
        self.size = os.path.getsize(self.partial)

    def if_range(self):
        """The condition that a client would send which has kept the validator."""
        self.daemon.age("file")
        etag = re.search(r'(?im)^ETag: ("\S*")', run("curl", "-sSI", self.url)).group(1)
        return ["-H", "If-Range: " + etag]

    def replace(self, content):
        self.daemon.write("new", content)
        os.rename(self.daemon.path("new"), self.daemon.path("file"))

    def content(self):
        with open(self.partial, "rb") as f:
            return f.read()

    def test_curl_with_if_range(self):
        condition = self.if_range()
        self.replace(b"B" * SMALL_SIZE)
        # Told to append, curl refuses the whole file (33) and leaves the partial one alone.
        run("curl", "-sS", "-C", "-", *condition, "-o", self.partial, self.url, status=33)
        self.assertEqual(self.content(), b"A" * self.size)
        run("curl", "-sS", "-r", "%d-" % self.size, *condition, "-o", self.partial, self.url)
        self.assertEqual(self.content(), b"B" * SMALL_SIZE)
        answers = self.daemon.answers()[2:]
        self.assertEqual([a.status for a in answers], [200, 200])
        self.assertEqual(answers[-1].sent, SMALL_SIZE)
        measured("curl, If-Range and a file replaced: 200 with the whole of it, %d bytes; "
                 "-C - ends with 33 and spoils nothing" % answers[-1].sent)

    def test_curl_with_if_range_unchanged(self):
        run("curl", "-sS", "-C", "-", *self.if_range(), "-o", self.partial, self.url)
        self.assertEqual(self.content(), b"A" * SMALL_SIZE)
        last = self.daemon.answers()[-1]
        self.assertEqual((last.status, last.sent), (206, SMALL_SIZE - self.size))
        measured("curl, If-Range and the same file: 206 with the %d bytes that were missing" % last.sent)

    def mix(self, name):
        """Without a condition no server can know what the client has."""
        self.replace(b"B" * SMALL_SIZE)
        run(*RESUME[name](self.partial, self.url))
        self.assertEqual(self.content(), b"A" * self.size + b"B" * (SMALL_SIZE - self.size))
        last = self.daemon.answers()[-1]
        self.assertEqual(last.status, 206)
        measured("%s alone and a file replaced: it sends no If-Range, gets the 206 it asked for and "
                 "makes a mixture" % name)

    def test_curl_alone(self):
        self.mix("curl -C -")

    def test_wget_alone(self):
        self.mix("wget -c")

    def test_curl_and_a_shorter_file(self):
        self.replace(b"B" * 1000)
        output = run("curl", "-sS", "-f", "-C", "-", "-o", self.partial, self.url, status=22)
        self.assertIn("416", output)
        self.assertEqual(self.content(), b"A" * self.size)
        self.assertEqual(self.daemon.answers()[-1].status, 416)
        measured("curl and a file that became shorter: 416, and nothing is spoiled")


if __name__ == "__main__":
    main()

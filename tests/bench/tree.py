"""The files that are served. All their content is cut from one text that repeats for ever."""

import os
import random
import time

PERIOD = 1000003  # of the text: a prime, so that no power of two falls on the same place twice
STRIDE = 97       # between the beginnings of the files that are asked for at random
AGE = 3.1         # seconds until nobody takes a file for one that may still change
MTIME = 1700000000

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

MANY = 10000

FILES = {"1k.html": KIB, "16k.html": 16 * KIB, "1m.bin": MIB, "100m.bin": 100 * MIB, "1g.bin": GIB}
# A directory of many files: the size of each.
DIRECTORIES = {"many": KIB, "many16": 16 * KIB}


def text():
    return random.Random(PERIOD).randbytes(PERIOD)


def path_of(directory, number):
    return "%s/%02d/%d.html" % (directory, number // 100, number)


def _write(path, source, start, size):
    with open(path, "wb") as f:
        while size:
            piece = source[start:start + size]
            f.write(piece)
            size -= len(piece)
            start = 0
    os.chmod(path, 0o644)
    os.utime(path, (MTIME, MTIME))


def make(root, names):
    """Fills the directory with the files and directories of these names, and waits until all is old."""
    source = text()
    os.makedirs(root, exist_ok=True)
    for name in names:
        if name in FILES:
            _write(os.path.join(root, name), source, 0, FILES[name])
        for number in range(MANY if name in DIRECTORIES else 0):
            path = os.path.join(root, path_of(name, number))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            _write(path, source, number * STRIDE % PERIOD, DIRECTORIES[name])
    time.sleep(AGE)

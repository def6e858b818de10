"""The files and sites that the rows speak of."""

import os

from .table import CONTENT

FILES = {
    "index.html": b"home",
    "file.txt": CONTENT,
    "twin.txt": CONTENT,
    "empty.txt": b"",
    "big.bin": b"p" * 100000,  # too large for memory: it leaves by reference
    "image.png": b"png",
    "archive.tgz": b"tgz",
    "future.txt": b"future",
    "timeless.txt": b"timeless",
    "dir/index.html": b"dir",
    "dir/file.txt": b"in dir",
    "dir/sub/x": b"x",
    "bare/x": b"x",
    ".hidden": b"hidden",
    "a/g": b"g",
    "mid/6": b"6",
    "a%41.txt": b"percent",
    "what?": b"question",
    "a#b": b"number",
    "semi;colon=1,2": b"delimiters",
    "aZ0-._~": b"unreserved",
    "caf\u00e9": b"utf-8",
    os.fsdecode(b"\xff\xfe"): b"bytes",
    "<quoted\">": b"quoted",
    "col:on": b"colon",
    "at@sign": b"at",
    "a+b": b"plus",
    "a b": b"space",
    "a|b": b"bar",
    "two..dots": b"two",
    "tab\tdel\x7f": b"control",
    "line\r\nX: y": None,
    "~user": b"tilde",
    "d \u00e9\"": None,
    "a:b": None,
    "../other/index.html": b"other",
    "../secret.txt": b"secret",
}

LINKS = {"outside": "../secret.txt", "outside-dir": ".."}

# Beyond file times that are old: seconds since 1970, or from now when they are strings.
TIMES = {"timeless.txt": 0, "future.txt": "+86400"}

SITES = {"other": {"names": ["other.test"]}}

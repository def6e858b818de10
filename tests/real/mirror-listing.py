#!/usr/bin/env python3
"""Goal: a mirror that is made of listings alone has every file, whatever it is called."""

import os
import posixpath
import unittest

from clients import Daemon, count_by_status, main, measured, run

NAMES = [
    "plain.txt", "two  spaces", " leading and trailing ", "100%", "a#b", "a?b=c", "a&b", "a;b", "a+b", "a=b",
    "a:b", "javascript:alert(1)", "'single'", '"double"', "`tick`", "<b>bold", "&amp;", "back\\slash",
    "~tilde", "$dollar", "[brackets]", "{braces}", "|pipe|", "^caret", "*star*", "!bang", "@at", ",comma",
    "-dash", "dots...", "Ärger.txt", "日本語.txt", "🐈", "e\u0301 combining", "\u202etxt.exe", "x" * 200,
    b"bad\xff\xfeutf-8", b"lone\xe9",
]
# Files that wget asks for rightly, but saves under a name of its own.
RENAMED = {
    "%41": "A", "%2e%2e": "%2E%2E",
    "new\nline": "new%0Aline", "carriage\rreturn": "carriage%0Dreturn", "tab\tbed": "tab%09bed",
}
FOLDERS = ["", "folder/", "a folder/with more/", "Ordner & Ärger/", "100% #1?/"]
LISTINGS = len(FOLDERS) + 1  # "a folder/" has one, too


def make_tree():
    """The files of the site, and those that its mirror should have: name -> content, all different."""
    files, mirrored = {}, {}
    for folder in FOLDERS:
        for name in [os.fsdecode(n) for n in NAMES] + list(RENAMED):
            content = os.fsencode(folder + name) * 50
            files[folder + name] = content
            mirrored[folder + RENAMED.get(name, name)] = content
    return files, mirrored


def files_below(directory):
    found = {}
    for base, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as f:
                found[os.path.relpath(path, directory)] = f.read()
    return found


def is_listing(name):
    return posixpath.basename(name).startswith("index.html")


class Mirror(unittest.TestCase):
    def setUp(self):
        self.files, self.mirrored = make_tree()
        self.daemon = Daemon(self.files, site={"listing": True})
        self.addCleanup(self.daemon.__exit__, None, None, None)
        self.directory = os.path.join(self.daemon.dir, "mirror")

    def wget(self):
        run("wget", "--quiet", "--mirror", "--no-parent", "--no-host-directories",
            "--directory-prefix", self.directory, self.daemon.origin() + "/")

    def check_files(self):
        found = files_below(self.directory)
        listings = [name for name in found if is_listing(name)]
        for name in listings:
            del found[name]
        self.assertEqual(sorted(set(self.mirrored) - set(found)), [], "missing")
        self.assertEqual(sorted(set(found) - set(self.mirrored)), [], "of no file")
        self.assertEqual([n for n, content in found.items() if content != self.mirrored[n]], [], "differ")
        return listings

    def check_answers(self, answers):
        targets = [a.target for a in answers]
        self.assertEqual(len(targets), len(set(targets)), "nothing is asked for twice")
        self.assertEqual([a.target for a in answers if a.status != 200], ["/robots.txt"])

    def test_once_and_again(self):
        """Each listing is asked for once: its other orders are buttons, which no mirror presses."""
        self.daemon.age(*self.files)
        self.wget()
        self.assertEqual(len(self.check_files()), LISTINGS)
        self.wget()
        self.assertEqual(len(self.check_files()), LISTINGS)
        answers = self.daemon.answers()
        first = answers[:1 + LISTINGS + len(self.files)]
        self.check_answers(first)
        again = answers[len(first):]
        self.assertEqual(sum(a.status == 304 for a in again), len(self.files))
        measured("wget --mirror: %d files equal, %d listings; %s; again: %s" % (
            len(self.mirrored), LISTINGS, count_by_status(first), count_by_status(again)))


if __name__ == "__main__":
    main()

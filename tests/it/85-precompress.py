#!/usr/bin/env python3
"""Goal: siblings are whole, what they say they are and as old as their originals, whatever happens."""

import gzip
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import unittest

import harness
from harness import TINED, run_tined, wait_until
from machine import Machine

HELPER = os.path.join(os.path.dirname(TINED), "tined-precompress")
SUFFIXES = {"zstd": ".zst", "br": ".br", "gzip": ".gz"}
HOUR = 3600
# An hour ago, in ns that are not whole seconds.
PAST = (int(time.time()) - HOUR) * 10**9 + 123456789
SUMMARY = re.compile(r"(\d+) made( \(.*\))?, (\d+) fresh, (\d+) not smaller, (\d+) failed\n")


def built_codings():
    """Those that this build has: the program says which there are."""
    done = run_tined("precompress", "--codings", "none", ".")
    found = re.search(r"there are (.*)", done.stderr)
    return found.group(1).split(", ") if found else []


def gunzip(path):
    with gzip.open(path) as f:
        return f.read()


def decoder(program, *arguments):
    def decode(path):
        return subprocess.run((program,) + arguments + (path,), stdout=subprocess.PIPE,
                              check=True).stdout
    return decode if shutil.which(program) else None


DECODERS = {"gzip": gunzip, "br": decoder("brotli", "-dc"), "zstd": decoder("zstd", "-dcq")}


def text(size, seed=1):
    words = random.Random(seed)
    lines = b"".join(b"%06d color: #%06x;\n" % (i, words.randrange(1 << 24)) for i in range(size // 23))
    return lines + b"x" * (size - len(lines))


class Tree(harness.Case):
    def setUp(self):
        if not os.path.exists(HELPER):
            self.skipTest("built without compressors: no tined-precompress")
        self.codings = built_codings()
        self.dir = tempfile.mkdtemp(prefix="tined-it-")
        os.chmod(self.dir, 0o755)
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.environment = dict(os.environ, **Machine(wall=HOUR).environment)

    def path(self, name):
        return os.path.join(os.fsencode(self.dir), os.fsencode(name))

    def write(self, name, content, mtime_ns=PAST):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(content)
        os.utime(self.path(name), ns=(mtime_ns, mtime_ns))

    def run_command(self, command):
        """An hour later, when the files are old: else the program waits until they are."""
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=10 * harness.DEADLINE,
                              env=self.environment, encoding="utf-8", errors="surrogateescape",
                              check=False)

    def run_it(self, *arguments, status=0):
        done = self.run_command([TINED, "precompress"] + list(arguments) + [self.dir])
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertIsNone(harness.SANITIZER_REPORT.search(done.stderr), done.stderr)
        return done

    def counts(self, done):
        """(made, fresh, not smaller, failed)"""
        found = SUMMARY.fullmatch(done.stdout)
        self.assertIsNotNone(found, done.stdout)
        return tuple(int(found.group(i)) for i in (1, 3, 4, 5))

    def names(self):
        return sorted(os.path.relpath(os.path.join(at, name), os.fsencode(self.dir))
                      for at, _, names in os.walk(os.fsencode(self.dir)) for name in names)

    def contents(self):
        found = {}
        for name in self.names():
            with open(self.path(name), "rb") as f:
                found[name] = f.read()
        return found

    def siblings(self, name):
        return {coding: self.path(name) + os.fsencode(SUFFIXES[coding]) for coding in self.codings}

    def assert_siblings(self, name, content):
        original = os.stat(self.path(name))
        for coding, path in self.siblings(name).items():
            st = os.stat(path)
            self.assertEqual(st.st_mtime_ns, original.st_mtime_ns, path)
            self.assertEqual(stat.S_IMODE(st.st_mode), stat.S_IMODE(original.st_mode), path)
            self.assertLess(st.st_size, original.st_size)
            if DECODERS[coding]:
                self.assertEqual(DECODERS[coding](path), content, path)


class Making(Tree):
    def test_every_coding_reads_back(self):
        for coding in self.codings:
            with self.subTest(coding):
                if not DECODERS[coding]:
                    self.skipTest("no program here that decodes %s" % coding)
                content = text(200000)
                self.write("a.css", content)
                self.run_it("--codings", coding)
                self.assertEqual(DECODERS[coding](self.path("a.css" + SUFFIXES[coding])), content)

    def test_once_and_then_nothing(self):
        contents = {"index.html": text(256), "js/app.js": text(70000), "js/m/x.json": text(1000),
                    ".well-known/security.txt": text(500)}
        others = {"small.css": text(255), "photo.jpg": text(5000), "noext": text(5000),
                  ".git/config.txt": text(5000), "js/.hidden.js": text(5000)}
        for name, content in {**contents, **others}.items():
            self.write(name, content)
        os.symlink("index.html", self.path("link.html"))
        os.symlink("js", self.path("link"))
        os.chmod(self.path("js/app.js"), 0o640)
        count = len(contents) * len(self.codings)
        self.assertEqual(self.counts(self.run_it()), (count, 0, 0, 0))
        for name, content in contents.items():
            self.assert_siblings(name, content)
        self.assertEqual(len(self.names()), len(contents) + len(others) + 1 + count)
        before = {n: os.stat(self.path(n)).st_ctime_ns for n in self.names() if b"link" not in n}
        self.assertEqual(self.counts(self.run_it()), (0, count, 0, 0))
        self.assertEqual(before, {n: os.stat(self.path(n)).st_ctime_ns for n in before})
        self.assertEqual(self.run_it("-q").stdout, "")
        self.run_it("--check")

    def test_an_edit_makes_them_stale(self):
        self.write("a b/x.css", text(3000))
        self.write("y.css", text(3000))
        self.run_it()
        self.write("a b/x.css", text(4000, seed=2), PAST + 1)
        lines = self.run_it("--check", status=1).stdout.splitlines()
        self.assertEqual(sorted(lines[:-1]),
                         sorted("stale    a b/x.css" + SUFFIXES[c] for c in self.codings))
        self.assertEqual(self.run_it("--check", "-q", status=1).stdout, "")
        self.run_it()
        self.assert_siblings("a b/x.css", text(4000, seed=2))
        self.run_it("--check")
        os.remove(self.path("y.css" + SUFFIXES[self.codings[0]]))
        self.assertIn("missing  y.css" + SUFFIXES[self.codings[0]],
                      self.run_it("--check", status=1).stdout)

    def test_what_does_not_shrink_gets_none(self):
        noise = random.Random(1).getrandbits(8 * 4000).to_bytes(4000, "big")
        self.write("noise.txt", noise)
        self.write("noise.txt.gz", b"stale", PAST - 1)
        self.write("twice.txt", noise)
        self.write("twice.txt.gz", b"not older, so somebody's", PAST)
        done = self.run_it("--codings", self.codings[0])
        self.assertEqual(self.counts(done), (0, 0, 2, 0))
        if "gzip" in self.codings:
            self.assertIn("1 removed", self.run_it("--codings", "gzip").stdout)
            self.assertEqual(self.names(), [b"noise.txt", b"twice.txt", b"twice.txt.gz"])
            self.run_it("--check", "--codings", "gzip")

    def test_orphans_are_reported_and_stay(self):
        suffix = SUFFIXES[self.codings[0]]
        self.write("gone.css" + suffix, b"x")
        self.write("archive.tar" + suffix, b"x")
        done = self.run_it("--check")
        self.assertIn("orphan   gone.css%s\n" % suffix, done.stdout)
        self.assertNotIn("archive", done.stdout)
        self.assertIn(", 1 orphans, 0 failed", done.stdout)
        self.run_it()
        self.assertEqual(len(self.names()), 2)

    def test_names_with_every_byte(self):
        every = bytes(b for b in range(1, 256) if b != ord("/"))
        names = [every[i:i + 60] + b".css" for i in range(0, len(every), 60)] + [b"a\n\x1b[2J.css"]
        for name in names:
            self.write(name, text(1000))
        self.assertEqual(self.counts(self.run_it())[0], len(names) * len(self.codings))
        for name in names:
            self.assert_siblings(name, text(1000))
        for name in names:
            self.write(name, text(1001), PAST + 1)
        lines = self.run_it("--check", status=1).stdout.splitlines()
        self.assertEqual(len(lines), len(names) * len(self.codings) + 1)
        self.assertFalse(any(re.search(r"[\x00-\x1f\x7f]", line) for line in lines))

    def test_as_many_threads_as_wanted(self):
        for i in range(12):
            self.write("f%d.css" % i, text(1000 + i * 5000, seed=i))
        self.run_it("-j", "1")
        one = self.contents()
        self.assertEqual(len(one), 12 + 12 * len(self.codings))
        for name in one:
            if not name.endswith(b".css"):
                os.remove(self.path(name))
        self.run_it("-j", "4")
        self.assertEqual(one, self.contents())


class Serving(Tree):
    def test_the_server_takes_them(self):
        """Also of a file that is young: the program waits until an edit would change its times."""
        content = text(5000)
        self.write("a.css", content)
        written = time.time()
        self.environment = None
        self.run_it()
        self.assertGreater(time.time() - written, 2)
        with harness.Daemon(sites=({"root": self.dir, "precompressed": self.codings},)) as d:
            for coding, path in self.siblings("a.css").items():
                with open(path, "rb") as f:
                    sibling = f.read()
                r = d.get("/a.css", fields=[("Accept-Encoding", coding)])
                self.assertEqual(r.get("Content-Encoding"), coding)
                self.assertEqual(r.get("Content-Type"), "text/css; charset=utf-8")
                self.assertEqual(r.body, sibling)
            # An edit makes all of them stale at once.
            self.write("a.css", text(4000, seed=2), PAST + 1)
            r = d.get("/a.css", fields=[("Accept-Encoding", ", ".join(self.codings))])
            self.assertEqual((r.get("Content-Encoding"), r.body), (None, text(4000, seed=2)))


class Failing(Tree):
    def test_unwritable_directory(self):
        self.write("sub/a.css", text(1000))
        os.chmod(self.path("sub"), 0o555)
        command = []
        if harness.IS_ROOT:  # whom modes do not stop
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            if not shutil.which(command[0]):
                self.skipTest("root, and no setpriv")
        # Where it was built, somebody else may not look.
        with tempfile.TemporaryDirectory() as programs:
            os.chmod(programs, 0o755)
            shutil.copy(HELPER, programs)
            command.append(shutil.copy(TINED, programs))
            done = self.run_command(command + ["precompress", self.dir])
        os.chmod(self.path("sub"), 0o755)
        self.assertEqual(done.returncode, 1, done.stderr)
        for suffix in (SUFFIXES[c] for c in self.codings):
            self.assertIn("tined: error: sub/a.css%s: Permission denied" % suffix, done.stderr)
        self.assertEqual(self.names(), [b"sub/a.css"])

    def test_no_room(self):
        self.write("a.css", text(100000))
        done = self.run_command(["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", TINED, "precompress", self.dir])
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("File too large", done.stderr)
        self.assertEqual(self.names(), [b"a.css"])

    def test_no_directory(self):
        os.rmdir(self.dir)
        self.assertIn("No such file or directory", self.run_it(status=1).stderr)
        with open(self.dir, "wb"):
            self.addCleanup(os.remove, self.dir)
        self.assertIn("Not a directory", self.run_it(status=1).stderr)

    def test_usage(self):
        for arguments in (["-j", "0"], ["--codings", "deflate"], ["another"], ["--chekc"]):
            self.assertNotEqual(self.run_it(*arguments, status=2).stderr, "")
        self.assertEqual(run_tined("precompress").returncode, 2)

    def test_killed_midway(self):
        """A temporary is hidden and goes with the program; a name that is there is whole."""
        long = text(3000000)
        contents = {"f%d.css" % i: b"/* %d */" % i + long for i in range(6)}
        for name, content in contents.items():
            self.write(name, content)

        def is_writing():
            return any(n.startswith(b".precompress-") for n in self.names())

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
            with self.subTest(number.name):
                process = subprocess.Popen([TINED, "precompress", "-j", "2", self.dir],
                                           env=self.environment, stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                try:
                    wait_until(lambda p=process: is_writing() or p.poll() is not None, "its work")
                    process.send_signal(number)
                    out, err = process.communicate(timeout=harness.DEADLINE)
                finally:
                    process.kill()
                    process.wait()
                self.assertEqual(process.returncode, -number, err)
                self.assertEqual(out, b"")
                left = [n for n in self.names() if n.startswith(b".")]
                if number == signal.SIGKILL:
                    self.assertLessEqual(len(left), 2)
                    for name in left:
                        os.remove(self.path(name))
                else:
                    self.assertEqual(left, [])
        for name, content in contents.items():
            for coding, path in self.siblings(name).items():
                if os.path.exists(path) and DECODERS[coding]:
                    self.assertEqual(DECODERS[coding](path), content)


class Installed(harness.Case):
    def test_the_daemon_links_no_compressor(self):
        if not shutil.which("objdump"):
            self.skipTest("no objdump")
        heads = subprocess.run(["objdump", "-p", TINED], stdout=subprocess.PIPE, encoding="utf-8",
                               check=True).stdout
        needed = re.findall(r"NEEDED\s+(\S+)", heads)
        self.assertTrue(needed)
        self.assertFalse([n for n in needed if re.match(r"lib(z|zstd|brotli\w*)\.", n)])

    def test_a_helper_that_is_missing(self):
        with tempfile.TemporaryDirectory() as d:
            alone = shutil.copy(TINED, d)
            done = subprocess.run([alone, "precompress", d], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, encoding="utf-8", check=False)
        if done.returncode == 0:
            self.skipTest("tined-precompress is installed here")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the program that compresses is not installed", done.stderr)


if __name__ == "__main__":
    harness.main()

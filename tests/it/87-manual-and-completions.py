#!/usr/bin/env python3
"""Goal: what the manual tells and what shells complete is what the program takes."""

import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness
from harness import run_tined

BUILD = os.path.dirname(os.path.abspath(harness.TINED))
ORDERS = ("status", "reload", "upgrade", "reopen", "drain", "stop")

# The line typed -> its last word completed, which stays as it is where nothing begins so.
CASES = [
    ("tined prob", "probe"),
    ("tined -c x chec", "check"),
    ("tined --conf", "--config"),  # of run, which need not be said
    ("tined serve --lis", "--listen"),
    ("tined run --lis", "--lis"),
    ("tined serve sub", "sub/"),
    ("tined run sub", "sub"),
    ("tined precompress --che", "--check"),
    ("tined precompress --qui", "--quiet"),
    ("tined precompress -q sub", "sub/"),
    ("tined precompress --opt", "--opt"),
    ("tined precompress --codings zst", "zstd"),
    ("tined probe --conn", "--connect"),
    ("tined probe --time", "--timeout"),
    ("tined probe --conf", "--conf"),
    ("tined explain --met", "--method"),
    ("tined explain -m HEA", "HEAD"),
    ("tined explain --cli", "--client"),
    ("tined explain --hea", "--header"),
    ("tined explain -c tined.co", "tined.conf"),
    ("tined check -o timeouts.id", "timeouts.idle="),
    ("tined status --js", "--json"),
    ("tined reload --js", "--js"),
] + [("tined %s --sock" % order, "--socket") for order in ORDERS]


def help_tables():
    """The commands, and the options by their long names."""
    text = run_tined("--help").stdout
    commands = re.findall(r"(?m)^  tined (\w+)", text)
    options = re.findall(r"(?m)^  (?:-\w|  )[, ] --(\w+)", text)
    return commands, options


class Completion(unittest.TestCase):
    """In a directory with a file and a directory."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="tined-it-")
        self.addCleanup(shutil.rmtree, self.dir)
        os.mkdir(os.path.join(self.dir, "sub"))
        self.write("tined.conf", "")

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(text)

    def need(self, shell):
        if not shutil.which(shell):
            self.skipTest("no %s here" % shell)

    def completion(self, shell):
        return os.path.join(BUILD, "completions", "tined." + shell)


class Terminal:
    """An interactive shell in a terminal. `tined` is a function there that shows its last argument."""

    def __init__(self, case, command, setup):
        self.case = case
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(case.dir)
            os.environ.update(HOME=case.dir, ZDOTDIR=case.dir, TERM="dumb", LC_ALL="C.UTF-8", HISTFILE="")
            os.execvp(command[0], command)
        case.addCleanup(self.close)
        # Without echo of what is not typed into the line editor, the answers are all that matches.
        self.ask(setup + "; tined() { printf '<%s>\\n' \"${@: -1}\"; }; printf '<%s>\\n' ready", "ready")

    def ask(self, typed, want):
        """Types it, and waits until the shell shows what it took."""
        os.write(self.fd, typed.encode() + b"\n")
        got = b""
        signal.alarm(int(harness.DEADLINE))
        while not re.search(rb"<[^<>%]*>\r?\n", got):
            got += os.read(self.fd, 4096)
        signal.alarm(0)
        shown = re.findall(rb"<([^<>%]*)>\r?\n", got)[-1].decode()
        self.case.assertEqual(shown, want, typed)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


class Tab(Completion):
    """At a real Tab in a real terminal."""

    def check(self, terminal):
        for typed, want in CASES:
            terminal.ask(typed + "\t", want)
        commands, _ = help_tables()
        for command in commands:
            terminal.ask("tined %s\t" % command[:-1], command)

    def test_bash(self):
        self.need("bash")
        self.check(Terminal(self, ["bash", "--norc", "--noprofile", "-i"],
                            "bind 'set bell-style none'; source " + self.completion("bash")))

    def test_zsh(self):
        self.need("zsh")
        shutil.copy(self.completion("zsh"), os.path.join(self.dir, "_tined"))
        self.check(Terminal(self, ["zsh", "-f", "-i"],
                            "unsetopt beep auto_remove_slash prompt_cr prompt_sp; fpath=($PWD $fpath); autoload -U compinit; compinit -u -D"))


class Fish(Completion):
    """Asked for what it would offer, with the word that it tells beside each."""

    def offers(self, *lines):
        """line -> the words offered for it."""
        script = "source %s\n" % self.completion("fish")
        script += "".join("echo '# %s'\ncomplete -C '%s'\n" % (line, line) for line in lines)
        done = subprocess.run(["fish", "--no-config"], input=script, cwd=self.dir, timeout=harness.DEADLINE,
                              env=dict(os.environ, HOME=self.dir), universal_newlines=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        self.assertEqual(done.stderr, "")
        found = {}
        for line in done.stdout.splitlines():
            if line.startswith("# "):
                words = found.setdefault(line[2:], [])
            else:
                words.append(line.split("\t")[0])
        return found

    def test_fish(self):
        self.need("fish")
        offered = self.offers(*(typed for typed, _ in CASES))
        for typed, want in CASES:
            word = typed.split()[-1]
            self.assertEqual(offered[typed], [] if word == want else [want], typed)

    def test_commands(self):
        self.need("fish")
        self.assertEqual(sorted(self.offers("tined ")["tined "]), sorted(help_tables()[0]))


class Manual(harness.Case):
    def test_commands_and_options(self):
        with open(os.path.join(BUILD, "man", "tined.8"), encoding="utf-8") as f:
            text = f.read()
        commands, options = help_tables()
        self.assertGreater(len(commands), 10)
        self.assertGreater(len(options), 10)
        for pattern, words in ((r"\.(Op )?Cm (.* )?%s\b", commands),  # the synopsis
                               (r"\.It Cm %s$", commands), (r"\.It Fl (.* Fl )?-%s\b", options)):
            for word in words:
                self.assertTrue(re.search("(?m)^" + pattern % word, text), "no line %s" % pattern % word)


if __name__ == "__main__":
    harness.main()

"""Goal: who deploys by swapping a link is followed at once: no mixture, nothing stale, no error.

A site's root is a link to one of two trees, which is swapped again and again under load. Every
answer is whole and from one tree, no connection fails, and what is asked for after the swap
comes from the new one: it waits until that can be served. A request after the swap is enough for it
to be noticed, and nobody has to ask.
"""

import os
import signal
import threading
import time

import harness
from harness import wait_gone
from machine import Machine

# At least so many of each; ./dev soak deploys asks for more answers.
SWAPS = 12
ANSWERS = int(os.environ.get("TINED_TEST_ANSWERS", "0"))
SIZES = {"small.txt": 300, "medium.bin": 40_000, "large.bin": 400_000}
LOOK = 1  # seconds between two looks of the master at the roots


class Tree:
    """One letter, and when it may be answered: once the swap to it begins, and for what is asked for
    before the next one is done."""

    def __init__(self, letter):
        self.letter, self.since, self.done = letter, time.monotonic(), 0.0


class Site:
    """Trees of one letter each, and the link that leads to one of them."""

    def __init__(self, base):
        self.base = base
        self.current = os.path.join(base, "current")
        for letter in "ab":
            for name, size in SIZES.items():
                path = os.path.join(base, letter, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as f:
                    f.write(letter.encode() * size)
        os.symlink("a", self.current)
        self.trees = [Tree("a")]

    def swap(self):
        tree = Tree("b" if self.trees[-1].letter == "a" else "a")
        new = self.current + ".new"
        os.symlink(tree.letter, new)
        os.rename(new, self.current)
        tree.done = time.monotonic()
        self.trees.append(tree)

    def may_answer(self, letter, asked, answered):
        first = max(i for i, tree in enumerate(self.trees) if tree.done <= asked)
        return any(tree.letter == letter and tree.since <= answered for tree in self.trees[first:])


class Client(threading.Thread):
    def __init__(self, daemon, site, done):
        super().__init__(daemon=True)
        self.server, self.site, self.done = daemon, site, done
        self.count, self.findings, self.answers = 0, [], []

    def run(self):
        connection = None
        names = sorted(SIZES)
        try:
            while not self.done.is_set():
                connection = connection or self.server.connect()
                name = names[self.count % len(names)]
                asked = time.monotonic()
                connection.request("/" + name)
                answer = connection.response()
                self.take(name, asked, answer)
                if answer.get("Connection") == "close":
                    connection.close()
                    connection = None
        except Exception as e:  # pylint: disable=broad-except
            self.findings.append(repr(e))
        if connection:
            connection.close()

    def take(self, name, asked, answer):
        self.count += 1
        letters = set(answer.body)
        if answer.status != 200 or len(answer.body) != SIZES[name] or len(letters) != 1:
            self.findings.append("%s: %d, %d bytes of %d kinds" %
                                 (name, answer.status, len(answer.body), len(letters)))
        else:
            self.answers.append((chr(letters.pop()), asked, time.monotonic()))


class Deploys(harness.Case):
    def setUp(self):
        self.machine = Machine()
        self.server = self.machine.daemon(start=False)
        self.site = Site(self.server.dir)
        self.server.write("small.txt", b"other")
        self.server.options["sites"] = ({"root": self.site.current},
                                        {"root": self.server.root, "names": ("other.test",)})
        self.server.write_config()
        self.server.start()
        self.addCleanup(self.server.__exit__, None, None, None)

    def await_generation(self, number, old):
        """Nobody answers with the old tree any more."""
        self.server.wait_log(r"ready: generation %d\b" % number)
        wait_gone(old)

    def assert_serves(self, letter):
        self.assertEqual(set(self.server.get("/small.txt").body), set(letter.encode()))

    def test_under_load(self):
        done = threading.Event()
        clients = [Client(self.server, self.site, done) for _ in range(6)]
        for c in clients:
            c.start()
        swaps = 0
        while swaps < SWAPS or sum(c.count for c in clients) < ANSWERS:
            swaps += 1
            old = self.server.workers()
            self.site.swap()
            self.await_generation(swaps + 1, old)
            count = sum(c.count for c in clients)
            harness.wait_until(lambda most=count + 20: sum(c.count for c in clients) >= most,
                               "some answers of this tree")
        done.set()
        for c in clients:
            c.join(harness.DEADLINE)
        stale, slowest = 0, 0.0
        for c in clients:
            self.assertEqual(c.findings, [])
            for letter, asked, answered in c.answers:
                stale += not self.site.may_answer(letter, asked, answered)
                slowest = max(slowest, answered - asked)
        print("%d answers over %d swaps: none failed, none mixed, %d stale; the longest took %.0f ms" % (
            sum(c.count for c in clients), swaps, stale, slowest * 1000))
        self.assertEqual(stale, 0)

    def test_somebody_asks(self):
        """Before the master looks by itself."""
        self.assert_serves("a")
        self.machine.hold()
        old = self.server.workers()
        self.site.swap()
        self.assert_serves("b")
        self.await_generation(2, old)
        self.assert_serves("b")

    def test_a_generation_is_late(self):
        """Requests for that site wait, also pipelined ones and those of clients that have half closed."""
        self.server.send_signal(signal.SIGSTOP)
        self.addCleanup(self.server.send_signal, signal.SIGCONT)
        with self.server.connect() as c, self.server.connect() as half:
            self.assert_other()
            self.site.swap()
            c.request("/small.txt", fields={"Host": "other.test"})
            c.request("/small.txt")
            c.request("/medium.bin")
            half.request("/small.txt")
            half.half_close()
            self.assertEqual(c.response().body, b"other")
            self.assert_other()
            self.server.send_signal(signal.SIGCONT)
            self.assertEqual(set(c.response().body), set(b"b"))
            self.assertEqual(set(c.response().body), set(b"b"))
            self.assertEqual(set(half.response().body), set(b"b"))

    def test_no_generation_comes(self):
        """The old tree is served then, and others do not wait again."""
        self.machine.hold()
        self.server.send_signal(signal.SIGSTOP)
        self.addCleanup(self.server.send_signal, signal.SIGCONT)
        self.site.swap()
        got = []
        with self.server.connect() as c:
            c.request("/small.txt")
            asker = threading.Thread(target=lambda: got.append(c.response()))
            asker.start()
            harness.wait_until(lambda: self.machine.advance(0.1) or got, "an answer")
            asker.join()
            c.request("/small.txt")
            got.append(c.response())
        self.server.send_signal(signal.SIGCONT)  # what workers say goes through the master
        self.server.wait_log(r"a root was swapped, and no new generation has come")
        for answer in got:
            self.assertEqual(set(answer.body), set(b"a"))

    def assert_other(self):
        self.assertEqual(self.server.get("/small.txt", fields={"Host": "other.test"}).body, b"other")

    def test_nobody_asks(self):
        self.machine.hold()
        old = self.server.workers()
        self.site.swap()
        self.machine.advance(LOOK)
        self.await_generation(2, old)
        self.assert_serves("b")

    def test_a_root_that_is_gone_for_a_moment(self):
        old = self.server.workers()
        os.unlink(self.site.current)
        self.assert_serves("a")
        os.symlink("b", self.site.current)
        self.await_generation(2, old)
        self.assert_serves("b")


if __name__ == "__main__":
    harness.main()

"""Goal: who deploys by swapping a link is followed at once: no mixture, nothing stale, no error.

A site's root is a link to one of two trees, which is swapped again and again under load. Every
answer is whole and from one tree, no connection fails, and what is asked for a fifth of a second
after a swap comes from the new tree. Nobody has to ask for it to be noticed.
"""

import os
import threading
import time

import harness

FOLLOWED = 0.2  # seconds after a swap by which every answer is of the new tree
SWAPS = 12
DEADLINE = 1  # seconds that an answer may take: it may be of a tree that came meanwhile
SIZES = {"small.txt": 300, "medium.bin": 40_000, "large.bin": 400_000}


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
        self.swapped = [("a", time.monotonic())]

    def swap(self):
        letter = "b" if self.swapped[-1][0] == "a" else "a"
        new = self.current + ".new"
        os.symlink(letter, new)
        os.rename(new, self.current)
        self.swapped.append((letter, time.monotonic()))

    def may_be(self, asked):
        """The letters that may answer what was asked for at that time."""
        letters = set()
        for i, (letter, since) in enumerate(self.swapped):
            until = self.swapped[i + 1][1] if i + 1 < len(self.swapped) else float("inf")
            if since <= asked + DEADLINE and asked < until + FOLLOWED:
                letters.add(letter)
        return letters

    def age(self, asked, letter):
        """For how long the tree had been swapped away when this was asked for."""
        current, since = [s for s in self.swapped if s[1] <= asked][-1]
        return 0.0 if letter == current else asked - since


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
            self.answers.append((asked, chr(letters.pop())))


class Deploys(harness.Case):
    def setUp(self):
        self.server = harness.Daemon(start=False)
        self.site = Site(self.server.dir)
        self.server.options["sites"] = ({"root": self.site.current},)
        self.server.write_config()
        self.server.start()
        self.addCleanup(self.server.__exit__, None, None, None)

    def test_under_load(self):
        done = threading.Event()
        clients = [Client(self.server, self.site, done) for _ in range(6)]
        for c in clients:
            c.start()
        for _ in range(SWAPS):
            time.sleep(0.25)  # longer than it may take: each swap is to be seen
            self.site.swap()
        time.sleep(0.3)
        done.set()
        for c in clients:
            c.join(20)
        stale, slowest = 0, 0.0
        for c in clients:
            self.assertEqual(c.findings, [])
            for asked, letter in c.answers:
                stale += letter not in self.site.may_be(asked)
                slowest = max(slowest, self.site.age(asked, letter))
        total = sum(c.count for c in clients)
        print("%d answers over %d swaps: none failed, none mixed; the old tree answered for "
              "%.0f ms at most" % (total, SWAPS, slowest * 1000))
        self.assertEqual(stale, 0)
        self.assertGreater(total, 100)

    def test_nobody_asks(self):
        self.site.swap()
        self.server.wait_log("ready: generation 2")
        # The old workers hear of it at the same time.
        harness.wait_until(lambda: set(self.server.get("/small.txt").body) == set(b"b"),
                           "the new tree", FOLLOWED)

    def test_a_root_that_is_gone_for_a_moment(self):
        os.unlink(self.site.current)
        self.assertEqual(set(self.server.get("/small.txt").body), set(b"a"))
        os.symlink("b", self.site.current)
        self.server.wait_log("ready: generation 2")
        # The old workers hear of it at the same time.
        harness.wait_until(lambda: set(self.server.get("/small.txt").body) == set(b"b"),
                           "the new tree", FOLLOWED)


if __name__ == "__main__":
    harness.main()

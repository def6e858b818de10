#!/usr/bin/env python3
"""Goal: however a tree changes while it is served, each answer is of one file, whole, and from inside."""

import contextlib
import os
import shutil
import signal
import threading
import time

import harness
from harness import Daemon
from trees import MARKER, PAGE, Case, Old, Storm, exchange, next_to, write_outside

# Beyond what the kernel holds for a client who does not read.
BIG = 16 << 20
IN_FLIGHT = 8 << 20
OLD = Old({
    "in memory": {"f": b"y" * 60000},
    "small swapped": {"dir/f": PAGE * 20, "dir/sub/f": PAGE * 20, "dir/index.html": PAGE},
    "large swapped": {"dir/f": PAGE * 20000, "dir/sub/f": PAGE * 20000, "dir/index.html": PAGE},
    "replaced": {"a": b"old", "b": b"old"},
    "removed": {"index.html": PAGE, "dir/f": PAGE},
})
setUpModule, tearDownModule = OLD.make, OLD.remove


def letter_file(letter, base, step):
    """A content that tells its own length."""
    return letter * (base + step * (letter[0] - ord("a")))

LETTERS = [bytes([b]) for b in b"abcdef"]
# Kept in memory, and sent from the file.
SMALL, LARGE = (3000, 7001), (300000, 70001)


class Changing(Case):
    """Files that change while they are sent."""

    def clients(self, d, check, storm, count=2):
        """Asks for /f again and again; check(client) reads one answer and says whether it may go on."""
        answers, errors = [], []

        def run():
            try:
                c = d.connect()
                while storm.goes_on():
                    c.request("/f")
                    going_on, answer = check(c)
                    answers.append(answer)
                    if not going_on:
                        c.close()
                        c = d.connect()
                c.close()
            except (OSError, AssertionError) as e:
                errors.append(e)

        threads = [threading.Thread(target=run) for _ in range(count)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if errors:
            raise errors[0]
        return answers

    def check_whole(self, c):
        """All of one version, or (where it has vanished) none."""
        r = c.response()
        if r.status == 404:
            return True, 404
        self.assert_status(r, 200)
        letter = r.body[:1]
        self.assertTrue(r.body == letter_file(letter, *self.shape),
                        "a mixture, or cut: %r %d" % (letter, len(r.body)))
        return True, 200

    def check_letters(self, c):
        """Nothing but what was ever written to the file; cut short, the connection ends."""
        r = c.read_head()
        self.assert_status(r, 200)
        length = harness.content_length(r, "GET")
        try:
            body, whole = c.read_exactly(length), True
        except harness.FramingError:
            body, whole = bytes(c.pending), False
        except ConnectionResetError:
            body, whole = b"", False
        self.assertEqual(body.strip(b"".join(LETTERS)), b"")
        return whole, 200

    def storm(self, action, check, shape):
        self.shape = shape
        with Daemon({"ok": PAGE, "f": letter_file(b"a", *shape)}, workers=2) as d:
            workers = d.workers()
            with Storm(lambda: action(d), 5) as s:
                answers = self.clients(d, check, s)
            self.assertGreater(answers.count(200), 5)
            self.assert_well(d, workers)
            return answers

    def replace(self, d):
        """Each version under a name of its own, then renamed."""
        for letter in LETTERS:
            d.write("new", letter_file(letter, *self.shape))
            os.rename(d.path("new"), d.path("f"))
            time.sleep(0.001)

    def vanish(self, d):
        self.replace(d)
        os.unlink(d.path("f"))
        time.sleep(0.001)

    def rewrite(self, d):
        """In place: it shrinks to nothing and grows."""
        for letter in LETTERS:
            with open(d.path("f"), "wb") as f:
                content = letter_file(letter, *self.shape)
                f.write(content[:len(content) // 2])
                f.flush()
                f.write(content[len(content) // 2:])
            time.sleep(0.001)

    def test_replaced_small(self):
        self.storm(self.replace, self.check_whole, SMALL)

    def test_replaced_large(self):
        self.storm(self.replace, self.check_whole, LARGE)

    def test_vanishing_small(self):
        self.assertIn(404, self.storm(self.vanish, self.check_whole, SMALL))

    def test_vanishing_large(self):
        self.storm(self.vanish, self.check_whole, LARGE)

    def test_rewritten_small(self):
        self.storm(self.rewrite, self.check_letters, SMALL)

    def test_rewritten_large(self):
        self.storm(self.rewrite, self.check_letters, LARGE)

    def begun(self, stack, content, d=None):
        """A daemon and a client that has the beginning of an answer with `content`, and no more."""
        d = stack.enter_context(d or Daemon({"ok": PAGE, "f": content}, workers=1))
        c = stack.enter_context(d.connect(receive_buffer=4096))
        c.request("/f")
        self.assertEqual(harness.content_length(c.read_head(), "GET"), len(content))
        return d, c

    def test_gone_while_it_is_sent(self):
        """Unlinked, replaced, or its directory gone: who has begun gets what there was."""
        def replace(d):
            os.rename(d.write("new", b"z" * BIG), d.path("f"))

        def remove_all(d):
            shutil.rmtree(d.root)

        content = b"y" * BIG
        for change in (lambda d: os.unlink(d.path("f")), replace, remove_all):
            with contextlib.ExitStack() as stack:
                d, c = self.begun(stack, content)
                change(d)
                self.assertTrue(c.read_exactly(BIG) == content)

    def test_shrunk_while_it_is_sent(self):
        """Cut at any length, the connection ends without a byte that was not in the file."""
        for length in (0, 1, BIG // 4, BIG - 1):
            with self.subTest(length), contextlib.ExitStack() as stack:
                d, c = self.begun(stack, b"y" * BIG)
                worker, = d.workers()
                os.truncate(d.path("f"), length)
                try:
                    got = c.read_to_end()
                except ConnectionResetError:
                    got = bytes(c.pending)
                self.assertLess(len(got), BIG)
                self.assertEqual(got[:length].strip(b"y"), b"")
                # Bytes on their way are the file's own memory (sendfile), of which the kernel
                # zeroes the part that is cut off. More than that does not leave.
                self.assertEqual(got[length:].replace(b"\0", b"").strip(b"y"), b"")
                self.assertLess(len(got), length + IN_FLIGHT)
                self.assertEqual(d.get("/ok").body, PAGE)
                self.assertEqual(d.workers(), [worker])
                if length == 1:
                    self.assert_well(d, [worker])

    def test_what_is_in_memory_does_not_change_under_its_answer(self):
        """It is kept, and stuck behind a client that does not read, when the file is rewritten."""
        content = b"y" * 60000
        with contextlib.ExitStack() as stack:
            d, c = self.begun(stack, content, OLD.take("in memory"))
            requests = 40
            c.send(harness.format_request("/f") * requests)
            c.read_exactly(len(content))
            with open(d.path("f"), "r+b") as f:
                f.write(b"z" * 60000)
            letters = set()
            for _ in range(requests):
                r = c.response()
                self.assertEqual(len(r.body), 60000)
                self.assertEqual(len(set(r.body)), 1)
                letters.add(r.body[:1])
            self.assertIn(b"z", letters)


class Swapped(Case):
    """Names that lead elsewhere from one moment to the next."""

    def ask(self, d, storm, targets, contents, statuses, wanted=()):
        """Nothing but `contents` and `statuses` is seen, and the statuses `wanted` are."""
        seen, end = set(), time.monotonic() + harness.DEADLINE
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(d.connect()) for _ in range(4)]
            while storm.goes_on() or (not seen.issuperset(wanted) and time.monotonic() < end):
                for c in clients:
                    for target in targets:
                        c.request(target)
                for c in clients:
                    for target in targets:
                        r = c.response()
                        self.assertNotIn(MARKER, r.body, target)
                        self.assertIn(r.status, statuses, target)
                        if r.status == 200:
                            self.assertIn(r.body, contents, target)
                        seen.add(r.status)
        self.assertLessEqual(set(wanted), seen)

    def tree(self, size, d=None):
        inside = PAGE * (size // len(PAGE))
        d = d or Daemon({"ok": PAGE, "dir/f": inside, "dir/sub/f": inside, "dir/index.html": PAGE})
        self.addCleanup(d.__exit__, None, None, None)
        for name in ("outside/f", "outside/sub/f", "outside/index.html"):
            write_outside(d, name, (MARKER * size)[:size])
        return d, inside

    def storm(self, d, action, *arguments):
        workers = d.workers()
        with Storm(action, 20) as s:
            self.ask(d, s, *arguments)
        self.assert_well(d, workers)

    def test_a_directory_for_a_link_out(self):
        for name, size in (("small swapped", 100), ("large swapped", 100000)):
            with self.subTest(name):
                d, inside = self.tree(size, OLD.take(name))
                os.symlink("../outside", d.path("link"))
                self.storm(d, lambda: exchange(d.path("dir"), d.path("link")),
                           ("/dir/f", "/dir/sub/f", "/dir/"), (PAGE, inside), (200, 403), (200, 403))

    def test_a_file_for_a_link_out(self):
        for size in (100, 100000):
            with self.subTest(size):
                d, inside = self.tree(size)
                os.symlink("../../outside/f", d.path("dir/link"))
                self.storm(d, lambda: exchange(d.path("dir/f"), d.path("dir/link")),
                           ("/dir/f", "/dir/link"), (inside,), (200, 403), (200, 403))

    def test_a_file_for_a_fifo(self):
        d, inside = self.tree(100)
        os.mkfifo(d.path("dir/fifo"), 0o666)
        os.chmod(d.path("dir/fifo"), 0o666)
        self.storm(d, lambda: exchange(d.path("dir/f"), d.path("dir/fifo")), ("/dir/f", "/dir/fifo"),
                   (inside,), (200, 403, 404))

    def test_a_directory_moved_out_and_back(self):
        """`..` must not begin outside, where the directory that is being walked has gone."""
        d, inside = self.tree(100)
        os.symlink("../../ok", d.path("dir/sub/up"))
        os.symlink("../../f", d.path("dir/sub/up2"))
        write_outside(d, "ok")
        write_outside(d, "f")
        os.mkdir(next_to(d, "away"))

        def move():
            os.rename(d.path("dir"), next_to(d, "away/dir"))
            os.rename(next_to(d, "away/dir"), d.path("dir"))
            os.rename(d.path("dir/sub"), next_to(d, "sub"))
            os.rename(next_to(d, "sub"), d.path("dir/sub"))
        self.storm(d, move, ("/dir/sub/up", "/dir/sub/up2", "/dir/sub/f"), (PAGE, inside), (200, 403, 404))

    def test_renames_elsewhere_disturb_nobody(self):
        """The kernel gives up on `..` while anything is renamed: that is no reason to fail."""
        d, inside = self.tree(100)
        os.symlink("../dir/sub/../f", d.path("dir/round"))
        with open(next_to(d, "x"), "wb"):
            pass

        def rename():
            os.rename(next_to(d, "x"), next_to(d, "y"))
            os.rename(next_to(d, "y"), next_to(d, "x"))
        self.storm(d, rename, ("/dir/round",), (inside,), (200,))

    def test_an_index_that_comes_and_goes(self):
        d, _ = self.tree(100)

        def blink():
            os.unlink(d.path("dir/index.html"))
            time.sleep(0.0005)
            d.write("dir/new", PAGE)
            os.rename(d.path("dir/new"), d.path("dir/index.html"))
            time.sleep(0.0005)
        self.storm(d, blink, ("/dir/",), (PAGE,), (200, 403), (200, 403))

    def test_an_index_that_is_a_directory_by_turns(self):
        d, _ = self.tree(100)
        d.write("dir/other", None)
        self.storm(d, lambda: exchange(d.path("dir/index.html"), d.path("dir/other")), ("/dir/",), (PAGE,),
                   (200, 403))


class Root(Case):
    """The root itself: one tree or the other, never a mixture, and never an end."""

    def reload(self, d):
        old = d.workers()
        d.renew()
        harness.wait_gone(old)

    def test_replaced(self):
        with OLD.take("replaced") as d, d.connect() as c:
            d.write("../new/a", b"new")
            d.write("../new/b", b"new")

            def answers(client):
                for target in ("/a", "/b"):
                    client.request(target)
                return [client.response().body for _ in range(2)]
            self.assertEqual(answers(c), [b"old"] * 2)
            exchange(d.root, next_to(d, "new"))
            seen = [body for _ in range(5) for body in answers(c)]
            self.assertEqual(seen, sorted(seen, reverse=True))  # from the old one to the new, and never back
            self.assertLessEqual(set(seen), {b"old", b"new"})
            self.reload(d)
            with d.connect() as another:
                self.assertEqual(answers(another), [b"new"] * 2)

    def test_removed(self):
        with OLD.take("removed") as d:
            workers = d.workers()
            for target in ("/ok", "/", "/dir/f"):
                self.assert_status(d.get(target), 200)
            shutil.rmtree(d.root)
            for _ in range(2):
                for target in ("/ok", "/", "/dir/f", "/dir/"):
                    self.assertIn(d.get(target).status, (403, 404), target)
            self.assertEqual(d.workers(), workers)
            harness.assert_idle(workers + [d.pid], 0.2)
            # A reload finds no root: it is refused, and what there is goes on.
            at = d.mark()
            d.send_signal(signal.SIGHUP)
            d.wait_log("root .* cannot be opened: No such file", after=at)
            d.wait_log("reload failed", after=at)
            self.assertIn(d.get("/ok").status, (403, 404))
            d.write("ok", PAGE)
            self.reload(d)
            self.assertEqual(d.get("/ok").body, PAGE)

    def test_closed(self):
        with Daemon({"ok": PAGE}) as d:
            os.chmod(d.root, 0)
            self.assert_status(d.get("/ok"), 403)
            self.assert_status(d.get("/"), 403)
            os.chmod(d.root, 0o755)
            self.assertEqual(d.get("/ok").body, PAGE)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Goal: the harness finds what it is there to find: bad framing, what is left behind, silence."""

import os
import select
import signal
import subprocess
import sys

import harness
from harness import Daemon, FramingError

STANDIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "standin.py")


def standin(mode, **more):
    return Daemon(command=[sys.executable, STANDIN, mode], **more)


class Framing(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.daemon = standin("good")

    @classmethod
    def tearDownClass(cls):
        with cls.daemon:
            pass

    def test_good(self):
        with self.daemon.connect() as c:
            for target in ("/good", "/chunked", "/good"):  # the connection persists
                c.request(target)
                self.assertEqual(c.response().body, b"hello")
            c.request("/head", "HEAD")
            self.assertEqual(c.response("HEAD").body, b"")
            c.request("/304")
            self.assert_status(c.response(), 304)

    def test_pipelined(self):
        with self.daemon.connect() as c:
            c.send_pieces(harness.format_request("/good") * 3, 7)
            for _ in range(3):
                self.assertEqual(c.response().body, b"hello")
            c.half_close()
            c.expect_close()

    def test_bad(self):
        for target in ("/short", "/twice", "/nolength", "/badsize", "/badchunk", "/cutchunk", "/both",
                       "/coding", "/barelf", "/nodate", "/baddate", "/space", "/version", "/204"):
            with self.subTest(target), self.daemon.connect() as c:
                c.request(target)
                with self.assertRaises(FramingError):
                    c.response()

    def test_more_than_announced(self):
        with self.daemon.connect() as c:
            c.request("/long")
            self.assertEqual(c.response().body, b"hel")
            with self.assertRaises(FramingError):
                c.expect_close()

    def test_no_answer(self):
        with self.daemon.connect(timeout=0.1) as c:
            c.send(b"GET /good HTTP/1.1\r\n")
            with self.assertRaisesRegex(AssertionError, "no answer"):
                c.response()

    def test_close_is_no_reset(self):
        with self.daemon.connect() as c:
            c.half_close()
            with self.assertRaisesRegex(AssertionError, "closed in order"):
                c.expect_reset()

    def test_silence(self):
        with self.daemon.connect() as c:
            c.expect_silence(0.05)
            c.request("/good")
            with self.assertRaisesRegex(AssertionError, "expected silence"):
                c.expect_silence(harness.DEADLINE)


class Life(harness.Case):
    def assert_bad_end(self, mode, what):
        daemon = standin(mode)
        daemon.end_deadline = 0.5
        workers = daemon.workers()
        with self.assertRaisesRegex(AssertionError, what):
            with daemon:
                pass
        self.assertFalse(any(harness.is_alive(w) for w in workers))
        self.assertFalse(os.path.exists(daemon.dir))

    def test_good(self):
        with standin("good") as d:
            self.assertEqual(len(d.workers()), 1)
            at = d.mark()
            d.send_signal(signal.SIGUSR1)
            self.assertEqual(d.wait_log(r"^tined: (\w+)$", after=at).group(1), "poked")
            with self.assertRaisesRegex(AssertionError, "did not say"):
                d.wait_log("never said", timeout=0.05)

    def test_the_log_is_all_that_is_written_by_now(self):
        with standin("good") as d, d._changed:  # who reads it beside this waits
            at = d.mark()
            d.send_signal(signal.SIGUSR1)
            self.assertTrue(select.select([d.process.stderr], [], [], harness.DEADLINE)[0])
            self.assertEqual(d.log_from(at), "tined: poked")

    def test_never_ready(self):
        class Impatient(Daemon):
            ready_deadline = 0.5

        with self.assertRaisesRegex(AssertionError, "did not say"):
            Impatient(command=[sys.executable, STANDIN, "mute"])

    def test_left_behind(self):
        self.assert_bad_end("stubborn", "left processes behind")

    def test_sanitizer(self):
        self.assert_bad_end("asan", "sanitizer reports")

    def test_status(self):
        self.assert_bad_end("failing", "status 3")

    def test_killed(self):
        with standin("good", expect_status=-signal.SIGKILL) as d:
            workers = d.workers()
            d.send_signal(signal.SIGKILL)
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
            self.assertEqual(d.wait_exit(), -signal.SIGKILL)
            harness.wait_gone(workers)


class Signals(harness.Case):
    def test_children_ignore_none(self):
        """Whatever the tests were started with, which they go on ignoring."""
        tests = """if True:
            import os, signal, subprocess, sys
            sys.path.insert(0, sys.argv[1])
            import harness
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
                os.kill(os.getpid(), number)
            subprocess.run(["grep", "SigIgn", "/proc/self/status"], check=True)
            """
        done = subprocess.run(
            ["sh", "-c", 'trap "" HUP INT QUIT TERM; exec "$@"', "sh",
             sys.executable, "-c", tests, os.path.dirname(harness.__file__)],
            stdout=subprocess.PIPE, encoding="ascii", check=True)
        ignored = int(done.stdout.split()[1], 16)
        self.assertFalse([s for s in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
                          if ignored & 1 << s - 1])


class Configuration(harness.Case):
    def test_libconfig(self):
        text = harness.configuration_text(
            {"a": 1, "b": True, "c": 'q"\\', "d": ({"e": ["x", "y"]},), "f": {"g": 2}})
        self.assertEqual(text, 'a = 1;\nb = true;\nc = "q\\"\\\\";\n'
                               'd = ( {\n    e = [ "x", "y" ];\n} );\nf = {\n    g = 2;\n};\n')


if __name__ == "__main__":
    os.environ.setdefault("TINED", harness.TINED)  # the stand-in needs none
    harness.main()

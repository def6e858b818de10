#!/usr/bin/env python3
"""Goal: tined explain tells how a request is answered, and why; its manual shows what it prints.

The manual's examples are what the program prints. After a change of it they are written anew by
    TINED=... TINED_EXPLAIN_UPDATE=1 python3 tests/it/26-explain.py Manual
"""

import concurrent.futures
import importlib.util
import os
import re
import shlex
import socket
import time
import unittest

import harness

MANUAL = os.path.join(harness.TOP, "man", "tined-explain.8.in")
UPDATE = os.environ.get("TINED_EXPLAIN_UPDATE")
OLD = 1600000000


# ---- asking ------------------------------------------------------------------------------------
def ask(path, request):
    """The answer of the control socket: ("result" or "error", text)."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(harness.DEADLINE)
        s.connect(path)
        s.sendall(request)
        s.shutdown(socket.SHUT_WR)
        answer = b""
        while True:
            data = s.recv(65536)
            if not data:
                break
            answer += data
    head, _, text = answer.decode().partition("\n")
    kind, length = head.split()
    assert int(length) == len(text.encode()), head
    return kind, text


def explain_head(path, port, head):
    """The head that explain shows for this one, as bytes; CRLF as on the wire."""
    _, text = ask(path, b"explain 2 127.0.0.1 %d\n" % port + head)
    return text.partition("\n\n")[2].replace("\n", "\r\n").encode() + b"\r\n"


def without_date(head):
    return re.sub(rb"\r\nDate: [^\r]*", b"", head)


def control_of(d):
    return os.path.join(d.dir, "control.sock")


# ---- the manual --------------------------------------------------------------------------------
def blocks(text):
    """The literal blocks of the manual, as plain text."""
    return [b.replace("\\&", "").replace("\\e", "\\")
            for b in re.findall(r"^\.Bd -literal\n(.*?)^\.Ed$", text, re.M | re.S)]


def to_roff(text):
    return re.sub(r"^(?=[.'])", r"\\&", text.replace("\\", "\\e"), flags=re.M)


class Example(harness.Daemon):
    """The server that the manual speaks of: its configuration on the same lines, and its files."""

    def __init__(self, text):
        self.places = {}
        super().__init__(start=False)
        self.places = {os.path.join(self.dir, "www"): "/srv/www",
                       os.path.join(self.dir, "other"): "/srv/other",
                       self.config_path: "/etc/tined/tined.conf", "127.0.0.1:0": "*:80"}
        for place, name in self.places.items():
            text = text.replace(name, place)
        text += 'workers = 1; control = "%s"; log = { level = "debug"; };\n' % control_of(self)
        if harness.IS_ROOT:
            text += 'user = "nobody"; group = "nogroup";\n'
        self.write_config(text)
        self.make_files()

    def make_files(self):
        files = ["docs/guide.html", "docs/index.html", "style.css", "style.css.gz", "app/index.html",
                 "private/report.txt", "photos/1.jpg", "../other/index.html"]
        for name in files:
            path = os.path.join(self.dir, "www", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="ascii") as f:
                f.write("x" * 1000)
            when = OLD + (name == "style.css")
            os.utime(path, (when, when))
        os.symlink("/var/backups/site", os.path.join(self.dir, "www", "latest"))
        os.chmod(os.path.join(self.dir, "www", "private"), 0o700 if harness.IS_ROOT else 0o600)
        time.sleep(harness.YOUNG)  # their ctime

    def neutral(self, text):
        """With what is different from machine to machine as the manual has it."""
        for place, name in self.places.items():
            text = text.replace(place, name)
        text = re.sub(r"^Date: .*", "Date: Fri, 20 Nov 2026 12:00:00 GMT", text, flags=re.M)
        text = re.sub(r'(ETag:? )"[^"]+"', r'\1"5d1a7c0be94f2683"', text)
        text = re.sub(r"( \(|, )(.[r-][w-][x-][r-][w-][x-][r-][w-][x-]) [^ ):]+:[^ )]+",
                      lambda m: "%s%s root:root" % m.groups(), text)
        text = re.sub(r"user, .* \(uid \d+\)", "user, tined (uid 990)", text)
        # Root needs no mode to be kept out by: the worker is somebody else.
        return text.replace("drw------- root:root", "drwx------ root:root")


class Manual(harness.Case):
    maxDiff = None

    def check(self, d, how):
        with open(MANUAL, encoding="utf-8") as f:
            manual = f.read()
        changed = manual
        examples = [b for b in blocks(manual) if b.startswith("$ tined explain ")]
        self.assertEqual(len(examples), 10)
        for example in examples:
            command, _, shown = example.partition("\n")
            result = harness.run_tined("explain", *how, *shlex.split(command)[3:])
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            printed = d.neutral(result.stdout)
            if UPDATE:
                changed = changed.replace(to_roff(example), to_roff(command + "\n" + printed))
            else:
                self.assertEqual(printed, shown, command)
        if UPDATE:
            with open(MANUAL, "w", encoding="utf-8") as f:
                f.write(changed)

    def example(self):
        with open(MANUAL, encoding="utf-8") as f:
            return Example(blocks(f.read())[0])

    def test_of_a_configuration(self):
        with self.example() as d:
            self.check(d, ["-c", d.config_path])

    def test_of_a_running_server(self):
        with self.example() as d:
            d.start()
            self.check(d, ["-s", control_of(d)])


class Targets(harness.Case):
    def test_bytes_that_no_uri_has_are_asked_for_as_they_are(self):
        with harness.Daemon({"\u00fc<x>\".txt": b"x"}) as d:
            result = harness.run_tined("explain", "-c", d.config_path, "x/\u00fc<x>\".txt?\u00fc b")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertRegex(result.stdout, "^request +GET /\u00fc<x>\".txt\\?\u00fc%20b HTTP/1.1, ")
            self.assertIn("\nHTTP/1.1 200 OK\n", result.stdout)


# ---- the real answers --------------------------------------------------------------------------
def conformance():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "21-conformance.py")
    spec = importlib.util.spec_from_file_location("conformance_table", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def real_head(d, request):
    """Empty when there is no answer, for the content is not all there."""
    with d.connect() as c:
        c.send(request)
        c.half_close()
        while True:
            while b"\r\n\r\n" not in c.pending:
                if not c._receive():
                    return b""
            head = c._take(c.pending.index(b"\r\n\r\n") + 4)
            if not head.startswith(b"HTTP/1.1 100"):
                return head


def requests(row, fill, known):
    """Those of a row whose head is sent in one piece: (head, content)."""
    sent = [fill(step, known) for step in row.talk if isinstance(step, bytes)]
    for i, step in enumerate(sent):
        head, end, content = step.lstrip(b"\r\n").partition(b"\r\n\r\n")
        if not end or b" HTTP/1." not in head:
            continue
        for more in sent[i + 1:]:
            if b" HTTP/1." in more:
                break
            content += more
        yield head + end, content


class Conformance(harness.Case):
    LEAST = 500

    def compare(self, d, port, head, content):
        """True when the heads are equal; False when the content, too, decides the answer."""
        real = real_head(d, head + content)
        if not real or (content and real[9:12] in (b"400", b"413")):
            return False
        told = explain_head(control_of(d), port, head)
        self.assertEqual(without_date(told), without_date(real), head)
        return True

    def test_heads_are_those_of_the_server(self):
        from conformance.features import FEATURES
        from conformance.runner import fill
        table = conformance()
        available = [f for f in FEATURES if table.has_option(f)]
        with table.make_daemon(available, control="control.sock") as d:
            port = d.address()[1][1]
            words = table.all_words(d, available)
            asked = [r for row in table.ROWS if row.needs in words
                     for r in requests(row, fill, words[row.needs])]
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                compared = list(pool.map(lambda r: self.compare(d, port, *r), asked))
        self.assertGreaterEqual(sum(compared), self.LEAST)


# ---- the control socket ------------------------------------------------------------------------
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Control(harness.Case):
    def test_file_belongs_to_the_server_and_goes_with_it(self):
        with harness.Daemon({"index.html": b"x"}, start=False) as d:
            path = d.options["control"] = control_of(d)
            d.write_config()
            d.start()
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o660)
            self.assertEqual(ask(path, b"explain 2 ::1 80\n" + HEAD)[0], "result")
            d.stop()
            self.assertFalse(os.path.exists(path))

    def test_bad_requests_are_told_so(self):
        with harness.Daemon({"index.html": b"x"}, start=False) as d:
            path = d.options["control"] = control_of(d)
            d.write_config()
            d.start()
            for request in (b"frobnicate 2\n", b"explain 2\n", b"explain 2 ::1 x\n", b"explain 2 x 1\n",
                            b"explain 2 " + b"x" * 200 + b" 1\n", b"x" * 70000):
                self.assertEqual(ask(path, request)[0], "error", request[:40])

    def test_a_silent_client_is_dropped(self):
        with harness.Daemon({"index.html": b"x"}, start=False) as d:
            path = d.options["control"] = control_of(d)
            d.write_config()
            d.start()
            silent = []
            for _ in range(12):
                s = socket.socket(socket.AF_UNIX)
                s.settimeout(harness.DEADLINE)
                s.connect(path)
                silent.append(s)
            d.get("/")
            self.assertEqual(silent[0].recv(1), b"")  # after 5 s
            self.assertEqual(ask(path, b"explain 2 ::1 80\n" + HEAD)[0], "result")
            for s in silent:
                s.close()

    def test_a_reload_moves_it(self):
        with harness.Daemon({"index.html": b"x"}, start=False) as d:
            first = d.options["control"] = control_of(d)
            d.write_config()
            d.start()
            second = d.options["control"] = os.path.join(d.dir, "second.sock")
            d.write_config()
            d.renew()
            self.assertEqual(ask(second, b"explain 2 ::1 80\n" + HEAD)[0], "result")
            harness.wait_until(lambda: not os.path.exists(first), "the end of the old one")
            d.options["control"] = "/nonexistent/directory/sock"
            d.write_config()
            mark = d.mark()
            d.send_signal(harness.signal.SIGHUP)
            d.wait_log(r"reload failed", after=mark)
            self.assertEqual(ask(second, b"explain 2 ::1 80\n" + HEAD)[0], "result")

    def test_an_upgrade_keeps_it(self):
        with harness.Daemon({"index.html": b"x"}, start=False) as d:
            path = d.options["control"] = control_of(d)
            d.write_config()
            d.start()
            mark = d.mark()
            d.send_signal(harness.signal.SIGUSR2)
            d.wait_log(r"ready: generation 2", after=mark)
            self.assertEqual(ask(path, b"explain 2 ::1 80\n" + HEAD)[0], "result")

    def test_one_that_cannot_be_opened_is_an_error(self):
        with harness.Daemon({}, start=False, expect_status=1) as d:
            d.options["control"] = "/nonexistent/directory/sock"
            d.write_config()
            d.start(wait_ready=False)
            d.wait_log(r"error: %s:\d+: the control socket /nonexistent/directory/sock cannot be opened" % d.config_path)
            self.assertEqual(d.wait_exit(), 1)

    def test_one_of_another_server_is_left_alone(self):
        with harness.Daemon({"index.html": b"x"}, start=False) as d, \
                harness.Daemon({}, start=False, expect_status=1) as other:
            d.options["control"] = other.options["control"] = control_of(d)
            d.write_config()
            other.write_config()
            d.start()
            other.start(wait_ready=False)
            other.wait_log(r"cannot be opened: bind: Address already in use")
            self.assertEqual(other.wait_exit(), 1)
            self.assertEqual(ask(control_of(d), b"explain 2 ::1 80\n" + HEAD)[0], "result")

    def test_explaining_leaves_nothing_behind(self):
        with harness.Daemon({"index.html": b"x"}, start=False) as d:
            path = d.options["control"] = control_of(d)
            d.write_config()
            d.start()
            workers = d.workers()
            fds = len(os.listdir("/proc/%d/fd" % d.pid))
            for _ in range(20):
                self.assertEqual(ask(path, b"explain 2 ::1 80\n" + HEAD)[0], "result")
            harness.wait_until(lambda: d.workers() == workers, "the end of the one-shot workers")
            harness.wait_until(lambda: len(os.listdir("/proc/%d/fd" % d.pid)) == fds, "their pidfds")
            harness.assert_idle([d.pid])
            self.assertNotRegex(d.log, r"worker \d+ of generation \d+ \(pid")


if __name__ == "__main__":
    harness.main()

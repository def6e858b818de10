"""What the checks of real clients share: the daemon of tests/it, its access log, and one line of
what was measured for each check."""

import collections
import os
import re
import signal
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "it"))
import harness  # noqa: E402 (found by the line above)

LINE = re.compile(r'\S+ - - \[[^]]*\] "(\S+) (\S+) [^"]*" (\d+) (\d+) "(.*)" "(.*)"$')

# A line of the access log; `sent` counts the bytes of content.
Answer = collections.namedtuple("Answer", "method target status sent agent")


class Daemon(harness.Daemon):
    """With an access log, and one site with the given options, or those that sites(directory) gives."""

    def __init__(self, files=None, sites=None, **options):
        site = options.pop("site", {})
        super().__init__(files, start=False, **options)
        self.options["log"]["access"] = self.access_path
        self.options["sites"] = sites(self.dir) if sites else (dict(site, root=self.root),)
        self.write_config()
        self.start()

    def origin(self, host="127.0.0.1"):
        return "http://%s:%d" % (host, self.address()[1][1])

    def answers(self):
        """Stops the daemon in order, so that its log is whole, and gives what it answered since it began."""
        self.stop(signal.SIGTERM)
        with open(self.access_path, encoding="ascii") as f:
            lines = [LINE.match(line.rstrip("\n")).groups() for line in f]
        return [Answer(m, target, int(status), int(sent), agent)
                for m, target, status, sent, _, agent in lines]


def count_by_status(answers):
    """Such as "12 requests: 10 of 200, 2 of 304"."""
    counts = sorted(collections.Counter(a.status for a in answers).items())
    return "%d requests: %s" % (len(answers), ", ".join("%d of %d" % (n, s) for s, n in counts))


def measured(text):
    print("\n    " + text, flush=True)


def run(*words, status=0, **options):
    """A client that is to end with `status`; its output, both streams together."""
    p = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=120, check=False, **options)
    output = p.stdout.decode("utf-8", "replace")
    if p.returncode != status:
        raise AssertionError("%s ended with %d, not %d:\n%s" % (
            " ".join(words), p.returncode, status, output))
    return output


main = harness.main

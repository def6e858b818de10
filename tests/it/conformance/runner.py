"""Carries out rows: sends, reads what comes back without trusting it, compares."""

import collections
import re
import select
import time

import harness

from .general import RULES, Exchange
from .table import FIN, SILENCE, Answer, request

# Nothing may come for that long; what is wrong comes at once.
SILENCE_S = 0.3
PROBE = request("/dir/file.txt", "Connection: close")
PROBE_BODY = b"in dir"


class Fault(Exception):
    """A row is not fulfilled."""


class Received(harness.Response):
    """An answer as it came: nothing about it is taken for granted."""

    def __init__(self, head, known):
        self.head = head
        self.known = known
        self.at = time.time()
        self.lines = head[:-4].split(b"\r\n")[1:]
        found = re.match(rb"HTTP/\d\.\d (\d\d\d)", head)
        if not found:
            raise Fault("no status line: %r" % head[:100])
        pairs = [line.partition(b":") for line in self.lines]
        super().__init__(int(found.group(1)), "", [(n, v.strip(b" \t")) for n, _, v in pairs])

    def get(self, name):
        values = [v for n, v in self.fields if n.lower() == name.lower().encode()]
        return b", ".join(values).decode("latin-1") if values else None


class Wire(harness.Client):
    def answer(self, method, known):
        while b"\r\n\r\n" not in self.pending:
            if not self.more():
                raise Fault("closed instead of an answer: %r" % bytes(self.pending[:200]))
        answer = Received(self._take(self.pending.index(b"\r\n\r\n") + 4), known)
        if method == "HEAD" or answer.status < 200 or answer.status in (204, 304):
            return answer
        length = answer.get("Content-Length")
        if answer.get("Transfer-Encoding") == "chunked":
            answer.body = self.chunks()
        elif re.fullmatch(r"\d{1,9}", length or ""):
            answer.body = self.bytes(int(length))
        else:
            raise Fault("no length: %r" % answer.head)
        return answer

    def bytes(self, count):
        while len(self.pending) < count:
            if not self.more():
                raise Fault("closed after %d of %d bytes" % (len(self.pending), count))
        return self._take(count)

    def chunks(self):
        """Content in chunks without extensions and trailer (RFC 9112 section 7.1)."""
        content = b""
        while True:
            line = b""
            while not line.endswith(b"\r\n"):
                line += self.bytes(1)
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}\r\n", line):
                raise Fault("no chunk size: %r" % line)
            size = int(line, 16)
            content += self.bytes(size)
            if self.bytes(2) != b"\r\n":
                raise Fault("no line's end behind a chunk of %d bytes" % size)
            if size == 0:
                return content

    def more(self):
        try:
            return self._receive()
        except ConnectionError as error:
            raise Fault("reset: %s" % error) from None
        except AssertionError as error:
            raise Fault(str(error)) from None

    def push(self, data):
        try:
            self.send(data)
        except ConnectionError as error:
            raise Fault("reset while sending: %s" % error) from None

    def be_silent(self):
        if self.pending or select.select([self.sock], [], [], SILENCE_S)[0]:
            raise Fault("an answer too early: %r" % bytes(self.pending[:100]))

    def rest(self):
        while self.more():
            pass
        return self._take(len(self.pending))


def fill(value, known):
    """Puts in what stands for $WORDS: in text, bytes, or a pattern, which has none."""
    if isinstance(value, bytes):
        return fill(value.decode("latin-1"), known).encode("latin-1")
    return re.sub(r"\$[A-Z]+[0-9]*", lambda m: known.get(m.group(), m.group()), value)


def compare_field(name, got, wanted, known):
    if wanted is None:
        if got is not None:
            raise Fault("%s: %s, where there should be none" % (name, got))
    elif isinstance(wanted, str):
        if got != fill(wanted, known):
            raise Fault("%s: %s, not %s" % (name, got, fill(wanted, known)))
    elif got is None or not wanted.fullmatch(got):
        raise Fault("%s: %s, not like %s" % (name, got, wanted.pattern))


def without_date(answer):
    return [line for line in answer.lines if not line.lower().startswith(b"date:")]


def compare(answer, wanted, before, known):
    if answer.status not in wanted.statuses:
        raise Fault("%d, not %s; %r" % (answer.status, " or ".join(map(str, wanted.statuses)),
                                        answer.head))
    for name, value in wanted.fields.items():
        compare_field(name, answer.get(name), value, known)
    if wanted.body is not None and answer.body != wanted.body:
        raise Fault("body %r, not %r" % (answer.body[:100], wanted.body[:100]))
    if wanted.same and (answer.status != before.status or
                        without_date(answer) != without_date(before)):
        raise Fault("%r is not as before: %r" % (answer.head, before.head))
    for name in wanted.differs:
        if answer.get(name) == before.get(name):
            raise Fault("%s: %s, as before" % (name, answer.get(name)))
    fault = wanted.check and wanted.check(answer)
    if fault:
        raise Fault(fault)


def talk(wire, row, known, exchanges):
    before = None
    for step in row.talk:
        if step is SILENCE:
            wire.be_silent()
        elif step is FIN:
            wire.half_close()
        elif isinstance(step, Answer):
            answer = wire.answer(step.method, known)
            exchanges.append((answer, step.method))
            compare(answer, step, before, known)
            before = answer
        else:
            wire.push(fill(step, known))


def finish(wire, row):
    if not row.closes:
        wire.push(PROBE)
        answer = wire.answer("GET", {})
        if answer.status != 200 or answer.body != PROBE_BODY:
            raise Fault("the next request is not answered: %r" % answer.head)
    rest = wire.rest()
    if rest:
        raise Fault("bytes behind the last answer: %r" % rest[:200])


def version_of(row):
    sent = b"".join(step for step in row.talk if isinstance(step, bytes))
    return "HTTP/1.0" if re.match(rb"[^\r\n]* HTTP/1\.0\r\n", sent) else "HTTP/1.1"


def run(row, address, known):
    """(fault or None, the exchanges that took place)."""
    answers = []
    fault = None
    with Wire(*address) as wire:
        try:
            talk(wire, row, known, answers)
            finish(wire, row)
        except Fault as error:
            fault = str(error)
    closes = row.closes and FIN not in row.talk
    exchanges = [Exchange(answer, method, version_of(row), closes and i == len(answers))
                 for i, (answer, method) in enumerate(answers, 1)]
    return fault, exchanges


def judge(exchanges):
    """The verdicts of RULES on [(row, exchange)]: id -> fault or None."""
    verdicts = collections.OrderedDict()
    for id_, _, _, rule in RULES:
        said = [(row, rule(e)) for row, e in exchanges]
        faults = ["%s: %s" % (row.id, verdict) for row, verdict in said
                  if verdict not in (True, None)]
        if faults:
            verdicts[id_] = "; ".join(faults[:3])
        elif not any(verdict is True for _, verdict in said):
            verdicts[id_] = "no answer is of this kind"
        else:
            verdicts[id_] = None
    return verdicts

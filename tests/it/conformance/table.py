"""The parts of a row of the conformance table.

A row is data: an id (RFC, section, number of the requirement in this table), its level, the
requirement in a line, and a conversation on one connection of its own: bytes are sent, an Answer is
awaited and compared. Whether the connection goes on is part of every row: unless the last answer
is one that closes, another request must be answered on it, and exactly that one; else the server
closes in order and sends nothing more.

Words that stand for what is known only at run time, in what is sent and what is expected:
$ETAG and $MODIFIED of /file.txt (also $RFC850, $ASCTIME), $LONGER by a byte than the tag, $EARLIER
and $LATER by a second, $OLD and $FUTURE, $YEAR49 and $YEAR51 (rfc850 dates that many years ahead).
"""

import re

MUST, SHOULD, PROMISE = "MUST", "SHOULD", "promise"  # a promise: tined chose where the RFC says MAY

ABSENT = None
PRESENT = re.compile(r".+")
SILENCE = object()  # nothing arrives for a while, and the connection stays open
FIN = object()      # the client's side ends

CONTENT = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Answer:
    """The expected answer: the status (or several that will do), fields by name (text, a pattern that
    matches all of it, PRESENT or ABSENT), the body where it matters."""

    def __init__(self, status, fields=None, body=None, closes=False, method="GET", same=False,
                 differs=(), check=None):
        self.statuses = status if isinstance(status, tuple) else (status,)
        self.fields = fields or {}
        self.body = body
        self.closes = closes
        self.method = method
        self.same = same  # status and fields but Date are those of the answer before
        self.differs = differs  # names of fields that are not those of the answer before
        self.check = check  # for what is no comparison: a function of the response; text: a fault


class Row:
    def __init__(self, id_, level, text, *talk, needs=None):
        self.id, self.level, self.text, self.talk, self.needs = id_, level, text, talk, needs

    @property
    def closes(self):
        """The server closes after the last answer; also when there is none to a client's FIN."""
        answers = [step for step in self.talk if isinstance(step, Answer)]
        return answers[-1].closes if answers else True


def request(target="/file.txt", *lines, method="GET", version="HTTP/1.1", host="test", body=b""):
    head = ["%s %s %s" % (method, target, version)]
    head += ["Host: " + host] if host is not None else []
    return "\r\n".join(head + list(lines) + ["", ""]).encode("latin-1") + body


def head(target="/file.txt", *lines, **options):
    return request(target, *lines, method="HEAD", **options)


def old(target="/file.txt", *lines, **options):
    """A request of HTTP/1.0 without Host."""
    options.setdefault("host", None)
    return request(target, *lines, version="HTTP/1.0", **options)


def ok(status=200, fields=None, body=CONTENT, **options):
    return Answer(status, fields, body, **options)


def to_head(status=200, fields=None, **options):
    return Answer(status, fields, b"", method="HEAD", **options)


def last(status=200, fields=None, body=None, **options):
    """An answer after which the server closes."""
    return Answer(status, fields, body, closes=True, **options)


def refused(*statuses, method="GET"):
    return Answer(statuses, {"Connection": "close"}, closes=True, method=method)


def not_modified(**options):
    return Answer(304, {"ETag": "$ETAG", "Content-Type": ABSENT}, b"", **options)


def failed(**options):
    return Answer(412, **options)


def partial(first, end, size=len(CONTENT), **options):
    """206 with the bytes from first up to end (not included) of /file.txt."""
    fields = {"Content-Range": "bytes %d-%d/%d" % (first, end - 1, size),
              "Content-Length": str(end - first)}
    fields.update(options.pop("fields", {}))
    return Answer(206, fields, CONTENT[first:end], **options)


def unsatisfiable(size=len(CONTENT)):
    return Answer(416, {"Content-Range": "bytes */%d" % size})


def numbered(section, level, *requirements, start=1, needs=None):
    """Rows of one section: (text, step...) each, or (level, text, step...)."""
    rows = []
    for i, given in enumerate(requirements, start):
        own = given[0] if given[0] in (MUST, SHOULD, PROMISE) else None
        text, *talk = given[1:] if own else given
        rows.append(Row("%s-%d" % (section, i), own or level, text, *talk, needs=needs))
    return rows

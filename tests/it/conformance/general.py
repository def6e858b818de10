"""Requirements that hold for every answer: each is a row, judged over the answers to all others.

A judge gets one Exchange and says None (it does not apply), True, or what is wrong.
"""

import email.utils
import re

from .table import MUST, SHOULD

STATUS_LINE = re.compile(rb"HTTP/[0-9]\.[0-9] [1-5][0-9][0-9] [\t -~\x80-\xff]*\r\n")
TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
MEDIA_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+(?:; [a-z]+=[!-~]+)*")
ENTITY_TAG = re.compile(r'(?:W/)?"[!#-~\x80-\xff]*"')
URI_REFERENCE = r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+"
LISTS = {b"connection", b"allow", b"vary", b"cache-control", b"accept-ranges", b"content-encoding"}


class Exchange:
    """An answer with what it answers. `closes`: the server closes behind it, and not
    because the client did."""

    def __init__(self, answer, method, version, closes):
        self.answer, self.method, self.version, self.closes = answer, method, version, closes
        self.status = answer.status
        self.final = answer.status >= 200

    def get(self, name):
        return self.answer.get(name)


def holds(condition, fault):
    return True if condition else fault


def holds_if(applies, condition, fault):
    return holds(condition, fault) if applies else None


def date_of(value):
    """Seconds, or None when it is no IMF-fixdate."""
    parsed = email.utils.parsedate_tz(value)
    seconds = parsed and email.utils.mktime_tz(parsed)
    return seconds if parsed and email.utils.formatdate(seconds, usegmt=True) == value else None


def status_line(e):
    return holds(STATUS_LINE.match(e.answer.head), "no status line")


def version_of_answer(e):
    return holds(e.answer.head.startswith(b"HTTP/1.1 "), "another version than HTTP/1.1")


def line_ends(e):
    return holds(not re.search(rb"\r(?!\n)|(?<!\r)\n", e.answer.head), "a bare CR or LF")


def field_lines(e):
    lines = e.answer.head[:-4].split(b"\r\n")[1:]
    bad = [x for x in lines if not re.fullmatch(TOKEN + rb":[\t -~\x80-\xff]*", x)]
    return holds(not bad, "no field line: %r" % bad)


def no_fold(e):
    return holds(not re.search(rb"\r\n[ \t]", e.answer.head), "a line that begins blank")


def one_space(e):
    bad = [f for f in e.answer.lines if not re.fullmatch(TOKEN + rb": (?:\S(?:.*\S)?)", f)]
    return holds(not bad, "white space that is not one space before the value: %r" % bad)


def no_repetition(e):
    names = [n.lower() for n, _ in e.answer.fields if n.lower() not in LISTS]
    return holds(len(names) == len(set(names)), "a field stands there twice")


def no_empty_member(e):
    bad = [v for n, v in e.answer.fields if n.lower() in LISTS and
           b"" in [m.strip() for m in v.split(b",")]]
    return holds(not bad, "an empty member in a list: %r" % bad)


def has_date(e):
    return holds_if(200 <= e.status < 500, e.get("Date"), "no Date")


def date_form(e):
    values = [e.get(name) for name in ("Date", "Last-Modified", "Expires")]
    bad = [v for v in values if v is not None and date_of(v) is None]
    return holds_if(any(values), not bad, "no IMF-fixdate: %r" % bad)


def date_is_now(e):
    date = date_of(e.get("Date") or "")
    return holds_if(date, date and abs(date - e.answer.at) < 5, "Date is not now")


def modified_before_date(e):
    modified, date = (date_of(e.get(n) or "") for n in ("Last-Modified", "Date"))
    return holds_if(modified and date, modified and date and modified <= date, "later than Date")


def length_form(e):
    value = e.get("Content-Length")
    return holds_if(value, value and re.fullmatch("[0-9]+", value), "Content-Length %r" % value)


def framed(e):
    return holds_if(e.final and e.status not in (204, 304) and e.method != "HEAD",
                    e.get("Content-Length") or e.get("Transfer-Encoding"), "no length")


def no_length(e):
    return holds_if(e.status in (100, 204), e.get("Content-Length") is None, "Content-Length")


def no_coding(e):
    return holds_if(e.status in (100, 204) or e.version == "HTTP/1.0",
                    e.get("Transfer-Encoding") is None, "Transfer-Encoding")


def not_both(e):
    return holds(e.get("Transfer-Encoding") is None or e.get("Content-Length") is None,
                 "Transfer-Encoding and Content-Length")


def content_type(e):
    value = e.get("Content-Type") or ""
    # 206 to If-Range has none (section 15.3.7).
    return holds_if(e.answer.body and (value or e.status != 206), MEDIA_TYPE.fullmatch(value),
                    "Content-Type %r" % value)


def no_identity(e):
    return holds("identity" not in (e.get("Content-Encoding") or ""), "Content-Encoding: identity")


def tag_form(e):
    value = e.get("ETag")
    return holds_if(value, ENTITY_TAG.fullmatch(value or ""), "ETag %r" % value)


def part_has_range(e):
    if e.status != 206 or (e.get("Content-Type") or "").startswith("multipart/byteranges"):
        return None
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", e.get("Content-Range") or "")
    if not found:
        return "206 with Content-Range %r" % e.get("Content-Range")
    first, last, total = map(int, found.groups())
    return holds(first <= last < total and e.get("Content-Length") == str(last - first + 1),
                 "Content-Range does not fit: %r" % found.group())


def unsatisfied(e):
    return holds_if(e.status == 416, re.fullmatch(r"bytes \*/\d+", e.get("Content-Range") or ""),
                    "416 without the size")


def range_elsewhere(e):
    return holds_if(e.status not in (206, 416), e.get("Content-Range") is None,
                    "Content-Range on %d" % e.status)


def allow(e):
    return holds_if(e.status == 405, e.get("Allow") is not None, "405 without Allow")


def allow_form(e):
    value = e.get("Allow")
    return holds_if(value, re.fullmatch(r"[A-Z]+(?:, [A-Z]+)*", value or ""), "Allow: %s" % value)


def location(e):
    return holds_if(e.status in (301, 302, 303, 307, 308),
                    re.fullmatch(URI_REFERENCE, e.get("Location") or ""),
                    "Location %r" % e.get("Location"))


def no_user_information(e):
    value = e.get("Location") or ""
    return holds_if(value, not re.match(r"(?:https?:)?//[^/]*@", value), value)


def explained(e):
    return holds_if(e.status >= 400 and e.method != "HEAD", e.answer.body, "nothing is explained")


def product(e):
    value = e.get("Server")
    return holds_if(value, re.fullmatch(r"[a-z]+(?:/[0-9.]+)?", value or ""), "Server: %s" % value)


def connection_options(e):
    options = [o.strip().lower() for o in (e.get("Connection") or "").split(",")]
    return holds(not {"cache-control", "content-type", "etag", "date"} & set(options),
                 "an option that is meant for all recipients")


def says_close(e):
    return holds_if(e.closes and e.final, "close" in (e.get("Connection") or ""),
                    "closes without saying so")


def closes_when_said(e):
    return holds_if("close" in (e.get("Connection") or ""), e.closes, "says close and goes on")


def no_interim(e):
    return holds_if(e.version == "HTTP/1.0", e.final, "1xx to HTTP/1.0")


def no_trailers(e):
    return holds(e.get("Trailer") is None, "Trailer")


def no_upgrade(e):
    return holds(e.get("Upgrade") is None and e.status != 101, "an upgrade")


def metadata_of_304(e):
    bad = [n for n in ("Content-Type", "Content-Encoding", "Content-Length", "Accept-Ranges")
           if e.get(n) is not None]
    return holds_if(e.status == 304, not bad, "304 with %s" % bad)


def no_age(e):
    return holds(e.get("Age") is None, "Age from an origin")


def no_warning(e):
    return holds(e.get("Warning") is None, "Warning")


def no_vary_all(e):
    return holds("*" not in (e.get("Vary") or ""), "Vary: *")


def valid_status(e):
    return holds(e.status in KNOWN, "status %d" % e.status)


def no_challenge(e):
    return holds(e.get("WWW-Authenticate") is None, "a challenge without 401")


KNOWN = {100, 200, 204, 206, 301, 302, 303, 304, 307, 308, 400, 403, 404, 405, 408, 410, 412, 413,
         414, 416, 417, 421, 431, 451, 500, 501, 503, 505}

RULES = [
    ("9112 4-1", MUST, "the first line is a status line", status_line),
    ("9112 2.3-20", MUST, "the version is that of the server", version_of_answer),
    ("9112 2.2-30", MUST, "no bare CR or LF in a head", line_ends),
    ("9112 5-20", MUST, "a field line is a name, a colon and a value", field_lines),
    ("9112 5.2-20", MUST, "no line is folded, none begins with white space", no_fold),
    ("9110 5.6.3-1", SHOULD, "a value follows its colon after one space", one_space),
    ("9110 5.3-20", MUST, "no field stands there twice, unless it is a list", no_repetition),
    ("9110 5.6.1.1-1", MUST, "no list has an empty member", no_empty_member),
    ("9110 6.6.1-1", MUST, "Date on every 2xx, 3xx and 4xx", has_date),
    ("9110 6.6.1-2", SHOULD, "Date is the time of the answer", date_is_now),
    ("9110 5.6.7-30", MUST, "dates are sent as IMF-fixdate", date_form),
    ("9110 8.8.2.1-20", MUST, "Last-Modified is not later than Date", modified_before_date),
    ("9110 8.6-20", MUST, "Content-Length is a decimal number", length_form),
    ("9112 6.3-40", SHOULD, "every answer has a length, none ends with the connection", framed),
    ("9110 8.6-21", MUST, "1xx and 204 have no Content-Length", no_length),
    ("9112 6.1-20", MUST, "1xx, 204 and answers to HTTP/1.0 have no Transfer-Encoding", no_coding),
    ("9112 6.2-20", MUST, "never Transfer-Encoding and Content-Length", not_both),
    ("9110 8.3-20", SHOULD, "content has a Content-Type", content_type),
    ("9110 8.4-20", SHOULD, "identity is no Content-Encoding", no_identity),
    ("9110 8.8.3-20", MUST, "an entity tag is quoted", tag_form),
    ("9110 15.3.7.1-20", MUST, "a single part has a Content-Range that fits", part_has_range),
    ("9110 15.5.17-20", SHOULD, "416 has the size in Content-Range", unsatisfied),
    ("9110 14.4-20", MUST, "no Content-Range on other answers", range_elsewhere),
    ("9110 15.5.6-1", MUST, "405 has Allow", allow),
    ("9110 10.2.1-20", MUST, "Allow is a list of methods", allow_form),
    ("9110 10.2.2-20", MUST, "a redirect has a Location that is a URI reference", location),
    ("9110 4.2.4-20", MUST, "no user information in a URI", no_user_information),
    ("9110 15.5-1", SHOULD, "an error is explained", explained),
    ("9110 10.2.4-20", MUST, "Server is a product", product),
    ("9110 7.6.1-20", MUST, "Connection names nothing that is meant for all recipients",
     connection_options),
    ("9112 9.6-20", SHOULD, "who closes says so", says_close),
    ("9112 9.6-21", MUST, "who says close does", closes_when_said),
    ("9110 15.2-20", MUST, "no 1xx to HTTP/1.0", no_interim),
    ("9110 6.5.1-20", MUST, "no trailer fields", no_trailers),
    ("9110 7.8-20", MUST, "no Upgrade, no 101", no_upgrade),
    ("9110 15.4.5-20", SHOULD, "304 has no metadata but what refreshes", metadata_of_304),
    ("9110 15-1", MUST, "a status code is one that tined documents", valid_status),
    ("9110 11.6.1-1", MUST, "no challenge: nothing here wants credentials", no_challenge),
    ("9111 5.1-1", MUST, "an origin sends no Age", no_age),
    ("9111 5.5-1", MUST, "no Warning", no_warning),
    ("9111 4.1-1", SHOULD, "no Vary: *, which no cache can use", no_vary_all),
]

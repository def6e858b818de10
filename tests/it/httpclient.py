"""A strict client: HTTP/1.1 byte by byte, every answer read as the RFCs have it and nothing else."""

import email.utils
import re
import select
import socket
import struct

from processes import DEADLINE

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"


class FramingError(AssertionError):
    """The peer broke HTTP's framing."""


class Response:
    def __init__(self, status, reason, fields):
        self.status = status
        self.reason = reason
        self.fields = fields  # [(name, value)] as bytes, in order
        self.body = b""

    def get(self, name):
        """The value as text; None when absent; an error when it stands there twice."""
        values = [v for n, v in self.fields if n.lower() == name.lower().encode()]
        if len(values) > 1:
            raise FramingError("%s stands there %d times" % (name, len(values)))
        return values[0].decode("latin-1") if values else None

    def __repr__(self):
        return "Response(%d, %r, %d bytes)" % (self.status, self.fields, len(self.body))


class Client:
    """A connection, byte by byte under the test's control, whose answers are read strictly."""

    def __init__(self, family, address, timeout=DEADLINE, receive_buffer=None, source=None):
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        if receive_buffer is not None:  # before connecting, or the window is larger already
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source is not None:
            self.sock.bind((source, 0))
        self.sock.connect(address)
        if family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = bytearray()  # received and not consumed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes with a reset instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # -- sending
    def send(self, data):
        self.sock.sendall(data)

    def send_pieces(self, data, size=1):
        for at in range(0, len(data), size):
            self.sock.sendall(data[at:at + size])

    def request(self, target="/", method="GET", fields=(), version="HTTP/1.1", body=b""):
        self.send(format_request(target, method, fields, version, body))

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    # -- receiving
    def _receive(self):
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            raise AssertionError("no answer; so far: %r" % bytes(self.pending[:500])) from None
        self.pending += data
        return bool(data)

    def _take(self, n):
        data = bytes(self.pending[:n])
        del self.pending[:n]
        return data

    def read_head(self):
        """The status line and fields of the next answer, the content unread."""
        while b"\r\n\r\n" not in self.pending:
            if not self._receive():
                raise FramingError("closed within a head: %r" % bytes(self.pending))
            if len(self.pending) > 65536 and b"\r\n\r\n" not in self.pending[:65536]:
                raise FramingError("no end of the head: %r" % bytes(self.pending[:200]))
        head = self._take(self.pending.index(b"\r\n\r\n") + 4)
        return parse_head(head)

    def response(self, method="GET", discard=False):
        """Reads one whole answer; interim ones (1xx) count. Checks its framing."""
        r = self.read_head()
        if r.get("Transfer-Encoding") and method != "HEAD":
            r.body = b"".join(self.read_chunks())
            return r
        length = content_length(r, method)
        if discard:
            self.skip(length)
            return r
        while len(self.pending) < length:
            if not self._receive():
                raise FramingError("closed after %d of %d bytes" % (len(self.pending), length))
        r.body = self._take(length)
        return r

    def read_exactly(self, n):
        while len(self.pending) < n:
            if not self._receive():
                raise FramingError("closed after %d of %d bytes" % (len(self.pending), n))
        return self._take(n)

    def read_chunks(self):
        """The chunks of a content (RFC 9112 section 7.1), which has neither extensions nor trailers."""
        while True:
            while b"\r\n" not in self.pending:
                if not self._receive():
                    raise FramingError("closed within chunks")
            size = self._take(self.pending.index(b"\r\n") + 2)
            if not re.fullmatch(rb"[0-9a-fA-F]{1,8}\r\n", size):
                raise FramingError("size of a chunk: %r" % size)
            chunk = self.read_exactly(int(size, 16) + 2)
            if chunk[-2:] != b"\r\n":
                raise FramingError("end of a chunk: %r" % chunk[-2:])
            if len(chunk) == 2:
                return
            yield chunk[:-2]

    def skip(self, n):
        """Reads n bytes without keeping them."""
        n -= len(self._take(n))
        while n:
            if not self._receive():
                raise FramingError("closed, %d bytes missing" % n)
            n -= len(self._take(n))

    def read_to_end(self):
        """All bytes until the peer closes in order."""
        while self._receive():
            pass
        return self._take(len(self.pending))

    def expect_close(self):
        """The peer closes in order and has sent nothing more."""
        rest = self.read_to_end()
        if rest:
            raise FramingError("bytes after the last answer: %r" % rest[:200])

    def expect_reset(self):
        try:
            while self._receive():
                pass
        except ConnectionResetError:
            return
        raise AssertionError("closed in order, where a reset was expected")

    def expect_silence(self, seconds):
        """Nothing arrives and the connection stays open for that long."""
        if self.pending or select.select([self.sock], [], [], seconds)[0]:
            raise AssertionError("expected silence, got %r" % (self.pending or self.sock.recv(200)))


def format_request(target="/", method="GET", fields=(), version="HTTP/1.1", body=b""):
    fields = list(fields.items()) if isinstance(fields, dict) else list(fields)
    names = {n.lower() for n, _ in fields}
    if "host" not in names and version != "HTTP/1.0":
        fields.insert(0, ("Host", "localhost"))
    if body and not names & {"content-length", "transfer-encoding"}:
        fields.append(("Content-Length", str(len(body))))
    head = "%s %s %s\r\n%s\r\n" % (method, target, version,
                                   "".join("%s: %s\r\n" % f for f in fields))
    return head.encode("latin-1") + body


def parse_head(head):
    """A strict reading of a response's head with its empty line."""
    lines = head[:-4].split(b"\r\n")
    for line in lines:
        if re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line):
            raise FramingError("control bytes in %r" % line)
    status = re.fullmatch(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([ -~]*)", lines[0])
    if not status:
        raise FramingError("no status line: %r" % lines[0])
    fields = []
    for line in lines[1:]:
        field = re.fullmatch(rb"(" + TOKEN + rb"): (\S(?:.*\S)?)", line)
        if not field:
            raise FramingError("no field line: %r" % line)
        fields.append(field.groups())
    r = Response(int(status.group(1)), status.group(2).decode(), fields)
    for name in ("Content-Length", "Content-Type", "Date", "Connection", "ETag", "Last-Modified",
                 "Location", "Server", "Content-Range", "Accept-Ranges", "Allow"):
        r.get(name)  # at most once
    if r.get("Transfer-Encoding") not in (None, "chunked") or \
            (r.get("Transfer-Encoding") and r.get("Content-Length")):
        raise FramingError("Transfer-Encoding %s" % r.get("Transfer-Encoding"))
    if r.status >= 200:
        for name in ("Date", "Last-Modified"):
            # RFC 9110 section 6.6.1: a 5xx may go without.
            check_date(name, r.get(name), required=name == "Date" and r.status < 500)
    return r


def check_date(name, value, required):
    if value is None:
        if required:
            raise FramingError("no %s" % name)
        return
    seconds = email.utils.parsedate_tz(value)
    if not seconds or email.utils.formatdate(email.utils.mktime_tz(seconds), usegmt=True) != value:
        raise FramingError("%s is no IMF-fixdate: %r" % (name, value))


def content_length(r, method):
    """How many bytes of content follow this head (RFC 9112 section 6.3)."""
    value = r.get("Content-Length")
    if value is not None and not re.fullmatch(r"0|[1-9][0-9]*", value):
        raise FramingError("Content-Length %r" % value)
    if r.status < 200 or r.status in (204, 304):
        if value is not None and r.status != 304:
            raise FramingError("%d with Content-Length" % r.status)
        return 0
    if value is None and method == "HEAD" and r.get("Transfer-Encoding"):
        return 0
    if value is None:
        raise FramingError("%d without Content-Length" % r.status)
    return 0 if method == "HEAD" else int(value)

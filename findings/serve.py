#!/usr/bin/env python3
"""A plain HTTP/1.1 file server for the findings, with validators, ranges and a record of requests.

usage: serve.py DIR PORT-FILE RECORD [--gzip] [--port N] [--fallback FILE] [--no-etag] [--moved STATUS]
    [--unknown-length]

It serves the files of DIR on a port of 127.0.0.1 (N, or any) that it writes to PORT-FILE, and ends by itself after
two minutes. A directory is a page of links. With --gzip a client that accepts gzip gets each file in that
coding, and a Range is of the coded bytes, as RFC 9110 (8.4, 14.2) has it. With
--fallback a path that does not exist gets that file of DIR, as servers of single-page apps have it. With --no-etag
Last-Modified is the only validator. With --moved what is asked for beneath /moved/ is redirected, with that status, to the
same path without it. With --unknown-length a Content-Range does not tell the complete length. RECORD gets a line of JSON
for each request: connection, method, path, status, fields."""

import argparse
import email.utils
import gzip
import hashlib
import http.server
import json
import os
import re
import threading
import urllib.parse

SECONDS = 120


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections = 0

    def setup(self):
        Handler.connections += 1
        self.number = Handler.connections
        super().setup()

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = os.path.join(ARGS.dir, urllib.parse.unquote(self.path.split("?")[0]).lstrip("/"))
        if ARGS.moved and self.path.startswith("/moved/"):
            self.answer(ARGS.moved, {"Location": self.path[len("/moved"):], "Content-Type": "text/plain"}, b"moved\n")
        elif os.path.isdir(path):
            links = "".join('<a href="%s">%s</a><br>\n' % (urllib.parse.quote(n), n) for n in sorted(os.listdir(path)))
            self.answer(200, {"Content-Type": "text/html"}, links.encode())
        elif os.path.isfile(path):
            self.send_file(path)
        elif ARGS.fallback:
            self.send_file(os.path.join(ARGS.dir, ARGS.fallback))
        else:
            self.answer(404, {}, b"")

    do_HEAD = do_GET

    def send_file(self, path):
        with open(path, "rb") as file:
            body = file.read()
        fields = {"Accept-Ranges": "bytes", "Last-Modified": email.utils.formatdate(os.stat(path).st_mtime, usegmt=True)}
        if path.endswith(".txt"):
            fields["Content-Type"] = "text/plain; charset=utf-8"
        if ARGS.gzip:
            fields["Vary"] = "Accept-Encoding"
            if re.search(r"\bgzip\b", self.headers.get("Accept-Encoding", "")):
                fields["Content-Encoding"] = "gzip"
                body = gzip.compress(body, mtime=0)
        if not ARGS.no_etag:
            fields["ETag"] = '"%s"' % hashlib.sha256(body).hexdigest()[:16]
        if self.is_known(fields):
            self.answer(304, fields, b"")
        else:
            self.send_part(fields, body)

    def is_known(self, fields):
        tag = self.headers.get("If-None-Match")
        if tag and not ARGS.no_etag:
            return tag == fields["ETag"]
        return self.headers.get("If-Modified-Since") == fields["Last-Modified"]

    def send_part(self, fields, body):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        validators = (None, fields.get("ETag"), fields["Last-Modified"])
        if not asked or self.headers.get("If-Range") not in validators:
            self.answer(200, fields, body)
            return
        first, last = int(asked[1]), min(int(asked[2] or len(body)), len(body) - 1)
        if first > last:
            self.answer(416, dict(fields, **{"Content-Range": "bytes */%d" % len(body)}), b"")
        else:
            complete = "*" if ARGS.unknown_length else len(body)
            fields["Content-Range"] = "bytes %d-%d/%s" % (first, last, complete)
            self.answer(206, fields, body[first:last + 1])

    def answer(self, status, fields, body):
        line = json.dumps({"connection": self.number, "method": self.command, "path": self.path, "status": status,
                           "fields": {name.lower(): value for name, value in self.headers.items()}})
        with open(ARGS.record, "a", encoding="ascii") as record:
            record.write(line + "\n")
        self.send_response(status)
        if status != 304:
            fields = dict(fields, **{"Content-Length": len(body)})
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client that breaks off is nothing to report."""


def main():
    global ARGS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir")
    parser.add_argument("port_file")
    parser.add_argument("record")
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--fallback")
    parser.add_argument("--no-etag", action="store_true")
    parser.add_argument("--moved", type=int)
    parser.add_argument("--unknown-length", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    ARGS = parser.parse_args()
    with Server(("127.0.0.1", ARGS.port), Handler) as server:
        with open(ARGS.port_file + ".new", "w", encoding="ascii") as file:
            file.write(str(server.server_port))
        os.rename(ARGS.port_file + ".new", ARGS.port_file)
        end = threading.Timer(SECONDS, os._exit, (1,))
        end.daemon = True
        end.start()
        server.serve_forever()


if __name__ == "__main__":
    main()

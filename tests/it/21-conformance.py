#!/usr/bin/env python3
r"""Goal: no requirement of RFC 9110, 9111, 9112 and 3986 that concerns a file server is failed.

Each row of the tables in conformance/ is one requirement with an id of its own; table.py there says
what a row is made of. Rows of options that this daemon does not have are skipped.

Mutations: ./dev conformance-mutations builds the server with each of these faults in turn, and the
row named here must turn red.

name | source | sed expression | row
te-unknown | http/request.c | s/return count == 1 ? 0 : 501/return 0/ | 9112 6.1-2
method-case | http/request.c | s/_OTHER, name, slice_equal)/_OTHER, name, slice_equal_nocase)/ | 9112 3.1-1
host-of-target | http/request.c | s/if (!r->host.ptr)/if (host.ptr)/ | 9112 3.2.2-2
close-case | http/request.c | s/if (slice_equal_nocase(slice_trim/if (slice_equal(slice_trim/ | 9112 9.6-2
if-match-weak | http/precond.c | s/rep, etag_equal_strong/rep, etag_equal_weak/ | 9110 13.1.1-6
if-none-strong | http/precond.c | s/rep, etag_equal_weak/rep, etag_equal_strong/ | 9110 13.1.2-6
not-modified | http/precond.c | s/rep->mtime <= date/rep->mtime < date/ | 9110 13.1.3-1
if-range-date | http/precond.c | s/date == rep->mtime/date >= rep->mtime/ | 9110 13.1.5-6
range-end | http/range.c | s/last < size ? last + 1/last < size ? last/ | 9110 14.1.2-1
year-850 | http/httpdate.c | s/latest.year += 50/latest.year += 60/ | 9110 5.6.7-6
chunk-space | http/body.c | s/\[SPACE\] = {\[SEMICOLON\] = EXTENSION,/[SPACE] = {/ | 9112 7.1.1-5
escaped-slash | http/urlpath.c | s/if (escaped && c == '.')/if (false)/ | 3986 2.2-1
content-range | http/response.c | s/SLICE("."), r->total)/SLICE("\/"), 0)/ | 9110 14.4-1
head-content | server/answer.c | s/r->method == METHOD_HEAD ? 0 :/false ? 0 :/ | 9110 9.3.2-1
allow-on-405 | server/answer.c | s/if (status == 405)/if (status == 406)/ | 9110 15.5.6-1
tag-on-304 | server/answer.c | s/about.len = file.*;/about.len = 0;/ | 9110 15.4.5-1
continue | server/conn.c | s/^            answer_continue(l);$/            (void)l;/ | 9110 10.1.1-1
"""

import concurrent.futures
import os
import re
import time
import unittest
from email.utils import formatdate

import harness
from conformance import rfc3986, rfc9110, rfc9110_conditions, rfc9111, rfc9112, tree
from conformance.general import RULES
from conformance.runner import judge, run

ROWS = rfc3986.ROWS + rfc9110.ROWS + rfc9110_conditions.ROWS + rfc9111.ROWS + rfc9112.ROWS
LEAST_ROWS = 250

faults = {}  # row's id -> what is wrong, or None


def old_date(form, seconds):
    return time.strftime(form, time.gmtime(seconds))


def known_words(mtime, etag):
    year = time.gmtime().tm_year
    return {
        "$ETAG": etag,
        "$LONGER": etag[:-1] + '0"',
        "$MODIFIED": formatdate(mtime, usegmt=True),
        "$RFC850": old_date("%A, %d-%b-%y %H:%M:%S GMT", mtime),
        "$ASCTIME": old_date("%a %b %e %H:%M:%S %Y", mtime),
        "$EARLIER": formatdate(mtime - 1, usegmt=True),
        "$LATER": formatdate(mtime + 1, usegmt=True),
        "$OLD": "Sun, 06 Nov 1994 08:49:37 GMT",
        "$FUTURE": formatdate(time.time() + 10 * 86400, usegmt=True),
        "$YEAR49": "Monday, 01-Mar-%02d 00:00:00 GMT" % ((year + 49) % 100),
        "$YEAR51": "Monday, 01-Mar-%02d 00:00:00 GMT" % ((year + 51) % 100),
    }


def make_daemon():
    d = harness.Daemon(tree.FILES, start=False)
    for name, target in tree.LINKS.items():
        os.symlink(target, d.path(name))
    sites = [{"root": d.root}]
    sites += [dict(site, root=os.path.join(d.dir, name)) for name, site in tree.SITES.items()]
    d.options["sites"] = tuple(sites)
    d.write_config()
    names = [n for n, content in tree.FILES.items() if content is not None]
    d.age(*names)
    for name, when in tree.TIMES.items():
        seconds = time.time() + int(when) if isinstance(when, str) else when
        os.utime(d.path(name), (seconds, seconds))
    d.start()
    return d


def setUpModule():
    with make_daemon() as d:
        mtime = int(os.stat(d.path("file.txt")).st_mtime)
        known = known_words(mtime, d.get("/file.txt").get("ETag"))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(lambda row: run(row, d.address(), known), ROWS))
    exchanges = []
    for row, (fault, own) in zip(ROWS, outcomes):
        faults[row.id] = fault
        exchanges += [(row, e) for e in own]
    faults.update(judge(exchanges))


class Table(unittest.TestCase):
    def test_every_requirement_has_an_id_of_its_own(self):
        ids = [row.id for row in ROWS] + [rule[0] for rule in RULES]
        self.assertEqual(len(ids), len(set(ids)), [i for i in ids if ids.count(i) > 1])

    def test_there_are_enough_of_them(self):
        self.assertGreaterEqual(len(ROWS) + len(RULES), LEAST_ROWS)


class Rfc(unittest.TestCase):
    """One test for each row, by its id: Rfc.test_9110_13_1_1_3."""


def add(id_, level, text):
    def test(self):
        if faults[id_]:
            self.fail("%s (%s) %s: %s" % (id_, level, text, faults[id_]))
    test.__doc__ = "%s %s: %s" % (id_, level, text)
    setattr(Rfc, "test_" + re.sub(r"\W", "_", id_), test)


for _row in ROWS:
    add(_row.id, _row.level, _row.text)
for _id, _level, _text, _ in RULES:
    add(_id, _level, _text)


if __name__ == "__main__":
    harness.main()

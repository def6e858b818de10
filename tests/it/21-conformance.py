#!/usr/bin/env python3
r"""Goal: no requirement of RFC 9110, 9111, 9112 and 3986 that concerns a file server is failed.

Each row of the tables in conformance/ is one requirement with an id of its own; table.py there says
what a row is made of. Rows of options that this daemon does not have are skipped.

Mutations: ./dev conformance-mutations builds the server with each of these faults in turn, and the
row named here must turn red.

name | source | sed expression | row
te-unknown | http/request.c | s/return count == 1 ? REASON_NONE : REASON_REQUEST_CODING/return REASON_NONE/ | 9112 6.1-2
method-case | http/request.c | s/!slice_equal(method_names/!slice_equal_nocase(method_names/ | 9112 3.1-1
host-of-target | http/request.c | s/if (!r->host.ptr)/if (host.ptr)/ | 9112 3.2.2-2
close-case | http/request.c | s/slice_equal_nocase(slice_trim/slice_equal(slice_trim/ | 9112 9.6-2
if-match-weak | http/precond.c | s/rep, etag_equal_strong/rep, etag_equal_weak/ | 9110 13.1.1-6
if-none-strong | http/precond.c | s/rep, etag_equal_weak/rep, etag_equal_strong/ | 9110 13.1.2-6
not-modified | http/precond.c | s/return date == rep->mtime/return false/ | 9110 13.1.3-1
if-range-date | http/precond.c | s/&date) && date == rep->mtime/\&date) \&\& date >= rep->mtime/ | 9110 13.1.5-6
range-end | http/range.c | s/last < size ? last + 1/last < size ? last/ | 9110 14.1.2-1
year-850 | http/httpdate.c | s/latest.year += 50/latest.year += 60/ | 9110 5.6.7-6
chunk-space | http/body.c | s/\[SPACE\] = {\[SEMICOLON\] = NAME_FIRST,/[SPACE] = {/ | 9112 7.1.1-5
escaped-slash | http/urlpath.c | s/byte == '.' ? -REASON_PATH_ESCAPED_SLASH : byte/byte/ | 3986 2.2-1
content-range | http/response.c | s/SLICE("."), r->total)/SLICE("\/"), 0)/ | 9110 14.4-1
head-content | server/respond.c | s/== 0 .. x->r->method == METHOD_HEAD/== 0/ | 9110 9.3.2-1
allow-on-405 | server/handler.c | s/if (status == 405)/if (status == 406)/ | 9110 15.5.6-1
date-left-out | server/handler.c | s/if (by == FIELD_IF_MODIFIED_SINCE)/if (by == FIELD_RANGE)/ | 9110 13.1.3-3
tag-on-304 | server/handler.c | s/lines.ptr, file->description.etag_len)/lines.ptr, 0)/ | 9110 15.4.5-1
continue | server/conn_step.c | s/^            handler_continue(ctx);$/            (void)ctx;/ | 9110 10.1.1-1
"""

import concurrent.futures
import os
import re
import tempfile
import time
import unittest
from email.utils import formatdate

import harness
from conformance import features, rfc3986, rfc9110, rfc9110_conditions, rfc9111, rfc9112, tree
from conformance.general import RULES
from conformance.runner import judge, run
from conformance.table import PROMISE, Row

ROWS = [row for module in (rfc3986, rfc9110, rfc9110_conditions, rfc9111, rfc9112, features)
        for row in module.ROWS]
LEAST_ROWS = 250

faults = {}      # row's id -> what is wrong, or None
missing = set()  # names of features


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


def has_option(feature):
    """Whether the daemon knows what the site needs. Any other fault of it is the test's."""
    options = {"listen": ({"address": "127.0.0.1:0"},), "sites": (dict(feature.site, root="/"),)}
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
        f.write(harness.configuration_text(options))
        f.flush()
        return "unknown option" not in harness.run_tined("check", "-c", f.name).stderr


def prepare(d, times, sites):
    for name, target in tree.LINKS.items():
        os.symlink(target, d.path(name))
    for name, when in times.items():
        seconds = time.time() + int(when) if isinstance(when, str) else when
        os.utime(d.path(name), (seconds, seconds))
    d.options["sites"] = ({"root": d.root},) + tuple(
        dict(site, root=os.path.join(d.dir, name)) for name, site in sites.items())
    d.write_config()


def make_daemon(available, **options):
    files, times, sites = dict(tree.FILES), dict(tree.TIMES), dict(tree.SITES)
    for feature in available:
        prefix = "../%s/" % feature.name
        files.update((prefix + name, content) for name, content in feature.files.items())
        times.update((prefix + name, when) for name, when in feature.times.items())
        sites[feature.name] = feature.site
    d = harness.Daemon(files, start=False, **options)
    try:
        prepare(d, times, sites)
        d.age(*[n for n, content in files.items() if content is not None and n not in times])
        d.start()
    except BaseException:
        d.kill()
        raise
    return d


def words_of(d, feature):
    """The words that rows of a site use for its validators."""
    root, fields = d.root, {}
    if feature:
        root, fields = os.path.join(d.dir, feature.name), {"Host": feature.host}
    own, coded = (d.get("/file.txt", fields=dict(fields, **more)).get("ETag")
                  for more in ({}, {"Accept-Encoding": "gzip"}))
    mtime = int(os.stat(os.path.join(root, "file.txt")).st_mtime)
    return dict(known_words(mtime, own or '""'), **{"$GZETAG": coded or '""'})


def is_there(d, feature):
    probe = Row(feature.name, PROMISE, "the feature is there", *feature.probe)
    return not run(probe, d.address(), {})[0]


def all_words(d, available):
    """The words of each feature that is there, by its name, and of the rows that need none."""
    words = {f.name: words_of(d, f) for f in available if not f.probe or is_there(d, f)}
    words[None] = words_of(d, None)
    return words


def run_rows(d, available):
    words = all_words(d, available)
    missing.update(f.name for f in features.FEATURES if f.name not in words)
    to_run = [row for row in ROWS if row.needs in words]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda row: run(row, d.address(), words[row.needs]), to_run))
    exchanges = []
    for row, (fault, own) in zip(to_run, outcomes):
        faults[row.id] = fault
        exchanges += [(row, e) for e in own]
    faults.update(judge(exchanges))


def setUpModule():
    available = [f for f in features.FEATURES if has_option(f)]
    with make_daemon(available) as d:
        run_rows(d, available)


class Table(unittest.TestCase):
    def test_every_requirement_has_an_id_of_its_own(self):
        ids = [row.id for row in ROWS] + [rule[0] for rule in RULES]
        self.assertEqual(len(ids), len(set(ids)), [i for i in ids if ids.count(i) > 1])

    def test_there_are_enough_of_them(self):
        self.assertGreaterEqual(len(faults), LEAST_ROWS)


class Rfc(unittest.TestCase):
    """One test for each row, by its id: Rfc.test_9110_13_1_1_3."""


def add(id_, level, text, needs=None):
    def test(self):
        if needs in missing:
            self.skipTest("this daemon does not have " + needs)
        if faults[id_]:
            self.fail("%s (%s) %s: %s" % (id_, level, text, faults[id_]))
    test.__doc__ = "%s %s: %s" % (id_, level, text)
    setattr(Rfc, "test_" + re.sub(r"\W", "_", id_), test)


for _row in ROWS:
    add(_row.id, _row.level, _row.text, _row.needs)
for _id, _level, _text, _ in RULES:
    add(_id, _level, _text)


if __name__ == "__main__":
    harness.main()

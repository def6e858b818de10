"""Rows of options: each feature has a site of its own, NAME.test, and its rows are skipped as long
as the daemon does not know the option, or does not give the probe the answer that it wants: a probe
stands where there is no option, or where the option is read before the feature is there.

In its rows $ETAG and the dates are those of the site's /file.txt, $GZETAG is the tag that a client
gets who accepts gzip.
"""

import base64
import hashlib
import json
import re

from .table import (ABSENT, CONTENT, MUST, PRESENT, PROMISE, SHOULD, Answer, head,
                    not_modified, numbered, ok, request, to_head)

NOISE = bytes((i * 7 + i // 256) % 256 for i in range(100000))
GZ, BR, ZST = b"gzip, so to say", b"brotli, so to say", b"zstd, so to say"
APP = "https://app.test"


class Feature:
    def __init__(self, name, site=None, files=None, times=None, probe=None):
        self.name = name
        self.host = name + ".test"
        self.site = dict(site or {}, names=[self.host])
        self.files = dict({"index.html": b"home", "file.txt": CONTENT}, **(files or {}))
        self.times = times or {}
        self.probe = probe  # (request, Answer)


def rule(match, **actions):
    return dict({"match": match}, **actions)


def rows(name, section, level, *requirements, start=1):
    """The rows of a feature; its requests have no Host yet, but "Host: @"."""
    made = numbered(section, level, *requirements, start=start, needs=name)
    for row in made:
        row.talk = [step.replace(b"Host: @\r\n", b"Host: %s.test\r\n" % name.encode())
                    if isinstance(step, bytes) else step for step in row.talk]
    return made


def get(target="/file.txt", *lines, **options):
    return request(target, *lines, host="@", **options)


def get_head(target="/file.txt", *lines):
    return head(target, *lines, host="@")


# ---- variants ----------------------------------------------------------------------------------
VARY = {"Vary": re.compile("(?i)(.*, *)?accept-encoding(,.*)?")}
PLAIN = ok(fields=dict(VARY, **{"Content-Encoding": ABSENT}))


def accepting(value, *lines, target="/file.txt", **options):
    return get(target, "Accept-Encoding: " + value, *lines, **options)


def coded(name, body, **options):
    fields = dict(VARY, **{"Content-Encoding": name, "Content-Length": str(len(body)),
                           "Content-Type": "text/plain; charset=utf-8"})
    fields.update(options.pop("fields", {}))
    return Answer(200, fields, body, **options)


GZIP = coded("gzip", GZ)
VARIANTS = Feature(
    "variants", {"precompressed": ["zstd", "br", "gzip"]},
    {"file.txt.gz": GZ, "file.txt.br": BR, "file.txt.zst": ZST, "alone.txt": b"alone",
     "stale.txt": b"new", "stale.txt.gz": b"old", "orphan.txt.gz": GZ},
    {"stale.txt.gz": "-86400"})

VARIANT_ROWS = [
    *rows("variants", "9110 12.5.3", SHOULD,
        ("a coding that is accepted", accepting("gzip"), GZIP),
        ("another", accepting("br"), coded("br", BR)),
        ("one that has no variant", accepting("deflate"), PLAIN),
        ("no field: any may be sent, none is", get(), PLAIN),
        (MUST, "an empty field: none is acceptable", accepting(""), PLAIN),
        (MUST, "q=0: not acceptable", accepting("gzip;q=0"), PLAIN),
        (MUST, "*: any", accepting("*"), coded("zstd", ZST)),
        (MUST, "* with q=0 and one that is named", accepting("*;q=0, gzip"), GZIP),
        (MUST, "* but one", accepting("zstd;q=0, *"), coded("br", BR)),
        (MUST, "identity preferred", accepting("identity, gzip;q=0.5"), PLAIN),
        (PROMISE, "nothing acceptable at all: the file", accepting("identity;q=0, deflate"),
         Answer(200)),
        start=20),
    *rows("variants", "9110 12.4.2", SHOULD,
        ("the higher weight", accepting("br;q=0.5, gzip;q=0.8"), GZIP),
        ("no weight is 1", accepting("br;q=0.9, gzip"), GZIP),
        ("three digits", accepting("br;q=0.123, gzip;q=0.124"), GZIP),
        ("0.000 is 0", accepting("gzip;q=0.000"), PLAIN),
        ("1.000 is 1", accepting("gzip;q=1.000, br;q=0.999"), GZIP),
        ("white space around the weight", accepting("br ; q=0.1 , gzip\t;\tq=0.2"), GZIP),
        (PROMISE, "equal weights: the server's order", accepting("gzip, br, zstd"),
         coded("zstd", ZST))),
    *rows("variants", "9110 8.4.1", MUST,
        ("names of codings are case-insensitive", accepting("GZip"), GZIP),
        (SHOULD, "x-gzip is gzip", accepting("x-gzip"), GZIP),
        ("a list on several lines", get("/file.txt", "Accept-Encoding: br;q=0.1",
                                        "Accept-Encoding: gzip"), GZIP),
        ("empty members are ignored", accepting(",, gzip ,"), GZIP)),
    *rows("variants", "9110 8.8.3.3", MUST,
        ("a variant has a tag of its own", get() + accepting("gzip"), PLAIN,
         coded("gzip", GZ, differs=["ETag"], fields={"ETag": re.compile('"[^"]+"')})),
        ("which another variant does not have", accepting("br") + accepting("gzip"),
         coded("br", BR), coded("gzip", GZ, differs=["ETag"])),
        ("and the same each time", accepting("gzip") * 2, GZIP, coded("gzip", GZ, same=True))),
    *rows("variants", "9110 12.5.5", SHOULD,
        ("Vary on a variant", accepting("gzip"), GZIP),
        ("on the file itself", get(), PLAIN),
        ("on 304", accepting("gzip", "If-None-Match: $GZETAG"), Answer(304, VARY)),
        ("on 206", accepting("gzip", "Range: bytes=0-0"), Answer(206, VARY)),
        ("on 206 to If-Range", accepting("gzip", "Range: bytes=0-0", "If-Range: $GZETAG"),
         Answer(206, VARY)),
        ("not on a path without variants", get("/alone.txt"), Answer(200, {"Vary": ABSENT})),
        start=20),
    *rows("variants", "9110 13.1.2", MUST,
        ("the variant's tag", accepting("gzip", "If-None-Match: $GZETAG"),
         Answer(304, {"ETag": "$GZETAG"})),
        ("the file's tag is not the variant's", accepting("gzip", "If-None-Match: $ETAG"), GZIP),
        ("nor the other way round", get("/file.txt", "If-None-Match: $GZETAG"), PLAIN),
        start=40),
    # The server chooses the representation, by any fields (12.1): clients that send Accept-Encoding
    # with Range and decode what they get count the file's own bytes.
    *rows("variants", "9110 14.2", SHOULD,
        ("a range is of the file itself", accepting("gzip", "Range: bytes=0-3"),
         Answer(206, {"Content-Range": "bytes 0-3/%d" % len(CONTENT), "Content-Encoding": ABSENT,
                      "ETag": "$ETAG"}, CONTENT[:4])),
        ("with If-Range of a variant it is of that", accepting("gzip", "Range: bytes=0-3", "If-Range: $GZETAG"),
         Answer(206, {"Content-Range": "bytes 0-3/%d" % len(GZ), "ETag": "$GZETAG"}, GZ[:4])),
        (MUST, "with If-Range of the file it is of the file",
         accepting("gzip", "Range: bytes=0-3", "If-Range: $ETAG"), Answer(206, {"ETag": "$ETAG"}, CONTENT[:4])),
        (MUST, "If-Range of neither: the whole variant",
         accepting("gzip", "Range: bytes=0-3", 'If-Range: "other"'), GZIP),
        (MUST, "416 has the size of the file", accepting("gzip", "Range: bytes=99-"),
         Answer(416, {"Content-Range": "bytes */%d" % len(CONTENT)})),
        ("or of the variant", accepting("gzip", "Range: bytes=99-", "If-Range: $GZETAG"),
         Answer(416, {"Content-Range": "bytes */%d" % len(GZ)})),
        start=40),
    *rows("variants", "9110 9.3.2", SHOULD,
        ("HEAD of a variant has the fields of GET",
         accepting("gzip") + get_head("/file.txt", "Accept-Encoding: gzip"), GZIP,
         to_head(same=True)),
        start=40),
    *rows("variants", "9110 8.4", PROMISE,
        ("a variant older than its file is not used", accepting("gzip", target="/stale.txt"),
         ok(body=b"new", fields={"Content-Encoding": ABSENT})),
        ("nor one whose file does not exist", accepting("gzip", target="/orphan.txt"), Answer(404)),
        ("its own name serves it as it is", get("/file.txt.gz"),
         Answer(200, {"Content-Encoding": ABSENT}, GZ)),
        start=40),
]


# ---- several ranges ----------------------------------------------------------------------------
def parts_of(answer):
    """[(fields, content)] of a multipart answer, or text: what is wrong with it."""
    found = re.fullmatch('multipart/byteranges; ?boundary="?([0-9A-Za-z\'()+_,./:=? -]{1,70})"?',
                         answer.get("Content-Type") or "")
    if not found:
        return "Content-Type %r" % answer.get("Content-Type")
    delimiter = b"\r\n--" + found.group(1).encode()
    first, *rest = (b"\r\n" + answer.body).split(delimiter)
    if first not in (b"", b"\r\n") or not rest or rest[-1] not in (b"--", b"--\r\n"):
        return "no multipart framing"
    parts = []
    for text in rest[:-1]:
        fields, _, content = text.partition(b"\r\n\r\n")
        parts.append((fields.decode("latin-1").lower(), content))
    return parts


def holding(*ranges, fields=None):
    """A 206 of the bytes of /noise.bin from first to last, in that order."""
    def check(answer):
        parts = parts_of(answer)
        if isinstance(parts, str):
            return parts
        if len(parts) != len(ranges):
            return "%d parts, not %d" % (len(parts), len(ranges))
        for (text, content), (first, end) in zip(parts, ranges):
            if "content-range: bytes %d-%d/%d" % (first, end, len(NOISE)) not in text:
                return "%d-%d: %r" % (first, end, text)
            if "content-type: application/octet-stream" not in text:
                return "%d-%d has no Content-Type" % (first, end)
            if content != NOISE[first:end + 1]:
                return "%d-%d has other bytes" % (first, end)
        return None
    return Answer(206, dict({"Content-Range": ABSENT}, **(fields or {})), check=check)


def is_bounded(answer):
    return None if len(answer.body) <= len(NOISE) + 4096 else "%d bytes" % len(answer.body)


def several(value, *lines):
    return get("/noise.bin", "Range: bytes=" + value, *lines)


def all_noise(**options):
    return ok(body=NOISE, **options)


MULTIPART = Feature("multipart", files={"noise.bin": NOISE},
                    probe=(request("/noise.bin", "Range: bytes=0-9,50000-50009",
                                   host="multipart.test"), Answer(206)))

MULTIPART_ROWS = [
    *rows("multipart", "9110 15.3.7.2", MUST,
        ("several ranges: multipart/byteranges, each part with its range and type",
         several("0-9,50000-50009"), holding((0, 9), (50000, 50009))),
        (SHOULD, "in the order of the request", several("50000-50009,0-9"),
         holding((50000, 50009), (0, 9))),
        ("no Content-Range in the head", several("0-9,50000-50009"),
         holding((0, 9), (50000, 50009), fields={"Content-Range": ABSENT})),
        ("an open one and a suffix", several("0-9,99990-"), holding((0, 9), (99990, 99999))),
        ("what cannot be satisfied is left out", several("0-9,200000-,50000-50009"),
         holding((0, 9), (50000, 50009))),
        ("one that is left is one part", several("0-9,200000-"), Answer(206)),
        ("one range gets no multipart answer", several("0-9"),
         Answer(206, {"Content-Type": "application/octet-stream"}, NOISE[:10])),
        (PROMISE, "the content type says what 200 would", several("0-9,50000-50009"),
         holding((0, 9), (50000, 50009), fields={"ETag": PRESENT, "Last-Modified": PRESENT})),
        start=20),
    *rows("multipart", "9110 14.2", SHOULD,
        ("none can be satisfied: 416", several("200000-,300000-400000"),
         Answer(416, {"Content-Range": "bytes */%d" % len(NOISE)})),
        (MUST, "one is malformed: all are ignored", several("0-9,5-4"), all_noise()),
        (MUST, "HEAD ignores them", get_head("/noise.bin", "Range: bytes=0-9,50000-50009"),
         to_head(fields={"Content-Length": str(len(NOISE))})),
        (PROMISE, "a hundred times the file is not sent", several(",".join(["0-"] * 100)),
         Answer((200, 206), check=is_bounded)),
        (PROMISE, "nor a thousand small parts", several(",".join(
            "%d-%d" % (i, i) for i in range(0, 4000, 2))), Answer((200, 206), check=is_bounded)),
        start=60),
    *rows("multipart", "9110 13.1.5", MUST,
        ("If-Range that is false: the whole file", several("0-9,50000-50009", 'If-Range: "x"'),
         all_noise()),
        start=40),
    *rows("multipart", "9110 14.6", MUST,
        ("the connection goes on behind the last part", several("0-9,50000-50009") * 2,
         Answer(206), Answer(206, same=True)),
        ("its end is not missed when it is small", several("0-0,99999-99999"),
         holding((0, 0), (99999, 99999)))),
]

# ---- rules -------------------------------------------------------------------------------------
REDIRECT = Feature("redirect", {"rules": tuple(
    rule("/to%d" % status, redirect="/file.txt", status=status)
    for status in (301, 302, 303, 307, 308)) + (rule("/plain", redirect="/file.txt"),)})


def redirect(section, status):
    return rows("redirect", section, SHOULD,
        ("%d says where to" % status, get("/to%d" % status),
         Answer(status, {"Location": "/file.txt"})),
        ("HEAD as well", get_head("/to%d" % status), to_head(status, {"Location": "/file.txt"})),
        (PROMISE, "the query is kept", get("/to%d?a=b" % status),
         Answer(status, {"Location": "/file.txt?a=b"})),
        (MUST, "conditions are ignored", get("/to%d" % status, "If-None-Match: *"),
         Answer(status)),
        start=20)


CACHE = Feature("cache", {"rules": (rule("/**", cache="public, max-age=60"),)})
CACHED = {"Cache-Control": "public, max-age=60"}
CORS = Feature("cors", {"rules": (rule("/**", cors={
    "origins": [APP], "headers": ["x-token"], "expose": ["etag"]}),)})
VARY_ORIGIN = {"Vary": re.compile("(?i)(.*, *)?origin(,.*)?")}
SHARED = dict(VARY_ORIGIN, **{"Access-Control-Allow-Origin": APP})
PRIVATE = dict(VARY_ORIGIN, **{"Access-Control-Allow-Origin": ABSENT})
PREFLIGHT = ("Origin: " + APP, "Access-Control-Request-Method: GET",
             "Access-Control-Request-Headers: x-token")
FALLBACK = Feature("fallback", {"rules": (rule("/**", fallback="/index.html"),)})
ERRORS = Feature("errors", {"rules": (rule("/**", error_pages=["404 /404.html"]),
                                      rule("/gone", status=410), rule("/no", status=403))},
                 {"404.html": b"<p>not here"})
STATUS = Feature("status", {"rules": (rule("/no-content", status=204), rule("/law", status=451),
                                      rule("/closed", status=503, retry_after="90s"))})
TRY = Feature("try", {"rules": (rule("/**", **{"try": ["$path", "$path.html", "$path/"]}),)},
              {"page.html": b"page", "d/index.html": b"d"})
JSON = {"Content-Type": re.compile("application/json.*")}
LISTING = Feature("listing", {"listing": True}, {"list/a.txt": b"a", "list/.b": b"b"},
                  probe=(request("/list/?format=json", host="listing.test"), Answer(200, JSON)))
WEAK = {"ETag": re.compile('W/"[^"]+"')}
SHARED_TAG = Feature("shared", {"etag": "shared"},
                     probe=(request(host="shared.test"), Answer(200, WEAK)))
NO_TAG = Feature("notag", {"etag": "off"},
                 probe=(request(host="notag.test"), Answer(200, {"ETag": ABSENT})))
CHARSET = Feature("charset", {"charset": "", "default_type": "application/x-default",
                              "types": ["text/x-own own"]}, {"a.own": b"own", "b.zz9": b"?"})

SLASH = Feature("slash", {"encoded_slash": "slash", "rules": (rule("/private/**", status=410),)},
                {"@scope/name": b"package", "@scope/a%2Fb": b"escaped twice"})
STORED = Feature("stored", {"etag": "digest", "precompressed": ["br"],
                            "rules": (rule("/**.pbf", content_encoding="gzip"),)},
                 {"a.pbf": GZ, "a.pbf.br": BR, "a.pbf.sha256": hashlib.sha256(GZ).hexdigest().encode() + b"  a.pbf\n",
                  "b.pbf": GZ, "a.tar.gz": GZ, "a.svgz": GZ})
TAG = '"%s"' % hashlib.sha256(GZ).hexdigest()
DIGEST = base64.b64encode(hashlib.sha256(GZ).digest()).decode()
STORED_FIELDS = {"Content-Encoding": "gzip", "Vary": ABSENT}

HTML = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"


def has_other_tag(answer):
    return "the tag of a digest" if TAG in answer.get("ETag") else None


def names_of(answer):
    try:
        text = json.dumps(json.loads(answer.body.decode()))
    except ValueError as error:
        return str(error)
    return None if "a.txt" in text and ".b" not in text else text


RULE_ROWS = [
    *redirect("9110 15.4.2", 301), *redirect("9110 15.4.3", 302), *redirect("9110 15.4.4", 303),
    *redirect("9110 15.4.8", 307), *redirect("9110 15.4.9", 308),
    *rows("cache", "9110 15.4.5", MUST,
        ("304 has the Cache-Control that 200 has", get("/file.txt", "If-None-Match: *"),
         Answer(304, CACHED)),
        start=40),
    *rows("cache", "9110 15.3.7", MUST,
        ("206 has the Cache-Control that 200 has", get("/file.txt", "Range: bytes=0-0"),
         Answer(206, CACHED)),
        ("also to If-Range", get("/file.txt", "Range: bytes=0-0", "If-Range: $ETAG"),
         Answer(206, CACHED)),
        start=40),
    *rows("cache", "9111 5.2.2.1", PROMISE,
        ("max-age is sent", get(), ok(fields=CACHED)),
        ("to HEAD as well", get_head(), to_head(fields=CACHED))),
    *rows("cors", "fetch 3.3.3", MUST,
        ("an origin that is allowed", get("/file.txt", "Origin: " + APP), ok(fields=SHARED)),
        ("another one", get("/file.txt", "Origin: https://evil.test"), ok(fields=PRIVATE)),
        ("one that only begins so", get("/file.txt", "Origin: " + APP + ".evil"),
         ok(fields=PRIVATE)),
        ("no origin: Vary all the same", get(), ok(fields=PRIVATE)),
        ("on 304", get("/file.txt", "Origin: " + APP, "If-None-Match: *"), Answer(304, SHARED)),
        ("on 206", get("/file.txt", "Origin: " + APP, "Range: bytes=0-0"), Answer(206, SHARED)),
        ("on 404", get("/missing", "Origin: " + APP), Answer(404, SHARED)),
        ("what scripts may read", get("/file.txt", "Origin: " + APP),
         ok(fields={"Access-Control-Expose-Headers": re.compile("(?i)(.*, *)?etag(,.*)?")})),
        (PROMISE, "what ranges need", get("/file.txt", "Origin: " + APP, "Range: bytes=0-0"),
         Answer(206, {"Access-Control-Expose-Headers": re.compile("(?i)(.*, *)?content-range(,.*)?")})),
        (PROMISE, "a suffix range needs a preflight, which allows it",
         get("/file.txt", *PREFLIGHT[:2], "Access-Control-Request-Headers: range", method="OPTIONS"),
         Answer((200, 204), {"Access-Control-Allow-Headers": re.compile("(?i)(.*, *)?range(,.*)?")}))),
    *rows("cors", "fetch 3.3.2", MUST,
        ("a preflight", get("/file.txt", *PREFLIGHT, method="OPTIONS"),
         Answer((200, 204), dict(SHARED, **{
             "Access-Control-Allow-Headers": re.compile("(?i)(.*, *)?x-token(,.*)?")}))),
        ("of another origin", get("/file.txt", "Origin: https://evil.test", *PREFLIGHT[1:],
                                  method="OPTIONS"), Answer((200, 204, 403), PRIVATE)),
        ("OPTIONS that is none", get(method="OPTIONS"),
         Answer(204, {"Allow": "GET, HEAD, OPTIONS"}))),
    *rows("fallback", "9110 15.5.5", PROMISE,
        ("a navigation to what does not exist gets the fallback", get("/page/1", HTML),
         ok(body=b"home", fields={"Content-Type": "text/html; charset=utf-8"})),
        ("HEAD as well", get("/page/1", HTML) + get_head("/page/1", HTML), ok(body=b"home"),
         to_head(same=True)),
        ("a missing asset stays missing", get("/page/1.js", "Accept: */*"), Answer(404)),
        ("what exists is served", get("/file.txt", HTML), ok()),
        start=20),
    *rows("status", "9110 15.3.5", MUST,
        ("204 by a rule has no content", get("/no-content"),
         Answer(204, {"Content-Length": ABSENT, "Content-Type": ABSENT}, b"")),
        start=60),
    *rows("status", "9110 15.6.4", PROMISE,
        ("503 by a rule says when to ask again", get("/closed"), Answer(503, {"Retry-After": "90"})),
        start=60),
    *rows("status", "7725 3", PROMISE,
        ("451 by a rule", get("/law"), Answer(451)),
        start=60),
    *rows("try", "9110 15.4.2", PROMISE,
        ("an index is led to the slash", get("/d"),
         Answer(301, {"Location": "d/", "Cache-Control": "no-cache"})),
        ("a slash too many is led back", get("/page/?q"),
         Answer(301, {"Location": "../page?q", "Cache-Control": "no-cache"})),
        ("a page has one address", get("/page"), ok(body=b"page", fields={
            "Content-Type": "text/html; charset=utf-8"})),
        ("an index has one", get("/d/"), ok(body=b"d", fields={
            "Content-Type": "text/html; charset=utf-8"})),
        start=60),
    *rows("errors", "9110 15.5.5", PROMISE,
        ("an error's page of one's own", get("/missing"), Answer(
            404, {"Content-Type": "text/html; charset=utf-8", "ETag": ABSENT}, b"<p>not here")),
        ("conditions do not apply to it", get("/missing", "If-None-Match: *"),
         Answer(404, body=b"<p>not here")),
        ("nor ranges", get("/missing", "Range: bytes=0-0"), Answer(404, body=b"<p>not here")),
        ("HEAD as well", get("/missing") + get_head("/missing"), Answer(404),
         to_head(404, same=True)),
        start=30),
    *rows("errors", "9110 15.5.11", PROMISE,
        ("410 by rule", get("/gone"), Answer(410)),
        ("HEAD as well", get_head("/gone"), to_head(410))),
    *rows("errors", "9110 15.5.4", PROMISE, ("403 by rule", get("/no"), Answer(403)), start=20),
    *rows("listing", "9110 12.5.1", PROMISE,
        ("a directory as HTML", get("/list/", HTML),
         Answer(200, {"Content-Type": "text/html; charset=utf-8"})),
        ("as JSON", get("/list/", "Accept: application/json"),
         Answer(200, JSON, check=names_of)),
        ("by the query", get("/list/?format=json"), Answer(200, JSON, check=names_of)),
        (SHOULD, "q=0 is not accepted", get("/list/", "Accept: application/json;q=0, text/html"),
         Answer(200, {"Content-Type": "text/html; charset=utf-8"})),
        (SHOULD, "Vary says that Accept counts", get("/list/"),
         Answer(200, {"Vary": re.compile("(?i)(.*, *)?accept(,.*)?")})),
        (SHOULD, "HEAD as well", get_head("/list/"), to_head()),
        start=20),
    *rows("shared", "9110 8.8.3", MUST,
        ("a tag that is not strong is marked weak", get(), ok(fields=WEAK)),
        start=40),
    *rows("shared", "9110 13.1.1", MUST,
        ("a weak tag never matches strongly", get("/file.txt", "If-Match: $ETAG"), Answer(412)),
        ("* does", get("/file.txt", "If-Match: *"), ok()),
        start=40),
    *rows("shared", "9110 13.1.2", MUST,
        ("a weak tag matches weakly", get("/file.txt", "If-None-Match: $ETAG"), not_modified()),
        start=50),
    *rows("shared", "9110 13.1.5", MUST,
        ("If-Range with a weak tag: the whole file",
         get("/file.txt", "Range: bytes=0-0", "If-Range: $ETAG"), ok()),
        start=50),
    *rows("notag", "9110 15.4.5", MUST,
        ("without a tag 304 has Last-Modified", get("/file.txt", "If-Modified-Since: $MODIFIED"),
         Answer(304, {"ETag": ABSENT, "Last-Modified": "$MODIFIED"})),
        start=50),
    *rows("notag", "9110 13.1.3", PROMISE,
        ("a later date that is not heeded: the file's is left out",
         get("/file.txt", "If-Modified-Since: $LATER"),
         ok(fields={"ETag": ABSENT, "Last-Modified": ABSENT, "Accept-Ranges": "bytes"})),
        start=60),
    *rows("notag", "9110 13.1.2", MUST,
        ("no tag matches", get("/file.txt", 'If-None-Match: "x"', "If-Modified-Since: $MODIFIED"),
         ok(fields={"ETag": ABSENT})),
        start=60),
    *rows("notag", "9110 13.1.5", SHOULD,
        ("If-Range by date", get("/file.txt", "Range: bytes=1-2", "If-Range: $MODIFIED"),
         Answer(206, body=CONTENT[1:3])),
        start=60),
    *rows("slash", "3986 2.2", PROMISE,
        ("an escaped slash is a slash where a site wants it", get("/@scope%2Fname"), ok(body=b"package")),
        ("in small letters as well", get("/@scope%2fname"), ok(body=b"package")),
        ("it is decoded once", get("/@scope%252Fname") + get("/@scope/a%252Fb"), Answer(404),
         ok(body=b"escaped twice")),
        ("before the rules", get("/private%2Fx"), Answer(410)),
        ("not after the first slash", get("/%2Ffile.txt"), Answer(404)),
        ("nor beside a dot segment", get("/@scope%2F..%2Ffile.txt") + get("/@scope/..%2Ffile.txt"), Answer(404),
         Answer(404)),
        start=40),
    *rows("stored", "9110 8.4", MUST,
        ("a file that is stored compressed says so", get("/a.pbf"), ok(body=GZ, fields=STORED_FIELDS)),
        (PROMISE, "whatever is accepted, and without its siblings", accepting("br", target="/a.pbf"),
         ok(body=GZ, fields=STORED_FIELDS)),
        (PROMISE, "also when it is not", accepting("identity, *;q=0", target="/a.pbf"),
         ok(body=GZ, fields=STORED_FIELDS)),
        ("HEAD as well", get_head("/a.pbf"), to_head(fields=STORED_FIELDS)),
        ("its ranges are those of what is stored", get("/a.pbf", "Range: bytes=1-3"),
         Answer(206, {"Content-Encoding": "gzip", "Content-Range": "bytes 1-3/%d" % len(GZ)}, GZ[1:4])),
        ("its tag is of what is stored", get("/a.pbf"), ok(body=GZ, fields={"ETag": TAG})),
        ("304 has the tag", get("/a.pbf", "If-None-Match: " + TAG),
         Answer(304, {"ETag": TAG, "Vary": ABSENT})),
        ("without a digest it has another tag", get("/b.pbf"),
         ok(body=GZ, fields={"ETag": re.compile('"[^"]+"')}, check=has_other_tag)),
        (PROMISE, "by its name", get("/a.svgz"), ok(body=GZ, fields={"Content-Encoding": "gzip",
                                                                     "Content-Type": "image/svg+xml"})),
        (PROMISE, "what is downloaded compressed is not", get("/a.tar.gz"),
         ok(body=GZ, fields={"Content-Encoding": ABSENT})),
        start=60),
    *rows("stored", "9530 3", MUST,
        ("its digest is of what is stored", get("/a.pbf", "Want-Repr-Digest: sha-256=1"),
         ok(body=GZ, fields={"Repr-Digest": "sha-256=:%s:" % DIGEST})),
        ("of all of it, also in 206", get("/a.pbf", "Want-Repr-Digest: sha-256=1", "Range: bytes=0-0"),
         Answer(206, {"Repr-Digest": "sha-256=:%s:" % DIGEST}, GZ[:1]))),
    *rows("charset", "9110 8.3.2", PROMISE,
        ("no charset where none is wanted", get(), ok(fields={"Content-Type": "text/plain"})),
        ("a type of one's own", get("/a.own"), Answer(200, {"Content-Type": "text/x-own"})),
        ("a default of one's own", get("/b.zz9"),
         Answer(200, {"Content-Type": "application/x-default"}))),
]

FEATURES = [VARIANTS, MULTIPART, REDIRECT, CACHE, CORS, FALLBACK, ERRORS, STATUS, TRY, LISTING, SHARED_TAG,
            NO_TAG, CHARSET, SLASH, STORED]
ROWS = VARIANT_ROWS + MULTIPART_ROWS + RULE_ROWS

"""Rows of RFC 9111: what caches need of an origin, and what their requests say to it."""

from .table import (ABSENT, MUST, PROMISE, SHOULD, Answer, head, not_modified, numbered, ok,
                    request, to_head)


def asked(directive):
    return request("/file.txt", "Cache-Control: " + directive)


ROWS = [
    *numbered("9111 3.4", MUST,
        ("parts can be put together: 206 and 200 have the same strong tag",
         request() + request("/file.txt", "Range: bytes=0-0"), ok(fields={"ETag": "$ETAG"}),
         Answer(206, {"ETag": "$ETAG"}))),
    *numbered("9111 4.2.2", SHOULD,
        ("Last-Modified lets a cache guess for how long", request(),
         ok(fields={"Last-Modified": "$MODIFIED", "Expires": ABSENT}))),
    *numbered("9111 4.3.1", SHOULD,
        ("a cache with several responses gets the tag of the one that holds",
         request("/file.txt", 'If-None-Match: "a", "b", $ETAG'), not_modified()),
        ("a cache that validates by date", request("/file.txt", "If-Modified-Since: $MODIFIED"),
         not_modified())),
    *numbered("9111 4.3.4", MUST,
        ("304 selects the response that is refreshed by its strong tag",
         request("/file.txt", "If-None-Match: W/$ETAG"), Answer(304, {"ETag": "$ETAG"}))),
    *numbered("9111 4.3.5", MUST,
        ("HEAD refreshes: validators and length are those of GET", request() + head(), ok(),
         to_head(same=True))),
    *numbered("9111 5.2.1.1", PROMISE, ("max-age is for caches", asked("max-age=0"), ok())),
    *numbered("9111 5.2.1.2", PROMISE, ("max-stale is for caches", asked("max-stale"), ok())),
    *numbered("9111 5.2.1.3", PROMISE,
         ("min-fresh is for caches", asked("min-fresh=1000000"), ok())),
    *numbered("9111 5.2.1.4", PROMISE, ("no-cache is for caches: conditions hold all the same",
                                         request("/file.txt", "Cache-Control: no-cache",
                                                 "If-None-Match: $ETAG"), not_modified())),
    *numbered("9111 5.2.1.5", PROMISE, ("no-store is for caches", asked("no-store"), ok())),
    *numbered("9111 5.2.1.6", PROMISE, ("no-transform is for those on the way",
                                         asked("no-transform"), ok())),
    *numbered("9111 5.2.1.7", PROMISE, ("only-if-cached is for caches: an origin never says 504",
                                         asked("only-if-cached"), ok())),
    *numbered("9111 5.2.3", MUST, ("unknown directives are ignored", asked('x="y, z", w'), ok())),
    *numbered("9111 5.4", PROMISE, ("Pragma is for caches",
                                     request("/file.txt", "Pragma: no-cache"), ok())),
]

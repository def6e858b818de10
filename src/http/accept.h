// The Accept field: how much a client wants a media type (RFC 9110 section 12.5.1).
#pragma once

#include "http/request.h"

// Quality times 1000, 0 to 1000, of `type` ("text/html"): that of the most specific range that
// matches ("text/html", then "text/*", then "*/*"). Without the field 1000. A malformed member is
// skipped. A range with parameters other than q matches no bare type.
unsigned accept_quality(const struct request *r, struct slice type);

// Whether the field names exactly this type with a quality above 0; ranges with '*' do not count.
bool accept_names(const struct request *r, struct slice type);

// Whether a person follows a link or types an address (a decoded path), rather than a page asking
// for a part of it: a script that is missing is not to be answered with a page.
bool accept_is_navigation(const struct request *r, struct slice path);

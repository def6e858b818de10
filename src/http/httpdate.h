// HTTP-date (RFC 9110 section 5.6.7) to seconds and back, without locale and time zone.
#pragma once

#include "base/slice.h"

#include <stdint.h>

#define HTTPDATE_LEN     29
#define HTTPDATE_ISO_LEN 20

// Writes the IMF-fixdate, 29 bytes without NUL, e.g. "Sun, 06 Nov 1994 08:49:37 GMT". Years 1970
// to 9999; others are clamped.
void httpdate_format(int64_t seconds, char out[static HTTPDATE_LEN]);

// The same as RFC 3339 has it, for HTML and JSON: 20 bytes, e.g. "1994-11-06T08:49:37Z".
void httpdate_format_iso(int64_t seconds, char out[static HTTPDATE_ISO_LEN]);

// Reads any of the three forms; the two-digit year of the second is placed within 50 years of
// `now`. False: not a date (wrong names, day out of range, trailing text), *ret is left alone.
bool httpdate_parse(struct slice s, int64_t now, int64_t *ret);

// Dates: what is read is the same after writing and reading, and a two-digit year is placed.
//
// Input: eight bytes of the current time, then the text.
#include "fuzz.h"

#include "base/util.h"
#include "http/httpdate.h"

#define LATEST   INT64_C(253402300799)
#define EARLIEST INT64_C(-62135596800)

static void check_round_trip(int64_t seconds)
{
    char text[HTTPDATE_LEN];
    int64_t back;
    httpdate_format(seconds, text);
    assert(httpdate_parse(slice_make(text, sizeof(text)), 0, &back));
    assert(back == MIN(MAX(seconds, 0), LATEST));
}

// Both forms show the same time.
static void check_iso(int64_t seconds)
{
    char text[HTTPDATE_LEN], iso[HTTPDATE_ISO_LEN];
    httpdate_format(seconds, text);
    httpdate_format_iso(seconds, iso);
    assert(memcmp(iso, text + 12, 4) == 0);
    assert(memcmp(iso + 8, text + 5, 2) == 0);
    assert(memcmp(iso + 11, text + 17, 8) == 0);
    assert(iso[4] == '-' && iso[7] == '-' && iso[10] == 'T' && iso[19] == 'Z');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    int64_t now, seconds = INT64_MIN;
    if (size < sizeof(now))
        return 0;
    memcpy(&now, bytes, sizeof(now));
    check_round_trip(now);
    check_iso(now);

    struct slice text = fuzz_slice(bytes + sizeof(now), size - sizeof(now));
    if (!httpdate_parse(text, now, &seconds)) {
        assert(seconds == INT64_MIN);
        return 0;
    }
    check_round_trip(seconds);
    // Only a two-digit year can lie beyond 9999: it follows the clock.
    int64_t fifty_years = INT64_C(18263) * 86400;
    int64_t clock = MIN(MAX(now, 0), LATEST);
    assert(seconds >= EARLIEST && seconds <= MAX(LATEST + 1, clock + fifty_years + 1));
    return 0;
}

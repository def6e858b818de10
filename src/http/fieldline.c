#include "http/fieldline.h"

#include "base/util.h"
#include "http/chars.h"

#include <assert.h>

#define FRAMING "it says where an answer ends, which tined does by itself; leave it out"
#define CORS    "write the group cors in place of it"
#define ETAG    "it must be true for conditional requests; use the site's option etag"
#define RANGES  "it must be true for range requests, which tined answers by itself; leave it out"

// clang-format off
static const struct {
    struct slice name; // with a '-' at its end: all that begin so
    const char *why;
} reserved[] = {
    {SLICE("Accept-Ranges"), RANGES},
    {SLICE("Access-Control-"), CORS},
    {SLICE("Allow"), "tined names the methods that it knows by itself; leave it out"},
    {SLICE("Connection"), FRAMING},
    {SLICE("Content-Encoding"), "it must be true of the content; use the site's precompressed"},
    {SLICE("Content-Length"), FRAMING},
    {SLICE("Content-Range"), RANGES},
    {SLICE("Content-Type"), "use type in place of it"},
    {SLICE("Date"), "tined tells the time by itself; leave it out"},
    {SLICE("ETag"), ETAG},
    {SLICE("Keep-Alive"), FRAMING},
    {SLICE("Last-Modified"), ETAG},
    {SLICE("Location"), "use redirect in place of it"},
    {SLICE("Repr-Digest"), "it must be true of the content; use etag = \"digest\" of the site"},
    {SLICE("Server"), "use server_header in place of it"},
    {SLICE("TE"), FRAMING},
    {SLICE("Trailer"), FRAMING},
    {SLICE("Transfer-Encoding"), FRAMING},
    {SLICE("Upgrade"), FRAMING},
};
// clang-format on

static bool is_reserved(struct slice name, struct slice entry)
{
    if (entry.ptr[entry.len - 1] != '-')
        return slice_equal_nocase(name, entry);
    return slice_starts_with_nocase(name, entry);
}

static const char *check_field_name(struct slice name)
{
    if (name.len == 0 || !chars_all(name, CHAR_TOKEN))
        return "a field's name is letters, digits and '-'";
    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
        if (is_reserved(name, reserved[i].name))
            return reserved[i].why;
    return NULL;
}

// Setting or unsetting a field takes away all that is said in it.
static const char *check_loss(struct slice name)
{
    if (slice_equal_nocase(name, SLICE("Vary")))
        return "the values of tined must stay in it; use headers.add in place of this";
    return check_field_name(name);
}

const char *fieldline_check_unset(struct slice name)
{
    return check_loss(name);
}

static const char *check_line(struct slice line)
{
    struct slice name, value;
    if (slice_find(line, ':') < 0)
        return "write a name, a colon and a value, e.g. \"X-Robots-Tag: noindex\"";
    fieldline_split(line, &name, &value);
    if (value.len == 0)
        return "there is no value behind the colon";
    if (!chars_all(value, CHAR_VALUE))
        return "a value has no control bytes";
    return NULL;
}

const char *fieldline_check_set(struct slice line)
{
    struct slice name, value;
    const char *why = check_line(line);
    if (why)
        return why;
    fieldline_split(line, &name, &value);
    return check_loss(name);
}

const char *fieldline_check_add(struct slice line)
{
    struct slice name, value;
    const char *why = check_line(line);
    if (why)
        return why;
    fieldline_split(line, &name, &value);
    return check_field_name(name);
}

void fieldline_split(struct slice line, struct slice *ret_name, struct slice *ret_value)
{
    struct slice rest = line;
    *ret_name = slice_split(&rest, ':');
    assert(rest.ptr);
    *ret_value = slice_trim(rest);
}

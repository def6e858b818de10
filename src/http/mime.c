#include "http/mime.h"

#include "base/util.h"
#include "http/chars.h"

#include <stdlib.h>

// ---- reading a table ---------------------------------------------------------------------------

// A Content-Type field gets a type and nothing else (RFC 9110 section 8.3.1).
static bool is_type(struct slice s)
{
    struct slice subtype = s;
    struct slice type = slice_split(&subtype, '/');
    return type.len && subtype.len && chars_all(type, CHAR_TOKEN) && chars_all(subtype, CHAR_TOKEN);
}

static void next_type_line(struct mime_reader *r)
{
    struct slice line = slice_split(&r->text, '\n');
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    r->line = slice_split(&line, '#');
    r->type = slice_cut_word(&r->line);
    if (!is_type(r->type))
        r->line.len = 0;
}

bool mime_next(struct mime_reader *r, struct mime_entry *ret)
{
    for (;;) {
        struct slice word = slice_cut_word(&r->line);
        if (word.len) {
            *ret = (struct mime_entry){word, r->type};
            return true;
        }
        if (!r->text.ptr)
            return false;
        next_type_line(r);
    }
}

// ---- looking up --------------------------------------------------------------------------------

static int compare_extensions(const void *a, const void *b)
{
    struct slice x = ((const struct mime_entry *)a)->extension;
    struct slice y = ((const struct mime_entry *)b)->extension;
    for (size_t i = 0; i < x.len && i < y.len; i++)
        if (slice_lower(x.ptr[i]) != slice_lower(y.ptr[i]))
            return slice_lower(x.ptr[i]) - slice_lower(y.ptr[i]);
    return (x.len > y.len) - (x.len < y.len);
}

// Equal extensions by their place in the text: qsort() is not stable.
static int compare_entries(const void *a, const void *b)
{
    const char *x = ((const struct mime_entry *)a)->extension.ptr;
    const char *y = ((const struct mime_entry *)b)->extension.ptr;
    int order = compare_extensions(a, b);
    return order ? order : (x > y) - (x < y);
}

size_t mime_sort(struct mime_entry *entries, size_t count)
{
    size_t left = 0;
    if (count == 0)
        return 0;
    qsort(entries, count, sizeof(*entries), compare_entries);
    for (size_t i = 0; i < count; i++)
        if (left == 0 || compare_extensions(&entries[left - 1], &entries[i]) != 0)
            entries[left++] = entries[i];
    return left;
}

// The part of the file name behind its last dot; empty when there is none.
static struct slice extension_of(struct slice name)
{
    size_t i = name.len;
    while (i > 0 && name.ptr[i - 1] != '.' && name.ptr[i - 1] != '/')
        i--;
    if (i < 2 || name.ptr[i - 1] == '/' || name.ptr[i - 2] == '/')
        return (struct slice){NULL, 0};
    return slice_skip(name, i);
}

struct slice mime_find(const struct mime_entry *entries, size_t count, struct slice name)
{
    struct mime_entry key = {.extension = extension_of(name)};
    const struct mime_entry *found = count ? bsearch(&key, entries, count, sizeof(key),
                                                     compare_extensions)
                                           : NULL;
    return found ? found->type : (struct slice){NULL, 0};
}

bool mime_is_xml(struct slice type)
{
    return slice_equal_nocase(type, SLICE("text/xml")) ||
           slice_equal_nocase(type, SLICE("application/xml")) ||
           slice_equal_nocase(type, SLICE("application/xml-dtd")) ||
           slice_ends_with_nocase(type, SLICE("+xml"));
}

bool mime_wants_charset(struct slice type)
{
    static const struct slice exact[] = {
        {"application/javascript", 22},
        {"application/json", 16},
        {"application/toml", 16},
        {"application/yaml", 16},
    };
    if (mime_is_xml(type))
        return false;
    if (slice_starts_with_nocase(type, SLICE("text/")))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(exact); i++)
        if (slice_equal_nocase(type, exact[i]))
            return true;
    return slice_ends_with_nocase(type, SLICE("+json"));
}

// Listings: whatever path, query and names, the HTML is made of our own tags, closed in order, with
// text that is escaped; the JSON is JSON; both are UTF-8; links give the names back.
#include "fuzz.h"

#include "base/util.h"
#include "http/chars.h"
#include "http/html.h"
#include "http/listing.h"
#include "http/utf8.h"

#define ENTRIES 8
#define DEPTH   16
#define README  2000 // bytes

// Cuts `text` off the start of *s, if it is there.
static bool skip(struct slice *s, const char *text)
{
    struct slice prefix = slice_of(text);
    if (!slice_starts_with(*s, prefix))
        return false;
    *s = slice_skip(*s, prefix.len);
    return true;
}

static void check_utf8(struct slice s, bool html)
{
    while (s.len) {
        int32_t code = utf8_next(&s);
        assert(code >= 0x20 || code == '\n' || (html && code == '\t'));
        assert(!html || ((code < 0x7f || code > 0x9f) && (code < 0x202a || code > 0x202e)));
    }
}

// ---- HTML ---------------------------------------------------------------------------------------

static const char *const tags[] = {
    "html", "head", "title",   "style", "body",   "header", "nav",     "ol", "li",  "a",
    "h1",   "main", "caption", "table", "thead",  "tbody",  "tr",      "th", "td",  "time",
    "span", "meta", "link",    "form",  "button", "input",  "section", "h2", "pre", "p",
};

static bool is_void(const char *tag)
{
    return strcmp(tag, "meta") == 0 || strcmp(tag, "link") == 0 || strcmp(tag, "input") == 0;
}

static size_t find_tag(struct slice name)
{
    for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
        if (slice_equal(name, slice_of(tags[i])))
            return i;
    assert(!"a known tag");
    return 0;
}

static struct slice cut_word(struct slice *s)
{
    size_t n = 0;
    while (n < s->len && chars_has(s->ptr[n], CHAR_LABEL))
        n++;
    struct slice word = slice_make(s->ptr, n);
    *s = slice_skip(*s, n);
    assert(n);
    return word;
}

static void check_attributes(struct slice *s)
{
    while (skip(s, " ")) {
        cut_word(s);
        assert(skip(s, "="));
        bool quoted = skip(s, "\"");
        while (quoted ? !skip(s, "\"") : !slice_starts_with(*s, SLICE(">"))) {
            assert(quoted || (s->len && s->ptr[0] > ' ' && s->ptr[0] != '"'));
            assert(s->len && s->ptr[0] != '<' && s->ptr[0] != '>');
            assert(s->ptr[0] != '&' || slice_starts_with(*s, SLICE("&amp;")));
            *s = slice_skip(*s, 1);
        }
    }
    assert(skip(s, ">"));
}

static void check_tag(struct slice *s, size_t stack[static DEPTH], size_t *depth)
{
    bool closes = skip(s, "/");
    size_t tag = find_tag(cut_word(s));
    if (closes) {
        assert(*depth && stack[--*depth] == tag);
        assert(skip(s, ">"));
        return;
    }
    check_attributes(s);
    if (is_void(tags[tag]))
        return;
    assert(*depth < DEPTH);
    stack[(*depth)++] = tag;
    while (strcmp(tags[tag], "style") == 0 && !slice_starts_with(*s, SLICE("</")))
        *s = slice_skip(*s, 1);
}

static void check_html(struct slice s)
{
    size_t stack[DEPTH], depth = 0;
    assert(skip(&s, "<!DOCTYPE html>\n"));
    while (s.len) {
        if (skip(&s, "<"))
            check_tag(&s, stack, &depth);
        else if (skip(&s, "&"))
            assert(skip(&s, "amp;") || skip(&s, "lt;") || skip(&s, "gt;") || skip(&s, "#34;"));
        else
            assert(!skip(&s, ">")), s = slice_skip(s, 1);
    }
    assert(depth == 0);
}

// ---- JSON ---------------------------------------------------------------------------------------

static void check_string(struct slice *s)
{
    assert(skip(s, "\""));
    while (!skip(s, "\"")) {
        assert(s->len && (unsigned char)s->ptr[0] >= 0x20);
        if (skip(s, "\\u")) {
            for (int i = 0; i < 4; i++, *s = slice_skip(*s, 1))
                assert(s->len && chars_hex(s->ptr[0]) >= 0);
        } else if (skip(s, "\\")) {
            assert(skip(s, "\"") || skip(s, "\\"));
        } else {
            *s = slice_skip(*s, 1);
        }
    }
}

static void skip_space(struct slice *s)
{
    while (skip(s, "\n"))
        continue;
}

static void check_value(struct slice *s)
{
    const char *close = skip(s, "{") ? "}" : skip(s, "[") ? "]" : NULL;
    if (close) {
        skip_space(s);
        for (bool first = true; !skip(s, close); first = false) {
            assert(first || skip(s, ","));
            if (close[0] == '}') {
                check_string(s);
                assert(skip(s, ":"));
            }
            check_value(s);
            skip_space(s);
        }
    } else if (slice_starts_with(*s, SLICE("\""))) {
        check_string(s);
    } else if (!skip(s, "true") && !skip(s, "false")) {
        struct slice digits = cut_word(s);
        for (size_t i = 0; i < digits.len; i++)
            assert(digits.ptr[i] >= '0' && digits.ptr[i] <= '9');
    }
}

static void check_json(struct slice s)
{
    check_value(&s);
    assert(slice_equal(s, SLICE("\n")));
}

// ---- links --------------------------------------------------------------------------------------

// The reference, in HTML or JSON, stands for the name, with a slash for a directory. In neither can
// a name hold such quotes.
static void check_href(struct slice row, const struct listing_entry *e)
{
    const char *html = memmem(row.ptr, row.len, "href=\"", 6);
    const char *json = memmem(row.ptr, row.len, "\"href\":\"", 8);
    assert(html || json);
    struct slice href = slice_skip(row, (size_t)(json ? json + 8 - row.ptr : html + 6 - row.ptr));
    for (size_t i = 0; i < e->name.len; i++) {
        char c = href.ptr[0];
        bool escaped = skip(&href, "%");
        int high = chars_hex(href.ptr[0]), low = chars_hex(href.ptr[1]);
        assert(!escaped || (high >= 0 && low >= 0));
        if (escaped)
            c = (char)(high << 4 | low);
        assert(c == e->name.ptr[i] && (escaped || c != ':'));
        href = slice_skip(href, escaped ? 2 : 1);
    }
    assert(skip(&href, e->directory ? "/\"" : "\""));
}

static size_t cut_entries(struct slice *rest, uint8_t flags, struct listing_entry *entries)
{
    size_t count = 0;
    while (rest->ptr && count < ENTRIES) {
        struct slice name = slice_split(rest, '\0');
        name.len = MIN(name.len, LISTING_NAME_MAX);
        if (name.len == 0 || slice_find(name, '/') >= 0)
            continue;
        uint64_t number = (uint64_t)name.ptr[0] << (8 * (name.len % 8));
        bool directory = (flags >> count) & 1;
        entries[count++] = (struct listing_entry){name, directory, directory ? 0 : number,
                                                  (int64_t)number};
    }
    return count;
}

static void check_order(const struct listing_view *v, const struct listing_entry *a,
                        const struct listing_entry *b)
{
    int one = listing_compare(v, a, b), other = listing_compare(v, b, a);
    assert((one > 0) == (other < 0) && (one == 0) == (other == 0));
    assert(one != 0 || (slice_equal(a->name, b->name) && a->directory == b->directory));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char room[LISTING_BEGIN_MAX + (ENTRIES + 2) * LISTING_ENTRY_MAX + README * HTML_GROWTH];
    char *copy = fuzz_copy(fuzz_slice(bytes, size));
    struct slice rest = slice_make(copy, size);
    uint8_t flags = fuzz_byte(&rest), kinds = fuzz_byte(&rest);
    struct listing_view v = {.format = flags & 1 ? LISTING_JSON : LISTING_HTML,
                             .cut = flags & 2,
                             .files = flags >> 2,
                             .directories = kinds};
    struct listing_entry entries[ENTRIES];
    struct buf b = buf_make(room, sizeof(room));
    listing_view_parse(slice_split(&rest, '\0'), &v);
    if (rest.ptr)
        v.path = slice_split(&rest, '\0');
    while (v.path.len && v.path.ptr[v.path.len - 1] != '/')
        v.path.len--;
    size_t count = cut_entries(&rest, kinds, entries);
    if (count > 2 && v.format == LISTING_HTML)
        v.readme = entries[0].name;
    listing_begin(&b, &v);
    assert(b.len <= LISTING_BEGIN_MAX);
    for (size_t i = 0; i < count; i++) {
        size_t before = b.len;
        listing_add(&b, &v, &entries[i], i == 0);
        assert(b.len - before <= LISTING_ENTRY_MAX);
        check_href(slice_skip(buf_slice(&b), before), &entries[i]);
        check_order(&v, &entries[0], &entries[i]);
    }
    listing_end(&b, &v);
    if (v.readme.len) {
        html_put_lines(&b, fuzz_slice(bytes, MIN(size, README)), kinds & 1);
        listing_end_readme(&b, &v, kinds & 1);
    }
    assert(!b.overflow);
    check_utf8(buf_slice(&b), v.format == LISTING_HTML);
    if (v.format == LISTING_JSON)
        check_json(buf_slice(&b));
    else
        check_html(buf_slice(&b));
    free(copy);
    return 0;
}

#include "http/listing.h"

#include "base/util.h"
#include "http/html.h"
#include "http/httpdate.h"
#include "http/page.h"
#include "http/urlpath.h"
#include "http/utf8.h"

enum { CRUMBS = 6 }; // the most segments of a path that are shown

#define PAGE_END "</main>\n</body>\n</html>\n"

// Between <style> and </style>; LISTING_POLICY has its digest. Icons are shapes, not characters,
// so that nothing is read aloud and nothing depends on a font.
static const char style[] =
    "\n"
    ":root{color-scheme:light dark;--paper:" PAGE_PAPER ";--ink:" PAGE_INK ";--soft:#5a6474;"
    "--line:#e2dfd6;--panel:#f4f2ec;--accent:#0b6b5d}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:" PAGE_DARK_PAPER ";--ink:" PAGE_DARK_INK
    ";--soft:#9aa5b4;"
    "--line:#2a323d;--panel:#1a2029;--accent:#5fd3bf}}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%;text-size-adjust:100%}\n"
    "body{" PAGE_BODY ";background:var(--paper);color:var(--ink)}\n"
    "header,caption{padding:0 .75rem}\n"
    "a{color:inherit;text-decoration:none;white-space:pre-wrap;unicode-bidi:isolate}\n"
    "a:hover,button:hover{text-decoration:underline;text-underline-offset:.2em}\n"
    "a:focus-visible,button:focus-visible{outline:2px solid "
    "var(--accent);outline-offset:-2px;border-radius:.4rem}\n"
    "nav ol{display:flex;flex-wrap:wrap;margin:0;padding:0;list-style:none;color:var(--soft)}\n"
    "nav li::after{content:\"/\";content:\"/\"/\"\";margin:0 .4rem;opacity:.6}\n"
    "nav a{color:var(--accent);display:inline-block;padding:.15rem 0}\n"
    "h1{" PAGE_HEADING ";white-space:pre-wrap}\n"
    "table{width:100%;border-collapse:collapse;table-layout:fixed}\n"
    "caption{padding-top:.15rem;padding-bottom:1rem;text-align:left;color:var(--soft);"
    "font-size:.9rem}\n"
    "th,td{padding:0;font-weight:400;text-align:left;vertical-align:baseline}\n"
    "td{padding:.5rem .75rem;color:var(--soft);font-size:.9rem;"
    "font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "tbody th a,button{display:block;padding:.5rem .75rem}\n"
    "button{width:100%;margin:0;border:0;background:none;color:inherit;font:inherit;"
    "text-align:inherit;cursor:pointer}\n"
    "th:nth-child(2){width:7rem}\n"
    "th:nth-child(3){width:11rem}\n"
    "td:nth-child(2),th:nth-child(2){text-align:right}\n"
    "thead th{position:sticky;top:0;z-index:1;background:var(--paper);box-shadow:inset 0 -1px "
    "var(--line);"
    "font-size:.9rem;color:var(--soft)}\n"
    "thead th[aria-sort]{color:var(--ink);font-weight:600}\n"
    "[aria-sort] button::after{content:\"\";display:inline-block;margin-left:.4rem;"
    "vertical-align:.15em;border:.28rem solid transparent;border-top:0;"
    "border-bottom-color:var(--accent)}\n"
    "[aria-sort=descending] button::after{border-top:.28rem solid var(--accent);border-bottom:0}\n"
    "tbody tr{border-bottom:1px solid var(--line)}\n"
    "tbody tr:hover{background:var(--panel)}\n"
    "tbody th a{display:flex;align-items:baseline;gap:.7rem}\n"
    "tbody th a::before{content:\"\";flex:none;position:relative;top:.15rem;width:.85rem;"
    "height:1.05rem;margin:0 .1rem;background:var(--soft);opacity:.55;"
    "clip-path:polygon(0 0,60% 0,60% 32%,100% 32%,100% 100%,0 100%)}\n"
    "tbody th a[href$=\"/\"]::before{top:.08rem;width:1.05rem;height:.85rem;margin:0;"
    "background:var(--accent);opacity:1;"
    "clip-path:polygon(0 0,38% 0,50% 18%,100% 18%,100% 100%,0 100%)}\n"
    "tbody th a[href=\"../\"]::before{opacity:.55}\n"
    "section{padding:1.5rem .75rem 0}\n"
    "h2{margin:0 0 .5rem;font-size:1rem;font-weight:600}\n"
    "pre{margin:0;padding:1rem;background:var(--panel);border-radius:.4rem;white-space:pre-wrap;"
    "font:.875rem/1.5 ui-monospace,\"Liberation Mono\",monospace}\n"
    "section p{color:var(--soft);font-size:.9rem}\n"
    "section a{color:var(--accent);text-decoration:underline}\n"
    "@media(max-width:40rem){body{padding-top:1rem}h1{font-size:1.35rem}"
    "tbody th "
    "a,td,button{padding-left:.4rem;padding-right:.4rem}header,caption,section{padding-left:.4rem}"
    "th:nth-child(2){width:4.6rem}th:nth-child(3){width:6rem}td{font-size:.85rem}"
    "time span,thead span{display:none}}\n"
    "@media(forced-colors:active){a::before,button::after{forced-color-adjust:none}}\n";

// The values in a query, which are those of the buttons too.
static const char *const sorts[] = {
    [LISTING_NAME] = "name",
    [LISTING_SIZE] = "size",
    [LISTING_TIME] = "time",
};
static const char *const orders[] = {"asc", "desc"};
static const char *const formats[] = {
    [LISTING_HTML] = "html",
    [LISTING_JSON] = "json",
};

struct slice listing_type(enum listing_format format)
{
    static const char *const types[] = {
        [LISTING_HTML] = "text/html; charset=utf-8",
        [LISTING_JSON] = "application/json",
    };
    return slice_of(types[format]);
}

// ---- the view -----------------------------------------------------------------------------------

// The index of the value in "key=value", or -1: it has another key, or none of these.
static int find_value(struct slice word, const char *key, const char *const *values, size_t count)
{
    if (!slice_equal(slice_split(&word, '='), slice_of(key)))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (slice_equal(word, slice_of(values[i])))
            return (int)i;
    return -1;
}

void listing_view_parse(struct slice query, struct listing_view *v)
{
    while (query.ptr) {
        struct slice word = slice_split(&query, '&');
        int sort = find_value(word, "sort", sorts, ARRAY_SIZE(sorts));
        int order = find_value(word, "order", orders, ARRAY_SIZE(orders));
        int format = find_value(word, "format", formats, ARRAY_SIZE(formats));
        if (sort >= 0)
            v->sort = (enum listing_sort)sort;
        if (order >= 0)
            v->descending = order > 0;
        if (format >= 0)
            v->format = (enum listing_format)format;
    }
}

static bool is_digit(struct slice s)
{
    return s.len && slice_is_digit(s.ptr[0]);
}

// The digits in front, without zeros before the number.
static struct slice cut_number(struct slice *rest)
{
    struct slice number = *rest;
    while (is_digit(*rest)) {
        if (rest->ptr == number.ptr && rest->ptr[0] == '0')
            number = slice_skip(number, 1);
        *rest = slice_skip(*rest, 1);
    }
    number.len -= rest->len;
    return number;
}

static int compare_numbers(struct slice a, struct slice b)
{
    return a.len == b.len ? slice_compare(a, b) : (a.len > b.len) - (a.len < b.len);
}

// "v9" before "v10": digits count as numbers. Names that differ in zeros only, by their bytes.
static int compare_entry_names(struct slice a, struct slice b)
{
    struct slice x = a, y = b;
    while (x.len && y.len) {
        int order;
        if (is_digit(x) && is_digit(y)) {
            order = compare_numbers(cut_number(&x), cut_number(&y));
        } else {
            order = (uint8_t)x.ptr[0] - (uint8_t)y.ptr[0];
            x = slice_skip(x, 1);
            y = slice_skip(y, 1);
        }
        if (order)
            return order;
    }
    return x.len == y.len ? slice_compare(a, b) : (x.len > y.len) - (x.len < y.len);
}

int listing_compare(const struct listing_view *v, const struct listing_entry *a,
                    const struct listing_entry *b)
{
    int order = 0;
    if (a->directory != b->directory)
        return a->directory ? -1 : 1;
    if (v->sort == LISTING_SIZE)
        order = (a->size > b->size) - (a->size < b->size);
    else if (v->sort == LISTING_TIME)
        order = (a->mtime_s > b->mtime_s) - (a->mtime_s < b->mtime_s);
    else
        order = compare_entry_names(a->name, b->name);
    if (order == 0)
        return compare_entry_names(a->name, b->name);
    return v->descending ? -order : order;
}

// ---- texts --------------------------------------------------------------------------------------

// At most 6 bytes for each byte (RFC 8259 section 7).
static void put_json(struct buf *b, struct slice text)
{
    buf_putc(b, '"');
    while (text.len) {
        int32_t code = utf8_next(&text);
        if (code < 0) {
            utf8_put(b, UTF8_REPLACEMENT);
        } else if (code < 0x20) {
            buf_put(b, code < 0x10 ? SLICE("\\u000") : SLICE("\\u00"));
            buf_putx(b, (uint32_t)code);
        } else {
            if (code == '"' || code == '\\')
                buf_putc(b, '\\');
            utf8_put(b, (uint32_t)code);
        }
    }
    buf_putc(b, '"');
}

// The reference to an entry: a colon is escaped, lest what stands before it be read as a scheme
// (not by "./" before the name: httpdirfs and fsspec know no such names); an ampersand for HTML's
// sake. At most 3 bytes for each byte.
static void put_href(struct buf *b, struct slice name, bool directory)
{
    struct slice rest = name;
    while (rest.len) {
        size_t plain = 0;
        while (plain < rest.len && rest.ptr[plain] != '&' && rest.ptr[plain] != ':')
            plain++;
        urlpath_encode(b, slice_make(rest.ptr, plain));
        rest = slice_skip(rest, plain);
        if (rest.len) {
            buf_put(b, rest.ptr[0] == '&' ? SLICE("%26") : SLICE("%3A"));
            rest = slice_skip(rest, 1);
        }
    }
    if (directory)
        buf_putc(b, '/');
}

static void put_grouped(struct buf *b, uint64_t n)
{
    if (n >= 1000) {
        put_grouped(b, n / 1000);
        buf_printf(b, ",%03u", (unsigned)(n % 1000));
    } else {
        buf_putu(b, n);
    }
}

static uint64_t divide_rounded(uint64_t n, uint64_t by)
{
    return n / by + (n % by >= by - by / 2);
}

// "1.4 MB", "14 MB": two digits or more, in the unit that leaves at most three.
static void put_file_size(struct buf *b, uint64_t size)
{
    static const char prefixes[] = " kMGTPE";
    uint64_t unit = 1;
    size_t power = 0;
    for (; divide_rounded(size, unit) >= 1000; power++)
        unit *= 1000;
    uint64_t tenths = power ? divide_rounded(size, unit / 10) : 0;
    if (power == 0)
        buf_printf(b, "%u B", (unsigned)size);
    else if (tenths < 100)
        buf_printf(b, "%u.%u %cB", (unsigned)tenths / 10, (unsigned)tenths % 10, prefixes[power]);
    else
        buf_printf(b, "%u %cB", (unsigned)divide_rounded(size, unit), prefixes[power]);
}

// ---- HTML ---------------------------------------------------------------------------------------

// The last segments of a path, which are shown.
struct trail {
    struct slice path;
    size_t count;
    bool cut; // there are more before
};

static struct trail make_trail(struct slice path)
{
    struct trail t = {.path = path};
    for (size_t i = 0; i < path.len; i++)
        t.count += path.ptr[i] == '/';
    for (; t.count > CRUMBS; t.count--) {
        slice_split(&t.path, '/');
        t.cut = true;
    }
    return t;
}

// No file system has longer names, but a path may come from anywhere.
static struct slice cut_segment(struct slice *path)
{
    struct slice segment = slice_split(path, '/');
    segment.len = MIN(segment.len, LISTING_NAME_MAX);
    return segment;
}

static void put_title(struct buf *b, struct trail t)
{
    buf_puts(b, t.cut ? "<title>Index of …/" : "<title>Index of /");
    for (size_t i = 0; i < t.count; i++) {
        html_put(b, cut_segment(&t.path));
        buf_putc(b, '/');
    }
    buf_puts(b, "</title>\n");
}

// A link that leads `up` directories up. Links are relative, so that they survive a proxy that
// strips a prefix.
static void put_crumb(struct buf *b, size_t up, struct slice text)
{
    buf_puts(b, "<li><a href=\"");
    for (size_t i = 0; i < up; i++)
        buf_puts(b, "../");
    buf_puts(b, "\">");
    html_put(b, text);
    buf_puts(b, "</a></li>");
}

static void put_page_header(struct buf *b, struct trail t)
{
    if (t.count == 0)
        return buf_puts(b, "<header>\n<h1>Index of /</h1>\n</header>\n");
    buf_puts(b, "<header>\n<nav aria-label=\"Breadcrumb\"><ol>");
    put_crumb(b, t.count, t.cut ? SLICE("…") : SLICE("Home"));
    for (size_t up = t.count - 1; up > 0; up--)
        put_crumb(b, up, cut_segment(&t.path));
    buf_puts(b, "</ol></nav>\n<h1>");
    html_put(b, cut_segment(&t.path));
    buf_puts(b, "</h1>\n</header>\n");
}

static void put_entry_count(struct buf *b, uint32_t count, const char *noun)
{
    put_grouped(b, count);
    buf_printf(b, " %s%s", noun, count == 1 ? "" : "s");
}

static void put_caption(struct buf *b, const struct listing_view *v)
{
    buf_puts(b, "<caption>");
    if (v->directories)
        put_entry_count(b, v->directories, "folder");
    if (v->directories && v->files)
        buf_puts(b, ", ");
    if (v->files)
        put_entry_count(b, v->files, "file");
    if (v->directories + v->files == 0)
        buf_puts(b, "This folder is empty");
    buf_puts(b, v->cut ? "; more are not listed</caption>\n" : "</caption>\n");
}

// The head of a column is a button that sorts by it: times from the newest on, the others
// ascending; by the one that is sorted by, the other way. It is the button of a form, and no link,
// so that those who mirror a site by its links fetch each listing once.
static void put_column(struct buf *b, const struct listing_view *v, enum listing_sort sort)
{
    static const char *const heads[] = {
        [LISTING_NAME] = "Name",
        [LISTING_SIZE] = "Size",
        [LISTING_TIME] = "Modified<span> (UTC)</span>",
    };
    bool active = v->sort == sort;
    bool descending = active ? !v->descending : sort == LISTING_TIME;
    buf_puts(b, "<th scope=\"col\"");
    if (active)
        buf_puts(b, v->descending ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\"");
    buf_printf(b,
               "><form method=\"get\"><input type=\"hidden\" name=\"sort\" value=\"%s\">"
               "<button name=\"order\" value=\"%s\">%s</button></form></th>",
               sorts[sort], orders[descending], heads[sort]);
}

static void begin_html(struct buf *b, const struct listing_view *v)
{
    struct trail trail = make_trail(v->path);
    buf_puts(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    put_title(b, trail);
    buf_puts(b, PAGE_META "<style>");
    buf_puts(b, style);
    buf_puts(b, "</style>\n</head>\n<body>\n");
    put_page_header(b, trail);
    buf_puts(b, "<main>\n<table>\n");
    put_caption(b, v);
    buf_puts(b, "<thead>\n<tr>");
    for (size_t i = 0; i < ARRAY_SIZE(sorts); i++)
        put_column(b, v, (enum listing_sort)i);
    buf_puts(b, "</tr>\n</thead>\n<tbody>\n");
    if (v->path.len)
        buf_puts(b, "<tr><th scope=\"row\"><a href=\"../\">../</a></th><td></td><td></td></tr>\n");
}

static void add_html(struct buf *b, const struct listing_entry *e)
{
    char time[HTTPDATE_ISO_LEN];
    httpdate_format_iso(e->mtime_s, time);
    buf_puts(b, "<tr><th scope=\"row\"><a href=\"");
    put_href(b, e->name, e->directory);
    buf_puts(b, "\">");
    html_put(b, e->name);
    buf_puts(b, e->directory ? "/</a></th><td>" : "</a></th><td");
    if (!e->directory && e->size >= 1000) {
        buf_puts(b, " title=\"");
        put_grouped(b, e->size);
        buf_puts(b, " bytes\"");
    }
    if (!e->directory) {
        buf_putc(b, '>');
        put_file_size(b, e->size);
    }
    // The time of day is left out where there is little room.
    buf_printf(b, "</td><td><time datetime=\"%.20s\">%.10s<span> %.5s</span></time></td></tr>\n",
               time, time, time + 11);
}

static void end_html(struct buf *b, const struct listing_view *v)
{
    buf_puts(b, "</tbody>\n</table>\n");
    if (v->readme.len == 0)
        return buf_puts(b, PAGE_END);
    buf_puts(b, "<section>\n<h2>");
    html_put(b, v->readme);
    buf_puts(b, "</h2>\n<pre dir=\"auto\">\n");
}

// ---- JSON ---------------------------------------------------------------------------------------

static void begin_json(struct buf *b, const struct listing_view *v)
{
    buf_printf(b, "{\"complete\":%s,\"entries\":[\n", v->cut ? "false" : "true");
}

static void add_json(struct buf *b, const struct listing_entry *e, bool first)
{
    char time[HTTPDATE_ISO_LEN];
    httpdate_format_iso(e->mtime_s, time);
    buf_puts(b, first ? "{\"name\":" : ",{\"name\":");
    put_json(b, e->name);
    buf_puts(b, e->directory ? ",\"type\":\"directory\"" : ",\"type\":\"file\",\"size\":");
    if (!e->directory)
        buf_putu(b, e->size);
    buf_printf(b, ",\"mtime\":\"%.20s\",\"href\":\"", time);
    put_href(b, e->name, e->directory); // holds neither quote nor backslash
    buf_puts(b, "\"}\n");
}

// ---- both ---------------------------------------------------------------------------------------

void listing_begin(struct buf *b, const struct listing_view *v)
{
    if (v->format == LISTING_JSON)
        begin_json(b, v);
    else
        begin_html(b, v);
}

void listing_add(struct buf *b, const struct listing_view *v, const struct listing_entry *e,
                 bool first)
{
    if (v->format == LISTING_JSON)
        add_json(b, e, first);
    else
        add_html(b, e);
}

void listing_end(struct buf *b, const struct listing_view *v)
{
    if (v->format == LISTING_JSON)
        buf_puts(b, "]}\n");
    else
        end_html(b, v);
}

void listing_end_readme(struct buf *b, const struct listing_view *v, bool cut)
{
    buf_puts(b, "</pre>\n");
    // Programs that look for links list a file once for each that they know as one, and are to pass
    // over this one: GDAL and fsspec for its attributes, httpdirfs for its dot.
    if (cut) {
        buf_puts(b, "<p>This is its beginning. <a type=\"text/plain\" href=./");
        put_href(b, v->readme, false);
        buf_puts(b, ">The whole file</a></p>\n");
    }
    buf_puts(b, "</section>\n" PAGE_END);
}

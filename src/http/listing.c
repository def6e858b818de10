#include "http/listing.h"

#include "base/util.h"
#include "http/httpdate.h"
#include "http/urlpath.h"
#include "http/utf8.h"

enum { CRUMBS = 6 }; // the most segments of a path that are shown

// Between <style> and </style>; LISTING_POLICY has its digest. Icons are shapes, not characters,
// so that nothing is read aloud and nothing depends on a font.
static const char style[] =
    "\n"
    ":root{color-scheme:light dark;--paper:#fdfcf9;--ink:#1d2430;--soft:#5a6474;--line:#e2dfd6;"
    "--panel:#f4f2ec;--accent:#0b6b5d}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:#12161c;--ink:#e4e7ec;--soft:#9aa5b4;"
    "--line:#2a323d;--panel:#1a2029;--accent:#5fd3bf}}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%;text-size-adjust:100%}\n"
    "body{margin:0 auto;max-width:60rem;padding:2rem clamp(.5rem,3vw,2rem) 4rem;"
    "background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,\"Segoe UI\","
    "Roboto,\"Noto Sans\",\"Liberation Sans\",sans-serif;overflow-wrap:anywhere}\n"
    "header,caption{padding:0 .75rem}\n"
    "a{color:inherit;text-decoration:none;white-space:pre-wrap;unicode-bidi:isolate}\n"
    "a:hover{text-decoration:underline;text-underline-offset:.2em}\n"
    "a:focus-visible{outline:2px solid var(--accent);outline-offset:-2px;border-radius:.4rem}\n"
    "nav ol{display:flex;flex-wrap:wrap;margin:0;padding:0;list-style:none;color:var(--soft)}\n"
    "nav li::after{content:\"/\";content:\"/\"/\"\";margin:0 .4rem;opacity:.6}\n"
    "nav a{color:var(--accent);display:inline-block;padding:.15rem 0}\n"
    "h1{margin:0;font-size:1.6rem;font-weight:650;line-height:1.3;white-space:pre-wrap}\n"
    "table{width:100%;border-collapse:collapse;table-layout:fixed}\n"
    "caption{padding-top:.15rem;padding-bottom:1rem;text-align:left;color:var(--soft);"
    "font-size:.9rem}\n"
    "th,td{padding:0;font-weight:400;text-align:left;vertical-align:baseline}\n"
    "td{padding:.5rem .75rem;color:var(--soft);font-size:.9rem;"
    "font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "th a{display:block;padding:.5rem .75rem}\n"
    "th:nth-child(2){width:7rem}\n"
    "th:nth-child(3){width:11rem}\n"
    "td:nth-child(2),th:nth-child(2){text-align:right}\n"
    "thead th{position:sticky;top:0;z-index:1;background:var(--paper);box-shadow:inset 0 -1px "
    "var(--line);"
    "font-size:.9rem;color:var(--soft)}\n"
    "thead th[aria-sort]{color:var(--ink);font-weight:600}\n"
    "[aria-sort] a::after{content:\"\";display:inline-block;margin-left:.4rem;"
    "vertical-align:.15em;border:.28rem solid transparent;border-top:0;"
    "border-bottom-color:var(--accent)}\n"
    "[aria-sort=descending] a::after{border-top:.28rem solid var(--accent);border-bottom:0}\n"
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
    "@media(max-width:40rem){body{padding-top:1rem}h1{font-size:1.35rem}"
    "th a,td{padding-left:.4rem;padding-right:.4rem}header,caption{padding-left:.4rem}"
    "th:nth-child(2){width:4.6rem}th:nth-child(3){width:6rem}td{font-size:.85rem}"
    "time span,thead span{display:none}}\n"
    "@media(forced-colors:active){a::before{forced-color-adjust:none}}\n";

// The words of a query, which are those of the links too.
static const char *const sorts[] = {
    [LISTING_NAME] = "sort=name",
    [LISTING_SIZE] = "sort=size",
    [LISTING_TIME] = "sort=time",
};
static const char *const orders[] = {"order=asc", "order=desc"};
static const char *const formats[] = {
    [LISTING_HTML] = "format=html",
    [LISTING_JSON] = "format=json",
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

// The index of the word, or -1.
static int find(struct slice word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal(word, slice_of(words[i])))
            return (int)i;
    return -1;
}

void listing_view_parse(struct slice query, struct listing_view *v)
{
    while (query.ptr) {
        struct slice word = slice_split(&query, '&');
        int sort = find(word, sorts, ARRAY_SIZE(sorts));
        int order = find(word, orders, ARRAY_SIZE(orders));
        int format = find(word, formats, ARRAY_SIZE(formats));
        if (sort >= 0)
            v->sort = (enum listing_sort)sort;
        if (order >= 0)
            v->descending = order > 0;
        if (format >= 0)
            v->format = (enum listing_format)format;
    }
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
        order = slice_compare(a->name, b->name);
    if (order == 0)
        return slice_compare(a->name, b->name);
    return v->descending ? -order : order;
}

// ---- texts --------------------------------------------------------------------------------------

// What HTML does not allow in text (C1 controls, noncharacters), and what turns text around
// (bidirectional embeddings, overrides and isolates), which could show a name as another.
static bool is_unfit(uint32_t code)
{
    return (code >= 0x80 && code < 0xa0) || (code >= 0xfdd0 && code <= 0xfdef) ||
           (code & 0xfffe) == 0xfffe || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

// At most 5 bytes for each byte.
static void put_html(struct buf *b, struct slice text)
{
    while (text.len) {
        int32_t code = utf8_next(&text);
        if (code == '&')
            buf_put(b, SLICE("&amp;"));
        else if (code == '<')
            buf_put(b, SLICE("&lt;"));
        else if (code == '>')
            buf_put(b, SLICE("&gt;"));
        else if (code == '"')
            buf_put(b, SLICE("&#34;"));
        else if (code < 0 || is_unfit((uint32_t)code))
            utf8_put(b, UTF8_REPLACEMENT);
        else if (code < 0x20)
            utf8_put(b, 0x2400 + (uint32_t)code); // the control pictures
        else
            utf8_put(b, code == 0x7f ? 0x2421 : (uint32_t)code);
    }
}

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

// The reference to an entry: "./" keeps a name with a colon from being read as a scheme. An
// ampersand is escaped for HTML's sake. At most 3 bytes for each byte.
static void put_href(struct buf *b, const struct listing_entry *e)
{
    struct slice rest = e->name;
    buf_put(b, SLICE("./"));
    urlpath_encode(b, slice_split(&rest, '&'));
    while (rest.ptr) {
        buf_put(b, SLICE("%26"));
        urlpath_encode(b, slice_split(&rest, '&'));
    }
    if (e->directory)
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
static void put_size(struct buf *b, uint64_t size)
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

// What is shown of a path: its last segments.
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
        put_html(b, cut_segment(&t.path));
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
    put_html(b, text);
    buf_puts(b, "</a></li>");
}

static void put_header(struct buf *b, struct trail t)
{
    if (t.count == 0)
        return buf_puts(b, "<header>\n<h1>Index of /</h1>\n</header>\n");
    buf_puts(b, "<header>\n<nav aria-label=\"Breadcrumb\"><ol>");
    put_crumb(b, t.count, t.cut ? SLICE("…") : SLICE("Home"));
    for (size_t up = t.count - 1; up > 0; up--)
        put_crumb(b, up, cut_segment(&t.path));
    buf_puts(b, "</ol></nav>\n<h1>");
    put_html(b, cut_segment(&t.path));
    buf_puts(b, "</h1>\n</header>\n");
}

static void put_count(struct buf *b, uint32_t count, const char *noun)
{
    put_grouped(b, count);
    buf_printf(b, " %s%s", noun, count == 1 ? "" : "s");
}

static void put_caption(struct buf *b, const struct listing_view *v)
{
    buf_puts(b, "<caption>");
    if (v->directories)
        put_count(b, v->directories, "folder");
    if (v->directories && v->files)
        buf_puts(b, ", ");
    if (v->files)
        put_count(b, v->files, "file");
    if (v->directories + v->files == 0)
        buf_puts(b, "This folder is empty");
    buf_puts(b, v->cut ? "; more are not listed</caption>\n" : "</caption>\n");
}

// The head of a column is a link that sorts by it; by the one that is sorted by, the other way.
static void put_column(struct buf *b, const struct listing_view *v, enum listing_sort sort)
{
    static const char *const heads[] = {
        [LISTING_NAME] = "Name",
        [LISTING_SIZE] = "Size",
        [LISTING_TIME] = "Modified<span> (UTC)</span>",
    };
    bool active = v->sort == sort;
    buf_puts(b, "<th scope=\"col\"");
    if (active)
        buf_puts(b, v->descending ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\"");
    buf_printf(b, "><a rel=\"nofollow\" href=\"?%s&amp;%s\">%s</a></th>", sorts[sort],
               orders[active && !v->descending], heads[sort]);
}

static void begin_html(struct buf *b, const struct listing_view *v)
{
    struct trail trail = make_trail(v->path);
    buf_puts(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    put_title(b, trail);
    buf_puts(b, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n<style>");
    buf_puts(b, style);
    buf_puts(b, "</style>\n</head>\n<body>\n");
    put_header(b, trail);
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
    put_href(b, e);
    buf_puts(b, "\">");
    put_html(b, e->name);
    buf_puts(b, e->directory ? "/</a></th><td>" : "</a></th><td");
    if (!e->directory && e->size >= 1000) {
        buf_puts(b, " title=\"");
        put_grouped(b, e->size);
        buf_puts(b, " bytes\"");
    }
    if (!e->directory) {
        buf_putc(b, '>');
        put_size(b, e->size);
    }
    // The time of day is left out where there is little room.
    buf_printf(b, "</td><td><time datetime=\"%.20s\">%.10s<span> %.5s</span></time></td></tr>\n",
               time, time, time + 11);
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
    put_href(b, e); // holds neither quote nor backslash
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
        buf_puts(b, "</tbody>\n</table>\n</main>\n</body>\n</html>\n");
}

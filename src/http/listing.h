// The listing of a directory, as HTML or JSON, in pieces of bounded size.
//
// Pure: entries in, bytes out. content/dirlist.h reads the directory, sorts it by listing_compare()
// and asks for the pieces. Names may hold any bytes: every text is escaped, and each link leads to
// exactly the file that is named. The page has no script, and LISTING_POLICY forbids any.
//
// HTML: folders first, sizes for people ("1.4 MB"; exact in the title), times in UTC. Control
// bytes are shown as their pictures (U+2400...), what is no text or would hide or turn around other
// text as U+FFFD.
// JSON: {"complete": false when listing_view.cut, "entries": [{"name", "type": "directory" or
// "file", "size" in bytes (files only), "mtime", "href"}, ...]}. Bytes of names that are not UTF-8
// are U+FFFD; href is exact.
#pragma once

#include "base/buf.h"

enum listing_sort { LISTING_NAME, LISTING_SIZE, LISTING_TIME };
enum listing_format { LISTING_HTML, LISTING_JSON };

// How a directory is to be shown.
struct listing_view {
    struct slice path; // decoded, relative to the site: "" or ends in '/'
    enum listing_sort sort;
    bool descending;
    enum listing_format format;
    uint32_t directories, files; // how many entries follow
    bool cut;                    // there are more, which are left out
    struct slice readme; // HTML: name of the file whose text follows the entries; empty: none does
};

struct listing_entry {
    struct slice name; // 1 to LISTING_NAME_MAX bytes, neither '/' nor NUL
    bool directory;
    uint64_t size; // bytes; 0 for a directory
    int64_t mtime_s;
};

#define LISTING_NAME_MAX 255

// Room that suffices for what listing_begin() writes, and for what the others do.
#define LISTING_BEGIN_MAX (24u << 10)
#define LISTING_ENTRY_MAX (3u << 10)

// Content-Type of a format.
struct slice listing_type(enum listing_format format);

// Content-Security-Policy of the HTML: its own style and icon, and forms that ask for the page in
// another order; nothing else.
#define LISTING_POLICY                                                                      \
    "default-src 'none'; style-src 'sha256-XW9DwNYjLUjtcaYe9/8gzrFdoDYRF9rz//luj3po0S8='; " \
    "img-src data:; base-uri 'none'; "                                                      \
    "form-action 'self'"

// Reads sort=name|size|time, order=asc|desc and format=html|json from a query into the view; what
// it does not know, and what is not there, leaves the view as it is.
void listing_view_parse(struct slice query, struct listing_view *v);

// The order of a view: directories first, then by its key, then by the names: by their bytes, but
// digits in a row are a number ("v9" before "v10"). Less than, equal to or greater than 0, as
// memcmp(3).
int listing_compare(const struct listing_view *v, const struct listing_entry *a,
                    const struct listing_entry *b);

// The pieces: what stands before the entries, an entry (`first`: none was before it), and what
// stands behind them. In a view with a readme its text follows, by html_put_lines(), and then
// listing_end_readme() (`cut`: there is more of it).
void listing_begin(struct buf *b, const struct listing_view *v);
void listing_add(struct buf *b, const struct listing_view *v, const struct listing_entry *e,
                 bool first);
void listing_end(struct buf *b, const struct listing_view *v);
void listing_end_readme(struct buf *b, const struct listing_view *v, bool cut);

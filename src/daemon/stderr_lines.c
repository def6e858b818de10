#include "daemon/stderr_lines.h"

#include "base/buf.h"
#include "base/util.h"
#include "http/utf8.h"

#define SECOND 1000 // ms

// The most that one escaped code point takes.
#define ESCAPED_MAX (4 * UTF8_MAX)

// ---- one line ----------------------------------------------------------------------------------

// The control characters of ASCII and of Latin-1, separators of lines, and marks that change the
// direction of what follows (Unicode, bidirectional formatting).
static bool is_plain_text(int32_t code)
{
    static const struct {
        int32_t first, last;
    } others[] = {{-1, 0x1f},       {0x7f, 0x9f},     {0x61c, 0x61c},  {0x200e, 0x200f},
                  {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        if (code >= others[i].first && code <= others[i].last)
            return false;
    return true;
}

// Cuts the priority off. Urgent ones are the system's: the kernel's, or of a machine that fails.
static enum log_level take_level(struct slice *line)
{
    static const enum log_level levels[] = {LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_NOTICE,
                                            LOG_LEVEL_INFO, LOG_LEVEL_DEBUG};
    const char *p = line->ptr;
    if (line->len < 3 || p[0] != '<' || p[1] < '3' || p[1] > '7' || p[2] != '>')
        return LOG_LEVEL_WARN;
    *line = slice_skip(*line, 3);
    return levels[p[1] - '3'];
}

static void put_or_escape(struct buf *b, struct slice bytes, bool is_as_it_is)
{
    if (is_as_it_is)
        buf_put(b, bytes);
    for (size_t i = 0; i < bytes.len && !is_as_it_is; i++)
        buf_printf(b, "\\x%02x", (unsigned char)bytes.ptr[i]);
}

static void format_line(struct slice line, bool is_cut, struct stderr_line *ret)
{
    struct buf b = buf_make(ret->text, STDERR_LINES_MAX);
    ret->level = take_level(&line);
    while (line.len && b.cap - b.len > ESCAPED_MAX) {
        const char *begin = line.ptr;
        int32_t code = utf8_next(&line);
        put_or_escape(&b, slice_make(begin, (size_t)(line.ptr - begin)), is_plain_text(code));
    }
    b.cap = sizeof(ret->text) - 1;
    if (is_cut || line.len)
        buf_puts(&b, "…");
    ret->text[b.len] = '\0';
}

// ---- how many ----------------------------------------------------------------------------------

// Whether one more may come.
static bool spend(struct stderr_lines *s, int64_t now)
{
    int64_t earned = (now - s->at) * STDERR_LINES_RATE / SECOND;
    if (earned > 0) {
        s->credit = (unsigned)MIN(s->credit + earned, STDERR_LINES_BURST);
        s->at = now;
    }
    if (s->credit == 0) {
        s->dropped++;
        return false;
    }
    s->credit--;
    return true;
}

// ---- lines of bytes ----------------------------------------------------------------------------

void stderr_lines_init(struct stderr_lines *s, int64_t now)
{
    s->len = 0;
    s->is_cut = false;
    s->credit = STDERR_LINES_BURST;
    s->at = now;
    s->dropped = 0;
}

static void keep_bytes(struct stderr_lines *s, struct slice bytes)
{
    size_t room = sizeof(s->begun) - s->len;
    if (bytes.len > room)
        s->is_cut = true;
    bytes.len = MIN(bytes.len, room);
    if (bytes.len)
        memcpy(s->begun + s->len, bytes.ptr, bytes.len);
    s->len += bytes.len;
}

bool stderr_lines_end(struct stderr_lines *s, int64_t now, struct stderr_line *ret)
{
    bool is_wanted = s->len > 0 && spend(s, now);
    if (is_wanted)
        format_line(slice_make(s->begun, s->len), s->is_cut, ret);
    s->len = 0;
    s->is_cut = false;
    return is_wanted;
}

bool stderr_lines_next(struct stderr_lines *s, struct slice *bytes, int64_t now,
                       struct stderr_line *ret)
{
    ptrdiff_t end;
    while ((end = slice_find(*bytes, '\n')) >= 0) {
        keep_bytes(s, slice_make(bytes->ptr, (size_t)end));
        *bytes = slice_skip(*bytes, (size_t)end + 1);
        if (stderr_lines_end(s, now, ret))
            return true;
    }
    keep_bytes(s, *bytes);
    *bytes = slice_skip(*bytes, bytes->len);
    return false;
}

void stderr_lines_grant(struct stderr_lines *s)
{
    s->credit = STDERR_LINES_BURST;
}

uint64_t stderr_lines_take_dropped(struct stderr_lines *s)
{
    uint64_t dropped = s->dropped;
    s->dropped = 0;
    return dropped;
}

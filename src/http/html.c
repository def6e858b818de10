#include "http/html.h"

#include "http/utf8.h"

// Characters that HTML does not allow in text (C1 controls, noncharacters), and those that turn
// text around (bidirectional embeddings, overrides and isolates), which could show a name as
// another.
static bool is_unfit(uint32_t code)
{
    return (code >= 0x80 && code < 0xa0) || (code >= 0xfdd0 && code <= 0xfdef) ||
           (code & 0xfffe) == 0xfffe || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

// Cuts the first character off *text, which is not empty, and writes it.
static void put_character(struct buf *b, struct slice *text)
{
    int32_t code = utf8_next(text);
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

void html_put(struct buf *b, struct slice text)
{
    while (text.len)
        put_character(b, &text);
}

// Whether the meaning of what is left, which is not empty, is for what follows it to say.
static bool is_incomplete(struct slice rest)
{
    struct slice after = rest;
    return rest.len < UTF8_MAX && (utf8_next(&after) < 0 || rest.ptr[0] == '\r');
}

size_t html_put_lines(struct buf *b, struct slice text, bool goes_on)
{
    struct slice rest = text;
    while (rest.len && !(goes_on && is_incomplete(rest))) {
        char c = rest.ptr[0];
        if (c != '\n' && c != '\t' && c != '\r') {
            put_character(b, &rest);
            continue;
        }
        rest = slice_skip(rest, 1);
        if (c == '\r' && slice_starts_with(rest, SLICE("\n")))
            continue;
        buf_putc(b, c == '\r' ? '\n' : c);
    }
    return text.len - rest.len;
}

#include "http/statusline.h"

#include "base/num.h"
#include "http/chars.h"

// Where things stand: "HTTP/1.1 200 OK".
enum { MINOR_AT = 7, CODE_AT = 9, CODE_END = 12, STATUS_FINAL = 200, STATUS_MAX = 599 };

static const struct slice version = {"HTTP/1.", 7};

static bool begins_answer(struct slice s)
{
    return s.len < version.len ? slice_starts_with(version, s) : slice_starts_with(s, version);
}

// Cuts a whole line off *rest; false when its end is not there. A bare LF ends one as well, as
// RFC 9112 section 2.2 allows.
static bool take_line(struct slice *rest, struct slice *ret)
{
    ptrdiff_t end = slice_find(*rest, '\n');
    if (end < 0)
        return false;
    *ret = slice_make(rest->ptr, (size_t)end);
    *rest = slice_skip(*rest, (size_t)end + 1);
    if (ret->len && ret->ptr[ret->len - 1] == '\r')
        ret->len--;
    return true;
}

// HTTP-version SP status-code SP [ reason-phrase ]; many leave out the second space with the
// phrase. Returns the status, or -1.
static int parse_line(struct slice line)
{
    uint64_t status;
    if (line.len < CODE_END || !slice_starts_with(line, version) || !chars_all(line, CHAR_VALUE))
        return -1;
    if (!slice_is_digit(line.ptr[MINOR_AT]) || line.ptr[CODE_AT - 1] != ' ')
        return -1;
    if (line.len > CODE_END && line.ptr[CODE_END] != ' ')
        return -1;
    if (!num_parse_dec(slice_make(line.ptr + CODE_AT, CODE_END - CODE_AT), STATUS_MAX, &status))
        return -1;
    return status < 100 ? -1 : (int)status;
}

static bool skip_fields(struct slice *rest)
{
    struct slice line;
    do {
        if (!take_line(rest, &line))
            return false;
    } while (line.len);
    return true;
}

enum statusline_outcome statusline_find(struct slice received, struct statusline *ret)
{
    struct slice rest = received, line;
    do {
        if (!begins_answer(rest))
            return STATUSLINE_MALFORMED;
        if (!take_line(&rest, &line))
            return STATUSLINE_PARTIAL;
        int status = parse_line(line);
        if (status < 0)
            return STATUSLINE_MALFORMED;
        if (status >= STATUS_FINAL) {
            *ret = (struct statusline){line, status};
            return STATUSLINE_FOUND;
        }
    } while (skip_fields(&rest));
    return STATUSLINE_PARTIAL;
}

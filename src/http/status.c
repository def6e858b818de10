#include "http/status.h"

#include "base/util.h"

#include <assert.h>

#define HTTP_VERSION "HTTP/1.1 "
#define CRLF         "\r\n"

// Indexed by the code: a status line is looked up for each response.
static const struct slice lines[] = {
#define X(code, reason) \
    [code] = {HTTP_VERSION #code " " reason CRLF, sizeof(HTTP_VERSION #code " " reason CRLF) - 1},
    STATUS_TABLE(X)
#undef X
};

struct slice status_line(int status)
{
    assert(status >= 0 && (size_t)status < ARRAY_SIZE(lines) && lines[status].ptr);
    return lines[status];
}

struct slice status_title(int status)
{
    struct slice line = slice_skip(status_line(status), strlen(HTTP_VERSION));
    return slice_make(line.ptr, line.len - strlen(CRLF));
}

bool status_may_have_content(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

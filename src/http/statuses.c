#include "http/statuses.h"

#include "base/util.h"

#include <assert.h>

#define HTTP_VERSION "HTTP/1.1 "
#define CRLF         "\r\n"

// Indexed by the code: a status line is looked up for each response.
static const struct slice lines[] = {
#define X(code, reason, more) \
    [code] = {HTTP_VERSION #code " " reason CRLF, sizeof(HTTP_VERSION #code " " reason CRLF) - 1},
    STATUSES_TABLE(X)
#undef X
};

struct slice statuses_line(int status)
{
    assert(status >= 0 && (size_t)status < ARRAY_SIZE(lines) && lines[status].ptr);
    return lines[status];
}

bool statuses_may_have_content(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

bool statuses_is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

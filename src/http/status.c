#include "http/status.h"

#include "base/util.h"

#include <assert.h>

struct status {
    struct slice line;
    const char *reason;
};

// Indexed by the code: a status line is looked up for each response.
static const struct status table[] = {
#define X(code, reason)                                                                         \
    [code] = {                                                                                  \
        {"HTTP/1.1 " #code " " reason "\r\n", sizeof("HTTP/1.1 " #code " " reason "\r\n") - 1}, \
        reason},
    STATUS_TABLE(X)
#undef X
};

static const struct status *find(int status)
{
    assert(status >= 0 && (size_t)status < ARRAY_SIZE(table) && table[status].reason);
    return &table[status];
}

struct slice status_line(int status)
{
    return find(status)->line;
}

const char *status_reason(int status)
{
    return find(status)->reason;
}

bool status_may_have_content(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

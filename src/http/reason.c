#include "http/reason.h"

static const struct {
    int status;
    const char *text;
} rows[REASON_COUNT] = {
#define X(id, status, text) {status, text},
    REASON_TABLE(X)
#undef X
};

int reason_status(enum reason reason)
{
    return rows[reason].status;
}

const char *reason_text(enum reason reason)
{
    return rows[reason].text;
}

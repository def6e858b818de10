#include "verify.h"

#include "base/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// The last head that was found to be good: most are the same again.
static struct {
    char text[VERIFY_HEAD_MAX];
    size_t len;
    bool closes;
} known;

static char reason[VERIFY_HEAD_MAX + 128];

const char *verify_reason(void)
{
    return reason;
}

static bool is_field(const char *line, const char *name)
{
    return strncasecmp(line, name, strlen(name)) == 0;
}

// Judges a whole head; what is good becomes the known one.
static bool judge_head(const char *head, size_t len, const struct expectation *e)
{
    uint64_t length = UINT64_MAX;
    bool closes = false;
    const char *end = head + len;
    unsigned status = len > 13 && memcmp(head, "HTTP/1.1 ", 9) == 0 ? (unsigned)atoi(head + 9) : 0;
    for (const char *line = head; (line = memchr(line, '\n', (size_t)(end - line)));) {
        line++;
        if (is_field(line, "Content-Length: "))
            length = strtoull(line + 16, NULL, 10);
        else if (is_field(line, "Connection: close"))
            closes = true;
    }
    if (status != e->status || (!e->bodiless && length != e->length)) {
        snprintf(reason, sizeof(reason), "expected %u with %" PRIu64 " bytes, got:\n%.*s",
                 e->status, e->length, (int)len, head);
        return false;
    }
    memcpy(known.text, head, len);
    known.len = len;
    known.closes = closes;
    return true;
}

// Takes the head, which may come in pieces. Returns WRONG, MORE, or DONE when it is complete.
static enum verdict take_head(struct answer *a, const struct expectation *e, const char *data,
                              size_t len, size_t *ret_used)
{
    if (a->head_len == 0 && known.len && len >= known.len &&
        memcmp(data, known.text, known.len) == 0) {
        *ret_used = known.len;
        return VERDICT_DONE;
    }
    size_t before = a->head_len, taken = MIN(len, sizeof(a->head) - before);
    memcpy(a->head + before, data, taken);
    const char *end = memmem(a->head, before + taken, "\r\n\r\n", 4);
    if (!end) {
        snprintf(reason, sizeof(reason), "a head without end");
        a->head_len += taken;
        *ret_used = taken;
        return a->head_len == sizeof(a->head) ? VERDICT_WRONG : VERDICT_MORE;
    }
    size_t head_len = (size_t)(end + 4 - a->head);
    *ret_used = head_len - before;
    return judge_head(a->head, head_len, e) ? VERDICT_DONE : VERDICT_WRONG;
}

// Compares a piece of content with what must stand there, or its first bytes.
static bool is_expected(const struct answer *a, const struct expectation *e, uint32_t which,
                        const char *data, size_t len)
{
    len = MIN(len, e->sample);
    for (size_t done = 0; done < len;) {
        size_t place = (e->start + which * e->stride + a->at + done) % e->period;
        size_t piece = MIN(len - done, e->period);
        if (memcmp(data + done, e->text + place, piece) != 0)
            return false;
        done += piece;
    }
    return true;
}

static enum verdict finish(struct answer *a)
{
    a->head_len = 0;
    a->at = 0;
    a->in_content = false;
    return known.closes ? VERDICT_CLOSES : VERDICT_DONE;
}

enum verdict verify_take(struct answer *a, const struct expectation *e, uint32_t which,
                         struct slice data, size_t *ret_used)
{
    size_t used = 0;
    if (!a->in_content) {
        enum verdict v = take_head(a, e, data.ptr, data.len, &used);
        *ret_used = used;
        if (v != VERDICT_DONE)
            return v;
        if (e->bodiless)
            return finish(a);
        a->in_content = true;
    }
    size_t piece = MIN(data.len - used, e->length - a->at);
    *ret_used = used + piece;
    if (!is_expected(a, e, which, data.ptr + used, piece)) {
        snprintf(reason, sizeof(reason), "a wrong byte in %zu bytes of content from byte %" PRIu64,
                 piece, a->at);
        return VERDICT_WRONG;
    }
    a->at += piece;
    return a->at == e->length ? finish(a) : VERDICT_MORE;
}

uint64_t verify_may_skip(const struct answer *a, const struct expectation *e)
{
    // The last byte is always received, to see that it is there and what it is.
    return a->in_content && a->at + 1 < e->length ? e->length - a->at - 1 : 0;
}

void verify_skip(struct answer *a, uint64_t len)
{
    a->at += len;
}

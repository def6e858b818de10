#include "daemon/sd_lines.h"

#include "base/util.h"

#include <inttypes.h>

// A rate over less time than this says little.
#define RATE_TIME 1000 // ms

// How soon after a sign of life that was withheld the next look is.
#define RETRY 100 // ms

void sd_lines_init(struct sd_lines *n, enum sd_lines_phase phase, int64_t until, int64_t watchdog)
{
    *n = (struct sd_lines){.phase = phase, .watchdog = watchdog, .until = until};
}

void sd_lines_enter(struct sd_lines *n, enum sd_lines_phase phase, int64_t until, int64_t now_us,
                    struct buf *b)
{
    static const char *const lines[] = {
        [SD_LINES_STARTING] = "",
        [SD_LINES_READY] = "READY=1\n",
        [SD_LINES_RELOADING] = "RELOADING=1\n",
        [SD_LINES_STOPPING] = "STOPPING=1\n",
    };
    sd_lines_change(n);
    if (n->phase == SD_LINES_STOPPING || (n->phase == phase && phase != SD_LINES_RELOADING))
        return;
    n->phase = phase;
    n->until = until;
    n->extend_at = 0;
    buf_puts(b, lines[phase]);
    // A time before the manager's own "now" belongs to an earlier reload.
    if (phase == SD_LINES_RELOADING)
        buf_printf(b, "MONOTONIC_USEC=%" PRId64 "\n", now_us);
}

void sd_lines_change(struct sd_lines *n)
{
    n->status_at = 0;
}

static void put_life(struct sd_lines *n, bool healthy, int64_t now, struct buf *b)
{
    if (n->watchdog == 0 || now < n->life_at)
        return;
    n->life_at = now + (healthy ? n->watchdog : MIN(n->watchdog, RETRY));
    if (healthy)
        buf_puts(b, "WATCHDOG=1\n");
}

static bool is_extending(const struct sd_lines *n)
{
    return n->phase != SD_LINES_READY && n->extend_at < n->until;
}

static void put_extension(struct sd_lines *n, int64_t now, struct buf *b)
{
    if (!is_extending(n) || now < n->extend_at)
        return;
    n->extend_at = now + SD_LINES_EXTENSION / 2;
    buf_printf(b, "EXTEND_TIMEOUT_USEC=%d\n", SD_LINES_EXTENSION * 1000);
}

// The totals never go back, but a new image begins to count anew if it knows no better.
static void count(struct sd_lines *n, uint64_t requests, int64_t now)
{
    int64_t passed = now - n->counted_at;
    if (passed < RATE_TIME)
        return;
    if (n->counted_at && requests >= n->counted)
        n->rate = (requests - n->counted) * 1000 / (uint64_t)passed;
    n->counted = requests;
    n->counted_at = now;
}

static void format_status(const struct sd_lines *n, const struct sd_lines_facts *f, struct buf *b)
{
    buf_puts(b, f->state);
    if (f->generation)
        buf_printf(
            b, ": generation %u, %u of %u workers, %" PRIu64 " connections, %" PRIu64 " requests/s",
            f->generation, f->alive, f->workers, f->connections, n->rate);
    if (*f->outcome)
        buf_printf(b, "; last reload: %s", f->outcome);
}

static void put_status(struct sd_lines *n, const struct sd_lines_facts *f, int64_t now,
                       struct buf *b)
{
    char text[SD_LINES_STATUS_MAX];
    struct buf s = buf_make(text, sizeof(text) - 1);
    if (now < n->status_at)
        return;
    n->status_at = now + SD_LINES_STATUS_PERIOD;
    count(n, f->requests, now);
    format_status(n, f, &s);
    text[s.len] = '\0';
    if (strcmp(text, n->status) == 0)
        return;
    memcpy(n->status, text, s.len + 1);
    buf_printf(b, "STATUS=%s\n", text);
}

void sd_lines_do_due(struct sd_lines *n, const struct sd_lines_facts *facts, int64_t now,
                     struct buf *b)
{
    put_life(n, facts->healthy, now, b);
    put_extension(n, now, b);
    put_status(n, facts, now, b);
}

int64_t sd_lines_next(const struct sd_lines *n)
{
    int64_t next = n->status_at;
    if (n->watchdog)
        next = MIN(next, n->life_at);
    return is_extending(n) ? MIN(next, n->extend_at) : next;
}

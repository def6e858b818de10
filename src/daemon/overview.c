#include "daemon/overview.h"

#include "base/json.h"
#include "base/util.h"
#include "http/httpdate.h"
#include "server/confinement.h"
#include "sys/listener.h"

#include <inttypes.h>
#include <stdio.h>

// What connections wait for, as JSON and people call it.
static const struct {
    const char *key, *text;
} waits[DEADLINE_CLASSES] = {
    [DEADLINE_HEAD] = {"head", "for a request"},
    [DEADLINE_BODY] = {"body", "for content"},
    [DEADLINE_SEND] = {"send", "being answered"},
    [DEADLINE_DISK] = {"disk", "for the disk"},
    [DEADLINE_IDLE] = {"idle", "idle"},
    [DEADLINE_LAST] = {"last", "for a last request"},
    [DEADLINE_LINGER] = {"linger", "being closed"},
};

static const struct {
    const char *key, *text;
} closes[CONN_CLOSES_COUNT] = {
#define X(id, text) [CONN_CLOSE_##id] = {#id, text},
    CONN_CLOSE_TABLE(X)
#undef X
};

static const struct {
    const char *key, *text;
    size_t offset;
} counters[] = {
    {"requests", "requests", offsetof(struct scoreboard_counts, requests)},
    {"sent_bytes", "bytes sent", offsetof(struct scoreboard_counts, sent)},
    {"accepted", "connections accepted", offsetof(struct scoreboard_counts, accepted)},
    {"handed_over", "connections handed over", offsetof(struct scoreboard_counts, taken)},
    {"turned_away", "connections turned away", offsetof(struct scoreboard_counts, turned_away)},
    {"log_dropped", "lines the log lost", offsetof(struct scoreboard_counts, log_dropped)},
};

static uint64_t counter(const struct overview *s, size_t i)
{
    uint64_t value;
    memcpy(&value, (const char *)&s->totals.counts + counters[i].offset, sizeof(value));
    return value;
}

void overview_look_at(int fd, struct overview_listener *ret)
{
    struct endpoint e;
    *ret = (struct overview_listener){.is_tcp = false};
    ret->is_tcp = listener_queue(fd, &ret->queued, &ret->backlog) == 0;
    if (listener_address(fd, &e) == 0)
        addr_format(&e, ret->address);
}

// ---- text --------------------------------------------------------------------------------------

static void put_line(struct buf *b, const char *name, uint64_t value)
{
    buf_printf(b, "  %-26s %" PRIu64 "\n", name, value);
}

static void put_duration(struct buf *b, int64_t s)
{
    if (s >= 86400)
        buf_printf(b, "%" PRId64 " d ", s / 86400);
    buf_printf(b, "%02d:%02d:%02d", (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s % 60));
}

static void put_listener(struct buf *b, const struct overview_listener *l)
{
    buf_printf(b, "  %-26s", l->address);
    if (l->is_tcp)
        buf_printf(b, " %u of %u waiting", l->queued, l->backlog);
    buf_puts(b, "\n");
}

static void put_sandbox(struct buf *b, const struct sandbox *sandbox)
{
    buf_puts(b, "\nsandbox of the workers\n  ");
    confinement_describe_landlock(b, sandbox);
    buf_puts(b, "\n  ");
    confinement_describe_seccomp(b, sandbox);
    buf_puts(b, "\n");
}

static void put_rounds(struct buf *b, const uint64_t *rounds)
{
    buf_puts(b, "\nhow long rounds of the event loops took\n");
    for (unsigned i = 0; i < SCOREBOARD_ROUND_CLASSES; i++) {
        uint64_t bound = scoreboard_round_bound(i);
        char name[32];
        snprintf(name, sizeof(name), bound ? "less than %" PRIu64 " us" : "longer", bound);
        if (rounds[i])
            put_line(b, name, rounds[i]);
    }
}

static void put_time(struct buf *b, int64_t s)
{
    char text[HTTPDATE_ISO_LEN];
    httpdate_format_iso(s, text);
    buf_put(b, slice_make(text, sizeof(text)));
}

void overview_put_text(struct buf *b, const struct overview *s)
{
    buf_printf(b, "tined %s, pid %d, up ", s->state, (int)s->pid);
    put_duration(b, s->uptime_s);
    buf_printf(b, "\ngeneration %u: %u of %u workers", s->generation, s->alive, s->workers);
    if (s->ending)
        buf_printf(b, "; %u workers of earlier ones are ending", s->ending);
    buf_puts(b, "\n");
    if (*s->reload) {
        buf_puts(b, "last reload ");
        put_time(b, s->reload_s);
        buf_printf(b, ": %s\n", s->reload);
    }
    buf_puts(b, "\nlisteners\n");
    for (size_t i = 0; i < s->listener_count; i++)
        put_listener(b, &s->listeners[i]);
    if (s->sandbox)
        put_sandbox(b, s->sandbox);
    buf_puts(b, "\nconnections\n");
    put_line(b, "open", s->totals.connections);
    for (size_t i = 0; i < DEADLINE_CLASSES; i++)
        if (s->totals.waiting[i])
            put_line(b, waits[i].text, s->totals.waiting[i]);
    buf_puts(b, "\nsince the start\n");
    for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
        put_line(b, counters[i].text, counter(s, i));
    for (size_t i = 0; i < SCOREBOARD_STATUS_CLASSES; i++)
        if (s->totals.counts.answers[i])
            buf_printf(b, "  answers %zuxx                %" PRIu64 "\n", i + 1,
                       s->totals.counts.answers[i]);
    buf_puts(b, "\nwhy connections were closed\n");
    for (size_t i = 0; i < CONN_CLOSES_COUNT; i++)
        if (s->totals.counts.closed[i])
            buf_printf(b, "  %-40s %" PRIu64 "\n", closes[i].text, s->totals.counts.closed[i]);
    put_rounds(b, s->totals.counts.rounds);
}

// ---- JSON --------------------------------------------------------------------------------------

static void put_key(struct buf *b, const char *key)
{
    json_put_string(b, slice_of(key));
    buf_putc(b, ':');
}

static void put_number(struct buf *b, const char *key, uint64_t value)
{
    put_key(b, key);
    buf_putu(b, value);
}

static void put_string(struct buf *b, const char *key, const char *value)
{
    put_key(b, key);
    json_put_string(b, slice_of(value));
}

static void put_lower(struct buf *b, const char *key, uint64_t value)
{
    char lower[32];
    size_t i = 0;
    for (; i < sizeof(lower) - 1 && key[i]; i++)
        lower[i] = (char)(key[i] | 0x20);
    lower[i] = '\0';
    put_number(b, lower, value);
}

static void put_listeners(struct buf *b, const struct overview *s)
{
    put_key(b, "listeners");
    buf_putc(b, '[');
    for (size_t i = 0; i < s->listener_count; i++) {
        const struct overview_listener *l = &s->listeners[i];
        buf_puts(b, i ? ",{" : "{");
        put_string(b, "address", l->address);
        if (l->is_tcp) {
            buf_putc(b, ',');
            put_number(b, "queued", l->queued);
            buf_putc(b, ',');
            put_number(b, "backlog", l->backlog);
        }
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

static const char *layer_state(enum sandbox_mode mode, bool is_missing)
{
    static const char *const states[] = {
        [SANDBOX_ENFORCE] = "enforce", [SANDBOX_LOG] = "log", [SANDBOX_OFF] = "off"};
    return is_missing ? "missing" : states[mode];
}

static void put_layers(struct buf *b, const struct sandbox *sandbox)
{
    put_key(b, "sandbox");
    buf_putc(b, '{');
    put_string(b, "landlock", layer_state(sandbox->landlock, sandbox->landlock_abi < 0));
    buf_putc(b, ',');
    put_number(b, "landlock_abi", (uint64_t)MAX(sandbox->landlock_abi, 0));
    buf_putc(b, ',');
    put_string(b, "seccomp", layer_state(sandbox->seccomp, sandbox->seccomp_error < 0));
    buf_puts(b, "},");
}

static void put_connections(struct buf *b, const struct overview *s)
{
    put_key(b, "connections");
    buf_putc(b, '{');
    put_number(b, "open", s->totals.connections);
    for (size_t i = 0; i < DEADLINE_CLASSES; i++) {
        buf_putc(b, ',');
        put_number(b, waits[i].key, s->totals.waiting[i]);
    }
    buf_putc(b, '}');
}

static void put_counters(struct buf *b, const struct overview *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
        put_number(b, counters[i].key, counter(s, i));
        buf_putc(b, ',');
    }
    put_key(b, "answers");
    for (size_t i = 0; i < SCOREBOARD_STATUS_CLASSES; i++) {
        const char key[] = {(char)('1' + i), 'x', 'x', '\0'};
        buf_putc(b, i ? ',' : '{');
        put_number(b, key, s->totals.counts.answers[i]);
    }
    buf_puts(b, "},");
    put_key(b, "closed");
    for (size_t i = 0; i < CONN_CLOSES_COUNT; i++) {
        buf_putc(b, i ? ',' : '{');
        put_lower(b, closes[i].key, s->totals.counts.closed[i]);
    }
    buf_putc(b, '}');
}

// By the bound that a round stayed below, in us.
static void put_round_counts(struct buf *b, const struct overview *s)
{
    put_key(b, "rounds_us");
    for (unsigned i = 0; i < SCOREBOARD_ROUND_CLASSES; i++) {
        uint64_t bound = scoreboard_round_bound(i);
        char key[32] = "longer";
        if (bound)
            snprintf(key, sizeof(key), "%" PRIu64, bound);
        buf_putc(b, i ? ',' : '{');
        put_number(b, key, s->totals.counts.rounds[i]);
    }
    buf_putc(b, '}');
}

void overview_put_json(struct buf *b, const struct overview *s)
{
    buf_putc(b, '{');
    put_string(b, "version", PACKAGE_VERSION);
    buf_putc(b, ',');
    put_string(b, "state", s->state);
    buf_putc(b, ',');
    put_number(b, "pid", (uint64_t)s->pid);
    buf_putc(b, ',');
    put_number(b, "uptime_s", (uint64_t)s->uptime_s);
    buf_putc(b, ',');
    put_number(b, "generation", s->generation);
    buf_putc(b, ',');
    put_number(b, "workers", s->workers);
    buf_putc(b, ',');
    put_number(b, "workers_alive", s->alive);
    buf_putc(b, ',');
    put_number(b, "workers_ending", s->ending);
    buf_putc(b, ',');
    put_string(b, "last_reload", s->reload);
    buf_putc(b, ',');
    put_number(b, "last_reload_s", (uint64_t)s->reload_s);
    buf_putc(b, ',');
    put_listeners(b, s);
    buf_putc(b, ',');
    if (s->sandbox)
        put_layers(b, s->sandbox);
    put_connections(b, s);
    buf_putc(b, ',');
    put_counters(b, s);
    buf_putc(b, ',');
    put_round_counts(b, s);
    buf_puts(b, "}\n");
}

#include "daemon/status_format.h"

#include "base/json.h"
#include "base/util.h"
#include "http/httpdate.h"
#include "server/worker_sandbox.h"
#include "sys/listener.h"

#include <inttypes.h>
#include <stdio.h>

// Names of what connections wait for, in JSON and for people.
static const struct {
    const char *key, *text;
} waits[DEADLINE_CLASSES] = {
    [DEADLINE_FIRST] = {"first", "for a first request"},
    [DEADLINE_HEAD] = {"head", "for a request"},
    [DEADLINE_BODY] = {"body", "for content"},
    [DEADLINE_SEND] = {"send", "being answered"},
    [DEADLINE_DISK] = {"disk", "for the disk"},
    [DEADLINE_LISTING] = {"listing", "for a listing"},
    [DEADLINE_IDLE] = {"idle", "idle"},
    [DEADLINE_LAST] = {"last", "for a last request"},
    [DEADLINE_LINGER] = {"linger", "being closed"},
    [DEADLINE_ROOT] = {"root", "for a new generation"},
    [DEADLINE_ASKED] = {"asked", "for a file system"},
};

void status_format_look_at(int fd, struct status_format_listener *ret)
{
    struct endpoint e;
    *ret = (struct status_format_listener){.is_tcp = false};
    ret->is_tcp = listener_queue(fd, &ret->queued, &ret->backlog) == 0;
    if (listener_address(fd, &e) == 0)
        endpoint_format(&e, ret->address);
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

static void put_listener(struct buf *b, const struct status_format_listener *l)
{
    buf_printf(b, "  %-26s", l->address);
    if (l->is_tcp)
        buf_printf(b, " %u of %u waiting", l->queued, l->backlog);
    buf_puts(b, "\n");
}

static void put_sandbox(struct buf *b, const struct sandbox *sandbox)
{
    buf_puts(b, "\nsandbox of the workers\n  ");
    worker_sandbox_describe_landlock(b, sandbox);
    buf_puts(b, "\n  ");
    worker_sandbox_describe_seccomp(b, sandbox);
    buf_puts(b, "\n");
}

static void put_silent(struct buf *b, const struct status_format *s)
{
    const size_t shown = MIN(s->silent_count, STATUS_FORMAT_SILENT);
    if (s->silent_count == 0)
        return;
    buf_puts(b, "\nroots that do not answer\n");
    for (size_t i = 0; i < shown; i++)
        buf_printf(b, "  %s\n", s->silent[i]);
    if (s->silent_count > shown)
        buf_printf(b, "  and %zu more\n", s->silent_count - shown);
}

// A line for each counter of a group that is not 0, or for each.
static void put_group(struct buf *b, const struct status_format *s, enum counters_group group,
                      int width)
{
    const uint64_t *values = counters_values_const(&s->totals.counts);
    for (size_t i = 0; i < COUNTERS_COUNT; i++) {
        const struct counters_row *row = counters_row(i);
        if (row->group == group && (values[i] || group == COUNTERS_SINGLE))
            buf_printf(b, "  %-*s %" PRIu64 "\n", width, row->text, values[i]);
    }
}

static void put_titled_group(struct buf *b, const struct status_format *s,
                             enum counters_group group, int width)
{
    buf_printf(b, "\n%s\n", counters_group_row(group)->title);
    put_group(b, s, group, width);
}

static void put_time(struct buf *b, int64_t s)
{
    char text[HTTPDATE_ISO_LEN];
    httpdate_format_iso(s, text);
    buf_put(b, slice_make(text, sizeof(text)));
}

void status_format_text(struct buf *b, const struct status_format *s)
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
    put_silent(b, s);
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
    put_group(b, s, COUNTERS_SINGLE, 26);
    put_group(b, s, COUNTERS_ANSWERS, 26);
    put_titled_group(b, s, COUNTERS_CLOSED, 40);
    put_titled_group(b, s, COUNTERS_ROUNDS, 26);
}

// ---- JSON --------------------------------------------------------------------------------------

static void put_listeners(struct json *j, const struct status_format *s)
{
    json_begin_array(j, "listeners");
    for (size_t i = 0; i < s->listener_count; i++) {
        const struct status_format_listener *l = &s->listeners[i];
        json_begin_object(j, NULL);
        json_put_string(j, "address", slice_of(l->address));
        if (l->is_tcp) {
            json_put_number(j, "queued", l->queued);
            json_put_number(j, "backlog", l->backlog);
        }
        json_end_object(j);
    }
    json_end_array(j);
}

static void put_silent_roots(struct json *j, const struct status_format *s)
{
    json_begin_array(j, "silent_roots");
    for (size_t i = 0; i < MIN(s->silent_count, STATUS_FORMAT_SILENT); i++)
        json_put_string(j, NULL, slice_of(s->silent[i]));
    json_end_array(j);
}

static const char *layer_state(enum sandbox_mode mode, bool is_missing)
{
    static const char *const states[] = {
        [SANDBOX_ENFORCE] = "enforce", [SANDBOX_LOG] = "log", [SANDBOX_OFF] = "off"};
    return is_missing ? "missing" : states[mode];
}

static void put_layers(struct json *j, const struct sandbox *sandbox)
{
    json_begin_object(j, "sandbox");
    json_put_string(j, "landlock",
                    slice_of(layer_state(sandbox->landlock, sandbox->landlock_abi < 0)));
    json_put_number(j, "landlock_abi", (uint64_t)MAX(sandbox->landlock_abi, 0));
    json_put_string(j, "seccomp",
                    slice_of(layer_state(sandbox->seccomp, sandbox->seccomp_error < 0)));
    json_end_object(j);
}

static void put_connections(struct json *j, const struct status_format *s)
{
    json_begin_object(j, "connections");
    json_put_number(j, "open", s->totals.connections);
    for (size_t i = 0; i < DEADLINE_CLASSES; i++)
        json_put_number(j, waits[i].key, s->totals.waiting[i]);
    json_end_object(j);
}

static void put_counters(struct json *j, const struct status_format *s, enum counters_group group)
{
    const uint64_t *values = counters_values_const(&s->totals.counts);
    for (size_t i = 0; i < COUNTERS_COUNT; i++)
        if (counters_row(i)->group == group)
            json_put_number(j, counters_row(i)->key, values[i]);
}

// Those that stand alone are members, and each group is an object.
static void put_all_counters(struct json *j, const struct status_format *s)
{
    put_counters(j, s, COUNTERS_SINGLE);
    for (unsigned group = COUNTERS_SINGLE + 1; group < COUNTERS_GROUPS; group++) {
        json_begin_object(j, counters_group_row(group)->key);
        put_counters(j, s, group);
        json_end_object(j);
    }
}

void status_format_json(struct buf *b, const struct status_format *s)
{
    struct json j = json_make(b);
    json_begin_object(&j, NULL);
    json_put_string(&j, "version", SLICE(PACKAGE_VERSION));
    json_put_string(&j, "state", slice_of(s->state));
    json_put_number(&j, "pid", (uint64_t)s->pid);
    json_put_number(&j, "uptime_s", (uint64_t)s->uptime_s);
    json_put_number(&j, "generation", s->generation);
    json_put_number(&j, "workers", s->workers);
    json_put_number(&j, "workers_alive", s->alive);
    json_put_number(&j, "workers_ending", s->ending);
    json_put_string(&j, "last_reload", slice_of(s->reload));
    json_put_number(&j, "last_reload_s", (uint64_t)s->reload_s);
    put_listeners(&j, s);
    put_silent_roots(&j, s);
    if (s->sandbox)
        put_layers(&j, s->sandbox);
    put_connections(&j, s);
    put_all_counters(&j, s);
    json_end_object(&j);
    buf_putc(b, '\n');
}

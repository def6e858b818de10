#include "daemon/postmortem.h"

#include "base/util.h"
#include "daemon/child.h"
#include "sys/sandbox.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>

// Requests that are shown.
#define SHOWN_MAX 8

// A request line of control bytes only, each of which takes four.
#define ENTRY_MAX (4 * FLIGHT_LINE + 256)

struct tally {
    struct buf *b;
    int64_t now;
    unsigned shown;
    uint64_t more;
};

static void put_flight(struct tally *t, const char *what, const struct flight *from)
{
    struct flight flight;
    char text[ENTRY_MAX];
    struct buf entry = buf_make(text, sizeof(text));
    if (!flight_read(from, &flight))
        return;
    flight_describe(&entry, &flight, t->now);
    if (t->shown == SHOWN_MAX || t->b->cap - t->b->len < entry.len + 64) {
        t->more++;
        return;
    }
    t->shown++;
    buf_printf(t->b, "; %s ", what);
    buf_put(t->b, buf_slice(&entry));
}

void postmortem_describe_end(struct buf *b, const struct scoreboard_slot *slots, int status)
{
    char how[128];
    uint64_t refused = slots ? atomic_load_explicit(&slots->refused, memory_order_relaxed) : 0;
    if (refused && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
        buf_puts(b, "was ended by the sandbox: system call ");
        sandbox_describe_refused(b, refused);
        return;
    }
    child_describe_status(status, how, sizeof(how));
    buf_puts(b, how);
}

static uint32_t sending(const struct scoreboard_slot *slot)
{
    return atomic_load_explicit(&slot->waiting[DEADLINE_SEND], memory_order_relaxed);
}

void postmortem_describe(struct buf *b, const struct scoreboard_slot *slots, uint32_t count,
                         int64_t now)
{
    struct tally t = {.b = b, .now = now};
    uint64_t connections = 0;
    for (uint32_t i = 0; i < count; i++)
        connections += atomic_load_explicit(&slots[i].connections, memory_order_relaxed);
    if (connections)
        buf_printf(b, ", with %" PRIu64 " connection%s", connections, connections == 1 ? "" : "s");
    for (uint32_t i = 0; i < count; i++)
        put_flight(&t, "answering", &slots[i].flights.entries[0]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t kept = 0;
        for (size_t j = 1; j < FLIGHTS_MAX; j++) {
            put_flight(&t, "sending", &slots[i].flights.entries[j]);
            kept += slots[i].flights.entries[j].is_used == true;
        }
        t.more += MAX(sending(&slots[i]), kept) - kept;
    }
    if (t.more)
        buf_printf(b, "; %" PRIu64 " more", t.more);
}

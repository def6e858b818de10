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
#define ENTRY_MAX (4 * INFLIGHT_LINE + 256)

struct tally {
    struct buf *b;
    int64_t now;
    unsigned shown;
    uint64_t more;
};

static void put_inflight(struct tally *t, const char *what, const struct inflight *from)
{
    struct inflight flight;
    char text[ENTRY_MAX];
    struct buf entry = buf_make(text, sizeof(text));
    if (!inflight_read(from, &flight))
        return;
    inflight_describe(&entry, &flight, t->now);
    if (t->shown == SHOWN_MAX || t->b->cap - t->b->len < entry.len + 64) {
        t->more++;
        return;
    }
    t->shown++;
    buf_printf(t->b, "; %s ", what);
    buf_put(t->b, buf_slice(&entry));
}

void postmortem_describe_end(struct buf *b, const struct scoreboard_place *place, int status)
{
    char how[128];
    uint64_t refused = place ? atomic_load_explicit(&place->notes->refused, memory_order_relaxed)
                             : 0;
    if (refused && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
        buf_puts(b, "was ended by the sandbox: system call ");
        sandbox_describe_refused(b, refused);
        return;
    }
    child_describe_status(status, how, sizeof(how));
    buf_puts(b, how);
}

static uint32_t sending(const struct scoreboard_notes *notes)
{
    return atomic_load_explicit(&notes->waiting[DEADLINE_SEND], memory_order_relaxed);
}

void postmortem_describe(struct buf *b, const struct scoreboard_place *place, uint32_t count,
                         int64_t now)
{
    struct tally t = {.b = b, .now = now};
    uint64_t connections = 0;
    for (uint32_t i = 0; i < count; i++)
        connections += atomic_load_explicit(&place->slots[i].connections, memory_order_relaxed);
    if (connections)
        buf_printf(b, ", with %" PRIu64 " connection%s", connections, connections == 1 ? "" : "s");
    for (uint32_t i = 0; i < count; i++)
        put_inflight(&t, "answering", &place->notes[i].inflight.entries[0]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t kept = 0;
        for (size_t j = 1; j < INFLIGHT_MAX; j++) {
            put_inflight(&t, "sending", &place->notes[i].inflight.entries[j]);
            kept += place->notes[i].inflight.entries[j].is_used == true;
        }
        t.more += MAX(sending(&place->notes[i]), kept) - kept;
    }
    if (t.more)
        buf_printf(b, "; %" PRIu64 " more", t.more);
}

#include "daemon/channel_guard.h"

#include "base/util.h"

#define SECOND 1000 // ms

// A master that was away for less than this has not been kept from reading: it waited.
#define AWAY_MIN (2 * SECOND)

// No honest worker has more than this waiting: the socket does not hold them.
#define EXCUSED_MAX 1024

// The turn of each message that a worker sends. Those of the master have none.
static const struct turn {
    bool is_workers;
    bool wants_retired; // only after it was told to end
    enum channel_guard_stage from, to;
} turns[CHANNEL_TYPES] = {
    [CHANNEL_STARTED] = {true, false, CHANNEL_GUARD_SILENT, CHANNEL_GUARD_STARTED},
    [CHANNEL_ROOT_SWAPPED] = {true, false, CHANNEL_GUARD_STARTED, CHANNEL_GUARD_STARTED},
    [CHANNEL_PROXY_HEADER] = {true, false, CHANNEL_GUARD_STARTED, CHANNEL_GUARD_STARTED},
    [CHANNEL_PROXY_MISSING] = {true, false, CHANNEL_GUARD_STARTED, CHANNEL_GUARD_STARTED},
    [CHANNEL_HANDED_OVER] = {true, true, CHANNEL_GUARD_STARTED, CHANNEL_GUARD_STARTED},
    [CHANNEL_THREADS_LEFT] = {true, true, CHANNEL_GUARD_STARTED, CHANNEL_GUARD_STARTED},
    [CHANNEL_ANSWERS_CUT] = {true, true, CHANNEL_GUARD_STARTED, CHANNEL_GUARD_ENDED},
};

// Counts a message. Whether it is one too many.
static bool is_flood(struct channel_guard *g, int64_t now)
{
    int64_t oldest = g->times[g->at];
    if (g->excused) {
        g->excused--;
        return false;
    }
    g->times[g->at] = now + 1;
    g->at = (g->at + 1) % CHANNEL_GUARD_MOST;
    return oldest && now + 1 - oldest < SECOND;
}

// Whether its value is the number of a listener.
static bool names_listener(const struct channel_message *message)
{
    return message->type == CHANNEL_PROXY_HEADER || message->type == CHANNEL_PROXY_MISSING;
}

static bool is_well_formed(const struct channel_guard_facts *facts,
                           const struct channel_message *message)
{
    return message && message->type < CHANNEL_TYPES && turns[message->type].is_workers &&
           (!names_listener(message) || message->value < facts->listener_count);
}

enum channel_guard_verdict channel_guard_judge(struct channel_guard *g,
                                               const struct channel_guard_facts *facts,
                                               const struct channel_message *message, int64_t now)
{
    if (is_flood(g, now))
        return CHANNEL_GUARD_FLOOD;
    // Its listeners are not known here, nor what it has said before; and its messages may be newer.
    if (facts->is_foreign)
        return message && message->type < CHANNEL_TYPES && turns[message->type].is_workers
                   ? CHANNEL_GUARD_GOOD
                   : CHANNEL_GUARD_IGNORED;
    if (!is_well_formed(facts, message))
        return CHANNEL_GUARD_MALFORMED;
    const struct turn *turn = &turns[message->type];
    if (g->stage != turn->from || (turn->wants_retired && !facts->is_retired))
        return CHANNEL_GUARD_OUT_OF_TURN;
    g->stage = turn->to;
    return CHANNEL_GUARD_GOOD;
}

void channel_guard_excuse(struct channel_guard *g, int64_t away)
{
    if (away >= AWAY_MIN)
        g->excused = (unsigned)MIN(away / SECOND * CHANNEL_GUARD_MOST, EXCUSED_MAX);
}

void channel_guard_caught_up(struct channel_guard *g)
{
    g->excused = 0;
}

const char *channel_guard_reason(enum channel_guard_verdict verdict)
{
    static const char *const reasons[] = {
        [CHANNEL_GUARD_MALFORMED] = "a malformed message",
        [CHANNEL_GUARD_OUT_OF_TURN] = "a message out of turn",
        [CHANNEL_GUARD_FLOOD] = "too many messages within a second",
    };
    return reasons[verdict];
}

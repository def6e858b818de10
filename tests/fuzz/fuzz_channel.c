// A worker's messages to the master, in any sequence: none that is malformed, out of turn or one
// too many passes, and none is read beyond its end.
#include "fuzz.h"

#include "base/util.h"
#include "daemon/channel_guard.h"

#define SEEN 256

// The messages that have passed, judged a second time by a simpler rule.
struct seen {
    unsigned started, last_words, count;
    int64_t times[SEEN];
    bool excused; // the rule of numbers says nothing then
};

static void check_good(struct seen *seen, const struct channel_guard_facts *facts,
                       const struct channel_message *m, int64_t now)
{
    assert(m);
    assert(m->type == CHANNEL_STARTED || m->type == CHANNEL_ROOT_SWAPPED ||
           m->type == CHANNEL_PROXY_HEADER || m->type == CHANNEL_PROXY_MISSING ||
           m->type == CHANNEL_HANDED_OVER || m->type == CHANNEL_THREADS_LEFT ||
           m->type == CHANNEL_ANSWERS_CUT);
    if (!facts->is_foreign) {
        assert((m->type == CHANNEL_STARTED) == (seen->started == 0));
        assert(seen->last_words == 0);
        assert((m->type != CHANNEL_PROXY_HEADER && m->type != CHANNEL_PROXY_MISSING) ||
               m->value < facts->listener_count);
        assert((m->type != CHANNEL_ANSWERS_CUT && m->type != CHANNEL_THREADS_LEFT) ||
               facts->is_retired);
        seen->started += m->type == CHANNEL_STARTED;
        seen->last_words += m->type == CHANNEL_ANSWERS_CUT;
    }
    seen->times[seen->count++ % SEEN] = now;
    if (seen->count > CHANNEL_GUARD_MOST && !seen->excused)
        assert(now - seen->times[(seen->count - 1 - CHANNEL_GUARD_MOST) % SEEN] >= 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice in = fuzz_slice(bytes, size);
    uint8_t first = fuzz_byte(&in);
    struct channel_guard_facts facts = {.is_foreign = first & 1, .listener_count = first >> 4};
    struct channel_guard guard = {0};
    struct seen seen = {0};
    int64_t now = 1000;

    while (in.len) {
        uint8_t step = fuzz_byte(&in), type = fuzz_byte(&in), value = fuzz_byte(&in);
        // Also numbers that no table has.
        struct channel_message m = {type & 0x80 ? UINT32_MAX - type : type & 0x0f,
                                    value & 0x80 ? UINT32_MAX - value : value};
        now += step & 0x1f;
        facts.is_retired |= (step & 0xe0) == 0x20;
        if ((step & 0xe0) == 0x40) {
            channel_guard_excuse(&guard, (int64_t)value * 100);
            seen.excused = true;
        } else if ((step & 0xe0) == 0x80) {
            channel_guard_caught_up(&guard);
        }
        const struct channel_message *message = (step & 0xe0) == 0x60 ? NULL : &m;
        enum channel_guard_verdict verdict = channel_guard_judge(&guard, &facts, message, now);
        if (verdict == CHANNEL_GUARD_GOOD)
            check_good(&seen, &facts, message, now);
        else if (verdict == CHANNEL_GUARD_IGNORED)
            assert(facts.is_foreign);
        else {
            assert(channel_guard_reason(verdict));
            break; // the worker is ended
        }
    }
    return 0;
}

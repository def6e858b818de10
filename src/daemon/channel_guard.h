// Judges the messages of a worker by what any worker may say, and when: one that was taken over
// must not keep the master busy, nor have it do what is not its turn. One guard for each process.
// No clock, no log: times are ms of one monotonic clock.
//
// A worker begins with STARTED and says it once; ANSWERS_CUT is its last word, after it was told to
// end. In a second it sends CHANNEL_GUARD_MOST messages at most; honest ones send a few. Those that
// waited while the master itself was kept from reading are excused from that.
#pragma once

#include "server/channel.h"

#include <stdbool.h>

// Messages of a worker in a second.
#define CHANNEL_GUARD_MOST 32u

enum channel_guard_verdict {
    CHANNEL_GUARD_GOOD,
    CHANNEL_GUARD_IGNORED,     // of another program: nothing that is known here
    CHANNEL_GUARD_MALFORMED,   // no message, of no worker, or with a value out of range
    CHANNEL_GUARD_OUT_OF_TURN, // not now
    CHANNEL_GUARD_FLOOD,       // too many
};

enum channel_guard_stage {
    CHANNEL_GUARD_SILENT,  // has said nothing yet
    CHANNEL_GUARD_STARTED, // serves
    CHANNEL_GUARD_ENDED,   // has said its last word
};

// All zero: of a process that has said nothing.
struct channel_guard {
    enum channel_guard_stage stage;
    int64_t times[CHANNEL_GUARD_MOST]; // of the last messages, plus 1; 0: none
    unsigned at;                       // the oldest of them
    unsigned excused;                  // so many more are not counted
};

// The facts about the worker.
struct channel_guard_facts {
    bool is_foreign;         // of another program, which may send what is not known here
    bool is_retired;         // was told to end
    uint32_t listener_count; // that it has
};

// Judges a message that was received at `now`; NULL: it was none. No other is good after a
// verdict that is neither GOOD nor IGNORED.
enum channel_guard_verdict channel_guard_judge(struct channel_guard *g,
                                               const struct channel_guard_facts *facts,
                                               const struct channel_message *message, int64_t now);

// Nobody has read for so long, in ms: honest messages may have piled up.
void channel_guard_excuse(struct channel_guard *g, int64_t away);

// Everything has been read.
void channel_guard_caught_up(struct channel_guard *g);

// Why the worker is ended: "a malformed message". Not for a good one.
const char *channel_guard_reason(enum channel_guard_verdict verdict);

// The policy of reloads: when another generation may start, and which one gives way to it. No
// clock, no log; times are ms of one monotonic clock.
//
// A reload waits while
// - another is starting, or a new image of the program proves itself: one at a time;
// - workers may still accept on a listener that has been given up: the new configuration may want
//   its port;
// - two generations hand over: a third would hand over what it has just been handed.
//
// A generation that has been ending for a while hands over no more: it is left with answers that
// cannot be moved, perhaps to clients that take them as slowly as they may. It delays no reload,
// but of eight generations the oldest that is ending is cut short.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// How long workers go on accepting on a listener that was given up, and a little more.
#define RELOAD_POLICY_LEAVING 1300 // ms

// How long a generation that is ending hands over.
#define RELOAD_POLICY_HANDING 5000 // ms

// With so many of them a reload waits.
#define RELOAD_POLICY_HANDING_MAX 2u

// With so many generations one is cut short before another starts.
#define RELOAD_POLICY_GENERATIONS_MAX 8u

// The facts of one moment.
struct reload_policy {
    int64_t now;
    bool is_busy;    // a generation is starting, or an image proves itself
    int64_t room_at; // when another generation may start
    unsigned generations, handing;
    bool has_ending;     // of the generations the oldest that is ending
    bool oldest_handing; // still hands over
};

// Begins with what is known beside the generations. `ports_busy_until` is when the last listener
// that was given up is left.
void reload_policy_begin(struct reload_policy *p, bool is_busy, int64_t ports_busy_until,
                         int64_t now);

// Adds a generation; the newest first. `ended_at` is when one that is ending was told to.
void reload_policy_add(struct reload_policy *p, bool is_ending, int64_t ended_at);

// When a reload may start: now, or later; -1: not before something happens.
int64_t reload_policy_start_at(const struct reload_policy *p);

// Whether the oldest generation that is ending is to be cut short before another starts.
bool reload_policy_must_cut(const struct reload_policy *p);

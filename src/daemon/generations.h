// The generations of a master: which there are, which of them serves, and what is asked of or told
// to all of them. The facts that a server keeps over an upgrade stand here as well. Master only.
#pragma once

#include "daemon/generation.h"

// The most sockets that the service manager may pass in.
#define GENERATIONS_INHERITED_MAX 64

struct generations {
    struct list list;            // oldest first
    struct generation *current;  // or NULL
    struct generation *starting; // that is to become the current one, or NULL
    unsigned last_id;
    bool is_unready; // balancers are told to go elsewhere
    struct generation_maker maker;
    struct systemd_socket inherited[GENERATIONS_INHERITED_MAX]; // of which maker.inherited tells
    int64_t started_s; // when the server was started, wall clock
};

void generations_init(struct generations *gs);

// Closes what generations are made with. There must be none left.
void generations_cleanup(struct generations *gs);

// Adds a generation that is starting.
void generations_add(struct generations *gs, struct generation *g);

// Calls `f` for every generation.
void generations_each(struct generations *gs, void (*f)(struct generation *));

// Serves on, but is not ready for more: balancers are told to go elsewhere. Until a reload.
void generations_make_unready(struct generations *gs);

// The totals of now.
void generations_report_totals(struct generations *gs, struct totals_report *ret);

// Processes of workers: of the current generation, and of those that are ending.
void generations_count_workers(const struct generations *gs, unsigned *ret_current,
                               unsigned *ret_ending);

// The longest that any generation may take to end when it is told to.
int64_t generations_drain_time(const struct generations *gs);

// Which connection is closed for a newcomer when a loop has no room for one. The policy alone:
// nothing is closed here.
//
// First goes a connection that has never sent anything: the one silent for longest, none younger
// than EVICTION_SILENT. Then one of the client that holds most: its longest idle, or, of a crowd of
// younger ones that have not asked yet, the first. One that has sent a part of its first head goes
// for other clients only. Then a silent one of the newcomer's own client. Then the longest idle of
// all, but for no client whose crowd has begun to ask, and one in each iteration of the loop: by
// the next it is known whether the newcomer asks, or is the first of a crowd.
//
// One with a later request or an answer under way stays, and so does one that has received in this
// iteration, although its state does not say so yet. A client is an IPv4 address or a /64 of IPv6;
// peers of UNIX sockets are no one client, and neither is a trusted proxy.
//
// One for each event loop. To count takes time for each connection that waits: so a plan of some
// that go holds for many newcomers, and for a while for those for whom none of it may go. For each
// newcomer the oldest EVICTION_LOOK that have not asked yet are looked at.
#pragma once

#include "base/siphash.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct context;

#define EVICTION_SILENT     250  // ms without a first request
#define EVICTION_IDLE       1000 // ms since the last answer; an idle one younger than that stays
#define EVICTION_PLAN       64   // connections that are chosen at once
#define EVICTION_HOLDS      100  // ms that a plan is followed
#define EVICTION_NONE_HOLDS 10   // ms without a new one, when none of the plan may go
#define EVICTION_LOOK       1024 // connections that are passed over in search of one for a newcomer

struct eviction {
    struct siphash_key key; // no client knows with which others it shares a place in the table
    struct eviction_choice {
        struct conn *conn; // valid while it waits since then
        int64_t since;
    } plan[EVICTION_PLAN];
    size_t count, next;
    int64_t made;   // when the clients were counted
    uint64_t spent; // the iteration in which the longest idle of all has gone
};

void eviction_init(struct eviction *e);

// The connection to close for one of `peer` (NULL: not known yet), or NULL: all stay. Without
// memory to count, clients are not told apart.
struct conn *eviction_choose(struct eviction *e, const struct context *ctx,
                             const struct sockaddr_in6 *peer);

// Whether newcomers are better left to the next iteration when there is no room.
bool eviction_waits(const struct eviction *e, const struct context *ctx);

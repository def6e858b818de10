// Two event loops that a test drives by hand: one hands over, one takes. As loopfixture.h, and
// linked with $(wrap_pair).
#pragma once

#include "loopfixture.h"
#include "scarce.h"
#include "slowsocket.h"

#include "server/handoff.h"
#include "sys/listener.h"

#include <sys/un.h>

// ---- a poller that is full ----------------------------------------------------------------------

// Whether poller_add() says so.
extern bool poller_is_full;

// ---- two loops ----------------------------------------------------------------------------------

// One loop that hands over, and one that takes.
struct pair {
    struct fixture *from, *to;
    int sockets[2];
    size_t fds; // that were open before
};

// Each with one option, or NULL. Both listen on TCP (0) and on a UNIX socket (1), and serve the
// same files.
struct pair pair_make(const char *from_name, const char *from_value, const char *to_name,
                      const char *to_value);
struct pair pair_open(void);

// The second loop takes what the first one hands over; both of a new pair do so.
void pair_connect(const struct pair *p);

// Checks that no descriptor is left open.
void pair_close(struct pair *p);

// Connects to the UNIX socket.
struct client client_open_unix(const struct fixture *f);

// So many rounds of both loops, in turn.
void pair_rounds(struct pair *p, int count);

// Moves the only connection.
void pair_move(struct pair *p);

// Fails unless the deadlines of a loop stand in order.
void assert_ordered(const struct loop *l);

// Only so many bytes go from one to the other at once.
void pair_narrow(const struct pair *p, int bytes);

// Nothing of a test that failed is left to the next.
int pair_setup(void **state);

// Readiness of descriptors: a thin layer over epoll(7), level-triggered.
//
// A pointer names each registration, and comes back with each event. The poller owns its own
// descriptor only. A descriptor must be removed before it is sent to another process or, when
// it is shared with one, before it is closed: close() alone leaves such a registration behind.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Interest, and what an event says. Errors and hang-ups are reported without being asked for, as
// both POLLER_IN and POLLER_OUT: the read or write that follows tells what happened.
#define POLLER_IN  1u
#define POLLER_OUT 2u
// With poller_add() only: of several pollers that wait on one descriptor wake one (EPOLLEXCLUSIVE).
#define POLLER_EXCLUSIVE 4u

struct poller {
    int fd; // -1 when closed
};

struct poller_event {
    void *source;
    uint32_t ready;
};

// 0 or a negative errno.
int poller_init(struct poller *p);
void poller_cleanup(struct poller *p);

// 0 or a negative errno (-ENOSPC: max_user_watches, -ENOMEM).
int poller_add(struct poller *p, int fd, uint32_t interest, void *source);
int poller_set(struct poller *p, int fd, uint32_t interest, void *source);

// Harmless on a descriptor that is not registered.
void poller_remove(struct poller *p, int fd);

// The most events of one call.
#define POLLER_MAX_EVENTS 64

// Waits at most timeout_ms (negative: without end). Returns how many events, 0 on time-out or when
// interrupted.
int poller_wait(struct poller *p, struct poller_event events[static POLLER_MAX_EVENTS],
                int timeout_ms);

// Whether there is something to be read from `fd`, or accepted, without waiting; no poller needed.
bool poller_is_readable(int fd);

// Whether whoever is at the other end of a stream socket has finished sending, or is gone.
bool poller_has_hung_up(int fd);

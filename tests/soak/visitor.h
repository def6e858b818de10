// A visitor of a server: a connection that is used in the way of its role, and all that is done to
// it. It belongs to the scene, of which a process has one.
#pragma once

#include "target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISITOR_SLOW 1000 // ms that an answer may take
#define PIPELINE     8    // requests at once

// X(id, name, text): what can be done to a visitor.
#define CAUSE_TABLE(X)                                               \
    X(CLOSED, "fin_idle", "closed between requests")                 \
    X(RACED, "fin_asked", "closed with a request on its way")        \
    X(RESET, "rst", "reset")                                         \
    X(TURNED, "rst_new", "reset or closed before its first answer")  \
    X(SHORT, "short", "closed within an answer")                     \
    X(BYTE, "byte", "a wrong byte of content")                       \
    X(STATUS, "status", "another answer than 200 of the right size") \
    X(TOLD, "told", "told to close, though it wants to stay")        \
    X(SLOW, "slow", "answered after more than a second")             \
    X(NEVER, "never", "not answered")                                \
    X(REFUSED, "refused", "cannot connect")

enum cause {
#define X(id, name, text) CAUSE_##id,
    CAUSE_TABLE(X)
#undef X
        CAUSES
};

enum role { IDLE, PLAIN, PIPELINING, HALTING, DOWNLOADING, FRESH, ROLES };

enum page { PAGE_SMALL, PAGE_MEDIUM, PAGE_LARGE, PAGES };

struct visitor {
    int fd; // -1: not there
    enum role role;
    bool connected, at_rest;
    bool came;     // has been answered once
    bool answered; // on this connection
    uint32_t interest;
    int64_t wake;  // ms; does something no earlier. 0: nothing to do
    int64_t asked; // when the request was complete that is answered next
    // The bytes to be sent.
    char *out;
    size_t out_len, out_sent;
    size_t halt; // a pause after so many bytes
    // The pages that are awaited, in order.
    enum page awaited[PIPELINE];
    unsigned awaited_count;
    bool noted_slow;
    // The answer that is being read.
    char head[2048];
    size_t head_len;
    bool in_body, closes;
    uint64_t at, left;
};

extern struct scene {
    struct target targets[16]; // connections are dealt out to them
    size_t target_count, next_target;
    int poller; // events carry the visitor
    int64_t now;
    size_t connecting; // connections that are being made
    uint64_t random_state;
    struct {
        uint64_t causes[CAUSES], by_role[ROLES][CAUSES];
        uint64_t answers, bytes, failures;
        int64_t slowest;
    } totals;
} scene;

// The byte at `i` of every file.
char visitor_pattern(uint64_t i);

// Begins what its role does next; the connection must be there and at rest.
void visitor_ask(struct visitor *v);

// Its connection has these events of epoll.
void visitor_handle(struct visitor *v, uint32_t events);

// Does what is due with time; comes again when it is not there.
void visitor_tick(struct visitor *v);

// Whether it waits for an answer (or a connection) that has not begun to come.
bool visitor_waits(const struct visitor *v);

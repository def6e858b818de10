// Whether what comes back on one connection is HTTP: reads every byte of it, strictly.
#pragma once

#include "attack.h"

// The longest head that is believed.
#define VERDICT_HEAD_MAX 32768

struct verdict {
    const struct attack *attack;
    unsigned answers;     // final ones, complete
    unsigned statuses[6]; // of these, by their first digit; [0]: not used
    bool late;            // to be set: the server's deadlines may have passed for this client
    bool turned_away;     // 503, for want of room
    bool closing;         // "Connection: close" was said
    const char *fault;    // what is wrong, or NULL
    // private
    enum { VERDICT_HEAD, VERDICT_MAYBE_CONTENT, VERDICT_CONTENT } expects;
    uint64_t left; // bytes of content
    int status;
    char *head; // VERDICT_HEAD_MAX bytes
    size_t len;
};

void verdict_init(struct verdict *v, const struct attack *a);
void verdict_cleanup(struct verdict *v);

// Bytes have come. False: v->fault is set.
bool verdict_feed(struct verdict *v, const char *data, size_t len);

// All that may come has come: every known request is answered, nothing is incomplete.
bool verdict_is_complete(const struct verdict *v);

// The server closed in order. False: it should not have, v->fault is set. A server may cut a late
// client off anywhere.
bool verdict_end(struct verdict *v);

// A note of the options of a TCP listener, by which it is seen later that somebody has changed
// them, and by which they are set back.
//
// A listener is one socket for all who have a descriptor of it, and each of them can set its
// options: what it asks of packets (IP_MINTTL), and what connections inherit from it. The note is
// of what getsockopt(2) tells; what no call tells is not in it (keys of TCP_MD5SIG,
// TCP_FASTOPEN_KEY and TCP_AO). Nor are UNIX sockets, on which no option keeps a client away.
// Master only.
#pragma once

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>

// The longest value, that of IP_OPTIONS (ip(7)).
#define LISTENER_NOTE_VALUE_MAX 40

// Rows of the table of options.
#define LISTENER_NOTE_OPTIONS 47

struct listener_note_value {
    int len; // -1: not known, as of an option that this kernel or family lacks
    unsigned char bytes[LISTENER_NOTE_VALUE_MAX];
};

struct listener_note {
    struct listener_note_value values[LISTENER_NOTE_OPTIONS];
};

enum listener_note_result {
    LISTENER_NOTE_SAME,     // nothing has changed
    LISTENER_NOTE_RESTORED, // some had, and are again what they were
    LISTENER_NOTE_SPOILT,   // some have, and cannot be set back: it takes another socket
};

// Whether it is a socket of which notes are taken: TCP over IPv4 or IPv6.
bool listener_note_applies(int fd);

void listener_note_take(int fd, struct listener_note *ret);

// Sets back what differs from the note. The names of what did are appended to `ret_names`, for
// SPOILT of those that cannot be set back. An option that follows a setting of the system
// (net.ipv4.tcp_keepalive_time) may have the value that it has there now, and the note takes it.
enum listener_note_result listener_note_restore(int fd, struct listener_note *note,
                                                struct buf *ret_names);

// Appends "SO_KEEPALIVE=01000000 IP_OPTIONS= …", in one line without its end: bytes of this
// machine.
void listener_note_format(struct buf *b, const struct listener_note *note);

// Reads such a line, perhaps of another version of the program: names that are not known are passed
// over, those that are not there are not known. False: no such line.
bool listener_note_parse(struct slice line, struct listener_note *ret);

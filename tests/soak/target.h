// The address of the server that a program here is let loose on.
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

struct target {
    struct sockaddr_storage address;
    socklen_t len;
};

// Reads 127.0.0.1:PORT, [::1]:PORT, unix:PATH or unix:@NAME. False: it is none of these.
bool target_parse(const char *text, struct target *ret);

// A socket that connects to it without waiting, with a receive buffer of about so many bytes (0:
// the usual); *ret_error is 0 or why it cannot. -1: no socket.
int target_connect(const struct target *t, int buffer, int *ret_error);

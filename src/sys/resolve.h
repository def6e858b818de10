// The socket addresses that an address of the configuration stands for.
//
// May ask the resolver, which blocks: for the master at a start or reload, and for commands.
#pragma once

#include "base/address.h"

// The concrete addresses of `a`, at most `max`: 0.0.0.0 first and then [::] for WILDCARD, all that
// the resolver gives for NAME (each once). Returns how many, 0 for SYSTEMD, or a negative errno
// (-ENOENT: no such name; -ENODEV: no such interface).
int resolve_address(const struct address *a, struct endpoint *out, size_t max);

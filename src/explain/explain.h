// `tined explain`: answers one request without a client, and says in words what the answer is made
// of: site, rules, file and variant, validators, and on an error what caused it.
//
// The head is made by the code that answers every request; the words come from a second look at the
// same moment. Runs in a process of its own that has a worker's rights. Writes to the caller's
// buffer alone; nothing is logged. Content that the request announces counts as having come.
#pragma once

#include "server/served.h"

#include <netinet/in.h>

// Room for every explanation.
#define EXPLAIN_MAX (256u << 10)

// A request, and what it is answered from.
struct explain {
    const struct served *served;
    size_t listener;     // the number of the one that the request came by
    const char *address; // of that one, as configured
    const char *client;  // see explain_parse_client()
    struct slice head;   // the request's, whole or not
};

// Reads the address of a client: IPv4, IPv6, or "unix". False: it is none of these.
bool explain_parse_client(const char *text, struct sockaddr_in6 *ret);

// Appends the explanation: lines of a report (explain/explain_text.h), an empty line, and the lines
// of the answer's head. 0, or a negative errno: -EINVAL (`client` is no address), -ENOMEM, or what
// an event loop needs and does not get.
int explain_write(const struct explain *e, struct buf *out);

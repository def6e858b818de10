// Why a request counts as that of this client: the derivation from what proxies say.
#pragma once

#include "base/buf.h"
#include "http/request.h"
#include "server/proxies.h"

struct explain_client {
    const struct proxies *proxies;
    const struct request *request;   // that request_parse() has found good
    const struct sockaddr_in6 *peer; // whom the connection counts for
};

// Says nothing where there is nothing to derive: without trusted proxies, and of a client that says
// nothing about others either.
void explain_client_put(struct buf *out, const struct explain_client *c);

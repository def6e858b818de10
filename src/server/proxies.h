// The proxies in front that are believed when they say who the client is, and the listeners on
// which they say it by a PROXY header.
//
// Made and owned by the generation, as a part of what it serves (server/served.h); read-only for
// its workers.
#pragma once

#include "base/modes.h"
#include "base/network.h"
#include "http/request.h"

#include <netinet/in.h>
#include <stddef.h>

struct conf;

struct proxies {
    struct network *trusted;
    size_t trusted_count;
    enum forwarded_field field; // in which they name the client of a request
    enum proxy_protocol *modes; // of the listeners, by their numbers
    size_t listener_count;
};

// Takes `trusted_proxies` of a configuration that was checked. All listeners are
// PROXY_PROTOCOL_OFF until p->modes says otherwise. 0 or -ENOMEM; nothing to clean up then.
int proxies_init(struct proxies *p, const struct conf *conf, size_t listener_count);
void proxies_cleanup(struct proxies *p);

// Whether the client that is at this address, of any family, is a trusted proxy.
bool proxies_has(const struct proxies *p, const struct sockaddr_in6 *client);

// The one for whom a request is answered.
struct proxies_client {
    struct sockaddr_in6 address;
    enum scheme scheme; // by which he came to the proxy; UNSET: nobody who is trusted says so
};

// Sets *client for a request that request_parse() has found good, where trusted proxies name
// another one in their field. Before, it is the connection's.
void proxies_find_client(const struct proxies *p, const struct request *r,
                         struct proxies_client *client);

// PROXY_PROTOCOL_OFF for a listener that is there no more.
enum proxy_protocol proxies_mode(const struct proxies *p, size_t listener);

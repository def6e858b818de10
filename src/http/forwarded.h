// The client of a request behind proxies, by the field in which they say from whom they had it:
// X-Forwarded-For, or Forwarded (RFC 7239).
//
// Each proxy adds an element at the right, so whatever stands left of those that trusted ones have
// added is the client's own word. The walk goes from the right, over all lines of the one field, as
// long as the one that speaks is trusted: nothing further to the left has an influence on it. Hence
// a comma divides elements wherever it stands, also in quotes, where no address has one.
//
// Pure. The other field counts for nothing, for most proxies pass it on as the client sent it.
#pragma once

#include "base/modes.h"
#include "base/network.h"
#include "http/request.h"

enum forwarded_end {
    FORWARDED_BY_STRANGER, // the peer is not trusted: it is the client, whatever it says
    FORWARDED_BY_NOBODY,   // the peer is trusted and says nothing: it is the client
    FORWARDED_CLIENT,      // a trusted one named one that is not
    FORWARDED_NO_ADDRESS,  // a trusted one named no address: the client is that one
    FORWARDED_ALL_TRUSTED, // all that are named are trusted: the client is the first of them
};

struct forwarded {
    struct network client;
    enum forwarded_end end;
    enum scheme scheme;   // by which the client came; UNSET: no trusted one says so
    struct slice element; // the leftmost that was looked at; ptr NULL: none
};

// Whether an address is that of a proxy whose word counts. It is asked for the peer, and then for
// each address of the walk.
struct forwarded_trust {
    bool (*is_trusted)(void *context, const struct network *address);
    void *context;
};

// Sets *ret for a request that request_parse() has found good, and that came from `peer`. The
// scheme is that of the element that the walk ended with (proto=), or of the one line
// X-Forwarded-Proto: exactly one value, http or https, else none.
void forwarded_walk(const struct request *r, enum forwarded_field field, const struct network *peer,
                    const struct forwarded_trust *trust, struct forwarded *ret);

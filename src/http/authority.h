// The host and port that a Host field or a request target names (RFC 3986 section 3.2).
#pragma once

#include "base/slice.h"

// Takes uri-host [ ":" port ] apart; userinfo is refused with everything else that does not belong.
// The host is not empty: a registered name, an IPv4 address, or an IPv6 address, which keeps its
// brackets. ret_port->ptr is NULL when there is no colon; digits, if any, are at most 65535.
// False: malformed, nothing is set.
bool authority_parse(struct slice s, struct slice *ret_host, struct slice *ret_port);

// Whether `s` is an IPv6 address (RFC 4291 section 2.2) in brackets.
bool authority_is_ipv6(struct slice s);

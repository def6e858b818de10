// The text of IP addresses. Pure.
//
// Each line of the access log holds one, and inet_ntop(3) makes it by sprintf(3), which costs more
// than all else of a line.
#pragma once

#include "base/buf.h"

// Four octets in dotted decimal.
void ipaddr_put_v4(struct buf *b, const uint8_t octets[static 4]);

// Sixteen octets by RFC 5952 section 4, without mixed notation: an IPv4-mapped address is for the
// caller to recognise.
void ipaddr_put_v6(struct buf *b, const uint8_t octets[static 16]);

// Addresses to listen on or to connect to, in their text forms.
//
// Forms: "*:80" or ":80" (both families), "192.0.2.1:80", "[2001:db8::1]:80" (zone "%eth0" allowed
// inside the brackets), "localhost:8080" (a name), "unix:/path", "unix:@abstract",
// "systemd:NAME". Pure: sys/resolve.h finds the socket addresses that stand behind one.
#pragma once

#include "base/endpoint.h"

enum address_kind { ADDRESS_WILDCARD, ADDRESS_IP, ADDRESS_NAME, ADDRESS_UNIX, ADDRESS_SYSTEMD };

struct address {
    enum address_kind kind;
    uint16_t port;            // WILDCARD, IP, NAME
    char name[256];           // NAME: host; SYSTEMD: FileDescriptorName=; IP: zone, when by name
    struct endpoint endpoint; // IP, UNIX
};

// Reads `text`. Returns NULL, or what is wrong with it and what would be right (static text);
// *ret is left alone then.
const char *address_parse(struct slice text, struct address *ret);

// The same without the result.
const char *address_check(struct slice text);

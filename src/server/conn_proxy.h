// A connection before its first request, where a PROXY header may come, or must.
//
// It is looked for by the listener's option proxy_protocol: with "accept" on connections from
// trusted proxies, with "require" on all; of others no byte is looked at with a header in mind.
// With it the address that it names is the client's from then on. It has to come within
// timeouts.head, together with the first request.
#pragma once

struct conn;
struct context;

// A connection was accepted: has it wait for a header where one may come.
void conn_proxy_expect(const struct context *ctx, struct conn *c);

// PROXY: takes the header, and answers the requests behind it. Without one, where it is required,
// or with a malformed one, or from somebody who is not to be believed, the connection is closed
// without an answer, and the master is told.
void conn_proxy_step(struct context *ctx, struct conn *c);

// PROXY, when the time is up: nobody has asked for anything, so there is no answer.
void conn_proxy_expire(struct context *ctx, struct conn *c);

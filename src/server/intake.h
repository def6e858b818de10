// Decides about a request before it is routed: on its head as it comes, then on its
// complete head and the content that it announces.
//
// server/conn_step.c asks as bytes come in, explain/explain.c with the whole head at hand.
#pragma once

#include "conf/conf.h"
#include "http/body.h"

// head_scan_feed() with these limits.
enum head_state intake_scan(const struct conf_limits *limits, struct head_scan *scan,
                            struct slice data, enum reason *ret_reason);

// Takes a complete head apart and begins the content. Returns the reason to refuse the request for.
enum reason intake_parse(const struct conf_limits *limits, struct slice head, struct request *r,
                         struct body *ret_body);

// Whether a request that asks before it sends its content (Expect) is answered without it: the
// answer does not depend on it, and after a refusal the client does not send it (RFC 9110
// section 10.1.1).
bool intake_declines_content(const struct request *r);

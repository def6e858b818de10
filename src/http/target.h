// The request target: which of its four forms it has, and its parts (RFC 9112 section 3.2).
#pragma once

#include "http/request.h"

// Reads r->target in the light of r->method; sets form, path, query, and the host when the target
// names one. Returns 0, or the status to refuse with: 400 (malformed, a form that this method does
// not have, a scheme that is not http), 421 (https: there is no TLS here).
int target_parse(struct request *r);

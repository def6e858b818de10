// The request target: which of its four forms it has, and its parts (RFC 9112 section 3.2).
#pragma once

#include "http/request.h"

// Reads r->target in the light of r->method; sets form, path, query, and the host when the target
// names one. False: malformed, or a form that this method does not have (400).
bool target_parse(struct request *r);

// The request target: which of its four forms it has, and its parts (RFC 9112 section 3.2).
#pragma once

#include "base/slice.h"
#include "http/reason.h"

enum target_form { TARGET_ORIGIN, TARGET_ABSOLUTE, TARGET_AUTHORITY, TARGET_ASTERISK };

struct request_target {
    enum target_form form;
    struct slice path;  // raw, begins with '/' (a literal one when an absolute target has none);
                        // empty for * and authority
    struct slice query; // what follows '?', without it; ptr NULL: there is no '?'
    struct slice host;  // of an absolute target or an authority; else ptr NULL
};

// Takes a target apart in the light of the method's name. Returns REASON_NONE, or the reason to
// refuse it for: it is malformed, in a form that the method does not have, or for another scheme
// than http. Path and query may hold bytes that no URI has, but no control byte, space or '#'. Of a
// target that is refused *ret may hold some parts.
enum reason target_parse(struct slice method, struct slice target, struct request_target *ret);

// Several ranges of a file as pieces (http/multipart.h).
#pragma once

#include "content/body_source.h"
#include "http/decision.h"
#include "http/multipart.h"

// The content `m` with the ranges of a decision. NULL: no memory.
struct body_source *ranges_body_new(const struct multipart *m, const struct decision *decision);

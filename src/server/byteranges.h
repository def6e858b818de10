// Several ranges of a file as pieces (http/multipart.h).
#pragma once

#include "http/decision.h"
#include "http/multipart.h"
#include "server/pieces.h"

// The content `m` with the ranges of a decision. NULL: no memory.
struct pieces *byteranges_new(const struct multipart *m, const struct decision *decision);

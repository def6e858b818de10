// The table of media types that is built in, so that a site works without any file. Pure.
#pragma once

#include "http/mime.h"

// As mime_find(), and text/plain for README, LICENSE and others that people read; empty when the
// type is not there.
struct slice mime_core_find(struct slice name);

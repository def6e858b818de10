// Another image of the program takes the place of a master in the world of masterworld.h: what
// exec(2) leaves of a process. Descriptors that are not to be kept are closed, and all memory of
// the image before is gone, wherever it was.
#pragma once

#include <stdbool.h>

// Runs `image`, and again for each time that it executes another: until it returns.
void masterexec_run(void (*image)(void));

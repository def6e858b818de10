// Shared by the programs of this folder.
#pragma once

#include <stdint.h>

// Time that only goes forward.
int64_t clock_ms(void);

// Says what failed, with errno, and ends with exit status 2.
_Noreturn void die(const char *what);

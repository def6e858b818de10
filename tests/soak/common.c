#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

_Noreturn void die(const char *what)
{
    perror(what);
    exit(2);
}

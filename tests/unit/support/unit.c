#include "unit.h"

size_t count_text(const char *in, const char *what)
{
    size_t count = 0;
    for (const char *at = in; at && (at = strstr(at, what)); at += strlen(what))
        count++;
    return count;
}

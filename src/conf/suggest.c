#include "conf/suggest.h"

#include "base/util.h"

#include <stdint.h>

enum { WORD_MAX = 64 };

size_t suggest_distance(struct slice a, struct slice b)
{
    // Rows of the usual table: two letters ago, one letter ago, now.
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    if (a.len > WORD_MAX || b.len > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        last[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t replace = last[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
            now[j] = MIN(replace, MIN(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
                now[j] = MIN(now[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b.len];
}

struct suggest suggest_for(struct slice word)
{
    return (struct suggest){word, NULL, MAX(word.len / 3, 1) + 1};
}

void suggest_offer(struct suggest *n, struct slice key, const char *answer)
{
    size_t distance = suggest_distance(n->word, key);
    if (distance < n->distance) {
        n->distance = distance;
        n->best = answer;
    }
}

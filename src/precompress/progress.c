#include "precompress/progress.h"

#include "base/util.h"
#include "sys/clock.h"

#include <stdio.h>
#include <unistd.h>

#define DRAW_INTERVAL 100 // ms
#define ERASE_LINE    "\r\033[K"

void progress_init(struct progress *p, bool enabled, uint64_t total, size_t jobs)
{
    *p = (struct progress){.enabled = enabled, .total = total, .jobs = jobs};
    pthread_mutex_init(&p->lock, NULL);
}

static void write_terminal(const char *text, int len)
{
    ssize_t n = write(STDERR_FILENO, text, (size_t)len);
    (void)n; // only decoration
}

static void erase(struct progress *p)
{
    if (p->drawn)
        write_terminal(ERASE_LINE, sizeof(ERASE_LINE) - 1);
    p->drawn = false;
}

char *progress_format(const struct progress *p, char line[static PROGRESS_LINE_MAX])
{
    // Files that are read again because they changed count twice.
    uint64_t percent = p->total ? MIN(p->done, p->total) * 100 / p->total : 100;
    if (p->finished < p->jobs)
        percent = MIN(percent, 99);
    snprintf(line, PROGRESS_LINE_MAX, "compressing: %zu of %zu, %u %%", p->finished, p->jobs,
             (unsigned)percent);
    return line;
}

static void draw(struct progress *p)
{
    char line[PROGRESS_LINE_MAX], text[PROGRESS_LINE_MAX + sizeof(ERASE_LINE)];
    int64_t now = p->enabled ? clock_now() : 0;
    if (!p->enabled || now < p->next_draw)
        return;
    p->next_draw = now + DRAW_INTERVAL;
    p->drawn = true;
    write_terminal(text, snprintf(text, sizeof(text), ERASE_LINE "%s", progress_format(p, line)));
}

void progress_add(struct progress *p, uint64_t bytes)
{
    pthread_mutex_lock(&p->lock);
    p->done += bytes;
    draw(p);
    pthread_mutex_unlock(&p->lock);
}

void progress_finish_job(struct progress *p)
{
    pthread_mutex_lock(&p->lock);
    p->finished++;
    draw(p);
    pthread_mutex_unlock(&p->lock);
}

void progress_hide(struct progress *p)
{
    pthread_mutex_lock(&p->lock);
    erase(p);
}

void progress_show(struct progress *p)
{
    draw(p);
    pthread_mutex_unlock(&p->lock);
}

void progress_cleanup(struct progress *p)
{
    erase(p);
    pthread_mutex_destroy(&p->lock);
}

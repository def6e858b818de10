#include "daemon/leftovers.h"

#include "base/util.h"
#include "sys/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct leftover {
    struct list link;
    struct leftovers *all;
    struct watches *watches;
    struct child child;
    struct timer end; // due at once, when an event of the wait cannot point here any more
};

static void free_leftover(struct leftover *one)
{
    list_remove(&one->link);
    timers_cancel(&one->end);
    if (one->child.pid)
        child_close(&one->child);
    one->all->count--;
    free(one);
}

static void on_end_told(void *context)
{
    free_leftover(context);
}

static void on_leftover_end(void *context, int status)
{
    struct leftover *one = context;
    (void)status; // it was told of when it was left
    child_close(&one->child);
    timers_set(&one->watches->timers, &one->end, one->watches->now);
}

void leftovers_init(struct leftovers *l)
{
    *l = (struct leftovers){.count = 0};
    list_init(&l->list);
}

void leftovers_note_port(struct leftovers *l, int fd)
{
    int *ports = realloc(l->ports, (l->port_count + 1) * sizeof(*ports));
    if (!ports)
        return;
    l->ports = ports;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (own >= 0)
        ports[l->port_count++] = own;
}

void leftovers_cleanup(struct leftovers *l)
{
    struct list *link;
    for (size_t i = 0; i < l->port_count; i++) {
        if (!systemd_has_manager())
            shutdown(l->ports[i], SHUT_RDWR);
        close(l->ports[i]);
    }
    free(l->ports);
    l->ports = NULL;
    l->port_count = 0;
    while ((link = list_first(&l->list)))
        free_leftover(CONTAINER_OF(link, struct leftover, link));
}

int leftovers_take(struct leftovers *l, struct watches *ws, struct child *c)
{
    struct leftover *one = calloc(1, sizeof(*one));
    if (!one)
        return -ENOMEM;
    child_unwatch(c);
    one->all = l;
    one->watches = ws;
    one->child = (struct child){.pid = c->pid, .pidfd = c->pidfd, .channel = c->channel};
    timers_make(&one->end, on_end_told, one);
    int r = child_watch(&one->child, ws, on_leftover_end, one);
    if (r < 0) {
        child_watch(c, ws, c->ended, c->context);
        free(one);
        return r;
    }
    list_append(&l->list, &one->link);
    l->count++;
    return 0;
}

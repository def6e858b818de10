#include "daemon/waiters.h"

#include "base/buf.h"
#include "base/log.h"
#include "daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void hear(void *context, const char *message)
{
    struct waiters *w = context;
    size_t len = strlen(w->faults);
    struct buf b = buf_make(w->faults + len, sizeof(w->faults) - 1 - len);
    if (len)
        buf_putc(&b, '\n');
    buf_puts(&b, message); // one that does not fit is in the log all the same
    w->faults[len + b.len] = '\0';
}

void waiters_listen(struct waiters *w)
{
    w->due = w->count;
    w->faults[0] = '\0';
    log_listen(hear, w);
}

int waiters_add(struct waiters *w, int fd)
{
    if (w->count == WAITERS_MAX)
        return -EBUSY;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (own < 0)
        return -errno;
    w->fds[w->count++] = own;
    return 0;
}

void waiters_tell(struct waiters *w, bool well, const char *text)
{
    const char *fault = w->faults[0] ? w->faults : text;
    log_listen(NULL, NULL);
    for (unsigned i = 0; i < w->due; i++) {
        control_answer(w->fds[i], well ? "result" : "error", well ? text : fault);
        close(w->fds[i]);
    }
    w->count -= w->due;
    memmove(w->fds, w->fds + w->due, w->count * sizeof(*w->fds));
    w->due = 0;
    w->faults[0] = '\0';
}

#include "daemon/control_waiters.h"

#include "base/buf.h"
#include "base/log.h"
#include "daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void hear(void *context, const char *message)
{
    struct control_waiters *w = context;
    size_t len = strlen(w->faults);
    struct buf b = buf_make(w->faults + len, sizeof(w->faults) - 1 - len);
    if (len)
        buf_putc(&b, '\n');
    buf_puts(&b, message); // one that does not fit is in the log all the same
    w->faults[len + b.len] = '\0';
}

void control_waiters_listen(struct control_waiters *w)
{
    w->due = w->count;
    w->faults[0] = '\0';
    log_listen(hear, w);
}

int control_waiters_add(struct control_waiters *w, int fd)
{
    if (w->count == CONTROL_WAITERS_MAX)
        return -EBUSY;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (own < 0)
        return -errno;
    w->fds[w->count++] = own;
    return 0;
}

void control_waiters_take_over(struct control_waiters *w, const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (w->count < CONTROL_WAITERS_MAX)
            w->fds[w->count++] = fds[i];
        else
            close(fds[i]);
    }
    control_waiters_listen(w);
}

void control_waiters_tell(struct control_waiters *w, bool well, const char *text)
{
    const char *kind = well ? "result" : w->faults[0] ? "logged" : "error";
    log_listen(NULL, NULL);
    for (unsigned i = 0; i < w->due; i++) {
        control_answer(w->fds[i], kind, well || !w->faults[0] ? text : w->faults);
        close(w->fds[i]);
    }
    w->count -= w->due;
    memmove(w->fds, w->fds + w->due, w->count * sizeof(*w->fds));
    w->due = 0;
    w->faults[0] = '\0';
}

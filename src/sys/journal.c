#include "sys/journal.h"

#include "base/buf.h"

#include <errno.h>

#ifdef HAVE_LIBSYSTEMD

#define SD_JOURNAL_SUPPRESS_LOCATION // it would name this file
#include <fcntl.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

// The socket of libsystemd. It reports success when nobody is there, as in a unit whose root has no
// such socket, though stderr leads to the journal.
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

#define FIELDS_MAX 10
#define TEXT_MAX   4096

// An entry: each field is "NAME=value" in the buffer.
struct entry {
    char text[TEXT_MAX];
    struct buf b;
    struct iovec fields[FIELDS_MAX];
    int count;
};

// Leaves a field out as a whole when it does not fit.
static void end_field(struct entry *e, size_t begin)
{
    if (!e->b.overflow)
        e->fields[e->count++] = (struct iovec){e->text + begin, e->b.len - begin};
    else
        e->b.len = begin;
    e->b.overflow = false;
}

static void add_text(struct entry *e, const char *name, const char *value)
{
    size_t begin = e->b.len;
    if (!value)
        return;
    buf_printf(&e->b, "%s=", name);
    buf_puts(&e->b, value);
    end_field(e, begin);
}

static void add_number(struct entry *e, const char *name, unsigned value)
{
    size_t begin = e->b.len;
    buf_printf(&e->b, "%s=%u", name, value);
    end_field(e, begin);
}

bool journal_log(const struct log_record *record)
{
    const struct event_fields *f = record->fields;
    struct entry e = {.count = 0};
    if (access(JOURNAL_SOCKET, W_OK) < 0)
        return false;
    e.b = buf_make(e.text, sizeof(e.text));
    add_text(&e, "MESSAGE", record->message);
    add_text(&e, "SYSLOG_IDENTIFIER", record->program);
    add_number(&e, "PRIORITY", record->priority);
    add_text(&e, "TINED_EVENT", record->event);
    add_text(&e, "MESSAGE_ID", record->message_id);
    add_text(&e, "TINED_SITE", f->site);
    if (f->generation)
        add_number(&e, "TINED_GENERATION", f->generation);
    if (f->pid) {
        add_number(&e, "TINED_WORKER", f->worker);
        add_number(&e, "TINED_WORKER_PID", (unsigned)f->pid);
    }
    if (f->error)
        add_number(&e, "ERRNO", (unsigned)f->error);
    return sd_journal_sendv(e.fields, e.count) == 0;
}

int journal_open_stream(const char *identifier)
{
    int fd = sd_journal_stream_fd(identifier, LOG_INFO, 0);
    if (fd >= 0)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

#else

bool journal_log(const struct log_record *record)
{
    (void)record;
    return false;
}

int journal_open_stream(const char *identifier)
{
    (void)identifier;
    return -ENOSYS;
}

#endif

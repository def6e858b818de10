#include "sys/listener_note.h"

#include "base/num.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72 // of asm-generic/socket.h, since 5.14
#endif
#ifndef TCP_TX_DELAY
#define TCP_TX_DELAY 37 // of linux/tcp.h, since 5.4
#endif

// How an option is read and set.
enum option_kind {
    PLAIN,   // getsockopt(2) and setsockopt(2)
    DEFAULT, // so, and where nobody has set it, it follows the system
    HALVED,  // an int, of which setsockopt makes the double (socket(7), SO_RCVBUF)
    CLAMP,   // 0 cannot be set; the largest means the same
    FILTER,  // the length of a filter, which can be taken away
    BACKLOG, // of listen(2)
    FLAGS,   // of the open file
};

#define NO_FIRST INT_MIN

// In the order in which they are set: one that changes others with it comes before these.
static const struct note_option {
    int level, name;
    const char *text;
    enum option_kind kind;
    int first; // what is set first, since it means "as if it had not been set"; NO_FIRST: nothing
} note_options[] = {
#define OPTION(level, name, kind, first) \
    {                                    \
        level, name, #name, kind, first  \
    }
    {0, 0, "O_NONBLOCK", FLAGS, NO_FIRST},
    {0, 0, "backlog", BACKLOG, NO_FIRST},
    OPTION(SOL_SOCKET, SO_ACCEPTCONN, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_ATTACH_FILTER, FILTER, NO_FIRST),
    OPTION(SOL_SOCKET, SO_LOCK_FILTER, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_BINDTODEVICE, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_REUSEADDR, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_REUSEPORT, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_KEEPALIVE, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_LINGER, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_OOBINLINE, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_DONTROUTE, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_ZEROCOPY, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_MAX_PACING_RATE, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_INCOMING_CPU, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_RCVLOWAT, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_RCVBUF, HALVED, NO_FIRST),
    OPTION(SOL_SOCKET, SO_SNDBUF, HALVED, NO_FIRST),
    OPTION(SOL_SOCKET, SO_BUF_LOCK, PLAIN, NO_FIRST),
    OPTION(IPPROTO_IP, IP_MINTTL, PLAIN, NO_FIRST),
    OPTION(IPPROTO_IP, IP_TTL, DEFAULT, -1),
    OPTION(IPPROTO_IP, IP_TOS, PLAIN, NO_FIRST),
    OPTION(IPPROTO_IP, IP_MTU_DISCOVER, PLAIN, NO_FIRST),
    OPTION(IPPROTO_IP, IP_OPTIONS, PLAIN, NO_FIRST),
    OPTION(IPPROTO_IP, IP_RECVERR, PLAIN, NO_FIRST),
    OPTION(IPPROTO_IPV6, IPV6_MINHOPCOUNT, PLAIN, NO_FIRST),
    OPTION(IPPROTO_IPV6, IPV6_UNICAST_HOPS, DEFAULT, -1),
    OPTION(IPPROTO_IPV6, IPV6_TCLASS, PLAIN, NO_FIRST),
    OPTION(IPPROTO_IPV6, IPV6_MTU_DISCOVER, PLAIN, NO_FIRST),
    OPTION(IPPROTO_IPV6, IPV6_RTHDR, PLAIN, NO_FIRST),
    OPTION(IPPROTO_IPV6, IPV6_RECVERR, PLAIN, NO_FIRST),
    OPTION(SOL_SOCKET, SO_PRIORITY, PLAIN, NO_FIRST),
    OPTION(IPPROTO_TCP, TCP_CONGESTION, PLAIN, NO_FIRST),
    OPTION(IPPROTO_TCP, TCP_NODELAY, PLAIN, NO_FIRST),
    OPTION(IPPROTO_TCP, TCP_CORK, PLAIN, NO_FIRST),
    OPTION(IPPROTO_TCP, TCP_MAXSEG, PLAIN, 0),
    OPTION(IPPROTO_TCP, TCP_WINDOW_CLAMP, CLAMP, NO_FIRST),
    OPTION(IPPROTO_TCP, TCP_KEEPIDLE, DEFAULT, NO_FIRST),
    OPTION(IPPROTO_TCP, TCP_KEEPINTVL, DEFAULT, NO_FIRST),
    OPTION(IPPROTO_TCP, TCP_KEEPCNT, DEFAULT, NO_FIRST),
    OPTION(IPPROTO_TCP, TCP_LINGER2, DEFAULT, 0),
    OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT, PLAIN, NO_FIRST),
    OPTION(IPPROTO_TCP, TCP_DEFER_ACCEPT, PLAIN, NO_FIRST),
    OPTION(IPPROTO_TCP, TCP_FASTOPEN, PLAIN, NO_FIRST),
    OPTION(IPPROTO_TCP, TCP_NOTSENT_LOWAT, PLAIN, NO_FIRST),
    OPTION(IPPROTO_TCP, TCP_SAVE_SYN, PLAIN, NO_FIRST),
    OPTION(IPPROTO_TCP, TCP_TX_DELAY, PLAIN, NO_FIRST),
#undef OPTION
};

_Static_assert(ARRAY_SIZE(note_options) == LISTENER_NOTE_OPTIONS, "a value for each option");

// ---- values ------------------------------------------------------------------------------------

static struct listener_note_value make_value(int number)
{
    struct listener_note_value v = {.len = sizeof(number)};
    memcpy(v.bytes, &number, sizeof(number));
    return v;
}

static int number_of(const struct listener_note_value *v)
{
    int number = 0;
    memcpy(&number, v->bytes, sizeof(number));
    return number;
}

static bool is_known(const struct listener_note_value *v)
{
    return v->len >= 0;
}

static bool is_equal(const struct listener_note_value *a, const struct listener_note_value *b)
{
    return a->len == b->len && (a->len < 0 || memcmp(a->bytes, b->bytes, (size_t)a->len) == 0);
}

// How long the queue may be (net/ipv4/tcp.c, tcp_get_info(): of a socket that listens).
static struct listener_note_value get_backlog(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
        return (struct listener_note_value){.len = -1};
    return make_value((int)info.tcpi_sacked);
}

// Asked with no room, the kernel says how long it is; of a program of BPF it says EACCES.
static struct listener_note_value get_filter(int fd)
{
    socklen_t len = 0;
    int r = getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &len);
    return make_value(r < 0 ? -1 : (int)len);
}

static struct listener_note_value get_value(int fd, const struct note_option *o)
{
    struct listener_note_value v = {.len = -1};
    socklen_t len = sizeof(v.bytes);
    if (o->kind == FLAGS)
        return make_value(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ASYNC));
    if (o->kind == BACKLOG)
        return get_backlog(fd);
    if (o->kind == FILTER)
        return get_filter(fd);
    if (getsockopt(fd, o->level, o->name, v.bytes, &len) == 0)
        v.len = (int)len;
    return v;
}

static bool does_listen(int fd)
{
    int listens = 0;
    socklen_t len = sizeof(listens);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens;
}

// One that listens no more would perhaps do so on another port.
static void set_backlog(int fd, int number)
{
    if (does_listen(fd))
        listen(fd, number);
}

static void set_value(int fd, const struct note_option *o, const struct listener_note_value *v)
{
    const int number = number_of(v), half = number / 2;
    if (o->kind == FLAGS)
        fcntl(fd, F_SETFL, (fcntl(fd, F_GETFL) & ~(O_NONBLOCK | O_ASYNC)) | number);
    else if (o->kind == BACKLOG)
        set_backlog(fd, number);
    else if (o->kind == FILTER)
        setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &number, sizeof(number));
    else if (o->kind == HALVED)
        setsockopt(fd, o->level, o->name, &half, sizeof(half));
    else
        setsockopt(fd, o->level, o->name, v->bytes, (socklen_t)v->len);
}

// ---- setting back ------------------------------------------------------------------------------

static int domain_of(int fd)
{
    int domain = 0;
    socklen_t len = sizeof(domain);
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len);
    return domain;
}

// Of a socket that nobody has set it on.
static struct listener_note_value get_default(int fd, const struct note_option *o)
{
    struct listener_note_value v = {.len = -1};
    int fresh = socket(domain_of(fd), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fresh >= 0) {
        v = get_value(fresh, o);
        close(fresh);
    }
    return v;
}

// Whether it has the value now.
static bool try_value(int fd, const struct note_option *o, const struct listener_note_value *value,
                      const struct listener_note_value *wanted)
{
    set_value(fd, o, value);
    const struct listener_note_value now = get_value(fd, o);
    return is_equal(&now, wanted);
}

static enum listener_note_result restore_value(int fd, const struct note_option *o,
                                               struct listener_note_value *noted)
{
    const struct listener_note_value now = get_value(fd, o), first = make_value(o->first);
    if (!is_known(noted) || is_equal(&now, noted))
        return LISTENER_NOTE_SAME;
    if (o->kind == DEFAULT) {
        const struct listener_note_value fresh = get_default(fd, o);
        if (is_equal(&now, &fresh)) {
            *noted = now;
            return LISTENER_NOTE_SAME;
        }
    }
    if (o->kind == CLAMP && number_of(noted) == 0)
        *noted = make_value(1 << 30);
    if (o->first != NO_FIRST && try_value(fd, o, &first, noted))
        return LISTENER_NOTE_RESTORED;
    return try_value(fd, o, noted, noted) ? LISTENER_NOTE_RESTORED : LISTENER_NOTE_SPOILT;
}

// Before 5.14 a buffer that somebody has set stays locked, and nobody can see it.
static bool stays_locked(const struct note_option *o, const struct listener_note *note)
{
    if (o->kind != HALVED)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(note_options); i++)
        if (note_options[i].name == SO_BUF_LOCK && note_options[i].level == SOL_SOCKET)
            return !is_known(&note->values[i]);
    return true;
}

enum listener_note_result listener_note_restore(int fd, struct listener_note *note,
                                                struct buf *ret_names)
{
    enum listener_note_result all = LISTENER_NOTE_SAME;
    size_t begun = ret_names->len;
    for (size_t i = 0; i < ARRAY_SIZE(note_options); i++) {
        const struct note_option *o = &note_options[i];
        enum listener_note_result r = restore_value(fd, o, &note->values[i]);
        if (r == LISTENER_NOTE_RESTORED && stays_locked(o, note))
            r = LISTENER_NOTE_SPOILT;
        if (r > all) {
            all = r;
            ret_names->len = begun; // the names of the worse result alone
        }
        if (r == all && r != LISTENER_NOTE_SAME)
            buf_printf(ret_names, "%s%s", ret_names->len > begun ? ", " : "", o->text);
    }
    return all;
}

// ---- notes -------------------------------------------------------------------------------------

bool listener_note_applies(int fd)
{
    int domain = domain_of(fd);
    return domain == AF_INET || domain == AF_INET6;
}

void listener_note_take(int fd, struct listener_note *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(note_options); i++)
        ret->values[i] = get_value(fd, &note_options[i]);
}

void listener_note_format(struct buf *b, const struct listener_note *note)
{
    const size_t begun = b->len;
    for (size_t i = 0; i < ARRAY_SIZE(note_options); i++) {
        const struct listener_note_value *v = &note->values[i];
        if (!is_known(v))
            continue;
        buf_printf(b, "%s%s=", b->len > begun ? " " : "", note_options[i].text);
        for (int at = 0; at < v->len; at++)
            buf_printf(b, "%02x", v->bytes[at]);
    }
}

static bool parse_value(struct slice hex, struct listener_note_value *ret)
{
    struct listener_note_value v = {.len = (int)MIN(hex.len / 2, sizeof(v.bytes))};
    if (hex.len % 2 || hex.len > 2 * sizeof(v.bytes))
        return false;
    for (int i = 0; i < v.len; i++) {
        uint64_t byte;
        if (!num_parse_hex(slice_make(hex.ptr + 2 * i, 2), UINT8_MAX, &byte))
            return false;
        v.bytes[i] = (unsigned char)byte;
    }
    *ret = v;
    return true;
}

bool listener_note_parse(struct slice line, struct listener_note *ret)
{
    struct listener_note note;
    for (size_t i = 0; i < ARRAY_SIZE(note_options); i++)
        note.values[i] = (struct listener_note_value){.len = -1};
    if (!line.ptr)
        return false;
    while (line.ptr) {
        struct slice value = slice_split(&line, ' ');
        struct slice name = slice_split(&value, '=');
        struct listener_note_value v;
        if (!value.ptr || !parse_value(value, &v))
            return false;
        for (size_t i = 0; i < ARRAY_SIZE(note_options); i++)
            if (slice_equal(name, slice_of(note_options[i].text)))
                note.values[i] = v;
    }
    *ret = note;
    return true;
}

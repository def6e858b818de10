// To be preloaded (LD_PRELOAD) into the server: connections are handed over as by another version
// of the program, OTHER_VERSION. The "newer" one knows more keys, the "older" one fewer; and its
// workers have one pair of sockets for all by which they hand over, so that its master does not say
// that they know others.
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

// As in server/handoff_record.c and server/access_record.h.
#define BEGINNING 12
#define ACCESS    33

static const char begin[] = "tine";
static const uint16_t later_in_record[] = {5, 7, 8, 9}; // requests, sent, due, since
static const uint16_t later_in_access[] = {4, 17};      // referer, started

static _Thread_local char whole[1 << 19], message[1 << 19];

struct item {
    uint16_t key;
    uint32_t len;
} __attribute__((packed));

static bool is_newer(void)
{
    const char *version = getenv("OTHER_VERSION");
    return version && strcmp(version, "newer") == 0;
}

static bool is_left_out(uint16_t key, const uint16_t *later, size_t count)
{
    for (size_t i = 0; !is_newer() && i < count; i++)
        if (later[i] == key)
            return true;
    return false;
}

static char *put_item(char *to, uint16_t key, const char *value, size_t len)
{
    const struct item item = {key, (uint32_t)len};
    memcpy(to, &item, sizeof(item));
    memmove(to + sizeof(item), value, len);
    return to + sizeof(item) + len;
}

static char *put_unknown(char *to, uint16_t key)
{
    return is_newer() ? put_item(to, key, "unknown", strlen("unknown")) : to;
}

// Writes the items from `at` to `end` as the other version has them; returns the end of what it
// wrote.
static char *put_items(char *to, const char *at, const char *end, bool is_access)
{
    const uint16_t *later = is_access ? later_in_access : later_in_record;
    size_t count = is_access ? sizeof(later_in_access) / sizeof(*later_in_access)
                             : sizeof(later_in_record) / sizeof(*later_in_record);
    to = put_unknown(to, 999);
    while (at < end) {
        struct item item;
        memcpy(&item, at, sizeof(item));
        const char *value = at + sizeof(item);
        at = value + item.len;
        if (item.key == ACCESS && !is_access) {
            char *inner = put_items(to + sizeof(item), value, at, true);
            to = put_item(to, item.key, to + sizeof(item), (size_t)(inner - to) - sizeof(item));
        } else if (!is_left_out(item.key, later, count)) {
            to = put_item(to, item.key, value, item.len);
        }
    }
    return put_unknown(to, 1000);
}

static size_t join(const struct msghdr *m)
{
    size_t len = 0;
    for (size_t i = 0; i < m->msg_iovlen; i++) {
        memcpy(whole + len, m->msg_iov[i].iov_base, m->msg_iov[i].iov_len);
        len += m->msg_iov[i].iov_len;
    }
    return len;
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    ssize_t (*real)(int, const struct msghdr *, int);
    *(void **)&real = dlsym(RTLD_NEXT, "sendmsg");
    if (!m->msg_controllen || !m->msg_iovlen || m->msg_iov[0].iov_len < BEGINNING ||
        memcmp(m->msg_iov[0].iov_base, begin, strlen(begin)) != 0)
        return real(fd, m, flags);
    size_t len = join(m);
    memcpy(message, whole, BEGINNING);
    char *end = put_items(message + BEGINNING, whole + BEGINNING, whole + len, false);
    const uint32_t changed = (uint32_t)(end - message);
    memcpy(message + 8, &changed, sizeof(changed));
    struct iovec part = {message, changed};
    struct msghdr other = *m;
    other.msg_iov = &part;
    other.msg_iovlen = 1;
    return real(fd, &other, flags);
}

// Writes a line of the state as the older master has it: without what stands behind the fifth
// number of a worker. Returns the end of what it wrote.
static char *put_line(char *to, const char *line, size_t len)
{
    static const char word[] = "worker ";
    size_t spaces = 0, keep = 0;
    bool is_worker = len > strlen(word) && memcmp(line, word, strlen(word)) == 0;
    while (keep < len && line[keep] != '\n' && !(is_worker && line[keep] == ' ' && ++spaces > 5))
        keep++;
    memcpy(to, line, keep);
    to[keep] = '\n';
    return to + keep + 1;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    static const char first[] = "tined-state ";
    ssize_t (*real)(int, const void *, size_t, off_t);
    *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    if (is_newer() || size < strlen(first) || memcmp(data, first, strlen(first)) != 0 ||
        size > sizeof(message))
        return real(fd, data, size, offset);
    char *end = message;
    for (const char *at = data; at < (const char *)data + size;) {
        const char *next = (const char *)memchr(at, '\n',
                                                (size_t)((const char *)data + size - at)) +
                           1;
        end = put_line(end, at, (size_t)(next - at));
        at = next;
    }
    ssize_t n = real(fd, message, (size_t)(end - message), offset);
    return n == end - message ? (ssize_t)size : -1;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
    __attribute__((alias("pwrite64")));

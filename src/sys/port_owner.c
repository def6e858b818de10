#include "sys/port_owner.h"

#include "base/num.h"
#include "base/slice.h"
#include "base/util.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Bounds of the search: a prefork server with SO_REUSEPORT has a socket per process; a machine may
// have millions of descriptors, and an error message is not worth minutes.
enum { MAX_INODES = 256, MAX_DESCRIPTORS = 1 << 20, MAX_NAMESAKES = 1024 };

struct inodes {
    uint64_t all[MAX_INODES];
    size_t count;
};

struct holders {
    unsigned count;
    unsigned lowest_pid;
    unsigned pids[MAX_INODES]; // of the first so many
};

// ---- /proc/net: the inodes of the sockets ------------------------------------------------------

// The lines of a table, after its heading; `match` gives the inode of one that counts, else 0.
static void read_table(const char *proc, const char *name, const struct endpoint *e,
                       uint64_t (*match)(char *line, const struct endpoint *e),
                       struct inodes *found)
{
    char path[PATH_MAX];
    char *line = NULL;
    size_t size = 0;

    snprintf(path, sizeof(path), "%s/net/%s", proc, name);
    FILE *f = fopen(path, "re");
    if (!f)
        return;
    while (found->count < MAX_INODES && getline(&line, &size, f) > 0) {
        uint64_t inode = match(line, e);
        if (inode)
            found->all[found->count++] = inode;
    }
    free(line);
    fclose(f);
}

// "   0: 0100007F:1F90 00000000:0000 0A …": the addresses are words in the machine's byte order,
// 0A is TCP_LISTEN. The inode is the tenth column. Returns 0 for any other line.
static uint64_t parse_tcp_line(const char *line, char address[static 33], unsigned *ret_port)
{
    unsigned state;
    uint64_t inode;
    if (sscanf(line, " %*u: %32[0-9A-F]:%4x %*[0-9A-F]:%*x %2x %*s %*s %*s %*s %*s %" SCNu64,
               address, ret_port, &state, &inode) != 4)
        return 0;
    return state == 0x0A ? inode : 0;
}

// Puts `count` words of hexadecimal text into `words`.
static bool parse_words(const char *text, uint32_t *words, size_t count)
{
    if (strlen(text) != 8 * count)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint64_t word;
        if (!num_parse_hex(slice_make(text + 8 * i, 8), UINT32_MAX, &word))
            return false;
        words[i] = (uint32_t)word;
    }
    return true;
}

static uint64_t match_tcp4(char *line, const struct endpoint *e)
{
    char address[33];
    unsigned port;
    struct endpoint other = {.len = sizeof(other.in), .in = {.sin_family = AF_INET}};
    uint64_t inode = parse_tcp_line(line, address, &port);
    if (inode == 0 || !parse_words(address, &other.in.sin_addr.s_addr, 1))
        return 0;
    other.in.sin_port = htons((uint16_t)port);
    return endpoint_overlaps(e, &other) ? inode : 0;
}

static uint64_t match_tcp6(char *line, const struct endpoint *e)
{
    char address[33];
    unsigned port;
    struct endpoint other = {.len = sizeof(other.in6), .in6 = {.sin6_family = AF_INET6}};
    uint64_t inode = parse_tcp_line(line, address, &port);
    if (inode == 0 || !parse_words(address, other.in6.sin6_addr.s6_addr32, 4))
        return 0;
    other.in6.sin6_port = htons((uint16_t)port);
    if (e->sa.sa_family == AF_INET) {
        // A socket on [::] that is not IPV6_V6ONLY holds the port of IPv4 too.
        struct endpoint any = {.len = sizeof(any.in), .in = {.sin_family = AF_INET}};
        any.in.sin_port = other.in6.sin6_port;
        if (IN6_IS_ADDR_UNSPECIFIED(&other.in6.sin6_addr))
            other = any;
    } else {
        other.in6.sin6_scope_id = e->in6.sin6_scope_id; // the table does not have it
    }
    return endpoint_overlaps(e, &other) ? inode : 0;
}

// "0000000000000000: 00000002 00000000 00010000 0001 01 12345 /run/http.sock": flag 10000 is a
// listening one; the name stands at the end, with '@' for each NUL of an abstract one.
static uint64_t match_unix(char *line, const struct endpoint *e)
{
    char name[ENDPOINT_TEXT_MAX];
    unsigned flags;
    uint64_t inode;
    int name_at = 0;
    if (sscanf(line, "%*x: %*x %*x %x %*x %*x %" SCNu64 " %n", &flags, &inode, &name_at) != 2 ||
        !(flags & 0x10000) || name_at == 0)
        return 0;
    line[strcspn(line, "\n")] = '\0';
    return strcmp(line + name_at, endpoint_format(e, name) + strlen("unix:")) == 0 ? inode : 0;
}

static void find_inodes(const char *proc, const struct endpoint *e, struct inodes *found)
{
    switch (e->sa.sa_family) {
    case AF_INET:
        read_table(proc, "tcp", e, match_tcp4, found);
        // Only then: the table of IPv6 does not tell which ones are IPV6_V6ONLY.
        if (found->count == 0)
            read_table(proc, "tcp6", e, match_tcp6, found);
        break;
    case AF_INET6:
        read_table(proc, "tcp6", e, match_tcp6, found);
        break;
    default:
        read_table(proc, "unix", e, match_unix, found);
    }
}

// ---- /proc/PID/fd: who has them open -----------------------------------------------------------

static bool is_one_of(const char *link, const struct inodes *sockets)
{
    uint64_t inode;
    if (sscanf(link, "socket:[%" SCNu64 "]", &inode) != 1)
        return false;
    for (size_t i = 0; i < sockets->count; i++)
        if (sockets->all[i] == inode)
            return true;
    return false;
}

static bool process_holds(const char *proc, unsigned pid, const struct inodes *sockets,
                          unsigned *budget)
{
    char path[PATH_MAX], link[64];
    bool holds = false;

    snprintf(path, sizeof(path), "%s/%u/fd", proc, pid);
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    for (struct dirent *d = readdir(dir); d && !holds && *budget > 0; d = readdir(dir)) {
        ssize_t n = readlinkat(dirfd(dir), d->d_name, link, sizeof(link) - 1);
        (*budget)--;
        if (n > 0) {
            link[n] = '\0';
            holds = is_one_of(link, sockets);
        }
    }
    closedir(dir);
    return holds;
}

static struct holders find_holders(const char *proc, const struct inodes *sockets)
{
    struct holders found = {0, UINT_MAX, {0}};
    unsigned budget = MAX_DESCRIPTORS;
    DIR *dir = sockets->count ? opendir(proc) : NULL;
    if (!dir)
        return found;
    for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
        uint64_t pid;
        if (!num_parse_dec(slice_of(d->d_name), INT_MAX, &pid) ||
            !process_holds(proc, (unsigned)pid, sockets, &budget))
            continue;
        if (found.count < MAX_INODES)
            found.pids[found.count] = (unsigned)pid;
        found.count++;
        found.lowest_pid = MIN(found.lowest_pid, (unsigned)pid);
    }
    closedir(dir);
    return found;
}

// A process chooses its own name: no control byte of it goes into a message.
static void read_process_name(const char *proc, unsigned pid, char *name, size_t size)
{
    char path[PATH_MAX];
    ssize_t n = -1;
    snprintf(path, sizeof(path), "%s/%u/comm", proc, pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, name, size - 1);
        close(fd);
    }
    if (n > 0 && name[n - 1] == '\n')
        n--;
    if (n <= 0) {
        snprintf(name, size, "a process");
        return;
    }
    name[n] = '\0';
    for (char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
}

char *port_owner_find_in(const char *proc, const struct endpoint *e,
                         char text[static PORT_OWNER_TEXT_MAX])
{
    struct inodes sockets = {.count = 0};
    char name[64];

    find_inodes(proc, e, &sockets);
    const struct holders found = find_holders(proc, &sockets);
    if (found.count == 0)
        return strcpy(text, "unknown");
    read_process_name(proc, found.lowest_pid, name, sizeof(name));
    int n = snprintf(text, PORT_OWNER_TEXT_MAX, "%s (pid %u)", name, found.lowest_pid);
    if (found.count > 1)
        snprintf(text + n, PORT_OWNER_TEXT_MAX - (size_t)n, " and %u more", found.count - 1);
    return text;
}

char *port_owner_find(const struct endpoint *e, char text[static PORT_OWNER_TEXT_MAX])
{
    return port_owner_find_in("/proc", e, text);
}

// ---- processes of one name, and their parents --------------------------------------------------

struct namesakes {
    struct {
        unsigned pid, parent;
    } all[MAX_NAMESAKES];
    size_t count;
};

// "812 (nginx) S 1 …": the name may have spaces and brackets of its own. False: there is no such
// process.
static bool read_stat(const char *proc, unsigned pid, char *name, size_t size, unsigned *ret_parent)
{
    char path[PATH_MAX], text[256];
    snprintf(path, sizeof(path), "%s/%u/stat", proc, pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[MAX(n, 0)] = '\0';
    char *begin = strchr(text, '('), *end = strrchr(text, ')');
    if (!begin || !end || sscanf(end, ") %*c %u", ret_parent) != 1)
        return false;
    *end = '\0';
    snprintf(name, size, "%s", begin + 1);
    return true;
}

// All processes of the name that `self` has.
static void find_namesakes(const char *proc, unsigned self, struct namesakes *found)
{
    char name[64], other[64];
    unsigned parent;
    uint64_t pid;
    found->count = 0;
    DIR *dir = read_stat(proc, self, name, sizeof(name), &parent) ? opendir(proc) : NULL;
    if (!dir)
        return;
    for (struct dirent *d = readdir(dir); d && found->count < MAX_NAMESAKES; d = readdir(dir)) {
        if (!num_parse_dec(slice_of(d->d_name), INT_MAX, &pid) ||
            !read_stat(proc, (unsigned)pid, other, sizeof(other), &parent) ||
            strcmp(name, other) != 0)
            continue;
        found->all[found->count].pid = (unsigned)pid;
        found->all[found->count++].parent = parent;
    }
    closedir(dir);
}

static unsigned parent_of(const struct namesakes *ns, unsigned pid)
{
    for (size_t i = 0; i < ns->count; i++)
        if (ns->all[i].pid == pid)
            return ns->all[i].parent;
    return 0;
}

// It is one, and neither a worker whose master lives nor a master whose workers do.
static bool is_left_behind(const struct namesakes *ns, unsigned pid)
{
    unsigned parent = parent_of(ns, pid);
    if (parent == 0 || parent_of(ns, parent) != 0)
        return false;
    for (size_t i = 0; i < ns->count; i++)
        if (ns->all[i].parent == pid)
            return false;
    return true;
}

bool port_owner_is_left_in(const char *proc, pid_t self, const struct endpoint *e)
{
    struct inodes sockets = {.count = 0};
    struct namesakes namesakes;
    find_namesakes(proc, (unsigned)self, &namesakes);
    find_inodes(proc, e, &sockets);
    const struct holders holders = find_holders(proc, &sockets);
    for (unsigned i = 0; i < MIN(holders.count, (unsigned)MAX_INODES); i++)
        if (holders.pids[i] == (unsigned)self || !is_left_behind(&namesakes, holders.pids[i]))
            return false;
    bool left = holders.count > 0;
    for (size_t i = 0; i < namesakes.count && !left; i++)
        left = namesakes.all[i].pid != (unsigned)self &&
               is_left_behind(&namesakes, namesakes.all[i].pid);
    return left;
}

bool port_owner_is_left(const struct endpoint *e)
{
    return port_owner_is_left_in("/proc", getpid(), e);
}

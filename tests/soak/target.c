#include "target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static bool parse_unix(const char *name, struct target *t)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&t->address;
    if (strlen(name) >= sizeof(un->sun_path))
        return false;
    un->sun_family = AF_UNIX;
    strcpy(un->sun_path, name);
    t->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    if (name[0] == '@') // an abstract name
        un->sun_path[0] = '\0';
    return true;
}

bool target_parse(const char *text, struct target *ret)
{
    struct target t = {.len = 0};
    struct sockaddr_in *in4 = (struct sockaddr_in *)&t.address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&t.address;
    const char *colon = strrchr(text, ':');
    char host[64];
    bool good;
    if (strncmp(text, "unix:", 5) == 0) {
        good = parse_unix(text + 5, &t);
        *ret = t;
        return good;
    }
    bool bracketed = text[0] == '[';
    int len = colon ? (int)(colon - text) - 2 * bracketed : -1;
    if (len < 0 || len >= (int)sizeof(host))
        return false;
    snprintf(host, sizeof(host), "%.*s", len, text + bracketed);
    in_port_t port = htons((uint16_t)atoi(colon + 1));
    if (bracketed) {
        *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
        t.len = sizeof(*in6);
        good = inet_pton(AF_INET6, host, &in6->sin6_addr) == 1;
    } else {
        *in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
        t.len = sizeof(*in4);
        good = inet_pton(AF_INET, host, &in4->sin_addr) == 1;
    }
    *ret = t;
    return good;
}

int target_connect(const struct target *t, int buffer, int *ret_error)
{
    int fd = socket(t->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *ret_error = 0;
    if (fd >= 0 && buffer)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&t->address, t->len) < 0 &&
        errno != EINPROGRESS)
        *ret_error = errno;
    return fd;
}

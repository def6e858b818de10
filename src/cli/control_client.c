#include "cli/control_client.h"

#include "base/util.h"
#include "base/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

// Longer than any answer may take: a reload may wait for another, each for 30 s, or for an upgrade.
#define PATIENCE 100 // s

static int connect_to(const char *path)
{
    const struct timeval patience = {.tv_sec = PATIENCE};
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(to.sun_path))
        return -ENAMETOOLONG;
    strcpy(to.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
        connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static int send_request(int fd, struct slice data)
{
    while (data.len) {
        ssize_t n = send(fd, data.ptr, data.len, MSG_NOSIGNAL);
        // One that refuses the request may answer before it has read it all.
        if (n < 0 && errno == EPIPE)
            return 0;
        if (n < 0 && errno != EINTR)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        data = slice_skip(data, (size_t)MAX(n, 0));
    }
    return shutdown(fd, SHUT_WR) < 0 && errno != ENOTCONN ? -errno : 0;
}

int control_client_receive(int fd, struct buf *answer)
{
    for (;;) {
        ssize_t n = recv(fd, answer->data + answer->len, answer->cap - answer->len, 0);
        if (n == 0)
            return answer->len == answer->cap ? -EMSGSIZE : 0;
        if (n < 0 && errno != EINTR)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        answer->len += (size_t)MAX(n, 0);
    }
}

// Of a connection the peer is who called listen() (unix(7)).
static pid_t peer_of(int fd)
{
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? peer.pid : 0;
}

int control_client_ask(const char *socket_path, struct slice request, struct buf *answer,
                       pid_t *ret_server)
{
    int fd = connect_to(socket_path);
    if (fd < 0)
        return fd;
    if (ret_server)
        *ret_server = peer_of(fd);
    int r = send_request(fd, request);
    if (r == 0)
        r = control_client_receive(fd, answer);
    close(fd);
    return r;
}

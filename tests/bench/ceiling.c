// The bare ceiling of the benchmark: what the kernel charges for receiving and answering, and
// nothing else. One process and one level-triggered epoll loop, with the socket options of tined.
// It parses nothing: for each blank line that comes in, the same answer goes out.
//
// usage: ceiling --port PORT --answer FILE [--content FILE] [--close]
//   --answer   the bytes of the answer; with --content its head alone
//   --content  what follows the head, sent from the file by sendfile
//   --close    close each connection after one answer
#include "arguments.h"
#include "common.h"

#include "base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVENTS      64
#define COPIES      16 // of the answer in a row, so that pipelined ones leave at once
#define CONNECTIONS 65536
#define TAIL        2 // bytes of a blank line that may have come before the rest of it

static struct {
    bool close;
    char *head; // COPIES of it when nothing follows from a file
    size_t head_len;
    int content; // descriptor, -1: none
    uint64_t content_len;
} answer = {.content = -1};

struct conn {
    uint64_t left; // bytes to send: of answers in a row, the last one whole
    char tail[TAIL];
    bool stuck; // waits for room
};

static struct conn conns[CONNECTIONS]; // by descriptor
static char input[TAIL + (64u << 10)];
static int poller, listener;

// ---- sending -----------------------------------------------------------------------------------

static void set_interest(int op, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(poller, op, fd, &event) < 0)
        die("epoll_ctl");
}

// Sends a part of what is left. Returns its length, or -1 with errno.
static ssize_t send_some(int fd, uint64_t left)
{
    uint64_t whole = answer.head_len + answer.content_len;
    uint64_t at = left % whole ? whole - left % whole : 0;
    if (answer.content < 0)
        return send(fd, answer.head + at, MIN(left, whole * COPIES - at), MSG_NOSIGNAL);
    if (at < answer.head_len)
        return send(fd, answer.head + at, answer.head_len - at, MSG_NOSIGNAL | MSG_MORE);
    off_t offset = (off_t)(at - answer.head_len);
    return sendfile(fd, answer.content, &offset, whole - at);
}

// Sends what is left until the socket is full. Returns false when the connection is at its end.
static bool push(int fd)
{
    struct conn *c = &conns[fd];
    while (c->left) {
        ssize_t n = send_some(fd, c->left);
        if (n < 0)
            return errno == EAGAIN;
        c->left -= (uint64_t)n;
    }
    return !answer.close;
}

// ---- receiving ---------------------------------------------------------------------------------

static unsigned blank_lines(const char *p, const char *end)
{
    unsigned count = 0;
    while ((p = memchr(p, '\n', (size_t)(end - p))) && end - ++p >= 2)
        count += p[0] == '\r' && p[1] == '\n';
    return count;
}

// Receives once and answers. Returns false when the connection is at its end.
static bool serve(int fd)
{
    struct conn *c = &conns[fd];
    ssize_t n = recv(fd, input + TAIL, sizeof(input) - TAIL, 0);
    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    memcpy(input, c->tail, TAIL);
    memcpy(c->tail, input + n, TAIL);
    c->left += blank_lines(input, input + TAIL + n) * (answer.head_len + answer.content_len);
    return push(fd);
}

static void on_ready(int fd)
{
    struct conn *c = &conns[fd];
    if (!(c->stuck ? push(fd) : serve(fd))) {
        close(fd);
    } else if (c->stuck != (c->left > 0)) {
        c->stuck = !c->stuck;
        set_interest(EPOLL_CTL_MOD, fd, c->stuck ? EPOLLOUT : EPOLLIN);
    }
}

static void accept_all(void)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= CONNECTIONS) {
            close(fd);
            continue;
        }
        conns[fd] = (struct conn){0};
        // Its request is there already (TCP_DEFER_ACCEPT).
        if (!serve(fd)) {
            close(fd);
            continue;
        }
        conns[fd].stuck = conns[fd].left > 0;
        set_interest(EPOLL_CTL_ADD, fd, conns[fd].stuck ? EPOLLOUT : EPOLLIN);
    }
}

// ---- starting ----------------------------------------------------------------------------------

static void set_option(int level, int name, int value)
{
    if (setsockopt(listener, level, name, &value, sizeof(value)) < 0)
        die("setsockopt");
}

// With the options that tined sets (sys/listener.c).
static void listen_on(const struct sockaddr_in *address)
{
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    set_option(SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
    if (bind(listener, (const struct sockaddr *)address, sizeof(*address)) < 0)
        die("bind");
    if (listen(listener, 4096) < 0)
        die("listen");
}

static int open_file(const char *path, uint64_t *ret_size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        die(path);
    *ret_size = (uint64_t)st.st_size;
    return fd;
}

static void read_head(const char *path)
{
    uint64_t size;
    int fd = open_file(path, &size);
    answer.head_len = size;
    answer.head = malloc(size * COPIES);
    for (unsigned i = 0; i < COPIES; i++)
        if (!answer.head || pread(fd, answer.head + i * size, size, 0) != (ssize_t)size)
            die(path);
    close(fd);
}

static void open_content(const char *path)
{
    answer.content = open_file(path, &answer.content_len);
}

static void read_arguments(int argc, char **argv)
{
    static struct sockaddr_in address;
    static const struct argument arguments[] = {
        {.name = "port", .port = &address},
        {.name = "answer", .take = read_head},
        {.name = "content", .take = open_content},
        {.name = "close", .flag = &answer.close},
    };
    if (!arguments_read(argc, argv, arguments, ARRAY_SIZE(arguments)) || !address.sin_port ||
        !answer.head_len) {
        fprintf(stderr, "usage: ceiling --port PORT --answer FILE [--content FILE] [--close]\n");
        exit(2);
    }
    listen_on(&address);
}

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    signal(SIGPIPE, SIG_IGN); // sendfile has no MSG_NOSIGNAL
    poller = epoll_create1(EPOLL_CLOEXEC);
    set_interest(EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_all();
            else
                on_ready(events[i].data.fd);
        }
    }
}

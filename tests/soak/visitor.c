#include "visitor.h"

#include "answer.h"
#include "common.h"

#include "base/util.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SMALL  600
#define MEDIUM 20000
#define HOST   "Host: localhost\r\n"

#define PATIENCE 20000 // ms until an answer will never come
#define AT_ONCE  128   // connections being made

#define READ_SIZE  (48u << 10) // of a slow reader,
#define READ_PAUSE 25          // each so many ms

static const char *const page_names[] = {"small.bin", "medium.bin", "large.bin"};

struct scene scene = {.random_state = 1};

static uint32_t random_below(uint32_t n)
{
    scene.random_state ^= scene.random_state << 13;
    scene.random_state ^= scene.random_state >> 7;
    scene.random_state ^= scene.random_state << 17;
    return (uint32_t)((scene.random_state >> 11) % n);
}

char visitor_pattern(uint64_t i)
{
    return (char)('a' + (i + i / 251 + i / 65521) % 26);
}

// ---- coming and going --------------------------------------------------------------------------

static void leave(struct visitor *v)
{
    if (!v->connected)
        scene.connecting--;
    close(v->fd);
    free(v->out);
    const enum role role = v->role;
    const bool came = v->came;
    *v = (struct visitor){.fd = -1, .role = role, .came = came, .wake = scene.now + 1};
}

static void note(const struct visitor *v, enum cause cause)
{
    scene.totals.causes[cause]++;
    scene.totals.by_role[v->role][cause]++;
}

static void fail(struct visitor *v, enum cause cause)
{
    note(v, cause);
    scene.totals.failures++;
    leave(v);
    v->wake = scene.now + 10 + random_below(40);
}

static bool is_idle(const struct visitor *v)
{
    return v->awaited_count == 0 && v->out_sent == v->out_len;
}

static void fail_end(struct visitor *v, bool reset)
{
    if (v->in_body || v->head_len)
        fail(v, CAUSE_SHORT);
    else if (!v->answered)
        fail(v, CAUSE_TURNED);
    else if (reset)
        fail(v, CAUSE_RESET);
    else
        fail(v, is_idle(v) || (v->awaited_count == 0 && v->out_sent == 0) ? CAUSE_CLOSED
                                                                          : CAUSE_RACED);
}

static void settle(struct visitor *v)
{
    if (v->fd < 0)
        return;
    bool writes = !v->connected || (v->out_sent < v->out_len && v->wake <= scene.now);
    bool reads = v->connected && (v->role != DOWNLOADING || v->wake <= scene.now || !v->in_body);
    uint32_t interest = (writes ? EPOLLOUT : 0u) | (reads ? EPOLLIN : 0u);
    if (interest == v->interest)
        return;
    struct epoll_event event = {.events = interest, .data.ptr = v};
    if (epoll_ctl(scene.poller, EPOLL_CTL_MOD, v->fd, &event) < 0)
        die("epoll_ctl");
    v->interest = interest;
}

static void come(struct visitor *v)
{
    // The server is to keep all that a slow reader has not read yet.
    int error, buffer = v->role == DOWNLOADING ? READ_SIZE : 0;
    int fd = target_connect(&scene.targets[scene.next_target++ % scene.target_count], buffer,
                            &error);
    if (fd < 0)
        die("socket");
    if (error) {
        // A full queue of a UNIX socket is no refusal: a TCP client would wait as well.
        if (error != EAGAIN)
            note(v, CAUSE_REFUSED);
        close(fd);
        scene.next_target--; // the same again
        v->wake = scene.now + (error == EAGAIN ? 2 : 20);
        return;
    }
    v->fd = fd;
    v->connected = v->at_rest = false;
    v->wake = 0;
    v->interest = EPOLLOUT;
    v->asked = scene.now;
    scene.connecting++;
    struct epoll_event event = {.events = v->interest, .data.ptr = v};
    if (epoll_ctl(scene.poller, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

// ---- asking ------------------------------------------------------------------------------------

static void put_request(struct visitor *v, enum page page, size_t padding, const char *field)
{
    char line[200];
    int n = snprintf(line, sizeof(line), "GET /%s HTTP/1.1\r\n" HOST "%s", page_names[page], field);
    v->out = realloc(v->out, v->out_len + (size_t)n + padding + 20);
    assert(v->out);
    memcpy(v->out + v->out_len, line, (size_t)n);
    v->out_len += (size_t)n;
    if (padding) {
        memcpy(v->out + v->out_len, "X-Pad: ", 7);
        memset(v->out + v->out_len + 7, 'x', padding);
        memcpy(v->out + v->out_len + 7 + padding, "\r\n", 2);
        v->out_len += padding + 9;
    }
    memcpy(v->out + v->out_len, "\r\n", 2);
    v->out_len += 2;
    v->awaited[v->awaited_count++] = page;
}

// Begins what its role does next.
static void ask(struct visitor *v)
{
    v->out_len = v->out_sent = v->halt = 0;
    v->at_rest = v->noted_slow = false;
    v->wake = 0;
    v->asked = scene.now;
    switch (v->role) {
    case PIPELINING:
        for (int i = 0; i < PIPELINE; i++)
            put_request(v, random_below(4) ? PAGE_SMALL : PAGE_MEDIUM, 0, "");
        break;
    case HALTING:
        // Some of them with more than a small block of the server holds.
        put_request(v, PAGE_SMALL, random_below(4) ? 0 : 6000, "");
        v->halt = 1 + random_below((uint32_t)v->out_len - 1);
        break;
    case DOWNLOADING:
        put_request(v, PAGE_LARGE, 0, "");
        break;
    case FRESH:
        put_request(v, PAGE_SMALL, 0, "Connection: close\r\n");
        break;
    default:
        put_request(v, PAGE_SMALL, 0, "");
    }
}

static void send_due(struct visitor *v)
{
    while (v->out_sent < v->out_len && v->wake <= scene.now) {
        size_t end = v->out_sent < v->halt ? v->halt : v->out_len;
        ssize_t n = send(v->fd, v->out + v->out_sent, end - v->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            fail_end(v, errno == ECONNRESET);
            return;
        }
        v->out_sent += (size_t)n;
        if (v->out_sent == v->halt)
            v->wake = scene.now + 50 + random_below(350);
        v->asked = scene.now;
    }
}

// All that was asked for has come.
static void rest(struct visitor *v)
{
    static const uint32_t pauses[ROLES] = {
        [PLAIN] = 20, [PIPELINING] = 20, [HALTING] = 50, [DOWNLOADING] = 100, [FRESH] = 10};
    v->came = v->answered = v->at_rest = true;
    free(v->out);
    v->out = NULL;
    v->out_len = v->out_sent = 0;
    if (v->role != IDLE)
        v->wake = scene.now + 1 + random_below(pauses[v->role]);
}

// ---- reading answers ---------------------------------------------------------------------------

static uint64_t file_sizes[PAGES] = {SMALL, MEDIUM, 0};

// The head is complete. False: it is not what was asked for.
static bool begin_body(struct visitor *v)
{
    enum page page = v->awaited[0];
    struct answer_head head;
    if (v->awaited_count == 0 || answer_read_head(slice_make(v->head, v->head_len), &head) ||
        head.status != 200)
        return false;
    v->left = head.length;
    if (page == PAGE_LARGE && file_sizes[page] == 0)
        file_sizes[page] = v->left;
    if (v->left != file_sizes[page])
        return false;
    v->closes = head.closes;
    v->at = 0;
    v->in_body = true;
    int64_t took = scene.now - v->asked;
    scene.totals.slowest = took > scene.totals.slowest ? took : scene.totals.slowest;
    if (took > VISITOR_SLOW && !v->noted_slow)
        note(v, CAUSE_SLOW);
    v->asked = scene.now;
    v->noted_slow = false;
    return true;
}

// An answer is complete. False: the connection ends with it.
static bool end_body(struct visitor *v)
{
    scene.totals.answers++;
    v->in_body = false;
    v->head_len = 0;
    memmove(v->awaited, v->awaited + 1, --v->awaited_count * sizeof(v->awaited[0]));
    if (v->closes && v->role != FRESH) {
        // It is a failure however polite; requests behind it are lost as well.
        fail(v, v->awaited_count ? CAUSE_RACED : CAUSE_TOLD);
        return false;
    }
    if (v->role == FRESH) {
        rest(v);
        leave(v);
        return false;
    }
    if (v->awaited_count == 0)
        rest(v);
    return true;
}

// Takes bytes of a head. Returns how many; -1: it is none.
static ssize_t feed_head(struct visitor *v, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (v->head_len + 1 >= sizeof(v->head))
            return -1;
        v->head[v->head_len++] = data[i];
        if (v->head_len >= 4 && memcmp(v->head + v->head_len - 4, "\r\n\r\n", 4) == 0)
            return begin_body(v) ? (ssize_t)i + 1 : -1;
    }
    return (ssize_t)len;
}

static void feed(struct visitor *v, const char *data, size_t len)
{
    while (len) {
        if (!v->in_body) {
            ssize_t n = v->awaited_count ? feed_head(v, data, len) : -1;
            if (n < 0) {
                fail(v, CAUSE_STATUS);
                return;
            }
            data += n;
            len -= (size_t)n;
        }
        size_t n = v->in_body ? (size_t)MIN(v->left, (uint64_t)len) : 0;
        for (size_t i = 0; i < n; i++) {
            if (data[i] != visitor_pattern(v->at + i)) {
                fail(v, CAUSE_BYTE);
                return;
            }
        }
        v->at += n;
        v->left -= n;
        scene.totals.bytes += n;
        data += n;
        len -= n;
        if (v->in_body && v->left == 0 && !end_body(v))
            return;
    }
}

static void receive(struct visitor *v)
{
    static char data[256 << 10];
    size_t most = v->role == DOWNLOADING ? READ_SIZE : sizeof(data);
    ssize_t n = recv(v->fd, data, most, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        fail_end(v, n < 0);
        return;
    }
    feed(v, data, (size_t)n);
    if (v->fd >= 0 && v->role == DOWNLOADING && v->in_body)
        v->wake = scene.now + READ_PAUSE;
}

// ---- turns -------------------------------------------------------------------------------------

void visitor_handle(struct visitor *v, uint32_t events)
{
    if (v->fd < 0)
        return;
    if (!v->connected) {
        int error = 0;
        socklen_t len = sizeof(error);
        getsockopt(v->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error) {
            fail(v, error == ECONNREFUSED ? CAUSE_REFUSED : CAUSE_TURNED);
            return;
        }
        if (!(events & EPOLLOUT))
            return;
        v->connected = true;
        scene.connecting--;
        ask(v);
    }
    if (events & EPOLLOUT)
        send_due(v);
    if (v->fd >= 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        receive(v);
    settle(v);
}

bool visitor_waits(const struct visitor *v)
{
    return v->fd >= 0 &&
           (!v->connected || (v->awaited_count && v->out_sent == v->out_len && !v->in_body));
}

void visitor_tick(struct visitor *v)
{
    if (v->fd < 0) {
        if (scene.connecting < AT_ONCE && v->wake <= scene.now)
            come(v);
        return;
    }
    bool waits = visitor_waits(v);
    if (waits && scene.now - v->asked > VISITOR_SLOW && !v->noted_slow) {
        note(v, CAUSE_SLOW);
        v->noted_slow = true;
    }
    if (waits && scene.now - v->asked > PATIENCE) {
        fail(v, CAUSE_NEVER);
        return;
    }
    if (v->wake && v->wake <= scene.now) {
        if (v->at_rest)
            ask(v);
        v->wake = 0;
        send_due(v);
        settle(v);
    }
}

void visitor_ask(struct visitor *v)
{
    ask(v);
    send_due(v);
    settle(v);
}

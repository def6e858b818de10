#include "cli/cmd_probe.h"

#include "base/log.h"
#include "base/num.h"
#include "cli/args.h"
#include "cli/url.h"
#include "http/statusline.h"
#include "sys/resolve.h"
#include "base/address.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#define TIMEOUT_MAX_MS (3600u * 1000)

enum {
    ENDPOINTS_MAX = 8,     // of one name; more are not tried
    REQUEST_MAX = 8192,    // bytes
    ANSWER_MAX = 4096,     // bytes until the end of the status line
    STATUS_UNHEALTHY = 400 // and above
};

struct probe {
    struct address addr; // where to connect to
    uint64_t timeout;    // ms
    struct buf request;
    char request_text[REQUEST_MAX];
};

// ---- the time -----------------------------------------------------------------------------------

// Names the current step in the message when the time is up.
static const char *volatile activity = "starting";

static void say(const char *text)
{
    ssize_t n = write(STDERR_FILENO, text, strlen(text));
    (void)n; // nobody is left to be told
}

// One deadline for everything: the resolver knows none, and one for each read is no defence against
// drips. A signal handler may not use the log.
static void exit_timed_out(int signal)
{
    (void)signal;
    say("tined: error: timed out while ");
    say(activity);
    say("\n");
    _exit(EXIT_FAILURE);
}

// A process may inherit the signal blocked.
static void start_timer(uint64_t ms)
{
    const struct itimerval timer = {.it_value = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000}};
    const struct sigaction action = {.sa_handler = exit_timed_out};
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    sigaction(SIGALRM, &action, NULL);
    sigprocmask(SIG_UNBLOCK, &alarm, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

// ---- connecting ---------------------------------------------------------------------------------

static const struct failure {
    int error;
    const char *word, *remark;
} failures[] = {
    {ECONNREFUSED, "refused", "nothing listens there"},
    {ENOENT, "not found", "there is no such socket"},
    {ETIMEDOUT, "timed out", "nothing answers there"},
    {EHOSTUNREACH, "unreachable", "no such host is reached"},
    {ENETUNREACH, "unreachable", "no route leads there"},
    {EADDRNOTAVAIL, "unreachable", "this machine has no address or port to come from"},
    {EACCES, "forbidden", "this user may not connect there"},
    {EPERM, "forbidden", "a filter of this machine does not let it out"},
};

static void log_connect_error(const struct endpoint *e, int error)
{
    char text[ENDPOINT_TEXT_MAX];
    endpoint_format(e, text);
    for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
        if (failures[i].error == error) {
            log_err("%s: %s: %s", failures[i].word, text, failures[i].remark);
            return;
        }
    }
    log_err("failed: %s: %s", text, strerror(error));
}

// A connected socket, or a negative errno.
static int connect_endpoint(const struct endpoint *e)
{
    int fd = socket(e->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, &e->sa, e->len) == 0)
        return fd < 0 ? -errno : fd;
    int error = -errno;
    close(fd);
    return error;
}

// Tries one after the other, and complains of all when none does.
static int connect_any(const struct endpoint *all, size_t count)
{
    int errors[ENDPOINTS_MAX];
    for (size_t i = 0; i < count; i++) {
        int fd = connect_endpoint(&all[i]);
        if (fd >= 0)
            return fd;
        errors[i] = -fd;
    }
    for (size_t i = 0; i < count; i++)
        log_connect_error(&all[i], errors[i]);
    return -1;
}

// A connected socket, or -1 after saying why there is none.
static int reach(const struct address *a)
{
    struct endpoint all[ENDPOINTS_MAX];
    activity = "looking up the name";
    int count = resolve_address(a, all, ENDPOINTS_MAX);
    if (count < 0) {
        log_err("not found: %s: %s", a->name,
                count == -EAGAIN ? "the resolver does not answer" : "there is no such name");
        return -1;
    }
    activity = "connecting";
    return connect_any(all, (size_t)count);
}

// ---- asking -------------------------------------------------------------------------------------

static int judge_status(struct statusline answer)
{
    printf("%.*s\n", SLICE_ARG(answer.line));
    return fflush(stdout) == 0 && answer.status < STATUS_UNHEALTHY ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int receive_answer(int fd)
{
    char text[ANSWER_MAX];
    struct statusline answer;
    activity = "waiting for the answer";
    for (size_t len = 0; len < sizeof(text);) {
        ssize_t n = recv(fd, text + len, sizeof(text) - len, 0);
        if (n <= 0) {
            log_err("no answer: %s", n < 0 ? strerror(errno) : "the server closed the connection");
            return EXIT_FAILURE;
        }
        len += (size_t)n;
        switch (statusline_find(slice_make(text, len), &answer)) {
        case STATUSLINE_FOUND:
            return judge_status(answer);
        case STATUSLINE_MALFORMED:
            log_err("no answer: the server does not speak HTTP/1");
            return EXIT_FAILURE;
        case STATUSLINE_PARTIAL:
            break;
        }
    }
    log_err("no answer: no status within the first %d bytes", ANSWER_MAX);
    return EXIT_FAILURE;
}

static int run_probe(const struct probe *p)
{
    start_timer(p->timeout);
    int fd = reach(&p->addr);
    if (fd < 0)
        return EXIT_FAILURE;
    activity = "sending the request";
    // A server that refuses the request may answer before it has read it all, and make send() fail:
    // its answer counts all the same.
    ssize_t n = send(fd, p->request.data, p->request.len, MSG_NOSIGNAL);
    (void)n;
    int status = receive_answer(fd);
    close(fd);
    return status;
}

// ---- the command line ---------------------------------------------------------------------------

// HEAD, for only the status counts.
static const char *write_head_request(struct probe *p, const char *text, struct url *ret)
{
    struct buf *b = &p->request;
    *b = buf_make(p->request_text, sizeof(p->request_text));
    buf_puts(b, "HEAD ");
    const char *fault = url_parse(text, CHAR_URI, ret, b);
    if (fault)
        return fault;
    buf_printf(b,
               " HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: tined-probe/" PACKAGE_VERSION
               "\r\nConnection: close\r\n\r\n",
               SLICE_ARG(ret->authority));
    if (b->overflow)
        return "it is too long";
    return ret->is_secure ? "there is no TLS here; ask the server behind it, by http://" : NULL;
}

static const char *find_address(struct probe *p, const char *connect, const struct url *url)
{
    char text[sizeof(p->addr.name) + sizeof(":65535")];
    if (!connect && url->host.len >= sizeof(p->addr.name))
        return "the host is too long";
    snprintf(text, sizeof(text), "%.*s:%u", SLICE_ARG(url->host), url->port);
    const char *fault = address_parse(slice_of(connect ? connect : text), &p->addr);
    if (fault)
        return fault;
    return p->addr.kind == ADDRESS_SYSTEMD ? "only the server has the sockets that systemd opened; "
                                             "connect to the address in the socket unit"
                                           : NULL;
}

static const char *read_timeout(struct probe *p, const char *text)
{
    struct slice time = slice_of(text ? text : ARGS_DEFAULT_TIMEOUT);
    bool good = num_parse_time(time, &p->timeout) && p->timeout && p->timeout <= TIMEOUT_MAX_MS;
    return good ? NULL : "write a time from 1ms to 1h, e.g. 500ms or 5s";
}

// Whether `text` was understood.
static bool is_clear(const char *text, const char *fault)
{
    if (fault)
        log_err("\"%.60s\": %s", text, fault);
    return !fault;
}

int cmd_probe(const struct args *args)
{
    struct probe p;
    struct url url;
    if (!is_clear(args->url, write_head_request(&p, args->url, &url)) ||
        !is_clear(args->connect ? args->connect : args->url,
                  find_address(&p, args->connect, &url)) ||
        !is_clear(args->timeout, read_timeout(&p, args->timeout)))
        return ARGS_EXIT_USAGE;
    return run_probe(&p);
}

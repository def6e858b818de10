#include "cli/cmd_explain.h"

#include "base/log.h"
#include "cli/args.h"
#include "cli/control_client.h"
#include "cli/load_config.h"
#include "cli/url.h"
#include "conf/conf_options.h"
#include "daemon/control_message.h"
#include "daemon/explain_worker.h"
#include "explain/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX_BYTES (64u << 10)
#define ANSWER_MAX        (EXPLAIN_MAX + CONTROL_MESSAGE_HEAD)

// The question, and room for all its texts.
struct inquiry {
    const struct args *args;
    const char *client;
    struct url url;
    struct slice head;
    struct buf request; // to the master: a line of its own, then the head
    struct buf target;
    struct buf answer;
    char request_text[REQUEST_MAX_BYTES];
    char target_text[REQUEST_MAX_BYTES];
    char answer_text[ANSWER_MAX];
};

static bool gives_host(const struct args *args)
{
    for (size_t i = 0; i < args->header_count; i++) {
        struct slice rest = slice_of(args->headers[i]);
        if (slice_equal_nocase(slice_split(&rest, ':'), SLICE("Host")))
            return true;
    }
    return false;
}

static const char *write_inquiry(struct inquiry *q)
{
    const struct args *args = q->args;
    struct buf *b = &q->request;
    const char *fault = url_parse(args->url, CHAR_TARGET, &q->url, &q->target);
    if (fault)
        return fault;
    control_message_begin_request(b, "explain");
    buf_printf(b, "%s %u\n", q->client, q->url.port);
    size_t start = b->len;
    buf_printf(b, "%s %.*s HTTP/1.1\r\n", args->method ? args->method : "GET",
               SLICE_ARG(buf_slice(&q->target)));
    if (!gives_host(args))
        buf_printf(b, "Host: %.*s\r\n", SLICE_ARG(q->url.authority));
    for (size_t i = 0; i < args->header_count; i++)
        buf_printf(b, "%s\r\n", args->headers[i]);
    buf_puts(b, "\r\n");
    q->head = slice_skip(buf_slice(b), start);
    return b->overflow ? "it is too long" : NULL;
}

static int print_answer(const struct inquiry *q)
{
    struct slice text;
    switch (control_message_parse_answer(buf_slice(&q->answer), &text)) {
    case CONTROL_MESSAGE_RESULT:
        fwrite(text.ptr, 1, text.len, stdout);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    case CONTROL_MESSAGE_ERROR:
    case CONTROL_MESSAGE_LOGGED_ERROR:
        log_err("%.*s", SLICE_ARG(text));
        break;
    case CONTROL_MESSAGE_OLD_RESULT:
    case CONTROL_MESSAGE_OLD_ERROR:
        log_err("the server is of an earlier version of tined: upgrade it, then ask again");
        break;
    case CONTROL_MESSAGE_NONE:
        log_err("the request could not be explained in time");
        break;
    }
    return EXIT_FAILURE;
}

static int ask_child(struct inquiry *q, const struct generation *g)
{
    const struct explain_worker_question question = {q->client, q->url.port, q->head};
    struct child child;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    int r = explain_worker_spawn(&child, g, &question, (struct explain_worker_fds){pair[1], -1});
    close(pair[1]);
    if (r == 0) {
        r = control_client_receive(pair[0], &q->answer);
        child_kill(&child);
    }
    close(pair[0]);
    return r;
}

// Takes the configuration over.
static int explain_configuration(struct inquiry *q, struct conf *conf)
{
    struct generation *g = conf ? generation_new_idle(conf) : NULL;
    if (!g)
        return LOAD_CONFIG_EXIT_BAD;
    int r = ask_child(q, g);
    generation_free(g, NULL);
    if (r == 0)
        return print_answer(q);
    log_err("the request cannot be explained: %s", strerror(-r));
    return EXIT_FAILURE;
}

static bool nobody_answers(int error)
{
    return error == -ENOENT || error == -ECONNREFUSED || error == -ENOTDIR;
}

static int ask_server(struct inquiry *q, const char *path)
{
    int r = control_client_ask(path, buf_slice(&q->request), &q->answer, NULL);
    if (r == 0)
        return print_answer(q);
    log_err("the server cannot be asked at %s: %s", path, strerror(-r));
    return EXIT_FAILURE;
}

// The running server, where the configuration has it listen.
static int explain_running(struct inquiry *q)
{
    struct conf *conf = load_config(q->args);
    const char *path = conf ? conf->control : conf_options_find(SLICE("control"))->def;
    int r = *path ? control_client_ask(path, buf_slice(&q->request), &q->answer, NULL) : -ENOENT;
    if (nobody_answers(r)) {
        log_notice("no server answers at %s: this is what %s would do", *path ? path : "all",
                   q->args->file);
        return explain_configuration(q, conf);
    }
    if (r < 0)
        log_err("the server cannot be asked at %s: %s", path, strerror(-r));
    conf_free(conf);
    return r < 0 ? EXIT_FAILURE : print_answer(q);
}

static int answer_inquiry(struct inquiry *q)
{
    const struct args *args = q->args;
    struct sockaddr_in6 client;
    const char *fault = write_inquiry(q);
    if (fault) {
        log_err("\"%s\" cannot be asked for: %s", args->url, fault);
        return ARGS_EXIT_USAGE;
    }
    if (!explain_parse_client(q->client, &client)) {
        log_err("\"%s\" is no client; found neither an IP address nor \"unix\"", q->client);
        return ARGS_EXIT_USAGE;
    }
    if (args->socket)
        return ask_server(q, args->socket);
    if (args->file_is_given || args->override_count)
        return explain_configuration(q, load_config(args));
    return explain_running(q);
}

int cmd_explain(const struct args *args)
{
    struct inquiry *q = calloc(1, sizeof(*q));
    if (!q) {
        log_err("no memory");
        return EXIT_FAILURE;
    }
    q->args = args;
    q->client = args->client ? args->client : "127.0.0.1";
    q->request = buf_make(q->request_text, sizeof(q->request_text));
    q->target = buf_make(q->target_text, sizeof(q->target_text));
    q->answer = buf_make(q->answer_text, sizeof(q->answer_text));
    int status = answer_inquiry(q);
    free(q);
    return status;
}

#include "support/loopfixture.h"
#include "support/slowsocket.h"
#include "support/turnclock.h"

#include "http/httpdate.h"
#include "server/handler.h"

#define FIELDS(f) "GET /hello.txt HTTP/1.1\r\n" HOST f "\r\n"

#define DATE_TO_COME "Fri, 31 Dec 2100 00:00:00 GMT"

struct exchange {
    const char *request;
    const char *status; // the answer begins so
    const char *fields; // and contains this
    const char *content;
    const char *log; // status and bytes
};

static const struct exchange exchanges[] = {
    {GET("/hello.txt"), "HTTP/1.1 200 OK\r\n", "Content-Length: 13\r\n", HELLO, "200 13"},
    {GET("/"), "HTTP/1.1 200 OK\r\n", "Content-Type: text/html; charset=utf-8\r\n", "<p>index\n",
     "200 9"},
    {GET("/./%68ello.txt?q=1"), "HTTP/1.1 200 OK\r\n", "Accept-Ranges: bytes\r\n", HELLO, "200 13"},
    {GET("http://localhost/hello.txt"), "HTTP/1.1 200 OK\r\n", "ETag: \"", HELLO, "200 13"},
    {"HEAD /hello.txt HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n", "Content-Length: 13\r\n",
     "", "200 0"},
    {"HEAD /hello.txt HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n",
     "HTTP/1.1 304 Not Modified\r\n", "ETag: \"", "", "304 0"},
    {"HEAD /large.bin HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n",
     "Content-Length: 700000\r\n", "", "200 0"},
    {"HEAD /none HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 Not Found\r\n", "Content-Length: ", "",
     "404 0"},
    {"OPTIONS /hello.txt HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 204 No Content\r\n",
     "Allow: GET, HEAD, OPTIONS\r\n", "", "204 0"},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 204 No Content\r\n",
     "Allow: GET, HEAD, OPTIONS\r\n", "", "204 0"},
    {"DELETE /hello.txt HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 405 Method Not Allowed\r\n",
     "Allow: GET, HEAD, OPTIONS\r\n", NULL, "405 "},
    {"TRACE / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 405 ", "Allow: ", NULL, "405 "},
    {"BREW / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 501 Not Implemented\r\n", "", NULL, "501 "},
    {GET("/none"), "HTTP/1.1 404 Not Found\r\n", "Content-Type: text/html; charset=utf-8\r\n", NULL,
     "404 "},
    {GET("/.hidden"), "HTTP/1.1 404 Not Found\r\n", "", NULL, "404 "},
    {GET("/a%2fb"), "HTTP/1.1 404 Not Found\r\n", "", NULL, "404 "},
    {GET("/%00"), "HTTP/1.1 400 Bad Request\r\n", "", NULL, "400 "},
    {GET("/../x"), "HTTP/1.1 400 Bad Request\r\n", "", NULL, "400 "},
    {GET("/sub/"), "HTTP/1.1 403 Forbidden\r\n", "", NULL, "403 "},
    {GET("/sub?x=y"), "HTTP/1.1 301 Moved Permanently\r\n", "Location: sub/?x=y\r\n", NULL, "301 "},
    {FIELDS("Range: bytes=7-11\r\n"), "HTTP/1.1 206 Partial Content\r\n",
     "Content-Range: bytes 7-11/13\r\n", "world", "206 5"},
    {FIELDS("Range: bytes=13-\r\n"), "HTTP/1.1 416 Range Not Satisfiable\r\n",
     "Content-Range: bytes */13\r\n", NULL, "416 "},
    {FIELDS("If-None-Match: *\r\n"), "HTTP/1.1 304 Not Modified\r\n", "ETag: \"", "", "304 0"},
    {FIELDS("If-Match: \"other\"\r\n"), "HTTP/1.1 412 Precondition Failed\r\n", "", NULL, "412 "},
    {"GET /hello.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1 200 OK\r\n",
     "Connection: keep-alive\r\n", HELLO, "200 13"},
};

// Refused, or the last by the client's wish: the connection is closed.
static const struct exchange last[] = {
    {"GET /hello.txt HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Connection: close\r\n", HELLO,
     "200 13"},
    {FIELDS("Connection: close\r\n"), "HTTP/1.1 200 OK\r\n", "Connection: close\r\n", HELLO,
     "200 13"},
    {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "Connection: close\r\n", NULL,
     "400 "},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", "HTTP/1.1 505 ", "Connection: close\r\n", NULL, "505 "},
    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", "HTTP/1.1 501 ",
     "Connection: close\r\n", NULL, "501 "},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 ", "Connection: close\r\n", NULL, "400 "},
    {"GET / HTTP/1.1\n\n", "HTTP/1.1 400 ", "Connection: close\r\n", NULL, "400 "},
};

static struct fixture *open_with_log(const char *option, const char *value)
{
    char path[PATH_MAX];
    struct fixture *f = fixture_open_unstarted(option, value, NULL);
    f->served.access_log = open(tempdir_path(&f->dir, "log", path),
                                O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(f->served.access_log >= 0);
    fixture_start(f);
    return f;
}

// The lines logged since the last call.
static const char *take_log(struct fixture *f)
{
    static char text[8192];
    accesslog_flush(&f->loop.ctx.log, 0, true);
    tempdir_read(&f->dir, "log", text, sizeof(text));
    assert_int_equal(ftruncate(f->served.access_log, 0), 0);
    return text;
}

static void check(struct fixture *f, struct client *c, const struct exchange *e)
{
    char date[HTTPDATE_LEN + 1] = "";
    uint64_t requests = f->served.scoreboard.places[0].slots[0].requests;
    client_ask(f, c, e->request);
    httpdate_format(fixture_clock.wall_s, date);
    assert_starts(c->got, e->status);
    assert_contains(c->got, e->fields);
    assert_contains(c->got, date);
    assert_contains(c->got, "\r\nServer: tined\r\n");
    if (e->content)
        assert_string_equal(content_of(c->got), e->content);
    else
        assert_contains(content_of(c->got), "</html>\n");
    const char *log = take_log(f);
    assert_int_equal(count_text(log, "\n"), 1);
    assert_starts(log, "127.0.0.1 - - [");
    assert_contains(log, e->log);
    assert_int_equal(f->served.scoreboard.places[0].slots[0].requests, requests + 1);
    bool is_refused = e->status[strlen("HTTP/1.1 ")] >= '4';
    assert_int_equal(is_refused, f->loop.ctx.route.reason != REASON_NONE);
}

TEST(test_answers)
{
    struct fixture *f = open_with_log(NULL, NULL);
    struct client c = client_open(f);
    for (size_t i = 0; i < ARRAY_SIZE(exchanges); i++) {
        check(f, &c, &exchanges[i]);
        assert_false(c.eof);
        assert_int_equal(count_text(c.got, "Connection: close"), 0);
    }
    client_close(&c);
    for (size_t i = 0; i < ARRAY_SIZE(last); i++) {
        c = client_open(f);
        check(f, &c, &last[i]);
        assert_true(c.eof && !c.reset);
        client_close(&c);
    }
    fixture_close(f);
}

// To clients that compare dates it would say that their copy is newer.
TEST(test_misleading_date_is_left_out)
{
    static const char *const fields[] = {FIELDS(""),
                                         FIELDS("If-Modified-Since: " DATE_TO_COME "\r\n")};
    struct fixture *f = fixture_open(NULL, NULL, NULL);
    struct client c = client_open(f);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        client_ask(f, &c, fields[i]);
        assert_starts(c.got, "HTTP/1.1 200 OK\r\n");
        assert_int_equal(count_text(c.got, "Last-Modified: "), i == 0);
        assert_contains(c.got, "\r\nETag: \"");
        assert_contains(c.got, "\r\nAccept-Ranges: bytes\r\n");
        assert_contains(c.got, "\r\nContent-Length: 13\r\n");
        assert_string_equal(content_of(c.got), HELLO);
    }
    client_close(&c);
    fixture_close(f);
}

TEST(test_log_fields)
{
    char want[256], stamp[64];
    struct fixture *f = open_with_log(NULL, NULL);
    struct client c = client_open(f);
    client_ask(f, &c, FIELDS("User-Agent: \"me\"\r\nReferer: http://x/\r\n"));
    time_t t = (time_t)fixture_clock.wall_s;
    strftime(stamp, sizeof(stamp), "%d/%b/%Y:%H:%M:%S %z", localtime(&t));
    snprintf(want, sizeof(want),
             "127.0.0.1 - - [%s] \"GET /hello.txt HTTP/1.1\" 200 13 \"http://x/\" "
             "\"\\x22me\\x22\"\n",
             stamp);
    assert_string_equal(take_log(f), want);
    client_close(&c);
    // Bytes that were no request have no line of their own.
    c = client_open(f);
    client_ask(f, &c, "\x16\x03");
    assert_contains(take_log(f), "] \"-\" 400 ");
    client_close(&c);
    fixture_close(f);
}

// The line of a long answer is written when it ends, with what was sent of it.
TEST(test_log_of_long_answers)
{
    const int small = 4096;
    struct fixture *f = open_with_log(NULL, NULL);
    struct client c = client_open(f);
    client_ask(f, &c, GET("/large.bin"));
    assert_int_equal(c.len, (size_t)(content_of(c.got) - c.got) + LARGE);
    assert_contains(take_log(f), "\"GET /large.bin HTTP/1.1\" 200 700000 ");
    client_close(&c);

    setsockopt(f->listeners[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    c = client_open(f);
    client_send(&c, GET("/large.bin"));
    for (int i = 0; i < 5; i++)
        fixture_round(f);
    assert_string_equal(take_log(f), "");
    assert_int_equal(fixture_conn(f)->state, CONN_SEND);
    uint64_t sent = fixture_conn(f)->transfer.offset;
    client_close(&c); // with bytes unread: a reset
    fixture_await(f, 0);
    const char *log = take_log(f);
    const char *figure = strstr(log, " 200 ");
    assert_non_null(figure);
    assert_true(strtoull(figure + 5, NULL, 10) >= sent);
    assert_true(strtoull(figure + 5, NULL, 10) < LARGE);
    assert_int_equal(count_text(log, "\n"), 1);
    fixture_close(f);
}

TEST(test_without_server_field)
{
    struct fixture *f = fixture_open("server_header", "false", NULL);
    struct client c = client_open(f);
    assert_int_equal(count_text(client_ask(f, &c, GET("/") GET("/none")), "HTTP/1.1 "), 2);
    assert_int_equal(count_text(c.got, "Server"), 0);
    client_close(&c);
    fixture_close(f);
}

// Paths and queries about as long as there is room for, each byte of which may be escaped.
TEST(test_long_targets)
{
    char target[32000], request[33000], path[PATH_MAX];
    struct fixture *f = fixture_open("limits.request_line", "32K", NULL);
    // A directory whose name takes three bytes for each of its own.
    char name[256];
    memset(name, ' ', 255);
    name[255] = '\0';
    assert_int_equal(mkdir(tempdir_path(&f->dir, name, path), 0755), 0);
    static const size_t query_lengths[] = {10, 4000, 11000, 11500, 12286, 12300, 20000, 31000};
    for (size_t i = 0; i < ARRAY_SIZE(query_lengths); i++) {
        struct client c = client_open(f);
        struct buf b = buf_make(target, sizeof(target) - 1);
        for (int j = 0; j < 255; j++)
            buf_puts(&b, "%20");
        buf_putc(&b, '?');
        for (size_t j = 0; j < query_lengths[i]; j++)
            buf_putc(&b, 'q');
        target[b.len] = '\0';
        assert_false(b.overflow);
        snprintf(request, sizeof(request), GET("/%s"), target);
        client_ask(f, &c, request);
        bool fits = query_lengths[i] + 3 * 255 + 2 <= 3u * PATH_MAX;
        assert_starts(c.got, fits ? "HTTP/1.1 301 " : "HTTP/1.1 414 ");
        assert_int_equal(count_text(c.got, "HTTP/1.1 "), 1);
        if (fits)
            assert_int_equal(count_text(c.got, "Location: %20"), 1);
        client_close(&c);
    }
    fixture_close(f);
}

TEST(test_continue_and_methods)
{
    assert_true(handler_is_served(METHOD_GET));
    assert_true(handler_is_served(METHOD_HEAD));
    assert_true(handler_is_served(METHOD_OPTIONS));
    assert_false(handler_is_served(METHOD_POST));
    assert_false(handler_is_served(METHOD_OTHER));
    struct fixture *f = fixture_open(NULL);
    handler_continue(&f->loop.ctx);
    assert_slice(slice_make(f->loop.ctx.output.gather, f->loop.ctx.output.gathered),
                 "HTTP/1.1 100 Continue\r\n\r\n");
    f->loop.ctx.output.gathered = 0;
    fixture_close(f);
}

// ---- content in pieces --------------------------------------------------------------------------

#define RANGES(path) "GET " path " HTTP/1.1\r\n" HOST "Range: bytes=0-9,300-2000,-5000\r\n\r\n"

static struct fixture *open_with_entries(int entries)
{
    char name[32], path[PATH_MAX];
    struct fixture *f = fixture_open("timeouts.send", "5s", NULL);
    for (int i = 0; i < entries; i++) {
        snprintf(name, sizeof(name), "sub/%d", i);
        assert_int_equal(mknod(tempdir_path(&f->dir, name, path), S_IFREG | 0644, 0), 0);
    }
    f->conf->sites[0].listing = true;
    return f;
}

// However the socket takes the pieces, the bytes are the same, and the next answer follows.
TEST(test_partial_writes_of_pieces)
{
    static const char all[] = GET("/sub/") RANGES("/large.bin") RANGES("/medium.bin")
        GET("/hello.txt");
    static const ssize_t most[] = {1, 7, 100, 1448, 5000};
    struct fixture *f = open_with_entries(20);
    struct client whole = client_open(f), c = client_open(f);
    client_ask(f, &whole, all);
    assert_int_equal(count_text(whole.got, "HTTP/1.1 200 OK\r\n"), 2);
    assert_string_equal(whole.got + whole.len - strlen(HELLO), HELLO);
    for (size_t i = 0; i < ARRAY_SIZE(most); i++) {
        client_forget(&c);
        client_send(&c, all);
        for (size_t rounds = 0; c.len < whole.len && rounds < 2 * whole.len; rounds++) {
            socket_allowance = most[i];
            fixture_round(f);
            client_take(&c, 65536);
        }
        socket_allowance = -1;
        assert_int_equal(c.len, whole.len);
        assert_memory_equal(c.got, whole.got, c.len);
    }
    client_close(&whole);
    client_close(&c);
    fixture_close(f);
}

// A client cannot take what is not made yet; one that goes away ends the work.
TEST(test_listing_takes_longer_than_a_client_may)
{
    struct fixture *f = open_with_entries(5000);
    struct client c = client_open(f);
    client_send(&c, GET("/sub/"));
    fixture_round(f);
    for (int i = 0; i < 5; i++)
        fixture_pass_time(f, 5000);
    for (struct wait w = {0}; !strstr(c.got ? c.got : "", "\r\n0\r\n\r\n") && wait_on(&w);) {
        fixture_round(f);
        client_take(&c, 65536);
    }
    assert_false(c.eof);
    assert_contains(c.got, "</html>\n\r\n0\r\n\r\n");

    const size_t fds = count_fds();
    client_send(&c, GET("/sub/?sort=size"));
    for (struct wait w = {0}; !fixture_conn(f)->transfer.source && wait_on(&w);)
        fixture_round(f);
    assert_non_null(fixture_conn(f)->transfer.source);
    client_close(&c);
    fixture_await(f, 0);
    assert_int_equal(count_fds(), fds - 2);
    // One that takes nothing is cut off.
    c = client_open(f);
    socket_allowance = 5000;
    client_send(&c, GET("/sub/"));
    for (struct wait w = {0}; socket_allowance && wait_on(&w);)
        fixture_round(f);
    assert_int_equal(socket_allowance, 0);
    for (int i = 0; i < 3; i++)
        fixture_pass_time(f, 5000);
    assert_int_equal(f->loop.ctx.slots.taken, 0);
    socket_allowance = -1;
    client_close(&c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partial_writes_of_pieces),
        cmocka_unit_test(test_listing_takes_longer_than_a_client_may),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_misleading_date_is_left_out),
        cmocka_unit_test(test_log_fields),
        cmocka_unit_test(test_log_of_long_answers),
        cmocka_unit_test(test_without_server_field),
        cmocka_unit_test(test_long_targets),
        cmocka_unit_test(test_continue_and_methods),
    };
    return cmocka_run_group_tests_name("handler", tests, NULL, NULL);
}

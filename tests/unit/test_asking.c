#include "support/loopfixture.h"

#include "server/asking.h"

#include <semaphore.h>

// ---- a file system that answers when the test says so ------------------------------------------

static sem_t permits, begun;
static struct askers_job jobs[ASKERS_THREADS];

static void hang(struct askers_job *job)
{
    (void)job;
    sem_post(&begun);
    sem_wait(&permits);
}

static void hold(struct fixture *f)
{
    sem_init(&permits, 0, 0);
    sem_init(&begun, 0, 0);
    for (size_t i = 0; i < ASKERS_THREADS; i++) {
        jobs[i] = (struct askers_job){.run = hang};
        askers_submit(f->loop.ctx.questions.fs[0].askers, &jobs[i]);
        sem_wait(&begun);
    }
}

static void let_go(void)
{
    for (size_t i = 0; i < ASKERS_THREADS; i++)
        sem_post(&permits);
}

static struct fixture *open_far(void)
{
    struct fixture *f = fixture_open_unstarted(NULL);
    f->conf->sites[0].listing = true;
    f->served.sites.items[0].trees[0].is_local = false;
    fixture_start(f);
    assert_non_null(f->loop.ctx.cache.questions);
    return f;
}

// Rounds until so many connections wait for the file system.
static void await_asked(struct fixture *f, uint32_t count)
{
    for (int i = 0; i < 5000 && f->loop.ctx.deadlines.counts[DEADLINE_ASKED] != count; i++) {
        fixture_round(f);
        usleep(200);
    }
    assert_int_equal(f->loop.ctx.deadlines.counts[DEADLINE_ASKED], count);
}

// Rounds until so many bytes have come, with all of the first head.
static void take_answer(struct fixture *f, struct client *c, size_t content)
{
    for (int i = 0; i < 20000; i++) {
        const char *end = c->got ? strstr(c->got, "\r\n\r\n") : NULL;
        if (end && c->len >= (size_t)(end + 4 - c->got) + content)
            return;
        fixture_round(f);
        if (!client_take(c, 1 << 20))
            usleep(200);
    }
    fail_msg("%zu bytes have come", c->len);
}

TEST(test_answers)
{
    static const struct {
        const char *request, *starts;
        size_t len;
    } cases[] = {
        {GET("/"), OK, 9},
        {GET("/hello.txt"), OK, strlen(HELLO)},
        {"HEAD /large.bin HTTP/1.1\r\n" HOST "\r\n", OK, 0},
        {GET("/medium.bin"), OK, MEDIUM},
        {GET("/large.bin"), OK, LARGE},
        {GET("/sub"), "HTTP/1.1 301 ", 0},
        {GET("/sub/"), OK, 500},
        {GET("/none"), "HTTP/1.1 404 ", 0},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "HTTP/1.1 405 ", 0},
        {GET("/hello.txt"), OK, strlen(HELLO)},
    };
    struct fixture *f = open_far();
    struct client c = client_open(f);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        client_send(&c, cases[i].request);
        take_answer(f, &c, cases[i].len);
        assert_starts(c.got, cases[i].starts);
        if (cases[i].len >= MEDIUM)
            assert_pattern(content_of(c.got), cases[i].len);
        client_pump(f, &c);
        client_forget(&c);
    }
    assert_int_equal(fixture_conn(f)->requests, ARRAY_SIZE(cases));
    assert_int_equal(f->loop.ctx.questions.fs[0].answered_count, 0);
    client_close(&c);
    fixture_close(f);
}

// Answers before it are sent meanwhile, and those behind it wait for it.
TEST(test_pipelines)
{
    struct fixture *f = open_far();
    struct client c = client_open(f);
    client_send(&c, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n" GET("/hello.txt") GET("/none")
                        GET("/medium.bin"));
    for (int i = 0; i < 5000 && (!c.got || count_text(c.got, "HTTP/1.1 ") < 4); i++) {
        fixture_round(f);
        if (!client_take(&c, 1 << 20))
            usleep(200);
    }
    assert_starts(c.got, "HTTP/1.1 204 ");
    assert_true(strstr(c.got, HELLO) < strstr(c.got, "HTTP/1.1 404 "));
    client_close(&c);
    fixture_close(f);
}

TEST(test_too_late)
{
    struct fixture *f = open_far();
    struct client c = client_open(f), directory = client_open(f);
    hold(f);
    client_send(&c, GET("/hello.txt"));
    client_send(&directory, GET("/sub/"));
    await_asked(f, 2);
    fixture_pass_time(f, (int64_t)f->conf->timeouts.root - 1);
    assert_int_equal(f->loop.ctx.deadlines.counts[DEADLINE_ASKED], 2);
    fixture_pass_time(f, 1);
    take_answer(f, &c, 0);
    take_answer(f, &directory, 0);
    assert_starts(c.got, "HTTP/1.1 503 ");
    assert_starts(directory.got, "HTTP/1.1 503 ");
    assert_contains(c.got, "Retry-After: 5\r\n");
    client_forget(&c);
    let_go();
    client_send(&c, GET("/hello.txt"));
    take_answer(f, &c, strlen(HELLO));
    assert_string_equal(content_of(c.got), HELLO);
    client_close(&c);
    client_close(&directory);
    fixture_close(f);
}

// A request that was behind it waits a time of its own.
TEST(test_behind_one_too_late)
{
    struct fixture *f = open_far();
    struct client c = client_open(f);
    hold(f);
    client_send(&c, GET("/hello.txt") GET("/none"));
    await_asked(f, 1);
    fixture_pass_time(f, (int64_t)f->conf->timeouts.root);
    take_answer(f, &c, 0);
    assert_starts(c.got, "HTTP/1.1 503 ");
    await_asked(f, 1);
    client_pump(f, &c);
    client_forget(&c);
    let_go();
    take_answer(f, &c, 0);
    assert_starts(c.got, "HTTP/1.1 404 ");
    client_close(&c);
    fixture_close(f);
}

// Content that does not come in time is cut.
TEST(test_content_too_late)
{
    struct fixture *f = open_far();
    struct client c = client_open(f);
    client_send(&c, "HEAD /large.bin HTTP/1.1\r\n" HOST "\r\n");
    take_answer(f, &c, 0);
    client_forget(&c);
    client_send(&c, GET("/large.bin"));
    for (int i = 0; i < 5000 && fixture_conn(f)->state != CONN_ASKED; i++)
        fixture_round(f);
    for (int i = 0; i < 5000 && fixture_conn(f)->state == CONN_ASKED; i++)
        fixture_round(f);
    hold(f);
    for (int i = 0; i < 3; i++) // what was read before has come
        fixture_round(f);
    while (fixture_conn(f)->state != CONN_DISK) {
        fixture_round(f);
        client_take(&c, 1 << 20);
    }
    fixture_pass_time(f, (int64_t)f->conf->timeouts.root);
    assert_int_equal(f->loop.ctx.slots.taken, 0);
    let_go();
    client_close(&c);
    fixture_close(f);
}

// A client that goes away leaves nothing behind, nor does a loop that ends.
TEST(test_nobody_waits)
{
    struct fixture *f = open_far();
    struct client clients[3];
    hold(f);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        clients[i] = client_open(f);
        client_send(&clients[i], GET("/large.bin"));
    }
    await_asked(f, ARRAY_SIZE(clients));
    loop_poke(&f->loop, LOOP_STOPPING);
    fixture_round(f);
    fixture_pass_time(f, ASKING_ENDING);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        take_answer(f, &clients[i], 0);
        assert_starts(clients[i].got, "HTTP/1.1 503 ");
        client_close(&clients[i]);
    }
    let_go();
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),          cmocka_unit_test(test_pipelines),
        cmocka_unit_test(test_too_late),         cmocka_unit_test(test_behind_one_too_late),
        cmocka_unit_test(test_content_too_late), cmocka_unit_test(test_nobody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

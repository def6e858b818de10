#include "support/unit.h"

#include "sys/askers.h"

#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define JOBS 100

struct work {
    struct askers_job job;
    bool was_run;
    bool was_seen; // the descriptor that is not for the threads
    unsigned was_done;
};

static int told, secret;
static sem_t begun, permits;
static struct askers *askers;

static int setup(void **state)
{
    (void)state;
    told = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    secret = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sem_init(&begun, 0, 0);
    sem_init(&permits, 0, 0);
    askers = askers_new(NULL, 0, told);
    return askers ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    close(told);
    close(secret);
    return 0;
}

static void work(struct askers_job *job)
{
    struct work *w = CONTAINER_OF(job, struct work, job);
    w->was_seen = fcntl(secret, F_GETFD) >= 0;
    w->was_run = true;
}

static void wait_for_permit(struct askers_job *job)
{
    sem_post(&begun);
    sem_wait(&permits);
    work(job);
}

static void count_done(struct askers_job *job)
{
    CONTAINER_OF(job, struct work, job)->was_done++;
}

static void submit(struct work *w, void (*run)(struct askers_job *job))
{
    w->job = (struct askers_job){.run = run, .done = count_done};
    askers_submit(askers, &w->job);
}

static void await_done(struct work *w)
{
    eventfd_t count;
    for (int i = 0; i < 1000 && !w->was_done; i++) {
        poll(&(struct pollfd){.fd = told, .events = POLLIN}, 1, 10);
        eventfd_read(told, &count);
        askers_take(askers);
    }
    assert_int_equal(w->was_done, 1);
    assert_true(w->was_run);
}

TEST(test_each_is_done_once)
{
    static struct work jobs[JOBS];
    for (size_t i = 0; i < JOBS; i++)
        submit(&jobs[i], work);
    for (size_t i = 0; i < JOBS; i++) {
        await_done(&jobs[i]);
        assert_false(jobs[i].was_seen);
    }
    assert_true(askers_end(askers));
    askers_free(askers);
}

// Others are done as long as there is a thread, and the end waits for none that hangs.
TEST(test_some_hang)
{
    static struct work hung[ASKERS_THREADS], others[3];
    for (size_t i = 0; i < ASKERS_THREADS; i++) {
        if (i > 0) {
            submit(&others[i - 1], work);
            await_done(&others[i - 1]);
        }
        submit(&hung[i], wait_for_permit);
        sem_wait(&begun);
    }
    assert_false(askers_end(askers));
    for (size_t i = 0; i < ASKERS_THREADS; i++)
        sem_post(&permits);
    assert_true(askers_end(askers));
    askers_take(askers);
    for (size_t i = 0; i < ASKERS_THREADS; i++)
        assert_int_equal(hung[i].was_done, 1);
    askers_free(askers);
}

static struct askers_file *opened;

static void open_file(struct askers_job *job)
{
    opened = askers_file_new(askers, open("/dev/zero", O_RDONLY | O_CLOEXEC));
    work(job);
}

static void look_at_file(struct askers_job *job)
{
    struct work *w = CONTAINER_OF(job, struct work, job);
    work(job);
    w->was_seen = fcntl(opened->fd, F_GETFD) >= 0;
}

TEST(test_files)
{
    struct work first = {0}, second = {0}, third = {0};
    submit(&first, open_file);
    await_done(&first);
    assert_non_null(opened);
    submit(&second, look_at_file);
    await_done(&second);
    assert_true(second.was_seen);
    assert_int_equal(opened->fd, 0); // the lowest of their own table
    askers_file_close(opened);
    submit(&third, open_file); // another one
    await_done(&third);
    assert_true(askers_end(askers));
    askers_file_close(opened);
    askers_free(askers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_is_done_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_some_hang, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

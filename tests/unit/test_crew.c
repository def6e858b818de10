#include "support/unit.h"

#include "sys/crew.h"

#include <pthread.h>

#define JOBS 100

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned done[JOBS], others;

static void note_job(void *context, size_t number)
{
    unsigned *sum = context;
    pthread_mutex_lock(&lock);
    done[number]++;
    ++*sum;
    pthread_mutex_unlock(&lock);
}

TEST(test_each_is_done_once)
{
    unsigned sum = 0;
    crew_run(0, note_job, &sum);
    assert_int_equal(sum, 0);
    crew_run(JOBS, note_job, &sum);
    assert_int_equal(sum, JOBS);
    for (size_t i = 0; i < JOBS; i++)
        assert_int_equal(done[i], 1);
}

// Every second one waits until all that do not wait are done.
static void wait_or_pass(void *context, size_t number)
{
    (void)context;
    pthread_mutex_lock(&lock);
    if (number % 2)
        others++;
    pthread_cond_broadcast(&changed);
    while (others < JOBS / 2)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

TEST(test_none_holds_up_another)
{
    crew_run(JOBS, wait_or_pass, NULL);
    assert_int_equal(others, JOBS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_done_once),
        cmocka_unit_test(test_none_holds_up_another),
    };
    return cmocka_run_group_tests_name("crew", tests, NULL, NULL);
}

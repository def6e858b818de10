#include "precompress/interrupt.h"

#include "base/util.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_int seen;

static void remember(int number)
{
    int none = 0;
    atomic_compare_exchange_strong(&seen, &none, number);
}

void interrupt_init(void)
{
    static const int ending[] = {SIGHUP, SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = remember}, old;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_SIZE(ending); i++) {
        sigaction(ending[i], NULL, &old);
        if (old.sa_handler != SIG_IGN)
            sigaction(ending[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

int interrupt_seen(void)
{
    return atomic_load_explicit(&seen, memory_order_relaxed);
}

void interrupt_finish(void)
{
    int number = interrupt_seen();
    if (number) {
        signal(number, SIG_DFL);
        raise(number);
    }
}

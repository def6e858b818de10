#include "sys/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int signals_open(const int *wanted)
{
    static const int left_alone[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP,
                                     SIGSYS,  SIGTSTP, SIGTTIN, SIGTTOU, 0};
    sigset_t blocked, read;

    sigfillset(&blocked);
    for (const int *s = left_alone; *s; s++)
        sigdelset(&blocked, *s);
    sigemptyset(&read);
    for (const int *s = wanted; *s; s++)
        sigaddset(&read, *s);

    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); // ignored, as it may be inherited, the children's statuses are lost
    if (sigprocmask(SIG_SETMASK, &blocked, NULL) < 0)
        return -errno;
    for (const int *s = wanted; *s; s++) // only now that none ends the process
        signal(*s, SIG_DFL);
    int fd = signalfd(-1, &read, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int signals_next(int fd)
{
    struct signalfd_siginfo info;
    ssize_t n;
    do
        n = read(fd, &info, sizeof(info));
    while (n < 0 && errno == EINTR);
    return n == sizeof(info) ? (int)info.ssi_signo : 0;
}

bool signals_is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void signals_reset(void)
{
    for (int s = 1; s <= SIGRTMAX; s++)
        if (s != SIGPIPE && signals_is_ignored(s))
            signal(s, SIG_DFL);
}

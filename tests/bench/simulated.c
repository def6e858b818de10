// To be preloaded (LD_PRELOAD) under valgrind, which does not know pidfd_open before 3.21: a
// descriptor that never becomes ready stands in for the process. The end of a
// process that is watched by it is never seen.
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

long syscall(long number, ...)
{
    if (number == SYS_pidfd_open)
        return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (unsigned i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

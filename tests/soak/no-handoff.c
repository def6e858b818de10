// To be preloaded (LD_PRELOAD): no connection can be handed over, for there is never room for the
// message. A test that finds that nothing was closed must fail with this.
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

static const char begin[] = "tine"; // server/handoff_record.c

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    ssize_t (*real)(int, const struct msghdr *, int);
    *(void **)&real = dlsym(RTLD_NEXT, "sendmsg");
    if (m->msg_controllen && m->msg_iovlen && m->msg_iov[0].iov_len > 4 &&
        memcmp(m->msg_iov[0].iov_base, begin, 4) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return real(fd, m, flags);
}

// Whole messages, with at most two descriptors each, over SOCK_SEQPACKET pairs (unix(7)).
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

// The most descriptors of one message.
#define FDPASS_MAX 2u

// A connected pair, non-blocking and close-on-exec. 0 or a negative errno.
int fdpass_pair(int fds[static 2]);

// Lets `sock` have so many bytes under way, and a single message of that length, or as many as the
// system allows (net.core.wmem_max).
void fdpass_enlarge(int sock, int bytes);

// Sends one message of at least one byte; fd -1: none; the sender keeps its own. EINTR is retried,
// SIGPIPE never raised. 0 or a negative errno (-EAGAIN: full, -EPIPE: nobody there).
int fdpass_send(int sock, const void *data, size_t len, int fd);

// The same with a message in parts and any number of descriptors up to FDPASS_MAX. -EMSGSIZE: it
// is larger than the socket's buffer can ever hold.
int fdpass_send_parts(int sock, const struct iovec *parts, size_t count, const int *fds,
                      size_t fd_count);

// The same, with room for FDPASS_MAX descriptors in `fds`; *ret_count is how many came.
ssize_t fdpass_receive_many(int sock, void *data, size_t cap, int fds[static FDPASS_MAX],
                            size_t *ret_count);

// Receives one message of at most `cap` bytes. *ret_fd is -1 or a new close-on-exec descriptor
// that the caller owns. Returns the length, 0 at end of file, or a negative errno: -EAGAIN,
// -EMSGSIZE (too long, or descriptors were cut off: all that came are closed).
ssize_t fdpass_receive(int sock, void *data, size_t cap, int *ret_fd);

#include "server/channel.h"

#include "sys/fdpass.h"

#include <errno.h>
#include <unistd.h>

int channel_send(int socket, enum channel_type type, uint32_t value, int fd)
{
    struct channel_message message = {.type = type, .value = value};
    return fdpass_send(socket, &message, sizeof(message), fd);
}

int channel_receive(int socket, struct channel_message *ret, int *ret_fd)
{
    struct channel_message message;
    int fd;
    ssize_t n = fdpass_receive(socket, &message, sizeof(message), &fd);
    if (n <= 0)
        return (int)n;
    if (n != sizeof(message) || message.type >= CHANNEL_TYPES) {
        if (fd >= 0)
            close(fd);
        return -EPROTO;
    }
    *ret = message;
    *ret_fd = fd;
    return 1;
}

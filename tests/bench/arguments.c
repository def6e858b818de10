#include "arguments.h"

#include <arpa/inet.h>
#include <assert.h>
#include <getopt.h>
#include <stdlib.h>

static void take(const struct argument *a, const char *text)
{
    if (a->flag)
        *a->flag = true;
    if (a->number)
        *a->number = strtoull(text, NULL, 10);
    if (a->count)
        *a->count = (unsigned)strtoul(text, NULL, 10);
    if (a->real)
        *a->real = strtod(text, NULL);
    if (a->port)
        *a->port = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)atoi(text)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (a->take)
        a->take(text);
}

bool arguments_read(int argc, char **argv, const struct argument *arguments, size_t count)
{
    struct option options[ARGUMENTS_MAX + 1] = {0};
    int o;
    assert(count <= ARGUMENTS_MAX);
    for (size_t i = 0; i < count; i++)
        options[i] = (struct option){
            arguments[i].name, arguments[i].flag ? no_argument : required_argument, NULL, (int)i};
    while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (o == '?')
            return false;
        take(&arguments[o], optarg);
    }
    return optind == argc;
}

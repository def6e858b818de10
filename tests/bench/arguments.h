// The options of a program of the benchmark.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One is --NAME VALUE; the value goes to the one of these that is not NULL. With `flag` it takes no
// value.
struct argument {
    const char *name;
    uint64_t *number;
    unsigned *count;
    double *real;
    bool *flag;
    struct sockaddr_in *port; // of the loopback interface
    void (*take)(const char *text);
};

#define ARGUMENTS_MAX 20

// Reads all; false when there is anything else, which getopt_long() has told on stderr.
bool arguments_read(int argc, char **argv, const struct argument *arguments, size_t count);

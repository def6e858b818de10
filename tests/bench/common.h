// Shared by the programs of the benchmark.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Says what failed, and why by errno, and ends the program.
_Noreturn void die(const char *what);

// 53 bits, the same ones in each run (xorshift64).
uint64_t random_bits(void);

// The whole file `times` in a row, *ret_len bytes each. Never freed. Ends the program when it
// cannot be had.
char *load_file(const char *path, unsigned times, size_t *ret_len);

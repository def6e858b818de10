// `tined probe`: a minimal client, for the health checks of containers and units.
#pragma once

struct args;

// Asks for the head of the URL, and prints the status line of the answer, or on stderr the word
// that tells the failures apart: refused, timed out, unreachable, not found, no answer. Whatever
// the other side does, the process ends within the timeout: a signal sees to it, and SIGALRM and
// its timer belong to this command. Returns the exit status: 0 for 200 to 399, 1, or 2 (usage).
int cmd_probe(const struct args *args);

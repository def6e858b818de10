// `tined run` and `tined serve`: the server in the foreground.
#pragma once

struct args;

// Return the exit status: 0 after a stop, 1 when it could not start, 78 (EX_CONFIG) for a
// configuration that cannot be used.
int cmd_run(const struct args *args);
int cmd_serve(const struct args *args);

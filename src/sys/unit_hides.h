// Whether the service manager's sandbox hides a path (systemd's ProtectHome=, InaccessiblePaths=):
// for the message when something cannot be opened that is there for everybody else.
//
// systemd mounts an empty directory or file without any permission over what it hides.
#pragma once

#include <stdbool.h>

// The message then, with the remedy.
#define UNIT_HIDES_TEXT                                                      \
    "hidden by the service's sandbox (ProtectHome=, InaccessiblePaths=): a " \
    "drop-in with ProtectHome=tmpfs and BindReadOnlyPaths= can show it"

// Best effort: `path` is absolute, and its links are followed as far as they can be: with
// glibc, which says where it could not go on, also into what is hidden.
bool unit_hides_path(const char *path);

// The same with another file in the place of /proc/self/mountinfo: for tests.
bool unit_hides_path_in(const char *mounts, const char *path);

// Users and groups of the system, by name or by number.
#pragma once

#include <sys/types.h>

// A name comes first; what is none but a number is an id, which the database need not know, and for
// which there need be none. A user that it does not know has the group of the same number. 0 or a
// negative errno; -ENOENT: there is no such name.
int account_find_user(const char *text, uid_t *ret_uid, gid_t *ret_gid);
int account_find_group(const char *text, gid_t *ret);

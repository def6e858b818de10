#include "sys/account.h"

#include "base/num.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

// The largest number is -1: chown(2) and setresuid(2) leave an id as it is with that.
#define ID_MAX (UINT32_MAX - 1)

// Whether a look found nothing: there is no such entry, or no database at all (getpwnam(3)).
static bool is_absent(int error)
{
    return error == 0 || error == ENOENT;
}

int account_find_user(const char *text, uid_t *ret_uid, gid_t *ret_gid)
{
    uint64_t id;
    errno = 0;
    const struct passwd *user = getpwnam(text);
    if (!user && !is_absent(errno))
        return -errno;
    if (!user) {
        if (!num_parse_dec(slice_of(text), ID_MAX, &id))
            return -ENOENT;
        user = getpwuid((uid_t)id);
    }
    *ret_uid = user ? user->pw_uid : (uid_t)id;
    *ret_gid = user ? user->pw_gid : (gid_t)id;
    return 0;
}

int account_find_group(const char *text, gid_t *ret)
{
    uint64_t id;
    errno = 0;
    const struct group *group = getgrnam(text);
    if (!group && !is_absent(errno))
        return -errno;
    if (!group && !num_parse_dec(slice_of(text), ID_MAX, &id))
        return -ENOENT;
    *ret = group ? group->gr_gid : (gid_t)id;
    return 0;
}

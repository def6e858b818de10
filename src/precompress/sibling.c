#include "precompress/sibling.h"

#include "base/util.h"
#include "http/encoding.h"
#include "http/mime_core.h"

// Below it the head of the answer outweighs what is gained.
enum { SIZE_MIN = 256 };

// Types that are not textual (mime_wants_charset()) and yet compress well.
static const char *const types[] = {
    "application/pgp-signature",
    "application/postscript",
    "application/rtf",
    "application/vnd.apple.mpegurl",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-pem-file",
    "application/x-sh",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/vnd.microsoft.icon",
    "model/gltf-binary",
};

bool sibling_suits(struct slice name)
{
    struct slice type = mime_core_find(name);
    if (encoding_of_file(name) != CODING_IDENTITY) // is compressed
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (slice_equal(type, slice_of(types[i])))
            return true;
    return mime_is_xml(type) || mime_wants_charset(type);
}

bool sibling_name(char ret[static NAME_MAX + 1], const char *name, const char *suffix)
{
    if (strlen(name) + strlen(suffix) > NAME_MAX)
        return false;
    stpcpy(stpcpy(ret, name), suffix);
    return true;
}

static bool is_older(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

enum sibling_state sibling_judge(const struct stat *original, const struct stat *sibling)
{
    if (!sibling)
        return original->st_size < SIZE_MIN ? SIBLING_NEEDLESS : SIBLING_MISSING;
    if (!S_ISREG(sibling->st_mode))
        return SIBLING_FOREIGN;
    return is_older(&sibling->st_mtim, &original->st_mtim) ? SIBLING_STALE : SIBLING_FRESH;
}

uint64_t sibling_size_max(uint64_t size)
{
    return size - size / 20;
}

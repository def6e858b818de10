// The SHA-256 of a file as who published it wrote it down: in the file NAME.sha256 beside it, as
// sha256sum(1) writes, or in its extended attribute user.sha256 (hexadecimal).
//
// Nothing is computed here, and what is written is believed only while it can be about the content
// of now: the file beside it is not older than the content, the attribute was set after the last
// change of the content.
#pragma once

#include "http/digest.h"
#include "sys/rootfs.h"

struct filedigest {
    bool known;
    uint8_t bytes[DIGEST_LEN];
    bool lasting;                 // it cannot have changed unseen since it was read
    struct file_identity sidecar; // of NAME.sha256; all zero: there is none
};

// The file that is asked about.
struct filedigest_file {
    const char *path; // beneath the root
    int fd;           // it is open
    const struct file_identity *id;
};

// Reads the digest of a file in its state of now.
void filedigest_read(struct filedigest *d, const struct rootfs *root,
                     const struct filedigest_file *file, int64_t now_s);

// Whether NAME.sha256 is still in the state that was read. The attribute is a part of the file: to
// set it changes the file's identity.
bool filedigest_is_current(const struct filedigest *d, const struct rootfs *root, const char *path);

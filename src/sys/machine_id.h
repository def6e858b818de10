// The machine's own number (machine-id(5)), which stays over restarts and is nobody else's.
//
// It is confidential: only what is hashed with it may be shown.
#pragma once

#include "base/siphash.h"

#define MACHINE_ID_FILE "/etc/machine-id"

// Reads it as a key from an open file, MACHINE_ID_FILE as a rule. Where there is none (`fd` < 0),
// or none yet, the key is all zero, which stays likewise.
struct siphash_key machine_id_key(int fd);

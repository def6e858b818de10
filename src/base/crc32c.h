// CRC-32C, the checksum by Castagnoli's polynomial (RFC 9260 appendix A). Pure.
//
// A nibble at a time, by a table of 64 bytes: it is for a few bytes at the start of a connection.
#pragma once

#include "base/slice.h"

#include <stdint.h>

// The checksum of the bytes before, of which `crc` is that (0: there are none), and of these.
uint32_t crc32c(uint32_t crc, struct slice bytes);

// A socket that takes what the test allows (-Wl,--wrap=transmit_send,--wrap=transmit_file).
#pragma once

#include "tempdir.h"
#include "unit.h"

#include "sys/transmit.h"

#include <errno.h>

extern ssize_t socket_allowance; // bytes that the socket takes; negative: all that comes
extern unsigned socket_sends;    // calls that sent

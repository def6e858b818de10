#!/bin/sh
# nbdkit's curl plugin 1.32.5 (Debian 12) asks for one byte more than it reads, each time.
#
# Guess: a read of N bytes at O is "Range: bytes=O-(O+N-1)", for the last position is part of a range
#   (RFC 9110, 14.1.2).
# Seen: it is "bytes=O-(O+N)". The byte is sent and thrown away; at the end of the file the range goes
#   one past the last byte. A server that counts bytes, or answers block by block from a cache, touches
#   the next block for each read. The connection is kept all the same.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian nbdkit=1.32.5-1 libnbd-bin=1.14.2-1
head -c 524288 /dev/zero >www/disk.img
serve
# shellcheck disable=SC2016 # nbdkit puts the URI there
nbdkit -U - "$(find root -name nbdkit-curl-plugin.so)" url="$URL/disk.img" \
    --run 'nbdcopy --connections=1 --requests=1 "$uri" copy'
cmp www/disk.img copy
requests range >seen
expect seen <<'END'
1 HEAD /disk.img 200 -
1 GET /disk.img 206 bytes=0-262144
1 GET /disk.img 206 bytes=262144-524288
END

#!/bin/sh
# osinfo-detect 1.10.0 (libosinfo, Debian 12) calls itself "Wget/1.0", and reads an image without Range.
#
# Guess: it names itself or libosinfo; of an image, of which it wants some sectors, it asks for these.
# Seen: servers that slow down or refuse wget, as mirrors do, do so to the virtual machine managers that use the
#   library, and statistics count mirrors. A tree whose address ends with a slash, as each directory's does,
#   is asked for at "//". For an image of a CD the whole is asked for, and the connection is reset after the
#   first 40 KiB: as many bytes are sent as fit into the buffers between, and a log shows a download broken off.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian libosinfo-bin=1.10.0-2 libosinfo-1.0-0=1.10.0-2
mkdir www/tree
head -c 4000000 /dev/zero >www/disc.iso
serve
for tree in tree tree/; do
    osinfo-detect -t tree "$URL/$tree" >detect.out 2>&1 || :
done
osinfo-detect -t media "$URL/disc.iso" >detect.out 2>&1 || :
requests user-agent range accept-encoding | cut -d' ' -f2- >seen
expect seen <<'END'
GET /tree/.treeinfo 404 Wget/1.0 - gzip, deflate
GET /tree/treeinfo 404 Wget/1.0 - gzip, deflate
GET /tree//.treeinfo 404 Wget/1.0 - gzip, deflate
GET /tree//treeinfo 404 Wget/1.0 - gzip, deflate
GET /disc.iso 200 Wget/1.0 - gzip, deflate
END

#!/bin/sh
# bmaptool 3.6 (Debian 12) fetches the image and its block map twice each.
#
# Guess: one request for the image, one for each name that the map may have.
# Seen: image and map are opened by two requests each, on connections of their own, and the first
#   answer of the two is thrown away: of a large image the server has sent what fits into the buffers
#   between, a small one is transferred twice. It calls itself "Mozilla/5.0". A server's statistics
#   count two downloads and one reset for each card that is written.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian bmap-tools=3.6-2
head -c 65536 /dev/urandom >www/card.img
export PYTHONPATH="$WORK/root/usr/lib/python3/dist-packages"
bmaptool=root/usr/bin/bmaptool
/usr/bin/python3 "$bmaptool" -q create -o www/card.bmap www/card.img 2>create.out || {
    cat create.out
    exit 1
}
serve
/usr/bin/python3 "$bmaptool" -q copy "$URL/card.img" card.out 2>copy.out || {
    cat copy.out
    exit 1
}
cmp www/card.img card.out
requests user-agent >seen
expect seen <<'END'
1 GET /card.img 200 Mozilla/5.0
2 GET /card.img 200 Mozilla/5.0
3 GET /card.img.bmap 404 Mozilla/5.0
4 GET /card.bmap 200 Mozilla/5.0
5 GET /card.bmap 200 Mozilla/5.0
6 GET /card.bmap.asc 404 Mozilla/5.0
7 GET /card.bmap.sig 404 Mozilla/5.0
END

#!/bin/sh
# iPXE 1.0.0+git-20190125 (Debian 12) hooks no disk that is shorter than 34816 bytes, and asks eleven times
# for what lies beyond its end.
#
# Guess: sanboot reads the first sector first, for that is the one that is started; an image of some sectors
#   is as good as another.
# Seen: its first read is the volume descriptor of a CD, at 32768, whatever the image is. 416 is right where
#   the image ends before, and for iPXE it is no answer "this is no CD" but an error, which it repeats ten
#   times and then reports as "HTTP 4xx Client Error". A server's log shows a burst of 416 for each boot; an
#   image that is padded to 34816 bytes is well.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
# shellcheck source=findings/machine
. "$HERE/machine"
# shellcheck disable=SC2086
debian ipxe-qemu=1.0.0+git-20190125.36a4c85-5.1 $BOOT_PACKAGES
head -c 16384 /dev/zero >www/short.img
head -c 34816 /dev/zero >www/padded.img
serve
origin=http://10.0.2.2:${URL##*:}
cat >www/boot.ipxe <<END
#!ipxe
sanhook $origin/short.img && echo sanhook is well || echo sanhook failed
sanhook --drive 0x81 $origin/padded.img && echo sanhook is well || echo sanhook failed
echo the end
END
start_machine "$origin/boot.ipxe"
end_machine_after 'the end'
{
    tr -d '\r' <serial | grep -oE 'sanhook (is well|failed)|Could not open SAN device: [^(]*[^ (]'
    requests range | cut -d' ' -f2- | uniq -c | sed 's/^ *//'
} >seen
expect seen <<'END'
Could not open SAN device: HTTP 4xx Client Error
sanhook failed
sanhook is well
1 GET /boot.ipxe 200 -
1 HEAD /short.img 200 -
11 GET /short.img 416 bytes=32768-34815
1 HEAD /padded.img 200 -
1 GET /padded.img 206 bytes=32768-34815
1 GET /padded.img 206 bytes=0-511
END

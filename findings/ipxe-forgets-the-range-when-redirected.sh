#!/bin/sh
# iPXE 1.0.0+git-20190125 (Debian 12): after a redirect HEAD becomes GET and Range is gone, so that no disk
# can be booted from behind one, and the server sends the whole image again and again.
#
# Guess: redirects are followed with method and fields as they were (imgfetch follows 301, 302, 303 and 308
#   well), or sanboot fails at the first.
# Seen: HEAD is redirected to a GET of the whole image, whose connection is cut; then each read of 2048 bytes
#   is a request with Range, a redirect, and a GET without it. The 200 is of no use, and it tries again:
#   twelve times the image, as much of it as goes out before the cut, and "Operation not supported".
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
# shellcheck source=findings/machine
. "$HERE/machine"
# shellcheck disable=SC2086
debian ipxe-qemu=1.0.0+git-20190125.36a4c85-5.1 $BOOT_PACKAGES
head -c 1000000 /dev/zero >www/disk.img
serve --moved 302
origin=http://10.0.2.2:${URL##*:}
cat >www/boot.ipxe <<END
#!ipxe
imgfetch $origin/moved/disk.img && echo imgfetch is well || echo imgfetch failed
imgfree
sanhook $origin/disk.img && echo sanhook is well || echo sanhook failed
sanhook --drive 0x81 $origin/moved/disk.img && echo sanhook is well || echo sanhook failed
echo the end
END
start_machine "$origin/boot.ipxe"
end_machine_after 'the end'
{
    tr -d '\r' <serial | grep -oE '(imgfetch|sanhook) (is well|failed)|Could not open SAN device: [^(]*[^ (]'
    requests range | cut -d' ' -f2- | sort | uniq -c | sed 's/^ *//'
} >seen
expect seen <<'END'
imgfetch is well
sanhook is well
Could not open SAN device: Operation not supported
sanhook failed
1 GET /boot.ipxe 200 -
13 GET /disk.img 200 -
1 GET /disk.img 206 bytes=0-511
1 GET /disk.img 206 bytes=32768-34815
1 GET /moved/disk.img 302 -
11 GET /moved/disk.img 302 bytes=32768-34815
1 HEAD /disk.img 200 -
1 HEAD /moved/disk.img 302 -
END

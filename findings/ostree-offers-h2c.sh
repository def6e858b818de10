#!/bin/sh
# libostree 2022.7 (Debian 12) offers an upgrade to HTTP/2 in each request, over plain HTTP.
#
# Guess: it speaks HTTP/1.1 over plain HTTP, as curl and apt do, and HTTP/2 where TLS chooses it.
# Seen: "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c" and "HTTP2-Settings" stand in every
#   request of a pull, also after the server has passed over the first. RFC 9113 (3.1) has withdrawn
#   that upgrade; a server, and a cache that forwards what it does not know, must drop all three.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian ostree=2022.7-2+deb12u1 libostree-1-1=2022.7-2+deb12u1
mkdir tree
echo hello >tree/file
ostree --repo=www/repo init --mode=archive
ostree --repo=www/repo commit -b main tree >commit.out
serve
ostree --repo=clone init
ostree --repo=clone remote add --no-gpg-verify origin "$URL/repo"
ostree --repo=clone pull origin main >pull.out
requests upgrade connection | cut -d' ' -f2,5- | sort | uniq -c | sed 's/^ *[0-9]* //' >seen
expect seen <<'END'
GET h2c Upgrade, HTTP2-Settings
END

#!/bin/sh
# HTTPDirFS 1.2.5 (Debian 12) shows no file of length 0.
#
# Guess: the mount shows what the page of links names: an empty file is a file.
# Seen: the HEAD that it sends for each link is answered "Content-Length: 0", after which the name does
#   not exist in the mount. Mirrors lose their __init__.py, .gitkeep and stamp files without a message.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian httpdirfs=1.2.5-1
[ -c /dev/fuse ] || {
    echo "FUSE is missing"
    exit 77
}
mkdir -p www/tree mount
: >www/tree/empty
echo hello >www/tree/full
serve
httpdirfs --cache-location "$WORK/cache" -f "$URL/tree/" mount >httpdirfs.out 2>&1 &
mounted=$!
tries=100
until mountpoint -q mount; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || break
    sleep 0.1
done
ls mount >names || :
umount mount || :
kill "$mounted" 2>/dev/null || :
wait "$mounted" || :
{
    requests | cut -d' ' -f2- | grep HEAD | sort -u
    echo "names in the mount:" "$(cat names)"
} >seen
expect seen <<'END'
HEAD /tree/empty 200
HEAD /tree/full 200
names in the mount: full
END

#!/bin/sh
# gvfs 1.50.3 (Debian 12): the size of a file over http is that of its gzip variant.
#
# Guess: size is asked for without Accept-Encoding, or is unknown where Content-Encoding stands in the
#   answer, for reading gives the decoded bytes.
# Seen: HEAD says "Accept-Encoding: gzip, deflate", and Content-Length of the coded variant becomes
#   standard::size; reading the same address gives all decoded bytes. A program that reads as many as the
#   size says has the beginning of the file only.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian gvfs-backends=1.50.3-1+deb12u1 gvfs-daemons gvfs-libs gvfs libglib2.0-bin dbus-daemon
seq 100000 >www/numbers.txt
serve --gzip
export HOME="$WORK" XDG_RUNTIME_DIR="$WORK"
# Its daemon and the mount for http are found by absolute paths otherwise.
mkdir mounts
sed "s|^Exec=/|Exec=$WORK/root/|" root/usr/share/gvfs/mounts/http.mount >mounts/http.mount
export GVFS_MOUNTABLE_DIR="$WORK/mounts" GIO_EXTRA_MODULES="$LIBRARIES/gio/modules"
export LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$LIBRARIES/gvfs"
cat >ask <<'END'
root/usr/libexec/gvfsd &
daemon=$!
tries=50
until gio info -a standard::size "$1" >info 2>/dev/null; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || break
    sleep 0.1
done
sed -n 's/^ *standard::size: //p' info | sort -u
gio cat "$1" | wc -c
kill "$daemon"
END
dbus-run-session -- sh ask "$URL/numbers.txt" >answers 2>errors
{
    read -r size
    read -r bytes
    echo "the size is less than half of the bytes: $([ $((size * 2)) -lt "$bytes" ] && echo yes)"
    echo "bytes read: $bytes"
} <answers >seen
requests accept-encoding | cut -d' ' -f2- | sort -u >>seen
expect seen <<'END'
the size is less than half of the bytes: yes
bytes read: 588895
GET /numbers.txt 200 gzip, deflate
HEAD /numbers.txt 200 gzip, deflate
END

#!/bin/sh
# curl 7.88.1 (Debian 12): with -z a 200 is thrown away when its Last-Modified is not later than the
# date that was asked with, and nothing says so.
#
# Guess: the server decides. 304 keeps the copy, a 200 is a new representation and is taken (RFC 9110,
#   13.1.3); this is how a file that was dated back (rsync -t, cp -p, a release that was withdrawn) gets
#   to those who have the later one.
# Seen: curl compares the dates itself, closes the connection within the content and returns 0, for the
#   old copy. With -R it gives that copy the new file's date, so that from then on the server can but say
#   304: the old bytes stay for ever. pacman 6.0.2, which asks by libcurl's CURLOPT_TIMEVALUE, keeps an
#   old database in the same way. A server reaches them by leaving Last-Modified out of that 200.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian curl=7.88.1-10+deb12u15
echo new >www/file
touch -d '2024-01-02 00:00 UTC' www/file
echo old >copy
touch -d '2024-01-03 00:00 UTC' copy
serve
for _ in 1 2; do
    result=0
    curl -s -R -z copy -o copy "$URL/file" || result=$?
    echo "returned $result: $(cat copy), dated $(TZ=UTC date -r copy +%F)"
done >seen
requests if-modified-since >>seen
expect seen <<'END'
returned 0: old, dated 2024-01-02
returned 0: old, dated 2024-01-02
1 GET /file 200 Wed, 03 Jan 2024 00:00:00 GMT
2 GET /file 304 Tue, 02 Jan 2024 00:00:00 GMT
END

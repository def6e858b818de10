#!/bin/sh
# wget2 1.99.1 (Debian 12): -c on a file that the server also has in gzip leaves the truncated file,
# dates it as if it were whole, and returns 0.
#
# Guess: the rest is asked for without Accept-Encoding, since its first byte is counted in the file as
#   it was decoded; or the answer's Content-Encoding is noticed and the file is fetched anew.
# Seen: Range stands beside "Accept-Encoding: gzip, ..." and without If-Range. A server may choose the
#   coded variant, of which the range then is (RFC 9110, 14.2). The bytes in the middle of a gzip
#   stream decode to nothing, and that is taken for the end. A server that wants its clients to have
#   whole files answers a Range without If-Range from the file itself.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian wget2=1.99.1-2.2
seq 100000 >www/numbers.txt
touch -d 2024-01-01 www/numbers.txt
serve --gzip
head -c 5000 www/numbers.txt >numbers.txt
result=0
wget2 -q -c "$URL/numbers.txt" || result=$?
{
    requests range accept-encoding
    echo "returned $result, $(wc -c <numbers.txt) of $(wc -c <www/numbers.txt) bytes, dated" \
        "$(TZ=UTC date -r numbers.txt +%F)"
} >seen
expect seen <<'END'
1 GET /numbers.txt 206 bytes=5000- gzip, deflate, bzip2, xz, lzma, br
returned 0, 5000 of 588895 bytes, dated 2024-01-01
END

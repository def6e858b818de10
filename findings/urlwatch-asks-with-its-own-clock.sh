#!/bin/sh
# urlwatch 2.25 (Debian 12): If-Modified-Since is the time at which it fetched, by its own clock, in a form
# that is not a date of HTTP.
#
# Guess: the Last-Modified of the last answer is sent back as it came, beside If-None-Match.
# Seen: the date is that of the fetch, and ends with "-0000" where HTTP-date has "GMT" (RFC 9110, 5.6.7).
#   A server without entity tags that passes over what is no date sends the whole file each time. One that is
#   generous, or compares by order, says 304 for a new file that is dated before the last fetch (rsync -t,
#   cp -p). With an ETag all is well, for If-None-Match goes first.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian urlwatch=2.25-1 python3-minidb python3-requests python3-keyring python3-cssselect python3-lxml python3-yaml \
    python3-appdirs
export PYTHONPATH="$WORK/root/usr/lib/python3/dist-packages" HOME="$WORK"
seq 100 >www/numbers.txt
touch -d 2024-01-01 www/numbers.txt

# Two runs, which have a cache in common.
watch() {
    rm -f cache
    echo "url: $URL/numbers.txt" >urls
    for _ in 1 2; do
        /usr/bin/python3 root/usr/bin/urlwatch --urls urls --config config --hooks hooks --cache cache >watch.out 2>&1 || {
            cat watch.out
            exit 1
        }
    done
    requests if-modified-since | cut -d' ' -f2- | sed -E "s/..., .. ... $(date -u +%Y) [0-9:]+/a date of this year,/"
    stop
}

{
    echo "with an ETag"
    serve
    watch
    echo "without"
    serve --no-etag
    watch
} >seen
expect seen <<'END'
with an ETag
GET /numbers.txt 200 -
GET /numbers.txt 304 a date of this year, -0000
without
GET /numbers.txt 200 -
GET /numbers.txt 200 a date of this year, -0000
END

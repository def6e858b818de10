#!/bin/sh
# apt-cacher-ng 3.7.4 (Debian 12) fetches a file that is dated back, keeps it, and tells clients 304.
#
# Guess: a cache that has received another file gives it to whom asks with the date of the one before; or it goes
#   by dates alone, and then keeps the one that it has.
# Seen: its own copy is replaced, so that a request without a date gets the new file, but If-Modified-Since is
#   compared by order: apt, which asks with the date of its Release file, is told 304 for as long as the origin's
#   date is not later. After a mirror goes back to a snapshot, new machines have its packages and the others
#   have not, by way of the same cache.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
# shellcheck source=findings/cacher
. "$HERE/cacher"
debian apt-cacher-ng=3.7.4-1+b2
release=www/dists/stable/Release
mkdir -p "$(dirname "$release")"

# CONTENT DATE
publish() {
    echo "Origin: $1" >"$release"
    touch -d "$2 00:00 UTC" "$release"
}

# [DATE]: prints the answer of the cacher to a request, which has If-Modified-Since then.
ask() {
    LD_LIBRARY_PATH='' python3 - "$port" "$URL/dists/stable/Release" "$@" <<'END'
import http.client, sys
port, url, *since = sys.argv[1:]
c = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
c.request("GET", url, headers={"If-Modified-Since": date for date in since})
answer = c.getresponse()
print(*filter(None, (str(answer.status), answer.read().decode().strip())))
END
}

publish later 2024-01-03
serve --port "$(free_port low)"
port=$(free_port low)
run_cacher "$port" "FreshIndexMaxAge: 0"
{
    ask
    publish earlier 2024-01-02
    ask 'Wed, 03 Jan 2024 00:00:00 GMT'
    ask
    ask 'Wed, 03 Jan 2024 00:00:00 GMT'
} >seen
end_cacher
requests if-range | cut -d' ' -f2- >>seen
expect seen <<'END'
200 Origin: later
304
200 Origin: earlier
304
GET /dists/stable/Release 200 -
GET /dists/stable/Release 200 Wed, 03 Jan 2024 00:00:00 GMT
GET /dists/stable/Release 206 Tue, 02 Jan 2024 00:00:00 GMT
GET /dists/stable/Release 206 Tue, 02 Jan 2024 00:00:00 GMT
END

#!/bin/sh
# apt-cacher-ng 3.7.4 (Debian 12) knows no port above 32767, neither its own nor an origin's.
#
# Guess: any port from 1 to 65535 will do for both, or is refused with a message about the number.
# Seen: with such a port of its own it starts without listening and speaks of an address that cannot be
#   resolved ("Success"); an origin on such a port is told 503 without having been asked. Ports that the
#   kernel chooses are from 32768 on, so a mirror on a port of its choice cannot be cached.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
# shellcheck source=findings/cacher
. "$HERE/cacher"
debian apt-cacher-ng=3.7.4-1+b2
head -c 1000 /dev/zero >www/example_1.0_all.deb
head -c 1000 /dev/zero >www/package_1.0_all.deb

# PORT URL: prints the status of a request by way of the cacher.
ask() {
    LD_LIBRARY_PATH='' python3 - "$@" <<'END'
import http.client, sys
try:
    c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)
    c.request("GET", sys.argv[2])
    print(c.getresponse().status)
except OSError as e:
    print(type(e).__name__)
END
}

{
    low=$(free_port low)
    run_cacher "$low"
    for side in low high; do
        serve --port "$(free_port "$side")"
        echo "an origin on a $side port: $(ask "$low" "$URL/example_1.0_all.deb") $(requests | wc -l) requests"
        stop
        rm -rf cacher/cache/*
    done
    end_cacher
    high=$(free_port high)
    run_cacher "$high"
    echo "its own port high: $(ask "$high" "http://localhost/")"
    grep -o "Error resolving address for binding: .*" said | head -n 1 || :
    end_cacher
} >seen
expect seen <<'END'
an origin on a low port: 200 1 requests
an origin on a high port: 503 0 requests
its own port high: ConnectionRefusedError
Error resolving address for binding: Success
END

#!/bin/sh
# LuaRocks 3.8.0 (Debian 12) remembers a 404 of a manifest for a day, and does not ask again.
#
# Guess: a 404 without Cache-Control is of this request alone; the next run asks again, as it does for a
#   manifest that it has (by HEAD and a comparison of Last-Modified, once a minute).
# Seen: the status is kept beside the cached file for 86400 seconds, and is not removed by a later success. While
#   it stands, the next run is sent to wget or curl with the advice to install luasec "for native HTTPS", for an
#   address of http; where neither program is, the manifest is not to be had. A mirror that is replaced
#   directory by directory, with a moment of 404 between, is lost to such clients until tomorrow.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian luarocks=3.8.0+dfsg1-1 lua5.1 lua-socket lua-any
LUA_PATH="$WORK/root/usr/share/lua/5.1/?.lua;$WORK/root/usr/share/lua/5.1/?/init.lua;;"
LUA_CPATH="$LIBRARIES/lua/5.1/?.so;;"
export LUA_PATH LUA_CPATH HOME="$WORK"
# Neither wget nor curl is among its programs.
mkdir programs
for name in sh uname mkdir rm mv ls chmod pwd id stat test cat mktemp rmdir cp touch find tar date env; do
    ln -s "$(command -v "$name")" programs/
done
lua=$(command -v lua5.1)

search() {
    : >record
    PATH=$WORK/programs "$lua" root/usr/bin/luarocks --lua-version=5.1 search --only-server="$URL" example 2>&1 |
        grep -oE '(HTTP/1.1 404 Not Found|no downloader tool available|1[.]0-1 [(]rockspec[)])' || :
    requests | cut -d' ' -f2-
}

serve
{
    echo "without a manifest"
    search
    cat >www/manifest-5.1 <<END
repository = { example = { ["1.0-1"] = { { arch = "rockspec" } } } }
commands = {}
modules = {}
END
    echo "with a manifest"
    search
    echo "without the memory"
    rm -r .cache
    search
} >seen
expect seen <<'END'
without a manifest
HTTP/1.1 404 Not Found
GET /manifest-5.1.zip 404
GET /manifest-5.1 404
with a manifest
no downloader tool available
without the memory
1.0-1 (rockspec)
GET /manifest-5.1.zip 404
GET /manifest-5.1 200
END

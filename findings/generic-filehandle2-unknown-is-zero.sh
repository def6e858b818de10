#!/bin/sh
# generic-filehandle2 2.1.10 (npm): a file whose complete length is not told has size 0.
#
# Guess: where Content-Range says "bytes 0-9/*" (RFC 9110, 14.4) the size is unknown: an error, or a HEAD.
# Seen: stat() returns 0 and read() of the same file gets its bytes. It is meant for browsers, to which the field
#   is hidden where Access-Control-Expose-Headers does not name Content-Range: there, too, each file is an
#   empty one, without an error, for readers of genome and other data that look for an index by the size. A server
#   for such pages names Content-Range among the exposed fields.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
npm_packages generic-filehandle2@2.1.10
seq 1000 >www/numbers
cat >ask.mjs <<'END'
import { RemoteFile } from "generic-filehandle2";
const file = new RemoteFile(process.argv[2]);
console.log("size", (await file.stat()).size, "read", (await file.read(100, 0)).length);
END
{
    for option in '' --unknown-length; do
        # shellcheck disable=SC2086
        serve $option
        LD_LIBRARY_PATH='' node ask.mjs "$URL/numbers"
        requests range | cut -d' ' -f2-
        stop
    done
} >seen
expect seen <<'END'
size 3893 read 100
GET /numbers 206 bytes=0-9
GET /numbers 206 bytes=0-99
size 0 read 100
GET /numbers 206 bytes=0-9
GET /numbers 206 bytes=0-99
END

#!/bin/sh
# undici 6.21.3 (npm), which is Node's fetch(): each HEAD says "Connection: close".
#
# Guess: HEAD goes over the connection that is there and leaves it open, for its answer has no content.
# Seen: GET does so and HEAD does not: it ends the connection that it goes over. Readers of Parquet, GeoTIFF, zip
#   and music files that ask for the size by HEAD before each file (hyparquet, @chunkd/source-http, @tokenizer/http)
#   cost a server an accept, a close and a TIME_WAIT more for each of them; behind a proxy with TLS, a handshake.
#   A GET with "Range: bytes=0-0" tells the size and keeps the connection.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
npm_packages undici@6.21.3
echo hello >www/file
serve
cat >ask.mjs <<'END'
import { fetch } from "undici";
const [, , url, method, range] = process.argv;
for (let i = 0; i < 4; i++) {
    await (await fetch(url, { method, headers: range ? { range } : {} })).arrayBuffer();
    await new Promise(done => setTimeout(done, 50));
}
process.exit(0);
END
for request in HEAD GET "GET bytes=0-0"; do
    : >record
    # shellcheck disable=SC2086
    LD_LIBRARY_PATH='' node ask.mjs "$URL/file" $request
    echo "$request: $(requests | cut -d' ' -f1 | sort -u | wc -l) connections," "$(requests connection | cut -d' ' -f5 | sort -u)"
done >seen
expect seen <<'END'
HEAD: 4 connections, close
GET: 1 connections, keep-alive
GET bytes=0-0: 1 connections, keep-alive
END

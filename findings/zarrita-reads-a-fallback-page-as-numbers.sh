#!/bin/sh
# zarrita 0.7.5 (npm): a chunk that is not there, on a server that answers unknown paths with the page
# of an app, becomes numbers.
#
# Guess: a chunk whose length is not that of its shape is an error, as it is with other readers of Zarr;
#   the page is text/html, and longer than the eight bytes of the chunk.
# Seen: the bytes of the page are taken for the numbers of the chunk, as many as fit. Arrays in Zarr leave
#   out chunks that hold nothing but the fill value and rely on 404 (only on that: 403 and 410 are errors),
#   so beneath "fallback" or "try_files ... /index.html" a map or an image has noise where it is empty.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
npm_packages zarrita@0.7.5
mkdir -p www/array/c
cat >www/array/zarr.json <<'END'
{"zarr_format": 3, "node_type": "array", "shape": [4], "data_type": "int32", "fill_value": 7, "attributes": {},
 "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2]}},
 "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
 "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]}
END
printf '\001\000\000\000\002\000\000\000' >www/array/c/0
echo '<html><body>An application</body></html>' >www/index.html
cat >read.mjs <<'END'
import * as zarr from "zarrita";
const array = await zarr.open.v3(new zarr.FetchStore(process.argv[2]), { kind: "array" });
console.log(...(await zarr.get(array, null)).data);
END
{
    serve
    echo "with 404: $(LD_LIBRARY_PATH='' node read.mjs "$URL/array")"
    stop
    serve --fallback index.html
    echo "with the page: $(LD_LIBRARY_PATH='' node read.mjs "$URL/array")"
    printf 'in the page: '
    head -c 8 www/index.html | od -An -t d4 | sed 's/^ *//; s/  */ /g'
} >seen
expect seen <<'END'
with 404: 1 2 7 7
with the page: 1 2 1836345404 1648115308
in the page: 1836345404 1648115308
END

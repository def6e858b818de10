#!/bin/sh
# w3m 0.5.3 (Debian 12): -dump_source prints gzip where a server has a file in that coding.
#
# Guess: it decodes, for it asks with "Accept-Encoding: gzip, ..." itself, and -dump of the same address gives
#   the text.
# Seen: the bytes of the coded variant are printed, and nothing tells; the status is 0. A script that reads a
#   list or a version by "w3m -dump_source" breaks on the day on which a gzip variant appears beside the file.
#   "-o accept_encoding=identity" gives the file.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian w3m=0.5.3+git20230121-2
echo '# text' >www/text.txt
serve --gzip
export HOME="$WORK"

# FILE: text, or the first bytes of a gzip stream.
kind() {
    case $(head -c 2 "$1" | od -An -t x1 | tr -d ' ') in
    1f8b) echo gzip ;;
    *) cat "$1" ;;
    esac
}

w3m -dump "$URL/text.txt" >text
w3m -dump_source "$URL/text.txt" >source
w3m -dump_source -o accept_encoding=identity "$URL/text.txt" >identity
{
    for name in text source identity; do
        echo "$name: $(kind "$name")"
    done
    requests accept-encoding
} >seen
expect seen <<'END'
text: # text
source: gzip
identity: # text
1 GET /text.txt 200 gzip, compress, bzip, bzip2, br
2 GET /text.txt 200 gzip, compress, bzip, bzip2, br
3 GET /text.txt 200 identity
END

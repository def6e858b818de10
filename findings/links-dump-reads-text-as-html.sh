#!/bin/sh
# Links 2.28 and ELinks 0.13.2 (Debian 12): -dump reads text/plain as HTML.
#
# Guess: text/plain is printed line by line, as their windows show it and as w3m and lynx print it.
# Seen: lines are joined and filled, and what looks like a tag is gone. It is so whatever Content-Type
#   says (and for local files): scripts that read a server's .txt, .py or log by "links -dump" get other
#   text. "-source" gives the bytes.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian links=2.28-1+b2 elinks=0.13.2-1+b4
printf 'if a<b> then\nnext line\n' >www/file.txt
serve
export HOME="$WORK"
for program in links elinks; do
    echo "$program -dump:$("$program" -dump "$URL/file.txt" | tr '\n' '|')"
    echo "$program -source: $("$program" -source "$URL/file.txt" | tr '\n' '|')"
done >seen
expect seen <<'END'
links -dump:   if a then next line|
links -source: if a<b> then|next line|
elinks -dump:   if a then next line|
elinks -source: if a<b> then|next line|
END

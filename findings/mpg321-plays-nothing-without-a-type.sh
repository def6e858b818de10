#!/bin/sh
# mpg321 0.3.2 (Debian 12) plays nothing that has no Content-Type, and plays anything that has one.
#
# Guess: audio/mpeg is wanted, or the bytes decide, and Content-Type may be missing (RFC 9110, 8.3).
# Seen: without the field it gives up with "200 contains no Content-Type header"; with text/plain it plays.
#   A server that leaves the field out for what it does not know should not have .mp3 in that lot. Its request
#   says "Accept: * / *", with blanks that no media range has, and calls it xmms/1.2.7: whoever refuses bad
#   lists, or counts players by their names, has to know.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian mpg321=0.3.2-3.1
# Frames of silence: MPEG 1, layer III, 128 kbit/s, 44100 Hz, mono.
LD_LIBRARY_PATH='' python3 - <<'END'
with open("www/silence.mp3", "wb") as file:
    file.write((b"\xff\xfb\x90\xc4" + bytes(413)) * 20)
END
cp www/silence.mp3 www/silence.txt
serve
for name in silence.mp3 silence.txt; do
    rm -f sound.wav
    mpg321 -q -w sound.wav "$URL/$name" >mpg321.out 2>&1 </dev/null || grep -o '200 contains.*' mpg321.out
    echo "$name: $([ -s sound.wav ] && echo played || echo not played)"
done >seen
requests accept user-agent >>seen
expect seen <<'END'
200 contains no Content-Type header.
silence.mp3: not played
silence.txt: played
1 GET /silence.mp3 200 * / * xmms/1.2.7
2 GET /silence.txt 200 * / * xmms/1.2.7
END

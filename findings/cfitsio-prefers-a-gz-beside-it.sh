#!/bin/sh
# CFITSIO 4.2.0 (Debian 12) asks for NAME.gz and NAME.Z before the NAME that it was given, and transfers
# twice the one that it finds.
#
# Guess: one GET of the address as it was given; the gzip variant is what Accept-Encoding is for.
# Seen: each name is tried by a GET that is thrown away, then the first that exists is fetched anew. So it
#   reads the .gz that a server has as its precompressed variant, also one that is out of date: where the
#   server itself knows that it is older than the file, and sends the file, the library has the old image.
#   Beneath a fallback that answers unknown paths with a page no image can be opened at all.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian libcfitsio-bin=4.2.0-3
LD_LIBRARY_PATH='' python3 - <<'END'
def image(value):
    cards = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    1",
             "NAXIS1  =                 2880", "END"]
    return "".join(card.ljust(80) for card in cards).ljust(2880).encode() + bytes([value]) * 2880
for name, value in ("old", 1), ("new", 2):
    with open(name, "wb") as file:
        file.write(image(value))
END
cp new www/image.fits

copy() {
    rm -f copied
    if fitscopy "$URL/image.fits" copied >fitscopy.out 2>&1; then
        for name in old new; do
            ! cmp -s "$name" copied || echo "copied: $name"
        done
    else
        grep -o 'FITSIO status.*' fitscopy.out
    fi
    requests | cut -d' ' -f2-
    stop
}

{
    echo "the file alone"
    serve
    copy
    echo "an older file beside it"
    gzip <old >www/image.fits.gz
    touch -d 2024-01-01 www/image.fits.gz
    serve
    copy
    rm www/image.fits.gz
    echo "a fallback"
    echo '<html><body>An application</body></html>' >www/index.html
    serve --fallback index.html
    copy
} >seen
expect seen <<'END'
the file alone
copied: new
GET /image.fits.gz 404
GET /image.fits.Z 404
GET /image.fits 200
GET /image.fits 200
an older file beside it
copied: old
GET /image.fits.gz 200
GET /image.fits.gz 200
a fallback
FITSIO status = 104: could not open the named file
GET /image.fits.gz 200
GET /image.fits.gz 200
END

#!/bin/sh
# GRUB 2.06 (Debian 12): over HTTP the page of a redirect is the file, and no file exists.
#
# Guess: a redirect is followed, or is an error as 404 is; "test -e" and "test -s" are of one mind.
# Seen: the content of a 301, 302 or 308 is read as if it were the file's: it becomes the configuration, the
#   kernel, the theme. A boot server that redirects to HTTPS, or to the path with a slash, feeds its pages to
#   the loader; after 404 there is no file. Since there is no listing of a directory, "test -e" and "test -f" are
#   false for what "test -s" and "cat" read, so that "if [ -e custom.cfg ]" never holds.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
# shellcheck source=findings/machine
. "$HERE/machine"
# shellcheck disable=SC2086
debian grub-pc-bin=2.06-13+deb12u2 grub-common=2.06-13+deb12u2 ipxe-qemu $BOOT_PACKAGES
echo the file >www/file
mkdir tftp
for status in 301 308; do
    serve --moved "$status"
    cat >www/boot.cfg <<END
for name in /file /moved/file /missing; do
    echo = \$name
    cat \$name
    if [ -e \$name ]; then echo = -e; fi
    if [ -s \$name ]; then echo = -s; fi
done
echo = the end
END
    cat >early.cfg <<END
serial --unit=0
terminal_output serial
set root=(http,10.0.2.2:${URL##*:})
normal /boot.cfg
END
    grub-mkimage -d root/usr/lib/grub/i386-pc -O i386-pc-pxe -o tftp/core.0 -c early.cfg -p /grub \
        pxe http net normal serial terminal echo test cat
    start_machine core.0 tftp
    end_machine_after 'the end'
    echo "$status"
    tr -d '\r' <serial | grep -oE '(= .*|the file|moved|error: .*)$'
    stop
done >seen
expect seen <<'END'
301
= /file
the file
= -s
= /moved/file
moved
= -s
= /missing
= the end
308
= /file
the file
= -s
= /moved/file
moved
= -s
= /missing
= the end
END

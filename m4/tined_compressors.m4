# TINED_WITH_COMPRESSOR(NAME, CODING): the switch --without-NAME.
AC_DEFUN([TINED_WITH_COMPRESSOR], [
    AC_ARG_WITH([$1],
        [AS_HELP_STRING([--without-$1], [tined precompress makes no siblings in $2])],
        [], [with_$1=yes])
])

# TINED_CHECK_COMPRESSOR(VARIABLE, NAME, MODULES, DEBIAN-PACKAGE): looks for the library, unless it
# is left out; defines HAVE_VARIABLE and adds NAME to have_compressors.
AC_DEFUN([TINED_CHECK_COMPRESSOR], [
    AS_IF([test "x$with_$2" != xno], [
        PKG_CHECK_MODULES([$1], [$3], [
            AC_DEFINE([HAVE_$1], [1], [tined precompress uses $2])
            have_compressors="$have_compressors $2"
        ], [AC_MSG_ERROR([tined precompress needs $2 (on Debian the package $4); leave it out by --without-$2])])])
])

# TINED_CC_FLAGS(VARIABLE, FLAGS): append those FLAGS to VARIABLE that the compiler takes without a
# warning (clang only warns of a flag that it does not know, hence -Werror).
AC_DEFUN([TINED_CC_FLAGS], [
    tined_saved_cflags=$CFLAGS
    for flag in m4_normalize([$2]); do
        AC_MSG_CHECKING([whether $CC takes $flag])
        CFLAGS="$tined_saved_cflags -Werror $flag"
        AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
            [AC_MSG_RESULT([yes])
             $1="$$1 $flag"],
            [AC_MSG_RESULT([no])])
    done
    CFLAGS=$tined_saved_cflags
])

# TINED_LD_FLAGS(VARIABLE, FLAGS): the same for the linker.
AC_DEFUN([TINED_LD_FLAGS], [
    tined_saved_ldflags=$LDFLAGS
    for flag in m4_normalize([$2]); do
        AC_MSG_CHECKING([whether the linker takes $flag])
        LDFLAGS="$tined_saved_ldflags -Werror $flag"
        AC_LINK_IFELSE([AC_LANG_PROGRAM()],
            [AC_MSG_RESULT([yes])
             $1="$$1 $flag"],
            [AC_MSG_RESULT([no])])
    done
    LDFLAGS=$tined_saved_ldflags
])

# Sources and unit tests of src/sys (Makefile.am includes this).
libtined_a_SOURCES += \
	src/sys/account.c src/sys/account.h \
	src/sys/askers.c src/sys/askers.h \
	src/sys/clock.c src/sys/clock.h \
	src/sys/cpus.c src/sys/cpus.h \
	src/sys/crew.c src/sys/crew.h \
	src/sys/directory.c src/sys/directory.h \
	src/sys/fdpass.c src/sys/fdpass.h \
	src/sys/fdtable.c src/sys/fdtable.h \
	src/sys/filecopy.c src/sys/filecopy.h \
	src/sys/fstype.c src/sys/fstype.h \
	src/sys/journal.c src/sys/journal.h \
	src/sys/listener.c src/sys/listener.h \
	src/sys/logfile.c src/sys/logfile.h \
	src/sys/listener_note.c src/sys/listener_note.h \
	src/sys/machine_id.c src/sys/machine_id.h \
	src/sys/pagecache.c src/sys/pagecache.h \
	src/sys/pages.c src/sys/pages.h \
	src/sys/pathwalk.c src/sys/pathwalk.h \
	src/sys/poller.c src/sys/poller.h \
	src/sys/port_owner.c src/sys/port_owner.h \
	src/sys/privs.c src/sys/privs.h \
	src/sys/resolve.c src/sys/resolve.h \
	src/sys/rootfs.c src/sys/rootfs.h \
	src/sys/sandbox.c src/sys/sandbox.h \
	src/sys/sharedmem.c src/sys/sharedmem.h \
	src/sys/signals.c src/sys/signals.h \
	src/sys/systemd.c src/sys/systemd.h \
	src/sys/textfile.c src/sys/textfile.h \
	src/sys/transmit.c src/sys/transmit.h \
	src/sys/unit_hides.c src/sys/unit_hides.h

unit_tests += \
	tests/unit/test_account \
	tests/unit/test_account_absent \
	tests/unit/test_askers \
	tests/unit/test_clock \
	tests/unit/test_cpus \
	tests/unit/test_crew \
	tests/unit/test_directory \
	tests/unit/test_fdpass \
	tests/unit/test_fdtable \
	tests/unit/test_filecopy \
	tests/unit/test_fstype \
	tests/unit/test_journal \
	tests/unit/test_listener \
	tests/unit/test_logfile \
	tests/unit/test_listener_note \
	tests/unit/test_machine_id \
	tests/unit/test_pagecache \
	tests/unit/test_pages \
	tests/unit/test_pathwalk \
	tests/unit/test_pathwalk_mounts \
	tests/unit/test_pathwalk_moves \
	tests/unit/test_poller \
	tests/unit/test_port_owner \
	tests/unit/test_privs \
	tests/unit/test_resolve \
	tests/unit/test_rootfs \
	tests/unit/test_sandbox \
	tests/unit/test_sharedmem \
	tests/unit/test_signals \
	tests/unit/test_systemd \
	tests/unit/test_textfile \
	tests/unit/test_transmit \
	tests/unit/test_unit_hides
threaded_units += tests/unit/test_askers tests/unit/test_crew

tests_unit_test_account_absent_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getpwnam,--wrap=getpwuid,--wrap=getgrnam
tests_unit_test_listener_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=nanosleep

# Shared by the unit tests (Makefile.am includes this). The tests themselves are listed with
# their modules in src/LAYER/local.mk; automake finds the source by the program's name.

# Shared by unit tests: fixtures, and functions in the place of others.
if !FUZZING
if HAVE_CMOCKA
check_LIBRARIES += tests/unit/support/libsupport.a
support_archive = tests/unit/support/libsupport.a
endif
endif

tests_unit_support_libsupport_a_SOURCES = \
	tests/unit/support/bothways.c tests/unit/support/bothways.h \
	tests/unit/support/cachefixture.c tests/unit/support/cachefixture.h \
	tests/unit/support/confload.c tests/unit/support/confload.h \
	tests/unit/support/explainfixture.c tests/unit/support/explainfixture.h \
	tests/unit/support/guarded.c tests/unit/support/guarded.h \
	tests/unit/support/loopfixture.c tests/unit/support/loopfixture.h \
	tests/unit/support/listfixture.c tests/unit/support/listfixture.h \
	tests/unit/support/looppair.c tests/unit/support/looppair.h \
	tests/unit/support/masterparts.c tests/unit/support/masterparts.h \
	tests/unit/support/process.c tests/unit/support/process.h \
	tests/unit/support/routefixture.c tests/unit/support/routefixture.h \
	tests/unit/support/scarce.c tests/unit/support/scarce.h \
	tests/unit/support/silence.c tests/unit/support/silence.h \
	tests/unit/support/slowsocket.c tests/unit/support/slowsocket.h \
	tests/unit/support/tempdir.c tests/unit/support/tempdir.h \
	tests/unit/support/turnclock.c tests/unit/support/turnclock.h \
	tests/unit/support/unit.c tests/unit/support/unit.h

# Functions that a test puts its own in the place of: it moves the clock, lets a socket be full, or
# memory end.
wrap_clock = -Wl,--wrap=clock_read
wrap_turns = -Wl,--wrap=clock_now_us,--undefined=__wrap_clock_now_us
wrap_memory = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
wrap_transmit = -Wl,--wrap=transmit_send,--wrap=transmit_file
wrap_disk = -Wl,--wrap=pagecache_has,--wrap=pagecache_load,--wrap=pagecache_read \
	-Wl,--wrap=pthread_create
wrap_fetch = -Wl,--wrap=fetch_job_run,--undefined=__wrap_fetch_job_run
wrap_poller = -Wl,--wrap=poller_add
wrap_pair = $(wrap_clock) $(wrap_memory) $(wrap_poller) $(wrap_transmit)

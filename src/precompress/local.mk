# Sources and unit tests of src/precompress (Makefile.am includes this): the program that compresses.
# The libraries stay with it: the daemon links none of them.
libprecompress_a_SOURCES = \
	src/precompress/compressor.c src/precompress/compressor.h \
	src/precompress/interrupt.c src/precompress/interrupt.h \
	src/precompress/job.c src/precompress/job.h \
	src/precompress/options.c src/precompress/options.h \
	src/precompress/plan.c src/precompress/plan.h \
	src/precompress/pool.c src/precompress/pool.h \
	src/precompress/progress.c src/precompress/progress.h \
	src/precompress/sibling.c src/precompress/sibling.h \
	src/precompress/tally.c src/precompress/tally.h \
	src/precompress/tree.c src/precompress/tree.h \
	src/precompress/writer.c src/precompress/writer.h

tined_precompress_SOURCES = src/precompress/main.c
tined_precompress_LDADD = libprecompress.a libtined.a $(compressor_libs)

if HAVE_COMPRESSORS
pkglibexec_PROGRAMS = tined-precompress
# "tined precompress" executes it and has the help: distcheck need not find --help and --version here.
AM_INSTALLCHECK_STD_OPTIONS_EXEMPT = tined-precompress
noinst_LIBRARIES += libprecompress.a
precompress_archive = libprecompress.a
compressor_libs = $(ZLIB_LIBS) $(BROTLI_LIBS) $(ZSTD_LIBS)
unit_tests += \
	tests/unit/test_compressor \
	tests/unit/test_interrupt \
	tests/unit/test_job \
	tests/unit/test_options \
	tests/unit/test_plan \
	tests/unit/test_pool \
	tests/unit/test_progress \
	tests/unit/test_sibling \
	tests/unit/test_tally \
	tests/unit/test_tree \
	tests/unit/test_writer
endif

tests_unit_test_job_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock)

# The benchmark (Makefile.am includes this).
it_tests += tests/bench/selftest.py
test_programs += \
	tests/bench/ceiling \
	tests/bench/client \
	tests/bench/openloop

tests_bench_ceiling_SOURCES = \
	tests/bench/ceiling.c \
	tests/bench/arguments.c tests/bench/arguments.h \
	tests/bench/common.c tests/bench/common.h

tests_bench_client_SOURCES = \
	tests/bench/client.c \
	tests/bench/arguments.c tests/bench/arguments.h \
	tests/bench/common.c tests/bench/common.h \
	tests/bench/meter.c tests/bench/meter.h \
	tests/bench/verify.c tests/bench/verify.h

tests_bench_openloop_SOURCES = \
	tests/bench/arguments.c tests/bench/arguments.h \
	tests/bench/common.c tests/bench/common.h \
	tests/bench/openloop.c \
	tests/bench/verify.c tests/bench/verify.h

# To be preloaded: what valgrind lacks for simulated servers.
preloaded += tests/bench/simulated.so
tests/bench/simulated.so: tests/bench/simulated.c

EXTRA_DIST += \
	tests/bench/bench.py \
	tests/bench/calls.py \
	tests/bench/chart.py \
	tests/bench/figures.py \
	tests/bench/latency.py \
	tests/bench/ratios.json \
	tests/bench/report.py \
	tests/bench/rounds.py \
	tests/bench/scale.py \
	tests/bench/servers.py \
	tests/bench/simulated.c \
	tests/bench/stage.py \
	tests/bench/store.py \
	tests/bench/tables.py \
	tests/bench/tree.py \
	tests/bench/workloads.py

# Integration tests (Makefile.am includes this). One is a script that runs the real daemon
# (tests/it/harness.py).
it_tests += \
	tests/it/00-harness.py \
	tests/it/10-http-basics.py \
	tests/it/11-framing.py \
	tests/it/20-files.py \
	tests/it/21-conformance.py \
	tests/it/22-rules.py \
	tests/it/23-sites.py \
	tests/it/24-variants.py \
	tests/it/25-listings.py \
	tests/it/26-explain.py \
	tests/it/27-ranges.py \
	tests/it/28-rules-and-strangers.py \
	tests/it/29-rules-and-fields.py \
	tests/it/30-listen.py \
	tests/it/31-proxies.py \
	tests/it/40-processes.py \
	tests/it/50-logs.py \
	tests/it/60-balance.py \
	tests/it/61-system-calls.py \
	tests/it/62-restart.py \
	tests/it/63-drain-edges.py \
	tests/it/64-deploys.py \
	tests/it/70-deadlines.py \
	tests/it/71-hostile-clients.py \
	tests/it/72-shortage.py \
	tests/it/73-hostile-trees.py \
	tests/it/74-workers-that-die.py \
	tests/it/75-machine.py \
	tests/it/76-socket-fuzz.py \
	tests/it/77-memory.py \
	tests/it/78-hostile-bytes.py \
	tests/it/79-missing-things.py \
	tests/it/80-changing-trees.py \
	tests/it/81-silent-roots.py \
	tests/it/85-precompress.py \
	tests/it/86-probe.py \
	tests/it/87-manual-and-completions.py \
	tests/it/90-handoff.py \
	tests/it/91-never-hangs-up.py \
	tests/it/92-watchdog.py \
	tests/it/93-recycling.py \
	tests/it/94-upgrade.py \
	tests/it/95-control.py \
	tests/it/96-service.py \
	tests/it/97-sandbox.py \
	tests/it/98-break-out.py \
	tests/it/98-changed-listeners.py \
	tests/it/98-taken-workers.py \
	tests/it/98-worker-inventory.py \
	tests/it/99-service-restarts.py

threaded_it += \
	tests/it/40-processes.py \
	tests/it/60-balance.py \
	tests/it/62-restart.py \
	tests/it/63-drain-edges.py \
	tests/it/74-workers-that-die.py \
	tests/it/85-precompress.py \
	tests/it/90-handoff.py \
	tests/it/93-recycling.py \
	tests/it/94-upgrade.py

# To be preloaded: a daemon whose workers do what they should not.
preloaded += tests/it/break-out.so tests/it/loud.so tests/it/other-version.so
tests/it/break-out.so: tests/it/break-out.c
tests/it/loud.so: tests/it/loud.c
tests/it/other-version.so: tests/it/other-version.c

# A program with two counters more than tined, each in the middle of a table, so that all that follow
# have another place: totals must cross an upgrade and a restart between the two (tests/it/totals.py).
EXTRA_PROGRAMS = tests/it/tined-more-counters
tests/it/94-upgrade.log tests/it/99-service-restarts.log: tests/it/tined-more-counters$(EXEEXT)
tests_it_tined_more_counters_SOURCES = src/main.c $(libtined_a_SOURCES)
tests_it_tined_more_counters_CPPFLAGS = -Itests/it/more-counters $(AM_CPPFLAGS)
tests_it_tined_more_counters_LDADD = $(LIBCONFIG_LIBS) $(LIBSYSTEMD_LIBS) $(LIBSECCOMP_LIBS)
more_counters = tests/it/more-counters/server/counters.h
$(tests_it_tined_more_counters_OBJECTS): $(more_counters)
$(more_counters): src/server/counters.h
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed \
		-e 's/^    X(accepted,/    X(of_more, "of_more", "more", "More.") &/' \
		-e 's/^    X(RESET,/    X(OF_MORE, "of_more", "more") &/' $(srcdir)/src/server/counters.h >$@.tmp && \
	test "$$(grep -ci 'X(of_more' $@.tmp)" = 2 && mv $@.tmp $@

EXTRA_DIST += $(it_tests)
EXTRA_DIST += \
	tests/it/README.md \
	tests/it/attack.py \
	tests/it/break-out.c \
	tests/it/conformance/features.py \
	tests/it/conformance/general.py \
	tests/it/conformance/mutate \
	tests/it/conformance/rfc3986.py \
	tests/it/conformance/rfc9110.py \
	tests/it/conformance/rfc9110_conditions.py \
	tests/it/conformance/rfc9111.py \
	tests/it/conformance/rfc9112.py \
	tests/it/conformance/runner.py \
	tests/it/conformance/table.py \
	tests/it/conformance/tree.py \
	tests/it/figures.py \
	tests/it/fusefs.py \
	tests/it/harness.py \
	tests/it/httpclient.py \
	tests/it/loud.c \
	tests/it/machine.c \
	tests/it/machine.py \
	tests/it/manager.py \
	tests/it/other-version.c \
	tests/it/processes.py \
	tests/it/ruled.py \
	tests/it/siege.py \
	tests/it/standin.py \
	tests/it/totals.py \
	tests/it/trees.py \
	tests/it/visits.py
